//! Exchanges with other registers: the profiles that the statute has, what was sent and received, sending and receiving.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::frame::{Fault, Frame};
use super::imports::{Choice, Told, day_of, document_field, document_of, institutions};
use super::say::Said;
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, html, html_as, is_about_the_form, page};
use crate::app::documents::Incoming;
use crate::app::exchanges::NewIncoming;
use crate::app::uploads::PendingUpload;
use crate::domain::disclosure::Format;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::exchange::{Direction, Exchange, ExchangePart};
use crate::store::read::disclosure::Wanted;
use crate::store::read::exchanges::{ExchangeRunView, ExportWanted};
use crate::web::context::percent_encoded;
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/exchanges", list, "exchange.list"),
    page!(Get "/r/{r}/exchanges/pending/{id:[0-9a-f-]{36}}", trial, "exchange.run: a dry run"),
    page!(Post "/r/{r}/exchanges/pending/{id:[0-9a-f-]{36}}/save", save, "exchange.run"),
    page!(Post "/r/{r}/exchanges/pending/{id:[0-9a-f-]{36}}/drop", discard, "none: the visitor's own sheet"),
    page!(Get "/r/{r}/exchanges/{name}", one, "none: the profile stands in the definition"),
    page!(Post "/r/{r}/exchanges/{name}/send", send, "exchange.run"),
    page!(Post "/r/{r}/exchanges/{name}/receive", receive, "document.add, where one is named; the table waits as a draft"),
];

/// Exchanges on a page.
const PAGE: i64 = 25;
/// Faults and rows of a trial that are shown.
const SHOWN: usize = 100;

/// How a table that came is to be taken in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ExchangePlan {
    exchange: String,
    part: Option<String>,
    institution_id: Option<Uuid>,
    effective_on: NaiveDate,
    base_document_ids: Vec<Uuid>,
}

impl ExchangePlan {
    fn of(upload: &PendingUpload) -> Result<Self, Problem> {
        let plan = (upload.line.kind == "exchange").then(|| serde_json::from_value(upload.line.plan.clone()).ok());
        plan.flatten().ok_or_else(|| Refusal::NotFound { what: "table" }.into())
    }

    fn order(self, dry_run: bool) -> NewIncoming {
        NewIncoming {
            exchange: self.exchange,
            part: self.part,
            institution_id: self.institution_id,
            effective_on: self.effective_on,
            base_document_ids: self.base_document_ids,
            dry_run,
        }
    }
}

/// A profile in a list.
struct Profile {
    href: String,
    label: Said,
    clause: String,
    out: bool,
    partner: String,
    parts: usize,
}

/// An exchange that was made.
struct Run {
    at: String,
    label: Said,
    counts: String,
    ledger: String,
    sha256: String,
}

#[derive(Template)]
#[template(path = "ui/exchanges/list.html")]
struct ListPage {
    f: Frame,
    profiles: Vec<Profile>,
    runs: Vec<Run>,
    next: Option<String>,
}

fn label(visit: &Visit, register: &Register, name: &str) -> Said {
    let found = register.definition.exchanges.iter().find(|e| e.name == name);
    found.map_or_else(|| Said { text: name.to_owned(), lang: None }, |e| visit.t.label(&e.label))
}

