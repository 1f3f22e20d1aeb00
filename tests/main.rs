//! The suite: one binary, a module a theme. Tests read as sentences; what they assert is what a user or a lawyer
//! would care about.

mod harness;

mod audit;
mod compile_fail;
mod definition;
mod documents;
mod faults;
mod grants;
mod input;
mod login;
mod matrix;
mod readme;
mod records;
mod rights;
mod schema;
mod tidy;
mod unseen;
