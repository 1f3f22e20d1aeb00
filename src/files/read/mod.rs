//! Reading tables that come in: CSV text in the encodings that offices use, and XLSX workbooks.
//!
//! [`read`] gives a [`Sheet`], or says why not and what its sender can do about it. Nothing is guessed silently: what was
//! recognised is part of [`Opened`], and whatever a person does not see on the screen (hidden rows, columns and sheets,
//! cells under a merged one) is refused rather than read or dropped.
//!
//! The bytes are hostile until read: sizes are counted while a workbook is unpacked, before anything interprets it, and
//! every table, cell and count has a [limit](Limits).

mod text;
mod workbook;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::import::sheet::{Cell, Row, Sheet};

pub(super) use workbook::decimal;

/// How a file shall be read. What is not said is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Name of the sheet; needed where more than one visible sheet holds something.
    pub sheet: Option<String>,
    /// What stands between two fields of a text file, an ASCII character.
    pub delimiter: Option<char>,
    /// Encoding of a text file.
    pub encoding: Option<Encoding>,
    /// Number of the row that holds the names of the columns, from 1; otherwise the first row that is not empty. What
    /// stands above it is left out.
    pub header_row: Option<u32>,
    /// How much is read at most.
    pub limits: Limits,
}

/// How much is read at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Bytes of all parts of a workbook together, unpacked, and again bytes of all its texts together: a text that
    /// stands in a thousand cells is stored once.
    pub unpacked: u64,
    /// Rows that are not empty, the header not counted.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Characters of a cell.
    pub cell_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 10 << 20, unpacked: 100 << 20, rows: 20_000, columns: 200, cell_chars: 10_000 }
    }
}

/// Encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the lower byte first: what Excel calls "Unicode text".
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the higher byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows code page 1257 (Baltic).
    #[serde(rename = "windows-1257")]
    Windows1257,
}

impl Encoding {
    /// Every encoding that is read.
    pub const ALL: [Self; 4] = [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Windows1257];

    /// Its name in the IANA registry, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1257 => "windows-1257",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A table that was read, and how it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The table. Its column names are neither empty nor repeated.
    pub sheet: Sheet,
    /// The encoding, of a text file.
    pub encoding: Option<Encoding>,
    /// What stands between two fields, of a text file with more than one column.
    pub delimiter: Option<char>,
    /// What its sender ought to know.
    pub notes: Vec<Note>,
}

/// What the sender of a table that could be read ought to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// Cells hold formulas. Their stored values were taken, nothing was computed.
    Formulas {
        /// The cells, for instance `C7`; the first twenty.
        cells: Vec<String>,
        /// How many there are.
        count: usize,
    },
    /// Other sheets hold something too. They were not read, since another was asked for.
    OtherSheets {
        /// Their names.
        sheets: Vec<String>,
    },
}

