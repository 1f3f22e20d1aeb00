//! CSV after RFC 4180, row by row, safe to open in a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use chrono::SecondsFormat;

use super::table::{Cell, Column, Table};

/// How the file is written. Rows end in CR LF in any case (RFC 4180 § 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvOptions {
    /// What stands between two fields.
    pub separator: Separator,
    /// Whether the file begins with a byte order mark. Excel takes UTF-8 for a Windows code page without one.
    pub bom: bool,
    /// Whether decimals are written with a comma.
    pub decimal_comma: bool,
}

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
}

impl CsvOptions {
    /// RFC 4180 as programs read it: comma, no byte order mark, decimal point.
    pub const fn rfc4180() -> Self {
        Self { separator: Separator::Comma, bom: false, decimal_comma: false }
    }

    /// What opens with a double click in an Estonian (Finnish, Swedish) Excel.
    pub const fn excel_et() -> Self {
        Self { separator: Separator::Semicolon, bom: true, decimal_comma: true }
    }
}

/// Writes a table row by row, holding one row at a time.
///
/// Days are `YYYY-MM-DD`, moments RFC 3339 with the offset of their zone, answers `true` and `false`. Texts are
/// [guarded](guard), typed values are written as they are, so a negative number stays a number.
pub struct CsvWriter<W: Write> {
    inner: csv::Writer<W>,
    decimal_comma: bool,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the byte order mark, if there shall be one, and the labels of the columns.
    ///
    /// # Errors
    /// What `out` errs with.
    pub fn new(mut out: W, columns: &[Column], options: CsvOptions) -> io::Result<Self> {
        if options.bom {
            out.write_all("\u{FEFF}".as_bytes())?;
        }
        let separator = match options.separator {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
        };
        let mut inner =
            csv::WriterBuilder::new().delimiter(separator).terminator(csv::Terminator::CRLF).from_writer(out);
        inner.write_record(columns.iter().map(|column| guard(&column.label).into_owned()))?;
        Ok(Self { inner, decimal_comma: options.decimal_comma })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// What the writer errs with; also if the row has another number of cells than there are columns.
    pub fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        for cell in cells {
            self.inner.write_field(field(cell, self.decimal_comma).as_bytes())?;
        }
        Ok(self.inner.write_record(None::<&[u8]>)?)
    }

    /// Writes what is still in the buffer and gives the writer back.
    ///
    /// # Errors
    /// What the writer errs with.
    pub fn finish(self) -> io::Result<W> {
        self.inner.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// The whole table as one file.
///
/// # Errors
/// None that we know of: a table has rows of one width and memory takes every byte.
pub fn csv(table: &Table, options: CsvOptions) -> io::Result<Vec<u8>> {
    let mut writer = CsvWriter::new(Vec::new(), table.columns(), options)?;
    for row in table.rows() {
        writer.row(row)?;
    }
    writer.finish()
}

fn field(cell: &Cell, decimal_comma: bool) -> Cow<'_, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Text(text) => guard(text),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Decimal(number) if decimal_comma => Cow::Owned(number.to_string().replace('.', ",")),
        Cell::Decimal(number) => Cow::Owned(number.to_string()),
        Cell::Date(day) => Cow::Owned(day.to_string()),
        Cell::Instant(at) => Cow::Owned(at.to_rfc3339_opts(SecondsFormat::AutoSi, false)),
        Cell::Boolean(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
    }
}

/// A text with a leading apostrophe if a spreadsheet might take it for a formula (OWASP, *CSV Injection*): if, after
/// blanks, it begins with one of `= + - @`, their full-width variants, TAB or CR. [`unguard`] is the way back.
///
/// It holds where the file is opened with the separator it was written with.
pub fn guard(text: &str) -> Cow<'_, str> {
    if looks_like_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that [`guard`] was given; a reader of our files applies it to every text.
pub fn unguard(field: &str) -> &str {
    field.strip_prefix('\'').filter(|text| looks_like_formula(text)).unwrap_or(field)
}

/// Apostrophes are skipped like blanks. Otherwise `'=1` and the guarded `=1` could not be told apart.
fn looks_like_formula(text: &str) -> bool {
    let first = text.chars().find(|&c| match c {
        '\t' | '\r' => true,
        '\'' | '\u{200B}' | '\u{FEFF}' => false,
        _ => !c.is_whitespace(),
    });
    matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠'))
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone};
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::files::table::ColumnKind;

    fn columns(n: usize) -> Vec<Column> {
        (0..n).map(|i| Column { name: format!("c{i}"), label: format!("Veerg {i}"), kind: ColumnKind::Text }).collect()
    }

