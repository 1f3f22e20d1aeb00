//! Queries, a file per noun. Each takes a permit and returns a sealed value with the event to be logged first.

pub mod aggregates;
pub mod audit;
pub mod documents;
pub mod grants;
pub mod lists;
pub mod me;
pub mod records;
