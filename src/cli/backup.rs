//! `andmekogu backup`: copies of the database made, listed, verified, restored, thinned out.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::Format;
use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::app::ActContext;
use crate::backup::copy::{Copy, identities};
use crate::backup::folder::{list, note_verified};
use crate::backup::restore::{Report, restore, scratch, verify};
use crate::backup::{Error, Place, erasures, key_name};
use crate::clock::{Clock as _, Stamps, SystemClock};
use crate::config::{Settings, secrets};
use crate::domain::audit::checkpoint::NoteVerifier;
use crate::store::DatabaseUrl;

/// Copies of the database.
#[derive(Debug, Subcommand)]
pub(super) enum Backup {
    /// Make a copy and verify it
    Create(Here),
    /// Every copy, and whether it was verified
    List(Here),
    /// Restore a copy into a scratch database and compare all of it; exit code 1 on any fault
    Verify(Verify),
    /// Bring a copy back into a new database, without who was erased since
    Restore(Restore),
    /// Remove the copies that no statute keeps
    Prune(Prune),
    /// Keep a copy whatever the statutes say: a dispute, an audit
    Hold(Hold),
    /// Let a held copy go
    Release(Hold),
    /// The public key with which copies are checked elsewhere (`--key`)
    Key(Here),
}

/// Which installation.
#[derive(Debug, Args)]
pub(super) struct Here {
    /// The demonstration
    #[arg(long)]
    demo: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How a copy is opened.
#[derive(Debug, Args)]
struct Opening {
    /// The copy
    file: PathBuf,
    /// Private keys of age, as age-keygen writes them
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// Public key of the installation that made it (`andmekogu backup key`) [default: this installation's own]
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    #[command(flatten)]
    here: Here,
}

/// Verify a copy.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    opening: Opening,
    /// Folder for the scratch database [default: the copy's]
    #[arg(long, value_name = "FOLDER")]
    scratch: Option<PathBuf>,
}

/// Bring a copy back.
#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    opening: Opening,
    /// The new database: postgres://… or the path of a file
    #[arg(long, value_name = "URL")]
    into: String,
    /// The newest list of erasures [default: erasures.ndjson beside the copy]
    #[arg(long, value_name = "FILE")]
    erasures: Option<PathBuf>,
}

/// Thin out.
#[derive(Debug, Args)]
pub(super) struct Prune {
    /// Only say what would be removed, and why
    #[arg(long)]
    dry_run: bool,
    /// There was no copy for a while, and the clock is right all the same
    #[arg(long)]
    the_clock_is_right: bool,
    #[command(flatten)]
    here: Here,
}

/// Hold a copy or let it go.
#[derive(Debug, Args)]
pub(super) struct Hold {
    /// Name of the copy
    name: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    here: Here,
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::other(e.to_string())
    }
}

/// One copy of the list.
#[derive(Serialize)]
struct Line {
    name: String,
    made_at: String,
    bytes: u64,
    rows: u64,
    schema: String,
    engine: String,
    recipients: usize,
    verified_at: Option<String>,
    held: bool,
}

