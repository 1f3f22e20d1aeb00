//! Base documents: they have a clock of their own, that of the last data that rest on them.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Id;

/// One thing that rests on a document: an entry, a case, a grant, a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DocumentUse {
    /// Its id.
    pub by: Id,
    /// The day on which its data were archived or erased to the last; `None` while something of them is there.
    pub gone_on: Option<NaiveDate>,
}

/// Whether a document may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStanding {
    /// Nothing ever rested on it: it is no base document yet, and goes with the draft it was put in for.
    Unused,
    /// Data that rest on it are still there.
    Needed {
        /// What rests on it.
        by: BTreeSet<Id>,
    },
    /// Everything that rested on it is gone, since a day; it is held.
    Held {
        /// The day.
        since: NaiveDate,
    },
    /// Everything that rested on it is gone, since a day: it may go, with the act that says so.
    MayGo {
        /// The day.
        since: NaiveDate,
    },
}

/// Whether a document may go: only after the data of everything that refers to it have been archived or erased, and
/// never before. Whether a hold is on it, or on a record that ever referred to it, is said by `held`.
pub fn document_standing(uses: &[DocumentUse], held: bool) -> DocumentStanding {
    let by: BTreeSet<Id> = uses.iter().filter(|u| u.gone_on.is_none()).map(|u| u.by).collect();
    if !by.is_empty() {
        return DocumentStanding::Needed { by };
    }
    match uses.iter().filter_map(|u| u.gone_on).max() {
        None => DocumentStanding::Unused,
        Some(since) if held => DocumentStanding::Held { since },
        Some(since) => DocumentStanding::MayGo { since },
    }
}
