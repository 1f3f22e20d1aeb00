//! Asking for data, weighing it, releasing what was granted; and the ledger of everything that left.

use std::collections::BTreeMap;

use askama::Template;
use chrono::NaiveDate;
use uuid::Uuid;

use super::access::{Facet, institution_choices, institutions, moment, query_of};
use super::ask::{self, Asking, CheckPage, Choice, Field, FormPage, Row};
use super::frame::{Fault, Frame};
use super::say::{Said, T, masked};
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, html, html_as, page};
use crate::app::disclosure::Brought;
use crate::app::people::Named;
use crate::domain::case::{CaseParty, CaseState, Deadline};
use crate::domain::disclosure::{self, Answer, Format, MANUAL_CHANNELS, ManualRelease, Proposal, Request};
use crate::domain::registers::Register;
use crate::domain::statute::definition::{Field as Defined, FieldType};
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::procedures::{CaseKind, Procedure};
use crate::domain::statute::{Clause, RecordType};
use crate::store::acts::disclosure::NewRequest;
use crate::store::read::disclosure::{DisclosureView, LedgerQuery, RequestView, Wanted};
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/requests", queue, "case.read"),
    page!(Get "/r/{r}/requests/new", new, "case.open: the form alone"),
    page!(Post "/r/{r}/requests/new", enter, "case.open"),
    page!(Get "/r/{r}/requests/{id:[0-9a-f-]{36}}", request, "case.read"),
    page!(Post "/r/{r}/requests/{id:[0-9a-f-]{36}}", decide, "case.decide"),
    page!(Post "/r/{r}/requests/{id:[0-9a-f-]{36}}/release", release, "disclosure.release"),
    page!(Get "/r/{r}/disclosures", ledger, "disclosure.list"),
    page!(Post "/r/{r}/disclosures", ledger_of, "disclosure.list"),
    page!(Get "/r/{r}/disclosures/new", manual, "disclosure.release: the form alone"),
    page!(Post "/r/{r}/disclosures/new", enter_manual, "disclosure.release"),
    page!(Get "/r/{r}/disclosures/check", ask_check, "disclosure.check: the question alone"),
    page!(Post "/r/{r}/disclosures/check", check, "disclosure.check"),
    page!(Get "/r/{r}/disclosures/{id:[0-9a-f-]{36}}", entry, "disclosure.list"),
];

/// Lines on a page.
const ROWS: i64 = 50;
/// How deep into groups the picker of fields goes.
const DEPTH: usize = 3;

/// How much time is left.
pub(super) struct Time {
    pub kind: &'static str,
    pub text: String,
    pub day: String,
    pub clause: String,
}

/// The time that is left until `deadline`, in words and colour.
pub(super) fn time_left(t: T, deadline: &Deadline, today: NaiveDate, open: bool, overdue: bool) -> Time {
    let days = (deadline.due - today).num_days();
    let number = days.unsigned_abs().to_string();
    let (kind, text) = match days {
        _ if !open => ("none", t.say("disclosures-time-over")),
        _ if overdue && days >= 0 => ("err sq", t.say("disclosures-time-passed")),
        0 => ("warn", t.say("disclosures-time-today")),
        -1 => ("err sq", t.say("disclosures-time-late-one")),
        1 => ("warn", t.say("disclosures-time-left-one")),
        n if n < 0 => ("err sq", t.say_with("disclosures-time-late", &[("days", &number)])),
        2 => ("warn", t.say_with("disclosures-time-left", &[("days", &number)])),
        _ => ("info", t.say_with("disclosures-time-left", &[("days", &number)])),
    };
    Time { kind, text, day: t.day(deadline.due), clause: deadline.clause.0.clone() }
}

/// The state of a case in words and colour.
pub(super) fn state_tag(t: T, state: CaseState) -> (&'static str, String) {
    let kind = match state {
        CaseState::Open | CaseState::Forwarded => "info",
        CaseState::Clarifying => "warn",
        CaseState::Decided => "ok",
        CaseState::Closed | CaseState::Withdrawn => "",
    };
    (kind, t.say(&format!("disclosures-state-{}", state.as_str())))
}

struct QueueLine {
    id: Uuid,
    object: String,
    requester: String,
    kind: Said,
    received: String,
    state: (&'static str, String),
    time: Option<Time>,
}

#[derive(Template)]
#[template(path = "ui/disclosures/queue.html")]
struct QueuePage {
    f: Frame,
    states: Vec<Facet>,
    lines: Vec<QueueLine>,
    next: Option<String>,
    may_open: bool,
    may_list: bool,
    may_publish: bool,
}

fn kind_label(t: T, register: &Register, name: &str) -> Said {
    register.case_kind(name).map_or_else(|| Said { text: name.to_owned(), lang: None }, |k| t.label(&k.label))
}

fn kinds(register: &Register) -> impl Iterator<Item = &CaseKind> {
    register.definition.cases.iter().filter(|k| k.procedure == Procedure::Disclosure)
}

/// Requests, with the days that are left.
///
/// # Errors
/// As the act.
pub async fn queue(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let chosen = CaseState::ALL.into_iter().find(|s| visit.q("state") == Some(s.as_str()));
    let act =
        state.app.list_disclosure_requests(visit.cx(), register.name().to_owned(), chosen, visit.q("cursor"), ROWS);
    let page = act.await?.into_inner();
    let today = register.day(state.app.store.now());
    let frame = visit.frame(&state, t.say("disclosures-requests"));
    let to = |state: &str, cursor: &str| {
        frame.at(&format!("/requests{}", query_of(&[("state", state), ("cursor", cursor)])))
    };
    let all = Facet {
        text: Said { text: t.say("disclosures-all"), lang: None },
        href: to("", ""),
        current: chosen.is_none(),
    };
    let states = CaseState::ALL.into_iter().map(|s| Facet {
        text: Said { text: state_tag(t, s).1, lang: None },
        href: to(s.as_str(), ""),
        current: chosen == Some(s),
    });
    html(&QueuePage {
        states: std::iter::once(all).chain(states).collect(),
        lines: page
            .items
            .iter()
            .map(|r| QueueLine {
                id: r.id,
                object: r.request.object.clone(),
                requester: r.requester.as_ref().map(|p| p.name.clone()).unwrap_or_default(),
                kind: kind_label(t, &register, &r.kind),
                received: t.day(r.received_on),
                state: state_tag(t, r.state),
                time: r
                    .deadline
                    .as_ref()
                    .map(|d| time_left(t, d, today, !r.state.is_over() && r.decision.is_none(), r.beside.overdue)),
            })
            .collect(),
        next: page.next_cursor.as_deref().map(|cursor| to(chosen.map_or("", |s| s.as_str()), cursor)),
        may_open: kinds(&register).any(|k| visit.signed.facts.opens.contains(&k.name)),
        may_list: visit.may("disclosure.list"),
        may_publish: !register.definition.register.publications.is_empty()
            && ["publication.propose", "publication.approve", "disclosure.list"].iter().any(|a| visit.may(a)),
        f: frame,
    })
}

/// The leaves of a record's fields, as paths with what they are called.
fn leaves(t: T, fields: &[Defined], before: &str, label: &str, depth: usize, found: &mut Vec<(String, Said)>) {
    for field in fields {
        let path = if before.is_empty() { field.name.clone() } else { format!("{before}/{}", field.name) };
        let own = t.label(&field.label);
        let text = if label.is_empty() { own.text.clone() } else { format!("{label} / {}", own.text) };
        if field.kind == FieldType::Group && depth > 0 && !field.parts.is_empty() {
            leaves(t, &field.parts, &path, &text, depth - 1, found);
        } else {
            found.push((path, Said { text, lang: own.lang }));
        }
    }
}

/// The fields of a record type to pick from, section by section; what is never released cannot be picked.
fn pickable(t: T, register: &Register, kind: &RecordType) -> Vec<Choice> {
    let mut choices = Vec::new();
    for section in &kind.sections {
        let mut heading = Some(t.label(&section.label));
        for field in kind.fields.iter().filter(|f| f.section.as_deref() == Some(&section.name)) {
            let mut found = Vec::new();
            leaves(t, std::slice::from_ref(field), "", "", DEPTH, &mut found);
            for (path, text) in found {
                let held = FieldPath::parse(&path).ok();
                let held = held.and_then(|p| disclosure::withheld(&register.definition, kind, &p).cloned());
                let clause = held.clone().or_else(|| field.clause.clone());
                choices.push(Choice {
                    heading: heading.take(),
                    barred: held.is_some(),
                    note: if held.is_some() { t.say("disclosures-never") } else { String::new() },
                    clause: clause.map(|c| c.0),
                    ..Choice::new(path, text)
                });
            }
        }
    }
    choices
}

fn heading(t: T, key: &str) -> Field {
    Field { kind: "heading", label: Said { text: t.say(key), lang: None }, ..Field::default() }
}

/// The type of records that a form is about: the one named, or the first about people.
fn type_of<'r>(register: &'r Register, named: Option<&str>) -> Result<&'r RecordType, Problem> {
    let types = &register.definition.record_types;
    match named {
        Some(name) => types.iter().find(|k| k.name == name).ok_or_else(Problem::not_found),
        None => types.iter().find(|k| k.subject.is_some()).or(types.first()).ok_or_else(Problem::not_found),
    }
}

