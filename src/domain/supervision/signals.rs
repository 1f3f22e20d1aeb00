//! A supervisor's signals: readings of records that somebody should ask about.
//!
//! A signal proves nothing. It says that on a day an actor read in a way that has a bad explanation and
//! often a good one, and which entries of the log to look at. The rules are plain ones, so that the one
//! who is asked can be told why: no purpose, outside working hours, one's own record, somebody of the
//! same surname, very many records at once, the last days before leaving.
//!
//! What no rule here sees is somebody who reads little, in working hours, with a purpose that sounds
//! right. For that there is sampling.
//!
//! Signals name an actor and are about a person themselves: who may see them is the caller's to decide.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most log entries that a signal lists.
pub const MAX_EVENTS: usize = 100;

/// Fewer letters than this are no purpose.
const MIN_LETTERS: usize = 3;

/// The most that the number of records adds to the weight of a signal.
const MAX_RECORD_WEIGHT: u32 = 50;

/// One reading in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The log entry.
    pub event: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who read. Programs that read at night are left out by the caller.
    pub actor: Uuid,
    /// What was done: opened, listed, exported.
    pub action: String,
    /// The purpose that was stated.
    pub purpose: Option<String>,
    /// The role in which it was done.
    pub role: Option<String>,
    /// How many records it showed.
    pub records: u32,
    /// Whether one of them is the actor's own.
    pub about_self: bool,
    /// Whether one of them is of somebody with the actor's surname.
    pub same_surname: bool,
}

/// How many records in how short a time are a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// At least this many records.
    pub records: u32,
    /// From the first reading to the last at most this many minutes.
    pub minutes: u32,
}

/// What is ordinary in a register.
#[derive(Clone)]
pub struct Settings<'a> {
    /// The zone of the working hours and of the days.
    pub zone: Tz,
    /// From the first time to just before the second. When the second is not later the hours go over
    /// midnight; when both are equal they are the whole day.
    pub working_hours: (NaiveTime, NaiveTime),
    /// Whether people work on a day.
    pub is_working_day: &'a dyn Fn(NaiveDate) -> bool,
    /// What a burst is.
    pub burst: Burst,
    /// Purposes that say nothing, such as "test" or "work"; case and spacing do not matter.
    pub meaningless_purposes: Vec<String>,
}

/// What there is to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No purpose was stated, or one that says nothing.
    NoPurpose,
    /// Outside working hours or not on a working day.
    OutsideHours,
    /// The actor's own record.
    OwnRecord,
    /// The record of somebody else with the actor's surname.
    SameSurname,
    /// Very many records in a short time.
    Burst,
    /// In the last days before the actor leaves, more records than on nine in ten of the days before
    /// them; or anything after the last day.
    BeforeLeaving,
}

impl Kind {
    /// What a signal weighs by its kind alone: the more it is rarely innocent, the more.
    const fn weight(self) -> u32 {
        match self {
            Self::NoPurpose => 10,
            Self::OutsideHours | Self::BeforeLeaving => 20,
            Self::SameSurname => 30,
            Self::OwnRecord => 40,
            Self::Burst => 50,
        }
    }
}

/// A thing to ask an actor about: all readings of one kind on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What it is.
    pub kind: Kind,
    /// Who read.
    pub actor: Uuid,
    /// The first reading.
    pub from: DateTime<Utc>,
    /// The last reading.
    pub until: DateTime<Utc>,
    /// The log entries, the first [`MAX_EVENTS`] of them.
    pub events: Vec<Uuid>,
    /// How many log entries there are in all.
    pub count: usize,
    /// How many records they showed.
    pub records: u64,
    /// How soon to look at it: a number for the kind and one for each record up to 50.
    pub weight: u32,
    /// What happened, in a sentence that names nobody.
    pub words: String,
}

/// The signals in the readings of a period, the weightiest first, among equals the earliest.
///
/// Everything of one kind that an actor did on one day of the zone is one signal. `leavers` are actors
/// with their last day of work; the last days are the `leaver_days` before it and itself. That somebody
/// works to the end is no signal, so their last days are measured by the days before: the period should
/// reach back some weeks further. Where it does not, all readings of the last days are signals.
///
/// The burst of a night may be two signals, one on each day.
#[must_use]
pub fn signals(seen: &[Seen], settings: &Settings<'_>, leavers: &[(Uuid, NaiveDate)], leaver_days: u32) -> Vec<Signal> {
    let mut seen: Vec<&Seen> = seen.iter().collect();
    seen.sort_by_key(|s| (s.at, s.event));
    let bursts = in_bursts(&seen, settings.burst);
    let meaningless: HashSet<String> = settings.meaningless_purposes.iter().map(|p| plain(p)).collect();
    let leaving = leaving_days(&seen, settings.zone, leavers, leaver_days);

    let mut runs: BTreeMap<(Uuid, NaiveDate, Kind), Vec<&Seen>> = BTreeMap::new();
    for (number, reading) in seen.iter().enumerate() {
        let local = reading.at.with_timezone(&settings.zone).naive_local();
        let day = local.date();
        let found = [
            (Kind::NoPurpose, !is_purpose(reading.purpose.as_deref(), &meaningless)),
            (Kind::OutsideHours, !is_working_time(local.time(), settings) || !(settings.is_working_day)(day)),
            (Kind::OwnRecord, reading.about_self),
            (Kind::SameSurname, reading.same_surname && !reading.about_self),
            (Kind::Burst, bursts[number]),
            (Kind::BeforeLeaving, leaving.contains(&(reading.actor, day))),
        ];
        for (kind, _) in found.into_iter().filter(|(_, is_found)| *is_found) {
            runs.entry((reading.actor, day, kind)).or_default().push(reading);
        }
    }
    let mut signals: Vec<Signal> =
        runs.into_iter().filter_map(|((actor, _, kind), run)| signal(kind, actor, &run, settings)).collect();
    signals.sort_by_key(|s| (std::cmp::Reverse(s.weight), s.from, s.kind, s.actor));
    signals
}

