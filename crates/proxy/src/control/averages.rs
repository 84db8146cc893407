//! Averages over `stats_period`, from counters that only grow. As PgBouncer's: from the sample before the last to now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::tally::SliceTally;

use super::hub::{Frame, Hub};

/// Counters by database at one moment.
pub(crate) type Totals = BTreeMap<Arc<str>, SliceTally>;

/// Two samples of the past.
#[derive(Clone, Debug, Default)]
pub struct Averages {
    older: (Duration, Totals),
    newer: (Duration, Totals),
}

/// What PgBouncer calls averages: counts and bytes per second, times per piece, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Servers lent per second.
    pub assignments: u64,
    /// Transactions per second.
    pub transactions: u64,
    /// Queries per second.
    pub queries: u64,
    /// Bytes per second from clients.
    pub received: u64,
    /// Bytes per second to clients.
    pub sent: u64,
    /// Time of a transaction.
    pub transaction_us: u64,
    /// Time of a query.
    pub query_us: u64,
    /// Time in line per lent server.
    pub wait_us: u64,
    /// Parse messages of clients per second.
    pub client_parses: u64,
    /// Parse messages to servers per second.
    pub server_parses: u64,
    /// Bind messages per second.
    pub binds: u64,
    /// Logins per second.
    pub logins: u64,
}

/// Counters by database: those of pools that are here and of those that are gone.
pub(crate) fn totals(frame: &Frame) -> Totals {
    let mut totals = Totals::new();
    for slice in &frame.slices {
        totals.entry(slice.row.key.database.clone()).or_default().add(&slice.row.tally);
    }
    for gone in &frame.books.retired {
        totals.entry(gone.database.clone()).or_default().add(&gone.tally);
    }
    totals
}

impl Averages {
    /// Takes a sample.
    pub fn sample(&mut self, age: Duration, totals: Totals) {
        self.older = std::mem::replace(&mut self.newer, (age, totals));
    }

    /// The averages of one database up to now.
    pub fn of(&self, database: &str, age: Duration, now: &SliceTally) -> Rates {
        let nothing = SliceTally::default();
        rates(now, self.older.1.get(database).unwrap_or(&nothing), age.saturating_sub(self.older.0))
    }

    /// The averages over all databases up to now.
    pub fn of_all(&self, age: Duration, now: &SliceTally) -> Rates {
        rates(now, &sum(&self.older.1), age.saturating_sub(self.older.0))
    }

    /// The averages since the last sample: what one line of the log speaks of.
    fn since_newer(&self, age: Duration, now: &SliceTally) -> Rates {
        rates(now, &sum(&self.newer.1), age.saturating_sub(self.newer.0))
    }
}

/// All databases as one.
pub(crate) fn sum(totals: &Totals) -> SliceTally {
    totals.values().fold(SliceTally::default(), |mut sum, tally| {
        sum.add(tally);
        sum
    })
}

fn rates(now: &SliceTally, old: &SliceTally, span: Duration) -> Rates {
    let micros = span.as_micros().max(1);
    // A pool that is gone takes nothing along, but a counter that fell must not look like a flood.
    let grown = |now: u64, old: u64| now.saturating_sub(old);
    let per_second =
        |now, old| u64::try_from(u128::from(grown(now, old)) * 1_000_000 / micros).unwrap_or(u64::MAX);
    let per_piece = |now, old, pieces: u64| grown(now, old).checked_div(pieces).unwrap_or(0);
    Rates {
        assignments: per_second(now.assignments, old.assignments),
        transactions: per_second(now.transactions, old.transactions),
        queries: per_second(now.queries, old.queries),
        received: per_second(now.received, old.received),
        sent: per_second(now.sent, old.sent),
        transaction_us: per_piece(
            now.transaction_us,
            old.transaction_us,
            grown(now.transactions, old.transactions),
        ),
        query_us: per_piece(now.query_us, old.query_us, grown(now.queries, old.queries)),
        wait_us: per_piece(now.wait_us, old.wait_us, grown(now.assignments, old.assignments)),
        client_parses: per_second(now.client_parses, old.client_parses),
        server_parses: per_second(now.server_parses, old.server_parses),
        binds: per_second(now.binds, old.binds),
        logins: per_second(now.logins, old.logins),
    }
}

/// Takes a sample each `stats_period`, and logs PgBouncer's line.
pub(super) async fn keep(hub: Arc<Hub>) {
    loop {
        let period = hub.config().proxy.stats_period.max(Duration::from_secs(1));
        tokio::time::sleep(period).await;
        let Ok(frame) = hub.frame().await else { continue };
        let totals = totals(&frame);
        if frame.config.proxy.log_stats {
            tracing::info!("{}", line(&hub.averages().since_newer(frame.age, &sum(&totals))));
        }
        hub.averages().sample(frame.age, totals);
    }
}

fn line(rates: &Rates) -> String {
    format!(
        "stats: {} xacts/s, {} queries/s, {} client parses/s, {} server parses/s, {} binds/s, in {} B/s, \
         out {} B/s, xact {} us, query {} us, wait {} us",
        rates.transactions,
        rates.queries,
        rates.client_parses,
        rates.server_parses,
        rates.binds,
        rates.received,
        rates.sent,
        rates.transaction_us,
        rates.query_us,
        rates.wait_us
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(transactions: u64, transaction_us: u64) -> SliceTally {
        SliceTally { transactions, transaction_us, ..SliceTally::default() }
    }

    fn at(seconds: u64, transactions: u64, transaction_us: u64) -> (Duration, Totals) {
        let totals = Totals::from([(Arc::from("d"), tally(transactions, transaction_us))]);
        (Duration::from_secs(seconds), totals)
    }

    #[test]
    fn averages_reach_back_to_the_sample_before_the_last() {
        let mut averages = Averages::default();
        for (age, totals) in [at(60, 600, 6_000), at(120, 1_200, 18_000)] {
            averages.sample(age, totals);
        }
        let rates = averages.of("d", Duration::from_secs(150), &tally(1_500, 24_000));
        assert_eq!((rates.transactions, rates.transaction_us), (10, 20));
    }

    #[test]
    fn before_the_first_sample_averages_reach_back_to_the_start() {
        let rates = Averages::default().of("d", Duration::from_secs(2), &tally(10, 500));
        assert_eq!((rates.transactions, rates.transaction_us), (5, 50));
    }

    #[test]
    fn nothing_done_is_no_division() {
        assert_eq!(Averages::default().of("d", Duration::ZERO, &tally(0, 0)), Rates::default());
    }
}
