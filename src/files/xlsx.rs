//! XLSX: the data on the first sheet, the frame of the release on the second.
//!
//! The workbook is built in memory. The crate's constant-memory mode would put the rows into temporary files, and
//! personal data does not belong on a disk nobody keeps books on.

use chrono::{DateTime, Datelike, NaiveDate};
use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, Format, FormatAlign, FormatBorder, IgnoreError, Workbook, Worksheet, XlsxError};

use super::table::{Cell, ColumnKind, Table};
use super::{Extract, Lang, words};

/// The greatest number, decimal point aside, all of whose digits Excel keeps: it counts in doubles and shows 15 digits.
const GREATEST_EXACT: u128 = 999_999_999_999_999;
/// Narrowest and widest column, in characters.
const WIDTHS: (usize, usize) = (8, 60);

/// The extract as a workbook.
///
/// Numbers, days, moments and answers are typed cells. What Excel can't hold exactly is text: numbers of more than 15
/// digits, days before March 1900 (Excel counts a 29 February 1900 that never was). A text never becomes a formula,
/// also when a person edits the cell.
///
/// # Errors
/// If a text is longer than 32 767 UTF-16 units or there are more than 1 048 575 rows or 16 384 columns: the limits of
/// the format.
pub fn xlsx(extract: &Extract) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // Only what the register itself is: properties are read by indexers and shown without opening the file.
    workbook.set_properties(
        &DocProperties::new()
            .set_title(&extract.register_name)
            .set_subject(&extract.ledger_number)
            .set_creation_datetime(&extract.made_at),
    );
    write_data(workbook.add_worksheet().set_name(extract.lang.pick(words::DATA))?, &extract.table, extract.lang)?;
    write_frame(workbook.add_worksheet().set_name(extract.lang.pick(words::RELEASE))?, extract)?;
    workbook.save_to_buffer()
}

/// The table alone as a workbook of one sheet, so that it can be read in again. It bears no moment.
///
/// # Errors
/// As [`xlsx`].
pub fn xlsx_table(table: &Table, lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&DocProperties::new().set_title(&table.title).set_creation_datetime(&DateTime::UNIX_EPOCH));
    write_data(workbook.add_worksheet().set_name(lang.pick(words::DATA))?, table, lang)?;
    workbook.save_to_buffer()
}

fn write_data(sheet: &mut Worksheet, table: &Table, lang: Lang) -> Result<(), XlsxError> {
    let columns = table.columns();
    let formats = Formats::new();
    let head = Format::new().set_bold().set_border_bottom(FormatBorder::Thin).set_num_format("@");
    let mut widths: Vec<usize> = columns.iter().map(|column| column.label.chars().count() + 2).collect();
    for (x, column) in (0_u16..).zip(columns) {
        sheet.write_string_with_format(0, x, &column.label, &head)?;
    }
    for (y, row) in (1_u32..).zip(table.rows()) {
        for (((x, column), cell), width) in (0_u16..).zip(columns).zip(row).zip(&mut widths) {
            write_cell(sheet, (y, x), cell, column.kind, lang, &formats)?;
            *width = (*width).max(cell.to_text(lang).chars().count() + 1);
        }
    }
    for (x, width) in (0_u16..).zip(widths) {
        let width = u32::try_from(width.clamp(WIDTHS.0, WIDTHS.1)).unwrap_or_default();
        sheet.set_column_width(x, width)?;
    }
    let last_row = u32::try_from(table.rows().len()).unwrap_or(u32::MAX);
    if let Some(last) = columns.len().checked_sub(1) {
        let last = u16::try_from(last).unwrap_or(u16::MAX);
        sheet.set_freeze_panes(1, 0)?.autofilter(0, 0, last_row, last)?;
        // Codes are text on purpose.
        sheet.ignore_error_range(0, 0, last_row, last, IgnoreError::NumberStoredAsText)?;
    }
    sheet.set_repeat_rows(0, 0)?.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}

fn write_frame(sheet: &mut Worksheet, extract: &Extract) -> Result<(), XlsxError> {
    let label_format = Format::new().set_bold().set_align(FormatAlign::Top);
    let value_format = Format::new().set_num_format("@").set_text_wrap();
    for (y, (label, value)) in (0_u32..).zip(extract.frame()) {
        sheet.write_string_with_format(y, 0, label, &label_format)?;
        sheet.write_string_with_format(y, 1, value, &value_format)?;
    }
    sheet.set_column_width(0, 24)?.set_column_width(1, 80)?.set_paper_size(9);
    Ok(())
}

struct Formats {
    /// Stays text when a person edits the cell.
    text: Format,
    date: Format,
    instant: Format,
    /// By the number of decimals.
    decimal: Vec<Format>,
    /// By the number of decimals, with thousands.
    money: Vec<Format>,
}

