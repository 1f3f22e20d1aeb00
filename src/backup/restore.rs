//! From a copy back to a database: into a scratch one to verify it, or into an empty one to work with.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use age::x25519;
use chrono::TimeDelta;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::copy::{Compared, Copy};
use super::erasures::{self, Erasure};
use super::manifest::Manifest;
use super::{Error, folder};
use crate::clock::Stamps;
use crate::domain::audit::checkpoint::NoteVerifier;
use crate::domain::calendar::micros;
use crate::domain::registers::Registers;
use crate::store::backup::{Head, Restoring, Resuming};
use crate::store::{self, DatabaseUrl};

/// How the names of scratch folders begin.
const SCRATCH: &str = ".scratch-";
/// After what time a scratch folder is one that was left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);
/// Erasures of so long before a copy are replayed too: an erasure is listed and committed at two moments.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// What verifying a copy found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The copy.
    pub name: String,
    /// When it was made.
    pub made_at: String,
    /// Tables.
    pub tables: usize,
    /// Rows, all of which were restored, read back and compared.
    pub rows: u64,
    /// Records among them.
    pub records: u64,
    /// What the audit of each register's log found.
    pub audits: Vec<store::verify::Report>,
    /// What is wrong.
    pub faults: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// A folder that is removed when it is no longer used.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Where.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            log::error!("{}: the scratch database could not be removed: {e}", self.0.display());
        }
    }
}

/// A folder for a scratch database, for this user alone. What a process that was killed left behind is removed.
///
/// # Errors
/// The disk's own.
pub fn scratch(within: &Path) -> Result<Scratch, Error> {
    folder::make(within)?;
    for item in std::fs::read_dir(within).map_err(Error::file(within))?.flatten() {
        let ours = item.file_name().to_string_lossy().starts_with(SCRATCH);
        let age = item.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if ours && age.is_some_and(|age| age > LEFT_BEHIND) {
            std::fs::remove_dir_all(item.path()).map_err(Error::file(within))?;
        }
    }
    let path = within.join(format!("{SCRATCH}{}", Uuid::now_v7()));
    DirBuilder::new().mode(0o700).create(&path).map_err(Error::file(&path))?;
    Ok(Scratch(path))
}

fn heads(manifest: &Manifest) -> Vec<Head> {
    let heads = manifest.registers.iter();
    heads.map(|l| Head { register: l.register.clone(), size: l.size, root: l.root.clone() }).collect()
}

