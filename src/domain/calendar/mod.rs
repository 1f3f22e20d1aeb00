//! Days and instants, deadlines and the days on which they may fall.
//!
//! A day is a day of the register's own time zone. [`Term`] is the length of a statutory period, and
//! [`HolidayCalendar`] tells the working days of a country.

mod holidays;
mod term;

use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

pub use holidays::{CalendarFault, DayOff, HolidayCalendar, easter_sunday};
pub use term::{Due, DueInstant, Term, TermFault};

/// The day it is at `instant` in `zone`.
pub fn day_at(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// 24:00 of `day` in `zone`: the first instant from which it is a later day there for good. Nothing at the end of time.
///
/// That is the midnight with which the next day begins; where clocks skip that midnight, the instant of the skip.
/// Where they show it twice it is the first, unless setting them back returned to `day` once more.
pub fn end_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.succ_opt()?.and_time(NaiveTime::MIN);
    let local = match zone.from_local_datetime(&midnight) {
        MappedLocalTime::Single(once) => once,
        MappedLocalTime::None => GapInfo::new(&midnight, &zone)?.end?,
        MappedLocalTime::Ambiguous(first, second) => {
            let just_before = second.checked_sub_signed(TimeDelta::microseconds(1))?;
            if just_before.date_naive() > day { first } else { second }
        }
    };
    Some(local.to_utc())
}

/// Whether a day can be written as `YYYY-MM-DD`, the form in which days are kept and compared.
fn has_four_digit_year(day: NaiveDate) -> bool {
    (0..=9999).contains(&day.year())
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
    // chrono would read ` 1` for `01`.
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| day.to_string() == text)
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
    fn a_day_ends_at_its_own_midnight_even_where_clocks_skip_or_repeat_it() {
        use chrono_tz::{America, Atlantic, Europe, Pacific};
        let ends = [
            // Clocks change at 3 or 4 in the morning: midnight stays, and its distance from UTC changes.
            (Europe::Tallinn, "2026-03-28", "2026-03-28T22:00:00Z"),
            (Europe::Tallinn, "2026-03-29", "2026-03-29T21:00:00Z"),
            (Europe::Tallinn, "2026-10-24", "2026-10-24T21:00:00Z"),
            (Europe::Tallinn, "2026-10-25", "2026-10-25T22:00:00Z"),
            // No midnight: 00:00 became 01:00.
            (America::Sao_Paulo, "2018-11-03", "2018-11-04T03:00:00Z"),
            (Atlantic::Azores, "2026-03-28", "2026-03-29T01:00:00Z"),
            // Two midnights: 01:00 became 00:00 of the same day, and the day before was over at the first.
            (Atlantic::Azores, "2026-10-24", "2026-10-25T00:00:00Z"),
            // Midnight became 23:00 of the day that was about to end.
            (America::Sao_Paulo, "2018-02-17", "2018-02-18T03:00:00Z"),
            // Two midnights: 00:01 became 23:01 of the day before, which so went on until the second.
            (America::St_Johns, "2010-11-06", "2010-11-07T03:30:00Z"),
            // The next day was left out altogether.
            (Pacific::Apia, "2011-12-29", "2011-12-30T10:00:00Z"),
        ];
        for (zone, day, end) in ends {
            let end: DateTime<Utc> = end.parse().unwrap();
            assert_eq!(end_of_day(parse_day(day).unwrap(), zone), Some(end), "{zone} {day}");
        }
        assert_eq!(end_of_day(NaiveDate::MAX, chrono_tz::UTC), None);
    }

    #[test]
    fn only_a_whole_iso_day_is_a_day() {
        assert!(parse_day("2026-02-28").is_some());
        for wrong in [
            "2026-02-30",
            "2026-2-1",
            "02.01.2026",
            "2026-01-01T00:00:00Z",
            " 2026-01-01",
            "2026- 1-01",
            "2026-1--01",
            "2026-+1-01",
        ] {
            assert!(parse_day(wrong).is_none(), "{wrong}");
        }
    }
}
