//! `andmekogu keys`: keys of access tokens.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Settings, secrets};

/// Keys of access tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Add a key, which signs from now on; a running server takes it up within half a minute
    Rotate(Rotate),
}

/// Add a key.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Of the demonstration
    #[arg(long)]
    demo: bool,
}

impl Keys {
    /// Does it.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let Self::Rotate(command) = self;
        let installation = Installation::new(settings, command.demo);
        let keep = settings.tokens.keep_keys;
        let rotation = secrets::rotate(&installation.data_dir, SystemClock.now(), keep)?;
        out::line(format_args!("{} signs from now on", rotation.kid))?;
        for kid in rotation.removed {
            out::line(format_args!("{kid} had not verified anything for long and is removed"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
