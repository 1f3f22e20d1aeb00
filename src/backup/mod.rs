//! Copies of the whole database: made, verified, thinned out, and brought back.
//!
//! A copy is one file, `<UTC time>.andmekogu-backup`: every row of every table in a form that knows neither engine
//! ([`crate::store::backup`]), compressed with zstd, encrypted with age to several recipients, and a manifest signed with the
//! key of the log. The private keys of the recipients are not on the server. See `docs/operations.md` for how it is
//! worked with, and [`format`](copy) for the bytes.
//!
//! **Verified** means that the copy was restored once: decrypted, brought into a scratch database, read back row by row
//! to the same digest, and its log audited in full against the manifest. A new copy is verified at once, on the server,
//! with a key that is one of its recipients and lives in the memory of the process that made it for as long as that takes:
//! nothing that stays on the server opens it again. An operator verifies it later with their own key.

pub mod copy;
pub mod create;
pub mod erasures;
pub mod folder;
pub mod manifest;
pub mod restore;

use std::path::{Path, PathBuf};

use crate::domain::audit::checkpoint::{NoteSigner, NoteVerifier};
use crate::store;

/// Why a copy could not be made, verified, or brought back. No message tells of anybody's data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A copy that is not whole, not ours, or not what its manifest says.
    #[error("{name}: {what}")]
    Damaged {
        /// The copy.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// What is not done, and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_owned(), source }
    }

    fn damaged(name: &str, what: impl Into<String>) -> Self {
        Self::Damaged { name: name.to_owned(), what: what.into() }
    }
}

/// Gives the public key of a register's log.
pub type LogKey = Box<dyn Fn(&str) -> Option<NoteVerifier> + Send + Sync>;

/// Where and for whom copies are made.
pub struct Place {
    /// The folder of the copies.
    pub folder: PathBuf,
    /// Who can open them: public keys of age, `age1…`.
    pub recipients: Vec<String>,
    /// How many recipients there must be at least.
    pub least: usize,
    /// Hour of the day from which on the daily copy is made, in the time zone of the jobs.
    pub hour: u32,
    /// Signs manifests, and what is verified.
    pub signer: NoteSigner,
    /// Gives the public key of a register's log.
    pub log_key: LogKey,
}

/// The name under which manifests are signed: no register can be called so.
pub fn key_name(domain: &str) -> String {
    format!("{domain}/installation/backup")
}
