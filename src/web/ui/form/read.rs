//! From what stands in a form to the data of an act.

use serde_json::{Map, Value};

use super::text::Writing;
use super::typed::{Parts, Typed};
use crate::domain::record::validate::Violation;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Field, FieldType};

/// What a form says, as far as it can be understood.
#[derive(Debug, Default)]
pub struct Reading {
    /// Of every field that the form shows its value, `null` where its control is empty: a row as
    /// [`compare`](crate::domain::import::compare) and [`entered`](crate::domain::import::entered) take it. What cannot
    /// be understood is left out.
    pub data: Value,
    /// Texts that say no value of their field: one fault for each.
    pub unread: Vec<Violation>,
}

/// Reads what stands in a form that was filled from `was`.
pub fn read(writing: Writing<'_>, fields: &[Field], parts: &Parts, was: &Value) -> Reading {
    let mut reader = Reader { writing, unread: Vec::new() };
    let data = reader.members(fields, parts, was, &At { place: String::new(), clause: None }, true);
    Reading { data: Value::Object(data), unread: reader.unread }
}

/// Where a field stands, and the clause that its parts inherit.
struct At<'a> {
    place: String,
    clause: Option<&'a Clause>,
}

struct Reader<'w> {
    writing: Writing<'w>,
    unread: Vec<Violation>,
}

impl Reader<'_> {
    /// The members of a record or a group. Empty ones are null, but in lists, which go as a whole, absent.
    fn members(
        &mut self,
        fields: &[Field],
        parts: &Parts,
        was: &Value,
        at: &At<'_>,
        nulls: bool,
    ) -> Map<String, Value> {
        let mut data = Map::new();
        for field in fields {
            let Some(typed) = parts.get(&field.name).filter(|_| field.derived.is_none()) else { continue };
            let at = At { place: format!("{}/{}", at.place, field.name), clause: field.clause.as_ref().or(at.clause) };
            let before = was.get(&field.name).unwrap_or(&Value::Null);
            let faults = self.unread.len();
            let value = match typed {
                Typed::Rows(rows) => self.list(field, rows, before, &at),
                one => self.item(field, one, before, &at, nulls),
            };
            // What cannot be understood neither changes the value nor clears it.
            if value.is_some() || (self.unread.len() == faults && nulls) {
                data.insert(field.name.clone(), value.unwrap_or(Value::Null));
            }
        }
        data
    }

    fn list(&mut self, field: &Field, rows: &[Typed], was: &Value, at: &At<'_>) -> Option<Value> {
        let mut items = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            let before = was.get(number).unwrap_or(&Value::Null);
            let at = At { place: format!("{}/{number}", at.place), clause: at.clause };
            items.extend(self.item(field, row, before, &at, false));
        }
        // Of boxes that are ticked nobody can say in which order.
        let before = was.as_array().filter(|before| field.kind == FieldType::Code && before.len() == items.len());
        if before.is_some_and(|before| before.iter().all(|code| items.contains(code))) {
            return Some(was.clone());
        }
        (!items.is_empty()).then_some(Value::Array(items))
    }

    fn item(&mut self, field: &Field, typed: &Typed, was: &Value, at: &At<'_>, nulls: bool) -> Option<Value> {
        match typed {
            Typed::Parts(parts) => {
                let data = self.members(&field.parts, parts, was, at, nulls);
                (!data.is_empty()).then_some(Value::Object(data))
            }
            Typed::Text(text) => self.writing.read(field, text, Some(was)).unwrap_or_else(|code| {
                let detail = "what was typed is no value of this field";
                self.unread.push(Violation::error(&at.place, code, detail, at.clause.cloned()));
                None
            }),
            Typed::Rows(_) => None,
        }
    }
}

/// What of a state can be entered: without what is derived, and without members that are there and say nothing.
pub fn entered_part(fields: &[Field], data: &Value) -> Value {
    let shown = fields.iter().filter(|f| f.derived.is_none());
    let kept = shown.filter_map(|f| Some((f.name.clone(), kept(f, data.get(&f.name)?)?)));
    Value::Object(kept.collect())
}

fn kept(field: &Field, value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(|item| kept(field, item)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(_) if field.kind == FieldType::Group => {
            let members = entered_part(&field.parts, value);
            members.as_object().is_some_and(|m| !m.is_empty()).then_some(members)
        }
        Value::Object(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}
