//! An answer in words: keys of messages with their arguments. The texts, and how a day, a clause or the name of a field
//! is written in a language, belong to `web`.

use chrono::NaiveDate;
use serde::Serialize;

use super::clock::WaitingFor;
use super::rule::{Source, Then};
use super::standing::{BlockerKind, Part, Standing, Whole, Why};

/// What stands in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arg {
    /// As it is.
    Text(String),
    /// A day.
    Day(NaiveDate),
    /// An ISO 8601 period, to be told in words.
    Period(String),
    /// A clause of the statute.
    Clause(String),
    /// A rule, to be told by its label.
    Rule(String),
    /// Rules, to be told by their labels.
    Rules(Vec<String>),
    /// The path of a field, to be told by its label.
    Field(String),
    /// Names of fields, to be told by their labels.
    Fields(Vec<String>),
    /// An event, to be told by the label of the move that makes it.
    Event(String),
    /// A record type, to be told by its label.
    RecordType(String),
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Key of the message.
    pub key: &'static str,
    /// Its arguments, by name.
    pub args: Vec<(&'static str, Arg)>,
}

/// Every key that is said, with the names of its arguments.
pub const KEYS: &[(&str, &[&str])] = &[
    ("retention-why-rule", &["rule", "clause"]),
    ("retention-why-source", &["source"]),
    ("retention-why-series", &["series"]),
    ("retention-why-empty", &[]),
    ("retention-why-kept", &[]),
    ("retention-why-waiting-field", &["field"]),
    ("retention-why-waiting-event", &["event"]),
    ("retention-why-waiting-end", &[]),
    ("retention-why-waiting-record", &["type"]),
    ("retention-why-waiting-rule", &[]),
    ("retention-why-waiting-calendar", &["day"]),
    ("retention-why-from-field", &["field", "day"]),
    ("retention-why-from-event", &["event", "day"]),
    ("retention-why-from-end", &["day"]),
    ("retention-why-from-record", &["type", "day"]),
    ("retention-why-period", &["period", "last"]),
    ("retention-why-moved", &["holiday"]),
    ("retention-why-until", &[]),
    ("retention-why-running", &["due"]),
    ("retention-why-due", &["due"]),
    ("retention-why-then-review", &[]),
    ("retention-why-then-archive", &[]),
    ("retention-why-then-destroy", &[]),
    ("retention-why-then-anonymise", &[]),
    ("retention-why-longer", &["until", "reason"]),
    ("retention-why-held-open", &["basis"]),
    ("retention-why-held-until", &["basis", "until"]),
    ("retention-why-open-complaint", &[]),
    ("retention-why-open-case", &[]),
    ("retention-why-open-disclosure", &[]),
    ("retention-why-open-transfer", &[]),
    ("retention-why-open-draft", &[]),
    ("retention-why-open-reference", &[]),
    ("retention-why-unruled", &["fields"]),
    ("retention-why-whole-now", &[]),
    ("retention-why-whole-with", &["rule", "on"]),
    ("retention-why-whole-stays", &["rules"]),
];

/// Why the data under one rule stand as they do, sentence by sentence, the ground first.
pub fn say(part: &Part) -> Vec<Said> {
    let mut said = vec![one(
        "retention-why-rule",
        [("rule", Arg::Rule(part.rule.clone())), ("clause", Arg::Clause(part.clause.0.clone()))],
    )];
    if let Some(source) = &part.source {
        said.push(one("retention-why-source", [("source", Arg::Text(source.clone()))]));
    }
    if let Some(series) = &part.series {
        said.push(one("retention-why-series", [("series", Arg::Text(series.clone()))]));
    }
    match &part.state {
        Standing::Empty => {
            said.push(one("retention-why-empty", []));
            return said;
        }
        Standing::Kept => said.push(one("retention-why-kept", [])),
        Standing::Waiting { for_what } => said.extend(waiting(for_what)),
        Standing::Running { trigger_on, due_on } => {
            said.extend(counted(part, *trigger_on));
            said.push(one("retention-why-running", [("due", Arg::Day(*due_on))]));
        }
        Standing::Due { trigger_on, due_on } => {
            said.extend(counted(part, *trigger_on));
            said.push(one("retention-why-due", [("due", Arg::Day(*due_on))]));
        }
    }
    let then = match part.then {
        Then::Keep => None,
        Then::Review => Some("retention-why-then-review"),
        Then::Archive => Some("retention-why-then-archive"),
        Then::Destroy => Some("retention-why-then-destroy"),
        Then::Anonymise => Some("retention-why-then-anonymise"),
    };
    said.extend(then.map(|key| one(key, [])));
    if let Some(longer) = &part.kept_until {
        let args = [("until", Arg::Day(longer.until)), ("reason", Arg::Text(longer.reason.clone()))];
        said.push(one("retention-why-longer", args));
    }
    said.extend(part.held.iter().map(|hold| {
        let basis = ("basis", Arg::Text(hold.basis.clone()));
        match hold.until {
            None => one("retention-why-held-open", [basis]),
            Some(until) => one("retention-why-held-until", [basis, ("until", Arg::Day(until))]),
        }
    }));
    said.extend(part.blocked_by.iter().map(|open| {
        let key = match open.kind {
            BlockerKind::Complaint => "retention-why-open-complaint",
            BlockerKind::Case => "retention-why-open-case",
            BlockerKind::Disclosure => "retention-why-open-disclosure",
            BlockerKind::Transfer => "retention-why-open-transfer",
            BlockerKind::Draft => "retention-why-open-draft",
            BlockerKind::Reference => "retention-why-open-reference",
        };
        one(key, [])
    }));
    said
}

