//! What can be done, a file per noun: each act takes its permit, checks the facts, and applies one change.

pub mod backups;
pub mod batch;
pub mod cases;
mod checks;
pub mod closing;
pub mod confirmations;
mod definitions;
pub mod desk;
pub mod disclosure;
pub mod documents;
pub mod exchanges;
pub mod grants;
pub mod imports;
pub mod leavers;
pub mod letters;
pub mod moves;
pub mod own_data;
pub mod publications;
pub mod recertification;
pub mod records;
pub mod reports;
pub mod retention;
pub mod sessions;
pub mod setup;
pub mod supervision;
pub mod uploads;
