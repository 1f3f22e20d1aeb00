//! The table that is released: typed columns, typed cells, and how JSON values become cells.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Lang, words};

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, and every code: personal codes and postal codes are no numbers.
    Text,
    /// Whole number.
    Integer,
    /// Decimal number.
    Decimal,
    /// Decimal number that is an amount of money.
    Money,
    /// Day.
    Date,
    /// Moment, shown in a time zone.
    Instant,
    /// Yes or no.
    Boolean,
}

impl ColumnKind {
    /// Whether the values are aligned to the right.
    pub(super) const fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Money)
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The member of a JSON row that the column shows.
    pub name: String,
    /// What stands at the head of the column.
    pub label: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// There is no value.
    Empty,
    /// Text, and whatever did not fit the kind of its column.
    Text(String),
    /// Whole number.
    Integer(i64),
    /// Decimal number with all the decimals it was given.
    Decimal(Decimal),
    /// Day.
    Date(NaiveDate),
    /// Moment, in the zone in which it is shown.
    Instant(DateTime<Tz>),
    /// Yes or no.
    Boolean(bool),
}

impl Cell {
    /// The cell of a JSON value in a column of `kind`; moments are shown in `zone`.
    ///
    /// What does not fit the kind becomes text with every character it has: a number is only a number if it is written
    /// back exactly as it came (`"007"` and `"1_000"` are text). `null` and empty lists and objects are no value.
    pub fn from_json(value: &Value, kind: ColumnKind, zone: Tz) -> Self {
        let empty = match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        if empty {
            return Self::Empty;
        }
        Self::typed(value, kind, zone).unwrap_or_else(|| Self::Text(readable(value, true)))
    }

    fn typed(value: &Value, kind: ColumnKind, zone: Tz) -> Option<Self> {
        match (kind, value) {
            (ColumnKind::Boolean, Value::Bool(yes)) => Some(Self::Boolean(*yes)),
            (ColumnKind::Integer, Value::Number(number)) => number.as_i64().map(Self::Integer),
            (ColumnKind::Decimal | ColumnKind::Money, Value::Number(number)) => decimal(&number.to_string()),
            (ColumnKind::Decimal | ColumnKind::Money, Value::String(text)) => decimal(text),
            (ColumnKind::Date, Value::String(text)) => {
                let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                (day.to_string() == *text).then_some(Self::Date(day))
            }
            (ColumnKind::Instant, Value::String(text)) => {
                DateTime::parse_from_rfc3339(text).ok().map(|at| Self::Instant(at.with_timezone(&zone)))
            }
            _ => None,
        }
    }

    /// The value as people of `lang` write it. Nothing for [`Cell::Empty`].
    pub fn to_text(&self, lang: Lang) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Decimal(number) if lang == Lang::En => Cow::Owned(number.to_string()),
            Self::Decimal(number) => Cow::Owned(number.to_string().replace('.', ",")),
            Self::Date(day) => Cow::Owned(day.format(lang.day_format()).to_string()),
            Self::Instant(at) => Cow::Owned(at.format(&format!("{} %H:%M:%S", lang.day_format())).to_string()),
            Self::Boolean(yes) => Cow::Borrowed(lang.pick(if *yes { words::YES } else { words::NO })),
        }
    }
}

/// A decimal number if the text is exactly how we would write it.
fn decimal(text: &str) -> Option<Cell> {
    let number = Decimal::from_str_exact(text).ok()?;
    (number.to_string() == text).then_some(Cell::Decimal(number))
}

/// A JSON value as a person reads it: `; ` between the items of a list, `name: value` for members.
/// A list or an object inside another one stands in parentheses.
fn readable(value: &Value, outermost: bool) -> String {
    let inner = match value {
        Value::Null => return String::new(),
        Value::String(text) => return text.clone(),
        Value::Bool(_) | Value::Number(_) => return value.to_string(),
        Value::Array(items) => items.iter().map(|item| readable(item, false)).collect::<Vec<_>>().join("; "),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| format!("{name}: {}", readable(member, false)))
            .collect::<Vec<_>>()
            .join(", "),
    };
    if outermost { inner } else { format!("({inner})") }
}

/// A row has another number of cells than the table has columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the row has {cells} cells, the table {columns} columns")]
pub struct WrongWidth {
    /// Cells of the row.
    pub cells: usize,
    /// Columns of the table.
    pub columns: usize,
}

/// A table. Every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What the table shows.
    pub title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub const fn new(title: String, columns: Vec<Column>) -> Self {
        Self { title, columns, rows: Vec::new() }
    }

    /// The columns, left to right.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, top to bottom.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the row has another number of cells than the table has columns.
    pub fn push(&mut self, row: Vec<Cell>) -> Result<(), WrongWidth> {
        if row.len() != self.columns.len() {
            return Err(WrongWidth { cells: row.len(), columns: self.columns.len() });
        }
        self.rows.push(row);
        Ok(())
    }

    /// Adds the row of a JSON object: of its members those that the columns name. Moments are shown in `zone`.
    pub fn push_json(&mut self, members: &Map<String, Value>, zone: Tz) {
        self.rows.push(json_row(&self.columns, members, zone));
    }
}

