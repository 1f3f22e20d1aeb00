//! A batch: what falls due is proposed, reviewed item by item, approved by a second person, and executed in steps.
//!
//! ```text
//! proposed ─ finish_review → reviewed ─ approve → approved ─ start → executing → done | partly failed
//!     ↑            └ send_back ┘ │
//!     └─ cancel: while proposed or reviewed
//! ```
//!
//! Every transition is whole or not at all: where one is refused, the batch is as it was. Those of an execution are
//! idempotent, so that one that was cut short goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Id;
use super::recheck::{Cleared, DropReason, Now, Recheck, recheck, recheck_closing};
use super::rule::Then;
use super::standing::{KeptUntil, Part, Standing, Why};
use crate::domain::closing::ClosingBasis;
use crate::domain::statute::Clause;

/// A person who acts: an account, and the human being behind it, who may have another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account.
    pub user: Id,
    /// The personal code, in stored form, with its country where the register knows several.
    pub code: Option<String>,
}

impl fmt::Debug for Person {
    /// Without the personal code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.user)
    }
}

impl Person {
    /// Whether both are the same human being, in whatever role or account.
    pub fn is(&self, other: &Self) -> bool {
        self.user == other.user || (self.code.is_some() && self.code == other.code)
    }
}

/// Who proposes or executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A scheduled job, by name.
    Job(String),
    /// A person.
    Person(Person),
}

impl Actor {
    fn is(&self, person: &Person) -> bool {
        matches!(self, Self::Person(p) if p.is(person))
    }
}

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Open for review.
    Proposed,
    /// Reviewed; waits for a second person.
    Reviewed,
    /// Approved; nothing has happened yet.
    Approved,
    /// Being carried out.
    Executing,
    /// Carried out.
    Done,
    /// Carried out in part: the items that failed are still there.
    PartlyFailed,
    /// Given up before it was approved.
    Cancelled,
}

impl BatchState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Reviewed => "reviewed",
            Self::Approved => "approved",
            Self::Executing => "executing",
            Self::Done => "done",
            Self::PartlyFailed => "partly_failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A step of an execution, in this order. The first three fall away where nothing is archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The package was written.
    PackageWritten,
    /// It was read back and compared.
    PackageVerified,
    /// It lies where it is kept, and its digests were checked there.
    Stored,
    /// Every item was erased, dropped or failed.
    Erased,
    /// The act was drawn up.
    ActDrawn,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::PackageWritten, Self::PackageVerified, Self::Stored, Self::Erased, Self::ActDrawn];
}

/// By what an item is told from others: a record and the rule under which its data go.
pub type Key<'a> = (Id, &'a str);

/// The data of one record under one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The record.
    pub record: Id,
    /// Its type.
    pub record_type: String,
    /// The rule.
    pub rule: String,
    /// The rule's clause.
    pub clause: Clause,
    /// Series of the document list.
    pub series: Option<String>,
    /// Version of the record, as proposed.
    pub version: i64,
    /// What the rule counts from.
    pub trigger: Option<String>,
    /// The day of the trigger, as proposed.
    pub trigger_on: NaiveDate,
    /// Period of the rule, as proposed.
    pub period: Option<String>,
    /// First day on which the data may go.
    pub due_on: NaiveDate,
    /// What the rule says becomes of them.
    pub then: Then,
    /// Why a reviewer took it out.
    pub excluded: Option<String>,
    /// What a reviewer decided, where the rule asks for a review.
    pub disposition: Option<Disposition>,
    /// How it went.
    pub outcome: Outcome,
}

impl Item {
    /// The item for the data under `rule`, where they may go.
    pub fn of(why: &Why, record_type: &str, rule: &str) -> Option<Self> {
        let part: &Part = why.part(rule).filter(|p| p.may_go())?;
        let Standing::Due { trigger_on, due_on } = part.state else {
            return None;
        };
        Some(Self {
            record: why.record,
            record_type: record_type.to_owned(),
            rule: part.rule.clone(),
            clause: part.clause.clone(),
            series: part.series.clone(),
            version: why.version,
            trigger: part.trigger.clone(),
            trigger_on,
            period: part.period.clone(),
            due_on,
            then: part.then,
            excluded: None,
            disposition: None,
            outcome: Outcome::Pending,
        })
    }

