//! The rows of a sheet as data of records, and the faults of their cells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::cell::{Budget, Reader, Said, Unread, clears, day, shown, uuid};
use super::columns::{Column, Columns, Step, Target, What, pointer};
use super::names::folded;
use super::sheet::{Cell, Row, Sheet};
use super::{Mapping, exchange};
use crate::domain::record::validate::Violation;
use crate::domain::statute::definition::{Definition, Field};
use crate::domain::statute::{Clause, RecordType};

/// A row as data of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RowRead {
    /// Number of the row as a spreadsheet program shows it.
    pub number: u32,
    /// What the row says, as a merge patch of the record's data: empty cells are absent, what is cleared is `null`.
    /// Where a [`Lookup`] is to be made, the text of the cell stands. Cells with a fault are absent.
    pub data: Value,
    /// What columns of the record's institution say (of exchanges: `institution/registry_code`); an object.
    pub institution: Value,
    /// Day from which the row is to hold, where it says one.
    pub effective_on: Option<NaiveDate>,
    /// The record it means, where it says so by id.
    pub record_id: Option<Uuid>,
    /// Records that the row names by something other than their id.
    pub lookups: Vec<Lookup>,
    /// What is wrong with its cells.
    pub faults: Vec<CellFault>,
    columns: Arc<Columns>,
}

/// A record that a cell names by a registry code or by a name; the caller finds it, among all rows at once, and puts its
/// id in the place of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Place in the row's data (RFC 6901) where the text stands and the id belongs.
    pub pointer: String,
    /// Record type that the field refers to.
    pub record_type: String,
    /// What the cell says.
    pub text: String,
}

/// What is wrong with a cell. It holds the value for whoever brought the sheet, so it belongs in no log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellFault {
    /// Number of the row as a spreadsheet program shows it.
    pub row: u32,
    /// Name of the column; empty where the sheet has none for the field.
    pub column: String,
    /// Place in the data of the record (RFC 6901); empty for what is no field of it.
    pub field: String,
    /// What the cell holds; empty where that is not known ([`Columns::value`] tells it).
    pub value: String,
    /// What kind of fault: a code of the validator, or `became_date`, `cell_fault`, `code_ambiguous`,
    /// `code_became_number`, `decimal_separator`, `duplicate_in_sheet`, `list_gap`, `record_id`, `several_in_cell`,
    /// `unnamed_column`.
    pub code: &'static str,
    /// An English sentence that says what is wrong and never repeats the value.
    pub detail: String,
    /// Clause of the field.
    pub clause: Option<Clause>,
}

/// A column with what is needed to read its cells.
struct Plan<'a> {
    at: usize,
    column: &'a Column,
    target: &'a Target,
    reader: Reader<'a>,
    /// A cell may hold several values.
    is_list: bool,
}

/// The rows of a sheet as data. `columns` are those of the sheet's header; other cells are not read.
pub fn rows(
    definition: &Definition,
    kind: &RecordType,
    columns: &Columns,
    sheet: &Sheet,
    mapping: &Mapping,
) -> Vec<RowRead> {
    let register = &definition.register;
    let institution = definition.record_types.iter().find(|t| t.name == register.institutions.record_type);
    let mut plans: Vec<Plan> = Vec::new();
    for (at, column) in columns.list().iter().enumerate() {
        let What::Field(target) = &column.what else { continue };
        let kind = if target.of_institution { institution } else { Some(kind) };
        let Some((field, is_list)) = kind.and_then(|kind| field_at(&kind.fields, &target.steps)) else { continue };
        let reader = Reader::new(field, &register.country, &definition.codelists, mapping, target.form);
        plans.push(Plan { at, column, target, reader, is_list });
    }
    // Items of lists are put in their order, whatever the order of their columns.
    plans.sort_by(|a, b| a.target.steps.cmp(&b.target.steps));
    let columns = Arc::new(columns.clone());
    let mut budget = Budget::new();
    sheet.rows.iter().map(|row| one(row, &plans, &columns, mapping, &mut budget)).collect()
}

/// The field that steps lead to, and whether it is a list of which no item is chosen.
fn field_at<'d>(fields: &'d [Field], steps: &[Step]) -> Option<(&'d Field, bool)> {
    let (first, rest) = steps.split_first()?;
    let field = fields.iter().find(|field| field.name == first.name)?;
    if rest.is_empty() { Some((field, field.repeats && first.item.is_none())) } else { field_at(&field.parts, rest) }
}

