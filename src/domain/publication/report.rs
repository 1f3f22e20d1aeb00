//! A statistical report as the definition describes it: which units are counted in which cell, and how the table that
//! may be sent is written down.
//!
//! # What is counted
//! Active records as of a day. Where the records are about people, people are counted: what one person has in several
//! records of the same cell is added up and counts once, so that the threshold protects people and not records.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::reach::Reach;
use super::statistics::{Dimension, Kind, Measure, Report, Row, TableFault, tabulate};
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::procedures::{MeasureKind, ReportDefinition};
use crate::domain::statute::{Clause, Definition, RecordType};

/// The code under which stands what has no value.
pub const UNKNOWN: &str = "";

/// A report's definition with its paths read.
#[derive(Debug)]
pub struct Plan<'d> {
    definition: &'d Definition,
    kind: &'d RecordType,
    source: &'d ReportDefinition,
    groups: Vec<Reach<'d>>,
    measures: Vec<Reach<'d>>,
}

impl<'d> Plan<'d> {
    /// Reads the paths of `source`; `None` when one leads nowhere, to several values, or to what can't be grouped or
    /// summed.
    pub fn of(definition: &'d Definition, source: &'d ReportDefinition) -> Option<Self> {
        let kind = definition.record_types.iter().find(|t| t.name == source.record_type)?;
        let reach = |path: &'d String| Reach::of(definition, kind, path).filter(|r| !r.is_open);
        let coded = |r: &Reach<'_>| matches!(r.field.kind, FieldType::Code | FieldType::Boolean);
        let numeric = |r: &Reach<'_>| {
            use FieldType::{Decimal, Integer, Load, Money, Percentage};
            matches!(r.field.kind, Decimal | Integer | Load | Money | Percentage)
        };
        let groups = source.group_by.iter().map(|path| reach(path).filter(coded)).collect::<Option<_>>()?;
        let measures = source.measures.iter().map(|m| reach(&m.field).filter(numeric)).collect::<Option<_>>()?;
        Some(Self { definition, kind, source, groups, measures })
    }

    /// The record type that is counted.
    pub fn kind(&self) -> &'d RecordType {
        self.kind
    }

    /// Sections of the record type that it takes values from.
    pub fn sections(&self) -> Vec<String> {
        let first = |r: &Reach<'_>| r.text.split(['/', '[']).next().unwrap_or_default().to_owned();
        let named: Vec<String> = self.groups.iter().chain(&self.measures).map(first).collect();
        let mut sections: Vec<String> =
            self.kind.fields.iter().filter(|f| named.contains(&f.name)).filter_map(|f| f.section.clone()).collect();
        sections.sort_unstable();
        sections.dedup();
        sections
    }

    /// Paths that it takes values from.
    pub fn fields(&self) -> Vec<String> {
        self.groups.iter().chain(&self.measures).map(|r| r.text.to_owned()).collect()
    }

    /// The other records without whose data a record cannot be counted.
    pub fn needs(&self, data: &Value, institution_id: &str) -> Vec<String> {
        self.groups.iter().chain(&self.measures).flat_map(|r| r.needs(data, institution_id)).collect()
    }

    /// Every code of `field` has a cell, used or not: that one is there would tell that somebody has it.
    fn codes(&self, field: &Field) -> Vec<String> {
        let mut codes = if field.kind == FieldType::Boolean {
            vec!["false".to_owned(), "true".to_owned()]
        } else {
            let list = self.definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
            list.map(|l| l.codes.iter().map(|c| c.code.clone()).collect()).unwrap_or_default()
        };
        if !field.required {
            codes.push(UNKNOWN.to_owned());
        }
        codes
    }
}

/// What has been counted so far.
#[derive(Debug, Default)]
pub struct Tally {
    units: BTreeMap<(String, Vec<String>), Vec<Option<Decimal>>>,
    records: u64,
}

impl Tally {
    /// Counts a record. `data` hold its derived fields.
    ///
    /// # Errors
    /// [`TableFault::Sum`] when the values of one person cannot be added exactly.
    pub fn add(
        &mut self,
        plan: &Plan<'_>,
        record_id: &str,
        institution_id: &str,
        data: &Value,
        others: &HashMap<String, Value>,
    ) -> Result<(), TableFault> {
        self.records += 1;
        let person = plan.kind.subject.as_ref().and_then(|s| data.get(s.field())).and_then(Value::as_str);
        let unit = person.unwrap_or(record_id).to_owned();
        let key = |r: &Reach<'_>| match r.value(data, institution_id, others) {
            Some(Value::String(code)) => code.clone(),
            Some(Value::Bool(yes)) => yes.to_string(),
            _ => UNKNOWN.to_owned(),
        };
        let keys = plan.groups.iter().map(key).collect();
        let number = |r: &Reach<'_>| match r.value(data, institution_id, others)? {
            Value::String(text) => Decimal::from_str_exact(text).ok(),
            Value::Number(number) => Some(Decimal::from(number.as_i64()?)),
            _ => None,
        };
        let values: Vec<Option<Decimal>> = plan.measures.iter().map(number).collect();
        match self.units.entry((unit, keys)) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(values);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                for (n, (sum, value)) in place.get_mut().iter_mut().zip(values).enumerate() {
                    *sum = match (*sum, value) {
                        (Some(sum), Some(value)) => Some(sum.checked_add(value).ok_or(TableFault::Sum(n))?),
                        (one, other) => one.or(other),
                    };
                }
            }
        }
        Ok(())
    }

    /// How many records were counted.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The table, with what tells of too few hidden.
    ///
    /// # Errors
    /// As [`tabulate`].
    pub fn table(self, plan: &Plan<'_>) -> Result<Report, TableFault> {
        let dimensions: Vec<Dimension> =
            plan.groups.iter().map(|r| Dimension { name: r.text.to_owned(), codes: plan.codes(r.field) }).collect();
        let measures = plan.source.measures.iter().map(|m| Measure {
            name: m.name.clone(),
            kind: match m.take {
                MeasureKind::Sum => Kind::Sum,
                MeasureKind::Average => Kind::Average,
            },
        });
        let rows: Vec<Row<(String, Vec<String>)>> = self
            .units
            .into_iter()
            .map(|((unit, keys), values)| Row { keys: keys.clone(), values, unit: (unit, keys) })
            .collect();
        tabulate(&dimensions, measures.collect(), &rows, plan.source.threshold)
    }
}

