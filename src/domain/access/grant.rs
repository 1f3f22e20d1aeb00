//! Grants: a user's role in a register, bounded by institution, sections and time, on a basis.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A user's role in a register.
#[doc(alias = "juurdepääsuõigus")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Id (UUIDv7).
    pub id: Uuid,
    /// Who holds it.
    pub user_id: Uuid,
    /// Role of the definition.
    pub role: String,
    /// The only institution it reaches; `None`: all of the register.
    pub institution_id: Option<Uuid>,
    /// The only sections it covers; `None`: all.
    pub sections: Option<Vec<String>>,
    /// First day.
    pub from: NaiveDate,
    /// Last day; `None`: open.
    pub until: Option<NaiveDate>,
    /// On what it rests.
    pub basis: Basis,
    /// For what task, where the role asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The application on which it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<Uuid>,
    /// Whether it was ended before its time.
    pub revoked: bool,
    /// Version, from 1.
    pub version: i64,
}

/// On what a grant rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// Kind, from the definition's list for the role.
    pub kind: String,
    /// Reference to the document (number and date, or the id of a base document).
    pub reference: String,
}

impl Grant {
    /// Whether it may be acted on that day.
    pub fn in_force(&self, day: NaiveDate) -> bool {
        !self.revoked && self.from <= day && self.until.is_none_or(|last| day <= last)
    }

    /// Whether it reaches the institution; what belongs to none is reached only by a grant for all.
    pub fn reaches(&self, institution: Option<Uuid>) -> bool {
        self.institution_id.is_none() || self.institution_id == institution
    }

    /// Whether it covers the section (`pay`, or `employee.pay` for one type only).
    pub fn covers(&self, record_type: &str, section: &str) -> bool {
        self.sections.as_ref().is_none_or(|list| {
            list.iter()
                .any(|s| s == section || s.split_once('.').is_some_and(|(t, rest)| t == record_type && rest == section))
        })
    }
}
