//! The shapes in which tables leave: their names, their media types, their options.

use crate::files::{CsvOptions, Lang};

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

/// The language of a file.
pub fn file_language(language: &str) -> Lang {
    match language {
        "en" => Lang::En,
        "fi" => Lang::Fi,
        "sv" => Lang::Sv,
        _ => Lang::Et,
    }
}

/// How CSV is written for readers of `language`: as the spreadsheet programs of Estonian, Finnish and Swedish offices
/// open it, or in English as RFC 4180 has it.
pub fn written(language: &str) -> CsvOptions {
    if language == "en" { CsvOptions::rfc4180() } else { CsvOptions::excel_et() }
}
