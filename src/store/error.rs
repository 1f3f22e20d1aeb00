//! What can go wrong in the store. Causes are for the server's log; clients never see them.

use crate::domain::refusal::Refusal;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The act was refused; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database refused or failed a statement.
    #[error("database: {0}")]
    Database(#[source] diesel::result::Error),
    /// No connection, a full queue, a stopping server: try again.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The log could not be written, so nothing was done and nothing is shown.
    #[error("the log could not be written: {0}")]
    LogFailed(String),
    /// An act of a batch failed after it had begun to write; the batch runs again. Never leaves the store.
    #[error("an act failed half-way")]
    HalfDone,
    /// What is stored is not what the program wrote.
    #[error("stored data are damaged: {0}")]
    Damaged(String),
}

impl From<diesel::result::Error> for Error {
    fn from(e: diesel::result::Error) -> Self {
        Self::Database(e)
    }
}

impl From<diesel::r2d2::PoolError> for Error {
    fn from(e: diesel::r2d2::PoolError) -> Self {
        Self::Unavailable(e.to_string())
    }
}

impl Error {
    /// Whether the same transaction may succeed when it runs again (PostgreSQL 40001 and 40P01, SQLite busy).
    pub fn is_transient(&self) -> bool {
        use diesel::result::{DatabaseErrorKind, Error as Diesel};
        match self {
            Self::Database(Diesel::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            Self::Database(Diesel::DatabaseError(_, info)) => {
                let text = info.message();
                text.contains("deadlock detected") || text.contains("database is locked")
            }
            Self::Database(_)
            | Self::Refused(_)
            | Self::Unavailable(_)
            | Self::LogFailed(_)
            | Self::HalfDone
            | Self::Damaged(_) => false,
        }
    }

    /// Whether a unique key stood in the way.
    pub fn is_unique_violation(&self) -> bool {
        use diesel::result::{DatabaseErrorKind, Error as Diesel};
        matches!(self, Self::Database(Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }
}
