//! By when a case must be done, and why then.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{Term, end_of_day, rfc3339};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::Clause;
use crate::domain::statute::procedures::CaseKind;

/// A deadline: the day as reckoned, the day it falls on, and the instant at which that day ends.
#[doc(alias = "tähtaeg")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deadline {
    /// The day that the period gives.
    pub nominal: NaiveDate,
    /// The day by the end of which it must be done.
    pub due: NaiveDate,
    /// The day off that moved it, if any did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_by: Option<String>,
    /// 24:00 of the due day in the register's time zone, RFC 3339 UTC.
    pub at: String,
    /// Clause that sets the time.
    pub clause: Clause,
}

impl Deadline {
    /// The end of `term` after `received_on`; a term in hours runs from `at`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a day so far away that no calendar reaches there.
    pub fn reckoned(
        register: &Register,
        kind: &CaseKind,
        term: Term,
        received_on: NaiveDate,
        at: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let clause = kind.term_clause.clone().unwrap_or_else(|| kind.clause.clone());
        let too_far =
            |_| Refusal::invalid("/received_on", "range", "no calendar reaches that far", Some(clause.clone()));
        if term.needs_instant() {
            let zone = register.definition.register.time_zone;
            let end = term.due_instant(at, zone, &register.calendar).map_err(too_far)?;
            return Ok(Self { nominal: end.nominal, due: end.due, moved_by: None, at: rfc3339(end.at), clause });
        }
        let end = term.due(received_on, &register.calendar).map_err(too_far)?;
        let mut deadline = Self::named(register, kind, end.due)?;
        (deadline.nominal, deadline.moved_by, deadline.clause) = (end.nominal, end.moved_by, clause);
        Ok(deadline)
    }

    /// A day that somebody names.
    ///
    /// # Errors
    /// As [`Deadline::reckoned`].
    pub fn named(register: &Register, kind: &CaseKind, due: NaiveDate) -> Result<Self, Refusal> {
        let clause = kind.clause.clone();
        let too_far = || Refusal::invalid("/due_on", "range", "no calendar reaches that far", Some(clause.clone()));
        let at = end_of_day(due, register.definition.register.time_zone).ok_or_else(too_far)?;
        Ok(Self { nominal: due, due, moved_by: None, at: rfc3339(at), clause })
    }

    /// The instant, in microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(&self) -> Option<i64> {
        DateTime::parse_from_rfc3339(&self.at).ok().map(|at| at.timestamp_micros())
    }

    /// Whether it has passed at `at`.
    pub fn is_past(&self, at: DateTime<Utc>) -> bool {
        self.micros().is_some_and(|end| end <= at.timestamp_micros())
    }
}
