//! Delimited text.

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1257};

use super::{Encoding, Grid, Opened, ReadFault, Wanted, cell_name, has_controls, is_longer, shape, text_cell};
use crate::domain::import::sheet::Row;
use crate::files::csv::unguard;

/// Delimiters that are recognised; of two that part the header alike the first is taken. The comma comes late since it
/// also stands in names of columns.
const DELIMITERS: [u8; 4] = [b';', b'\t', b',', b'|'];
/// Characters that no text of a table holds: one parts nothing as a delimiter, the other marks the end of a text.
const NO_DELIMITER: u8 = 0x1E;
const END: char = '\u{1F}';
/// Zero bytes are looked for in the first so many bytes.
const SAMPLE: usize = 4096;

/// The table of a text file.
pub(super) fn open(bytes: &[u8], wanted: &Wanted) -> Result<Opened, ReadFault> {
    let (text, encoding) = decode(bytes, wanted.encoding)?;
    let mut text = text.as_str();
    if text.trim().is_empty() {
        return Err(ReadFault::Empty);
    }
    // A web page or an XML file, whatever its name: no table begins like that.
    if has_controls(text) || text.trim_start().starts_with('<') {
        return Err(ReadFault::NotATable);
    }
    let mut delimiter = wanted.delimiter;
    // Excel's own way to declare the delimiter. It shows the row after it as the first.
    if let Some((first, rest)) = text.split_once('\n')
        && let Some(declared) = declared_delimiter(first)
    {
        delimiter = delimiter.or(Some(declared));
        text = rest;
    }
    let delimiter = match delimiter {
        None => recognised(text, wanted.header_row),
        Some(c) if c.is_ascii() && !matches!(c, '"' | '\n' | '\r') => u8::try_from(c).ok(),
        Some(_) => return Err(ReadFault::NotADelimiter),
    };
    let grid = grid(text, delimiter.unwrap_or(NO_DELIMITER), wanted)?;
    let sheet = shape(String::new(), grid, wanted)?;
    Ok(Opened { sheet, encoding: Some(encoding), delimiter: delimiter.map(char::from), notes: Vec::new() })
}

/// The text, with line feeds as ends of lines and no byte order mark, and its encoding.
fn decode(bytes: &[u8], declared: Option<Encoding>) -> Result<(String, Encoding), ReadFault> {
    let (marked, rest) = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (Some(Encoding::Utf8), rest),
        [0xFF, 0xFE, rest @ ..] => (Some(Encoding::Utf16Le), rest),
        [0xFE, 0xFF, rest @ ..] => (Some(Encoding::Utf16Be), rest),
        _ => (None, bytes),
    };
    // A declaration that the mark contradicts makes the mark a part of the text. No text begins with such characters.
    if let Some(encoding) = declared
        && marked.is_some_and(|marked| marked != encoding)
    {
        return Err(ReadFault::Undecodable { encoding, line: 1 });
    }
    let text = match declared.or(marked).or_else(|| by_zeros(bytes)) {
        Some(encoding) => {
            (decode_as(rest, encoding).map_err(|line| ReadFault::Undecodable { encoding, line })?, encoding)
        }
        None if bytes.contains(&0) => return Err(ReadFault::NotATable),
        None => match decode_as(rest, Encoding::Utf8) {
            Ok(text) => (text, Encoding::Utf8),
            // Every byte is some character of a code page, so this is the last guess, and one that other code pages
            // with letters at 0x80–0x9F (Windows-1252 has š and ž there) don't pass.
            Err(_) => {
                let text = decode_as(rest, Encoding::Windows1257).map_err(|_| ReadFault::UnknownEncoding)?;
                (text, Encoding::Windows1257)
            }
        },
    };
    Ok((text.0.replace("\r\n", "\n").replace('\r', "\n"), text.1))
}

