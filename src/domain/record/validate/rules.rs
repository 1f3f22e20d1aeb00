//! Rules between fields: what one value alone cannot break.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde_json::Value;

use super::compiled::CompileFault;
use super::lexical;
use super::plan::Fields;
use super::pointer::Pointer;
use super::{Faults, Severity, Violation};
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Lifecycle, Rule, RuleKind};
use crate::domain::statute::path::{Choice, FieldPath, PathStep};

/// A rule made ready.
#[derive(Debug, Clone)]
pub(super) struct RulePlan {
    clause: Clause,
    severity: Severity,
    /// Section of the field that it speaks about.
    section: Option<String>,
    /// Path of the rows it speaks about; absent: the record itself.
    of: Option<FieldPath>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Order { from: FieldPath, to: FieldPath },
    NoOverlap { from: FieldPath, to: FieldPath, by: Option<String> },
    Inside { days: Vec<FieldPath>, begins: FieldPath, ends: FieldPath },
    Sequence { from: FieldPath, by: Option<String>, first: Option<String>, last: Option<String> },
}

impl RulePlan {
    /// `None` for what is not a matter of the data alone: [`RuleKind::NoCycle`], [`RuleKind::OwnInstitution`], and
    /// [`RuleKind::Inside`] where a record has no life.
    pub(super) fn new(
        rule: &Rule,
        lifecycle: Option<&Lifecycle>,
        fields: &Fields,
    ) -> Result<Option<Self>, CompileFault> {
        let (from, to) = (path(rule.from.as_ref())?, path(rule.to.as_ref())?);
        let of = path(rule.of.as_ref())?;
        let subject = of.as_ref().or(to.as_ref()).and_then(|path| path.steps().first());
        let section = subject.and_then(|step| fields.get(&step.name)?.section.clone());
        let by = rule.by.clone();
        let kind = match (rule.kind, from, to) {
            (RuleKind::NoCycle | RuleKind::OwnInstitution, ..) => return Ok(None),
            (RuleKind::Order, Some(from), Some(to)) => Kind::Order { from, to },
            (RuleKind::NoOverlap, Some(from), Some(to)) if of.is_some() => Kind::NoOverlap { from, to, by },
            (RuleKind::Inside, from, to) => {
                let Some(life) = lifecycle else {
                    return Ok(None);
                };
                Kind::Inside {
                    days: from.into_iter().chain(to).collect(),
                    begins: parse(&life.begins)?,
                    ends: parse(&life.ends)?,
                }
            }
            (RuleKind::Sequence, Some(from), _) if of.is_some() => {
                let (first, last) = (rule.first.clone(), rule.last.clone());
                Kind::Sequence { from, by, first, last }
            }
            (RuleKind::Order | RuleKind::NoOverlap | RuleKind::Sequence, ..) => {
                return Err(CompileFault::Rule);
            }
        };
        let severity = if rule.warning { Severity::Warning } else { Severity::Error };
        Ok(Some(Self { clause: rule.clause.clone(), severity, section, of, kind }))
    }

    /// Reports each breach of the rule by the record `data`.
    pub(super) fn check(&self, data: &Value, faults: &mut Faults) {
        let mut report = |pointer: String, code, detail: String| {
            faults.report(Violation {
                pointer,
                code,
                detail,
                clause: Some(self.clause.clone()),
                severity: self.severity,
                section: self.section.clone(),
            });
        };
        let steps = self.of.as_ref().map(FieldPath::steps).unwrap_or_default();
        visit(steps, data, &Pointer::Root, &mut |at, subject| {
            let rows = Rows::of(at, subject);
            match &self.kind {
                Kind::Order { from, to } => order(&rows, from, to, &mut report),
                Kind::NoOverlap { from, to, by } => {
                    no_overlap(&rows, (from, to), by.as_deref(), &mut report);
                }
                Kind::Inside { days, begins, ends } => {
                    let life = (day(begins, data), day(ends, data));
                    for path in days {
                        inside(&rows, path, life, &mut report);
                    }
                }
                Kind::Sequence { from, by, first, last } => {
                    ascending(&rows, from, &mut report);
                    if let Some(by) = by {
                        in_turn(&rows, by, (first.as_deref(), last.as_deref()), &mut report);
                    }
                }
            }
        });
    }
}

fn path(text: Option<&String>) -> Result<Option<FieldPath>, CompileFault> {
    text.map(|text| parse(text)).transpose()
}

fn parse(text: &str) -> Result<FieldPath, CompileFault> {
    FieldPath::parse(text).ok().ok_or(CompileFault::Rule)
}

