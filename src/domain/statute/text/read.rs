//! Reading a text: line by line, each into its place.

use std::fmt;

use super::line::{Clean, Mark, Number, lines};
use super::{Chapter, Head, Line, PREAMBLE, Part, Provision, Said, Statute, words};
use crate::domain::statute::Clause;

/// Most lines that a note in brackets goes over.
const LONGEST_NOTE: usize = 6;
/// A number so far beyond the one before it is a word at the beginning of a broken line, not a mark.
const LARGEST_JUMP: u32 = 40;
/// Longest line of a signature, in characters.
const LONGEST_SIGNATURE: usize = 90;

/// Why a text is not that of a statute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFault {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Reads the plain text of a statute.
///
/// # Errors
/// A text without any paragraph, an empty one, and bytes that are no text.
pub fn read(text: &str) -> Result<Statute, TextFault> {
    const EXPECTED: &str = "Expected the plain text of a statute as Riigi Teataja shows it, copied as text: heads such as \
                            `Väljaandja:`, then paragraphs such as `§ 1.   Heading`, with `(1)` and `1)` under them";
    let fault = |line, what: &str| Err(TextFault { line, message: format!("{what}. {EXPECTED}.") });
    if let Some(at) = text.find('\0') {
        let line = text.get(..at).map_or(0, |before| before.matches('\n').count()).saturating_add(1);
        return fault(line, "this is no text but the bytes of another kind of file");
    }
    let lines = lines(text);
    if lines.is_empty() {
        return fault(1, "the file is empty");
    }
    let is_paragraph = |line: &Clean| matches!(Mark::of(&line.text), Mark::Paragraph(..));
    if !lines.iter().any(is_paragraph) {
        return fault(1, "the text has no paragraph");
    }
    let mut reader = Reader::new(&lines);
    reader.read();
    Ok(reader.statute)
}

/// What the next words belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// The heading of the newest chapter.
    Chapter,
    /// The newest provision.
    Provision,
    /// The note of the newest provision that is not closed yet, by the lines it may still go over.
    Note(usize),
    /// Nothing: what follows is apart.
    Nothing,
}

struct Reader<'l> {
    lines: &'l [Clean],
    /// Position of the last line that bears a mark: what stands apart after it can only be signatures.
    last_mark: usize,
    statute: Statute,
    open: Open,
    /// Whether the newest provision's first line was indented.
    indented: bool,
    /// Positions and numbers of the provisions in which the next one may stand.
    paragraph: Option<(usize, Number)>,
    subsection: Option<(usize, Number)>,
    point: Option<(usize, Number)>,
    subpoint: Option<char>,
}

impl<'l> Reader<'l> {
    fn new(lines: &'l [Clean]) -> Self {
        let is_mark = |line: &Clean| !matches!(Mark::of(&line.text), Mark::Words);
        let statute = Statute {
            head: Head::default(),
            chapters: Vec::new(),
            provisions: Vec::new(),
            signatures: Vec::new(),
            unplaced: Vec::new(),
            remarks: Vec::new(),
        };
        Self {
            lines,
            last_mark: lines.iter().rposition(is_mark).unwrap_or(0),
            statute,
            open: Open::Nothing,
            indented: false,
            paragraph: None,
            subsection: None,
            point: None,
            subpoint: None,
        }
    }

    fn read(&mut self) {
        let lines = self.lines;
        let begins = |line: &Clean| matches!(Mark::of(&line.text), Mark::Paragraph(..) | Mark::Chapter { .. });
        let body = lines.iter().position(begins).unwrap_or(lines.len());
        self.head(lines.get(..body).unwrap_or_default());
        self.open = Open::Nothing;
        for (at, line) in lines.iter().enumerate().skip(body) {
            self.line(at, line);
        }
        self.bare_paragraphs();
        self.statute.unplaced.sort();
        self.statute.remarks.sort();
    }

