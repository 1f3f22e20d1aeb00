//! `andmekogu check`: whether definitions are sound.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Format;
use super::against;
use super::failure::Failure;
use super::out;
use crate::config::{Settings, registers};
use crate::domain::statute::description::Part;

/// Check definitions.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Folders of registers, of one register or of one version, or a file of one [default: paths.registers_dir]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Compare the definition that rests on it with this published text of the statute, too
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Check {
    /// Prints every fault, and fails if there is one.
    pub(super) fn run(mut self, settings: &Settings) -> Result<ExitCode, Failure> {
        if self.paths.is_empty() {
            self.paths.push(settings.paths.registers_dir.clone());
        }
        if let Some(text) = &self.against {
            return against::run(&self.paths, text, self.format);
        }
        let mut sound = Vec::new();
        let mut described = Vec::new();
        let mut faults = Vec::new();
        for path in &self.paths {
            match registers::read_any(path) {
                Ok(found) => {
                    sound.extend(found.definitions);
                    described.extend(found.descriptions);
                }
                Err(found) => faults.extend(found),
            }
        }
        let named = |d: &crate::domain::statute::Definition| {
            let source = &d.register;
            (source.short_name.clone(), source.act.in_force_from)
        };
        if self.format == Format::Json {
            let mut sound: Vec<_> = sound
                .iter()
                .map(|d| {
                    let (register, from) = named(d);
                    json!({ "register": register, "in_force_from": from, "digest": d.digest })
                })
                .collect();
            sound.extend(described.iter().map(|d| {
                json!({ "register": d.short_name, "in_force_from": d.act.in_force_from, "digest": d.digest,
                        "missing": d.missing() })
            }));
            out::line(json!({ "sound": sound, "faults": faults }))?;
        } else {
            for fault in &faults {
                out::line(fault)?;
            }
            for (register, from) in sound.iter().map(named) {
                out::line(format_args!("{register}, in force from {from}: sound"))?;
            }
            for d in &described {
                let missing: Vec<&str> = d.missing().into_iter().map(Part::as_str).collect();
                let missing = missing.join(", ");
                out::line(format_args!("{}, kept elsewhere: sound; it does not say {missing}", d.short_name))?;
            }
            if !faults.is_empty() {
                out::line(format_args!("{} faults", faults.len()))?;
            }
        }
        Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
