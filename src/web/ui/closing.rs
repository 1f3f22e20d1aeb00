//! The end of a register: the decision, what stands open, its approval by another person, carrying it out, the acts.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use super::access::moment;
use super::ask::{self, Asking, Choice, Field, FormPage, Row};
use super::frame::{Fault, Frame};
use super::imports::day_of;
use super::say::{Said, T};
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, html, html_as, page};
use crate::domain::closing::{Disposition, Document, OpenMatter, Receiver, StepDone, Terms};
use crate::domain::registers::Register;
use crate::domain::retention::Action;
use crate::store::read::closing::{ClosingView, DecisionView};
use crate::web::context::percent_encoded;
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/closing", show, "closing.read"),
    page!(Get "/r/{r}/closing/decision", ask_decide, "closing.read"),
    page!(Post "/r/{r}/closing/decision", decide, "register.close"),
    page!(Post "/r/{r}/closing/approval", approve, "retention.approve"),
    page!(Post "/r/{r}/closing/withdrawal", withdraw, "register.close"),
    page!(Post "/r/{r}/closing/execution", execute, "retention.execute"),
    page!(Get "/r/{r}/closing/acts/{id:[0-9a-f-]{36}}/{kind:transfer|destruction}", act, "retention.act.read"),
];

struct Line {
    label: Said,
    rule: Said,
    action: String,
    on: String,
    records: String,
}

struct ActShown {
    text: String,
    href: String,
}

