//! Which column is which field.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::compare::escaped;
use super::names::{compact, folded, nearest, texts};
use super::{Mapping, sheet};
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::exchange::ColumnForm;
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::{Clause, RecordType};

/// Column of the ids of records.
const RECORD_ID: &str = "record_id";
/// Column of the days from which rows are to hold.
const EFFECTIVE_ON: &str = "effective_on";
/// What else the two are called.
const RESERVED: [(&str, &[&str]); 2] = [
    (RECORD_ID, &["record_id", "record id", "kirje id", "kirje tunnus"]),
    (EFFECTIVE_ON, &["effective_on", "effective on", "kehtib alates", "gäller från", "voimassa alkaen"]),
];
/// Columns in which faults are given back; never read.
const FAULT_COLUMNS: [&str; 2] = ["viga", "väli"];
/// The most items of a list that does not say how many it may have.
const ITEMS: usize = 1000;

/// The columns of a sheet with their fields, in the order of the sheet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Columns {
    list: Vec<Column>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// Its name, as it stands in the sheet.
    pub name: String,
    /// Path of its field, items of lists from 1 (`guardians[1]/personal_code`); `record_id`; `effective_on`; nothing
    /// where the column is left out.
    pub field: Option<String>,
    /// Place of its values in the data of a record (RFC 6901); nothing for what is no field of the record.
    pub pointer: Option<String>,
    /// Clause of the field.
    pub clause: Option<Clause>,
    #[serde(skip)]
    pub(super) what: What,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// Values of a field.
    Field(Target),
    /// Ids of records.
    RecordId,
    /// Days from which rows are to hold.
    EffectiveOn,
    /// Nothing that is read.
    LeftOut,
    /// It has no name; what stands in it is not dropped in silence.
    Unnamed,
}

/// A field of the record, or of its institution, and how the column writes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Target {
    pub(super) steps: Vec<Step>,
    /// The first step is in the institution of the record.
    pub(super) of_institution: bool,
    /// The column names a list without saying which item; the first is taken.
    pub(super) first_assumed: bool,
    /// How an exchange writes days and answers.
    pub(super) form: Option<ColumnForm>,
    /// The other's codes of an exchange, by ours.
    pub(super) codes: BTreeMap<String, String>,
}

/// A field or part and, in a list, the item, from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) item: Option<usize>,
}

/// What is wrong with a column, or worth saying of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnFault {
    /// Its name, as it stands in the sheet; of a column that is missing, the name that it would have.
    pub column: String,
    /// Its number, from 1; 0 for one that is missing.
    pub position: usize,
    /// `unknown_column`, `unknown_field`, `ambiguous_column`, `duplicate_column`, `group_column`, `items`,
    /// `missing_column`; of those that do not block, `derived`, `parts_without_column`, `not_agreed`.
    pub code: &'static str,
    /// An English sentence: what is wrong and what to do.
    pub detail: String,
    /// Paths of the fields that are meant or near.
    pub fields: Vec<String>,
    /// Clause of the field, or of the record type.
    pub clause: Option<Clause>,
    /// Whether the sheet cannot be read so. What does not block is a note, and the column is read or left out.
    pub blocks: bool,
}

impl Columns {
    /// The columns, in the order of the sheet.
    pub fn list(&self) -> &[Column] {
        &self.list
    }

    /// Whether rows may say which record they mean by its id.
    pub fn has_record_id(&self) -> bool {
        self.list.iter().any(|column| column.what == What::RecordId)
    }

    /// The mapping that says what was found, to be kept for the next sheet of the same kind.
    pub fn mapping(&self) -> BTreeMap<String, Option<String>> {
        let named = self.list.iter().filter(|column| column.what != What::Unnamed);
        named.map(|column| (column.name.clone(), column.field.clone())).collect()
    }

    /// The column of a place in the data: the one that holds it, else one that holds a part of it. `/record_id` and
    /// `/effective_on` are those columns.
    pub fn at(&self, pointer: &str) -> Option<&Column> {
        let reserved = match pointer {
            "/record_id" => Some(What::RecordId),
            "/effective_on" => Some(What::EffectiveOn),
            _ => None,
        };
        if let Some(column) = self.list.iter().find(|column| reserved.as_ref() == Some(&column.what)) {
            return Some(column);
        }
        let place = |column: &Column| column.pointer.clone().unwrap_or_default();
        let with_place = || self.list.iter().filter(|column| column.pointer.is_some());
        let around = with_place().filter(|c| is_under(pointer, &place(c))).max_by_key(|c| place(c).len());
        around.or_else(|| with_place().find(|c| is_under(&place(c), pointer)))
    }

