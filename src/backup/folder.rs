//! The folder of the copies: which there are, which were verified, which somebody holds.
//!
//! Beside a copy may lie `<copy>.verified`, a signed note that it was restored once and found to be right, and
//! `<copy>.held`, whose words say why it must not be removed. `settled` holds the instant of the newest copy when copies were
//! last thinned out.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::copy::Copy;
use super::manifest::{Manifest, Verified, opened, signed};
use super::{Error, Place};
use crate::domain::audit::checkpoint::{NoteSigner, NoteVerifier};
use crate::domain::backup::{Calendar, Copy as Dated, Obstacle, Reason};

/// How the names of copies end.
pub const EXTENSION: &str = "andmekogu-backup";
const SETTLED: &str = "settled";

/// A copy in the folder.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where.
    pub path: PathBuf,
    /// Name of the file.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// What it says of itself.
    pub manifest: Manifest,
    /// When it was verified, if it was.
    pub verified_at: Option<DateTime<Utc>>,
    /// Whether somebody holds it.
    pub held: bool,
}

/// What is in the folder.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Copies, the oldest first.
    pub copies: Vec<Entry>,
    /// Files that are called like copies and are none, with what is wrong. They are never removed by the program.
    pub damaged: Vec<(String, String)>,
}

/// A copy and what becomes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Name.
    pub name: String,
    /// Whether it stays.
    pub keeps: bool,
    /// Why.
    #[serde(flatten)]
    pub reason: Reason,
}

/// What thinning out would do or has done.
#[derive(Debug, Clone, Serialize)]
pub struct Thinning {
    /// Of each copy.
    pub copies: Vec<Judged>,
    /// Why nothing is removed now.
    pub obstacle: Option<Obstacle>,
    /// What is removed.
    pub removed: Vec<String>,
}

/// Makes the folder, for the service's user alone.
pub(super) fn make(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::file(folder))
}

/// Returns when what was done in a folder is on the disk.
pub(super) fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(Error::file(folder))
}

/// Writes a file as a whole, or not at all.
fn put(path: &Path, text: &str) -> Result<(), Error> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let written = file.and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all()));
    written.and_then(|()| std::fs::rename(&part, path)).map_err(Error::file(path))?;
    path.parent().map_or(Ok(()), sync)
}

fn beside(copy: &Path, end: &str) -> PathBuf {
    let mut path = copy.as_os_str().to_owned();
    path.push(end);
    PathBuf::from(path)
}

/// The name of a copy made at `instant`.
pub fn name_of(instant: DateTime<Utc>) -> String {
    format!("{}.{EXTENSION}", instant.format("%Y-%m-%dT%H%M%SZ"))
}

/// What is in `folder`; nothing where there is no folder yet.
///
/// # Errors
/// A folder that cannot be read.
pub fn list(folder: &Path, verifier: &NoteVerifier) -> Result<Listing, Error> {
    let items = match std::fs::read_dir(folder) {
        Ok(items) => items,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Listing::default()),
        Err(e) => return Err(Error::file(folder)(e)),
    };
    let mut listing = Listing::default();
    for item in items {
        let path = item.map_err(Error::file(folder))?.path();
        if path.extension().is_none_or(|e| e != EXTENSION) {
            continue;
        }
        match entry(&path, verifier) {
            Ok(entry) => listing.copies.push(entry),
            Err(Error::Damaged { name, what }) => listing.damaged.push((name, what)),
            Err(e) => {
                listing.damaged.push((path.file_name().unwrap_or_default().to_string_lossy().into(), e.to_string()))
            }
        }
    }
    listing.copies.sort_by(|a, b| (a.manifest.made_at, &a.name).cmp(&(b.manifest.made_at, &b.name)));
    listing.damaged.sort();
    Ok(listing)
}

fn entry(path: &Path, verifier: &NoteVerifier) -> Result<Entry, Error> {
    let copy = Copy::open(path, verifier)?;
    let note = std::fs::read_to_string(beside(path, ".verified")).ok();
    let verified = note.and_then(|note| opened::<Verified>(verifier, &note).ok());
    let verified = verified.filter(|v| v.manifest_sha256 == copy.digest);
    Ok(Entry {
        path: path.to_owned(),
        name: copy.name,
        bytes: copy.bytes,
        verified_at: verified.map(|v| v.verified_at),
        held: beside(path, ".held").exists(),
        manifest: copy.manifest,
    })
}

/// Notes that a copy was verified.
///
/// # Errors
/// The disk's own.
pub fn note_verified(path: &Path, digest: &str, at: DateTime<Utc>, signer: &NoteSigner) -> Result<(), Error> {
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let verified = Verified { manifest_sha256: digest.to_owned(), verified_at: at, program };
    let note = signed(signer, &verified).map_err(Error::Refused)?;
    put(&beside(path, ".verified"), &note)
}

/// Holds a copy, in these words, or lets it go again.
///
/// # Errors
/// No such copy; the disk's own.
pub fn hold(place: &Place, name: &str, why: Option<&str>) -> Result<(), Error> {
    let listing = list(&place.folder, place.signer.verifier())?;
    let copy = listing.copies.iter().find(|c| c.name == name);
    let copy =
        copy.ok_or_else(|| Error::Refused(format!("there is no copy {name}; `andmekogu backup list` names them")))?;
    let mark = beside(&copy.path, ".held");
    match why {
        Some(why) => put(&mark, &format!("{why}\n")),
        None => match std::fs::remove_file(&mark) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::file(&mark)(e)),
            Ok(()) | Err(_) => Ok(()),
        },
    }
}

impl Place {
    /// What is in the folder.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list(&self) -> Result<Listing, Error> {
        list(&self.folder, self.signer.verifier())
    }

    /// What is to become of the copies now; nothing is done.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn thin_out(
        &self,
        calendar: &Calendar,
        now: DateTime<Utc>,
        zone: chrono_tz::Tz,
        clock_is_right: bool,
    ) -> Result<Thinning, Error> {
        let copies = self.list()?.copies;
        let dated: Vec<Dated> = copies
            .iter()
            .map(|c| Dated { at: c.manifest.made_at, verified: c.verified_at.is_some(), held: c.held })
            .collect();
        let verdict = calendar.judge(&dated, now, zone, self.settled(), clock_is_right);
        let removed = verdict.removed().into_iter().filter_map(|place| copies.get(place)).map(|c| c.name.clone());
        let removed = removed.collect();
        let judged = copies.iter().zip(&verdict.reasons);
        let judged = judged.map(|(c, r)| Judged { name: c.name.clone(), keeps: r.keeps(), reason: *r });
        Ok(Thinning { copies: judged.collect(), obstacle: verdict.obstacle, removed })
    }

    /// Removes a copy, and what lies beside it.
    ///
    /// # Errors
    /// The disk's own.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        std::fs::remove_file(&path).map_err(Error::file(&path))?;
        match std::fs::remove_file(beside(&path, ".verified")) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(Error::file(&path)(e)),
            Ok(()) | Err(_) => {}
        }
        sync(&self.folder)
    }

    /// Notes that copies were thinned out without an obstacle while `newest` was the newest of them.
    ///
    /// # Errors
    /// The disk's own.
    pub fn settle(&self, newest: DateTime<Utc>) -> Result<(), Error> {
        put(&self.folder.join(SETTLED), &(newest.to_rfc3339_opts(SecondsFormat::Micros, true) + "\n"))
    }

    fn settled(&self) -> Option<DateTime<Utc>> {
        std::fs::read_to_string(self.folder.join(SETTLED)).ok()?.trim().parse().ok()
    }
}
