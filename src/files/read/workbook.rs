//! XLSX workbooks (ECMA-376), as Excel and LibreOffice write them.
//!
//! `calamine` reads values. What it does not tell, whether rows, columns and sheets can be seen, is read here from the XML
//! of the same parts, with the same parser; that pass also refuses references of cells on which `calamine` would stumble.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufReader, Cursor, Read};

use calamine::{CellErrorType, DataRef, ExcelDateTime, Reader, SheetType, Xlsx, XlsxError, XlsxFormulaMetadata};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use rust_decimal::Decimal;
use zip::ZipArchive;

use super::{
    Grid, NAMED, Note, Opened, ReadFault, Wanted, cell_name, has_controls, is_longer, letters, shape, text_cell,
};
use crate::domain::import::sheet::{Cell, Row};
use crate::files::sheets::is_frame_sheet;

/// How many times its own size a workbook may unpack to, from [`RATIO_FROM`] bytes on. Sheets of one repeated row come
/// near a hundred; deflate ends at about a thousand.
const RATIO: u64 = 250;
const RATIO_FROM: u64 = 4 << 20;
/// Rows and columns of a sheet (ECMA-376 part 1, 18.3.1.73 and 18.3.1.13; Excel's limits).
const MOST: (u32, u32) = (1_048_576, 16_384);
/// The first day that all programs number alike.
const FIRST_AGREED: Option<NaiveDate> = NaiveDate::from_ymd_opt(1900, 3, 1);
/// The serial number of the day after 31 December 9999, the last there is.
const MOST_DAYS: f64 = 2_958_466.0;
/// The greatest whole number up to which a double holds every whole number.
const GREATEST_WHOLE: f64 = 9_007_199_254_740_991.0;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;
type Book<'a> = Xlsx<Cursor<&'a [u8]>>;

/// The table of a workbook.
pub(super) fn open(bytes: &[u8], wanted: &Wanted) -> Result<Opened, ReadFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ReadFault::Damaged)?;
    let parts = parts(&archive)?;
    check_format(&mut archive, &parts)?;
    check_size(&mut archive, bytes.len(), wanted.limits.unpacked)?;
    let mut package = Package { archive, parts };
    let mut sheets = package.sheets()?;

    let mut book: Book<'_> = Xlsx::new(Cursor::new(bytes)).map_err(refused)?;
    let same = book.sheets_metadata().iter().map(|sheet| &sheet.name).eq(sheets.iter().map(|sheet| &sheet.name));
    if !same {
        return Err(ReadFault::Damaged);
    }
    let worksheet: Vec<_> = book.sheets_metadata().iter().map(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let mut worksheet = worksheet.into_iter();
    sheets.retain(|_| worksheet.next().unwrap_or_default());

    let mut layouts = Vec::with_capacity(sheets.len());
    for sheet in sheets {
        let layout = package.layout(&sheet.path)?;
        layouts.push((sheet, layout));
    }
    let (sheet, layout, mut notes) = choose(layouts, wanted.sheet.as_deref())?;

    let Cells { rows, formulas } = cells(&mut book, &sheet.name, wanted)?;
    if !formulas.is_empty() {
        let cells = formulas.iter().take(NAMED).map(|&(row, column)| name((row, column))).collect();
        notes.push(Note::Formulas { cells, count: formulas.len() });
    }
    check_layout(&rows, &layout, wanted.header_row)?;
    let grid = Grid { rows: rows.into_iter().map(row).collect(), counted: false };
    let sheet = shape(sheet.name, grid, wanted)?;
    Ok(Opened { sheet, encoding: None, delimiter: None, notes })
}

