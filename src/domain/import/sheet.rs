//! A table as it came in: cells with their types, nothing decided about them yet.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Name of the sheet in its workbook; empty for text files.
    pub name: String,
    /// Names of the columns, as they stand in the first row, trimmed.
    pub header: Vec<String>,
    /// Rows after the header, without those that are empty throughout.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its number as a spreadsheet program shows it, from 1; the header is row 1 where nothing stands above it.
    pub number: u32,
    /// Its cells, one for each column of the header.
    pub cells: Vec<Cell>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing, or white space only.
    Empty,
    /// Text, trimmed.
    Text(String),
    /// A number of a workbook. Text files have no numbers, only text.
    Number(Decimal),
    /// A day of a workbook.
    Date(NaiveDate),
    /// A truth value of a workbook.
    Boolean(bool),
    /// What a spreadsheet program shows instead of a value (`#N/A`, `#REF!`), or a formula without a stored value.
    Fault(String),
}
