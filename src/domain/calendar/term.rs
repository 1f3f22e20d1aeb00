//! The length of a statutory period, and the day on which it ends.
//!
//! # Counting
//! The day of the event is not counted (TsÜS § 135 lg 1; act 150/1930 § 2). Weeks, months and years end on the day
//! that corresponds to the day of the event, or on the last day of the month where there is none (TsÜS § 136;
//! act 150/1930 § 3). A period that ends on a day off ends on the first working day after it (TsÜS § 136 lg 8; act
//! 150/1930 § 5), at 24:00 of the register's own time zone (TsÜS § 137 lg 1). Hours are counted as they pass and
//! never moved; a period of working days ends on a working day as it is, and so moves only where the calendar has
//! a working day on which no period ends.
//!
//! # Limits
//! No amount is above 65 535. Every day that is told has a year of four digits: what would end after the
//! year 9999 is [`TermFault::OutOfCalendar`], never a panic and never some other day.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{HolidayCalendar, day_at, end_of_day, has_four_digit_year};

/// What a term looks like, for those who check definitions without reading them.
const TERM: &str =
    r"^(P([1-9]\d*Y)?([1-9]\d*M)?([1-9]\d*W)?([1-9]\d*D)?|PT[1-9]\d*H|1 working day|[1-9]\d* working days)$";

/// The length of a statutory period: `P1M`, `P30D`, `P2W`, `P1Y6M`, `PT72H`, `1 working day`, `5 working days`.
///
/// Calendar periods and hours are ISO 8601 in whole numbers without leading zeros; they are not mixed. A term is
/// never nothing: `P0D` is refused. Of several units the years and months are counted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = TERM))]
pub struct Term(Length);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Length {
    Calendar { years: u16, months: u16, weeks: u16, days: u16 },
    Hours(u16),
    WorkingDays(u16),
}

/// Why there is no term, or no day on which it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TermFault {
    /// The text is not a term.
    #[error("not a term; write it as P30D, P2W, P1M, P1Y, PT72H or `5 working days`")]
    NotATerm,
    /// Hours were to be counted from a day.
    #[error("a term in hours runs from an instant, and only a day is known")]
    NeedsInstant,
    /// The term would end outside the years 0 to 9999.
    #[error("the term ends outside the years 0 to 9999")]
    OutOfCalendar,
}

/// The day on which a term ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The last day, as counted.
    pub nominal: NaiveDate,
    /// The day until whose 24:00 the act is in time.
    pub due: NaiveDate,
    /// What `nominal` is, where `due` is later: see [`HolidayCalendar::why_off`].
    pub moved_by: Option<String>,
}

/// The instant at which a term ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueInstant {
    /// The last day, as counted.
    pub nominal: NaiveDate,
    /// The day until whose 24:00 the act is in time; for a term in hours, the day of `at`.
    pub due: NaiveDate,
    /// What `nominal` is, where `due` is later; never for a term in hours.
    pub moved_by: Option<String>,
    /// The act is in time before this instant.
    pub at: DateTime<Utc>,
}

impl Term {
    /// Whether the term is in hours, so that a day is not enough to count from.
    pub fn needs_instant(self) -> bool {
        matches!(self.0, Length::Hours(_))
    }

    /// The last day of the term after an event on `day`, as counted: it may be a day off.
    ///
    /// # Errors
    /// [`TermFault::NeedsInstant`] and [`TermFault::OutOfCalendar`].
    pub fn after(self, day: NaiveDate, calendar: &HolidayCalendar) -> Result<NaiveDate, TermFault> {
        let last = match self.0 {
            Length::Hours(_) => return Err(TermFault::NeedsInstant),
            Length::WorkingDays(n) => calendar.working_days_after(day, n),
            Length::Calendar { years, months, weeks, days } => day
                .checked_add_months(in_months(years, months))
                .and_then(|day| day.checked_add_days(in_days(weeks, days))),
        };
        last.filter(|day| has_four_digit_year(*day)).ok_or(TermFault::OutOfCalendar)
    }

    /// The day that is the term before `day`, counted backwards by the same rules (act 150/1930 § 4): it may be a day
    /// off.
    ///
    /// # Errors
    /// [`TermFault::NeedsInstant`] and [`TermFault::OutOfCalendar`].
    pub fn before(self, day: NaiveDate, calendar: &HolidayCalendar) -> Result<NaiveDate, TermFault> {
        let first = match self.0 {
            Length::Hours(_) => return Err(TermFault::NeedsInstant),
            Length::WorkingDays(n) => calendar.working_days_before(day, n),
            Length::Calendar { years, months, weeks, days } => day
                .checked_sub_months(in_months(years, months))
                .and_then(|day| day.checked_sub_days(in_days(weeks, days))),
        };
        first.filter(|day| has_four_digit_year(*day)).ok_or(TermFault::OutOfCalendar)
    }