    /// The text of a row's cell in a column.
    pub fn value(&self, column: &str, row: &sheet::Row) -> Option<String> {
        let at = self.list.iter().position(|c| c.name == column)?;
        row.cells.get(at).map(super::cell::shown)
    }
}

/// Whether a place is in another one or is it.
fn is_under(pointer: &str, around: &str) -> bool {
    pointer.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A way from the record to a field: the fields that it passes, the one it leads to last.
#[derive(Clone, Default)]
struct Trail<'d> {
    fields: Vec<&'d Field>,
    steps: Vec<Step>,
}

impl<'d> Trail<'d> {
    fn and(&self, field: &'d Field, item: Option<usize>) -> Self {
        let mut longer = self.clone();
        longer.fields.push(field);
        longer.steps.push(Step { name: field.name.clone(), item });
        longer
    }

    fn last(&self) -> Option<&'d Field> {
        self.fields.last().copied()
    }

    fn is_derived(&self) -> bool {
        self.fields.iter().any(|field| field.derived.is_some())
    }

    fn is_group(&self) -> bool {
        self.last().is_some_and(|field| field.kind == FieldType::Group)
    }

    /// Its clause: that of the innermost field that has one.
    fn clause(&self) -> Option<&'d Clause> {
        self.fields.iter().rev().find_map(|field| field.clause.as_ref())
    }

    /// Whether a clause, written without blanks, is one of the field's.
    fn is_of(&self, clause: &str) -> bool {
        let own = self.fields.iter().rev().find(|f| f.clause.is_some() || !f.repeated_in.is_empty());
        own.is_some_and(|f| f.clause.iter().chain(&f.repeated_in).any(|c| compact(&c.0) == clause))
    }

    fn labels(&self, language: &str) -> Vec<&'d str> {
        self.fields.iter().map(|field| field.label.in_language(language)).collect()
    }

    /// `path` (label), for people.
    fn spoken(&self) -> String {
        format!("`{}` ({})", path(&self.steps), self.labels("et").join(" / "))
    }
}

/// The path of steps, items from 1.
pub(super) fn path(steps: &[Step]) -> String {
    let step = |step: &Step| match step.item {
        Some(item) => format!("{}[{}]", step.name, item.saturating_add(1)),
        None => step.name.clone(),
    };
    steps.iter().map(step).collect::<Vec<_>>().join("/")
}

/// The JSON pointer of steps.
pub(super) fn pointer(steps: &[Step]) -> String {
    let step = |step: &Step| match step.item {
        Some(item) => format!("/{}/{item}", escaped(&step.name)),
        None => format!("/{}", escaped(&step.name)),
    };
    steps.iter().map(step).collect()
}

/// Every field that takes a value, parts of groups included, without items.
fn leaves<'d>(fields: &'d [Field], around: &Trail<'d>, found: &mut Vec<Trail<'d>>) {
    for field in fields {
        let trail = around.and(field, None);
        if field.kind == FieldType::Group {
            leaves(&field.parts, &trail, found);
        } else {
            found.push(trail);
        }
    }
}

/// By which names fields are looked for.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Name,
    Label,
}

/// The fields that a folded text names from `fields` on: `group/part`, `group: part`, `list[2]/part`, `list 2: part`,
/// `list: part 2`.
fn named<'d>(fields: &'d [Field], text: &str, by: By, around: &Trail<'d>, found: &mut Vec<Trail<'d>>) {
    for field in fields {
        let mut names: Vec<String> = match by {
            By::Name => vec![field.name.clone()],
            By::Label => texts(&field.label).map(folded).collect(),
        };
        names.sort_unstable();
        names.dedup();
        for rest in names.iter().filter(|name| !name.is_empty()).filter_map(|name| text.strip_prefix(name.as_str())) {
            let (item, after) = if field.repeats { item(rest) } else { (None, rest) };
            let trail = around.and(field, item);
            if after.is_empty() {
                found.push(trail);
            } else if field.kind == FieldType::Group {
                if let Some(part) = after.trim_start().strip_prefix([':', '/', '.']) {
                    named(&field.parts, part.trim_start(), by, &trail, found);
                }
            } else if let Some(trail) = counted_at_end(trail, after) {
                found.push(trail);
            }
        }
    }
}

