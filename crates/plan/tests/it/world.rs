//! Scenarios that tests change one thing of.

use connwarden_plan::simulate::{Arrivals, Hold, Outcome, Scenario, Server, Spreading, run};

/// Requests at random, exponential holds, one process, a server without limit: what Erlang's formulae are about.
pub(crate) fn erlang(rate_per_s: f64, hold_s: f64, pool_size: u32) -> Scenario {
    Scenario {
        arrivals: Arrivals::Poisson { rate_per_s },
        hold: Hold::Exponential { mean_s: hold_s },
        application_share: 0.0,
        pool_size,
        processes: 1,
        spreading: Spreading::Random,
        server: Server::UNLIMITED,
        waiting_max: None,
        wait_timeout_s: None,
        duration_s: 1_100.0,
        warm_up_s: 100.0,
        seed: 1,
    }
}

/// Plays it; a scenario of a test is a good one.
pub(crate) fn played(scenario: &Scenario) -> Outcome {
    run(scenario).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}