    /// By what it is told from others.
    pub fn key(&self) -> Key<'_> {
        (self.record, &self.rule)
    }

    /// What is done with it; `None` where it was excluded, is kept longer, or is not decided yet.
    pub fn action(&self) -> Option<Action> {
        match (&self.excluded, self.then, &self.disposition) {
            (Some(_), _, _) | (None, Then::Keep, _) => None,
            (None, Then::Archive, _) | (None, Then::Review, Some(Disposition::Archive)) => Some(Action::Archive),
            (None, Then::Destroy, _) | (None, Then::Review, Some(Disposition::Destroy)) => Some(Action::Destroy),
            (None, Then::Anonymise, _) => Some(Action::Anonymise),
            (None, Then::Review, Some(Disposition::KeepUntil { .. }) | None) => None,
        }
    }

    fn is_undecided(&self) -> bool {
        self.excluded.is_none() && self.then == Then::Review && self.disposition.is_none()
    }

    fn is_pending(&self) -> bool {
        self.action().is_some() && self.outcome == Outcome::Pending
    }
}

/// What is done with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Packaged, stored, then erased here.
    Archive,
    /// Erased.
    Destroy,
    /// Erased but for what the rule keeps.
    Anonymise,
}

/// What a reviewer decides of an item whose rule asks for a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Hand it to the archive.
    Archive,
    /// Destroy it.
    Destroy,
    /// Keep it through a day, and review it again after.
    KeepUntil {
        /// The day.
        until: NaiveDate,
        /// Why.
        reason: String,
    },
}

/// How an item went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing has happened.
    Pending,
    /// Its data are gone.
    Erased,
    /// It fell out at the last look.
    Dropped(DropReason),
    /// It could not be erased; a stable code.
    Failed(String),
}

/// A change that a reviewer makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Take it out, for a reason.
    Exclude(String),
    /// Put it back in.
    Include,
    /// Decide what becomes of it.
    Decide(Disposition),
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its id.
    pub id: Id,
    proposed_by: Actor,
    reviewed_by: Vec<Person>,
    approved_by: Option<Person>,
    state: BatchState,
    /// Grows with every change of a review, so that nobody approves what they have not seen.
    revision: u32,
    done: Option<Step>,
    /// The decision that it carries out; absent where what is due goes by its rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closing: Option<Box<ClosingBasis>>,
    items: Vec<Item>,
}

/// Why a batch stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchRefusal {
    /// It does not stand where this could be done.
    WrongState {
        /// Where it stands.
        state: BatchState,
    },
    /// Nothing is in it, or everything was taken out of it.
    Empty,
    /// An item stands in it twice.
    Twice,
    /// There is no such item in it.
    NoSuchItem,
    /// A reason is missing.
    NoReason,
    /// The day until which something is kept has passed.
    UntilPassed,
    /// What becomes of the item is said by its rule.
    NotForReview {
        /// Clause of the rule.
        clause: Clause,
    },
    /// What becomes of some items has not been decided.
    Undecided {
        /// How many.
        items: usize,
        /// Clause of the rule of the first.
        clause: Clause,
    },
    /// The batch changed after it was looked at.
    Stale {
        /// Its revision.
        revision: u32,
    },
    /// Whoever approves proposed it or reviewed it, in whatever role.
    SamePerson,
    /// Whoever carries it out approved it.
    ApproverExecutes,
    /// Another step comes first.
    OutOfOrder {
        /// The step that comes next.
        next: Option<Step>,
    },
    /// Items have been neither erased nor dropped.
    ItemsPending {
        /// How many.
        items: usize,
    },
}

impl BatchRefusal {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongState { .. } => "batch_state",
            Self::Empty => "batch_empty",
            Self::Twice => "item_twice",
            Self::NoSuchItem => "no_such_item",
            Self::NoReason => "reason_missing",
            Self::UntilPassed => "until_passed",
            Self::NotForReview { .. } => "not_for_review",
            Self::Undecided { .. } => "undecided",
            Self::Stale { .. } => "stale",
            Self::SamePerson => "same_person",
            Self::ApproverExecutes => "approver_executes",
            Self::OutOfOrder { .. } => "step_order",
            Self::ItemsPending { .. } => "items_pending",
        }
    }

    /// The clause on which it rests, where one says so.
    pub const fn clause(&self) -> Option<&Clause> {
        match self {
            Self::NotForReview { clause } | Self::Undecided { clause, .. } => Some(clause),
            _ => None,
        }
    }
}