impl Formats {
    fn new() -> Self {
        let format = |code: &str| Format::new().set_num_format(code);
        let by_scale = |whole: &str| {
            let decimals = (1..=Decimal::MAX_SCALE as usize).map(|n| format(&format!("{whole}.{}", "0".repeat(n))));
            std::iter::once(format(whole)).chain(decimals).collect()
        };
        Self {
            text: format("@"),
            date: format("dd.mm.yyyy"),
            instant: format("dd.mm.yyyy hh:mm:ss"),
            decimal: by_scale("0"),
            money: by_scale("#,##0"),
        }
    }

    fn number(&self, kind: ColumnKind, scale: u32) -> Option<&Format> {
        let by_scale = if kind == ColumnKind::Money { &self.money } else { &self.decimal };
        by_scale.get(usize::try_from(scale).ok()?)
    }
}

fn write_cell(
    sheet: &mut Worksheet,
    (y, x): (u32, u16),
    cell: &Cell,
    kind: ColumnKind,
    lang: Lang,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let number = match cell {
        Cell::Integer(number) => Some(Decimal::from(*number)),
        Cell::Decimal(number) => Some(*number),
        _ => None,
    };
    let number = number.and_then(|number| Some((exact(number)?, formats.number(kind, number.scale())?)));
    match (cell, number) {
        (Cell::Empty, _) => return Ok(()),
        (_, Some((double, format))) => sheet.write_number_with_format(y, x, double, format)?,
        (Cell::Boolean(yes), _) => sheet.write_boolean(y, x, *yes)?,
        (Cell::Date(day), _) if excel_counts(*day) => sheet.write_datetime_with_format(y, x, day, &formats.date)?,
        (Cell::Instant(at), _) if excel_counts(at.date_naive()) => {
            sheet.write_datetime_with_format(y, x, at.naive_local(), &formats.instant)?
        }
        _ => sheet.write_string_with_format(y, x, cell.to_text(lang), &formats.text)?,
    };
    Ok(())
}

/// The number as a double if it has no more digits than Excel keeps.
fn exact(number: Decimal) -> Option<f64> {
    if number.mantissa().unsigned_abs() > GREATEST_EXACT { None } else { number.to_string().parse().ok() }
}

