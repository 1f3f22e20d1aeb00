//! The shapes in which tables leave: their names, their media types, their options.

use crate::domain::statute::FieldType;
use crate::files::{ColumnKind, CsvOptions};

/// The shape of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// JSON.
    Json,
    /// CSV.
    Csv,
    /// XLSX.
    Xlsx,
    /// A page.
    Html,
}

impl Shape {
    /// The word in queries and bodies; the extension too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Html => "html",
        }
    }

    /// The shape that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Json, Self::Csv, Self::Xlsx, Self::Html].into_iter().find(|s| s.as_str() == word)
    }

    /// Media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// A file that has been made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Made {
    /// A file called `stem` with the extension of its shape.
    pub fn new(stem: String, shape: Shape, bytes: Vec<u8>) -> Self {
        Self { name: format!("{stem}.{}", shape.as_str()), shape, bytes }
    }
}

/// How CSV is written for readers of `language`: as the spreadsheet programs of Estonian, Finnish and Swedish offices
/// open it, or in English as RFC 4180 has it.
pub fn written(language: &str) -> CsvOptions {
    if language == "en" { CsvOptions::rfc4180() } else { CsvOptions::excel_et() }
}

/// The column of a field's values.
pub fn column_kind(kind: FieldType) -> ColumnKind {
    match kind {
        FieldType::Integer | FieldType::Year => ColumnKind::Integer,
        FieldType::Decimal | FieldType::Percentage | FieldType::Load => ColumnKind::Decimal,
        FieldType::Money => ColumnKind::Money,
        FieldType::Date => ColumnKind::Date,
        FieldType::Boolean => ColumnKind::Boolean,
        FieldType::Text
        | FieldType::Multiline
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
        | FieldType::Group => ColumnKind::Text,
    }
}