/// A report as it is sent: nobody can be told apart in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportView {
    /// Register.
    pub register: String,
    /// Name of the report.
    pub report: String,
    /// What people read.
    pub label: String,
    /// Clause under which it is made.
    pub clause: Clause,
    /// Who gets it.
    pub recipient: String,
    /// The record type that is counted; its active records.
    pub record_type: String,
    /// The day as of which.
    pub as_of: NaiveDate,
    /// Cells over fewer are not shown.
    pub threshold: u64,
    /// By what it is broken down.
    pub dimensions: Vec<DimensionView>,
    /// What is computed beside the count.
    pub measures: Vec<MeasureView>,
    /// The cells, totals before codes.
    pub cells: Vec<super::statistics::Cell>,
}

/// A dimension as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DimensionView {
    /// Path of the field.
    pub name: String,
    /// What people read.
    pub label: String,
    /// The codes, with what people read; `""` stands for those without a value.
    pub codes: BTreeMap<String, String>,
}

/// A computed column as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasureView {
    /// Name.
    pub name: String,
    /// What people read.
    pub label: String,
    /// `sum` or `average`.
    pub take: MeasureKind,
}

/// The words of a table in one language.
pub struct Words {
    /// Over all codes.
    pub total: &'static str,
    /// Without a value.
    pub unknown: &'static str,
    /// How many.
    pub count: &'static str,
    /// How many people.
    pub people: &'static str,
    /// Not shown.
    pub suppressed: &'static str,
    yes: &'static str,
    no: &'static str,
}

/// The words in `language`, Estonian where there are none.
pub fn words(language: &str) -> Words {
    match language {
        "en" => Words {
            total: "total",
            unknown: "not stated",
            count: "number",
            people: "people",
            suppressed: "withheld",
            yes: "yes",
            no: "no",
        },
        "fi" => Words {
            total: "yhteensä",
            unknown: "ei tietoa",
            count: "lukumäärä",
            people: "henkilöitä",
            suppressed: "salattu",
            yes: "kyllä",
            no: "ei",
        },
        "sv" => Words {
            total: "totalt",
            unknown: "uppgift saknas",
            count: "antal",
            people: "personer",
            suppressed: "undertryckt",
            yes: "ja",
            no: "nej",
        },
        _ => Words {
            total: "kokku",
            unknown: "märkimata",
            count: "arv",
            people: "inimesi",
            suppressed: "varjatud",
            yes: "jah",
            no: "ei",
        },
    }
}

/// What people read for a code of `field` in `language`; the code itself where no list knows it.
pub fn code_label(definition: &Definition, field: &Field, code: &str, language: &str) -> String {
    if field.kind == FieldType::Boolean {
        let words = words(language);
        return if code == "true" { words.yes } else { words.no }.to_owned();
    }
    let list = definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
    let known = list.and_then(|l| l.codes.iter().find(|c| c.code == code));
    known.map_or_else(|| code.to_owned(), |c| c.label.in_language(language).to_owned())
}

impl Plan<'_> {
    /// `report` as it is sent, in `language`.
    pub fn view(&self, report: Report, as_of: NaiveDate, language: &str) -> ReportView {
        let words = words(language);
        let recipient = self.definition.register.recipients.iter().find(|r| r.name == self.source.recipient);
        let dimensions = self.groups.iter().enumerate().map(|(n, r)| {
            let used = report.cells.iter().filter_map(|c| c.keys.get(n)?.clone());
            let label = |code: String| {
                let label = match code.as_str() {
                    UNKNOWN => words.unknown.to_owned(),
                    known => code_label(self.definition, r.field, known, language),
                };
                (code, label)
            };
            DimensionView {
                name: r.text.to_owned(),
                label: r.field.label.in_language(language).to_owned(),
                codes: used.map(label).collect(),
            }
        });
        ReportView {
            register: self.definition.register.short_name.clone(),
            report: self.source.name.clone(),
            label: self.source.label.in_language(language).to_owned(),
            clause: self.source.clause.clone(),
            recipient: recipient.map_or(self.source.recipient.as_str(), |r| r.label.in_language(language)).to_owned(),
            record_type: self.kind.name.clone(),
            as_of,
            threshold: report.threshold,
            dimensions: dimensions.collect(),
            measures: self
                .source
                .measures
                .iter()
                .map(|m| MeasureView {
                    name: m.name.clone(),
                    label: m.label.in_language(language).to_owned(),
                    take: m.take,
                })
                .collect(),
            cells: report.cells,
        }
    }
}