/// The number of an item at the head of a text (`[2]`, ` 2`, ` (2)`), and what follows; the text where there is none.
fn item(text: &str) -> (Option<usize>, &str) {
    let read = || {
        let inner = text.trim_start();
        let bracketed = inner.strip_prefix(['[', '(']);
        let digits = bracketed.unwrap_or(inner);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let (number, rest) = digits.split_at_checked(end)?;
        let rest = if bracketed.is_some() { rest.strip_prefix([']', ')'])? } else { rest };
        let apart = bracketed.is_some() || inner.len() < text.len();
        let ends = rest.is_empty() || rest.trim_start().starts_with([':', '/', '.']);
        let number = number.parse::<usize>().ok()?.checked_sub(1)?;
        (apart && ends).then_some((number, rest))
    };
    read().map_or((None, text), |(number, rest)| (Some(number), rest))
}

/// A trail whose innermost list takes its item from the end of the text (`guardian: name 2`).
fn counted_at_end<'d>(mut trail: Trail<'d>, rest: &str) -> Option<Trail<'d>> {
    let (Some(number), "") = item(rest) else { return None };
    let list = trail.fields.iter().rposition(|field| field.repeats && field.kind == FieldType::Group)?;
    let step = trail.steps.get_mut(list).filter(|step| step.item.is_none())?;
    step.item = Some(number);
    Some(trail)
}

/// What a name of a column, or of a mapping, means.
enum Meaning<'d> {
    Field(Trail<'d>),
    Reserved(&'static str),
    Unknown,
    Several(Vec<Trail<'d>>),
}

/// The field of a name: by path, else by a reserved name and, unless it is a path of a mapping, by label or clause.
fn meaning<'d>(kind: &'d RecordType, name: &str, path_only: bool) -> Meaning<'d> {
    // Templates mark what is required with a star.
    let text = folded(name.trim_end().trim_end_matches('*'));
    let mut found = Vec::new();
    named(&kind.fields, &text, By::Name, &Trail::default(), &mut found);
    if found.is_empty()
        && let Some((reserved, _)) = RESERVED.iter().find(|(_, names)| names.contains(&text.as_str()))
    {
        return Meaning::Reserved(reserved);
    }
    if found.is_empty() && !path_only {
        named(&kind.fields, &text, By::Label, &Trail::default(), &mut found);
        if found.iter().any(|trail| !trail.is_group()) {
            found.retain(|trail| !trail.is_group());
        }
    }
    if found.is_empty() && !path_only {
        let clause = compact(name);
        leaves(&kind.fields, &Trail::default(), &mut found);
        found.retain(|trail| trail.is_of(&clause));
    }
    let mut seen = BTreeSet::new();
    found.retain(|trail| seen.insert(trail.steps.clone()));
    match <[Trail; 1]>::try_from(found) {
        Ok([one]) => Meaning::Field(one),
        Err(none) if none.is_empty() => Meaning::Unknown,
        Err(several) => Meaning::Several(several),
    }
}

/// The fields of a sheet's columns, and what is wrong with the columns.
///
/// A column is that of the field that the mapping gives it; else of the one that its name names: by path
/// (`general_info/name`, `guardians[2]/phone`, also with `.`), by the labels in any language whatever their case
/// (`general data: name`, `guardian 2 / phone`), or by clause (`§ 9 lg 6 p 16`), where that has one field. Reserved are
/// `record_id` and `effective_on` (`kehtib alates`); `viga` and `väli` are left out. A column that names a list without
/// an item is that of the first item, unless the list is one of single values: then a cell may hold several.
///
/// Columns with a fault are left out of the answer's fields.
pub fn columns(kind: &RecordType, header: &[String], mapping: Option<&Mapping>) -> (Columns, Vec<ColumnFault>) {
    let mut finder = Finder { kind, list: Vec::with_capacity(header.len()), faults: Vec::new() };
    for name in header {
        finder.column(name, mapping);
    }
    finder.note_missing_parts();
    (Columns { list: finder.list }, finder.faults)
}

