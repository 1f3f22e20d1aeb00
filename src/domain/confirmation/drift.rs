//! What has changed since: between the records of two snapshots, and between two states of one record.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::snapshot::Leaf;
use crate::domain::statute::definition::Field;
use crate::domain::statute::{Clause, Label, RecordType};

/// A record in a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafKey {
    /// The record.
    pub record_id: Uuid,
    /// Its type.
    pub record_type: String,
    /// Its version.
    pub version: i64,
}

impl From<&Leaf> for LeafKey {
    fn from(leaf: &Leaf) -> Self {
        Self { record_id: leaf.record_id, record_type: leaf.record_type.clone(), version: leaf.version }
    }
}

/// How the records of an institution differ from those of another day, each list by record type and id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Drift {
    /// There both times, in different versions.
    pub changed: Vec<Uuid>,
    /// There now and not then.
    pub added: Vec<Uuid>,
    /// There then and not now.
    pub gone: Vec<Uuid>,
}

impl Drift {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many records differ.
    #[must_use]
    pub fn count(&self) -> usize {
        self.changed.len() + self.added.len() + self.gone.len()
    }
}

/// How `now` differs from `then`, whatever the order of each.
#[must_use]
pub fn drift(then: &[LeafKey], now: &[LeafKey]) -> Drift {
    let (then, now) = (versions(then), versions(now));
    let mut drift = Drift::default();
    for (record, version) in &then {
        match now.get(record) {
            Some(other) if other == version => {}
            Some(_) => drift.changed.push(record.1),
            None => drift.gone.push(record.1),
        }
    }
    drift.added.extend(now.keys().filter(|record| !then.contains_key(*record)).map(|record| record.1));
    drift
}

fn versions(leaves: &[LeafKey]) -> BTreeMap<(&str, Uuid), i64> {
    leaves.iter().map(|leaf| ((leaf.record_type.as_str(), leaf.record_id), leaf.version)).collect()
}

/// One value in which two states of a record differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Where it stands (RFC 6901).
    pub pointer: String,
    /// Machine name of the field, or of the part of a group.
    pub field: String,
    /// Its label; nothing where the statute does not know it (any more).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// Its clause; a part of a group has the group's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<Clause>,
    /// The value before; nothing where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value after; nothing where there is none any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// In what two states of one record differ, in the order of the statute; `None` is no record yet, or no more.
///
/// Groups are compared part by part, lists as wholes, as entries replace them. `null` and an empty list are no value,
/// nor is a group of which no part has one. What is derived is left out, since it follows from the rest. Whoever may not
/// see a field is given the states without it.
#[must_use]
pub fn differences(kind: &RecordType, before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&kind.fields, None, "", before, after, &mut changes);
    changes
}

fn compare(
    fields: &[Field],
    clause: Option<&Clause>,
    at: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<Change>,
) {
    let member = |state: Option<&'_ Value>, name: &str| state.and_then(|state| state.get(name)).cloned();
    for field in fields.iter().filter(|field| field.derived.is_none()) {
        let (before, after) = (member(before, &field.name), member(after, &field.name));
        let pointer = format!("{at}/{}", field.name);
        let clause = field.clause.as_ref().or(clause);
        let is_group = |value: &Option<Value>| value.as_ref().is_none_or(|value| value.is_object() || value.is_null());
        if !field.parts.is_empty() && !field.repeats && is_group(&before) && is_group(&after) {
            compare(&field.parts, clause, &pointer, before.as_ref(), after.as_ref(), changes);
        } else {
            let (field, label) = (field.name.clone(), Some(field.label.clone()));
            note(Change { pointer, field, label, clause: clause.cloned(), before, after }, changes);
        }
    }
    let known: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let members = [before, after].into_iter().flatten().filter_map(Value::as_object).flat_map(|state| state.keys());
    let unknown: BTreeSet<&String> = members.filter(|name| !known.contains(name.as_str())).collect();
    for name in unknown {
        let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        let (before, after) = (member(before, name), member(after, name));
        note(Change { pointer, field: name.clone(), label: None, clause: None, before, after }, changes);
    }
}

