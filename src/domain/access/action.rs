//! The actions that policies speak about, and the things they are done to.

use crate::domain::audit::Kind;
use crate::domain::statute::procedures::StepKind;

/// Everything a policy can permit or forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Open one record.
    RecordRead,
    /// List and search records.
    RecordList,
    /// Read every entry of a record.
    RecordHistory,
    /// Enter a new record.
    RecordCreate,
    /// Change a record from a day on.
    RecordChange,
    /// Correct a wrong entry.
    RecordCorrect,
    /// End a record.
    RecordEnd,
    /// Enter a base document.
    DocumentAdd,
    /// Read a base document or its file.
    DocumentRead,
    /// Read grants and the grant log.
    GrantList,
    /// Grant a role.
    GrantIssue,
    /// Change a grant.
    GrantChange,
    /// End a grant.
    GrantRevoke,
    /// Read the audit log.
    AuditRead,
    /// Fetch checkpoints, proofs and the log itself.
    AuditProve,
    /// Sign off what was reviewed, keep queries, look at signals.
    AuditReview,
    /// Ask who could see a record at an instant, who did and who received it.
    AccessReport,
    /// See the jobs and their runs.
    JobList,
    /// Open a case: ask, report, complain, apply, order.
    CaseOpen,
    /// Read a case.
    CaseRead,
    /// Say something in a case as one asked or concerned: message, clarify, acknowledge, answer, withdraw.
    CaseRespond,
    /// Take a case forward: ask for clarification, forward, extend, tell, verify, close.
    CaseHandle,
    /// Decide a case.
    CaseDecide,
    /// Release data on a decision, or enter a release made by other means.
    DisclosureRelease,
    /// Read the ledger of disclosures.
    DisclosureList,
    /// Run a statistical report and deliver it.
    ReportRun,
    /// Propose what is made public.
    PublicationPropose,
    /// Approve what is made public, or withdraw it.
    PublicationApprove,
    /// See the duties to confirm, their checklists and receipts.
    ConfirmationRead,
    /// Mark a part as checked, and write reasons for warnings and exceptions.
    ConfirmationCheck,
    /// Confirm the data, as one who answers for them.
    ConfirmationConfirm,
    /// Exchange data with another register by a profile of the definition.
    ExchangeRun,
    /// See what falls due and why, batches, acts and packages of retention.
    RetentionRead,
    /// Propose a batch of what is due, and review its items.
    RetentionPropose,
    /// Approve a batch that somebody else proposed.
    RetentionApprove,
    /// Carry out an approved batch: package, erase, draw up the act.
    RetentionExecute,
    /// Set and lift legal holds.
    HoldSet,
    /// Decide that the register closes, and what becomes of its data.
    RegisterClose,
}

/// What kind of thing an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A section of a record type.
    Section,
    /// The register as a whole.
    Register,
    /// A role that is granted.
    Role,
    /// A kind of case.
    Case,
}

