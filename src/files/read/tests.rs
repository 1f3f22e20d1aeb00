use std::io::{Cursor, Write};

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn opened(bytes: &[u8]) -> Result<Opened, ReadFault> {
    read(bytes, &Wanted::default())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn number(text: &str) -> Cell {
    Cell::Number(Decimal::from_str_exact(text).unwrap())
}

fn day(y: i32, m: u32, d: u32) -> Cell {
    Cell::Date(NaiveDate::from_ymd_opt(y, m, d).unwrap())
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Texts of the cells, row by row, and the number of each row.
fn rows(opened: &Opened) -> Vec<(u32, Vec<String>)> {
    let cells = |row: &Row| row.cells.iter().cloned().map(name_of).collect();
    opened.sheet.rows.iter().map(|row| (row.number, cells(row))).collect()
}

fn row_of(number: u32, texts: &[&str]) -> (u32, Vec<String>) {
    (number, strings(texts))
}

mod delimited {
    use super::*;

    #[test]
    fn a_file_that_excel_saves_in_estonia_is_read_with_its_semicolons_quotes_and_mark() {
        let read =
            opened("\u{FEFF}Nimi;Isikukood;Märkus\r\n\"Tamm; Õie\";00000000001;\"ütles \"\"jah\"\"\"\r\n".as_bytes())
                .unwrap();
        assert_eq!(read.sheet.header, ["Nimi", "Isikukood", "Märkus"]);
        assert_eq!(rows(&read), [row_of(2, &["Tamm; Õie", "00000000001", "ütles \"jah\""])]);
        assert_eq!((read.encoding, read.delimiter, read.notes), (Some(Encoding::Utf8), Some(';'), vec![]));
    }

    #[test]
    fn the_delimiter_is_the_one_that_parts_the_header_into_most_columns() {
        for (line, delimiter) in [
            ("a,b,c", ','),
            ("a\tb\tc", '\t'),
            ("a|b|c", '|'),
            ("Nimi, eesnimi;Kood", ';'),
            ("\"a,b,c,d\"|e", '|'),
            ("\"a;b;c\",d", ','),
        ] {
            assert_eq!(opened(line.as_bytes()).unwrap().delimiter, Some(delimiter), "{line}");
        }
    }

    #[test]
    fn a_table_of_one_column_keeps_what_would_part_it_elsewhere() {
        let read = opened(b"Nimi\nTamm, Jaan\nKask; Mari\n").unwrap();
        assert_eq!(read.delimiter, None);
        assert_eq!(rows(&read), [row_of(2, &["Tamm, Jaan"]), row_of(3, &["Kask; Mari"])]);
    }

    #[test]
    fn a_delimiter_that_excel_declares_in_the_first_line_is_taken_and_the_line_is_no_row() {
        let read = opened(b"sep=|\r\na;x|b\r\n1|2\r\n").unwrap();
        assert_eq!(read.sheet.header, ["a;x", "b"]);
        assert_eq!(rows(&read), [row_of(2, &["1", "2"])]);
        let asked = Wanted { delimiter: Some(';'), ..Wanted::default() };
        assert_eq!(super::super::read(b"sep=|\na;x|b\n", &asked).unwrap().sheet.header, ["a", "x|b"]);
    }

    #[test]
    fn rows_have_the_numbers_that_a_spreadsheet_program_shows() {
        let read = opened(b"\n\na;b\n1;\"two\nlines\r\nand three\"\n\n;\n2;3\r\r4;5").unwrap();
        let wanted = [row_of(4, &["1", "two\nlines\nand three"]), row_of(7, &["2", "3"]), row_of(9, &["4", "5"])];
        assert_eq!(rows(&read), wanted);
    }

    #[test]
    fn numbers_and_days_of_a_text_stay_the_text_they_are() {
        let read = opened("a;b;c;d\n01;1,5;2026-01-05;jah".as_bytes()).unwrap();
        assert!(read.sheet.rows[0].cells.iter().all(|cell| matches!(cell, Cell::Text(_))));
    }

    #[test]
    fn short_rows_are_filled_and_long_ones_refused_with_their_number() {
        assert_eq!(rows(&opened(b"a;b;c\n1\n2;;;;").unwrap()), [row_of(2, &["1", "", ""]), row_of(3, &["2", "", ""])]);
        let fault = opened(b"a;b\n1;2\n\n1;2;;3\n").unwrap_err();
        assert_eq!(fault, ReadFault::RaggedRow { row: 4, fields: 4, columns: 2 });
        assert!(fault.to_string().starts_with("row 4 has 4 fields but the header has 2"), "{fault}");
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_does_not_swallow_the_rest() {
        assert_eq!(opened(b"a;b\n1;2\n3;\"4\n5;6\n"), Err(ReadFault::OpenQuote { row: 3 }));
        assert_eq!(opened(b"a;b\n1;2\n\"3;4"), Err(ReadFault::OpenQuote { row: 3 }));
        assert!(opened(b"a;b\n1;\"2\"").is_ok());
        assert_eq!(rows(&opened(b"a;b\n5\" toru;1").unwrap()), [row_of(2, &["5\" toru", "1"])]);
    }

    #[test]
    fn the_header_stands_where_its_sender_says() {
        let wanted = Wanted { header_row: Some(3), ..Wanted::default() };
        let read = super::super::read("Õpilased, 2026\n\na;b\n1;2".as_bytes(), &wanted).unwrap();
        assert_eq!((read.sheet.header, read.delimiter), (strings(&["a", "b"]), Some(';')));
        let empty = super::super::read(b"a\n\nb", &Wanted { header_row: Some(2), ..Wanted::default() });
        assert_eq!(empty, Err(ReadFault::NoHeader));
    }

    #[test]
    fn columns_of_one_name_and_values_without_one_are_refused_by_their_letters() {
        let twice = opened("Nimi;b; NIMI \n1;2;3".as_bytes()).unwrap_err();
        assert_eq!(twice.to_string(), "columns A and C are both called “NIMI”: rename one or remove it");
        let nameless = opened(b"a;;b\n1;;2\n1;x;2").unwrap_err();
        assert_eq!(nameless, ReadFault::NamelessColumn { column: "B".to_owned(), row: 3 });
    }

    #[test]
    fn a_column_with_neither_name_nor_value_is_no_column() {
        let read = opened(b"a;;b;;\n1;;2;;").unwrap();
        assert_eq!(read.sheet.header, ["a", "b"]);
        assert_eq!(rows(&read), [row_of(2, &["1", "2"])]);
    }

    #[test]
    fn a_guard_against_formulas_is_taken_off_and_other_apostrophes_are_not() {
        let read = opened(b"a;b;c\n'=1+1;'+372 5;'tere").unwrap();
        assert_eq!(rows(&read), [row_of(2, &["=1+1", "+372 5", "'tere"])]);
    }

    #[test]
    fn utf_16_is_recognised_with_its_mark_and_without() {
        let table = "Nimi\tKool\nŽanna Šults\tÕunapuu\n";
        let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for mark in ["", "\u{FEFF}"] {
            for (bytes, encoding) in [
                (little(&format!("{mark}{table}")), Encoding::Utf16Le),
                (big(&format!("{mark}{table}")), Encoding::Utf16Be),
            ] {
                let read = opened(&bytes).unwrap();
                assert_eq!((read.encoding, read.delimiter), (Some(encoding), Some('\t')));
                assert_eq!(rows(&read), [row_of(2, &["Žanna Šults", "Õunapuu"])]);
            }
        }
    }

    #[test]
    fn text_that_is_no_utf_8_is_baltic_and_says_so() {
        let read = opened(b"Nimi;Kool\n\xDEanna \xD0ults;\xD5unapuu\n").unwrap();
        assert_eq!(read.encoding, Some(Encoding::Windows1257));
        assert_eq!(rows(&read), [row_of(2, &["Žanna Šults", "Õunapuu"])]);
    }

    #[test]
    fn another_code_page_is_refused_rather_than_read_with_wrong_letters() {
        // š and ž of Windows-1252.
        let fault = opened(b"Nimi\n\x8Eanna \x9Aults\xF5\n").unwrap_err();
        assert_eq!(fault, ReadFault::UnknownEncoding);
        assert!(fault.to_string().contains("windows-1257: save the file as “CSV UTF-8”"), "{fault}");
    }

    #[test]
    fn a_declared_encoding_is_kept_to_and_the_first_line_that_breaks_it_is_named() {
        let declared = |bytes: &[u8], encoding| {
            super::super::read(bytes, &Wanted { encoding: Some(encoding), ..Wanted::default() })
        };
        let line = |encoding, line| Err(ReadFault::Undecodable { encoding, line });
        assert_eq!(declared(b"a\nb\n\xF5\n", Encoding::Utf8), line(Encoding::Utf8, 3));
        assert_eq!(declared(b"a\n\x9A\n", Encoding::Windows1257), line(Encoding::Windows1257, 2));
        assert_eq!(declared(b"a\x00\n\x00b", Encoding::Utf16Le), line(Encoding::Utf16Le, 2));
        assert_eq!(declared("\u{FEFF}a".as_bytes(), Encoding::Windows1257), line(Encoding::Windows1257, 1));
        assert_eq!(opened(b"\xEF\xBB\xBFa\n\xF5"), line(Encoding::Utf8, 2));
        assert_eq!(rows(&declared("a\nõ".as_bytes(), Encoding::Windows1257).unwrap()), [row_of(2, &["Ćµ"])]);
    }

    #[test]
    fn what_is_no_table_is_refused_whatever_it_is_called() {
        let web_page = b"\n<html><table><tr><td>a</td></tr></table></html>";
        for bytes in [b"\x89PNG\r\n\x1A\n\0\0".as_slice(), b"%PDF-1.7\n\x01\x02", b"\x7FELF\x02\x01\x01\0", web_page] {
            assert_eq!(opened(bytes), Err(ReadFault::NotATable));
        }
        for bytes in [b"".as_slice(), b"\xEF\xBB\xBF", b" \r\n\t "] {
            assert_eq!(opened(bytes), Err(ReadFault::Empty));
        }
    }

    #[test]
    fn limits_hold_for_the_file_its_rows_columns_and_cells() {
        let limits = Limits { bytes: 60, rows: 2, columns: 3, cell_chars: 4, ..Limits::default() };
        let limited = |text: &str| super::super::read(text.as_bytes(), &Wanted { limits, ..Wanted::default() });
        assert!(limited("a;b;c;;;;\nõõõõ;2;3;;;;\n4;5;6\n").is_ok());
        assert_eq!(limited("a\n1\n2\n3"), Err(ReadFault::TooManyRows { limit: 2 }));
        assert_eq!(limited("a;b;c;d"), Err(ReadFault::TooManyColumns { limit: 3 }));
        assert_eq!(limited("a;b\n1;õõõõõ"), Err(ReadFault::CellTooLong { cell: "B2".to_owned(), limit: 4 }));
        assert_eq!(limited(&"a".repeat(61)), Err(ReadFault::TooLarge { limit: 60 }));
    }

    #[test]
    fn a_delimiter_that_is_no_single_ascii_character_is_refused() {
        for delimiter in ['"', '\n', '–'] {
            let wanted = Wanted { delimiter: Some(delimiter), ..Wanted::default() };
            assert_eq!(super::super::read(b"a;b", &wanted), Err(ReadFault::NotADelimiter));
        }
    }

    fn encoded(text: &str, encoding: Encoding, mark: bool) -> Option<Vec<u8>> {
        let marked = if mark { format!("\u{FEFF}{text}") } else { text.to_owned() };
        match encoding {
            Encoding::Utf8 => Some(marked.into_bytes()),
            Encoding::Utf16Le => Some(marked.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Encoding::Utf16Be => Some(marked.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Encoding::Windows1257 => {
                let (bytes, _, replaced) = encoding_rs::WINDOWS_1257.encode(text);
                (!replaced).then(|| bytes.into_owned())
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_in_any_encoding_and_with_any_delimiter_is_read_back(
            cells in prop::collection::vec(
                prop::collection::vec("([a-zõäöüšžÕŠŽ0-9=+@'\";,|\t\n.-]{0,12})", 3), 1..8
            ),
            delimiter in prop::sample::select(vec![b';', b',', b'\t', b'|']),
            encoding in prop::sample::select(Encoding::ALL.to_vec()),
            mark: bool,
            crlf: bool,
        ) {
            let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(end).from_writer(Vec::new());
            writer.write_record(["Perekonnanimi", "Eesnimi", "Märkus õppe kohta"]).unwrap();
            for row in &cells {
                writer.write_record(row.iter().map(|cell| crate::files::csv::guard(cell).into_owned())).unwrap();
            }
            let table = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let bytes = encoded(&table, encoding, mark).unwrap();
            let declared = Wanted { encoding: Some(encoding), delimiter: Some(char::from(delimiter)), ..Wanted::default() };
            let trimmed: Vec<Vec<String>> = cells
                .iter()
                .map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect::<Vec<_>>())
                .filter(|row: &Vec<String>| row.iter().any(|cell| !cell.is_empty()))
                .collect();
            for wanted in [Wanted::default(), declared] {
                let read = super::super::read(&bytes, &wanted).unwrap();
                prop_assert_eq!(read.encoding, Some(encoding));
                prop_assert_eq!(read.delimiter, Some(char::from(delimiter)));
                let back: Vec<Vec<String>> = rows(&read).into_iter().map(|(_, cells)| cells).collect();
                prop_assert_eq!(&back, &trimmed);
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), zipped: bool) {
            let mut file = if zipped { b"PK\x03\x04".to_vec() } else { Vec::new() };
            file.extend(bytes);
            let _ = opened(&file);
        }
    }
}

/// A workbook of one sheet.
fn book(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet());
    workbook.save_to_buffer().unwrap()
}

/// A zip of these parts.
fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>";

/// A workbook with the XML of its one sheet as it is given, the least that is one. Style 1 is a date.
fn by_hand(sheet: &str, properties: &str) -> Vec<u8> {
    let root = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"{RELATIONSHIPS}/officeDocument\" Target=\"xl/workbook.xml\"/>\
         </Relationships>"
    );
    let of_book = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"{RELATIONSHIPS}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
         </Relationships>"
    );
    let workbook = format!(
        "<workbook xmlns:r=\"{RELATIONSHIPS}\">{properties}<sheets><sheet name=\"Leht\" sheetId=\"1\" r:id=\"r1\"/>\
         </sheets></workbook>"
    );
    let styles = "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    package(&[
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", &root),
        ("xl/workbook.xml", &workbook),
        ("xl/_rels/workbook.xml.rels", &of_book),
        ("xl/styles.xml", styles),
        ("xl/worksheets/sheet1.xml", &format!("<worksheet>{sheet}</worksheet>")),
    ])
}

/// The cells under the header `a`, in rows of their own.
fn column(cells: &str) -> Vec<u8> {
    by_hand(
        &format!("<sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>a</t></is></c></row>{cells}</sheetData>"),
        "",
    )
}

fn only_cell(attributes: &str, content: &str) -> Cell {
    let bytes = column(&format!("<row r=\"2\"><c r=\"A2\" {attributes}>{content}</c></row>"));
    opened(&bytes).unwrap().sheet.rows.first().map_or(Cell::Empty, |row| row.cells[0].clone())
}

mod workbooks {
    use super::*;

    #[test]
    fn cells_have_the_types_they_have_in_the_workbook() {
        let bytes = book(|sheet| {
            let date = Format::new().set_num_format("dd.mm.yyyy");
            sheet.set_name("Õpilased").unwrap();
            for (x, name) in (0..).zip([" Kood ", "Sünniaeg", "Tunde", "Õpib"]) {
                sheet.write_string(0, x, name).unwrap();
            }
            sheet.write_string(1, 0, "  00000000001 ").unwrap();
            sheet.write_datetime_with_format(1, 1, NaiveDate::from_ymd_opt(2015, 3, 1).unwrap(), &date).unwrap();
            sheet.write_number(1, 2, 0.1).unwrap();
            sheet.write_boolean(1, 3, true).unwrap();
            sheet.write_string(4, 0, "x").unwrap();
        });
        let read = opened(&bytes).unwrap();
        assert_eq!(read.sheet.name, "Õpilased");
        assert_eq!(read.sheet.header, ["Kood", "Sünniaeg", "Tunde", "Õpib"]);
        let first =
            Row { number: 2, cells: vec![text("00000000001"), day(2015, 3, 1), number("0.1"), Cell::Boolean(true)] };
        let second = Row { number: 5, cells: vec![text("x"), Cell::Empty, Cell::Empty, Cell::Empty] };
        assert_eq!(read.sheet.rows, [first, second]);
        assert_eq!((read.encoding, read.delimiter, read.notes), (None, None, vec![]));
    }

    #[test]
    fn numbers_are_those_that_people_see_without_binary_noise() {
        for (stored, seen) in [
            ("0.1", "0.1"),
            ("0.10000000000000001", "0.1"),
            ("0.30000000000000004", "0.3"),
            ("3.3000000000000003", "3.3"),
            ("39901012239", "39901012239"),
            ("9007199254740991", "9007199254740991"),
            ("-1234567890123.45", "-1234567890123.45"),
            ("1E3", "1000"),
            ("1e-7", "0.0000001"),
            ("-0", "0"),
        ] {
            assert_eq!(only_cell("", &format!("<v>{stored}</v>")), number(seen), "{stored}");
        }
        assert!(matches!(only_cell("", "<v>1e300</v>"), Cell::Fault(_)));
    }

    #[test]
    fn days_count_from_1900_or_from_1904_as_the_workbook_says() {
        let first = "<sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>a</v></c></row><row r=\"2\"><c r=\"A2\" s=\"1\">\
                     <v>42064</v></c></row></sheetData>";
        let date_of = |properties| opened(&by_hand(first, properties)).unwrap().sheet.rows[0].cells[0].clone();
        assert_eq!(date_of(""), day(2015, 3, 1));
        assert_eq!(date_of("<workbookPr date1904=\"1\"/>"), day(2019, 3, 2));
    }

    #[test]
    fn times_moments_and_days_that_programs_count_differently_are_no_days() {
        let dated = |serial: &str| only_cell("s=\"1\"", &format!("<v>{serial}</v>"));
        assert_eq!(dated("42064.5"), Cell::Fault("2015-03-01 12:00:00".to_owned()));
        assert_eq!(dated("0.25"), Cell::Fault("06:00:00".to_owned()));
        assert_eq!(dated("60"), Cell::Fault("60".to_owned()));
        assert_eq!(dated("61"), day(1900, 3, 1));
        assert_eq!(dated("2958465"), day(9999, 12, 31));
        for serial in ["-1", "2958466", "1e300", "-1e300"] {
            assert!(matches!(dated(serial), Cell::Fault(_)), "{serial}");
        }
        assert_eq!(only_cell("t=\"d\"", "<v>2026-01-05</v>"), day(2026, 1, 5));
        assert_eq!(only_cell("t=\"d\"", "<v>2026-01-05T00:00:00.000Z</v>"), day(2026, 1, 5));
        assert_eq!(only_cell("t=\"d\"", "<v>2026-01-05T13:30:00</v>"), Cell::Fault("2026-01-05T13:30:00".to_owned()));
    }

    #[test]
    fn an_error_value_is_a_fault_and_no_text() {
        assert_eq!(only_cell("t=\"e\"", "<v>#N/A</v>"), Cell::Fault("#N/A".to_owned()));
        assert_eq!(only_cell("t=\"e\"", "<f>1/0</f><v>#DIV/0!</v>"), Cell::Fault("#DIV/0!".to_owned()));
    }

    #[test]
    fn control_characters_are_a_fault_and_ends_of_lines_are_one_kind() {
        assert_eq!(only_cell("t=\"inlineStr\"", "<is><t>a_x0000_b</t></is>"), Cell::Fault("a\u{FFFD}b".to_owned()));
        assert_eq!(only_cell("t=\"inlineStr\"", "<is><t>a_x000D_\nb</t></is>"), text("a\nb"));
        assert_eq!(only_cell("t=\"inlineStr\"", "<is><t xml:space=\"preserve\"> \u{A0} </t></is>"), Cell::Empty);
    }

    #[test]
    fn of_a_formula_the_stored_value_is_taken_and_its_cell_is_named() {
        let bytes = book(|sheet| {
            sheet.write_string(0, 0, "a").unwrap().write_string(0, 1, "b").unwrap();
            sheet.write_formula(1, 0, Formula::new("=1+1").set_result("2")).unwrap();
            sheet.write_formula(2, 1, Formula::new("=\"õ\"&\"x\"").set_result("õx")).unwrap();
        });
        let read = opened(&bytes).unwrap();
        assert_eq!(read.sheet.rows[0].cells, [number("2"), Cell::Empty]);
        assert_eq!(read.sheet.rows[1].cells, [Cell::Empty, text("õx")]);
        assert_eq!(read.notes, [Note::Formulas { cells: strings(&["A2", "B3"]), count: 2 }]);
    }

    #[test]
    fn a_formula_without_a_stored_value_is_a_fault_and_never_computed() {
        assert_eq!(only_cell("", "<f>1+1</f>"), Cell::Fault("=1+1".to_owned()));
        assert_eq!(only_cell("", "<f>1+1</f><v></v>"), Cell::Fault("=1+1".to_owned()));
        assert_eq!(only_cell("t=\"str\"", "<f>\"\"</f><v></v>"), Cell::Empty);
    }

    #[test]
    fn merged_cells_over_values_are_refused_but_a_merged_title_above_the_header_is_not() {
        let merged = |header_row: Option<u32>| {
            let bytes = book(|sheet| {
                sheet.merge_range(0, 0, 0, 1, "Õpilased", &Format::new()).unwrap();
                sheet.write_string(1, 0, "a").unwrap().write_string(1, 1, "b").unwrap();
                sheet.write_string(2, 0, "x").unwrap();
                sheet.merge_range(4, 0, 6, 0, "", &Format::new()).unwrap();
                if header_row == Some(3) {
                    sheet.merge_range(7, 0, 9, 0, "y", &Format::new()).unwrap();
                }
            });
            read(&bytes, &Wanted { header_row: header_row.map(|_| 2), ..Wanted::default() })
        };
        assert!(merged(Some(2)).is_ok());
        assert_eq!(merged(Some(3)), Err(ReadFault::Merged { ranges: strings(&["A8:A10"]) }));
        assert_eq!(merged(None), Err(ReadFault::Merged { ranges: strings(&["A1:B1"]) }));
    }

    #[test]
    fn hidden_rows_columns_and_sheets_with_values_are_named_and_refused() {
        let table = |hide: fn(&mut Worksheet)| {
            let bytes = book(|sheet| {
                for (y, x, value) in [(0, 0, "a"), (0, 1, "b"), (1, 0, "1"), (2, 1, "2")] {
                    sheet.write_string(y, x, value).unwrap();
                }
                hide(sheet);
            });
            opened(&bytes)
        };
        let hide_row = |sheet: &mut Worksheet| {
            sheet.set_row_hidden(2).unwrap();
        };
        assert_eq!(table(hide_row), Err(ReadFault::HiddenRows { rows: strings(&["3"]) }));
        let flatten_row = |sheet: &mut Worksheet| {
            sheet.set_row_height(1, 0).unwrap();
        };
        assert_eq!(table(flatten_row), Err(ReadFault::HiddenRows { rows: strings(&["2"]) }));
        let hide_column = |sheet: &mut Worksheet| {
            sheet.set_column_hidden(1).unwrap();
        };
        assert_eq!(table(hide_column), Err(ReadFault::HiddenColumns { columns: strings(&["B"]) }));
        let hide_nothing = |sheet: &mut Worksheet| {
            sheet.set_row_hidden(7).unwrap().set_column_hidden(5).unwrap();
        };
        assert_eq!(table(hide_nothing).map(|opened| opened.sheet.rows.len()), Ok(2));
    }

    /// Sheets of a header each, and whether they are hidden.
    fn sheets(sheets: &[(&str, bool, bool)]) -> Vec<u8> {
        let mut workbook = Workbook::new();
        for (name, filled, hidden) in sheets {
            let sheet = workbook.add_worksheet().set_name(*name).unwrap();
            if *filled {
                sheet.write_string(0, 0, *name).unwrap();
            }
            sheet.set_hidden(*hidden);
        }
        workbook.save_to_buffer().unwrap()
    }

    fn sheet_named(name: &str) -> Wanted {
        Wanted { sheet: Some(name.to_owned()), ..Wanted::default() }
    }

    #[test]
    fn of_several_sheets_one_must_be_asked_for_and_the_others_are_told_of() {
        let bytes = sheets(&[("Esimene", true, false), ("Teine", true, false), ("Tühi", false, false)]);
        let names = strings(&["Esimene", "Teine"]);
        let fault = opened(&bytes).unwrap_err();
        assert_eq!(fault, ReadFault::SeveralSheets { sheets: names });
        assert!(fault.to_string().ends_with("say which to read (Esimene, Teine)"), "{fault}");
        let second = read(&bytes, &sheet_named(" teine ")).unwrap();
        assert_eq!(second.sheet.header, ["Teine"]);
        assert_eq!(second.notes, [Note::OtherSheets { sheets: strings(&["Esimene"]) }]);
        let missing = read(&bytes, &sheet_named("Kolmas"));
        let all = strings(&["Esimene", "Teine", "Tühi"]);
        assert_eq!(missing, Err(ReadFault::NoSuchSheet { wanted: "Kolmas".to_owned(), sheets: all }));
        assert_eq!(read(&bytes, &sheet_named("Tühi")), Err(ReadFault::NoHeader));
    }

    #[test]
    fn the_only_sheet_that_holds_something_needs_no_name_and_a_hidden_one_is_refused() {
        assert_eq!(opened(&sheets(&[("Tühi", false, false), ("A", true, false)])).unwrap().sheet.name, "A");
        assert_eq!(opened(&sheets(&[("A", true, false), ("B", false, true)])).unwrap().sheet.name, "A");
        let hidden = Err(ReadFault::HiddenSheets { sheets: strings(&["B"]) });
        assert_eq!(opened(&sheets(&[("A", true, false), ("B", true, true)])), hidden);
        assert_eq!(read(&sheets(&[("A", true, false), ("B", true, true)]), &sheet_named("A")), hidden);
        assert_eq!(opened(&sheets(&[("A", false, false)])), Err(ReadFault::Empty));
    }

    #[test]
    fn headers_are_told_apart_and_values_without_one_are_refused() {
        let cell = |place: &str, value: &str| format!("<c r=\"{place}\" t=\"str\"><v>{value}</v></c>");
        let table = |header: &str, row: &str| {
            opened(&by_hand(&format!("<sheetData><row r=\"3\">{header}</row><row r=\"9\">{row}</row></sheetData>"), ""))
        };
        let twice = table(&(cell("B3", "x") + &cell("AB3", "X")), "");
        let [first, second] = ["B", "AB"].map(str::to_owned);
        assert_eq!(twice, Err(ReadFault::DuplicateColumn { name: "X".to_owned(), first, second }));
        let beside = table(&cell("B3", "x"), &(cell("B9", "1") + &cell("D9", "2")));
        assert_eq!(beside, Err(ReadFault::NamelessColumn { column: "D".to_owned(), row: 9 }));
        let before = table(&cell("B3", "x"), &cell("B9", "1")).unwrap();
        assert_eq!((before.sheet.header.clone(), rows(&before)), (strings(&["x"]), vec![row_of(9, &["1"])]));
    }

    #[test]
    fn limits_hold_for_rows_columns_cells_and_for_shared_texts_taken_together() {
        let bytes = book(|sheet| {
            sheet.write_string(0, 0, "a").unwrap().write_string(0, 1, "b").unwrap();
            for y in 1..=4 {
                sheet.write_string(y, 0, "õ".repeat(400)).unwrap();
            }
        });
        let limited = |limits| read(&bytes, &Wanted { limits, ..Wanted::default() });
        let all = Limits::default();
        assert!(limited(Limits { rows: 4, columns: 2, cell_chars: 400, ..all }).is_ok());
        assert_eq!(limited(Limits { rows: 3, ..all }), Err(ReadFault::TooManyRows { limit: 3 }));
        assert_eq!(limited(Limits { columns: 1, ..all }), Err(ReadFault::TooManyColumns { limit: 1 }));
        assert_eq!(
            limited(Limits { cell_chars: 399, ..all }),
            Err(ReadFault::CellTooLong { cell: "A2".to_owned(), limit: 399 })
        );
        assert_eq!(limited(Limits { unpacked: 100, ..all }), Err(ReadFault::Bomb));
        // 200 000 cells of one text of 2 000 characters: a small file, 400 MB of texts.
        let cell = "<c t=\"s\"><v>0</v></c>".repeat(100);
        let rows = format!("<row>{cell}</row>").repeat(2000);
        let mut bytes = by_hand(&format!("<sheetData>{rows}</sheetData>"), "");
        bytes = with_part(&bytes, "xl/sharedStrings.xml", &format!("<sst><si><t>{}</t></si></sst>", random_text(2000)));
        assert_eq!(opened(&bytes), Err(ReadFault::Bomb));
    }

    fn random_text(length: u32) -> String {
        (0..length).map(|i| char::from(b'a' + u8::try_from(i.wrapping_mul(2_654_435_761) >> 28).unwrap())).collect()
    }

    /// The package with another part.
    fn with_part(bytes: &[u8], name: &str, content: &str) -> Vec<u8> {
        let mut zip = ZipWriter::new_append(Cursor::new(bytes.to_vec())).unwrap();
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn a_zip_bomb_is_refused_before_anything_reads_it_also_one_that_lies_about_its_size() {
        let bomb = with_part(&book(|_| {}), "xl/media/image1.png", &" ".repeat(8 << 20));
        assert!(bomb.len() < 30_000);
        assert_eq!(opened(&bomb), Err(ReadFault::Bomb));
        // The size as declared stands in the local header and in the directory, four bytes of it.
        let mut lying = bomb;
        let size = u32::try_from(8 << 20).unwrap().to_le_bytes();
        let places: Vec<_> = (0..lying.len() - 4).filter(|at| lying[*at..*at + 4] == size).collect();
        assert!(!places.is_empty());
        for at in places {
            lying[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
        }
        assert!(matches!(opened(&lying), Err(ReadFault::Bomb | ReadFault::Damaged)));
    }

    #[test]
    fn parts_of_one_name_and_damaged_packages_are_refused() {
        let good = column("");
        assert!(opened(&good).is_ok());
        assert_eq!(opened(&with_part(&good, "XL/Worksheets/SHEET1.xml", "<worksheet/>")), Err(ReadFault::Damaged));
        assert_eq!(opened(&good[..good.len() / 2]), Err(ReadFault::Damaged));
        for cells in [
            "<row r=\"2\"><c r=\"AAAAAAAAAA2\"><v>1</v></c></row>",
            "<row r=\"2\"><c r=\"A99999999999\"><v>1</v></c></row>",
            "<row r=\"0\"><c r=\"A0\"><v>1</v></c></row>",
            "<row r=\"3\" hidden=\"1\"><c r=\"A2\"><v>1</v></c></row>",
            "<row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"A2\"><v>2</v></c></row>",
            "<row r=\"2\"><c r=\"A2\"><f t=\"shared\" si=\"0\" ref=\"B2:A1\">1</f><v>1</v></c></row>",
        ] {
            assert_eq!(opened(&column(cells)), Err(ReadFault::Damaged), "{cells}");
        }
    }

    #[test]
    fn other_formats_are_refused_with_advice() {
        let compound = |stream: &str| {
            let mut bytes = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
            bytes.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
            opened(&bytes)
        };
        assert_eq!(compound("..EncryptedPackage.."), Err(ReadFault::Locked));
        assert_eq!(compound("..Workbook.."), Err(ReadFault::OldWorkbook));
        assert_eq!(compound("..WordDocument.."), Err(ReadFault::NotATable));
        assert!(compound("..Book..").unwrap_err().to_string().contains("save it as “Excel Workbook (.xlsx)”"));
        let ods = package(&[("mimetype", "x"), ("content.xml", "x"), ("META-INF/manifest.xml", "x")]);
        assert_eq!(opened(&ods), Err(ReadFault::OtherWorkbook { format: ".ods" }));
        let root = ("_rels/.rels", "<Relationships/>");
        let xlsb = package(&[("[Content_Types].xml", TYPES), root, ("xl/workbook.bin", "x")]);
        assert_eq!(opened(&xlsb), Err(ReadFault::OtherWorkbook { format: ".xlsb" }));
        let docx = package(&[("[Content_Types].xml", TYPES), root, ("word/document.xml", "x")]);
        assert_eq!(opened(&docx), Err(ReadFault::NotATable));
        assert_eq!(opened(&package(&[("a.txt", "x")])), Err(ReadFault::NotATable));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_decimal_of_up_to_fifteen_digits_comes_back_as_it_was_typed(
            mantissa in -999_999_999_999_999_i64..=999_999_999_999_999,
            scale in 0_u32..=12,
        ) {
            let typed = Decimal::new(mantissa, scale).normalize();
            let bytes = book(|sheet| {
                sheet.write_string(0, 0, "a").unwrap();
                sheet.write_number(1, 0, typed.to_string().parse::<f64>().unwrap()).unwrap();
            });
            prop_assert_eq!(&opened(&bytes).unwrap().sheet.rows[0].cells[0], &Cell::Number(typed));
        }

        #[test]
        fn no_broken_workbook_makes_the_reader_panic(at in 0.0..1.0_f64, byte: u8, sheet in "[<>/=\"A-C0-9a-zõ ]{0,80}") {
            let mut bytes = book(|sheet| {
                sheet.write_string(0, 0, "a").unwrap();
            });
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the file")]
            let at = (at * bytes.len() as f64) as usize;
            bytes[at] = byte;
            let _ = opened(&bytes);
            let _ = opened(&by_hand(&format!("<sheetData>{sheet}</sheetData>"), ""));
        }
    }
}
