//! What leaves the register without anybody's asking for a person: the public data of active records
//! ([`Columns`]), and statistics ([`report`], [`statistics`]) that tell nobody apart.

pub mod overview;
pub mod reach;
pub mod report;
pub mod statistics;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::reach::Reach;
use super::audit::canonical::{CanonicalError, canonical_value};
use super::statute::definition::Publication;
use super::statute::{Definition, RecordType};

/// The most records of which a publication is made.
pub const MOST_RECORDS: usize = 20_000;

/// A row that is proposed or public.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicRow {
    /// Of which record; never shown to the public.
    pub record_id: Uuid,
    /// What is shown.
    pub shown: Value,
}

/// How a row differs from what was public before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Nothing was public of the record.
    Added,
    /// Something else was public of it.
    Changed,
    /// The same was public of it.
    Same,
    /// What was public of it will be no longer; such a row is no part of the publication.
    Gone,
}

impl Difference {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Added, Self::Changed, Self::Same, Self::Gone];

    /// The word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Same => "same",
            Self::Gone => "gone",
        }
    }

    /// The difference that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == word)
    }
}

/// A row beside what was public of the same record before.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedRow {
    /// Of which record.
    pub record_id: Uuid,
    /// How it differs.
    pub difference: Difference,
    /// What is shown; nothing when it is gone.
    pub shown: Option<Value>,
    /// What was shown, where that is something else.
    pub before: Option<Value>,
}

/// How many rows there are, and how they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Rows of the publication.
    pub rows: usize,
    /// Of them: nothing was public of the record before.
    pub added: usize,
    /// Of them: something else was.
    pub changed: usize,
    /// Rows that were public and will not be.
    pub gone: usize,
}

/// Compares `next` with what is public now. The rows of `next` come first, in their order; then those that go.
pub fn compare(next: Vec<PublicRow>, mut before: BTreeMap<Uuid, Value>) -> (Vec<ComparedRow>, Counts) {
    let mut counts = Counts { rows: next.len(), ..Counts::default() };
    let mut rows: Vec<ComparedRow> = next
        .into_iter()
        .map(|row| {
            let was = before.remove(&row.record_id);
            let (difference, before) = match was {
                None => {
                    counts.added += 1;
                    (Difference::Added, None)
                }
                Some(was) if was == row.shown => (Difference::Same, None),
                Some(was) => {
                    counts.changed += 1;
                    (Difference::Changed, Some(was))
                }
            };
            ComparedRow { record_id: row.record_id, difference, shown: Some(row.shown), before }
        })
        .collect();
    counts.gone = before.len();
    rows.extend(before.into_iter().map(|(record_id, was)| ComparedRow {
        record_id,
        difference: Difference::Gone,
        shown: None,
        before: Some(was),
    }));
    (rows, counts)
}

/// SHA-256, in lower-case hexadecimal, of the rows as a JSON array in their order, in canonical form (RFC 8785): what
/// anybody can compute from the items of the public list, as long as none of them has ended since.
///
/// # Errors
/// A number that has no canonical form; fields never hold one.
pub fn digest(rows: &[PublicRow]) -> Result<String, CanonicalError> {
    let list = Value::Array(rows.iter().map(|row| row.shown.clone()).collect());
    Ok(hex_sha256(canonical_value(&list)?.as_bytes()))
}

/// SHA-256 in lower-case hexadecimal.
pub fn hex_sha256(bytes: &[u8]) -> String {
    crate::domain::hex(&Sha256::digest(bytes))
}

/// The public fields of a record type.
#[derive(Debug)]
pub struct Columns<'d> {
    reaches: Vec<Reach<'d>>,
}

impl<'d> Columns<'d> {
    /// The fields that `publication` makes public; `None` when one of its paths leads nowhere.
    pub fn of(definition: &'d Definition, record_type: &'d RecordType, publication: &'d Publication) -> Option<Self> {
        let reaches = publication.fields.iter().map(|path| Reach::of(definition, record_type, path));
        Some(Self { reaches: reaches.collect::<Option<_>>()? })
    }

    /// Where each of them leads, in the order of the definition.
    pub fn reaches(&self) -> &[Reach<'d>] {
        &self.reaches
    }

    /// The other records without whose data a record cannot be shown.
    pub fn needs(&self, data: &Value, institution_id: &str) -> Vec<String> {
        self.reaches.iter().flat_map(|r| r.needs(data, institution_id)).collect()
    }

    /// What is shown of a record: the named fields and nothing else. A reference is shown as the title of the record
    /// that it leads to, never as its id. `others` has the data of the records that [`needs`](Self::needs) names.
    pub fn shown(&self, data: &Value, institution_id: &str, others: &HashMap<String, Value>) -> Value {
        let mut shown = Map::new();
        for reach in &self.reaches {
            reach.put(data, institution_id, others, &mut shown);
        }
        Value::Object(shown)
    }

    /// Of a row that was made earlier what these columns name: fields that are no longer public are left out.
    pub fn still(&self, row: &Value) -> Value {
        let mut shown = Map::new();
        for reach in &self.reaches {
            reach.keep(row, &mut shown);
        }
        Value::Object(shown)
    }

    /// The value of each column as it stands in a shown row, for tables.
    pub fn cells(&self, shown: &Value) -> Vec<Value> {
        self.reaches.iter().map(|r| r.cell(shown)).collect()
    }
}

/// Puts rows into the order in which they are shown: by their columns, left to right. So the order tells nothing that
/// is not shown.
pub fn sort(columns: &Columns<'_>, rows: &mut [PublicRow]) {
    use crate::domain::record::index::normalised;
    rows.sort_by_cached_key(|row| {
        let key: Vec<String> =
            columns.cells(&row.shown).iter().map(|v| v.as_str().map_or_else(|| v.to_string(), normalised)).collect();
        (key, row.shown.to_string())
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(n: u128, shown: &str) -> PublicRow {
        PublicRow { record_id: Uuid::from_u128(n), shown: json!({ "name": shown }) }
    }

    #[test]
    fn a_proposal_says_what_is_new_what_changes_and_what_goes() {
        let before: BTreeMap<Uuid, Value> =
            [(1, "Mari"), (2, "Jüri"), (3, "Ants")].map(|(n, s)| (Uuid::from_u128(n), json!({ "name": s }))).into();
        let (rows, counts) = compare(vec![row(4, "Liis"), row(2, "Jüri"), row(1, "Maarja")], before);
        assert_eq!(counts, Counts { rows: 3, added: 1, changed: 1, gone: 1 });
        let told: Vec<_> = rows.iter().map(|r| (r.record_id.as_u128(), r.difference)).collect();
        use Difference::{Added, Changed, Gone, Same};
        assert_eq!(told, [(4, Added), (2, Same), (1, Changed), (3, Gone)]);
        assert_eq!(rows[2].before, Some(json!({ "name": "Mari" })));
        assert_eq!(rows[3].shown, None);
    }

    #[test]
    fn the_digest_is_that_of_the_rows_as_anybody_reads_them() {
        let rows = [row(1, "Õie"), row(2, "Ants")];
        assert_eq!(digest(&rows).unwrap(), hex_sha256("[{\"name\":\"Õie\"},{\"name\":\"Ants\"}]".as_bytes()));
    }
}
