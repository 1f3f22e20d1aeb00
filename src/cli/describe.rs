//! `andmekogu describe`: a published list of registers into definitions of registers that are kept elsewhere.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;

use super::failure::Failure;
use super::out;
use crate::config::{Settings, registers};
use crate::domain::statute::Language;
use crate::domain::statute::listing::{Issued, read};
use crate::domain::statute::parse::REGISTER_FILE;

/// Describe registers that are kept elsewhere, from a published list of name, purpose and controller.
#[derive(Debug, Args)]
pub(super) struct Describe {
    /// The list: text with tabs between its cells, as copied from a page, or CSV
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Folder into which a folder for each register is written [default: paths.registers_dir]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// How the short names begin: the authority's name
    #[arg(long)]
    prefix: String,
    /// Who published the list
    #[arg(long)]
    issuer: String,
    /// Language of the list: et, en, fi or sv
    #[arg(long, value_parser = language)]
    language: Language,
    /// Country whose law applies: EE or FI
    #[arg(long)]
    country: String,
    /// Day from which it is shown, YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
}

fn language(code: &str) -> Result<Language, String> {
    Language::of(code).ok_or_else(|| "write et, en, fi or sv".to_owned())
}

impl Describe {
    /// Writes a definition for each register of the list, all or none: nothing that is there is overwritten.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let shown = self.from.display().to_string();
        let failed = |e: std::io::Error| Failure::other(format!("{shown}: {e}"));
        let size = fs::metadata(&self.from).map_err(failed)?.len();
        if size > registers::LARGEST {
            return Err(Failure::other(format!("{shown}: {size} bytes; at most {} are read", registers::LARGEST)));
        }
        let text = fs::read_to_string(&self.from).map_err(failed)?;
        let listing = read(&text).map_err(|faults| {
            let told: Vec<String> = faults.iter().map(|fault| format!("{shown}: {fault}")).collect();
            Failure::other(told.join("\n"))
        })?;
        let issued = Issued {
            prefix: self.prefix,
            language: self.language,
            country: self.country,
            issuer: self.issuer,
            from: self.as_of,
        };
        let into = self.into.unwrap_or_else(|| settings.paths.registers_dir.clone());
        let made = listing.definitions(&issued);
        let there: Vec<String> =
            made.iter().filter(|(name, _)| into.join(name).exists()).map(|(name, _)| name.clone()).collect();
        if !there.is_empty() {
            let there = there.join(", ");
            return Err(Failure::other(format!("already in {}: {there}. Remove them first.", into.display())));
        }
        // Whatever the arguments are, no fault reaches the folder of the registers.
        let trial = trial_folder(&into);
        let written = made.iter().try_for_each(|(name, text)| {
            fs::create_dir_all(trial.join(name))?;
            fs::write(trial.join(name).join(REGISTER_FILE), text)
        });
        let checked = written.map_err(failed).and_then(|()| registers::read_all(&trial).map_err(Failure::Registers));
        let moved = checked.and_then(|_| {
            made.iter().try_for_each(|(name, _)| fs::rename(trial.join(name), into.join(name))).map_err(failed)
        });
        let removed = fs::remove_dir_all(&trial);
        moved?;
        removed.map_err(failed)?;
        for (name, _) in &made {
            out::line(into.join(name).display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A folder beside the definitions that is no register: hidden, and named after this process.
fn trial_folder(into: &std::path::Path) -> PathBuf {
    into.join(format!(".describe-{}", std::process::id()))
}
