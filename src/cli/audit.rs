//! `andmekogu audit verify` and `andmekogu audit export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::Format;
use super::failure::Failure;
use super::start::Installation;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Settings, secrets};
use crate::domain::audit::checkpoint::{NoteSigner, NoteVerifier};
use crate::store::verify::{Progress, Report, checkpoint_now, export, verify};
use crate::store::{DatabaseUrl, Error};

/// The log of acts.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Recompute everything that the log claims; exit code 1 on any fault
    Verify(Verify),
    /// Write the log out, an entry a line
    Export(Export),
}

/// Recompute everything that the log claims.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Only this register [default: all]
    #[arg(long)]
    register: Option<String>,
    /// The demonstration's log
    #[arg(long)]
    demo: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Write the log out.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Which register's
    register: String,
    /// The demonstration's log
    #[arg(long)]
    demo: bool,
    /// First place in the tree
    #[arg(long, default_value_t = 0, value_name = "SEQ")]
    from: u64,
    /// Place after the last one [default: the end]
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Where the lines go [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where a signed checkpoint goes that covers every line
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

impl Audit {
    /// Verifies or exports.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let demo = match &self {
            Self::Verify(verify) => verify.demo,
            Self::Export(export) => export.demo,
        };
        let place = Installation::new(settings, demo);
        let secrets = secrets::open(&place.data_dir, SystemClock.now(), settings.tokens.keep_keys)?;
        let keys = place.log_keys(secrets.log_seed);
        let out = &mut io::stdout();
        let failed = |e: CommandError| Failure::other(e.to_string());
        match self {
            Self::Verify(Verify { register, format, .. }) => {
                let registers = register.map(|r| vec![r]);
                let verifiers = |register: &str| keys.verifier(register);
                let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
                let json = format == Format::Json;
                verify_command(&place.url, registers.as_deref(), &verifiers, threads, json, out).map_err(failed)
            }
            Self::Export(Export { register, from, to, out: file, checkpoint, .. }) => {
                // Of a register that has come to its end nothing is signed any more, and what is there is exported.
                let signer = checkpoint.is_some().then(|| keys.signer(&register)).transpose()?;
                let asked = Asked {
                    register: &register,
                    from,
                    to,
                    file: file.as_deref(),
                    checkpoint: checkpoint.as_deref().zip(signer.as_ref()),
                };
                export_command(&place.url, &asked, out).map_err(failed)
            }
        }
    }
}

/// Why the command could not be carried out. A fault of the log is no such reason.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] Error),
    /// The result could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Audits the logs of `registers` (`None`: of all) and prints a report to `out`, in words or as a JSON list. The exit code
/// is 1 if anything is wrong with any of them.
///
/// # Errors
/// [`CommandError`]: the audit could not be made.
fn verify_command(
    url: &DatabaseUrl,
    registers: Option<&[String]>,
    verifiers: &dyn Fn(&str) -> Option<NoteVerifier>,
    threads: usize,
    json: bool,
    out: &mut dyn Write,
) -> Result<ExitCode, CommandError> {
    let bar = bar();
    let reports = verify(url, registers, verifiers, threads, &|p| show(&bar, p));
    bar.finish_and_clear();
    let reports = reports?;
    let text = if json {
        let text = serde_json::to_string_pretty(&reports).map_err(|e| Error::Damaged(e.to_string()))?;
        text + "\n"
    } else {
        reports.iter().map(in_words).collect()
    };
    written(Path::new("the report"), out.write_all(text.as_bytes()))?;
    Ok(if reports.iter().all(Report::is_sound) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `audit export` is asked for.
struct Asked<'a> {
    /// Register.
    register: &'a str,
    /// First place.
    from: u64,
    /// Place after the last one; `None`: to the end.
    to: Option<u64>,
    /// Where the lines go; `None`: to `out`.
    file: Option<&'a Path>,
    /// Where a checkpoint goes that covers all of them, and the key that signs it.
    checkpoint: Option<(&'a Path, &'a NoteSigner)>,
}

/// Writes the log down, as docs/log.md describes. A file that is there afterwards is whole.
///
/// # Errors
/// [`CommandError`]: the log cannot be read or the file not be written.
fn export_command(url: &DatabaseUrl, asked: &Asked<'_>, out: &mut dyn Write) -> Result<ExitCode, CommandError> {
    let mut to = asked.to;
    if let Some((path, signer)) = asked.checkpoint {
        // The checkpoint comes first, and what was logged since is left out: it covers every line.
        let (note, size) = checkpoint_now(url, asked.register, signer)?;
        written(path, std::fs::write(path, note))?;
        to = Some(to.map_or(size, |to| to.min(size)));
    }
    let bar = bar();
    let show = |p: Progress<'_>| show(&bar, p);
    let Some(path) = asked.file else {
        export(url, asked.register, asked.from, to, &mut BufWriter::new(out), &show)?;
        bar.finish_and_clear();
        return Ok(ExitCode::SUCCESS);
    };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = BufWriter::new(written(&part, File::create(&part))?);
    let lines = export(url, asked.register, asked.from, to, &mut file, &show)?;
    let file = written(&part, file.into_inner().map_err(io::IntoInnerError::into_error))?;
    written(&part, file.sync_all())?;
    written(path, std::fs::rename(&part, path))?;
    bar.finish_and_clear();
    let told = writeln!(out, "{}: {lines} entries of {}", path.display(), asked.register);
    written(Path::new("the report"), told)?;
    Ok(ExitCode::SUCCESS)
}

fn written<T>(path: &Path, result: io::Result<T>) -> Result<T, CommandError> {
    result.map_err(|source| CommandError::Write { path: path.to_owned(), source })
}

/// A bar on standard error; nothing unless that is a terminal.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:40} {human_pos}/{human_len} {per_sec} {eta}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, progress: Progress<'_>) {
    if bar.prefix() != progress.register {
        bar.set_prefix(progress.register.to_owned());
        bar.reset();
    }
    bar.set_length(progress.of);
    bar.set_position(progress.done);
}

