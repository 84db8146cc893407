//! How long: `90s`, `5m`, `1h30m`. A number without a unit is refused, since nobody agrees on which one it has.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(u64);

/// Longest span: a hundred years.
const MS_MAX: u64 = 100 * 366 * 86_400_000;
/// Units from the largest, in milliseconds.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Span {
    /// So many seconds.
    pub fn of_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000).min(MS_MAX))
    }

    /// In seconds, as ages are.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// As the clock wants it.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    #[cfg(test)]
    pub(super) fn of_ms(ms: u64) -> Self {
        Self(ms.min(MS_MAX))
    }
}

/// The message says what to write.
impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a duration; write 90s, 5m or 1h30m");
        if text == "0" {
            return Ok(Self(0));
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{text} has no unit; write {text}s or {text}m"));
        }
        let (mut rest, mut total, mut last) = (text, 0_u64, u64::MAX);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let unit = UNITS.iter().find(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?.1;
            // Units fall, so that nothing is said twice.
            if unit >= last {
                return Err(wrong());
            }
            last = unit;
            total = number.checked_mul(unit).and_then(|ms| ms.checked_add(total)).ok_or_else(wrong)?;
            rest = &rest[letters..];
        }
        if text.is_empty() || total > MS_MAX { Err(wrong()) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (name, unit) in UNITS.into_iter().skip(1) {
            if rest >= unit {
                write!(f, "{}{name}", rest / unit)?;
                rest %= unit;
            }
        }
        Ok(())
    }
}
