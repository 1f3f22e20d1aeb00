//! What is made public: proposing it, looking at what would change, approving it by somebody else, withdrawing it.

use askama::Template;
use serde_json::Value;
use uuid::Uuid;

use super::access::{Facet, moment, query_of};
use super::ask::{self, Asking, FormPage, Row};
use super::frame::{Fault, Frame};
use super::say::{Said, T};
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, html, html_as, page};
use crate::domain::publication::Difference;
use crate::domain::registers::Register;
use crate::domain::statute::path::FieldPath;
use crate::store::read::publications::{PublicationDetail, PublicationView};
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/publications", list, "publication.list"),
    page!(Post "/r/{r}/publications", propose, "publication.propose"),
    page!(Get "/r/{r}/publications/{id:[0-9a-f-]{36}}", read, "publication.read"),
    page!(Post "/r/{r}/publications/{id:[0-9a-f-]{36}}/approval", approve, "publication.approve"),
    page!(Get "/r/{r}/publications/{id:[0-9a-f-]{36}}/withdrawal", ask_withdraw, "publication.read"),
    page!(Post "/r/{r}/publications/{id:[0-9a-f-]{36}}/withdrawal", withdraw, "publication.withdraw"),
];

/// Lines on a page.
const ROWS: i64 = 50;

struct Source {
    name: String,
    label: Said,
    clause: String,
    fields: Vec<Said>,
}

struct Line {
    id: Uuid,
    label: Said,
    state: (&'static str, String),
    as_of: String,
    counts: String,
    proposed: String,
    decided: String,
}

#[derive(Template)]
#[template(path = "ui/publications/list.html")]
struct ListPage {
    f: Frame,
    faults: Vec<Fault>,
    sources: Vec<Source>,
    lines: Vec<Line>,
    next: Option<String>,
    may_propose: bool,
}

pub(super) fn type_label(t: T, register: &Register, name: &str) -> Said {
    register.record_type(name).map_or_else(|| Said { text: name.to_owned(), lang: None }, |k| t.label(&k.label))
}

pub(super) fn field_label(t: T, register: &Register, record_type: &str, path: &str) -> Said {
    let kind = register.record_type(record_type);
    let fields = kind.map(|k| k.fields.as_slice()).unwrap_or_default();
    let along = FieldPath::parse(path).ok();
    let labels: Vec<Said> =
        along.iter().flat_map(|p| p.along(fields).flatten().collect::<Vec<_>>()).map(|f| t.label(&f.label)).collect();
    let lang = labels.last().and_then(|l| l.lang);
    let text = labels.into_iter().map(|l| l.text).collect::<Vec<_>>().join(" / ");
    Said { text: if text.is_empty() { path.to_owned() } else { text }, lang }
}

fn state_of(t: T, view: &PublicationView) -> (&'static str, String) {
    let kind = match view.state.as_str() {
        "proposed" => "warn",
        "public" => "ok",
        _ => "",
    };
    (kind, t.say(&format!("publications-state-{}", view.state)))
}

fn number(n: usize) -> String {
    n.to_string()
}

fn counts(t: T, view: &PublicationView) -> String {
    let c = view.counts;
    let args = [
        ("rows", number(c.rows)),
        ("added", number(c.added)),
        ("changed", number(c.changed)),
        ("gone", number(c.gone)),
    ];
    t.say_with("publications-counts", &args.each_ref().map(|(n, v)| (*n, v.as_str())))
}

/// What was and is public, and what is proposed.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    html(&list_page(&state, &visit, Vec::new()).await?)
}

async fn list_page(state: &State, visit: &Visit, faults: Vec<Fault>) -> Result<ListPage, Problem> {
    let (t, register) = (visit.t, visit.register(state)?);
    let cursor = visit.q_id("cursor")?;
    let act = state.app.list_publications(visit.cx(), register.name().to_owned(), None, cursor, ROWS);
    let page = act.await?.into_inner();
    let frame = visit.frame(state, t.say("publications-title"));
    let sources = register.definition.register.publications.iter().map(|p| Source {
        name: p.record_type.clone(),
        label: type_label(t, &register, &p.record_type),
        clause: p.clause.0.clone(),
        fields: p.fields.iter().map(|path| field_label(t, &register, &p.record_type, path)).collect(),
    });
    let who = |name: &str, at: &str| format!("{} · {name}", moment(t, &register, at));
    Ok(ListPage {
        sources: sources.collect(),
        lines: page
            .items
            .iter()
            .map(|p| Line {
                id: p.id,
                label: type_label(t, &register, &p.record_type),
                state: state_of(t, p),
                as_of: super::visit::day(&p.as_of).map_or_else(|| p.as_of.clone(), |day| t.day(day)),
                counts: counts(t, p),
                proposed: who(&p.proposed_by, &p.proposed_at),
                decided: p
                    .public_from
                    .as_ref()
                    .map_or_else(String::new, |at| who(p.decided_by.as_deref().unwrap_or_default(), at)),
            })
            .collect(),
        next: page.next_cursor.map(|c| frame.at(&format!("/publications?cursor={c}"))),
        may_propose: visit.may("publication.propose"),
        f: if faults.is_empty() { frame } else { frame.faulty() },
        faults,
    })
}

