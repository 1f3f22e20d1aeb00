//! What is wrong with the records of an institution before they are confirmed, and what of it stands in the way.
//!
//! Whatever the validator says of a record is a finding, and so is whatever the checks of its type find across
//! records. What other institutions know comes in [`Across`], for which the store asks at once for all records what
//! [`what_is_needed`] names.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::calendar::parse_day;
use crate::domain::hex;
use crate::domain::record::derive::derive;
use crate::domain::record::validate::{Severity, Violation};
use crate::domain::statute::definition::Field;
use crate::domain::statute::duties::{Check, CheckKind, CheckSeverity};
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::{Clause, RecordType};

/// What a finding of the validator has for its check.
pub const VALIDATION: &str = "validation";

/// One thing that is wrong. Its `detail` and its `key` hold no value of any record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check that found it, or [`VALIDATION`].
    pub check: String,
    /// What kind of fault: a code of the validator, or the name of the check's kind.
    pub code: &'static str,
    /// How grave it is.
    pub severity: CheckSeverity,
    /// Clause that is broken: that of the validator or the check, else that of the record type.
    pub clause: Clause,
    /// The record that it is found in; nothing where it is a group of records.
    pub record_id: Option<Uuid>,
    /// Type of the record or records.
    pub record_type: String,
    /// Where in the record it stands (RFC 6901), or where what is missing would stand.
    pub pointer: Option<String>,
    /// An English sentence that says what is wrong.
    pub detail: String,
    /// The same for the same fault as long as it stands in the same place, so that a reason or an exception written
    /// for it stays with it.
    pub key: String,
    /// What the records of a group have in common: the values of the check's fields in their order, `null` for one
    /// that is absent. For whoever may read these records; empty where it is one record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<Value>,
}

/// A record that is checked.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The record.
    pub record_id: Uuid,
    /// Its data as of the day.
    pub data: &'a Value,
    /// What the validator says of them.
    pub violations: &'a [Violation],
    /// Personal code of the person that it is about, where there is one.
    pub code: Option<&'a str>,
}

/// What is known of the same persons across all institutions: for records of one type that are active on the day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Across {
    /// The other institutions in which they have a record of the type, by personal code.
    pub elsewhere: HashMap<String, Vec<Uuid>>,
    /// The sums over all institutions, this one included, by name of the check and personal code.
    pub sums: HashMap<(String, String), Decimal>,
}

/// What the checks of a type need from other institutions: whether [`Across::elsewhere`], and for [`Across::sums`] the
/// names of the checks, each with the path of the field that is summed.
#[must_use]
pub fn what_is_needed(kind: &RecordType) -> (bool, Vec<(&str, &str)>) {
    let elsewhere = kind.checks.iter().any(|check| check.kind == CheckKind::HeldElsewhere);
    let summed = kind.checks.iter().filter(|check| check.kind == CheckKind::SumPerSubject);
    let sums = summed.filter_map(|check| Some((check.name.as_str(), check.fields.first()?.as_str())));
    (elsewhere, sums.collect())
}

/// Everything that is wrong with `records`: those of the type `kind` that one institution has and that are active on
/// `day`.
///
/// First what the validator says, in the order of the records, then what the checks find, in the order of the statute.
/// `country` is that of the register; it tells how to read personal codes for fields that are derived from them.
#[must_use]
pub fn findings(
    kind: &RecordType,
    country: &str,
    records: &[Subject<'_>],
    across: &Across,
    day: NaiveDate,
) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        records.iter().flat_map(|record| record.violations.iter().map(|v| of_violation(kind, record, v))).collect();
    if kind.checks.is_empty() {
        return found;
    }
    let with_derived = kind.checks.iter().any(|check| looks_at_derived(kind, check));
    let states: Vec<Cow<'_, Value>> = records
        .iter()
        .map(|record| {
            let mut data = Cow::Borrowed(record.data);
            if with_derived {
                derive(kind, country, data.to_mut(), day);
            }
            data
        })
        .collect();
    for check in &kind.checks {
        let Some(paths) = check.fields.iter().map(|field| FieldPath::parse(field).ok()).collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let looked_at = records.iter().zip(&states).map(|(record, data)| Looked { record, data });
        let looked_at = looked_at.filter(|one| check.when.as_ref().is_none_or(|when| when.holds(one.data))).collect();
        Run { kind, check, paths, across, day, looked_at }.find(&mut found);
    }
    found
}

/// What still stands in the way of confirming: errors that are not excepted, and warnings without a reason or an
/// exception. Both are known by the findings' keys; a reason is no help against an error.
#[must_use]
pub fn blockers<'f>(
    findings: &'f [Finding],
    reasons: &HashSet<String>,
    exceptions: &HashSet<String>,
) -> Vec<&'f Finding> {
    let settled = |finding: &Finding| {
        exceptions.contains(&finding.key)
            || (finding.severity == CheckSeverity::Warning && reasons.contains(&finding.key))
    };
    findings.iter().filter(|finding| !settled(finding)).collect()
}

