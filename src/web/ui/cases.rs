//! Cases: everything that somebody asks, reports, contests, applies for or is told to do, with its clock and its steps.

use askama::Template;
use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::{Facet, institution_choices, institutions, moment, query_of, role_label};
use super::ask::{self, Asking, Choice, Field, FormPage, Row};
use super::disclosures::{Time, day_of, state_tag, time_left};
use super::frame::{Fault, Frame};
use super::say::{Said, T, masked};
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, html, own_data, page};
use crate::app::people::Named;
use crate::domain::case::{CHANNELS, CaseParty, CaseState, NewCase, Step};
use crate::domain::registers::Register;
use crate::domain::statute::procedures::{About, CaseKind, Procedure, StepKind};
use crate::store::read::cases::{CaseInFull, CaseQuery, CaseView, StepView};
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/cases", list, "case.list"),
    page!(Get "/r/{r}/cases/new", new, "case.open: the form alone"),
    page!(Post "/r/{r}/cases/new", open, "case.open"),
    page!(Get "/r/{r}/cases/{id:[0-9a-f-]{36}}", read, "case.read"),
    page!(Get "/r/{r}/cases/{id:[0-9a-f-]{36}}/{act}", step, "case.read"),
    page!(Post "/r/{r}/cases/{id:[0-9a-f-]{36}}/{act}", take, "case.handle"),
];

/// Lines on a page.
const ROWS: i64 = 50;
/// Rights of a review that its page lists.
const MOST_RIGHTS: usize = 500;

/// Steps in the order in which they are offered.
const STEPS: [StepKind; 14] = [
    StepKind::Answer,
    StepKind::Acknowledge,
    StepKind::Clarify,
    StepKind::Identify,
    StepKind::Decide,
    StepKind::Notify,
    StepKind::Verify,
    StepKind::Message,
    StepKind::AskClarification,
    StepKind::AskIdentity,
    StepKind::Forward,
    StepKind::Extend,
    StepKind::Close,
    StepKind::Withdraw,
];

fn step_label(t: T, act: &str) -> String {
    t.say_if(&format!("cases-step-{}", act.replace('_', ""))).unwrap_or_else(|| act.to_owned())
}

struct Line {
    href: String,
    subject: String,
    kind: Said,
    clause: String,
    about: String,
    opener: String,
    received: String,
    state: (&'static str, String),
    time: Option<Time>,
}

#[derive(Template)]
#[template(path = "ui/cases/list.html")]
struct ListPage {
    f: Frame,
    kinds: Vec<Facet>,
    states: Vec<Facet>,
    others: Vec<Facet>,
    chips: Vec<Facet>,
    due_until: String,
    kept: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    next: Option<String>,
    may_open: bool,
}

/// Cases that one may read, by kind, state and time.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let q = |name: &str| visit.q(name).unwrap_or_default().to_owned();
    let (kind, stands, overdue, mine, due) = (q("kind"), q("state"), q("overdue"), q("mine"), q("due"));
    let query = CaseQuery {
        kinds: (!kind.is_empty()).then(|| kind.clone()).into_iter().collect(),
        state: CaseState::ALL.iter().find(|s| s.as_str() == stands).map(|s| s.as_str().to_owned()),
        overdue: overdue == "yes",
        due_until: visit.q_day("due")?,
        record_id: visit.q_id("record")?,
        mine: mine == "yes",
        limit: ROWS,
        before: visit.q_id("cursor")?,
    };
    let page = state.app.list_cases(visit.cx(), register.name().to_owned(), query).await?.into_inner();
    let today = register.day(state.app.store.now());
    let frame = visit.frame(&state, t.say("cases-title"));
    let now = [
        ("kind", kind),
        ("state", stands),
        ("overdue", overdue),
        ("mine", mine),
        ("due", due),
        ("record", q("record")),
    ];
    // This page with one filter changed.
    let to = |name: &str, value: &str| {
        let mut pairs: Vec<(&str, &str)> =
            now.iter().map(|(n, v)| (*n, if *n == name { value } else { v.as_str() })).collect();
        if name == "cursor" {
            pairs.push(("cursor", value));
        }
        frame.at(&format!("/cases{}", query_of(&pairs)))
    };
    let value = |name: &str| now.iter().find(|(n, _)| *n == name).map_or("", |(_, v)| v.as_str());
    let say = |key: &str| Said { text: t.say(key), lang: None };
    let facet = |name: &str, one: &str, text: Said| {
        let current = value(name) == one;
        Facet { text, href: to(name, if current { "" } else { one }), current }
    };
    let kinds: Vec<Facet> =
        register.definition.cases.iter().map(|k| facet("kind", &k.name, t.label(&k.label))).collect();
    let states: Vec<Facet> = CaseState::ALL
        .into_iter()
        .map(|s| facet("state", s.as_str(), Said { text: state_tag(t, s).1, lang: None }))
        .collect();
    let others = vec![facet("overdue", "yes", say("cases-overdue")), facet("mine", "yes", say("cases-mine"))];
    let chips = kinds.iter().chain(&states).chain(&others).filter(|c| c.current);
    let chips = chips.map(|c| Facet { text: c.text.clone(), href: c.href.clone(), current: true }).collect();
    html(&ListPage {
        due_until: value("due").to_owned(),
        kept: now.iter().filter(|(n, v)| *n != "due" && !v.is_empty()).map(|(n, v)| (*n, v.clone())).collect(),
        lines: page.items.iter().map(|c| line(t, &register, &frame, c, today)).collect(),
        next: page.next_cursor.as_deref().map(|cursor| to("cursor", cursor)),
        may_open: !openable(&register, &visit).is_empty(),
        kinds,
        states,
        others,
        chips,
        f: frame,
    })
}

