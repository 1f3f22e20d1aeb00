//! What the entries of a record tell of each field: from when, from what to what, by which entry.
//!
//! The order is that of the fold: what is corrected stands in the place of what it corrects, and what was replaced is
//! kept apart.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::record::fold::standing_in_order;
use crate::domain::record::merge::merge;
use crate::domain::record::{Entry, EntryKind};
use crate::store::read::records::EntryView;

/// A value that holds from a day on.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// First day.
    pub from: NaiveDate,
    /// Last day; open where nothing follows.
    pub until: Option<NaiveDate>,
    /// What held before.
    pub old: Option<Value>,
    /// What holds; nothing where it was taken away.
    pub new: Option<Value>,
    /// The entry that says so.
    pub entry: Uuid,
}

/// The entries of a record, read.
#[derive(Debug, Default)]
pub struct Story {
    /// Entries by id.
    pub entries: BTreeMap<Uuid, EntryView>,
    /// For each field what held from when on, by day.
    pub steps: BTreeMap<String, Vec<Step>>,
    /// For each field the entries that speak of it and were replaced, by number.
    pub replaced: BTreeMap<String, Vec<Uuid>>,
    /// Days on which something begins to hold, each with the fields that change then.
    pub days: BTreeMap<NaiveDate, Vec<String>>,
}

impl Story {
    /// Reads entries as known at `known_at` (nothing: now).
    pub fn read(entries: Vec<EntryView>, known_at: Option<DateTime<Utc>>) -> Self {
        let plain: Vec<Entry> = entries.iter().filter_map(entry).collect();
        let mut story = Self::default();
        let mut data = Value::Object(Map::new());
        let standing = standing_in_order(&plain, known_at);
        for entry in &standing {
            let Value::Object(said) = &entry.data else { continue };
            for (field, patch) in said {
                let old = data.get(field).cloned();
                let mut one = Value::Object(Map::from_iter([(field.clone(), patch.clone())]));
                if let (Some(old), Value::Object(map)) = (&old, &mut one)
                    && let Some(new) = map.get_mut(field)
                {
                    let mut merged = old.clone();
                    merge(&mut merged, patch);
                    *new = merged;
                }
                let new = one.get(field).filter(|v| !v.is_null()).map(without_nulls);
                if old != new {
                    story.step(field, entry, old, new.clone());
                }
                if let Value::Object(map) = &mut data {
                    match new {
                        Some(new) => map.insert(field.clone(), new),
                        None => map.remove(field),
                    };
                }
            }
        }
        for steps in story.steps.values_mut() {
            let next: Vec<Option<NaiveDate>> = steps.iter().skip(1).map(|s| s.from.pred_opt()).collect();
            for (step, until) in steps.iter_mut().zip(next) {
                step.until = until;
            }
        }
        for (field, steps) in &story.steps {
            for step in steps {
                story.days.entry(step.from).or_default().push(field.clone());
            }
        }
        let mut over: Vec<&EntryView> = entries.iter().filter(|e| e.superseded_by.is_some()).collect();
        over.sort_by_key(|e| e.number);
        for entry in over {
            for field in entry.data.as_object().into_iter().flat_map(Map::keys) {
                story.replaced.entry(field.clone()).or_default().push(entry.id);
            }
        }
        story.entries = entries.into_iter().map(|e| (e.id, e)).collect();
        story
    }

    fn step(&mut self, field: &str, entry: &Entry, old: Option<Value>, new: Option<Value>) {
        let steps = self.steps.entry(field.to_owned()).or_default();
        match steps.last_mut() {
            Some(last) if last.from == entry.effective_on => {
                last.new = new;
                last.entry = entry.id;
            }
            _ => steps.push(Step { from: entry.effective_on, until: None, old, new, entry: entry.id }),
        }
    }

    /// The step of `field` that holds on `day`.
    pub fn on(&self, field: &str, day: NaiveDate) -> Option<&Step> {
        self.steps.get(field)?.iter().rev().find(|s| s.from <= day)
    }

    /// Entries, the newest first.
    pub fn newest(&self) -> Vec<&EntryView> {
        let mut all: Vec<&EntryView> = self.entries.values().collect();
        all.sort_by_key(|e| std::cmp::Reverse(e.number));
        all
    }
}

