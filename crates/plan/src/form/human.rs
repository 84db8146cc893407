//! The budget for people.

use std::fmt::Write;

use text::{Align, Marks, Style, Table, Tone, clean, clean_within, wrap};

use super::{place, remedies, sentence, server_name};
use crate::report::{Judgement, PlanReport, ServerReport, ServiceReport};

/// Most characters of a service's name.
const NAME_CHARS_MAX: usize = 40;
/// Columns where nobody says how many there are.
const WIDTH: usize = 100;

/// The tables, the verdicts, what would fit, what was assumed, what was found.
pub fn budget(report: &PlanReport, style: Style) -> String {
    let mut out = String::new();
    for server in &report.servers {
        one(&mut out, server, style);
    }
    out.push_str(&super::findings::text(&report.findings, style));
    out
}

fn one(out: &mut String, server: &ServerReport, style: Style) {
    let paint = style.paint();
    let _ = writeln!(out, "{}", paint.tone(Tone::Strong, &heading(server)));
    if server.services.is_empty() {
        let _ = writeln!(out, "nothing here opens a connection\n");
        return;
    }
    table(out, server);
    out.push('\n');
    match &server.limits {
        Some(limits) => {
            for verdict in &server.verdicts {
                let (tone, mark) = mark(verdict.level, style.marks);
                let _ = writeln!(
                    out,
                    "{}",
                    paint.tone(tone, &format!("{mark}  {}", sentence(verdict, limits.usable)))
                );
            }
        }
        None => {
            let _ = writeln!(
                out,
                "{}",
                paint.tone(Tone::Warn, "no verdict: nothing says how many connections the server takes")
            );
        }
    }
    let width = style.width.unwrap_or(WIDTH);
    for remedy in remedies(server) {
        wrap(out, &remedy, "fit   ", "      ", width);
    }
    out.push('\n');
    assumptions(out, server, width);
}

fn heading(server: &ServerReport) -> String {
    match &server.limits {
        Some(limits) => {
            let target = u64::from(limits.usable) * u64::from(server.warn) / 100;
            format!(
                "Budget for {} (max_connections {}, usable {}, target {}% = {target})",
                clean(server_name(server)),
                limits.max_connections,
                limits.usable,
                server.warn
            )
        }
        None => format!("Budget for {}", clean(server_name(server))),
    }
}

fn table(out: &mut String, server: &ServerReport) {
    let numbers = ["REPLICAS", "SURGE", "TERM", "PROCS", "POOL", "STEADY", "PEAK", "ROLLOUT"];
    let mut columns = vec![("SERVICE", Align::Left)];
    columns.extend(numbers.map(|name| (name, Align::Right)));
    columns.extend([("SOURCE", Align::Left), ("", Align::Left)]);
    let mut table = Table::new(&columns);
    for service in &server.services {
        table.row(row(service));
    }
    let totals = &server.totals;
    let mut last = vec!["TOTAL".to_owned()];
    last.extend(["", "", "", "", ""].map(str::to_owned));
    last.extend([totals.steady, totals.peak, totals.rollout].map(|sum| sum.to_string()));
    table.row(last);
    for line in table.lines() {
        let _ = writeln!(out, "{line}");
    }
}

fn row(service: &ServiceReport) -> Vec<String> {
    let dash = || "-".to_owned();
    let range = |min: u32, max: u32| if min == max { max.to_string() } else { format!("{min}-{max}") };
    let mut cells = vec![clean_within(&service.name, NAME_CHARS_MAX)];
    match &service.replicas {
        Some(replicas) => {
            let some = |number: u32| if number == 0 { dash() } else { number.to_string() };
            cells.push(range(replicas.min, replicas.max));
            cells.extend([some(replicas.surge), some(replicas.terminating)]);
            cells.push(service.processes.to_string());
        }
        None => cells.extend([dash(), dash(), dash(), dash()]),
    }
    let pool = range(service.pool.min, service.pool.max);
    cells.push(if service.pool.beside == 0 { pool } else { format!("{pool}+{}", service.pool.beside) });
    let sums = [service.sums.steady, service.sums.peak, service.sums.rollout];
    cells.extend(sums.map(|sum| match service.via {
        // Clients of a pooler, not slots of the server.
        Some(_) => format!("({sum})"),
        None => sum.to_string(),
    }));
    cells.push(clean(&place(&service.source)));
    cells.push(match &service.via {
        Some(via) => format!("via {}", clean(via)),
        None => clean(&service.what),
    });
    cells
}

fn assumptions(out: &mut String, server: &ServerReport, width: usize) {
    let slots = server.limits.iter().flat_map(|limits| limits.assumptions.iter().map(|why| ("server", why)));
    let services = server
        .services
        .iter()
        .flat_map(|service| service.assumptions.iter().map(|why| (service.name.as_str(), why)));
    let mut all = slots.chain(services).peekable();
    if all.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "Assumed, for want of a setting:");
    for (who, why) in all {
        wrap(out, &clean(&format!("{who}: {why}")), "  ", "    ", width);
    }
    out.push('\n');
}

fn mark(level: Judgement, marks: Marks) -> (Tone, &'static str) {
    let unicode = marks == Marks::Unicode;
    match level {
        Judgement::Ok => (Tone::Good, if unicode { "✅" } else { "OK  " }),
        Judgement::Warning => (Tone::Warn, if unicode { "⚠️ " } else { "WARN" }),
        Judgement::Critical => (Tone::Bad, if unicode { "❌" } else { "CRIT" }),
        Judgement::Unknown => (Tone::Faint, if unicode { "❔" } else { "UNKN" }),
    }
}
