//! The act of transfer and the act of destruction: what was handed over or erased, on which ground, how, by whom, and where
//! the log shows it. It is kept for ever, so it names nobody whose data are gone: only the officials who answer for it.
//!
//! The law asks for an act (the archival rules, § 14) without saying field by field what stands in it; this is a superset
//! of what archives ask for. The JSON in its canonical form (RFC 8785) is the act; its SHA-256 stands on the PDF.

use chrono::{DateTime, NaiveDate, Utc};
use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use super::{Basis, Recipient};
use crate::domain::audit::canonical::canonical;
use crate::domain::audit::checkpoint::Checkpoint;
use crate::domain::hex;

mod pdf;

pub use pdf::{ActPdfError, act_pdf};

/// What was done with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Handed over to an archive or another register (üleandmisakt).
    #[doc(alias = "üleandmisakt")]
    Transfer,
    /// Destroyed (hävitamisakt).
    #[doc(alias = "hävitamisakt")]
    Destruction,
}

/// How data were destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The rows were deleted and their place overwritten.
    Overwritten,
    /// The rows were deleted and overwritten, and the keys of what stays in the log destroyed.
    OverwrittenAndKeysDestroyed,
    /// Only the keys were destroyed; what they sealed cannot be read any more.
    KeysDestroyed,
}

/// An act. Amounts are exact; days are days of the register's own zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Which act it is.
    pub kind: ActKind,
    /// Its number, without gaps in the register.
    pub number: String,
    /// The day it was drawn up.
    pub drawn_up_on: NaiveDate,
    /// When the last step was carried out.
    pub executed_at: DateTime<Utc>,
    /// The institution that answers for the register.
    pub institution: Recipient,
    /// The register.
    pub register: ActRegister,
    /// Who got the data; for a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    /// Rules, clauses, series, decisions of the archive.
    pub basis: Vec<Basis>,
    /// The batch that it concludes.
    pub batch: String,
    /// What, by class.
    pub classes: Vec<ActClass>,
    /// SHA-256 over the ids of all records, sorted, a line each: who has an id can show that it was among them.
    pub records_sha256: String,
    /// How the data were destroyed; absent where they were only handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// On what they were (for instance `database`).
    pub medium: String,
    /// The package that was handed over, or made before the destruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<ActPackage>,
    /// Restrictions on access that go with the data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restrictions: Vec<Restriction>,
    /// The checkpoint of the log before the first step.
    pub checkpoint_before: LogAt,
    /// The checkpoint after the last step.
    pub checkpoint_after: LogAt,
    /// Places of the events of erasure or transfer in the log: first and last of each run.
    pub events: Vec<[u64; 2]>,
    /// When it was last checked that no hold, complaint or request stands against it.
    pub holds_checked_at: DateTime<Utc>,
    /// Who prepared it.
    pub prepared_by: Official,
    /// Who approved it: at least one other person.
    pub approved_by: Vec<Official>,
    /// Who carried it out: an official, or the installation itself.
    pub executed_by: String,
    /// What was taken out of the batch, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Excluded>,
    /// The day on which the last backup that still holds the data lapses; for a destruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups_lapse_on: Option<NaiveDate>,
}

/// The register in an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRegister {
    /// Official name.
    pub name: String,
    /// Short name (lühinimi).
    pub short_name: String,
    /// The statute, as it is cited.
    pub statute: String,
    /// SHA-256 of the definition in force.
    pub definition_digest: String,
}

/// A class of records in an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActClass {
    /// Record type, or the section of one.
    pub class: String,
    /// What people call it.
    pub label: String,
    /// The rule of [`Act::basis`] that it fell under.
    pub rule: String,
    /// How long it had to be kept (ISO 8601), where the rule says a period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// First and last day on which its data were true.
    pub period: [NaiveDate; 2],
    /// First and last day on which the term of a record ended.
    pub term_ended_on: [NaiveDate; 2],
    /// People whom it was about.
    pub subjects: u64,
    /// Records.
    pub records: u64,
    /// Base documents and files.
    pub documents: u64,
    /// Bytes of data and files.
    pub bytes: u64,
}

/// A package in an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActPackage {
    /// Its name.
    pub name: String,
    /// Its form and version.
    pub format: String,
    /// SHA-256 of the bag's manifest.
    pub manifest_sha256: String,
    /// SHA-256 of the file in which it was stored, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_sha256: Option<String>,
    /// Files of its payload.
    pub files: u64,
    /// Bytes of its payload.
    pub bytes: u64,
}

/// A restriction on access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// The provision.
    pub basis: String,
    /// Its last day, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// A state of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAt {
    /// The log's name.
    pub origin: String,
    /// Events so far.
    pub size: u64,
    /// The root over them, in lower-case hexadecimal.
    pub root: String,
}

