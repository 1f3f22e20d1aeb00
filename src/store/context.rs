//! Who asks, why, and under which request: what every act carries with it.

use uuid::Uuid;

/// The register under which the installation keeps what belongs to no register: users and sessions.
pub const INSTALLATION_REGISTER: &str = "installation";

/// Who calls. Rights are not here: they are read in the act's own transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A person with a session.
    Session {
        /// The user.
        user_id: Uuid,
        /// The session.
        session_id: Uuid,
    },
    /// A person known by name at the command line of the machine itself, acting with their own rights.
    User {
        /// The user.
        user_id: Uuid,
    },
    /// The installation: the command line or a job, by name. It may do what policies permit to it.
    Installation {
        /// `cli`, or the job's name.
        name: String,
    },
}

/// What every act carries with it.
#[derive(Debug, Clone)]
pub struct ActContext {
    /// Who.
    pub caller: Caller,
    /// Why personal data are read, in the caller's words.
    pub purpose: Option<String>,
    /// Request id.
    pub request_id: Option<String>,
    /// Set when the same creation may arrive twice.
    pub idempotency: Option<Idempotency>,
    /// Version that the caller has seen, from `If-Match`.
    pub if_match: Option<i64>,
    /// The grant under which the caller acts, where they hold several and name one.
    pub acting_as: Option<Uuid>,
}

impl ActContext {
    /// The installation acting under `name`.
    pub fn installation(name: &str) -> Self {
        Self {
            caller: Caller::Installation { name: name.to_owned() },
            purpose: None,
            request_id: None,
            idempotency: None,
            if_match: None,
            acting_as: None,
        }
    }

    /// A user acting at the machine itself.
    pub fn user(user_id: Uuid) -> Self {
        Self { caller: Caller::User { user_id }, ..Self::installation("") }
    }
}

/// A creation that may arrive twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key.
    pub key: String,
    /// Keyed digest of method, path and body; never the body itself.
    pub digest: Vec<u8>,
}
