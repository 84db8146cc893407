//! Sizes and times, for people and for PostgreSQL's files.

use std::time::Duration;

const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
/// PostgreSQL's words for the same factors.
const SETTING_UNITS: [(&str, u64); 3] = [("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)];
const SPANS: [(&str, u128); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

/// A size for people: `3.1 MiB`, `16 GiB`.
pub fn size(bytes: u64) -> String {
    let unit = UNITS.iter().find(|(_, factor)| bytes >= *factor);
    match unit {
        None => format!("{bytes} B"),
        Some((name, factor)) if bytes.is_multiple_of(*factor) => format!("{} {name}", bytes / factor),
        Some((name, factor)) => format!("{:.1} {name}", bytes as f64 / *factor as f64),
    }
}

/// A size as PostgreSQL's files have it: `256MB`; rounded down to whole kilobytes.
pub fn size_setting(bytes: u64) -> String {
    match SETTING_UNITS.iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor)) {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => format!("{}kB", bytes >> 10),
    }
}

/// A time as PostgreSQL's files have it: `5min`.
pub fn span_setting(span: Duration) -> String {
    let millis = span.as_millis();
    match SPANS.iter().find(|(_, factor)| millis >= *factor && millis.is_multiple_of(*factor)) {
        Some((name, factor)) => format!("{}{name}", millis / factor),
        None => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_written_as_their_readers_read_them() {
        let mib = 1 << 20;
        assert_eq!(
            [0, 1536, 16 << 30, 3 * mib + mib / 10].map(size),
            ["0 B", "1.5 KiB", "16 GiB", "3.1 MiB"]
        );
        assert_eq!(
            [0, 256 * mib, 1 << 30, 1536 * mib, 4096].map(size_setting),
            ["0kB", "256MB", "1GB", "1536MB", "4kB"]
        );
        assert_eq!(
            [300, 0, 3600, 90].map(|s| span_setting(Duration::from_secs(s))),
            ["5min", "0", "1h", "90s"]
        );
    }
}
