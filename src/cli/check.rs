//! `andmekogu check`: whether definitions are sound.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Format;
use super::failure::Failure;
use super::out;
use crate::config::{Settings, registers};

/// Check definitions.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Folders of registers, of one register or of one version, or a file of one [default: paths.registers_dir]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
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
        let mut sound = Vec::new();
        let mut faults = Vec::new();
        for path in &self.paths {
            match registers::read_any(path) {
                Ok(definitions) => sound.extend(definitions),
                Err(found) => faults.extend(found),
            }
        }
        let named = |d: &crate::domain::statute::Definition| {
            let source = &d.register;
            (source.short_name.clone(), source.act.in_force_from)
        };
        if self.format == Format::Json {
            let sound: Vec<_> = sound
                .iter()
                .map(|d| {
                    let (register, from) = named(d);
                    json!({ "register": register, "in_force_from": from, "digest": d.digest })
                })
                .collect();
            out::line(json!({ "sound": sound, "faults": faults }))?;
        } else {
            for fault in &faults {
                out::line(fault)?;
            }
            for (register, from) in sound.iter().map(named) {
                out::line(format_args!("{register}, in force from {from}: sound"))?;
            }
            if !faults.is_empty() {
                out::line(format_args!("{} faults", faults.len()))?;
            }
        }
        Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