/// Why a file could not be read as a table, and what its sender can do about it.
///
/// The message may hold names of columns and sheets, and a table without a header has data where those should stand: it
/// is for the sender of the file, and for no log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadFault {
    /// Nothing is in it.
    #[error("the file is empty")]
    Empty,
    /// Neither text nor a workbook.
    #[error("the file is not a table: send an Excel workbook (.xlsx) or a CSV text file")]
    NotATable,
    /// A binary workbook of Excel 97–2003.
    #[error("this is a workbook of an old Excel (.xls): open it and save it as “Excel Workbook (.xlsx)”")]
    OldWorkbook,
    /// A workbook of another format.
    #[error("this is a workbook of another format ({format}): open it and save it as “Excel Workbook (.xlsx)”")]
    OtherWorkbook {
        /// Its usual ending.
        format: &'static str,
    },
    /// It takes a password to open.
    #[error("the workbook is protected by a password: remove the password and save it again")]
    Locked,
    /// The file is broken, or made in a way that programs would read differently.
    #[error("the workbook is damaged: open it in a spreadsheet program and save it again")]
    Damaged,
    /// More bytes than are read.
    #[error("the file has more than {limit} bytes: split it into smaller ones")]
    TooLarge {
        /// [`Limits::bytes`].
        limit: usize,
    },
    /// It unpacks to much more than it seems.
    #[error("the workbook unpacks to too much data: copy the table alone into a new workbook and send that")]
    Bomb,
    /// More rows than are read.
    #[error("the table has more than {limit} rows: split it into smaller ones")]
    TooManyRows {
        /// [`Limits::rows`].
        limit: usize,
    },
    /// More columns than are read.
    #[error("the table has more than {limit} columns: leave out those that are not needed")]
    TooManyColumns {
        /// [`Limits::columns`].
        limit: usize,
    },
    /// A longer text than is read.
    #[error("cell {cell} has more than {limit} characters: shorten it")]
    CellTooLong {
        /// The cell.
        cell: String,
        /// [`Limits::cell_chars`].
        limit: usize,
    },
    /// It can't be known which sheet is meant.
    #[error("more than one sheet of the workbook holds something: say which to read ({})", list(.sheets))]
    SeveralSheets {
        /// Their names.
        sheets: Vec<String>,
    },
    /// No such sheet, or it is hidden.
    #[error("the workbook has no sheet “{wanted}” that can be seen; its sheets: {}", list(.sheets))]
    NoSuchSheet {
        /// The name asked for.
        wanted: String,
        /// Names of the visible sheets.
        sheets: Vec<String>,
    },
    /// No names of columns where they should be.
    #[error("there are no names of columns: put them into the first row, or say in which row they are")]
    NoHeader,
    /// Two columns of one name, capital letters aside.
    #[error("columns {first} and {second} are both called “{name}”: rename one or remove it")]
    DuplicateColumn {
        /// The name.
        name: String,
        /// Letters of the first of them.
        first: String,
        /// Letters of the second.
        second: String,
    },
    /// Values in a column without a name.
    #[error(
        "column {column} has a value in row {row} but no name: name it or clear it, or say in which row the names of the \
         columns are"
    )]
    NamelessColumn {
        /// Letters of the column.
        column: String,
        /// The first row with a value in it.
        row: u32,
    },
    /// A row of a text file has more fields than the header.
    #[error(
        "row {row} has {fields} fields but the header has {columns}: quote the values that hold the delimiter, or say in \
         which row the names of the columns are"
    )]
    RaggedRow {
        /// Its number.
        row: u32,
        /// Its fields up to the last that is not empty.
        fields: usize,
        /// Fields of the header.
        columns: usize,
    },
    /// A quotation mark is opened and never closed, so everything after it is one value.
    #[error(
        "row {row} has a quotation mark that is never closed: close it, or double it where it belongs to the value"
    )]
    OpenQuote {
        /// Number of the row.
        row: u32,
    },
    /// Not a character that can stand between fields.
    #[error("the delimiter must be one ASCII character such as a semicolon, a comma or a tab")]
    NotADelimiter,
    /// Merged cells in the table: a program sees one value where a person sees many.
    #[error("there are merged cells ({}): unmerge them and write the value into each", list(.ranges))]
    Merged {
        /// The ranges, for instance `B2:B7`.
        ranges: Vec<String>,
    },
    /// Hidden rows with values.
    #[error("there are hidden rows with values ({}): show them (or clear the filter), or delete them", list(.rows))]
    HiddenRows {
        /// Their numbers.
        rows: Vec<String>,
    },
    /// Hidden columns with values.
    #[error("there are hidden columns with values ({}): show or delete them", list(.columns))]
    HiddenColumns {
        /// Their letters.
        columns: Vec<String>,
    },
    /// Hidden sheets with values.
    #[error("there are hidden sheets with values ({}): show or delete them", list(.sheets))]
    HiddenSheets {
        /// Their names.
        sheets: Vec<String>,
    },
    /// The bytes are no text in the encoding that was declared, or that the file itself declares.
    #[error("line {line} is not {encoding}: choose another encoding, or save the file as “CSV UTF-8”")]
    Undecodable {
        /// The encoding.
        encoding: Encoding,
        /// The first line with such bytes.
        line: usize,
    },
    /// A text in none of the encodings that are read.
    #[error("the encoding of the text is not one of {}: save the file as “CSV UTF-8”", list(&Encoding::ALL.map(Encoding::name)))]
    UnknownEncoding,
}

/// How many things a message names.
const NAMED: usize = 20;

/// Things in a message, the first of them if there are many.
fn list(things: &[impl AsRef<str>]) -> String {
    let named: Vec<&str> = things.iter().take(NAMED).map(AsRef::as_ref).collect();
    let rest = if things.len() > NAMED { ", …" } else { "" };
    format!("{}{rest}", named.join(", "))
}

