//! Andmekogu: a public register runs from its statute.
//!
//! A *register definition* is the statute as data; the engine enforces it: who may enter what on which document, who may see it, who
//! did see it, and which clause says so. No line of this source knows any particular register.
//!
//! # Invariants
//! 1. Every entry refers to the audit entry that made it, written in the same transaction.
//! 2. No personal value leaves the process before its access-log entry is durable.
//! 3. Nothing happens without a decision; a policy that errs denies; a denial is logged.
//! 4. The log and the ledgers only grow.
//! 5. No personal data are inside the hashed log.
//! 6. Entries are superseded, never overwritten.
//! 7. [`domain`] reads no clock and no randomness.
//! 8. Only [`store`] knows SQL, only [`web`] knows HTTP, only [`config`] knows the environment.
//! 9. The command line and jobs act as named actors under the same policies.
//! 10. A register is data.
//!
//! # Map
//! `main → cli → web → jobs → app → store → domain`, `config → domain`; nothing points back. `mail` and `locale` stand aside: letters
//! and their words. `docs/architecture.md` names the test that keeps
//! each invariant and walks through an act.

pub mod app;
pub mod archive;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod files;
pub mod jobs;
pub mod locale;
pub mod mail;
pub mod store;
pub mod web;
