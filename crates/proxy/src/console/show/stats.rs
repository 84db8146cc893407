//! SHOW STATS and its parts: counters of databases and their averages.

use engine::tally::SliceTally;

use super::CONSOLE;
use crate::console::table::{Row, number, text};
use crate::control::{Averages, Frame, Rates, averages as past};

fn counters(tally: &SliceTally) -> [u64; 12] {
    [
        tally.assignments,
        tally.transactions,
        tally.queries,
        tally.received,
        tally.sent,
        tally.transaction_us,
        tally.query_us,
        tally.wait_us,
        tally.client_parses,
        tally.server_parses,
        tally.binds,
        tally.logins,
    ]
}

fn rates(rates: &Rates) -> [u64; 12] {
    [
        rates.assignments,
        rates.transactions,
        rates.queries,
        rates.received,
        rates.sent,
        rates.transaction_us,
        rates.query_us,
        rates.wait_us,
        rates.client_parses,
        rates.server_parses,
        rates.binds,
        rates.logins,
    ]
}

/// The names of SHOW TOTALS, in the order of the numbers above.
const NAMES: [&str; 12] = [
    "server_assignment_count",
    "xact_count",
    "query_count",
    "client_bytes",
    "server_bytes",
    "xact_time",
    "query_time",
    "wait_time",
    "ps_client_parse_count",
    "ps_server_parse_count",
    "ps_bind_count",
    "client_login_count",
];

/// A row per database that has or had a pool, and the console's.
fn rows(frame: &Frame, numbers: impl Fn(&str, &SliceTally) -> Vec<u64>) -> Vec<Row> {
    let mut totals = past::totals(frame);
    totals.entry(CONSOLE.into()).or_default();
    let row = |(name, tally): (&std::sync::Arc<str>, &SliceTally)| {
        std::iter::once(text(&**name)).chain(numbers(name, tally).into_iter().map(number)).collect()
    };
    totals.iter().map(row).collect()
}

pub(super) fn stats(frame: &Frame, averages: &Averages) -> Vec<Row> {
    rows(frame, |name, tally| [counters(tally), rates(&averages.of(name, frame.age, tally))].concat())
}

pub(super) fn totals(frame: &Frame) -> Vec<Row> {
    rows(frame, |_, tally| counters(tally).to_vec())
}

pub(super) fn averages(frame: &Frame, averages: &Averages) -> Vec<Row> {
    rows(frame, |name, tally| rates(&averages.of(name, frame.age, tally)).to_vec())
}

pub(super) fn of_all(frame: &Frame, averages: &Averages) -> Vec<Row> {
    let sum = past::sum(&past::totals(frame));
    let named = |prefix: &'static str, numbers: [u64; 12]| {
        NAMES
            .into_iter()
            .zip(numbers)
            .map(move |(name, value)| vec![text(format!("{prefix}{name}")), number(value)])
    };
    let rates = rates(&averages.of_all(frame.age, &sum));
    named("total_", counters(&sum)).chain(named("avg_", rates)).collect()
}
