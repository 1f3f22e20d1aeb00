//! Legal holds: what must not go, whatever its clock says.

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Id;
use crate::domain::record::Timeline;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::Condition;

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: Id,
    /// What it holds.
    pub scope: HoldScope,
    /// On what it rests: a dispute, an order, a request. For people; not for logs.
    pub basis: String,
    /// The provision it rests on, where one is named.
    pub clause: Option<Clause>,
    /// First day.
    pub from: NaiveDate,
    /// Last day; open until somebody ends it.
    pub until: Option<NaiveDate>,
}

/// What a hold holds.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldScope {
    /// One record.
    Record(Id),
    /// All records about or naming a person, by personal code.
    Person(String),
    /// All records of a type, an institution, or with certain values, also such as come later.
    Query {
        /// Their type; absent: every type.
        record_type: Option<String>,
        /// The institution that holds them; absent: every institution.
        institution: Option<Id>,
        /// All of which were so at once on some day of the record's life.
        conditions: Vec<Condition>,
    },
}

impl fmt::Debug for HoldScope {
    /// Without the personal code, and without the values of a query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(id) => write!(f, "Record({id})"),
            Self::Person(_) => f.write_str("Person(…)"),
            Self::Query { record_type, institution, conditions } => {
                write!(f, "Query({record_type:?}, {institution:?}, {} conditions)", conditions.len())
            }
        }
    }
}

/// What of a record a hold may be about.
#[derive(Debug, Clone, Copy)]
pub struct Subjects<'a> {
    /// The record.
    pub record: Id,
    /// Its type.
    pub record_type: &'a str,
    /// The institution that holds it.
    pub institution: Option<Id>,
    /// Personal codes of the people that it is about or names, on any day.
    pub people: &'a BTreeSet<String>,
    /// Its states.
    pub timeline: &'a Timeline,
}

impl Hold {
    /// Whether it is in force on `day`; both its days count.
    pub fn in_force_on(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    /// Whether it is about the record.
    pub fn covers(&self, record: Subjects<'_>) -> bool {
        match &self.scope {
            HoldScope::Record(id) => *id == record.record,
            HoldScope::Person(code) => record.people.contains(code),
            HoldScope::Query { record_type, institution, conditions } => {
                record_type.as_deref().is_none_or(|t| t == record.record_type)
                    && institution.is_none_or(|i| Some(i) == record.institution)
                    && (conditions.is_empty()
                        || record.timeline.segments.iter().any(|s| conditions.iter().all(|c| c.holds(&s.data))))
            }
        }
    }
}