    fn written(cells: Vec<Cell>, options: CsvOptions) -> String {
        let mut table = Table::new("t".to_owned(), columns(cells.len()));
        table.push(cells).unwrap();
        let text = String::from_utf8(csv(&table, options).unwrap()).unwrap();
        text.split_once("\r\n").unwrap().1.to_owned()
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn an_estonian_excel_gets_semicolons_a_byte_order_mark_and_decimal_commas() {
        let mut table = Table::new("t".to_owned(), columns(3));
        table.push(vec![text("Õie Žukov"), Cell::Decimal(Decimal::new(-1250, 2)), text("a;b")]).unwrap();
        let bytes = csv(&table, CsvOptions::excel_et()).unwrap();
        assert_eq!(bytes, "\u{FEFF}Veerg 0;Veerg 1;Veerg 2\r\nÕie Žukov;-12,50;\"a;b\"\r\n".as_bytes());
    }

    #[test]
    fn typed_values_are_written_for_programs_and_negative_numbers_stay_numbers() {
        let at = chrono_tz::Europe::Tallinn.with_ymd_and_hms(2026, 1, 31, 12, 0, 0).unwrap();
        let cells = vec![
            Cell::Integer(-5),
            Cell::Decimal(Decimal::new(-125, 1)),
            Cell::Date(NaiveDate::from_ymd_opt(2026, 1, 31).unwrap()),
            Cell::Instant(at),
            Cell::Boolean(true),
            Cell::Empty,
        ];
        let line = "-5,-12.5,2026-01-31,2026-01-31T12:00:00+02:00,true,\r\n";
        assert_eq!(written(cells, CsvOptions::rfc4180()), line);
    }

    #[test]
    fn a_text_that_would_run_as_a_formula_does_not() {
        for hostile in [
            "=1+1",
            "+372 5555 5555",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "   =1",
            "\u{a0}=1",
            "\u{feff}=1",
            "＝1",
            "＋1",
            "－1",
            "＠A",
            "\n=1",
        ] {
            let line = written(vec![text(hostile)], CsvOptions::rfc4180());
            assert!(line.starts_with('\'') || line.starts_with("\"'"), "{hostile:?} came out as {line:?}");
        }
    }

    #[test]
    fn a_harmless_text_is_not_touched() {
        for harmless in ["a=b", "Mari-Liis", "'s-Hertogenbosch", "1-2", "", "49001010010", "mari@näide.ee"] {
            assert_eq!(guard(harmless), harmless);
        }
    }

    #[test]
    fn a_label_is_guarded_like_a_text() {
        let column = Column { name: "a".to_owned(), label: "=A1".to_owned(), kind: ColumnKind::Text };
        let bytes = csv(&Table::new("t".to_owned(), vec![column]), CsvOptions::rfc4180()).unwrap();
        assert_eq!(bytes, b"'=A1\r\n");
    }

    #[test]
    fn a_row_of_another_width_is_an_error() {
        let mut writer = CsvWriter::new(Vec::new(), &columns(2), CsvOptions::rfc4180()).unwrap();
        assert!(writer.row(&[Cell::Empty]).is_err());
    }

    #[test]
    fn an_error_of_the_writer_comes_back() {
        #[derive(Debug)]
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let writer = CsvWriter::new(Full, &columns(1), CsvOptions::rfc4180()).unwrap();
        assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[ '=+@,;\"\r\n\tõäöüšžÕÄÖÜŠŽ＝a-]{0,12}"]
    }

    proptest! {
        #[test]
        fn whatever_texts_go_in_come_out_again(
            rows in prop::collection::vec(prop::collection::vec(texts(), 3), 1..8),
            options in prop::sample::select(vec![CsvOptions::rfc4180(), CsvOptions::excel_et()]),
        ) {
            let mut table = Table::new("t".to_owned(), columns(3));
            for row in &rows {
                table.push(row.iter().map(|t| text(t)).collect()).unwrap();
            }
            let bytes = csv(&table, options).unwrap();
            let separator = if options.separator == Separator::Comma { b',' } else { b';' };
            let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(bytes.as_slice());
            let read: Vec<Vec<String>> = reader
                .records()
                .map(|record| record.unwrap().iter().map(|f| unguard(f).to_owned()).collect())
                .collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_guarded_text_looks_like_a_formula_to_a_spreadsheet(text in texts()) {
            let guarded = guard(&text).into_owned();
            let first = guarded.trim_start_matches(|c: char| c.is_whitespace() && c != '\t' && c != '\r').chars().next();
            prop_assert!(!matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠')));
            prop_assert_eq!(unguard(&guarded), text);
        }
    }
}
