//! What one value must be, in the words of JSON Schema.

use serde_json::{Map, Value, json};

use super::super::validate::{bounds, is_within, length, lexical, scale};
use super::{Writer, put, put_some, put_text, range};
use crate::domain::identity::{
    EE_PERSONAL_CODE_SHAPE, EE_REGISTRY_CODE_SHAPE, EMAIL_SHAPE, FI_PERSONAL_CODE_SHAPE, FI_REGISTRY_CODE_SHAPE,
    IBAN_SHAPE, PHONE_SHAPE,
};
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Code, Field, FieldType};

impl Writer<'_> {
    /// What one value must be.
    pub(super) fn value(&self, field: &Field, clause: Option<&Clause>) -> Map<String, Value> {
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
            _ if field.pattern.is_some() => (lexical::LINE_SHAPE.to_owned(), None),
            _ => (EE_PERSONAL_CODE_SHAPE.to_owned(), Some("ee-personal-code")),
        }
    }

    fn registry_code(&self, field: &Field) -> (String, Option<&'static str>) {
        match self.country(field) {
            "FI" => (FI_REGISTRY_CODE_SHAPE.to_owned(), Some("fi-registry-code")),
            _ if field.pattern.is_some() => (lexical::LINE_SHAPE.to_owned(), None),
            _ => (EE_REGISTRY_CODE_SHAPE.to_owned(), Some("ee-registry-code")),
        }
    }

    fn country<'s>(&'s self, field: &'s Field) -> &'s str {
        field.country.as_deref().unwrap_or(&self.definition.register.country)
    }

    /// The codes that may be chosen on the day.
    pub(super) fn codes(&self, field: &Field) -> Vec<&Code> {
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

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
}
