//! A moment as RFC 3339 writes it, in UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-23T14:02:11Z` of microseconds since 1970; a dash for what no calendar has, as a broken recording may hold.
pub fn utc(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(
        |_| "-".to_owned(),
        |at| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn moments_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399_999_999), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400_000_000), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_442_531_000_000), "2026-11-23T14:02:11Z");
        assert_eq!(utc(4_107_542_400_000_000), "2100-03-01T00:00:00Z");
        assert_eq!(utc(-1), "1969-12-31T23:59:59Z");
        assert_eq!(utc(i64::MAX), "-");
    }
}