    /// A paragraph in which nothing stands says what stands beside its number.
    fn bare_paragraphs(&mut self) {
        let provisions = &mut self.statute.provisions;
        let roofs: Vec<usize> = provisions.iter().filter_map(|provision| provision.parent).collect();
        for (index, provision) in provisions.iter_mut().enumerate() {
            let says_nothing = provision.text.is_empty() && provision.notes.is_empty() && !roofs.contains(&index);
            if says_nothing && provision.part == Part::Paragraph {
                provision.text = std::mem::take(&mut provision.heading);
            }
        }
    }

    // ── Above the first paragraph ────────────────────────────────────────────────────────────────

    fn head(&mut self, lines: &'l [Clean]) {
        let adoption = lines.iter().position(|line| said_after(&line.text, "vastu võetud").is_some());
        let (mut loose, mut waiting, mut below_key) = (Vec::new(), None, false);
        for (at, line) in lines.iter().enumerate() {
            let keyed = Key::of(&line.text);
            if let Some((key, value)) = keyed {
                waiting = value.is_empty().then_some(key);
                if waiting.is_none() {
                    self.value(key, value, line);
                }
            } else if let Some(key) = waiting.take() {
                self.value(key, &line.text, line);
            } else if adoption.is_some_and(|adoption| at > adoption) {
                self.below_adoption(line);
            } else {
                loose.push(Clean { apart: line.apart || below_key, ..line.clone() });
                below_key = false;
                continue;
            }
            below_key = true;
        }
        if adoption.is_none() {
            self.unmarked_preamble(&mut loose);
        }
        self.title(&loose);
    }

    fn value(&mut self, key: Key, value: &str, line: &Clean) {
        let said = Said { value: value.to_owned(), line: line.number };
        let head = &mut self.statute.head;
        match key {
            Key::Issuer => head.issuer = Some(said),
            Key::Kind => head.kind = Some(said),
            Key::TextKind => head.text_kind = Some(said),
            Key::Publication => head.publication = Some(said),
            Key::InForceFrom => {
                head.in_force_from = words::day(value).map(|value| Said { value, line: line.number });
                if head.in_force_from.is_none() {
                    self.no_day(line);
                }
            }
            Key::InForceUntil => {
                let until = words::day(value);
                head.in_force_until = Some(Said { value: until, line: line.number });
                if until.is_none() && value.chars().any(|c| c.is_ascii_digit()) {
                    head.in_force_until = None;
                    self.no_day(line);
                }
            }
            Key::Adopted => {
                let (day, number) = value.split_once(" nr ").map_or((value, None), |(day, nr)| (day, Some(nr)));
                head.adopted = words::day(day).map(|value| Said { value, line: line.number });
                head.number = number.map(|nr| Said { value: nr.trim().to_owned(), line: line.number });
                if head.adopted.is_none() {
                    self.no_day(line);
                }
            }
        }
    }

    fn no_day(&mut self, line: &Clean) {
        self.remark(line, "a day was expected here, as 12.12.2019");
        self.unplaced(line);
    }

    /// Publication, force, amendments and the preamble, which stand under the day of adoption.
    fn below_adoption(&mut self, line: &Clean) {
        let text = line.text.as_str();
        let head = &mut self.statute.head;
        let is_mark = text.starts_with("RT ") && text.chars().count() < 60 && text.contains(',');
        let first_word = text.split(' ').next().unwrap_or_default();
        let first_words = ["Muudetud järgmiste", "Vastuvõtmine", "Avaldamine", "Jõustumine"];
        if is_mark && head.publication.is_none() {
            head.publication = Some(Said { value: text.to_owned(), line: line.number });
        } else if let Some(day) = said_after(text, "jõustumine").and_then(words::day) {
            if head.in_force_from.is_none() {
                head.in_force_from = Some(Said { value: day, line: line.number });
            }
        } else if is_mark || words::day(first_word).is_some() || first_words.iter().any(|w| text.starts_with(w)) {
            head.amendments.push(Line { number: line.number, text: text.to_owned() });
        } else if self.statute.provisions.is_empty() {
            self.add(Part::Preamble, None, Clause(PREAMBLE.to_owned()), text, line);
        } else {
            self.words(0, line);
        }
    }

