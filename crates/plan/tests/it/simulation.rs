//! What every run must satisfy, whatever its figures.

use connwarden_plan::simulate::{
    Arrivals, Checkout, Counts, Hold, Level, Outcome, Scenario, Server, Spreading,
};

use proptest::prelude::*;

use crate::world::{erlang, played};

fn short() -> Scenario {
    Scenario { duration_s: 120.0, warm_up_s: 20.0, ..erlang(400.0, 0.02, 10) }
}

/// One of each kind: everything that can be set is set somewhere.
fn all_kinds() -> Vec<Scenario> {
    let trace =
        (0..4_000).map(|n| Checkout { arrival_s: f64::from(n) * 0.025, hold_s: f64::from(n % 7) * 0.02 });
    let levels = (0..24).map(|n| Level { at_s: f64::from(n) * 5.0, busy: f64::from(n % 5) * 3.0 });
    vec![
        short(),
        Scenario { waiting_max: Some(3), ..short() },
        Scenario { waiting_max: Some(0), processes: 2, pool_size: 4, ..short() },
        Scenario { wait_timeout_s: Some(0.01), processes: 3, pool_size: 3, ..short() },
        Scenario { wait_timeout_s: Some(0.0), ..short() },
        Scenario { server: Server::assumed(8), application_share: 0.5, ..short() },
        Scenario { server: Server::assumed(4), pool_size: 50, wait_timeout_s: Some(1.0), ..short() },
        Scenario { arrivals: Arrivals::Trace(trace.collect()), pool_size: 3, ..short() },
        Scenario { arrivals: Arrivals::Concurrency(levels.collect()), pool_size: 8, ..short() },
        Scenario { arrivals: Arrivals::Clients { count: 60, think_s: 0.1 }, ..short() },
        Scenario {
            arrivals: Arrivals::Clients { count: 60, think_s: 0.1 },
            waiting_max: Some(5),
            wait_timeout_s: Some(0.01),
            server: Server::assumed(2),
            processes: 2,
            pool_size: 5,
            spreading: Spreading::RoundRobin,
            application_share: 1.0,
            hold: Hold::Lognormal { mean_s: 0.02, cv: 2.0 },
            ..short()
        },
    ]
}

#[test]
fn whoever_comes_is_served_or_refused_or_still_there() {
    for scenario in all_kinds() {
        let Counts { arrived, done, refused, timed_out, waiting, holding } = played(&scenario).counts;
        assert!(arrived > 1_000, "{scenario:?}");
        assert_eq!(arrived, done + refused + timed_out + waiting + holding, "{scenario:?}");
        assert!(holding <= u64::from(scenario.pool_size * scenario.processes));
        assert_eq!(scenario.waiting_max.is_none(), refused == 0, "{scenario:?}");
        assert_eq!(scenario.wait_timeout_s.is_none(), timed_out == 0, "{scenario:?}");
    }
}

#[test]
fn a_seed_repeats_everything_and_another_does_not() {
    for scenario in all_kinds() {
        assert_eq!(played(&scenario), played(&scenario));
    }
    assert_ne!(played(&short()), played(&Scenario { seed: 2, ..short() }));
}

#[test]
fn the_line_is_as_long_as_little_says() {
    for scenario in all_kinds() {
        let outcome = played(&scenario);
        let got_per_s = (1.0 - outcome.refused_share - outcome.timed_out_share) * outcome.arrived_per_s;
        // Who gave up has waited as well: for all of its patience.
        let gave_up =
            outcome.timed_out_share * outcome.arrived_per_s * scenario.wait_timeout_s.unwrap_or(0.0);
        let little = got_per_s * outcome.wait_s.mean.value + gave_up;
        let length = outcome.waiting.value;
        assert!(
            (length - little).abs() <= 0.02 * little + 0.02,
            "{length}, by Little {little}: {scenario:?}"
        );
        let held =
            outcome.throughput_per_s.value * (outcome.latency_s.mean.value - outcome.wait_s.mean.value);
        let lent = outcome.pool_utilisation.value * f64::from(scenario.pool_size * scenario.processes);
        assert!((lent - held).abs() <= 0.03 * held + 0.05, "{lent}, by Little {held}: {scenario:?}");
    }
}

fn waits(outcome: &Outcome) -> [f64; 6] {
    let wait = &outcome.wait_s;
    [wait.mean.value, wait.p50.value, wait.p90.value, wait.p95.value, wait.p99.value, wait.max]
}

#[test]
fn a_larger_pool_never_waits_longer_while_the_server_is_without_limit() {
    let holds = [
        Hold::Exponential { mean_s: 0.02 },
        Hold::Fixed { mean_s: 0.02 },
        Hold::Lognormal { mean_s: 0.02, cv: 2.0 },
    ];
    for hold in holds {
        for spreading in [Spreading::Random, Spreading::RoundRobin] {
            // Without a warm-up all of them measure the same requests.
            let at = |pool_size| {
                played(&Scenario {
                    hold: hold.clone(),
                    spreading,
                    processes: 2,
                    pool_size,
                    warm_up_s: 0.0,
                    duration_s: 60.0,
                    ..short()
                })
            };
            let all: Vec<_> = (5..14).map(at).collect();
            for two in all.windows(2) {
                let (small, large) = (waits(&two[0]), waits(&two[1]));
                let never = small.iter().zip(large).all(|(small, large)| large <= small + 1e-9);
                assert!(never, "{hold:?}: {small:?} {large:?}");
            }
            assert!(waits(&all[0])[0] > waits(&all[8])[0]);
        }
    }
}