fn party_fields(asking: &Asking<'_>, prefix: &str) -> Vec<Field> {
    let id = |name: &str| format!("{prefix}_{name}");
    let kinds = ["authority", "company", "person"];
    let kinds = kinds.map(|k| Choice::new(k, asking.said(&format!("disclosures-party-{k}"))));
    vec![
        asking.line(&id("name"), asking.said("disclosures-name")),
        asking.radios(&id("kind"), asking.said("disclosures-party"), kinds.to_vec()),
        asking.short(&id("registry_code"), asking.said("disclosures-registry-code")),
        asking.short(&id("personal_code"), asking.said("disclosures-personal-code")),
        asking.line(&id("contact"), asking.said("disclosures-contact")).hint(asking.t.say("disclosures-contact-hint")),
    ]
}

fn party(form: &Form, prefix: &str) -> CaseParty {
    let said = |name: &str| form.text(&format!("{prefix}_{name}")).map(str::to_owned);
    CaseParty {
        name: said("name").unwrap_or_default(),
        kind: said("kind"),
        registry_code: said("registry_code"),
        personal_code: said("personal_code"),
        contact: said("contact").unwrap_or_default(),
    }
}

/// Conditions by which records are chosen.
fn conditions(asking: &Asking<'_>, register: &Register, kind: &RecordType, institutions: &[Named]) -> Vec<Field> {
    let t = asking.t;
    let none = || Choice::new("", Said { text: t.say("disclosures-any"), lang: None });
    let mut fields = Vec::new();
    if register.definition.register.institutions.record_type != kind.name {
        let chosen = asking.form.value("filter_institution_id");
        let choices = institution_choices(t, institutions, chosen, "disclosures-any");
        fields.push(asking.select("filter_institution_id", asking.said("disclosures-institution"), choices));
    }
    if kind.lifecycle.is_some() {
        let states = ["active", "ended", "pending"];
        let states = states.iter().map(|s| Choice::new(*s, asking.said(&format!("disclosures-status-{s}"))));
        let choices = std::iter::once(none()).chain(states).collect();
        fields.push(asking.select("filter_status", asking.said("disclosures-status"), choices));
    }
    for field in kind.fields.iter().filter(|f| f.index.is_some() && f.derived.is_none()) {
        let held = FieldPath::parse(&field.name).ok();
        if held.is_some_and(|p| disclosure::withheld(&register.definition, kind, &p).is_some()) {
            continue;
        }
        let id = format!("filter_{}", field.name);
        let list = register.definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
        match list {
            Some(list) => {
                let codes = list.codes.iter().map(|c| Choice::new(&c.code, t.label(&c.label)));
                let choices = std::iter::once(none()).chain(codes).collect();
                fields.push(asking.select(&id, t.label(&field.label), choices));
            }
            None => fields.push(asking.line(&id, t.label(&field.label))),
        }
    }
    fields
}

/// The form of a request.
///
/// # Errors
/// 404 for an unknown type.
pub async fn new(state: State, visit: Visit) -> Shown {
    let mut form = Form::default();
    if let Some(kind) = visit.q("type") {
        form.pairs.push(("record_type".to_owned(), kind.to_owned()));
    }
    request_form(&state, &visit, &form, Vec::new()).await
}

#[derive(Template)]
#[template(path = "ui/disclosures/form.html")]
struct RequestForm {
    f: Frame,
    intro: String,
    clause: Option<String>,
    types: Vec<Facet>,
    faults: Vec<Fault>,
    fields: Vec<Field>,
    hidden: Vec<(String, String)>,
    action: String,
    button: String,
    checks: bool,
    back: String,
}

impl RequestForm {
    fn shown(mut self) -> Shown {
        if self.faults.is_empty() {
            return html(&self);
        }
        self.f = self.f.faulty();
        self.faults = ask::naming(self.faults, &self.fields);
        html_as(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &self)
    }
}

fn type_facets(t: T, register: &Register, frame: &Frame, path: &str, chosen: &RecordType) -> Vec<Facet> {
    let types = register.definition.record_types.iter();
    types
        .map(|k| Facet {
            text: t.label(&k.label),
            href: frame.at(&format!("{path}{}", query_of(&[("type", &k.name)]))),
            current: k.name == chosen.name,
        })
        .collect()
}

