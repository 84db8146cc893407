//! Values of PostgreSQL's settings, as its files and arguments write them.

/// The unit of `shared_buffers` and `effective_cache_size` where none is written, in bytes.
pub(crate) const BLOCK: u64 = 8 << 10;
/// The unit of `work_mem` where none is written, in bytes.
pub(crate) const KILOBYTE: u64 = 1 << 10;
/// The unit of timeouts where none is written, in milliseconds.
pub(crate) const MILLISECOND: u64 = 1;

const SIZES: [(&str, u64); 5] =
    [("B", 1), ("kB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40)];
const SPANS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A size in bytes. `unit`: what a bare number counts.
pub(crate) fn bytes(text: &str, unit: u64) -> Option<u64> {
    read(text, &SIZES, unit)
}

/// A time in milliseconds. `unit`: what a bare number counts.
pub(crate) fn millis(text: &str, unit: u64) -> Option<u64> {
    read(text, &SPANS, unit)
}

fn read(text: &str, units: &[(&str, u64)], unit: u64) -> Option<u64> {
    let text = text.trim().trim_matches('\'').trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, name) = text.split_at_checked(end)?;
    let factor = match name.trim() {
        "" => unit,
        name => units.iter().find(|(known, _)| *known == name)?.1,
    };
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        // `1.5GB` is a size like any other.
        Err(_) => {
            let value = number.parse::<f64>().ok()? * factor as f64;
            (0.0..1e18).contains(&value).then_some(value as u64)
        }
    }
}

/// Two spellings of one value: `1GB` and `1024MB`, `on` and `true`.
pub(crate) fn same(left: &str, right: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim().trim_matches('\'').to_ascii_lowercase();
        match text.as_str() {
            "on" | "yes" | "true" | "1" => "true".to_owned(),
            "off" | "no" | "false" | "0" => "false".to_owned(),
            _ => text,
        }
    };
    let sizes = bytes(left, 1).zip(bytes(right, 1)).is_some_and(|(left, right)| left == right);
    let spans = millis(left, 1).zip(millis(right, 1)).is_some_and(|(left, right)| left == right);
    plain(left) == plain(right) || sizes || spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_counts_the_settings_own_unit() {
        assert_eq!(bytes("16384", BLOCK), Some(128 << 20));
        assert_eq!(bytes("'1.5GB'", BLOCK), Some(3 << 29));
        assert_eq!(bytes("4096", KILOBYTE), bytes("4MB", KILOBYTE));
        assert_eq!(millis("5min", MILLISECOND), Some(300_000));
        assert_eq!(millis("300000", MILLISECOND), Some(300_000));
    }

    #[test]
    fn what_is_no_value_is_none() {
        for text in ["", "MB", "12 parsecs", "1GBx", "${SHARED}", "99999999999999999999TB", "1.2.3MB"] {
            assert_eq!(bytes(text, 1), None, "{text}");
        }
        assert_eq!(millis("5m", 1), None, "PostgreSQL's minute is min");
    }

    #[test]
    fn spellings_of_one_value_are_the_same() {
        assert!(same("1GB", "1024MB") && same("on", "true") && same("5min", "300s") && same("25", "25"));
        assert!(!same("256MB", "128MB") && !same("on", "off") && !same("replica", "logical"));
    }
}
