//! Data that come in as tables: which column is which field, what a cell says, and how a row differs from what is
//! known.
//!
//! 1. [`columns`] finds the field of each column, by the mapping of the sheet, by name, by label or by clause;
//! 2. [`rows`] reads the cells: each row becomes a merge patch of the record's data, with a fault for every cell that
//!    says nothing that its field could hold;
//! 3. [`compare`] says in what a row differs from a record that is known, and [`patch`] makes a change of that.
//!
//! # Empty cells
//! An empty cell leaves a value as it is; in a new record there is then none. A cell that holds `∅` or `[tühi]` clears
//! the value: it stands in the data as `null`, as in every merge patch (RFC 7396). The data of a new record are
//! [`entered`], which leaves that out.
//!
//! # Lists
//! A list is taken as a whole, as everywhere in the engine: where a row fills a cell of a list, the row says all of its
//! items. Where it fills none, the list stays as it is.
//!
//! *Not here*: how a file becomes a [`sheet::Sheet`]; whether the data are what the statute allows, which
//! [`validate`](crate::domain::record::validate) says of sheets as of everything else ([`of_violation`] finds the column
//! of its findings); which record a row means, and what a [`Lookup`] finds.

mod cell;
mod columns;
mod compare;
mod exchange;
mod mapping;
mod names;
mod rows;
pub mod sheet;
#[cfg(test)]
mod tests;

pub use cell::{shown, typed_scalar};
pub use columns::{Column, ColumnFault, Columns, Heading, columns, headings};
pub use compare::{Difference, compare, entered, patch};
pub use exchange::{exchange_cell, exchange_columns};
pub use mapping::{DateForm, Mapping, SEPARATOR};
pub use rows::{CellFault, Lookup, RowRead, duplicates, of_violation, rows};
