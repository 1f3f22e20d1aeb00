//! `andmekogu package`: packages for the archive, read back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Format;
use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::app::bring::Incoming;
use crate::backup::restore::scratch;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Settings, secrets};
use crate::store::verify::verify;
use crate::store::{DatabaseUrl, migrate};

/// Packages for the archive.
#[derive(Debug, Subcommand)]
pub(super) enum Package {
    /// Read the package of a closed register back into a database that does not know it, and audit it there; exit
    /// code 1 on any fault
    Import(Import),
}

/// Read a package back.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The package: its folder, or its file
    package: PathBuf,
    /// The database: postgres://… or the path of a file
    #[arg(long, value_name = "URL")]
    into: String,
    /// Public key of its log, as the controller published it [default: the one in the package]
    #[arg(long, value_name = "VKEY")]
    vkey: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Package {
    /// Does it.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let Self::Import(command) = self;
        let place = Installation::new(settings, false);
        let url = DatabaseUrl::parse(&command.into);
        let failed = |e: &dyn std::fmt::Display| Failure::other(e.to_string());
        secrets::make_private(&place.data_dir)?;
        let work = scratch(&place.data_dir).map_err(|e| failed(&e))?;
        let incoming =
            Incoming::open(&command.package, command.vkey.as_deref(), work.path()).map_err(|e| failed(&e))?;
        if let DatabaseUrl::Sqlite(path) = &url {
            secrets::make_private_file(Path::new(path))?;
        }
        migrate::migrate(&url)?;
        let brought = incoming.bring(&url, Arc::new(SystemClock))?;
        // What verifies the log must not come from the database that it is to be verified in.
        let opened = secrets::open(&place.data_dir, SystemClock.now(), settings.tokens.keep_keys)?;
        let keys = place.log_keys(opened.log_seed);
        keys.keep(incoming.register(), incoming.vkey())?;
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let register = incoming.register().to_owned();
        let reports = verify(&url, Some(std::slice::from_ref(&register)), &|r| keys.verifier(r), threads, &|_| {})?;
        let faults: Vec<String> = reports.iter().flat_map(|r| r.faults.clone()).collect();
        let root = reports.first().map(|r| r.root.clone()).unwrap_or_default();
        let same = root == STANDARD.encode(incoming.checkpoint().root);
        let sound = faults.is_empty() && same;
        match command.format {
            Format::Json => out::line(json!({
                "register": register, "brought": brought, "root": root, "root_is_that_of_the_package": same,
                "faults": faults,
            }))?,
            Format::Text => {
                let verdict = if sound { "sound" } else { "NOT SOUND" };
                out::line(format_args!(
                    "{register}: {verdict}\n  {} entries in the log, root {root}{}\n  {} records, {} entries of records",
                    brought.leaves,
                    if same { ", that of the package" } else { ", NOT that of the package" },
                    brought.records,
                    brought.entries,
                ))?;
                if command.vkey.is_none() {
                    out::line("  the key came with the package: give --vkey to believe the controller instead")?;
                }
                for fault in &faults {
                    out::line(format_args!("  - {fault}"))?;
                }
            }
        }
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
