//! The clock of a rule: from which day it counts in a record, and on which day the data may go.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rule::{Rule, Source, Then, Trigger};
use crate::domain::calendar::{HolidayCalendar, parse_day};
use crate::domain::record::Timeline;
use crate::domain::statute::definition::RecordType;
use crate::domain::statute::path::{FieldPath, PathStep};

/// Something that happened to a record, from which a rule may count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name, without `event:`.
    pub name: String,
    /// The day on which it happened, in the register's own time zone.
    pub on: NaiveDate,
}

/// One other record from whose end, or other date, a rule counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// What the definition writes: `record:<type>` or `record:<type>/<path>`.
    pub source: String,
    /// The day; `None` while that record has none.
    pub on: Option<NaiveDate>,
}

/// The days from which the rules of a record count, by source as the definition writes it. What is not there yet is
/// absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Starts(BTreeMap<String, NaiveDate>);

impl Starts {
    /// Reads the sources that `rules` name out of what is known of a record.
    ///
    /// Of a date, the record's last state decides: a date that was corrected or withdrawn later is none. Where a path
    /// leads to several dates the latest counts, and none does while one of them is missing. An event that happened
    /// several times counts from the last time.
    pub fn read(
        rules: &[Rule],
        record_type: &RecordType,
        timeline: &Timeline,
        events: &[Event],
        others: &[Other],
    ) -> Self {
        let last = timeline.segments.iter().max_by_key(|s| s.from).map(|s| &s.data);
        let own_end = record_type.lifecycle.as_ref().and_then(|l| FieldPath::parse(&l.ends).ok());
        let on = |source: &Source| match source {
            Source::Field(path) => day_at(path, last?),
            Source::OwnEnd => day_at(own_end.as_ref()?, last?),
            Source::Event(name) => events.iter().filter(|e| e.name == *name).map(|e| e.on).max(),
            Source::Other { .. } => {
                let written = source.to_string();
                let days: Option<Vec<NaiveDate>> =
                    others.iter().filter(|o| o.source == written).map(|o| o.on).collect();
                days?.into_iter().max()
            }
        };
        let sources = rules.iter().filter_map(|r| r.trigger.as_ref()).flat_map(Trigger::sources);
        Self(sources.filter_map(|s| Some((s.to_string(), on(s)?))).collect())
    }

    /// Nothing but the day of one source.
    pub fn one(source: &Source, on: NaiveDate) -> Self {
        Self(BTreeMap::from([(source.to_string(), on)]))
    }

    /// Adds the days of sources whose own data have been erased, as they were counted then. What is still told by the
    /// data themselves stands.
    #[must_use]
    pub fn with_erased(mut self, counted: &BTreeMap<String, NaiveDate>) -> Self {
        for (source, on) in counted {
            self.0.entry(source.clone()).or_insert(*on);
        }
        self
    }

    /// The day of `source`.
    pub fn get(&self, source: &Source) -> Option<NaiveDate> {
        self.0.get(&source.to_string()).copied()
    }

    /// All of them, by source.
    pub fn iter(&self) -> impl Iterator<Item = (&str, NaiveDate)> {
        self.0.iter().map(|(source, on)| (source.as_str(), *on))
    }
}

/// The day at `path`, the latest of several; none where there is none or one of several is missing.
fn day_at(path: &FieldPath, data: &Value) -> Option<NaiveDate> {
    let mut days = Vec::new();
    gather(path.steps(), data, &mut days).then_some(())?;
    days.into_iter().max()
}

/// Puts every day along `steps` into `days`; whether none was missing.
fn gather(steps: &[PathStep], here: &Value, days: &mut Vec<NaiveDate>) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return match here {
            Value::Array(items) => items.iter().all(|item| gather(steps, item, days)),
            one => one.as_str().and_then(parse_day).is_some_and(|day| {
                days.push(day);
                true
            }),
        };
    };
    match (here.get(&step.name), &step.chosen) {
        (Some(Value::Array(items)), Some(chosen)) => {
            items.iter().find(|item| chosen.is_met_by(item)).is_some_and(|item| gather(rest, item, days))
        }
        (Some(Value::Array(items)), None) => items.iter().all(|item| gather(rest, item, days)),
        (Some(value), None) => gather(rest, value, days),
        (Some(_), Some(_)) | (None, _) => false,
    }
}

/// Why a clock does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// For a day of one of these sources.
    Trigger(Vec<String>),
    /// For the definition to say from when: the rule names no trigger.
    Rule,
    /// The period would end after the year 9999: the trigger is likely wrong.
    Calendar {
        /// The source whose day leads there.
        source: String,
        /// The day.
        trigger_on: NaiveDate,
    },
}

/// When the data under a rule may go. It depends on the record alone, not on the day asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// They stay until the register closes.
    Kept,
    /// Nobody can tell yet.
    Waiting(WaitingFor),
    /// On a day.
    Runs {
        /// What it counts from, as the definition writes it.
        source: String,
        /// The day of the trigger.
        trigger_on: NaiveDate,
        /// Last day of the period, on which the data are still kept; none where the rule has no period.
        last_day: Option<NaiveDate>,
        /// The holiday or week-end because of which `last_day` is later than counted.
        moved_by: Option<String>,
        /// First day on which they may go.
        due_on: NaiveDate,
    },
}

impl Clock {
    /// The clock of `rule` in a record with `starts`.
    pub fn of(rule: &Rule, starts: &Starts, calendar: &HolidayCalendar) -> Self {
        if rule.then == Then::Keep {
            return Self::Kept;
        }
        let Some(trigger) = &rule.trigger else {
            return Self::Waiting(WaitingFor::Rule);
        };
        let mut there = trigger.sources().iter().filter_map(|s| Some((starts.get(s)?, s)));
        let chosen = match trigger {
            Trigger::First(_) => there.next(),
            // Of two of the same day a date counts before an event: it keeps the data a day longer.
            Trigger::Latest(_) => there.max_by_key(|(on, s)| (*on, !s.is_event())),
        };
        let Some((trigger_on, source)) = chosen else {
            return Self::Waiting(WaitingFor::Trigger(trigger.sources().iter().map(ToString::to_string).collect()));
        };
        let beyond = || Self::Waiting(WaitingFor::Calendar { source: source.to_string(), trigger_on });
        let runs = |last_day, moved_by, due_on| Self::Runs {
            source: source.to_string(),
            trigger_on,
            last_day,
            moved_by,
            due_on,
        };
        let Some(period) = rule.period else {
            // Until an event: it is over once that happened. Until a date: through its 24:00 (TsÜS § 137 lg 1).
            let due_on = if source.is_event() { Some(trigger_on) } else { trigger_on.succ_opt() };
            return due_on.map_or_else(beyond, |due_on| runs(None, None, due_on));
        };
        let last = if rule.working_day {
            period.due(trigger_on, calendar).map(|d| (d.due, d.moved_by))
        } else {
            period.after(trigger_on, calendar).map(|d| (d, None))
        };
        match last.ok().and_then(|(last_day, moved_by)| Some((last_day, moved_by, last_day.succ_opt()?))) {
            Some((last_day, moved_by, due_on)) => runs(Some(last_day), moved_by, due_on),
            None => beyond(),
        }
    }

    /// First day on which the data may go, where it is known.
    pub fn due_on(&self) -> Option<NaiveDate> {
        match self {
            Self::Runs { due_on, .. } => Some(*due_on),
            Self::Kept | Self::Waiting(_) => None,
        }
    }
}