/// The search for the fields of columns under way.
pub(super) struct Finder<'d> {
    kind: &'d RecordType,
    list: Vec<Column>,
    faults: Vec<ColumnFault>,
}

impl<'d> Finder<'d> {
    pub(super) fn new(kind: &'d RecordType) -> Self {
        Self { kind, list: Vec::new(), faults: Vec::new() }
    }

    pub(super) fn finish(self) -> (Columns, Vec<ColumnFault>) {
        (Columns { list: self.list }, self.faults)
    }

    fn column(&mut self, name: &str, mapping: Option<&Mapping>) {
        let text = folded(name);
        if text.is_empty() {
            return self.push(name, What::Unnamed, None);
        }
        let said = mapping.and_then(|mapping| {
            let alike = || mapping.columns.iter().find(|(column, _)| folded(column) == text).map(|(_, field)| field);
            mapping.columns.get(name).or_else(alike)
        });
        match said {
            Some(None) => self.push(name, What::LeftOut, None),
            Some(Some(path)) => self.mean(name, path, true, Target::default()),
            None if FAULT_COLUMNS.contains(&text.as_str()) => self.push(name, What::LeftOut, None),
            None => self.mean(name, name, false, Target::default()),
        }
    }

    /// Takes the column `name` for what `text` means; `target` says how it is written.
    pub(super) fn mean(&mut self, name: &str, text: &str, path_only: bool, target: Target) {
        match meaning(self.kind, text, path_only) {
            Meaning::Reserved(reserved) => {
                let what = if reserved == RECORD_ID { What::RecordId } else { What::EffectiveOn };
                if self.list.iter().any(|column| column.what == what) {
                    return self.fault(
                        name,
                        "duplicate_column",
                        "Another column holds this already.",
                        Vec::new(),
                        None,
                    );
                }
                self.push(name, what, None);
            }
            Meaning::Field(trail) => self.field(name, trail, target),
            Meaning::Several(trails) => {
                let several = trails.iter().take(5).map(Trail::spoken).collect::<Vec<_>>().join(", ");
                let detail = format!("Several fields are called so: {several}. Map the column to one of them.");
                let fields = trails.iter().map(|trail| path(&trail.steps)).collect();
                let clause = trails.first().and_then(Trail::clause).cloned();
                self.fault(name, "ambiguous_column", detail, fields, clause);
            }
            Meaning::Unknown => self.unknown(name, text, path_only),
        }
    }

    /// Takes the column of an exchange for a field of the record or, after `institution/`, of its institution.
    pub(super) fn agreed(&mut self, name: &str, text: &str, target: Target) {
        let of_institution =
            text.strip_prefix("institution/").filter(|_| matches!(meaning(self.kind, text, true), Meaning::Unknown));
        let Some(inner) = of_institution.and_then(|inner| FieldPath::parse(inner).ok()) else {
            return self.mean(name, text, true, target);
        };
        let steps = inner.steps().iter().map(|step| Step { name: step.name.clone(), item: None }).collect();
        self.target(name, Target { steps, of_institution: true, ..target }, None);
    }

    fn unknown(&mut self, name: &str, text: &str, path_only: bool) {
        let mut trails = Vec::new();
        leaves(&self.kind.fields, &Trail::default(), &mut trails);
        let names = |(at, trail): (usize, &Trail)| {
            let own = trail.last().into_iter().flat_map(|field| texts(&field.label)).map(str::to_owned);
            let whole = [path(&trail.steps), trail.labels("et").join(": ")];
            own.chain(whole).map(|name| (at, name)).collect::<Vec<_>>()
        };
        let candidates = trails.iter().enumerate().filter(|(_, trail)| !trail.is_derived()).flat_map(names);
        let near: Vec<&Trail> = nearest(text, candidates).into_iter().filter_map(|at| trails.get(at)).collect();
        let mut detail = if path_only {
            "The mapping names a field that these records do not have.".to_owned()
        } else {
            "No field is called so.".to_owned()
        };
        if !near.is_empty() {
            let spoken = near.iter().map(|trail| trail.spoken()).collect::<Vec<_>>().join(", ");
            detail.push_str(&format!(" The nearest: {spoken}."));
        }
        detail.push_str(" Map the column to a field, or leave it out.");
        let fields = near.iter().map(|trail| path(&trail.steps)).collect();
        let code = if path_only { "unknown_field" } else { "unknown_column" };
        self.fault(name, code, detail, fields, Some(self.kind.clause.clone()));
    }

