//! A published list of registers (name, purpose, controller), read into descriptions.
//!
//! The list is a table as an authority publishes it: text copied from a page, with tabs between the cells, or CSV. Its
//! title and its header may be repeated on every page. What a cell says is kept word for word; only white space at its
//! ends goes. Nothing is added that the list does not say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::NaiveDate;

use super::Language;

/// Longest short name that is made from a name.
const LONGEST: usize = 48;

/// A list as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What stands above the table.
    pub title: String,
    /// Headings of the three columns.
    pub headings: [String; 3],
    /// The registers, in the order of the list.
    pub rows: Vec<Listed>,
}

/// One register of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Name.
    pub name: String,
    /// What the data are for.
    pub purpose: String,
    /// Who answers for it.
    pub controller: String,
}

/// What a list does not say of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// How the short names begin.
    pub prefix: String,
    /// Language of the list.
    pub language: Language,
    /// Country whose law applies.
    pub country: String,
    /// Who published it.
    pub issuer: String,
    /// Day from which it is shown.
    pub from: NaiveDate,
}

/// Something in a list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFault {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl std::fmt::Display for ListFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Reads a list: its cells are apart by tabs, else by semicolons, else by commas, as its header is.
///
/// # Errors
/// Every line that is no register, and a list without a header or without registers.
pub fn read(text: &str) -> Result<Listing, Vec<ListFault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (lines, open) = logical_lines(text);
    let mut faults = Vec::new();
    if let Some(line) = open {
        let message = "a quotation mark is never closed. Close it, or double one that is meant as such.".to_owned();
        faults.push(ListFault { line, message });
    }
    let header = lines.iter().find_map(|(_, line)| {
        let separator = ['\t', ';', ','].into_iter().find(|s| cells(line, *s).len() == 3)?;
        Some((separator, cells(line, separator)))
    });
    let Some((separator, header)) = header else {
        let message = "no line has three cells. Write the headings of name, purpose and controller first.".to_owned();
        faults.push(ListFault { line: 1, message });
        return Err(faults);
    };
    let (mut title, mut rows, mut names) = (String::new(), Vec::new(), BTreeSet::new());
    for (number, line) in &lines {
        let found = cells(line, separator);
        if found == header || found.iter().all(String::is_empty) {
            continue;
        }
        let mut fault = |message: String| faults.push(ListFault { line: *number, message });
        match found.as_slice() {
            // Page after page may bear the title again.
            [alone] if rows.is_empty() || *alone == title => title.clone_from(alone),
            [name, purpose, controller] if [name, purpose, controller].iter().all(|cell| !cell.is_empty()) => {
                if !names.insert(name.clone()) {
                    fault(format!("`{name}` is there twice. Remove one of the two."));
                }
                let (name, purpose, controller) = (name.clone(), purpose.clone(), controller.clone());
                rows.push(Listed { name, purpose, controller });
            }
            [_, _, _] => fault("a cell is empty. Write name, purpose and controller.".to_owned()),
            other => fault(format!("{} cells where there are three. Correct the line.", other.len())),
        }
    }
    if rows.is_empty() && faults.is_empty() {
        faults.push(ListFault { line: 1, message: "no register follows the headings. Add them.".to_owned() });
    }
    let headings = <[String; 3]>::try_from(header).unwrap_or_default();
    if faults.is_empty() { Ok(Listing { title, headings, rows }) } else { Err(faults) }
}

/// The lines of a text, each with the number of its first one: a cell in quotation marks may hold line breaks. With
/// the line on which a quotation mark is left open.
fn logical_lines(text: &str) -> (Vec<(usize, String)>, Option<usize>) {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        match (open, lines.last_mut()) {
            (Some(_), Some((_, whole))) => {
                whole.push('\n');
                whole.push_str(line);
            }
            _ => lines.push((index.saturating_add(1), line.to_owned())),
        }
        // In a text with tabs quotation marks are words like others.
        if !line.contains('\t') && line.matches('"').count() % 2 == 1 {
            open = if open.is_some() { None } else { Some(index.saturating_add(1)) };
        }
    }
    (lines, open)
}

