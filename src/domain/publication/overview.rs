//! Overviews for whoever manages: how many records there are by what, and what they sum up to. Unlike a statistical
//! [report](super::report) an overview never leaves the register and hides no small cell; it counts only what its
//! asker may list.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::reach::Reach;
use super::report::{UNKNOWN, code_label, words};
use crate::domain::calendar::parse_day;
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::procedures::{Overview, OverviewMeasure, OverviewTake};
use crate::domain::statute::{Clause, Definition, RecordType};

/// Most groups; what is beyond is counted in the total alone.
const MOST_GROUPS: usize = 2_000;

/// An overview's definition with its paths read.
#[derive(Debug)]
pub struct Plan<'d> {
    definition: &'d Definition,
    kind: &'d RecordType,
    source: &'d Overview,
    groups: Vec<Reach<'d>>,
    measures: Vec<(&'d OverviewMeasure, Reach<'d>)>,
}

impl<'d> Plan<'d> {
    /// Reads the paths of `source`; `None` when one leads nowhere, to several values, or to what can't be grouped or
    /// summed.
    pub fn of(definition: &'d Definition, source: &'d Overview) -> Option<Self> {
        let kind = definition.record_types.iter().find(|t| t.name == source.record_type)?;
        let reach = |path: &'d String| Reach::of(definition, kind, path).filter(|r| !r.is_open);
        let grouped = |r: &Reach<'_>| GROUPED.contains(&r.field.kind);
        let numeric = |r: &Reach<'_>| {
            use FieldType::{Decimal, Integer, Load, Money, Percentage};
            matches!(r.field.kind, Decimal | Integer | Load | Money | Percentage)
        };
        let groups = source.by.iter().map(|path| reach(path).filter(grouped)).collect::<Option<_>>()?;
        let measures = source.measures.iter().map(|m| Some((m, reach(&m.field).filter(numeric)?)));
        Some(Self { definition, kind, source, groups, measures: measures.collect::<Option<_>>()? })
    }

    /// The record type that is counted.
    pub fn kind(&self) -> &'d RecordType {
        self.kind
    }

    fn reaches(&self) -> impl Iterator<Item = &Reach<'d>> {
        self.groups.iter().chain(self.measures.iter().map(|(_, reach)| reach))
    }

    /// Paths that it takes values from.
    pub fn fields(&self) -> Vec<String> {
        self.reaches().map(|r| r.text.to_owned()).collect()
    }

    /// The sections that it takes values from, each with the record type that has it.
    pub fn sections(&self) -> Vec<(&'d RecordType, String)> {
        let named = |kind: &'d RecordType, name: &str| kind.fields.iter().find(|f| f.name == name);
        let mut found: Vec<(&'d RecordType, String)> = Vec::new();
        for reach in self.reaches() {
            let mut names = reach.text.split('/').map(|step| step.split('[').next().unwrap_or_default());
            let first = named(self.kind, names.next().unwrap_or_default());
            let own = first.and_then(|f| f.section.clone()).map(|section| (self.kind, section));
            let on = reach.leads_on().then(|| {
                let institutions = &self.definition.register.institutions.record_type;
                let target = first.and_then(|f| f.refers_to.as_ref()).unwrap_or(institutions);
                let kind = self.definition.record_types.iter().find(|t| t.name == *target)?;
                Some((kind, named(kind, names.next()?)?.section.clone()?))
            });
            for one in own.into_iter().chain(on.flatten()) {
                if !found.iter().any(|(kind, section)| kind.name == one.0.name && *section == one.1) {
                    found.push(one);
                }
            }
        }
        if found.is_empty() {
            // What counts records alone needs to see that they are there.
            found.extend(self.kind.sections.first().map(|s| (self.kind, s.name.clone())));
        }
        found
    }

    /// The other records without whose data a record cannot be counted.
    pub fn needs(&self, data: &Value, institution_id: &str) -> Vec<String> {
        self.reaches().flat_map(|r| r.needs(data, institution_id)).collect()
    }

    fn code_place(&self, field: &Field, code: &str) -> usize {
        let list = self.definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
        list.and_then(|l| l.codes.iter().position(|c| c.code == code)).unwrap_or(usize::MAX)
    }
}

/// What records are grouped by: values that many have in common.
pub const GROUPED: &[FieldType] = &[
    FieldType::Code,
    FieldType::Boolean,
    FieldType::Country,
    FieldType::Language,
    FieldType::Text,
    FieldType::Year,
    FieldType::Integer,
];

/// What was counted in a group.
#[derive(Debug, Default, Clone)]
struct Cell {
    records: u64,
    people: HashSet<u64>,
    values: Vec<Vec<Decimal>>,
}

/// What has been counted so far.
#[derive(Debug)]
pub struct Tally {
    cells: BTreeMap<Vec<String>, Cell>,
    all: Cell,
    hidden: u64,
    cut: bool,
    hasher: RandomState,
}

