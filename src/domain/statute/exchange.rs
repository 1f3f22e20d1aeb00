//! What a statute says of values that come from elsewhere and of data that go elsewhere by agreement: the sources of
//! values, and the profiles of exchange with other registers (`exchanges.toml`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::Condition;
use super::{Clause, Label};

/// Where values come from that are not entered here: another register.
#[doc(alias = "ristkasutus")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Machine name that fields and exchanges refer to.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Clause that makes it the source.
    pub clause: Clause,
    /// What becomes of a value that somebody enters here nevertheless.
    pub local_change: LocalChange,
}

/// What becomes of a value entered here although its source is elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocalChange {
    /// It is refused: it is mended at the source.
    Refused,
    /// It is taken until the source has brought one; from then on it is refused.
    LockedOnceReceived,
    /// It is taken, and stands marked as entered here until the source brings it again.
    Marked,
}

/// A profile of exchange with another register: which data, in which shape, one way.
#[doc(alias = "andmevahetus")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Clause that orders or permits it.
    pub clause: Clause,
    /// Which way the data go.
    pub direction: Direction,
    /// The other register or body, verbatim; the ledger names it.
    pub partner: String,
    /// Class of recipients (`[[recipient]]`) under which the ledger enters what goes out; outgoing only.
    #[serde(default)]
    pub recipient: Option<String>,
    /// Ground (`[[release_ground]]`) on which it goes out; outgoing only.
    #[serde(default)]
    pub ground: Option<String>,
    /// Source (`[[source]]`) with which every value that comes in is marked; incoming only.
    #[serde(default)]
    pub source: Option<String>,
    /// The parts: a table each.
    #[serde(rename = "part")]
    pub parts: Vec<ExchangePart>,
}

/// Ways of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From here to the other.
    Export,
    /// From the other to here.
    Import,
}

/// One table of an exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangePart {
    /// Name of the table in the other's words.
    pub name: String,
    /// Name of the record type whose records are its rows.
    pub record_type: String,
    /// Which records go; all active ones where absent. Outgoing only.
    #[serde(default, rename = "where")]
    pub condition: Option<Condition>,
    /// Kind of base document on which what comes in is entered; incoming only.
    #[serde(default)]
    pub base_document: Option<String>,
    /// Whether records that are not known yet are entered, or only known ones changed; incoming only.
    #[serde(default)]
    pub creates: bool,
    /// Columns of the table, in their order.
    #[serde(rename = "column")]
    pub columns: Vec<ExchangeColumn>,
}

/// One column of an exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeColumn {
    /// The other's name of the column.
    pub name: String,
    /// Path of the field; `institution/<path>` for a field of the record's institution.
    pub field: String,
    /// How dates and booleans are written by the other.
    #[serde(default)]
    pub form: Option<ColumnForm>,
    /// The other's codes, by ours.
    #[serde(default)]
    pub codes: std::collections::BTreeMap<String, String>,
}

/// How the other writes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnForm {
    /// `31.12.2026`.
    DottedDate,
    /// `Jah` and `Ei`.
    JahEi,
}
