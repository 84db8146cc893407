//! The exposition: Prometheus' text format, version 0.0.4, which every collector reads.
//!
//! Values are made from a [`Frame`] at the moment somebody asks; nothing is counted here, so there is no registry.

use std::collections::BTreeMap;
use std::fmt::Write;

use engine::session::taint;
use engine::steward::CeilingOf;

use model::catalog::metrics::PROXY;

use super::metrics_table::{self as table, CLIENT_STATES, SERVER_STATES};
use crate::control::{Frame, SliceAt};

/// For the answer's header.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A value in units of a divisor: whole numbers stay whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Value {
    number: u64,
    divisor: u64,
}

/// Samples by metric and label values; equal labels (slices of one pool) are added up.
#[derive(Debug, Default)]
struct Samples(BTreeMap<&'static str, BTreeMap<Vec<String>, Value>>);

impl Samples {
    fn add(&mut self, name: &'static str, labels: &[&str], number: u64) {
        self.add_part(name, labels, number, 1);
    }

    fn add_part(&mut self, name: &'static str, labels: &[&str], number: u64, divisor: u64) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let value = self.0.entry(name).or_default().entry(labels).or_default();
        *value = Value { number: value.number.wrapping_add(number), divisor };
    }
}

/// The whole text.
pub fn exposition(frame: &Frame) -> String {
    let samples = samples(frame);
    let mut text = String::new();
    for metric in PROXY {
        // Writing to a String does not fail.
        let _ = writeln!(text, "# HELP {} {}", metric.name, metric.help);
        let _ = writeln!(text, "# TYPE {} {}", metric.name, metric.kind.word());
        for (labels, value) in samples.0.get(metric.name).into_iter().flatten() {
            text.push_str(metric.name);
            put_labels(&mut text, metric.labels, labels);
            text.push(' ');
            put_value(&mut text, *value);
            text.push('\n');
        }
    }
    text
}

fn put_labels(text: &mut String, names: &[&str], values: &[String]) {
    for (index, (name, value)) in names.iter().zip(values).enumerate() {
        text.push(if index == 0 { '{' } else { ',' });
        text.push_str(name);
        text.push_str("=\"");
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    if !values.is_empty() {
        text.push('}');
    }
}

fn put_value(text: &mut String, Value { number, divisor }: Value) {
    // Writing to a String does not fail.
    let _ = match divisor {
        1_000_000 => write!(text, "{}.{:06}", number / divisor, number % divisor),
        _ => write!(text, "{number}"),
    };
}

fn samples(frame: &Frame) -> Samples {
    let mut samples = Samples::default();
    process(&mut samples, frame);
    databases_and_servers(&mut samples, frame);
    for slice in &frame.slices {
        pool(&mut samples, slice);
    }
    for gone in &frame.books.retired {
        tally(&mut samples, &[&gone.database, &gone.user], &gone.tally);
    }
    for row in &frame.books.pools {
        let labels = [&*row.key.database, &*row.key.user];
        samples.add("connwarden_pool_size", &labels, row.size.0.into());
        samples.add("connwarden_pool_granted", &labels, row.granted.into());
        samples.add("connwarden_pool_wanted", &labels, row.wanted.into());
    }
    samples
}

fn process(samples: &mut Samples, frame: &Frame) {
    let books = &frame.books;
    samples.add("connwarden_up", &[], 1);
    samples.add("connwarden_ready", &[], books.ready.into());
    samples.add("connwarden_uptime_seconds", &[], frame.age.as_secs());
    samples.add("connwarden_clients_max", &[], frame.config.proxy.max_client_conn.into());
    samples.add("connwarden_clients_admitted_total", &[], books.admitted);
    samples.add("connwarden_console_clients", &[], frame.guests.into());
    for (reason, count) in &books.refused {
        samples.add("connwarden_clients_refused_total", &[reason], *count);
    }
    for worker in &frame.workers {
        for (field, count) in worker.each() {
            if let Some(name) = table::of_worker(field) {
                samples.add(name, &[], count);
            }
        }
    }
}

fn databases_and_servers(samples: &mut Samples, frame: &Frame) {
    for row in &frame.books.databases {
        samples.add("connwarden_database_clients", &[&row.name], row.clients.into());
        samples.add("connwarden_database_connections", &[&row.name], row.connections.into());
        samples.add("connwarden_database_paused", &[&row.name], (row.paused || frame.books.paused).into());
        samples.add("connwarden_database_disabled", &[&row.name], row.disabled.into());
    }
    for row in &frame.books.servers {
        samples.add("connwarden_server_connections", &[&row.name], row.connections.into());
        samples.add("connwarden_server_dials", &[&row.name], row.dialling.into());
        samples.add("connwarden_server_failures", &[&row.name], row.failures.into());
    }
    for row in &frame.books.ceilings {
        if let (CeilingOf::Server(server), Some(learned)) = (&row.limit, row.learned) {
            samples.add("connwarden_server_connections_learned_max", &[server], learned.into());
        }
    }
}

fn pool(samples: &mut Samples, SliceAt { row, .. }: &SliceAt) {
    let labels = [&*row.key.database, &*row.key.user];
    let clients = [row.clients_active, row.clients_idle, row.clients_waiting];
    for (state, count) in CLIENT_STATES.into_iter().zip(clients) {
        samples.add("connwarden_pool_clients", &[labels[0], labels[1], state], count.into());
    }
    let servers = [
        row.servers_active,
        row.servers_idle,
        row.servers_used,
        row.servers_tested,
        row.servers_login,
        row.servers_being_canceled,
        row.servers_closing,
    ];
    for (state, count) in SERVER_STATES.into_iter().zip(servers) {
        samples.add("connwarden_pool_servers", &[labels[0], labels[1], state], count.into());
    }
    samples.add_part("connwarden_pool_wait_seconds", &labels, row.oldest_us, 1_000_000);
    tally(samples, &labels, &row.tally);
    for (why, count) in row.closings.each() {
        samples.add("connwarden_server_closings_total", &[labels[0], labels[1], why.label()], count);
    }
    for (reason, count) in taint::NAMES.iter().zip(row.taints).filter(|(_, count)| *count > 0) {
        samples.add("connwarden_server_taints_total", &[labels[0], labels[1], reason], count);
    }
}

fn tally(samples: &mut Samples, labels: &[&str], tally: &engine::tally::SliceTally) {
    for (field, count) in tally.each() {
        if let Some((name, divisor)) = table::of_tally(field) {
            samples.add_part(name, labels, count, divisor);
        }
    }
}

#[cfg(test)]
mod tests;