/// The parts of the package by their names as programs compare them, without regard to case (ECMA-376 part 2, 6.2.2.3).
/// Two of one name would be read differently by different programs.
fn parts(archive: &Archive<'_>) -> Result<HashMap<String, usize>, ReadFault> {
    let mut parts = HashMap::with_capacity(archive.len());
    for (i, part) in archive.file_names().enumerate() {
        let part = part.map_err(|_| ReadFault::Damaged)?;
        if parts.insert(folded(&part), i).is_some() {
            return Err(ReadFault::Damaged);
        }
    }
    if archive.has_duplicate_names() { Err(ReadFault::Damaged) } else { Ok(parts) }
}

fn folded(part: &str) -> String {
    part.replace('\\', "/").to_ascii_lowercase()
}

/// Refuses packages that are no XLSX workbook, the neighbouring formats with advice.
fn check_format(archive: &mut Archive<'_>, parts: &HashMap<String, usize>) -> Result<(), ReadFault> {
    for i in 0..archive.len() {
        if archive.by_index_raw(i).map_err(|_| ReadFault::Damaged)?.encrypted() {
            return Err(ReadFault::Locked);
        }
    }
    if parts.contains_key("content.xml") && parts.contains_key("meta-inf/manifest.xml") {
        return Err(ReadFault::OtherWorkbook { format: ".ods" });
    }
    if parts.contains_key("xl/workbook.bin") {
        return Err(ReadFault::OtherWorkbook { format: ".xlsb" });
    }
    let is_package = parts.contains_key("[content_types].xml") && parts.contains_key("_rels/.rels");
    let is_document = parts.keys().any(|part| part.starts_with("word/") || part.starts_with("ppt/"));
    if is_package && !is_document { Ok(()) } else { Err(ReadFault::NotATable) }
}

/// Unpacks every part, keeping nothing, and stops where it is too much. What a package declares of its sizes is only
/// what its maker says.
fn check_size(archive: &mut Archive<'_>, packed: usize, limit: u64) -> Result<(), ReadFault> {
    let packed = u64::try_from(packed).unwrap_or(u64::MAX);
    let limit = limit.min(packed.saturating_mul(RATIO).max(RATIO_FROM));
    if archive.decompressed_size().is_some_and(|declared| declared > u128::from(limit)) {
        return Err(ReadFault::Bomb);
    }
    let mut left = limit;
    for i in 0..archive.len() {
        let part = archive.by_index(i).map_err(|_| ReadFault::Damaged)?;
        // A byte more than may come tells too much from just enough.
        let read = io::copy(&mut part.take(left.saturating_add(1)), &mut io::sink()).map_err(|_| ReadFault::Damaged)?;
        left = left.checked_sub(read).ok_or(ReadFault::Bomb)?;
    }
    Ok(())
}

/// What `calamine` could not read.
fn refused(error: XlsxError) -> ReadFault {
    if matches!(error, XlsxError::Password) { ReadFault::Locked } else { ReadFault::Damaged }
}

/// A sheet as the workbook lists it.
struct Listed {
    name: String,
    path: String,
    hidden: bool,
}

/// What a sheet says about itself besides its values.
#[derive(Default)]
struct Layout {
    /// Whether any cell holds something.
    filled: bool,
    merged: Vec<Area>,
    /// From 0.
    hidden_rows: BTreeSet<u32>,
    /// First and last, from 0.
    hidden_columns: Vec<(u32, u32)>,
}

/// Rectangle of cells, first and last (row, column), from 0.
type Area = ((u32, u32), (u32, u32));

struct Package<'a> {
    archive: Archive<'a>,
    parts: HashMap<String, usize>,
}

