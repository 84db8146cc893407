//! Values of options, read by the configuration's own rules: a duration has a unit. And the time.

use std::time::{Duration, SystemTime};

use model::config::value::{Given, Typed};

/// `60s`, `5m`, `250ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    Duration::read(&Given::Word(text.to_owned())).map_err(|refused| match refused.fix {
        Some(fix) => format!("{}: {fix}", refused.problem),
        None => refused.problem,
    })
}

/// A duration; a bare number is seconds: old scripts write `--interval=5`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let bare = text.ends_with(|c: char| c.is_ascii_digit());
    duration(&if bare { format!("{text}s") } else { text.to_owned() })
}

/// Such a time between two looks.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    let interval = seconds(text)?;
    if interval < Duration::from_millis(100) || interval > Duration::from_secs(86_400) {
        return Err("write 100ms to 24h".into());
    }
    Ok(interval)
}

/// Our own clock, where no server tells the time: microseconds since 1970.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A size with a unit, as PostgreSQL or the rest of the world writes it: 1024 bytes make a kilobyte.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wanted = "write a number and MB or GB, like 4GB";
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim().to_ascii_lowercase());
    let shift = match unit.as_str() {
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(wanted.to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| wanted.to_owned())?;
    let bytes = number * f64::from(1u32 << (shift - 10)) * 1024.0;
    if !(0.0..=(1u64 << 50) as f64).contains(&bytes) {
        return Err("at most 1024TB".to_owned());
    }
    Ok(bytes as u64)
}

/// A duration in words for people: `10s`, `0.5s`.
pub(crate) fn said(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}

/// `70` or `70%`.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
    number.ok().filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "write 0 to 100".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_without_a_unit_is_refused_with_the_fix() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        let refused = duration("60").unwrap_err();
        assert!(refused.contains("no unit") && refused.contains("\"60s\""), "{refused}");
    }

    #[test]
    fn an_interval_may_be_whole_seconds() {
        assert_eq!(interval("5"), Ok(Duration::from_secs(5)));
        assert_eq!(interval("500ms"), Ok(Duration::from_millis(500)));
        assert!(interval("0").is_err() && interval("x").is_err());
    }

    #[test]
    fn a_percentage_may_have_its_sign() {
        assert_eq!((percent("70"), percent("85%")), (Ok(70.0), Ok(85.0)));
        assert!(percent("101").is_err() && percent("-1").is_err() && percent("a").is_err());
    }
}
