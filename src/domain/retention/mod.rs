//! Retention: what of a record goes, on what day, under which rule, and who said so.
//!
//! A field of a record names one rule of the definition; the fields of a record that name the same rule are one
//! *part* of it and go together. [`why()`] answers for a record and a day; [`Batch`] is how people decide;
//! [`recheck()`] is the gate before anything goes; [`erasure()`] says what is taken out.
//!
//! # Counting
//! The day of the trigger is not counted, and the period ends at 24:00 of the corresponding day, or of the month's last
//! day where there is none (TsÜS §§ 135–137; [`Term`](crate::domain::calendar::Term)). Data are kept *through* that
//! day, so they may go on the day after it ([`Clock::Runs::due_on`]). The period is moved to a working day only where
//! the rule says `working_day`, as where it is a term for an act of a person (TsÜS § 136 lg 8: a term for disputing).
//! A rule without a period keeps data *until* its trigger: through the day that a date names, and until the event
//! where it is an event, which is over on the day that it happens.
//!
//! # Invariants
//! * What has no trigger waits, visibly: it is neither destroyed nor kept for ever.
//! * Nothing is due before its trigger. A hold never makes anything due, nor changes what day it is due.
//! * Nothing here reads a clock: the day asked about is given. Facts may be given in any order.
//! * Whatever erases takes a [`Cleared`], and only [`Batch::clear`], [`Cleared::outside_a_batch`] and
//!   [`Cleared::replayed`] make one: nothing goes over a hold, and nothing of a batch that a second person has not
//!   approved.
//!
//! *Not here*: where facts come from and what erases them (`store`), who may do what (policies), words (`web`).

mod batch;
mod clock;
mod document;
mod erasure;
mod forecast;
mod hold;
mod lint;
mod recheck;
mod rule;
mod say;
mod standing;

/// Id of a record, entry, document, batch, hold or account.
pub use uuid::Uuid as Id;

pub use batch::{
    Action, Actor, Batch, BatchRefusal, BatchState, Change, Disposition, Item, Key, Outcome, Person, Step, TallyRow,
};
pub use clock::{Clock, Event, Other, Starts, WaitingFor};
pub use document::{DocumentStanding, DocumentUse, document_standing};
pub use erasure::{Anonymised, ErasedEntry, Erasure, anonymised, erasure, fields_in, identifying, part_fields};
pub use forecast::{Forecast, forecast};
pub use hold::{Hold, HoldScope, Subjects};
pub use lint::{RuleFault, rule_faults};
pub use recheck::{Cleared, DropReason, Now, Recheck, recheck, recheck_closing};
pub use rule::{Rule, RuleUnread, Source, Then, Trigger};
pub use say::{Arg, KEYS, Said, say, say_whole};
pub use standing::{Blocker, BlockerKind, Facts, KeptUntil, Part, Standing, Whole, Why, why};

#[cfg(test)]
mod tests;