impl Tally {
    /// Nothing yet.
    pub fn new(plan: &Plan<'_>) -> Self {
        let empty = Cell { values: vec![Vec::new(); plan.measures.len()], ..Cell::default() };
        Self { cells: BTreeMap::new(), all: empty, hidden: 0, cut: false, hasher: RandomState::new() }
    }

    /// A record that the asker may not list.
    pub fn hide(&mut self) {
        self.hidden += 1;
    }

    /// Counts a record as of `day`. `data` hold its derived fields.
    pub fn add(
        &mut self,
        plan: &Plan<'_>,
        institution_id: &str,
        data: &Value,
        others: &HashMap<String, Value>,
        day: NaiveDate,
    ) {
        let key = |r: &Reach<'_>| match r.value(data, institution_id, others) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(yes)) => yes.to_string(),
            Some(Value::Number(number)) => number.to_string(),
            _ => UNKNOWN.to_owned(),
        };
        let keys: Vec<String> = plan.groups.iter().map(key).collect();
        let numbers: Vec<Option<Decimal>> = plan
            .measures
            .iter()
            .map(|(measure, reach)| {
                let held = in_force(measure, data, day);
                let data = held.as_ref().unwrap_or(data);
                match reach.value(data, institution_id, others)? {
                    Value::String(text) => Decimal::from_str_exact(text).ok(),
                    Value::Number(number) => Some(Decimal::from(number.as_i64()?)),
                    _ => None,
                }
            })
            .collect();
        // Of people only a digest is kept, and only until they are counted.
        let person = plan.kind.subject.as_ref().and_then(|s| data.get(s.field())).and_then(Value::as_str);
        let person = person.map(|code| self.hasher.hash_one(code));
        if self.cells.len() >= MOST_GROUPS && !self.cells.contains_key(&keys) {
            self.cut = true;
        } else {
            let empty = || Cell { values: vec![Vec::new(); numbers.len()], ..Cell::default() };
            count(self.cells.entry(keys).or_insert_with(empty), person, &numbers);
        }
        count(&mut self.all, person, &numbers);
    }
}

fn count(cell: &mut Cell, person: Option<u64>, numbers: &[Option<Decimal>]) {
    cell.records += 1;
    cell.people.extend(person);
    for (values, number) in cell.values.iter_mut().zip(numbers) {
        values.extend(number);
    }
}

/// The data with only those rows of the measure's list that are in force on `day`, where the measure says by what
/// parts that is told.
fn in_force(measure: &OverviewMeasure, data: &Value, day: NaiveDate) -> Option<Value> {
    let from = measure.from.as_deref()?;
    let list = measure.field.split(['/', '[']).next()?;
    let rows = data.get(list)?.as_array()?;
    let at = |row: &Value, part: &str| row.get(part).and_then(Value::as_str).and_then(parse_day);
    let is_it = |row: &&Value| {
        at(row, from).is_some_and(|first| first <= day)
            && measure.until.as_deref().and_then(|until| at(row, until)).is_none_or(|last| last >= day)
    };
    let kept: Vec<Value> = rows.iter().filter(is_it).cloned().collect();
    Some(serde_json::json!({ list: kept }))
}

/// The middle of sorted values, or the mean of the two in the middle.
fn median(values: &mut [Decimal]) -> Option<Decimal> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    values.get(middle.wrapping_sub(1))?.checked_add(upper).map(|sum| sum / Decimal::TWO)
}

/// What a measure takes of `values`; nothing of none, or where they can't be added.
fn taken(take: OverviewTake, mut values: Vec<Decimal>, scale: u32) -> Option<Decimal> {
    let sum = |values: &[Decimal]| values.iter().try_fold(Decimal::ZERO, |sum, v| sum.checked_add(*v));
    let mut result = match take {
        OverviewTake::Sum => sum(&values)?,
        OverviewTake::Average => sum(&values)?.checked_div(Decimal::from(values.len()))?,
        OverviewTake::Median => median(&mut values)?,
    };
    result = result.round_dp(scale);
    result.rescale(scale);
    Some(result)
}

/// An overview.
#[derive(Debug, Clone, PartialEq)]
pub struct OverviewView {
    /// Register.
    pub register: String,
    /// Name of the overview.
    pub overview: String,
    /// What people read.
    pub label: String,
    /// Clause.
    pub clause: Clause,
    /// The record type that is counted; its active records.
    pub record_type: String,
    /// The day as of which.
    pub as_of: NaiveDate,
    /// Only this institution's.
    pub institution_id: Option<Uuid>,
    /// By what it is broken down.
    pub by: Vec<Column>,
    /// Whether people are counted beside records.
    pub counts_people: bool,
    /// What is computed beside the count.
    pub measures: Vec<Column>,
    /// The groups.
    pub rows: Vec<Row>,
    /// Over all groups.
    pub total: Row,
    /// Records that the asker may not list, and that are in no number.
    pub hidden: u64,
    /// Whether there are more groups than are shown.
    pub cut: bool,
}

