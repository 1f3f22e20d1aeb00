//! In what a row differs from what is known.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::record::merge::merge;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Field, FieldType};

/// A value that a row changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Place (RFC 6901) of a value or of a whole list; of a whole group where all of it is cleared.
    pub pointer: String,
    /// What is known; nothing where no value is.
    pub before: Option<Value>,
    /// What the row says; nothing where it clears the value.
    pub after: Option<Value>,
}

/// What the `row` (the data of a [`RowRead`](super::RowRead)) would change in the state `now`; nothing for a row that
/// says what is known.
///
/// What the row is silent on stays. Decimal numbers are compared as numbers, `"0.5"` is `"0.50"`. Lists are compared as
/// wholes, in their order.
pub fn compare(kind: &RecordType, now: &Value, row: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let empty = Map::new();
    members(&kind.fields, now.as_object().unwrap_or(&empty), row.as_object().unwrap_or(&empty), "", &mut found);
    found
}

/// The merge patch (RFC 7396) that makes these changes, to be entered as a change of the record.
pub fn patch(differences: &[Difference]) -> Value {
    let mut patch = Value::Object(Map::new());
    for difference in differences {
        let names: Vec<String> = difference.pointer.split('/').skip(1).map(unescaped).collect();
        let mut here = &mut patch;
        for name in names {
            here = member(here, name);
        }
        *here = difference.after.clone().unwrap_or(Value::Null);
    }
    patch
}

/// What a row says of a record that is new: its data without what it clears.
pub fn entered(row: &Value) -> Value {
    let mut data = Value::Object(Map::new());
    merge(&mut data, row);
    prune(&mut data);
    data
}

/// Takes out groups in which nothing is left.
fn prune(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(prune);
        members.retain(|_, member| !member.as_object().is_some_and(Map::is_empty));
    }
}

/// The member of a value, which becomes an object if it was none.
fn member(value: &mut Value, name: String) -> &mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    &mut value[name]
}

fn members(
    fields: &[Field],
    now: &Map<String, Value>,
    row: &Map<String, Value>,
    at: &str,
    found: &mut Vec<Difference>,
) {
    for (name, after) in row {
        let before = now.get(name).filter(|value| !value.is_null());
        let field = fields.iter().find(|field| field.name == *name);
        let pointer = format!("{at}/{}", escaped(name));
        let mut change = |after: Option<&Value>| {
            found.push(Difference { pointer: pointer.clone(), before: before.cloned(), after: after.cloned() });
        };
        match after {
            Value::Null if before.is_none() => {}
            Value::Null => change(None),
            Value::Object(inner) => {
                let (parts, empty) = (field.map(|f| f.parts.as_slice()).unwrap_or_default(), Map::new());
                let known = before.and_then(Value::as_object);
                let nothing_left = known.is_some_and(|known| {
                    let mut left = Value::Object(known.clone());
                    merge(&mut left, after);
                    let changed = left.as_object() != Some(known);
                    prune(&mut left);
                    changed && left.as_object().is_some_and(Map::is_empty)
                });
                if nothing_left {
                    change(None);
                } else {
                    members(parts, known.unwrap_or(&empty), inner, &pointer, found);
                }
            }
            _ if before.is_some_and(|before| same(field, before, after)) => {}
            _ => change(Some(after)),
        }
    }
}

/// Whether two values of a field say the same.
fn same(field: Option<&Field>, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(field, one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let part = |name: &str| field.and_then(|f| f.parts.iter().find(|p| p.name == name));
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| same(part(name), one, other)))
        }
        (Value::String(text), Value::String(other_text)) if field.is_some_and(|f| is_decimal(f.kind)) => {
            let number = |text: &str| text.parse::<Decimal>().ok();
            text == other_text || number(text).is_some_and(|n| number(other_text) == Some(n))
        }
        _ => one == other,
    }
}

/// Whether values of the type are decimal numbers, written as text.
pub(super) const fn is_decimal(kind: FieldType) -> bool {
    matches!(kind, FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load)
}

/// A name as a reference token of a JSON pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