async fn request_form(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    let (t, register) = (visit.t, visit.register(state)?);
    let kind = type_of(&register, form.text("record_type"))?;
    let institutions = institutions(state, visit).await?;
    let asking = Asking { t, form, faults: &faults };
    let opens: Vec<&CaseKind> = kinds(&register).filter(|k| visit.signed.facts.opens.contains(&k.name)).collect();
    let clause = opens.first().map(|k| k.clause.0.clone());
    let mut fields = vec![heading(t, "disclosures-who")];
    if opens.len() > 1 {
        let choices = opens.iter().map(|k| Choice {
            chosen: true,
            note: k.term.map(|_| t.say("disclosures-term")).unwrap_or_default(),
            ..Choice::new(&k.name, t.label(&k.label)).clause(k.term_clause.as_ref().unwrap_or(&k.clause))
        });
        let mut field = asking.radios("kind", asking.said("disclosures-kind"), choices.collect());
        if !field.choices.iter().any(|c| c.chosen)
            && let Some(first) = field.choices.first_mut()
        {
            first.chosen = true;
        }
        fields.push(field);
    }
    fields.extend(party_fields(&asking, "requester"));
    fields.push(
        asking.short("received_on", asking.said("disclosures-received")).hint(t.say("disclosures-received-hint")),
    );
    fields.push(heading(t, "disclosures-what"));
    fields.push(asking.line("object", asking.said("disclosures-object")).hint(t.say("disclosures-object-hint")));
    fields.push(asking.checks("fields", asking.said("disclosures-fields"), pickable(t, &register, kind)));
    fields.push(heading(t, "disclosures-whose"));
    fields.extend(conditions(&asking, &register, kind, &institutions));
    fields.push(asking.short("as_of", asking.said("disclosures-as-of")).hint(t.say("disclosures-as-of-hint")));
    fields.push(heading(t, "disclosures-why"));
    fields.push(asking.area("purpose", asking.said("disclosures-purpose")));
    fields.push(
        asking.area("legal_basis", asking.said("disclosures-legal-basis")).hint(t.say("disclosures-legal-basis-hint")),
    );
    let source = &register.definition.register;
    if !source.recipients.is_empty() {
        let classes = source.recipients.iter().map(|r| Choice {
            barred: r.aggregates_only,
            note: if r.aggregates_only { t.say("disclosures-aggregates") } else { String::new() },
            ..Choice::new(&r.name, t.label(&r.label)).clause(&r.clause)
        });
        fields.push(asking.radios("recipient", asking.said("disclosures-class"), classes.collect()));
    }
    let frame = visit.frame(state, t.say("disclosures-new"));
    RequestForm {
        intro: t.say("disclosures-new-intro"),
        clause,
        types: type_facets(t, &register, &frame, "/requests/new", kind),
        faults,
        fields,
        hidden: vec![("record_type".to_owned(), kind.name.clone())],
        action: frame.at("/requests/new"),
        button: t.say("disclosures-enter"),
        checks: false,
        back: frame.at("/requests"),
        f: frame.crumb(t.say("disclosures-requests"), &format!("/r/{}/requests", register.name())),
    }
    .shown()
}

const REQUEST_FIELDS: &[&str] = &[
    "kind",
    "requester_name",
    "requester_kind",
    "requester_registry_code",
    "requester_personal_code",
    "requester_contact",
    "object",
    "fields",
    "as_of",
    "purpose",
    "legal_basis",
    "recipient",
    "received_on",
];

/// A day of a form, or its fault.
pub(super) fn day_of(t: T, form: &Form, name: &str, faults: &mut Vec<Fault>) -> Option<NaiveDate> {
    let day = form.text(name).map(super::visit::day);
    if day == Some(None) {
        faults.push(ask::fault(t, name, "disclosures-fault-day", None));
    }
    day.flatten()
}

/// Enters a request; its clock starts.
///
/// # Errors
/// As the act.
pub async fn enter(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let name = visit.word("r").to_owned();
    let mut faults = Vec::new();
    let (as_of, received_on) = (day_of(t, form, "as_of", &mut faults), day_of(t, form, "received_on", &mut faults));
    if !faults.is_empty() {
        return request_form(&state, visit, form, faults).await;
    }
    let said = |name: &str| form.text(name).unwrap_or_default().to_owned();
    let filter: BTreeMap<String, String> = form
        .pairs
        .iter()
        .filter(|(_, v)| !v.trim().is_empty())
        .filter_map(|(n, v)| Some((n.strip_prefix("filter_")?.to_owned(), v.clone())))
        .collect();
    let new = NewRequest {
        kind: form.text("kind").map(str::to_owned),
        requester: party(form, "requester"),
        request: Request {
            object: said("object"),
            record_type: said("record_type"),
            fields: form.all("fields").map(str::to_owned).collect(),
            filter,
            as_of,
            purpose: said("purpose"),
            legal_basis: said("legal_basis"),
            recipient: form.text("recipient").map(str::to_owned),
        },
        received_on,
    };
    match state.app.request_disclosure(posted.cx(&state), name.clone(), new).await {
        Ok(view) => visit.done(&format!("/r/{name}/requests/{}", view.get().id), "request-entered"),
        Err(error) => {
            let faults = ask::faults(t, error.into(), REQUEST_FIELDS)?;
            request_form(&state, visit, form, faults).await
        }
    }
}

/// What a path is called, with its clause.
fn path_label(t: T, kind: &RecordType, text: &str) -> (Said, Option<Clause>) {
    let Ok(path) = FieldPath::parse(text) else { return (Said { text: text.to_owned(), lang: None }, None) };
    let along: Vec<&Defined> = path.along(&kind.fields).flatten().collect();
    let labels: Vec<Said> = along.iter().map(|f| t.label(&f.label)).collect();
    let lang = labels.last().and_then(|l| l.lang);
    let words: Vec<String> = labels.into_iter().map(|l| l.text).collect();
    (Said { text: words.join(" / "), lang }, along.first().and_then(|f| f.clause.clone()))
}

struct Shot {
    text: Said,
    clause: Option<String>,
    special: bool,
}