/// When the record goes as a whole, and what no rule speaks of.
pub fn say_whole(why: &Why) -> Vec<Said> {
    let mut said = Vec::new();
    if !why.unruled.is_empty() {
        said.push(one("retention-why-unruled", [("fields", Arg::Fields(why.unruled.clone()))]));
    }
    match &why.whole {
        Whole::Now => said.push(one("retention-why-whole-now", [])),
        Whole::With { rule, on } => {
            let args = [("rule", Arg::Rule(rule.clone())), ("on", Arg::Day(*on))];
            said.push(one("retention-why-whole-with", args));
        }
        Whole::Stays(rules) if rules.is_empty() => {}
        Whole::Stays(rules) => said.push(one("retention-why-whole-stays", [("rules", Arg::Rules(rules.clone()))])),
    }
    said
}

fn one<const N: usize>(key: &'static str, args: [(&'static str, Arg); N]) -> Said {
    Said { key, args: args.into() }
}

fn waiting(for_what: &WaitingFor) -> Vec<Said> {
    let sources = match for_what {
        WaitingFor::Rule => return vec![one("retention-why-waiting-rule", [])],
        WaitingFor::Calendar { trigger_on, .. } => {
            return vec![one("retention-why-waiting-calendar", [("day", Arg::Day(*trigger_on))])];
        }
        WaitingFor::Trigger(sources) => sources,
    };
    let said = |source: Source| match source {
        Source::Field(path) => one("retention-why-waiting-field", [("field", Arg::Field(path.to_string()))]),
        Source::Event(name) => one("retention-why-waiting-event", [("event", Arg::Event(name))]),
        Source::OwnEnd => one("retention-why-waiting-end", []),
        Source::Other { record_type, .. } => {
            one("retention-why-waiting-record", [("type", Arg::RecordType(record_type))])
        }
    };
    sources.iter().filter_map(|s| Source::parse(s)).map(said).collect()
}

fn counted(part: &Part, trigger_on: NaiveDate) -> Vec<Said> {
    let day = ("day", Arg::Day(trigger_on));
    let mut said = Vec::new();
    match part.trigger.as_deref().and_then(Source::parse) {
        None => {}
        Some(Source::Field(path)) => {
            said.push(one("retention-why-from-field", [("field", Arg::Field(path.to_string())), day]));
        }
        Some(Source::Event(name)) => said.push(one("retention-why-from-event", [("event", Arg::Event(name)), day])),
        Some(Source::OwnEnd) => said.push(one("retention-why-from-end", [day])),
        Some(Source::Other { record_type, .. }) => {
            said.push(one("retention-why-from-record", [("type", Arg::RecordType(record_type)), day]));
        }
    }
    match (&part.period, part.last_day) {
        (Some(period), Some(last)) => {
            let args = [("period", Arg::Period(period.clone())), ("last", Arg::Day(last))];
            said.push(one("retention-why-period", args));
        }
        (None, _) | (_, None) => said.push(one("retention-why-until", [])),
    }
    if let Some(holiday) = &part.moved_by {
        said.push(one("retention-why-moved", [("holiday", Arg::Text(holiday.clone()))]));
    }
    said
}
