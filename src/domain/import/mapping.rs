//! What whoever brings a sheet says of it: which column is which field, and how days and numbers are written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What stands between the items of a list in one cell, unless the mapping says otherwise.
pub const SEPARATOR: char = ';';

/// How a sheet is to be read. Whatever it is silent on is read by the names of the columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Path of the field by the name of the column (`guardians[1]/personal_code`, items from 1; also `record_id` and
    /// `effective_on`); `null` leaves the column out.
    pub columns: BTreeMap<String, Option<String>>,
    /// How days are written in cells that hold text. Days of a workbook need no form.
    pub dates: DateForm,
    /// Whether decimals follow a comma in cells that hold text.
    pub decimal_comma: bool,
    /// What stands between the items of a list in one cell; `;` where absent.
    pub separator: Option<char>,
}

impl Mapping {
    /// What stands between the items of a list in one cell.
    pub fn separator(&self) -> char {
        self.separator.unwrap_or(SEPARATOR)
    }
}

/// How days are written. A day in another form is a fault, never a guess: `01/02/2026` is two days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateForm {
    /// `2026-09-01`.
    #[default]
    Iso,
    /// `1.9.2026` or `01.09.2026`.
    Dotted,
    /// `1/9/2026` or `01/09/2026`, the day first.
    DayMonthSlashed,
}

impl DateForm {
    /// The last day of 2026 in this form, for messages.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Iso => "2026-12-31",
            Self::Dotted => "31.12.2026",
            Self::DayMonthSlashed => "31/12/2026",
        }
    }
}
