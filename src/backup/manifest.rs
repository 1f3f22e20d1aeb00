//! What a copy says of itself, signed. It stands readable at the end of the file and tells of nobody.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::audit::checkpoint::{NoteSigner, NoteVerifier};

/// The form of the file and of the manifest.
pub const FORMAT: u32 = 1;

/// What a copy says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the file when it was made.
    pub name: String,
    /// When the copy was begun: nothing later is in it.
    pub made_at: DateTime<Utc>,
    /// Version of the program.
    pub program: String,
    /// `sqlite` or `postgresql`. It makes no difference to a restore.
    pub engine: String,
    /// The last migration.
    pub schema: String,
    /// Rows of each table.
    pub tables: BTreeMap<String, u64>,
    /// Each register's log.
    pub registers: Vec<Log>,
    /// The encrypted bytes.
    pub payload: Digest,
    /// The rows, before they were compressed and encrypted.
    pub content: Digest,
    /// Who can open it.
    pub recipients: Vec<String>,
    /// The list of erasures when the copy was begun.
    pub erasures: Erasures,
}

/// How far a register's log reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Register.
    pub register: String,
    /// Leaves.
    pub size: u64,
    /// Root, in base64.
    pub root: String,
    /// Public key of its checkpoints.
    pub vkey: String,
}

/// So many bytes with this digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// How many.
    pub bytes: u64,
    /// SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

/// How far the list of erasures reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasures {
    /// Lines.
    pub lines: u64,
    /// SHA-256 over them.
    pub sha256: String,
}

/// What is written when a copy has been verified, signed like the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// SHA-256 of the copy's signed manifest, and so of the copy.
    pub manifest_sha256: String,
    /// When.
    pub verified_at: DateTime<Utc>,
    /// Version of the program that did it.
    pub program: String,
}

/// Signs what is written down, as a C2SP signed note of one line of JSON.
pub(super) fn signed(signer: &NoteSigner, what: &impl Serialize) -> Result<String, String> {
    let line = serde_json::to_string(what).map_err(|e| e.to_string())?;
    signer.sign_line(&line).map_err(|e| e.to_string())
}

/// What was signed.
pub(super) fn opened<T: for<'de> Deserialize<'de>>(verifier: &NoteVerifier, note: &str) -> Result<T, String> {
    let line = verifier.open_line(note).map_err(|e| e.to_string())?;
    serde_json::from_str(line).map_err(|e| e.to_string())
}