    /// The preamble of a text that does not say when it was adopted: the last words above the first paragraph, if they
    /// name a basis.
    fn unmarked_preamble(&mut self, loose: &mut Vec<Clean>) {
        let start = loose.iter().rposition(|line| line.apart).unwrap_or(0);
        let block = loose.get(start..).unwrap_or_default().to_vec();
        if block.iter().any(|line| line.text.contains("alusel")) {
            loose.truncate(start);
            for line in &block {
                self.below_adoption(line);
            }
        }
    }

    /// The title: what stands right above the day of adoption. A page says it twice.
    fn title(&mut self, loose: &[Clean]) {
        let start = loose.iter().rposition(|line| line.apart).unwrap_or(0);
        let (above, title) = loose.split_at_checked(start).unwrap_or((loose, &[]));
        let text = title.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ");
        for line in above {
            if line.text != text {
                self.unplaced(line);
            }
        }
        self.statute.head.title = title.first().map(|line| line.number).map(|line| Said { value: text.clone(), line });
    }

    // ── From the first paragraph on ──────────────────────────────────────────────────────────────

    fn line(&mut self, at: usize, line: &Clean) {
        match Mark::of(&line.text) {
            Mark::Chapter { number, kind, heading } => {
                let after = self.statute.provisions.len();
                let (number, kind) = (number.to_owned(), kind.to_lowercase());
                self.statute.chapters.push(Chapter {
                    kind,
                    number,
                    heading: heading.to_owned(),
                    line: line.number,
                    after,
                });
                (self.subsection, self.point, self.subpoint) = (None, None, None);
                self.open = Open::Chapter;
            }
            Mark::Paragraph(found, rest) => match self.numbered(self.paragraph.map(|(_, n)| n), found, line) {
                Some(number) => {
                    let index = self.add(Part::Paragraph, None, Clause(format!("§ {number}")), rest, line);
                    (self.subsection, self.point, self.subpoint) = (None, None, None);
                    self.paragraph = Some((index, number));
                }
                None => self.words(at, line),
            },
            Mark::Subsection(found, rest) => {
                let number = self.numbered(self.subsection.map(|(_, n)| n), found, line);
                match self.roof(self.paragraph).zip(number) {
                    Some(((roof, clause), number)) => {
                        let clause = Clause(format!("{clause} lg {number}"));
                        let index = self.add(Part::Subsection, Some(roof), clause, rest, line);
                        (self.point, self.subpoint) = (None, None);
                        self.subsection = Some((index, number));
                    }
                    None => self.words(at, line),
                }
            }
            Mark::Point(found, rest) => {
                let number = self.numbered(self.point.map(|(_, n)| n), found, line);
                match self.roof(self.subsection.or(self.paragraph)).zip(number) {
                    Some(((roof, clause), number)) => {
                        let index =
                            self.add(Part::Point, Some(roof), Clause(format!("{clause} p {number}")), rest, line);
                        self.subpoint = None;
                        self.point = Some((index, number));
                    }
                    None => self.words(at, line),
                }
            }
            Mark::Subpoint(letter, rest) => {
                let follows = self.subpoint.map_or(letter == 'a', |before| before < letter);
                match self.roof(self.point).filter(|_| follows) {
                    Some((roof, clause)) => {
                        self.add(Part::Subpoint, Some(roof), Clause(format!("{clause} alap {letter}")), rest, line);
                        self.subpoint = Some(letter);
                    }
                    None => self.words(at, line),
                }
            }
            Mark::Note(_) | Mark::Words => self.words(at, line),
        }
    }

    /// Where a provision may stand: not between the head of a chapter and its first paragraph.
    fn roof(&self, of: Option<(usize, Number)>) -> Option<(usize, Clause)> {
        let (index, _) = of.filter(|_| self.open != Open::Chapter)?;
        Some((index, self.statute.provisions.get(index)?.clause.clone()))
    }

