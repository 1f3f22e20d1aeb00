//! Entering: a new record, a change from a day on, the correction of an entry that was never true, the end.
//!
//! One piece of work is one form that is sent to its own address again and again: each button says in `do` what is to
//! happen. Everything typed travels in the form, so nothing depends on a script, on one tab, or on the session's
//! memory; what the form was filled from travels with it (`was`), so that only what was touched is changed.
//!
//! *Invariants*: nothing is saved that was not shown on the page of answers first; a form sent twice makes one entry;
//! whatever goes wrong, the form comes back with what was typed.

mod conflict;
mod document;
mod moves;
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::Value;
use uuid::Uuid;

use super::form::model::{Choice, CodeTold, References, Shows};
use super::form::read::{Reading, entered_part, read};
use super::form::text::Writing;
use super::form::typed::{self, Parts};
use super::form::value::Show;
use super::{Page, Posted, Shown, State, Visit, page, plain};
use crate::app::Error;
use crate::domain::access::Action;
use crate::domain::calendar::day_at;
use crate::domain::identity::PersonalCode;
use crate::domain::import::{Difference, compare, patch};
use crate::domain::record::derive::derive;
use crate::domain::record::entry::EntryKind;
use crate::domain::record::merge::merge;
use crate::domain::record::validate::{Severity, Validation, Violation};
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::duties::Move;
use crate::domain::statute::path::FieldPath;
use crate::store::acts::moves::{Acceptance, NewMove};
use crate::store::acts::records::{Amendment, NewRecord};
use crate::store::read::lists::ListQuery;
use crate::store::read::moves::MoveView;
use crate::store::read::records::RecordView;
use crate::web::problem::{Kind, Problem};

