//! The event: who did what to whose data, in which role, why, and which clause decided.
//!
//! Its fields map one to one onto FHIR AuditEvent as IHE BALP profiles it: `actor` is the agent, `record_ids` are
//! the data entities, `purpose` is purposeOfEvent, `decision` with `clause` is the outcome.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::leaf::Kind;

/// One event of a register's log, as it is committed to and, until erased, shown.
///
/// Absent values are left out of the canonical form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Id (UUIDv7), also of the row that keeps it.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// When, RFC 3339 UTC with microseconds.
    pub recorded_at: String,
    /// Coarse kind, the same as in the leaf.
    pub kind: Kind,
    /// What: `record.read`, `login.failed`, `definition.load` …
    pub action: String,
    /// Whether it was done or refused.
    pub decision: Outcome,
    /// Who.
    pub actor: Who,
    /// Role in which they acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Grant under which they acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<Uuid>,
    /// Clause that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Institution concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution_id: Option<Uuid>,
    /// Record type concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_type: Option<String>,
    /// Every record served or touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub record_ids: Vec<Uuid>,
    /// Sections served or touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<String>,
    /// Names of the fields entered, or of those whose codes were shown in full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Entry made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_id: Option<Uuid>,
    /// Base documents it rests on, or the document concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub document_ids: Vec<Uuid>,
    /// Why, in the words of the one who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What else belongs to this action: a grant before and after, a definition's digest. Integers and text only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Permitted,
    /// Refused.
    Denied,
}

impl Outcome {
    /// The word used in the store and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Denied => "denied",
        }
    }
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The user; absent for the installation, jobs and unknown callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
    /// User name, or the name of the system actor.
    pub name: String,
}