    fn field(&mut self, name: &str, mut trail: Trail<'d>, mut target: Target) {
        let clause = trail.clause().or(Some(&self.kind.clause)).cloned();
        if trail.is_derived() {
            self.push(name, What::LeftOut, None);
            let detail = "This field is computed; the column is left out.";
            return self.say(name, ("derived", false), detail, vec![path(&trail.steps)], clause);
        }
        if let Some(group) = trail.last().filter(|field| field.kind == FieldType::Group) {
            let parts: Vec<String> =
                group.parts.iter().map(|part| format!("{}/{}", path(&trail.steps), part.name)).collect();
            let list = parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ");
            let detail = format!("This field has several parts, each with a column of its own: {list}.");
            return self.fault(name, "group_column", detail, parts, clause);
        }
        for (step, field) in trail.steps.iter_mut().zip(&trail.fields) {
            let is_list = field.repeats && field.kind == FieldType::Group;
            if is_list && step.item.is_none() {
                step.item = Some(0);
                target.first_assumed = true;
            }
            let most = field.items.map_or(ITEMS, |[_, most]| most);
            if step.item.is_some_and(|item| item >= most) {
                let detail = format!("The list may have at most {most} items.");
                return self.fault(name, "items", detail, vec![field.name.clone()], clause);
            }
        }
        target.steps = trail.steps;
        self.target(name, target, clause);
    }

    /// Adds the column of a target, unless there is one.
    pub(super) fn target(&mut self, name: &str, target: Target, clause: Option<Clause>) {
        let taken = |column: &&Column| match &column.what {
            What::Field(other) => other.of_institution == target.of_institution && overlap(&other.steps, &target.steps),
            _ => false,
        };
        if let Some(other) = self.list.iter().find(taken) {
            let detail = format!("The column `{}` holds this field already.", other.name);
            let fields = vec![path(&target.steps)];
            return self.fault(name, "duplicate_column", detail, fields, clause);
        }
        self.push(name, What::Field(target), clause);
    }

    pub(super) fn push(&mut self, name: &str, what: What, clause: Option<Clause>) {
        let (field, pointer) = match &what {
            What::Field(target) if target.of_institution => {
                (Some(format!("institution/{}", path(&target.steps))), None)
            }
            What::Field(target) => (Some(path(&target.steps)), Some(pointer(&target.steps))),
            What::RecordId => (Some(RECORD_ID.to_owned()), None),
            What::EffectiveOn => (Some(EFFECTIVE_ON.to_owned()), None),
            What::LeftOut | What::Unnamed => (None, None),
        };
        self.list.push(Column { name: name.to_owned(), field, pointer, clause, what });
    }

    /// Leaves the column out and says what is wrong with it.
    fn fault(
        &mut self,
        name: &str,
        code: &'static str,
        detail: impl Into<String>,
        fields: Vec<String>,
        clause: Option<Clause>,
    ) {
        self.push(name, What::LeftOut, None);
        self.say(name, (code, true), detail, fields, clause);
    }

