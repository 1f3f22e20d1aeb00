//! What goes into a package, as the part of the house that selects hands it over.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use crate::domain::statute::Definition;

/// What goes into a package, page by page, so that no more than a page is ever in memory.
pub trait Source {
    /// What is said of the package as a whole.
    fn head(&self) -> &PackageHead;

    /// The next page of records; an empty page ends. Within a record type the ids must rise.
    ///
    /// # Errors
    /// [`SourceError`]: the package is given up.
    fn records(&mut self) -> Result<Vec<PackagedRecord>, SourceError>;

    /// The bytes of a stored file, by its SHA-256 in lower-case hexadecimal; nothing if there is none.
    ///
    /// # Errors
    /// [`SourceError`]: the package is given up.
    fn file(&mut self, sha256: &str) -> Result<Option<Vec<u8>>, SourceError>;

    /// The next page of the whole log, as lines of its export (`docs/log.md`) from the first event to the checkpoint; an
    /// empty page ends. For a register that closes: its log goes with its data. Otherwise nothing.
    ///
    /// # Errors
    /// [`SourceError`]: the package is given up.
    fn log(&mut self) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }

    /// The checkpoints that were handed out of such a log before this one, each as a line of JSON: `size`, `note`, and
    /// `made_at` in RFC 3339.
    ///
    /// # Errors
    /// [`SourceError`]: the package is given up.
    fn checkpoints(&mut self) -> Result<Vec<String>, SourceError> {
        Ok(Vec::new())
    }
}

/// Why the content can't be handed over. The text must hold no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the content of the package cannot be read: {0}")]
pub struct SourceError(pub String);

/// What is said of a package as a whole.
#[derive(Debug, Clone)]
pub struct PackageHead {
    /// The package's id; its SIP is named `uuid-…` after it.
    pub id: Uuid,
    /// The number of the batch it carries out, for instance `2026-3`.
    pub number: String,
    /// Every version of the definition that an included entry was made under, oldest first. The last one names the
    /// register, its controller and its statute, and describes the data.
    pub definitions: Vec<DefinitionInForce>,
    /// On what it rests.
    pub basis: Vec<Basis>,
    /// When the package was made, the only moment that its files bear.
    pub made_at: DateTime<Utc>,
    /// The checkpoint (a signed note) to which every proof leads.
    pub checkpoint: String,
    /// The key by which the checkpoint is verified.
    pub vkey: String,
    /// Who gets it.
    pub recipient: Recipient,
    /// The agreement with the archive under which it is handed over, if there is one.
    pub submission_agreement: Option<String>,
}

/// A version of the definition, with the first day on which it was in force here.
#[derive(Debug, Clone)]
pub struct DefinitionInForce {
    /// That day.
    pub in_force_from: NaiveDate,
    /// The version.
    pub definition: Arc<Definition>,
}

/// A rule of retention as it stands on packages and acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The rule's machine name.
    pub rule: String,
    /// What people call it.
    pub label: String,
    /// Its clause.
    pub clause: String,
    /// The series of the document list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// The archive's appraisal decision, number and day as they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appraisal: Option<String>,
    /// The archive's consent, number and day as they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
}

/// Who gets a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Name.
    pub name: String,
    /// Registry code or the archive's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A record with all that the register knows of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackagedRecord {
    /// Id.
    pub record_id: Uuid,
    /// Record type.
    pub record_type: String,
    /// The institution that holds it, where there is one.
    pub institution_id: Option<Uuid>,
    /// Its name.
    pub institution_name: Option<String>,
    /// The data as last known.
    pub state: Value,
    /// Every entry, in the order of their numbers.
    pub entries: Vec<PackagedEntry>,
    /// The base documents that its entries rest on.
    pub documents: Vec<PackagedDocument>,
    /// Files that its fields name.
    pub files: Vec<PackagedFile>,
    /// Proofs of its entries in the log. In the package they stand in a file of their own; the record names their places.
    #[serde(serialize_with = "places")]
    pub proofs: Vec<PackagedProof>,
}

/// An entry, with both of its times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackagedEntry {
    /// Id.
    pub id: Uuid,
    /// Its number within the record, from 1.
    pub number: u64,
    /// What it does (`create`, `change`, `correct`, `end` …).
    pub kind: String,
    /// The day from which it is true.
    pub effective_on: NaiveDate,
    /// When the register learnt it, RFC 3339 in UTC with six decimals.
    pub recorded_at: String,
    /// What was entered, its members in the stored order: the log commits to this text.
    pub data: Value,
    /// Why, where a reason was asked for.
    pub reason: Option<String>,
    /// The entry that it corrects.
    pub supersedes: Option<Uuid>,
    /// Who made it: the name of a user, of a job or of the command line.
    pub actor: String,
    /// SHA-256 of the definition's files that it was made under.
    pub definition_digest: String,
    /// The base documents that it rests on.
    pub base_documents: Vec<Uuid>,
}

/// A base document (alusdokument).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackagedDocument {
    /// Id.
    pub id: Uuid,
    /// Kind.
    pub kind: String,
    /// Number, where it has one.
    pub number: Option<String>,
    /// Its day, where it has one.
    pub date: Option<NaiveDate>,
    /// Title.
    pub title: String,
    /// Its file, where it has one.
    pub file: Option<PackagedFile>,
}

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackagedFile {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// The name under which it came.
    pub file_name: String,
    /// Its type.
    pub media_type: String,
}

/// The proof that an event of the log told of an entry (`docs/log.md`).
#[derive(Debug, Clone, PartialEq)]
pub struct PackagedProof {
    /// The event's place in the log.
    pub seq: u64,
    /// The exact leaf.
    pub leaf: String,
    /// The salt in Base64, unless the event was erased.
    pub salt: Option<String>,
    /// The event, unless it was erased.
    pub event: Option<Value>,
    /// The inclusion path to the checkpoint's root, in lower-case hexadecimal.
    pub path: Vec<String>,
}

fn places<S: serde::Serializer>(proofs: &[PackagedProof], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(proofs.iter().map(|proof| proof.seq))
}
