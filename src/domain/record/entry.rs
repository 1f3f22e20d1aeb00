//! Entries: dated assertions of field values, never overwritten.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The first entry of a record.
    Create,
    /// True from its effective day on (muutmine).
    #[doc(alias = "muutmine")]
    Change,
    /// Replaces an entry that was never true (parandamine).
    #[doc(alias = "parandamine")]
    Correction,
    /// Ends the record on its effective day.
    End,
    /// Says that the record never was: nothing is true of it on any day from the instant at which that is known. Its
    /// entries stay, as what was known before.
    Void,
}

impl EntryKind {
    /// The word used in the store and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Correction => "correction",
            Self::End => "end",
            Self::Void => "void",
        }
    }

    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Create, Self::Change, Self::Correction, Self::End, Self::Void].into_iter().find(|k| k.as_str() == word)
    }
}

/// One dated assertion of field values, by someone, on base documents.
#[doc(alias = "kanne")]
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Id (UUIDv7).
    pub id: Uuid,
    /// Its number within the record, from 1.
    pub number: i64,
    /// What it is.
    pub kind: EntryKind,
    /// First day on which it is true.
    pub effective_on: NaiveDate,
    /// When the register learnt it.
    pub recorded_at: DateTime<Utc>,
    /// What it asserts: the whole data for `Create`, a merge patch (RFC 7396) otherwise.
    pub data: Value,
    /// The entry it replaces, for `Correction`.
    pub supersedes: Option<Uuid>,
    /// Source of the definition from which its values come; `None` when they were entered here.
    pub source: Option<String>,
}

/// What the log tells of an entry's content: SHA-256, in lower-case hexadecimal, of its data as stored, a line feed,
/// and its reason. It stands in the event, so that it is committed to with the event's salt and goes with it.
pub fn content_digest(data: &str, reason: Option<&str>) -> String {
    let digest =
        Sha256::new().chain_update(data).chain_update("\n").chain_update(reason.unwrap_or_default()).finalize();
    crate::domain::hex(&digest)
}