/// The pages.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/records/{type}/new", new, "record.create"),
    page!(Post "/r/{r}/records/{type}/new", new_sent, "record.create"),
    page!(Post "/r/{r}/records/{type}/code", code, "record.list"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/change", change, "record.read"),
    page!(Post "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/change", change_sent, "record.change"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/correct", correct, "record.history"),
    page!(Post "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/correct", correct_sent, "record.correct"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/end", end, "record.read"),
    page!(Post "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/end", end_sent, "record.end"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/move/{move}", moves::begin, "record.read"),
    page!(Post "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/move/{move}", moves::begin_sent, "record.move"),
    page!(Get "/r/{r}/moves", moves::list, "move.list"),
    page!(Get "/r/{r}/moves/{id:[0-9a-f-]{36}}", moves::open, "move.read"),
    page!(Post "/r/{r}/moves/{id:[0-9a-f-]{36}}", moves::open_sent, "move.accept"),
    page!(Post "/r/{r}/moves/{id:[0-9a-f-]{36}}/decline", moves::decline, "move.decline"),
    page!(Post "/r/{r}/moves/{id:[0-9a-f-]{36}}/withdraw", moves::withdraw, "move.withdraw"),
    page!(Post "/r/{r}/drafts", keep_draft, "a draft of one's own"),
];

/// The most records among which a reference is chosen from a list; among more it is searched.
const LISTED: i64 = 200;
/// The most records that a search at a field finds.
const FOUND: i64 = 20;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    New,
    Change,
    Correct,
    End,
    /// A move of a record, or its offer to another institution.
    Move,
    /// The acceptance of an offer.
    Accept,
}

impl Act {
    const fn action(self) -> Action {
        match self {
            Self::New | Self::Move | Self::Accept => Action::RecordCreate,
            Self::Change => Action::RecordChange,
            Self::Correct => Action::RecordCorrect,
            Self::End => Action::RecordEnd,
        }
    }

    /// Whether it makes a record where there was none.
    const fn makes(self) -> bool {
        matches!(self, Self::New | Self::Move | Self::Accept)
    }
}

/// Names in the form beside those of fields.
const META: &[&str] = &[
    "back",
    "carried",
    "institution",
    "on",
    "shows",
    "was",
    "version",
    "received",
    "heading",
    "reason",
    "ground",
    "entry",
    "doc",
    "doc-kind",
    "doc-number",
    "doc-date",
    "doc-title",
    "doc-issuer",
    "doc-explanation",
];

/// What stands in the form.
#[derive(Debug, Clone, Default)]
struct Entered {
    meta: BTreeMap<String, String>,
    parts: Parts,
}

impl Entered {
    fn get(&self, name: &str) -> &str {
        self.meta.get(name).map(|text| text.trim()).unwrap_or_default()
    }

    fn set(&mut self, name: &str, text: impl Into<String>) {
        self.meta.insert(name.to_owned(), text.into());
    }

    fn id(&self, name: &str) -> Option<Uuid> {
        self.get(name).parse().ok()
    }

    /// What the form was filled from.
    fn was(&self) -> Value {
        serde_json::from_str(self.get("was")).unwrap_or(Value::Null)
    }

    /// Which fields are shown.
    fn shows(&self) -> Shows {
        match self.get("shows").split_once(':') {
            Some(("section", name)) => Shows::Section(name.to_owned()),
            Some(("fields", names)) => Shows::Named(names.split(',').map(str::to_owned).collect()),
            _ if self.get("shows") == "needed" => Shows::Needed,
            _ => Shows::All,
        }
    }

    fn received(&self) -> BTreeSet<String> {
        self.get("received").split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Everything, as hidden inputs carry it.
    fn pairs(&self) -> Vec<(String, String)> {
        let meta = self.meta.iter().map(|(name, text)| (name.clone(), text.clone()));
        meta.chain(typed::to_pairs(&self.parts)).collect()
    }

    fn of_pairs<'p>(fields: &[Field], pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone) -> Self {
        let known = pairs.clone().filter(|(name, _)| META.contains(name));
        Self {
            meta: known.map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
            parts: typed::from_pairs(fields, pairs),
        }
    }
}

/// A piece of work: whose, where, on what.
struct Work {
    state: State,
    visit: Visit,
    register: Arc<Register>,
    kind: RecordType,
    act: Act,
    id: Option<Uuid>,
    /// Record type of the address; a move makes a record of another one.
    of: String,
    /// How a record moves.
    how: Option<Move>,
}

/// What is wrong with a form: at fields, and at its other controls by their ids.
#[derive(Default)]
struct Wrong {
    fields: Vec<Violation>,
    own: Vec<super::frame::Fault>,
}

impl Wrong {
    fn any(&self) -> bool {
        !self.own.is_empty() || self.fields.iter().any(|fault| fault.severity == Severity::Error)
    }
}

/// What an act made.
struct Made {
    /// The record; nothing where it is only offered.
    id: Option<Uuid>,
    warnings: Vec<Violation>,
}

impl Made {
    fn of(moved: MoveView) -> Self {
        match moved.record {
            Some(record) => Self { id: Some(record.id), warnings: record.warnings },
            None => Self { id: moved.into.id, warnings: Vec::new() },
        }
    }
}

impl Work {
    fn of(state: State, visit: Visit, act: Act) -> Result<Self, Problem> {
        let register = visit.register(&state)?;
        let kind = register.record_type(visit.word("type")).cloned().ok_or_else(Problem::not_found)?;
        let id = if act == Act::New { None } else { Some(visit.id("id")?) };
        let kind = if act == Act::End { of_end(kind) } else { kind };
        let of = kind.name.clone();
        Ok(Self { state, visit, register, kind, act, id, of, how: None })
    }

    fn name(&self) -> String {
        self.register.name().to_owned()
    }

    fn today(&self) -> NaiveDate {
        day_at(self.state.app.store.now(), self.register.definition.register.time_zone)
    }

    fn writing(&self) -> Writing<'_> {
        let country = &self.register.definition.register.country;
        Writing { lang: self.visit.t.lang, country, today: self.today() }
    }

    /// Address of the form under the register.
    fn key(&self) -> String {
        let (kind, id) = (&self.of, self.id.unwrap_or_default());
        match self.act {
            Act::New => format!("records/{kind}/new"),
            Act::Change => format!("records/{kind}/{id}/change"),
            Act::Correct => format!("records/{kind}/{id}/correct"),
            Act::End => format!("records/{kind}/{id}/end"),
            Act::Move => {
                format!(
                    "records/{kind}/{id}/move/{}",
                    self.how.as_ref().map(|how| how.name.as_str()).unwrap_or_default()
                )
            }
            Act::Accept => format!("moves/{id}"),
        }
    }

    /// Address of the record, or of the list of its type.
    fn place(&self, id: Option<Uuid>) -> String {
        let base =
            format!("/r/{}/records/{}", self.register.name(), if id.is_some() { &self.kind.name } else { &self.of });
        if self.act == Act::Accept && id.is_none() {
            return format!("/r/{}/moves", self.register.name());
        }
        id.or(self.id).map_or(base.clone(), |id| format!("{base}/{id}"))
    }

    /// Whether records of this type are the institutions.
    fn institutions(&self) -> bool {
        self.register.is_institution_type(&self.kind.name)
    }

    fn on(&self, entered: &Entered) -> Option<NaiveDate> {
        self.writing().day(entered.get("on"))
    }

    fn fields(&self, entered: &Entered) -> Vec<Field> {
        entered.shows().fields(&self.kind)
    }

    fn read(&self, entered: &Entered) -> Reading {
        read(self.writing(), &self.kind.fields, &entered.parts, &entered.was())
    }

    /// In what the form differs from what it was filled from.
    fn differences(&self, entered: &Entered, reading: &Reading) -> Vec<Difference> {
        let was = match entered.was() {
            Value::Object(was) => Value::Object(was),
            _ => Value::Object(serde_json::Map::new()),
        };
        compare(&self.kind, &was, &reading.data)
    }

    /// The state as it would be, derived values included.
    fn state_of(&self, entered: &Entered, reading: &Reading) -> Value {
        let mut data = entered.was();
        if !data.is_object() {
            data = Value::Object(serde_json::Map::new());
        }
        merge(&mut data, &reading.data);
        let mut data = crate::domain::import::entered(&data);
        derive(
            &self.kind,
            &self.register.definition.register.country,
            &mut data,
            self.on(entered).unwrap_or_else(|| self.today()),
        );
        data
    }

    /// The records that the form's references may name.
    async fn references(&self, entered: &Entered) -> Result<References, Problem> {
        let mut types = BTreeSet::new();
        for field in &self.fields(entered) {
            referred(field, &mut types);
        }
        if self.act.makes() && !self.institutions() {
            types.insert(self.register.definition.register.institutions.record_type.clone());
        }
        self.listed(entered, types).await
    }

    /// The records of some types, as far as the visitor may list them.
    async fn listed(&self, entered: &Entered, types: BTreeSet<String>) -> Result<References, Problem> {
        let mut views: BTreeMap<String, (Vec<RecordView>, bool)> = BTreeMap::new();
        // What lies in what: posts of one title are told apart by their unit.
        let holders: BTreeSet<String> = types.iter().filter_map(|kind| self.holder(kind)).map(|(_, of)| of).collect();
        for kind in types.union(&holders) {
            let whole = self.register.is_institution_type(kind);
            let institution = entered.id("institution").filter(|_| !whole);
            if !whole && institution.is_none() {
                continue;
            }
            let query = ListQuery {
                institution_id: institution,
                as_of: self.on(entered),
                limit: LISTED,
                ..ListQuery::default()
            };
            match self.state.app.list_records(self.visit.cx(), self.name(), kind.clone(), query).await {
                Ok(page) => {
                    let page = page.into_inner();
                    views.insert(kind.clone(), (page.items, page.next_cursor.is_none()));
                }
                Err(error) => {
                    // Whoever may not list them can still not choose them; everything else is told.
                    let problem = Problem::from(error);
                    if !matches!(problem.kind, Kind::Forbidden | Kind::NotFound | Kind::Invalid) {
                        return Err(problem);
                    }
                }
            }
        }
        let mut references = References::default();
        for kind in &types {
            let Some((listed, complete)) = views.get(kind) else { continue };
            let choices = listed.iter().map(|view| {
                let mut choice = self.choice(view);
                let held = self.holder(kind).and_then(|(field, of)| {
                    let id = view.data.get(&field)?.as_str()?.to_owned();
                    let (holders, _) = views.get(&of)?;
                    holders.iter().find(|holder| holder.id.to_string() == id)
                });
                if let Some(holder) = held {
                    choice.title = format!("{} · {}", choice.title, self.title(holder));
                }
                choice
            });
            references.by_type.insert(kind.clone(), (choices.collect(), *complete));
        }
        Ok(references)
    }

    /// The field by which records of a type lie in others, and the type of these.
    fn holder(&self, kind: &str) -> Option<(String, String)> {
        let kind = self.register.record_type(kind)?;
        let held = kind.fields.iter().find(|f| f.kind == FieldType::Reference && f.required && !f.repeats)?;
        let of = held.refers_to.clone().filter(|of| *of != kind.name && !self.register.is_institution_type(of))?;
        Some((held.name.clone(), of))
    }

    fn choice(&self, view: &RecordView) -> Choice {
        Choice { id: view.id.to_string(), title: self.title(view) }
    }

    /// What people call a record.
    fn title(&self, view: &RecordView) -> String {
        let none = References::default();
        let show = Show { definition: &self.register.definition, t: &self.visit.t, references: &none };
        let Some(kind) = self.register.record_type(&view.record_type) else { return view.id.to_string() };
        let words = kind.title.iter().filter_map(|path| {
            let path = FieldPath::parse(path).ok()?;
            let (field, value) = (path.resolve(&kind.fields)?, path.get(&view.data)?);
            Some(show.lines(field, value).join(", "))
        });
        let title = words.collect::<Vec<_>>().join(" ");
        if title.is_empty() { view.id.to_string() } else { title }
    }

    /// Searches the records that a reference may name.
    async fn find(
        &self,
        entered: &Entered,
        place: &str,
        text: &str,
        references: &mut References,
    ) -> Result<(), Problem> {
        let field = super::form::fault::field_at(&self.kind.fields, place);
        let Some(kind) = field.and_then(|f| f.refers_to.clone()).filter(|_| !text.is_empty()) else { return Ok(()) };
        let institution = entered.id("institution").filter(|_| !self.register.is_institution_type(&kind));
        let query = ListQuery {
            institution_id: institution,
            q: Some(text.to_owned()),
            as_of: self.on(entered),
            limit: FOUND,
            ..ListQuery::default()
        };
        let page = self.state.app.list_records(self.visit.cx(), self.name(), kind, query).await?;
        references.found.insert(place.to_owned(), page.get().items.iter().map(|view| self.choice(view)).collect());
        Ok(())
    }

    /// What can be told of a personal code: whether it is one, and who of the register has it already.
    async fn told(&self, place: &str, text: &str) -> Result<CodeTold, Problem> {
        let t = &self.visit.t;
        let mut told = CodeTold { place: place.to_owned(), ..CodeTold::default() };
        let Some(field) = super::form::fault::field_at(&self.kind.fields, place) else { return Ok(told) };
        let country = field.country.as_deref().unwrap_or(&self.register.definition.register.country);
        let Ok(country) = country.parse() else { return Ok(told) };
        match PersonalCode::parse(country, text, self.today()) {
            Err(fault) => {
                let code = fault.personal_code();
                let violation = Violation::error(place, code, fault.to_string(), None);
                told.wrong = Some(super::form::fault::message(t, &self.kind.fields, &violation));
                return Ok(told);
            }
            Ok(code) => {
                let sex = match code.sex() {
                    Some(crate::domain::identity::Sex::Male) => t.say("entering-code-male"),
                    Some(crate::domain::identity::Sex::Female) => t.say("entering-code-female"),
                    None => String::new(),
                };
                told.lines
                    .push(t.say_with("entering-code-right", &[("sex", &sex), ("born", &t.day(code.birth_date()))]));
            }
        }
        let subject = self.kind.subject.as_ref().is_some_and(|s| format!("/{}", s.field()) == place);
        if subject {
            let query = ListQuery { q: Some(text.trim().to_owned()), limit: FOUND, ..ListQuery::default() };
            match self.state.app.list_records(self.visit.cx(), self.name(), self.kind.name.clone(), query).await {
                Ok(page) => {
                    let others = page.get().items.iter().filter(|view| Some(view.id) != self.id);
                    told.same =
                        others.map(|view| (self.title(view), self.visit.href(&self.place(Some(view.id))))).collect();
                }
                Err(error) => {
                    let problem = Problem::from(error);
                    if !matches!(problem.kind, Kind::Forbidden | Kind::NotFound) {
                        return Err(problem);
                    }
                }
            }
        }
        Ok(told)
    }

    /// What can be seen to be wrong before the act is asked.
    fn check(&self, entered: &Entered, reading: &Reading) -> Wrong {
        let mut wrong = Wrong { fields: reading.unread.clone(), own: Vec::new() };
        let on = self.on(entered);
        if on.is_none() {
            wrong.own.push(self.fault("on", if entered.get("on").is_empty() { "required" } else { "date" }));
        }
        if self.act.makes() && !self.institutions() && entered.id("institution").is_none() {
            wrong.own.push(self.fault("institution", "required"));
        }
        if self.act == Act::Correct && entered.get("reason").is_empty() {
            wrong.own.push(self.fault("reason", "required"));
        }
        if self.act == Act::End && self.ground_field().is_some() && entered.get("ground").is_empty() {
            wrong.own.push(self.fault("ground", "required"));
        }
        self.check_document(entered, &mut wrong.own);
        // Where the form shows a part of the state only, the act alone can judge the whole.
        let (Some(on), true) = (on, matches!(self.act, Act::New | Act::Change)) else { return wrong };
        let validation = Validation {
            definition: &self.register.definition,
            compiled: &self.register.compiled,
            record_type: &self.kind,
            effective_on: on,
            today: self.today(),
        };
        let mut after = entered.was();
        if !after.is_object() {
            after = Value::Object(serde_json::Map::new());
        }
        let before = if self.act == Act::New { Vec::new() } else { validation.state(&after) };
        merge(&mut after, &reading.data);
        let unread: BTreeSet<String> = reading.unread.iter().map(|fault| fault.pointer.clone()).collect();
        let known = |fault: &Violation| before.iter().any(|b| b.pointer == fault.pointer && b.code == fault.code);
        let shown = |fault: &Violation| {
            let name = fault.pointer.split('/').nth(1).unwrap_or_default();
            entered.parts.contains_key(name)
        };
        // What the form does not show is not asked of whoever fills it in: the act knows who must say it.
        let found = validation.state(&crate::domain::import::entered(&after)).into_iter();
        let found = found.filter(|fault| shown(fault) && !known(fault) && !unread.contains(&fault.pointer));
        wrong.fields.extend(found);
        wrong
    }

    /// A fault of one of the form's own controls, in words.
    fn fault(&self, id: &str, code: &str) -> super::frame::Fault {
        let t = &self.visit.t;
        let text = match (id, code) {
            ("on", "before_record") => t.say("entering-fault-before"),
            ("on", _) => t.say("entering-fault-on"),
            ("institution", "not_held_by") => t.say("entering-fault-not-held"),
            ("institution", _) => t.say("entering-fault-institution"),
            ("reason", _) => t.say("entering-fault-reason"),
            ("ground", _) => t.say("entering-fault-ground"),
            ("doc-kind", "document_kind") => t.say("entering-fault-document-kind"),
            ("doc-kind", _) => t.say("entering-fault-document"),
            ("doc-date", _) => t.say("entering-fault-document-date"),
            ("doc-explanation", _) => t.say("entering-fault-document-explanation"),
            ("", "ended") => t.say("entering-fault-ended"),
            ("", "already_ended") => t.say("entering-fault-already-ended"),
            ("", "already_corrected") => t.say("entering-fault-already-corrected"),
            _ => t.say("entering-fault-other"),
        };
        let clause = match id {
            "doc-kind" | "doc-date" | "doc-explanation" => {
                Some(self.register.definition.register.access.document_clause.clone())
            }
            "reason" => Some(self.register.definition.register.access.correction_clause.clone()),
            _ => None,
        };
        super::frame::Fault { id: id.to_owned(), text, clause }
    }

    /// What an act found wrong, at the controls that it is about; a problem that is about no form is given back.
    fn found(&self, problem: Problem) -> Result<Wrong, Problem> {
        match problem.kind {
            Kind::Invalid => {}
            Kind::Conflict => {
                let mut fault = self.fault("", problem.code.unwrap_or_default());
                fault.clause = problem.clause;
                return Ok(Wrong { own: vec![fault], ..Wrong::default() });
            }
            Kind::Forbidden => {
                let text = self.visit.t.say("entering-fault-forbidden");
                let fault = super::frame::Fault { id: String::new(), text, clause: problem.clause };
                return Ok(Wrong { own: vec![fault], ..Wrong::default() });
            }
            _ => return Err(problem),
        }
        let mut wrong = Wrong::default();
        for violation in problem.errors {
            let first = violation.pointer.split('/').nth(1).unwrap_or_default();
            let field = self.kind.fields.iter().any(|f| f.name == first);
            let own = match first {
                "base_document_ids" => Some("doc-kind"),
                "effective_on" | "ended_on" if !field => Some("on"),
                "institution_id" if !field => Some("institution"),
                "reason" if self.act == Act::Correct => Some("reason"),
                "ground" if self.act == Act::End => Some("ground"),
                _ => self.of_lifecycle(&violation.pointer),
            };
            match own {
                Some(id) => {
                    let mut fault = self.fault(id, violation.code);
                    fault.clause = violation.clause.or(fault.clause);
                    wrong.own.push(fault);
                }
                None => wrong.fields.push(violation),
            }
        }
        Ok(wrong)
    }

    /// The control of an end that stands for a place of the lifecycle.
    fn of_lifecycle(&self, pointer: &str) -> Option<&'static str> {
        let life = self.kind.lifecycle.as_ref().filter(|_| self.act == Act::End)?;
        let is = |path: &str| pointer == format!("/{path}");
        if is(&life.ends) {
            Some("on")
        } else if life.ground.as_deref().is_some_and(is) {
            Some("ground")
        } else {
            None
        }
    }

    /// The field of the ground on which a record ends.
    fn ground_field(&self) -> Option<&Field> {
        let kind = self.register.record_type(&self.kind.name)?;
        let path = kind.lifecycle.as_ref()?.ground.as_ref()?;
        FieldPath::parse(path).ok()?.resolve(&kind.fields)
    }

    /// The form of a record: what it was filled from, and what stands in it.
    fn filled(&self, view: &RecordView, shows: &str, today: NaiveDate) -> Entered {
        let was = entered_part(&self.kind.fields, &view.data);
        let mut entered = Entered::default();
        entered.set("shows", shows);
        let fields = self.fields(&entered);
        entered.parts = typed::from_state(self.writing(), &fields, &was);
        entered.set("was", was.to_string());
        entered.set("version", view.version.to_string());
        entered.set("institution", view.institution_id.to_string());
        entered.set("heading", self.title(view));
        entered.set("on", today.format("%d.%m.%Y").to_string());
        let received = view.sources.iter().filter(|(_, told)| told.source.is_some()).map(|(name, _)| name.as_str());
        entered.set("received", received.collect::<Vec<_>>().join(","));
        self.preset_document(&mut entered);
        entered
    }

    /// The draft of this form, where there is one that is wanted.
    async fn drafted(&self) -> Result<(Option<Entered>, Option<String>), Problem> {
        let Some(draft) = self.state.app.draft(self.visit.cx(), self.name(), self.key()).await? else {
            return Ok((None, None));
        };
        let zone = self.register.definition.register.time_zone;
        let saved = self.visit.t.instant(draft.saved_at, zone);
        let pairs: Vec<(String, String)> = serde_json::from_value(draft.body).unwrap_or_default();
        let entered = Entered::of_pairs(&self.kind.fields, pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        Ok((self.visit.q("draft").map(|_| entered), Some(saved)))
    }

    /// What was sent, with its files stored.
    async fn sent(&self, posted: &Posted) -> Result<Entered, Problem> {
        let mut pairs = posted.form.pairs.clone();
        for file in &posted.form.files {
            let Some(place) = file.field.strip_prefix("file:").filter(|p| p.starts_with('/')) else { continue };
            let incoming = crate::app::documents::Incoming {
                name: file.name.clone(),
                claimed: file.claimed.clone(),
                bytes: file.bytes.clone(),
            };
            let stored = self.state.app.add_file(self.visit.cx(), self.name(), incoming).await?;
            pairs.retain(|(name, _)| name != place);
            pairs.push((place.to_owned(), stored.get().sha256.clone()));
        }
        let dropped: Vec<String> =
            pairs.iter().filter_map(|(n, _)| n.strip_prefix("nofile:").map(str::to_owned)).collect();
        let uploaded = |place: &str| posted.form.files.iter().any(|f| f.field.strip_prefix("file:") == Some(place));
        for (name, text) in &mut pairs {
            if dropped.contains(name) && !uploaded(name) {
                text.clear();
            }
        }
        Ok(Entered::of_pairs(&self.kind.fields, pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))))
    }

    /// Does what the button says.
    async fn answer(self, posted: Posted) -> Shown {
        let mut entered = self.sent(&posted).await?;
        let pressed = posted.form.all("do").last().unwrap_or("check").to_owned();
        let (what, place) = pressed.split_once(':').unwrap_or((&pressed, ""));
        match what {
            "add" => {
                let writing = self.writing();
                if let Some((field, rows)) = typed::list_at(&self.kind.fields, &mut entered.parts, place) {
                    let blank = typed::blank_item(writing, field);
                    rows.push(blank);
                }
                self.edit(entered, Wrong::default()).await
            }
            "remove" => {
                if let Some((list, number)) = place.rsplit_once('/')
                    && let Ok(number) = number.parse::<usize>()
                    && let Some((_, rows)) = typed::list_at(&self.kind.fields, &mut entered.parts, list)
                    && number < rows.len()
                {
                    rows.remove(number);
                }
                self.edit(entered, Wrong::default()).await
            }
            "find" => {
                let mut references = self.references(&entered).await?;
                let text = posted.form.text(&format!("find:{place}")).unwrap_or_default().to_owned();
                self.find(&entered, place, &text, &mut references).await?;
                self.show(entered, Wrong::default(), page::Beside { references, ..page::Beside::default() }).await
            }
            "code" => {
                let text = posted.form.text(place).unwrap_or_default().to_owned();
                let told = self.told(place, &text).await?;
                let references = self.references(&entered).await?;
                self.show(
                    entered,
                    Wrong::default(),
                    page::Beside { references, told: Some(told), ..page::Beside::default() },
                )
                .await
            }
            "all" => {
                entered.set("shows", "all");
                let whole = typed::from_state(self.writing(), &self.kind.fields, &entered.was());
                for (name, typed) in whole {
                    entered.parts.entry(name).or_insert(typed);
                }
                self.edit(entered, Wrong::default()).await
            }
            "institution" | "edit" => self.edit(entered, Wrong::default()).await,
            "otherdoc" => {
                entered.set("doc", "");
                self.edit(entered, Wrong::default()).await
            }
            "draft" => {
                self.keep(&posted.form.pairs).await?;
                self.visit.done(&self.place(None), "draft-kept")
            }
            "discard" => {
                self.state.app.drop_draft(self.visit.cx(), self.name(), self.key()).await?;
                self.visit.see(&format!("/r/{}/{}", self.register.name(), self.key()))
            }
            "resolve" => self.resolve(entered, &posted).await,
            "save" | "next" => self.save(entered, &posted, what == "next").await,
            _ => self.answers(entered, &posted).await,
        }
    }

    /// The page of answers, or the form again with what is wrong.
    async fn answers(self, mut entered: Entered, posted: &Posted) -> Shown {
        typed::without_blank_items(&mut entered.parts);
        let reading = self.read(&entered);
        let wrong = self.check(&entered, &reading);
        if wrong.any() {
            return self.edit(entered, wrong).await;
        }
        if self.act == Act::Change && self.differences(&entered, &reading).is_empty() {
            let text = self.visit.t.say("entering-nothing-changed");
            let fault = super::frame::Fault { id: String::new(), text, clause: None };
            return self.edit(entered, Wrong { own: vec![fault], ..Wrong::default() }).await;
        }
        // A file cannot travel through another page: the document that it belongs to is entered now.
        if posted.form.file("doc-file").is_some() && entered.get("doc").is_empty() {
            match self.document(&entered, posted).await {
                Ok(id) => entered.set("doc", id.map(|id| id.to_string()).unwrap_or_default()),
                Err(problem) => {
                    let wrong = self.of_document(problem)?;
                    return self.edit(entered, wrong).await;
                }
            }
        }
        let references = self.references(&entered).await?;
        self.show_answers(entered, &reading, wrong.fields, &references).await
    }

    /// Saves: the document first, then the entry that rests on it.
    async fn save(self, mut entered: Entered, posted: &Posted, next: bool) -> Shown {
        typed::without_blank_items(&mut entered.parts);
        let reading = self.read(&entered);
        let wrong = self.check(&entered, &reading);
        if wrong.any() {
            return self.edit(entered, wrong).await;
        }
        let document = match self.document(&entered, posted).await {
            Ok(document) => document,
            Err(problem) => {
                let wrong = self.of_document(problem)?;
                return self.edit(entered, wrong).await;
            }
        };
        if let Some(document) = document {
            entered.set("doc", document.to_string());
        }
        match self.enter(&entered, &reading, document, posted).await {
            Ok(record) => {
                self.state.app.drop_draft(self.visit.cx(), self.name(), self.key()).await?;
                let back = super::visit::way_back(Some(entered.get("back")).filter(|back| !back.is_empty()));
                let place = back.unwrap_or_else(|| self.place(record.id));
                if !record.warnings.is_empty() {
                    return self.show_saved(&record.warnings, &place);
                }
                match (self.act, next) {
                    (Act::New, true) => {
                        let institution = entered.get("institution");
                        let document = entered.get("doc");
                        let to = format!("{}/new?institution={institution}&document={document}", self.place(None));
                        self.visit.done(&to, "record-created")
                    }
                    (Act::New, false) => self.visit.done(&place, "record-created"),
                    (Act::Change, _) => self.visit.done(&place, "record-changed"),
                    (Act::Correct, _) => self.visit.done(&place, "record-corrected"),
                    (Act::End, _) => self.visit.done(&place, "record-ended"),
                    (Act::Move | Act::Accept, _) if record.id.is_some() => self.visit.done(&place, "record-moved"),
                    (Act::Move | Act::Accept, _) => self.visit.done(&place, "record-offered"),
                }
            }
            Err(error) => {
                let problem = Problem::from(error);
                if problem.kind == Kind::Stale && self.act == Act::Change {
                    return self.conflict(entered).await;
                }
                if problem.kind == Kind::Stale {
                    let id = self.id.unwrap_or_default();
                    let app = &self.state.app;
                    let now = app.read_record(self.visit.cx(), self.name(), self.of.clone(), id, None, None).await?;
                    entered.set("version", now.get().version.to_string());
                    let text = self.visit.t.say("entering-fault-stale");
                    let fault = super::frame::Fault { id: String::new(), text, clause: None };
                    return self.edit(entered, Wrong { own: vec![fault], ..Wrong::default() }).await;
                }
                let wrong = self.found(problem)?;
                self.edit(entered, wrong).await
            }
        }
    }

    /// The act itself.
    async fn enter(
        &self,
        entered: &Entered,
        reading: &Reading,
        document: Option<Uuid>,
        posted: &Posted,
    ) -> Result<Made, Error> {
        let app = &self.state.app;
        let (cx, register, kind) = (posted.cx(&self.state), self.name(), self.kind.name.clone());
        let on = self.on(entered);
        let base_document_ids: Vec<Uuid> = document.into_iter().collect();
        let changes = patch(&self.differences(entered, reading));
        let text = |name: &str| Some(entered.get(name).to_owned()).filter(|text| !text.is_empty());
        let amendment = |data: Value| Amendment {
            effective_on: on,
            base_document_ids: base_document_ids.clone(),
            data,
            entry_id: None,
            reason: None,
            ground: None,
        };
        let id = self.id.unwrap_or_default();
        let data = || crate::domain::import::entered(&reading.data);
        let record = match self.act {
            Act::New => {
                let new = NewRecord {
                    record_type: kind,
                    institution_id: entered.id("institution").filter(|_| !self.institutions()),
                    effective_on: on.unwrap_or_else(|| self.today()),
                    base_document_ids,
                    data: data(),
                };
                app.create_record(cx, register, new).await?
            }
            Act::Move => {
                let new = NewMove {
                    name: self.how.as_ref().map(|how| how.name.clone()).unwrap_or_default(),
                    institution_id: entered.id("institution"),
                    effective_on: on.unwrap_or_else(|| self.today()),
                    base_document_ids,
                    data: data(),
                };
                return Ok(Made::of(app.move_record(cx, register, self.of.clone(), id, new).await?.into_inner()));
            }
            Act::Accept => {
                let new = Acceptance { effective_on: on, base_document_ids, data: data() };
                return Ok(Made::of(app.accept_move(cx, register, id, new).await?.into_inner()));
            }
            Act::Change => app.change_record(cx, register, kind, id, amendment(changes)).await?,
            Act::Correct => {
                let correction =
                    Amendment { entry_id: entered.id("entry"), reason: text("reason"), ..amendment(changes) };
                app.correct_record(cx, register, kind, id, correction).await?
            }
            Act::End => {
                let end = Amendment { ground: text("ground"), ..amendment(changes) };
                app.end_record(cx, register, kind, id, end).await?
            }
        };
        let record = record.into_inner();
        Ok(Made { id: Some(record.id), warnings: record.warnings })
    }

    /// Keeps what was typed as a draft; gives what is said of it.
    async fn keep(&self, pairs: &[(String, String)]) -> Result<String, Problem> {
        keep(&self.state, &self.visit, &self.register, &self.key(), pairs).await
    }
}