/// UTF-16 without a mark: characters up to U+00FF, most of any table here, have a zero in one of their two bytes, and no
/// other text has zeros at all.
fn by_zeros(bytes: &[u8]) -> Option<Encoding> {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
    let (first, second, most) = (zeros(0), zeros(1), sample.len() / 4);
    if second > most && second > 4 * first {
        Some(Encoding::Utf16Le)
    } else if first > most && first > 4 * second {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// The text, or the number of the first line that is none in this encoding.
fn decode_as(bytes: &[u8], encoding: Encoding) -> Result<String, usize> {
    let decoder = match encoding {
        Encoding::Utf8 => UTF_8,
        Encoding::Utf16Le => UTF_16LE,
        Encoding::Utf16Be => UTF_16BE,
        Encoding::Windows1257 => WINDOWS_1257,
    };
    let mut decoder = decoder.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(0));
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    // The WHATWG's Windows-1257 takes unassigned bytes for the control characters of their number.
    let unassigned = |c: char| encoding == Encoding::Windows1257 && ('\u{80}'..='\u{9F}').contains(&c);
    let stray = text.find(unassigned);
    if result == DecoderResult::InputEmpty && stray.is_none() {
        return Ok(text);
    }
    let before = stray.and_then(|at| text.get(..at)).unwrap_or(&text);
    Err(before.matches('\n').count() + 1)
}

/// The delimiter that a first line `sep=;` declares.
fn declared_delimiter(line: &str) -> Option<char> {
    let line = line.trim_start_matches('"').trim_end_matches('"');
    let mut rest = line.get(4..).filter(|_| line.get(..4).is_some_and(|key| key.eq_ignore_ascii_case("sep=")))?.chars();
    rest.next().filter(|_| rest.as_str().is_empty())
}

/// The delimiter that parts the header into most fields, if one parts it at all.
fn recognised(text: &str, header_row: Option<u32>) -> Option<u8> {
    let fields = |delimiter: u8| {
        let mut rows = Rows::new(text, delimiter);
        while let Some((number, record)) = rows.next() {
            let is_header = header_row.map_or_else(|| record.iter().any(|f| !f.trim().is_empty()), |row| number >= row);
            if is_header {
                return record.len();
            }
        }
        0
    };
    let mut best = (1, None);
    for delimiter in DELIMITERS {
        let fields = fields(delimiter);
        if fields > best.0 {
            best = (fields, Some(delimiter));
        }
    }
    best.1
}

/// Records with the numbers of their rows. A spreadsheet program counts rows, not lines: a value may hold ends of lines,
/// and an empty line is a row.
struct Rows<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    number: u32,
    record: StringRecord,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let reader =
            ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
        Self { text, reader, number: 0, record: StringRecord::new() }
    }

    /// The next record. It errs neither on text that is UTF-8 nor on records of any length, so an error is its end.
    fn next(&mut self) -> Option<(u32, &StringRecord)> {
        let from = usize::try_from(self.reader.position().byte()).ok()?;
        if !self.reader.read_record(&mut self.record).ok()? {
            return None;
        }
        let empty_lines = self.text.get(from..)?.bytes().take_while(|&byte| byte == b'\n').count();
        self.number = self.number.saturating_add(u32::try_from(empty_lines).ok()?).saturating_add(1);
        Some((self.number, &self.record))
    }
}

/// The rows that are not empty.
fn grid(text: &str, delimiter: u8, wanted: &Wanted) -> Result<Grid, ReadFault> {
    let limits = &wanted.limits;
    let most = limits.rows.saturating_add(usize::try_from(wanted.header_row.unwrap_or(1)).unwrap_or(usize::MAX));
    // Where a quotation mark is left open, the mark of the end becomes a part of the last value.
    let text = format!("{text}\n{END}");
    let mut records = Rows::new(&text, delimiter);
    let mut rows: Vec<Row> = Vec::new();
    while let Some((number, record)) = records.next() {
        match record.iter().next_back() {
            Some(last) if last.starts_with(END) && record.len() == 1 => break,
            Some(last) if last.ends_with(END) => return Err(ReadFault::OpenQuote { row: number }),
            _ => {}
        }
        let filled = record.iter().enumerate().filter(|(_, field)| !field.trim().is_empty()).last();
        let Some(filled) = filled.map(|(last, _)| last + 1) else { continue };
        if filled > limits.columns {
            return Err(ReadFault::TooManyColumns { limit: limits.columns });
        }
        if rows.len() == most {
            return Err(ReadFault::TooManyRows { limit: limits.rows });
        }
        // Empty fields at the end are kept for the sake of the header: they are columns without a name.
        let fields = record.iter().take(limits.columns).map(unguard);
        let cell = |(place, field): (usize, &str)| match is_longer(field, limits.cell_chars) {
            true => Err(ReadFault::CellTooLong { cell: cell_name(place, number), limit: limits.cell_chars }),
            false => Ok(text_cell(field)),
        };
        rows.push(Row { number, cells: fields.enumerate().map(cell).collect::<Result<_, _>>()? });
    }
    Ok(Grid { rows, counted: true })
}
