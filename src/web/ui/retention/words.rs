//! Retention in words: rules, what they count from, and why the data of a record stay or go.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::domain::registers::Register;
use crate::domain::retention::{
    self as rules, Arg, BlockerKind, DropReason, Part, Source, Standing, Why, part_fields, say, say_whole,
};
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::RetentionRule;
use crate::store::read::titles::MOST_TITLES;
use crate::web::problem::{Kind, Problem};
use crate::web::ui::about::lasting;
use crate::web::ui::publications::field_label;
use crate::web::ui::say::{Said, T};
use crate::web::ui::{State, Visit};

/// What a rule is called.
pub fn rule_label(t: T, register: &Register, name: &str) -> Said {
    rule_of(register, name).map_or_else(|| Said { text: name.to_owned(), lang: None }, |rule| t.label(&rule.label))
}

/// The rule of that name.
pub fn rule_of<'r>(register: &'r Register, name: &str) -> Option<&'r RetentionRule> {
    register.definition.register.retention_rules.iter().find(|rule| rule.name == name)
}

/// What becomes of data under a rule, in a few words.
pub fn then(t: T, word: &str) -> String {
    t.say_if(&format!("retention-then-{word}")).unwrap_or_else(|| word.to_owned())
}

/// What a record is called, and its type where that cannot be known.
pub fn record_name(t: T, register: &Register, titles: &BTreeMap<Uuid, String>, kind: &str, id: Uuid) -> Said {
    match titles.get(&id) {
        Some(title) => Said { text: title.clone(), lang: None },
        None => {
            let label = type_label(t, register, kind);
            let id = id.to_string();
            let end = id.get(id.len().saturating_sub(8)..).unwrap_or_default();
            Said { text: format!("{} {end}", label.text), lang: label.lang }
        }
    }
}

/// What a record type is called.
pub fn type_label(t: T, register: &Register, name: &str) -> Said {
    crate::web::ui::publications::type_label(t, register, name)
}

/// What records are called, as far as the visitor may read them; and whether a purpose must be told first.
///
/// # Errors
/// As the act, but for the purpose that it asks for.
pub async fn titles(
    state: &State,
    visit: &Visit,
    ids: BTreeSet<Uuid>,
) -> Result<(BTreeMap<Uuid, String>, bool), Problem> {
    let ids: Vec<Uuid> = ids.into_iter().take(MOST_TITLES).collect();
    if ids.is_empty() || !visit.may("record.read") {
        return Ok((BTreeMap::new(), false));
    }
    match state.app.record_titles(visit.cx(), visit.word("r").to_owned(), ids).await.map_err(Problem::from) {
        Ok(titles) => Ok((titles.into_inner(), false)),
        Err(problem) if problem.kind == Kind::PurposeRequired => Ok((BTreeMap::new(), true)),
        Err(problem) => Err(problem),
    }
}

/// The first type whose data follow a rule.
fn type_of<'r>(register: &'r Register, rule: &str) -> Option<&'r RecordType> {
    register.definition.record_types.iter().find(|kind| !part_fields(kind, rule).is_empty())
}

/// What a rule counts from, as the definition writes it, in words.
pub fn source(t: T, register: &Register, kind: Option<&RecordType>, written: &str) -> String {
    match Source::parse(written) {
        Some(Source::Field(path)) => field(t, register, kind, &path.to_string()),
        Some(Source::Event(name)) => event(t, register, &name),
        Some(Source::OwnEnd) => t.say("retention-source-end"),
        Some(Source::Other { record_type, .. }) => {
            t.say_with("retention-source-record", &[("type", &type_label(t, register, &record_type).text)])
        }
        None => written.to_owned(),
    }
}

/// How long data are kept under a rule, and from when.
pub fn term(t: T, register: &Register, rule: &RetentionRule) -> String {
    let kind = type_of(register, &rule.name);
    let sources = rule.trigger.as_ref().map(|said| said.sources().to_vec()).unwrap_or_default();
    let sources: Vec<String> = sources.iter().map(|s| source(t, register, kind, s)).collect();
    let from = sources.join(" / ");
    match (&rule.period, sources.is_empty()) {
        (Some(period), false) => t.say_with("retention-term", &[("period", &lasting(t, period)), ("from", &from)]),
        (Some(period), true) => lasting(t, period),
        (None, false) => t.say_with("retention-term-until", &[("from", &from)]),
        (None, true) => t.say("retention-term-none"),
    }
}

fn field(t: T, register: &Register, kind: Option<&RecordType>, path: &str) -> String {
    kind.map_or_else(|| path.to_owned(), |kind| field_label(t, register, &kind.name, path).text)
}

/// An event by the move that makes it.
fn event(t: T, register: &Register, name: &str) -> String {
    let moves = register.definition.record_types.iter().flat_map(|kind| kind.moves.iter());
    let found = moves.into_iter().find(|m| m.event.as_deref() == Some(name));
    found.map_or_else(|| name.to_owned(), |m| t.label(&m.label).text)
}

