//! A value as people read it, on the page that shows what is about to be saved.

use serde_json::Value;

use super::model::References;
use crate::domain::statute::definition::{Definition, Field, FieldType};
use crate::web::ui::say::T;

/// What values are shown with.
#[derive(Clone, Copy)]
pub struct Show<'a> {
    /// The statute: its code lists.
    pub definition: &'a Definition,
    /// Texts and formats.
    pub t: &'a T,
    /// What records are called.
    pub references: &'a References,
}

impl Show<'_> {
    /// A value, a line for each item of a list; nothing for none.
    pub fn lines(&self, field: &Field, value: &Value) -> Vec<String> {
        match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().flat_map(|item| self.lines(field, item)).collect(),
            Value::Object(_) if field.kind == FieldType::Group => {
                let parts = field.parts.iter().filter_map(|part| {
                    let lines = self.lines(part, value.get(&part.name)?).join(", ");
                    (!lines.is_empty()).then(|| format!("{}: {lines}", self.t.label(&part.label).text))
                });
                let line = parts.collect::<Vec<_>>().join(" · ");
                (!line.is_empty()).then_some(line).into_iter().collect()
            }
            Value::Bool(true) => vec![self.t.say("form-yes")],
            Value::Bool(false) => vec![self.t.say("form-no")],
            Value::Number(number) => vec![number.to_string()],
            Value::String(text) => vec![self.text(field, text)],
            Value::Object(_) => vec![value.to_string()],
        }
    }

    fn text(&self, field: &Field, text: &str) -> String {
        match field.kind {
            FieldType::Date => text.parse().map_or_else(|_| text.to_owned(), |day| self.t.day(day)),
            FieldType::Money => self.t.money(text),
            FieldType::Decimal | FieldType::Load => self.t.decimal(text),
            FieldType::Percentage => format!("{} %", self.t.decimal(text)),
            FieldType::Code | FieldType::Language | FieldType::Country => self.code(field, text),
            FieldType::Reference => {
                let title = self.references.title(field.refers_to.as_deref().unwrap_or_default(), text);
                title.unwrap_or(text).to_owned()
            }
            FieldType::File => self.t.say("form-file-stored"),
            FieldType::Text
            | FieldType::Multiline
            | FieldType::Integer
            | FieldType::Year
            | FieldType::Boolean
            | FieldType::PersonalCode
            | FieldType::RegistryCode
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Iban
            | FieldType::Address
            | FieldType::Group => text.to_owned(),
        }
    }

    /// What a code of the field's list is called; of one that was renamed, its last name.
    fn code(&self, field: &Field, code: &str) -> String {
        let list = field.codelist.as_ref().and_then(|n| self.definition.codelists.iter().find(|l| l.name == *n));
        let found = list.and_then(|l| l.codes.iter().rfind(|c| c.code == code));
        found.map_or_else(|| code.to_owned(), |c| self.t.label(&c.label).text)
    }
}