/// The kinds that the visitor may open.
fn openable<'r>(register: &'r Register, visit: &Visit) -> Vec<&'r CaseKind> {
    let opens = &visit.signed.facts.opens;
    let kinds = register.definition.cases.iter();
    kinds.filter(|k| opens.contains(&k.name) && !k.procedure.is_opened_by_engine()).collect()
}

fn line(t: T, register: &Register, frame: &Frame, view: &CaseView, today: NaiveDate) -> Line {
    let case = &view.case;
    let kind = register.case_kind(&case.kind);
    let own = view.procedure == Procedure::Disclosure;
    Line {
        href: frame.at(&format!("/{}/{}", if own { "requests" } else { "cases" }, case.id)),
        subject: case.subject.clone(),
        kind: kind.map(|k| t.label(&k.label)).unwrap_or_default(),
        clause: kind.map(|k| k.clause.0.clone()).unwrap_or_default(),
        about: view.beside.institution.clone().unwrap_or_default(),
        opener: case.from.as_ref().map_or_else(|| view.beside.opener.clone(), |p| p.name.clone()),
        received: t.day(case.received_on),
        state: state_tag(t, case.state),
        time: case.deadline.as_ref().map(|d| time_left(t, d, today, !case.state.is_over(), view.overdue)),
    }
}

#[derive(Template)]
#[template(path = "ui/cases/kinds.html")]
struct KindsPage {
    f: Frame,
    kinds: Vec<(Said, String, String, String)>,
}

/// What can be opened; or the form of the kind that is named.
///
/// # Errors
/// 404 for an unknown kind.
pub async fn new(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let Some(name) = visit.q("kind") else {
        let frame = visit.frame(&state, t.say("cases-new"));
        let kinds = openable(&register, &visit).into_iter().map(|k| {
            let path = match k.procedure {
                Procedure::Disclosure => "/requests/new".to_owned(),
                Procedure::OwnData => "/own-data".to_owned(),
                _ => format!("/cases/new?kind={}", k.name),
            };
            let term = k.term.map(|_| t.say("cases-has-term")).unwrap_or_default();
            (t.label(&k.label), k.clause.0.clone(), frame.at(&path), term)
        });
        return html(&KindsPage {
            kinds: kinds.collect(),
            f: frame.crumb(t.say("cases-title"), &format!("/r/{}/cases", register.name())),
        });
    };
    let mut form = Form { pairs: vec![("kind".to_owned(), name.to_owned())], files: Vec::new() };
    let known = [
        ("record", "record_id"),
        ("type", "record_type"),
        ("field", "fields"),
        ("institution", "institution_id"),
        ("user", "user_id"),
        ("role", "role"),
        ("wants", "wants"),
        ("subject", "subject"),
    ];
    for (from, to) in known {
        form.pairs.extend(visit.q_all(from).map(|value| (to.to_owned(), value.to_owned())));
    }
    open_form(&state, &visit, &form, Vec::new()).await
}

