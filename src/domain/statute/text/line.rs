//! The lines of a text: cleaned of what only a page or an editor put there, and what each begins with.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clean {
    /// Line, from 1.
    pub(super) number: usize,
    /// Its words, with single spaces.
    pub(super) text: String,
    /// Whether it begins with white space.
    pub(super) indented: bool,
    /// Whether an empty line, or nothing, stands before it.
    pub(super) apart: bool,
}

/// The lines that say something. Line ends are those of any system; a mark of byte order, soft hyphens and characters
/// without width go; letters are composed (NFC), and white space of any kind becomes a single space.
pub(super) fn lines(text: &str) -> Vec<Clean> {
    let unified = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n");
    let (mut clean, mut apart) = (Vec::new(), true);
    for (index, line) in unified.split('\n').enumerate() {
        let seen: String = line.nfc().filter(|c| !is_unseen(*c)).collect();
        let words: Vec<&str> = seen.split_whitespace().collect();
        if words.is_empty() {
            apart = true;
            continue;
        }
        let indented = seen.starts_with(char::is_whitespace);
        clean.push(Clean { number: index.saturating_add(1), text: words.join(" "), indented, apart });
        apart = false;
    }
    clean
}

/// Soft hyphens, marks of byte order, joiners and other characters without width.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// A number of a provision: `5`, or `5¹` for one that was put in after `5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    pub(super) base: u32,
    /// The superscript; 0 where there is none.
    pub(super) upper: u32,
}

impl Number {
    pub(super) const fn plain(base: u32) -> Self {
        Self { base, upper: 0 }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.base)?;
        if self.upper > 0 {
            f.write_str(&raised(&self.upper.to_string()))?;
        }
        Ok(())
    }
}

const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

fn raised(digits: &str) -> String {
    digits.chars().filter_map(|c| c.to_digit(10)).filter_map(|d| RAISED.get(usize::try_from(d).ok()?)).collect()
}

/// The digit that a raised one stands for.
pub(super) fn lowered(c: char) -> Option<char> {
    let at = RAISED.iter().position(|raised| *raised == c)?;
    char::from_digit(u32::try_from(at).ok()?, 10)
}

/// What a line begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark<'l> {
    /// `1. peatükk Üldsätted`
    Chapter { number: &'l str, kind: &'l str, heading: &'l str },
    /// `§ 1. Heading`
    Paragraph(Number, &'l str),
    /// `(1) Text`
    Subsection(Number, &'l str),
    /// `1) text`
    Point(Number, &'l str),
    /// `a) text`
    Subpoint(char, &'l str),
    /// `[RT IV, 30.12.2020, 5 - jõust. 02.01.2021]`, as far as it stands on this line.
    Note(&'l str),
    /// Words only.
    Words,
}

/// Divisions above paragraphs, the larger first.
const DIVISIONS: [&str; 5] = ["osa", "peatükk", "jagu", "jaotis", "alljaotis"];

impl<'l> Mark<'l> {
    pub(super) fn of(line: &'l str) -> Self {
        chapter(line)
            .or_else(|| paragraph(line))
            .or_else(|| subsection(line))
            .or_else(|| point(line))
            .or_else(|| subpoint(line))
            .or_else(|| line.strip_prefix('[').map(Mark::Note))
            .unwrap_or(Mark::Words)
    }
}

fn chapter(line: &str) -> Option<Mark<'_>> {
    let (number, rest) = line.split_once('.')?;
    let rest = rest.trim_start();
    let is_roman = number.chars().all(|c| "IVXL".contains(c));
    let is_digits = number.chars().all(|c| c.is_ascii_digit() || lowered(c).is_some());
    if number.is_empty() || !(is_roman || is_digits) {
        return None;
    }
    let (kind, heading) = rest.split_once(' ').unwrap_or((rest, ""));
    DIVISIONS.contains(&kind.to_lowercase().as_str()).then(|| Mark::Chapter { number, kind, heading: heading.trim() })
}

/// `§ 5.`, `§ 5¹.`, `§ 5^1.`, also doubled and without the space; the point is what tells it from a reference.
fn paragraph(line: &str) -> Option<Mark<'_>> {
    let rest = line.strip_prefix('§')?.trim_start_matches('§').trim_start();
    let (number, rest) = number(rest)?;
    let rest = rest.trim_start().strip_prefix('.')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| Mark::Paragraph(number, rest.trim()))
}

fn subsection(line: &str) -> Option<Mark<'_>> {
    let (number, rest) = number(line.strip_prefix('(')?)?;
    let rest = rest.strip_prefix(')')?;
    Some(Mark::Subsection(number, rest.trim()))
}

fn point(line: &str) -> Option<Mark<'_>> {
    let (number, rest) = number(line)?;
    let rest = rest.strip_prefix(')')?;
    Some(Mark::Point(number, rest.trim()))
}

fn subpoint(line: &str) -> Option<Mark<'_>> {
    let letter = line.chars().next().filter(|c| c.is_lowercase())?;
    let rest = line.get(letter.len_utf8()..)?.strip_prefix(')')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| Mark::Subpoint(letter, rest.trim()))
}

/// A number at the beginning of `text`, and what follows it.
fn number(text: &str) -> Option<(Number, &str)> {
    let (base, rest) = digits(text, |c| c.is_ascii_digit().then_some(c))?;
    let (upper, rest) = match rest.strip_prefix('^') {
        Some(raised) => digits(raised, |c| c.is_ascii_digit().then_some(c))?,
        None => digits(rest, lowered).unwrap_or((0, rest)),
    };
    Some((Number { base, upper }, rest))
}

/// As many digits as stand at the beginning; more than six are no number of a provision.
fn digits(text: &str, digit: impl Fn(char) -> Option<char>) -> Option<(u32, &str)> {
    let written: String = text.chars().map_while(digit).collect();
    let rest = text.get(text.char_indices().nth(written.len()).map_or(text.len(), |(at, _)| at)..)?;
    let value = written.parse().ok().filter(|_| written.len() <= 6)?;
    Some((value, rest))
}