impl fmt::Display for BatchRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongState { state } => write!(f, "the batch is {}; this cannot be done with it", state.as_str()),
            Self::Empty => f.write_str("nothing is left in the batch; cancel it"),
            Self::Twice => f.write_str("the same data stand in the batch twice; propose them once"),
            Self::NoSuchItem => f.write_str("there is no such item in the batch"),
            Self::NoReason => f.write_str("write the reason"),
            Self::UntilPassed => f.write_str("the day until which it is kept must be later than today"),
            Self::NotForReview { .. } => f.write_str("the rule says what becomes of it; exclude it, or leave it in"),
            Self::Undecided { items, .. } => write!(f, "decide what becomes of {items} item(s), or exclude them"),
            Self::Stale { revision } => {
                write!(f, "the batch has changed since you looked; look again, it is at revision {revision}")
            }
            Self::SamePerson => f.write_str(
                "whoever proposed or reviewed the batch cannot approve it, in another role either; ask a second person",
            ),
            Self::ApproverExecutes => f.write_str("whoever approved the batch does not carry it out; ask another"),
            Self::OutOfOrder { next: Some(next) } => write!(f, "{next:?} comes first"),
            Self::OutOfOrder { next: None } => f.write_str("all steps have been done"),
            Self::ItemsPending { items } => write!(f, "{items} item(s) have been neither erased nor dropped"),
        }
    }
}

impl std::error::Error for BatchRefusal {}

/// What became of the items of one kind, for the act.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TallyRow {
    /// Erased.
    pub erased: u64,
    /// Fell out at the last look.
    pub dropped: u64,
    /// Could not be erased.
    pub failed: u64,
    /// Not yet.
    pub pending: u64,
}

impl Batch {
    /// A new batch. Items are put in the order of their keys.
    ///
    /// # Errors
    /// [`BatchRefusal::Empty`] and [`BatchRefusal::Twice`].
    pub fn propose(id: Id, by: Actor, mut items: Vec<Item>) -> Result<Self, BatchRefusal> {
        if items.is_empty() {
            return Err(BatchRefusal::Empty);
        }
        items.sort_by(|a, b| a.key().cmp(&b.key()));
        if items.windows(2).any(|pair| matches!(pair, [a, b] if a.key() == b.key())) {
            return Err(BatchRefusal::Twice);
        }
        for item in &mut items {
            (item.excluded, item.disposition, item.outcome) = (None, None, Outcome::Pending);
        }
        Ok(Self {
            id,
            proposed_by: by,
            reviewed_by: Vec::new(),
            approved_by: None,
            state: BatchState::Proposed,
            revision: 0,
            done: None,
            closing: None,
            items,
        })
    }

    /// A batch that carries out an approved decision to close the register: what goes was decided and approved with it.
    ///
    /// # Errors
    /// As [`Batch::propose`]; [`BatchRefusal::SamePerson`].
    pub(in crate::domain) fn by_decision(
        id: Id,
        basis: ClosingBasis,
        proposer: &Person,
        approver: &Person,
        items: Vec<Item>,
    ) -> Result<Self, BatchRefusal> {
        let mut batch = Self::propose(id, Actor::Person(proposer.clone()), items)?;
        batch.closing = Some(Box::new(basis));
        batch.finish_review(proposer, batch.revision)?;
        batch.approve(approver, batch.revision)?;
        Ok(batch)
    }

    /// The decision that it carries out, where the register closes.
    pub fn closing(&self) -> Option<&ClosingBasis> {
        self.closing.as_deref()
    }

    /// Where it stands.
    pub fn state(&self) -> BatchState {
        self.state
    }

    /// What a reviewer or approver has seen.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Its items, by key.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// One of its items.
    pub fn item(&self, key: Key<'_>) -> Option<&Item> {
        self.items.get(self.at(key).ok()?)
    }

