//! What a scenario may hold.

use super::{Arrivals, Hold, Scenario};

/// Requests of one run at most: ten minutes at 16,000 per second.
pub const ARRIVALS_MAX: u32 = 10_000_000;
/// Connections of all processes together, and clients, at most.
pub const CONNECTIONS_MAX: u32 = 1_000_000;

/// Something that cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The field of the scenario.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What to say instead.
    pub fix: &'static str,
}

#[derive(Default)]
struct Mistakes(Vec<Mistake>);

impl Mistakes {
    fn unless(&mut self, holds: bool, field: &'static str, message: String, fix: &'static str) {
        if !holds {
            self.0.push(Mistake { field, message, fix });
        }
    }

    fn positive(&mut self, figure: f64, field: &'static str, fix: &'static str) {
        self.unless(figure.is_finite() && figure > 0.0, field, format!("{figure} is not above 0"), fix);
    }

    fn not_negative(&mut self, figure: f64, field: &'static str, fix: &'static str) {
        self.unless(figure.is_finite() && figure >= 0.0, field, format!("{figure} is below 0"), fix);
    }
}

/// All that is wrong with a scenario.
pub(super) fn mistakes(scenario: &Scenario) -> Vec<Mistake> {
    let mut found = Mistakes::default();
    pools(scenario, &mut found);
    times(scenario, &mut found);
    server(scenario, &mut found);
    if !matches!(scenario.arrivals, Arrivals::Trace(_)) {
        hold(&scenario.hold, &mut found);
    }
    arrivals(scenario, &mut found);
    if found.0.is_empty() {
        amount(scenario, &mut found);
    }
    found.0
}

fn pools(scenario: &Scenario, found: &mut Mistakes) {
    let fix = "give at least 1, and at most 1,000,000 together";
    found.unless(scenario.pool_size > 0, "pool_size", "a pool of 0 serves nobody".into(), fix);
    found.unless(scenario.processes > 0, "processes", "0 processes serve nobody".into(), fix);
    let together = scenario.pool_size.saturating_mul(scenario.processes);
    let message = format!("{together} connections together");
    found.unless(together <= CONNECTIONS_MAX, "pool_size", message, fix);
}

fn times(scenario: &Scenario, found: &mut Mistakes) {
    found.positive(scenario.duration_s, "duration_s", "give a duration, such as 10 minutes");
    found.not_negative(scenario.warm_up_s, "warm_up_s", "give a part of the duration, such as a tenth");
    let message =
        format!("the warm-up of {} s leaves nothing of {} s", scenario.warm_up_s, scenario.duration_s);
    let leaves = scenario.warm_up_s < scenario.duration_s || scenario.duration_s <= 0.0;
    found.unless(leaves, "warm_up_s", message, "give a shorter warm-up or a longer duration");
    if let Some(timeout_s) = scenario.wait_timeout_s {
        found.not_negative(timeout_s, "wait_timeout_s", "give the pool's timeout, such as 30 seconds");
    }
}

fn server(scenario: &Scenario, found: &mut Mistakes) {
    let cores = scenario.server.cores;
    let fix = "give the server's cores, or none for a server that is never a bottleneck";
    found.unless(cores != Some(0), "cores", "a server of 0 cores does nothing".into(), fix);
    found.not_negative(
        scenario.server.sigma,
        "sigma",
        "give the contention per connection that runs, 0 to 1",
    );
    found.not_negative(scenario.server.kappa, "kappa", "give the contention per connection at work, 0 to 1");
    let share = scenario.application_share;
    let message = format!("{share} is not between 0 and 1");
    let fix = "give the share of a hold that the application computes, 0 to 1";
    found.unless((0.0..=1.0).contains(&share), "application_share", message, fix);
}

fn hold(hold: &Hold, found: &mut Mistakes) {
    if let Hold::Empirical(seen) = hold {
        let holds = seen.iter().all(|hold| hold.is_finite() && *hold >= 0.0);
        found.unless(holds, "hold", "one of the holds is below 0".into(), "give seconds");
    }
    found.positive(hold.mean_s(), "hold", "give the mean time a request holds a connection");
    if let Hold::Lognormal { cv, .. } = hold {
        let message = format!("{cv} is not between 0 and 100");
        found.unless(
            (0.0..=100.0).contains(cv),
            "cv",
            message,
            "give the deviation divided by the mean, such as 1.5",
        );
    }
}