/// The full audit of a restored database, against the manifest.
fn audit(
    url: &DatabaseUrl,
    manifest: &Manifest,
    grown: bool,
) -> Result<(Vec<store::verify::Report>, Vec<String>), Error> {
    let key = |register: &str| {
        let log = manifest.registers.iter().find(|log| log.register == register)?;
        NoteVerifier::parse(&log.vkey).ok()
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let reports = store::verify::verify(url, None, &key, threads, &|_| {})?;
    let mut faults: Vec<String> =
        reports.iter().flat_map(|r| r.faults.iter().map(move |fault| format!("{}: {fault}", r.register))).collect();
    let waiting = manifest.tables.get("audit_queue").is_some_and(|rows| *rows > 0);
    for log in &manifest.registers {
        let found = reports.iter().find(|r| r.register == log.register);
        let right = match found {
            // What waited for its place when the copy was made may have got it since.
            Some(found) if grown || waiting => found.size >= log.size,
            Some(found) => found.size == log.size && found.root == log.root,
            None => log.size == 0,
        };
        if !right {
            faults.push(format!("{}: the log is not the one of the manifest ({} leaves)", log.register, log.size));
        }
    }
    Ok((reports, faults))
}

fn report(manifest: &Manifest, audits: Vec<store::verify::Report>, faults: Vec<String>) -> Report {
    Report {
        name: manifest.name.clone(),
        made_at: manifest.made_at.to_rfc3339(),
        tables: manifest.tables.len(),
        rows: manifest.tables.values().sum(),
        records: manifest.tables.get("record").copied().unwrap_or_default(),
        audits,
        faults,
    }
}

/// Verifies a copy: every byte against the signed manifest, then all of it restored into a scratch SQLite database in the
/// folder `scratch`, read back and compared row for row, and its log audited against the manifest.
///
/// # Errors
/// [`Error::Damaged`] for a copy that cannot even be restored; [`Error::Refused`] where none of the keys opens it. What the
/// audit finds is no error: it stands in the report.
pub fn verify(copy: &mut Copy, identities: &[x25519::Identity], scratch: &Path) -> Result<Report, Error> {
    copy.check()?;
    let manifest = copy.manifest.clone();
    let url = DatabaseUrl::Sqlite(scratch.join("scratch.sqlite").display().to_string());
    let heads = heads(&manifest);
    let what = Restoring { schema: &manifest.schema, heads: &heads, again: None };
    let mut rows = copy.rows(identities)?;
    store::backup::restore(&url, &what, &mut rows, &mut Compared::new(&manifest)).map_err(|e| named(&manifest, e))?;
    let (audits, faults) = audit(&url, &manifest, false)?;
    Ok(report(&manifest, audits, faults))
}

/// What is damaged is the copy's, and is told so.
fn named(manifest: &Manifest, error: store::Error) -> Error {
    match error {
        store::Error::Damaged(what) => Error::damaged(&manifest.name, what),
        other => other.into(),
    }
}

/// The erasures of the list at `path` that the copy does not know of.
///
/// # Errors
/// No list, a damaged one, or one that is not the continuation of the copy's.
pub fn since(manifest: &Manifest, path: &Path) -> Result<Vec<Erasure>, Error> {
    if !path.exists() {
        return Err(Error::Refused(format!(
            "{}: there is no list of erasures. Without it a restore would bring back who was erased since: name the newest \
             list with --erasures",
            path.display()
        )));
    }
    let list = erasures::read(path)?;
    let lines = usize::try_from(manifest.erasures.lines).unwrap_or(usize::MAX);
    if list.digests.get(lines) != Some(&manifest.erasures.sha256) {
        return Err(Error::Refused(format!(
            "{}: it is not the list of erasures that the copy was made beside, or older than the copy: name the newest list \
             with --erasures",
            path.display()
        )));
    }
    let from = micros(manifest.made_at - OVERLAP);
    let new = list.erasures.into_iter().enumerate();
    Ok(new.filter(|(n, e)| *n >= lines || e.erased_at >= from).map(|(_, e)| e).collect())
}

/// Brings a copy back into the empty database at `url`, without who was erased since, and verifies it.
///
/// Nothing is written before every byte of the copy was found to be right. What then fails leaves the database empty.
///
/// # Errors
/// A database that is not empty; a copy of a newer schema; a wrong key; a damaged copy or list of erasures; an erasure in a
/// register that is not among `registers`.
pub fn restore(
    copy: &mut Copy,
    identities: &[x25519::Identity],
    url: &DatabaseUrl,
    list: &Path,
    registers: &Registers,
    stamps: &Stamps,
) -> Result<Report, Error> {
    if !store::backup::is_empty(url)? {
        return Err(Error::Refused(
            "the database is not empty, and a restore overwrites nothing: make a new one, restore into it, and let the \
             settings point to it"
                .to_owned(),
        ));
    }
    let manifest = copy.manifest.clone();
    let erasures = since(&manifest, list)?;
    copy.check()?;
    let detail = json!({
        "copy": manifest.name,
        "made_at": crate::domain::calendar::rfc3339(manifest.made_at),
        "manifest_sha256": copy.digest,
        "erasures_replayed": erasures.len(),
    });
    let heads = heads(&manifest);
    let again = Some(Resuming { detail, stamps, erasures: &erasures, registers });
    let what = Restoring { schema: &manifest.schema, heads: &heads, again };
    let mut rows = copy.rows(identities)?;
    let restored = store::backup::restore(url, &what, &mut rows, &mut Compared::new(&manifest));
    let audited = restored.map_err(|e| named(&manifest, e)).and_then(|()| audit(url, &manifest, true));
    match audited {
        Ok((audits, faults)) if faults.is_empty() => Ok(report(&manifest, audits, faults)),
        failed => {
            // It was empty before, and is so again. Why it failed is worth more than why this did.
            if let Err(e) = store::backup::undo(url) {
                log::error!("what was restored could not be taken out again; do not use that database: {e}");
            }
            failed.map(|(audits, faults)| report(&manifest, audits, faults))
        }
    }
}