/// The table in `bytes`: an XLSX workbook or delimited text, told apart by the bytes themselves and by no name.
///
/// Text is recognised as UTF-8, as UTF-16 by its byte order mark or its zero bytes, otherwise as Windows-1257; the
/// delimiter is that of `;`, tab, `,` and `|` which parts the header into most columns. Our own files read back as they
/// were written: the [guard](super::csv::guard) against formulas is taken off.
///
/// Numbers of a workbook have the fifteen significant digits that spreadsheet programs show, whole ones all they have.
/// A day is what has a date format and no time; days before March 1900, which programs count differently, times and
/// moments are [`Cell::Fault`], as are error values and formulas whose value the file does not hold.
///
/// # Errors
/// [`ReadFault`].
pub fn read(bytes: &[u8], wanted: &Wanted) -> Result<Opened, ReadFault> {
    if bytes.is_empty() {
        return Err(ReadFault::Empty);
    }
    if bytes.len() > wanted.limits.bytes {
        return Err(ReadFault::TooLarge { limit: wanted.limits.bytes });
    }
    match bytes {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => workbook::open(bytes, wanted),
        // A compound file (MS-CFB): a workbook of Excel 97–2003, or the envelope of an encrypted newer one.
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => {
            let holds = |stream: &str| {
                let name: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
                bytes.windows(name.len()).any(|window| window == name)
            };
            match (holds("EncryptedPackage"), holds("Workbook") || holds("Book")) {
                (true, _) => Err(ReadFault::Locked),
                (_, true) => Err(ReadFault::OldWorkbook),
                _ => Err(ReadFault::NotATable),
            }
        }
        _ => text::open(bytes, wanted),
    }
}

/// A table before its header is known.
struct Grid {
    /// Rows by their number, from 1, in order. Rows and cells may be missing at the end, never before.
    rows: Vec<Row>,
    /// Whether a row has as many cells as the file has fields in it, so that it can be too long.
    counted: bool,
}

/// The table of a grid.
fn shape(name: String, grid: Grid, wanted: &Wanted) -> Result<Sheet, ReadFault> {
    let limits = &wanted.limits;
    let filled = |row: &Row| row.cells.iter().any(|cell| *cell != Cell::Empty);
    let mut rows = grid.rows.into_iter().filter(filled);
    let header = match wanted.header_row {
        Some(number) => rows.find(|row| row.number == number),
        None => rows.next(),
    };
    let header = header.ok_or(ReadFault::NoHeader)?;
    let width = header.cells.len();
    let names: Vec<String> = header.cells.into_iter().map(name_of).collect();

    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept = Vec::new();
    for (place, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        if let Some(first) = places.insert(name.to_lowercase(), place) {
            let [first, second] = [first, place].map(letters);
            return Err(ReadFault::DuplicateColumn { name: name.clone(), first, second });
        }
        kept.push(place);
    }
    if kept.len() > limits.columns {
        return Err(ReadFault::TooManyColumns { limit: limits.columns });
    }

    let mut table = Vec::new();
    for Row { number, mut cells } in rows {
        let end = cells.iter().rposition(|cell| *cell != Cell::Empty).map_or(0, |last| last + 1);
        if grid.counted && end > width {
            return Err(ReadFault::RaggedRow { row: number, fields: end, columns: width });
        }
        let named = |place: &usize| names.get(*place).is_some_and(|name| !name.is_empty());
        if let Some(place) = (0..end).find(|place| cells.get(*place) != Some(&Cell::Empty) && !named(place)) {
            return Err(ReadFault::NamelessColumn { column: letters(place), row: number });
        }
        if table.len() == limits.rows {
            return Err(ReadFault::TooManyRows { limit: limits.rows });
        }
        let take =
            |place: &usize| cells.get_mut(*place).map_or(Cell::Empty, |cell| std::mem::replace(cell, Cell::Empty));
        table.push(Row { number, cells: kept.iter().map(take).collect() });
    }
    let header = kept.iter().filter_map(|place| names.get(*place).cloned()).collect();
    Ok(Sheet { name, header, rows: table })
}

/// What a cell says as the name of a column.
fn name_of(cell: Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) | Cell::Fault(text) => text,
        Cell::Number(number) => number.to_string(),
        Cell::Date(day) => day.to_string(),
        Cell::Boolean(yes) => yes.to_string(),
    }
}

/// A text as a cell: trimmed, and nothing if nothing is left.
fn text_cell(text: &str) -> Cell {
    match text.trim() {
        "" => Cell::Empty,
        text => Cell::Text(text.to_owned()),
    }
}

/// Whether a text is longer than `limit` characters.
fn is_longer(text: &str, limit: usize) -> bool {
    // Most texts have fewer bytes than that.
    text.len() > limit && text.chars().count() > limit
}

/// Whether a text holds what no text of a table holds: control characters other than tab and ends of lines.
fn has_controls(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// Letters of the column at `place`, from 0, as a spreadsheet program shows them.
fn letters(place: usize) -> String {
    let (before, last) = (place / 26, place % 26);
    let last = char::from(b'A' + u8::try_from(last).unwrap_or_default());
    match before.checked_sub(1) {
        Some(before) => format!("{}{last}", letters(before)),
        None => last.to_string(),
    }
}

/// A cell as a spreadsheet program calls it: the column at `place`, from 0, in the row `number`, from 1.
fn cell_name(place: usize, number: u32) -> String {
    format!("{}{number}", letters(place))
}
