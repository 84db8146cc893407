//! How many replicas stand at once while new ones replace old ones.

use crate::deployed::{Life, Overlap, Share};

/// How many replicas there are at once during a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Beyond the wanted number, started before old ones have gone.
    pub surge: u32,
    /// Told to end, but still holding their connections.
    pub terminating: u32,
}

/// What a rollout adds to `most` replicas.
///
/// Kubernetes counts neither surge nor availability by pods that terminate
/// (`kubernetes/deployments`, "Max Unavailable"): while one wave of `surge + unavailable` old pods ends, the next wave of new ones begins. More
/// than all old beside all new there never is.
pub(super) fn replaced(life: &Life, most: u32) -> Replaced {
    match life {
        Life::Job { .. } | Life::Service(Overlap::None) => Replaced::default(),
        // A run that began before the last one ended.
        Life::Cron { overlaps } => Replaced { surge: if *overlaps { most } else { 0 }, terminating: 0 },
        Life::Service(Overlap::BlueGreen) => Replaced { surge: most, terminating: 0 },
        Life::Service(Overlap::Rolling { surge, unavailable, lingers }) => {
            let surge = surged(surge, most).min(most);
            // Both at 0 would never move on; the API server takes 1 for the latter then.
            let unavailable = missing(unavailable, most).max(u32::from(surge == 0)).min(most);
            let wave = if *lingers { surge.saturating_add(unavailable) } else { 0 };
            Replaced { surge, terminating: wave.min(most - surge) }
        }
    }
}

/// A surge's percentage rounds up.
fn surged(share: &Share, most: u32) -> u32 {
    match share {
        Share::Count(number) => number.value,
        Share::Percent(percent) => part(percent.value, most, 99),
    }
}

/// That of the unavailable rounds down.
fn missing(share: &Share, most: u32) -> u32 {
    match share {
        Share::Count(number) => number.value,
        Share::Percent(percent) => part(percent.value, most, 0),
    }
}

fn part(percent: u32, of: u32, round: u64) -> u32 {
    let part = (u64::from(percent) * u64::from(of) + round) / 100;
    u32::try_from(part).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Number;

    fn rolling(surge: Share, unavailable: Share, lingers: bool, most: u32) -> (u32, u32) {
        let life = Life::Service(Overlap::Rolling { surge, unavailable, lingers });
        let replaced = replaced(&life, most);
        (replaced.surge, replaced.terminating)
    }
    fn percent(percent: u32) -> Share {
        Share::Percent(Number::implied(percent))
    }
    fn count(count: u32) -> Share {
        Share::Count(Number::implied(count))
    }

    #[test]
    fn a_quarter_of_four_is_one_more_and_a_wave_of_two_terminates() {
        assert_eq!(rolling(percent(25), percent(25), true, 4), (1, 2));
        assert_eq!(rolling(percent(25), percent(25), false, 4), (1, 0));
    }

    #[test]
    fn surge_rounds_up_and_the_missing_round_down() {
        assert_eq!(rolling(percent(25), percent(25), true, 1), (1, 0));
        assert_eq!(rolling(percent(25), percent(25), true, 2), (1, 1));
        assert_eq!(rolling(percent(25), percent(25), true, 10), (3, 5));
        assert_eq!(rolling(percent(100), percent(0), true, 3), (3, 0));
    }

    #[test]
    fn there_are_never_more_than_all_old_beside_all_new() {
        for most in 0..40 {
            for surge in [0, 1, 25, 50, 100, 500] {
                for unavailable in [0, 25, 100] {
                    let (more, ending) = rolling(percent(surge), percent(unavailable), true, most);
                    assert!(more + ending <= most, "{most} {surge} {unavailable}");
                }
            }
        }
    }

    #[test]
    fn a_rollout_that_may_neither_add_nor_miss_misses_one() {
        assert_eq!(rolling(count(0), count(0), true, 3), (0, 1));
        assert_eq!(rolling(count(0), count(2), true, 3), (0, 2));
        assert_eq!(rolling(count(2), count(0), true, 0), (0, 0));
    }

    #[test]
    fn other_lives() {
        let of = |life| {
            let replaced = replaced(&life, 3);
            (replaced.surge, replaced.terminating)
        };
        assert_eq!(of(Life::Service(Overlap::None)), (0, 0));
        assert_eq!(of(Life::Service(Overlap::BlueGreen)), (3, 0));
        assert_eq!(of(Life::Job { with_rollout: true }), (0, 0));
        assert_eq!(of(Life::Cron { overlaps: true }), (3, 0));
        assert_eq!(of(Life::Cron { overlaps: false }), (0, 0));
    }
}