#[derive(Template)]
#[template(path = "ui/disclosures/request.html")]
struct RequestPage {
    f: Frame,
    kind: Said,
    state: (&'static str, String),
    time: Option<Time>,
    rows: Vec<Row>,
    text: String,
    preview: Vec<Shot>,
    record_type: Said,
    matching: Option<String>,
    as_of: String,
    faults: Vec<Fault>,
    fields: Vec<Field>,
    version: i64,
    decision: Vec<Row>,
    may_release: bool,
    formats: Vec<(&'static str, String)>,
    released: Vec<Uuid>,
    case: String,
    action: String,
}

fn party_rows(t: T, party: &CaseParty) -> Vec<Row> {
    let mut rows = vec![Row::new(t.say("disclosures-name"), party.name.clone())];
    if let Some(kind) = &party.kind {
        let text = t.say_if(&format!("disclosures-party-{kind}")).unwrap_or_else(|| kind.clone());
        rows.push(Row::new(t.say("disclosures-party"), text));
    }
    if let Some(code) = &party.registry_code {
        rows.push(Row::new(t.say("disclosures-registry-code"), code.clone()));
    }
    if let Some(code) = &party.personal_code {
        rows.push(Row::new(t.say("disclosures-personal-code"), masked(code)));
    }
    rows.push(Row::new(t.say("disclosures-contact"), party.contact.clone()));
    rows
}

fn request_rows(t: T, register: &Register, view: &RequestView, kind: &RecordType) -> Vec<Row> {
    let request = &view.request;
    let mut rows = view.requester.as_ref().map(|p| party_rows(t, p)).unwrap_or_default();
    rows.push(Row::new(t.say("disclosures-received"), t.day(view.received_on)));
    for (name, value) in &request.filter {
        let (label, value) = match name.as_str() {
            "institution_id" => (
                Said { text: t.say("disclosures-institution"), lang: None },
                view.beside.institution.clone().unwrap_or_else(|| value.clone()),
            ),
            "status" => (
                Said { text: t.say("disclosures-status"), lang: None },
                t.say_if(&format!("disclosures-status-{value}")).unwrap_or_else(|| value.clone()),
            ),
            name => condition(t, register, kind, name, value),
        };
        rows.push(Row::new(label, value));
    }
    rows.push(Row::new(
        t.say("disclosures-as-of"),
        request.as_of.map_or_else(|| t.say("disclosures-day-of-release"), |day| t.day(day)),
    ));
    rows.push(Row::new(t.say("disclosures-legal-basis"), request.legal_basis.clone()));
    if let Some(class) =
        register.definition.register.recipients.iter().find(|r| Some(&r.name) == request.recipient.as_ref())
    {
        rows.push(Row::new(t.say("disclosures-class"), t.label(&class.label)).clause(Some(&class.clause)));
    }
    rows
}

/// A condition over an indexed field in words; what is personal in it is hidden.
fn condition(t: T, register: &Register, kind: &RecordType, name: &str, value: &str) -> (Said, String) {
    let Some(field) = kind.fields.iter().find(|f| f.name == name) else {
        return (Said { text: name.to_owned(), lang: None }, value.to_owned());
    };
    let list = register.definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
    let code = list.and_then(|l| l.codes.iter().find(|c| c.code == value));
    let text = match (code, field.kind) {
        (Some(code), _) => t.label(&code.label).text,
        (None, FieldType::PersonalCode) => masked(value),
        (None, _) => value.to_owned(),
    };
    (t.label(&field.label), text)
}

/// A request: what is asked for, exactly what would leave, and the decision about it.
///
/// # Errors
/// As the act.
pub async fn request(state: State, visit: Visit) -> Shown {
    let view = state.app.read_disclosure_request(visit.cx(), visit.word("r").to_owned(), visit.id("id")?).await?;
    let page = request_page(&state, &visit, view.get(), &decision_form(view.get()), Vec::new())?;
    html(&page)
}

/// The form of a decision as it is first shown: all that was asked for.
fn decision_form(view: &RequestView) -> Form {
    let pairs = view.request.fields.iter().map(|f| ("fields".to_owned(), f.clone())).collect();
    Form { pairs, files: Vec::new() }
}

fn decision_fields(asking: &Asking<'_>, register: &Register, view: &RequestView, kind: &RecordType) -> Vec<Field> {
    let t = asking.t;
    let source = &register.definition.register;
    let Some(case) = register.case_kind(&view.kind) else { return Vec::new() };
    let outcomes = case.outcomes.iter().map(|o| Choice::new(&o.name, t.label(&o.label)).clause(&o.clause));
    let mut fields = vec![asking.radios("outcome", asking.said("disclosures-outcome"), outcomes.collect())];
    let asked = view.request.fields.iter().map(|path| {
        let (text, clause) = path_label(t, kind, path);
        Choice { clause: clause.map(|c| c.0), ..Choice::new(path, text) }
    });
    fields.push(
        asking
            .checks("fields", asking.said("disclosures-granted-fields"), asked.collect())
            .hint(t.say("disclosures-granted-hint")),
    );
    // A class of recipients has its own grounds.
    let class = source.recipients.iter().find(|r| Some(&r.name) == view.request.recipient.as_ref());
    let grounds = source.release_grounds.iter().filter(|g| class.is_none_or(|c| c.grounds.contains(&g.name)));
    let grounds: Vec<_> = grounds.collect();
    if !grounds.is_empty() {
        let choices = grounds.iter().map(|g| Choice {
            note: if g.needs_act { t.say("disclosures-needs-act") } else { String::new() },
            ..Choice::new(&g.name, t.label(&g.label)).clause(&g.clause)
        });
        fields.push(asking.radios("release_ground", asking.said("disclosures-ground"), choices.collect()));
    }
    if grounds.iter().any(|g| g.needs_act) {
        fields.push(asking.line("act", asking.said("disclosures-act")).hint(t.say("disclosures-act-hint")));
    }
    for question in grounds.iter().flat_map(|g| &g.questions) {
        let yes_no = ["yes", "no"].map(|w| Choice::new(w, asking.said(&format!("disclosures-{w}"))));
        let id = format!("answers_{}_answer", question.name);
        fields.push(asking.radios(&id, t.label(&question.label), yes_no.to_vec()).clause(Some(&question.clause)));
        let id = format!("answers_{}_because", question.name);
        fields.push(asking.line(&id, asking.said("disclosures-because")));
    }
    if !source.refusal_grounds.is_empty() {
        let choices = source.refusal_grounds.iter().map(|g| Choice::new(&g.name, t.label(&g.label)).clause(&g.clause));
        fields.push(
            asking
                .radios("refusal_ground", asking.said("disclosures-refusal-ground"), choices.collect())
                .hint(t.say("disclosures-refusal-hint")),
        );
    }
    fields.push(asking.area("explanation", asking.said("disclosures-explanation")));
    fields
}

fn request_page(
    state: &State,
    visit: &Visit,
    view: &RequestView,
    form: &Form,
    faults: Vec<Fault>,
) -> Result<RequestPage, Problem> {
    let (t, register) = (visit.t, visit.register(state)?);
    let kind = register.record_type(&view.request.record_type).ok_or_else(Problem::not_found)?;
    let today = register.day(state.app.store.now());
    let asking = Asking { t, form, faults: &faults };
    let decided: Option<disclosure::Decision> =
        view.decision.as_ref().and_then(|d| serde_json::from_value(d.details.clone()).ok());
    let shots = decided.as_ref().map_or(&view.request.fields, |d| &d.fields).iter().map(|path| {
        let (text, clause) = path_label(t, kind, path);
        let first = FieldPath::parse(path).ok();
        let section = first.and_then(|p| p.along(&kind.fields).next().flatten().and_then(|f| f.section.clone()));
        let special = kind.sections.iter().any(|s| s.special_category && Some(&s.name) == section.as_ref());
        Shot { text, clause: clause.map(|c| c.0), special }
    });
    let open = view.decision.is_none() && !view.state.is_over();
    let granted = decided.as_ref().is_some_and(|d| !d.fields.is_empty());
    let frame = visit.frame(state, view.request.object.clone());
    let fields =
        if open && view.beside.may.decide { decision_fields(&asking, &register, view, kind) } else { Vec::new() };
    Ok(RequestPage {
        kind: kind_label(t, &register, &view.kind),
        state: state_tag(t, view.state),
        time: view.deadline.as_ref().map(|d| time_left(t, d, today, open, view.beside.overdue)),
        rows: request_rows(t, &register, view, kind),
        text: view.request.purpose.clone(),
        preview: shots.collect(),
        record_type: t.label(&kind.label),
        matching: view.beside.matching.map(|n| t.count(n)),
        as_of: t.day(view.request.as_of.unwrap_or(today)),
        version: view.version,
        decision: decision_rows(t, &register, view, decided.as_ref(), kind),
        may_release: granted && view.state == CaseState::Decided && view.beside.may.release,
        formats: vec![
            ("xlsx", t.say("disclosures-format-xlsx")),
            ("csv", t.say("disclosures-format-csv")),
            ("pdf", t.say("disclosures-format-pdf")),
            ("json", t.say("disclosures-format-json")),
        ],
        released: view.disclosures.clone(),
        case: frame.at(&format!("/cases/{}", view.id)),
        action: frame.at(&format!("/requests/{}", view.id)),
        f: {
            let frame = frame.crumb(t.say("disclosures-requests"), &format!("/r/{}/requests", register.name()));
            if faults.is_empty() { frame } else { frame.faulty() }
        },
        faults: ask::naming(faults, &fields),
        fields,
    })
}

fn decision_rows(
    t: T,
    register: &Register,
    view: &RequestView,
    decided: Option<&disclosure::Decision>,
    kind: &RecordType,
) -> Vec<Row> {
    let Some(decision) = &view.decision else { return Vec::new() };
    let source = &register.definition.register;
    let case = register.case_kind(&view.kind);
    let outcome = case.and_then(|k| k.outcomes.iter().find(|o| o.name == decision.outcome));
    let named = outcome.map_or_else(|| Said { text: decision.outcome.clone(), lang: None }, |o| t.label(&o.label));
    let mut rows = vec![Row::new(t.say("disclosures-outcome"), named).clause(Some(&decision.clause))];
    if let Some(decided) = decided {
        let ground = source.release_grounds.iter().find(|g| Some(&g.name) == decided.release_ground.as_ref());
        if let Some(ground) = ground {
            rows.push(Row::new(t.say("disclosures-ground"), t.label(&ground.label)).clause(Some(&ground.clause)));
        }
        if let Some(act) = &decided.act {
            rows.push(Row::new(t.say("disclosures-act"), act.clone()));
        }
        for question in ground.map(|g| g.questions.as_slice()).unwrap_or_default() {
            if let Some(answer) = decided.answers.get(&question.name) {
                let word = t.say(if answer.answer { "disclosures-yes" } else { "disclosures-no" });
                let row = Row::new(t.label(&question.label), format!("{word}: {}", answer.because));
                rows.push(row.clause(Some(&question.clause)));
            }
        }
        if !decided.refused_fields.is_empty() {
            let names: Vec<String> = decided.refused_fields.iter().map(|p| path_label(t, kind, p).0.text).collect();
            rows.push(Row::new(t.say("disclosures-refused-fields"), names.join(", ")));
        }
    }
    if let Some(ground) = source.refusal_grounds.iter().find(|g| Some(&g.name) == decision.ground.as_ref()) {
        rows.push(Row::new(t.say("disclosures-refusal-ground"), t.label(&ground.label)).clause(Some(&ground.clause)));
    }
    rows.push(Row::new(t.say("disclosures-explanation"), decision.explanation.clone()));
    rows.push(Row::new(
        t.say("disclosures-decided"),
        format!("{} · {}", moment(t, register, &decision.at), view.beside.decided_by.clone().unwrap_or_default()),
    ));
    if let Some(text) = &decision.remedies {
        let remedies = case.and_then(|k| k.remedies.as_ref());
        let said = remedies.map_or_else(|| Said { text: text.clone(), lang: Some("et") }, |r| t.label(r));
        rows.push(Row::new(t.say("disclosures-remedies"), said));
    }
    rows
}

/// What a form of a decision says.
fn proposal(form: &Form, register: &Register, view: &RequestView) -> Proposal {
    let source = &register.definition.register;
    let outcome = form.text("outcome").unwrap_or_default().to_owned();
    let kind = register.case_kind(&view.kind);
    let chosen = kind.and_then(|k| k.outcomes.iter().find(|o| o.name == outcome));
    let (refuses, in_part) = chosen.map_or((false, false), |o| (o.refuses, o.in_part));
    let ground = source.release_grounds.iter().find(|g| Some(g.name.as_str()) == form.text("release_ground"));
    let answers: BTreeMap<String, Answer> = ground
        .map(|g| g.questions.as_slice())
        .unwrap_or_default()
        .iter()
        .filter_map(|q| {
            let answer = form.text(&format!("answers_{}_answer", q.name))? == "yes";
            let because = form.text(&format!("answers_{}_because", q.name)).unwrap_or_default().to_owned();
            Some((q.name.clone(), Answer { answer, because }))
        })
        .collect();
    let fields: Vec<String> = form.all("fields").map(str::to_owned).collect();
    let whole = view.request.fields.iter().all(|f| fields.contains(f));
    Proposal {
        outcome,
        ground: None,
        release_ground: ground.filter(|_| !refuses || !answers.is_empty()).map(|g| g.name.clone()),
        refusal_ground: form.text("refusal_ground").filter(|_| refuses || in_part).map(str::to_owned),
        fields: (!refuses && (in_part || !whole)).then_some(fields),
        explanation: form.text("explanation").unwrap_or_default().to_owned(),
        act: form.text("act").filter(|_| ground.is_some_and(|g| g.needs_act)).map(str::to_owned),
        answers,
    }
}

const DECISION_FIELDS: &[&str] = &["outcome", "fields", "release_ground", "refusal_ground", "act", "explanation"];

/// Looks at a decision once more, then makes it.
///
/// # Errors
/// As the act.
pub async fn decide(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let (register, id) = (visit.register(&state)?, visit.id("id")?);
    let name = register.name().to_owned();
    let step = form.value("step");
    if step != "save" {
        let view = state.app.read_disclosure_request(visit.cx(), name, id).await?.into_inner();
        if step == "edit" {
            return html(&request_page(&state, visit, &view, form, Vec::new())?);
        }
        let given = proposal(form, &register, &view);
        let case = register.case_kind(&view.kind).ok_or_else(Problem::not_found)?;
        // Exactly what the act itself will ask.
        let faults = match disclosure::weigh(&view.request, &given, &register, case) {
            Ok(_) => Vec::new(),
            Err(refusal) => decision_faults(t, refusal.into())?,
        };
        if !faults.is_empty() {
            let page = request_page(&state, visit, &view, form, faults)?;
            return html_as(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        return decision_check(&state, visit, &register, &view, form, &given);
    }
    let view = state.app.read_disclosure_request(visit.cx(), name.clone(), id).await?.into_inner();
    let given = proposal(form, &register, &view);
    match state.app.decide_disclosure(posted.cx(&state), name.clone(), id, given).await {
        Ok(_) => visit.done(&format!("/r/{name}/requests/{id}"), "request-decided"),
        Err(error) => {
            let faults = decision_faults(t, error.into())?;
            let page = request_page(&state, visit, &view, form, faults)?;
            html_as(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// Faults of a decision; `/ground` is that of the refusal or of the release.
fn decision_faults(t: T, problem: Problem) -> Result<Vec<Fault>, Problem> {
    let mut problem = problem;
    for error in &mut problem.errors {
        if error.pointer == "/ground" {
            error.pointer = "/refusal_ground".to_owned();
        }
        // An answer is a question of its own on the form.
        if error.pointer.starts_with("/answers/") && error.pointer.matches('/').count() == 2 {
            error.pointer.push_str("/answer");
        }
    }
    ask::faults(t, problem, DECISION_FIELDS)
}

fn decision_check(
    state: &State,
    visit: &Visit,
    register: &Register,
    view: &RequestView,
    form: &Form,
    given: &Proposal,
) -> Shown {
    let t = visit.t;
    let source = &register.definition.register;
    let kind = register.record_type(&view.request.record_type).ok_or_else(Problem::not_found)?;
    let case = register.case_kind(&view.kind).ok_or_else(Problem::not_found)?;
    let outcome = case.outcomes.iter().find(|o| o.name == given.outcome).ok_or_else(Problem::not_found)?;
    let mut rows = vec![
        Row::new(t.say("disclosures-name"), view.requester.as_ref().map(|p| p.name.clone()).unwrap_or_default()),
        Row::new(t.say("disclosures-outcome"), t.label(&outcome.label)).clause(Some(&outcome.clause)),
    ];
    if let Some(ground) = source.release_grounds.iter().find(|g| Some(&g.name) == given.release_ground.as_ref()) {
        rows.push(Row::new(t.say("disclosures-ground"), t.label(&ground.label)).clause(Some(&ground.clause)));
    }
    if let Some(ground) = source.refusal_grounds.iter().find(|g| Some(&g.name) == given.refusal_ground.as_ref()) {
        rows.push(Row::new(t.say("disclosures-refusal-ground"), t.label(&ground.label)).clause(Some(&ground.clause)));
    }
    if !outcome.refuses {
        let fields = given.fields.as_ref().unwrap_or(&view.request.fields);
        let names: Vec<String> = fields.iter().map(|p| path_label(t, kind, p).0.text).collect();
        rows.push(Row::new(t.say("disclosures-granted-fields"), names.join(", ")));
        if let Some(n) = view.beside.matching {
            rows.push(Row::new(t.say("disclosures-matching"), t.count(n)));
        }
    }
    rows.push(Row::new(t.say("disclosures-explanation"), given.explanation.clone()));
    if let Some(remedies) = &case.remedies {
        rows.push(Row::new(t.say("disclosures-remedies"), t.label(remedies)));
    }
    let frame = visit.frame(state, t.say("disclosures-check-decision"));
    html(&CheckPage {
        intro: t.say("disclosures-check-intro"),
        rows,
        hidden: ask::carried(form),
        action: frame.at(&format!("/requests/{}", view.id)),
        button: t.say(if outcome.refuses { "disclosures-refuse" } else { "disclosures-grant" }),
        f: frame.crumb(t.say("disclosures-requests"), &format!("/r/{}/requests", register.name())),
    })
}

/// Releases what was granted, as a file. It is entered in the ledger before it leaves.
///
/// # Errors
/// As the act.
pub async fn release(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (name, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let format = match posted.form.value("format") {
        "json" => Format::Json,
        "pdf" => Format::Pdf,
        "csv" => Format::Csv { excel: visit.t.lang != crate::locale::Lang::En },
        _ => Format::Xlsx,
    };
    let wanted = Wanted { format, language: visit.t.code() };
    match state.app.release_disclosure(posted.cx(&state), name.clone(), id, wanted).await {
        Ok(left) => Ok(crate::web::api::disclosure::file(&name, format, left.into_inner())),
        Err(error) => {
            let faults = ask::faults(visit.t, error.into(), &[])?;
            let view = state.app.read_disclosure_request(visit.cx(), name, id).await?;
            let page = request_page(&state, visit, view.get(), &decision_form(view.get()), faults)?;
            html_as(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

struct LedgerLine {
    id: Uuid,
    at: String,
    recipient: String,
    record_type: Said,
    fields: usize,
    records: String,
    ground: Said,
    clause: Option<String>,
    purpose: String,
    channel: String,
}

#[derive(Template)]
#[template(path = "ui/disclosures/ledger.html")]
struct LedgerPage {
    f: Frame,
    from: String,
    to: String,
    code: String,
    faults: Vec<Fault>,
    lines: Vec<LedgerLine>,
    next: Option<String>,
    again: Option<String>,
    may_enter: bool,
}

fn channel_label(t: T, channel: &str) -> String {
    t.say_if(&format!("disclosures-channel-{}", channel.replace('_', ""))).unwrap_or_else(|| channel.to_owned())
}

fn ground_label(t: T, register: &Register, ground: Option<&str>) -> Said {
    let known = register.definition.register.release_grounds.iter().find(|g| Some(g.name.as_str()) == ground);
    known.map_or_else(|| Said { text: ground.unwrap_or_default().to_owned(), lang: None }, |g| t.label(&g.label))
}

fn recipient_name(t: T, view: &DisclosureView) -> String {
    match &view.body.recipient {
        Some(party) if party.kind.as_deref() == Some("public") => t.say("disclosures-public"),
        Some(party) => party.name.clone(),
        None => t.say("disclosures-public"),
    }
}

fn ledger_line(t: T, register: &Register, view: &DisclosureView) -> LedgerLine {
    let kind = view.record_type.as_deref().and_then(|k| register.record_type(k));
    LedgerLine {
        id: view.id,
        at: moment(t, register, &view.released_at),
        recipient: recipient_name(t, view),
        record_type: kind.map(|k| t.label(&k.label)).unwrap_or_default(),
        fields: view.body.fields.len(),
        records: t.count(i64::try_from(view.body.records).unwrap_or(i64::MAX)),
        ground: ground_label(t, register, view.body.ground.as_deref()),
        clause: view.body.clause.as_ref().map(|c| c.0.clone()),
        purpose: view.body.purpose.clone().unwrap_or_default(),
        channel: channel_label(t, &view.channel),
    }
}

/// The ledger of what left.
///
/// # Errors
/// As the act.
pub async fn ledger(state: State, visit: Visit) -> Shown {
    let pairs = ["from", "to", "record", "cursor"].into_iter();
    let pairs = pairs.filter_map(|n| Some((n.to_owned(), visit.q(n)?.to_owned()))).collect();
    ledger_page(&state, &visit, &Form { pairs, files: Vec::new() }, false).await
}

/// The ledger by the code of a recipient, which may be a person's: sent, not put into the address.
///
/// # Errors
/// As the act.
pub async fn ledger_of(state: State, posted: Posted) -> Shown {
    ledger_page(&state, &posted.visit, &posted.form, true).await
}

async fn ledger_page(state: &State, visit: &Visit, form: &Form, sent: bool) -> Shown {
    let (t, register) = (visit.t, visit.register(state)?);
    let zone = register.definition.register.time_zone;
    let mut faults = Vec::new();
    let (from, to) = (day_of(t, form, "from", &mut faults), day_of(t, form, "to", &mut faults));
    let start = |day: NaiveDate| {
        let midnight = day.and_time(chrono::NaiveTime::MIN).and_local_timezone(zone).earliest();
        midnight.map(|at| at.to_utc())
    };
    let query = LedgerQuery {
        recipient_code: form.text("code").map(str::to_owned),
        record_id: form.id("record")?,
        from: from.and_then(start),
        to: to.and_then(|day| crate::domain::calendar::end_of_day(day, zone)),
        before: None,
        limit: ROWS,
    };
    let act = state.app.list_disclosures(visit.cx(), register.name().to_owned(), query, form.text("cursor"));
    let page = act.await?.into_inner();
    let frame = visit.frame(state, t.say("disclosures-ledger"));
    let next = |cursor: &String| {
        let pairs = ["from", "to", "record"].map(|n| (n, form.value(n)));
        frame.at(&format!("/disclosures{}", query_of(&[pairs[0], pairs[1], pairs[2], ("cursor", cursor)])))
    };
    let shown = LedgerPage {
        from: form.value("from").to_owned(),
        to: form.value("to").to_owned(),
        code: form.value("code").to_owned(),
        lines: page.items.iter().map(|v| ledger_line(t, &register, v)).collect(),
        next: page.next_cursor.as_ref().filter(|_| !sent).map(next),
        again: page.next_cursor.filter(|_| sent),
        may_enter: visit.may("disclosure.release"),
        f: if faults.is_empty() { frame } else { frame.faulty() },
        faults,
    };
    if shown.faults.is_empty() {
        html(&shown)
    } else {
        html_as(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &shown)
    }
}

struct Subject {
    id: Uuid,
    title: String,
    path: String,
}

#[derive(Template)]
#[template(path = "ui/disclosures/entry.html")]
struct EntryPage {
    f: Frame,
    rows: Vec<Row>,
    fields: Vec<Shot>,
    subjects: Vec<Subject>,
    next: Option<String>,
    record_type: Said,
}

/// One entry of the ledger, with whose data left.
///
/// # Errors
/// As the act.
pub async fn entry(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let id = visit.id("id")?;
    let act = state.app.read_disclosure(visit.cx(), register.name().to_owned(), id, visit.q("cursor"), ROWS);
    let view = act.await?.into_inner();
    let entry = &view.entry;
    let line = ledger_line(t, &register, entry);
    let body = &entry.body;
    let frame = visit.frame(&state, t.say("disclosures-entry"));
    let mut rows = vec![
        Row::new(t.say("disclosures-number"), entry.id.to_string()),
        Row::new(t.say("disclosures-when"), line.at.clone()),
        Row::new(t.say("disclosures-channel"), line.channel.clone()),
    ];
    match &body.recipient {
        Some(party) if party.kind.as_deref() != Some("public") => rows.extend(party_rows(t, party)),
        _ => rows.push(Row::new(t.say("disclosures-recipient"), line.recipient.clone())),
    }
    rows.push(Row::new(t.say("disclosures-ground"), line.ground.clone()).clause(body.clause.as_ref()));
    let more = [
        ("disclosures-act", body.act.clone()),
        ("disclosures-legal-basis", body.legal_basis.clone()),
        ("disclosures-purpose", body.purpose.clone()),
        ("disclosures-as-of", body.as_of.map(|day| t.day(day))),
        ("disclosures-decided-by", body.decided_by.clone()),
        ("disclosures-released-by", body.released_by.clone()),
        ("disclosures-format", body.format.as_ref().map(|f| f.to_uppercase())),
        ("disclosures-digest", entry.digest.clone()),
    ];
    rows.extend(more.into_iter().filter_map(|(key, value)| Some(Row::new(t.say(key), value?))));
    if let Some(case) = entry.case_id {
        rows.push(Row::new(t.say("disclosures-request"), case.to_string()).to(frame.at(&format!("/requests/{case}"))));
    }
    let kind = entry.record_type.as_deref().and_then(|k| register.record_type(k));
    let fields = body.fields.iter().map(|path| {
        let named = kind.map(|k| path_label(t, k, path));
        let (text, clause) = named.unwrap_or_else(|| (Said { text: path.clone(), lang: None }, None));
        Shot { text, clause: clause.map(|c| c.0), special: false }
    });
    html(&EntryPage {
        rows,
        fields: fields.collect(),
        subjects: view
            .subjects
            .items
            .iter()
            .map(|record| Subject {
                id: *record,
                title: view.titles.get(record).cloned().unwrap_or_else(|| t.say("disclosures-hidden-title")),
                path: format!("/records/{}/{record}", entry.record_type.as_deref().unwrap_or_default()),
            })
            .collect(),
        next: view.subjects.next_cursor.as_ref().map(|c| frame.at(&format!("/disclosures/{id}?cursor={c}"))),
        record_type: line.record_type,
        f: frame.crumb(t.say("disclosures-ledger"), &format!("/r/{}/disclosures", register.name())),
    })
}

/// The form of a release made by other means.
///
/// # Errors
/// 404 for an unknown type.
pub async fn manual(state: State, visit: Visit) -> Shown {
    let mut form = Form::default();
    for (from, to) in [("type", "record_type"), ("record", "record_ids")] {
        if let Some(value) = visit.q(from) {
            form.pairs.push((to.to_owned(), value.to_owned()));
        }
    }
    manual_form(&state, &visit, &form, Vec::new())
}

fn manual_form(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    let (t, register) = (visit.t, visit.register(state)?);
    let kind = type_of(&register, form.text("record_type"))?;
    let asking = Asking { t, form, faults: &faults };
    let source = &register.definition.register;
    let mut fields = vec![heading(t, "disclosures-to-whom")];
    fields.extend(party_fields(&asking, "recipient"));
    fields.push(heading(t, "disclosures-what"));
    fields.push(asking.area("record_ids", asking.said("disclosures-records")).hint(t.say("disclosures-records-hint")));
    fields.push(asking.checks("fields", asking.said("disclosures-fields"), pickable(t, &register, kind)));
    fields.push(asking.short("as_of", asking.said("disclosures-as-of")).hint(t.say("disclosures-told-hint")));
    fields.push(heading(t, "disclosures-why"));
    if !source.release_grounds.is_empty() {
        let grounds = source.release_grounds.iter().map(|g| Choice::new(&g.name, t.label(&g.label)).clause(&g.clause));
        fields.push(asking.radios("ground", asking.said("disclosures-ground"), grounds.collect()));
    }
    fields.push(asking.line("basis", asking.said("disclosures-act")));
    fields.push(asking.area("purpose", asking.said("disclosures-purpose")));
    let channels =
        MANUAL_CHANNELS.iter().map(|c| Choice::new(*c, Said { text: channel_label(t, c), lang: None })).collect();
    fields.push(asking.radios("channel", asking.said("disclosures-channel"), channels));
    fields.push(asking.line("sha256", asking.said("disclosures-digest")).hint(t.say("disclosures-digest-hint")));
    let frame = visit.frame(state, t.say("disclosures-manual"));
    RequestForm {
        intro: t.say("disclosures-manual-intro"),
        clause: None,
        types: type_facets(t, &register, &frame, "/disclosures/new", kind),
        faults,
        fields,
        hidden: vec![("record_type".to_owned(), kind.name.clone())],
        action: frame.at("/disclosures/new"),
        button: t.say("disclosures-enter-manual"),
        checks: false,
        back: frame.at("/disclosures"),
        f: frame.crumb(t.say("disclosures-ledger"), &format!("/r/{}/disclosures", register.name())),
    }
    .shown()
}

const MANUAL_FIELDS: &[&str] = &[
    "recipient_name",
    "recipient_kind",
    "recipient_registry_code",
    "recipient_personal_code",
    "recipient_contact",
    "fields",
    "record_ids",
    "ground",
    "basis",
    "purpose",
    "channel",
    "as_of",
    "sha256",
];

/// Enters a release made by other means.
///
/// # Errors
/// As the act.
pub async fn enter_manual(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let name = visit.word("r").to_owned();
    let mut faults = Vec::new();
    let as_of = day_of(t, form, "as_of", &mut faults);
    let ids: Vec<Result<Uuid, _>> = form
        .value("record_ids")
        .split([' ', ',', ';', '\n', '\r'])
        .filter(|w| !w.is_empty())
        .map(Uuid::parse_str)
        .collect();
    if ids.iter().any(Result::is_err) {
        faults.push(ask::fault(t, "record_ids", "disclosures-fault-records", None));
    }
    if !faults.is_empty() {
        return manual_form(&state, visit, form, faults);
    }
    let said = |name: &str| form.text(name).unwrap_or_default().to_owned();
    let release = ManualRelease {
        recipient: party(form, "recipient"),
        record_type: said("record_type"),
        fields: form.all("fields").map(str::to_owned).collect(),
        record_ids: ids.into_iter().flatten().collect(),
        ground: said("ground"),
        basis: said("basis"),
        purpose: said("purpose"),
        channel: said("channel"),
        as_of,
        sha256: form.text("sha256").map(str::to_lowercase),
    };
    match state.app.enter_disclosure(posted.cx(&state), name.clone(), release).await {
        Ok(view) => visit.done(&format!("/r/{name}/disclosures/{}", view.get().id), "disclosure-entered"),
        Err(error) => {
            let faults = ask::faults(t, error.into(), MANUAL_FIELDS)?;
            manual_form(&state, visit, form, faults)
        }
    }
}

#[derive(Template)]
#[template(path = "ui/disclosures/found.html")]
struct FoundPage {
    f: Frame,
    digest: String,
    lines: Vec<LedgerLine>,
}

/// The question whether a file has left.
///
/// # Errors
/// None of its own.
pub async fn ask_check(state: State, visit: Visit) -> Shown {
    check_form(&state, &visit, &Form::default(), Vec::new())
}

fn check_form(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    let t = visit.t;
    let asking = Asking { t, form, faults: &faults };
    let fields = vec![
        asking.file("file", asking.said("disclosures-file")),
        asking.line("sha256", asking.said("disclosures-digest")).hint(t.say("disclosures-check-hint")),
    ];
    let frame = visit.frame(state, t.say("disclosures-check"));
    FormPage {
        intro: t.say("disclosures-check-about"),
        clause: None,
        rows: Vec::new(),
        faults,
        fields,
        hidden: Vec::new(),
        action: frame.at("/disclosures/check"),
        button: t.say("disclosures-compare"),
        checks: false,
        files: true,
        back: frame.at("/disclosures"),
        f: frame.crumb(t.say("disclosures-ledger"), &format!("/r/{}/disclosures", visit.word("r"))),
    }
    .shown()
}

/// Compares a file, or its digest, with what has left.
///
/// # Errors
/// As the act.
pub async fn check(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let register = visit.register(&state)?;
    let brought = match (form.file("file"), form.text("sha256")) {
        (Some(file), _) => Brought::Bytes(file.bytes.clone()),
        (None, Some(text)) => Brought::Digest(text.to_lowercase()),
        (None, None) => {
            let faults = vec![ask::fault(t, "file", "disclosures-fault-file", None)];
            return check_form(&state, visit, form, faults);
        }
    };
    match state.app.check_disclosure(visit.cx(), register.name().to_owned(), brought).await {
        Ok(view) => {
            let frame = visit.frame(&state, t.say("disclosures-check"));
            html(&FoundPage {
                digest: view.get().sha256.clone(),
                lines: view.get().disclosures.iter().map(|v| ledger_line(t, &register, v)).collect(),
                f: frame.crumb(t.say("disclosures-ledger"), &format!("/r/{}/disclosures", register.name())),
            })
        }
        Err(error) => {
            let problem = Problem::from(error);
            let faults = if problem.kind == Kind::Invalid {
                vec![ask::fault(t, "sha256", "disclosures-fault-digest", None)]
            } else {
                return Err(problem);
            };
            check_form(&state, visit, form, faults)
        }
    }
}
