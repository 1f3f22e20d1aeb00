//! The form as templates show it: sections of controls, made of the definition and of what stands in the controls.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::fault::{Fault, Faults};
use super::text::Writing;
use super::typed::{Parts, Typed, blank_item};
use super::value::Show;
use crate::domain::record::validate::Violation;
use crate::domain::registers::Register;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Code, Condition, Field, FieldType, NeedKind, RecordType, Section};
use crate::domain::statute::exchange::LocalChange;
use crate::domain::statute::path::FieldPath;
use crate::web::ui::frame;
use crate::web::ui::say::{Said, T};

/// The most codes of a list that are shown as boxes to tick; of longer ones a row each is chosen.
const BOXES: usize = 12;

/// A record that a reference may name.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
}

/// What can be told of a personal code before anything is saved.
#[derive(Debug, Clone, Default)]
pub struct CodeTold {
    /// Place of the control.
    pub place: String,
    /// Why it is no personal code.
    pub wrong: Option<String>,
    /// What it says.
    pub lines: Vec<String>,
    /// Records about the same person: what they are called, and where they are.
    pub same: Vec<(String, String)>,
}

/// The records that references may name, by record type.
#[derive(Debug, Default)]
pub struct References {
    /// By type: the records, and whether these are all.
    pub by_type: HashMap<String, (Vec<Choice>, bool)>,
    /// What a search at a field found, by the place of the field.
    pub found: HashMap<String, Vec<Choice>>,
}

impl References {
    /// What people call the record `id`, where it is known.
    pub fn title(&self, record_type: &str, id: &str) -> Option<&str> {
        let listed = self.by_type.get(record_type).map(|(list, _)| list.as_slice()).unwrap_or_default();
        let found = self.found.values().flatten();
        listed.iter().chain(found).find(|c| c.id == id).map(|c| c.title.as_str())
    }
}

/// Which fields of the record type a form shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// All.
    All,
    /// Those without which no record can be entered, and those that may be asked for because of them.
    Needed,
    /// Those of one section.
    Section(String),
    /// Those with these names.
    Named(BTreeSet<String>),
}

impl Shows {
    /// Whether the form shows the field.
    pub fn has(&self, kind: &RecordType, field: &Field) -> bool {
        match self {
            Self::All => true,
            Self::Needed => needed(kind, field),
            Self::Section(name) => field.section.as_deref() == Some(name),
            Self::Named(names) => names.contains(&field.name),
        }
    }

    /// The fields that the form shows.
    pub fn fields(&self, kind: &RecordType) -> Vec<Field> {
        kind.fields.iter().filter(|f| self.has(kind, f)).cloned().collect()
    }
}

/// Whether nobody can be entered without thinking of the field.
fn needed(kind: &RecordType, field: &Field) -> bool {
    let named = |path: &str| path.split(['/', '[']).next() == Some(field.name.as_str());
    field.required
        || field.required_when.is_some()
        || kind.title.iter().any(|path| named(path))
        || kind.lifecycle.as_ref().is_some_and(|life| named(&life.begins))
        || kind.subject.as_ref().is_some_and(|subject| named(subject.field()))
        || kind.unique.iter().any(|unique| unique.fields.iter().any(|path| named(path)))
}

/// What a form is made of.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// The register, in the definition by which is entered.
    pub register: &'a Register,
    /// Record type.
    pub kind: &'a RecordType,
    /// Texts and formats of the visitor.
    pub t: &'a T,
    /// How values are written.
    pub writing: Writing<'a>,
    /// Day from which what is entered is true: code lists are those of that day.
    pub on: NaiveDate,
    /// Which fields are shown.
    pub shows: &'a Shows,
    /// Sections in which the visitor may write; the others are left out.
    pub writable: &'a BTreeSet<String>,
    /// Fields whose values have come from elsewhere, and so may be locked.
    pub received: &'a BTreeSet<String>,
    /// Records that references may name.
    pub references: &'a References,
    /// The state, derived values included.
    pub state: &'a Value,
    /// What was told of a personal code.
    pub told: Option<&'a CodeTold>,
    /// What is wrong.
    pub faults: &'a [Violation],
}

