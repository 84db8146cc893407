//! `health` as a text exposition, for a textfile collector.

use std::collections::BTreeMap;
use std::fmt::Write;

use model::catalog::metrics::{Metric, health as metrics};

use super::clean;
use crate::catalog::{Counters, LimitKind, Sample, Session, State};
use crate::census::{By, group};
use crate::checks::{Check, CheckLevel, Id};
use crate::report::{Failure, HealthReport};

/// Applications that get samples of their own; the others are one.
const APPLICATIONS_MAX: usize = 20;
/// The name of the others.
const OTHER: &str = "__other__";
/// Ages at which idle sessions are counted, in seconds.
const IDLE_AGES_S: [u32; 6] = [10, 60, 300, 900, 3_600, 86_400];

/// The exposition. `sample`: what was seen, where somebody looked.
pub fn text(report: &HealthReport, sample: Option<&Sample>) -> String {
    let mut page = Page::default();
    let up = u32::from(sample.is_some());
    page.family(&metrics::UP, [(vec![], f64::from(up))]);
    let verdict = f64::from(report.verdict.code());
    page.family(&metrics::VERDICT, [(vec![], verdict)]);
    let levels = report.checks.iter().filter_map(|check| {
        let level = match check.level {
            CheckLevel::Skip => return None,
            CheckLevel::Ok => 0.0,
            CheckLevel::Warning => 1.0,
            CheckLevel::Critical => 2.0,
        };
        Some((vec![("check", check.id.name().to_owned())], level))
    });
    page.family(&metrics::CHECK_LEVEL, levels);
    if let Some(error) = &report.error {
        let reason = reason(error.code).to_owned();
        let refused = [(vec![("reason", reason)], 1.0)];
        page.family(&metrics::LOGIN_REFUSED, refused);
    }
    if let Some(sample) = sample {
        slots(&mut page, sample);
        applications(&mut page, sample);
        limits(&mut page, sample);
        ages(&mut page, sample);
        if let Some(counters) = &sample.counters {
            counted(&mut page, counters);
        }
    }
    measured(&mut page, &report.checks);
    page.text
}

fn slots(page: &mut Page, sample: &Sample) {
    let facts = &sample.facts;
    let one = |value: u32| [(vec![], f64::from(value))];
    page.family(&metrics::CONNECTIONS_MAX, one(facts.max_connections));
    page.family(&metrics::CONNECTIONS_USABLE, one(facts.usable()));
    let kinds = [("superuser", facts.superuser_reserved), ("reserved", facts.reserved)];
    let kinds = kinds.map(|(kind, slots)| (vec![("kind", kind.to_owned())], f64::from(slots)));
    page.family(&metrics::CONNECTIONS_RESERVED, kinds);
    let always = [State::Active, State::Idle, State::IdleInTransaction, State::IdleInTransactionAborted];
    let mut states: BTreeMap<(&str, &str), u32> =
        always.map(|state| ((state.name(), "client backend"), 0)).into();
    for session in &sample.sessions {
        let kind = if session.is_walsender { "walsender" } else { "client backend" };
        *states.entry((session.state.name(), kind)).or_default() += 1;
    }
    let states = states.into_iter().map(|((state, kind), number)| {
        (vec![("state", state.to_owned()), ("backend_type", kind.to_owned())], f64::from(number))
    });
    page.family(&metrics::CONNECTIONS, states);
}

fn applications(page: &mut Page, sample: &Sample) {
    let mut samples: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for (place, group) in group(sample, &[By::App], |_| true).into_iter().enumerate() {
        let own = place < APPLICATIONS_MAX;
        let name = if own { clean(&group.keys.concat()) } else { OTHER.to_owned() };
        for (state, number) in group.states {
            *samples.entry((name.clone(), state.name())).or_default() += number;
        }
    }
    let samples = samples.into_iter().map(|((name, state), number)| {
        (vec![("application", name), ("state", state.to_owned())], f64::from(number))
    });
    page.family(&metrics::APP_CONNECTIONS, samples);
}