/// Takes a breach: where, its code, and a sentence.
type Report<'r> = &'r mut dyn FnMut(String, &'static str, String);

fn order(rows: &Rows, from: &FieldPath, to: &FieldPath, report: Report) {
    for (at, row) in rows.iter() {
        let (first, last) = (day(from, row), day(to, row));
        if last.is_some() && last < first {
            let detail = format!("This day must not be before the day in `{from}`.");
            report(rows.place(at, row, to), "order", detail);
        }
    }
}

fn inside(rows: &Rows, path: &FieldPath, (begins, ends): (Option<NaiveDate>, Option<NaiveDate>), report: Report) {
    for (at, row) in rows.iter() {
        let Some(day) = day(path, row) else { continue };
        if begins.is_some_and(|begins| day < begins) {
            let detail = "This day must not be before the record begins.".to_owned();
            report(rows.place(at, row, path), "outside", detail);
        }
        if ends.is_some_and(|ends| day > ends) {
            let detail = "This day must not be after the record ends.".to_owned();
            report(rows.place(at, row, path), "outside", detail);
        }
    }
}

/// A row with a period; one without an end goes on for ever.
#[derive(Clone, Copy)]
struct Period {
    from: NaiveDate,
    to: NaiveDate,
    at: usize,
}

fn no_overlap(rows: &Rows, (from, to): (&FieldPath, &FieldPath), by: Option<&str>, report: Report) {
    let mut kinds: HashMap<Option<&str>, Vec<Period>> = HashMap::new();
    for (at, row) in rows.iter() {
        let (first, last) = (day(from, row), day(to, row).unwrap_or(NaiveDate::MAX));
        if let Some(from) = first.filter(|first| *first <= last) {
            let kind = by.and_then(|by| row.get(by)?.as_str());
            kinds.entry(kind).or_default().push(Period { from, to: last, at });
        }
    }
    for mut periods in kinds.into_values() {
        periods.sort_unstable_by_key(|period| (period.from, period.at));
        let mut longest: Option<Period> = None;
        for period in periods {
            if let Some(other) = longest.filter(|longest| period.from <= longest.to) {
                let other = rows.at(other.at);
                let detail = format!("This period must not overlap the one at {other}.");
                report(rows.at(period.at), "overlap", detail);
            }
            longest = longest.filter(|longest| longest.to >= period.to).or(Some(period));
        }
    }
}

fn ascending(rows: &Rows, from: &FieldPath, report: Report) {
    let mut before = None;
    for (at, row) in rows.iter() {
        let day = day(from, row);
        if day.is_some() && day < before {
            let detail = "The rows must be in the order of their days.".to_owned();
            report(rows.place(at, row, from), "sequence", detail);
        }
        before = before.max(day);
    }
}

fn in_turn(rows: &Rows, by: &str, (first, last): (Option<&str>, Option<&str>), report: Report) {
    let end = rows.items.len().saturating_sub(1);
    for (at, row) in rows.iter() {
        let is = |code: &str| row.get(by).and_then(Value::as_str) == Some(code);
        let place = || format!("{}/{by}", rows.at(at));
        if let Some(first) = first.filter(|code| at == 0 && !is(code)) {
            report(place(), "sequence", format!("The first row must be `{first}`."));
        }
        if let Some(last) = last.filter(|code| at != end && is(code)) {
            report(place(), "sequence", format!("Only the last row may be `{last}`."));
        }
    }
}

/// What a rule speaks about: the rows of a list, or the one thing that is no list.
struct Rows<'v> {
    base: &'v Pointer<'v>,
    items: &'v [Value],
    is_list: bool,
}

impl<'v> Rows<'v> {
    fn of(base: &'v Pointer<'v>, value: &'v Value) -> Self {
        let (items, is_list) = match value.as_array() {
            Some(items) => (items.as_slice(), true),
            None => (std::slice::from_ref(value), false),
        };
        Self { base, items, is_list }
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &'v Value)> + use<'v> {
        self.items.iter().enumerate()
    }

    /// The JSON Pointer of a row.
    fn at(&self, index: usize) -> String {
        let row = Pointer::Item(self.base, index);
        if self.is_list { row.to_string() } else { self.base.to_string() }
    }

    /// The JSON Pointer of what `path` leads to in a row.
    fn place(&self, index: usize, row: &Value, path: &FieldPath) -> String {
        let mut place = self.at(index);
        visit(path.steps(), row, &Pointer::Root, &mut |at, _| {
            place += &at.to_string();
        });
        place
    }
}

/// The day to which `path` leads.
fn day(path: &FieldPath, value: &Value) -> Option<NaiveDate> {
    lexical::date(path.get(value)?.as_str()?)
}

/// Visits what a path leads to, in every row of the lists on its way of which it chooses none.
fn visit(steps: &[PathStep], value: &Value, at: &Pointer, found: &mut dyn FnMut(&Pointer, &Value)) {
    let [step, rest @ ..] = steps else {
        return found(at, value);
    };
    let Some(member) = value.get(&step.name) else {
        return;
    };
    let here = Pointer::Key(at, &step.name);
    let is_open = step.chosen.is_none();
    let rows = member.as_array().filter(|_| !is_open || !rest.is_empty());
    let Some(rows) = rows else {
        return visit(rest, member, &here, found);
    };
    for (index, row) in rows.iter().enumerate() {
        let is_chosen = step.chosen.as_ref().is_some_and(|choice| is_met(choice, row));
        if is_open || is_chosen {
            visit(rest, row, &Pointer::Item(&here, index), found);
        }
        if is_chosen {
            break;
        }
    }
}

/// Whether a row is the one that a path chooses.
fn is_met(choice: &Choice, row: &Value) -> bool {
    match row.get(&choice.part) {
        Some(Value::String(text)) => *text == choice.value,
        Some(Value::Number(number)) => number.to_string() == choice.value,
        Some(Value::Bool(flag)) => flag.to_string() == choice.value,
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    }
}
