//! PDF/A-2b (ISO 19005-2) through typst: the extract on A4 pages.
//!
//! The data reaches the template as a JSON file that only exists in memory, so no value is ever read as markup. The
//! compiler sees that file, the template and the bundled fonts: no disk, no network, no packages, no clock.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde_json::{Value, json};
use thiserror::Error;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Smart};
use typst::layout::Abs;
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook, FontInfo, FontInstance, FontStyle, FontVariant, FontVariations, FontWeight};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use super::{Extract, words};

const TEMPLATE: &str = include_str!("../../templates/extract.typ");
const FAMILY: &str = "Libertinus Serif";
/// More columns than this go on a page in landscape.
const PORTRAIT_COLUMNS: usize = 6;
/// More columns than this are too narrow to read.
const MOST_COLUMNS: usize = 30;
/// The width of a table upright and in landscape, and what the inset of a column takes of it, in ems of its font size.
/// The template has the same in millimetres and points.
const WIDTH: (f64, f64) = (63.7, 94.5);
const INSET: f64 = 0.75;
/// Narrowest column, the widest that is kept clear for one word, and the widest a text may claim, in ems.
const NARROWEST: f64 = 2.0;
const WIDEST_WORD: f64 = 14.0;
const WIDEST_TEXT: f64 = 22.0;
/// The width of a line in the frame and in the heading, in ems.
const FRAME_LINE: f64 = 36.0;
const HEADING_LINE: f64 = 30.0;

/// What a layout may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most rows.
    pub rows: usize,
    /// Longest time.
    pub time: Duration,
}

impl Limits {
    /// At most `rows` rows, laid out within 20 seconds.
    pub const fn rows(rows: usize) -> Self {
        Self { rows, time: Duration::from_secs(20) }
    }
}

/// Why there is no PDF. No variant says anything of the data, not even the compiler's words: they may quote a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PdfError {
    /// The table is longer than allowed.
    #[error("the table has more than {limit} rows")]
    TooManyRows {
        /// The limit.
        limit: usize,
    },
    /// The columns would be too narrow to read.
    #[error("the table has more than {limit} columns")]
    TooManyColumns {
        /// The limit.
        limit: usize,
    },
    /// The layout took too long and was given up.
    #[error("the layout took too long")]
    TimedOut,
    /// The template does not compile, or its pages can't be PDF/A.
    #[error("the layout was refused")]
    Refused,
    /// The layout ended without a result.
    #[error("the layout broke off")]
    BrokeOff,
}

/// The extract as PDF/A-2b.
///
/// A character that the fonts don't have, or that is invisible or turns the direction of writing, is printed as its
/// code (`[U+1F600]`): an extract shows what it holds.
///
/// # Errors
/// See [`PdfError`]. After [`PdfError::TimedOut`] the layout's thread ends soon, but not at once.
pub fn pdf(extract: &Extract, limits: Limits) -> Result<Vec<u8>, PdfError> {
    if extract.table.rows().len() > limits.rows {
        return Err(PdfError::TooManyRows { limit: limits.rows });
    }
    if extract.table.columns().len() > MOST_COLUMNS {
        return Err(PdfError::TooManyColumns { limit: MOST_COLUMNS });
    }
    typeset(job(extract, limits.time))
}

fn job(extract: &Extract, time: Duration) -> Typeset {
    Typeset {
        template: ("extract.typ", TEMPLATE),
        data: ("extract.json", data(extract)),
        ident: format!("{} {}", extract.register_id, extract.ledger_number),
        at: extract.made_at,
        time,
    }
}

/// What is set: a template, the data that it reads, and what the file says of itself.
pub(crate) struct Typeset {
    /// Name and text.
    pub template: (&'static str, &'static str),
    /// Name under which the template reads it, and what is in it.
    pub data: (&'static str, Value),
    /// By which the document is known.
    pub ident: String,
    /// When it was made: the file bears this moment and no other.
    pub at: DateTime<Utc>,
    /// Longest time.
    pub time: Duration,
}

/// Sets pages, on a thread of its own that is given up after a while.
pub(crate) fn typeset(job: Typeset) -> Result<Vec<u8>, PdfError> {
    let began = Instant::now();
    let time = job.time;
    let options = options(&job).ok_or(PdfError::Refused)?;
    let world = world(job).ok_or(PdfError::Refused)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("pdf".to_owned())
        .spawn(move || sender.send(compile(&world, &options)))
        .map_err(|_| PdfError::BrokeOff)?;
    match receiver.recv_timeout(time) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(PdfError::TimedOut),
        // The thread unwound: the world gave up, or the compiler panicked.
        Err(RecvTimeoutError::Disconnected) if began.elapsed() >= time => Err(PdfError::TimedOut),
        Err(RecvTimeoutError::Disconnected) => Err(PdfError::BrokeOff),
    }
}