#[test]
fn one_pool_waits_less_than_the_same_connections_in_four() {
    let one = played(&Scenario { pool_size: 12, ..short() });
    let four = |spreading| played(&Scenario { pool_size: 3, processes: 4, spreading, ..short() });
    let (random, turns) = (four(Spreading::Random), four(Spreading::RoundRobin));
    assert!(turns.wait_s.mean.exceeds(&one.wait_s.mean));
    assert!(random.wait_s.mean.exceeds(&turns.wait_s.mean), "even arrivals wait less");
}

#[test]
fn what_a_server_cannot_do_grows_in_line_and_is_said() {
    let server = Server { cores: Some(4), sigma: 0.0, kappa: 0.0 };
    let outcome = played(&Scenario { server, pool_size: 50, ..short() });
    assert!(!outcome.keeps_up);
    assert!((outcome.throughput_per_s.value - 200.0).abs() < 4.0);
    assert!(outcome.server_utilisation.unwrap().value > 0.999);
    assert!(played(&short()).keeps_up);
}

#[test]
fn clients_ask_as_often_as_their_cycle_lets_them() {
    // None waits: 20 clients, each with a second of thinking and 20 ms of work.
    let free = played(&Scenario {
        arrivals: Arrivals::Clients { count: 20, think_s: 1.0 },
        pool_size: 20,
        ..short()
    });
    assert!((free.throughput_per_s.value - 20.0 / 1.02).abs() < 0.8, "{:?}", free.throughput_per_s);
    // All of them wait for one connection that never rests.
    let full = played(&Scenario {
        arrivals: Arrivals::Clients { count: 500, think_s: 1.0 },
        pool_size: 1,
        ..short()
    });
    assert!(full.throughput_per_s.contains(50.0), "{:?}", full.throughput_per_s);
    assert!(full.keeps_up, "clients in line are no line that grows");
}

#[test]
fn the_applications_part_of_a_hold_leaves_the_cores_alone() {
    let server = Server { cores: Some(4), sigma: 0.0, kappa: 0.0 };
    let at = |application_share| {
        let scenario = Scenario { server, application_share, pool_size: 40, ..short() };
        played(&scenario).server_utilisation.unwrap().value
    };
    assert!((at(0.6) - 400.0 * 0.02 * 0.4 / 4.0).abs() < 0.03);
    assert!((at(0.75) - 400.0 * 0.02 * 0.25 / 4.0).abs() < 0.03);
    assert_eq!(at(1.0), 0.0);
}

#[test]
fn who_loses_patience_has_waited_that_long_and_nobody_longer() {
    let outcome = played(&Scenario { pool_size: 7, wait_timeout_s: Some(0.05), ..short() });
    assert!(outcome.timed_out_share > 0.05, "{}", outcome.timed_out_share);
    assert!(outcome.wait_s.max <= 0.05 + 1e-9);
    let full = played(&Scenario { pool_size: 7, waiting_max: Some(4), ..short() });
    assert!(full.refused_share > 0.05);
    assert!(full.waiting_most <= 4);
}

fn any_scenario() -> impl Strategy<Value = Scenario> {
    let arrivals = prop_oneof![
        (1.0..2_000.0_f64).prop_map(|rate_per_s| Arrivals::Poisson { rate_per_s }),
        (1..200_u32, 0.001..0.5_f64).prop_map(|(count, think_s)| Arrivals::Clients { count, think_s }),
        prop::collection::vec((0.0..5.0_f64, 0.0..0.1_f64), 1..200).prop_map(|mut pairs| {
            pairs.sort_by(|one, two| one.0.total_cmp(&two.0));
            Arrivals::Trace(
                pairs.into_iter().map(|(arrival_s, hold_s)| Checkout { arrival_s, hold_s }).collect(),
            )
        }),
    ];
    let hold = prop_oneof![
        (0.001..0.2_f64).prop_map(|mean_s| Hold::Exponential { mean_s }),
        (0.001..0.2_f64, 0.0..5.0_f64).prop_map(|(mean_s, cv)| Hold::Lognormal { mean_s, cv }),
        (0.001..0.2_f64).prop_map(|mean_s| Hold::Fixed { mean_s }),
    ];
    let server = (prop::option::of(1..64_u32), 0.0..0.2_f64, 0.0..0.02_f64)
        .prop_map(|(cores, sigma, kappa)| Server { cores, sigma, kappa });
    let limits = (prop::option::of(0..20_u32), prop::option::of(0.001..1.0_f64), any::<bool>());
    (arrivals, hold, server, limits, 1..40_u32, 1..6_u32, 0.0..=1.0_f64, any::<u64>()).prop_map(
        |(
            arrivals,
            hold,
            server,
            (waiting_max, wait_timeout_s, turns),
            pool_size,
            processes,
            share,
            seed,
        )| Scenario {
            arrivals,
            hold,
            application_share: share,
            pool_size,
            processes,
            spreading: if turns { Spreading::RoundRobin } else { Spreading::Random },
            server,
            waiting_max,
            wait_timeout_s,
            duration_s: 5.0,
            warm_up_s: 1.0,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_books_of_any_scenario_balance(scenario in any_scenario()) {
        let outcome = played(&scenario);
        let Counts { arrived, done, refused, timed_out, waiting, holding } = outcome.counts;
        prop_assert_eq!(arrived, done + refused + timed_out + waiting + holding);
        prop_assert!(outcome.pool_utilisation.value <= 1.0 + 1e-9);
        prop_assert!(outcome.server_utilisation.is_none_or(|cores| cores.value <= 1.0 + 1e-9));
        prop_assert!(outcome.wait_s.p50.value <= outcome.wait_s.p99.value);
        prop_assert!(outcome.wait_s.p99.value <= outcome.wait_s.max);
        let patience = scenario.wait_timeout_s.unwrap_or(f64::INFINITY);
        prop_assert!(outcome.wait_s.max <= patience + 1e-9);
    }
}