impl Backup {
    /// Does it.
    pub(super) async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let cx = ActContext::installation("cli");
        match self {
            Self::Create(here) => {
                let app = Installation::new(settings, here.demo).start().await?;
                let made = app.create_backup(cx).await?;
                told(here.format, &made.report, || {
                    format!("{}: {} bytes, made and verified\n{}", made.name, made.bytes, in_words(&made.report))
                })?;
            }
            Self::List(here) => {
                let place = place(settings, here.demo)?;
                return listed(&place, here.format);
            }
            Self::Key(here) => out::line(place(settings, here.demo)?.signer.vkey())?,
            Self::Verify(command) => return command.run(settings),
            Self::Restore(command) => return command.run(settings),
            Self::Prune(command) => {
                let app = Installation::new(settings, command.here.demo).start().await?;
                let thinning = app.prune_backups(cx, command.the_clock_is_right, command.dry_run).await?;
                told(command.here.format, &thinning, || {
                    let done = if command.dry_run { "would go" } else { "gone" };
                    let mut text = String::new();
                    for copy in &thinning.copies {
                        let word = if thinning.removed.contains(&copy.name) {
                            done
                        } else if copy.keeps {
                            "stays"
                        } else {
                            "stays for now"
                        };
                        text.push_str(&format!("{}: {word}: {}\n", copy.name, copy.reason));
                    }
                    if let Some(obstacle) = &thinning.obstacle {
                        text.push_str(&format!("Nothing is removed: {obstacle}\n"));
                    }
                    text
                })?;
            }
            Self::Hold(command) => {
                let app = Installation::new(settings, command.here.demo).start().await?;
                app.hold_backup(cx, &command.name, &command.reason, true).await?;
            }
            Self::Release(command) => {
                let app = Installation::new(settings, command.here.demo).start().await?;
                app.hold_backup(cx, &command.name, &command.reason, false).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn place(settings: &Settings, demo: bool) -> Result<Arc<Place>, Failure> {
    let installation = Installation::new(settings, demo);
    let secrets = secrets::open(&installation.data_dir, SystemClock.now(), settings.tokens.keep_keys)?;
    installation.backups(secrets.log_seed)
}

fn told(format: Format, what: &impl Serialize, words: impl FnOnce() -> String) -> Result<(), Failure> {
    match format {
        Format::Json => out::line(serde_json::to_string_pretty(what).map_err(|e| Failure::other(e.to_string()))?),
        Format::Text => out::line(words().trim_end()),
    }
}

fn listed(place: &Place, format: Format) -> Result<ExitCode, Failure> {
    let listing = list(&place.folder, place.signer.verifier())?;
    let lines: Vec<Line> = listing
        .copies
        .iter()
        .map(|c| Line {
            name: c.name.clone(),
            made_at: c.manifest.made_at.to_rfc3339(),
            bytes: c.bytes,
            rows: c.manifest.tables.values().sum(),
            schema: c.manifest.schema.clone(),
            engine: c.manifest.engine.clone(),
            recipients: c.manifest.recipients.len(),
            verified_at: c.verified_at.map(|at| at.to_rfc3339()),
            held: c.held,
        })
        .collect();
    let damaged: Vec<_> = listing.damaged.iter().map(|(name, what)| json!({ "name": name, "what": what })).collect();
    told(format, &json!({ "copies": lines, "damaged": damaged }), || {
        let mut text = String::new();
        for line in &lines {
            let verified = if line.verified_at.is_some() { "verified" } else { "NOT VERIFIED" };
            let held = if line.held { ", held" } else { "" };
            text.push_str(&format!("{}: {} rows, {} bytes, {verified}{held}\n", line.name, line.rows, line.bytes));
        }
        for (name, what) in &listing.damaged {
            text.push_str(&format!("{name}: NO COPY: {what}\n"));
        }
        if text.is_empty() { format!("no copies in {}", place.folder.display()) } else { text }
    })?;
    Ok(if listing.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Opening {
    /// The copy; and this installation's place, where its own key is the one that counts.
    fn open(&self, settings: &Settings) -> Result<(Copy, Option<Arc<Place>>), Failure> {
        let Some(key) = &self.key else {
            let place = place(settings, self.here.demo)?;
            let copy = Copy::open(&self.file, place.signer.verifier())?;
            return Ok((copy, Some(place)));
        };
        let verifier = NoteVerifier::parse(key)
            .ok()
            .filter(|v| v.name().ends_with(&key_name("")))
            .ok_or_else(|| Failure::other("--key: it is not what `andmekogu backup key` prints"))?;
        Ok((Copy::open(&self.file, &verifier)?, None))
    }

    fn folder(&self) -> PathBuf {
        self.file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
    }
}

impl Verify {
    fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let opening = &self.opening;
        let keys = identities(&opening.identity)?;
        let (mut copy, place) = opening.open(settings)?;
        let scratch = scratch(&self.scratch.unwrap_or_else(|| opening.folder()))?;
        let report = verify(&mut copy, &keys, scratch.path())?;
        // Elsewhere nobody can sign that it was verified; the answer is all there is.
        if let Some(place) = place.filter(|_| report.is_sound()) {
            note_verified(&opening.file, &copy.digest, SystemClock.now(), &place.signer)?;
        }
        ended(opening.here.format, &report)
    }
}

impl Restore {
    fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let opening = &self.opening;
        let keys = identities(&opening.identity)?;
        let (mut copy, _) = opening.open(settings)?;
        let url = DatabaseUrl::parse(&self.into);
        let list = self.erasures.unwrap_or_else(|| erasures::path(&opening.folder()));
        let stamps = Stamps::new(Arc::new(SystemClock));
        if let DatabaseUrl::Sqlite(path) = &url {
            secrets::make_private_file(Path::new(path))?;
        }
        let registers = Installation::new(settings, opening.here.demo).registers()?;
        let report = restore(&mut copy, &keys, &url, &list, &registers, &stamps)?;
        ended(opening.here.format, &report)
    }
}

fn ended(format: Format, report: &Report) -> Result<ExitCode, Failure> {
    told(format, report, || in_words(report))?;
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_words(report: &Report) -> String {
    let verdict = if report.is_sound() { "sound" } else { "NOT SOUND" };
    let mut text = format!(
        "{}: {verdict}\n  {} rows of {} tables restored and compared, {} records\n",
        report.name, report.rows, report.tables, report.records
    );
    for audit in &report.audits {
        text.push_str(&format!("  {}: {} entries in the log, root {}\n", audit.register, audit.size, audit.root));
    }
    for fault in &report.faults {
        text.push_str(&format!("  - {fault}\n"));
    }
    text
}