fn arrivals(scenario: &Scenario, found: &mut Mistakes) {
    match &scenario.arrivals {
        Arrivals::Poisson { rate_per_s } => {
            found.positive(*rate_per_s, "rate_per_s", "give the requests per second");
        }
        Arrivals::Trace(checkouts) => {
            found.unless(
                !checkouts.is_empty(),
                "trace",
                "nobody comes in it".into(),
                "record some traffic first",
            );
            let times = |at: f64| at.is_finite() && at >= 0.0;
            let holds = checkouts.iter().all(|one| times(one.arrival_s) && times(one.hold_s));
            found.unless(holds, "trace", "a time in it is below 0".into(), "count from the first arrival");
            let sorted = checkouts.is_sorted_by(|one, two| one.arrival_s <= two.arrival_s);
            found.unless(sorted, "trace", "it goes back in time".into(), "sort it by arrival");
        }
        Arrivals::Concurrency(levels) => {
            found.unless(
                levels.len() > 1,
                "concurrency",
                "it has fewer than two looks".into(),
                "record longer",
            );
            let times = |at: f64| at.is_finite() && at >= 0.0;
            let holds = levels.iter().all(|level| times(level.at_s) && times(level.busy));
            found.unless(
                holds,
                "concurrency",
                "a figure in it is below 0".into(),
                "count from the first look",
            );
            let sorted = levels.is_sorted_by(|one, two| one.at_s <= two.at_s);
            found.unless(sorted, "concurrency", "it goes back in time".into(), "sort it by time");
        }
        Arrivals::Clients { count, think_s } => {
            let message = format!("{count} clients");
            let within = (1..=CONNECTIONS_MAX).contains(count);
            found.unless(within, "clients", message, "give 1 to 1,000,000");
            found.not_negative(
                *think_s,
                "think_s",
                "give the mean time between an answer and the next request",
            );
            let gives_up = scenario.waiting_max.is_some() || scenario.wait_timeout_s == Some(0.0);
            let message = "clients that are refused would ask again at once, for ever".to_owned();
            found.unless(*think_s > 0.0 || !gives_up, "think_s", message, "give clients a time to think");
        }
    }
}

/// How many requests it is going to be, at most.
fn amount(scenario: &Scenario, found: &mut Mistakes) {
    let (duration_s, hold_s) = (scenario.duration_s, scenario.hold.mean_s());
    let expected = match &scenario.arrivals {
        Arrivals::Poisson { rate_per_s } => rate_per_s * duration_s,
        Arrivals::Trace(checkouts) => checkouts.len() as f64,
        Arrivals::Concurrency(levels) => {
            let busiest = levels.iter().map(|level| level.busy).fold(0.0, f64::max);
            busiest / hold_s * duration_s.min(scenario.arrivals.span_s().unwrap_or(0.0))
        }
        Arrivals::Clients { count, think_s } => {
            let gives_up = scenario.waiting_max.is_some() || scenario.wait_timeout_s.is_some();
            let cycle_s = if gives_up {
                *think_s + scenario.wait_timeout_s.unwrap_or(0.0).min(hold_s)
            } else {
                think_s + hold_s
            };
            f64::from(*count) / cycle_s * duration_s
        }
    };
    let message = format!("{expected:.0} requests are expected, at most {ARRIVALS_MAX} are played");
    let fix = "give a shorter duration, or a part of the load and of the pool";
    found.unless(expected <= f64::from(ARRIVALS_MAX), "duration_s", message, fix);
}

#[cfg(test)]
mod tests {
    use super::super::{Checkout, Server, Spreading, run};
    use super::*;

    fn scenario(arrivals: Arrivals) -> Scenario {
        Scenario {
            arrivals,
            hold: Hold::Exponential { mean_s: 0.05 },
            application_share: 0.0,
            pool_size: 10,
            processes: 1,
            spreading: Spreading::Random,
            server: Server::UNLIMITED,
            waiting_max: None,
            wait_timeout_s: None,
            duration_s: 600.0,
            warm_up_s: 60.0,
            seed: 1,
        }
    }

    fn fields(scenario: &Scenario) -> Vec<&'static str> {
        run(scenario).unwrap_err().iter().map(|mistake| mistake.field).collect()
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let wrong = Scenario {
            pool_size: 0,
            duration_s: f64::NAN,
            warm_up_s: -1.0,
            application_share: 1.5,
            hold: Hold::Lognormal { mean_s: 0.0, cv: -1.0 },
            server: Server { cores: Some(0), sigma: -1.0, kappa: f64::NAN },
            ..scenario(Arrivals::Poisson { rate_per_s: -3.0 })
        };
        let all = [
            "pool_size",
            "duration_s",
            "warm_up_s",
            "warm_up_s",
            "cores",
            "sigma",
            "kappa",
            "application_share",
            "hold",
            "cv",
            "rate_per_s",
        ];
        assert_eq!(fields(&wrong), all);
    }

    #[test]
    fn a_run_that_would_not_end_is_refused() {
        assert_eq!(fields(&scenario(Arrivals::Poisson { rate_per_s: 1e9 })), ["duration_s"]);
        let clients = |think_s| Arrivals::Clients { count: 100, think_s };
        assert_eq!(fields(&Scenario { waiting_max: Some(0), ..scenario(clients(0.0)) }), ["think_s"]);
        assert_eq!(fields(&Scenario { waiting_max: Some(0), ..scenario(clients(1e-9)) }), ["duration_s"]);
        let tiny = Hold::Fixed { mean_s: 1e-12 };
        assert_eq!(fields(&Scenario { hold: tiny, ..scenario(clients(0.0)) }), ["duration_s"]);
    }

    #[test]
    fn a_trace_goes_forward_in_time() {
        let one = |arrival_s, hold_s| Checkout { arrival_s, hold_s };
        let back = scenario(Arrivals::Trace(vec![one(1.0, 0.1), one(0.5, -0.1)]));
        assert_eq!(fields(&back), ["trace", "trace"]);
        assert_eq!(fields(&scenario(Arrivals::Trace(Vec::new()))), ["trace"]);
        let good = scenario(Arrivals::Trace(vec![one(0.5, 0.1), one(1.0, 0.0)]));
        assert_eq!(run(&Scenario { warm_up_s: 0.0, ..good }).unwrap().counts.done, 2);
    }
}
