//! The suite: one binary, a module a theme. Tests read as sentences; what they assert is what a user or a lawyer
//! would care about.

mod harness;

mod audit;
mod cases;
mod compile_fail;
mod definition;
mod disclosure;
mod documents;
mod faults;
mod grants;
mod input;
mod jobs;
mod leavers;
mod login;
mod mail;
mod matrix;
mod notices;
mod publication;
mod readme;
mod records;
mod reports;
mod rights;
mod schema;
mod supervision;
mod tidy;
mod unseen;