/// What an exchange carried, in words.
fn counts(visit: &Visit, run: &ExchangeRunView) -> String {
    let words = ["rows", "records", "new", "changed", "unchanged", "unknown"];
    let number = |word: &str| run.counts.get(word).and_then(serde_json::Value::as_i64);
    let told = words.iter().filter_map(|word| {
        let text = visit.t.say_if(&format!("exchanges-n-{word}"))?;
        Some(format!("{text} {}", visit.t.count(number(word)?)))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The profiles, and the exchanges that were made.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let (t, name) = (visit.t, register.name().to_owned());
    let base = format!("/r/{name}/exchanges");
    let page = state.app.list_exchanges(visit.cx(), name.clone(), visit.q("after"), PAGE).await;
    let page = page.map_err(|e| Problem::from(e).of_query())?.into_inner();
    let zone = register.definition.register.time_zone;
    let run = |run: &ExchangeRunView| Run {
        at: chrono::DateTime::parse_from_rfc3339(&run.made_at)
            .map(|at| t.instant(at.to_utc(), zone))
            .unwrap_or_default(),
        label: label(&visit, &register, &run.exchange),
        counts: counts(&visit, run),
        ledger: run.disclosure_id.map(|id| visit.href(&format!("/r/{name}/disclosures/{id}"))).unwrap_or_default(),
        sha256: run.sha256.chars().take(12).collect(),
    };
    html(&ListPage {
        f: visit.frame(&state, t.say("exchanges-title")),
        profiles: register
            .definition
            .exchanges
            .iter()
            .map(|e| Profile {
                href: visit.href(&format!("{base}/{}", percent_encoded(&e.name))),
                label: t.label(&e.label),
                clause: e.clause.0.clone(),
                out: e.direction == Direction::Export,
                partner: e.partner.clone(),
                parts: e.parts.len(),
            })
            .collect(),
        runs: page.items.iter().map(run).collect(),
        next: page.next_cursor.map(|cursor| visit.href(&format!("{base}?after={}", percent_encoded(&cursor)))),
    })
}

/// A column of a part: the other's name, our field, its clause.
type ColumnShown = (String, Said, String);

#[derive(Template)]
#[template(path = "ui/exchanges/one.html")]
struct OnePage {
    f: Frame,
    faults: Vec<Fault>,
    label: Said,
    clause: String,
    partner: String,
    out: bool,
    path: String,
    parts: Vec<Choice>,
    institutions: Vec<Choice>,
    formats: Vec<Choice>,
    day: String,
    document_kinds: Vec<Choice>,
    document_number: String,
    document_date: String,
    document_explanation: String,
    explained: String,
    tables: Vec<(String, Said, Vec<ColumnShown>)>,
}

fn profile<'r>(register: &'r Register, name: &str) -> Result<&'r Exchange, Problem> {
    let found = register.definition.exchanges.iter().find(|e| e.name == name);
    found.ok_or_else(|| Refusal::NotFound { what: "exchange" }.into())
}

/// Kinds of base document on which a part is taken in.
fn kinds(register: &Register, part: &ExchangePart) -> Vec<String> {
    match &part.base_document {
        Some(kind) => vec![kind.clone()],
        None => register.record_type(&part.record_type).map(|k| k.base_documents.clone()).unwrap_or_default(),
    }
}

/// A profile, with the form by which it is sent or received.
///
/// # Errors
/// 404 for one that the definition does not have.
pub async fn one(state: State, visit: Visit) -> Shown {
    html(&one_page(&state, &visit, &Form::default(), Vec::new()).await?)
}