fn signal(kind: Kind, actor: Uuid, run: &[&Seen], settings: &Settings<'_>) -> Option<Signal> {
    let (first, last) = (run.first()?, run.last()?);
    let records: u64 = run.iter().map(|s| u64::from(s.records)).sum();
    let of_records = u32::try_from(records).unwrap_or(u32::MAX).min(MAX_RECORD_WEIGHT);
    Some(Signal {
        kind,
        actor,
        from: first.at,
        until: last.at,
        events: run.iter().take(MAX_EVENTS).map(|s| s.event).collect(),
        count: run.len(),
        records,
        weight: kind.weight() + of_records,
        words: words(kind, run.len(), records, settings.burst),
    })
}

fn words(kind: Kind, readings: usize, records: u64, burst: Burst) -> String {
    let times = if readings == 1 { "once".to_owned() } else { format!("{readings} times") };
    let records = if records == 1 { "1 record".to_owned() } else { format!("{records} records") };
    match kind {
        Kind::NoPurpose => format!("Read {records} without saying what for."),
        Kind::OutsideHours => format!("Read {records} outside working hours."),
        Kind::OwnRecord => format!("Read their own record {times}."),
        Kind::SameSurname => format!("Read the record of somebody with the same surname {times}."),
        Kind::Burst => {
            format!("Read {records} in bursts of {} or more within {} minutes.", burst.records, burst.minutes)
        }
        Kind::BeforeLeaving => format!("Read {records} when about to leave or gone, more than before."),
    }
}

/// The last days of leavers on which they read more records than on nine in ten of their days before, and
/// the days on which they had left.
fn leaving_days(
    seen: &[&Seen],
    zone: Tz,
    leavers: &[(Uuid, NaiveDate)],
    leaver_days: u32,
) -> HashSet<(Uuid, NaiveDate)> {
    let mut found = HashSet::new();
    for (actor, last) in leavers {
        let first = last.checked_sub_days(Days::new(leaver_days.into())).unwrap_or(NaiveDate::MIN);
        let mut records: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        for reading in seen.iter().filter(|s| s.actor == *actor) {
            *records.entry(reading.at.with_timezone(&zone).date_naive()).or_default() += u64::from(reading.records);
        }
        // Not the busiest day: one such day in the past would hide what is taken along at the end.
        let mut before: Vec<u64> = records.range(..first).map(|(_, records)| *records).collect();
        before.sort_unstable();
        let many = before.get(before.len() * 9 / 10).copied().unwrap_or(0);
        let days = records.range(first..).filter(|(day, records)| *day > last || **records > many);
        found.extend(days.map(|(day, _)| (*actor, *day)));
    }
    found
}

/// Which readings are in a burst of their actor: in some run of readings, the first and the last not
/// further apart than the window, that showed enough records together. `seen` is in order of time.
fn in_bursts(seen: &[&Seen], burst: Burst) -> Vec<bool> {
    let mut by_actor: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for (number, reading) in seen.iter().enumerate() {
        by_actor.entry(reading.actor).or_default().push(number);
    }
    let window = TimeDelta::minutes(burst.minutes.into());
    let mut is_in = vec![false; seen.len()];
    for readings in by_actor.values() {
        let (mut start, mut marked, mut records) = (0, 0, 0u64);
        for (end, number) in readings.iter().enumerate() {
            records += u64::from(seen[*number].records);
            while seen[*number].at - seen[readings[start]].at > window {
                records -= u64::from(seen[readings[start]].records);
                start += 1;
            }
            if records >= u64::from(burst.records) {
                for number in &readings[start.max(marked)..=end] {
                    is_in[*number] = true;
                }
                marked = end + 1;
            }
        }
    }
    is_in
}

/// Whether a purpose was stated. Spaces, one character again and again, fewer than three letters or a
/// purpose that says nothing are none.
fn is_purpose(purpose: Option<&str>, meaningless: &HashSet<String>) -> bool {
    let purpose = plain(purpose.unwrap_or_default());
    let letters: Vec<char> = purpose.chars().filter(|c| c.is_alphabetic()).collect();
    let first = purpose.chars().next();
    let is_one_character = purpose.chars().all(|c| c == ' ' || Some(c) == first);
    letters.len() >= MIN_LETTERS && !is_one_character && !meaningless.contains(&purpose)
}

/// Small letters, single spaces between words.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_working_time(time: NaiveTime, settings: &Settings<'_>) -> bool {
    let (from, to) = settings.working_hours;
    if from < to { from <= time && time < to } else { time >= from || time < to }
}
