//! How a record stands on a day, and why.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Id;
use super::clock::{Clock, Event, Other, Starts, WaitingFor};
use super::erasure::part_fields;
use super::hold::{Hold, Subjects};
use super::rule::{Rule, Then};
use crate::domain::calendar::HolidayCalendar;
use crate::domain::record::Timeline;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::RecordType;

/// How the data under one rule stand on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// The record holds no data under the rule.
    Empty,
    /// They stay until the register closes.
    Kept,
    /// Their clock does not run, so nobody can tell when they go.
    Waiting {
        /// For what.
        for_what: WaitingFor,
    },
    /// Their time is not over.
    Running {
        /// Day of the trigger.
        trigger_on: NaiveDate,
        /// First day on which they may go.
        due_on: NaiveDate,
    },
    /// Their time is over.
    Due {
        /// Day of the trigger.
        trigger_on: NaiveDate,
        /// First day on which they might have gone.
        due_on: NaiveDate,
    },
}

/// Something open that must be settled before the data go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Blocker {
    /// What it is.
    pub kind: BlockerKind,
    /// Its id.
    pub id: Id,
}

/// What can be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockerKind {
    /// A complaint.
    Complaint,
    /// A case of another kind.
    Case,
    /// A request for disclosure.
    Disclosure,
    /// A move to another institution that has not been decided.
    Transfer,
    /// A change that waits for somebody's decision.
    Draft,
    /// A record that refers to this one and stays.
    Reference,
}

impl BlockerKind {
    /// The word for it in message keys and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Case => "case",
            Self::Disclosure => "disclosure",
            Self::Transfer => "transfer",
            Self::Draft => "draft",
            Self::Reference => "reference",
        }
    }

    /// Whether it keeps data although their register closes: what somebody waits for does; what can be done no more
    /// (a move, a change) and what goes as well does not.
    pub const fn keeps_at_closing(self) -> bool {
        matches!(self, Self::Complaint | Self::Case | Self::Disclosure)
    }
}

/// What a review decided to keep longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptUntil {
    /// The rule under whose data it falls.
    pub rule: String,
    /// Last day on which they are kept.
    pub until: NaiveDate,
    /// Why, as the reviewer wrote it.
    pub reason: String,
}

/// What is known of a record when it is asked how it stands.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The record.
    pub record: Id,
    /// Its version.
    pub version: i64,
    /// The institution that holds it.
    pub institution: Option<Id>,
    /// Its states, as known now.
    pub timeline: &'a Timeline,
    /// Names of the fields of which any entry still holds something; see [`fields_in`](super::fields_in).
    pub fields: BTreeSet<String>,
    /// What happened to it.
    pub events: Vec<Event>,
    /// Ends of other records from which its rules count.
    pub others: Vec<Other>,
    /// Days from which rules count whose own data have been erased, as counted then.
    pub erased_starts: BTreeMap<String, NaiveDate>,
    /// What reviews decided to keep longer.
    pub kept_until: Vec<KeptUntil>,
    /// Personal codes of the people that it is about or names, on any day.
    pub people: BTreeSet<String>,
    /// Holds that may be about it.
    pub holds: &'a [Hold],
    /// What is open about it.
    pub blockers: Vec<Blocker>,
}

/// The answer for the data of a record that follow one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The rule.
    pub rule: String,
    /// Its clause.
    pub clause: Clause,
    /// Where its period comes from, when the statute does not say it.
    pub source: Option<String>,
    /// Series of the document list.
    pub series: Option<String>,
    /// The fields that follow it, in the order of the definition.
    pub fields: Vec<String>,
    /// The sections in which they stand.
    pub sections: BTreeSet<String>,
    /// What it counts from in this record, as the definition writes it.
    pub trigger: Option<String>,
    /// ISO 8601 period.
    pub period: Option<String>,
    /// Last day of the period.
    pub last_day: Option<NaiveDate>,
    /// The holiday or week-end because of which `last_day` is later than counted.
    pub moved_by: Option<String>,
    /// What then.
    pub then: Then,
    /// How it stands.
    #[serde(flatten)]
    pub state: Standing,
    /// What a review decided to keep longer, where it still does.
    pub kept_until: Option<KeptUntil>,
    /// Holds in force on the day.
    pub held: Vec<Hold>,
    /// What is open.
    pub blocked_by: Vec<Blocker>,
}

