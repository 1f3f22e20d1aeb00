//! What a statute says of the rhythm and order of its data: who holds which records, what is checked across records,
//! in what order applicants stand, how one record gives rise to another, and when a head confirms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::Condition;
use super::{Clause, Label};

/// Which institutions hold records of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeldBy {
    /// Kind of institution that holds them.
    pub kind: String,
    /// What else must be so in the institution's own record.
    #[serde(default, rename = "where")]
    pub condition: Option<Condition>,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// A check that looks across records. It runs over an institution's records before they are confirmed, and where it
/// `warns` also at every entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What is wrong where it finds something, in a sentence.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// What it looks for; this decides what `fields` and `limit` mean.
    pub kind: CheckKind,
    /// How grave a finding is.
    pub severity: CheckSeverity,
    /// Paths of the fields that it looks at; what they mean is said by the kind.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Number that must not be exceeded, as decimal text.
    #[serde(default)]
    pub limit: Option<String>,
    /// Only for records of which this is so.
    #[serde(default)]
    pub when: Option<Condition>,
    /// Whether it also runs at every entry, as a warning to whoever enters and a letter to the institutions concerned.
    #[serde(default)]
    pub warns: bool,
}

/// What a check looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// The record's subject has an active record of the same type in another institution.
    HeldElsewhere,
    /// More than `limit` active records of the institution have the same values in all of `fields`.
    GroupSize,
    /// The sum of `fields[0]` over all active records of the type about one subject, in all institutions, exceeds
    /// `limit`.
    SumPerSubject,
    /// The day in `fields[0]` has passed.
    Expired,
    /// None of `fields` is there.
    Missing,
    /// Of two fields that belong together (`fields[0]`, `fields[1]`) only one is there.
    Unpaired,
}

/// How grave a finding of a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckSeverity {
    /// Nothing is confirmed while it stands.
    Error,
    /// It can be confirmed over, with a written reason.
    Warning,
}

/// In what order applicants for an institution stand: by the first key in which two differ, and at last by when
/// they were entered.
#[doc(alias = "järjekord")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueRule {
    /// Clause that makes the queue.
    pub clause: Clause,
    /// Path of the institutions applied for; it may lead into a list (`choices/institution`).
    pub institution: String,
    /// Keys, the weightiest first.
    #[serde(rename = "key")]
    pub keys: Vec<QueueKey>,
}

/// One key of the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueKey {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What the applicant is told of it (`elukoht linnas`).
    pub label: Label,
    /// Clause, or the basis outside the statute.
    pub basis: String,
    /// What comes first.
    pub kind: QueueKeyKind,
    /// Path of the field: the date, or the derived relations.
    #[serde(default)]
    pub field: Option<String>,
    /// What must be so, for [`QueueKeyKind::Holds`].
    #[serde(default, rename = "when")]
    pub condition: Option<Condition>,
}

/// What comes first in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueKeyKind {
    /// Those of whom the condition `when` is true.
    Holds,
    /// Those with the earlier day in `field`; those without one come last.
    Earlier,
    /// Those who have a related record in the institution asked about; `field` is derived by `related`.
    Related,
}

/// How one record gives rise to another: an act with its document. The link between the two is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Move {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Record type of the new record; it may be the same.
    pub into: String,
    /// Fields handed over: of the old record, by those of the new one. Everything else is entered anew.
    #[serde(default)]
    pub carries: std::collections::BTreeMap<String, String>,
    /// Whether the old record ends, on the day before the new one begins.
    #[serde(default)]
    pub ends: bool,
    /// Code of the ground on which it ends, where its lifecycle knows grounds.
    #[serde(default)]
    pub ground: Option<String>,
    /// Kinds of base document, one of which the move rests on.
    pub base_documents: Vec<String>,
    /// Event of the old record from which a retention rule may count (`event:<name>`).
    #[serde(default)]
    pub event: Option<String>,
    /// Whether the institution that receives must accept before the new record is made, where it is another one.
    #[serde(default)]
    pub accepted: bool,
}

/// A duty of institution heads to confirm data on fixed dates.
#[doc(alias = "andmete kinnitamine")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmationDuty {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Kind of institution it binds.
    pub institution_kind: String,
    /// Record types whose records are confirmed.
    pub record_types: Vec<String>,
    /// Days of each year, `MM-DD`.
    pub due_on: Vec<String>,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Clause that makes the head answer for what is confirmed.
    pub responsible_clause: Clause,
    /// What the head says in confirming, in a sentence.
    pub statement: Label,
    /// Days before the day from which on it can be confirmed.
    #[serde(default = "fortnight")]
    pub opens_days_before: u32,
    /// Days before the day on which the institution is reminded; 0 is the day itself.
    #[serde(default = "usual_reminders")]
    pub reminders: Vec<u32>,
    /// Contact point told when the time has run out.
    #[serde(default)]
    pub escalates_to: Option<String>,
    /// Kind of case under which known faults can be confirmed around while it is open.
    #[serde(default)]
    pub inquiry: Option<String>,
}

fn fortnight() -> u32 {
    14
}

fn usual_reminders() -> Vec<u32> {
    vec![14, 3, 1, 0]
}

/// From what day a retention rule counts, as the definition writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TriggerSaid {
    /// `trigger = "termination/date"`.
    One(String),
    /// `trigger = { first = ["notice_received_on", "terminated_on"] }`: the first that is there.
    First {
        /// Sources, the one that counts if it is there first.
        first: Vec<String>,
    },
    /// `trigger = { latest = ["terminated_on", "record:contract"] }`: the latest of those that are there.
    Latest {
        /// Sources, in any order.
        latest: Vec<String>,
    },
}

impl TriggerSaid {
    /// The sources that it names, as written.
    pub fn sources(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::First { first } => first,
            Self::Latest { latest } => latest,
        }
    }
}
