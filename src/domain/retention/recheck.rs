//! The gate: the last look before something goes.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Id;
use super::batch::Item;
use super::hold::{Hold, Subjects};
use super::standing::{BlockerKind, Standing, Why};
use crate::domain::statute::Clause;

/// Leave to erase, for one record and one rule of it. Whatever erases takes one by value, so that it is used once.
///
/// There is no other way to one than [`Batch::clear`](super::Batch::clear), [`Cleared::outside_a_batch`] and
/// [`Cleared::replayed`].
#[derive(Debug, PartialEq, Eq)]
pub struct Cleared {
    record: Id,
    rule: Option<String>,
}

impl Cleared {
    pub(super) fn of(item: &Item) -> Self {
        Self { record: item.record, rule: Some(item.rule.clone()) }
    }

    /// Leave to erase what falls under no retention rule: a draft, a file of an import, a letter that was sent.
    /// `about` is the record that it belongs to.
    ///
    /// # Errors
    /// The holds in force on the day `on`, of which there is at least one.
    pub fn outside_a_batch(about: Subjects<'_>, holds: &[Hold], on: NaiveDate) -> Result<Self, Vec<Hold>> {
        let held: Vec<Hold> = holds.iter().filter(|h| h.in_force_on(on) && h.covers(about)).cloned().collect();
        if held.is_empty() { Ok(Self { record: about.record, rule: None }) } else { Err(held) }
    }

    /// Leave to erase once more what had been erased already and came back with a copy from before that: it was approved
    /// then, and a hold set since the copy was made is not in the copy anyway.
    pub fn replayed(erasure: &crate::domain::backup::Erasure) -> Self {
        Self { record: erasure.record_id, rule: None }
    }

    /// The record.
    pub fn record(&self) -> Id {
        self.record
    }

    /// The rule under which data of the record go; `None` for what falls under none.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }
}

/// What is known of an item's record just before it is erased.
#[derive(Debug, Clone, Copy)]
pub struct Now<'a> {
    /// How the record stands today; `None` when it is not there any more.
    pub why: Option<&'a Why>,
    /// Whether data of it were disclosed after the batch was approved.
    pub disclosed_since_approval: bool,
}

/// Whether an item may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recheck {
    /// It may.
    Go,
    /// Its data are gone already: an execution that was cut short got as far as this.
    AlreadyGone,
    /// It may not, and falls out of the batch.
    Dropped(DropReason),
}

/// Why an item falls out of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum DropReason {
    /// A hold is in force.
    Held {
        /// The provision that the hold names.
        clause: Option<Clause>,
    },
    /// Something is open that must be settled first.
    Open {
        /// What.
        kind: BlockerKind,
    },
    /// The rule now says something else than what was approved, or is there no more.
    RuleChanged,
    /// The day from which the rule counts is another one, or is there no more.
    TriggerCorrected {
        /// First day on which the data may go now, where it is known.
        due_on: Option<NaiveDate>,
    },
    /// The time is not over.
    NotDue {
        /// First day on which the data may go.
        due_on: Option<NaiveDate>,
    },
    /// The record was changed after it was reviewed.
    Changed,
    /// Data of it were disclosed after the approval.
    Disclosed,
}

impl DropReason {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Open { .. } => "open",
            Self::RuleChanged => "rule_changed",
            Self::TriggerCorrected { .. } => "trigger_corrected",
            Self::NotDue { .. } => "not_due",
            Self::Changed => "changed",
            Self::Disclosed => "disclosed",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { .. } => f.write_str("a legal hold is in force; end the hold, then propose the record anew"),
            Self::Open { kind } => {
                write!(f, "a {} about it is open; settle it, then propose the record anew", kind.as_str())
            }
            Self::RuleChanged => f.write_str("the retention rule was changed after the approval; propose it anew"),
            Self::TriggerCorrected { .. } => {
                f.write_str("the date from which the period counts was corrected; it is proposed anew when it is due")
            }
            Self::NotDue { .. } => f.write_str("its period is not over; it is proposed anew when it is due"),
            Self::Changed => f.write_str("the record was changed after it was reviewed; propose it anew"),
            Self::Disclosed => {
                f.write_str("data of it were disclosed after the approval; review it and propose it anew")
            }
        }
    }
}

/// Whether an item may still go because its register closes: it does not wait for its time, and it goes whatever it has
/// become, but not over a hold, nor while somebody waits for an answer about it.
pub fn recheck_closing(item: &Item, now: Now<'_>) -> Recheck {
    let Some(why) = now.why else {
        return Recheck::AlreadyGone;
    };
    if why.part(&item.rule).is_some_and(|part| part.state == Standing::Empty) {
        return Recheck::AlreadyGone;
    }
    if let Some(hold) = why.held.first() {
        return Recheck::Dropped(DropReason::Held { clause: hold.clause.clone() });
    }
    match why.blocked_by.iter().find(|open| open.kind.keeps_at_closing()) {
        Some(open) => Recheck::Dropped(DropReason::Open { kind: open.kind }),
        None => Recheck::Go,
    }
}

/// Whether `item` may still go, by what is known now. What is graver comes first where there are several reasons.
pub fn recheck(item: &Item, now: Now<'_>) -> Recheck {
    let Some(why) = now.why else {
        return Recheck::AlreadyGone;
    };
    let drop = Recheck::Dropped;
    let Some(part) = why.part(&item.rule) else {
        return drop(DropReason::RuleChanged);
    };
    if part.state == Standing::Empty {
        return Recheck::AlreadyGone;
    }
    if let Some(hold) = part.held.first() {
        return drop(DropReason::Held { clause: hold.clause.clone() });
    }
    if let Some(open) = part.blocked_by.first() {
        return drop(DropReason::Open { kind: open.kind });
    }
    if part.then != item.then || part.period != item.period {
        return drop(DropReason::RuleChanged);
    }
    match part.state {
        Standing::Due { trigger_on, due_on } => {
            if trigger_on != item.trigger_on || part.trigger != item.trigger {
                return drop(DropReason::TriggerCorrected { due_on: Some(due_on) });
            }
        }
        Standing::Running { trigger_on, due_on } => {
            let due_on = Some(due_on);
            return drop(if trigger_on == item.trigger_on {
                DropReason::NotDue { due_on }
            } else {
                DropReason::TriggerCorrected { due_on }
            });
        }
        Standing::Waiting { .. } => return drop(DropReason::TriggerCorrected { due_on: None }),
        Standing::Kept | Standing::Empty => return drop(DropReason::RuleChanged),
    }
    if why.version != item.version {
        return drop(DropReason::Changed);
    }
    if now.disclosed_since_approval {
        return drop(DropReason::Disclosed);
    }
    Recheck::Go
}