/// Proposes to make public what the statute names.
///
/// # Errors
/// As the act.
pub async fn propose(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let name = visit.word("r").to_owned();
    let kind = posted.form.text("record_type").unwrap_or_default().to_owned();
    match state.app.propose_publication(posted.cx(&state), name.clone(), kind).await {
        Ok(view) => visit.done(&format!("/r/{name}/publications/{}", view.get().id), "publication-proposed"),
        Err(error) => {
            let faults = ask::faults(visit.t, error.into(), &[])?;
            html_as(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &list_page(&state, visit, faults).await?)
        }
    }
}

struct Compared {
    kind: &'static str,
    word: String,
    cells: Vec<Cell>,
    href: String,
}

struct Cell {
    before: Option<String>,
    now: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/publications/one.html")]
struct OnePage {
    f: Frame,
    faults: Vec<Fault>,
    state: (&'static str, String),
    clause: String,
    rows: Vec<Row>,
    differences: Vec<Facet>,
    columns: Vec<Said>,
    lines: Vec<Compared>,
    next: Option<String>,
    digest: String,
    action: String,
    may_approve: bool,
    own: bool,
    may_withdraw: bool,
}

/// A publication, with how it differs from what was public before.
///
/// # Errors
/// As the act.
pub async fn read(state: State, visit: Visit) -> Shown {
    html(&one_page(&state, &visit, Vec::new()).await?)
}

async fn one_page(state: &State, visit: &Visit, faults: Vec<Fault>) -> Result<OnePage, Problem> {
    let (t, register) = (visit.t, visit.register(state)?);
    let id = visit.id("id")?;
    let chosen = visit.q("difference").and_then(Difference::parse);
    let cursor = visit.q("cursor").map(str::to_owned);
    let act = state.app.read_publication(visit.cx(), register.name().to_owned(), id, chosen, cursor, ROWS);
    let PublicationDetail { publication: view, rows } = act.await?.into_inner();
    let frame = visit.frame(state, t.say("publications-one"));
    let path = format!("/publications/{id}");
    let to = |difference: &str, cursor: &str| {
        frame.at(&format!("{path}{}", query_of(&[("difference", difference), ("cursor", cursor)])))
    };
    let say = |key: &str| Said { text: t.say(key), lang: None };
    let all = Facet { text: say("publications-all"), href: to("", ""), current: chosen.is_none() };
    let differences = Difference::ALL.into_iter().map(|d| Facet {
        text: say(&format!("publications-difference-{}", d.as_str())),
        href: to(d.as_str(), ""),
        current: chosen == Some(d),
    });
    let value = |row: &Option<Value>, path: &str| {
        let row = row.as_ref()?;
        let mut found = Vec::new();
        reached(row, path, &mut found);
        let told = found.into_iter().map(|v| words(t, &register, &view.record_type, path, v));
        Some(told.collect::<Vec<_>>().join("; "))
    };
    let lines = rows.items.iter().map(|row| Compared {
        kind: match row.difference {
            Difference::Added => "ok",
            Difference::Changed => "warn",
            Difference::Same => "",
            Difference::Gone => "err",
        },
        word: t.say(&format!("publications-difference-{}", row.difference.as_str())),
        cells: view
            .fields
            .iter()
            .map(|path| {
                let (before, now) = (value(&row.before, path), value(&row.shown, path));
                let same = before == now;
                Cell { before: before.filter(|b| !same && !b.is_empty()), now }
            })
            .collect(),
        href: frame.at(&format!("/records/{}/{}", view.record_type, row.record_id)),
    });
    let who = |name: &Option<String>, at: &Option<String>| -> Option<String> {
        let at = at.as_ref()?;
        Some(format!("{} · {}", moment(t, &register, at), name.clone().unwrap_or_default()))
    };
    let mut known = vec![
        Row::new(t.say("publications-of"), type_label(t, &register, &view.record_type)),
        Row::new(
            t.say("publications-as-of"),
            super::visit::day(&view.as_of).map_or_else(|| view.as_of.clone(), |day| t.day(day)),
        ),
        Row::new(t.say("publications-content"), counts(t, &view)),
        Row::new(
            t.say("publications-proposed"),
            format!("{} · {}", moment(t, &register, &view.proposed_at), view.proposed_by),
        ),
    ];
    let more = [
        ("publications-public-from", who(&view.decided_by, &view.public_from)),
        ("publications-public-until", view.public_until.as_ref().map(|at| moment(t, &register, at))),
        ("publications-withdrawn-by", view.withdrawn_by.clone()),
        ("publications-reason", view.withdrawn_for.clone()),
        ("publications-digest", Some(view.digest.clone())),
    ];
    known.extend(more.into_iter().filter_map(|(key, value)| Some(Row::new(t.say(key), value?))));
    let open = ["proposed", "public"].contains(&view.state.as_str());
    let approves = visit.may("publication.approve");
    let own = view.proposed_by == visit.signed.facts.username;
    Ok(OnePage {
        state: state_of(t, &view),
        clause: view.clause.0.clone(),
        rows: known,
        differences: std::iter::once(all).chain(differences).collect(),
        columns: view.fields.iter().map(|path| field_label(t, &register, &view.record_type, path)).collect(),
        lines: lines.collect(),
        next: rows.next_cursor.as_deref().map(|c| to(chosen.map_or("", |d| d.as_str()), c)),
        may_approve: approves && view.state == "proposed" && !own,
        own: own && view.state == "proposed",
        may_withdraw: approves && open,
        digest: view.digest.clone(),
        action: frame.at(&path),
        f: {
            let frame = frame.crumb(t.say("publications-title"), &format!("/r/{}/publications", register.name()));
            if faults.is_empty() { frame } else { frame.faulty() }
        },
        faults,
    })
}

/// A value of a public row in words: codes by their labels, several one after the other.
fn words(t: T, register: &Register, record_type: &str, path: &str, value: &Value) -> String {
    let fields = register.record_type(record_type).map(|k| k.fields.as_slice()).unwrap_or_default();
    let list = FieldPath::parse(path)
        .ok()
        .and_then(|p| p.resolve(fields).and_then(|f| f.codelist.clone()))
        .and_then(|name| register.definition.codelists.iter().find(|l| l.name == name));
    match value {
        Value::String(text) => {
            let code = list.and_then(|l| l.codes.iter().find(|c| c.code == *text));
            code.map_or_else(|| text.clone(), |c| t.label(&c.label).text)
        }
        Value::Array(items) => {
            let parts = items.iter().map(|v| words(t, register, record_type, path, v));
            parts.filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ")
        }
        Value::Object(map) => {
            let parts = map.values().map(|v| words(t, register, record_type, path, v));
            parts.filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ")
        }
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Makes a proposal public: exactly what was looked at, by somebody other than who proposed it.
///
/// # Errors
/// As the act.
pub async fn approve(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (name, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let seen = posted.form.text("digest").map(str::to_owned);
    match state.app.approve_publication(posted.cx(&state), name.clone(), id, seen).await {
        Ok(_) => visit.done(&format!("/r/{name}/publications/{id}"), "publication-approved"),
        Err(error) => {
            let problem = Problem::from(error);
            if problem.kind != Kind::Conflict {
                return Err(problem);
            }
            let faults = ask::faults(visit.t, problem, &[])?;
            html_as(actix_web::http::StatusCode::CONFLICT, &one_page(&state, visit, faults).await?)
        }
    }
}

/// The page that withdraws what is public or proposed.
///
/// # Errors
/// As the act.
pub async fn ask_withdraw(state: State, visit: Visit) -> Shown {
    withdrawal(&state, &visit, &Form::default(), Vec::new()).await
}

async fn withdrawal(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    let (t, register) = (visit.t, visit.register(state)?);
    let id = visit.id("id")?;
    let act = state.app.read_publication(visit.cx(), register.name().to_owned(), id, None, None, 1);
    let view = act.await?.into_inner().publication;
    let asking = Asking { t, form, faults: &faults };
    let fields = vec![asking.area("reason", asking.said("publications-why"))];
    let frame = visit.frame(state, t.say("publications-withdraw"));
    let base = format!("/r/{}/publications", register.name());
    FormPage {
        intro: t.say("publications-withdraw-about"),
        clause: Some(view.clause.0.clone()),
        rows: vec![
            Row::new(t.say("publications-of"), type_label(t, &register, &view.record_type)),
            Row::new(t.say("publications-state"), state_of(t, &view).1),
            Row::new(t.say("publications-content"), counts(t, &view)),
        ],
        faults,
        fields,
        hidden: Vec::new(),
        action: frame.at(&format!("/publications/{id}/withdrawal")),
        button: t.say("publications-withdraw-now"),
        checks: false,
        files: false,
        back: frame.at(&format!("/publications/{id}")),
        f: frame.crumb(t.say("publications-title"), &base),
    }
    .shown()
}

/// Withdraws what is public or proposed.
///
/// # Errors
/// As the act.
pub async fn withdraw(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (name, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let reason = posted.form.text("reason").unwrap_or_default().to_owned();
    match state.app.withdraw_publication(posted.cx(&state), name.clone(), id, reason).await {
        Ok(_) => visit.done(&format!("/r/{name}/publications/{id}"), "publication-withdrawn"),
        Err(error) => {
            let faults = ask::faults(visit.t, error.into(), &["reason"])?;
            withdrawal(&state, visit, &posted.form, faults).await
        }
    }
}

/// What a row has at a path of names; in lists, of each item.
fn reached<'v>(here: &'v Value, path: &str, found: &mut Vec<&'v Value>) {
    match here {
        Value::Array(items) if !path.is_empty() => items.iter().for_each(|item| reached(item, path, found)),
        _ if path.is_empty() => found.push(here),
        _ => {
            let (name, rest) = path.split_once('/').unwrap_or((path, ""));
            if let Some(within) = here.get(name) {
                reached(within, rest, found);
            }
        }
    }
}