/// A column of an overview.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Path of the field, or name of the measure.
    pub name: String,
    /// What people read.
    pub label: String,
    /// Whether its values are euros.
    pub money: bool,
}

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The values, as they stand in the data.
    pub keys: Vec<String>,
    /// What people read for them.
    pub labels: Vec<String>,
    /// Records.
    pub records: u64,
    /// Different people whom they are about.
    pub people: Option<u64>,
    /// The measures.
    pub values: Vec<Option<Decimal>>,
}

impl Plan<'_> {
    /// What was counted, in `language`.
    pub fn view(&self, tally: Tally, as_of: NaiveDate, institution_id: Option<Uuid>, language: &str) -> OverviewView {
        let said = words(language);
        let counts_people = self.kind.subject.is_some();
        let row = |keys: Vec<String>, cell: Cell| Row {
            labels: keys
                .iter()
                .zip(&self.groups)
                .map(|(key, reach)| match (key.as_str(), reach.field.kind) {
                    (UNKNOWN, _) => said.unknown.to_owned(),
                    (code, FieldType::Text | FieldType::Year | FieldType::Integer) => code.to_owned(),
                    (code, _) => code_label(self.definition, reach.field, code, language),
                })
                .collect(),
            keys,
            records: cell.records,
            people: counts_people.then_some(cell.people.len() as u64),
            values: cell
                .values
                .into_iter()
                .zip(&self.measures)
                .map(|(values, (measure, reach))| {
                    let own = if reach.field.kind == FieldType::Integer { 0 } else { 2 };
                    let scale = if measure.take == OverviewTake::Sum { reach.field.scale.unwrap_or(own) } else { 2 };
                    taken(measure.take, values, scale)
                })
                .collect(),
        };
        let mut rows: Vec<Row> = tally.cells.into_iter().map(|(keys, cell)| row(keys, cell)).collect();
        rows.sort_by_cached_key(|row| {
            let place = |(key, reach): (&String, &Reach<'_>)| {
                let number =
                    if reach.field.kind == FieldType::Code { 0 } else { key.parse::<i64>().unwrap_or(i64::MAX) };
                (key == UNKNOWN, self.code_place(reach.field, key), number, key.clone())
            };
            row.keys.iter().zip(&self.groups).map(place).collect::<Vec<_>>()
        });
        let mut total = row(Vec::new(), tally.all);
        total.labels = vec![said.total.to_owned()];
        OverviewView {
            register: self.definition.register.short_name.clone(),
            overview: self.source.name.clone(),
            label: self.source.label.in_language(language).to_owned(),
            clause: self.source.clause.clone(),
            record_type: self.kind.name.clone(),
            as_of,
            institution_id,
            by: self
                .groups
                .iter()
                .map(|r| Column {
                    name: r.text.to_owned(),
                    label: r.field.label.in_language(language).to_owned(),
                    money: false,
                })
                .collect(),
            counts_people,
            measures: self
                .measures
                .iter()
                .map(|(measure, reach)| Column {
                    name: measure.name.clone(),
                    label: measure.label.in_language(language).to_owned(),
                    money: reach.field.kind == FieldType::Money,
                })
                .collect(),
            rows,
            total,
            hidden: tally.hidden,
            cut: tally.cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(texts: &[&str]) -> Vec<Decimal> {
        texts.iter().map(|t| t.parse().unwrap()).collect()
    }

    #[test]
    fn a_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(taken(OverviewTake::Median, numbers(&["3", "1", "2"]), 2).unwrap().to_string(), "2.00");
        assert_eq!(taken(OverviewTake::Median, numbers(&["4", "1", "2", "3"]), 2).unwrap().to_string(), "2.50");
        assert_eq!(taken(OverviewTake::Median, Vec::new(), 2), None);
        assert_eq!(taken(OverviewTake::Average, Vec::new(), 2), None, "no mean of nothing");
        assert_eq!(taken(OverviewTake::Sum, numbers(&["0.5", "0.25"]), 2).unwrap().to_string(), "0.75");
    }

    #[test]
    fn only_the_rows_in_force_on_the_day_are_measured() {
        let measure: OverviewMeasure =
            serde_json::from_value(serde_json::json!({ "name": "pay", "label": { "et": "Palk" },
            "take": "median", "field": "pay[kind=monthly]/amount", "from": "from", "until": "until" }))
            .unwrap();
        let data = serde_json::json!({ "pay": [
            { "kind": "monthly", "amount": "1.00", "from": "2024-01-01", "until": "2024-12-31" },
            { "kind": "monthly", "amount": "2.00", "from": "2025-01-01" },
            { "kind": "monthly", "amount": "3.00", "from": "2027-01-01" },
        ] });
        let on = |day: &str| in_force(&measure, &data, parse_day(day).unwrap()).unwrap();
        assert_eq!(on("2024-12-31")["pay"][0]["amount"], "1.00", "the last day counts");
        assert_eq!(on("2026-05-05")["pay"].as_array().unwrap().len(), 1);
        assert_eq!(on("2026-05-05")["pay"][0]["amount"], "2.00");
        assert_eq!(on("2020-01-01")["pay"], serde_json::json!([]));
    }
}