async fn one_page(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Result<OnePage, Problem> {
    let register = visit.register(state)?;
    let (t, exchange) = (visit.t, profile(&register, visit.word("name"))?);
    let base = format!("/r/{}/exchanges", register.name());
    let out = exchange.direction == Direction::Export;
    let plain = |text: &str| Said { text: text.to_owned(), lang: None };
    let chosen = |field: &str, value: &str| form.text(field) == Some(value);
    let all: Vec<String> = exchange.parts.iter().flat_map(|part| kinds(&register, part)).collect();
    let documents: Vec<_> =
        register.definition.document_kinds.iter().filter(|k| !out && all.contains(&k.name)).collect();
    let explained: Vec<&str> = documents.iter().filter(|k| k.needs_explanation).map(|k| k.name.as_str()).collect();
    let known = institutions(state, visit, &register).await?;
    let of_institutions = &register.definition.register.institutions.record_type;
    let table = |part: &ExchangePart| {
        let kind = register.record_type(&part.record_type);
        let columns = part.columns.iter().map(|column| {
            let (of, path) = match column.field.strip_prefix("institution/") {
                Some(path) => (register.record_type(of_institutions), path),
                None => (kind, column.field.as_str()),
            };
            let field = of.and_then(|kind| crate::app::imports::field_of(kind, &format!("/{path}")));
            let first = of.and_then(|kind| {
                let name = path.split('/').next().unwrap_or_default();
                kind.fields.iter().find(|f| f.name == name)
            });
            let clause = field.and_then(|f| f.clause.clone()).or_else(|| first.and_then(|f| f.clause.clone()));
            let label = field.map_or_else(|| plain(&column.field), |f| t.label(&f.label));
            (column.name.clone(), label, clause.map(|c| c.0).unwrap_or_default())
        });
        let label = kind.map_or_else(|| plain(&part.record_type), |kind| t.label(&kind.label));
        (part.name.clone(), label, columns.collect())
    };
    let label = t.label(&exchange.label);
    let frame = visit.frame(state, label.text.clone()).crumb(t.say("exchanges-title"), &base);
    Ok(OnePage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        faults,
        clause: exchange.clause.0.clone(),
        partner: exchange.partner.clone(),
        out,
        path: visit.href(&format!("{base}/{}", percent_encoded(&exchange.name))),
        parts: exchange
            .parts
            .iter()
            .map(|p| Choice { value: p.name.clone(), text: plain(&p.name), chosen: chosen("part", &p.name) })
            .collect(),
        institutions: known
            .iter()
            .map(|(id, text)| Choice {
                value: id.to_string(),
                text: plain(text),
                chosen: chosen("institution_id", &id.to_string()),
            })
            .collect(),
        formats: [("csv", "CSV"), ("excel", "CSV (Excel)"), ("xlsx", "XLSX"), ("json", "JSON")]
            .into_iter()
            .map(|(value, text)| Choice { value: value.to_owned(), text: plain(text), chosen: chosen("format", value) })
            .collect(),
        day: form
            .raw(if out { "as_of" } else { "effective_on" })
            .map_or_else(|| t.day(register.day(state.app.store.now())), str::to_owned),
        explained: serde_json::json!({ "name": "document_kind", "is": explained }).to_string(),
        document_kinds: documents
            .iter()
            .map(|k| Choice {
                value: k.name.clone(),
                text: t.label(&k.label),
                chosen: chosen("document_kind", &k.name) || documents.len() == 1,
            })
            .collect(),
        document_number: form.value("document_number").to_owned(),
        document_date: form.value("document_date").to_owned(),
        document_explanation: form.value("document_explanation").to_owned(),
        tables: exchange.parts.iter().map(table).collect(),
        label,
    })
}

