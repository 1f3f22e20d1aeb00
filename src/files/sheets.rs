//! Sheets that go out to be filled in or mended, and come in again: templates, and sheets with their faults.

use std::collections::BTreeMap;
use std::io;

use chrono::{DateTime, NaiveDate};
use rust_xlsxwriter::{
    Color, DataValidation, DataValidationRule, DocProperties, Format, FormatAlign, FormatBorder, Formula, IgnoreError,
    Note, Workbook, Worksheet, XlsxError, utility,
};
use thiserror::Error;

use super::csv::{CsvOptions, csv};
use super::read::decimal;
use super::table::{self, Table};
use super::{Lang, Words};
use crate::domain::import::sheet::{Cell, Row, Sheet};

/// The sheet of a template that holds its code lists.
pub const CODES_SHEET: &str = "koodid";
/// The sheet of a template that describes its columns.
pub const GUIDE_SHEET: &str = "juhend";
/// The column with what is wrong in a row.
pub const FAULT_COLUMN: &str = "viga";
/// The column with the names of the columns in which it is wrong.
pub const FIELD_COLUMN: &str = "väli";

/// How many rows of a template have its formats and drop-downs: as many as are [read](super::read::Limits).
const ROWS: u32 = 20_000;
/// Codes up to so many are listed in the guide, more of them only on their own sheet.
const LISTED: usize = 40;
/// Narrowest and widest column, in characters.
const WIDTHS: (usize, usize) = (12, 48);
/// UTF-16 units that a cell takes (Excel's limit).
const CELL_UNITS: usize = 32_767;
/// Number of the built-in format for text, `@`: what is typed into such a cell stays as it is typed.
const TEXT: u8 = 49;
/// Between two faults of a row.
const BETWEEN: &str = "; ";

/// The words of the frame.
mod words {
    use super::Words;

    pub const DATA: Words = ["andmed", "data", "tiedot", "data"];
    pub const LABEL: Words = ["Veerg", "Column", "Sarake", "Kolumn"];
    pub const NAME: Words = ["Masinloetav nimi", "Machine name", "Koneluettava nimi", "Maskinläsbart namn"];
    pub const CLAUSE: Words = ["Õiguslik alus", "Legal basis", "Oikeusperuste", "Rättslig grund"];
    pub const KIND: Words = ["Tüüp", "Type", "Tyyppi", "Typ"];
    pub const REQUIRED: Words = ["Kohustuslik", "Required", "Pakollinen", "Obligatorisk"];
    pub const CODES: Words = ["Väärtused", "Values", "Arvot", "Värden"];
    pub const NOTE: Words = ["Märkus", "Note", "Huomautus", "Anmärkning"];
    pub const YES: Words = ["jah", "yes", "kyllä", "ja"];
    pub const NO: Words = ["ei", "no", "ei", "nej"];
    pub const TEXT: Words = ["tekst", "text", "teksti", "text"];
    pub const CODE: Words = ["väärtus loetelust", "value of a list", "luettelon arvo", "värde ur en lista"];
    pub const DATE: Words = ["kuupäev", "date", "päivämäärä", "datum"];
    pub const NUMBER: Words = ["arv", "number", "luku", "tal"];
    pub const BOOLEAN: Words = ["jah või ei", "yes or no", "kyllä tai ei", "ja eller nej"];
    pub const SEE: Words = ["vaata lehte", "see the sheet", "katso taulukko", "se bladet"];
    pub const WRONG: Words = ["Vigane väärtus", "Invalid value", "Virheellinen arvo", "Ogiltigt värde"];
    pub const CHOOSE: Words = [
        "Vali väärtus loetelust.",
        "Choose a value of the list.",
        "Valitse arvo luettelosta.",
        "Välj ett värde i listan.",
    ];
    pub const ENTER_DATE: Words = ["Sisesta kuupäev.", "Enter a date.", "Syötä päivämäärä.", "Ange ett datum."];
    pub const ENTER_NUMBER: Words = ["Sisesta arv.", "Enter a number.", "Syötä luku.", "Ange ett tal."];
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSpec {
    /// Name of the record type; the first sheet is called so, as far as names of sheets allow.
    pub title: String,
    /// The columns in their order.
    pub columns: Vec<TemplateColumn>,
    /// The language of the frame.
    pub words: Lang,
}

/// A column of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateColumn {
    /// What stands at its head. No two are the same.
    pub label: String,
    /// Machine name of the field.
    pub name: String,
    /// The clause under which the field is held; may be empty.
    pub clause: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// Whether every row needs a value.
    pub required: bool,
    /// What else to know.
    pub note: Option<String>,
}

/// What the values of a column of a template are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, and every code that is in no list: personal codes keep their zeros and are no numbers.
    Text,
    /// One of a list, code and label. Labels are chosen from where no two are the same, otherwise codes.
    Code(Vec<(String, String)>),
    /// Day.
    Date,
    /// Number.
    Number,
    /// Yes or no, in the words of the language.
    Boolean,
}

