//! The time between two looks: `5`, `0.5s`, `500ms`, `1m`, `1h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::value;

/// The shortest, in milliseconds.
const MS_MIN: u64 = 500;
/// The longest, in milliseconds.
const MS_MAX: u64 = 3_600_000;
/// What `+` and `-` step through.
const STEPS_MS: [u64; 10] = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, MS_MAX];

/// Time between two looks: 0.5 seconds to an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    ms: u64,
}

impl Interval {
    /// As seconds.
    pub(crate) fn seconds(self) -> f64 {
        self.ms as f64 / 1e3
    }

    /// As a duration.
    pub(crate) fn duration(self) -> Duration {
        Duration::from_millis(self.ms)
    }

    /// The next longer step; the longest stays.
    pub(crate) fn longer(self) -> Self {
        Self { ms: STEPS_MS.into_iter().find(|step| *step > self.ms).unwrap_or(MS_MAX) }
    }

    /// The next shorter step; the shortest stays.
    pub(crate) fn shorter(self) -> Self {
        Self { ms: STEPS_MS.into_iter().rev().find(|step| *step < self.ms).unwrap_or(MS_MIN) }
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ms = value::seconds(text)?.as_millis();
        let ms = u64::try_from(ms).ok().filter(|ms| (MS_MIN..=MS_MAX).contains(ms));
        ms.map(|ms| Self { ms }).ok_or_else(|| format!("{text} is not between 0.5s and 1h"))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ms {
            ms if ms % 3_600_000 == 0 => write!(f, "{}h", ms / 3_600_000),
            ms if ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{}s", ms as f64 / 1e3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_said_again() {
        let said = |text: &str| text.parse::<Interval>().map(|interval| interval.to_string());
        assert_eq!(said("5"), Ok("5s".into()));
        assert_eq!(said("0.5s"), Ok("0.5s".into()));
        assert_eq!(said("500ms"), Ok("0.5s".into()));
        assert_eq!(said("90"), Ok("90s".into()));
        assert_eq!(said("5 s"), Ok("5s".into()));
        assert_eq!(said("1m"), Ok("1m".into()));
        assert_eq!(said("1h"), Ok("1h".into()));
        for refused in ["", "s", "0", "0.4s", "61m", "-1", "1d", "1.2.3", "inf", "nan"] {
            assert!(said(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn steps_end_at_both_ends() {
        let interval: Interval = "7".parse().unwrap();
        assert_eq!((interval.shorter().ms, interval.longer().ms), (5_000, 10_000));
        let (short, long): (Interval, Interval) = ("0.5s".parse().unwrap(), "1h".parse().unwrap());
        assert_eq!((short.shorter(), long.longer()), (short, long));
    }
}
