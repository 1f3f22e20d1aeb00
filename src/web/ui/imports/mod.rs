//! Sheets that come in: the list of imports, a new one, what one did, taking it back. Between upload and import a sheet
//! is [`pending`].

mod pending;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::frame::{Fault, Frame};
use super::say::{Said, T};
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, html, html_as, is_about_the_form, page};
use crate::app::documents::Incoming;
use crate::app::files_of::{Made, Shape};
use crate::app::uploads::{ImportPlan, UploadLine};
use crate::domain::registers::Register;
use crate::domain::statute::{Clause, RecordType};
use crate::store::acts::documents::DocumentData;
use crate::store::acts::imports::UNDO;
use crate::store::read::imports::ImportView;
use crate::store::read::lists::ListQuery;
use crate::web::context::percent_encoded;
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/imports", list, "import.list"),
    page!(Post "/r/{r}/imports", bring, "document.add, where one is named; the sheet is kept as a draft is"),
    page!(Get "/r/{r}/imports/templates/{type}", template, "none: a definition is a statute"),
    page!(Get "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}", pending::trial, "record.list: a dry run"),
    page!(Post "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}", pending::mend, "record.list: a dry run"),
    page!(Get "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/columns", pending::columns, "none: the visitor's own sheet"),
    page!(Post "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/columns", pending::assign, "none: the visitor's own sheet"),
    page!(Get "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/faults", pending::faults, "record.list: as the dry run"),
    page!(Post "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/file", pending::replace, "none: the visitor's own sheet"),
    page!(Post "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/save", pending::save, "record.import"),
    page!(Post "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/drop", pending::discard, "none: the visitor's own sheet"),
    page!(Get "/r/{r}/imports/{id:[0-9a-f-]{36}}", show, "import.read"),
    page!(Post "/r/{r}/imports/{id:[0-9a-f-]{36}}/cancel", cancel, "import.cancel"),
    page!(Get "/r/{r}/imports/{id:[0-9a-f-]{36}}/undo", ask_undo, "import.read"),
    page!(Post "/r/{r}/imports/{id:[0-9a-f-]{36}}/undo", undo, "record.correct"),
];

/// Imports on a page.
const PAGE: i64 = 25;
/// Rows of an import on a page.
const ROWS: i64 = 100;
/// Institutions that can be chosen from.
const MOST_INSTITUTIONS: i64 = 500;
/// Seconds after which a page that shows how far something is looks again.
const AGAIN: &str = "2";

/// Something to choose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub text: Said,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A text about a fault: in the visitor's language where there is one, else as the act says it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The text.
    pub text: Said,
    /// The clause.
    pub clause: Option<Clause>,
}

impl Told {
    /// What a fault of `code` is called under `place` (`imports-fault-…`), else on every page, else what the act says.
    pub fn of(t: T, texts: &[&str], code: &str, detail: &str, clause: Option<&Clause>) -> Self {
        let keys = texts.iter().map(|begin| format!("{begin}{code}"));
        let everywhere = format!("frame-fault-{}", code.replace('_', "-"));
        let known = keys.chain([everywhere]).find_map(|key| t.say_if(&key));
        let text = known.map_or_else(
            || Said { text: detail.to_owned(), lang: (t.code() != "en").then_some("en") },
            |text| Said { text, lang: None },
        );
        Self { text, clause: clause.cloned() }
    }
}

/// A step on the way of a sheet.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its number, or a tick.
    pub mark: String,
    /// What it is.
    pub text: String,
    /// `done`, `cur` or nothing.
    pub class: &'static str,
}

/// The way of a sheet, of which `at` is the step where one is.
fn steps(t: T, at: usize) -> Vec<Step> {
    ["imports-step-file", "imports-step-columns", "imports-step-trial", "imports-step-save", "imports-step-report"]
        .iter()
        .enumerate()
        .map(|(n, key)| Step {
            mark: if n < at { "✓".to_owned() } else { (n + 1).to_string() },
            text: t.say(key),
            class: match n.cmp(&at) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "cur",
                std::cmp::Ordering::Greater => "",
            },
        })
        .collect()
}