    /// Says something of the last column.
    pub(super) fn say(
        &mut self,
        name: &str,
        (code, blocks): (&'static str, bool),
        detail: impl Into<String>,
        fields: Vec<String>,
        clause: Option<Clause>,
    ) {
        let position = if code == "missing_column" { 0 } else { self.list.len() };
        let (column, detail) = (name.to_owned(), detail.into());
        self.faults.push(ColumnFault { column, position, code, detail, fields, clause, blocks });
    }

    /// Notes the parts of lists that have no column: a row that fills a list says all of it.
    fn note_missing_parts(&mut self) {
        let mut trails = Vec::new();
        leaves(&self.kind.fields, &Trail::default(), &mut trails);
        let places: Vec<(usize, Vec<String>)> = self
            .list
            .iter()
            .enumerate()
            .filter_map(|(at, column)| match &column.what {
                What::Field(target) => Some((at, target.steps.iter().map(|step| step.name.clone()).collect())),
                _ => None,
            })
            .collect();
        for list in self.kind.fields.iter().filter(|f| f.repeats && f.kind == FieldType::Group) {
            let Some((at, _)) = places.iter().find(|(_, names)| names.first() == Some(&list.name)) else { continue };
            let has_column = |trail: &&Trail| {
                let names = || trail.fields.iter().map(|field| &field.name);
                trail.is_derived() || places.iter().any(|(_, place)| place.iter().eq(names()))
            };
            let inside = trails.iter().filter(|t| t.fields.first().is_some_and(|f| f.name == list.name));
            let missing: Vec<String> = inside.filter(|t| !has_column(t)).map(|t| path(&t.steps)).collect();
            let Some(column) = self.list.get(*at).filter(|_| !missing.is_empty()) else { continue };
            let parts = missing.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ");
            let detail = format!(
                "A row that fills this list says all of it, and these parts have no column: {parts}. What known records \
                 hold there is taken out with the rest of the list."
            );
            self.faults.push(ColumnFault {
                column: column.name.clone(),
                position: at.saturating_add(1),
                code: "parts_without_column",
                detail,
                fields: missing,
                clause: list.clause.clone(),
                blocks: false,
            });
        }
    }
}

/// Whether two columns hold the same value: the same steps, or a whole list and one of its items.
fn overlap(one: &[Step], other: &[Step]) -> bool {
    let alike = |(a, b): (&Step, &Step)| a.name == b.name && (a.item == b.item || a.item.is_none() || b.item.is_none());
    one.len() == other.len() && one.iter().zip(other).all(alike)
}

/// A column as templates and exports of lists write it; [`columns`] reads it back.
#[derive(Debug, Clone)]
pub struct Heading<'d> {
    /// Path, items from 1.
    pub path: String,
    /// What stands at the head of the column: the labels, or the path where the labels are those of another field too.
    pub label: String,
    /// The field.
    pub field: &'d Field,
    /// Its clause.
    pub clause: Option<&'d Clause>,
    /// Whether every record must have a value there.
    pub required: bool,
}

/// The columns that records of a kind have in a sheet: every field that is entered, parts of groups one by one, of lists
/// of groups the first `items` items; a list of single values is one column.
pub fn headings<'d>(kind: &'d RecordType, language: &str, items: usize) -> Vec<Heading<'d>> {
    let mut trails = Vec::new();
    spread(&kind.fields, items, &Trail::default(), &mut trails);
    let heading = |trail: Trail<'d>| {
        let field = trail.last()?;
        let label = trail.fields.iter().zip(&trail.steps).map(|(field, step)| {
            let label = field.label.in_language(language);
            step.item.map_or_else(|| label.to_owned(), |item| format!("{label} {}", item.saturating_add(1)))
        });
        let label = label.collect::<Vec<_>>().join(": ");
        let path = path(&trail.steps);
        let own = !FAULT_COLUMNS.contains(&folded(&label).as_str())
            && matches!(meaning(kind, &label, false), Meaning::Field(found) if found.steps == trail.steps);
        let in_first = trail.steps.iter().all(|step| step.item.is_none_or(|item| item == 0));
        Some(Heading {
            label: if own { label } else { path.clone() },
            path,
            field,
            clause: trail.clause(),
            required: in_first && trail.fields.iter().all(|field| field.required),
        })
    };
    trails.into_iter().filter_map(heading).collect()
}

fn spread<'d>(fields: &'d [Field], items: usize, around: &Trail<'d>, found: &mut Vec<Trail<'d>>) {
    for field in fields.iter().filter(|field| field.derived.is_none()) {
        match field.kind {
            FieldType::Group if field.repeats => {
                let most = field.items.map_or(ITEMS, |[_, most]| most);
                for item in 0..items.min(most) {
                    spread(&field.parts, items, &around.and(field, Some(item)), found);
                }
            }
            FieldType::Group => spread(&field.parts, items, &around.and(field, None), found),
            _ => found.push(around.and(field, None)),
        }
    }
}
