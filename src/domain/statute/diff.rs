//! What changes between two versions of a statute, in words: what is held, who may see and do more or less, until
//! when, to whom, for how long, and what it does to the records that are there.
//!
//! Two definitions are compared as the trees that they are ([`leaves`]), so that whatever a definition can say is told
//! when it changes, and told once; [`words`] puts each difference into a sentence. Rights are not read out of the text of
//! the policies: both versions are asked about every role, act and thing ([`rights`]).
//!
//! # Not here
//! How many records a change touches is for the store to count: [`Touch`] says which.

mod leaves;
mod rights;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;

use super::catalogue::orphans;
use super::definition::{Act, Definition};
use super::description::Description;
use crate::domain::access::policy::PolicyFault;
use crate::domain::calendar::Term;

/// What a change is about: the parts of the account, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The act itself, its names and days, and what the register is for.
    Act,
    /// Who answers for the register.
    Parties,
    /// The clauses.
    Clauses,
    /// Record types, their sections and fields.
    Held,
    /// Code lists.
    Codes,
    /// Base documents.
    Documents,
    /// Roles, and who may do what.
    Rights,
    /// Who receives data, and what is public.
    Release,
    /// Cases and other terms for somebody's act.
    Deadlines,
    /// Duties to confirm.
    Confirmation,
    /// How long data are kept.
    Retention,
}

impl Area {
    /// The heading.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Act => "The act",
            Self::Parties => "Who answers",
            Self::Clauses => "Clauses",
            Self::Held => "What is held",
            Self::Codes => "Code lists",
            Self::Documents => "Base documents",
            Self::Rights => "Who may do what",
            Self::Release => "Who receives data",
            Self::Deadlines => "Cases and deadlines",
            Self::Confirmation => "Confirmation",
            Self::Retention => "How long data are kept",
        }
    }
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something new.
    Added,
    /// Something is gone.
    Removed,
    /// Something is otherwise than before.
    Changed,
    /// Something has another machine name.
    Renamed,
    /// The same things in another order.
    Reordered,
    /// Somebody may do more.
    More,
    /// Somebody may do less.
    Less,
}

impl Kind {
    /// What it is read backwards.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::Added => Self::Removed,
            Self::Removed => Self::Added,
            Self::More => Self::Less,
            Self::Less => Self::More,
            Self::Changed | Self::Renamed | Self::Reordered => self,
        }
    }

    const fn sign(self) -> char {
        match self {
            Self::Added | Self::More => '+',
            Self::Removed | Self::Less => '-',
            Self::Changed | Self::Renamed | Self::Reordered => '~',
        }
    }
}

/// Which of the stored things a change touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Touch {
    /// Records of a type.
    Records {
        /// Record type.
        record_type: String,
    },
    /// Records of a type that have a value in a field.
    With {
        /// Record type.
        record_type: String,
        /// Field of the record itself.
        field: String,
    },
    /// Records of a type that have none.
    Without {
        /// Record type.
        record_type: String,
        /// Field of the record itself.
        field: String,
    },
    /// Records of a type whose data fall due at once because their period has become shorter.
    FallDue {
        /// Record type.
        record_type: String,
        /// Path of the date from which the period counts.
        trigger: String,
        /// Period until now.
        before: Term,
        /// Period from now on.
        after: Term,
    },
    /// Grants of a role that were not ended.
    Grants {
        /// Role.
        role: String,
    },
    /// Cases of a kind that are open.
    Cases {
        /// Kind of case.
        case: String,
    },
    /// Base documents of a kind.
    Documents {
        /// Kind of base document.
        document_kind: String,
    },
}

impl fmt::Display for Touch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records { record_type } => write!(f, "records of `{record_type}`"),
            Self::With { record_type, field } => write!(f, "records of `{record_type}` with a value in `{field}`"),
            Self::Without { record_type, field } => {
                write!(f, "records of `{record_type}` without a value in `{field}`")
            }
            Self::FallDue { record_type, .. } => write!(f, "records of `{record_type}` of which data fall due at once"),
            Self::Grants { role } => write!(f, "grants of `{role}`"),
            Self::Cases { case } => write!(f, "open cases of `{case}`"),
            Self::Documents { document_kind } => write!(f, "base documents of `{document_kind}`"),
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What it is about.
    pub area: Area,
    /// What kind of change.
    pub kind: Kind,
    /// Whether somebody may see or do more or less than before.
    pub star: bool,
    /// Where it stands: file and way to the key, as `check` writes it.
    pub place: String,
    /// The change as a sentence without its full stop.
    pub says: String,
    /// Clause of the thing that changes, verbatim: in the new version, or in the old one where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// What was said before.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub from: Value,
    /// What is said now.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub to: Value,
    /// Particulars: of rights each act with its things; of what is new or gone, who sees it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What it does to what is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// Which of what is stored that is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub touches: Vec<Touch>,
}

