//! The days on which no period ends: a country's weekend and holidays, as data.
//!
//! A calendar is a TOML text. Its rows say which days are off, since and until when, and which act says so:
//!
//! ```toml
//! country = "EE"
//!
//! [[weekend]]
//! day = "saturday"
//! name = { et = "laupäev", en = "Saturday" }
//! source = "Tsiviilseadustiku üldosa seadus § 136 lg 8"
//!
//! [[holiday]]
//! name = { et = "suur reede", en = "Good Friday" }
//! easter = -2                    # or date = "02-24"; or first = "saturday" with on_or_after = "06-20"
//! valid_from = 1998              # years, both inclusive and optional; so is valid_until
//! deadlines_only = false         # true: a working day, but no period ends on it
//! source = "Pühade ja tähtpäevade seadus § 2 p 2"
//! ```
//!
//! # Two questions
//! [`HolidayCalendar::is_working_day`] asks whether a day counts in a period of working days, and
//! [`HolidayCalendar::roll`] on which day a period may end. Only days with `deadlines_only` tell them apart:
//! in Finland people work on Christmas Eve, but what is due on it may be done later (act 150/1930 § 5).

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::{has_four_digit_year, parse_day};
use crate::domain::statute::{Label, Language};

/// Days from Easter Sunday that fall into the year of that Easter, whichever day between 22 March and 25 April it is.
const EASTER_OFFSETS: RangeInclusive<i32> = -80..=250;

/// The working days of a country, and why the others are off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolidayCalendar {
    country: String,
    /// Holidays before the weekend: a holiday on a Sunday is told as the holiday.
    rows: Vec<Row>,
}

/// What makes days off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOff {
    /// Its name.
    pub name: Label,
    /// Act and section.
    pub source: String,
    /// No public holiday: people work, but no period ends.
    pub deadlines_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    rule: Rule,
    years: RangeInclusive<i32>,
    day_off: DayOff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Every(Weekday),
    Date(MonthDay),
    DaysFromEaster(i32),
    FirstOnOrAfter(Weekday, MonthDay),
}

/// A day that every year has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Deserialize)]
#[serde(try_from = "String")]
struct MonthDay {
    month: u32,
    day: u32,
}

impl TryFrom<String> for MonthDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_day(&format!("2025-{text}"))
            .map(|day| Self { month: day.month(), day: day.day() })
            .ok_or_else(|| format!("`{text}` is not the month and day, as in \"02-24\", of a day that every year has"))
    }
}

impl Rule {
    fn falls_on(self, day: NaiveDate) -> bool {
        match self {
            Self::Every(weekday) => day.weekday() == weekday,
            Self::Date(date) => date == MonthDay { month: day.month(), day: day.day() },
            Self::DaysFromEaster(offset) => easter_sunday(day.year())
                .is_some_and(|easter| day.signed_duration_since(easter).num_days() == i64::from(offset)),
            Self::FirstOnOrAfter(weekday, date) => {
                let first = NaiveDate::from_ymd_opt(day.year(), date.month, date.day);
                let in_its_week = |first| (0..7).contains(&day.signed_duration_since(first).num_days());
                day.weekday() == weekday && first.is_some_and(in_its_week)
            }
        }
    }
}

/// Why a calendar was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {message}. {advice}")]
pub struct CalendarFault {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do, in one sentence.
    pub advice: String,
}

impl CalendarFault {
    /// `offset` is in bytes from the start of `text`.
    fn at(text: &str, offset: usize, (message, advice): Complaint) -> Self {
        let before = text.bytes().take(offset);
        Self { line: before.filter(|byte| *byte == b'\n').count() + 1, message, advice: advice.to_owned() }
    }

    fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().trim().trim_end_matches('.').replace('\n', " ");
        let advice = if message.starts_with("unknown field") {
            "Correct the spelling of the key, or remove it."
        } else if message.starts_with("missing field") {
            "Add it."
        } else {
            "Correct this value."
        };
        Self::at(text, error.span().map_or(0, |span| span.start), (message, advice))
    }
}