/// A form.
#[derive(Debug, Default)]
pub struct Form {
    /// Sections that have something to show.
    pub sections: Vec<SectionModel>,
    /// Every error, in the order of the form; those of no control last.
    pub errors: Vec<frame::Fault>,
    /// What is unusual and does not stand in the way.
    pub warnings: Vec<frame::Fault>,
}

/// A section of a form.
#[derive(Debug)]
pub struct SectionModel {
    /// Id of its heading.
    pub id: String,
    /// Machine name.
    pub name: String,
    /// Label.
    pub label: Said,
    /// Whether it holds special categories of personal data.
    pub special: bool,
    /// What stands in it, in order.
    pub nodes: Vec<Node>,
}

/// One thing that stands in a form, in the order in which it is read. Groups and rows are opened and closed.
#[derive(Debug)]
pub enum Node {
    /// A control.
    Control(Box<Control>),
    /// A value that nobody enters here.
    Fixed(Fixed),
    /// A group, or a list, begins.
    Open(Box<Group>),
    /// A row of a list begins.
    Row(Row),
    /// A row ends.
    RowEnd(Row),
    /// The group ends. With the place at which a row is added, where it is a list.
    Close(Option<Adding>),
}

/// What every node that bears a label has.
#[derive(Debug)]
pub struct Heading {
    /// Id of the control, and with an end of what describes it.
    pub id: String,
    /// Place of the value (RFC 6901); also its name in the form.
    pub name: String,
    /// Label.
    pub label: Said,
    /// A sentence for the person who fills it in.
    pub help: Option<Said>,
    /// What the form itself says of it: the form of a value, a condition.
    pub hints: Vec<String>,
    /// Clause.
    pub clause: Option<String>,
    /// Whether it must be there.
    pub required: bool,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// When it is asked for at all.
    pub when: Option<When>,
}

