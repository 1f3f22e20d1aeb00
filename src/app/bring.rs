//! Bringing the package of a closed register into a database: to read it again, or to look whether it is all there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::archive::storage::unpack;
use crate::archive::{self, ArchiveError, Opened, ReadFile, ReadRecord};
use crate::clock::{Clock, Stamps};
use crate::domain::audit::checkpoint::{Checkpoint, NoteVerifier};
use crate::domain::statute::Definition;
use crate::store::bring::{
    Bringing, Brought, BroughtCheckpoint, BroughtDocument, BroughtEntry, BroughtFile, BroughtLine, BroughtRecord,
    bring, entry_of, instant_of,
};
use crate::store::{DatabaseUrl, Error};

/// A package, open and believed.
pub struct Incoming {
    opened: Opened,
    checkpoint: Checkpoint,
}

impl Incoming {
    /// Opens a package, checks all of it, and believes its checkpoint on the word of `vkey`, else of the key that came
    /// with it. A file in TAR is unpacked into `work` first.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(package: &Path, vkey: Option<&str>, work: &Path) -> Result<Self, ArchiveError> {
        let folder: PathBuf = if package.is_dir() { package.to_owned() } else { unpack(package, work)? };
        let opened = archive::open(&folder)?;
        if vkey.is_some_and(|key| key.trim() != opened.vkey) {
            return Err(ArchiveError::Invalid("its log is signed by another key than the one given".into()));
        }
        let checkpoint = NoteVerifier::parse(&opened.vkey)
            .and_then(|key| key.verify(&opened.checkpoint))
            .map_err(|why| ArchiveError::Invalid(format!("its checkpoint is not to be believed: {why}")))?;
        Ok(Self { opened, checkpoint })
    }

    /// The register's short name.
    pub fn register(&self) -> &str {
        self.opened.register()
    }

    /// The key by which its log is verified.
    pub fn vkey(&self) -> &str {
        &self.opened.vkey
    }

    /// The checkpoint to which its log leads.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Brings all of it into the database at `url`, or nothing.
    ///
    /// # Errors
    /// A database that knows the register; what does not fit together.
    pub fn bring(&self, url: &DatabaseUrl, clock: Arc<dyn Clock>) -> Result<Brought, Error> {
        bring(url, self, &Stamps::new(clock))
    }

    fn file(&self, file: &ReadFile) -> Result<BroughtFile, Error> {
        let bytes = self.opened.file(file).map_err(unread)?;
        Ok(BroughtFile { sha256: file.sha256.clone(), media_type: file.media_type.clone(), bytes })
    }

    fn record(&self, read: ReadRecord) -> Result<BroughtRecord, Error> {
        let entries = read.entries.into_iter().map(|e| {
            Ok(BroughtEntry {
                entry: entry_of(e.id, e.number, &e.kind, e.effective_on, &e.recorded_at, e.data, e.supersedes)?,
                reason: e.reason,
                actor: e.actor,
                definition: e.definition_digest,
                documents: e.base_documents,
            })
        });
        let documents = read.documents.into_iter().map(|d| {
            let mut body = json!({ "kind": d.kind });
            let said = [("number", d.number), ("date", d.date.map(|d| d.to_string()))];
            let title = Some(d.title).filter(|title| !title.is_empty());
            for (name, value) in said.into_iter().chain([("title", title)]) {
                if let Some((members, value)) = body.as_object_mut().zip(value) {
                    members.insert(name.into(), json!(value));
                }
            }
            Ok(BroughtDocument {
                id: d.id,
                body,
                kind: d.kind,
                file_name: d.file.as_ref().map(|f| f.file_name.clone()),
                file: d.file.as_ref().map(|f| self.file(f)).transpose()?,
            })
        });
        Ok(BroughtRecord {
            id: read.record_id,
            record_type: read.record_type,
            institution_id: read.institution_id.unwrap_or(read.record_id),
            entries: entries.collect::<Result<_, Error>>()?,
            documents: documents.collect::<Result<_, Error>>()?,
            files: read.files.iter().map(|f| self.file(f)).collect::<Result<_, Error>>()?,
            places: read.proofs,
        })
    }
}

fn unread(e: ArchiveError) -> Error {
    Error::Damaged(e.to_string())
}

/// An error of one of both rooms on its way through the other.
struct Either(Error);

impl From<ArchiveError> for Either {
    fn from(e: ArchiveError) -> Self {
        Self(unread(e))
    }
}

impl Bringing for Incoming {
    fn register(&self) -> &str {
        self.opened.register()
    }

    fn definitions(&self) -> &[Definition] {
        &self.opened.definitions
    }

    fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    fn log(&self, each: &mut dyn FnMut(BroughtLine) -> Result<(), Error>) -> Result<(), Error> {
        let read = self
            .opened
            .log(|line| each(BroughtLine { leaf: line.leaf, salt: line.salt, event: line.event }).map_err(Either));
        read.map_err(|e| e.0)
    }

    fn checkpoints(&self, each: &mut dyn FnMut(BroughtCheckpoint) -> Result<(), Error>) -> Result<(), Error> {
        let read = self
            .opened
            .checkpoints(|c| instant_of(&c.made_at).and_then(|at| each((c.size, c.note, at))).map_err(Either));
        read.map_err(|e| e.0)
    }

    fn records(&self, each: &mut dyn FnMut(BroughtRecord) -> Result<(), Error>) -> Result<(), Error> {
        let read = self.opened.records(|r| self.record(r).and_then(&mut *each).map_err(Either));
        read.map_err(|e| e.0)
    }
}
