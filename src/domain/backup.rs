//! Which copies of the database are kept, which go, and why: the calendar of the statutes' backup rules.
//!
//! An installation has one database with several registers, so that one copy holds all of them and must satisfy every
//! rule at once:
//!
//! * a copy is **kept** if the rule of *any* register keeps it: none of them may lack a copy that its statute wants;
//! * no copy is kept for longer than the *smallest* `keep_at_most`: a statute that says "at most a year" speaks of the
//!   personal data in the copy, whatever another register would still like to have. A hold is the only exception.
//!
//! Registers without a rule want nothing. Where no register has one, nothing is ever removed.
//!
//! "The last month" is a rolling month: from the same day of the month before on, inclusive; where that month has no
//! such day, from its last day on (31 March: from 28 or 29 February).
//!
//! Nothing is removed unless today's copy is there and has been verified, and unless the copies follow one another
//! without a hole up to now: a clock that was set forward would make everything look old. See [`Obstacle`].

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calendar::day_at;
use super::statute::definition::BackupRule;

/// From which distance between two copies on the clock is not believed: this, or one and a half times the rule's own.
const JUMP_HOURS: i64 = 36;
/// How often a copy is made where no register says so.
const EVERY_HOURS: u32 = 24;

/// A copy, as far as the calendar is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Whether it was restored once and found to be right.
    pub verified: bool,
    /// Whether somebody holds it: a dispute, an audit.
    pub held: bool,
}

/// An erasure, as it is listed beside the copies: what was erased must not come back with a copy that is older.
/// It names records by their ids and holds nothing about anybody but, where part of a record stayed, the days from
/// which its other terms count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Register.
    pub register: String,
    /// Record.
    pub record_id: Uuid,
    /// Its type.
    pub record_type: String,
    /// Names of the fields that were erased; nothing for the record as a whole.
    pub fields: Option<Vec<String>>,
    /// The rules by which fields went and the days from which their terms counted; empty for the record as a whole.
    pub rules: serde_json::Value,
    /// When, in microseconds since 1970-01-01T00:00:00Z.
    pub erased_at: i64,
    /// The batch that was approved.
    pub batch_id: Uuid,
}

impl Erasure {
    /// An erasure of a record (its id and type), or of the named `fields` of it, by a batch at an instant. Rules are kept
    /// only where something of the record stayed: with the whole of it nothing counts any more.
    pub fn new(
        register: &str,
        (record_id, record_type): (Uuid, String),
        fields: Option<Vec<String>>,
        rules: serde_json::Value,
        (batch_id, erased_at): (Uuid, i64),
    ) -> Self {
        let rules = if fields.is_some() { rules } else { serde_json::json!([]) };
        Self { register: register.to_owned(), record_id, record_type, fields, rules, erased_at, batch_id }
    }
}

/// Why a copy stays or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// Stays: somebody holds it.
    Held,
    /// Stays: it is so recent that every copy is kept.
    Recent,
    /// Stays: it was made on a day of the month whose copies are kept.
    OnDay {
        /// The day.
        day: NaiveDate,
    },
    /// Stays: the copy of that day is missing or was never found to be right, and this is the nearest good one after it.
    StandsIn {
        /// The day whose copy is missing.
        day: NaiveDate,
    },
    /// Goes: not recent, and of no day whose copies are kept.
    Between,
    /// Goes: older than any copy may become.
    TooOld,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held => f.write_str("somebody holds it"),
            Self::Recent => f.write_str("every copy of the last period is kept"),
            Self::OnDay { day } => write!(f, "the copy of {day} is kept"),
            Self::StandsIn { day } => write!(f, "there is no good copy of {day}; this is the nearest later one"),
            Self::Between => f.write_str("not recent, and of no day whose copies are kept"),
            Self::TooOld => f.write_str("older than any copy may become"),
        }
    }
}

impl Reason {
    /// Whether the copy stays.
    pub fn keeps(self) -> bool {
        !matches!(self, Self::Between | Self::TooOld)
    }
}

