//! The rules, pure: no database, no HTTP, no clock, no randomness. What a statute means for records,
//! rights and proofs is decided here and tested here without any of them.

pub mod access;
pub mod audit;
pub mod backup;
pub mod calendar;
pub mod case;
pub mod closing;
pub mod confirmation;
pub mod directory;
pub mod disclosure;
pub mod identity;
pub mod import;
pub mod publication;
pub mod publicity;
pub mod record;
pub mod refusal;
pub mod registers;
pub mod retention;
pub mod schedule;
pub mod statute;
pub mod supervision;

/// Bytes in lower-case hexadecimal, as digests are written everywhere.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
