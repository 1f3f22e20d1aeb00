//! `andmekogu audit export`: the log written out, an entry a line.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;

use super::failure::Failure;
use crate::config::Settings;

/// Write the log out.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Which register's
    register: String,
    /// From this day
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// To this day
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
}

impl Export {
    /// Exports.
    pub(super) async fn run(self, _settings: &Settings) -> Result<ExitCode, Failure> {
        let Self { register, from, to } = self;
        let sentence = format!("this build cannot export {register} ({from:?} to {to:?})");
        std::future::ready(Err(Failure::other(sentence))).await
    }
}