    /// The day whose term ends on `day` by the calendar alone, whatever days off there are; `None` for hours and working
    /// days, and outside the calendar.
    pub fn back_from(self, day: NaiveDate) -> Option<NaiveDate> {
        match self.0 {
            Length::Hours(_) | Length::WorkingDays(_) => None,
            Length::Calendar { years, months, weeks, days } => day
                .checked_sub_months(in_months(years, months))
                .and_then(|day| day.checked_sub_days(in_days(weeks, days))),
        }
    }

    /// The day on which the term ends after an event on the day `event`.
    ///
    /// # Errors
    /// [`TermFault::NeedsInstant`] and [`TermFault::OutOfCalendar`].
    pub fn due(self, event: NaiveDate, calendar: &HolidayCalendar) -> Result<Due, TermFault> {
        let nominal = self.after(event, calendar)?;
        let due = calendar.roll(nominal).ok_or(TermFault::OutOfCalendar)?;
        Ok(Due { nominal, due, moved_by: calendar.why_off(nominal).map(str::to_owned) })
    }

    /// The instant at which the term ends after an event at the instant `event`, on a day of `zone`.
    ///
    /// # Errors
    /// [`TermFault::OutOfCalendar`].
    pub fn due_instant(
        self,
        event: DateTime<Utc>,
        zone: Tz,
        calendar: &HolidayCalendar,
    ) -> Result<DueInstant, TermFault> {
        let told = |instant: &DateTime<Utc>| has_four_digit_year(instant.date_naive());
        if !told(&event) {
            return Err(TermFault::OutOfCalendar);
        }
        if let Length::Hours(hours) = self.0 {
            let at = event.checked_add_signed(TimeDelta::hours(hours.into())).filter(told);
            let at = at.ok_or(TermFault::OutOfCalendar)?;
            let due = day_at(at, zone);
            return Ok(DueInstant { nominal: due, due, moved_by: None, at });
        }
        let Due { nominal, due, moved_by } = self.due(day_at(event, zone), calendar)?;
        let at = end_of_day(due, zone).ok_or(TermFault::OutOfCalendar)?;
        Ok(DueInstant { nominal, due, moved_by, at })
    }
}

fn in_months(years: u16, months: u16) -> Months {
    Months::new(u32::from(years) * 12 + u32::from(months))
}

fn in_days(weeks: u16, days: u16) -> Days {
    Days::new(u64::from(weeks) * 7 + u64::from(days))
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Length::WorkingDays(1) => f.write_str("1 working day"),
            Length::WorkingDays(n) => write!(f, "{n} working days"),
            Length::Hours(n) => write!(f, "PT{n}H"),
            Length::Calendar { years, months, weeks, days } => {
                f.write_str("P")?;
                let parts = [(years, 'Y'), (months, 'M'), (weeks, 'W'), (days, 'D')];
                parts.into_iter().filter(|(n, _)| *n > 0).try_for_each(|(n, unit)| write!(f, "{n}{unit}"))
            }
        }
    }
}

impl FromStr for Term {
    type Err = TermFault;

    fn from_str(text: &str) -> Result<Self, TermFault> {
        let length = if let Some((n, unit)) = text.split_once(' ') {
            let n = amount(n).filter(|n| unit == if *n == 1 { "working day" } else { "working days" });
            n.map(Length::WorkingDays)
        } else if let Some(hours) = text.strip_prefix("PT") {
            hours.strip_suffix('H').and_then(amount).map(Length::Hours)
        } else {
            text.strip_prefix('P').and_then(calendar_length)
        };
        length.map(Self).ok_or(TermFault::NotATerm)
    }
}

fn calendar_length(mut rest: &str) -> Option<Length> {
    if rest.is_empty() {
        return None;
    }
    let mut take = |unit| match rest.split_once(unit) {
        None => Some(0),
        Some((n, after)) => {
            rest = after;
            amount(n)
        }
    };
    let length = Length::Calendar { years: take('Y')?, months: take('M')?, weeks: take('W')?, days: take('D')? };
    rest.is_empty().then_some(length)
}

/// A whole number above zero, without a sign and leading zeros.
fn amount(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| digits)
}

impl TryFrom<String> for Term {
    type Error = TermFault;

    fn try_from(text: String) -> Result<Self, TermFault> {
        text.parse()
    }
}

impl From<Term> for String {
    fn from(term: Term) -> Self {
        term.to_string()
    }
}

#[cfg(test)]
mod tests;