impl Heading {
    /// Ids of what describes the control: nothing where nothing does.
    pub fn described(&self) -> Option<String> {
        let hint = (self.help.is_some() || !self.hints.is_empty()).then(|| format!("{}-hint", self.id));
        let fault = (!self.faults.is_empty()).then(|| format!("{}-fault", self.id));
        let ids: Vec<String> = hint.into_iter().chain(fault).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    /// Whether something stands in the way of its value.
    pub fn wrong(&self) -> bool {
        self.faults.iter().any(|fault| fault.blocks)
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// As the script of the page asks it (`data-when`).
    pub script: String,
    /// Whether it holds now.
    pub holds: bool,
}

/// A control.
#[derive(Debug)]
pub struct Control {
    /// What it is called.
    pub head: Heading,
    /// What it looks like.
    pub widget: Widget,
    /// What stands in it.
    pub value: String,
    /// Inside of a row or a list it has no place for its own label.
    pub item: Option<usize>,
    /// Where the control stands in a list of single values, the place and number at which it is taken out.
    pub removes: Option<String>,
    /// What was told of the personal code in it.
    pub told: Option<CodeTold>,
}

/// What a control looks like.
#[derive(Debug)]
pub enum Widget {
    /// One line; with the mode of the keyboard and a width.
    Line {
        /// `inputmode`.
        mode: &'static str,
        /// Class of its width.
        width: &'static str,
    },
    /// Several lines.
    Lines,
    /// A day.
    Date,
    /// Yes, no, or nothing said.
    YesNo,
    /// One of a list.
    Select(Vec<OptionGroup>),
    /// Some of a list.
    Boxes(Vec<Opt>),
    /// A personal code, which is checked while it is typed.
    PersonalCode,
    /// A record, found by a search; with what was found and with the chosen one's title.
    Search {
        /// What was found.
        found: Vec<Choice>,
        /// What the chosen one is called.
        chosen: Option<String>,
    },
    /// A stored file; with the media types that are taken.
    File {
        /// Media types, parted by a comma.
        accept: String,
    },
}

/// Options under one heading.
#[derive(Debug)]
pub struct OptionGroup {
    /// The heading, where there is one.
    pub label: Option<Said>,
    /// Code of the parent list that the heading stands for.
    pub parent: String,
    /// The options.
    pub options: Vec<Opt>,
}

/// An option.
#[derive(Debug)]
pub struct Opt {
    /// Id of its box.
    pub id: String,
    /// Value.
    pub value: String,
    /// What people read.
    pub label: Said,
    /// Whether it is chosen.
    pub chosen: bool,
    /// Whether it could not be chosen anew.
    pub ended: bool,
}

/// A value that nobody enters here: derived, or from a source that is elsewhere.
#[derive(Debug)]
pub struct Fixed {
    /// Label.
    pub label: Said,
    /// Clause.
    pub clause: Option<String>,
    /// The value, as people read it.
    pub lines: Vec<String>,
    /// Where the value comes from, with the clause; nothing where it is derived.
    pub source: Option<(Said, String)>,
}

/// A group of controls, or a list.
#[derive(Debug)]
pub struct Group {
    /// What it is called.
    pub head: Heading,
    /// Whether it is a list.
    pub list: bool,
    /// How many items it has.
    pub count: usize,
}

/// A row of a list.
#[derive(Debug, Clone)]
pub struct Row {
    /// Place.
    pub name: String,
    /// Id of its heading.
    pub id: String,
    /// Number, from 1.
    pub number: usize,
    /// Id of the list.
    pub list: String,
    /// What the list is called.
    pub label: Said,
    /// What is wrong with the row as a whole.
    pub faults: Vec<Fault>,
}

/// Where a row is added to a list.
#[derive(Debug)]
pub struct Adding {
    /// Id of the list.
    pub id: String,
    /// Place of the list.
    pub name: String,
    /// What the list is called.
    pub label: Said,
    /// Whether it has room for one more.
    pub room: bool,
}

impl Form {
    /// The form that shows `parts`.
    pub fn of(making: Making<'_>, parts: &Parts) -> Self {
        let mut maker = Maker { making, faults: Faults::new(making.t, making.kind, making.faults), nodes: Vec::new() };
        let mut sections = Vec::new();
        for section in &making.kind.sections {
            if making.writable.contains(&section.name) {
                sections.extend(maker.section(section, parts));
            }
        }
        let (errors, warnings) = maker.faults.finish();
        Self { sections, errors, warnings }
    }

    /// Whether a file can be sent with it.
    pub fn has_files(&self) -> bool {
        let nodes = self.sections.iter().flat_map(|section| &section.nodes);
        let mut controls = nodes.filter_map(|node| if let Node::Control(c) = node { Some(c) } else { None });
        controls.any(|control| matches!(control.widget, Widget::File { .. }))
    }
}

struct Maker<'a> {
    making: Making<'a>,
    faults: Faults<'a>,
    nodes: Vec<Node>,
}

/// Where a field stands.
#[derive(Clone, Copy)]
struct At<'a> {
    /// Place of what holds it.
    place: &'a str,
    /// Clause of what holds it.
    clause: Option<&'a Clause>,
    /// Its siblings.
    fields: &'a [Field],
    /// What stands in their controls.
    parts: &'a Parts,
    /// The values of what holds it.
    state: &'a Value,
}

impl<'a> Maker<'a> {
    fn section(&mut self, section: &Section, parts: &Parts) -> Option<SectionModel> {
        let making = self.making;
        let kind = making.kind;
        let at = At { place: "", clause: Some(&kind.clause), fields: &kind.fields, parts, state: making.state };
        for field in &kind.fields {
            if field.section.as_deref() == Some(&section.name) && making.shows.has(kind, field) {
                self.field(field, at);
            }
        }
        let nodes = std::mem::take(&mut self.nodes);
        let entered = nodes.iter().any(|node| !matches!(node, Node::Fixed(_)));
        entered.then(|| SectionModel {
            id: format!("s-{}", section.name),
            name: section.name.clone(),
            label: making.t.label(&section.label),
            special: section.special_category,
            nodes,
        })
    }

