//! Documents about a register, made from its definition and from nothing else: the description to implement document
//! publicity, the privacy notice, the record of processing, and what catalogues of other authorities ask for.
//!
//! * [`View`]: a register of either kind, kept here or only described;
//! * [`document`]: a [`Document`] about it, of a [`Kind`], for an [`Audience`], in every language at once;
//! * [`sheet`]: the same in one language, with the words of headings and sentences put in: what pages, PDF and JSON show;
//! * [`processing`]: the record of processing as rows; [`riha`], [`dcat`]: the texts that catalogues take.
//!
//! A document has an item for everything that the definition says under a heading, with the clause that says it. What it
//! does not say is a missing part: the controller is told, for the public it is left out. What is secret by law is told to
//! the controller only, and marked.

mod changes;
pub mod dcat;
mod notice;
mod openness;
mod parts;
pub mod processing;
pub mod riha;
pub mod sheet;
#[cfg(test)]
mod tests;
mod view;

use chrono::NaiveDate;
use serde::Serialize;

pub use changes::{Changed, Changes};
pub use view::View;

use super::statute::description::{Part, Publicity};
use super::statute::{Clause, Label, Language};

/// Documents that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The description to implement document publicity (Finnish act 906/2019 § 28).
    #[doc(alias = "kuvaus asiakirjajulkisuuden toteuttamiseksi")]
    PublicityDescription,
    /// The privacy notice (GDPR art. 13 and 14), in the order of headings that is usual in Finland.
    #[doc(alias = "tietosuojaseloste")]
    PrivacyNotice,
    /// The record of processing activities (GDPR art. 30).
    ProcessingRecord,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::PublicityDescription, Self::PrivacyNotice, Self::ProcessingRecord];

    /// The word in addresses, keys of texts and answers.
    pub const fn as_str(self) -> &'static str {
        self.publicity().as_str()
    }

    /// What `word` names.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The same among all that can be published.
    pub const fn publicity(self) -> Publicity {
        match self {
            Self::PublicityDescription => Publicity::PublicityDescription,
            Self::PrivacyNotice => Publicity::PrivacyNotice,
            Self::ProcessingRecord => Publicity::ProcessingRecord,
        }
    }
}

/// For whom a document is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody: missing parts are left out, secret ones never there.
    Public,
    /// Who answers for the register: missing parts are shown as missing, secret ones marked.
    Controller,
}

/// A provision that asks for a part of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Provision {
    /// The act.
    pub law: Law,
    /// Article or section.
    pub article: u8,
    /// Paragraph, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paragraph: Option<u8>,
    /// Point: a letter, or the number of an item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<char>,
}

/// Acts that ask for documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Regulation (EU) 2016/679.
    Gdpr,
    /// Finnish act on information management in public administration, 906/2019.
    InformationManagement,
}

impl Provision {
    /// An article, paragraph and point of the regulation.
    const fn gdpr(article: u8, paragraph: u8, point: char) -> Self {
        Self { law: Law::Gdpr, article, paragraph: Some(paragraph), point: Some(point) }
    }

    /// A paragraph of the regulation.
    const fn paragraph(article: u8, paragraph: u8) -> Self {
        Self { law: Law::Gdpr, article, paragraph: Some(paragraph), point: None }
    }

    /// An item of the description that makes publicity possible.
    const fn item(number: char) -> Self {
        Self { law: Law::InformationManagement, article: 28, paragraph: None, point: Some(number) }
    }
}

/// Words in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// Those of the definition, in its languages.
    Words(Label),
    /// The same in every language: a name, an address, a mark.
    Plain(String),
    /// A day.
    Day(NaiveDate),
    /// An ISO 8601 period.
    Period(String),
    /// Several, one after another.
    Several(Vec<Text>),
    /// A sentence of ours, by its key, with what stands in it by name.
    Said(&'static str, Vec<(&'static str, Text)>),
}

/// One item under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// By which it is known among the items of its section and its line, in every version: machine names.
    pub id: String,
    /// What it says.
    pub text: Text,
    /// The clause of the register's own source that says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<Clause>,
    /// Secret by law: only in what the controller sees.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What belongs to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Line>,
}

impl Line {
    /// An item with a clause.
    fn new(id: impl Into<String>, text: Text, clause: &Clause) -> Self {
        Self { id: id.into(), text, clause: Some(clause.clone()), secret: false, more: Vec::new() }
    }

    /// An item that stands under the clause of the one that it belongs to.
    fn under(id: impl Into<String>, text: Text) -> Self {
        Self { id: id.into(), text, clause: None, secret: false, more: Vec::new() }
    }

    fn secret_if(mut self, secret: bool) -> Self {
        self.secret = secret;
        self
    }

    fn with(mut self, more: Vec<Line>) -> Self {
        self.more = more;
        self
    }
}

/// What stands under one heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// The heading.
    pub heading: Part,
    /// The provision that asks for it; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Provision>,
    /// The items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// Headings below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// Whether the law asks for it and the definition does not say it; only in what the controller sees.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

/// Which definition a document was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// First day on which it is in force.
    pub in_force_from: NaiveDate,
    /// SHA-256 of its files, lower-case hexadecimal.
    pub digest: String,
}

/// A document about a register, in every language of its definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// For whom.
    pub audience: Audience,
    /// Short name of the register.
    pub register: String,
    /// Name of the register.
    pub name: Label,
    /// The text that founds or describes the register, as its readers know it.
    pub source: Text,
    /// The language whose words count; in any other the document is unofficial.
    pub official: Language,
    /// From which definition.
    pub version: Version,
    /// Day on which it was drawn.
    pub drawn_on: NaiveDate,
    /// The headings, in the order in which people know them.
    pub sections: Vec<Section>,
    /// What the law asks for and the definition does not say; empty for the public.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Part>,
    /// What changed since the version before; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
}

