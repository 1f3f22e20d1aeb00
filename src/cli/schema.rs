//! `andmekogu schema`: the definition language for editors, as JSON Schema, and for people, as a reference of every key.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::out;
use crate::domain::statute::schema::{files, markdown};

/// Write the JSON Schemas of the files of a definition.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Folder into which the schemas are written
    #[arg(long, value_name = "DIR", default_value = "config/schema")]
    out: PathBuf,
    /// Instead, print the reference of every key as Markdown
    #[arg(long, conflicts_with = "out")]
    markdown: bool,
}

impl Schema {
    /// Writes a file for each schema and prints their paths, or prints the reference.
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        if self.markdown {
            let text = markdown();
            out::line(text.trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        let failed = |e: std::io::Error| Failure::other(format!("{}: {e}", self.out.display()));
        fs::create_dir_all(&self.out).map_err(failed)?;
        for file in files() {
            let path = self.out.join(file.name);
            fs::write(&path, file.text()).map_err(failed)?;
            out::line(path.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
