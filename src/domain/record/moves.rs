//! How one record gives rise to another: what is handed over, and which institutions may hold what.

use serde_json::{Map, Value};

use crate::domain::statute::definition::RecordType;
use crate::domain::statute::duties::Move;
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::{Clause, Definition};

/// What the new record takes over from the old one's `data`, derived values included: the fields that the move names
/// and that have a value, by their names in the new record. What the new record computes itself is not taken over.
#[must_use]
pub fn carried(how: &Move, into: &RecordType, data: &Value) -> Value {
    let is_entered = |name: &str| into.fields.iter().any(|f| f.name == name && f.derived.is_none());
    let taken: Map<String, Value> = how
        .carries
        .iter()
        .filter(|(new, _)| is_entered(new))
        .filter_map(|(new, old)| {
            let value = FieldPath::parse(old).ok()?.get(data)?;
            Some((new.clone(), value.clone()))
        })
        .collect();
    Value::Object(taken)
}

/// The clause under which an institution with `data` may not hold records of this type; `None` where it may.
///
/// Where its kind is right and something else is not, the clause is that of its kind.
#[must_use]
pub fn not_held_by<'d>(definition: &Definition, kind: &'d RecordType, data: &Value) -> Option<&'d Clause> {
    let path = definition.register.institutions.kind_field.as_deref().and_then(|f| FieldPath::parse(f).ok());
    let own = path.as_ref().and_then(|p| p.get(data)).and_then(Value::as_str);
    let of_kind = || kind.held_by.iter().filter(|held| own == Some(held.kind.as_str()));
    let fits = of_kind().any(|held| held.condition.as_ref().is_none_or(|c| c.holds(data)));
    if kind.held_by.is_empty() || fits {
        return None;
    }
    of_kind().next().or(kind.held_by.first()).map(|held| &held.clause)
}