fn limits(page: &mut Page, sample: &Sample) {
    let kinds = [
        (LimitKind::Role, "role", [metrics::ROLE_CONNECTIONS, metrics::ROLE_CONNECTION_LIMIT]),
        (
            LimitKind::Database,
            "database",
            [metrics::DATABASE_CONNECTIONS, metrics::DATABASE_CONNECTION_LIMIT],
        ),
    ];
    for (kind, label, [used, limit]) in kinds {
        let held: BTreeMap<String, (u32, u32)> = sample
            .limits
            .iter()
            .filter(|one| one.kind == kind && !one.exempt)
            .map(|one| (clean(&one.name), (one.used, one.limit)))
            .collect();
        let of = |which: fn(&(u32, u32)) -> u32| {
            held.iter().map(move |(name, numbers)| (vec![(label, name.clone())], f64::from(which(numbers))))
        };
        page.family(&used, of(|numbers| numbers.0));
        page.family(&limit, of(|numbers| numbers.1));
    }
}

fn ages(page: &mut Page, sample: &Sample) {
    // What is not seen is not zero.
    if sample.is_partial() {
        return;
    }
    let idle: Vec<f64> = sample.slot_holders().filter_map(Session::idle_s).collect();
    let older = IDLE_AGES_S.map(|age| {
        let number = idle.iter().filter(|idle| **idle > f64::from(age)).count();
        (vec![("seconds", age.to_string())], number as f64)
    });
    page.family(&metrics::SESSIONS_IDLE_OLDER_THAN, older);
    let longest = |ages: &mut dyn Iterator<Item = f64>| [(vec![], ages.fold(0.0, f64::max))];
    let transactions = longest(&mut sample.slot_holders().filter_map(|session| session.xact_age_s));
    page.family(&metrics::OLDEST_TRANSACTION_SECONDS, transactions);
    let mut idle_in_transaction = sample
        .slot_holders()
        .filter(|session| session.state.is_idle_in_transaction())
        .filter_map(|session| session.state_age_s);
    let idle_in_transaction = longest(&mut idle_in_transaction);
    page.family(&metrics::OLDEST_IDLE_IN_TRANSACTION_SECONDS, idle_in_transaction);
    let blocked = sample.slot_holders().filter(|session| session.waits_for_lock()).count();
    page.family(&metrics::BLOCKED_SESSIONS, [(vec![], blocked as f64)]);
    let starting = sample.slot_holders().filter(|session| session.state == State::Starting).count();
    if sample.facts.major() >= 18 {
        page.family(&metrics::HALF_OPEN_LOGINS, [(vec![], starting as f64)]);
    }
}

fn counted(page: &mut Page, counters: &Counters) {
    page.family(&metrics::SESSIONS_BEGUN_TOTAL, [(vec![], counters.sessions as f64)]);
    let ends = [("abandoned", counters.abandoned), ("fatal", counters.fatal), ("killed", counters.killed)];
    let ends = ends.map(|(end, number)| (vec![("end", end.to_owned())], number as f64));
    page.family(&metrics::SESSIONS_TOTAL, ends);
}

fn measured(page: &mut Page, checks: &[Check]) {
    let value = |id: Id| checks.iter().find(|check| check.id == id).and_then(|check| check.value);
    let samples = |id: Id| value(id).map(|value| (vec![], value));
    page.family(&metrics::NEW_SESSIONS_PER_SECOND, samples(Id::Churn));
    page.family(&metrics::TIME_TO_FULL_SECONDS, samples(Id::Forecast));
}

fn reason(code: Failure) -> &'static str {
    match code {
        Failure::ServerFull => "server_full",
        Failure::Auth => "auth",
        Failure::Timeout => "timeout",
        Failure::Permission => "permission",
        Failure::Config => "config",
        Failure::Network => "network",
    }
}

/// Labels of one sample, and its value.
type Series = (Vec<(&'static str, String)>, f64);

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// A family without a sample is left out.
    fn family(&mut self, metric: &Metric, samples: impl IntoIterator<Item = Series>) {
        let (name, help, kind) = (metric.name, metric.help, metric.kind.word());
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.text, "{name}{labels} {value}");
        }
    }
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
