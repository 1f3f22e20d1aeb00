//! Days and instants: a day is a day of the register's own time zone.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// The day it is at `instant` in `zone`.
pub fn day_at(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// `instant` as microseconds since 1970-01-01T00:00:00Z, the form in which the store keeps instants.
pub fn micros(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

/// The instant `micros` microseconds after 1970-01-01T00:00:00Z; the epoch itself where that overflows.
pub fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// `instant` as RFC 3339 UTC with microseconds and `Z`.
pub fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// Parses `YYYY-MM-DD` and nothing else.
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    if text.len() != 10 {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_day_begins_at_midnight_of_the_registers_own_zone() {
        let late = Utc.with_ymd_and_hms(2026, 7, 1, 21, 30, 0).unwrap();
        assert_eq!(day_at(late, chrono_tz::Europe::Tallinn), NaiveDate::from_ymd_opt(2026, 7, 2).unwrap());
        assert_eq!(day_at(late, chrono_tz::UTC), NaiveDate::from_ymd_opt(2026, 7, 1).unwrap());
    }

    #[test]
    fn only_a_whole_iso_day_is_a_day() {
        assert!(parse_day("2026-02-28").is_some());
        for wrong in ["2026-02-30", "2026-2-1", "02.01.2026", "2026-01-01T00:00:00Z", " 2026-01-01"] {
            assert!(parse_day(wrong).is_none(), "{wrong}");
        }
    }
}
