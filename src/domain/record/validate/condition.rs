//! Conditions on siblings: what makes a field required, or lawful.

use serde_json::{Map, Value};

use super::compiled::CompileFault;
use crate::domain::statute::definition::{Condition, Field};

/// Part of a consent whose presence ends it.
pub(in super::super) const WITHDRAWN: &str = "withdrawn_on";

/// A sibling field, or a part of a sibling group.
#[derive(Debug, Clone)]
pub(super) struct Sibling {
    pub(super) name: String,
    pub(super) part: Option<String>,
}

impl Sibling {
    /// Reads `name` or `name/part`; both must be there.
    pub(super) fn new(path: &str, siblings: &[Field]) -> Result<Self, CompileFault> {
        let (name, part) = match path.split_once('/') {
            Some((name, part)) => (name, Some(part)),
            None => (path, None),
        };
        find(siblings, path).ok_or(CompileFault::Sibling)?;
        Ok(Self { name: name.to_owned(), part: part.map(str::to_owned) })
    }

    /// Whether any of its values passes `test`; a list has its items for values, other than null.
    fn any(&self, siblings: &Map<String, Value>, test: &dyn Fn(&Value) -> bool) -> bool {
        siblings.get(&self.name).is_some_and(|value| match &self.part {
            None => any(value, test),
            Some(part) => any(value, &|row| row.get(part).is_some_and(|value| any(value, test))),
        })
    }

    /// Whether it records something: more than `false` or an empty text, list or group.
    pub(super) fn records(&self, siblings: &Map<String, Value>) -> bool {
        self.any(siblings, &records)
    }

    /// Whether it records a consent that was not withdrawn.
    pub(super) fn consents(&self, siblings: &Map<String, Value>) -> bool {
        self.any(siblings, &|value| records(value) && value.get(WITHDRAWN).is_none())
    }
}

/// The definition of `name` or `name/part` among siblings.
pub(in super::super) fn find<'f>(siblings: &'f [Field], path: &str) -> Option<&'f Field> {
    let by_name = |fields: &'f [Field], name: &str| fields.iter().find(|field| field.name == name);
    match path.split_once('/') {
        None => by_name(siblings, path),
        Some((name, part)) => by_name(&by_name(siblings, name)?.parts, part),
    }
}

/// A condition made ready.
#[derive(Debug, Clone)]
pub(super) struct ConditionPlan {
    sibling: Sibling,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    OneOf(Vec<Value>),
    Present(bool),
}

impl ConditionPlan {
    pub(super) fn new(source: &Condition, siblings: &[Field]) -> Result<Self, CompileFault> {
        let test = match (&source.is, &source.one_of, source.present) {
            (Some(value), None, None) => Test::OneOf(vec![value.clone()]),
            (None, Some(values), None) => Test::OneOf(values.clone()),
            (None, None, Some(present)) => Test::Present(present),
            _ => return Err(CompileFault::Condition),
        };
        Ok(Self { sibling: Sibling::new(&source.field, siblings)?, test })
    }

    /// Whether the condition holds among `siblings`. Of a list it is enough that one item meets it.
    pub(super) fn holds(&self, siblings: &Map<String, Value>) -> bool {
        match &self.test {
            Test::OneOf(values) => self.sibling.any(siblings, &|value| values.contains(value)),
            Test::Present(present) => self.sibling.any(siblings, &|_| true) == *present,
        }
    }
}

/// Whether a member is there: an empty list is not.
pub(super) fn is_there(value: &Value) -> bool {
    value.as_array().is_none_or(|items| !items.is_empty())
}

fn any(value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().any(|item| any(item, test)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => test(value),
    }
}

fn records(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(records),
        Value::Object(members) => !members.is_empty(),
    }
}