fn compile(world: &ExtractWorld, options: &PdfOptions) -> Result<Vec<u8>, PdfError> {
    let _forget = Forget;
    let document = typst::compile::<PagedDocument>(world).output.map_err(|_| PdfError::Refused)?;
    typst_pdf::pdf(&document, options).map_err(|_| PdfError::Refused)
}

/// Empties the compiler's cache, which is the process's and would keep the data for ever.
struct Forget;

impl Drop for Forget {
    fn drop(&mut self) {
        typst::comemo::evict(0);
    }
}

fn options(job: &Typeset) -> Option<PdfOptions> {
    let at = job.at;
    let small = |number: u32| u8::try_from(number).ok();
    let date = Datetime::from_ymd_hms(
        at.year(),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )?;
    Some(PdfOptions {
        ident: Smart::Custom(job.ident.clone()),
        creator: Smart::Custom(Some(env!("CARGO_PKG_NAME").to_owned())),
        timestamp: Some(Timestamp::new_utc(date)),
        standards: PdfStandards::new(&[PdfStandard::A_2b]).ok()?,
        ..PdfOptions::default()
    })
}

/// What the template reads.
fn data(extract: &Extract) -> Value {
    let table = &extract.table;
    let landscape = table.columns().len() > PORTRAIT_COLUMNS;
    let heads: Vec<String> = table.columns().iter().map(|column| printable(&column.label)).collect();
    let mut rows: Vec<Vec<String>> = table
        .rows()
        .iter()
        .map(|row| row.iter().map(|cell| printable(&cell.to_text(extract.lang))).collect())
        .collect();
    let widths = widths(&heads, &rows, if landscape { WIDTH.1 } else { WIDTH.0 });
    for row in &mut rows {
        for (text, width) in row.iter_mut().zip(&widths) {
            *text = breakable(text, *width);
        }
    }
    let columns: Vec<Value> = table
        .columns()
        .iter()
        .zip(heads.iter().zip(&widths))
        .map(|(column, (head, width))| {
            json!({ "label": breakable(head, *width), "numeric": column.kind.is_numeric(), "width": width + INSET })
        })
        .collect();
    let line = |text: &str, width| breakable(&printable(text), width);
    let frame: Vec<(&str, String)> =
        extract.frame().into_iter().map(|(label, value)| (label, line(&value, FRAME_LINE))).collect();
    json!({
        "lang": extract.lang.code(),
        "title": printable(&extract.register_name),
        "register": line(&extract.register_name, FRAME_LINE),
        "ledger": line(&format!("{} {}", extract.lang.pick(words::LEDGER_NUMBER), extract.ledger_number), FRAME_LINE),
        "clause": line(&extract.clause, FRAME_LINE),
        "page": extract.lang.pick(words::PAGE),
        "of": extract.lang.pick(words::OF),
        "landscape": landscape,
        "heading": line(&table.title, HEADING_LINE),
        "frame": frame,
        "columns": columns,
        "rows": rows,
    })
}

/// The width of every column without its inset, in ems; together with the insets they are `available`.
///
/// Every column gets room for its longest word, and what is left goes to those whose texts are longer. Widths that the
/// compiler has to measure take twice the time.
fn widths(heads: &[String], rows: &[Vec<String>], available: f64) -> Vec<f64> {
    let mut longest = vec![NARROWEST; heads.len()];
    let mut widest = vec![NARROWEST; heads.len()];
    for row in rows.iter().map(Vec::as_slice).chain([heads]) {
        for (i, text) in row.iter().enumerate() {
            for line in text.lines() {
                widest[i] = extent(line).max(widest[i]).min(WIDEST_TEXT);
                longest[i] = line.split(' ').map(extent).fold(longest[i], f64::max).min(WIDEST_WORD);
            }
        }
    }
    let sum = |widths: &[f64]| widths.iter().sum::<f64>();
    let room = available - heads.iter().map(|_| INSET).sum::<f64>();
    let (least, most) = (sum(&longest), sum(&widest));
    if most <= room {
        widest.iter().map(|text| text * room / most).collect()
    } else if least >= room {
        longest.iter().map(|word| word * room / least).collect()
    } else {
        let share = (room - least) / (most - least);
        longest.iter().zip(&widest).map(|(word, text)| word + (text - word) * share).collect()
    }
}

