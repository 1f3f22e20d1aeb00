//! What holds between a field and its siblings, in the words of JSON Schema.

use serde_json::{Map, Value, json};

use super::super::validate::{WITHDRAWN, find};
use super::Writer;
use crate::domain::statute::definition::{Condition, Field, FieldType, NeedKind, Needs};

impl Writer<'_> {
    /// What holds between a field and its siblings.
    pub(super) fn conditions(&self, field: &Field, siblings: &[Field]) -> Vec<Value> {
        let mut found = Vec::new();
        if let Some(condition) = &field.required_when {
            let mut then = json!({ "required": [field.name] });
            if field.repeats {
                then = has(field, json!({ "minItems": 1 }));
            }
            found.push(json!({ "if": holds(condition, siblings), "then": then }));
        }
        if let Some(condition) = &field.absent_when {
            found.push(json!({ "if": holds(condition, siblings), "then": { "not": is_there(field) } }));
        }
        if let Some(needs) = &field.needs {
            found.push(json!({
                "x-clause": needs.clause,
                "if": is_there(field),
                "then": recorded(needs, siblings),
            }));
        }
        if let Some(parent) = field.within_code.as_deref().and_then(|name| find(siblings, name)) {
            found.extend(self.under_parent(field, parent));
        }
        found
    }

    /// For each parent code: its children may be chosen only beside it.
    fn under_parent(&self, field: &Field, parent: &Field) -> Vec<Value> {
        let codes = self.codes(field);
        let mut parents: Vec<Option<&str>> = codes.iter().map(|code| code.parent.as_deref()).collect();
        parents.sort_unstable();
        parents.dedup();
        let rule = |code: Option<&str>| {
            let children = codes.iter().filter(|child| child.parent.as_deref() == code);
            let children: Vec<&str> = children.map(|child| child.code.as_str()).collect();
            let beside = code.map_or(json!(false), |code| has(parent, any(parent, json!({ "const": code }))));
            json!({ "if": has(field, any(field, json!({ "enum": children }))), "then": beside })
        };
        parents.into_iter().map(rule).collect()
    }
}

/// An object that has the member `field`, and it meets `schema`.
fn has(field: &Field, schema: impl Into<Value>) -> Value {
    let properties = Map::from_iter([(field.name.clone(), schema.into())]);
    json!({ "required": [field.name], "properties": properties })
}

/// A value that meets `schema`; of a list, an item that does.
fn any(field: &Field, schema: Value) -> Value {
    if field.repeats { json!({ "contains": schema }) } else { schema }
}

/// An object that has the member `field`, with an item if it is a list.
fn is_there(field: &Field) -> Value {
    if field.repeats { has(field, json!({ "minItems": 1 })) } else { json!({ "required": [field.name] }) }
}

/// Siblings of which the one at `path` (`name` or `name/part`) has a value that meets `schema`.
fn sibling(path: &str, siblings: &[Field], schema: Value) -> Value {
    let (name, part) = path.split_once('/').unwrap_or((path, ""));
    let Some(field) = find(siblings, name) else {
        return json!(false);
    };
    match find(&field.parts, part) {
        Some(part) => has(field, any(field, has(part, any(part, schema)))),
        None => has(field, any(field, schema)),
    }
}

fn holds(condition: &Condition, siblings: &[Field]) -> Value {
    let is = |schema| sibling(&condition.field, siblings, schema);
    match (&condition.is, &condition.one_of, condition.present) {
        (Some(value), ..) => is(json!({ "const": value })),
        (None, Some(values), _) => is(json!({ "enum": values })),
        (None, None, Some(false)) => json!({ "not": is(json!(true)) }),
        (None, None, _) => is(json!(true)),
    }
}

/// Siblings that record what a value needs.
fn recorded(needs: &Needs, siblings: &[Field]) -> Value {
    let kind = find(siblings, &needs.field).map(|field| field.kind);
    let mut schema = match kind {
        Some(FieldType::Boolean) => json!({ "const": true }),
        Some(FieldType::Group) => json!({ "minProperties": 1 }),
        _ => json!({ "minLength": 1 }),
    };
    if needs.kind == NeedKind::Consent {
        schema = json!({ "allOf": [schema, { "not": { "type": "object", "required": [WITHDRAWN] } }] });
    }
    sibling(&needs.field, siblings, schema)
}