impl Package<'_> {
    /// Calls `see` with the name of every element of a part, where it starts and, without the element, where it ends.
    fn elements(
        &mut self,
        path: &str,
        mut see: impl FnMut(&str, Option<&BytesStart<'_>>) -> Result<(), ReadFault>,
    ) -> Result<(), ReadFault> {
        let index = *self.parts.get(&folded(path)).ok_or(ReadFault::Damaged)?;
        let part = self.archive.by_index(index).map_err(|_| ReadFault::Damaged)?;
        // As calamine configures it, so that both see the same.
        let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
        let config = xml.config_mut();
        config.check_end_names = false;
        config.expand_empty_elements = true;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer).map_err(|_| ReadFault::Damaged)? {
                Event::Start(element) => see(element.local_name().as_ref(), Some(&element))?,
                Event::End(element) => see(element.local_name().as_ref(), None)?,
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// The sheets in their order, found as `calamine` finds them.
    fn sheets(&mut self) -> Result<Vec<Listed>, ReadFault> {
        let mut workbook = None;
        self.elements("_rels/.rels", |name, element| {
            if name == "Relationship"
                && let Some(element) = element
                && attribute(element, "Type")?.is_some_and(|kind| kind.ends_with("/relationships/officeDocument"))
            {
                workbook = attribute(element, "Target")?;
            }
            Ok(())
        })?;
        let workbook = workbook.ok_or(ReadFault::NotATable)?;
        let workbook = workbook.trim_start_matches('/');
        let (folder, file) = workbook.rfind('/').map_or(("", workbook), |slash| workbook.split_at(slash + 1));

        let mut targets = HashMap::new();
        self.elements(&format!("{folder}_rels/{file}.rels"), |name, element| {
            if name == "Relationship"
                && let Some(element) = element
                && let (Some(id), Some(target)) = (attribute(element, "Id")?, attribute(element, "Target")?)
            {
                targets.insert(id, target);
            }
            Ok(())
        })?;

        let mut sheets: Vec<Listed> = Vec::new();
        self.elements(workbook, |name, element| {
            if name == "sheet"
                && let Some(element) = element
            {
                let name = attribute(element, "name")?.ok_or(ReadFault::Damaged)?;
                let target = attribute(element, "id")?.and_then(|id| targets.get(&id)).ok_or(ReadFault::Damaged)?;
                let path = target.strip_prefix('/').map_or_else(|| format!("{folder}{target}"), str::to_owned);
                let hidden = attribute(element, "state")?.is_some_and(|state| state != "visible");
                if sheets.iter().any(|sheet| sheet.name.to_lowercase() == name.to_lowercase()) {
                    return Err(ReadFault::Damaged);
                }
                sheets.push(Listed { name, path, hidden });
            }
            Ok(())
        })?;
        Ok(sheets)
    }

    fn layout(&mut self, path: &str) -> Result<Layout, ReadFault> {
        let mut layout = Layout::default();
        let mut in_data = false;
        let mut row = 0_u32;
        self.elements(path, |name, element| {
            let Some(element) = element else {
                in_data &= name != "sheetData";
                return Ok(());
            };
            match name {
                "sheetData" => in_data = true,
                "dimension" => drop(reference(element, "ref")?),
                "col" if is_hidden(element, "width")? => {
                    let bound = |name| {
                        let number = attribute(element, name)?.and_then(|text| text.parse::<u32>().ok());
                        number.and_then(|number| number.checked_sub(1)).ok_or(ReadFault::Damaged)
                    };
                    layout.hidden_columns.push((bound("min")?, bound("max")?));
                }
                "row" if in_data => {
                    let number = match attribute(element, "r")? {
                        Some(text) => text.parse::<u32>().ok().filter(|row| (1..=MOST.0).contains(row)),
                        None => row.checked_add(1),
                    };
                    row = number.ok_or(ReadFault::Damaged)?;
                    if is_hidden(element, "ht")? {
                        layout.hidden_rows.insert(row - 1);
                    }
                }
                // Whether a row is hidden must tell of all its cells.
                "c" if in_data && reference(element, "r")?.is_some_and(|area| area.0.0 + 1 != row) => {
                    return Err(ReadFault::Damaged);
                }
                "f" if in_data => {
                    reference(element, "ref")?;
                    layout.filled = true;
                }
                "v" | "is" if in_data => layout.filled = true,
                "mergeCell" => {
                    let area = reference(element, "ref")?.ok_or(ReadFault::Damaged)?;
                    if area.0 != area.1 {
                        layout.merged.push(area);
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(layout)
    }
}

/// The value of an attribute, by its name without a prefix.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, ReadFault> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|_| ReadFault::Damaged)?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| ReadFault::Damaged)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// Whether a row or a column is hidden, by its mark or by a size of nothing.
fn is_hidden(element: &BytesStart<'_>, size: &str) -> Result<bool, ReadFault> {
    let marked = attribute(element, "hidden")?.is_some_and(|value| value == "1" || value == "true");
    let sizeless = || Ok(attribute(element, size)?.and_then(|value| value.parse::<f64>().ok()) == Some(0.0));
    if marked { Ok(true) } else { sizeless() }
}

/// The cells that an attribute refers to, if there is one.
fn reference(element: &BytesStart<'_>, name: &str) -> Result<Option<Area>, ReadFault> {
    let Some(text) = attribute(element, name)? else { return Ok(None) };
    let (from, to) = text.split_once(':').unwrap_or((&text, &text));
    let area = cell_at(from).zip(cell_at(to)).filter(|(from, to)| from.0 <= to.0 && from.1 <= to.1);
    area.map(Some).ok_or(ReadFault::Damaged)
}

/// Row and column, from 0, of a cell such as `B7`.
fn cell_at(text: &str) -> Option<(u32, u32)> {
    let digits = text.find(|c: char| !c.is_ascii_alphabetic())?;
    let (column, row) = text.split_at(digits);
    if column.is_empty() || column.len() > 3 || row.len() > 7 || !row.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let column = column.bytes().fold(0, |sum, byte| sum * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1);
    let row: u32 = row.parse().ok()?;
    (row <= MOST.0 && column <= MOST.1).then_some((row.checked_sub(1)?, column - 1))
}

/// The sheet to read.
fn choose(sheets: Vec<(Listed, Layout)>, wanted: Option<&str>) -> Result<(Listed, Layout, Vec<Note>), ReadFault> {
    let names = |of: &dyn Fn(&(Listed, Layout)) -> bool| -> Vec<String> {
        sheets.iter().filter(|sheet| of(sheet)).map(|(sheet, _)| sheet.name.clone()).collect()
    };
    let hidden = names(&|(sheet, layout)| sheet.hidden && layout.filled);
    if !hidden.is_empty() {
        return Err(ReadFault::HiddenSheets { sheets: hidden });
    }
    // The sheets that our own templates carry along hold no data.
    let candidates = names(&|(sheet, layout)| layout.filled && !is_frame_sheet(&sheet.name));
    let name = match (wanted, candidates.as_slice()) {
        (Some(wanted), _) => {
            let is_wanted = |(sheet, _): &&(Listed, Layout)| {
                !sheet.hidden && sheet.name.trim().to_lowercase() == wanted.trim().to_lowercase()
            };
            let found = sheets.iter().find(is_wanted).map(|(sheet, _)| sheet.name.clone());
            let missing = || ReadFault::NoSuchSheet { wanted: wanted.to_owned(), sheets: names(&|(s, _)| !s.hidden) };
            found.ok_or_else(missing)?
        }
        (None, [only]) => only.clone(),
        (None, []) => return Err(ReadFault::Empty),
        (None, _) => return Err(ReadFault::SeveralSheets { sheets: candidates }),
    };
    let others: Vec<String> = candidates.into_iter().filter(|other| *other != name).collect();
    let notes = if others.is_empty() { Vec::new() } else { vec![Note::OtherSheets { sheets: others }] };
    let (sheet, layout) = sheets.into_iter().find(|(sheet, _)| sheet.name == name).ok_or(ReadFault::Damaged)?;
    Ok((sheet, layout, notes))
}

/// Cells that hold something: rows, then columns, from 0.
type Sparse = BTreeMap<u32, BTreeMap<u32, Cell>>;

struct Cells {
    rows: Sparse,
    /// Rows and columns of formulas.
    formulas: Vec<(u32, u32)>,
}

fn cells(book: &mut Book<'_>, sheet: &str, wanted: &Wanted) -> Result<Cells, ReadFault> {
    let limits = &wanted.limits;
    let most = limits.rows.saturating_add(usize::try_from(wanted.header_row.unwrap_or(1)).unwrap_or(usize::MAX));
    let columns = u32::try_from(limits.columns).unwrap_or(u32::MAX);
    let mut reader = book.worksheet_cells_reader(sheet).map_err(refused)?;
    let mut cells = Cells { rows: Sparse::new(), formulas: Vec::new() };
    // Cells share their texts in the file, but not here.
    let mut text_bytes = limits.unpacked;
    let mut seen = None;
    while let Some(record) = reader.next_cell_with_formula_metadata().map_err(refused)? {
        let at = record.pos;
        // Cells stand in their order. A second value for a cell would be taken by one program and left by another.
        if seen.is_some_and(|seen| seen >= at) || at.0 >= MOST.0 || at.1 >= MOST.1 {
            return Err(ReadFault::Damaged);
        }
        seen = Some(at);
        let is_formula = record.formula.is_some();
        let cell = match record.value {
            DataRef::Empty if is_formula => Cell::Fault(formula_text(record.formula)),
            value => cell_of(value),
        };
        if is_formula {
            cells.formulas.push(at);
        }
        if let Cell::Text(text) | Cell::Fault(text) = &cell {
            if is_longer(text, limits.cell_chars) {
                return Err(ReadFault::CellTooLong { cell: name(at), limit: limits.cell_chars });
            }
            text_bytes =
                text_bytes.checked_sub(u64::try_from(text.len()).unwrap_or(u64::MAX)).ok_or(ReadFault::Bomb)?;
        }
        if cell == Cell::Empty {
            continue;
        }
        if at.1 >= columns {
            return Err(ReadFault::TooManyColumns { limit: limits.columns });
        }
        cells.rows.entry(at.0).or_default().insert(at.1, cell);
        if cells.rows.len() > most {
            return Err(ReadFault::TooManyRows { limit: limits.rows });
        }
    }
    Ok(cells)
}

/// A formula as it is typed in, if the cell holds its text.
fn formula_text(formula: Option<XlsxFormulaMetadata>) -> String {
    match formula {
        Some(XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. }) => {
            format!("={formula}")
        }
        _ => "=".to_owned(),
    }
}

/// A cell as a spreadsheet program calls it, by its row and column from 0.
fn name((row, column): (u32, u32)) -> String {
    cell_name(usize::try_from(column).unwrap_or_default(), row.saturating_add(1))
}

fn cell_of(value: DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Number(number.into()),
        DataRef::Float(number) => decimal(number).map_or_else(|| Cell::Fault(number.to_string()), Cell::Number),
        DataRef::String(text) => text_of(&text),
        DataRef::SharedString(text) => text_of(text),
        DataRef::Bool(yes) => Cell::Boolean(yes),
        DataRef::DateTime(at) => day(at),
        DataRef::DateTimeIso(text) => iso_day(&text).map_or(Cell::Fault(text), Cell::Date),
        DataRef::DurationIso(text) => Cell::Fault(text),
        DataRef::Error(CellErrorType::GettingData) => Cell::Fault("#GETTING_DATA".to_owned()),
        DataRef::Error(error) => Cell::Fault(error.to_string()),
    }
}

/// A text. Excel writes ends of lines as CR LF at times; other control characters are no text, and no store takes them
/// all.
fn text_of(text: &str) -> Cell {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if has_controls(&text) {
        return Cell::Fault(text.replace(|c: char| c.is_control(), "\u{FFFD}"));
    }
    text_cell(&text)
}

/// A number as people wrote it: a double is the nearest to fifteen digits, so those are all there is to it. Whole
/// numbers are exact beyond that.
pub(in crate::files) fn decimal(number: f64) -> Option<Decimal> {
    if number.fract() == 0.0 && number.abs() <= GREATEST_WHOLE {
        return format!("{number:.0}").parse::<i64>().ok().map(Decimal::from);
    }
    // It errs on what is no number, and on those too great or too small for a decimal.
    Decimal::from_scientific(&format!("{number:.14e}")).ok().map(|number| number.normalize())
}

/// A day, if all programs agree on it and it has no time.
fn day(at: ExcelDateTime) -> Cell {
    let serial = at.as_f64();
    let moment = if at.is_datetime() && (0.0..MOST_DAYS).contains(&serial) { at.as_datetime() } else { None };
    let Some(moment) = moment else { return Cell::Fault(serial.to_string()) };
    // Before 1 March 1900 Excel counts a 29 February that never was, and LibreOffice does not.
    let is_agreed = FIRST_AGREED.is_some_and(|first| moment.date() >= first);
    match (is_agreed, moment.time() == NaiveTime::MIN) {
        (true, true) => Cell::Date(moment.date()),
        (true, false) => Cell::Fault(moment.format("%Y-%m-%d %H:%M:%S").to_string()),
        (false, false) if serial < 1.0 => Cell::Fault(moment.format("%H:%M:%S").to_string()),
        (false, _) => Cell::Fault(serial.to_string()),
    }
}

/// The day of an ISO 8601 text without a time other than midnight.
fn iso_day(text: &str) -> Option<NaiveDate> {
    let text = text.trim_end_matches('Z');
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Some(day);
    }
    text.parse::<NaiveDateTime>().ok().filter(|at| at.time() == NaiveTime::MIN).map(|at| at.date())
}

/// Refuses tables in which people see something else than programs.
fn check_layout(rows: &Sparse, layout: &Layout, header_row: Option<u32>) -> Result<(), ReadFault> {
    let first = header_row.map_or_else(|| rows.keys().next().copied(), |row| row.checked_sub(1));
    let table = rows.range(first.unwrap_or_default()..);

    let is_hidden = |column: u32| layout.hidden_columns.iter().any(|&(min, max)| (min..=max).contains(&column));
    let filled: BTreeSet<u32> = table.clone().flat_map(|(_, cells)| cells.keys().copied()).collect();
    let columns: Vec<String> = filled
        .into_iter()
        .filter(|&column| is_hidden(column))
        .filter_map(|c| usize::try_from(c).ok())
        .map(letters)
        .collect();
    if !columns.is_empty() {
        return Err(ReadFault::HiddenColumns { columns });
    }

    let hidden = table.filter(|(row, _)| layout.hidden_rows.contains(row));
    let hidden: Vec<String> = hidden.map(|(row, _)| (row + 1).to_string()).collect();
    if !hidden.is_empty() {
        return Err(ReadFault::HiddenRows { rows: hidden });
    }

    let covers_data = |&&((top, left), (bottom, right)): &&Area| {
        let top = top.max(first.unwrap_or_default());
        top <= bottom && rows.range(top..=bottom).any(|(_, cells)| cells.range(left..=right).next().is_some())
    };
    let merged: Vec<String> = layout
        .merged
        .iter()
        .filter(covers_data)
        .take(NAMED + 1)
        .map(|&(from, to)| format!("{}:{}", name(from), name(to)))
        .collect();
    if merged.is_empty() { Ok(()) } else { Err(ReadFault::Merged { ranges: merged }) }
}

/// A row with every cell up to its last.
fn row((number, mut cells): (u32, BTreeMap<u32, Cell>)) -> Row {
    let end = cells.keys().next_back().map_or(0, |last| last + 1);
    let cells = (0..end).map(|column| cells.remove(&column).unwrap_or(Cell::Empty)).collect();
    Row { number: number.saturating_add(1), cells }
}