/// The width of a text in ems.
fn extent(text: &str) -> f64 {
    text.chars().filter_map(|c| ADVANCES.get(&c)).sum()
}

/// Invisible characters and such as turn the direction of writing.
const UNSEEN: [RangeInclusive<char>; 4] =
    ['\u{200B}'..='\u{200F}', '\u{2028}'..='\u{202E}', '\u{2060}'..='\u{206F}', '\u{FEFF}'..='\u{FEFF}'];

/// The text in characters that the font has and a reader sees.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\r' => out.push('\n'),
            '\t' => out.push(' '),
            c if ADVANCES.contains_key(&c) => out.push(c),
            c => out += &format!("[U+{:04X}]", u32::from(c)),
        }
    }
    out
}

/// The text with places to break (U+200B) in words that are wider than `width`, which would otherwise run into the next
/// column.
pub(crate) fn breakable(text: &str, width: f64) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive([' ', '\n']) {
        if extent(word.trim_end()) <= width {
            out += word;
            continue;
        }
        let mut line = 0.0;
        for c in word.chars() {
            let advance = ADVANCES.get(&c).copied().unwrap_or_default();
            line += advance;
            if line > width {
                out.push('\u{200B}');
                line = advance;
            }
            out.push(c);
        }
    }
    out
}

/// Regular and bold of one family. One, so that no cluster of characters needs two fonts: PDF/A does not allow a glyph
/// that is missing.
static FONTS: LazyLock<(LazyHash<FontBook>, Vec<Font>)> = LazyLock::new(|| {
    let is_ours = |font: &Font| {
        let FontInfo { family, variant, .. } = font.info();
        let weights = [FontWeight::REGULAR, FontWeight::BOLD];
        family == FAMILY && variant.style == FontStyle::Normal && weights.contains(&variant.weight)
    };
    let fonts: Vec<Font> =
        typst_assets::fonts().flat_map(|data| Font::iter(Bytes::new(data))).filter(is_ours).collect();
    (LazyHash::new(FontBook::from_fonts(&fonts)), fonts)
});

/// The characters that can be printed in every weight, with the width of the wider one in ems.
static ADVANCES: LazyLock<HashMap<char, f64>> = LazyLock::new(|| {
    let faces: Vec<FontInstance> = FONTS
        .1
        .iter()
        .map(|font| font.clone().instantiate(FontVariant::default(), Abs::pt(8.0), &FontVariations::default()))
        .collect();
    let advance = |c: char, face: &FontInstance| Some(face.x_advance(face.ttf().glyph_index(c)?.0)?.get());
    let widest = |c: char| faces.iter().map(|face| advance(c, face)).try_fold(0.0, |w, a| Some(f64::max(w, a?)));
    let all = FONTS.1.first().into_iter().flat_map(|font| font.info().coverage.iter()).filter_map(char::from_u32);
    all.filter(|c| !c.is_control() && !UNSEEN.iter().any(|range| range.contains(c)))
        .filter_map(|c| Some((c, widest(c)?)))
        .collect()
});
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

fn file_id(path: &str) -> Option<FileId> {
    Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(path).ok()?).intern())
}

fn world(job: Typeset) -> Option<ExtractWorld> {
    let (main, text) = job.template;
    let (data, value) = job.data;
    let main = Source::new(file_id(main)?, text.to_owned());
    let (data_id, data) = (file_id(data)?, Bytes::from_string(value.to_string()));
    Some(ExtractWorld { main, data_id, data, began: Instant::now(), time: job.time })
}

/// All that the compiler sees.
struct ExtractWorld {
    main: Source,
    data_id: FileId,
    data: Bytes,
    began: Instant,
    time: Duration,
}

