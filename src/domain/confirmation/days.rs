//! The days of duties to confirm: when one is due, until when it is in time, from when on it can be done, when the
//! institution is reminded, and where it stands.
//!
//! The statute names plain days. A day that is off keeps its date, for it is the day as of which the data are
//! confirmed; the act itself is in time on the next working day (General Part of the Civil Code Act § 136 lg 8).

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{HolidayCalendar, parse_day};
use crate::domain::record::index::Status;
use crate::domain::statute::duties::ConfirmationDuty;

/// One day on which a duty is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DueDay {
    /// The day that the statute names, be it off or not.
    pub due_on: NaiveDate,
    /// Last day on which confirming is in time: `due_on`, or the next working day where that is off.
    pub acts_by: NaiveDate,
    /// What `due_on` is, where `acts_by` is later: the Estonian name of the holiday or weekday.
    pub moved_by: Option<String>,
    /// First day on which it can be confirmed.
    pub opens_on: NaiveDate,
    /// Working days on which the institution is reminded, ascending and each once.
    pub reminders: Vec<NaiveDate>,
}

/// The due days of `duty` from `from` to `to`, both included, ascending. They are the same for all institutions that
/// the duty [`binds`].
///
/// A year that lacks a day (29 February) has no duty on it, and nothing is due before the year 0 or after 9999.
#[must_use]
pub fn due_days(duty: &ConfirmationDuty, calendar: &HolidayCalendar, from: NaiveDate, to: NaiveDate) -> Vec<DueDay> {
    let named: BTreeSet<&str> = duty.due_on.iter().map(String::as_str).collect();
    let years = from.year().max(0)..=to.year().min(9999);
    years
        .flat_map(|year| named.iter().filter_map(move |day| parse_day(&format!("{year:04}-{day}"))))
        .filter(|day| (from..=to).contains(day))
        .filter_map(|day| due_day(duty, calendar, day))
        .collect()
}

fn due_day(duty: &ConfirmationDuty, calendar: &HolidayCalendar, due_on: NaiveDate) -> Option<DueDay> {
    let acts_by = calendar.roll(due_on)?;
    let moved_by = calendar.why_off(due_on).map(str::to_owned);
    let before = |days: u32| due_on.checked_sub_days(Days::new(days.into())).unwrap_or(due_on);
    let opens_on = before(duty.opens_days_before);
    let reminders: BTreeSet<NaiveDate> =
        duty.reminders.iter().filter_map(|days| reminder(calendar, before(*days), opens_on)).collect();
    Some(DueDay { due_on, acts_by, moved_by, opens_on, reminders: reminders.into_iter().collect() })
}

/// The working day on which a reminder meant for `meant` is sent: the last one until then, but none before the window
/// opens. The reminder that it has opened is not lost when it opens on a day off: it is sent on the first working day.
fn reminder(calendar: &HolidayCalendar, meant: NaiveDate, opens_on: NaiveDate) -> Option<NaiveDate> {
    let until = |day| if calendar.is_working_day(day) { Some(day) } else { calendar.working_day_before(day) };
    until(meant).filter(|day| *day >= opens_on).or_else(|| {
        if calendar.is_working_day(opens_on) { Some(opens_on) } else { calendar.working_days_after(opens_on, 1) }
    })
}

/// Whether `duty` binds an institution, by its kind and its status on the due day itself. One that was closed, merged
/// or changed into another kind before that day has no such duty, and one that is yet to open has none either.
#[must_use]
pub fn binds(duty: &ConfirmationDuty, kind_on_day: Option<&str>, status_on_day: Status) -> bool {
    kind_on_day == Some(duty.institution_kind.as_str()) && status_on_day == Status::Active
}

/// The days between which confirming is in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First day on which it can be confirmed.
    pub opens_on: NaiveDate,
    /// Last day on which that is in time.
    pub acts_by: NaiveDate,
}

impl From<&DueDay> for Window {
    fn from(due: &DueDay) -> Self {
        Self { opens_on: due.opens_on, acts_by: due.acts_by }
    }
}