    fn field(&mut self, field: &Field, at: At<'_>) {
        let value = at.state.get(&field.name).unwrap_or(&Value::Null);
        if field.derived.is_some() {
            if !value.is_null() {
                self.fixed(field, at, value, None);
            }
            return;
        }
        if let Some(source) = self.locked(field, at) {
            return self.fixed(field, at, value, Some(source));
        }
        let place = format!("{}/{}", at.place, field.name);
        let blank = if field.repeats { Typed::Rows(Vec::new()) } else { blank_item(self.making.writing, field) };
        match (at.parts.get(&field.name).unwrap_or(&blank), field.kind) {
            (Typed::Rows(rows), FieldType::Group) => self.rows(field, at, &place, rows, value),
            (Typed::Rows(rows), _) => self.items(field, at, &place, rows),
            (Typed::Parts(parts), _) => {
                let head = self.heading(field, at, &place);
                self.nodes.push(Node::Open(Box::new(Group { head, list: false, count: 1 })));
                self.parts(field, at, &place, parts, value);
                self.nodes.push(Node::Close(None));
            }
            (Typed::Text(text), _) => {
                let head = self.heading(field, at, &place);
                self.control(field, at, head, text, None);
            }
        }
    }

    /// The parts of a group.
    fn parts(&mut self, field: &Field, at: At<'_>, place: &str, parts: &Parts, state: &Value) {
        let clause = field.clause.as_ref().or(at.clause);
        for part in &field.parts {
            self.field(part, At { place, clause, fields: &field.parts, parts, state });
        }
    }

    /// A list of groups. One that must not be empty has a row to begin with.
    fn rows(&mut self, field: &Field, at: At<'_>, place: &str, rows: &[Typed], state: &Value) {
        let head = self.heading(field, at, place);
        let first = [blank_item(self.making.writing, field)];
        let rows = if rows.is_empty() && head.required { &first } else { rows };
        self.nodes.push(Node::Open(Box::new(Group { head, list: true, count: rows.len() })));
        for (number, row) in rows.iter().enumerate() {
            let Typed::Parts(parts) = row else { continue };
            let name = format!("{place}/{number}");
            let label = self.making.t.label(&field.label);
            let faults = self.faults.take(&name);
            let row = Row { id: id(&name), name: name.clone(), number: number + 1, list: id(place), label, faults };
            self.nodes.push(Node::Row(row.clone()));
            self.parts(field, at, &name, parts, state.get(number).unwrap_or(&Value::Null));
            self.nodes.push(Node::RowEnd(row));
        }
        let room = rows.len() < most(field);
        self.nodes.push(Node::Close(Some(Adding {
            id: id(place),
            name: place.to_owned(),
            label: self.making.t.label(&field.label),
            room,
        })));
    }

    /// A list of single values: boxes to tick where the choice is small, else a control for each, and one more.
    fn items(&mut self, field: &Field, at: At<'_>, place: &str, rows: &[Typed]) {
        let mut head = self.heading(field, at, place);
        let texts: Vec<&str> =
            rows.iter().filter_map(|row| if let Typed::Text(t) = row { Some(t.as_str()) } else { None }).collect();
        let listed = self.codes(field).filter(|codes| field.within_code.is_none() && codes.len() <= BOXES);
        if let Some(codes) = listed {
            for number in 0..texts.len() {
                head.faults.extend(self.faults.take(&format!("{place}/{number}")));
            }
            let options = self.options(&head.id, &codes, &texts);
            self.nodes.push(Node::Control(Box::new(Control {
                head,
                widget: Widget::Boxes(options),
                value: String::new(),
                item: None,
                removes: None,
                told: None,
            })));
            return;
        }
        let (required, label) = (head.required, head.label.clone());
        let room = texts.len() < most(field);
        let spare = (texts.is_empty() || texts.last().is_some_and(|t| !t.is_empty())) && room;
        let count = texts.len() + usize::from(spare);
        self.nodes.push(Node::Open(Box::new(Group { head, list: true, count })));
        for (number, text) in texts.iter().copied().chain(spare.then_some("")).enumerate() {
            let name = format!("{place}/{number}");
            let head = Heading {
                id: id(&name),
                label: label.clone(),
                help: None,
                hints: Vec::new(),
                clause: None,
                required: required && number == 0,
                faults: self.faults.take(&name),
                when: None,
                name,
            };
            self.control(field, at, head, text, Some(number + 1));
        }
        self.nodes.push(Node::Close(Some(Adding { id: id(place), name: place.to_owned(), label, room })));
    }

