//! What is worth telling when one sample follows another.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use inspect::catalog::Sample;
use inspect::census::{Level, Thresholds, Totals, Utilization};
use inspect::form::{app, count, percent};

/// Most appearances and disappearances told per sample; the rest is a number.
const NAMES_MAX: usize = 4;
/// Fewer sessions than this vanish every day.
const BURST_MIN: usize = 10;
/// And a burst is at least this share of all.
const BURST_SHARE: f64 = 0.3;
/// Most characters of an application's name.
/// Clocks of server and postmaster agree to this many seconds.
const RESTART_SLACK_S: f64 = 2.0;

/// How a piece of news is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

/// Compares two samples that followed each other.
pub(crate) fn between(before: &Sample, after: &Sample, thresholds: Thresholds) -> Vec<(Tone, String)> {
    let mut news = Vec::new();
    let begun = |sample: &Sample| sample.facts.now_us as f64 / 1e6 - sample.facts.uptime_s;
    let restarted = begun(after) - begun(before) > RESTART_SLACK_S;
    if restarted {
        news.push((Tone::Bad, "the server was restarted".to_owned()));
    }
    if after.facts.max_connections != before.facts.max_connections {
        let (was, is) = (before.facts.max_connections, after.facts.max_connections);
        news.push((Tone::Plain, format!("max_connections went from {was} to {is}")));
    }
    news.extend(crossing(before, after, thresholds));
    if !restarted {
        news.extend(burst(before, after));
    }
    news.extend(applications(before, after));
    news
}

fn crossing(before: &Sample, after: &Sample, thresholds: Thresholds) -> Option<(Tone, String)> {
    let share = |sample: &Sample| Utilization::of(&Totals::of(sample), &sample.facts).of_usable_percent;
    let (was, is) = (thresholds.level(share(before)), thresholds.level(share(after)));
    let at = percent(share(after));
    match (was, is) {
        (was, is) if was == is => None,
        (_, Level::Critical) => Some((Tone::Bad, format!("utilization {at}: above {:.0}%", thresholds.crit))),
        (Level::Ok, Level::Warning) => {
            Some((Tone::Warn, format!("utilization {at}: above {:.0}%", thresholds.warn)))
        }
        (_, Level::Warning) => {
            Some((Tone::Warn, format!("utilization {at}: below {:.0}% again", thresholds.crit)))
        }
        (_, Level::Ok) => {
            Some((Tone::Good, format!("utilization {at}: below {:.0}% again", thresholds.warn)))
        }
    }
}

fn burst(before: &Sample, after: &Sample) -> Option<(Tone, String)> {
    let still: HashSet<_> = after.sessions.iter().map(|s| (s.pid, s.started.as_deref())).collect();
    let mut gone: BTreeMap<&str, u32> = BTreeMap::new();
    for session in before.slot_holders().filter(|s| !still.contains(&(s.pid, s.started.as_deref()))) {
        *gone.entry(&session.application).or_default() += 1;
    }
    let number = gone.values().sum::<u32>();
    let all = before.slot_holders().count();
    if (number as usize) < BURST_MIN || f64::from(number) < all as f64 * BURST_SHARE {
        return None;
    }
    let (most, of_most) = gone.into_iter().max_by_key(|(_, number)| *number)?;
    Some((
        Tone::Warn,
        format!("{number} of {all} sessions vanished at once, {of_most} of them {}", app(most)),
    ))
}

fn applications(before: &Sample, after: &Sample) -> Vec<(Tone, String)> {
    let numbers = |sample: &Sample| {
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        for session in sample.slot_holders() {
            *numbers.entry(session.application.clone()).or_default() += 1;
        }
        numbers
    };
    let (was, is) = (numbers(before), numbers(after));
    let only = |here: &BTreeMap<String, u32>, there: &BTreeMap<String, u32>, word: &str| {
        let found: BTreeSet<_> = here
            .iter()
            .filter(|(name, _)| !there.contains_key(*name))
            .map(|(name, n)| (name.clone(), *n))
            .collect();
        let more = found.len().saturating_sub(NAMES_MAX);
        let mut told: Vec<_> = found
            .iter()
            .take(NAMES_MAX)
            .map(|(name, number)| {
                (Tone::Plain, format!("{} {word} ({})", app(name), count(*number, "session")))
            })
            .collect();
        if more > 0 {
            told.push((Tone::Plain, format!("{more} more applications {word}")));
        }
        told
    };
    let mut told = only(&is, &was, "appeared");
    told.extend(only(&was, &is, "vanished"));
    told
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::sample;
    use super::*;

    fn told(before: &Sample, after: &Sample) -> Vec<String> {
        between(before, after, Thresholds::default()).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn nothing_new_is_no_news() {
        assert!(told(&sample(0, &[("a", 5)]), &sample(5, &[("a", 7)])).is_empty());
    }

    #[test]
    fn applications_come_and_go() {
        let news = told(&sample(0, &[("a", 5), ("b", 1)]), &sample(5, &[("a", 5), ("", 2)]));
        assert_eq!(news, ["(empty name) appeared (2 sessions)", "b vanished (1 session)"]);
        let many: Vec<(String, usize)> = (0..50).map(|n| (format!("app{n:02}"), 1)).collect();
        let many: Vec<(&str, usize)> = many.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        let news = told(&sample(0, &[]), &sample(5, &many));
        assert_eq!(news.iter().filter(|text| text.contains("appeared")).count(), NAMES_MAX + 1);
        assert!(news.contains(&"46 more applications appeared".to_owned()), "{news:?}");
    }

    #[test]
    fn thresholds_are_told_when_they_are_crossed_either_way() {
        let at = |n| sample(n, &[("a", n as usize)]);
        assert_eq!(told(&at(50), &at(75)), ["utilization 77.3%: above 70%"]);
        assert_eq!(told(&at(75), &at(90)), ["utilization 92.8%: above 85%"]);
        assert!(told(&at(75), &at(76)).is_empty());
        let down = told(&at(90), &at(75));
        assert_eq!(down, ["utilization 77.3%: below 85% again"]);
        assert_eq!(told(&at(75), &at(60))[0], "utilization 61.9%: below 70% again");
    }

    #[test]
    fn a_burst_names_whose_sessions_they_were() {
        let news = told(&sample(0, &[("b", 3), ("a", 20)]), &sample(5, &[("b", 3), ("a", 2)]));
        assert_eq!(news, ["18 of 23 sessions vanished at once, 18 of them a"]);
        assert!(told(&sample(0, &[("a", 60)]), &sample(5, &[("a", 45)])).is_empty());
    }

    #[test]
    fn a_restart_is_told_and_its_losses_are_no_burst() {
        let before = sample(0, &[("a", 30)]);
        let mut after = sample(60, &[("a", 1)]);
        after.facts.uptime_s = 3.0;
        assert_eq!(told(&before, &after), ["the server was restarted"]);
    }
}
