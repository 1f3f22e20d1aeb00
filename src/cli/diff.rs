//! `andmekogu diff`: what changes between two versions of a statute, in words.

use std::path::Path;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::Format;
use super::failure::Failure;
use super::out;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::config::registers::{self, Found};
use crate::domain::statute::diff::{Difference, Touch, diff, diff_descriptions};
use crate::domain::statute::{Catalogue, Definition, Description};
use crate::store::{DatabaseUrl, touched};

/// Say what changes between two versions of a statute.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The old version: folder or register.toml of a definition, or a register of this installation and a day
    #[arg(value_name = "OLD|REGISTER@DAY")]
    old: String,
    /// The new version, likewise
    #[arg(value_name = "NEW|REGISTER@DAY")]
    new: String,
    /// Also count, in the configured database, what each change touches
    #[arg(long)]
    count: bool,
    /// With --count: in the database of the demonstration
    #[arg(long, requires = "count")]
    demo: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How much of what is stored a change touches.
#[derive(Debug, Serialize)]
struct Counted {
    place: String,
    touches: String,
    /// `None` where it cannot be told by counting.
    count: Option<i64>,
}

/// One version.
enum Version {
    Kept(Box<Definition>),
    Elsewhere(Box<Description>),
}

impl Diff {
    /// Prints every change. That there are some is no failure.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let difference = match (version(&self.old, settings)?, version(&self.new, settings)?) {
            (Version::Kept(old), Version::Kept(new)) => diff(&old, &new).map_err(|faults| {
                let told: Vec<String> =
                    faults.into_iter().map(|f| format!("access.cedar:{}: {}", f.line, f.message)).collect();
                Failure::other(told.join("\n"))
            })?,
            (Version::Elsewhere(old), Version::Elsewhere(new)) => diff_descriptions(&old, &new),
            (Version::Kept(_), Version::Elsewhere(_)) | (Version::Elsewhere(_), Version::Kept(_)) => {
                let sentence = "one of the two is kept here and the other elsewhere: they have too little in common to be \
                                compared";
                return Err(Failure::other(sentence));
            }
        };
        let counted = if self.count { self.counted(&difference, settings)? } else { Vec::new() };
        match self.format {
            Format::Text => {
                out::line(&difference)?;
                if self.count {
                    out::line("\nWhat is stored")?;
                }
                for one in &counted {
                    let count = one.count.map_or_else(|| "not counted".to_owned(), |n| n.to_string());
                    out::line(format_args!("  {count:>9}  {}  ({})", one.touches, one.place))?;
                }
            }
            Format::Json => {
                let failed = |e: serde_json::Error| Failure::other(e.to_string());
                let mut told = serde_json::to_value(&difference).map_err(failed)?;
                if let (true, Some(map)) = (self.count, told.as_object_mut()) {
                    map.insert("counted".to_owned(), serde_json::to_value(&counted).map_err(failed)?);
                }
                out::line(serde_json::to_string_pretty(&told).map_err(failed)?)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What each change touches, counted in the database.
    fn counted(&self, difference: &Difference, settings: &Settings) -> Result<Vec<Counted>, Failure> {
        let touched: Vec<(&str, &Touch)> =
            difference.changes.iter().flat_map(|c| c.touches.iter().map(|t| (c.place.as_str(), t))).collect();
        let touches: Vec<Touch> = touched.iter().map(|(_, touch)| (*touch).clone()).collect();
        let url = DatabaseUrl::parse(&settings.database_url(self.demo));
        let today = SystemClock.now().date_naive();
        let counts = touched::count(&url, &difference.old.register, &touches, today)?;
        let row = |((place, touch), count): ((&str, &Touch), Option<i64>)| Counted {
            place: place.to_owned(),
            touches: touch.to_string(),
            count,
        };
        Ok(touched.into_iter().zip(counts).map(row).collect())
    }
}

/// What `said` names: what stands at that path, else the version of a register that is in force on a day.
fn version(said: &str, settings: &Settings) -> Result<Version, Failure> {
    let path = Path::new(said);
    if path.exists() {
        return only(said, registers::read_copy(path).map_err(Failure::Registers)?);
    }
    let Some((name, day)) = said.rsplit_once('@') else {
        let sentence =
            format!("{said}: there is no such file or folder; of a register of this installation write NAME@DAY");
        return Err(Failure::other(sentence));
    };
    let day: NaiveDate =
        day.parse().map_err(|_| Failure::other(format!("{said}: `{day}` is no day; write it as 2026-12-31")))?;
    let mut found = registers::read_all(&settings.paths.registers_dir).map_err(Failure::Registers)?;
    found.definitions.retain(|d| d.register.short_name == name);
    found.descriptions.retain(|d| d.short_name == name && d.act.in_force_from <= day);
    if found.definitions.is_empty() {
        found.descriptions.sort_by_key(|d| d.act.in_force_from);
        let newest = found.descriptions.pop().map(|d| Version::Elsewhere(Box::new(d)));
        return newest.ok_or_else(|| Failure::other(format!("{said}: there is no such register on that day")));
    }
    let versions: Vec<String> = found.definitions.iter().map(|d| d.register.act.in_force_from.to_string()).collect();
    let catalogue = Catalogue::new(found.definitions).map_err(|faults| Failure::other(faults.join("\n")))?;
    match catalogue.in_force(name, day) {
        Some(definition) => Ok(Version::Kept(Box::new(definition.as_ref().clone()))),
        None => {
            let sentence = format!("{said}: no version is in force on that day; they begin on {}", versions.join(", "));
            Err(Failure::other(sentence))
        }
    }
}

fn only(said: &str, mut found: Found) -> Result<Version, Failure> {
    let count = found.definitions.len().saturating_add(found.descriptions.len());
    match (found.definitions.pop(), found.descriptions.pop()) {
        (Some(definition), None) if count == 1 => Ok(Version::Kept(Box::new(definition))),
        (None, Some(description)) if count == 1 => Ok(Version::Elsewhere(Box::new(description))),
        _ => {
            let sentence = format!(
                "{said}: {count} versions stand there; name the folder of one of them (versions/<day>), or write NAME@DAY"
            );
            Err(Failure::other(sentence))
        }
    }
}