    /// The source that keeps the field from being entered here.
    fn locked(&self, field: &Field, at: At<'_>) -> Option<(Said, String)> {
        let name = field.source.as_ref().filter(|_| at.place.is_empty())?;
        let source = self.making.register.definition.register.sources.iter().find(|s| s.name == *name)?;
        let locked = match source.local_change {
            LocalChange::Refused => true,
            LocalChange::LockedOnceReceived => self.making.received.contains(&field.name),
            LocalChange::Marked => false,
        };
        locked.then(|| (self.making.t.label(&source.label), source.clause.to_string()))
    }

    fn fixed(&mut self, field: &Field, at: At<'_>, value: &Value, source: Option<(Said, String)>) {
        let lines = self.making.show().lines(field, value);
        let label = self.making.t.label(&field.label);
        let clause = field.clause.as_ref().or(at.clause).map(ToString::to_string);
        self.nodes.push(Node::Fixed(Fixed { label, clause, lines, source }));
    }

    fn heading(&mut self, field: &Field, at: At<'_>, place: &str) -> Heading {
        let t = self.making.t;
        let (mut hints, mut required, mut when) = (Vec::new(), field.required, None);
        if let Some(condition) = &field.required_when {
            let asked = when_of(condition, at);
            required |= asked.holds;
            hints.push(self.told(condition, at, ["form-when-is", "form-when-present", "form-when-missing"]));
            when = Some(asked);
        }
        if let Some(condition) = &field.absent_when {
            hints.push(self.told(condition, at, ["form-unless-is", "form-unless-present", "form-unless-missing"]));
        }
        if let Some(needs) = &field.needs {
            let label = self.label_of(at.fields, &needs.field);
            let key = match needs.kind {
                NeedKind::Consent => "form-needs-consent",
                NeedKind::LegalNeed => "form-needs-need",
            };
            hints.push(t.say_with(key, &[("field", &label)]));
            let condition = Condition { field: needs.field.clone(), is: None, one_of: None, present: Some(true) };
            when = when.or_else(|| Some(when_of(&condition, at)));
        }
        Heading {
            id: id(place),
            name: place.to_owned(),
            label: t.label(&field.label),
            help: field.help.as_ref().map(|help| t.label(help)),
            hints,
            // Parts are under the clause of their group, which says it once.
            clause: field.clause.as_ref().or(at.clause.filter(|_| at.place.is_empty())).map(ToString::to_string),
            required,
            faults: self.faults.take(place),
            when,
        }
    }

    /// What people read of the sibling at `path`.
    fn label_of(&self, fields: &[Field], path: &str) -> String {
        let path = FieldPath::parse(path).ok();
        let field = path.as_ref().and_then(|p| p.resolve(fields));
        field.map(|f| self.making.t.label(&f.label).text).unwrap_or_default()
    }