    /// Who proposed it.
    pub fn proposed_by(&self) -> &Actor {
        &self.proposed_by
    }

    /// Who reviewed it, once each.
    pub fn reviewed_by(&self) -> &[Person] {
        &self.reviewed_by
    }

    /// Who approved it.
    pub fn approved_by(&self) -> Option<&Person> {
        self.approved_by.as_ref()
    }

    /// The last step that was done.
    pub fn done(&self) -> Option<Step> {
        self.done
    }

    /// The step to be done next, while it is being carried out.
    pub fn next_step(&self) -> Option<Step> {
        let archives = self.items.iter().any(|i| i.action() == Some(Action::Archive));
        let steps = if archives { &Step::ALL[..] } else { &Step::ALL[3..] };
        (self.state == BatchState::Executing).then(|| steps.iter().copied().find(|s| Some(*s) > self.done)).flatten()
    }

    fn must_be(&self, states: &[BatchState]) -> Result<(), BatchRefusal> {
        if states.contains(&self.state) { Ok(()) } else { Err(BatchRefusal::WrongState { state: self.state }) }
    }

    fn at(&self, key: Key<'_>) -> Result<usize, BatchRefusal> {
        self.items.binary_search_by(|i| i.key().cmp(&key)).map_err(|_| BatchRefusal::NoSuchItem)
    }

    fn undecided(&self) -> Result<(), BatchRefusal> {
        let undecided: Vec<&Item> = self.items.iter().filter(|i| i.is_undecided()).collect();
        match undecided.first() {
            Some(first) => Err(BatchRefusal::Undecided { items: undecided.len(), clause: first.clause.clone() }),
            None if self.items.iter().all(|i| i.excluded.is_some()) => Err(BatchRefusal::Empty),
            None => Ok(()),
        }
    }