/// An import in a list.
struct Line {
    href: String,
    kind: Said,
    institution: String,
    state: (&'static str, String),
    counts: String,
    by: String,
    at: String,
    undo_until: String,
}

/// A sheet that waits.
struct Waiting {
    href: String,
    name: String,
    kind: Said,
    institution: String,
    until: String,
}

#[derive(Template)]
#[template(path = "ui/imports/list.html")]
struct ListPage {
    f: Frame,
    faults: Vec<Fault>,
    types: Vec<Choice>,
    institutions: Vec<Choice>,
    effective_on: String,
    document_kinds: Vec<Choice>,
    explained: String,
    document_number: String,
    document_date: String,
    document_explanation: String,
    templates: Vec<(Said, String)>,
    waiting: Vec<Waiting>,
    imports: Vec<Line>,
    next: Option<String>,
}

/// The institutions that the visitor may choose from, by name.
///
/// # Errors
/// As [`crate::app::App::list_records`].
pub async fn institutions(state: &State, visit: &Visit, register: &Register) -> Result<Vec<(Uuid, String)>, Problem> {
    let facts = &visit.signed.facts;
    let held: Vec<_> = match &facts.acting {
        Some(one) if one.register == register.name() => vec![one],
        _ => facts.grants.iter().filter(|g| g.register == register.name()).collect(),
    };
    let named = |(id, name): (Uuid, Option<String>)| (id, name.unwrap_or_else(|| id.to_string()));
    let mut found: Vec<(Uuid, String)> =
        held.iter().filter_map(|g| Some(named((g.institution_id?, g.institution.clone())))).collect();
    if held.iter().any(|g| g.institution_id.is_none()) {
        let kind = &register.definition.register.institutions.record_type;
        let query = ListQuery { limit: MOST_INSTITUTIONS, ..ListQuery::default() };
        match state.app.list_records(visit.cx(), register.name().to_owned(), kind.clone(), query).await {
            Ok(page) => {
                let title = |data| register.record_type(kind).and_then(|kind| kind.title_of(data));
                found.extend(page.get().items.iter().map(|view| named((view.id, title(&view.data)))));
            }
            Err(error) => {
                let problem = Problem::from(error);
                if problem.kind != Kind::Forbidden {
                    return Err(problem);
                }
            }
        }
    }
    found.sort_by_key(|(id, name)| (name.to_lowercase(), *id));
    found.dedup_by_key(|(id, _)| *id);
    Ok(found)
}

/// The record types of which the visitor may import sheets: what they may see and enter or change.
fn importable<'r>(visit: &Visit, register: &'r Register) -> Vec<&'r RecordType> {
    let facts = &visit.signed.facts;
    let may = |kind: &&RecordType| {
        facts.lists.contains(&kind.name)
            && !register.is_institution_type(&kind.name)
            && (facts.enters.contains(&kind.name) || visit.may("record.change"))
    };
    register.definition.record_types.iter().filter(may).collect()
}

