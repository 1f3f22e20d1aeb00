//! Tables of an exchange: the other's names of columns, its codes and its ways of writing.

use serde_json::Value;

use super::cell::{Unread, shown, unread};
use super::columns::{ColumnFault, Columns, Finder, Target, What};
use super::mapping::SEPARATOR;
use super::names::folded;
use super::sheet::Cell;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::exchange::{ColumnForm, ExchangeColumn, ExchangePart};

/// The fields of the columns of a table that comes in by an exchange, and what is wrong with the columns.
///
/// Columns are known by the other's names alone. One that was agreed upon and is missing is a fault; one that was not
/// agreed upon is left out, with a note.
pub fn exchange_columns(kind: &RecordType, part: &ExchangePart, header: &[String]) -> (Columns, Vec<ColumnFault>) {
    let mut finder = Finder::new(kind);
    for name in header {
        let text = folded(name);
        let Some(column) = part.columns.iter().find(|column| folded(&column.name) == text) else {
            finder.push(name, if text.is_empty() { What::Unnamed } else { What::LeftOut }, None);
            if !text.is_empty() {
                let detail = "The exchange has no such column; it is left out.";
                finder.say(name, ("not_agreed", false), detail, Vec::new(), None);
            }
            continue;
        };
        let target = Target { form: column.form, codes: column.codes.clone(), ..Target::default() };
        finder.agreed(name, &column.field, target);
    }
    let has = |column: &&ExchangeColumn| header.iter().any(|name| folded(name) == folded(&column.name));
    for column in part.columns.iter().filter(|column| !has(column)) {
        let detail = "The exchange has this column, and the table lacks it.";
        finder.say(&column.name, ("missing_column", true), detail, vec![column.field.clone()], None);
    }
    finder.finish()
}

/// A cell with the other's code as one with ours; nothing where the code is not one of those agreed upon, and it is read
/// as any other.
pub(super) fn ours(target: &Target, cell: &Cell) -> Result<Option<Cell>, Unread> {
    if target.codes.is_empty() {
        return Ok(None);
    }
    let theirs = folded(&shown(cell));
    let codes: Vec<&String> =
        target.codes.iter().filter(|(_, code)| folded(code) == theirs).map(|(ours, _)| ours).collect();
    match codes.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(Cell::Text((*one).clone()))),
        _ => {
            let all = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
            unread("code_ambiguous", format!("This code of the exchange stands for several of ours: {all}."))
        }
    }
}

/// A value as the other party of an exchange writes it; nothing is an empty text, the items of a list stand with `;`
/// between them. A group has no text.
pub fn exchange_cell(field: &Field, column: &ExchangeColumn, value: Option<&Value>) -> String {
    let Some(value) = value else { return String::new() };
    let text = match value {
        Value::Null | Value::Object(_) => return String::new(),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(|item| exchange_cell(field, column, Some(item))).collect();
            return texts.join(&format!("{SEPARATOR} "));
        }
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    if let Some(theirs) = column.codes.get(&text) {
        return theirs.clone();
    }
    match (column.form, field.kind, value) {
        (Some(ColumnForm::JahEi), _, Value::Bool(yes)) => (if *yes { "Jah" } else { "Ei" }).to_owned(),
        (Some(ColumnForm::DottedDate), FieldType::Date, _) => dotted(&text).unwrap_or(text),
        _ => text,
    }
}

/// A day `YYYY-MM-DD` as `DD.MM.YYYY`.
fn dotted(day: &str) -> Option<String> {
    let day: chrono::NaiveDate = day.parse().ok()?;
    Some(day.format("%d.%m.%Y").to_string())
}