/// An entry as the fold reads it; nothing where it cannot be read.
fn entry(view: &EntryView) -> Option<Entry> {
    Some(Entry {
        id: view.id,
        number: view.number,
        kind: view.kind,
        effective_on: view.effective_on.parse().ok()?,
        recorded_at: DateTime::parse_from_rfc3339(&view.recorded_at).ok()?.to_utc(),
        data: view.data.clone(),
        supersedes: view.supersedes.filter(|_| view.kind == EntryKind::Correction),
        source: view.source.clone(),
    })
}

/// A value of a first entry may hold nothing where a later patch would take away: that is no value.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v)));
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

/// What of two lists is new, and what is gone.
pub fn differences<'v>(old: &'v [Value], new: &'v [Value]) -> (Vec<&'v Value>, Vec<&'v Value>) {
    let missing = |from: &'v [Value], other: &[Value]| from.iter().filter(|v| !other.contains(v)).collect();
    (missing(new, old), missing(old, new))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(number: i64, on: &str, kind: EntryKind, data: Value) -> EntryView {
        EntryView {
            id: Uuid::from_u128(u128::try_from(number).unwrap()),
            number,
            kind,
            effective_on: on.into(),
            data,
            redacted: Vec::new(),
            recorded_at: format!("2026-01-{number:02}T08:00:00Z"),
            made_by: "K".into(),
            base_document_ids: Vec::new(),
            source: None,
            reason: None,
            supersedes: None,
            superseded_by: None,
            audit_id: Uuid::nil(),
            definition: String::new(),
        }
    }

    /// From when, until when, the value before, the value.
    type Told = (String, Option<String>, Option<Value>, Option<Value>);

    fn told(story: &Story, field: &str) -> Vec<Told> {
        let day = |d: NaiveDate| d.to_string();
        story.steps[field].iter().map(|s| (day(s.from), s.until.map(day), s.old.clone(), s.new.clone())).collect()
    }

    #[test]
    fn each_change_says_what_held_before_and_until_when() {
        let story = Story::read(
            vec![
                entry(1, "2025-01-01", EntryKind::Create, json!({ "load": "0.80", "name": "M" })),
                entry(2, "2027-01-01", EntryKind::Change, json!({ "load": null })),
                entry(3, "2026-01-01", EntryKind::Change, json!({ "load": "1.00", "name": "M" })),
            ],
            None,
        );
        assert_eq!(
            told(&story, "load"),
            [
                ("2025-01-01".into(), Some("2025-12-31".into()), None, Some(json!("0.80"))),
                ("2026-01-01".into(), Some("2026-12-31".into()), Some(json!("0.80")), Some(json!("1.00"))),
                ("2027-01-01".into(), None, Some(json!("1.00")), None),
            ]
        );
        assert_eq!(story.steps["name"].len(), 1, "saying the same again is no change");
        let at = |day: &str| story.on("load", day.parse().unwrap()).and_then(|s| s.new.clone());
        assert_eq!((at("2024-12-31"), at("2026-06-01"), at("2028-01-01")), (None, Some(json!("1.00")), None));
    }

    #[test]
    fn a_part_that_changes_leaves_the_other_parts_as_they_were() {
        let story = Story::read(
            vec![
                entry(1, "2025-01-01", EntryKind::Create, json!({ "term": { "fixed": true, "until": "2026-01-01" } })),
                entry(2, "2026-01-01", EntryKind::Change, json!({ "term": { "fixed": false, "until": null } })),
            ],
            None,
        );
        assert_eq!(story.steps["term"][1].old, Some(json!({ "fixed": true, "until": "2026-01-01" })));
        assert_eq!(story.steps["term"][1].new, Some(json!({ "fixed": false })));
    }

    #[test]
    fn what_was_corrected_is_not_told_as_a_change_but_kept_apart() {
        let mut wrong = entry(1, "2025-01-01", EntryKind::Create, json!({ "name": "Mest" }));
        let mut right = entry(2, "2025-01-01", EntryKind::Correction, json!({ "name": "Mets" }));
        wrong.superseded_by = Some(right.id);
        right.supersedes = Some(wrong.id);
        let story = Story::read(vec![wrong.clone(), right], None);
        assert_eq!(told(&story, "name"), [("2025-01-01".into(), None, None, Some(json!("Mets")))]);
        assert_eq!(story.replaced["name"], [wrong.id]);
    }

    #[test]
    fn lists_are_compared_row_by_row() {
        let (old, new) = ([json!({ "a": 1 }), json!({ "a": 2 })], [json!({ "a": 2 }), json!({ "a": 3 })]);
        assert_eq!(differences(&old, &new), (vec![&json!({ "a": 3 })], vec![&json!({ "a": 1 })]));
    }
}