impl From<(NaiveDate, NaiveDate)> for Window {
    /// `(opens_on, acts_by)`.
    fn from((opens_on, acts_by): (NaiveDate, NaiveDate)) -> Self {
        Self { opens_on, acts_by }
    }
}

/// Where a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It can't be confirmed yet.
    Upcoming,
    /// It can be confirmed, and is in time.
    Open,
    /// It was confirmed in time.
    Confirmed,
    /// It was confirmed after its time.
    ConfirmedLate,
    /// Its time has run out. It can still be confirmed.
    Overdue,
    /// It binds the institution no more.
    Cancelled,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 6] =
        [Self::Upcoming, Self::Open, Self::Confirmed, Self::ConfirmedLate, Self::Overdue, Self::Cancelled];

    /// The word used in answers and filters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::ConfirmedLate => "confirmed_late",
            Self::Overdue => "overdue",
            Self::Cancelled => "cancelled",
        }
    }

    /// The standing that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }

    /// Whether it can be confirmed.
    #[must_use]
    pub const fn can_be_confirmed(self) -> bool {
        matches!(self, Self::Open | Self::Overdue)
    }
}

/// Where a duty stands on `today`. What was confirmed stays so, whatever becomes of the institution.
///
/// `due` is a [`DueDay`] or `(opens_on, acts_by)`; `confirmed_on` is the day of the act in the register's time zone.
#[must_use]
pub fn standing(
    due: impl Into<Window>,
    confirmed_on: Option<NaiveDate>,
    cancelled: bool,
    today: NaiveDate,
) -> Standing {
    let Window { opens_on, acts_by } = due.into();
    match confirmed_on {
        Some(day) if day <= acts_by => Standing::Confirmed,
        Some(_) => Standing::ConfirmedLate,
        None if cancelled => Standing::Cancelled,
        None if today < opens_on => Standing::Upcoming,
        None if today <= acts_by => Standing::Open,
        None => Standing::Overdue,
    }
}

