//! What can be done, a file per noun: each act takes its permit, checks the facts, and applies one change.

pub mod documents;
pub mod grants;
pub mod records;
pub mod sessions;
pub mod setup;