/// Why nothing at all is removed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "obstacle", rename_all = "snake_case")]
pub enum Obstacle {
    /// No register has a rule.
    NoRule,
    /// There is no copy of today.
    NoneToday,
    /// Today's copy has not been found to be right.
    NotVerified,
    /// A copy is of a time that has not come: the clock was set back, or a copy was made while it was ahead.
    Ahead {
        /// That time.
        at: DateTime<Utc>,
    },
    /// Between two copies, or since the newest, lies so much time that the clock may have jumped. An operator who knows
    /// that it has not says so.
    Jump {
        /// The copy before the hole.
        after: DateTime<Utc>,
        /// Hours that it is long.
        hours: i64,
    },
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoRule => f.write_str("no register has a backup rule, so that nothing is ever removed"),
            Self::NoneToday => f.write_str("there is no copy of today: make one first (`andmekogu backup create`)"),
            Self::NotVerified => f.write_str(
                "today's copy has not been verified: make another (`andmekogu backup create`) or verify it \
                 (`andmekogu backup verify`)",
            ),
            Self::Ahead { at } => write!(f, "a copy is of {at}, which is still to come: mend the clock"),
            Self::Jump { after, hours } => write!(
                f,
                "{hours} hours without a copy after {after}: if the clock is right, say so with \
                 `andmekogu backup prune --the-clock-is-right`"
            ),
        }
    }
}

/// What is to become of the copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Of each copy, in the order given.
    pub reasons: Vec<Reason>,
    /// Why nothing is removed now, whatever the reasons say.
    pub obstacle: Option<Obstacle>,
}

impl Verdict {
    /// Which copies, by their place in what was given, are to be removed now.
    pub fn removed(&self) -> Vec<usize> {
        if self.obstacle.is_some() {
            return Vec::new();
        }
        let each = self.reasons.iter().enumerate();
        each.filter(|(_, reason)| !reason.keeps()).map(|(place, _)| place).collect()
    }
}

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    months: u32,
    days: u64,
}

impl Period {
    /// Reads years, months, weeks and days as ISO 8601 has them (`P1Y6M`). Definitions were checked for it.
    fn parse(text: &str) -> Option<Self> {
        let mut period = Self { months: 0, days: 0 };
        let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty())?;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (number, tail) = rest.split_at(end);
            let (number, mut unit) = (number.parse::<u32>().ok()?, tail.chars());
            match unit.next()? {
                'Y' => period.months = period.months.checked_add(number.checked_mul(12)?)?,
                'M' => period.months = period.months.checked_add(number)?,
                'W' => period.days += u64::from(number) * 7,
                'D' => period.days += u64::from(number),
                _ => return None,
            }
            rest = unit.as_str();
        }
        Some(period)
    }

    /// The first day of the period that ends with `day`; the beginning of time where it reaches further back.
    fn before(self, day: NaiveDate) -> NaiveDate {
        let months = day.checked_sub_months(Months::new(self.months));
        months.and_then(|d| d.checked_sub_days(Days::new(self.days))).unwrap_or(NaiveDate::MIN)
    }
}

/// The rules of every register of an installation.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    every_hours: u32,
    days: Vec<u32>,
    all: Period,
    most: Period,
}

