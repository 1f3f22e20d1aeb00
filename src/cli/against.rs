//! `andmekogu check --against`: a definition held against the published text that it was made from.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::Format;
use super::failure::Failure;
use super::out;
use super::text::{Text, text};
use crate::config::versions::{self, Version};
use crate::domain::statute::text::Statute;
use crate::domain::statute::text::compare::{Difference, compare, is_about};

/// Prints every difference, and fails if there is one.
///
/// # Errors
/// A text that is none, definitions with faults, and no definition, or several, that rest on the text.
pub(super) fn run(paths: &[PathBuf], file: &Path, format: Format) -> Result<ExitCode, Failure> {
    let text = text(file)?;
    let version = version(paths, &text.statute)?;
    let differences = differences(&version, &text.statute);
    if format == Format::Json {
        out::line(as_json(&version, &text, file, &differences))?;
    } else {
        for difference in &differences {
            out::line(difference)?;
        }
        for (line, what) in asides(&text.statute) {
            out::line(format_args!("{}:{line}: {what}", file.display()))?;
        }
        out::line(summary(&version, &text.statute, differences.len()))?;
    }
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The definition among those at `paths` that rests on the text.
pub(super) fn version(paths: &[PathBuf], statute: &Statute) -> Result<Version, Failure> {
    let mut found = Vec::new();
    for path in paths {
        found.extend(versions::read(path).map_err(Failure::Registers)?);
    }
    if found.len() > 1 {
        found.retain(|version| is_about(&version.definition, statute));
    }
    // Of several versions of a register the text is that of one.
    if let Some(from) = statute.head.in_force_from.as_ref().filter(|_| found.len() > 1) {
        let on_its_day = |version: &Version| version.definition.register.act.in_force_from == from.value;
        if found.iter().any(on_its_day) {
            found.retain(on_its_day);
        }
    }
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(version), None) => Ok(version),
        (None, _) => Err(Failure::other(
            "none of the registers rests on this text: neither its short name nor its publication mark is that of one. \
             Name the folder of the register, or of the version.",
        )),
        (Some(one), Some(other)) => Err(Failure::other(format!(
            "both {} and {} rest on this text. Name the folder of the version.",
            one.folder.display(),
            other.folder.display()
        ))),
    }
}

/// What differs, each with the real path of its file.
pub(super) fn differences(version: &Version, statute: &Statute) -> Vec<Difference> {
    let mut found = compare(&version.definition, &version.sources, statute);
    for difference in &mut found {
        difference.fault.file = version.folder.join(&difference.fault.file).display().to_string();
    }
    found
}

/// What of the text was read otherwise than it stands there, and what has no place in a statute.
fn asides(statute: &Statute) -> Vec<(usize, String)> {
    let remarks = statute.remarks.iter().map(|line| (line.number, line.text.clone()));
    let unplaced = statute.unplaced.iter().map(|line| (line.number, format!("not part of the statute: {}", line.text)));
    let mut asides: Vec<_> = remarks.chain(unplaced).collect();
    asides.sort();
    asides
}

fn summary(version: &Version, statute: &Statute, differences: usize) -> String {
    let register = &version.definition.register;
    let (name, from) = (&register.short_name, register.act.in_force_from);
    let (paragraphs, provisions) = (statute.paragraphs(), statute.provisions.len());
    let differ = match differences {
        0 => "it says what the text says".to_owned(),
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    format!("{name}, in force from {from}, against {paragraphs} paragraphs with {provisions} provisions: {differ}")
}

fn as_json(version: &Version, text: &Text, file: &Path, differences: &[Difference]) -> serde_json::Value {
    let register = &version.definition.register;
    let statute = &text.statute;
    json!({
        "register": register.short_name,
        "in_force_from": register.act.in_force_from,
        "digest": version.definition.digest,
        "text": {
            "file": file.display().to_string(),
            "sha256": text.digest,
            "paragraphs": statute.paragraphs(),
            "provisions": statute.provisions.len(),
            "unplaced": statute.unplaced,
            "remarks": statute.remarks,
        },
        "differences": differences,
    })
}