impl Part {
    /// Whether its time is over and nothing holds it.
    pub fn may_go(&self) -> bool {
        matches!(self.state, Standing::Due { .. }) && self.held.is_empty() && self.blocked_by.is_empty()
    }

    /// First day on which it may go, where it is known.
    pub fn due_on(&self) -> Option<NaiveDate> {
        match self.state {
            Standing::Running { due_on, .. } | Standing::Due { due_on, .. } => Some(due_on),
            Standing::Empty | Standing::Kept | Standing::Waiting { .. } => None,
        }
    }
}

/// When a record goes as a whole: with the last of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whole {
    /// Nothing is left of it but its frame, which goes now.
    Now,
    /// With the last of its parts, if nothing holds it then.
    With {
        /// The rule of that part; of several of the same day, the first by name.
        rule: String,
        /// First day.
        on: NaiveDate,
    },
    /// It stays because of these rules, whose data are kept, wait or are anonymised; or because of
    /// [`Why::unruled`].
    Stays(Vec<String>),
}

/// How a record stands on a day, rule by rule, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The record.
    pub record: Id,
    /// Its version, as seen.
    pub version: i64,
    /// The day asked about.
    pub on: NaiveDate,
    /// Its parts, by the order of the rules in the definition.
    pub parts: Vec<Part>,
    /// Fields of which it holds something although no rule speaks of them: nothing of them goes until one does.
    pub unruled: Vec<String>,
    /// When it goes as a whole.
    pub whole: Whole,
    /// Holds in force on the day, whether or not any rule speaks of its data.
    #[serde(skip)]
    pub held: Vec<Hold>,
    /// What is open about it.
    #[serde(skip)]
    pub blocked_by: Vec<Blocker>,
}

impl Why {
    /// Whether nothing of the record is left once all goes that is over: only then it matters who refers to it.
    pub fn ends(&self) -> bool {
        ends(&self.unruled, self.parts.iter().map(|p| (&p.state, p.then)))
    }

    /// The answer for one rule.
    pub fn part(&self, rule: &str) -> Option<&Part> {
        self.parts.iter().find(|p| p.rule == rule)
    }
}