impl From<&Checkpoint> for LogAt {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self { origin: checkpoint.origin.clone(), size: checkpoint.size, root: hex(&checkpoint.root) }
    }
}

/// An official who answers for the act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Official {
    /// The user.
    pub user_id: Uuid,
    /// Name.
    pub name: String,
    /// The role in which they acted.
    pub role: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What was taken out of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Why, in general words: it must name nobody.
    pub reason: String,
    /// How many records.
    pub records: u64,
}

/// Why there is no act.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ActError {
    /// Whoever prepared it, or nobody, approved it.
    #[error("an act is approved by another person than the one who prepared it")]
    SamePerson,
    /// It says something that can't be so.
    #[error("the act contradicts itself: {0}")]
    Contradiction(&'static str),
    /// A text in it holds what looks like a personal code. The text is not repeated.
    #[error("{0} holds what looks like a personal code: an act names nobody whose data are gone")]
    PersonalData(&'static str),
    /// It has no canonical text.
    #[error("the act cannot be written down")]
    Canonical,
}

/// First and last of each run of places in the log.
#[must_use]
pub fn runs(places: &[u64]) -> Vec<[u64; 2]> {
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    let mut runs: Vec<[u64; 2]> = Vec::new();
    for place in sorted {
        match runs.last_mut() {
            Some([_, last]) if place <= last.saturating_add(1) => *last = place,
            _ => runs.push([place, place]),
        }
    }
    runs
}

/// The digest that binds an act to its records: SHA-256 over their ids in text form, sorted, each with a line feed.
#[must_use]
pub fn records_digest(ids: &mut [Uuid]) -> String {
    ids.sort_unstable();
    let mut hasher = Sha256::new();
    for id in ids {
        hasher.update(format!("{id}\n"));
    }
    hex(&hasher.finalize())
}

impl Act {
    /// The act's canonical text (RFC 8785) and the text's SHA-256 in lower-case hexadecimal.
    ///
    /// # Errors
    /// [`ActError`]: an act that contradicts itself has no text.
    pub fn canonical(&self) -> Result<(String, String), ActError> {
        self.sound()?;
        let text = canonical(self).map_err(|_| ActError::Canonical)?;
        let digest = hex(&Sha256::digest(&text));
        Ok((text, digest))
    }

    fn sound(&self) -> Result<(), ActError> {
        use ActError::Contradiction;
        let prepared = self.prepared_by.user_id;
        if self.approved_by.is_empty() || self.approved_by.iter().any(|official| official.user_id == prepared) {
            return Err(ActError::SamePerson);
        }
        if self.classes.is_empty() || self.basis.is_empty() {
            return Err(Contradiction("it names no class or no basis"));
        }
        if !self.classes.iter().all(|class| self.basis.iter().any(|basis| basis.rule == class.rule)) {
            return Err(Contradiction("a class rests on a rule that is not among its bases"));
        }
        let (before, after) = (&self.checkpoint_before, &self.checkpoint_after);
        if before.origin != after.origin || before.size > after.size {
            return Err(Contradiction("the checkpoints are not of one log in this order"));
        }
        if !self.events.iter().all(|[first, last]| first <= last && before.size <= *first && *last < after.size) {
            return Err(Contradiction("an event does not lie between the checkpoints"));
        }
        if self.approved_by.iter().any(|official| official.at > self.executed_at)
            || self.holds_checked_at > self.executed_at
        {
            return Err(Contradiction("it was carried out before it was approved or the holds were checked"));
        }
        match self.kind {
            ActKind::Transfer if self.package.is_none() || self.recipient.is_none() => {
                Err(Contradiction("a transfer has a package and a recipient"))
            }
            ActKind::Destruction if self.method.is_none() || self.backups_lapse_on.is_none() => {
                Err(Contradiction("a destruction has a method and a day on which the last backup lapses"))
            }
            ActKind::Destruction if self.events.is_empty() => {
                Err(Contradiction("a destruction stands in the log as an event of erasure"))
            }
            _ => self.names_nobody(),
        }
    }

    /// The texts that people write hold nothing that has the form of an Estonian or Finnish personal code.
    fn names_nobody(&self) -> Result<(), ActError> {
        let code = Regex::new(r"\b[1-8]\d{10}\b|\b\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]\b").map_err(|_| ActError::Canonical)?;
        let looks = |text: &String| code.is_match(text);
        if self.excluded.iter().any(|excluded| looks(&excluded.reason)) {
            return Err(ActError::PersonalData("the reason of an exclusion"));
        }
        if self.classes.iter().any(|class| looks(&class.label)) {
            return Err(ActError::PersonalData("the label of a class"));
        }
        if self.restrictions.iter().any(|restriction| looks(&restriction.basis)) {
            return Err(ActError::PersonalData("the basis of a restriction"));
        }
        Ok(())
    }
}
