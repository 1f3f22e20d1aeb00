//! The page that a jurist signs off: clause by clause the statute's words beside what realises them, as HTML and PDF/A-2b.
//!
//! The words of the statute are the operator's own file; the page bears the digests of that file and of the definition,
//! so that a signature says what it was given for.

use std::time::Duration;

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::Lang;
use super::pdf::{PdfError, Typeset, breakable, printable, typeset};
use crate::locale::TEXTS;

const TEMPLATE: &str = include_str!("../../templates/weave.typ");
/// Widths of the columns of clauses, of words and of what realises them, and of a line in the frame, in ems.
const COLUMNS: (f64, f64, f64) = (7.0, 24.0, 24.0);
const FRAME: f64 = 40.0;
/// Longest time that a layout may take: a long statute is some dozen pages.
const TIME: Duration = Duration::from_secs(120);

/// How far a clause is realised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The software does what the clause demands.
    Done,
    /// It does some of it.
    Partly,
    /// Nothing of it is done yet.
    Pending,
    /// It binds people or states a fact.
    Reasoned,
    /// The definition does not have the clause.
    Missing,
    /// The text does not have the clause.
    Extra,
}

impl Standing {
    /// The text that says it.
    fn key(self) -> &'static str {
        match self {
            Self::Done => "weave-standing-done",
            Self::Partly => "weave-standing-partly",
            Self::Pending => "weave-standing-pending",
            Self::Reasoned => "weave-standing-reasoned",
            Self::Missing => "weave-standing-missing",
            Self::Extra => "weave-standing-extra",
        }
    }
}

/// What stands on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weave {
    /// The register's name in the language of the source.
    pub register_name: String,
    /// The register's id.
    pub register_id: String,
    /// The act as people cite it, with its title.
    pub act: String,
    /// Publication mark.
    pub publication: String,
    /// From when until when it is in force.
    pub in_force: String,
    /// SHA-256 of the text, in hexadecimal.
    pub text_digest: String,
    /// SHA-256 of the definition's files, in hexadecimal.
    pub definition_digest: String,
    /// The program and its version.
    pub program: String,
    /// When the page was made.
    pub made_at: DateTime<Utc>,
    /// The moment as it is shown.
    pub made: String,
    /// The language of the source, in which headings are.
    pub lang: Lang,
    /// In what definition and text differ, a line each.
    pub differences: Vec<String>,
    /// Clause by clause.
    pub rows: Vec<Row>,
}

/// A line of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A chapter, or a paragraph's heading.
    Heading {
        /// Its words.
        words: String,
        /// Whether it is of a chapter.
        chapter: bool,
    },
    /// A clause.
    Clause(Woven),
}

/// A clause and what realises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woven {
    /// Address.
    pub clause: String,
    /// The statute's words.
    pub words: String,
    /// Notes of amendment.
    pub notes: Vec<String>,
    /// What it demands, in our words, in English.
    pub gist: String,
    /// How far it is realised.
    pub standing: Standing,
    /// What the software does, in English, and the test that shows it.
    pub does: Vec<(String, String)>,
    /// Why no software realises it, or not all of it.
    pub reason: Option<String>,
    /// What of it is not done yet.
    pub pending: Option<String>,
}

impl Woven {
    fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Pending | Standing::Missing | Standing::Extra)
    }

    fn said(&self, page: &Weave) -> String {
        page.say(self.standing.key())
    }
}

#[derive(Template)]
#[template(path = "weave.html")]
struct Page<'w> {
    w: &'w Weave,
    counts: Vec<String>,
    frame: Vec<(String, String)>,
}

impl Page<'_> {
    fn say(&self, key: &str) -> String {
        self.w.say(key)
    }
}

impl Weave {
    fn say(&self, key: &str) -> String {
        TEXTS.text(self.lang, key, &[])
    }