async fn keep(
    state: &State,
    visit: &Visit,
    register: &Register,
    key: &str,
    pairs: &[(String, String)],
) -> Result<String, Problem> {
    let kept = pairs.iter().filter(|(name, _)| META.contains(&name.as_str()) || name.starts_with('/'));
    let body = serde_json::to_value(kept.collect::<Vec<_>>()).unwrap_or_default();
    let saved = state.app.save_draft(visit.cx(), register.name().to_owned(), key.to_owned(), body).await?;
    let time = saved.with_timezone(&register.definition.register.time_zone).format("%H:%M").to_string();
    Ok(visit.t.say_with("entering-draft-kept", &[("time", &time)]))
}

/// Record types that a field refers to, parts included.
fn referred(field: &Field, types: &mut BTreeSet<String>) {
    if field.kind == FieldType::Reference && field.derived.is_none() {
        types.extend(field.refers_to.clone());
    }
    field.parts.iter().for_each(|part| referred(part, types));
}

/// A record type as the form of an end shows it: the day and the ground have controls of their own.
fn of_end(mut kind: RecordType) -> RecordType {
    let life = kind.lifecycle.clone();
    for path in life.iter().flat_map(|life| std::iter::once(&life.ends).chain(&life.ground)) {
        let mut fields = &mut kind.fields;
        let mut steps = path.split('/').peekable();
        while let Some(step) = steps.next() {
            let Some(at) = fields.iter().position(|f| f.name == step) else { break };
            if steps.peek().is_none() {
                fields.remove(at);
                break;
            }
            let Some(field) = fields.get_mut(at) else { break };
            fields = &mut field.parts;
        }
    }
    kind
}