/// The cells of a line, as CSV (RFC 4180) has them; with tabs nothing is quoted.
fn cells(line: &str, separator: char) -> Vec<String> {
    if separator == '\t' {
        return line.split('\t').map(|cell| cell.trim().to_owned()).collect();
    }
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            _ => cell.push(c),
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

impl Listing {
    /// A definition for each register: its short name, and the text of its register.toml.
    pub fn definitions(&self, issued: &Issued) -> Vec<(String, String)> {
        let mut taken = BTreeSet::new();
        self.rows
            .iter()
            .map(|row| (short_name(&issued.prefix, &row.name, &mut taken), row))
            .map(|(short_name, row)| {
                let text = self.text(issued, &short_name, row);
                (short_name, text)
            })
            .collect()
    }

    fn text(&self, issued: &Issued, short_name: &str, row: &Listed) -> String {
        let [of_name, of_purpose, of_controller] = self.headings.each_ref().map(|heading| quoted(heading));
        let code = issued.language.code();
        let kind = match issued.language {
            Language::Et => "loetelu",
            Language::En => "list",
            Language::Fi => "luettelo",
            Language::Sv => "förteckning",
        };
        let title = if self.title.is_empty() { &self.headings[0] } else { &self.title };
        let mut out = String::new();
        // Writing into a string does not fail.
        let _ = write!(
            out,
            "short_name = {}\nname_clause = {of_name}\nkept = \"elsewhere\"\nlanguage = \"{code}\"\ncountry = {}\n\
             name = {{ {code} = {} }}\n\n\
             [act]\nform = \"description\"\nissuer = {}\nkind = \"{kind}\"\ntitle = {}\nin_force_from = \"{}\"\n\
             clause = {of_name}\n\n\
             [[purpose]]\nname = \"purpose\"\nlabel = {{ {code} = {} }}\nclause = {of_purpose}\n\n\
             [controller]\nname = {}\nclause = {of_controller}\n",
            quoted(short_name),
            quoted(&issued.country),
            quoted(&row.name),
            quoted(&issued.issuer),
            quoted(title),
            issued.from,
            quoted(&row.purpose),
            quoted(&row.controller),
        );
        out
    }
}

/// A text as a TOML string on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `prefix` and the words of a name as far as they fit, and a number where that is taken.
fn short_name(prefix: &str, name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain: String = name.to_lowercase().chars().map(plain).collect();
    let mut short = prefix.to_owned();
    for word in plain.split(' ').filter(|word| !word.is_empty()) {
        if short.len().saturating_add(word.len()) >= LONGEST && short != prefix {
            break;
        }
        if !short.is_empty() {
            short.push('-');
        }
        short.push_str(word);
    }
    let mut free = short.clone();
    let mut number = 1_u32;
    while !taken.insert(free.clone()) {
        number = number.saturating_add(1);
        free = format!("{short}-{number}");
    }
    free
}

/// A letter as short names have it; anything else parts words.
pub(super) fn plain(c: char) -> char {
    match c {
        'a'..='z' | '0'..='9' => c,
        'ä' | 'å' => 'a',
        'ö' | 'õ' => 'o',
        'ü' => 'u',
        'š' => 's',
        'ž' => 'z',
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::definition::Sources;
    use super::super::lint::lint_description;
    use super::super::parse::{REGISTER_FILE, is_described, parse_description};
    use super::*;

    fn issued() -> Issued {
        let from = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let (prefix, issuer) = ("saarnaki".to_owned(), "Saarnaki vald".to_owned());
        Issued { prefix, language: Language::Fi, country: "FI".into(), issuer, from }
    }

    const TABS: &str = "\n\nSaarnaki registers\n\nRegister\tPurpose\tController\nBoats\tBerths, and \"fees\"\tHarbour\n\n\
                        Saarnaki registers\n\nRegister\tPurpose\tController\nÕed ja äiad\tKin; all\tBoard / Kin\n";

    #[test]
    fn a_list_is_read_as_published_with_its_title_and_headings_again_on_each_page() {
        let listing = read(TABS).unwrap();
        assert_eq!(listing.title, "Saarnaki registers");
        assert_eq!(listing.headings, ["Register", "Purpose", "Controller"]);
        let rows: Vec<_> = listing.rows.iter().map(|r| (&*r.name, &*r.purpose, &*r.controller)).collect();
        assert_eq!(rows, [("Boats", "Berths, and \"fees\"", "Harbour"), ("Õed ja äiad", "Kin; all", "Board / Kin")]);
    }

    #[test]
    fn csv_says_the_same() {
        for (separator, text) in [
            (';', "\u{feff}Register;Purpose;Controller\r\nBoats;\"Berths, and \"\"fees\"\"\";Harbour\r\n"),
            (',', "Register,Purpose,Controller\nBoats,\"Berths, and \"\"fees\"\"\",Harbour\n"),
        ] {
            let listing = read(text).unwrap();
            assert_eq!(listing.rows, read(TABS).unwrap().rows[..1], "{separator}");
        }
        let broken = read("Register;Purpose;Controller\nBoats;\"Berths\nand fees\";Harbour\n").unwrap();
        assert_eq!(broken.rows[0].purpose, "Berths\nand fees");
    }

    #[test]
    fn every_line_that_is_no_register_is_told() {
        let text =
            "Register\tPurpose\tController\nBoats\t\tHarbour\nBoats\tBerths\nShips\tx\ty\nShips\tx\tz\nlate title";
        let told: Vec<String> = read(text).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "line 2: a cell is empty. Write name, purpose and controller.",
                "line 3: 2 cells where there are three. Correct the line.",
                "line 5: `Ships` is there twice. Remove one of the two.",
                "line 6: 1 cells where there are three. Correct the line.",
            ]
        );
        assert!(read("nothing").unwrap_err()[0].message.contains("three cells"));
        assert!(read("a;b;c").unwrap_err()[0].message.contains("no register follows"));
        assert!(read("a;b;c\n\"x;y;z").unwrap_err()[0].message.contains("never closed"));
    }

    #[test]
    fn short_names_are_told_apart_and_stay_short() {
        let mut taken = BTreeSet::new();
        let long = "Kaupungin omistamien asuntojen ja muiden tilojen, sekä maa- alueiden tietovarannot";
        let first = short_name("saarnaki", long, &mut taken);
        assert_eq!(first, "saarnaki-kaupungin-omistamien-asuntojen-ja");
        assert_eq!(short_name("saarnaki", long, &mut taken), format!("{first}-2"));
        assert_eq!(short_name("", "Õed / äiad", &mut taken), "oed-aiad");
    }

    proptest! {
        #[test]
        fn whatever_a_cell_says_comes_back_word_for_word_and_without_fault(
            name in "[^\\s\\p{C}][^\\p{C}\t]{0,60}", purpose in "[^\\s\\p{C}][^\\p{C}\t]{0,200}", controller in "[\\PC&&[^\\s]]{1,40}"
        ) {
            let text = format!("A\tB\tC\n{name}\t{purpose}\t{controller}\n");
            let listing = read(&text).unwrap();
            let (short, toml) = listing.definitions(&issued()).remove(0);
            let sources: Sources = [(REGISTER_FILE.to_owned(), toml)].into();
            prop_assert!(is_described(&sources));
            let described = parse_description(&sources).unwrap();
            prop_assert_eq!(lint_description(&described, &sources), []);
            prop_assert_eq!(&described.short_name, &short);
            prop_assert_eq!(described.name.official(), name.trim());
            prop_assert_eq!(described.purposes[0].label.official(), purpose.trim());
            prop_assert_eq!(described.controller.name, controller.trim());
        }
    }
}