impl Calendar {
    /// The calendar of these rules. A rule with a period that cannot be read (which `andmekogu check` refuses) keeps
    /// everything for ever.
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a BackupRule>) -> Self {
        let ever = Period { months: 12 * 10_000, days: 0 };
        let period = |text: &str| Period::parse(text).unwrap_or(ever);
        let rules = rules.into_iter().map(|rule| Rule {
            every_hours: rule.every_hours,
            days: rule.keep_days_of_month.clone(),
            all: period(&rule.keep_all),
            most: period(&rule.keep_at_most),
        });
        Self { rules: rules.collect() }
    }

    /// Hours between two copies: the fewest that any register wants.
    pub fn every_hours(&self) -> u32 {
        self.rules.iter().map(|rule| rule.every_hours).min().unwrap_or(EVERY_HOURS).max(1)
    }

    /// From which age on the newest good copy is so old that somebody must be told: a quarter later than it was due.
    pub fn overdue_after(&self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.every_hours()) * 75)
    }

    /// What is to become of `copies` at the instant `now`, days being those of `zone`.
    ///
    /// `settled` is the newest copy at the time when copies were last thinned out, up to which all holes are known; nothing
    /// at the first time. `clock_is_right` is an operator's word that a hole is a hole and no jump of the clock.
    pub fn judge(
        &self,
        copies: &[Copy],
        now: DateTime<Utc>,
        zone: Tz,
        settled: Option<DateTime<Utc>>,
        clock_is_right: bool,
    ) -> Verdict {
        let today = day_at(now, zone);
        let days: Vec<NaiveDate> = copies.iter().map(|copy| day_at(copy.at, zone)).collect();
        let limit = self.rules.iter().map(|rule| rule.most.before(today)).max().unwrap_or(NaiveDate::MIN);
        let kept: Vec<Kept> = self.rules.iter().map(|rule| rule.kept(copies, &days, today)).collect();
        let judged = copies.iter().zip(&days).enumerate().map(|(place, (copy, day))| {
            if copy.held {
                return Reason::Held;
            }
            if *day < limit {
                return Reason::TooOld;
            }
            if self.rules.is_empty() || kept.iter().any(|kept| *day >= kept.all_from) {
                return Reason::Recent;
            }
            kept.iter().filter_map(|kept| kept.of.get(&place)).copied().min_by_key(rank).unwrap_or(Reason::Between)
        });
        let reasons = judged.collect();
        Verdict { reasons, obstacle: self.obstacle(copies, &days, now, today, settled, clock_is_right) }
    }

    fn obstacle(
        &self,
        copies: &[Copy],
        days: &[NaiveDate],
        now: DateTime<Utc>,
        today: NaiveDate,
        settled: Option<DateTime<Utc>>,
        clock_is_right: bool,
    ) -> Option<Obstacle> {
        if self.rules.is_empty() {
            return Some(Obstacle::NoRule);
        }
        if let Some(copy) = copies.iter().find(|copy| copy.at > now) {
            return Some(Obstacle::Ahead { at: copy.at });
        }
        let mut of_today = copies.iter().zip(days).filter(|(_, day)| **day == today).peekable();
        if of_today.peek().is_none() {
            return Some(Obstacle::NoneToday);
        }
        if !of_today.any(|(copy, _)| copy.verified) {
            return Some(Obstacle::NotVerified);
        }
        if clock_is_right {
            return None;
        }
        let most = TimeDelta::hours(JUMP_HOURS.max(i64::from(self.every_hours()) * 3 / 2));
        let mut instants: Vec<DateTime<Utc>> = copies.iter().map(|copy| copy.at).chain([now]).collect();
        instants.extend(settled);
        instants.retain(|at| settled.is_none_or(|settled| *at >= settled));
        instants.sort_unstable();
        let hole = instants.windows(2).find_map(|pair| match pair {
            [before, after] if *after - *before > most => Some((*before, *after - *before)),
            _ => None,
        });
        hole.map(|(after, long)| Obstacle::Jump { after, hours: long.num_hours() })
    }
}

/// What one rule keeps.
struct Kept {
    /// First day from which on every copy is kept.
    all_from: NaiveDate,
    /// Copies before that, by their place.
    of: BTreeMap<usize, Reason>,
}

/// A copy of the day itself is called so even where it also stands in for another.
fn rank(reason: &Reason) -> u8 {
    u8::from(matches!(reason, Reason::StandsIn { .. }))
}

impl Rule {
    fn kept(&self, copies: &[Copy], days: &[NaiveDate], today: NaiveDate) -> Kept {
        let mut kept = Kept { all_from: self.all.before(today), of: BTreeMap::new() };
        let Some(oldest) = days.iter().min() else {
            return kept;
        };
        let wanted = self.wanted(*oldest, today);
        // The end of time, so that the last of the days has one after it.
        let next = wanted.iter().skip(1).copied().chain([NaiveDate::MAX]);
        for (day, next) in wanted.iter().copied().zip(next) {
            let mut good = false;
            for (place, _) in days.iter().enumerate().filter(|(_, d)| **d == day) {
                good |= copies.get(place).is_some_and(|copy| copy.verified);
                kept.of.insert(place, Reason::OnDay { day });
            }
            if good {
                continue;
            }
            let later = copies.iter().zip(days).enumerate();
            let later = later.filter(|(_, (copy, d))| copy.verified && **d > day && **d < next);
            if let Some((place, _)) = later.min_by_key(|(_, (copy, _))| copy.at) {
                kept.of.insert(place, Reason::StandsIn { day });
            }
        }
        kept
    }

    /// The days of the months whose copies are kept, from the month of `oldest` (and the one before it, whose last such
    /// day may be stood in for) to `today`. A month without such a day has its last day instead.
    fn wanted(&self, oldest: NaiveDate, today: NaiveDate) -> Vec<NaiveDate> {
        let mut wanted = Vec::new();
        let before = oldest.checked_sub_months(Months::new(1)).unwrap_or(oldest);
        let mut month = before.with_day(1).unwrap_or(before);
        while month <= today {
            let Some(next) = month.checked_add_months(Months::new(1)) else {
                break;
            };
            let last = next.pred_opt().map_or(28, |day| day.day());
            wanted.extend(self.days.iter().filter_map(|day| month.with_day((*day).min(last))));
            month = next;
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}

#[cfg(test)]
mod tests;
