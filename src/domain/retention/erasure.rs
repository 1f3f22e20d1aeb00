//! What is taken out of a record, and what may stay of it when nobody shall be named any more.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Id;
use super::rule::Rule;
use crate::domain::record::Entry;
use crate::domain::statute::definition::{Field, FieldType, Index, RecordType};

/// The fields of a type that follow the rule, in the order of the definition: they go together.
pub fn part_fields(record_type: &RecordType, rule: &str) -> Vec<String> {
    let follows = |f: &&Field| f.retention.as_deref() == Some(rule);
    record_type.fields.iter().filter(follows).map(|f| f.name.clone()).collect()
}

/// Names of the fields of which the entries hold something, an ended value (`null`) included.
pub fn fields_in(entries: &[Entry]) -> BTreeSet<String> {
    entries.iter().filter_map(|e| e.data.as_object()).flat_map(Map::keys).cloned().collect()
}

/// What erasing some fields does to a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Erasure {
    /// The fields that go and of which something was there.
    pub fields: BTreeSet<String>,
    /// Fields of which something stays; where there are none, the record goes as a whole, frame and all.
    pub left: BTreeSet<String>,
    /// The entries that change, by number.
    pub entries: Vec<ErasedEntry>,
}

impl Erasure {
    /// Whether nothing of the record is left, so that it goes as a whole.
    pub fn is_whole(&self) -> bool {
        self.left.is_empty()
    }
}

/// An entry out of which something was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct ErasedEntry {
    /// Its id.
    pub id: Id,
    /// Its number.
    pub number: i64,
    /// Its data afterwards.
    pub data: Value,
    /// Whether it says nothing any more: then its reason goes as well, and it no longer refers to its documents.
    /// The entry itself stays while the record does, as the log proves that it was made.
    pub empty: bool,
}

/// What is left of the entries of a record without the fields in `go`, in every state and correction of the record.
///
/// It is idempotent, and it doesn't matter in what order parts are erased.
pub fn erasure(go: &BTreeSet<String>, entries: &[Entry]) -> Erasure {
    let (fields, left): (BTreeSet<String>, BTreeSet<String>) =
        fields_in(entries).into_iter().partition(|f| go.contains(f));
    let mut erased: Vec<ErasedEntry> = entries
        .iter()
        .filter_map(|entry| {
            let members = entry.data.as_object()?;
            if !members.keys().any(|name| go.contains(name)) {
                return None;
            }
            let data: Map<String, Value> =
                members.iter().filter(|(name, _)| !go.contains(*name)).map(|(n, v)| (n.clone(), v.clone())).collect();
            Some(ErasedEntry { id: entry.id, number: entry.number, empty: data.is_empty(), data: Value::Object(data) })
        })
        .collect();
    erased.sort_by_key(|e| e.number);
    Erasure { fields, left, entries: erased }
}

/// What anonymising does to the data under a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anonymised {
    /// Fields that go.
    pub goes: BTreeSet<String>,
    /// Fields that stay: those that the rule `keeps` and that name nobody.
    pub stays: BTreeSet<String>,
    /// Fields under other rules that still hold something and name somebody. While there are any, the data that stay
    /// are not anonymous yet.
    pub still_named_by: BTreeSet<String>,
}

/// What goes and what stays of the data of a record that follow `rule`, when it holds something of `fields`.
///
/// Nothing stays but what the rule says: a field that somebody adds later goes until the rule keeps it.
pub fn anonymised(
    record_type: &RecordType,
    all_types: &[RecordType],
    rule: &Rule,
    fields: &BTreeSet<String>,
) -> Anonymised {
    let names = identifying(record_type, all_types);
    let part = part_fields(record_type, &rule.name);
    let (stays, goes) = part.into_iter().partition(|f| rule.keeps.contains(f) && !names.contains(f));
    let mut anonymised = Anonymised { goes, stays, still_named_by: BTreeSet::new() };
    let others = names.into_iter().filter(|f| fields.contains(f) && !anonymised.goes.contains(f));
    anonymised.still_named_by = others.collect();
    anonymised
}

/// The fields of a type that can name somebody, as far as the definition tells: the subject's code, the guardians', the
/// record's title, names and codes by which it is found, every free text, file, address, number or code of a person,
/// and references to records about people; and every group with such a part.
///
/// Dates, codes and numbers are not among them, although together they may point to one person: that is for whoever
/// writes `keeps`.
pub fn identifying(record_type: &RecordType, all_types: &[RecordType]) -> BTreeSet<String> {
    let top = |path: &str| path.split(['/', '[']).next().unwrap_or(path).to_owned();
    let subject = record_type.subject.as_ref();
    let about = subject.map(|s| top(s.field()));
    let guardians = subject.and_then(|s| s.guardians.as_deref()).map(top);
    let title = record_type.title.iter().map(|t| top(t));
    let fields = record_type.fields.iter().filter(|f| names_somebody(f, all_types)).map(|f| f.name.clone());
    about.into_iter().chain(guardians).chain(title).chain(fields).collect()
}

fn names_somebody(field: &Field, all_types: &[RecordType]) -> bool {
    use FieldType as T;
    let by_kind = match field.kind {
        T::Text | T::Multiline | T::PersonalCode | T::Email | T::Phone | T::Iban | T::Address | T::File => true,
        T::Reference => {
            let referred = all_types.iter().find(|t| Some(&t.name) == field.refers_to.as_ref());
            // A reference to a type that is not known could lead to anybody.
            referred.is_none_or(|t| t.subject.is_some())
        }
        T::Group => field.parts.iter().any(|part| names_somebody(part, all_types)),
        T::Integer
        | T::Decimal
        | T::Money
        | T::Date
        | T::Year
        | T::Boolean
        | T::Code
        | T::Language
        | T::Country
        | T::Percentage
        | T::Load
        | T::RegistryCode => false,
    };
    by_kind || matches!(field.index, Some(Index::Name | Index::Code))
}