fn at(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

/// The instant in the time of the register, for people.
fn when(t: T, register: &Register, text: &str) -> String {
    at(text).map(|at| t.instant(at, register.definition.register.time_zone)).unwrap_or_default()
}

/// Until when an import can be taken back; nothing where that time is over.
fn undo_until(state: &State, t: T, register: &Register, import: &ImportView) -> Option<String> {
    let until = at(&import.made_at)? + UNDO;
    let open = import.state == "done" && until > state.app.store.now();
    open.then(|| t.instant(until, register.definition.register.time_zone))
}

/// The state of an import: kind of its tag, and its text.
fn state_of(t: T, state: &str) -> (&'static str, String) {
    let kind = match state {
        "done" => "ok",
        "running" => "info",
        "refused" | "failed" => "err sq",
        "undone" | "cancelled" => "warn",
        _ => "",
    };
    (kind, t.say_if(&format!("imports-state-{state}")).unwrap_or_else(|| state.to_owned()))
}

fn count(summary: &serde_json::Value, name: &str) -> i64 {
    summary.get(name).and_then(serde_json::Value::as_i64).unwrap_or(0)
}

fn counts(t: T, import: &ImportView) -> String {
    let number = |name: &str| t.count(count(&import.summary, name));
    if import.summary.get("rows").is_some() {
        return t.say_with("imports-counts", &[("new", &number("new")), ("changed", &number("changed"))]);
    }
    match (import.done, import.of) {
        (Some(done), Some(of)) => format!("{done} / {of}"),
        _ => String::new(),
    }
}

fn label_of(t: T, register: &Register, record_type: &str) -> Said {
    register
        .record_type(record_type)
        .map_or_else(|| Said { text: record_type.to_owned(), lang: None }, |kind| t.label(&kind.label))
}

/// The list of imports, with the form of a new one.
///
/// # Errors
/// As the acts.
pub async fn list(state: State, visit: Visit) -> Shown {
    html(&list_page(&state, &visit, &Form::default(), Vec::new()).await?)
}

async fn list_page(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Result<ListPage, Problem> {
    let register = visit.register(state)?;
    let (t, name) = (visit.t, register.name());
    let base = format!("/r/{name}/imports");
    let page = state.app.list_imports(visit.cx(), name.to_owned(), None, visit.q("after"), PAGE).await;
    let page = page.map_err(|e| Problem::from(e).of_query())?.into_inner();
    let waiting = state.app.uploads(visit.cx(), name.to_owned()).await?;
    let known = institutions(state, visit, &register).await?;
    let called = |id: Uuid| known.iter().find(|(i, _)| *i == id).map(|(_, n)| n.clone()).unwrap_or_default();
    let types = importable(visit, &register);
    let kinds: Vec<_> = {
        let taken = |name: &String| types.iter().any(|k| k.base_documents.contains(name));
        register.definition.document_kinds.iter().filter(|k| taken(&k.name)).collect()
    };
    let explained: Vec<&str> = kinds.iter().filter(|k| k.needs_explanation).map(|k| k.name.as_str()).collect();
    let today = register.day(state.app.store.now());
    // As the last time, unless something else was chosen.
    let last = page.items.first();
    let last = |field: &str| match field {
        "record_type" => visit.q("type").map(str::to_owned).or_else(|| last.map(|i| i.record_type.clone())),
        "institution_id" => last.map(|i| i.institution_id.to_string()),
        _ => None,
    };
    let chosen = |field: &str, value: &str| {
        form.text(field).map(str::to_owned).or_else(|| last(field)).as_deref() == Some(value)
    };
    let frame = visit.frame(state, t.say("imports-title"));
    Ok(ListPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        types: types
            .iter()
            .map(|k| Choice { value: k.name.clone(), text: t.label(&k.label), chosen: chosen("record_type", &k.name) })
            .collect(),
        institutions: known
            .iter()
            .map(|(id, text)| Choice {
                value: id.to_string(),
                text: Said { text: text.clone(), lang: None },
                chosen: chosen("institution_id", &id.to_string()),
            })
            .collect(),
        effective_on: form.raw("effective_on").map_or_else(|| t.day(today), str::to_owned),
        explained: serde_json::json!({ "name": "document_kind", "is": explained }).to_string(),
        document_kinds: kinds
            .iter()
            .map(|k| Choice {
                value: k.name.clone(),
                text: t.label(&k.label),
                chosen: chosen("document_kind", &k.name),
            })
            .collect(),
        document_number: form.value("document_number").to_owned(),
        document_date: form.value("document_date").to_owned(),
        document_explanation: form.value("document_explanation").to_owned(),
        templates: types
            .iter()
            .map(|k| (t.label(&k.label), visit.href(&format!("{base}/templates/{}", percent_encoded(&k.name)))))
            .collect(),
        waiting: waiting.iter().filter_map(|line| waits(visit, &register, &base, line)).collect(),
        imports: page
            .items
            .iter()
            .map(|import| Line {
                href: visit.href(&format!("{base}/{}", import.id)),
                kind: label_of(t, &register, &import.record_type),
                institution: called(import.institution_id),
                state: state_of(t, &import.state),
                counts: counts(t, import),
                by: import.made_by.clone(),
                at: when(t, &register, &import.made_at),
                undo_until: undo_until(state, t, &register, import).unwrap_or_default(),
            })
            .collect(),
        next: page.next_cursor.map(|cursor| visit.href(&format!("{base}?after={}", percent_encoded(&cursor)))),
        faults,
    })
}

fn waits(visit: &Visit, register: &Register, base: &str, line: &UploadLine) -> Option<Waiting> {
    let plan = ImportPlan::of(line).ok()?;
    Some(Waiting {
        href: visit.href(&format!("{base}/pending/{}", line.id)),
        name: line.name.clone(),
        kind: label_of(visit.t, register, &plan.record_type),
        institution: plan.institution,
        until: visit.t.instant(line.expires_at, register.definition.register.time_zone),
    })
}

fn missing(t: T, id: &str, key: &str) -> Fault {
    Fault { id: id.to_owned(), text: t.say(key), clause: None }
}

/// A day of a form; a fault where there is none or it cannot be read.
pub fn day_of(t: T, form: &Form, id: &str, faults: &mut Vec<Fault>) -> Option<NaiveDate> {
    match form.day(id) {
        Ok(Some(day)) => Some(day),
        Ok(None) => {
            faults.push(missing(t, id, "frame-fault-required"));
            None
        }
        Err(_) => {
            faults.push(missing(t, id, "frame-fault-date"));
            None
        }
    }
}

/// The base document that a form names, where one of `kinds` is needed; faults where it cannot be one.
pub fn document_of(
    t: T,
    register: &Register,
    kinds: &[String],
    institution_id: Option<Uuid>,
    form: &Form,
    faults: &mut Vec<Fault>,
) -> Option<DocumentData> {
    if kinds.is_empty() {
        return None;
    }
    let all = &register.definition.document_kinds;
    let kind = form.text("document_kind").and_then(|name| all.iter().find(|k| k.name == name));
    let Some(kind) = kind else {
        faults.push(missing(t, "document_kind", "imports-missing-document"));
        return None;
    };
    if !kinds.contains(&kind.name) {
        let text = t.say("imports-fault-document_kind");
        faults.push(Fault { id: "document_kind".to_owned(), text, clause: Some(kind.clause.clone()) });
    }
    if form.text("document_number").is_none() {
        faults.push(missing(t, "document_number", "frame-fault-required"));
    }
    let date = day_of(t, form, "document_date", faults);
    if kind.needs_explanation && form.text("document_explanation").is_none() {
        let text = t.say("imports-missing-explanation");
        faults.push(Fault { id: "document_explanation".to_owned(), text, clause: Some(kind.clause.clone()) });
    }
    Some(DocumentData {
        kind: kind.name.clone(),
        number: form.text("document_number").map(str::to_owned),
        date,
        explanation: form.text("document_explanation").map(str::to_owned),
        institution_id,
        ..DocumentData::default()
    })
}

/// The field of a form that a place in a base document belongs to.
pub fn document_field(pointer: &str) -> Option<String> {
    let name = pointer.trim_start_matches('/');
    ["kind", "number", "date", "explanation"].contains(&name).then(|| format!("document_{name}"))
}

/// Takes a sheet in and keeps it; what it would do is shown next.
///
/// # Errors
/// As the acts; faults of the form are shown with it.
pub async fn bring(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let (t, name) = (visit.t, register.name().to_owned());
    let mut faults = Vec::new();
    let kind = form.text("record_type").and_then(|name| register.record_type(name));
    if kind.is_none() {
        faults.push(missing(t, "record_type", "imports-missing-type"));
    }
    let known = institutions(&state, visit, &register).await?;
    let institution = form.id("institution_id").ok().flatten();
    let institution = institution.and_then(|id| known.into_iter().find(|(known, _)| *known == id));
    if institution.is_none() {
        faults.push(missing(t, "institution_id", "imports-missing-institution"));
    }
    let day = day_of(t, form, "effective_on", &mut faults);
    let file = form.file("file").filter(|f| !f.bytes.is_empty());
    if file.is_none() {
        faults.push(missing(t, "file", "imports-missing-file"));
    }
    let wanted = kind.map(|k| k.base_documents.as_slice()).unwrap_or_default();
    let of = institution.as_ref().map(|(id, _)| *id);
    let document = document_of(t, &register, wanted, of, form, &mut faults);
    let (Some(kind), Some((institution_id, institution)), Some(effective_on), Some(file), true) =
        (kind, institution, day, file, faults.is_empty())
    else {
        return html_as(StatusCode::UNPROCESSABLE_ENTITY, &list_page(&state, visit, form, faults).await?);
    };
    let mut plan = ImportPlan {
        record_type: kind.name.clone(),
        institution_id,
        institution,
        effective_on,
        base_document_ids: Vec::new(),
        mapping: None,
        keep_mapping: true,
        sheet: None,
        header_row: None,
        creates: true,
        changes: true,
        mended: Default::default(),
    };
    let brought = Incoming { name: file.name.clone(), claimed: file.claimed.clone(), bytes: file.bytes.clone() };
    let kept = state.app.keep_upload(visit.cx(), name.clone(), "import", brought, &plan).await;
    let id = match kept.map_err(Problem::from) {
        Ok(id) => id,
        Err(problem) if problem.kind == Kind::TooLarge || is_about_the_form(&problem) => {
            let told = Told::of(t, &["imports-fault-"], problem.code.unwrap_or("too_large"), &problem.detail, None);
            let fault = Fault { id: "file".to_owned(), text: told.text.text, clause: problem.clause };
            return html_as(StatusCode::UNPROCESSABLE_ENTITY, &list_page(&state, visit, form, vec![fault]).await?);
        }
        Err(problem) => return Err(problem),
    };
    if let Some(document) = document {
        match state.app.add_document(posted.cx(&state), name.clone(), document, None).await.map_err(Problem::from) {
            Ok(added) => plan.base_document_ids = vec![added.get().id],
            Err(problem) => {
                state.app.drop_upload(visit.cx(), name.clone(), id).await?;
                if !is_about_the_form(&problem) {
                    return Err(problem);
                }
                let faults = Fault::of(t, &problem, document_field);
                return html_as(StatusCode::UNPROCESSABLE_ENTITY, &list_page(&state, visit, form, faults).await?);
            }
        }
        state.app.change_upload(visit.cx(), name.clone(), id, &plan, None).await?;
    }
    visit.see(&format!("/r/{name}/imports/pending/{id}"))
}

/// A file for the visitor.
pub fn file(made: Made) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{0}\"; filename*=UTF-8''{0}", percent_encoded(&made.name));
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, made.shape.media_type()))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(made.bytes)
}

