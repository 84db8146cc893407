//! Numbers as compose files and units write them.

/// A whole number.
pub(super) fn whole(text: &str) -> Option<u32> {
    let text = text.trim();
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A switch.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "y" | "yes" | "on" => Some(true),
        "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A size of memory in bytes: `512m`, `1.5GiB`, `64 kb`. A unit is a power of 1024; without one it is bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.')? + 1;
    let (number, unit) = text.split_at_checked(end)?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let power = match unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit) {
        "" if unit != "ib" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    scaled(number, 1024_f64.powi(power))
}

/// A number of processors in thousandths: `0.5`, `2`.
pub(super) fn millis(text: &str) -> Option<u32> {
    u32::try_from(scaled(text.trim(), 1000.0)?).ok()
}

/// A plain decimal, times something. A fraction that is left goes.
pub(super) fn scaled(number: &str, factor: f64) -> Option<u64> {
    let plain = !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    let value = plain.then(|| number.parse::<f64>().ok()).flatten()? * factor;
    // Beyond 2^53 a float no longer counts bytes one by one, and no limit is meant.
    (value < 9.0e15).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (text, expected) in [
            ("512m", Some(536_870_912)),
            ("512M", Some(536_870_912)),
            ("512MB", Some(536_870_912)),
            ("1.5GiB", Some(1_610_612_736)),
            ("64 kb", Some(65_536)),
            ("1024", Some(1024)),
            ("10b", Some(10)),
            ("1g", Some(1_073_741_824)),
            ("", None),
            ("m", None),
            ("1x", None),
            ("-1", None),
            ("1e3", None),
            ("5ib", None),
            ("99999999999999999999g", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn processors_are_counted_in_thousandths() {
        assert_eq!(millis("0.5"), Some(500));
        assert_eq!(millis("2"), Some(2000));
        assert_eq!(millis(".25"), Some(250));
        for text in ["", ".", "two", "-1", "1e9", "99999999999"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_whole_number_has_only_digits() {
        assert_eq!(whole(" 4 "), Some(4));
        for text in ["", "4.0", "-4", "+4", "many", "4294967296"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