/// A new record: an empty form.
///
/// # Errors
/// As the acts.
pub async fn new(state: State, visit: Visit) -> Shown {
    let work = Work::of(state, visit, Act::New)?;
    let (draft, saved) = work.drafted().await?;
    let from_draft = draft.is_some();
    let entered = match draft {
        Some(draft) => draft,
        None => {
            let mut entered = Entered::default();
            entered.set("shows", if work.visit.q("all").is_some() { "all" } else { "needed" });
            entered.parts = typed::from_state(work.writing(), &work.fields(&entered), &Value::Null);
            entered.set("on", work.today().format("%d.%m.%Y").to_string());
            let institution = work.visit.q_id("institution")?.or_else(|| work.only_institution());
            entered.set("institution", institution.map(|id| id.to_string()).unwrap_or_default());
            entered.set("doc", work.visit.q_id("document")?.map(|id| id.to_string()).unwrap_or_default());
            work.preset_document(&mut entered);
            entered
        }
    };
    let references = work.references(&entered).await?;
    let beside = page::Beside { references, draft: saved.filter(|_| !from_draft), ..page::Beside::default() };
    work.show(entered, Wrong::default(), beside).await
}

/// What was sent of a new record.
///
/// # Errors
/// As the acts.
pub async fn new_sent(state: State, posted: Posted) -> Shown {
    Work::of(state, posted.visit.clone(), Act::New)?.answer(posted).await
}

