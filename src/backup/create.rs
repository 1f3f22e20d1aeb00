//! Making a copy, and verifying it at once.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;

use age::x25519;
use chrono::{DateTime, Utc};

use super::copy::{Copy, Writer, recipients, seal};
use super::manifest::{Erasures, FORMAT, Log, Manifest, signed};
use super::restore::{Report, scratch, verify};
use super::{Error, Place, erasures, folder};
use crate::store::DatabaseUrl;
use crate::store::backup::Snapshot;

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// Name of the copy.
    pub name: String,
    /// SHA-256 of its signed manifest.
    pub digest: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// What verifying it found.
    pub report: Report,
}

/// Makes a copy of the database at `url` as of now, verifies it, and notes that it is verified.
///
/// It can be opened by the recipients of `place`, and until this returns by a key that is made here, never leaves this
/// process's memory, and is forgotten: with it the copy is restored into a scratch database and audited. A copy that is not
/// right stays in the folder without being called verified.
///
/// # Errors
/// Too few recipients; a database or disk that cannot be read or written; [`Error::Damaged`] when the copy is not right.
pub fn create(place: &Place, url: &DatabaseUrl, now: DateTime<Utc>) -> Result<Made, Error> {
    let distinct: BTreeSet<&String> = place.recipients.iter().collect();
    if distinct.len() < place.least {
        return Err(Error::Refused(format!(
            "a copy is encrypted to {} recipients at least, and {} are set: add public keys (age1…) to backup.recipients, \
             such as an operator's and one that lies in a safe",
            place.least,
            distinct.len()
        )));
    }
    let mut keys = recipients(&place.recipients)?;
    let passing = x25519::Identity::generate();
    keys.push(passing.to_public());

    folder::make(&place.folder)?;
    // So that a restore can tell an empty list from one that was lost.
    erasures::append(&place.folder, &[])?;
    let erased = erasures::read(&erasures::path(&place.folder))?;
    let name = folder::name_of(now);
    let path = place.folder.join(&name);
    if path.exists() {
        return Err(Error::Refused(format!("{name} is there already: two copies in one second")));
    }
    let part = place.folder.join(format!("{name}.part"));
    let written = (|| {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
        let mut writer = file.and_then(|file| Writer::new(file, &keys)).map_err(Error::file(&part))?;
        let mut snapshot = Snapshot::open(url)?;
        let (schema, heads) = (snapshot.schema()?, snapshot.heads()?);
        snapshot.read(writer.rows())?;
        drop(snapshot);
        let payload = writer.end()?;
        let registers = heads.into_iter().map(|head| {
            let vkey = (place.log_key)(&head.register).map(|key| key.vkey()).unwrap_or_default();
            Log { register: head.register, size: head.size, root: head.root, vkey }
        });
        let manifest = Manifest {
            format: FORMAT,
            name: name.clone(),
            made_at: now,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            engine: if url.is_sqlite() { "sqlite" } else { "postgresql" }.to_owned(),
            schema,
            tables: payload.rows.into_iter().collect(),
            registers: registers.collect(),
            payload: payload.payload,
            content: payload.content,
            recipients: place.recipients.clone(),
            erasures: Erasures { lines: erased.lines(), sha256: erased.digest().to_owned() },
        };
        let note = signed(&place.signer, &manifest).map_err(Error::Refused)?;
        seal(payload.file, &note).map_err(Error::file(&part))?;
        std::fs::rename(&part, &path).map_err(Error::file(&path))?;
        folder::sync(&place.folder)
    })();
    if let Err(e) = written {
        // What is half written is no copy. Where even this fails, the next listing passes it over.
        let _ = std::fs::remove_file(&part);
        return Err(e);
    }

    let mut copy = Copy::open(&path, place.signer.verifier())?;
    if copy.stanzas()? != keys.len() {
        return Err(Error::damaged(&name, "it is not encrypted to the recipients that were set"));
    }
    let scratch = scratch(&place.folder)?;
    let report = verify(&mut copy, &[passing], scratch.path())?;
    if let Some(fault) = report.faults.first() {
        return Err(Error::damaged(&name, format!("it was made, but is not right: {fault}")));
    }
    folder::note_verified(&path, &copy.digest, now, &place.signer)?;
    Ok(Made { name, digest: copy.digest, bytes: copy.bytes, report })
}
