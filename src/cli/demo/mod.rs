//! The demonstration: fictitious people in a database of their own, entered by real acts.
//!
//! What is entered is data under `seeds/<register>/` (see [`seed`] and [`generate`]); here is only how. A demonstration
//! serves this machine alone, since everybody knows its passwords, and never touches a database that holds anything
//! else.

mod generate;
mod load;
mod mark;
mod seed;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use super::failure::Failure;
use super::start::Installation;
use crate::app::App;
use crate::config::Settings;
use mark::Mark;
use seed::Seeds;

/// Password of every user of a demonstration.
const PASSWORD: &str = "andmekogu-demo";

/// Fictitious data.
#[derive(Debug, Subcommand)]
pub(super) enum Demo {
    /// Add many fictitious records to the demonstration
    Load(load::Load),
}

impl Demo {
    /// Does it.
    pub(super) async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let Self::Load(load) = self;
        load.run(settings).await
    }
}

/// A demonstration that is ready: whom one can log in as.
#[derive(Debug)]
pub(super) struct Seeded {
    /// User names with what they are.
    users: Vec<(String, String)>,
}

impl Seeded {
    /// Where to look, and as whom.
    pub(super) fn welcome(&self, address: SocketAddr) -> String {
        let width = self.users.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut lines = vec![
            String::new(),
            format!("  A demonstration with fictitious people:  http://{address}"),
            format!("  The interface for programs:              http://{address}/api/docs/"),
            String::new(),
            format!("  Users, all with the password {PASSWORD}:"),
        ];
        for (name, display) in &self.users {
            lines.push(format!("    {name:width$}  {display}"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Starts the demonstration of `installation`, and seeds what is not seeded yet.
///
/// # Errors
/// An address that others could reach, a database with other data, a seeding that was interrupted, faults of seeds.
pub(super) async fn prepare(installation: &Installation) -> Result<(Arc<App>, Seeded), Failure> {
    let settings = &installation.settings;
    if !settings.server.listen.ip().is_loopback() {
        return Err(Failure::other(format!(
            "{}: a demonstration serves this machine only, since everybody knows its passwords; listen on 127.0.0.1 or ::1",
            settings.server.listen
        )));
    }
    let app = installation.start().await?;
    let mut mark = Mark::read(installation)?;
    let here = installation.settings.paths.seeds_dir.display().to_string();
    if app.has_users().await? {
        if !mark.is_of(installation) {
            return Err(Failure::other(format!(
                "the database holds users that no demonstration made. A demonstration needs a database of its own: \
                 set ANDMEKOGU_DATA_DIR or ANDMEKOGU_DATABASE_URL to another place (the data folder is {})",
                installation.data_dir.display()
            )));
        }
        if let Some(register) = &mark.seeding {
            return Err(Failure::other(format!(
                "the seeding of {register} was interrupted: remove the database of the demonstration (the data folder \
                 is {}) and start again",
                installation.data_dir.display()
            )));
        }
    } else {
        mark = Mark::new(installation);
    }
    let registers: Vec<String> = app.store.registers().names().map(str::to_owned).collect();
    let mut users: Vec<(String, String)> = Vec::new();
    let mut seeded_any = false;
    for register in registers {
        let folder = seeds_of(installation, &register);
        let Some(seeds) = Seeds::read(&folder)? else {
            log::info!("{register}: there are no seeds in {here}; it stays empty");
            continue;
        };
        for user in seeds.users() {
            if !users.contains(&user) {
                users.push(user);
            }
        }
        if mark.seeded.contains(&register) {
            continue;
        }
        mark.seeding = Some(register.clone());
        mark.write(installation)?;
        let entered = seed::run(&app, &register, &seeds).await?;
        log::info!("{register}: {entered} fictitious records entered");
        mark.seeding = None;
        mark.seeded.insert(register);
        mark.write(installation)?;
        seeded_any = true;
    }
    if !seeded_any {
        log::debug!("the demonstration was seeded before");
    }
    Ok((app, Seeded { users }))
}

/// Folder of a register's seeds.
fn seeds_of(installation: &Installation, register: &str) -> PathBuf {
    installation.settings.paths.seeds_dir.join(register)
}

#[cfg(test)]
mod tests;