const OPEN_FIELDS: &[&str] = &[
    "subject",
    "text",
    "from_name",
    "from_contact",
    "institution_id",
    "record_id",
    "fields",
    "received_on",
    "due_on",
    "details_name",
    "details_role",
    "details_until",
    "details_user_id",
];

async fn open_form(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    let (t, register) = (visit.t, visit.register(state)?);
    let kind = form.text("kind").and_then(|name| register.case_kind(name)).ok_or_else(Problem::not_found)?;
    if kind.procedure == Procedure::Disclosure {
        return visit.see(&format!("/r/{}/requests/new", register.name()));
    }
    if kind.procedure == Procedure::OwnData {
        return visit.see(&format!("/r/{}/own-data", register.name()));
    }
    let institutions = institutions(state, visit).await?;
    let asking = Asking { t, form, faults: &faults };
    let mut fields = vec![
        asking.line("subject", asking.said("cases-subject")).hint(t.say("cases-subject-hint")),
        asking.area("text", asking.said("cases-text")),
    ];
    if kind.procedure == Procedure::Access {
        fields.extend(access_fields(&asking, &register));
    }
    fields.extend(about_fields(&asking, &register, kind, &institutions));
    if kind.names_due {
        fields.push(asking.short("due_on", asking.said("cases-due")).clause(Some(&kind.clause)));
    }
    if visit.may("case.handle") || visit.may("case.decide") {
        fields.push(asking.short("received_on", asking.said("cases-received")).hint(t.say("cases-received-hint")));
        fields.push(asking.line("from_name", asking.said("cases-from")).hint(t.say("cases-from-hint")));
        fields.push(asking.line("from_contact", asking.said("cases-from-contact")));
    }
    let hidden = ["kind", "record_type", "user_id"];
    let hidden = hidden.into_iter().filter_map(|n| Some((n.to_owned(), form.text(n)?.to_owned())));
    let label = t.label(&kind.label);
    let frame = visit.frame(state, label.text);
    FormPage {
        intro: match (&kind.term, &kind.names_due) {
            (Some(_), _) => t.say("cases-new-term"),
            (None, true) => t.say("cases-new-due"),
            (None, false) => String::new(),
        },
        clause: Some(kind.clause.0.clone()),
        rows: Vec::new(),
        faults,
        fields,
        hidden: hidden.collect(),
        action: frame.at("/cases/new"),
        button: t.say("cases-open"),
        checks: false,
        files: false,
        back: frame.at("/cases"),
        f: frame.crumb(t.say("cases-title"), &format!("/r/{}/cases", register.name())),
    }
    .shown()
}

/// What the case is about: an institution, a record, fields of a record.
fn about_fields(asking: &Asking<'_>, register: &Register, kind: &CaseKind, institutions: &[Named]) -> Vec<Field> {
    let (t, form) = (asking.t, asking.form);
    let mut fields = Vec::new();
    if kind.about == About::Record || form.has("record_id") {
        fields.push(asking.line("record_id", asking.said("cases-record")).hint(t.say("cases-record-hint")));
    }
    let typed = form.text("record_type").and_then(|name| register.record_type(name));
    if let Some(typed) = typed {
        let choices = typed.fields.iter().map(|f| Choice {
            clause: f.clause.as_ref().map(|c| c.0.clone()),
            ..Choice::new(&f.name, t.label(&f.label))
        });
        fields.push(asking.checks("fields", asking.said("cases-fields"), choices.collect()).folded());
    }
    if kind.about != About::Record {
        let chosen = form.value("institution_id");
        let choices = institution_choices(t, institutions, chosen, "cases-no-institution");
        fields.push(asking.select("institution_id", asking.said("cases-institution"), choices));
    }
    fields
}

