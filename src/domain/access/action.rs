//! The actions that policies speak about, and the things they are done to.

use crate::domain::audit::Kind;

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
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 15] = [
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
    ];

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
        }
    }

    /// The group in policies: `view`, `enter`, `oversee` or `administer`.
    pub fn group(self) -> &'static str {
        match self {
            Self::RecordRead | Self::RecordList | Self::RecordHistory | Self::DocumentRead => "view",
            Self::RecordCreate | Self::RecordChange | Self::RecordCorrect | Self::RecordEnd | Self::DocumentAdd => {
                "enter"
            }
            Self::GrantList | Self::AuditRead | Self::AuditProve => "oversee",
            Self::GrantIssue | Self::GrantChange | Self::GrantRevoke => "administer",
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
            Self::DocumentAdd | Self::DocumentRead | Self::GrantList | Self::AuditRead | Self::AuditProve => {
                ObjectKind::Register
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
            | Self::AuditRead => Kind::Read,
            Self::AuditProve => Kind::Export,
            Self::RecordCreate | Self::RecordChange | Self::RecordCorrect | Self::RecordEnd => Kind::Write,
            Self::DocumentAdd => Kind::Document,
            Self::GrantIssue | Self::GrantChange | Self::GrantRevoke => Kind::Grant,
        }
    }
}
