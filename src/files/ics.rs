//! Days as a calendar (RFC 5545), as calendar programs subscribe to it.

use chrono::{DateTime, NaiveDate, Utc};
use icalendar::{Calendar, Component as _, Event, EventLike as _};

/// A day in the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The same for the same thing whenever the calendar is fetched.
    pub uid: String,
    /// The day.
    pub on: NaiveDate,
    /// What stands there.
    pub summary: String,
    /// More about it.
    pub about: String,
}

/// The calendar called `name` as of `now`.
pub fn ics(name: &str, days: &[Day], now: DateTime<Utc>) -> String {
    let mut calendar = Calendar::new();
    calendar.name(name);
    for day in days {
        let mut event = Event::with_uid(&day.uid);
        event.summary(&day.summary).description(&day.about).timestamp(now).all_day(day.on);
        calendar.push(event.done());
    }
    calendar.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(summary: &str) -> String {
        let on = NaiveDate::from_ymd_opt(2026, 9, 10).unwrap();
        let day = Day { uid: "1@r".into(), on, summary: summary.into(), about: "§ 12 lg 1".into() };
        ics("Register", &[day], DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_day_stands_in_the_calendar_for_the_whole_day() {
        let text = calendar("Kinnitamine: Kuuse Kool");
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
        assert!(text.contains("DTSTART;VALUE=DATE:20260910\r\n"), "{text}");
        assert!(text.contains("UID:1@r\r\n") && text.contains("DTSTAMP:19700101T000000Z"), "{text}");
        assert_eq!(text, calendar("Kinnitamine: Kuuse Kool"), "the same days give the same bytes");
    }

    #[test]
    fn a_name_cannot_break_out_of_its_line() {
        let text = calendar("Kool; \"A\", B\nBEGIN:VALARM");
        assert!(!text.contains("\nBEGIN:VALARM"), "{text}");
        assert!(text.contains("\\;") && text.contains("\\,"), "{text}");
    }
}