/// A change: the form filled with what holds.
///
/// # Errors
/// As the acts.
pub async fn change(state: State, visit: Visit) -> Shown {
    begin(Work::of(state, visit, Act::Change)?).await
}

/// What was sent of a change.
///
/// # Errors
/// As the acts.
pub async fn change_sent(state: State, posted: Posted) -> Shown {
    Work::of(state, posted.visit.clone(), Act::Change)?.answer(posted).await
}

/// The end of a record.
///
/// # Errors
/// As the acts.
pub async fn end(state: State, visit: Visit) -> Shown {
    begin(Work::of(state, visit, Act::End)?).await
}

/// What was sent of an end.
///
/// # Errors
/// As the acts.
pub async fn end_sent(state: State, posted: Posted) -> Shown {
    Work::of(state, posted.visit.clone(), Act::End)?.answer(posted).await
}

/// Opens the form of a change or an end.
async fn begin(work: Work) -> Shown {
    let (draft, saved) = work.drafted().await?;
    let from_draft = draft.is_some();
    let entered = match draft {
        Some(draft) => draft,
        None => {
            let on = work.visit.q_day("on")?;
            let view = work.view(on).await?;
            let field = work.visit.q("field").map(|place| place.trim_start_matches('/').split('/').next());
            let shows = match (work.act, field.flatten(), work.visit.q("section")) {
                (Act::End, ..) => format!("fields:{}", work.end_fields().join(",")),
                (_, Some(field), _) => format!("fields:{field}"),
                (_, None, Some(section)) => format!("section:{section}"),
                (_, None, None) => "all".to_owned(),
            };
            let mut entered = work.filled(&view, &shows, on.unwrap_or_else(|| work.today()));
            entered.set("back", work.visit.q("back").unwrap_or_default());
            entered
        }
    };
    let references = work.references(&entered).await?;
    let beside = page::Beside { references, draft: saved.filter(|_| !from_draft), ..page::Beside::default() };
    work.show(entered, Wrong::default(), beside).await
}

