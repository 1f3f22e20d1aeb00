//! The suite: one binary, a module a theme. Tests read as sentences; what they assert is what a user or a lawyer
//! would care about.

mod harness;

mod audit;
mod cases;
mod compile_fail;
mod confirmations;
mod definition;
mod disclosure;
mod documents;
mod education;
mod exchange;
mod faults;
mod grants;
mod imports;
mod input;
mod jobs;
mod leavers;
mod login;
mod mail;
mod matrix;
mod moves;
mod notices;
mod publication;
mod queue;
mod readme;
mod records;
mod reports;
mod rights;
mod schema;
mod statute_education;
mod supervision;
mod tidy;
mod unseen;