    /// The number `found` after `before`, if it can follow it. Where superscripts were lost in copying, `51` between 5 and
    /// 6 is 5¹.
    fn numbered(&mut self, before: Option<Number>, found: Number, line: &Clean) -> Option<Number> {
        let before = before.unwrap_or(Number::plain(0));
        if found.upper > 0 {
            return self.in_order(before, found, line);
        }
        let next = before.base.saturating_add(1);
        if found.base == next {
            return Some(found);
        }
        let upper = found.base.to_string();
        let upper = upper.strip_prefix(&before.base.to_string()).filter(|_| before.base > 0);
        if upper.and_then(|digits| digits.parse().ok()) == Some(before.upper.saturating_add(1)) {
            let number = Number { base: before.base, upper: before.upper.saturating_add(1) };
            self.remark(line, &format!("`{found}` after `{before}` is read as `{number}`: its superscript is lost"));
            return Some(number);
        }
        self.in_order(before, found, line)
    }

    fn in_order(&mut self, before: Number, found: Number, line: &Clean) -> Option<Number> {
        let far = found.base > before.base.saturating_add(LARGEST_JUMP);
        if found <= before || (far && !line.apart) {
            self.remark(line, &format!("`{found}` cannot follow `{before}`, so the line is read as words"));
            return None;
        }
        let is_next = found.base == before.base.saturating_add(1) || found.base == before.base;
        if !is_next {
            self.remark(line, &format!("the numbers go from {before} to {found}"));
        }
        Some(found)
    }

    fn add(&mut self, part: Part, parent: Option<usize>, clause: Clause, words: &str, line: &Clean) -> usize {
        let (text, notes) = noted(words, line.number);
        let (heading, text) = if part == Part::Paragraph { (text, String::new()) } else { (String::new(), text) };
        let provision = Provision { clause, part, parent, heading, text, line: line.number, notes };
        self.statute.provisions.push(provision);
        self.open = Open::Provision;
        self.indented = line.indented;
        self.statute.provisions.len().saturating_sub(1)
    }

    /// Words that bear no mark: they go on with something, or stand apart.
    fn words(&mut self, at: usize, line: &Clean) {
        let text = line.text.as_str();
        match self.open {
            Open::Note(left) => self.more_of_the_note(text, left),
            Open::Chapter => match self.statute.chapters.last_mut() {
                Some(chapter) if chapter.heading.is_empty() => text.clone_into(&mut chapter.heading),
                Some(chapter) if !line.apart => append(&mut chapter.heading, text),
                _ => self.unplaced(line),
            },
            Open::Nothing => self.apart(at, line),
            Open::Provision => self.more_of_the_provision(at, line),
        }
    }

    fn more_of_the_note(&mut self, text: &str, left: usize) {
        let ends = text.ends_with(']');
        let note = self.statute.provisions.last_mut().and_then(|provision| provision.notes.last_mut());
        if let Some(note) = note {
            append(&mut note.text, text.trim_end_matches(']'));
        }
        self.open = if ends || left == 0 { Open::Provision } else { Open::Note(left.saturating_sub(1)) };
    }

    fn more_of_the_provision(&mut self, at: usize, line: &Clean) {
        let (text, indented) = (line.text.as_str(), self.indented);
        let after_the_end = at > self.last_mark;
        // Signatures that nothing sets apart: no sentence ends from here on.
        let tail = self.lines.get(at..).unwrap_or_default();
        let signed = after_the_end && !tail.iter().any(|line| line.text.ends_with('.'));
        let Some(provision) = self.statute.provisions.last_mut() else {
            self.unplaced(line);
            return;
        };
        if let Some(note) = text.strip_prefix('[').filter(|note| is_note(note)) {
            let (note, is_open) = note.split_once(']').map_or((note, true), |(note, _)| (note, false));
            provision.notes.push(Line { number: line.number, text: note.trim().to_owned() });
            if is_open {
                self.open = Open::Note(LONGEST_NOTE);
            }
            return;
        }
        let is_lower = text.chars().next().is_some_and(char::is_lowercase);
        let finished = provision.text.ends_with(['.', ';', '!', '?']);
        if provision.part == Part::Paragraph && provision.text.is_empty() {
            let goes_on = is_lower || provision.heading.is_empty();
            if !line.apart && !line.indented && goes_on && provision.notes.is_empty() {
                append(&mut provision.heading, text);
            } else {
                let (text, notes) = noted(text, line.number);
                provision.text = text;
                provision.notes.extend(notes);
                self.indented = line.indented;
            }
        } else if after_the_end
            && (line.apart || (finished && (signed || (indented && !line.indented))))
            && (!is_lower || finished)
        {
            self.apart(at, line);
        } else if !line.apart || (is_lower && !finished) {
            let (text, notes) = noted(text, line.number);
            append(&mut provision.text, &text);
            provision.notes.extend(notes);
        } else {
            self.apart(at, line);
        }
    }