/// What is wrong with a row, and what to do about it.
type Complaint = (String, &'static str);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarFile {
    country: Spanned<String>,
    weekend: Vec<Spanned<WeekendRow>>,
    holiday: Vec<Spanned<HolidayRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeekendRow {
    day: Weekday,
    #[serde(with = "StrictLabel")]
    name: Label,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HolidayRow {
    #[serde(with = "StrictLabel")]
    name: Label,
    source: String,
    date: Option<MonthDay>,
    easter: Option<i32>,
    first: Option<Weekday>,
    on_or_after: Option<MonthDay>,
    valid_from: Option<i32>,
    valid_until: Option<i32>,
    #[serde(default)]
    deadlines_only: bool,
}

/// A [`Label`] in which a language that we do not speak is a mistake.
#[derive(Deserialize)]
#[serde(remote = "Label", deny_unknown_fields)]
struct StrictLabel {
    #[serde(skip)]
    official: Language,
    /// Must be there: without `default`, what has a function of its own is not taken as absent.
    #[serde(deserialize_with = "Option::deserialize")]
    et: Option<String>,
    en: Option<String>,
    fi: Option<String>,
    sv: Option<String>,
    #[serde(skip)]
    verbatim: Option<String>,
}

impl WeekendRow {
    fn check(self, rows_before: &[Row]) -> Result<Row, Complaint> {
        let rule = Rule::Every(self.day);
        if rows_before.iter().any(|row| row.rule == rule) {
            return Err((format!("`{}` is in the weekend twice", self.name.official()), "Remove one of the rows."));
        }
        Ok(Row { rule, years: i32::MIN..=i32::MAX, day_off: day_off(self.name, self.source, false)? })
    }
}

impl HolidayRow {
    fn check(self) -> Result<Row, Complaint> {
        let years = self.valid_from.unwrap_or(i32::MIN)..=self.valid_until.unwrap_or(i32::MAX);
        if years.is_empty() {
            let message = format!("`{}` ends before it begins", self.name.official());
            return Err((message, "Let `valid_until` be no earlier than `valid_from`."));
        }
        Ok(Row { rule: self.rule()?, years, day_off: day_off(self.name, self.source, self.deadlines_only)? })
    }

    fn rule(&self) -> Result<Rule, Complaint> {
        let complaint = |what, advice| Err((format!("`{}` {what}", self.name.official()), advice));
        match (self.date, self.easter, self.first, self.on_or_after) {
            (Some(date), None, None, None) => Ok(Rule::Date(date)),
            (None, Some(offset), None, None) if EASTER_OFFSETS.contains(&offset) => Ok(Rule::DaysFromEaster(offset)),
            (None, Some(_), None, None) => {
                complaint("may fall outside the year of its Easter", "Let `easter` be from -80 to 250 days.")
            }
            (None, None, Some(weekday), Some(date)) if date <= (MonthDay { month: 12, day: 25 }) => {
                Ok(Rule::FirstOnOrAfter(weekday, date))
            }
            (None, None, Some(_), Some(_)) => {
                complaint("may fall into the next year", "Let `on_or_after` be no later than 12-25.")
            }
            _ => complaint(
                "does not say in one way when it is",
                "Write either `date`, or `easter`, or `first` with `on_or_after`.",
            ),
        }
    }
}

fn day_off(name: Label, source: String, deadlines_only: bool) -> Result<DayOff, Complaint> {
    if name.official().trim().is_empty() {
        return Err(("the Estonian name is empty".to_owned(), "Say in `et` what day it is."));
    }
    if source.trim().is_empty() {
        return Err((format!("`{}` has an empty source", name.official()), "Name the act and the section."));
    }
    Ok(DayOff { name, source, deadlines_only })
}

impl HolidayCalendar {
    /// Reads a calendar.
    ///
    /// A calendar always has a working day within a year of any day, or is refused: 366 days in a row hold each
    /// weekday at least 52 times, and no holiday more than twice. So no search of this module goes on for longer.
    ///
    /// # Errors
    /// The first fault: what is no TOML, an unknown or a missing key, a rule that cannot be, or too many days off.
    pub fn parse(text: &str) -> Result<Self, CalendarFault> {
        let file: CalendarFile = toml::from_str(text).map_err(|error| CalendarFault::of_toml(text, &error))?;
        let country = file.country.as_ref();
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let complaint = (format!("`{country}` is no country"), "Write the ISO 3166-1 code, such as \"EE\".");
            return Err(CalendarFault::at(text, file.country.span().start, complaint));
        }
        if file.holiday.len() * 2 >= 52 * 7_usize.saturating_sub(file.weekend.len()) {
            let message = "there may be no working day for a whole year".to_owned();
            return Err(CalendarFault::at(text, 0, (message, "Remove days from the weekend, or holidays.")));
        }
        let country = country.clone();
        let mut rows = Vec::with_capacity(file.holiday.len() + file.weekend.len());
        for row in file.holiday {
            let offset = row.span().start;
            rows.push(row.into_inner().check().map_err(|complaint| CalendarFault::at(text, offset, complaint))?);
        }
        for row in file.weekend {
            let offset = row.span().start;
            rows.push(row.into_inner().check(&rows).map_err(|complaint| CalendarFault::at(text, offset, complaint))?);
        }
        Ok(Self { country, rows })
    }

    /// The country whose calendar it is, as ISO 3166-1 alpha-2.
    pub fn country(&self) -> &str {
        &self.country
    }

    /// What keeps a period from ending on `day`, with its name in all languages and its source.
    pub fn day_off(&self, day: NaiveDate) -> Option<&DayOff> {
        self.days_off(day).next()
    }

    /// Why no period ends on `day`: the Estonian name of the holiday, else of the weekday. Nothing if one does.
    pub fn why_off(&self, day: NaiveDate) -> Option<&str> {
        self.day_off(day).map(|day_off| day_off.name.official())
    }

    /// Whether `day` is neither a public holiday nor in the weekend.
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        self.days_off(day).all(|day_off| day_off.deadlines_only)
    }

    /// The first working day on or after `day` on which a period may end; nothing after the year 9999.
    pub fn roll(&self, day: NaiveDate) -> Option<NaiveDate> {
        from(day).find(|day| self.day_off(*day).is_none())
    }

    /// The `n`th working day after `day`, `day` not counted (itself for 0); nothing after the year 9999.
    pub fn working_days_after(&self, day: NaiveDate, n: u16) -> Option<NaiveDate> {
        let Some(skipped) = n.checked_sub(1) else { return Some(day) };
        from(day).skip(1).filter(|day| self.is_working_day(*day)).nth(usize::from(skipped))
    }

    /// The `n`th working day before `day`, `day` not counted (itself for 0); nothing before the year 0.
    pub fn working_days_before(&self, day: NaiveDate, n: u16) -> Option<NaiveDate> {
        let Some(skipped) = n.checked_sub(1) else { return Some(day) };
        let back = std::iter::successors(day.pred_opt(), NaiveDate::pred_opt);
        let mut back = back.take_while(|day| has_four_digit_year(*day)).filter(|day| self.is_working_day(*day));
        back.nth(usize::from(skipped))
    }

    /// The last working day before `day`.
    pub fn working_day_before(&self, day: NaiveDate) -> Option<NaiveDate> {
        self.working_days_before(day, 1)
    }

    /// How many working days a year has.
    pub fn working_days_in(&self, year: i32) -> usize {
        let days = NaiveDate::from_yo_opt(year, 1).into_iter().flat_map(|first| first.iter_days());
        days.take_while(|day| day.year() == year).filter(|day| self.is_working_day(*day)).count()
    }

    fn days_off(&self, day: NaiveDate) -> impl Iterator<Item = &DayOff> {
        let rows = self.rows.iter().filter(move |row| row.years.contains(&day.year()) && row.rule.falls_on(day));
        rows.map(|row| &row.day_off)
    }
}

/// `day` and those after it.
fn from(day: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    day.iter_days().take_while(|day| has_four_digit_year(*day))
}

/// Easter Sunday of the western churches by the anonymous Gregorian algorithm (Meeus, Jones, Butcher); nothing
/// before 1583, the first year of that calendar.
#[expect(clippy::many_single_char_names, reason = "the algorithm is published with these names")]
pub fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let y = u32::try_from(year).ok().filter(|y| *y >= 1583)?;
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let days = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, days / 31, days % 31 + 1)
}

#[cfg(test)]
pub(super) mod tests;