impl Work {
    /// The record as it stands on a day.
    async fn view(&self, on: Option<NaiveDate>) -> Result<RecordView, Problem> {
        let id = self.id.unwrap_or_default();
        let view = self.state.app.read_record(self.visit.cx(), self.name(), self.kind.name.clone(), id, on, None);
        Ok(view.await?.into_inner())
    }

    /// The only institution in which the visitor may enter.
    fn only_institution(&self) -> Option<Uuid> {
        let facts = &self.visit.signed.facts;
        if let Some(acting) = &facts.acting {
            return acting.institution_id;
        }
        let mut here = facts.grants.iter().filter(|g| g.register == self.register.name()).map(|g| g.institution_id);
        let first = here.next()??;
        here.all(|other| other == Some(first)).then_some(first)
    }

    /// Fields beside the day and the ground that an end says more of: those of the same groups.
    fn end_fields(&self) -> Vec<String> {
        let life = self.kind.lifecycle.as_ref();
        let paths = life.into_iter().flat_map(|life| std::iter::once(&life.ends).chain(&life.ground));
        let names = paths.filter(|path| !path.contains('[')).filter_map(|path| path.split_once('/'));
        let mut names: Vec<String> = names.map(|(group, _)| group.to_owned()).collect();
        names.dedup();
        names
    }
}