/// What an action is done to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// A section of a record type.
    Section {
        /// Record type.
        record_type: String,
        /// Section.
        section: String,
    },
    /// The register.
    Register,
    /// A role.
    Role(String),
    /// A kind of case.
    Case(String),
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 38] = [
        Self::RecordRead,
        Self::RecordList,
        Self::RecordHistory,
        Self::RecordCreate,
        Self::RecordChange,
        Self::RecordCorrect,
        Self::RecordEnd,
        Self::DocumentAdd,
        Self::DocumentRead,
        Self::GrantList,
        Self::GrantIssue,
        Self::GrantChange,
        Self::GrantRevoke,
        Self::AuditRead,
        Self::AuditProve,
        Self::AuditReview,
        Self::AccessReport,
        Self::JobList,
        Self::CaseOpen,
        Self::CaseRead,
        Self::CaseRespond,
        Self::CaseHandle,
        Self::CaseDecide,
        Self::DisclosureRelease,
        Self::DisclosureList,
        Self::ReportRun,
        Self::PublicationPropose,
        Self::PublicationApprove,
        Self::ConfirmationRead,
        Self::ConfirmationCheck,
        Self::ConfirmationConfirm,
        Self::ExchangeRun,
        Self::RetentionRead,
        Self::RetentionPropose,
        Self::RetentionApprove,
        Self::RetentionExecute,
        Self::HoldSet,
        Self::RegisterClose,
    ];

    /// What taking `step` of a case is.
    pub fn of_step(step: StepKind) -> Self {
        match step {
            StepKind::Message | StepKind::Clarify | StepKind::Acknowledge | StepKind::Answer | StepKind::Withdraw => {
                Self::CaseRespond
            }
            StepKind::AskClarification
            | StepKind::AskIdentity
            | StepKind::Identify
            | StepKind::Extend
            | StepKind::Forward
            | StepKind::Notify
            | StepKind::Verify
            | StepKind::Close => Self::CaseHandle,
            StepKind::Decide => Self::CaseDecide,
        }
    }

    /// Whether leave for this is leave to take `step`: whoever takes a case forward may also say something in it.
    pub fn allows_step(self, step: StepKind) -> bool {
        let needed = Self::of_step(step);
        self == needed || (self == Self::CaseHandle && needed == Self::CaseRespond)
    }

    /// The name in policies, answers and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RecordRead => "record.read",
            Self::RecordList => "record.list",
            Self::RecordHistory => "record.history",
            Self::RecordCreate => "record.create",
            Self::RecordChange => "record.change",
            Self::RecordCorrect => "record.correct",
            Self::RecordEnd => "record.end",
            Self::DocumentAdd => "document.add",
            Self::DocumentRead => "document.read",
            Self::GrantList => "grant.list",
            Self::GrantIssue => "grant.issue",
            Self::GrantChange => "grant.change",
            Self::GrantRevoke => "grant.revoke",
            Self::AuditRead => "audit.read",
            Self::AuditProve => "audit.prove",
            Self::AuditReview => "audit.review",
            Self::AccessReport => "access.report",
            Self::JobList => "job.list",
            Self::CaseOpen => "case.open",
            Self::CaseRead => "case.read",
            Self::CaseRespond => "case.respond",
            Self::CaseHandle => "case.handle",
            Self::CaseDecide => "case.decide",
            Self::DisclosureRelease => "disclosure.release",
            Self::DisclosureList => "disclosure.list",
            Self::ReportRun => "report.run",
            Self::PublicationPropose => "publication.propose",
            Self::PublicationApprove => "publication.approve",
            Self::ConfirmationRead => "confirmation.read",
            Self::ConfirmationCheck => "confirmation.check",
            Self::ConfirmationConfirm => "confirmation.confirm",
            Self::ExchangeRun => "exchange.run",
            Self::RetentionRead => "retention.read",
            Self::RetentionPropose => "retention.propose",
            Self::RetentionApprove => "retention.approve",
            Self::RetentionExecute => "retention.execute",
            Self::HoldSet => "hold.set",
            Self::RegisterClose => "register.close",
        }
    }

    /// The group in policies: `view`, `enter`, `oversee`, `administer`, `procedure`, `release`,
    /// `confirmation` or `retention`.
    pub fn group(self) -> &'static str {
        match self {
            Self::RecordRead | Self::RecordList | Self::RecordHistory | Self::DocumentRead => "view",
            Self::RecordCreate | Self::RecordChange | Self::RecordCorrect | Self::RecordEnd | Self::DocumentAdd => {
                "enter"
            }
            Self::GrantList
            | Self::AuditRead
            | Self::AuditProve
            | Self::AuditReview
            | Self::AccessReport
            | Self::DisclosureList
            | Self::JobList => "oversee",
            Self::CaseOpen | Self::CaseRead | Self::CaseRespond | Self::CaseHandle | Self::CaseDecide => "procedure",
            Self::DisclosureRelease
            | Self::ReportRun
            | Self::PublicationPropose
            | Self::PublicationApprove
            | Self::ExchangeRun => "release",
            Self::ConfirmationRead | Self::ConfirmationCheck | Self::ConfirmationConfirm => "confirmation",
            Self::RetentionRead
            | Self::RetentionPropose
            | Self::RetentionApprove
            | Self::RetentionExecute
            | Self::HoldSet
            | Self::RegisterClose => "retention",
            Self::GrantIssue | Self::GrantChange | Self::GrantRevoke => "administer",
        }
    }

    /// Whether it enters data, or takes part in entering them: what nobody does in a register that is closed. What
    /// reads, releases, settles, reviews and erases goes on. Giving rights is asked with the role
    /// ([`Actor::role`](super::Actor::role)).
    pub fn enters(self) -> bool {
        match self {
            Self::RecordCreate
            | Self::RecordChange
            | Self::RecordCorrect
            | Self::RecordEnd
            | Self::DocumentAdd
            | Self::ConfirmationCheck
            | Self::ConfirmationConfirm
            | Self::ExchangeRun => true,
            Self::RecordRead
            | Self::RecordList
            | Self::RecordHistory
            | Self::DocumentRead
            | Self::GrantList
            | Self::GrantIssue
            | Self::GrantChange
            | Self::GrantRevoke
            | Self::AuditRead
            | Self::AuditProve
            | Self::AuditReview
            | Self::AccessReport
            | Self::JobList
            | Self::CaseOpen
            | Self::CaseRead
            | Self::CaseRespond
            | Self::CaseHandle
            | Self::CaseDecide
            | Self::DisclosureRelease
            | Self::DisclosureList
            | Self::ReportRun
            | Self::PublicationPropose
            | Self::PublicationApprove
            | Self::ConfirmationRead
            | Self::RetentionRead
            | Self::RetentionPropose
            | Self::RetentionApprove
            | Self::RetentionExecute
            | Self::HoldSet
            | Self::RegisterClose => false,
        }
    }

    /// What it is done to.
    pub fn object_kind(self) -> ObjectKind {
        match self {
            Self::RecordRead
            | Self::RecordList
            | Self::RecordHistory
            | Self::RecordCreate
            | Self::RecordChange
            | Self::RecordCorrect
            | Self::RecordEnd => ObjectKind::Section,
            Self::DocumentAdd
            | Self::DocumentRead
            | Self::GrantList
            | Self::AuditRead
            | Self::AuditProve
            | Self::AuditReview
            | Self::AccessReport
            | Self::JobList
            | Self::DisclosureRelease
            | Self::DisclosureList
            | Self::ReportRun
            | Self::PublicationPropose
            | Self::PublicationApprove
            | Self::ConfirmationRead
            | Self::ConfirmationCheck
            | Self::ConfirmationConfirm
            | Self::ExchangeRun
            | Self::RetentionRead
            | Self::RetentionPropose
            | Self::RetentionApprove
            | Self::RetentionExecute
            | Self::HoldSet
            | Self::RegisterClose => ObjectKind::Register,
            Self::CaseOpen | Self::CaseRead | Self::CaseRespond | Self::CaseHandle | Self::CaseDecide => {
                ObjectKind::Case
            }
            Self::GrantIssue | Self::GrantChange | Self::GrantRevoke => ObjectKind::Role,
        }
    }

    /// The coarse kind under which the log keeps it when it is permitted.
    pub fn kind(self) -> Kind {
        match self {
            Self::RecordRead
            | Self::RecordList
            | Self::RecordHistory
            | Self::DocumentRead
            | Self::GrantList
            | Self::AuditRead
            | Self::AuditReview
            | Self::AccessReport
            | Self::JobList
            | Self::CaseRead
            | Self::ConfirmationRead
            | Self::DisclosureList
            | Self::RetentionRead => Kind::Read,
            Self::AuditProve => Kind::Export,
            Self::CaseOpen | Self::CaseRespond | Self::CaseHandle | Self::CaseDecide => Kind::Case,
            Self::DisclosureRelease
            | Self::ReportRun
            | Self::PublicationPropose
            | Self::PublicationApprove
            | Self::ExchangeRun => Kind::Disclosure,
            Self::ConfirmationCheck | Self::ConfirmationConfirm => Kind::Confirmation,
            Self::RecordCreate | Self::RecordChange | Self::RecordCorrect | Self::RecordEnd => Kind::Write,
            Self::DocumentAdd => Kind::Document,
            Self::RetentionPropose
            | Self::RetentionApprove
            | Self::RetentionExecute
            | Self::HoldSet
            | Self::RegisterClose => Kind::Erasure,
            Self::GrantIssue | Self::GrantChange | Self::GrantRevoke => Kind::Grant,
        }
    }
}
