//! The command line: a file per subcommand. Commands act as named actors under the same policies as everybody; what
//! is only possible here (the first users, the first grants) is what policies permit to the installation.
//!
//! Answers go to standard output, the server's own log and progress bars to standard error.

mod against;
mod audit;
mod backup;
mod check;
mod conformance;
mod demo;
mod describe;
mod diff;
mod documents;
mod failure;
mod jobs;
mod keys;
mod logging;
mod migrate;
mod new_register;
mod out;
mod package;
mod password;
mod reload;
mod schema;
mod serve;
mod start;
mod text;
mod user;
mod weave;

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::{Settings, environment};
use failure::Failure;

/// Runs a public register from its statute.
#[derive(Debug, Parser)]
#[command(name = "andmekogu", version, about, max_term_width = 110)]
struct Arguments {
    /// File of settings; else ANDMEKOGU_CONFIG, else config/andmekogu.toml if there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Without a command: `serve --demo`
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the registers
    Serve(serve::Serve),
    /// Check definitions; every fault with its file and line
    Check(check::Check),
    /// The definition language, as JSON Schema for editors and as a reference of every key
    Schema(schema::Schema),
    /// What changes between two versions of a statute, in words
    Diff(diff::Diff),
    /// Take the definitions as they are now into use in the running server
    Reload(reload::Reload),
    /// Describe registers that are kept elsewhere, from a published list
    Describe(describe::Describe),
    /// Documents about a register: notices, descriptions, entries of catalogues
    Documents(documents::Documents),
    /// Begin the definition of a register: from a statute's text, from flags, or by being asked
    NewRegister(Box<new_register::NewRegister>),
    /// Bring the database up to date
    Migrate(migrate::Migrate),
    /// Users and their passwords
    #[command(subcommand)]
    User(user::User),
    /// Keys of access tokens and of logs
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The log of acts
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Copies of the database: made, listed, verified, restored, thinned out
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Packages for the archive, read back
    #[command(subcommand)]
    Package(package::Package),
    /// What the software does for each clause of a statute, and the test that shows it
    Conformance(conformance::Conformance),
    /// What the installation does by itself: the list, a run now, a look ahead
    Jobs(jobs::Jobs),
    /// Fictitious data
    #[command(subcommand)]
    Demo(demo::Demo),
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For scripts
    Json,
}

/// Runs the program with the arguments `args`, the program's own name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(e) => {
            // Help and version come this way too. When even that cannot be written, the code must say it all.
            let written = e.print().is_ok();
            return if e.use_stderr() || !written { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match execute(arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn execute(arguments: Arguments) -> Result<ExitCode, Failure> {
    let settings = Settings::load(arguments.config.as_deref(), environment()).map_err(Failure::Settings)?;
    logging::start(settings.logging);
    let command = arguments.command.unwrap_or(Command::Serve(serve::Serve { demo: true }));
    match command {
        Command::Serve(command) => wait(command.run(&settings)),
        Command::Check(command) => command.run(&settings),
        Command::Schema(command) => command.run(),
        Command::Diff(command) => command.run(&settings),
        Command::Reload(command) => command.run(&settings),
        Command::Describe(command) => command.run(&settings),
        Command::Documents(command) => command.run(&settings),
        Command::NewRegister(command) => command.run(&settings),
        Command::Migrate(command) => command.run(&settings),
        Command::User(command) => wait(command.run(&settings)),
        Command::Keys(command) => wait(command.run(&settings)),
        Command::Audit(command) => command.run(&settings),
        Command::Backup(command) => wait(command.run(&settings)),
        Command::Package(command) => command.run(&settings),
        Command::Conformance(command) => command.run(&settings),
        Command::Jobs(command) => wait(command.run(&settings)),
        Command::Demo(command) => wait(command.run(&settings)),
    }
}

/// Runs a command that does acts. This is the only place that starts a runtime.
fn wait<T>(command: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_arguments_mean_the_demonstration() {
        assert!(Arguments::try_parse_from(["andmekogu"]).unwrap().command.is_none());
        let known = [
            "serve --demo",
            "check config/registers --format json",
            "diff old new --count --demo --format json",
            "schema --out schemas",
            "schema --markdown",
            "check config/registers/r --against r.txt --format json",
            "new-register --from-text r.txt --short-name r --into out",
            "new-register --short-name r --name R --language et --country EE --controller C --title T --record boat",
            "reload --demo --format json",
            "migrate --runtime-role app",
            "user add anne --display-name Anne --grant r:role --basis-kind k --basis-reference x",
            "user password anne",
            "keys rotate",
            "keys own r",
            "audit verify --register r --format json",
            "audit export r --from 0 --to 100 --checkpoint c",
            "backup create --format json",
            "backup verify a.andmekogu-backup --identity key.txt --key v",
            "backup restore a.andmekogu-backup --identity key.txt --into new.sqlite --erasures e.ndjson",
            "backup prune --dry-run --the-clock-is-right",
            "backup hold a.andmekogu-backup --reason audit",
            "package import p.tar --into new.sqlite --vkey v --format json",
            "conformance --register r --format json",
            "conformance --register r --weave --against r.txt --format pdf --out r.pdf",
            "jobs --format json",
            "documents r --kind privacy_notice --language sv --format pdf --audience controller --out n.pdf",
            "jobs run outbox",
            "jobs preview --on 2026-12-31 --format json",
            "user add anne --display-name Anne --email anne@example.ee --language fi",
            "demo load --records 10 --register r",
        ];
        for line in known {
            let words = std::iter::once("andmekogu").chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
