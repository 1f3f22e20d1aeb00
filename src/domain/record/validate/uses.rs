//! What a document points at outside itself: records, files, sections.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pointer::Pointer;
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::{Clause, RecordType};

/// A reference to another record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceUse {
    /// Where it stands (RFC 6901).
    pub pointer: String,
    /// Record type that it must be of.
    pub record_type: String,
    /// Id that it gives.
    pub id: String,
    /// Clause of the field.
    pub clause: Option<Clause>,
    /// Section of the field.
    pub section: Option<String>,
}

/// The references in the data of a record or in a merge patch.
///
/// Values of another form than an id have are left to [`Validation`](super::Validation).
#[must_use]
pub fn references(record_type: &RecordType, data: &Value) -> Vec<ReferenceUse> {
    let mut found = Vec::new();
    each_text(record_type, FieldType::Reference, data, &mut |place, text| {
        if super::lexical::is_uuid(text) {
            found.push(ReferenceUse {
                pointer: place.at.to_string(),
                record_type: place.field.refers_to.clone().unwrap_or_default(),
                id: text.to_owned(),
                clause: place.clause.cloned(),
                section: place.section.cloned(),
            });
        }
    });
    found
}

/// A stored file that a record uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUse {
    /// Where it stands (RFC 6901).
    pub pointer: String,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Media types that the field takes; any, if empty.
    pub media_types: Vec<String>,
    /// Clause of the field.
    pub clause: Option<Clause>,
    /// Section of the field.
    pub section: Option<String>,
}

/// The files in the data of a record or in a merge patch.
///
/// Values of another form than a digest has are left to [`Validation`](super::Validation).
#[must_use]
pub fn files(record_type: &RecordType, data: &Value) -> Vec<FileUse> {
    let mut found = Vec::new();
    each_text(record_type, FieldType::File, data, &mut |place, text| {
        if super::lexical::is_digest(text) {
            found.push(FileUse {
                pointer: place.at.to_string(),
                sha256: text.to_owned(),
                media_types: place.field.media_types.clone(),
                clause: place.clause.cloned(),
                section: place.section.cloned(),
            });
        }
    });
    found
}

/// The sections of the fields that `data`, or a merge patch, mentions; what a patch removes counts.
#[must_use]
pub fn touched_sections(record_type: &RecordType, data: &Value) -> BTreeSet<String> {
    let Some(members) = data.as_object() else {
        return BTreeSet::new();
    };
    let touched = record_type.fields.iter().filter(|field| members.contains_key(&field.name));
    touched.filter_map(|field| field.section.clone()).collect()
}

/// Where a text stands.
struct Place<'a> {
    field: &'a Field,
    at: &'a Pointer<'a>,
    clause: Option<&'a Clause>,
    section: Option<&'a String>,
}

fn each_text(record_type: &RecordType, kind: FieldType, data: &Value, found: &mut dyn FnMut(Place, &str)) {
    for field in &record_type.fields {
        if let Some(value) = data.get(&field.name) {
            let at = &Pointer::Key(&Pointer::Root, &field.name);
            let (clause, section) = (field.clause.as_ref(), field.section.as_ref());
            visit(&Place { field, at, clause, section }, kind, value, found);
        }
    }
}

fn visit(place: &Place, kind: FieldType, value: &Value, found: &mut dyn FnMut(Place, &str)) {
    match value {
        Value::Array(items) if place.field.repeats => {
            for (index, item) in items.iter().enumerate() {
                if !item.is_array() {
                    let at = &Pointer::Item(place.at, index);
                    visit(&Place { at, ..*place }, kind, item, found);
                }
            }
        }
        Value::Object(members) => {
            for field in &place.field.parts {
                if let Some(value) = members.get(&field.name) {
                    let at = &Pointer::Key(place.at, &field.name);
                    let clause = field.clause.as_ref().or(place.clause);
                    visit(&Place { field, at, clause, ..*place }, kind, value, found);
                }
            }
        }
        Value::String(text) if place.field.kind == kind => found(Place { ..*place }, text),
        Value::String(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
