//! Records: what a register knows of one thing, as the fold of its entries.
//!
//! [`entry`] are the dated assertions; [`fold`] makes a state of them for any day and any instant;
//! [`validate`] says what the statute permits; [`derive`] computes what is never entered; [`index`]
//! says what can be searched; [`provenance`] says where values come from. Nothing here is stored or served: see `store` and `app`.

pub mod derive;
pub mod entry;
pub mod fold;
pub mod index;
pub mod merge;
pub mod moves;
pub mod provenance;
pub mod queue;
pub mod schema;
pub mod validate;

pub use entry::{Entry, EntryKind};
pub use fold::{Segment, Timeline};

impl validate::Violation {
    /// A fault at `pointer` (RFC 6901) that belongs to no section.
    pub fn error(
        pointer: &str,
        code: &'static str,
        detail: impl Into<String>,
        clause: Option<super::statute::Clause>,
    ) -> Self {
        Self {
            pointer: pointer.to_owned(),
            code,
            detail: detail.into(),
            clause,
            severity: validate::Severity::Error,
            section: None,
        }
    }
}
