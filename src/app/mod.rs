//! One act per file: the whole story of an act reads top to bottom. Parse → authorise → facts → decide → apply.
//!
//! Acts take an [`ActContext`] (who, why, under which request) and typed input; they know no HTTP. What they return
//! is [`Disclosed`]: its log entry is durable.

pub mod browser;
pub mod cases;
pub mod confirmations;
pub mod desk;
pub mod disclosure;
pub mod documents;
pub mod error;
pub mod exchanges;
pub mod files_of;
pub mod grants;
pub mod imports;
pub mod jobs;
pub mod leavers;
mod leaving;
pub mod login;
pub mod me;
pub mod media;
pub mod moves;
pub mod password;
pub mod people;
pub mod publications;
pub mod queue;
pub mod read_audit;
pub mod records;
pub mod registers;
pub mod reports;
pub mod setup;
pub mod supervise;
pub mod tokens;
pub mod uploads;

use std::sync::Arc;

pub use error::Error;

use uuid::Uuid;

use crate::domain::audit::checkpoint::NoteSigner;
use crate::domain::refusal::Refusal;
use crate::store::Store;
pub use crate::store::{ActContext, Caller, Disclosed, Idempotency};

/// The id after which a page begins.
fn cursor(text: Option<&str>) -> Result<Option<Uuid>, Refusal> {
    text.map(|t| {
        Uuid::parse_str(t).map_err(|_| Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None))
    })
    .transpose()
}

/// Everything that acts need: the store, the keys, the limits.
pub struct App {
    /// Where everything is kept.
    pub store: Arc<Store>,
    /// Keys of access tokens and of idempotency digests.
    pub tokens: tokens::Tokens,
    /// What signs the checkpoints of the logs.
    pub log_keys: LogKeys,
    /// Password rules.
    pub passwords: password::Policy,
    /// Largest file that is taken, in bytes.
    pub largest_file: usize,
    /// Bounds how many passwords are hashed at once, so that logins cannot starve everything else.
    pub hashing: tokio::sync::Semaphore,
    /// What every page asks about its user, kept for a moment.
    pub facts: desk::FactsKept,
    /// What trials of sheets told, kept for as long as somebody works on them.
    pub trials: uploads::TrialsKept,
}

/// What signs checkpoints: one seed outside the database, one name for each register.
pub struct LogKeys {
    /// Domain under which the origins of the logs stand (`andmekogu.example`).
    pub domain: String,
    /// The Ed25519 seed.
    pub seed: [u8; 32],
}

impl LogKeys {
    /// Origin of a register's log: its short name under the domain.
    pub fn origin(&self, register: &str) -> String {
        format!("{}/{register}", self.domain)
    }

    /// The signer of a register's checkpoints: the same key for all, under a name (and so a key id) of its own.
    ///
    /// # Errors
    /// When the name cannot be a key name.
    pub fn signer(&self, register: &str) -> Result<NoteSigner, Error> {
        NoteSigner::new(self.origin(register), &self.seed).map_err(|e| Error::Setup(e.to_string()))
    }
}
