//! Queries, a file per noun. Each takes a permit and returns a sealed value with the event to be logged first.

pub mod accesses;
pub(in crate::store) mod active;
pub mod aggregates;
pub mod audit;
pub mod cases;
pub mod confirmations;
pub mod disclosure;
pub mod documents;
pub mod exchanges;
pub mod grants;
pub mod imports;
pub mod jobs;
pub mod letters;
pub mod lists;
pub mod me;
pub mod moves;
pub mod publications;
pub mod queue;
pub mod records;
pub mod relations;
pub mod report;
pub mod reports;
pub mod supervision;