async fn again(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Shown {
    html_as(StatusCode::UNPROCESSABLE_ENTITY, &one_page(state, visit, form, faults).await?)
}

/// The institution that was chosen; none means all.
fn institution(form: &Form, faults: &mut Vec<Fault>, text: String) -> Option<Uuid> {
    form.id("institution_id").unwrap_or_else(|_| {
        faults.push(Fault { id: "institution_id".to_owned(), text, clause: None });
        None
    })
}

/// The faults of a problem with a form, in the visitor's words.
fn faults_of(visit: &Visit, problem: &Problem, begin: &str, id: impl Fn(&str) -> Option<String>) -> Vec<Fault> {
    if problem.errors.is_empty() {
        let told = Told::of(visit.t, &[begin], problem.code.unwrap_or_default(), &problem.detail, None);
        return vec![Fault { id: String::new(), text: told.text.text, clause: problem.clause.clone() }];
    }
    let fault = |e: &crate::domain::record::validate::Violation| Fault {
        id: id(&e.pointer).unwrap_or_default(),
        text: Told::of(visit.t, &[begin, "imports-column-"], e.code, &e.detail, None).text.text
            + &e.detail
                .split_once(':')
                .filter(|_| e.pointer.starts_with("/columns"))
                .map_or_else(String::new, |(c, _)| format!(" ({c})")),
        clause: e.clause.clone(),
    };
    problem.errors.iter().map(fault).collect()
}

/// Sends out what a profile says, as a file, and enters it in the ledger.
///
/// # Errors
/// As the act; faults of the form are shown with it.
pub async fn send(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let (t, exchange) = (visit.t, profile(&register, visit.word("name"))?);
    let mut faults = Vec::new();
    let as_of = day_of(t, form, "as_of", &mut faults);
    let institution_id = institution(form, &mut faults, t.say("exchanges-missing-institution"));
    if !faults.is_empty() {
        return again(&state, visit, form, faults).await;
    }
    let format = match form.text("format") {
        Some("xlsx") => Format::Xlsx,
        Some("json") => Format::Json,
        Some("excel") => Format::Csv { excel: true },
        _ => Format::Csv { excel: false },
    };
    let wanted = ExportWanted {
        exchange: exchange.name.clone(),
        part: form.text("part").map(str::to_owned),
        institution_id,
        as_of,
        wanted: Wanted { format, language: t.code() },
    };
    let left = state.app.export_by_profile(visit.cx(), register.name().to_owned(), wanted).await;
    let left = match left.map_err(Problem::from) {
        Ok(left) => left.into_inner(),
        Err(problem) if is_about_the_form(&problem) => {
            let named = |pointer: &str| {
                let name = pointer.trim_start_matches('/');
                ["part", "institution_id", "as_of", "format"].contains(&name).then(|| name.to_owned())
            };
            return again(&state, visit, form, faults_of(visit, &problem, "exchanges-fault-", named)).await;
        }
        Err(problem) => return Err(problem),
    };
    let (media, extension) = match format {
        Format::Json => ("application/json", "json"),
        Format::Csv { .. } => ("text/csv; charset=utf-8", "csv"),
        Format::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        Format::Pdf => ("application/pdf", "pdf"),
    };
    let name = format!("{}-{}.{extension}", percent_encoded(&exchange.name), left.id);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        // Exactly the bytes that the ledger has the digest of.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(actix_web::web::Bytes::from_owner(left.bytes)))
}

/// Takes a table that came from elsewhere; what it would do is shown next.
///
/// # Errors
/// As the acts; faults of the form are shown with it.
pub async fn receive(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let (t, name) = (visit.t, register.name().to_owned());
    let exchange = profile(&register, visit.word("name"))?;
    let mut faults = Vec::new();
    let part = match form.text("part") {
        Some(part) => exchange.parts.iter().find(|p| p.name == part),
        None => exchange.parts.first(),
    };
    let day = day_of(t, form, "effective_on", &mut faults);
    let institution_id = institution(form, &mut faults, t.say("exchanges-missing-institution"));
    let file = form.file("file").filter(|f| !f.bytes.is_empty());
    if file.is_none() {
        faults.push(Fault { id: "file".to_owned(), text: t.say("imports-missing-file"), clause: None });
    }
    let wanted = part.map(|part| kinds(&register, part)).unwrap_or_default();
    let document = document_of(t, &register, &wanted, institution_id, form, &mut faults);
    let (Some(part), Some(effective_on), Some(file), true) = (part, day, file, faults.is_empty()) else {
        return again(&state, visit, form, faults).await;
    };
    let mut plan = ExchangePlan {
        exchange: exchange.name.clone(),
        part: Some(part.name.clone()),
        institution_id,
        effective_on,
        base_document_ids: Vec::new(),
    };
    if let Some(document) = document {
        match state.app.add_document(posted.cx(&state), name.clone(), document, None).await.map_err(Problem::from) {
            Ok(added) => plan.base_document_ids = vec![added.get().id],
            Err(problem) if is_about_the_form(&problem) => {
                return again(&state, visit, form, Fault::of(t, &problem, document_field)).await;
            }
            Err(problem) => return Err(problem),
        }
    }
    let brought = Incoming { name: file.name.clone(), claimed: file.claimed.clone(), bytes: file.bytes.clone() };
    match state.app.keep_upload(visit.cx(), name.clone(), "exchange", brought, &plan).await.map_err(Problem::from) {
        Ok(id) => visit.see(&format!("/r/{name}/exchanges/pending/{id}")),
        Err(problem) if problem.kind == Kind::TooLarge || is_about_the_form(&problem) => {
            let told = Told::of(t, &["imports-fault-"], problem.code.unwrap_or("too_large"), &problem.detail, None);
            let fault = Fault { id: "file".to_owned(), text: told.text.text, clause: problem.clause };
            again(&state, visit, form, vec![fault]).await
        }
        Err(problem) => Err(problem),
    }
}

/// A row of a trial at fault.
struct FaultShown {
    row: u32,
    column: String,
    value: String,
    told: Told,
}

#[derive(Template)]
#[template(path = "ui/exchanges/trial.html")]
struct TrialPage {
    f: Frame,
    label: Said,
    clause: String,
    partner: String,
    file: String,
    path: String,
    stats: Vec<(String, String)>,
    faults: Vec<Fault>,
    rows: Vec<FaultShown>,
    faulty: usize,
    cut: bool,
    can_save: bool,
    save_text: String,
}

async fn upload(state: &State, visit: &Visit) -> Result<PendingUpload, Problem> {
    Ok(state.app.upload(visit.cx(), visit.word("r").to_owned(), visit.id("id")?).await?)
}

/// What a table that came would do.
///
/// # Errors
/// As the act.
pub async fn trial(state: State, visit: Visit) -> Shown {
    let upload = upload(&state, &visit).await?;
    tried(&state, &visit, upload).await
}

/// Tries the table and shows what it would do, or why it cannot be taken in.
async fn tried(state: &State, visit: &Visit, upload: PendingUpload) -> Shown {
    let register = visit.register(state)?;
    let (t, name) = (visit.t, register.name().to_owned());
    let plan = ExchangePlan::of(&upload)?;
    let exchange = profile(&register, &plan.exchange)?;
    let base = format!("/r/{name}/exchanges");
    let path = visit.href(&format!("{base}/pending/{}", upload.line.id));
    let label = t.label(&exchange.label);
    let frame = visit
        .frame(state, t.say("exchanges-trial"))
        .crumb(t.say("exchanges-title"), &base)
        .crumb(label.text.clone(), &format!("{base}/{}", percent_encoded(&exchange.name)));
    let mut page = TrialPage {
        f: frame,
        label,
        clause: exchange.clause.0.clone(),
        partner: exchange.partner.clone(),
        file: upload.line.name.clone(),
        path,
        stats: Vec::new(),
        faults: Vec::new(),
        rows: Vec::new(),
        faulty: 0,
        cut: false,
        can_save: false,
        save_text: String::new(),
    };
    let file = Incoming { name: upload.line.name, claimed: None, bytes: upload.bytes };
    let report = state.app.import_by_profile(visit.cx(), name, plan.order(true), file).await.map_err(Problem::from);
    let report = match report {
        Ok(report) => report.into_inner(),
        Err(problem) if is_about_the_form(&problem) => {
            page.faults = faults_of(visit, &problem, "imports-file-", |_| None);
            page.f = page.f.faulty();
            return html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(problem) => return Err(problem),
    };
    let number = |n: usize| t.count(i64::try_from(n).unwrap_or(i64::MAX));
    page.stats = [
        ("rows", report.rows),
        ("new", report.new),
        ("changed", report.changed),
        ("unchanged", report.unchanged),
        ("unknown", report.unknown),
        ("faulty", report.faulty),
    ]
    .into_iter()
    .filter_map(|(word, n)| Some((t.say_if(&format!("exchanges-n-{word}"))?, number(n))))
    .collect();
    page.faulty = report.faulty;
    page.cut = report.faults.len() > SHOWN;
    page.can_save = report.faults.is_empty() && report.new + report.changed > 0;
    page.save_text = t.say_with("exchanges-save", &[("n", &number(report.new + report.changed))]);
    page.rows = report
        .faults
        .into_iter()
        .take(SHOWN)
        .map(|f| FaultShown {
            row: f.row,
            column: if f.column.is_empty() { f.field.trim_start_matches('/').to_owned() } else { f.column },
            told: Told::of(t, &["imports-fault-"], f.code, &f.detail, f.clause.as_ref()),
            value: f.value,
        })
        .collect();
    html(&page)
}

/// Takes the table in: all of it, or nothing.
///
/// # Errors
/// As the act.
pub async fn save(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let upload = upload(&state, visit).await?;
    let plan = ExchangePlan::of(&upload)?;
    let file = Incoming { name: upload.line.name.clone(), claimed: None, bytes: upload.bytes.clone() };
    let done = state.app.import_by_profile(posted.cx(&state), register.clone(), plan.order(false), file).await;
    let saved = match done.map_err(Problem::from) {
        Ok(report) => report.get().state == "done",
        Err(problem) if is_about_the_form(&problem) => false,
        Err(problem) => return Err(problem),
    };
    if !saved {
        // What stands in the way is what a new trial tells.
        return tried(&state, visit, upload).await;
    }
    state.app.drop_upload(visit.cx(), register.clone(), id).await?;
    visit.done(&format!("/r/{register}/exchanges"), "exchanges-received")
}

/// Discards a table.
///
/// # Errors
/// As the act.
pub async fn discard(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    state.app.drop_upload(visit.cx(), register.clone(), id).await?;
    visit.done(&format!("/r/{register}/exchanges"), "exchanges-discarded")
}