    /// A condition in words: `[is, present, missing]` are the texts for its kinds.
    fn told(&self, condition: &Condition, at: At<'_>, [is, present, missing]: [&'static str; 3]) -> String {
        let t = self.making.t;
        let field = self.label_of(at.fields, &condition.field);
        match condition.present {
            Some(true) => t.say_with(present, &[("field", &field)]),
            Some(false) => t.say_with(missing, &[("field", &field)]),
            None => {
                let path = FieldPath::parse(&condition.field).ok();
                let sibling = path.as_ref().and_then(|p| p.resolve(at.fields));
                let lines = sibling.map(|s| wanted(condition).flat_map(|v| self.making.show().lines(s, v)));
                let values: Vec<String> = lines.into_iter().flatten().collect();
                t.say_with(is, &[("field", &field), ("value", &values.join(" / "))])
            }
        }
    }

    /// The codes of a field's list that may be chosen, and those that may not any more with `false`.
    fn codes(&self, field: &Field) -> Option<Vec<(&'a Code, bool)>> {
        let making = self.making;
        let name = field.codelist.as_ref()?;
        let list = making.register.definition.codelists.iter().find(|l| l.name == *name)?;
        let day = making.on;
        let valid = |code: &Code| {
            code.valid_from.is_none_or(|from| from <= day) && code.valid_until.is_none_or(|until| day <= until)
        };
        Some(list.codes.iter().map(|code| (code, valid(code))).collect())
    }

    fn options(&self, id: &str, codes: &[(&Code, bool)], chosen: &[&str]) -> Vec<Opt> {
        let t = self.making.t;
        let shown = codes.iter().filter(|(code, valid)| *valid || chosen.contains(&code.code.as_str()));
        let mut options: Vec<Opt> = Vec::new();
        for (code, valid) in shown {
            // A code that was renamed stands in the list once for each of its names.
            if let Some(same) = options.iter_mut().find(|o| o.value == code.code) {
                if *valid {
                    (same.label, same.ended) = (t.label(&code.label), false);
                }
                continue;
            }
            options.push(Opt {
                id: format!("{id}-{}", code.code),
                value: code.code.clone(),
                label: t.label(&code.label),
                chosen: chosen.contains(&code.code.as_str()),
                ended: !valid,
            });
        }
        // What was typed is not lost, even where the list does not know it.
        for strange in chosen.iter().filter(|c| !c.is_empty() && !codes.iter().any(|(code, _)| code.code == **c)) {
            let label = plain(strange);
            options.push(Opt { id: format!("{id}-x"), value: (*strange).to_owned(), label, chosen: true, ended: true });
        }
        options
    }

    /// The options of a choice, under the codes of the parent list where there is one.
    fn select(&self, field: &Field, at: At<'_>, id: &str, text: &str) -> Option<Vec<OptionGroup>> {
        let codes = self.codes(field)?;
        let parent = field.within_code.as_ref().and_then(|name| at.fields.iter().find(|f| f.name == *name));
        let Some(parents) = parent.and_then(|parent| self.codes(parent)) else {
            let options = self.options(id, &codes, &[text]);
            return Some(vec![OptionGroup { label: None, parent: String::new(), options }]);
        };
        let mut groups = Vec::new();
        for (parent, _) in parents {
            if groups.iter().any(|g: &OptionGroup| g.parent == parent.code) {
                continue;
            }
            let below: Vec<(&Code, bool)> =
                codes.iter().copied().filter(|(c, _)| c.parent.as_deref() == Some(parent.code.as_str())).collect();
            let known = below.iter().any(|(c, _)| c.code == text);
            let options = self.options(id, &below, if known { std::slice::from_ref(&text) } else { &[] });
            if !options.is_empty() {
                let label = Some(self.making.t.label(&parent.label));
                groups.push(OptionGroup { label, parent: parent.code.clone(), options });
            }
        }
        if !text.is_empty() && !groups.iter().any(|g| g.options.iter().any(|o| o.chosen)) {
            let options = self.options(id, &codes, &[text]).into_iter().filter(|o| o.chosen).collect();
            groups.push(OptionGroup { label: None, parent: String::new(), options });
        }
        Some(groups)
    }

    fn control(&mut self, field: &Field, at: At<'_>, head: Heading, text: &str, item: Option<usize>) {
        let line = |mode, width| Widget::Line { mode, width };
        let widget = match field.kind {
            FieldType::Code | FieldType::Language | FieldType::Country => {
                self.select(field, at, &head.id, text).map_or_else(|| line("text", "w-s"), Widget::Select)
            }
            FieldType::Text | FieldType::Address => line("text", "w-l"),
            FieldType::Multiline => Widget::Lines,
            FieldType::Integer | FieldType::Year => line("numeric", "w-s"),
            FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load => line("decimal", "w-s"),
            FieldType::Date => Widget::Date,
            FieldType::Boolean => Widget::YesNo,
            FieldType::PersonalCode => Widget::PersonalCode,
            FieldType::RegistryCode => line("text", "w-s"),
            FieldType::Email => line("email", "w-m"),
            FieldType::Phone => line("tel", "w-m"),
            FieldType::Iban => line("text", "w-m"),
            FieldType::File => Widget::File { accept: field.media_types.join(",") },
            FieldType::Reference => self.reference(field, &head, text),
            FieldType::Group => return,
        };
        let removes = item.filter(|_| !text.is_empty()).map(|_| head.name.clone());
        let value = text.to_owned();
        let told = self.making.told.filter(|told| told.place == head.name).cloned();
        self.nodes.push(Node::Control(Box::new(Control { head, widget, value, item, removes, told })));
    }

    /// A record: chosen from all where they are few, else searched.
    fn reference(&self, field: &Field, head: &Heading, text: &str) -> Widget {
        let references = self.making.references;
        let wanted = field.refers_to.as_deref().unwrap_or_default();
        let title = references.title(wanted, text);
        let option = |choice: &Choice| Opt {
            id: format!("{}-{}", head.id, choice.id),
            value: choice.id.clone(),
            label: plain(&choice.title),
            chosen: choice.id == text,
            ended: false,
        };
        match references.by_type.get(wanted) {
            Some((list, true)) => {
                let mut options: Vec<Opt> = list.iter().map(option).collect();
                if !text.is_empty() && !options.iter().any(|o| o.chosen) {
                    let label = plain(title.unwrap_or(text));
                    let value = text.to_owned();
                    options.push(Opt { id: format!("{}-x", head.id), value, label, chosen: true, ended: true });
                }
                Widget::Select(vec![OptionGroup { label: None, parent: String::new(), options }])
            }
            _ => Widget::Search {
                found: references.found.get(&head.name).cloned().unwrap_or_default(),
                chosen: (!text.is_empty()).then(|| title.unwrap_or(text).to_owned()),
            },
        }
    }
}