/// A sheet can't be written. The message holds no value of it.
#[derive(Debug, Error)]
pub enum SheetError {
    /// It does not fit the limits of the format.
    #[error("the sheet does not fit the limits of a workbook")]
    Workbook(#[source] XlsxError),
    /// It does not fit a text file.
    #[error("the sheet can't be written as text")]
    Text(#[source] io::Error),
    /// Its rows and columns don't fit each other.
    #[error("a row of the sheet has another number of cells than there are columns")]
    WrongWidth,
}

impl From<XlsxError> for SheetError {
    fn from(error: XlsxError) -> Self {
        Self::Workbook(error)
    }
}

/// Whether a sheet of this name belongs to the frame of a template and holds no data.
pub fn is_frame_sheet(name: &str) -> bool {
    [CODES_SHEET, GUIDE_SHEET].contains(&name)
}

/// Whether a column of this name was added by [`faults`]: a sheet that comes back mended may still have it.
pub fn is_fault_column(header: &str) -> bool {
    let header = header.trim().to_lowercase();
    [FAULT_COLUMN, FIELD_COLUMN].contains(&header.as_str())
}

/// A workbook to fill in.
///
/// The first sheet has the labels at its head, formats and drop-downs below, and the machine name and the clause of
/// each column as a note. The sheets [`CODES_SHEET`] and [`GUIDE_SHEET`] hold the code lists, where there are any, and
/// tell about the columns. The same specification gives the same bytes.
///
/// # Errors
/// [`SheetError::Workbook`] if there are more columns or longer texts than a workbook takes.
pub fn template(spec: &TemplateSpec) -> Result<Vec<u8>, SheetError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&undated().set_title(&spec.title));
    workbook.add_worksheet().set_name(sheet_name(&spec.title, spec.words))?;
    let lists = write_codes(&mut workbook, spec)?;
    write_columns(workbook.worksheet_from_index(0)?, spec, &lists)?;
    write_guide(workbook.add_worksheet().set_name(GUIDE_SHEET)?, spec)?;
    Ok(workbook.save_to_buffer()?)
}

/// Properties without the moment of writing, so that the same data give the same bytes.
fn undated() -> DocProperties {
    DocProperties::new().set_creation_datetime(&DateTime::UNIX_EPOCH)
}

/// A title as the name of a sheet: up to 31 characters, without those that Excel reserves.
fn sheet_name(title: &str, lang: Lang) -> String {
    let name: String = title.chars().map(|c| if "[]:*?/\\".contains(c) || c.is_control() { ' ' } else { c }).collect();
    let mut short = String::new();
    for c in name.trim().trim_matches('\'').chars() {
        if short.encode_utf16().count() + c.len_utf16() > 31 {
            break;
        }
        short.push(c);
    }
    let name = short.trim().trim_matches('\'').trim();
    // Excel keeps the last for itself.
    let reserved = [CODES_SHEET, GUIDE_SHEET, "history", ""];
    if reserved.contains(&name.to_lowercase().as_str()) { lang.pick(words::DATA).to_owned() } else { name.to_owned() }
}

/// What is chosen from, where it is a closed list.
fn choices(kind: &ColumnKind, lang: Lang) -> Option<Vec<&str>> {
    match kind {
        ColumnKind::Code(codes) => {
            let mut labels: Vec<String> = codes.iter().map(|(_, label)| label.trim().to_lowercase()).collect();
            labels.sort_unstable();
            labels.dedup();
            let by_label = labels.len() == codes.len() && !labels.iter().any(String::is_empty);
            Some(codes.iter().map(|(code, label)| if by_label { label } else { code }.as_str()).collect())
        }
        ColumnKind::Boolean => Some(vec![lang.pick(words::YES), lang.pick(words::NO)]),
        ColumnKind::Text | ColumnKind::Date | ColumnKind::Number => None,
    }
}

