//! What of a record can be searched, sorted and counted: normalised values of its indexed fields, and the
//! status that follows from its dates.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::domain::calendar::parse_day;
use crate::domain::statute::definition::{FieldType, Index, RecordType};
use crate::domain::statute::path::FieldPath;

/// Longest indexed value, in characters; longer values are cut, which a prefix search does not notice.
const LONGEST: usize = 200;
/// Numbers are indexed in ten-thousandths.
pub const NUMBER_SCALE: u32 = 4;

/// Where a record stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is no record yet.
    None,
    /// Its first day is still to come.
    Pending,
    /// Between its first and its last day, both included.
    Active,
    /// After its last day.
    Ended,
}

impl Status {
    /// The word used in answers and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }

    /// The status that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Pending, Self::Active, Self::Ended].into_iter().find(|s| s.as_str() == word)
    }

    /// The status on `day` of a record that begins and ends on the given days (`None`: open).
    pub fn on(day: NaiveDate, begins: Option<NaiveDate>, ends: Option<NaiveDate>) -> Self {
        if begins.is_some_and(|b| day < b) {
            Self::Pending
        } else if ends.is_some_and(|e| day > e) {
            Self::Ended
        } else {
            Self::Active
        }
    }
}

/// The first and last day of a record's life according to `data`.
pub fn life(record_type: &RecordType, data: &Value) -> (Option<NaiveDate>, Option<NaiveDate>) {
    let day =
        |path: &str| FieldPath::parse(path).ok().and_then(|p| p.get(data).and_then(Value::as_str).and_then(parse_day));
    match &record_type.lifecycle {
        Some(life) => (day(&life.begins), day(&life.ends)),
        None => (None, None),
    }
}

/// One searchable value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// Field name.
    pub field: String,
    /// Normalised value; empty when the field is absent, so that a sort over the field still finds the record.
    pub value: String,
    /// The value in ten-thousandths, for numbers.
    pub number: Option<i64>,
}

/// The searchable values of `data`: of its indexed fields, and of the parts by which records are found.
pub fn index(record_type: &RecordType, data: &Value) -> Vec<Indexed> {
    let parts = indexed_parts(record_type).flat_map(|path| {
        let values = FieldPath::parse(path).map(|p| p.values(data)).unwrap_or_default();
        // The same value in two items stands there once.
        let values: BTreeSet<&str> = values.into_iter().filter_map(Value::as_str).collect();
        let text = |v: &str| v.chars().take(LONGEST).collect();
        values.into_iter().map(move |v| Indexed { field: path.to_owned(), value: text(v), number: None })
    });
    record_type
        .fields
        .iter()
        .filter(|f| f.index.is_some() && f.derived.is_none())
        .map(|f| {
            let value = data.get(&f.name);
            Indexed {
                field: f.name.clone(),
                value: value.map(|v| key(f.kind, v)).unwrap_or_default(),
                number: value.and_then(number),
            }
        })
        .chain(parts)
        .collect()
}

/// Paths into groups whose values are indexed, each as often as it has values: the codes of guardians, and the
/// institutions in whose queues the record stands.
pub fn indexed_parts(record_type: &RecordType) -> impl Iterator<Item = &str> {
    let guardians = record_type.subject.as_ref().and_then(|s| s.guardians.as_deref());
    let queue = record_type.queue.as_ref().map(|q| q.institution.as_str()).filter(|path| Some(*path) != guardians);
    let indexed = |path: &str| record_type.fields.iter().any(|f| f.name == path && f.index.is_some() && !f.repeats);
    guardians.into_iter().chain(queue).filter(move |path| !indexed(path))
}

/// The searchable values of `data` at `path`, an indexed field or one of [`indexed_parts`], as they are compared.
pub fn values_at(record_type: &RecordType, data: &Value, path: &str) -> Vec<String> {
    let found = index(record_type, data).into_iter().filter(|i| i.field == path && !i.value.is_empty());
    found.map(|i| i.value).collect()
}

/// The form in which `text` is compared with values of a field of `kind`.
pub fn search_key(kind: FieldType, text: &str) -> String {
    match kind {
        FieldType::Text | FieldType::Multiline | FieldType::Address => normalised(text),
        _ => text.chars().take(LONGEST).collect(),
    }
}

/// Fields that `q` looks in: names by prefix, codes whole.
pub fn fields_with(record_type: &RecordType, index: Index) -> impl Iterator<Item = (&str, FieldType)> {
    record_type.fields.iter().filter(move |f| f.index == Some(index)).map(|f| (f.name.as_str(), f.kind))
}

fn key(kind: FieldType, value: &Value) -> String {
    match value {
        Value::String(text) => search_key(kind, text),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn number(value: &Value) -> Option<i64> {
    let decimal = match value {
        Value::String(text) => text.parse::<Decimal>().ok()?,
        Value::Number(n) => Decimal::from(n.as_i64()?),
        _ => return None,
    };
    let scaled = decimal.checked_mul(Decimal::from(10_i64.pow(NUMBER_SCALE)))?;
    i64::try_from(scaled.trunc()).ok()
}

/// Lower case, composed, single spaces: `"  ÕUNA   Mari "` and `"õuna mari"` are the same.
pub fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.nfkc().flat_map(char::to_lowercase));
    }
    out.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_boundary_days_are_active() {
        let d = |n| NaiveDate::from_ymd_opt(2026, 1, n).unwrap();
        let on = |n| Status::on(d(n), Some(d(5)), Some(d(10)));
        assert_eq!([on(4), on(5), on(10), on(11)], [Status::Pending, Status::Active, Status::Active, Status::Ended]);
        assert_eq!(Status::on(d(30), Some(d(5)), None), Status::Active);
    }

    #[test]
    fn names_are_found_whatever_their_case_and_composition() {
        assert_eq!(normalised("  ÕUNA   Mari "), "õuna mari");
        assert_eq!(normalised("O\u{0303}una"), normalised("Õuna"));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert_eq!(number(&serde_json::json!("0.50")), Some(5000));
        assert_eq!(number(&serde_json::json!("12.3456")), Some(123_456));
        assert_eq!(number(&serde_json::json!(7)), Some(70_000));
        assert_eq!(number(&serde_json::json!("abc")), None);
    }
}