/// The shape of a sheet that the query asks for.
fn shape(visit: &Visit) -> Shape {
    if visit.q("format") == Some("csv") { Shape::Csv } else { Shape::Xlsx }
}

/// A sheet to be filled in.
///
/// # Errors
/// As the act.
pub async fn template(state: State, visit: Visit) -> Shown {
    let (register, kind) = (visit.word("r").to_owned(), visit.word("type").to_owned());
    Ok(file(state.app.template(register, kind, visit.t.lang, shape(&visit)).await?))
}

/// A row of an import.
struct RowLine {
    row: i64,
    outcome: (&'static str, String),
    href: String,
}

#[derive(Template)]
#[template(path = "ui/imports/show.html")]
struct ShowPage {
    f: Frame,
    steps: Vec<Step>,
    title: String,
    state: (&'static str, String),
    saved: bool,
    stats: Vec<(String, String)>,
    about: Vec<(String, Said)>,
    documents: Vec<(String, String)>,
    undo_until: Option<String>,
    undo: String,
    left: Option<String>,
    rows: Option<Vec<RowLine>>,
    next: Option<String>,
    all: String,
    records: String,
}

#[derive(Template)]
#[template(path = "ui/imports/progress.html")]
struct ProgressPage {
    f: Frame,
    steps: Vec<Step>,
    part: String,
    done: u64,
    of: u64,
    cancel: String,
    upload: String,
}

/// An import: how far it is, or what it did.
///
/// # Errors
/// As the acts.
pub async fn show(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let (t, name, id) = (visit.t, register.name().to_owned(), visit.id("id")?);
    let base = format!("/r/{name}/imports");
    let import = state.app.read_import(visit.cx(), name.clone(), id).await?.into_inner();
    let upload = visit.q_id("upload")?;
    if import.state == "running" {
        let of = import.of.unwrap_or(0);
        let page = ProgressPage {
            f: visit.frame(&state, t.say("imports-running")).crumb(t.say("imports-title"), &base).under("/imports"),
            steps: steps(t, 3),
            part: t.say(&format!("imports-part-{}", import.part.as_deref().unwrap_or("reading"))),
            done: import.done.unwrap_or(0).min(of),
            of,
            cancel: visit.href(&format!("{base}/{id}/cancel")),
            upload: upload.map(|u| u.to_string()).unwrap_or_default(),
        };
        let mut response = html(&page)?;
        response.headers_mut().insert(header::REFRESH, header::HeaderValue::from_static(AGAIN));
        return Ok(response);
    }
    let saved = ["done", "undone"].contains(&import.state.as_str());
    if let Some(upload) = upload.filter(|_| !saved) {
        if import.state == "cancelled" {
            return visit.done(&base, "imports-cancelled");
        }
        return visit.see(&format!("{base}/pending/{upload}"));
    }
    let number = |name: &str| t.count(count(&import.summary, name));
    let rows = state.app.import_rows(visit.cx(), name.clone(), id, visit.q("after"), ROWS).await;
    let rows = match rows.map_err(Problem::from) {
        Ok(page) => Some(page.into_inner()),
        // What came of it may be known to somebody who may not see its records.
        Err(problem) if [Kind::Forbidden, Kind::NotFound].contains(&problem.kind) => None,
        Err(problem) => return Err(problem.of_query()),
    };
    let left = state.app.uploads(visit.cx(), name.clone()).await?;
    let left = visit.q_id("left")?.filter(|id| left.iter().any(|line| line.id == *id));
    let known = institutions(&state, &visit, &register).await?;
    let plain = |text: String| Said { text, lang: None };
    let mut about = vec![
        (t.say("imports-type"), label_of(t, &register, &import.record_type)),
        (
            t.say("imports-institution"),
            plain(known.into_iter().find(|(i, _)| *i == import.institution_id).map(|(_, n)| n).unwrap_or_default()),
        ),
        (t.say("imports-made-by"), plain(import.made_by.clone())),
        (t.say("imports-made-at"), plain(when(t, &register, &import.made_at))),
    ];
    if let Some(day) = import.summary.get("effective_on").and_then(|d| d.as_str()?.parse().ok()) {
        about.push((t.say("imports-effective-on"), plain(t.day(day))));
    }
    if let Some(undone) = &import.undone_at {
        about.push((t.say("imports-undone-at"), plain(when(t, &register, undone))));
    }
    let documents = import.summary.get("base_document_ids").and_then(|v| v.as_array()).cloned().unwrap_or_default();
    let documents: Vec<&str> = documents.iter().filter_map(|id| id.as_str()).collect();
    let stats = ["rows", "new", "changed", "unchanged"].map(|what| (t.say(&format!("imports-n-{what}")), number(what)));
    let next = rows.as_ref().and_then(|page| page.next_cursor.clone());
    let page = ShowPage {
        f: visit
            .frame(&state, t.say_with("imports-one", &[("at", &when(t, &register, &import.made_at))]))
            .crumb(t.say("imports-title"), &base)
            .under("/imports"),
        steps: if saved { steps(t, 4) } else { Vec::new() },
        title: t.say_with("imports-one", &[("at", &when(t, &register, &import.made_at))]),
        state: state_of(t, &import.state),
        saved,
        stats: if saved { stats.to_vec() } else { Vec::new() },
        about,
        documents: documents
            .iter()
            .enumerate()
            .map(|(n, id)| {
                let text = t.say_with("imports-document-n", &[("n", &(n + 1).to_string())]);
                (text, visit.href(&format!("/r/{name}/documents/{id}")))
            })
            .collect(),
        undo_until: undo_until(&state, t, &register, &import).filter(|_| visit.may("record.correct")),
        undo: visit.href(&format!("{base}/{id}/undo")),
        left: left.map(|upload| visit.href(&format!("{base}/pending/{upload}"))),
        rows: rows.filter(|_| saved).map(|page| {
            let outcome = |outcome: &str| match outcome {
                "new" => ("ok", t.say("imports-outcome-new")),
                _ => ("info", t.say("imports-outcome-changed")),
            };
            let kind = percent_encoded(&import.record_type);
            let line = |row: crate::store::read::imports::ImportRowView| RowLine {
                row: row.row,
                outcome: outcome(&row.outcome),
                href: visit.href(&format!("/r/{name}/records/{kind}/{}", row.record_id)),
            };
            page.items.into_iter().map(line).collect()
        }),
        next: next.map(|cursor| visit.href(&format!("{base}/{id}?after={}", percent_encoded(&cursor)))),
        all: visit.href(&base),
        records: visit.href(&format!("/r/{name}/records/{}", percent_encoded(&import.record_type))),
    };
    html(&page)
}

/// Ends an import that runs.
///
/// # Errors
/// As the act.
pub async fn cancel(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let base = format!("/r/{register}/imports");
    match state.app.cancel_import(visit.cx(), register, id).await.map_err(Problem::from) {
        Ok(_) => {}
        // It ended by itself meanwhile: what came of it is shown.
        Err(problem) if problem.code == Some("over") => return visit.see(&format!("{base}/{id}")),
        Err(problem) => return Err(problem),
    }
    if let Some(upload) = posted.form.id("upload")? {
        state.app.forget_trial(upload);
    }
    visit.done(&base, "imports-cancelled")
}

#[derive(Template)]
#[template(path = "ui/imports/undo.html")]
struct UndoPage {
    f: Frame,
    faults: Vec<Fault>,
    open: bool,
    text: String,
    until: String,
    action: String,
    back: String,
}

async fn undo_page(state: &State, visit: &Visit, faults: Vec<Fault>) -> Result<UndoPage, Problem> {
    let register = visit.register(state)?;
    let (t, name, id) = (visit.t, register.name().to_owned(), visit.id("id")?);
    let base = format!("/r/{name}/imports");
    let import = state.app.read_import(visit.cx(), name, id).await?.into_inner();
    let until = undo_until(state, t, &register, &import);
    let number = |what: &str| t.count(count(&import.summary, what));
    let one = t.say_with("imports-one", &[("at", &when(t, &register, &import.made_at))]);
    let frame = visit
        .frame(state, t.say("imports-undo"))
        .crumb(t.say("imports-title"), &base)
        .crumb(one, &format!("{base}/{id}"))
        .under("/imports");
    Ok(UndoPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        faults,
        open: until.is_some(),
        text: t.say_with("imports-undo-what", &[("new", &number("new")), ("changed", &number("changed"))]),
        until: until.unwrap_or_default(),
        action: visit.href(&format!("{base}/{id}/undo")),
        back: visit.href(&format!("{base}/{id}")),
    })
}

/// What taking an import back does.
///
/// # Errors
/// As the act.
pub async fn ask_undo(state: State, visit: Visit) -> Shown {
    html(&undo_page(&state, &visit, Vec::new()).await?)
}

/// Takes an import back.
///
/// # Errors
/// As the act; why it cannot be is shown with its clause.
pub async fn undo(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let path = format!("/r/{register}/imports/{id}");
    match state.app.undo_import(posted.cx(&state), register, id).await.map_err(Problem::from) {
        Ok(_) => visit.done(&path, "imports-undone"),
        Err(problem) if problem.kind == Kind::Conflict => {
            let code = problem.code.unwrap_or_default();
            let told = Told::of(visit.t, &["imports-undo-"], code, &problem.detail, None);
            let fault = Fault { id: String::new(), text: told.text.text, clause: problem.clause };
            html_as(StatusCode::CONFLICT, &undo_page(&state, visit, vec![fault]).await?)
        }
        Err(problem) => Err(problem),
    }
}
