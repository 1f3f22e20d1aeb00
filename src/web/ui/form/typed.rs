//! What stands in the controls of a form: texts in the shape of the definition, whether they come from a record, from
//! the visitor, or from the visitor by way of a draft.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text::Writing;
use crate::domain::record::validate::MAX_DEPTH;
use crate::domain::statute::definition::{Field, FieldType};

/// The texts of a record or a group, by field.
pub type Parts = BTreeMap<String, Typed>;

/// What stands in the control or controls of one field. What a form does not show has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// One control.
    Text(String),
    /// The parts of a group.
    Parts(Parts),
    /// The items of a list.
    Rows(Vec<Typed>),
}

impl Typed {
    /// Whether nothing stands there.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Parts(parts) => parts.values().all(Self::is_blank),
            Self::Rows(rows) => rows.iter().all(Self::is_blank),
        }
    }
}

/// What is posted, as a tree of the names' steps.
#[derive(Default)]
struct Posted<'p> {
    texts: Vec<&'p str>,
    below: BTreeMap<&'p str, Posted<'p>>,
}

/// The texts that came under names that are places of fields (`/pay/0/amount`); other names are passed over. An empty
/// text under the place of a list says no more than that the form shows the list.
pub fn from_pairs<'p>(fields: &[Field], pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Parts {
    let mut root = Posted::default();
    for (name, text) in pairs {
        let Some(place) = name.strip_prefix('/') else { continue };
        if place.split('/').count() > MAX_DEPTH {
            continue;
        }
        let at = place.split('/').fold(&mut root, |at, step| at.below.entry(step).or_default());
        at.texts.push(text);
    }
    parts_posted(fields, &root)
}

fn parts_posted(fields: &[Field], at: &Posted<'_>) -> Parts {
    let shown = fields.iter().filter(|f| f.derived.is_none());
    let typed = shown.filter_map(|f| Some((f.name.clone(), posted(f, at.below.get(f.name.as_str())?))));
    typed.collect()
}

fn posted(field: &Field, at: &Posted<'_>) -> Typed {
    if !field.repeats {
        return posted_item(field, at);
    }
    let chosen = at.texts.iter().filter(|t| !t.is_empty()).map(|t| Typed::Text((*t).to_owned()));
    let mut rows: Vec<(usize, &Posted<'_>)> =
        at.below.iter().filter_map(|(step, row)| Some((step.parse().ok()?, row))).collect();
    rows.sort_by_key(|(number, _)| *number);
    Typed::Rows(chosen.chain(rows.into_iter().map(|(_, row)| posted_item(field, row))).collect())
}

fn posted_item(field: &Field, at: &Posted<'_>) -> Typed {
    match field.kind {
        FieldType::Group => Typed::Parts(parts_posted(&field.parts, at)),
        _ => Typed::Text(at.texts.first().copied().unwrap_or_default().to_owned()),
    }
}

/// The texts of a state: every field that can be entered has its control, be it empty.
pub fn from_state(writing: Writing<'_>, fields: &[Field], data: &Value) -> Parts {
    let shown = fields.iter().filter(|f| f.derived.is_none());
    shown.map(|f| (f.name.clone(), of_value(writing, f, data.get(&f.name).unwrap_or(&Value::Null)))).collect()
}

fn of_value(writing: Writing<'_>, field: &Field, value: &Value) -> Typed {
    match (field.repeats, value) {
        (true, Value::Array(items)) => Typed::Rows(items.iter().map(|i| of_item(writing, field, i)).collect()),
        (true, Value::Null) => Typed::Rows(Vec::new()),
        (true, one) => Typed::Rows(vec![of_item(writing, field, one)]),
        (false, one) => of_item(writing, field, one),
    }
}

fn of_item(writing: Writing<'_>, field: &Field, value: &Value) -> Typed {
    match field.kind {
        FieldType::Group => Typed::Parts(from_state(writing, &field.parts, value)),
        _ => Typed::Text(writing.shown(field, value)),
    }
}

/// A new, empty item of a list.
pub fn blank_item(writing: Writing<'_>, field: &Field) -> Typed {
    of_item(writing, field, &Value::Null)
}

/// The list at a place (`/guardians/0/phones`), with the field that it belongs to.
pub fn list_at<'t, 'f>(
    fields: &'f [Field],
    parts: &'t mut Parts,
    place: &str,
) -> Option<(&'f Field, &'t mut Vec<Typed>)> {
    let mut steps = place.strip_prefix('/')?.split('/');
    let mut fields = fields;
    let mut parts = parts;
    loop {
        let name = steps.next()?;
        let field = fields.iter().find(|f| f.name == name && f.derived.is_none())?;
        let empty = if field.repeats { Typed::Rows(Vec::new()) } else { Typed::Parts(Parts::new()) };
        let mut typed = parts.entry(field.name.clone()).or_insert(empty);
        if let Typed::Rows(_) = typed {
            let Some(number) = steps.next() else {
                let Typed::Rows(rows) = typed else { return None };
                return Some((field, rows));
            };
            let Typed::Rows(rows) = typed else { return None };
            typed = rows.get_mut(number.parse::<usize>().ok()?)?;
        }
        let Typed::Parts(below) = typed else { return None };
        (fields, parts) = (&field.parts, below);
    }
}

/// Takes out the items of lists in which nothing stands, so that the numbers of the rows are those of the data.
pub fn without_blank_items(parts: &mut Parts) {
    for typed in parts.values_mut() {
        match typed {
            Typed::Text(_) => {}
            Typed::Parts(below) => without_blank_items(below),
            Typed::Rows(rows) => {
                rows.retain(|row| !row.is_blank());
                for row in rows {
                    if let Typed::Parts(below) = row {
                        without_blank_items(below);
                    }
                }
            }
        }
    }
}

/// The names and texts under which a form posts what stands in it, markers of lists included.
pub fn to_pairs(parts: &Parts) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    pairs_of(parts, "", &mut pairs);
    pairs
}

fn pairs_of(parts: &Parts, at: &str, pairs: &mut Vec<(String, String)>) {
    for (name, typed) in parts {
        pair(typed, format!("{at}/{name}"), pairs);
    }
}

fn pair(typed: &Typed, at: String, pairs: &mut Vec<(String, String)>) {
    match typed {
        Typed::Text(text) => pairs.push((at, text.clone())),
        Typed::Parts(parts) => {
            pairs.push((at.clone(), String::new()));
            pairs_of(parts, &at, pairs);
        }
        Typed::Rows(rows) => {
            pairs.push((at.clone(), String::new()));
            for (number, row) in rows.iter().enumerate() {
                pair(row, format!("{at}/{number}"), pairs);
            }
        }
    }
}
