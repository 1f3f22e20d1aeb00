//! `andmekogu keys`: keys of access tokens, and of the logs of single registers.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Settings, secrets};

/// Keys of access tokens and of logs.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Add a key, which signs from now on; a running server takes it up within half a minute
    Rotate(Rotate),
    /// Give a register a key of its own for its log, which goes with the register; before its first checkpoint
    Own(Own),
}

/// Give a register its own key.
#[derive(Debug, Args)]
pub(super) struct Own {
    /// Which register
    register: String,
    /// Of the demonstration
    #[arg(long)]
    demo: bool,
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
    pub(super) async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let command = match self {
            Self::Rotate(command) => command,
            Self::Own(command) => {
                let app = Installation::new(settings, command.demo).start().await?;
                out::line(app.own_log_key(&command.register).await?)?;
                return Ok(ExitCode::SUCCESS);
            }
        };
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
