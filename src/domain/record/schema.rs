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

mod range;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::validate::lexical;
use super::validate::{WITHDRAWN, bounds, find, is_within, items, length, scale};
use crate::domain::identity::{
    Country, EE_PERSONAL_CODE_SHAPE, EE_REGISTRY_CODE_SHAPE, EMAIL_SHAPE, FI_PERSONAL_CODE_SHAPE,
    FI_REGISTRY_CODE_SHAPE, IBAN_SHAPE, PHONE_SHAPE, PersonalCode, check_ee, check_fi, is_email, is_iban,
};
use crate::domain::statute::definition::{Code, Condition, Field, FieldType, NeedKind, Needs};
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
        put(&mut schema, "minItems", if field.required { fewest.max(1) } else { fewest });
        put(&mut schema, "maxItems", most);
        if field.kind != FieldType::Group {
            put(&mut schema, "uniqueItems", true);
        }
        put(&mut schema, "items", value);
        schema
    }

    /// What one value must be.
    fn value(&self, field: &Field, clause: Option<&Clause>) -> Map<String, Value> {
        let mut schema = Map::new();
        let (form, format) = match field.kind {
            FieldType::Group => return self.object(&field.parts, clause),
            FieldType::Boolean => {
                put(&mut schema, "type", "boolean");
                return schema;
            }
            FieldType::Integer => return whole(field, [i64::MIN, i64::MAX]),
            FieldType::Year => return whole(field, lexical::YEARS.map(i64::from)),
            FieldType::Code => return self.code(field),
            FieldType::Language | FieldType::Country if field.codelist.is_some() => {
                return self.code(field);
            }
            FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load => {
                decimal(field, &mut schema);
                (decimal_form(field), None)
            }
            FieldType::Date => {
                days(field, &mut schema);
                (lexical::DATE_SHAPE.to_owned(), Some("date"))
            }
            FieldType::Reference => {
                put_text(&mut schema, "x-refers-to", field.refers_to.as_deref());
                (lexical::UUID_SHAPE.to_owned(), Some("uuid"))
            }
            FieldType::File => {
                put_some(&mut schema, "x-media-types", texts(&field.media_types));
                (lexical::DIGEST_SHAPE.to_owned(), None)
            }
            FieldType::PersonalCode => {
                if field.minor {
                    put(&mut schema, "x-minor", true);
                }
                self.personal_code(field)
            }
            FieldType::RegistryCode => self.registry_code(field),
            FieldType::Text | FieldType::Address => (lexical::LINE_SHAPE.to_owned(), None),
            FieldType::Multiline => (lexical::LINES_SHAPE.to_owned(), None),
            FieldType::Language => (lexical::LANGUAGE_SHAPE.to_owned(), None),
            FieldType::Country => (lexical::COUNTRY_SHAPE.to_owned(), None),
            FieldType::Email => (EMAIL_SHAPE.to_owned(), Some("email-address")),
            FieldType::Phone => (PHONE_SHAPE.to_owned(), None),
            FieldType::Iban => (IBAN_SHAPE.to_owned(), Some("iban")),
        };
        text(field, &mut schema, form, format);
        schema
    }

    fn personal_code(&self, field: &Field) -> (String, Option<&'static str>) {
        match self.country(field) {
            "FI" => (FI_PERSONAL_CODE_SHAPE.to_owned(), Some("fi-personal-code")),
            _ => (EE_PERSONAL_CODE_SHAPE.to_owned(), Some("ee-personal-code")),
        }
    }

    fn registry_code(&self, field: &Field) -> (String, Option<&'static str>) {
        match self.country(field) {
            "FI" => (FI_REGISTRY_CODE_SHAPE.to_owned(), Some("fi-registry-code")),
            _ => (EE_REGISTRY_CODE_SHAPE.to_owned(), Some("ee-registry-code")),
        }
    }

    fn country<'s>(&'s self, field: &'s Field) -> &'s str {
        field.country.as_deref().unwrap_or(&self.definition.register.country)
    }

    /// The codes that may be chosen on the day.
    fn codes(&self, field: &Field) -> Vec<&Code> {
        let name = field.codelist.as_deref().unwrap_or_default();
        let lists = self.definition.codelists.iter().filter(|list| list.name == name);
        let codes = lists.flat_map(|list| &list.codes);
        codes.filter(|code| is_within(self.effective_on, code.valid_from, code.valid_until)).collect()
    }

    fn code(&self, field: &Field) -> Map<String, Value> {
        let codes = self.codes(field).into_iter().map(|code| json!(code.code));
        let mut schema = Map::new();
        put(&mut schema, "type", "string");
        put(&mut schema, "enum", codes.collect::<Vec<_>>());
        put_text(&mut schema, "x-codelist", field.codelist.as_deref());
        text_limits(field, &mut schema);
        schema
    }

    /// What holds between a field and its siblings.
    fn conditions(&self, field: &Field, siblings: &[Field]) -> Vec<Value> {
        let mut found = Vec::new();
        if let Some(condition) = &field.required_when {
            let mut then = json!({ "required": [field.name] });
            if field.repeats {
                then = has(field, json!({ "minItems": 1 }));
            }
            found.push(json!({ "if": holds(condition, siblings), "then": then }));
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

/// A whole number within bounds.
fn whole(field: &Field, [mut least, mut greatest]: [i64; 2]) -> Map<String, Value> {
    let mut schema = Map::new();
    if let Ok(bounds) = bounds(field) {
        let min = bounds.min.and_then(|min| i64::try_from(min.ceil()).ok());
        let max = bounds.max.and_then(|max| i64::try_from(max.floor()).ok());
        least = least.max(min.unwrap_or(least));
        greatest = greatest.min(max.unwrap_or(greatest));
        if let Some(usual) = bounds.warn_above {
            put(&mut schema, "x-warn-above", usual.to_string());
        }
    }
    put(&mut schema, "type", "integer");
    put(&mut schema, "minimum", least);
    put(&mut schema, "maximum", greatest);
    schema
}

/// The form of a decimal number, minus zero not excluded.
fn decimal_form(field: &Field) -> String {
    let fraction = match (scale(field), field.kind) {
        (0, _) => String::new(),
        (scale, FieldType::Money) => format!(r"\.[0-9]{{{scale}}}"),
        (scale, _) => format!(r"(?:\.[0-9]{{1,{scale}}})?"),
    };
    format!("^-?(?:0|[1-9][0-9]*){fraction}$")
}

fn decimal(field: &Field, schema: &mut Map<String, Value>) {
    put(schema, "maxLength", lexical::DECIMAL_LENGTH);
    put(schema, "not", json!({ "pattern": r"^-0(?:\.0*)?$" }));
    let Ok(bounds) = bounds(field) else { return };
    let named = [("x-minimum", bounds.min), ("x-maximum", bounds.max), ("x-warn-above", bounds.warn_above)];
    for (name, bound) in named {
        put_text(schema, name, bound.map(|bound| bound.to_string()).as_deref());
    }
    let patterns = [bounds.min.map(range::at_least), bounds.max.map(range::at_most)];
    also(schema, patterns.into_iter().flatten());
}

fn days(field: &Field, schema: &mut Map<String, Value>) {
    put_text(schema, "x-minimum", field.min.as_deref());
    put_text(schema, "x-maximum", field.max.as_deref());
    let day = |text: &Option<String>| text.as_deref().and_then(lexical::date);
    let patterns = [day(&field.min).map(range::not_before), day(&field.max).map(range::not_after)];
    also(schema, patterns.into_iter().flatten());
}

/// A text of a form, and what the definition asks beyond that.
fn text(field: &Field, schema: &mut Map<String, Value>, form: String, format: Option<&str>) {
    put(schema, "type", "string");
    put(schema, "pattern", form);
    put_text(schema, "format", format);
    text_limits(field, schema);
}

fn text_limits(field: &Field, schema: &mut Map<String, Value>) {
    if let Some([fewest, most]) = length(field) {
        put(schema, "minLength", fewest);
        let limit = schema.get("maxLength").and_then(Value::as_u64);
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        put(schema, "maxLength", limit.map_or(most, |limit| limit.min(most)));
    }
    let own = field.pattern.as_ref().map(|pattern| format!("^(?:{pattern})$"));
    also(schema, own.into_iter());
}

/// Adds patterns that the text must match as well.
fn also(schema: &mut Map<String, Value>, patterns: impl Iterator<Item = String>) {
    let all = schema.remove("allOf").and_then(|all| all.as_array().cloned());
    let mut all = all.unwrap_or_default();
    all.extend(patterns.map(|pattern| json!({ "pattern": pattern })));
    put_some(schema, "allOf", all);
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

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
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