/// Whether Excel and everybody else agree on the day.
fn excel_counts(day: NaiveDate) -> bool {
    (1900..=9999).contains(&day.year()) && (day.year() > 1900 || day.month() > 2)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, ExcelDateTime, ExcelDateTimeType, Range, Reader, Xlsx};
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::files::table::{Column, Table};
    use crate::files::tests::{extract, texts, with_table};

    fn open(bytes: Vec<u8>) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(bytes)).unwrap()
    }

    fn sheet(extract: &Extract, name: &str) -> Range<Data> {
        open(xlsx(extract).unwrap()).worksheet_range(name).unwrap()
    }

    /// The first cell under the head of a column of `kind`.
    fn only(cell: Cell, kind: ColumnKind) -> Data {
        let column = Column { name: "a".to_owned(), label: "A".to_owned(), kind };
        let mut table = Table::new("t".to_owned(), vec![column]);
        table.push(vec![cell]).unwrap();
        sheet(&with_table(table), "Andmed").get_value((1, 0)).cloned().unwrap_or_default()
    }

    fn text(text: &str) -> Data {
        Data::String(text.to_owned())
    }

    fn date(serial: f64) -> Data {
        Data::DateTime(ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, false))
    }

    #[test]
    fn every_value_has_the_type_a_spreadsheet_reckons_with() {
        let range = sheet(&extract(2), "Andmed");
        let rows: Vec<_> = range.rows().map(<[Data]>::to_vec).collect();
        assert_eq!(rows[0], ["Isikukood", "Nimi", "Sünniaeg", "Tunde", "Tasu", "Õpib"].map(text));
        let second = [
            text("00000000001"),
            text("Õie Žukovskaja-Müür 1"),
            date(42064.0),
            Data::Float(1.0),
            Data::Float(1234.5),
            Data::Bool(false),
        ];
        assert_eq!(rows[2], second);
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn a_number_that_excel_would_round_is_text() {
        let decimal = |text: &str| Cell::Decimal(Decimal::from_str_exact(text).unwrap());
        let kept = decimal("-1234567890123.45");
        assert_eq!(only(kept, ColumnKind::Money), Data::Float(-1_234_567_890_123.45));
        let long = decimal("12345678901234.567");
        assert_eq!(only(long, ColumnKind::Decimal), text("12345678901234,567"));
        assert_eq!(only(Cell::Integer(i64::MIN), ColumnKind::Integer), text("-9223372036854775808"));
        assert_eq!(only(Cell::Integer(-999_999_999_999_999), ColumnKind::Integer), Data::Float(-999_999_999_999_999.0));
    }

    #[test]
    fn a_day_that_excel_miscounts_is_text() {
        let day = |y, m, d| Cell::Date(NaiveDate::from_ymd_opt(y, m, d).unwrap());
        assert_eq!(only(day(1900, 2, 28), ColumnKind::Date), text("28.02.1900"));
        assert_eq!(only(day(1900, 3, 1), ColumnKind::Date), date(61.0));
        assert_eq!(only(day(1837, 12, 31), ColumnKind::Date), text("31.12.1837"));
    }

    #[test]
    fn a_moment_is_the_local_time_of_its_zone() {
        let at = chrono_tz::Europe::Tallinn.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap();
        assert_eq!(only(Cell::Instant(at), ColumnKind::Instant), date(46023.5));
    }

    #[test]
    fn an_empty_cell_is_empty() {
        assert_eq!(only(Cell::Empty, ColumnKind::Text), Data::Empty);
    }

    #[test]
    fn no_text_becomes_a_formula_or_a_number() {
        let hostile = ["=1+1", "+1", "-1", "@A1", "{=1}", "007", "1e5", "https://näide.ee", "_x0041_"];
        let mut book = open(xlsx(&texts(&hostile)).unwrap());
        let range = book.worksheet_range("Andmed").unwrap();
        let read: Vec<_> = range.rows().skip(1).map(|row| row[0].clone()).collect();
        assert_eq!(read, hostile.map(text));
        assert!(book.worksheet_formula("Andmed").unwrap().is_empty());
    }

    #[test]
    fn the_second_sheet_carries_the_frame_of_the_release() {
        let extract = extract(1);
        let read: Vec<_> = sheet(&extract, "Väljastamine").rows().map(|row| (row[0].clone(), row[1].clone())).collect();
        let frame: Vec<_> = extract.frame().iter().map(|(label, value)| (text(label), text(value))).collect();
        assert_eq!(read, frame);
    }

    #[test]
    fn the_properties_of_the_file_name_no_person() {
        let properties = open(xlsx(&extract(1)).unwrap()).workbook_properties().unwrap();
        assert_eq!(properties.title.as_deref(), Some("Näidiskooli andmekogu"));
        assert_eq!(properties.subject.as_deref(), Some("2026-000017"));
        assert_eq!(properties.created.as_deref(), Some("2026-06-30T21:30:15Z"));
        let all = format!("{properties:?}");
        for private in ["Mari", "Tugiteenuse", "Žukovskaja"] {
            assert!(!all.contains(private), "{private} is in {all}");
        }
    }

    #[test]
    fn the_head_is_bold_and_days_and_sums_are_shown_as_people_write_them() {
        let styles = open(xlsx(&extract(1)).unwrap()).worksheet_style("Andmed").unwrap();
        let style = |y, x| styles.get((y, x)).unwrap();
        assert!((0..6).all(|x| style(0, x).font.as_ref().unwrap().is_bold()));
        let shown: Vec<_> = (0..5).map(|x| style(1, x).number_format.as_ref().unwrap().format_code.clone()).collect();
        assert_eq!(shown, ["@", "@", "dd.mm.yyyy", "0", "#,##0.00"]);
    }

    #[test]
    fn the_same_extract_gives_the_same_bytes() {
        assert_eq!(xlsx(&extract(50)).unwrap(), xlsx(&extract(50)).unwrap());
    }

    #[test]
    fn a_table_without_rows_or_columns_is_still_a_workbook() {
        assert_eq!(sheet(&extract(0), "Andmed").height(), 1);
        assert!(sheet(&with_table(Table::new("t".to_owned(), Vec::new())), "Andmed").is_empty());
    }

    #[test]
    fn a_text_that_does_not_fit_a_cell_is_an_error_rather_than_cut() {
        let longest = "õ".repeat(32_767);
        assert!(xlsx(&texts(&[&longest])).is_ok());
        assert!(matches!(xlsx(&texts(&[&format!("{longest}õ")])), Err(XlsxError::MaxStringLengthExceeded)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_texts_go_in_come_out_again(texts_in in prop::collection::vec("[^\u{FFFE}\u{FFFF}]{1,20}", 1..10)) {
            let borrowed: Vec<&str> = texts_in.iter().map(String::as_str).collect();
            let range = sheet(&texts(&borrowed), "Andmed");
            let read: Vec<_> = range.rows().skip(1).map(|row| row[0].clone()).collect();
            prop_assert_eq!(read, borrowed.iter().map(|t| text(t)).collect::<Vec<_>>());
        }
    }
}
