//! The guard: a write without audit, or a read without log, cannot be expressed outside this folder.
//!
//! * A [`Permit`] is minted only by the `authorize…` functions of a transaction, for one act, and is spent by the
//!   function that does it. It is branded with its transaction: it can neither leave it nor enter another.
//! * What a query returns is [`Sealed`]: it cannot be serialised, printed or looked into. Only
//!   [`super::Store::disclose`] and [`super::Store::write`] open it, after the log entry has committed.
//! * [`Disclosed`] is the only thing the web can render.
//!
//! `tests/compile_fail` proves that the misuses don't compile.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::facts::RecordFacts;
use crate::domain::access::rights::Ruling;
use crate::domain::access::{Action, SectionRights};
use crate::domain::audit::Event;
use crate::domain::case::CaseFile;
use crate::domain::registers::Register;

/// Ties a value to one transaction: invariant in `'tx`.
pub(in crate::store) type Brand<'tx> = PhantomData<fn(&'tx ()) -> &'tx ()>;

/// An action as a type, so that a permit for one cannot be spent on another.
pub trait Act {
    /// The action.
    const ACTION: Action;
}

macro_rules! acts {
    ($($name:ident),* $(,)?) => { $(
        #[doc = concat!("The act of [`Action::", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;
        impl Act for $name {
            const ACTION: Action = Action::$name;
        }
    )* };
}

acts!(
    RecordRead,
    RecordList,
    RecordHistory,
    RecordCreate,
    RecordChange,
    RecordCorrect,
    RecordEnd,
    DocumentAdd,
    DocumentRead,
    GrantList,
    GrantIssue,
    GrantChange,
    GrantRevoke,
    AuditRead,
    AuditProve,
    AuditReview,
    AccessReport,
    JobList,
    CaseOpen,
    CaseRead,
    CaseRespond,
    CaseHandle,
    CaseDecide,
    DisclosureRelease,
    DisclosureList,
    ReportRun,
    PublicationPropose,
    PublicationApprove,
    ConfirmationRead,
    ConfirmationCheck,
    ConfirmationConfirm,
    ExchangeRun,
    RetentionRead,
    RetentionPropose,
    RetentionApprove,
    RetentionExecute,
    HoldSet,
    RegisterClose,
);

/// Leave to do one act `A`, once, in one transaction.
#[must_use]
pub struct Permit<'tx, A: Act> {
    pub(in crate::store) register: Arc<Register>,
    pub(in crate::store) ruling: Ruling,
    pub(in crate::store) rights: SectionRights,
    /// What the holder may see of the result.
    pub(in crate::store) view: SectionRights,
    pub(in crate::store) facts: Option<RecordFacts>,
    /// The case that it is about.
    pub(in crate::store) case: Option<Box<CaseFile>>,
    pub(in crate::store) act: PhantomData<A>,
    pub(in crate::store) brand: Brand<'tx>,
}

impl<A: Act> Permit<'_, A> {
    /// The case that it is about.
    pub fn case(&self) -> Option<&CaseFile> {
        self.case.as_deref()
    }

    /// The version of the register under which it was given.
    pub fn register(&self) -> &Arc<Register> {
        &self.register
    }
}

/// A value that nobody may see before its log entry is durable.
#[must_use]
pub struct Sealed<'tx, T> {
    value: T,
    event: Option<Event>,
    brand: Brand<'tx>,
}

impl<T> Sealed<'_, T> {
    /// Seals what a query returned together with the event that must be recorded first. For writes the event is
    /// recorded in the act's own transaction and `event` is `None`.
    pub(in crate::store) fn new(value: T, event: Option<Event>) -> Self {
        Self { value, event, brand: PhantomData }
    }

    /// What only the program itself looks at (a password hash to compare with): it is never served, so that no log
    /// entry stands before it.
    pub(crate) fn unlogged(value: T) -> Self {
        Self::new(value, None)
    }

    pub(in crate::store) fn open(self) -> (T, Option<Event>) {
        (self.value, self.event)
    }
}

/// A value whose log entry is durable: the only thing that may be shown.
pub struct Disclosed<T>(T);

impl<T> Disclosed<T> {
    pub(in crate::store) fn new(value: T) -> Self {
        Self(value)
    }

    /// What may be shown.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Something else that is made of what may be shown, and of nothing beside it.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Disclosed<U> {
        Disclosed(make(self.0))
    }

    /// What may be shown, by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: Serialize> Serialize for Disclosed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T> std::fmt::Debug for Disclosed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disclosed(..)")
    }
}