impl<'a> Making<'a> {
    fn show(&self) -> Show<'a> {
        Show { definition: &self.register.definition, t: self.t, references: self.references }
    }
}

/// A text that stands in no other language than the page's.
fn plain(text: &str) -> Said {
    Said { text: text.to_owned(), lang: None }
}

/// The id of what stands at a place.
pub fn id(place: &str) -> String {
    format!("f{}", place.replace('/', "-"))
}

/// The most items of a list.
fn most(field: &Field) -> usize {
    field.items.map_or(1000, |[_, most]| most)
}

/// The values that a condition asks for.
fn wanted(condition: &Condition) -> impl Iterator<Item = &Value> {
    condition.is.iter().chain(condition.one_of.iter().flatten())
}

/// A condition as it stands with what was typed beside it.
fn when_of(condition: &Condition, at: At<'_>) -> When {
    let wanted = wanted(condition).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let values: Vec<String> = wanted.collect();
    let texts = texts_at(at.parts, &condition.field);
    let holds = match condition.present {
        Some(present) => texts.is_empty() != present,
        None => texts.iter().any(|text| values.iter().any(|value| value == text)),
    };
    let name = format!("{}/{}", at.place, condition.field);
    let script = match condition.present {
        Some(present) => json!({ "name": name, "present": present }),
        None => json!({ "name": name, "is": values }),
    };
    When { script: script.to_string(), holds }
}

/// The texts, other than empty ones, in the controls at a path beside others; into lists it leads everywhere.
fn texts_at<'p>(parts: &'p Parts, path: &str) -> Vec<&'p str> {
    fn below<'p>(typed: &'p Typed, steps: &[&str], found: &mut Vec<&'p str>) {
        match (typed, steps) {
            (Typed::Text(text), []) if !text.trim().is_empty() => found.push(text),
            (Typed::Rows(rows), _) => rows.iter().for_each(|row| below(row, steps, found)),
            (Typed::Parts(parts), []) => parts.values().for_each(|part| below(part, &[], found)),
            (Typed::Parts(parts), [step, rest @ ..]) => {
                if let Some(part) = parts.get(*step) {
                    below(part, rest, found);
                }
            }
            (Typed::Text(_), _) => {}
        }
    }
    let steps: Vec<&str> = path.split('/').collect();
    let mut found = Vec::new();
    if let Some((first, rest)) = steps.split_first()
        && let Some(typed) = parts.get(*first)
    {
        below(typed, rest, &mut found);
    }
    found
}