fn of_violation(kind: &RecordType, record: &Subject<'_>, violation: &Violation) -> Finding {
    Finding {
        check: VALIDATION.to_owned(),
        code: violation.code,
        severity: match violation.severity {
            Severity::Error => CheckSeverity::Error,
            Severity::Warning => CheckSeverity::Warning,
        },
        clause: violation.clause.clone().unwrap_or_else(|| kind.clause.clone()),
        record_id: Some(record.record_id),
        record_type: kind.name.clone(),
        pointer: Some(violation.pointer.clone()),
        detail: violation.detail.clone(),
        key: format!("{}/{VALIDATION}/{}/{}{}", kind.name, violation.code, record.record_id, violation.pointer),
        group: Vec::new(),
    }
}

/// Whether a check needs a value that follows from others and so does not stand in the data.
fn looks_at_derived(kind: &RecordType, check: &Check) -> bool {
    let paths = check.fields.iter().chain(check.when.as_ref().map(|when| &when.field));
    let paths = paths.filter_map(|path| FieldPath::parse(path).ok());
    paths.into_iter().any(|path| path.along(&kind.fields).flatten().any(|field| field.derived.is_some()))
}

/// A record with what follows from its data.
#[derive(Clone, Copy)]
struct Looked<'r> {
    record: &'r Subject<'r>,
    data: &'r Value,
}

/// One check over the records of which its condition is true.
struct Run<'r> {
    kind: &'r RecordType,
    check: &'r Check,
    paths: Vec<FieldPath>,
    across: &'r Across,
    day: NaiveDate,
    looked_at: Vec<Looked<'r>>,
}

impl<'r> Run<'r> {
    fn find(&self, found: &mut Vec<Finding>) {
        match (self.check.kind, self.paths.as_slice()) {
            (CheckKind::HeldElsewhere, _) => found.extend(self.held_elsewhere()),
            (CheckKind::GroupSize, [_, ..]) => found.extend(self.group_size()),
            (CheckKind::SumPerSubject, [summed, ..]) => found.extend(self.sum_per_subject(summed)),
            (CheckKind::Expired, [path, ..]) => found.extend(self.expired(path)),
            (CheckKind::Missing, [first, ..]) => found.extend(self.missing(first)),
            (CheckKind::Unpaired, [_, _, ..]) => found.extend(self.unpaired()),
            // Without its fields a check says nothing; the lint of definitions refuses it.
            _ => {}
        }
    }

    fn held_elsewhere(&self) -> impl Iterator<Item = Finding> {
        let elsewhere = |code: &str| self.across.elsewhere.get(code).is_some_and(|others| !others.is_empty());
        let concerned = self.per_subject().filter(move |(code, _)| elsewhere(code));
        concerned.map(|(_, record_id)| self.of_record(record_id, self.subject_pointer(), ""))
    }

    fn sum_per_subject(&self, summed: &FieldPath) -> Vec<Finding> {
        let Some(limit) = self.limit() else { return Vec::new() };
        let pointer = place_of(summed, &self.kind.fields);
        let sum = |code: &str| self.across.sums.get(&(self.check.name.clone(), code.to_owned()));
        let concerned = self.per_subject().filter(|(code, _)| sum(code).is_some_and(|sum| *sum > limit));
        concerned.map(|(_, record_id)| self.of_record(record_id, Some(pointer.clone()), "")).collect()
    }

    fn group_size(&self) -> Vec<Finding> {
        let Some(limit) = self.limit() else { return Vec::new() };
        let mut groups: BTreeMap<String, (usize, Vec<Value>)> = BTreeMap::new();
        for one in &self.looked_at {
            let values: Vec<Value> =
                self.paths.iter().map(|path| path.get(one.data).cloned().unwrap_or_default()).collect();
            if values.iter().any(|value| !value.is_null()) {
                let text = Value::from(values.as_slice()).to_string();
                groups.entry(text).or_insert((0, values)).0 += 1;
            }
        }
        let too_large = groups.into_iter().filter(|(_, (size, _))| Decimal::from(*size) > limit);
        too_large
            .map(|(text, (size, group))| {
                // The values themselves have no place in a key, which stands in notes and in the log.
                let digest = hex(&Sha256::digest(text));
                let place = digest.get(..32).unwrap_or_default();
                let more = format!(" Records: {size}; at most: {limit}.");
                Finding { group, ..self.finding(None, None, place, &more) }
            })
            .collect()
    }

    fn expired(&self, path: &FieldPath) -> impl Iterator<Item = Finding> {
        self.looked_at.iter().filter_map(move |one| {
            // Of several days the last one counts: a decision that was replaced by another is no fault.
            let days = places(path, one.data).into_iter();
            let days = days.filter_map(|(at, value)| Some((parse_day(value.as_str()?)?, at)));
            let (last, at) = days.max_by_key(|(day, _)| *day)?;
            (last < self.day).then(|| self.of_record(one.record.record_id, Some(at), ""))
        })
    }

    fn missing(&self, first: &FieldPath) -> impl Iterator<Item = Finding> {
        let without = |one: &&Looked<'r>| self.paths.iter().all(|path| path.values(one.data).is_empty());
        let pointer = place_of(first, &self.kind.fields);
        let concerned = self.looked_at.iter().filter(without);
        concerned.map(move |one| self.of_record(one.record.record_id, Some(pointer.clone()), ""))
    }

