//! A document in one language: every word put in. Pages, PDF and JSON show this and add nothing.
//!
//! What stands in a definition is shown in the language asked for, where it has the text, and in that of the source where
//! it has not. Words of ours come from the texts of the program, through [`Words`].

use chrono::NaiveDate;
use serde::Serialize;

use super::{Audience, Changed, Document, Kind, Law, Line, Provision, Section, Text};
use crate::domain::statute::description::Part;
use crate::domain::statute::{Label, Language};

/// Words of ours in one language.
pub trait Words {
    /// The sentence `key`, with `args` in the places of its variables.
    fn say(&self, key: &str, args: &[(&str, &str)]) -> String;

    /// A day, as people write it.
    fn day(&self, day: NaiveDate) -> String;
}

/// A text with the language that it is in, where that is not the one of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Phrase {
    /// The text.
    pub text: String,
    /// ISO 639-1 code, where it is in another language than the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
    /// Whether it is a translation of the source's own words.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unofficial: bool,
}

/// A document in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// What it is.
    pub kind: Kind,
    /// For whom.
    pub audience: Audience,
    /// Short name of the register.
    pub register: String,
    /// ISO 639-1 code of its language.
    pub language: &'static str,
    /// ISO 639-1 code of the language whose words count.
    pub official: &'static str,
    /// What it is called.
    pub title: String,
    /// Name of the register.
    pub name: Phrase,
    /// The text that founds or describes the register: issuer, kind, title.
    pub source: String,
    /// What a reader in another language than the official one is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unofficial: Option<String>,
    /// First day on which the definition is in force.
    pub in_force_from: NaiveDate,
    /// SHA-256 of the definition.
    pub digest: String,
    /// Day on which it was drawn.
    pub drawn_on: NaiveDate,
    /// Both days in a sentence.
    pub dated: String,
    /// The headings.
    pub sections: Vec<SheetSection>,
    /// Words of the parts that are missing; empty for the public.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What changed since the version before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<SheetChanges>,
}

/// A heading with what stands under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetSection {
    /// Machine name of the heading.
    pub id: &'static str,
    /// The heading.
    pub heading: String,
    /// The provision that asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// The items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<SheetLine>,
    /// Headings below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<SheetSection>,
    /// What the controller is told where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetLine {
    /// By which it is known.
    pub id: String,
    /// What it says.
    #[serde(flatten)]
    pub phrase: Phrase,
    /// The clause of the register's source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The word for secret, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// What belongs to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<SheetLine>,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetChanges {
    /// Since when, in a sentence; that nothing did, where nothing did.
    pub since: String,
    /// What was added.
    pub added: Vec<SheetChange>,
    /// What is no longer there.
    pub removed: Vec<SheetChange>,
    /// What is said in other words.
    pub reworded: Vec<SheetChange>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetChange {
    /// The heading under which it stands.
    pub heading: String,
    /// What it said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Phrase>,
    /// What it says now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Phrase>,
}

/// A document in `language`, with `words` of that language.
pub fn sheet(document: &Document, language: Language, words: &impl Words) -> Sheet {
    let writer = Writer { language, words };
    let official = document.official;
    let unofficial = (language != official).then(|| {
        let name = words.say(&format!("publicity-language-{}", official.code()), &[]);
        words.say("publicity-unofficial", &[("language", &name)])
    });
    let from = words.day(document.version.in_force_from);
    let drawn = words.day(document.drawn_on);
    Sheet {
        kind: document.kind,
        audience: document.audience,
        register: document.register.clone(),
        language: language.code(),
        official: official.code(),
        title: words.say(&format!("publicity-kind-{}", document.kind.as_str()), &[]),
        name: writer.label(&document.name),
        source: writer.text(&document.source).text,
        unofficial,
        in_force_from: document.version.in_force_from,
        digest: document.version.digest.clone(),
        drawn_on: document.drawn_on,
        dated: words.say("publicity-dated", &[("from", &from), ("drawn", &drawn)]),
        sections: document.sections.iter().map(|section| writer.section(section)).collect(),
        missing: document.missing.iter().map(|part| writer.heading(*part)).collect(),
        changes: document.changes.as_ref().map(|changes| {
            let since = words.day(changes.since.in_force_from);
            let key = if changes.is_empty() { "publicity-unchanged" } else { "publicity-changed" };
            let told = |list: &[Changed]| list.iter().map(|one| writer.change(one)).collect();
            SheetChanges {
                since: words.say(key, &[("day", &since)]),
                added: told(&changes.added),
                removed: told(&changes.removed),
                reworded: told(&changes.reworded),
            }
        }),
    }
}