/// Calendar days by which `day` is later than `acts_by`; nothing where it is in time. `day` is the day of confirming,
/// or today while that was not done.
#[must_use]
pub fn days_late(acts_by: NaiveDate, day: NaiveDate) -> Option<i64> {
    Some(day.signed_duration_since(acts_by).num_days()).filter(|days| *days > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn estonia() -> HolidayCalendar {
        let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/calendars/EE.toml"));
        HolidayCalendar::parse(text).unwrap()
    }

    fn duty(due_on: &[&str]) -> ConfirmationDuty {
        serde_json::from_value(json!({
            "name": "pupils", "label": { "et": "x" }, "institution_kind": "general_school",
            "record_types": ["pupil"], "due_on": due_on, "clause": "§ 12 lg 1", "responsible_clause": "§ 13 lg 1",
            "statement": { "et": "x" },
        }))
        .unwrap()
    }

    /// The only due day of the duty of `MM-DD` in the year of `on`.
    fn due(on: &str) -> DueDay {
        let found = due_days(&duty(&[&on[5..]]), &estonia(), day(on), day(on));
        let [only] = <[DueDay; 1]>::try_from(found).unwrap();
        only
    }

    #[test]
    fn a_day_off_keeps_its_date_and_the_act_is_in_time_on_the_next_working_day() {
        for (due_on, acts_by, moved_by) in [
            ("2025-04-05", "2025-04-07", Some("laupäev")),
            ("2025-10-05", "2025-10-06", Some("pühapäev")),
            ("2026-01-10", "2026-01-12", Some("laupäev")),
            ("2026-04-05", "2026-04-06", Some("ülestõusmispühade 1. püha")),
            ("2026-09-10", "2026-09-10", None),
            ("2026-10-05", "2026-10-05", None),
            ("2027-01-10", "2027-01-11", Some("pühapäev")),
        ] {
            let found = due(due_on);
            assert_eq!((found.due_on, found.acts_by), (day(due_on), day(acts_by)));
            assert_eq!(found.moved_by.as_deref(), moved_by, "{due_on}");
        }
    }

    #[test]
    fn every_due_day_of_the_span_is_told_in_its_order_and_no_other() {
        let days = |from, to| -> Vec<String> {
            let found = due_days(&duty(&["09-10", "01-10", "09-10"]), &estonia(), day(from), day(to));
            found.iter().map(|due| due.due_on.to_string()).collect()
        };
        assert_eq!(days("2025-09-10", "2027-01-10"), ["2025-09-10", "2026-01-10", "2026-09-10", "2027-01-10"]);
        assert_eq!(days("2025-09-11", "2026-01-09"), [""; 0]);
        assert_eq!(days("2026-09-10", "2026-01-10"), [""; 0], "the span ends before it begins");
    }

    #[test]
    fn a_day_that_cannot_be_is_never_due() {
        let days = |due_on: &[&str]| {
            let found = due_days(&duty(due_on), &estonia(), day("2023-01-01"), day("2024-12-31"));
            found.into_iter().map(|due| due.due_on.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(days(&["02-29"]), ["2024-02-29"]);
        assert_eq!(days(&["02-30", "13-01", "1-1", "", "2024-01-01", "-1-01"]), [""; 0]);
        let all = due_days(&duty(&["12-31"]), &estonia(), NaiveDate::MIN, NaiveDate::MAX);
        assert!(all.len() >= 9_999, "and the ends of time are no trouble");
    }

    #[test]
    fn it_opens_a_fortnight_before_and_reminds_as_the_statute_says() {
        let found = due("2026-09-10");
        assert_eq!(found.opens_on, day("2026-08-27"));
        assert_eq!(found.reminders, ["2026-08-27", "2026-09-07", "2026-09-09", "2026-09-10"].map(day));
    }

    #[test]
    fn a_reminder_on_a_day_off_is_sent_on_the_last_working_day_before_it() {
        // Easter Sunday: 3 and 1 days before and the day itself are Good Friday's eve, a Saturday and a Sunday.
        let easter = due("2026-04-05");
        assert_eq!(easter.opens_on, day("2026-03-22"));
        assert_eq!(easter.reminders, ["2026-03-23", "2026-04-02"].map(day), "each day once");
    }

    #[test]
    fn nobody_is_reminded_before_it_opens_and_the_opening_itself_is_always_told() {
        // It opens on Sunday 21 September 2025, so that it is told on the Monday.
        assert_eq!(due("2025-10-05").reminders.first(), Some(&day("2025-09-22")));
        let mut early = duty(&["09-10"]);
        (early.opens_days_before, early.reminders) = (7, vec![30, 0]);
        let found = due_days(&early, &estonia(), day("2026-09-10"), day("2026-09-10"));
        assert_eq!(found[0].reminders, ["2026-09-03", "2026-09-10"].map(day));
        early.reminders = Vec::new();
        assert!(due_days(&early, &estonia(), day("2026-09-10"), day("2026-09-10"))[0].reminders.is_empty());
    }

    #[test]
    fn a_senseless_number_of_days_takes_no_duty_away() {
        let mut endless = duty(&["09-10"]);
        (endless.opens_days_before, endless.reminders) = (u32::MAX, vec![u32::MAX]);
        let found = due_days(&endless, &estonia(), day("2026-09-10"), day("2026-09-10"));
        assert_eq!((found[0].due_on, found[0].opens_on), (day("2026-09-10"), day("2026-09-10")));
    }

    #[test]
    fn a_duty_binds_the_institutions_that_are_active_and_of_its_kind_on_the_day_itself() {
        let duty = duty(&["09-10"]);
        assert!(binds(&duty, Some("general_school"), Status::Active));
        for (kind, status) in [
            (Some("hobby_school"), Status::Active),
            (None, Status::Active),
            (Some("general_school"), Status::Ended),
            (Some("general_school"), Status::Pending),
            (Some("general_school"), Status::None),
        ] {
            assert!(!binds(&duty, kind, status), "{kind:?} {status:?}");
        }
    }

    #[test]
    fn it_stands_open_from_the_first_day_to_the_end_of_the_moved_one() {
        let easter = due("2026-04-05");
        for (today, expected) in [
            ("2026-03-21", Standing::Upcoming),
            ("2026-03-22", Standing::Open),
            ("2026-04-05", Standing::Open),
            ("2026-04-06", Standing::Open),
            ("2026-04-07", Standing::Overdue),
        ] {
            assert_eq!(standing(&easter, None, false, day(today)), expected, "{today}");
        }
    }

    #[test]
    fn what_is_confirmed_stays_so_and_is_late_only_after_the_moved_day() {
        let window = (day("2026-03-22"), day("2026-04-06"));
        let years_later = day("2031-01-01");
        for cancelled in [false, true] {
            let then = |on| standing(window, Some(day(on)), cancelled, years_later);
            assert_eq!(then("2026-04-06"), Standing::Confirmed);
            assert_eq!(then("2026-04-07"), Standing::ConfirmedLate);
        }
        assert_eq!(standing(window, None, true, years_later), Standing::Cancelled);
    }

    #[test]
    fn lateness_is_counted_from_the_moved_day() {
        let acts_by = day("2026-04-06");
        assert_eq!(days_late(acts_by, day("2026-04-05")), None);
        assert_eq!(days_late(acts_by, day("2026-04-06")), None);
        assert_eq!(days_late(acts_by, day("2026-04-07")), Some(1));
        assert_eq!(days_late(acts_by, day("2026-05-06")), Some(30));
    }

    #[test]
    fn a_standing_has_one_word() {
        for standing in Standing::ALL {
            assert_eq!(Standing::parse(standing.as_str()), Some(standing));
            assert_eq!(json!(standing), json!(standing.as_str()));
        }
        assert_eq!(Standing::parse("Open"), None);
    }

    proptest! {
        #[test]
        fn whatever_the_duty_its_days_are_in_order(
            month in 1_u32..=12, number in 1_u32..=28, year in 1900..2200_i32,
            opens in 0_u32..400, reminders in proptest::collection::vec(0_u32..400, 0..6),
        ) {
            let mut duty = duty(&[&format!("{month:02}-{number:02}")]);
            (duty.opens_days_before, duty.reminders) = (opens, reminders.clone());
            let calendar = estonia();
            let due_on = NaiveDate::from_ymd_opt(year, month, number).unwrap();
            let found = due_days(&duty, &calendar, due_on, due_on);
            prop_assert_eq!(found.len(), 1);
            let due = &found[0];
            prop_assert!(due.opens_on <= due.due_on && due.due_on <= due.acts_by);
            prop_assert_eq!(due.moved_by.is_some(), due.due_on != due.acts_by);
            prop_assert!(calendar.is_working_day(due.acts_by));
            prop_assert!(due.reminders.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(due.reminders.is_empty(), reminders.is_empty());
            for day in &due.reminders {
                prop_assert!(calendar.is_working_day(*day) && (due.opens_on..=due.acts_by).contains(day));
            }
        }

        #[test]
        fn a_duty_is_late_exactly_when_it_is_overdue_or_was_confirmed_late(
            today in -40_i64..40, confirmed in proptest::option::of(-14_i64..40),
        ) {
            let acts_by = day("2026-04-06");
            let after = |days| acts_by + chrono::Duration::days(days);
            let confirmed_on = confirmed.map(after);
            let standing = standing((day("2026-03-22"), acts_by), confirmed_on, false, after(today));
            let late = days_late(acts_by, confirmed_on.unwrap_or(after(today))).is_some();
            prop_assert_eq!(late, matches!(standing, Standing::Overdue | Standing::ConfirmedLate));
            prop_assert_eq!(standing.can_be_confirmed(), confirmed.is_none() && after(today) >= day("2026-03-22"));
        }
    }
}
