//! What acts can answer with. The web maps each to a problem in one exhaustive match.

use crate::domain::refusal::Refusal;
use crate::store;

/// An act that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store, or what the act refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What was sent cannot be read at all.
    #[error("{0}")]
    Malformed(String),
    /// What was sent is too large.
    #[error("at most {limit} bytes are taken")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// What was sent is of a type that is not taken.
    #[error("{0}")]
    WrongType(String),
    /// A copy of the database could not be made, verified or removed.
    #[error("backup: {0}")]
    Backup(#[from] crate::backup::Error),
    /// The installation is set up wrongly.
    #[error("set-up: {0}")]
    Setup(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Store(refusal.into())
    }
}
