//! What leaves the register for good: packages for an archive, and the acts of transfer and of destruction.
//!
//! * [`write()`]: an E-ARK SIP 2.1.0 inside a BagIt bag (RFC 8493), from what a [`Source`] hands over page by page;
//! * [`check()`]: everything in such a folder is there, listed, and as it was written;
//! * [`open()`]: a package of a closed register, read back;
//! * [`act`]: the act of transfer or destruction as data, with its canonical text, and as PDF/A;
//! * [`storage`]: packages as single files in a folder or an object store.
//!
//! Nothing here decides what goes, erases anything, or knows SQL or HTTP. Nothing reads a clock: the same content gives
//! the same bytes. No error holds a value of a record.

pub mod act;
mod bag;
mod check;
mod describe;
mod package;
mod read;
pub mod storage;
mod write;
mod xml;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use check::check;
pub use package::{
    Basis, DefinitionInForce, PackageHead, PackagedDocument, PackagedEntry, PackagedFile, PackagedProof,
    PackagedRecord, Recipient, Source, SourceError,
};
pub use read::{CheckpointLine, LogLine, Opened, ReadDocument, ReadEntry, ReadFile, ReadRecord, open};
pub use write::{name_of, write};

/// A package that is whole: as it was [written](write()), or as it was found by a [check](check()).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The folder's name: that of the package everywhere.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// SHA-256 of the bag's `manifest-sha256.txt` in lower-case hexadecimal. It binds every byte of the payload.
    pub manifest_sha256: String,
    /// Files of the payload.
    pub files: u64,
    /// Bytes of the payload.
    pub bytes: u64,
    /// What is inside, by record type.
    pub counts: BTreeMap<String, Counts>,
    /// Different stored files: base documents and files that fields name.
    pub documents: u64,
    /// Proofs of entries in the log.
    pub proofs: u64,
}

/// How much of a record type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Records.
    pub records: u64,
    /// Their entries.
    pub entries: u64,
}

/// Why a package was not written, or is not believed. Paths are those of our own layout: they hold no personal data.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The disk is full. What had been written of the package is removed.
    #[error("the disk is full at {path}: make room there and write the package again; nothing half-written is left")]
    Full {
        /// Where.
        path: PathBuf,
    },
    /// A file can't be written or read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A package of this name stands there. It is whole if [`check()`] says so; writing never replaces it.
    #[error("{path} is there already: check it, and keep it or take it away")]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The source can't hand over what goes into the package.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What was handed over contradicts itself: a proof that proves nothing, an altered file, a record twice. Nothing of
    /// it may be erased before somebody has looked.
    #[error("the content is not sound: {0}")]
    Unsound(String),
    /// The folder is not the package that was written.
    #[error("the package is not whole: {0}")]
    Invalid(String),
}

impl ArchiveError {
    /// An I/O error at a path; a full disk is told apart.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }
}