/// Takes the change, if it is one.
fn note(mut change: Change, changes: &mut Vec<Change>) {
    let is_there = |value: &Value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
    change.before = change.before.filter(is_there);
    change.after = change.after.filter(is_there);
    if change.before != change.after {
        changes.push(change);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::record::merge::merge;

    fn key(record_id: u128, version: i64) -> LeafKey {
        LeafKey { record_id: Uuid::from_u128(record_id), record_type: "pupil".to_owned(), version }
    }

    fn keys() -> impl Strategy<Value = Vec<LeafKey>> {
        btree_map(0_u128..12, 1_i64..4, 0..12).prop_map(|all| all.into_iter().map(|(id, v)| key(id, v)).collect())
    }

    fn pupil() -> RecordType {
        toml::from_str(
            r#"
            name = "pupil"
            label.et = "õpilane"
            clause = "§ 9 lg 6"
            title = []
            base_documents = []
            section = []
            field = [
              { name = "name", type = "text", label.et = "nimi", clause = "§ 9 lg 6 p 1" },
              { name = "born", type = "integer", label.et = "sünniaasta", derived = { take = "birth_year", from = "name" } },
              { name = "school", type = "group", label.et = "kool", clause = "§ 9 lg 6 p 2", part = [
                { name = "grade", type = "text", label.et = "klass" },
                { name = "from", type = "date", label.et = "algus", clause = "§ 9 lg 6 p 3" } ] },
              { name = "guardians", type = "group", repeats = true, label.et = "vanemad", part = [
                { name = "name", type = "text", label.et = "nimi" } ] },
              { name = "languages", type = "language", repeats = true, label.et = "keeled" },
            ]"#,
        )
        .unwrap()
    }

    fn differing(before: &Value, after: &Value) -> Vec<(String, Value, Value)> {
        let found = differences(&pupil(), Some(before), Some(after));
        found.into_iter().map(|c| (c.pointer, c.before.unwrap_or_default(), c.after.unwrap_or_default())).collect()
    }

    #[test]
    fn later_changes_are_told_apart_from_what_came_and_went() {
        let then = [key(1, 1), key(2, 1), key(3, 1)];
        let now = [key(4, 1), key(3, 1), key(2, 2)];
        let found = drift(&then, &now);
        let ids = |ids: &[u128]| ids.iter().copied().map(Uuid::from_u128).collect::<Vec<_>>();
        assert_eq!(found, Drift { changed: ids(&[2]), added: ids(&[4]), gone: ids(&[1]) });
        assert_eq!((found.count(), found.is_empty()), (3, false));
    }

    #[test]
    fn a_group_is_compared_part_by_part_and_a_list_as_a_whole() {
        let before = json!({
            "name": "Mari", "school": { "grade": "1", "from": "2025-09-01" }, "guardians": [{ "name": "Jaan" }],
        });
        let after = json!({
            "name": "Mari", "school": { "grade": "2", "from": "2025-09-01" },
            "guardians": [{ "name": "Jaan" }, { "name": "Anu" }], "languages": ["et"],
        });
        let expected = [
            ("/school/grade".to_owned(), json!("1"), json!("2")),
            ("/guardians".to_owned(), json!([{ "name": "Jaan" }]), json!([{ "name": "Jaan" }, { "name": "Anu" }])),
            ("/languages".to_owned(), Value::Null, json!(["et"])),
        ];
        assert_eq!(differing(&before, &after), expected);
    }

    #[test]
    fn a_change_has_the_label_and_the_clause_of_its_field() {
        let found = differences(&pupil(), None, Some(&json!({ "school": { "grade": "1", "from": "2025-09-01" } })));
        let told: Vec<_> = found
            .iter()
            .map(|c| (c.field.as_str(), c.label.as_ref().unwrap().official(), c.clause.as_ref().unwrap().0.as_str()))
            .collect();
        assert_eq!(told, [("grade", "klass", "§ 9 lg 6 p 2"), ("from", "algus", "§ 9 lg 6 p 3")]);
    }

    #[test]
    fn a_record_that_came_or_went_differs_in_all_it_has() {
        let data = json!({ "name": "Mari", "languages": ["et"] });
        let came = differences(&pupil(), None, Some(&data));
        assert!(came.iter().all(|c| c.before.is_none()) && came.len() == 2);
        let went = differences(&pupil(), Some(&data), None);
        assert!(went.iter().all(|c| c.after.is_none()) && went.len() == 2);
        assert_eq!(differences(&pupil(), None, None), []);
    }

    #[test]
    fn what_says_nothing_and_what_follows_from_the_rest_is_no_difference() {
        let before = json!({ "name": "Mari", "born": 2015 });
        let after = json!({ "name": "Mari", "born": 2016, "school": {}, "languages": [], "guardians": null });
        assert_eq!(differing(&before, &after), []);
    }

    #[test]
    fn what_the_statute_does_not_know_any_more_is_still_told() {
        let found = differences(&pupil(), Some(&json!({ "a/b": 1 })), Some(&json!({ "school": { "old": 2 } })));
        let told: Vec<_> = found.iter().map(|c| (c.pointer.as_str(), c.label.is_some())).collect();
        assert_eq!(told, [("/school/old", false), ("/a~1b", false)]);
    }

    #[test]
    fn a_group_that_is_no_group_is_compared_as_it_stands() {
        let found = differing(&json!({ "school": "7" }), &json!({ "school": { "grade": "1" } }));
        assert_eq!(found, [("/school".to_owned(), json!("7"), json!({ "grade": "1" }))]);
        assert_eq!(differing(&json!("x"), &json!([1])), []);
    }

    /// A pupil with any of the entered fields, none of them empty.
    fn state() -> impl Strategy<Value = Value> {
        let text = || proptest::option::of("[a-c]{1,2}");
        (text(), text(), text(), vec("[a-c]", 0..3), vec("[a-b]{2}", 0..3)).prop_map(
            |(name, grade, from, guardians, languages)| {
                let mut data = json!({});
                let guardians: Vec<Value> = guardians.iter().map(|name| json!({ "name": name })).collect();
                let school = json!({ "grade": grade, "from": from });
                let full = json!({ "name": name, "school": school, "guardians": guardians, "languages": languages });
                merge(&mut data, &full);
                let empty = |value: &Value| *value == json!({}) || *value == json!([]);
                data.as_object_mut().unwrap().retain(|_, value| !empty(value));
                data
            },
        )
    }

    proptest! {
        #[test]
        fn drift_accounts_for_every_record_and_is_the_same_seen_from_either_side(then in keys(), now in keys()) {
            let forth = drift(&then, &now);
            prop_assert_eq!(then.len() + forth.added.len(), now.len() + forth.gone.len());
            let back = drift(&now, &then);
            prop_assert_eq!((&back.changed, &back.added, &back.gone), (&forth.changed, &forth.gone, &forth.added));
            prop_assert_eq!(forth.is_empty(), then == now);
            let mut shuffled = now.clone();
            shuffled.reverse();
            prop_assert_eq!(drift(&then, &shuffled), forth);
        }

        #[test]
        fn making_the_changes_makes_the_other_state(before in state(), after in state()) {
            let changes = differences(&pupil(), Some(&before), Some(&after));
            prop_assert_eq!(changes.is_empty(), before == after);
            let mut made = before;
            for change in changes {
                let patch = change.pointer.rsplit('/').filter(|name| !name.is_empty());
                let patch = patch.fold(change.after.unwrap_or_default(), |value, name| json!({ name: value }));
                merge(&mut made, &patch);
            }
            made.as_object_mut().unwrap().retain(|_, value| *value != json!({}));
            prop_assert_eq!(made, after);
        }
    }
}