/// What is applied for, where it is access.
fn access_fields(asking: &Asking<'_>, register: &Register) -> Vec<Field> {
    let wants = ["grant", "end"].map(|w| Choice::new(w, asking.said(&format!("cases-wants-{w}"))));
    let roles = register.definition.register.roles.iter().filter(|r| !r.implicit);
    let roles = roles.map(|r| Choice::new(&r.name, asking.t.label(&r.label)).clause(&r.clause)).collect();
    let mut fields = vec![
        asking.radios("wants", asking.said("cases-wants"), wants.to_vec()),
        asking.line("details_name", asking.said("cases-person")),
        asking.radios("role", asking.said("cases-role"), roles),
        asking.short("access_from", asking.said("cases-access-from")),
        asking.short("details_until", asking.said("cases-access-until")),
    ];
    // The engine's faults about the role lie under its details.
    if let Some(role) = fields.iter_mut().find(|f| f.id == "role") {
        role.faults.extend(asking.faults.iter().filter(|f| f.id == "details_role").map(|f| f.text.clone()));
    }
    fields
}

/// Opens a case.
///
/// # Errors
/// As the act.
pub async fn open(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let register = visit.register(&state)?;
    let name = register.name().to_owned();
    let kind = form.text("kind").and_then(|name| register.case_kind(name)).ok_or_else(Problem::not_found)?;
    let mut faults = Vec::new();
    let (received_on, due_on) = (day_of(t, form, "received_on", &mut faults), day_of(t, form, "due_on", &mut faults));
    let (from, until) = (day_of(t, form, "access_from", &mut faults), day_of(t, form, "details_until", &mut faults));
    let mut id = |field: &str| match form.text(field).map(Uuid::parse_str) {
        Some(Err(_)) => {
            faults.push(ask::fault(t, field, "cases-fault-id", Some(&kind.clause)));
            None
        }
        Some(Ok(id)) => Some(id),
        None => None,
    };
    let (record_id, institution_id, user_id) = (id("record_id"), id("institution_id"), id("user_id"));
    let mut details = Value::Null;
    if kind.procedure == Procedure::Access {
        for (field, key) in [("wants", "cases-fault-wants"), ("role", "cases-fault-role")] {
            if form.text(field).is_none() {
                faults.push(ask::fault(t, field, key, Some(&kind.clause)));
            }
        }
        details =
            json!({ "wants": form.value("wants"), "name": form.value("details_name"), "role": form.value("role") });
        let more = [("user_id", json!(user_id)), ("from", json!(from)), ("until", json!(until))];
        for (name, value) in more.into_iter().filter(|(_, v)| !v.is_null()) {
            details[name] = value;
        }
    }
    if !faults.is_empty() {
        return open_form(&state, visit, form, faults).await;
    }
    let said = |name: &str| form.text(name).unwrap_or_default().to_owned();
    let from = (form.text("from_name").is_some() || form.text("from_contact").is_some()).then(|| CaseParty {
        name: said("from_name"),
        kind: None,
        registry_code: None,
        personal_code: None,
        contact: said("from_contact"),
    });
    let new = NewCase {
        kind: kind.name.clone(),
        institution_id,
        record_type: None,
        record_id,
        fields: form.all("fields").map(str::to_owned).collect(),
        subject: said("subject"),
        text: said("text"),
        from,
        received_on,
        due_on,
        attachments: Vec::new(),
        details,
    };
    match state.app.open_case(posted.cx(&state), name.clone(), new).await {
        Ok(view) => visit.done(&format!("/r/{name}/cases/{}", view.get().case.id), "case-opened"),
        Err(error) => {
            let faults = ask::faults(t, error.into(), OPEN_FIELDS)?;
            open_form(&state, visit, form, faults).await
        }
    }
}

struct Past {
    at: String,
    who: String,
    act: String,
    kind: &'static str,
    words: Vec<Said>,
    text: String,
}