    /// Two parts of the same group belong together in each row of it, all other fields in the record.
    fn unpaired(&self) -> Vec<Finding> {
        let [one, other, ..] = self.check.fields.as_slice() else { return Vec::new() };
        let (around, one, other) = match (one.rsplit_once('/'), other.rsplit_once('/')) {
            (Some((a, one)), Some((b, other))) if a == b => (FieldPath::parse(a).ok(), one, other),
            _ => (None, one.as_str(), other.as_str()),
        };
        let Some((one, other)) = FieldPath::parse(one).ok().zip(FieldPath::parse(other).ok()) else {
            return Vec::new();
        };
        let fields = match &around {
            Some(path) => path.resolve(&self.kind.fields).map(|group| group.parts.as_slice()).unwrap_or_default(),
            None => &self.kind.fields,
        };
        let mut found = Vec::new();
        for looked in &self.looked_at {
            let rows = match &around {
                Some(path) => places(path, looked.data),
                None => vec![(String::new(), looked.data)],
            };
            for (at, row) in rows {
                let absent = match (one.values(row).is_empty(), other.values(row).is_empty()) {
                    (true, false) => &one,
                    (false, true) => &other,
                    (true, true) | (false, false) => continue,
                };
                let pointer = format!("{at}{}", place_of(absent, fields));
                // Rows of a list may each lack the same part.
                let row = format!("{}{pointer}", looked.record.record_id);
                found.push(self.finding(Some(looked.record.record_id), Some(pointer), &row, ""));
            }
        }
        found
    }

    /// The oldest record of each person. What is wrong with a person is told once, however many records of theirs the
    /// institution has.
    fn per_subject(&self) -> impl Iterator<Item = (&'r str, Uuid)> + use<'r> {
        let mut oldest: HashMap<&'r str, Uuid> = HashMap::new();
        for one in &self.looked_at {
            if let Some(code) = one.record.code {
                let id = oldest.entry(code).or_insert(one.record.record_id);
                *id = one.record.record_id.min(*id);
            }
        }
        let mut list: Vec<(&'r str, Uuid)> = oldest.into_iter().collect();
        list.sort_by_key(|(_, id)| *id);
        list.into_iter()
    }

    fn limit(&self) -> Option<Decimal> {
        self.check.limit.as_deref()?.parse().ok()
    }

    fn subject_pointer(&self) -> Option<String> {
        self.kind.subject.as_ref().map(|subject| format!("/{}", subject.field()))
    }

    fn of_record(&self, record_id: Uuid, pointer: Option<String>, more: &str) -> Finding {
        self.finding(Some(record_id), pointer, &record_id.to_string(), more)
    }

    fn finding(&self, record_id: Option<Uuid>, pointer: Option<String>, place: &str, more: &str) -> Finding {
        let Check { name, label, clause, kind, severity, .. } = self.check;
        Finding {
            check: name.clone(),
            code: code(*kind),
            severity: *severity,
            clause: clause.clone(),
            record_id,
            record_type: self.kind.name.clone(),
            pointer,
            detail: format!("{}{more}", label.in_language("en")),
            key: format!("{}/{name}/{place}", self.kind.name),
            group: Vec::new(),
        }
    }
}

/// The name of a kind of check.
const fn code(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::HeldElsewhere => "held_elsewhere",
        CheckKind::GroupSize => "group_size",
        CheckKind::SumPerSubject => "sum_per_subject",
        CheckKind::Expired => "expired",
        CheckKind::Missing => "missing",
        CheckKind::Unpaired => "unpaired",
    }
}

/// Every value at `path`, with its place (RFC 6901); `null` is none.
fn places<'v>(path: &FieldPath, data: &'v Value) -> Vec<(String, &'v Value)> {
    let mut here = vec![(String::new(), data)];
    for step in path.steps() {
        let mut next = Vec::new();
        for (at, value) in here {
            let Some(value) = value.get(&step.name) else { continue };
            let at = format!("{at}/{}", step.name);
            match (value, &step.chosen) {
                (Value::Array(items), Some(choice)) => {
                    let chosen = items.iter().enumerate().find(|(_, item)| choice.is_met_by(item));
                    next.extend(chosen.map(|(n, item)| (format!("{at}/{n}"), item)));
                }
                (Value::Array(items), None) => {
                    next.extend(items.iter().enumerate().map(|(n, item)| (format!("{at}/{n}"), item)));
                }
                (_, Some(_)) => {}
                (_, None) => next.push((at, value)),
            }
        }
        here = next;
    }
    here.retain(|(_, value)| !value.is_null());
    here
}

/// Where the value of a path among `fields` would stand in data that have none: at its first list, or at its end.
fn place_of(path: &FieldPath, fields: &[Field]) -> String {
    let mut place = String::new();
    for (step, field) in path.steps().iter().zip(path.along(fields)) {
        place.push('/');
        place.push_str(&step.name);
        if field.is_some_and(|field| field.repeats) {
            break;
        }
    }
    place
}

#[cfg(test)]
mod tests;