/// The sheet of code lists, two columns for each, and the ranges that are chosen from, by the index of the column. A
/// range has no limit of 255 characters, as a list in the rule itself has, and values may hold commas.
fn write_codes(workbook: &mut Workbook, spec: &TemplateSpec) -> Result<BTreeMap<usize, String>, XlsxError> {
    let mut ranges = BTreeMap::new();
    let lists = spec.columns.iter().enumerate();
    let lists: Vec<_> = lists.filter_map(|(i, column)| Some((i, column, choices(&column.kind, spec.words)?))).collect();
    if lists.is_empty() {
        return Ok(ranges);
    }
    let sheet = workbook.add_worksheet().set_name(CODES_SHEET)?;
    let text = Format::new().set_num_format_index(TEXT);
    let bold = text.clone().set_bold();
    for ((index, column, choices), x) in lists.into_iter().zip((0_u16..).step_by(2)) {
        sheet
            .write_string_with_format(0, x, &column.label, &bold)?
            .set_column_width(x, 32)?
            .set_column_width(x + 1, 24)?;
        let mut last = 0;
        for (y, choice) in (1_u32..).zip(&choices) {
            sheet.write_string_with_format(y, x, *choice, &text)?;
            last = y;
        }
        // Beside what is chosen, its code.
        if let ColumnKind::Code(codes) = &column.kind {
            sheet.write_string_with_format(0, x + 1, &column.name, &bold)?;
            for (y, (code, _)) in (1_u32..).zip(codes) {
                sheet.write_string_with_format(y, x + 1, code, &text)?;
            }
        }
        if last > 0 {
            let [first, last] = [utility::row_col_to_cell_absolute(1, x), utility::row_col_to_cell_absolute(last, x)];
            ranges.insert(index, format!("={CODES_SHEET}!{first}:{last}"));
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(ranges)
}

fn write_columns(sheet: &mut Worksheet, spec: &TemplateSpec, lists: &BTreeMap<usize, String>) -> Result<(), XlsxError> {
    let lang = spec.words;
    let text = Format::new().set_num_format_index(TEXT);
    let day = Format::new().set_num_format(day_format(lang));
    let number = Format::new();
    let optional = text.clone().set_border_bottom(FormatBorder::Thin).set_background_color(Color::RGB(0xED_ED_ED));
    let required =
        text.clone().set_border_bottom(FormatBorder::Thin).set_background_color(Color::RGB(0xFF_E6_99)).set_bold();
    for (index, (x, column)) in (0_u16..).zip(&spec.columns).enumerate() {
        let format = match column.kind {
            ColumnKind::Text | ColumnKind::Code(_) | ColumnKind::Boolean => &text,
            ColumnKind::Date => &day,
            ColumnKind::Number => &number,
        };
        sheet.set_column_format(x, format)?.set_column_width(x, width(column.label.chars().count() + 4))?;
        sheet.write_string_with_format(0, x, &column.label, if column.required { &required } else { &optional })?;
        sheet.insert_note(0, x, &note(column, lang))?;
        if let Some(rule) = rule(&column.kind, lists.get(&index), lang)? {
            sheet.add_data_validation(1, x, ROWS, x, &rule)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?.set_row_height(0, 24)?;
    if let Some(last) = spec.columns.len().checked_sub(1) {
        let last = u16::try_from(last).unwrap_or(u16::MAX);
        sheet.ignore_error_range(0, 0, ROWS, last, IgnoreError::NumberStoredAsText)?;
    }
    Ok(())
}

/// How spreadsheets show a day. The format itself tells the reader that it is one.
const fn day_format(lang: Lang) -> &'static str {
    match lang {
        Lang::Et | Lang::Fi => "dd.mm.yyyy",
        Lang::En | Lang::Sv => "yyyy-mm-dd",
    }
}

fn width(characters: usize) -> u32 {
    u32::try_from(characters.clamp(WIDTHS.0, WIDTHS.1)).unwrap_or_default()
}

/// The note at the head of a column.
fn note(column: &TemplateColumn, lang: Lang) -> Note {
    let required = column.required.then(|| lang.pick(words::REQUIRED));
    let lines = [Some(column.name.as_str()), Some(column.clause.as_str()), required, column.note.as_deref()];
    let lines: Vec<&str> = lines.into_iter().flatten().filter(|line| !line.is_empty()).collect();
    let text = lines.join("\n");
    let height = lines.iter().map(|line| line.chars().count() / 40 + 1).sum::<usize>() * 18 + 12;
    Note::new(text)
        .add_author_prefix(false)
        .set_width(280)
        .set_height(u32::try_from(height.min(400)).unwrap_or_default())
}

/// What a spreadsheet program lets people enter in a column.
fn rule(kind: &ColumnKind, list: Option<&String>, lang: Lang) -> Result<Option<DataValidation>, XlsxError> {
    let (rule, message) = match (kind, list) {
        (_, Some(range)) => (DataValidation::new().allow_list_formula(Formula::new(range)), words::CHOOSE),
        (ColumnKind::Date, _) => {
            // The days that all programs number alike.
            let days =
                [(1900, 3, 1), (9999, 12, 31)].map(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d).unwrap_or_default());
            (DataValidation::new().allow_date(DataValidationRule::Between(days[0], days[1])), words::ENTER_DATE)
        }
        (ColumnKind::Number, _) => {
            let rule = DataValidationRule::Between(-1e15, 1e15);
            (DataValidation::new().allow_decimal_number(rule), words::ENTER_NUMBER)
        }
        _ => return Ok(None),
    };
    Ok(Some(rule.set_error_title(lang.pick(words::WRONG))?.set_error_message(lang.pick(message))?))
}

/// The sheet that tells about the columns.
fn write_guide(sheet: &mut Worksheet, spec: &TemplateSpec) -> Result<(), XlsxError> {
    let lang = spec.words;
    let text = Format::new().set_num_format_index(TEXT).set_text_wrap().set_align(FormatAlign::Top);
    let bold = text.clone().set_bold().set_border_bottom(FormatBorder::Thin);
    let head = [words::LABEL, words::NAME, words::CLAUSE, words::KIND, words::REQUIRED, words::CODES, words::NOTE];
    for ((x, words), width) in (0_u16..).zip(head).zip([32, 28, 24, 20, 14, 60, 48_u32]) {
        sheet.write_string_with_format(0, x, lang.pick(words), &bold)?.set_column_width(x, width)?;
    }
    for (y, column) in (1_u32..).zip(&spec.columns) {
        let kind = match column.kind {
            ColumnKind::Text => words::TEXT,
            ColumnKind::Code(_) => words::CODE,
            ColumnKind::Date => words::DATE,
            ColumnKind::Number => words::NUMBER,
            ColumnKind::Boolean => words::BOOLEAN,
        };
        let codes = match &column.kind {
            ColumnKind::Code(codes) if codes.len() > LISTED => format!("{} {CODES_SHEET}", lang.pick(words::SEE)),
            ColumnKind::Code(codes) => {
                codes.iter().map(|(code, label)| format!("{code} – {label}")).collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        };
        let required = lang.pick(if column.required { words::YES } else { words::NO });
        let note = column.note.as_deref().unwrap_or_default();
        let cells = [&column.label, &column.name, &column.clause, lang.pick(kind), required, &cut(codes), note];
        for (x, cell) in (0_u16..).zip(cells) {
            sheet.write_string_with_format(y, x, cell, &text)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// A text of our own making as far as a cell takes it.
fn cut(mut text: String) -> String {
    while text.encode_utf16().count() > CELL_UNITS {
        // A character has up to two units, so this never cuts too much by far.
        let keep = text.chars().count().min(CELL_UNITS / 2);
        text = text.chars().take(keep).collect();
    }
    text
}

/// The format of a sheet with its faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A workbook.
    Xlsx,
    /// UTF-8 with a byte order mark, semicolons and decimal commas: what an Estonian Excel opens.
    Csv,
}

/// A sheet as it came in, and what is wrong with it: all its columns and rows in their order, every row in its own row
/// again, with the columns [`FAULT_COLUMN`] and [`FIELD_COLUMN`] at the end. Mended, it can be sent again.
///
/// `faults` are by row number, each the name of a column and a text. Those of rows that the sheet does not have are left
/// out, so tell of the sheet as a whole elsewhere. Texts stay texts, also those that look like formulas; an error value
/// of a workbook stays one.
///
/// # Errors
/// [`SheetError`] if a text is longer than a cell of a workbook, or a row has not as many cells as there are columns.
pub fn faults(
    original: &Sheet,
    faults: &BTreeMap<u32, Vec<(String, String)>>,
    shape: Shape,
    words: Lang,
) -> Result<Vec<u8>, SheetError> {
    if original.rows.iter().any(|row| row.cells.len() != original.header.len()) {
        return Err(SheetError::WrongWidth);
    }
    // What an earlier round found is gone or found again.
    let kept: Vec<usize> =
        original.header.iter().enumerate().filter(|(_, name)| !is_fault_column(name)).map(|(place, _)| place).collect();
    let marked = Marked { original, faults, kept, numbers: numbers(&original.rows) };
    match shape {
        Shape::Xlsx => Ok(marked.xlsx(words)?),
        Shape::Csv => marked.csv(),
    }
}

/// The rows that a sheet's rows are written to: their own, unless few rows are scattered over many.
fn numbers(rows: &[Row]) -> Vec<u32> {
    let last = rows.last().map_or(0, |row| row.number);
    let first = rows.first().map_or(2, |row| row.number);
    let ascending = rows.is_sorted_by(|a, b| a.number < b.number) && first >= 2;
    let most = u32::try_from(rows.len()).unwrap_or(u32::MAX).saturating_mul(2).saturating_add(1000);
    if ascending && last <= most {
        rows.iter().map(|row| row.number).collect()
    } else {
        (2..).take(rows.len()).collect()
    }
}

struct Marked<'a> {
    original: &'a Sheet,
    faults: &'a BTreeMap<u32, Vec<(String, String)>>,
    /// Places of the columns that are written.
    kept: Vec<usize>,
    /// Where each row is written.
    numbers: Vec<u32>,
}

impl Marked<'_> {
    fn header(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().filter_map(|place| self.original.header.get(*place)).map(String::as_str)
    }

    /// What is wrong with a row, and where.
    fn faults_of(&self, row: &Row) -> &[(String, String)] {
        self.faults.get(&row.number).map_or(&[], Vec::as_slice)
    }

    /// The texts of the two columns; the fields are in the order of the faults.
    fn texts_of(&self, row: &Row) -> [String; 2] {
        let faults = self.faults_of(row);
        let join = |of: fn(&(String, String)) -> &str| cut(faults.iter().map(of).collect::<Vec<_>>().join(BETWEEN));
        [join(|(_, text)| text), join(|(column, _)| column)]
    }

    fn cells<'r>(&self, row: &'r Row) -> impl Iterator<Item = &'r Cell> {
        self.kept.iter().filter_map(|place| row.cells.get(*place))
    }

    fn csv(&self) -> Result<Vec<u8>, SheetError> {
        let column =
            |name: &str| table::Column { name: name.to_owned(), label: name.to_owned(), kind: table::ColumnKind::Text };
        let columns: Vec<_> = self.header().chain([FAULT_COLUMN, FIELD_COLUMN]).map(column).collect();
        let width = columns.len();
        let mut table = Table::new(String::new(), columns);
        let mut next = 2;
        for (row, number) in self.original.rows.iter().zip(&self.numbers) {
            for _ in next..*number {
                table.push(vec![table::Cell::Empty; width]).map_err(|_| SheetError::WrongWidth)?;
            }
            next = number.saturating_add(1);
            let texts = self.texts_of(row).into_iter().map(table::Cell::Text);
            table.push(self.cells(row).map(csv_cell).chain(texts).collect()).map_err(|_| SheetError::WrongWidth)?;
        }
        csv(&table, CsvOptions::excel_et()).map_err(SheetError::Text)
    }

    fn xlsx(&self, lang: Lang) -> Result<Vec<u8>, XlsxError> {
        let mut workbook = Workbook::new();
        workbook.set_properties(&undated());
        let sheet = workbook.add_worksheet().set_name(sheet_name(&self.original.name, lang))?;
        let head = Format::new().set_num_format_index(TEXT).set_bold().set_border_bottom(FormatBorder::Thin);
        let marked_head = head.clone().set_background_color(MARK);
        let [plain, marked] = [None, Some(MARK)].map(|color| Formats::new(lang, color));
        let mut widths = Vec::new();
        for (x, name) in (0_u16..).zip(self.header()) {
            sheet.write_string_with_format(0, x, name, &head)?;
            widths.push(name.chars().count() + 2);
        }
        let added = u16::try_from(widths.len()).unwrap_or(u16::MAX);
        for (x, name) in (added..).zip([FAULT_COLUMN, FIELD_COLUMN]) {
            sheet.write_string_with_format(0, x, name, &marked_head)?;
        }
        for (row, number) in self.original.rows.iter().zip(&self.numbers) {
            let y = number.saturating_sub(1);
            let faults = self.faults_of(row);
            for (((x, name), cell), width) in (0_u16..).zip(self.header()).zip(self.cells(row)).zip(&mut widths) {
                let is_faulty = faults.iter().any(|(column, _)| column == name);
                let written = write_cell(sheet, (y, x), cell, if is_faulty { &marked } else { &plain })?;
                *width = (*width).max(written + 1);
            }
            if !faults.is_empty() {
                for (x, text) in (added..).zip(self.texts_of(row)) {
                    sheet.write_string_with_format(y, x, text, &plain.text)?;
                }
            }
        }
        for (x, characters) in (0_u16..).zip(widths.into_iter().chain([WIDTHS.1, 24])) {
            sheet.set_column_width(x, width(characters))?;
        }
        let last_row = self.numbers.last().map_or(0, |number| number.saturating_sub(1));
        // No filter: what it hides would be hidden rows when the sheet comes back.
        sheet.set_freeze_panes(1, 0)?;
        sheet.ignore_error_range(0, 0, last_row, added.saturating_add(1), IgnoreError::NumberStoredAsText)?;
        workbook.save_to_buffer()
    }
}

/// The ground of what is to be mended.
const MARK: Color = Color::RGB(0xFF_D9_D9);

fn csv_cell(cell: &Cell) -> table::Cell {
    match cell {
        Cell::Empty => table::Cell::Empty,
        Cell::Text(text) | Cell::Fault(text) => table::Cell::Text(text.clone()),
        Cell::Number(number) => table::Cell::Decimal(*number),
        Cell::Date(day) => table::Cell::Date(*day),
        Cell::Boolean(yes) => table::Cell::Boolean(*yes),
    }
}

struct Formats {
    text: Format,
    day: Format,
    whole: Format,
    general: Format,
}

impl Formats {
    fn new(lang: Lang, ground: Option<Color>) -> Self {
        let on_ground = |format: Format| match ground {
            Some(color) => format.set_background_color(color),
            None => format,
        };
        let format = |code: &str| on_ground(Format::new().set_num_format(code));
        Self {
            text: on_ground(Format::new().set_num_format_index(TEXT)),
            day: format(day_format(lang)),
            whole: format("0"),
            general: format("General"),
        }
    }
}

/// Writes a cell with its type, and tells about how many characters it shows.
fn write_cell(sheet: &mut Worksheet, (y, x): (u32, u16), cell: &Cell, formats: &Formats) -> Result<usize, XlsxError> {
    // A number that would come back as another one is text.
    let double = |number: &rust_decimal::Decimal| {
        let double = number.to_string().parse().ok()?;
        (decimal(double) == Some(*number)).then_some(double)
    };
    match cell {
        Cell::Empty => {
            sheet.write_blank(y, x, &formats.text)?;
            return Ok(0);
        }
        Cell::Text(text) => {
            sheet.write_string_with_format(y, x, text, &formats.text)?;
            return Ok(text.chars().count());
        }
        Cell::Fault(text) if ERRORS.contains(&text.as_str()) => {
            let error = Formula::new(format!("={text}")).set_result(text);
            sheet.write_formula_with_format(y, x, error, &formats.general)?
        }
        Cell::Fault(text) => sheet.write_string_with_format(y, x, text, &formats.text)?,
        Cell::Number(number) => match double(number) {
            Some(double) if number.fract().is_zero() => sheet.write_number_with_format(y, x, double, &formats.whole)?,
            Some(double) => sheet.write_number_with_format(y, x, double, &formats.general)?,
            None => sheet.write_string_with_format(y, x, number.to_string(), &formats.text)?,
        },
        Cell::Date(day) => match chrono::Datelike::year(day) {
            1900..=9999 => sheet.write_datetime_with_format(y, x, day, &formats.day)?,
            _ => sheet.write_string_with_format(y, x, day.to_string(), &formats.text)?,
        },
        Cell::Boolean(yes) => sheet.write_boolean_with_format(y, x, *yes, &formats.general)?,
    };
    Ok(12)
}

/// Error values of a workbook (ECMA-376 part 1, 18.17.3).
const ERRORS: [&str; 7] = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"];

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};
    use rust_decimal::Decimal;

    use super::*;
    use crate::files::read::{Opened, Wanted, read};

    fn opened(bytes: &[u8]) -> Opened {
        read(bytes, &Wanted::default()).unwrap()
    }

    fn column(label: &str, name: &str, kind: ColumnKind, required: bool) -> TemplateColumn {
        let [label, name] = [label, name].map(str::to_owned);
        TemplateColumn { label, name, clause: "§ 8 lg 2 p 1".to_owned(), kind, required, note: None }
    }

    fn codes(codes: &[(&str, &str)]) -> ColumnKind {
        ColumnKind::Code(codes.iter().map(|(code, label)| ((*code).to_owned(), (*label).to_owned())).collect())
    }

    fn spec() -> TemplateSpec {
        let many: Vec<_> = (0..300).map(|i| (format!("c{i}"), format!("Väärtus, mis on pikk {i}"))).collect();
        TemplateSpec {
            title: "Õpilase [õppimine] huvikoolis: 2026/2027 õppeaasta".to_owned(),
            columns: vec![
                column("Isikukood", "personal_code", ColumnKind::Text, true),
                column("Algus", "starts_on", ColumnKind::Date, true),
                column("Vorm", "form", codes(&[("day", "päevane, ka kaugõpe"), ("eve", "õhtune")]), false),
                column("Õppekava", "curriculum", ColumnKind::Code(many), false),
                column("Liik", "kind", codes(&[("a", "Sama"), ("b", "sama")]), false),
                column("Tunde", "hours", ColumnKind::Number, false),
                column("Tasuta", "free", ColumnKind::Boolean, false),
            ],
            words: Lang::Et,
        }
    }

    /// A part of the workbook as it is stored.
    fn part(bytes: &[u8], name: &str) -> String {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        io::read_to_string(archive.by_name(name).unwrap()).unwrap()
    }

    fn sheet_of(bytes: &[u8], name: &str) -> Vec<Vec<String>> {
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
        let range = book.worksheet_range(name).unwrap();
        range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
    }

    #[test]
    fn an_empty_template_reads_back_as_its_columns_and_no_rows() {
        let read = opened(&template(&spec()).unwrap());
        assert_eq!(read.sheet.name, "Õpilase  õppimine  huvikoolis");
        assert_eq!(read.sheet.header, ["Isikukood", "Algus", "Vorm", "Õppekava", "Liik", "Tunde", "Tasuta"]);
        assert!(read.sheet.rows.is_empty() && read.notes.is_empty());
    }

    #[test]
    fn codes_are_chosen_by_label_from_a_sheet_of_their_own_unless_labels_are_the_same() {
        let bytes = template(&spec()).unwrap();
        let data = part(&bytes, "xl/worksheets/sheet1.xml");
        for (cells, range) in [
            ("C2:C20001", "koodid!$A$2:$A$3"),
            ("D2:D20001", "koodid!$C$2:$C$301"),
            ("E2:E20001", "koodid!$E$2:$E$3"),
            ("G2:G20001", "koodid!$G$2:$G$3"),
        ] {
            let rule =
                data.split("<dataValidation ").find(|rule| rule.contains(&format!("sqref=\"{cells}\""))).unwrap();
            assert!(
                rule.contains("type=\"list\"") && rule.contains(&format!("<formula1>{range}</formula1>")),
                "{rule}"
            );
        }
        let lists = sheet_of(&bytes, CODES_SHEET);
        assert_eq!(lists[0], ["Vorm", "form", "Õppekava", "curriculum", "Liik", "kind", "Tasuta"]);
        assert_eq!(lists[1][..6], ["päevane, ka kaugõpe", "day", "Väärtus, mis on pikk 0", "c0", "a", "a"]);
        assert_eq!((lists[1][6].as_str(), lists[2][6].as_str(), lists.len()), ("jah", "ei", 301));
    }

    #[test]
    fn days_and_numbers_are_checked_where_they_are_typed_and_codes_stay_text() {
        let bytes = template(&spec()).unwrap();
        let data = part(&bytes, "xl/worksheets/sheet1.xml");
        let type_of = |cells: &str| {
            let rule = data.split("<dataValidation ").find(|rule| rule.contains(cells))?;
            Some(rule.split('"').nth(1)?.to_owned())
        };
        assert_eq!(type_of("B2:B20001").as_deref(), Some("date"));
        assert_eq!(type_of("F2:F20001").as_deref(), Some("decimal"));
        assert_eq!(type_of("A2:A20001"), None);
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.clone())).unwrap();
        let styles = book.worksheet_style("Õpilase  õppimine  huvikoolis").unwrap();
        assert!(styles.get((0, 0)).unwrap().font.as_ref().unwrap().is_bold(), "a required column stands out");
        assert!(!styles.get((0, 2)).unwrap().font.as_ref().is_some_and(|font| font.is_bold()));
        assert!(data.contains("state=\"frozen\""));
        // Formats of whole columns: a code typed into an empty row keeps its zeros.
        let styles = part(&bytes, "xl/styles.xml");
        let columns: Vec<&str> = data.split("<col ").skip(1).collect();
        let format = |i: usize| {
            columns[i].split("style=\"").nth(1).unwrap().split('"').next().unwrap().parse::<usize>().unwrap()
        };
        let formats: Vec<&str> = styles.split("<cellXfs").nth(1).unwrap().split("<xf ").skip(1).collect();
        assert!(formats[format(0)].contains("numFmtId=\"49\""), "text");
        assert!(styles.contains("formatCode=\"dd.mm.yyyy\""));
        assert_ne!(format(0), format(1));
    }

    #[test]
    fn the_note_of_a_column_names_its_field_and_clause() {
        let notes = part(&template(&spec()).unwrap(), "xl/comments1.xml");
        for text in ["personal_code", "§ 8 lg 2 p 1", "Kohustuslik"] {
            assert!(notes.contains(text), "{notes}");
        }
    }

    #[test]
    fn the_guide_lists_every_column_in_the_language_asked_for() {
        let guide = sheet_of(&template(&TemplateSpec { words: Lang::En, ..spec() }).unwrap(), GUIDE_SHEET);
        assert_eq!(guide[0], ["Column", "Machine name", "Legal basis", "Type", "Required", "Values", "Note"]);
        assert_eq!(guide[1], ["Isikukood", "personal_code", "§ 8 lg 2 p 1", "text", "yes", "", ""]);
        assert_eq!(guide[3][5], "day – päevane, ka kaugõpe\neve – õhtune");
        assert_eq!(guide[4][5], "see the sheet koodid");
        assert_eq!(guide.len(), 8);
    }

    #[test]
    fn the_same_specification_gives_the_same_bytes_and_a_bare_one_still_a_workbook() {
        assert_eq!(template(&spec()).unwrap(), template(&spec()).unwrap());
        for (title, name) in [("", "andmed"), ("Koodid", "andmed"), ("'History'", "andmed"), ("a/b", "a b")] {
            let bare =
                TemplateSpec { title: title.to_owned(), columns: vec![spec().columns[0].clone()], words: Lang::Et };
            assert_eq!(opened(&template(&bare).unwrap()).sheet.name, name);
        }
    }

    /// A sheet with a cell of every type.
    fn mixed() -> Sheet {
        let text = |text: &str| Cell::Text(text.to_owned());
        let row = |number, cells: Vec<Cell>| Row { number, cells };
        Sheet {
            name: "Õpilased".to_owned(),
            header: ["Nimi", "Kood", "Sünniaeg", "Tunde", "Õpib"].map(str::to_owned).to_vec(),
            rows: vec![
                row(
                    2,
                    vec![
                        text("=HYPERLINK(\"http://näide.ee\")"),
                        text("00000000001"),
                        Cell::Date(NaiveDate::from_ymd_opt(2015, 3, 1).unwrap()),
                        Cell::Number(Decimal::new(15, 1)),
                        Cell::Boolean(true),
                    ],
                ),
                row(
                    5,
                    vec![
                        text("+372 5\nkaks rida; ja \"jutt\""),
                        Cell::Number(Decimal::from(39_901_012_239_i64)),
                        Cell::Fault("#N/A".to_owned()),
                        Cell::Empty,
                        Cell::Boolean(false),
                    ],
                ),
                row(6, vec![text("-"), text("@"), Cell::Empty, Cell::Number(Decimal::new(-1, 1)), Cell::Empty]),
            ],
        }
    }

    fn found() -> BTreeMap<u32, Vec<(String, String)>> {
        let fault = |column: &str, text: &str| (column.to_owned(), text.to_owned());
        BTreeMap::from([
            (5, vec![fault("Sünniaeg", "Päev puudub (§ 8 lg 2 p 1)"), fault("Kood", "=vale kood")]),
            (99, vec![fault("Nimi", "sellist rida ei ole")]),
        ])
    }

    /// The sheet without what [`faults`] added, and the two added columns of every row.
    fn without_faults(mut sheet: Sheet) -> (Sheet, Vec<[Cell; 2]>) {
        let [fault, field] = [FAULT_COLUMN, FIELD_COLUMN].map(str::to_owned);
        assert_eq!(sheet.header.split_off(sheet.header.len() - 2), [fault, field]);
        let added =
            sheet.rows.iter_mut().map(|row| row.cells.split_off(row.cells.len() - 2).try_into().unwrap()).collect();
        (sheet, added)
    }

    fn added() -> Vec<[Cell; 2]> {
        let texts =
            ["Päev puudub (§ 8 lg 2 p 1); =vale kood", "Sünniaeg; Kood"].map(|text| Cell::Text(text.to_owned()));
        vec![[Cell::Empty, Cell::Empty], texts, [Cell::Empty, Cell::Empty]]
    }

    #[test]
    fn a_workbook_with_its_faults_is_the_same_table_with_two_columns_more() {
        let read = opened(&faults(&mixed(), &found(), Shape::Xlsx, Lang::Et).unwrap());
        assert_eq!(read.notes, [crate::files::read::Note::Formulas { cells: vec!["C5".to_owned()], count: 1 }]);
        assert_eq!(without_faults(read.sheet), (mixed(), added()));
    }

    #[test]
    fn a_text_file_with_its_faults_has_every_row_in_its_place_and_guarded_texts_read_back() {
        let bytes = faults(&mixed(), &found(), Shape::Csv, Lang::Et).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.starts_with("\u{FEFF}Nimi;Kood;Sünniaeg;Tunde;Õpib;viga;väli\r\n\"'=HYPERLINK("), "{text}");
        let (sheet, marks) = without_faults(opened(&bytes).sheet);
        assert_eq!(marks, added());
        let texts =
            |row: &Row| row.cells.iter().map(|cell| csv_cell(cell).to_text(Lang::En).into_owned()).collect::<Vec<_>>();
        let read: Vec<_> = sheet.rows.iter().map(|row| (row.number, texts(row))).collect();
        assert_eq!(
            read[0],
            (
                2,
                ["=HYPERLINK(\"http://näide.ee\")", "00000000001", "2015-03-01", "1,5", "true"]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
        assert_eq!(read[1].0, 5);
        assert_eq!(read[1].1[..2], ["+372 5\nkaks rida; ja \"jutt\"", "39901012239"]);
        assert_eq!(read[2], (6, ["-", "@", "", "-0,1", ""].map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_second_round_replaces_what_the_first_one_found() {
        for shape in [Shape::Xlsx, Shape::Csv] {
            let first = opened(&faults(&mixed(), &found(), shape, Lang::Et).unwrap()).sheet;
            let second = opened(&faults(&first, &BTreeMap::new(), shape, Lang::Et).unwrap()).sheet;
            assert_eq!(second.header, first.header);
            let (mended, marks) = without_faults(second);
            assert!(marks.iter().flatten().all(|cell| *cell == Cell::Empty));
            assert_eq!(mended, without_faults(first).0);
        }
    }

    #[test]
    fn only_the_added_columns_are_fault_columns() {
        for (header, is) in [("viga", true), (" VÄLI ", true), ("väljad", false), ("viga 2", false), ("", false)] {
            assert_eq!(is_fault_column(header), is, "{header}");
        }
    }

    #[test]
    fn few_rows_scattered_over_a_million_are_written_one_below_the_other() {
        let mut sheet = mixed();
        sheet.rows[2].number = 1_000_000;
        for shape in [Shape::Xlsx, Shape::Csv] {
            let read = opened(&faults(&sheet, &BTreeMap::new(), shape, Lang::Et).unwrap());
            assert_eq!(read.sheet.rows.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 3, 4]);
        }
    }

    #[test]
    fn a_row_of_another_width_and_a_text_too_long_for_a_cell_are_errors() {
        let mut sheet = mixed();
        sheet.rows[0].cells[0] = Cell::Text("õ".repeat(CELL_UNITS + 1));
        assert!(matches!(faults(&sheet, &found(), Shape::Xlsx, Lang::Et), Err(SheetError::Workbook(_))));
        sheet.rows[0].cells.pop();
        assert!(matches!(faults(&sheet, &found(), Shape::Csv, Lang::Et), Err(SheetError::WrongWidth)));
    }
}
