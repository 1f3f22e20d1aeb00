//! `andmekogu migrate`: the database brought up to date.

use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::config::Settings;
use crate::store::migrate;

/// Bring the database up to date.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// PostgreSQL: the role under which the server runs gets what it needs, and nothing that rewrites the log
    #[arg(long, value_name = "NAME")]
    runtime_role: Option<String>,
    /// The database of the demonstration
    #[arg(long)]
    demo: bool,
}

impl Migrate {
    /// Applies what is missing.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let installation = Installation::new(settings, self.demo);
        let steps = installation.migrate()?;
        for step in &steps {
            out::line(format_args!("applied {step}"))?;
        }
        if steps.is_empty() {
            out::line("the database is up to date")?;
        }
        if let Some(role) = &self.runtime_role {
            migrate::grant_runtime_role(&installation.url, role)?;
            out::line(format_args!("{role} has what the server needs at run time"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