impl Sheet {
    /// The sheet as JSON, for programs: the names of its members and of its ids stay.
    ///
    /// # Errors
    /// None that is known: every member is text, a number or a list.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

/// Puts words in.
pub(super) struct Writer<'w, W> {
    pub(super) language: Language,
    pub(super) words: &'w W,
}

impl<W: Words> Writer<'_, W> {
    pub(super) fn label(&self, label: &Label) -> Phrase {
        match label.text(self.language) {
            Some(text) => {
                Phrase { text: text.to_owned(), language: None, unofficial: label.is_unofficial_in(self.language) }
            }
            None => {
                Phrase { text: label.official().to_owned(), language: Some(label.official.code()), unofficial: false }
            }
        }
    }

    pub(super) fn text(&self, text: &Text) -> Phrase {
        let ours = |text: String| Phrase { text, language: None, unofficial: false };
        match text {
            Text::Words(label) => self.label(label),
            Text::Plain(text) => ours(text.clone()),
            Text::Day(day) => ours(self.words.day(*day)),
            Text::Period(period) => ours(self.period(period)),
            Text::Several(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| self.text(text).text).collect();
                ours(texts.join("; "))
            }
            Text::Said(key, args) => {
                let args: Vec<(&str, String)> = args.iter().map(|(name, text)| (*name, self.text(text).text)).collect();
                let args: Vec<(&str, &str)> = args.iter().map(|(name, text)| (*name, text.as_str())).collect();
                ours(self.words.say(key, &args))
            }
        }
    }

    /// A line and what belongs to it in one text.
    pub(super) fn flat(&self, line: &Line) -> String {
        let own = self.text(&line.text).text;
        if line.more.is_empty() {
            return own;
        }
        let more: Vec<String> = line.more.iter().map(|line| self.flat(line)).collect();
        format!("{own} ({})", more.join(", "))
    }

    /// `P1Y6M` and `5 working days` in words; what is neither stays as it is.
    fn period(&self, written: &str) -> String {
        let say = |n: &str, unit: &str| {
            let many = if n == "1" { "one" } else { "many" };
            self.words.say(&format!("publicity-period-{unit}-{many}"), &[("n", n)])
        };
        if let Some((n, "working day" | "working days")) = written.split_once(' ') {
            return say(n, "working_day");
        }
        let (mut out, mut digits, mut of_day) = (Vec::new(), String::new(), false);
        for c in written.strip_prefix('P').unwrap_or_default().chars() {
            let unit = match c {
                'Y' => "year",
                'M' if !of_day => "month",
                'W' => "week",
                'D' => "day",
                'H' => "hour",
                'T' => {
                    of_day = true;
                    continue;
                }
                '0'..='9' => {
                    digits.push(c);
                    continue;
                }
                _ => return written.to_owned(),
            };
            out.push(say(&digits, unit));
            digits.clear();
        }
        if out.is_empty() { written.to_owned() } else { out.join(" ") }
    }

    fn heading(&self, part: Part) -> String {
        self.words.say(&format!("publicity-heading-{}", part.as_str()), &[])
    }

    fn provision(&self, provision: Provision) -> String {
        let article = provision.article.to_string();
        let point = provision.point.map(String::from).unwrap_or_default();
        let paragraph = provision.paragraph.map(|number| number.to_string()).unwrap_or_default();
        let args = [("article", article.as_str()), ("paragraph", paragraph.as_str()), ("point", point.as_str())];
        match (provision.law, provision.point) {
            (Law::InformationManagement, _) => {
                self.words.say("publicity-law-information-management", &[("article", &article), ("point", &point)])
            }
            (Law::Gdpr, Some(_)) => self.words.say("publicity-law-gdpr-point", &args),
            (Law::Gdpr, None) => self.words.say("publicity-law-gdpr-paragraph", &args),
        }
    }

    fn section(&self, section: &Section) -> SheetSection {
        SheetSection {
            id: section.heading.as_str(),
            heading: self.heading(section.heading),
            asked_by: section.asked_by.map(|provision| self.provision(provision)),
            lines: section.lines.iter().map(|line| self.line(line)).collect(),
            sections: section.sections.iter().map(|below| self.section(below)).collect(),
            missing: section.missing.then(|| self.words.say("publicity-missing", &[])),
        }
    }

    fn line(&self, line: &Line) -> SheetLine {
        SheetLine {
            id: line.id.clone(),
            phrase: self.text(&line.text),
            clause: line.clause.as_ref().map(ToString::to_string),
            secret: line.secret.then(|| self.words.say("publicity-secret", &[])),
            more: line.more.iter().map(|line| self.line(line)).collect(),
        }
    }

    fn change(&self, change: &Changed) -> SheetChange {
        SheetChange {
            heading: self.heading(change.heading),
            before: change.before.as_ref().map(|text| self.text(text)),
            now: change.now.as_ref().map(|text| self.text(text)),
        }
    }
}