fn one(row: &Row, plans: &[Plan], columns: &Arc<Columns>, mapping: &Mapping, budget: &mut Budget) -> RowRead {
    let object = || Value::Object(Map::new());
    let mut read = RowRead {
        number: row.number,
        data: object(),
        institution: object(),
        effective_on: None,
        record_id: None,
        lookups: Vec::new(),
        faults: Vec::new(),
        columns: Arc::clone(columns),
    };
    for (column, cell) in columns.list().iter().zip(&row.cells).filter(|(_, cell)| !is_empty(cell)) {
        let refused = match column.what {
            What::RecordId => match uuid(&shown(cell)) {
                Some(id) => {
                    read.record_id = Some(id);
                    continue;
                }
                None => ("record_id", "The id of a record is expected, as exports write it.".into()),
            },
            What::EffectiveOn => match day(cell, mapping.dates) {
                Ok(day) => {
                    read.effective_on = Some(day);
                    continue;
                }
                Err(Unread { code, detail }) => (code, detail),
            },
            What::Unnamed => ("unnamed_column", "The column has no name; name it, or empty the cell.".into()),
            What::Field(_) | What::LeftOut => continue,
        };
        read.fault(column, cell, refused.0, refused.1.into_owned());
    }
    let mut cleared: BTreeSet<Vec<Step>> = BTreeSet::new();
    for plan in plans {
        let Some(cell) = row.cells.get(plan.at).filter(|cell| !is_empty(cell)) else { continue };
        if clears(cell) {
            // A row says what is known of a record, never of its institution.
            if !plan.target.of_institution {
                cleared.insert(plan.target.steps.clone());
            }
            continue;
        }
        match plan.value(cell, mapping, budget) {
            Ok((value, lookups)) => read.put(plan, cell, value, lookups),
            Err(Unread { code, detail }) => read.fault(plan.column, cell, code, detail.into_owned()),
        }
    }
    for steps in cleared {
        clear(&mut read.data, &steps);
    }
    read
}

fn is_empty(cell: &Cell) -> bool {
    match cell {
        Cell::Empty => true,
        Cell::Text(text) => text.trim().is_empty(),
        Cell::Number(_) | Cell::Date(_) | Cell::Boolean(_) | Cell::Fault(_) => false,
    }
}

impl Plan<'_> {
    /// The value of a cell, and where below it which records are named.
    fn value(
        &self,
        cell: &Cell,
        mapping: &Mapping,
        budget: &mut Budget,
    ) -> Result<(Value, Vec<(String, String)>), Unread> {
        let items = match cell {
            Cell::Text(text) => Some(text.split(mapping.separator()).map(str::trim).filter(|item| !item.is_empty())),
            _ => None,
        };
        if self.target.first_assumed && items.clone().is_some_and(|items| items.count() > 1) {
            let detail = "The cell holds several values. Give each item of the list a column of its own, numbered \
                          [1], [2] and so on; number this one if the value is one.";
            return Err(Unread { code: "several_in_cell", detail: detail.into() });
        }
        if !self.is_list {
            let (value, record) = self.item(cell, budget)?;
            return Ok((value, record.map(|text| (String::new(), text)).into_iter().collect()));
        }
        let cells: Vec<Cell> = match items {
            Some(items) => items.map(|item| Cell::Text(item.to_owned())).collect(),
            None => vec![cell.clone()],
        };
        let (mut values, mut records) = (Vec::new(), Vec::new());
        for (at, cell) in cells.iter().enumerate() {
            let (value, record) = self.item(cell, budget)?;
            values.push(value);
            records.extend(record.map(|text| (format!("/{at}"), text)));
        }
        Ok((Value::Array(values), records))
    }

    /// One value, and the record that it names.
    fn item(&self, cell: &Cell, budget: &mut Budget) -> Result<(Value, Option<String>), Unread> {
        let ours = exchange::ours(self.target, cell)?;
        match self.reader.read(ours.as_ref().unwrap_or(cell), budget)? {
            Said::Value(value) => Ok((value, None)),
            Said::Record(text) => Ok((Value::from(text.as_str()), Some(text))),
        }
    }
}

impl RowRead {
    /// The fault of a finding of the validator on this row, with what the cell holds left empty.
    pub fn of_violation(&self, violation: &Violation) -> CellFault {
        of_violation(self.number, &self.columns, violation)
    }

    fn fault(&mut self, column: &Column, cell: &Cell, code: &'static str, detail: String) {
        self.faults.push(CellFault {
            row: self.number,
            column: column.name.clone(),
            field: column.pointer.clone().unwrap_or_default(),
            value: shown(cell),
            code,
            detail,
            clause: column.clause.clone(),
        });
    }

