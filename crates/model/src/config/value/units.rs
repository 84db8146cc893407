//! Durations and sizes: a number with a unit, never a bare number.

use std::time::Duration;

use super::{Given, Refused};
use crate::catalog::Kind;

const MILLIS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const BYTES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
/// Longer than any process lives, and far from any overflow.
const MILLIS_MAX: u64 = 10 * 365 * 86_400_000;

/// Reads "15s", "250ms", "1.5h".
pub(super) fn duration(given: &Given, kind: Kind) -> Result<Duration, Refused> {
    let text = match given {
        Given::Integer(number) => {
            let fix =
                format!("write \"{number}s\" for seconds, or \"{number}ms\", \"{number}m\", \"{number}h\"");
            return Err(Refused::new(format!("{number} has no unit"), fix));
        }
        other => other.as_text(kind)?.trim(),
    };
    let (number, unit) = split(text);
    if !number.is_empty() && unit.is_empty() {
        return Err(Refused::new(
            format!("{text:?} has no unit"),
            format!("write \"{number}s\" for seconds"),
        ));
    }
    let wanted = "write a number and ms, s, m, h or d, like \"15s\" or \"250ms\"";
    let Some(&(_, factor)) = MILLIS.iter().find(|(name, _)| *name == unit) else {
        let fix = match unit.to_ascii_lowercase().as_str() {
            "sec" | "secs" | "second" | "seconds" => format!("write \"{number}s\""),
            "min" | "mins" | "minute" | "minutes" => format!("write \"{number}m\""),
            "hour" | "hours" | "hr" => format!("write \"{number}h\""),
            "day" | "days" => format!("write \"{number}d\""),
            "us" => "write at least \"1ms\": nothing finer is kept".into(),
            _ => wanted.into(),
        };
        return Err(Refused::new(format!("{text:?} is not a duration"), fix));
    };
    let millis =
        times(number, factor).ok_or_else(|| Refused::new(format!("{text:?} is not a duration"), wanted))?;
    if millis > MILLIS_MAX {
        return Err(Refused::new(format!("{text:?} is too long"), "write at most \"3650d\""));
    }
    Ok(Duration::from_millis(millis))
}

/// Reads "64KiB", "1MiB".
pub(super) fn size(given: &Given, kind: Kind) -> Result<u64, Refused> {
    let text = match given {
        Given::Integer(number) => {
            let fix = format!("write \"{number}B\" for bytes, or \"{number}KiB\", \"{number}MiB\"");
            return Err(Refused::new(format!("{number} has no unit"), fix));
        }
        other => other.as_text(kind)?.trim(),
    };
    let (number, unit) = split(text);
    if !number.is_empty() && unit.is_empty() {
        return Err(Refused::new(format!("{text:?} has no unit"), format!("write \"{number}B\" for bytes")));
    }
    let Some(&(_, factor)) = BYTES.iter().find(|(name, _)| *name == unit) else {
        let fix = match unit.to_ascii_lowercase().as_str() {
            "b" | "bytes" => format!("write \"{number}B\""),
            "k" | "kb" | "kib" => format!("write \"{number}KiB\" (1024 bytes each)"),
            "m" | "mb" | "mib" => format!("write \"{number}MiB\" (1024 KiB each)"),
            "g" | "gb" | "gib" => format!("write \"{number}GiB\" (1024 MiB each)"),
            _ => "write a number and B, KiB, MiB or GiB, like \"64KiB\"".into(),
        };
        return Err(Refused::new(format!("{text:?} is not a size"), fix));
    };
    times(number, factor).ok_or_else(|| {
        Refused::new(
            format!("{text:?} is not a size"),
            "write a number and B, KiB, MiB or GiB, like \"64KiB\"",
        )
    })
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// `number` (whole, or with up to three decimals) times `factor`, where the product is whole.
fn times(number: &str, factor: u64) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || decimals.is_empty() || decimals.len() > 3 {
        return None;
    }
    let scale = 10u64.pow(decimals.len() as u32);
    let thousandths = whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(decimals.parse().ok()?)?;
    let product = thousandths.checked_mul(factor)?;
    (product % scale == 0).then_some(product / scale)
}

/// The largest unit that leaves no remainder: "1h", "90s", "250ms".
pub fn print_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis == 0 {
        return "0s".into();
    }
    print(millis, &MILLIS)
}

/// The largest unit that leaves no remainder: "1MiB", "1000B".
pub fn print_size(bytes: u64) -> String {
    print(bytes, &BYTES)
}

fn print(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = |&&(_, factor): &&(&str, u64)| amount != 0 && amount.is_multiple_of(factor);
    match units.iter().rev().find(fits) {
        Some((unit, factor)) => format!("{}{unit}", amount / factor),
        None => format!("{amount}{}", units[0].0),
    }
}