#[derive(Template)]
#[template(path = "ui/closing/one.html")]
struct OnePage {
    f: Frame,
    faults: Vec<Fault>,
    state: (&'static str, String),
    clause: String,
    about: String,
    rows: Vec<Row>,
    open: Vec<(String, String)>,
    lines: Vec<Line>,
    acts: Vec<ActShown>,
    version: i64,
    may_decide: bool,
    may_approve: bool,
    own: bool,
    may_withdraw: bool,
    may_execute: bool,
}

fn plain(text: impl Into<String>) -> Said {
    Said { text: text.into(), lang: None }
}

fn type_label(t: T, register: &Register, name: &str) -> Said {
    register.record_type(name).map_or_else(|| plain(name), |k| t.label(&k.label))
}

fn day(t: T, text: &str) -> String {
    super::visit::day(text).map_or_else(|| text.to_owned(), |day| t.day(day))
}

/// How the register stands on its way to its end.
///
/// # Errors
/// As the act.
pub async fn show(state: State, visit: Visit) -> Shown {
    html(&one_page(&state, &visit, Vec::new()).await?)
}

async fn read(state: &State, visit: &Visit, register: &Register) -> Result<ClosingView, Problem> {
    Ok(state.app.read_closing(visit.cx(), register.name().to_owned()).await?.into_inner())
}

fn document(t: T, register: &Register, decision: &DecisionView) -> String {
    let said = |member: &str| decision.document[member].as_str().unwrap_or_default().to_owned();
    let kinds = register.definition.register.closing.iter().flat_map(|rule| &rule.documents);
    let kind = kinds.filter(|k| k.name == said("kind")).map(|k| t.label(&k.label).text).next();
    format!("{} {}, {}", kind.unwrap_or_else(|| said("kind")), said("number"), day(t, &said("date")))
}

fn rows(t: T, register: &Register, decision: &DecisionView) -> Vec<Row> {
    let who = |name: &str, at: &str| format!("{} · {name}", moment(t, register, at));
    let mut rows = vec![
        Row::new(t.say("closing-document"), document(t, register, decision)),
        Row::new(t.say("closing-from"), t.day(decision.closed_from)),
        Row::new(t.say("closing-decided"), who(&decision.proposed_by, &decision.proposed_at)),
    ];
    if let (Some(name), Some(at)) = (&decision.approved_by, &decision.approved_at) {
        rows.push(Row::new(t.say("closing-approved"), who(name, at)));
    }
    if let Some(at) = &decision.finished_at {
        rows.push(Row::new(t.say("closing-finished"), moment(t, register, at)));
    }
    if let Some(receiver) = &decision.receiver {
        rows.push(Row::new(t.say("closing-receiver"), receiver["name"].as_str().unwrap_or_default().to_owned()));
    }
    let steps = register.definition.register.closing.iter().flat_map(|rule| &rule.steps);
    for step in steps {
        let done = decision.steps.as_array().into_iter().flatten().find(|d| d["name"] == step.name.as_str());
        let told = done.and_then(|d| d["reference"].as_str().or(d["reason"].as_str())).unwrap_or_default();
        rows.push(Row::new(t.label(&step.label), told.to_owned()).clause(Some(&step.clause)));
    }
    for matter in decision.open.as_array().into_iter().flatten() {
        let kind = t.say(&format!("closing-open-{}", matter["kind"].as_str().unwrap_or_default()));
        let told = format!("{}: {}", matter["count"], matter["how"].as_str().unwrap_or_default());
        rows.push(Row::new(kind, told));
    }
    if let Some(key) = &decision.key {
        rows.push(Row::new(t.say("closing-key"), t.say(&format!("closing-key-{key}"))));
    }
    rows
}

async fn one_page(state: &State, visit: &Visit, faults: Vec<Fault>) -> Result<OnePage, Problem> {
    let (t, register) = (visit.t, visit.register(state)?);
    let view = read(state, visit, &register).await?;
    let frame = visit.frame(state, t.say("closing-title"));
    let decision = view.decision.as_ref();
    let kind = match view.state {
        "open" => "",
        "proposed" => "warn",
        "done" => "ok",
        _ => "err",
    };
    let rules = &register.definition.register.retention_rules;
    let rule = |name: &Option<String>| match name {
        None => plain(t.say("closing-rest")),
        Some(name) => rules.iter().find(|r| r.name == *name).map_or_else(|| plain(name), |r| t.label(&r.label)),
    };
    let lines = decision.into_iter().flat_map(|d| &d.dispositions).map(|d| Line {
        label: type_label(t, &register, &d.record_type),
        rule: rule(&d.rule),
        action: t.say(&format!("closing-action-{}", d.action)),
        on: t.day(d.on),
        records: t.count(d.records),
    });
    let acts = decision.into_iter().flat_map(|d| &d.batches).flat_map(|batch| {
        let id = batch.id;
        batch.acts.iter().map(move |(kind, number)| (id, kind.clone(), *number))
    });
    let mut acts: Vec<_> = acts.collect();
    acts.sort_by_key(|(_, _, number)| *number);
    let clause = register.definition.register.closing.as_ref().map(|rule| rule.clause.0.clone());
    let is = |state: &str| view.state == state;
    let own = decision.is_some_and(|d| d.proposed_by == visit.signed.facts.display_name);
    Ok(OnePage {
        state: (kind, t.say(&format!("closing-state-{}", view.state))),
        clause: decision.map(|d| d.clause.clone()).or(clause).unwrap_or_default(),
        about: t.say(&format!("closing-about-{}", view.state)),
        rows: decision.map(|d| rows(t, &register, d)).unwrap_or_default(),
        open: view.open_now.iter().map(|(kind, n)| (t.say(&format!("closing-open-{kind}")), t.count(*n))).collect(),
        lines: lines.collect(),
        acts: acts
            .into_iter()
            .map(|(batch, kind, number)| ActShown {
                text: t.say_with(&format!("closing-act-{kind}"), &[("number", number.to_string().as_str())]),
                href: frame.at(&format!("/closing/acts/{batch}/{kind}")),
            })
            .collect(),
        version: decision.map_or(0, |d| d.version),
        may_decide: is("open") && visit.may("register.close"),
        may_approve: is("proposed") && visit.may("retention.approve") && !own,
        own: is("proposed") && own,
        may_withdraw: is("proposed") && visit.may("register.close"),
        may_execute: is("closed") && visit.may("retention.execute"),
        f: if faults.is_empty() { frame } else { frame.faulty() },
        faults,
    })
}

/// The form in which it is decided.
///
/// # Errors
/// As the act.
pub async fn ask_decide(state: State, visit: Visit) -> Shown {
    decision_form(&state, &visit, &Form::default(), Vec::new()).await
}

fn actions(t: T) -> Vec<Choice> {
    let one = |value: &str| Choice::new(value, plain(t.say(&format!("closing-action-{value}"))));
    vec![one("transfer"), one("destruction")]
}

async fn decision_form(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    let (t, register) = (visit.t, visit.register(state)?);
    let view = read(state, visit, &register).await?;
    let asking = Asking { t, form, faults: &faults };
    let rule = register.definition.register.closing.as_ref();
    let kinds: Vec<Choice> = rule
        .into_iter()
        .flat_map(|r| &r.documents)
        .map(|k| Choice::new(&k.name, t.label(&k.label)).clause(&k.clause))
        .collect();
    let kind = match kinds.len() {
        0 => asking.line("document_kind", asking.said("closing-document-kind")),
        _ => asking.select("document_kind", asking.said("closing-document-kind"), kinds),
    };
    let mut fields: Vec<Field> = vec![
        kind,
        asking.short("document_number", asking.said("closing-document-number")),
        asking.short("document_date", asking.said("closing-document-date")),
        asking.short("closed_from", asking.said("closing-from")).hint(t.say("closing-from-about")),
    ];
    for kind in &register.definition.record_types {
        let label = t.label(&kind.label);
        let mut what = asking.radios(&format!("what_{}", kind.name), label.clone(), actions(t));
        what.hint = t.say_with(
            "closing-records",
            &[("n", view.records.get(&kind.name).copied().unwrap_or(0).to_string().as_str())],
        );
        let named = t.say_with("closing-on-of", &[("kind", label.text.as_str())]);
        fields.extend([what, asking.short(&format!("on_{}", kind.name), plain(named))]);
    }
    for step in rule.into_iter().flat_map(|r| &r.steps) {
        let id = format!("step_{}", step.name);
        let why = t.say_with("closing-step-reason", &[("step", t.label(&step.label).text.as_str())]);
        fields
            .push(asking.line(&id, t.label(&step.label)).clause(Some(&step.clause)).hint(t.say("closing-step-about")));
        fields.push(asking.line(&format!("{id}_reason"), plain(why)));
    }
    for (kind, n) in &view.open_now {
        let label = format!("{}: {n}", t.say(&format!("closing-open-{kind}")));
        fields.push(asking.area(&format!("how_{kind}"), plain(label)).hint(t.say("closing-open-about")));
    }
    fields.push(asking.line("receiver", asking.said("closing-receiver")).hint(t.say("closing-receiver-about")));
    let hidden = view.open_now.iter().map(|(kind, n)| (format!("open_{kind}"), n.to_string()));
    let frame = visit.frame(state, t.say("closing-decide"));
    FormPage {
        intro: t.say("closing-decide-about"),
        clause: rule.map(|r| r.clause.0.clone()),
        rows: Vec::new(),
        faults,
        fields,
        hidden: hidden.collect(),
        action: frame.at("/closing/decision"),
        button: t.say("closing-decide-now"),
        checks: false,
        files: false,
        back: frame.at("/closing"),
        f: frame.crumb(t.say("closing-title"), &format!("/r/{}/closing", register.name())),
    }
    .shown()
}

/// Decides.
///
/// # Errors
/// As the act; faults of the form are shown with it.
pub async fn decide(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let (t, register) = (visit.t, visit.register(&state)?);
    let mut faults = Vec::new();
    let text = |name: &str| form.text(name).unwrap_or_default().to_owned();
    let required = |faults: &mut Vec<Fault>, id: &str| {
        faults.push(Fault { id: id.to_owned(), text: t.say("frame-fault-required"), clause: None });
    };
    let date = day_of(t, form, "document_date", &mut faults);
    let from = day_of(t, form, "closed_from", &mut faults);
    let kind = text("document_kind");
    if kind.is_empty() {
        required(&mut faults, "document_kind");
    }
    if text("document_number").is_empty() {
        required(&mut faults, "document_number");
    }
    let mut dispositions = Vec::new();
    for kind in &register.definition.record_types {
        let (what, on) = (format!("what_{}", kind.name), format!("on_{}", kind.name));
        let action = match form.text(&what) {
            Some("transfer") => Action::Archive,
            Some("destruction") => Action::Destroy,
            _ => {
                required(&mut faults, &what);
                continue;
            }
        };
        // Without a day of its own it goes on the day of closing.
        let day = if form.has(&on) && form.text(&on).is_some() { day_of(t, form, &on, &mut faults) } else { from };
        if let Some(on) = day {
            dispositions.push(Disposition { record_type: kind.name.clone(), rule: None, action, on });
        }
    }
    let rule = register.definition.register.closing.as_ref();
    let steps = rule.into_iter().flat_map(|r| &r.steps).map(|step| {
        let id = format!("step_{}", step.name);
        let (reference, reason) = (form.text(&id), form.text(&format!("{id}_reason")));
        if reference.or(reason).is_none() {
            required(&mut faults, &id);
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        StepDone { name: step.name.clone(), reference: owned(reference), reason: owned(reason) }
    });
    let steps: Vec<StepDone> = steps.collect();
    let mut open = Vec::new();
    for (name, count) in &form.pairs {
        let Some((kind, count)) = name.strip_prefix("open_").zip(count.parse().ok()) else { continue };
        let how = text(&format!("how_{kind}"));
        if how.is_empty() {
            required(&mut faults, &format!("how_{kind}"));
        }
        open.push(OpenMatter { kind: kind.to_owned(), count, how });
    }
    let (Some(date), Some(closed_from), true) = (date, from, faults.is_empty()) else {
        return decision_form(&state, visit, form, faults).await;
    };
    let terms = Terms {
        document: Document { kind, number: text("document_number"), date },
        closed_from,
        dispositions,
        open,
        steps,
        receiver: form.text("receiver").map(|name| Receiver { name: name.to_owned(), code: None }),
    };
    let name = register.name().to_owned();
    match state.app.decide_closing(posted.cx(&state), name.clone(), terms).await {
        Ok(_) => visit.done(&format!("/r/{name}/closing"), "closing-decided"),
        Err(error) => {
            let known = ["document_kind", "document_number", "document_date", "closed_from"];
            let faults = ask::faults(t, error.into(), &known)?;
            decision_form(&state, visit, form, faults).await
        }
    }
}

/// What came of an act: the page again, with what was done or what stands in the way.
async fn then(state: &State, visit: &Visit, done: Result<(), crate::app::Error>, what: &str) -> Shown {
    match done {
        Ok(()) => visit.done(&format!("/r/{}/closing", visit.word("r")), what),
        Err(error) => {
            let problem = Problem::from(error);
            let status = match problem.kind {
                Kind::Conflict => StatusCode::CONFLICT,
                Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                _ => return Err(problem),
            };
            let faults = ask::faults(visit.t, problem, &["reason"])?;
            html_as(status, &one_page(state, visit, faults).await?)
        }
    }
}

/// Approves exactly the decision that was looked at.
///
/// # Errors
/// As the act.
pub async fn approve(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let seen = posted.form.text("version").and_then(|v| v.parse().ok());
    let done = state.app.approve_closing(posted.cx(&state), visit.word("r").to_owned(), seen).await;
    then(&state, visit, done.map(|_| ()), "closing-approved").await
}

/// Gives the decision up.
///
/// # Errors
/// As the act.
pub async fn withdraw(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let reason = posted.form.text("reason").unwrap_or_default().to_owned();
    let done = state.app.withdraw_closing(posted.cx(&state), visit.word("r").to_owned(), reason).await;
    then(&state, visit, done.map(|_| ()), "closing-withdrawn").await
}

/// Carries out what may be carried out today.
///
/// # Errors
/// As the act.
pub async fn execute(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let done = state.app.execute_closing(posted.cx(&state), visit.word("r").to_owned()).await;
    then(&state, visit, done.map(|_| ()), "closing-executed").await
}

/// An act as PDF.
///
/// # Errors
/// As the act.
pub async fn act(state: State, visit: Visit) -> Shown {
    let (name, id, kind) = (visit.word("r").to_owned(), visit.id("id")?, visit.word("kind").to_owned());
    let act = state.app.read_act(visit.cx(), name, id, Some(kind), true).await?;
    let file = percent_encoded(&format!("{}-{}.pdf", act.kind, act.number));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/pdf"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(act.bytes))
}
