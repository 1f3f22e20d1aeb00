//! `andmekogu conformance --weave`: clause by clause what realises it beside the text that the operator supplied.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, SubsecRound as _};

use super::against::{differences, version};
use super::failure::Failure;
use super::out;
use super::text::{Text, text};
use crate::clock::{Clock as _, SystemClock};
use crate::config::versions::Version;
use crate::domain::statute::behaviour;
use crate::domain::statute::definition::ClauseRow;
use crate::domain::statute::text::{Part, Provision, Statute};
use crate::files::Lang;
use crate::files::weave::{Row, Standing, Weave, Woven};
use crate::locale::TEXTS;

/// How the page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// HTML of its own.
    Html,
    /// PDF/A-2b.
    Pdf,
}

/// Writes the page to `out`, or to standard output where that is text.
///
/// # Errors
/// As `check --against`, and a file that is there or cannot be written.
pub(super) fn run(paths: &[PathBuf], file: &Path, shape: Shape, out: Option<&Path>) -> Result<(), Failure> {
    let text = text(file)?;
    let version = version(paths, &text.statute)?;
    let page = weave(&version, &text);
    let bytes = match shape {
        Shape::Html => page.html().map_err(|e| Failure::other(e.to_string()))?.into_bytes(),
        Shape::Pdf => page.pdf().map_err(|e| Failure::other(e.to_string()))?,
    };
    match out {
        Some(out) if out.exists() => Err(Failure::other(format!("{} is there already", out.display()))),
        Some(out) => {
            fs::write(out, bytes).map_err(|e| Failure::other(format!("{}: {e}", out.display())))?;
            out::line(out.display())
        }
        None if shape == Shape::Html => out::line(String::from_utf8_lossy(&bytes)),
        None => Err(Failure::other("a PDF is no text. Say with --out where it goes.")),
    }
}

fn weave(version: &Version, text: &Text) -> Weave {
    let register = &version.definition.register;
    let act = &register.act;
    let lang: Lang = register.language.code().parse().unwrap_or_default();
    let day = |day: NaiveDate| day.format(lang.day_format()).to_string();
    let from = day(act.in_force_from);
    let in_force = match act.in_force_until.map(day) {
        Some(until) => TEXTS.text(lang, "weave-in-force-between", &[("from", &from), ("until", &until)]),
        None => TEXTS.text(lang, "weave-in-force-from", &[("from", &from)]),
    };
    let now = SystemClock.now().trunc_subsecs(0);
    let made = now.with_timezone(&register.time_zone);
    Weave {
        register_name: register.name.official().to_owned(),
        register_id: register.short_name.clone(),
        act: format!("{}: {}", act.cited(day), act.title),
        publication: act.publication.clone(),
        in_force,
        text_digest: text.digest.clone(),
        definition_digest: version.definition.digest.clone(),
        program: concat!("andmekogu ", env!("CARGO_PKG_VERSION")).to_owned(),
        made_at: now,
        made: format!("{} {}", day(made.date_naive()), made.format("%H:%M")),
        lang,
        differences: differences(version, &text.statute).iter().map(ToString::to_string).collect(),
        rows: rows(&version.definition.clauses, &text.statute),
    }
}

/// The text from top to bottom with what answers each clause, then what only the definition has.
fn rows(clauses: &[ClauseRow], statute: &Statute) -> Vec<Row> {
    let mut ours: BTreeMap<&str, &ClauseRow> = clauses.iter().map(|row| (row.id.0.as_str(), row)).collect();
    let mut chapters = statute.chapters.iter().peekable();
    let mut rows = Vec::new();
    for (at, provision) in statute.provisions.iter().enumerate() {
        while let Some(chapter) = chapters.next_if(|chapter| chapter.after <= at) {
            let words = format!("{}. {} {}", chapter.number, chapter.kind, chapter.heading);
            rows.push(Row::Heading { words, chapter: true });
        }
        if provision.part == Part::Paragraph && !provision.heading.is_empty() {
            let words = format!("{}. {}", provision.clause, provision.heading);
            rows.push(Row::Heading { words, chapter: false });
        }
        let row = ours.remove(provision.clause.0.as_str());
        // The roof of subsections says nothing itself, and a definition may leave it out.
        if row.is_some() || statute.speaks(at) || provision.is_repealed() {
            rows.push(Row::Clause(woven(Some(provision), row)));
        }
    }
    rows.extend(clauses.iter().filter(|row| ours.contains_key(row.id.0.as_str())).map(|row| {
        let mut woven = woven(None, Some(row));
        woven.standing = Standing::Extra;
        Row::Clause(woven)
    }));
    rows
}

fn woven(provision: Option<&Provision>, row: Option<&ClauseRow>) -> Woven {
    let known = row.iter().flat_map(|row| &row.behaviours).filter_map(|name| behaviour::find(name));
    let does: Vec<(String, String)> = known.map(|b| (b.does.to_owned(), b.test.to_owned())).collect();
    let standing = match row {
        // What is repealed demands nothing.
        None if provision.is_some_and(Provision::is_repealed) => Standing::Reasoned,
        None => Standing::Missing,
        Some(row) => match (does.is_empty(), &row.pending, &row.reason) {
            (false, None, _) => Standing::Done,
            (false, Some(_), _) => Standing::Partly,
            (true, None, Some(_)) => Standing::Reasoned,
            (true, ..) => Standing::Pending,
        },
    };
    let clause = provision.map(|p| &p.clause).or(row.map(|row| &row.id));
    Woven {
        clause: clause.map(ToString::to_string).unwrap_or_default(),
        words: provision.map(|p| p.text.clone()).unwrap_or_default(),
        notes: provision.iter().flat_map(|p| &p.notes).map(|note| note.text.clone()).collect(),
        gist: row.map(|row| row.gist.clone()).unwrap_or_default(),
        standing,
        does,
        reason: row.and_then(|row| row.reason.clone()),
        pending: row.and_then(|row| row.pending.clone()),
    }
}