#[derive(Template)]
#[template(path = "ui/cases/case.html")]
struct CasePage {
    f: Frame,
    kind: Said,
    clause: String,
    state: (&'static str, String),
    time: Option<Time>,
    moved: Option<String>,
    text: String,
    rows: Vec<Row>,
    decision: Vec<Row>,
    rights: Vec<(Said, String)>,
    history: Vec<Past>,
    steps: Vec<(String, String, bool)>,
    lacking: Option<String>,
    grant: Option<String>,
    request: Option<String>,
    give: Option<String>,
}

/// Which steps can be taken now, as far as it can be told before they are.
fn possible(kind: &CaseKind, view: &CaseInFull) -> Vec<StepKind> {
    let (case, may) = (&view.view.case, view.may);
    if case.state.is_over() {
        return Vec::new();
    }
    let open = case.decision.is_none();
    let known = |act: StepKind| kind.steps.contains(&act) || kind.closes_after.contains(&act);
    let made = |act: StepKind| case.made.contains_key(&act);
    let offered = |act: &StepKind| match act {
        StepKind::Message => may.respond,
        StepKind::Clarify => may.respond && case.state.as_str() == "clarifying",
        StepKind::Acknowledge => may.respond && known(*act) && !made(*act),
        StepKind::Answer => may.respond && known(*act),
        StepKind::Withdraw => may.respond && view.view.beside.mine && open,
        StepKind::Decide => may.decide && open && !kind.outcomes.is_empty() && kind.procedure != Procedure::Disclosure,
        StepKind::AskIdentity | StepKind::Identify => {
            may.handle && kind.own_data.is_some() && open && own_data::lacks_proof(case)
        }
        StepKind::AskClarification | StepKind::Forward => may.handle && known(*act) && open,
        StepKind::Extend => may.handle && open && kind.extension.is_some() && !made(*act),
        StepKind::Notify => may.handle && known(*act) && (kind.outcomes.is_empty() || !open),
        StepKind::Verify => may.handle && known(*act),
        StepKind::Close => may.handle && kind.closes_after.iter().all(|s| made(*s)),
    };
    STEPS.into_iter().filter(offered).collect()
}

/// The file of a case: what, who, by when, what was done, what can be done.
///
/// # Errors
/// As the act.
pub async fn read(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let view = state.app.read_case(visit.cx(), register.name().to_owned(), visit.id("id")?).await?.into_inner();
    let case = &view.view.case;
    let kind = register.case_kind(&case.kind).ok_or_else(Problem::not_found)?;
    let today = register.day(state.app.store.now());
    let frame = visit.frame(&state, case.subject.clone());
    let steps = possible(kind, &view);
    let main = steps.iter().find(|s| [StepKind::Decide, StepKind::Answer, StepKind::Close].contains(s)).copied();
    let lacks: Vec<String> = kind
        .closes_after
        .iter()
        .filter(|s| !case.made.contains_key(s))
        .map(|s| step_label(t, s.as_str()).to_lowercase())
        .collect();
    let lacking = (view.may.handle && !case.state.is_over() && !lacks.is_empty())
        .then(|| t.say_with("cases-before-close", &[("steps", &lacks.join(", "))]));
    html(&CasePage {
        kind: t.label(&kind.label),
        clause: kind.clause.0.clone(),
        state: state_tag(t, case.state),
        time: case.deadline.as_ref().map(|d| time_left(t, d, today, !case.state.is_over(), view.view.overdue)),
        moved: case
            .deadline
            .as_ref()
            .filter(|d| d.moved_by.is_some())
            .map(|d| t.say_with("cases-moved", &[("day", &t.day(d.nominal))])),
        text: case.text.clone(),
        rows: rows(t, &register, &frame, &view.view),
        decision: decision(t, &register, kind, &view),
        rights: rights(t, &register, &frame, &case.details),
        history: view.history.iter().map(|s| past(t, &register, kind, s)).collect(),
        steps: steps
            .iter()
            .map(|s| {
                let href = frame.at(&format!("/cases/{}/{}", case.id, s.as_str()));
                (step_label(t, s.as_str()), href, Some(*s) == main)
            })
            .collect(),
        lacking,
        grant: granted(&visit, kind, &view.view).map(|path| frame.at(&path)),
        give: (view.may.release && own_data::may_give(&register, kind, case, today))
            .then(|| frame.at(&format!("/cases/{}/release", case.id))),
        request: (kind.procedure == Procedure::Disclosure).then(|| frame.at(&format!("/requests/{}", case.id))),
        f: frame.crumb(t.say("cases-title"), &format!("/r/{}/cases", register.name())),
    })
}

fn rows(t: T, register: &Register, frame: &Frame, view: &CaseView) -> Vec<Row> {
    let case = &view.case;
    let mut rows = vec![
        Row::new(t.say("cases-received"), t.day(case.received_on)),
        Row::new(t.say("cases-opener"), view.beside.opener.clone()),
    ];
    if let Some(from) = &case.from {
        rows.push(Row::new(t.say("cases-from"), from.name.clone()));
        if let Some(code) = &from.personal_code {
            rows.push(Row::new(t.say("cases-from-code"), masked(code)));
        }
        rows.push(Row::new(t.say("cases-from-contact"), from.contact.clone()));
    }
    if let Some(institution) = &view.beside.institution {
        rows.push(Row::new(t.say("cases-institution"), institution.clone()));
    }
    if let (Some(kind), Some(id)) = (&case.record_type, case.record_id) {
        let label = register.record_type(kind).map(|k| t.label(&k.label)).unwrap_or_default();
        rows.push(Row::new(t.say("cases-record"), label).to(frame.at(&format!("/records/{kind}/{id}"))));
    }
    let typed = case.record_type.as_deref().and_then(|k| register.record_type(k));
    if !case.fields.is_empty() {
        let name = |path: &String| {
            let field = typed.and_then(|k| k.fields.iter().find(|f| f.name == *path));
            field.map_or_else(|| path.clone(), |f| t.label(&f.label).text)
        };
        rows.push(Row::new(t.say("cases-fields"), case.fields.iter().map(name).collect::<Vec<_>>().join(", ")));
    }
    if let Some(kind) = register.case_kind(&case.kind) {
        rows.extend(own_data::rows(t, register, kind, case));
    }
    let text = |name: &str| case.details.get(name).and_then(Value::as_str);
    if view.procedure == Procedure::Access {
        if let Some(wants) = text("wants") {
            rows.push(Row::new(t.say("cases-wants"), t.say(&format!("cases-wants-{wants}"))));
        }
        if let Some(name) = text("name") {
            rows.push(Row::new(t.say("cases-person"), name.to_owned()));
        }
        if let Some(role) = text("role") {
            rows.push(Row::new(t.say("cases-role"), role_label(t, register, role)));
        }
        for (name, key) in [("from", "cases-access-from"), ("until", "cases-access-until")] {
            if let Some(day) = text(name).and_then(super::visit::day) {
                rows.push(Row::new(t.say(key), t.day(day)));
            }
        }
    }
    rows
}

fn decision(t: T, register: &Register, kind: &CaseKind, view: &CaseInFull) -> Vec<Row> {
    let Some(decision) = &view.view.case.decision else { return Vec::new() };
    let outcome = kind.outcomes.iter().find(|o| o.name == decision.outcome);
    let named = outcome.map_or_else(|| Said { text: decision.outcome.clone(), lang: None }, |o| t.label(&o.label));
    let mut rows = vec![Row::new(t.say("cases-outcome"), named).clause(Some(&decision.clause))];
    let source = &register.definition.register;
    if let Some(ground) = source.refusal_grounds.iter().find(|g| Some(&g.name) == decision.ground.as_ref()) {
        rows.push(Row::new(t.say("cases-ground"), t.label(&ground.label)).clause(Some(&ground.clause)));
    }
    rows.push(Row::new(t.say("cases-explanation"), decision.explanation.clone()));
    let by = view.history.iter().find(|s| s.act == "decide").map(|s| s.made_by.clone()).unwrap_or_default();
    rows.push(Row::new(t.say("cases-decided"), format!("{} · {by}", moment(t, register, &decision.at))));
    if let Some(text) = &decision.remedies {
        let said = kind.remedies.as_ref().map_or_else(|| Said { text: text.clone(), lang: Some("et") }, |r| t.label(r));
        rows.push(Row::new(t.say("cases-remedies"), said));
    }
    rows
}

/// The rights that a review or the end of an employment is about.
fn rights(t: T, register: &Register, frame: &Frame, details: &Value) -> Vec<(Said, String)> {
    let list = details.get("grants").and_then(Value::as_array).into_iter().flatten();
    list.take(MOST_RIGHTS)
        .filter_map(|grant| {
            let role = grant.get("role")?.as_str()?;
            let user = Uuid::parse_str(grant.get("user_id")?.as_str()?).ok()?;
            Some((role_label(t, register, role), frame.at(&format!("/access?user={user}&standing=any"))))
        })
        .collect()
}

/// Where a right is given that was applied for and granted.
fn granted(visit: &Visit, kind: &CaseKind, view: &CaseView) -> Option<String> {
    let outcome = &view.case.decision.as_ref()?.outcome;
    let refuses = kind.outcomes.iter().find(|o| o.name == *outcome)?.refuses;
    if kind.procedure != Procedure::Access || refuses || !visit.may("grant.issue") {
        return None;
    }
    let text = |name: &str| view.case.details.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("wants") == "end" {
        return Some(format!("/access{}", query_of(&[("user", &text("user_id"))])));
    }
    let institution = view.case.institution_id.map(|i| i.to_string()).unwrap_or_default();
    let (user, role, id) = (text("user_id"), text("role"), view.case.id.to_string());
    let pairs = [("application", id.as_str()), ("user", &user), ("role", &role), ("institution", &institution)];
    Some(format!("/access/new{}", query_of(&pairs)))
}

fn past(t: T, register: &Register, kind: &CaseKind, step: &StepView) -> Past {
    let text = |name: &str| step.body.get(name).and_then(Value::as_str);
    let mut words = Vec::new();
    if let Some(outcome) = kind.outcomes.iter().find(|o| Some(o.name.as_str()) == text("outcome")) {
        words.push(t.label(&outcome.label));
    }
    if let Some(channel) = text("channel") {
        words.push(Said { text: channel_label(t, channel), lang: None });
    }
    Past {
        at: moment(t, register, &step.made_at),
        who: step.made_by.clone(),
        act: step_label(t, &step.act),
        kind: match step.act.as_str() {
            "decide" | "verify" | "close" => "ok",
            "ask_clarification" | "extend" => "warn",
            "withdraw" => "err",
            _ => "info",
        },
        words,
        text: text("text").unwrap_or_default().to_owned(),
    }
}

fn channel_label(t: T, channel: &str) -> String {
    t.say_if(&format!("cases-channel-{}", channel.replace('_', ""))).unwrap_or_else(|| channel.to_owned())
}

fn act_of(visit: &Visit) -> Result<StepKind, Problem> {
    let word = visit.word("act");
    STEPS.into_iter().find(|s| s.as_str() == word).ok_or_else(Problem::not_found)
}

/// The form of a step.
///
/// # Errors
/// As the act.
pub async fn step(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let act = act_of(&visit)?;
    let view = state.app.read_case(visit.cx(), register.name().to_owned(), visit.id("id")?).await?.into_inner();
    step_form(&state, &visit, &register, act, &view.view, &Form::default(), Vec::new())
}

fn step_form(
    state: &State,
    visit: &Visit,
    register: &Register,
    act: StepKind,
    view: &CaseView,
    form: &Form,
    faults: Vec<Fault>,
) -> Shown {
    let t = visit.t;
    let case = &view.case;
    let kind = register.case_kind(&case.kind).ok_or_else(Problem::not_found)?;
    let asking = Asking { t, form, faults: &faults };
    let source = &register.definition.register;
    let mut fields = Vec::new();
    if act == StepKind::Decide {
        let outcomes = kind.outcomes.iter().map(|o| Choice::new(&o.name, t.label(&o.label)).clause(&o.clause));
        fields.push(asking.radios("outcome", asking.said("cases-outcome"), outcomes.collect()));
        if kind.outcomes.iter().any(|o| o.refuses || o.in_part) && !source.refusal_grounds.is_empty() {
            let grounds = source.refusal_grounds.iter();
            let grounds = grounds.map(|g| Choice::new(&g.name, t.label(&g.label)).clause(&g.clause)).collect();
            fields.push(asking.radios("ground", asking.said("cases-ground"), grounds));
        }
    }
    fields.extend(own_data::step_fields(&asking, register, kind, act));
    if act == StepKind::Notify {
        let channels = CHANNELS.iter().map(|c| Choice::new(*c, Said { text: channel_label(t, c), lang: None }));
        fields.push(asking.radios("channel", asking.said("cases-channel"), channels.collect()));
    }
    fields.push(asking.area("text", asking.said("cases-words")));
    let label = step_label(t, act.as_str());
    let clause = match act {
        StepKind::Extend => kind.extension.as_ref().map(|e| &e.clause),
        _ => Some(&kind.clause),
    };
    let today = register.day(state.app.store.now());
    let mut rows = vec![
        Row::new(t.say("cases-kind"), t.label(&kind.label)).clause(Some(&kind.clause)),
        Row::new(t.say("cases-subject"), case.subject.clone()),
    ];
    if let Some(deadline) = &case.deadline {
        let time = time_left(t, deadline, today, !case.state.is_over(), view.overdue);
        rows.push(Row::new(t.say("cases-due"), format!("{} · {}", time.day, time.text)).clause(Some(&deadline.clause)));
    }
    if let Some(remedies) = kind.remedies.as_ref().filter(|_| act == StepKind::Decide) {
        rows.push(Row::new(t.say("cases-remedies"), t.label(remedies)));
    }
    let frame = visit.frame(state, label.clone());
    let base = format!("/r/{}/cases", register.name());
    FormPage {
        intro: t.say_if(&format!("cases-about-{}", act.as_str().replace('_', ""))).unwrap_or_default(),
        clause: clause.map(|c| c.0.clone()),
        rows,
        faults,
        fields,
        // What was seen is what is acted on.
        hidden: vec![("version".to_owned(), case.version.to_string())],
        action: frame.at(&format!("/cases/{}/{}", case.id, act.as_str())),
        button: label,
        checks: false,
        files: false,
        back: frame.at(&format!("/cases/{}", case.id)),
        f: frame.crumb(t.say("cases-title"), &base).crumb(case.subject.clone(), &format!("{base}/{}", case.id)),
    }
    .shown()
}

/// Takes a step.
///
/// # Errors
/// As the act.
pub async fn take(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let register = visit.register(&state)?;
    let (name, id, act) = (register.name().to_owned(), visit.id("id")?, act_of(visit)?);
    let mut step = Step::new(act, form.text("text").unwrap_or_default());
    step.outcome = form.text("outcome").map(str::to_owned);
    step.ground = form.text("ground").map(str::to_owned);
    step.channel = form.text("channel").map(str::to_owned);
    let view = state.app.read_case(visit.cx(), name.clone(), id).await?.into_inner();
    let kind = register.case_kind(&view.view.case.kind).ok_or_else(Problem::not_found)?;
    let mut faults = Vec::new();
    step.details = own_data::step_details(t, form, kind, act, &mut faults);
    if !faults.is_empty() {
        return step_form(&state, visit, &register, act, &view.view, form, faults);
    }
    match state.app.take_case_step(posted.cx(&state), name.clone(), id, step).await {
        Ok(_) => visit.done(&format!("/r/{name}/cases/{id}"), "case-stepped"),
        Err(error) => {
            let problem = Problem::from(error);
            let faults = if problem.kind == Kind::Stale {
                vec![Fault { id: String::new(), text: t.say("cases-fault-stale"), clause: None }]
            } else {
                let asked = [&["text", "outcome", "ground", "channel"][..], own_data::STEP_ASKED].concat();
                ask::faults(t, problem, &asked)?
            };
            let view = state.app.read_case(visit.cx(), name, id).await?.into_inner();
            step_form(&state, visit, &register, act, &view.view, form, faults)
        }
    }
}