/// A version, as people cite it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Short name of the register.
    pub register: String,
    /// First day in force.
    pub in_force_from: NaiveDate,
    /// Last day in force, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force_until: Option<NaiveDate>,
    /// Publication mark.
    pub publication: String,
    /// SHA-256 of its files.
    pub digest: String,
}

impl Version {
    fn of(register: &str, act: &Act, digest: &str) -> Self {
        Self {
            register: register.to_owned(),
            in_force_from: act.in_force_from,
            in_force_until: act.in_force_until,
            publication: act.publication.clone(),
            digest: digest.to_owned(),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, in force from {}", self.register, self.in_force_from)?;
        if let Some(until) = self.in_force_until {
            write!(f, " until {until}")?;
        }
        if !self.publication.is_empty() {
            write!(f, " ({})", self.publication)?;
        }
        Ok(())
    }
}

/// Everything that changes from one version to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What was.
    pub old: Version,
    /// What is.
    pub new: Version,
    /// What stored data may refer to and the new version no longer knows, where the new version stands in the place of the
    /// old one, in force from the same day: then the program refuses it while stored data do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<String>,
    /// The changes, by area.
    pub changes: Vec<Change>,
}

impl Difference {
    /// How many of the changes let somebody see or do more or less.
    pub fn stars(&self) -> usize {
        self.changes.iter().filter(|c| c.star).count()
    }
}

/// What changes from `old` to `new`.
///
/// # Errors
/// Faults of the policies of one of the two: rights can only be compared where both are sound.
pub fn diff(old: &Definition, new: &Definition) -> Result<Difference, Vec<PolicyFault>> {
    let leaves = leaves::of_definitions(old, new);
    // Reading policies is slow, and few changes ask them.
    let asks = old.policies != new.policies || leaves.iter().any(words::asks);
    let asked = if asks { Some(rights::Asked::new(old, new)?) } else { None };
    let mut changes: Vec<Change> =
        leaves.into_iter().map(|leaf| words::say(leaf, asked.as_ref(), Some((old, new)))).collect();
    changes.extend(asked.iter().flat_map(rights::Asked::changes));
    changes.sort_by_key(|change| change.area);
    let replaces = old.register.act.in_force_from == new.register.act.in_force_from;
    let gone = if replaces { orphans(old, new) } else { Vec::new() };
    Ok(Difference {
        old: Version::of(&old.register.short_name, &old.register.act, &old.digest),
        new: Version::of(&new.register.short_name, &new.register.act, &new.digest),
        orphans: gone.iter().map(ToString::to_string).collect(),
        changes,
    })
}

/// What changes between two descriptions of a register that is kept elsewhere.
pub fn diff_descriptions(old: &Description, new: &Description) -> Difference {
    let leaves = leaves::of_descriptions(old, new);
    let mut changes: Vec<Change> = leaves.into_iter().map(|leaf| words::say(leaf, None, None)).collect();
    changes.sort_by_key(|change| change.area);
    Difference {
        old: Version::of(&old.short_name, &old.act, &old.digest),
        new: Version::of(&new.short_name, &new.act, &new.digest),
        orphans: Vec::new(),
        changes,
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.star { '★' } else { ' ' };
        write!(f, "{star} {} {}", self.kind.sign(), self.says)?;
        if let Some(clause) = &self.clause {
            write!(f, " ({clause})")?;
        }
        for detail in &self.details {
            write!(f, "\n      {detail}")?;
        }
        if let Some(effect) = &self.effect {
            write!(f, "\n      → {effect}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old: {}", self.old)?;
        writeln!(f, "new: {}", self.new)?;
        if self.changes.is_empty() {
            return write!(f, "\nNothing changes.");
        }
        let mut area = None;
        for change in &self.changes {
            if area != Some(change.area) {
                area = Some(change.area);
                writeln!(f, "\n{}", change.area.heading())?;
            }
            writeln!(f, "  {change}")?;
        }
        if !self.orphans.is_empty() {
            writeln!(f, "\nBoth are in force from {}: the new version stands in the place of the old one, and is", {
                self.new.in_force_from
            })?;
            writeln!(f, "refused while stored data use what is gone:")?;
            for orphan in &self.orphans {
                writeln!(f, "  {orphan}")?;
            }
        }
        let changes = if self.changes.len() == 1 { "change" } else { "changes" };
        write!(f, "\n{} {changes}; ★ {}: somebody may see or do more or less", self.changes.len(), self.stars())
    }
}
