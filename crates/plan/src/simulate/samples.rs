//! From looks at a server, as `monitor --record` keeps them, to the load they show.

use std::collections::BTreeMap;

use super::Level;

/// One look at a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// When, in microseconds since 1970 or of any clock that all looks share.
    pub at_us: i64,
    /// Connections of each application that do something for somebody: active, fastpath, idle in transaction (aborted
    /// ones too). Idle ones are in a pool and lent to nobody.
    pub busy: BTreeMap<String, u32>,
}

/// Silence longer than so many usual steps is a gap: the recorder was stopped, or could not log in.
const GAP_STEPS: f64 = 3.0;

/// How many connections were busy, from the first look on, of the applications that are `meant`.
///
/// A gap is cut out, to one usual step: what went on in it nobody knows, and to go on with the last figure for a whole
/// night would make it the load. Of two looks at one moment the later counts; looks are put in the order of time.
pub fn concurrency(looks: &[Look], meant: &dyn Fn(&str) -> bool) -> Vec<Level> {
    let mut seen: Vec<(i64, u64)> = looks
        .iter()
        .map(|look| {
            let busy = look.busy.iter().filter(|(application, _)| meant(application));
            (look.at_us, busy.map(|(_, count)| u64::from(*count)).sum())
        })
        .collect();
    seen.sort_by_key(|(at_us, _)| *at_us);
    let usual_s = usual_step_s(&seen);
    let mut levels: Vec<Level> = Vec::with_capacity(seen.len());
    let mut before_us = None;
    let mut at_s = 0.0;
    for (at_us, busy) in seen {
        let step_s = before_us.map_or(0.0, |before: i64| at_us.abs_diff(before) as f64 / 1e6);
        at_s += if step_s > GAP_STEPS * usual_s { usual_s } else { step_s };
        before_us = Some(at_us);
        let level = Level { at_s, busy: busy as f64 };
        match levels.last_mut() {
            Some(last) if last.at_s >= at_s => *last = level,
            Some(_) | None => levels.push(level),
        }
    }
    levels
}

/// The median of the steps that are steps.
fn usual_step_s(seen: &[(i64, u64)]) -> f64 {
    let mut steps: Vec<u64> =
        seen.windows(2).map(|two| two[1].0.abs_diff(two[0].0)).filter(|us| *us > 0).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).map_or(0.0, |us| *us as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::super::{Arrivals, Hold, Scenario, Server, Spreading, run};
    use super::*;

    fn look(at_s: f64, api: u32, job: u32) -> Look {
        let busy = [("api".to_owned(), api), ("job".to_owned(), job)].into();
        Look { at_us: 1_790_000_000_000_000 + (at_s * 1e6) as i64, busy }
    }

    fn figures(looks: &[Look], of: &str) -> Vec<(f64, f64)> {
        let meant = |application: &str| of == "*" || application == of;
        concurrency(looks, &meant).iter().map(|level| (level.at_s, level.busy)).collect()
    }

    #[test]
    fn applications_that_are_meant_are_added_up() {
        let looks = [look(0.0, 3, 1), look(5.0, 4, 2), look(10.0, 0, 0)];
        assert_eq!(figures(&looks, "api"), [(0.0, 3.0), (5.0, 4.0), (10.0, 0.0)]);
        assert_eq!(figures(&looks, "*"), [(0.0, 4.0), (5.0, 6.0), (10.0, 0.0)]);
        assert!(figures(&[], "*").is_empty());
    }

    #[test]
    fn a_gap_is_one_step_long() {
        let looks =
            [look(0.0, 3, 0), look(5.0, 4, 0), look(10.0, 5, 0), look(30_000.0, 6, 0), look(30_005.0, 7, 0)];
        assert_eq!(figures(&looks, "api"), [(0.0, 3.0), (5.0, 4.0), (10.0, 5.0), (15.0, 6.0), (20.0, 7.0)]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_no_harm() {
        let looks = [look(5.0, 1, 0), look(0.0, 2, 0), look(5.0, 3, 0), look(i64::MIN as f64 / 1e6, 9, 0)];
        assert_eq!(figures(&looks, "api").len(), 3);
        assert_eq!(figures(&looks[..3], "api"), [(0.0, 2.0), (5.0, 3.0)]);
    }

    #[test]
    fn what_was_seen_busy_is_busy_again_when_it_is_played() {
        let looks: Vec<Look> = (0..60).map(|n| look(f64::from(n) * 5.0, 6, 0)).collect();
        let levels = concurrency(&looks, &|_| true);
        let scenario = Scenario {
            arrivals: Arrivals::Concurrency(levels),
            hold: Hold::Exponential { mean_s: 0.05 },
            application_share: 0.0,
            pool_size: 20,
            processes: 1,
            spreading: Spreading::Random,
            server: Server::UNLIMITED,
            waiting_max: None,
            wait_timeout_s: None,
            duration_s: 300.0,
            warm_up_s: 0.0,
            seed: 1,
        };
        let lent = run(&scenario).unwrap().pool_utilisation.times(20.0);
        assert!(lent.contains(6.0), "{lent:?}");
    }
}
