//! The plain text of a statute as it is published, read into provisions with their addresses.
//!
//! The layout is that of the Estonian State Gazette (Riigi Teataja) when a page of it is copied: heads with a colon, the
//! title, the day and number of adoption, the legal basis, chapters, `§ 1.` with a heading, `(1)`, `1)`, `a)`, notes of
//! amendment in brackets, signatures. What the reader cannot place is told with its line, never dropped: every line of
//! the text is in a [`Head`], a [`Chapter`], a [`Provision`], a signature, or among [`Statute::unplaced`].
//!
//! [`compare`] holds a definition against it, [`draft`] makes the beginning of one from it.
//!
//! # Not here
//! The text itself is the operator's file: nothing of it is shipped, and nothing of it is kept.

pub mod compare;
pub mod draft;
mod line;
mod read;
mod skeleton;
#[cfg(test)]
mod tests;
mod words;

use chrono::NaiveDate;
use serde::Serialize;

use super::Clause;

pub use read::{TextFault, read};

/// Address of what stands between the day of adoption and the first paragraph.
pub const PREAMBLE: &str = "preambul";

/// A statute's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statute {
    /// What stands above the first paragraph.
    pub head: Head,
    /// Chapters and their parts, in their order.
    pub chapters: Vec<Chapter>,
    /// Preamble, paragraphs, subsections, points and subpoints, in their order.
    pub provisions: Vec<Provision>,
    /// Who signed: names and offices, a line each.
    pub signatures: Vec<Line>,
    /// Lines that have no place in a statute: what a page adds, annexes, and what was not understood.
    pub unplaced: Vec<Line>,
    /// What was read otherwise than it stands there, a sentence each.
    pub remarks: Vec<Line>,
}

/// A line of the text, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// Line, from 1.
    pub number: usize,
    /// Its words, with single spaces.
    pub text: String,
}

/// Something that the text says once, and on which line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said<T> {
    /// What.
    pub value: T,
    /// Line, from 1.
    pub line: usize,
}

/// What a statute says of itself above its first paragraph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Who issued it (Väljaandja).
    pub issuer: Option<Said<String>>,
    /// Kind of act (Akti liik).
    pub kind: Option<Said<String>>,
    /// Kind of text (Teksti liik): the first text, a consolidated one.
    pub text_kind: Option<Said<String>>,
    /// Title.
    pub title: Option<Said<String>>,
    /// Day of adoption (Vastu võetud).
    pub adopted: Option<Said<NaiveDate>>,
    /// Number of the act.
    pub number: Option<Said<String>>,
    /// Publication mark (Avaldamismärge).
    pub publication: Option<Said<String>>,
    /// First day in force of this text (Redaktsiooni jõustumise kp).
    pub in_force_from: Option<Said<NaiveDate>>,
    /// Last day in force of this text; `None` inside where the text says that it is in force.
    pub in_force_until: Option<Said<Option<NaiveDate>>>,
    /// Acts that changed it, as listed under the day of adoption.
    pub amendments: Vec<Line>,
}

/// A chapter or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// Which division it is: `osa`, `peatükk`, `jagu`, `jaotis`, `alljaotis`.
    pub kind: String,
    /// Its number as printed.
    pub number: String,
    /// Its heading.
    pub heading: String,
    /// Line, from 1.
    pub line: usize,
    /// How many provisions stand before it.
    pub after: usize,
}

/// What a provision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The legal basis above the first paragraph.
    Preamble,
    /// `§ 1.`
    Paragraph,
    /// `(1)`, a lõige.
    Subsection,
    /// `1)`, a punkt.
    Point,
    /// `a)`, an alapunkt.
    Subpoint,
}

/// One provision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provision {
    /// Its address, as definitions write it: `§ 12 lg 1 p 16`, `§ 5¹`.
    pub clause: Clause,
    /// What it is.
    pub part: Part,
    /// Position of the provision it stands in.
    pub parent: Option<usize>,
    /// Heading of a paragraph; blank for all others.
    pub heading: String,
    /// Its own words, without those of the provisions in it; blank for a paragraph of subsections.
    pub text: String,
    /// Line on which it begins, from 1.
    pub line: usize,
    /// Notes of amendment in brackets, without the brackets.
    pub notes: Vec<Line>,
}

impl Provision {
    /// Whether only a note is left of it, which says that it is repealed.
    pub fn is_repealed(&self) -> bool {
        self.text.is_empty() && self.notes.iter().any(|note| note.text.to_lowercase().starts_with("kehtetu"))
    }
}

impl Statute {
    /// The provision whose address is `clause`.
    pub fn provision(&self, clause: &Clause) -> Option<&Provision> {
        self.provisions.iter().find(|provision| provision.clause == *clause)
    }

    /// What stands directly in the provision at `index`, with positions.
    pub fn within(&self, index: usize) -> impl Iterator<Item = (usize, &Provision)> {
        self.provisions.iter().enumerate().skip(index).filter(move |(_, provision)| provision.parent == Some(index))
    }

    /// The points of the list that stands directly in the provision `clause`, without those that are repealed.
    pub fn points(&self, clause: &Clause) -> Vec<&Provision> {
        let Some(index) = self.provisions.iter().position(|provision| provision.clause == *clause) else {
            return Vec::new();
        };
        let is_point = |provision: &&Provision| matches!(provision.part, Part::Point | Part::Subpoint);
        self.within(index).map(|(_, p)| p).filter(is_point).filter(|p| !p.is_repealed()).collect()
    }

    /// Whether a definition must answer for the provision at `index`: it says something itself. A paragraph that is only
    /// the roof of its subsections does not.
    pub fn speaks(&self, index: usize) -> bool {
        self.provisions.get(index).is_some_and(|p| !p.text.is_empty())
    }

    /// Number of paragraphs.
    pub fn paragraphs(&self) -> usize {
        self.provisions.iter().filter(|provision| provision.part == Part::Paragraph).count()
    }
}