/// A correction: first which entry was wrong, then what was true instead.
///
/// # Errors
/// As the acts.
pub async fn correct(state: State, visit: Visit) -> Shown {
    let work = Work::of(state, visit, Act::Correct)?;
    let id = work.id.unwrap_or_default();
    let entries = work.state.app.read_entries(work.visit.cx(), work.name(), work.kind.name.clone(), id, None, 200);
    let entries = entries.await?.into_inner().items;
    let Some(chosen) = work.visit.q_id("entry")? else { return work.show_entries(&entries) };
    let entry = entries.into_iter().find(|e| e.id == chosen).ok_or_else(Problem::not_found)?;
    let version = work.view(None).await?;
    let names: Vec<&str> = entry.data.as_object().map(|m| m.keys().map(String::as_str).collect()).unwrap_or_default();
    let stated = RecordView { data: entry.data.clone(), ..version };
    let today = entry.effective_on.parse().unwrap_or_else(|_| work.today());
    let mut entered = work.filled(&stated, &format!("fields:{}", names.join(",")), today);
    entered.set("entry", entry.id.to_string());
    if entry.kind == EntryKind::Void {
        return Err(Problem::not_found());
    }
    let references = work.references(&entered).await?;
    work.show(entered, Wrong::default(), page::Beside { references, ..page::Beside::default() }).await
}

/// What was sent of a correction.
///
/// # Errors
/// As the acts.
pub async fn correct_sent(state: State, posted: Posted) -> Shown {
    Work::of(state, posted.visit.clone(), Act::Correct)?.answer(posted).await
}

/// A personal code while it is typed: what can be told of it.
///
/// # Errors
/// As the acts.
pub async fn code(state: State, posted: Posted) -> Shown {
    let work = Work::of(state, posted.visit.clone(), Act::New)?;
    let place = posted.form.text("at").unwrap_or_default();
    let told = work.told(place, posted.form.text("code").unwrap_or_default()).await?;
    work.show_told(told)
}

/// Keeps a draft of any form of ours; the answer is what is said of it.
///
/// # Errors
/// As the act.
pub async fn keep_draft(state: State, posted: Posted) -> Shown {
    let register = posted.visit.register(&state)?;
    let key = posted.visit.q("form").unwrap_or_default();
    plain(keep(&state, &posted.visit, &register, key, &posted.form.pairs).await?)
}
