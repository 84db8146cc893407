//! Pool sizes side by side.

use connwarden_plan::queue::{BACKEND_BYTES, Line};
use connwarden_plan::simulate::{Arrivals, Comparison, Hold, Knee, Scenario, Server, compare};

use crate::world::erlang;

/// An application of the size the sizing guide speaks of: many clients, a server of eight cores, transactions that spend
/// most of their time in the application.
fn busy_application() -> Scenario {
    Scenario {
        arrivals: Arrivals::Clients { count: 400, think_s: 0.3 },
        hold: Hold::Lognormal { mean_s: 0.02, cv: 1.0 },
        application_share: 0.65,
        server: Server { kappa: 0.000_02, ..Server::assumed(8) },
        duration_s: 66.0,
        warm_up_s: 6.0,
        ..erlang(1.0, 1.0, 1)
    }
}

fn compared(scenario: &Scenario, sizes: &[u32]) -> Comparison {
    compare(scenario, sizes, BACKEND_BYTES).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn words(comparison: &Comparison) -> Vec<[&'static str; 3]> {
    let rows = comparison.rows.iter();
    rows.map(|row| [row.words.throughput.word(), row.words.latency.word(), row.words.resources.word()])
        .collect()
}

#[test]
fn the_guides_table_comes_out_of_a_load_like_its_own() {
    let comparison = compared(&busy_application(), &[10, 25, 50, 100]);
    let wanted = [
        ["lower", "higher", "low"],
        ["optimal", "low", "balanced"],
        ["higher", "low", "high"],
        ["diminishing", "low", "very high"],
    ];
    assert_eq!(words(&comparison), wanted);
    assert_eq!(comparison.best().map(|row| row.pool_size), Some(25));
}

#[test]
fn a_server_that_suffers_from_connections_has_its_best_size_and_rises_behind_it() {
    let suffers = Scenario { server: Server { kappa: 0.005, ..Server::assumed(8) }, ..busy_application() };
    let comparison = compared(&suffers, &[100, 10, 25, 50, 10]);
    assert_eq!(comparison.rows.iter().map(|row| row.pool_size).collect::<Vec<_>>(), [10, 25, 50, 100]);
    assert!(matches!(comparison.knee, Knee::Rises { at: 1, .. }), "{:?}", comparison.knee);
    assert_eq!(words(&comparison)[3], ["diminishing", "higher", "very high"]);
}

#[test]
fn a_load_that_no_size_serves_is_an_overload() {
    let scenario =
        Scenario { server: Server::assumed(2), duration_s: 30.0, warm_up_s: 3.0, ..erlang(400.0, 0.02, 1) };
    assert_eq!(compared(&scenario, &[2, 10, 50]).knee, Knee::Overload);
}

#[test]
fn what_the_formulae_expect_stands_beside_what_was_seen() {
    let scenario = Scenario { processes: 2, ..erlang(200.0, 0.05, 1) };
    let comparison = compared(&scenario, &[4, 6, 8]);
    let expected: Vec<Option<Line>> = comparison.rows.iter().map(|row| row.expected).collect();
    assert_eq!(expected[0], Some(Line::Grows { per_s: 20.0 }));
    for (row, pool_size) in comparison.rows.iter().zip([4, 6, 8]).skip(1) {
        let wait = row.expected.and_then(Line::steady).unwrap();
        assert!(
            row.outcome.wait_s.mean.contains(wait.mean_s()),
            "{pool_size}: {:?}",
            row.outcome.wait_s.mean
        );
        assert_eq!(row.connections, pool_size * 2);
        assert_eq!(row.memory_bytes, u64::from(pool_size) * 2 * (7 << 20));
    }
    let clients = compared(&busy_application(), &[10]);
    assert_eq!((clients.rows[0].expected, clients.knee), (None, Knee::Unknown));
}

#[test]
fn there_is_something_to_compare_and_not_without_end() {
    let field = |sizes: &[u32]| compare(&busy_application(), sizes, 1).unwrap_err()[0].field;
    assert_eq!(field(&[]), "sizes");
    assert_eq!(field(&(1..=65).collect::<Vec<_>>()), "sizes");
    assert_eq!(field(&[0]), "pool_size");
}
