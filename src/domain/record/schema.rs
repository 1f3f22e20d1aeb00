//! The data of a record as JSON Schema 2020-12, for those who fill forms and send data.
//!
//! What the schema refuses, [`Validation`](super::validate::Validation) refuses as an error, and the
//! other way round, but for the codes in [`BEYOND_SCHEMA`]. A test holds them side by side.
//!
//! One difference has no code: to JSON Schema `1.0` is a whole number, to us it is not.
//!
//! Annotations of our own: `x-clause`, `x-section`, `x-codelist`, `x-refers-to`, `x-media-types`,
//! `x-minimum`, `x-maximum` and `x-warn-above` (bounds of texts, for people), `x-minor`, `x-needs`,
//! `x-derived` (what is computed and never entered), `x-rules` (what holds between fields) and
//! `x-effective-on` (the day whose codes are listed).

mod between;
mod range;
#[cfg(test)]
pub(crate) mod tests;
mod value;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::validate::items;
use crate::domain::identity::{Country, PersonalCode, check_ee, check_fi, is_email, is_iban};
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::{Clause, Definition, RecordType};

/// Codes of errors that the schema cannot foresee: rules between days, what depends on today or on an
/// age, and the size of the document as a whole.
pub const BEYOND_SCHEMA: &[&str] =
    &["not_a_minor", "order", "outside", "overlap", "personal_code_future", "sequence", "too_large"];

/// A check that stands behind a format.
pub type FormatCheck = fn(&str) -> bool;

/// The formats of our own that schemas name, with their checks. A reader that does not know them is
/// left with the pattern beside each.
pub const FORMATS: &[(&str, FormatCheck)] = &[
    ("ee-personal-code", |text| PersonalCode::is_stored_form(Country::Ee, text)),
    ("fi-personal-code", |text| PersonalCode::is_stored_form(Country::Fi, text)),
    ("ee-registry-code", |text| check_ee(text).is_ok()),
    ("fi-registry-code", |text| check_fi(text).is_ok()),
    ("email-address", is_email),
    ("iban", is_iban),
];

/// The JSON Schema of the data of a record as of a day, with titles in `language`.
#[must_use]
pub fn json_schema(
    definition: &Definition,
    record_type: &RecordType,
    effective_on: NaiveDate,
    language: &str,
) -> Value {
    let writer = Writer { definition, effective_on, language };
    let mut schema = Map::new();
    let register = &definition.register.short_name;
    put(&mut schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put(&mut schema, "$id", format!("urn:andmekogu:{register}:{}", record_type.name));
    put(&mut schema, "title", record_type.label.in_language(language));
    put(&mut schema, "x-clause", record_type.clause.to_string());
    put(&mut schema, "x-effective-on", effective_on.to_string());
    let rules = record_type.rules.iter().map(|rule| without_gaps(json!(rule)));
    put_some(&mut schema, "x-rules", rules.collect::<Vec<_>>());
    schema.extend(writer.object(&record_type.fields, None));
    Value::Object(schema)
}

/// What is common to a schema while it is written.
struct Writer<'a> {
    definition: &'a Definition,
    effective_on: NaiveDate,
    language: &'a str,
}

impl Writer<'_> {
    fn object(&self, fields: &[Field], clause: Option<&Clause>) -> Map<String, Value> {
        let mut schema = Map::new();
        put(&mut schema, "type", "object");
        put(&mut schema, "additionalProperties", false);
        let (derived, entered): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| field.derived.is_some());
        let properties: Map<String, Value> =
            entered.iter().map(|field| (field.name.clone(), Value::Object(self.property(field, clause)))).collect();
        put(&mut schema, "properties", properties);
        let required = entered.iter().filter(|field| field.required);
        put_some(&mut schema, "required", required.map(|field| json!(field.name)).collect::<Vec<_>>());
        let conditions = entered.iter().flat_map(|field| self.conditions(field, fields));
        put_some(&mut schema, "allOf", conditions.collect::<Vec<_>>());
        let computed: Map<String, Value> = derived
            .iter()
            .map(|field| {
                let mut schema = self.annotations(field, clause);
                put(&mut schema, "readOnly", true);
                (field.name.clone(), Value::Object(schema))
            })
            .collect();
        if !computed.is_empty() {
            put(&mut schema, "x-derived", computed);
        }
        schema
    }

    /// What people read about a field.
    fn annotations(&self, field: &Field, clause: Option<&Clause>) -> Map<String, Value> {
        let mut schema = Map::new();
        put(&mut schema, "title", field.label.in_language(self.language));
        if let Some(help) = &field.help {
            put(&mut schema, "description", help.in_language(self.language));
        }
        if let Some(clause) = field.clause.as_ref().or(clause) {
            put(&mut schema, "x-clause", clause.to_string());
        }
        if let Some(section) = &field.section {
            put(&mut schema, "x-section", section.as_str());
        }
        schema
    }

    fn property(&self, field: &Field, clause: Option<&Clause>) -> Map<String, Value> {
        let mut schema = self.annotations(field, clause);
        if let Some(needs) = &field.needs {
            put(&mut schema, "x-needs", json!(needs));
        }
        let value = self.value(field, field.clause.as_ref().or(clause));
        let Some([fewest, most]) = items(field) else {
            schema.extend(value);
            return schema;
        };
        put(&mut schema, "type", "array");
        let fewest = fewest.max(usize::from(field.required));
        put(&mut schema, "minItems", fewest);
        put(&mut schema, "maxItems", most);
        if field.kind != FieldType::Group {
            put(&mut schema, "uniqueItems", true);
        }
        put(&mut schema, "items", value);
        schema
    }
}

/// An object without members that are null or false.
fn without_gaps(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null() && *member != json!(false));
    }
    value
}

fn put(schema: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    schema.insert(name.to_owned(), value.into());
}

fn put_text(schema: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        put(schema, name, text);
    }
}

fn put_some(schema: &mut Map<String, Value>, name: &str, values: Vec<Value>) {
    if !values.is_empty() {
        put(schema, name, values);
    }
}