    fn put(&mut self, plan: &Plan, cell: &Cell, value: Value, lookups: Vec<(String, String)>) {
        let steps = &plan.target.steps;
        let data = if plan.target.of_institution { &mut self.institution } else { &mut self.data };
        if let Some(list) = gap(data, steps) {
            let detail = format!(
                "An item of the list `{list}` before this one is empty; fill the items from the first on, without gaps."
            );
            return self.fault(plan.column, cell, "list_gap", detail);
        }
        *place(data, steps) = value;
        let record_type = plan.reader.field.refers_to.clone().unwrap_or_default();
        let at = pointer(steps);
        let lookup = |(below, text)| Lookup { pointer: format!("{at}{below}"), record_type: record_type.clone(), text };
        // What names the institution is found with the institution.
        if !plan.target.of_institution {
            self.lookups.extend(lookups.into_iter().map(lookup));
        }
    }
}

/// The list on the way of steps that lacks an item before the one they choose.
fn gap<'s>(data: &Value, steps: &'s [Step]) -> Option<&'s str> {
    let mut here = Some(data);
    for step in steps {
        here = here.and_then(|here| here.get(&step.name));
        if let Some(item) = step.item {
            let known = here.and_then(Value::as_array).map_or(0, Vec::len);
            if item > known {
                return Some(&step.name);
            }
            here = here.and_then(|here| here.get(item));
        }
    }
    None
}

/// The place that steps lead to, made where it is not there. There must be no [`gap`].
fn place<'v>(data: &'v mut Value, steps: &[Step]) -> &'v mut Value {
    let mut here = data;
    for step in steps {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = &mut here[step.name.as_str()];
        if let Some(item) = step.item {
            if !here.is_array() {
                *here = Value::Array(Vec::new());
            }
            if let Value::Array(items) = here
                && items.len() <= item
            {
                items.push(Value::Null);
            }
            here = &mut here[item];
        }
    }
    here
}

/// Clears what steps lead to. A part of an item of a list is cleared by being silent on it, and a list of which the row
/// fills nothing as a whole.
fn clear(data: &mut Value, steps: &[Step]) {
    let list = steps.iter().position(|step| step.item.is_some());
    let whole = list.and_then(|list| steps.get(..=list)).unwrap_or(steps);
    let mut whole = whole.to_vec();
    if let Some(last) = whole.last_mut() {
        last.item = None;
    }
    let mut here = Some(&*data);
    for step in &whole {
        here = here.and_then(|here| here.get(&step.name));
    }
    if here.is_none() {
        *place(data, &whole) = Value::Null;
    }
}

/// The fault of a finding of the validator on the data of a row: in the column of the field, or in one that holds a part
/// of it; without a column for what the sheet does not hold. What the cell holds is left empty.
pub fn of_violation(row: u32, columns: &Columns, violation: &Violation) -> CellFault {
    let column = columns.at(&violation.pointer).filter(|_| !violation.pointer.is_empty());
    CellFault {
        row,
        column: column.map(|column| column.name.clone()).unwrap_or_default(),
        field: violation.pointer.clone(),
        value: String::new(),
        code: violation.code,
        detail: violation.detail.clone(),
        clause: violation.clause.clone().or_else(|| column.and_then(|column| column.clause.clone())),
    }
}

/// The rows of a sheet that have the same value at `key`, the path of a field or its pointer; a fault for each of them,
/// naming the others. Values that differ only in case are the same.
pub fn duplicates(rows: &[RowRead], key: &str) -> Vec<CellFault> {
    let pointer = format!("/{}", key.trim_start_matches('/'));
    let mut by_value: BTreeMap<String, Vec<&RowRead>> = BTreeMap::new();
    for row in rows {
        let value = row.data.pointer(&pointer).filter(|value| !value.is_null());
        let value = value.map(|value| value.as_str().map_or_else(|| value.to_string(), folded));
        by_value.entry(value.unwrap_or_default()).or_default().push(row);
    }
    by_value.remove("");
    let mut faults = Vec::new();
    for same in by_value.values().filter(|same| same.len() > 1) {
        for row in same {
            let column = row.columns.at(&pointer);
            let others: Vec<String> =
                same.iter().filter(|other| other.number != row.number).take(10).map(|o| o.number.to_string()).collect();
            let which = if others.len() > 1 { "rows" } else { "row" };
            let value = row.data.pointer(&pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            faults.push(CellFault {
                row: row.number,
                column: column.map(|column| column.name.clone()).unwrap_or_default(),
                field: pointer.clone(),
                value,
                code: "duplicate_in_sheet",
                detail: format!("The same value stands in {which} {} of the sheet.", others.join(", ")),
                clause: column.and_then(|column| column.clause.clone()),
            });
        }
    }
    faults.sort_by_key(|fault| fault.row);
    faults
}