    /// Makes all of `changes`, or none.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not proposed, no such item, a reason missing, a day passed, not for review.
    pub fn review(&mut self, by: &Person, changes: &[(Key<'_>, Change)], today: NaiveDate) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Proposed])?;
        let mut at = Vec::with_capacity(changes.len());
        for (key, change) in changes {
            let index = self.at(*key)?;
            let item = self.items.get(index).ok_or(BatchRefusal::NoSuchItem)?;
            match change {
                Change::Exclude(reason) if reason.trim().is_empty() => return Err(BatchRefusal::NoReason),
                Change::Exclude(_) | Change::Include => {}
                Change::Decide(_) if item.then != Then::Review => {
                    return Err(BatchRefusal::NotForReview { clause: item.clause.clone() });
                }
                Change::Decide(Disposition::KeepUntil { reason, .. }) if reason.trim().is_empty() => {
                    return Err(BatchRefusal::NoReason);
                }
                Change::Decide(Disposition::KeepUntil { until, .. }) if *until <= today => {
                    return Err(BatchRefusal::UntilPassed);
                }
                Change::Decide(_) => {}
            }
            at.push(index);
        }
        for (index, (_, change)) in at.into_iter().zip(changes) {
            let Some(item) = self.items.get_mut(index) else {
                continue;
            };
            match change.clone() {
                Change::Exclude(reason) => item.excluded = Some(reason),
                Change::Include => item.excluded = None,
                Change::Decide(disposition) => item.disposition = Some(disposition),
            }
        }
        self.reviewer(by);
        self.revision = self.revision.saturating_add(1);
        Ok(())
    }

    fn reviewer(&mut self, by: &Person) {
        if !self.reviewed_by.iter().any(|p| p == by) {
            self.reviewed_by.push(by.clone());
        }
    }

    /// Says that the batch was reviewed at `revision`; whoever says so reviewed it.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not proposed, stale, undecided, empty.
    pub fn finish_review(&mut self, by: &Person, revision: u32) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Proposed])?;
        self.must_be_seen(revision)?;
        self.undecided()?;
        self.reviewer(by);
        self.state = BatchState::Reviewed;
        Ok(())
    }

    fn must_be_seen(&self, revision: u32) -> Result<(), BatchRefusal> {
        if revision == self.revision { Ok(()) } else { Err(BatchRefusal::Stale { revision: self.revision }) }
    }

    /// Gives a reviewed batch back for review.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not reviewed, a reason missing.
    pub fn send_back(&mut self, reason: &str) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Reviewed])?;
        if reason.trim().is_empty() {
            return Err(BatchRefusal::NoReason);
        }
        self.state = BatchState::Proposed;
        self.revision = self.revision.saturating_add(1);
        Ok(())
    }

    /// Approves what was reviewed at `revision`.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not reviewed, stale, [`SamePerson`](BatchRefusal::SamePerson).
    pub fn approve(&mut self, by: &Person, revision: u32) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Reviewed])?;
        if self.proposed_by.is(by) || self.reviewed_by.iter().any(|p| p.is(by)) {
            return Err(BatchRefusal::SamePerson);
        }
        self.must_be_seen(revision)?;
        self.approved_by = Some(by.clone());
        self.state = BatchState::Approved;
        Ok(())
    }

    /// Gives the batch up, before it was approved.
    ///
    /// # Errors
    /// [`BatchRefusal`]: approved, or over.
    pub fn cancel(&mut self, reason: &str) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Proposed, BatchState::Reviewed])?;
        if reason.trim().is_empty() {
            return Err(BatchRefusal::NoReason);
        }
        self.state = BatchState::Cancelled;
        Ok(())
    }

    /// What the approved reviews keep longer: to be told to [`Facts::kept_until`](super::Facts::kept_until) from then
    /// on, by record. Empty before the approval.
    pub fn kept_until(&self) -> Vec<(Id, KeptUntil)> {
        if self.approved_by.is_none() {
            return Vec::new();
        }
        let kept = |i: &Item| match (&i.excluded, &i.disposition) {
            (None, Some(Disposition::KeepUntil { until, reason })) => {
                Some((i.record, KeptUntil { rule: i.rule.clone(), until: *until, reason: reason.clone() }))
            }
            _ => None,
        };
        self.items.iter().filter_map(kept).collect()
    }

    /// Begins to carry the batch out; nothing happens where that has begun.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not approved, [`ApproverExecutes`](BatchRefusal::ApproverExecutes).
    pub fn start(&mut self, by: &Actor) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Approved, BatchState::Executing])?;
        if self.approved_by.as_ref().is_some_and(|p| by.is(p)) {
            return Err(BatchRefusal::ApproverExecutes);
        }
        self.state = BatchState::Executing;
        Ok(())
    }

    /// The last look at an item before it is packaged or erased. What falls out is marked as dropped, what is gone
    /// already as erased; `Some` is leave to erase the rest, once.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not being carried out, no such item, or something else comes first than erasing.
    pub fn clear(&mut self, key: Key<'_>, now: Now<'_>) -> Result<Option<Cleared>, BatchRefusal> {
        self.must_erase_next()?;
        Ok(match self.look(key, now)? {
            Recheck::Go => self.items.get(self.at(key)?).map(Cleared::of),
            Recheck::AlreadyGone | Recheck::Dropped(_) => None,
        })
    }

    /// The look at an item before it is put into the package: what falls out of the batch does not get into it.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not being carried out, no such item.
    pub fn look(&mut self, key: Key<'_>, now: Now<'_>) -> Result<Recheck, BatchRefusal> {
        self.must_be(&[BatchState::Executing])?;
        let index = self.at(key)?;
        let item = self.items.get_mut(index).ok_or(BatchRefusal::NoSuchItem)?;
        let found = match &item.outcome {
            _ if item.action().is_none() => return Err(BatchRefusal::NoSuchItem),
            Outcome::Erased => Recheck::AlreadyGone,
            Outcome::Dropped(reason) => Recheck::Dropped(reason.clone()),
            Outcome::Pending | Outcome::Failed(_) if self.closing.is_some() => recheck_closing(item, now),
            Outcome::Pending | Outcome::Failed(_) => recheck(item, now),
        };
        match &found {
            Recheck::Go => {}
            Recheck::AlreadyGone => item.outcome = Outcome::Erased,
            Recheck::Dropped(reason) => item.outcome = Outcome::Dropped(reason.clone()),
        }
        Ok(found)
    }

    fn must_erase_next(&self) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Executing])?;
        let next = self.next_step();
        if next == Some(Step::Erased) { Ok(()) } else { Err(BatchRefusal::OutOfOrder { next }) }
    }

    /// Says that what `cleared` gave leave for was erased.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not being carried out, the leave is for something else.
    pub fn erased(&mut self, cleared: Cleared) -> Result<(), BatchRefusal> {
        let rule = cleared.rule().ok_or(BatchRefusal::NoSuchItem)?.to_owned();
        self.set((cleared.record(), &rule), Outcome::Erased)
    }

    /// Says that an item could not be erased, by a stable code. It can be tried again until the act is drawn up.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not being carried out, no such item.
    pub fn failed(&mut self, key: Key<'_>, code: &str) -> Result<(), BatchRefusal> {
        self.set(key, Outcome::Failed(code.to_owned()))
    }

    fn set(&mut self, key: Key<'_>, outcome: Outcome) -> Result<(), BatchRefusal> {
        self.must_erase_next()?;
        let index = self.at(key)?;
        let item = self.items.get_mut(index).filter(|i| i.action().is_some()).ok_or(BatchRefusal::NoSuchItem)?;
        // What is gone or fell out stays so.
        if matches!(item.outcome, Outcome::Pending | Outcome::Failed(_)) {
            item.outcome = outcome;
        }
        Ok(())
    }

    /// Says that `step` was done; nothing happens where it was done before. With the act the batch is over: done, or
    /// partly failed.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not being carried out, another step comes first, items pending.
    pub fn step_done(&mut self, step: Step) -> Result<(), BatchRefusal> {
        if self.done >= Some(step) {
            return Ok(());
        }
        self.must_be(&[BatchState::Executing])?;
        let next = self.next_step();
        if next != Some(step) {
            return Err(BatchRefusal::OutOfOrder { next });
        }
        let pending = self.items.iter().filter(|i| i.is_pending()).count();
        if step == Step::Erased && pending > 0 {
            return Err(BatchRefusal::ItemsPending { items: pending });
        }
        self.done = Some(step);
        if step == Step::ActDrawn {
            let failed = self.failures().next().is_some();
            self.state = if failed { BatchState::PartlyFailed } else { BatchState::Done };
        }
        Ok(())
    }

    /// Stops an execution that cannot go on (no room, an archive that refuses): what is not erased by now fails with
    /// `code`. The act is still to be drawn up, over what was erased and what was not.
    ///
    /// # Errors
    /// [`BatchRefusal`]: not being carried out, or everything was erased or dropped before.
    pub fn give_up(&mut self, code: &str) -> Result<(), BatchRefusal> {
        self.must_be(&[BatchState::Executing])?;
        if self.done >= Some(Step::Erased) {
            return Err(BatchRefusal::OutOfOrder { next: self.next_step() });
        }
        for item in self.items.iter_mut().filter(|i| i.is_pending()) {
            item.outcome = Outcome::Failed(code.to_owned());
        }
        self.done = Some(Step::Erased);
        Ok(())
    }

    /// The items that could not be erased, each with its code.
    pub fn failures(&self) -> impl Iterator<Item = (&Item, &str)> {
        self.items.iter().filter_map(|i| match &i.outcome {
            Outcome::Failed(code) => Some((i, code.as_str())),
            Outcome::Pending | Outcome::Erased | Outcome::Dropped(_) => None,
        })
    }

    /// What became of the items, by type, series and action: the counts of the act. No personal data.
    pub fn tally(&self) -> BTreeMap<(String, Option<String>, Action), TallyRow> {
        let mut rows: BTreeMap<_, TallyRow> = BTreeMap::new();
        for item in &self.items {
            let Some(action) = item.action() else { continue };
            let row = rows.entry((item.record_type.clone(), item.series.clone(), action)).or_default();
            let count = match item.outcome {
                Outcome::Erased => &mut row.erased,
                Outcome::Dropped(_) => &mut row.dropped,
                Outcome::Failed(_) => &mut row.failed,
                Outcome::Pending => &mut row.pending,
            };
            *count = count.saturating_add(1);
        }
        rows
    }

    /// The rules under which it takes something, by name.
    pub fn rules(&self) -> BTreeSet<&str> {
        self.items.iter().map(|i| i.rule.as_str()).collect()
    }
}
