//! Merge patches (RFC 7396): how an entry changes what was known, and how a correction mends an entry.
//!
//! *Not here*: whether a patch may be made and whether its outcome is right; that is
//! [`validate`](super::validate).

use serde_json::{Map, Value};

/// Merges `patch` into `target` as RFC 7396 says: a member replaces its namesake, an object is merged
/// into it, `null` removes it; a list is replaced as a whole.
///
/// A patch that is no object replaces the target.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        target.clone_from(patch);
        return;
    };
    let mut members = take_members(target);
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
    *target = Value::Object(members);
}

/// Lays a correction over what one entry stated.
///
/// `entry_data` is itself a merge patch: it says what became true on the entry's day and is silent on
/// the rest. `null` in the correction takes the member out of the statement, so that the entry is
/// silent on it, as if it had never been mentioned. (In contrast to [`merge`], where `null` says that
/// the value ended.)
///
/// It differs from RFC 7396 in that it leaves no empty object behind: `{}` in a patch would still say
/// that the group exists. A group from which a correction takes the last member is taken out, and a
/// group on which the entry is silent stays so when the correction only takes members out of it.
pub fn overlay(entry_data: &mut Value, correction: &Value) {
    let Value::Object(changes) = correction else {
        entry_data.clone_from(correction);
        return;
    };
    let mut stated = take_members(entry_data);
    for (name, change) in changes {
        if change.is_null() {
            stated.remove(name);
            continue;
        }
        let group = is_group(change);
        let before = stated.get(name).filter(|value| !group || value.is_object());
        let mut value = before.cloned().unwrap_or(Value::Null);
        overlay(&mut value, change);
        if group && !is_group(&value) {
            if before.is_some() {
                stated.remove(name);
            }
        } else {
            stated.insert(name.clone(), value);
        }
    }
    *entry_data = Value::Object(stated);
}

/// Whether `value` is an object with members.
fn is_group(value: &Value) -> bool {
    value.as_object().is_some_and(|members| !members.is_empty())
}

/// The members of an object, taken out of it; none of any other value.
fn take_members(value: &mut Value) -> Map<String, Value> {
    if let Value::Object(members) = value.take() { members } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn merged(mut target: Value, patch: &Value) -> Value {
        merge(&mut target, patch);
        target
    }

    fn overlaid(mut entry: Value, correction: &Value) -> Value {
        overlay(&mut entry, correction);
        entry
    }

    #[test]
    fn the_examples_of_rfc_7396_come_out_as_printed_there() {
        let examples = json!([
            [{"a": "b"}, {"a": "c"}, {"a": "c"}],
            [{"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}],
            [{"a": "b"}, {"a": null}, {}],
            [{"a": "b", "b": "c"}, {"a": null}, {"b": "c"}],
            [{"a": ["b"]}, {"a": "c"}, {"a": "c"}],
            [{"a": "c"}, {"a": ["b"]}, {"a": ["b"]}],
            [{"a": {"b": "c"}}, {"a": {"b": "d", "c": null}}, {"a": {"b": "d"}}],
            [{"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}],
            [["a", "b"], ["c", "d"], ["c", "d"]],
            [{"a": "b"}, ["c"], ["c"]],
            [{"a": "foo"}, null, null],
            [{"a": "foo"}, "bar", "bar"],
            [{"e": null}, {"a": 1}, {"e": null, "a": 1}],
            [[1, 2], {"a": "b", "c": null}, {"a": "b"}],
            [{}, {"a": {"bb": {"ccc": null}}}, {"a": {"bb": {}}}],
        ]);
        for example in examples.as_array().unwrap() {
            let outcome = merged(example[0].clone(), &example[1]);
            assert_eq!(outcome, example[2], "{example}");
        }
    }

    #[test]
    fn a_correction_replaces_what_the_entry_stated() {
        let entry = json!({"name": "Mari", "fixed_term": {"is_fixed": true, "until": "2024-05-01"}});
        let correction = json!({"name": "Mary", "fixed_term": {"until": "2024-06-01"}});
        assert_eq!(
            overlaid(entry, &correction),
            json!({"name": "Mary", "fixed_term": {"is_fixed": true, "until": "2024-06-01"}})
        );
    }

    #[test]
    fn null_in_a_correction_makes_the_entry_silent() {
        let entry = json!({"name": "Mari", "phone": null, "leaves": [{"kind": "annual"}]});
        let correction = json!({"phone": null, "leaves": null, "email": null});
        assert_eq!(overlaid(entry, &correction), json!({"name": "Mari"}));
    }

    #[test]
    fn a_group_that_a_correction_empties_is_not_mentioned_any_more() {
        let entry = json!({"fixed_term": {"until": "2024-05-01"}, "name": "Mari"});
        let correction = json!({"fixed_term": {"until": null}});
        assert_eq!(overlaid(entry, &correction), json!({"name": "Mari"}));
        let entry = json!({"name": "Mari"});
        assert_eq!(overlaid(entry.clone(), &correction), entry);
        let removal = json!({"fixed_term": null});
        assert_eq!(overlaid(removal.clone(), &correction), removal);
    }

    #[test]
    fn a_group_stated_as_empty_stays_empty() {
        let entry = json!({"fixed_term": {}});
        assert_eq!(overlaid(json!({}), &entry), entry);
        assert_eq!(overlaid(entry.clone(), &json!({})), entry);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3_i64).prop_map(Value::from),
            "[ab]".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[abc]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn objects() -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[abc]", values(), 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    /// Whether a null or an empty object stands anywhere outside a list.
    fn removes(value: &Value) -> bool {
        value.is_null() || value.as_object().is_some_and(|map| map.is_empty() || map.values().any(removes))
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(target in values(), patch in values()) {
            let once = merged(target, &patch);
            prop_assert_eq!(&merged(once.clone(), &patch), &once);
        }

        #[test]
        fn correcting_twice_is_correcting_once(entry in objects(), correction in objects()) {
            let once = overlaid(entry, &correction);
            prop_assert_eq!(&overlaid(once.clone(), &correction), &once);
        }

        #[test]
        fn a_correction_that_removes_nothing_is_a_merge(
            entry in objects(), correction in objects(),
        ) {
            prop_assume!(correction.as_object().is_some_and(|map| !map.values().any(removes)));
            prop_assert_eq!(overlaid(entry.clone(), &correction), merged(entry, &correction));
        }

        #[test]
        fn an_empty_correction_changes_nothing(entry in objects()) {
            prop_assert_eq!(overlaid(entry.clone(), &json!({})), entry);
        }
    }
}