/// Sentences in the visitor's language.
fn sentences(t: T, register: &Register, kind: &RecordType, said: Vec<rules::Said>) -> Vec<String> {
    let text = |arg: Arg| match arg {
        Arg::Text(text) | Arg::Clause(text) => text,
        Arg::Day(day) => t.day(day),
        Arg::Period(period) => lasting(t, &period),
        Arg::Rule(name) => rule_label(t, register, &name).text,
        Arg::Rules(names) => names.iter().map(|name| rule_label(t, register, name).text).collect::<Vec<_>>().join("; "),
        Arg::Field(path) => field(t, register, Some(kind), &path),
        Arg::Fields(paths) => {
            paths.iter().map(|path| field(t, register, Some(kind), path)).collect::<Vec<_>>().join(", ")
        }
        Arg::Event(name) => event(t, register, &name),
        Arg::RecordType(name) => type_label(t, register, &name).text,
    };
    said.into_iter()
        .map(|said| {
            let args: Vec<(&str, String)> = said.args.into_iter().map(|(name, arg)| (name, text(arg))).collect();
            let args: Vec<(&str, &str)> = args.iter().map(|(name, value)| (*name, value.as_str())).collect();
            t.say_with(said.key, &args)
        })
        .collect()
}

/// Why the data under one rule stand as they do; the sentence that names the rule is left to its heading.
pub fn why_part(t: T, register: &Register, kind: &RecordType, part: &Part) -> Vec<String> {
    sentences(t, register, kind, say(part).into_iter().filter(|s| s.key != "retention-why-rule").collect())
}

/// A hold on a record, and where it is lifted.
pub struct HoldLine {
    /// On what it rests.
    pub basis: String,
    /// Where it is lifted, for whoever may.
    pub lift: Option<String>,
}

/// The data of a record under one rule.
pub struct WhyPart {
    /// The rule.
    pub label: Said,
    /// Its clause.
    pub clause: String,
    /// How they stand: colour and words.
    pub tag: (&'static str, String),
    /// Why.
    pub lines: Vec<String>,
}

/// Why a record stays or goes.
pub struct WhyTold {
    /// By rule; what the record has nothing of is left out.
    pub parts: Vec<WhyPart>,
    /// The record as a whole.
    pub whole: Vec<String>,
    /// Holds on it.
    pub holds: Vec<HoldLine>,
}

/// How the data under one rule stand: colour and words.
pub fn standing(t: T, part: &Part) -> (&'static str, String) {
    let (class, word) = match &part.state {
        Standing::Empty => ("none", "empty"),
        Standing::Kept => ("none", "kept"),
        Standing::Waiting { .. } => ("none", "waiting"),
        Standing::Running { .. } => ("ok", "running"),
        Standing::Due { .. } if !part.held.is_empty() => ("fut", "held"),
        Standing::Due { .. } if !part.blocked_by.is_empty() => ("fut", "open"),
        Standing::Due { .. } => ("warn", "due"),
    };
    (class, t.say(&format!("retention-standing-{word}")))
}

/// An answer in words; `base` is the address of the register's retention, for whoever may lift holds.
pub fn told(t: T, register: &Register, kind: &RecordType, why: &Why, base: Option<&str>) -> WhyTold {
    let there = || why.parts.iter().filter(|p| p.state != Standing::Empty);
    let mut holds: BTreeMap<Uuid, HoldLine> = BTreeMap::new();
    for hold in there().flat_map(|p| &p.held) {
        let line =
            || HoldLine { basis: hold.basis.clone(), lift: base.map(|base| format!("{base}/holds/{}/lift", hold.id)) };
        holds.entry(hold.id).or_insert_with(line);
    }
    WhyTold {
        parts: there()
            .map(|part| WhyPart {
                label: rule_label(t, register, &part.rule),
                clause: part.clause.0.clone(),
                tag: standing(t, part),
                lines: why_part(t, register, kind, part),
            })
            .collect(),
        whole: sentences(t, register, kind, say_whole(why)),
        holds: holds.into_values().collect(),
    }
}

/// What stops data whose time is over, in a word each.
pub fn stops(t: T, part: &Part) -> Vec<String> {
    let held = (!part.held.is_empty()).then(|| t.say("retention-stop-held"));
    let mut kinds: Vec<BlockerKind> = part.blocked_by.iter().map(|b| b.kind).collect();
    kinds.dedup();
    held.into_iter().chain(kinds.into_iter().map(|kind| open(t, kind))).collect()
}

fn open(t: T, kind: BlockerKind) -> String {
    t.say(&format!("retention-stop-{}", kind.as_str()))
}

/// Why an item fell out of a batch.
pub fn dropped(t: T, reason: &DropReason) -> String {
    match reason {
        DropReason::Held { .. } => t.say("retention-stop-held"),
        DropReason::Open { kind } => open(t, *kind),
        DropReason::TriggerCorrected { due_on: Some(day) } | DropReason::NotDue { due_on: Some(day) } => {
            t.say_with("retention-drop-until", &[("day", &t.day(*day))])
        }
        other => t.say(&format!("retention-drop-{}", other.code().replace('_', "-"))),
    }
}

/// What an execution could not do, by its code.
pub fn failed(t: T, code: &str) -> String {
    t.say_with("retention-failed-code", &[("code", code)])
}
