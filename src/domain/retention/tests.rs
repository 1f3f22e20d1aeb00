//! What an archivist, a lawyer and a person in the register rely on.

mod batches;
mod clocks;
mod erasures;
mod properties;
mod samples;
mod standings;
