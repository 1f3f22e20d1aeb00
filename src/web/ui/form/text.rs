//! One value as the text of a control, and back.
//!
//! What is shown is written as the visitor's language writes it; what is read may be written in any of the usual
//! ways. Whether the statute allows the value is left to the validator: here it is only understood.

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use crate::domain::import::typed_scalar;
use crate::domain::statute::definition::{Field, FieldType};
use crate::locale::Lang;
use crate::web::ui::visit;

/// How values are written and read: the visitor's language, the register's country, the day it is there.
#[derive(Debug, Clone, Copy)]
pub struct Writing<'a> {
    /// Language of the visitor.
    pub lang: Lang,
    /// Country of the register, whose codes are meant where a field names no other.
    pub country: &'a str,
    /// Today: a day without a year lies in this one's.
    pub today: NaiveDate,
}

impl Writing<'_> {
    /// The text of a value in a control of the field.
    pub fn shown(&self, field: &Field, value: &Value) -> String {
        let text = match value {
            Value::Null => return String::new(),
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return value.to_string(),
        };
        match field.kind {
            FieldType::Date => match text.parse::<NaiveDate>() {
                Ok(day) => day.format("%d.%m.%Y").to_string(),
                Err(_) => text.clone(),
            },
            FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load
                if self.lang != Lang::En =>
            {
                text.replacen('.', ",", 1)
            }
            FieldType::Decimal
            | FieldType::Money
            | FieldType::Percentage
            | FieldType::Load
            | FieldType::Text
            | FieldType::Multiline
            | FieldType::Integer
            | FieldType::Year
            | FieldType::Boolean
            | FieldType::Code
            | FieldType::Language
            | FieldType::Country
            | FieldType::PersonalCode
            | FieldType::RegistryCode
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Iban
            | FieldType::Address
            | FieldType::File
            | FieldType::Reference
            | FieldType::Group => text.clone(),
        }
    }

    /// The value that a text says; nothing for an empty one. A text that comes back as it was shown of the value
    /// `was` says that value, however it is written.
    ///
    /// # Errors
    /// The code of the fault of a text that says no value of the field's type.
    pub fn read(&self, field: &Field, text: &str, was: Option<&Value>) -> Result<Option<Value>, &'static str> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if let Some(was) = was.filter(|was| !was.is_null() && self.shown(field, was) == text) {
            return Ok(Some(was.clone()));
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let value = match field.kind {
            FieldType::Text
            | FieldType::Multiline
            | FieldType::Address
            | FieldType::Email
            | FieldType::Code
            | FieldType::File => Value::from(text),
            FieldType::Reference => Value::from(text.to_lowercase()),
            FieldType::Language => Value::from(text.to_lowercase()),
            FieldType::Country => Value::from(text.to_uppercase()),
            FieldType::Boolean => match text {
                "true" => Value::from(true),
                "false" => Value::from(false),
                _ => return Err("type"),
            },
            FieldType::Date => Value::from(self.day(text).ok_or("date")?.to_string()),
            FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load => {
                // However it is written wrongly, it is no number.
                typed_scalar(field, self.country, &text.replacen(',', ".", 1)).map_err(|_| "pattern")?
            }
            FieldType::Integer
            | FieldType::Year
            | FieldType::PersonalCode
            | FieldType::RegistryCode
            | FieldType::Phone
            | FieldType::Iban => typed_scalar(field, self.country, text)?,
            FieldType::Group => return Err("type"),
        };
        Ok(Some(value))
    }

    /// The day that a text says: as [`visit::day`] reads days, and `1.9` of this year.
    pub fn day(&self, text: &str) -> Option<NaiveDate> {
        visit::day(text).or_else(|| visit::day(&format!("{}.{}", text.trim().trim_end_matches('.'), self.today.year())))
    }
}