impl World for ExtractWorld {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    /// Also the place where a layout that takes too long ends: the compiler asks for the fonts before it sets any text,
    /// and a thread can't be stopped from outside.
    fn book(&self) -> &LazyHash<FontBook> {
        if self.began.elapsed() >= self.time {
            std::panic::resume_unwind(Box::new(PdfError::TimedOut));
        }
        &FONTS.0
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if self.main.id() == id { Ok(self.main.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if self.data_id == id { Ok(self.data.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.1.get(index).cloned()
    }

    fn today(&self, _: Option<typst::foundations::Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::files::table::{Cell, Column, ColumnKind};
    use crate::files::tests::{extract, texts, with_table};
    use crate::files::{Lang, Table};

    const LIMITS: Limits = Limits { rows: 2_000, time: Duration::from_secs(120) };

    /// The pages as the compiler sets them, each as the text that stands on it, and the finished file.
    fn pages(extract: &Extract) -> Vec<String> {
        let world = world(job(extract, LIMITS.time)).unwrap();
        let document = typst::compile::<PagedDocument>(&world).output.unwrap();
        document.pages().iter().map(|page| text_of(&page.frame)).collect()
    }

    fn text_of(frame: &typst::layout::Frame) -> String {
        use typst::layout::FrameItem;
        let item = |item: &FrameItem| match item {
            FrameItem::Group(group) => text_of(&group.frame),
            FrameItem::Text(text) => format!("{}\n", text.text),
            _ => String::new(),
        };
        frame.items().map(|(_, i)| item(i)).collect()
    }

    fn contains(bytes: &[u8], part: &str) -> bool {
        bytes.windows(part.len()).any(|window| window == part.as_bytes())
    }

    #[test]
    fn the_file_says_that_it_is_pdf_a_2b_when_it_was_made_and_in_which_language() {
        let bytes = pdf(&extract(3), LIMITS).unwrap();
        assert!(bytes.starts_with(b"%PDF-1.7"));
        for part in [
            "<pdfaid:part>2</pdfaid:part>",
            "<pdfaid:conformance>B</pdfaid:conformance>",
            "<xmp:CreateDate>2026-06-30T21:30:15+00:00</xmp:CreateDate>",
            "/Lang(et)",
            "/OutputIntents",
            // Every glyph has its character, so the text can be searched and copied.
            "/ToUnicode",
            "<xmpTPg:NPages>1</xmpTPg:NPages>",
        ] {
            assert!(contains(&bytes, part), "{part}");
        }
    }

    #[test]
    fn the_properties_of_the_file_name_no_person() {
        let bytes = pdf(&extract(3), LIMITS).unwrap();
        assert!(contains(&bytes, "Näidiskooli andmekogu"));
        assert!(!contains(&bytes, "Mari Näidis") && !contains(&bytes, "Žukovskaja"));
    }

    #[test]
    fn the_same_extract_gives_the_same_bytes() {
        assert_eq!(pdf(&extract(20), LIMITS), pdf(&extract(20), LIMITS));
    }

    #[test]
    fn every_page_bears_register_ledger_number_clause_page_number_and_the_heads_of_the_columns() {
        let pages = pages(&extract(100));
        assert!(pages.len() > 1);
        for (i, page) in pages.iter().enumerate() {
            let number = format!("Lehekülg {} / {}", i + 1, pages.len());
            for part in
                ["Näidiskooli andmekogu", "Väljastamise number 2026-000017", "§ 12 lg 3 p 1", &number, "Sünniaeg"]
            {
                assert!(page.contains(part), "{part} is not on page {}: {page}", i + 1);
            }
        }
        assert!(pages[0].contains("Mari Näidis") && !pages[1].contains("Mari Näidis"));
        assert!(pages.concat().contains("Õie Žukovskaja-Müür 99"));
    }

    #[test]
    fn no_text_is_read_as_markup() {
        let hostile = [
            "#import \"x\"",
            "*bold* _slanted_",
            "#panic(\"x\")",
            "$x^2$",
            "= Heading",
            "#read(\"/etc/passwd\")",
            "`raw` <label> @ref",
            "\\u{41} // comment",
            "--- ... ~ \"x\" 'y'",
            "- item",
        ];
        let mut extract = texts(&hostile);
        extract.purpose = hostile.join(" ");
        extract.register_name = hostile[0].to_owned();
        extract.clause = hostile[2].to_owned();
        extract.table.title = hostile[5].to_owned();
        let page = pages(&extract).concat();
        for text in hostile {
            assert!(page.contains(text), "{text} is not in {page}");
        }
        assert!(pdf(&extract, LIMITS).is_ok());
    }

    #[test]
    fn a_character_that_the_fonts_do_not_have_or_that_nobody_sees_is_printed_as_its_code() {
        assert_eq!(printable("Õ ž Ж \t\r\n😀\u{202E}\0"), "Õ ž Ж  \n[U+1F600][U+202E][U+0000]");
    }

    #[test]
    fn a_word_wider_than_its_column_may_break_there_and_other_words_may_not() {
        assert_eq!(breakable("mmm mm\nmmmmmm", extent("mmm")), "mmm mm\nmmm\u{200B}mmm");
    }

    #[test]
    fn a_short_column_keeps_room_for_its_words_beside_long_texts() {
        let heads = ["Sünniaeg".to_owned(), "Märkus".to_owned(), "Märkus".to_owned(), "Märkus".to_owned()];
        let long = "pikk tekst ".repeat(40);
        let row = vec!["01.03.2015".to_owned(), long.clone(), long.clone(), long];
        let widths = widths(&heads, &[row], WIDTH.0);
        assert!(widths[0] >= extent("01.03.2015"), "{widths:?}");
        assert!((widths.iter().sum::<f64>() + 4.0 * INSET - WIDTH.0).abs() < 1e-9, "{widths:?}");
    }

    #[test]
    fn lines_of_a_text_stay_lines() {
        let page = pages(&texts(&["esimene\nteine"])).concat();
        assert!(page.contains("esimene\n") && page.contains("teine\n"), "{page}");
    }

    #[test]
    fn more_than_six_columns_turn_the_page() {
        let wide = |n: usize| {
            let column = |i| Column { name: format!("c{i}"), label: format!("Veerg {i}"), kind: ColumnKind::Text };
            let mut table = Table::new("t".to_owned(), (0..n).map(column).collect());
            table.push((0..n).map(|_| Cell::Text("pikk.aadress@naidiskool.example".to_owned())).collect()).unwrap();
            with_table(table)
        };
        let is_landscape = |n| contains(&pdf(&wide(n), LIMITS).unwrap(), "/MediaBox[0 0 841.8898 595.2756]");
        assert!(!is_landscape(6));
        assert!(is_landscape(7));
        assert!(pdf(&wide(30), LIMITS).is_ok());
        assert_eq!(pdf(&wide(31), LIMITS), Err(PdfError::TooManyColumns { limit: 30 }));
    }

    #[test]
    fn a_table_without_rows_or_columns_is_still_a_document() {
        assert!(pdf(&extract(0), LIMITS).is_ok());
        assert!(pdf(&with_table(Table::new("t".to_owned(), Vec::new())), LIMITS).is_ok());
    }

    #[test]
    fn two_thousand_rows_are_laid_out_in_time_and_one_more_is_refused() {
        let limits = Limits::rows(2_000);
        assert!(pdf(&texts(&["Õie Žukovskaja"; 2_000]), limits).is_ok());
        assert_eq!(pdf(&texts(&["Õie Žukovskaja"; 2_001]), limits), Err(PdfError::TooManyRows { limit: 2_000 }));
    }

    #[test]
    fn a_layout_that_takes_too_long_is_given_up_and_the_next_one_works() {
        let short = Limits { time: Duration::from_millis(1), ..LIMITS };
        assert_eq!(pdf(&extract(200), short), Err(PdfError::TimedOut));
        assert!(pdf(&extract(1), LIMITS).is_ok());
    }

    #[test]
    fn a_layout_that_takes_too_long_ends_its_thread_in_the_middle() {
        let world = world(job(&extract(500), Duration::from_millis(50))).unwrap();
        assert!(thread::spawn(move || typst::compile::<PagedDocument>(&world).output.is_ok()).join().is_err());
    }

    #[test]
    fn every_language_has_its_frame() {
        for (lang, page) in [(Lang::En, "Page 1 of 1"), (Lang::Fi, "Sivu 1 / 1"), (Lang::Sv, "Sida 1 av 1")] {
            assert!(pages(&Extract { lang, ..extract(1) }).concat().contains(page), "{page}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_text_can_be_printed(text in prop::collection::vec(any::<String>(), 4)) {
            let borrowed: Vec<&str> = text.iter().map(String::as_str).collect();
            prop_assert!(pdf(&texts(&borrowed), LIMITS).is_ok());
        }
    }
}