/// How a record stands on the day `on`, and why. It changes nothing, and may be asked of any day.
///
/// `rules` may be all rules of the definition: those that no field of the type follows are left out.
pub fn why(
    record_type: &RecordType,
    rules: &[Rule],
    facts: &Facts<'_>,
    on: NaiveDate,
    calendar: &HolidayCalendar,
) -> Why {
    let starts = Starts::read(rules, record_type, facts.timeline, &facts.events, &facts.others)
        .with_erased(&facts.erased_starts);
    let about = Subjects {
        record: facts.record,
        record_type: &record_type.name,
        institution: facts.institution,
        people: &facts.people,
        timeline: facts.timeline,
    };
    let mut held: Vec<Hold> = facts.holds.iter().filter(|h| h.in_force_on(on) && h.covers(about)).cloned().collect();
    held.sort_by_key(|h| h.id);
    let mut blocked_by = facts.blockers.clone();
    blocked_by.sort_unstable();
    blocked_by.dedup();

    let part = |rule: &Rule| {
        let fields = part_fields(record_type, &rule.name);
        fields.first()?;
        let section = |f: &&crate::domain::statute::definition::Field| fields.contains(&f.name);
        let sections = record_type.fields.iter().filter(section).filter_map(|f| f.section.clone()).collect();
        let clock = Clock::of(rule, &starts, calendar);
        let longer = facts.kept_until.iter().filter(|k| k.rule == rule.name).max_by_key(|k| (k.until, &k.reason));
        // What was reviewed stays due by its clock from the day after the one until which it was kept.
        let released = longer.and_then(|k| k.until.succ_opt());
        let (trigger, last_day, moved_by) = match &clock {
            Clock::Runs { source, last_day, moved_by, .. } => (Some(source.clone()), *last_day, moved_by.clone()),
            Clock::Kept | Clock::Waiting(_) => (None, None, None),
        };
        let state = if !fields.iter().any(|f| facts.fields.contains(f)) {
            Standing::Empty
        } else {
            match clock {
                Clock::Kept => Standing::Kept,
                Clock::Waiting(for_what) => Standing::Waiting { for_what },
                Clock::Runs { trigger_on, due_on, .. } => {
                    let due_on = released.map_or(due_on, |day| day.max(due_on));
                    if on >= due_on {
                        Standing::Due { trigger_on, due_on }
                    } else {
                        Standing::Running { trigger_on, due_on }
                    }
                }
            }
        };
        Some(Part {
            rule: rule.name.clone(),
            clause: rule.clause.clone(),
            source: rule.source.clone(),
            series: rule.series.clone(),
            fields,
            sections,
            trigger,
            period: rule.period_text.clone(),
            last_day,
            moved_by,
            then: rule.then,
            kept_until: longer.filter(|k| on <= k.until).cloned(),
            held: held.clone(),
            blocked_by: blocked_by.clone(),
            state,
        })
    };
    let mut parts: Vec<Part> = rules.iter().filter_map(part).collect();
    let spoken_of: BTreeSet<&String> = parts.iter().flat_map(|p| &p.fields).collect();
    let unruled: Vec<String> = facts.fields.iter().filter(|f| !spoken_of.contains(f)).cloned().collect();
    // A part may go while the record stays: whoever refers to the record finds it.
    if !ends(&unruled, parts.iter().map(|p| (&p.state, p.then))) {
        parts.iter_mut().for_each(|p| p.blocked_by.retain(|b| b.kind != BlockerKind::Reference));
    }
    let whole = if unruled.is_empty() { whole(&parts) } else { Whole::Stays(staying(&parts)) };
    Why { record: facts.record, version: facts.version, on, parts, unruled, whole, held, blocked_by }
}

fn ends<'a>(unruled: &[String], parts: impl Iterator<Item = (&'a Standing, Then)>) -> bool {
    let over = |(state, then): (&Standing, Then)| match state {
        Standing::Empty => true,
        Standing::Due { .. } => then != Then::Anonymise,
        Standing::Kept | Standing::Waiting { .. } | Standing::Running { .. } => false,
    };
    unruled.is_empty() && { parts }.all(over)
}

fn whole(parts: &[Part]) -> Whole {
    let stays = staying(parts);
    if !stays.is_empty() {
        return Whole::Stays(stays);
    }
    let last = parts.iter().filter_map(|p| Some((p.due_on()?, p))).max_by(|(a, p), (b, q)| {
        // Of several of the same day the first by name.
        a.cmp(b).then_with(|| q.rule.cmp(&p.rule))
    });
    last.map_or(Whole::Now, |(on, p)| Whole::With { rule: p.rule.clone(), on })
}

/// The rules because of which something stays without a day on which it goes.
fn staying(parts: &[Part]) -> Vec<String> {
    let stays = |p: &&Part| match p.state {
        Standing::Empty => false,
        Standing::Kept | Standing::Waiting { .. } => true,
        // What is anonymised leaves something behind.
        Standing::Running { .. } | Standing::Due { .. } => p.then == Then::Anonymise,
    };
    parts.iter().filter(stays).map(|p| p.rule.clone()).collect()
}