/// The document of this kind about a register, drawn on `day`, with what changed since the `previous` version of its
/// definition.
///
/// Nothing where there is none to be had: to the public of a register that is secret as a whole.
pub fn document(
    register: View<'_>,
    kind: Kind,
    day: NaiveDate,
    audience: Audience,
    previous: Option<View<'_>>,
) -> Option<Document> {
    if register.is_secret() && audience == Audience::Public {
        return None;
    }
    let all = drawn(register, kind, day);
    let changes = previous.filter(|before| !before.is_secret() || audience == Audience::Controller).map(|before| {
        let since = version(before);
        let before = drawn(before, kind, day);
        changes::between(since, &before, &all, audience)
    });
    let mut document = shown(all, audience);
    document.changes = changes;
    Some(document)
}

/// Who issued the source, what it is, and its title.
fn source(register: View<'_>) -> Text {
    let act = register.act();
    let parts = [&act.issuer, &act.kind, &act.title].map(|part| Text::Plain(part.clone()));
    let [issuer, kind, title] = parts;
    Text::Said("publicity-source", vec![("issuer", issuer), ("kind", kind), ("title", title)])
}

fn version(register: View<'_>) -> Version {
    Version { in_force_from: register.act().in_force_from, digest: register.digest().to_owned() }
}

/// The whole document: as the controller sees it.
fn drawn(register: View<'_>, kind: Kind, day: NaiveDate) -> Document {
    let sections = match kind {
        Kind::PublicityDescription => openness::sections(register),
        Kind::PrivacyNotice => notice::sections(register),
        Kind::ProcessingRecord => processing::sections(register),
    };
    let mut missing = Vec::new();
    collect_missing(&sections, &mut missing);
    Document {
        kind,
        audience: Audience::Controller,
        register: register.short_name().to_owned(),
        name: register.name().clone(),
        source: source(register),
        official: register.language(),
        version: version(register),
        drawn_on: day,
        sections,
        missing,
        changes: None,
    }
}

fn collect_missing(sections: &[Section], into: &mut Vec<Part>) {
    for section in sections {
        if section.missing {
            into.push(section.heading);
        }
        collect_missing(&section.sections, into);
    }
}

/// What of a whole document an audience sees.
fn shown(mut document: Document, audience: Audience) -> Document {
    if audience == Audience::Public {
        document.audience = Audience::Public;
        document.missing.clear();
        document.sections = public_sections(document.sections);
    }
    document
}

fn public_sections(sections: Vec<Section>) -> Vec<Section> {
    let public = |mut section: Section| {
        section.lines = public_lines(section.lines);
        section.sections = public_sections(section.sections);
        section.missing = false;
        (!section.lines.is_empty() || !section.sections.is_empty()).then_some(section)
    };
    sections.into_iter().filter_map(public).collect()
}

/// Lines without secret ones, and without those that would be left with nothing of what they gathered.
fn public_lines(lines: Vec<Line>) -> Vec<Line> {
    let public = |mut line: Line| {
        let gathered = !line.more.is_empty();
        line.more = public_lines(line.more);
        (!(line.secret || gathered && line.more.is_empty())).then_some(line)
    };
    lines.into_iter().filter_map(public).collect()
}

/// A section that the law asks for: missing where nothing is said.
fn asked(heading: Part, by: Provision, lines: Vec<Line>) -> Section {
    let missing = lines.is_empty();
    Section { heading, asked_by: Some(by), lines, sections: Vec::new(), missing }
}

/// A section that is told where it is there.
fn told(heading: Part, lines: Vec<Line>) -> Option<Section> {
    let section = Section { heading, asked_by: None, lines, sections: Vec::new(), missing: false };
    (!section.lines.is_empty()).then_some(section)
}

/// Whether a register publishes such a document.
pub fn publishes(register: View<'_>, document: Publicity) -> bool {
    register.documents().contains(&document)
}

/// The version of a register that counts on `day`, with the one before it: the last that is in force by then, or else the
/// first.
pub fn current<'d>(
    versions: impl IntoIterator<Item = View<'d>>,
    register: &str,
    day: NaiveDate,
) -> Option<(View<'d>, Option<View<'d>>)> {
    let mut own: Vec<View<'d>> = versions.into_iter().filter(|view| view.short_name() == register).collect();
    own.sort_by_key(|view| view.act().in_force_from);
    let at = own.iter().rposition(|view| view.act().in_force_from <= day).unwrap_or(0);
    let before = at.checked_sub(1).and_then(|before| own.get(before).copied());
    own.get(at).map(|now| (*now, before))
}

/// One row of the list of registers: what a citizen is told first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Short name.
    pub register: String,
    /// Name.
    pub name: Label,
    /// Clause or heading that gives it.
    pub name_clause: Clause,
    /// What the data are for.
    pub purposes: Vec<Label>,
    /// Who answers for it.
    pub controller: String,
    /// Whether it is kept in this program.
    pub kept_here: bool,
}

/// The list of registers, in the order in which they come; secret ones only for the controller.
pub fn list<'d>(registers: impl IntoIterator<Item = View<'d>>, audience: Audience) -> Vec<Listed> {
    let seen = registers.into_iter().filter(|register| audience == Audience::Controller || !register.is_secret());
    seen.map(|register| Listed {
        register: register.short_name().to_owned(),
        name: register.name().clone(),
        name_clause: register.name_clause().clone(),
        purposes: register.purposes().iter().map(|purpose| purpose.label.clone()).collect(),
        controller: register.controller().name.clone(),
        kept_here: register.kept().is_some(),
    })
    .collect()
}