    /// How many clauses stand how, those that there are.
    fn counts(&self) -> Vec<String> {
        let all = [
            Standing::Done,
            Standing::Partly,
            Standing::Pending,
            Standing::Reasoned,
            Standing::Missing,
            Standing::Extra,
        ];
        let count = |standing: Standing| {
            let is = |row: &&Row| matches!(row, Row::Clause(woven) if woven.standing == standing);
            let n = self.rows.iter().filter(is).count();
            (n > 0).then(|| format!("{}: {n}", self.say(standing.key())))
        };
        all.into_iter().filter_map(count).collect()
    }

    fn frame(&self) -> Vec<(String, String)> {
        [
            ("weave-register", format!("{} ({})", self.register_name, self.register_id)),
            ("weave-act", self.act.clone()),
            ("weave-publication", self.publication.clone()),
            ("weave-in-force", self.in_force.clone()),
            ("weave-text-digest", self.text_digest.clone()),
            ("weave-definition-digest", self.definition_digest.clone()),
            ("weave-made", format!("{}, {}", self.made, self.program)),
        ]
        .into_iter()
        .map(|(key, value)| (self.say(key), value))
        .collect()
    }

    /// The page as HTML of its own: nothing is fetched, and it prints.
    ///
    /// # Errors
    /// A template that cannot be written.
    pub fn html(&self) -> Result<String, askama::Error> {
        Page { w: self, counts: self.counts(), frame: self.frame() }.render()
    }

    /// The page as PDF/A-2b. The same page gives the same bytes.
    ///
    /// # Errors
    /// See [`PdfError`].
    pub fn pdf(&self) -> Result<Vec<u8>, PdfError> {
        typeset(Typeset {
            template: ("weave.typ", TEMPLATE),
            data: ("weave.json", self.data()),
            ident: format!("{} {}", self.register_id, self.definition_digest),
            at: self.made_at,
            time: TIME,
        })
    }

    fn data(&self) -> serde_json::Value {
        let line = |text: &str, width| breakable(&printable(text), width);
        let frame: Vec<(String, String)> =
            self.frame().into_iter().map(|(label, value)| (label, line(&value, FRAME))).collect();
        let (clause, words, does) = COLUMNS;
        let rows: Vec<serde_json::Value> = self
            .rows
            .iter()
            .map(|row| match row {
                Row::Heading { words, chapter } => json!({ "heading": line(words, FRAME), "chapter": chapter }),
                Row::Clause(w) => json!({
                    "clause": line(&w.clause, clause),
                    "words": line(&w.words, words),
                    "notes": w.notes.iter().map(|note| line(note, words)).collect::<Vec<_>>(),
                    "gist": line(&w.gist, does),
                    "standing": self.say(w.standing.key()),
                    "open": w.is_open(),
                    "does": w.does.iter().map(|(what, test)| [line(what, does), line(test, does)]).collect::<Vec<_>>(),
                    "reason": w.reason.as_deref().map(|text| line(text, does)),
                    "pending": w.pending.as_deref().map(|text| line(text, does)),
                }),
            })
            .collect();
        let said = |key| self.say(key);
        let lines = ["weave-name", "weave-office", "weave-date", "weave-signature"].map(said);
        json!({
            "lang": self.lang.code(),
            "title": said("weave-title"),
            "register": line(&self.register_name, FRAME),
            "publication": line(&self.publication, FRAME),
            "page": said("weave-page"),
            "frame": frame,
            "counts": self.counts().join("  ·  "),
            "differ": said("weave-differences"),
            "agree": said("weave-no-differences"),
            "differences": self.differences.iter().map(|d| line(d, FRAME)).collect::<Vec<_>>(),
            "clause": said("weave-clause"),
            "words": said("weave-words"),
            "realised": said("weave-realised"),
            "seen": said("weave-seen"),
            "reason": said("weave-reason"),
            "pending": said("weave-pending"),
            "rows": rows,
            "sign": said("weave-sign"),
            "signed": said("weave-signed"),
            "lines": lines,
        })
    }
}