/// A report in words.
fn in_words(report: &Report) -> String {
    let verdict = match report.fault_count {
        0 => "sound".to_owned(),
        1 => "NOT SOUND, 1 fault".to_owned(),
        n => format!("NOT SOUND, {n} faults"),
    };
    let mut text = format!(
        "{}: {verdict}\n  {} entries in the log, root {}\n  {} events: {} opened, {} erased; {} checkpoints\n  \
         {} ties to records, {} entries of records, {} changes of grants\n",
        report.register,
        report.size,
        report.root,
        report.events,
        report.payloads_opened,
        report.erased,
        report.checkpoints,
        report.subjects,
        report.entries,
        report.grants,
    );
    if let Some(since) = &report.waiting_since {
        text.push_str(&format!("  {} events wait for their place, since {since}\n", report.waiting));
    }
    for fault in &report.faults {
        text.push_str(&format!("  - {fault}\n"));
    }
    let unnamed = report.fault_count.saturating_sub(report.faults.len() as u64);
    if unnamed > 0 {
        text.push_str(&format!("  - and {unnamed} more\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_its_faults() {
        let mut report = Report {
            register: "r".into(),
            size: 3,
            root: "x=".into(),
            events: 4,
            payloads_opened: 2,
            erased: 2,
            subjects: 1,
            entries: 1,
            grants: 0,
            checkpoints: 5,
            waiting: 1,
            waiting_since: Some("2026-11-21T10:00:00.000000Z".into()),
            faults: vec!["leaf 0 is missing".into()],
            fault_count: 7,
        };
        let text = in_words(&report);
        assert!(text.starts_with("r: NOT SOUND, 7 faults\n  3 entries in the log, root x=\n"), "{text}");
        assert!(text.ends_with("since 2026-11-21T10:00:00.000000Z\n  - leaf 0 is missing\n  - and 6 more\n"), "{text}");
        (report.faults, report.fault_count) = (Vec::new(), 0);
        assert!(in_words(&report).starts_with("r: sound\n"));
    }

    #[test]
    fn a_log_that_is_not_there_is_an_error_or_a_fault() {
        let dir = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let url = DatabaseUrl::parse(&dir.path().join("log.db").display().to_string());
        let mut out = Vec::new();
        assert!(verify_command(&url, None, &|_| None, 1, false, &mut out).is_err());
        crate::store::migrate::migrate(&url).unwrap_or_else(|e| panic!("{e}"));
        let code = verify_command(&url, None, &|_| None, 1, true, &mut out).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((code, out.as_slice()), (ExitCode::SUCCESS, b"[]\n".as_slice()));
        out.clear();
        let code = verify_command(&url, Some(&["r".into()]), &|_| None, 1, false, &mut out);
        assert_eq!(code.unwrap_or_else(|e| panic!("{e}")), ExitCode::FAILURE);
        let path = dir.path().join("log.ndjson");
        let asked = Asked { register: "r", from: 0, to: None, file: Some(&path), checkpoint: None };
        out.clear();
        assert!(export_command(&url, &asked, &mut out).is_ok());
        assert!(out.ends_with(b"log.ndjson: 0 entries of r\n"));
        assert_eq!(std::fs::read(&path).ok(), Some(Vec::new()));
    }
}
