//! Moments as people read them: in their zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `14:02:11` in a zone.
pub(crate) fn time_of_day(at_us: i64, zone: &TimeZone) -> String {
    written(at_us, zone, "%H:%M:%S")
}

/// `2026-11-23 14:02:11 CET`.
pub(crate) fn whole(at_us: i64, zone: &TimeZone) -> String {
    written(at_us, zone, "%Y-%m-%d %H:%M:%S %Z")
}

/// A moment that no calendar has, as a broken recording may hold, is a dash.
fn written(at_us: i64, zone: &TimeZone, form: &str) -> String {
    Timestamp::from_microsecond(at_us)
        .map_or_else(|_| "-".to_owned(), |at| at.to_zoned(zone.clone()).strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_a_zone() {
        let at = 1_763_906_531_250_000;
        assert_eq!(time_of_day(at, &TimeZone::fixed(jiff::tz::offset(1))), "15:02:11");
        assert_eq!(whole(at, &TimeZone::UTC), "2025-11-23 14:02:11 UTC");
        assert_eq!(whole(i64::MAX, &TimeZone::UTC), "-");
    }
}