/// The cells of a JSON object: of its members those that the columns name, `Empty` for those that are not there.
pub fn json_row(columns: &[Column], members: &Map<String, Value>, zone: Tz) -> Vec<Cell> {
    let cell = |column: &Column| {
        members.get(&column.name).map_or(Cell::Empty, |value| Cell::from_json(value, column.kind, zone))
    };
    columns.iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Tallinn;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn cell(value: &Value, kind: ColumnKind) -> Cell {
        Cell::from_json(value, kind, Tallinn)
    }

    #[test]
    fn what_fits_its_column_is_typed() {
        assert_eq!(cell(&json!(-7), ColumnKind::Integer), Cell::Integer(-7));
        assert_eq!(cell(&json!("12.50"), ColumnKind::Money), Cell::Decimal(Decimal::new(1250, 2)));
        assert_eq!(cell(&json!(0.5), ColumnKind::Decimal), Cell::Decimal(Decimal::new(5, 1)));
        assert_eq!(cell(&json!(false), ColumnKind::Boolean), Cell::Boolean(false));
        let day = NaiveDate::from_ymd_opt(2026, 2, 28).unwrap();
        assert_eq!(cell(&json!("2026-02-28"), ColumnKind::Date), Cell::Date(day));
    }

    #[test]
    fn a_moment_is_shown_in_the_registers_zone_also_when_the_day_differs() {
        let shown = cell(&json!("2026-07-01T21:30:00Z"), ColumnKind::Instant);
        assert_eq!(shown.to_text(Lang::Et), "02.07.2026 00:30:00");
        assert_eq!(shown.to_text(Lang::Sv), "2026-07-02 00:30:00");
    }

    #[test]
    fn what_does_not_fit_becomes_text_and_keeps_every_character() {
        for (value, kind, text) in [
            (json!("007.50"), ColumnKind::Decimal, "007.50"),
            (json!("1_000"), ColumnKind::Money, "1_000"),
            (json!("+5"), ColumnKind::Decimal, "+5"),
            (json!("12345678901234567890123456789012"), ColumnKind::Decimal, "12345678901234567890123456789012"),
            (json!(18_446_744_073_709_551_615_u64), ColumnKind::Integer, "18446744073709551615"),
            (json!("2026-02-30"), ColumnKind::Date, "2026-02-30"),
            (json!("2026-2-1"), ColumnKind::Date, "2026-2-1"),
            (json!("eile"), ColumnKind::Instant, "eile"),
            (json!("true"), ColumnKind::Boolean, "true"),
            (json!(12), ColumnKind::Text, "12"),
            (json!(true), ColumnKind::Integer, "true"),
        ] {
            assert_eq!(cell(&value, kind), Cell::Text(text.to_owned()), "{value}");
        }
    }

    #[test]
    fn lists_and_objects_read_as_text() {
        let read = |value: Value| cell(&value, ColumnKind::Text).to_text(Lang::En).into_owned();
        assert_eq!(read(json!(["eesti", "vene"])), "eesti; vene");
        assert_eq!(read(json!({ "algus": "2026-01-01", "koormus": 0.5 })), "algus: 2026-01-01, koormus: 0.5");
        assert_eq!(read(json!([{ "a": 1 }, { "a": [2, null] }])), "(a: 1); (a: (2; ))");
    }

    #[test]
    fn nothing_is_an_empty_cell_but_an_empty_text_is_a_text() {
        for nothing in [json!(null), json!([]), json!({})] {
            assert_eq!(cell(&nothing, ColumnKind::Text), Cell::Empty);
        }
        assert_eq!(cell(&json!(""), ColumnKind::Text), Cell::Text(String::new()));
    }

    #[test]
    fn numbers_and_answers_are_written_as_the_language_does() {
        let money = Cell::Decimal(Decimal::new(-123_450, 2));
        assert_eq!(money.to_text(Lang::Et), "-1234,50");
        assert_eq!(money.to_text(Lang::En), "-1234.50");
        assert_eq!(Cell::Boolean(true).to_text(Lang::Fi), "kyllä");
    }

    #[test]
    fn a_row_takes_the_members_its_columns_name_and_no_others() {
        let column = |name: &str| Column { name: name.to_owned(), label: name.to_owned(), kind: ColumnKind::Text };
        let mut table = Table::new("t".to_owned(), vec![column("a"), column("b")]);
        let row = json!({ "b": "2", "salajane": "x" });
        table.push_json(row.as_object().unwrap(), Tallinn);
        assert_eq!(table.rows(), [[Cell::Empty, Cell::Text("2".to_owned())]]);
    }

    #[test]
    fn a_row_of_another_width_is_refused() {
        let mut table = Table::new("t".to_owned(), Vec::new());
        assert_eq!(table.push(vec![Cell::Empty]), Err(WrongWidth { cells: 1, columns: 0 }));
        assert!(table.rows().is_empty());
    }

    proptest! {
        #[test]
        fn a_text_in_any_column_can_be_read_back_from_its_cell(
            text in prop_oneof![any::<String>(), "-?[0-9_]{0,31}([.,][0-9]{0,4})?", "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"],
            kind in prop::sample::select(vec![
                ColumnKind::Text, ColumnKind::Integer, ColumnKind::Decimal, ColumnKind::Money, ColumnKind::Date,
                ColumnKind::Boolean,
            ]),
        ) {
            let back = match cell(&json!(text), kind) {
                Cell::Date(day) => day.to_string(),
                other => other.to_text(Lang::En).into_owned(),
            };
            prop_assert_eq!(back, text);
        }
    }
}
