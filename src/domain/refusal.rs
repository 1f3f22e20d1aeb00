//! Why an act was not done, in terms its user understands. The web turns each into a status.

use super::record::validate::Violation;
use super::statute::Clause;

/// A refusal. Nothing has been changed when one is given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A policy refuses; what was asked for is visible.
    #[error("{detail}")]
    Forbidden {
        /// The clause that refuses.
        clause: Clause,
        /// What is refused, for people.
        detail: String,
    },
    /// It does not exist, or the asker may not know that it does.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The data are not what the statute permits.
    #[error("the data have {} fault(s)", .0.len())]
    Invalid(Vec<Violation>),
    /// It contradicts what is there now.
    #[error("{detail}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// What contradicts, for people.
        detail: String,
        /// The clause, where one says so.
        clause: Option<Clause>,
    },
    /// The version the asker had seen is not the current one.
    #[error("the record has changed since you read it; it is at version {current}")]
    Stale {
        /// Current version.
        current: i64,
    },
    /// The data are no longer those that were to be confirmed.
    #[error("the data have changed since you looked; look again and confirm what is there now")]
    StaleRoot {
        /// At `/snapshot_root` the root over what is there now; then which records changed.
        changes: Vec<Violation>,
        /// The clause of the duty.
        clause: Clause,
    },
    /// A version must be named.
    #[error("name the version you have seen with If-Match")]
    VersionRequired,
    /// A purpose must be stated.
    #[error("state the purpose of reading with X-Purpose")]
    PurposeRequired {
        /// The clause that asks for it.
        clause: Option<Clause>,
    },
    /// The idempotency key was used for something else.
    #[error("this Idempotency-Key was used with another request")]
    KeyReused,
    /// Nobody, or somebody whose session has ended.
    #[error("log in")]
    Unauthenticated,
    /// Too many attempts.
    #[error("too many attempts; try again in {seconds} s")]
    TooMany {
        /// How long to wait.
        seconds: i64,
    },
}

impl Refusal {
    /// One fault at `pointer`.
    pub fn invalid(pointer: &str, code: &'static str, detail: impl Into<String>, clause: Option<Clause>) -> Self {
        Self::Invalid(vec![Violation::error(pointer, code, detail, clause)])
    }
}