    /// Words that stand for themselves: after the last provision they are signatures, anywhere else they have no place.
    fn apart(&mut self, at: usize, line: &Clean) {
        let text = &line.text;
        let is_name = |c: char| c.is_alphanumeric() || " -.,()".contains(c);
        let signed = at > self.last_mark
            && !self.statute.provisions.is_empty()
            && text.chars().count() <= LONGEST_SIGNATURE
            && text.chars().all(is_name)
            && !text.ends_with('.')
            && !text.starts_with("Lisa");
        if signed {
            self.statute.signatures.push(Line { number: line.number, text: text.clone() });
            self.open = Open::Nothing;
        } else {
            self.unplaced(line);
        }
    }

    fn unplaced(&mut self, line: &Clean) {
        self.statute.unplaced.push(Line { number: line.number, text: line.text.clone() });
    }

    fn remark(&mut self, line: &Clean, sentence: &str) {
        self.statute.remarks.push(Line { number: line.number, text: sentence.to_owned() });
    }
}

/// What a line of the head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Issuer,
    Kind,
    TextKind,
    InForceFrom,
    InForceUntil,
    Publication,
    Adopted,
}

impl Key {
    /// The key at the beginning of a line, and its value, which may stand on the next line.
    fn of(line: &str) -> Option<(Self, &str)> {
        if let Some(value) = said_after(line, "vastu võetud") {
            return Some((Self::Adopted, value));
        }
        let (key, value) = line.split_once(':')?;
        let key = match key.trim().to_lowercase().as_str() {
            "väljaandja" => Self::Issuer,
            "akti liik" => Self::Kind,
            "teksti liik" => Self::TextKind,
            "redaktsiooni jõustumise kp" | "jõustumise kp" => Self::InForceFrom,
            "redaktsiooni kehtivuse lõpp" | "kehtivuse lõpp" => Self::InForceUntil,
            "avaldamismärge" => Self::Publication,
            _ => return None,
        };
        Some((key, value.trim()))
    }
}

/// What follows the words `beginning` (in lower case) at the beginning of a line.
fn said_after<'l>(line: &'l str, beginning: &str) -> Option<&'l str> {
    let count = beginning.chars().count();
    let end = line.char_indices().nth(count).map_or(line.len(), |(at, _)| at);
    let (first, rest) = line.split_at_checked(end)?;
    (first.to_lowercase() == beginning).then(|| rest.trim())
}

/// Words, and the notes of amendment at their end.
fn noted(words: &str, line: usize) -> (String, Vec<Line>) {
    let (mut text, mut notes) = (words.trim(), Vec::new());
    while let Some((before, note)) = text.strip_suffix(']').and_then(|open| open.rsplit_once('[')) {
        if !is_note(note) {
            break;
        }
        notes.insert(0, Line { number: line, text: note.trim().to_owned() });
        text = before.trim_end();
    }
    (text.to_owned(), notes)
}

/// Whether what stands in brackets tells of an amendment.
fn is_note(text: &str) -> bool {
    let text = text.trim_start();
    let lower = text.to_lowercase();
    let beginnings = ["rt ", "kehtetu", "muudetud", "jõust", "välja jäetud", "rakend", "kuulutatud"];
    beginnings.iter().any(|beginning| lower.starts_with(beginning))
}

fn append(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}
