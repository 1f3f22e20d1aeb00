//! What of a record leaves: the granted paths and nothing beside them.

use serde_json::{Map, Value};

use crate::domain::statute::path::{FieldPath, PathStep};

/// What of `data` the paths name, in the shape of the record: a path into a group keeps only that part, a path
/// through a list keeps it of every item, a path that chooses an item keeps that item only. Items and groups of
/// which nothing is kept are left out.
pub fn project(data: &Value, paths: &[FieldPath]) -> Map<String, Value> {
    let steps: Vec<&[PathStep]> = paths.iter().map(FieldPath::steps).collect();
    match data {
        Value::Object(members) => kept(members, &steps),
        _ => Map::new(),
    }
}

fn kept(members: &Map<String, Value>, paths: &[&[PathStep]]) -> Map<String, Value> {
    members
        .iter()
        .filter_map(|(name, value)| {
            let here: Vec<(&PathStep, &[PathStep])> =
                paths.iter().filter_map(|p| p.split_first()).filter(|(step, _)| step.name == *name).collect();
            Some((name.clone(), of_field(value, &here)?))
        })
        .collect()
}

/// What of a field's value the paths keep whose first step names it.
fn of_field(value: &Value, here: &[(&PathStep, &[PathStep])]) -> Option<Value> {
    if here.is_empty() || value.is_null() {
        return None;
    }
    if here.iter().any(|(step, rest)| step.chosen.is_none() && rest.is_empty()) {
        return Some(value.clone());
    }
    match value {
        Value::Object(members) => {
            let rest: Vec<&[PathStep]> = here.iter().filter(|(s, _)| s.chosen.is_none()).map(|(_, r)| *r).collect();
            Some(kept(members, &rest)).filter(|m| !m.is_empty()).map(Value::Object)
        }
        Value::Array(items) => {
            let items: Vec<Value> = items
                .iter()
                .enumerate()
                .filter_map(|(n, item)| {
                    let rest: Vec<&[PathStep]> =
                        here.iter().filter(|(step, _)| reaches(step, items, n)).map(|(_, rest)| *rest).collect();
                    of_item(item, &rest)
                })
                .collect();
            Some(items).filter(|i| !i.is_empty()).map(Value::Array)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn of_item(item: &Value, rest: &[&[PathStep]]) -> Option<Value> {
    if rest.iter().any(|r| r.is_empty()) {
        return Some(item.clone()).filter(|i| !i.is_null());
    }
    match item {
        Value::Object(members) => Some(kept(members, rest)).filter(|m| !m.is_empty()).map(Value::Object),
        _ => None,
    }
}

/// Whether a step leads to item `n` of a list: to every one, or to the first that it chooses.
fn reaches(step: &PathStep, items: &[Value], n: usize) -> bool {
    match &step.chosen {
        None => true,
        Some(choice) => items.iter().position(|i| choice.is_met_by(i)) == Some(n),
    }
}

/// The value of one path, for a cell of a table: a list where the path goes through one, `null` where there is none.
pub fn value_at(data: &Value, path: &FieldPath) -> Value {
    let mut found = Vec::new();
    let many = gather(data, path.steps(), &mut found);
    match (many, found.len()) {
        (false, 0) => Value::Null,
        (false, _) => found.swap_remove(0),
        (true, _) => Value::Array(found),
    }
}

/// Collects the values along `steps`; whether there may be several.
fn gather(here: &Value, steps: &[PathStep], found: &mut Vec<Value>) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        if !here.is_null() {
            found.push(here.clone());
        }
        return false;
    };
    match (here.get(&step.name), &step.chosen) {
        (None, _) => false,
        (Some(Value::Array(items)), Some(choice)) => {
            items.iter().find(|i| choice.is_met_by(i)).is_some_and(|item| gather(item, rest, found))
        }
        (Some(Value::Array(items)), None) if !rest.is_empty() => {
            for item in items {
                gather(item, rest, found);
            }
            true
        }
        (Some(_), Some(_)) => false,
        (Some(value), None) => gather(value, rest, found),
    }
}

/// Whether whatever `narrow` names is part of what `wide` names.
pub fn covers(wide: &FieldPath, narrow: &FieldPath) -> bool {
    let (wide, narrow) = (wide.steps(), narrow.steps());
    wide.len() <= narrow.len()
        && wide.iter().zip(narrow).all(|(w, n)| w.name == n.name && (w.chosen.is_none() || w.chosen == n.chosen))
}

/// Whether the two paths may name a value in common.
pub fn overlap(one: &FieldPath, other: &FieldPath) -> bool {
    one.steps().iter().zip(other.steps()).all(|(a, b)| a.name == b.name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> FieldPath {
        FieldPath::parse(text).unwrap()
    }

    fn of(data: &Value, paths: &[&str]) -> Value {
        Value::Object(project(data, &paths.iter().map(|p| path(p)).collect::<Vec<_>>()))
    }

    fn boat() -> Value {
        json!({
            "name": "Kajakas", "owner": "Mari Mets", "mast": { "height": "9.50", "maker": "Puu" },
            "sails": [{ "kind": "main", "area": "20", "made": 2001 }, { "kind": "jib", "area": "12" },
                      { "kind": "jib", "area": "11" }],
            "marks": ["a", "b"], "paint": null,
        })
    }

    #[test]
    fn a_path_into_a_group_keeps_only_that_part() {
        assert_eq!(of(&boat(), &["name"]), json!({ "name": "Kajakas" }));
        assert_eq!(of(&boat(), &["mast/height"]), json!({ "mast": { "height": "9.50" } }));
        let areas = json!({ "sails": [{ "area": "20" }, { "area": "12" }, { "area": "11" }] });
        assert_eq!(of(&boat(), &["sails/area"]), areas);
        assert_eq!(of(&boat(), &["sails[kind=jib]/area"]), json!({ "sails": [{ "area": "12" }] }));
        assert_eq!(of(&boat(), &["sails[kind=jib]"]), json!({ "sails": [{ "kind": "jib", "area": "12" }] }));
        assert_eq!(of(&boat(), &["sails/made"]), json!({ "sails": [{ "made": 2001 }] }), "no trace of the other sails");
        let both = json!({ "sails": [{ "kind": "main" }, { "kind": "jib", "area": "12" }, { "kind": "jib" }] });
        assert_eq!(of(&boat(), &["sails/kind", "sails[kind=jib]/area"]), both);
        assert_eq!(of(&boat(), &["mast", "mast/height"]), json!({ "mast": { "height": "9.50", "maker": "Puu" } }));
    }

    #[test]
    fn what_is_not_there_does_not_leave() {
        for absent in ["keel", "paint", "name/first", "marks/x", "mast/colour", "sails[kind=genoa]/area", "mast[a=b]"] {
            assert_eq!(of(&boat(), &[absent]), json!({}), "{absent}");
        }
        assert_eq!(of(&boat(), &[]), json!({}));
        assert_eq!(of(&boat(), &["marks"]), json!({ "marks": ["a", "b"] }));
        assert!(project(&json!(["a"]), &[path("a")]).is_empty());
    }

    #[test]
    fn a_cell_holds_the_value_or_the_list_of_values() {
        let at = |p: &str| value_at(&boat(), &path(p));
        assert_eq!(at("name"), json!("Kajakas"));
        assert_eq!(at("mast/height"), json!("9.50"));
        assert_eq!(at("sails/area"), json!(["20", "12", "11"]));
        assert_eq!(at("sails[kind=jib]/area"), json!("12"));
        assert_eq!(at("sails[kind=genoa]/area"), json!(null));
        assert_eq!(at("marks"), json!(["a", "b"]));
        assert_eq!(at("paint"), json!(null));
        assert_eq!(at("name/x"), json!(null));
    }

    #[test]
    fn a_group_covers_its_parts_and_a_list_its_items() {
        let covered = |w: &str, n: &str| covers(&path(w), &path(n));
        assert!(covered("mast", "mast") && covered("mast", "mast/height"));
        assert!(covered("sails", "sails[kind=jib]/area") && covered("sails/area", "sails[kind=jib]/area"));
        assert!(!covered("mast/height", "mast") && !covered("sails[kind=jib]", "sails"));
        assert!(!covered("sails[kind=jib]/area", "sails[kind=main]/area") && !covered("mast", "sails"));
        assert!(overlap(&path("mast"), &path("mast/height")) && overlap(&path("mast/height"), &path("mast")));
        assert!(!overlap(&path("mast/height"), &path("mast/maker")));
    }

    /// Every leaf with the names that lead to it, list places left out.
    fn leaves(value: &Value, at: &mut Vec<String>, out: &mut Vec<(Vec<String>, Value)>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    at.push(name.clone());
                    leaves(member, at, out);
                    at.pop();
                }
            }
            Value::Array(items) => items.iter().for_each(|item| leaves(item, at, out)),
            leaf => out.push((at.clone(), leaf.clone())),
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), "[a-d]{0,2}".prop_map(Value::from)];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    fn a_path() -> impl Strategy<Value = FieldPath> {
        let step = ("[a-d]", prop::option::of(("[a-d]", "[a-d]{1,2}")));
        prop::collection::vec(step, 1..4).prop_map(|steps| {
            let text: Vec<String> = steps
                .into_iter()
                .map(|(name, chosen)| chosen.map_or(name.clone(), |(part, value)| format!("{name}[{part}={value}]")))
                .collect();
            FieldPath::parse(&text.join("/")).unwrap()
        })
    }

    proptest! {
        #[test]
        fn a_projection_never_holds_a_leaf_that_was_not_granted(
            data in prop::collection::btree_map("[a-d]", tree(), 0..5),
            paths in prop::collection::vec(a_path(), 0..4),
        ) {
            let data = Value::Object(data.into_iter().collect());
            let kept = Value::Object(project(&data, &paths));
            let (mut all, mut left) = (Vec::new(), Vec::new());
            leaves(&data, &mut Vec::new(), &mut all);
            leaves(&kept, &mut Vec::new(), &mut left);
            for (names, leaf) in &left {
                let granted = paths.iter().any(|p| {
                    p.steps().len() <= names.len() && p.steps().iter().zip(names).all(|(s, n)| s.name == *n)
                });
                prop_assert!(granted, "{names:?} was granted to nobody");
                prop_assert!(all.contains(&(names.clone(), leaf.clone())), "{names:?} was made up");
            }
            // And nothing granted is lost: each path alone keeps what all together keep of it.
            for path in &paths {
                let alone = project(&data, std::slice::from_ref(path));
                let (mut of_one, mut count) = (Vec::new(), 0);
                leaves(&Value::Object(alone), &mut Vec::new(), &mut of_one);
                count += of_one.iter().filter(|l| left.contains(l)).count();
                prop_assert_eq!(count, of_one.len());
            }
        }

        #[test]
        fn a_cell_holds_nothing_that_the_projection_does_not(
            data in prop::collection::btree_map("[a-d]", tree(), 0..5), path in a_path(),
        ) {
            let data = Value::Object(data.into_iter().collect());
            let (mut cell, mut kept) = (Vec::new(), Vec::new());
            leaves(&value_at(&data, &path), &mut Vec::new(), &mut cell);
            leaves(&Value::Object(project(&data, std::slice::from_ref(&path))), &mut Vec::new(), &mut kept);
            for (_, leaf) in cell.iter().filter(|(_, l)| !l.is_null()) {
                prop_assert!(kept.iter().any(|(_, k)| k == leaf));
            }
        }
    }
}
