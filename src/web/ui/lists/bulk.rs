//! One field of many records changed at once: choose the field, say from when and on what document, try it, save it.
//! What is tried and what is saved is the same act; nothing of a trial remains but its base document.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Cells, Frame, kind_of};
use crate::app::imports::NewBulk;
use crate::domain::hex;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Definition, Field, FieldType};
use crate::store::acts::documents::DocumentData;
use crate::store::acts::imports::{BulkChange, ImportReport};
use crate::web::problem::Problem;
use crate::web::ui::frame::Fault;
use crate::web::ui::say::{Said, T};
use crate::web::ui::visit::{Form, Posted, Visit, day};
use crate::web::ui::{Shown, State, html_as, is_about_the_form};

/// Most records that are changed at once: a page of a list.
const MOST: usize = 500;
/// Differences and faults that a trial shows.
const SHOWN: usize = 50;

/// A choice of a field or a value.
struct Choice {
    value: String,
    label: Said,
    chosen: bool,
}

/// How the new value is entered.
struct Control {
    label: Said,
    clause: Option<String>,
    choices: Vec<Choice>,
    value: String,
    hint: String,
}

/// What becomes of a record.
struct Difference {
    title: String,
    before: String,
    after: String,
}

/// What stands in the way of a record.
struct Obstacle {
    title: String,
    text: String,
    clause: Option<String>,
}

/// What a trial shows.
struct Trial {
    changed: String,
    unchanged: String,
    obstacles: Vec<Obstacle>,
    differences: Vec<Difference>,
    saves: bool,
}

#[derive(Template)]
#[template(path = "ui/lists/bulk.html")]
struct BulkPage {
    f: Frame,
    path: String,
    selected: String,
    rows: Vec<String>,
    fields: Vec<Choice>,
    field: String,
    control: Option<Control>,
    on: String,
    kinds: Vec<Choice>,
    number: String,
    date: String,
    explanation: String,
    document: String,
    trial: Option<Trial>,
    faults: Vec<Fault>,
}

/// Whether many records may be given the same value of a field.
fn is_common(field: &Field) -> bool {
    use FieldType::{File, Group, PersonalCode, Reference};
    let single = !matches!(field.kind, File | Group | PersonalCode | Reference) && !field.repeats;
    single && field.derived.is_none() && field.source.is_none()
}

/// The records that were chosen, and the one institution to which they belong.
fn chosen(form: &Form, t: T) -> Result<(Vec<Uuid>, Uuid), Fault> {
    let fault = |key: &str| Fault { id: String::new(), text: t.say(key), clause: None };
    let rows: Option<Vec<(Uuid, Uuid)>> = form
        .all("row")
        .map(|row| {
            let (id, institution) = row.split_once('.')?;
            Some((id.parse().ok()?, institution.parse().ok()?))
        })
        .collect();
    let rows = rows.filter(|r| r.len() <= MOST).ok_or_else(|| fault("lists-bulk-none"))?;
    let institutions: BTreeSet<Uuid> = rows.iter().map(|(_, i)| *i).collect();
    match (institutions.len(), institutions.first()) {
        (1, Some(only)) => Ok((rows.into_iter().map(|(id, _)| id).collect(), *only)),
        (0, _) => Err(fault("lists-bulk-none")),
        _ => Err(fault("lists-bulk-several")),
    }
}

/// The value that a text says; nothing where it says none.
fn value_of(field: &Field, text: &str) -> Option<Value> {
    use FieldType::{Boolean, Date, Decimal, Integer, Load, Money, Percentage, Year};
    Some(match field.kind {
        Boolean => json!(text == "true"),
        Integer | Year => json!(text.replace([' ', '\u{a0}'], "").parse::<i64>().ok()?),
        Date => json!(day(text)?.to_string()),
        Decimal | Money | Load | Percentage => json!(text.replace([' ', '\u{a0}'], "").replace(',', ".")),
        _ => json!(text),
    })
}

/// Changes one field of many records: each step of it.
pub(super) async fn bulk(state: State, posted: Posted) -> Shown {
    let Posted { visit, form } = &posted;
    let register = visit.register(&state)?;
    let kind = kind_of(visit, &register)?;
    let path = format!("/r/{}/records/{}", register.name(), kind.name);
    let (ids, institution) = match chosen(form, visit.t) {
        Ok(rows) => rows,
        Err(fault) => {
            let page = page(&state, visit, &register, kind, form, None, vec![fault]);
            return html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let step = form.text("step").unwrap_or_default();
    if step == "again" {
        let form = Form { pairs: form.pairs.iter().filter(|(n, _)| n == "row").cloned().collect(), files: Vec::new() };
        return html_as(StatusCode::OK, &page(&state, visit, &register, kind, &form, None, Vec::new()));
    }
    let field = kind.fields.iter().find(|f| f.name == form.value("field") && is_common(f));
    let (Some(field), true) = (field, step == "try" || step == "save") else {
        return html_as(StatusCode::OK, &page(&state, visit, &register, kind, form, None, Vec::new()));
    };
    let refused = |faults: Vec<Fault>| {
        html_as(StatusCode::UNPROCESSABLE_ENTITY, &page(&state, visit, &register, kind, form, None, faults))
    };
    let ordered = match order(visit, &register, kind, field, form, (ids, institution)) {
        Ok(ordered) => ordered,
        Err(faults) => return refused(faults),
    };
    let (mut new, document) = ordered;
    let mut form = form.clone();
    if let Some(data) = document {
        let act = state.app.add_document(posted.cx(&state), register.name().to_owned(), data, None).await;
        let made = match act.map_err(Problem::from) {
            Ok(made) => made.into_inner().id,
            Err(problem) if is_about_the_form(&problem) => return refused(faults(visit.t, &problem)),
            Err(problem) => return Err(problem),
        };
        new.base_document_ids = vec![made];
        form.pairs.retain(|(name, _)| name != "document");
        form.pairs.push(("document".into(), made.to_string()));
    }
    new.dry_run = step == "try";
    let cx = if new.dry_run { visit.cx() } else { posted.cx(&state) };
    let report = match state.app.change_many(cx, register.name().to_owned(), new).await.map_err(Problem::from) {
        Ok(report) => report.into_inner(),
        Err(problem) if is_about_the_form(&problem) => {
            let page = page(&state, visit, &register, kind, &form, None, faults(visit.t, &problem));
            return html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(problem) => return Err(problem),
    };
    if report.state == "done" {
        return visit.done(&path, "lists-bulk");
    }
    let status = if report.faulty == 0 { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let touched = report.items.iter().filter_map(|i| i.record_id).collect::<BTreeSet<_>>();
    let titles = state
        .app
        .record_titles(visit.cx(), register.name().to_owned(), touched.into_iter().collect())
        .await?
        .into_inner();
    let trial = tried(visit.t, &register.definition, field, &report, &titles);
    html_as(status, &page(&state, visit, &register, kind, &form, Some(trial), Vec::new()))
}

/// What is to be changed, and the base document where it must be entered first.
fn order(
    visit: &Visit,
    register: &Register,
    kind: &RecordType,
    field: &Field,
    form: &Form,
    (ids, institution): (Vec<Uuid>, Uuid),
) -> Result<(NewBulk, Option<DocumentData>), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut fault = |id: &str, key: &str| {
        let clause = if id == "value" { field.clause.clone() } else { None };
        faults.push(Fault { id: id.to_owned(), text: visit.t.say(key), clause });
    };
    let value = form.text("value").and_then(|text| value_of(field, text));
    if value.is_none() {
        fault("value", if form.text("value").is_none() { "lists-bulk-no-value" } else { "lists-bulk-bad-value" });
    }
    let on = form.text("on").and_then(day);
    if on.is_none() {
        fault("on", "lists-bulk-no-day");
    }
    let document = form.text("document").and_then(|text| Uuid::parse_str(text).ok());
    let mut data = None;
    if document.is_none() {
        let kinds = &register.definition.document_kinds;
        let chosen = kinds.iter().find(|k| k.name == form.value("kind") && kind.base_documents.contains(&k.name));
        let (number, date) = (form.text("number"), form.text("date").and_then(day));
        if chosen.is_none() {
            fault("kind", "lists-bulk-no-kind");
        }
        if number.is_none() {
            fault("number", "lists-bulk-no-number");
        }
        if date.is_none() {
            fault("date", "lists-bulk-no-date");
        }
        data = chosen.map(|chosen| DocumentData {
            kind: chosen.name.clone(),
            number: number.map(str::to_owned),
            date,
            issuer: None,
            title: None,
            reference: None,
            explanation: form.text("explanation").map(str::to_owned),
            valid_until: None,
            institution_id: Some(institution),
        });
    }
    let (Some(value), Some(on), true) = (value, on, faults.is_empty()) else {
        return Err(faults);
    };
    let patch = json!({ field.name.as_str(): value });
    let asked = json!({ "ids": ids, "on": on, "set": patch, "institution": institution });
    let new = NewBulk {
        record_type: kind.name.clone(),
        institution_id: institution,
        effective_on: on,
        base_document_ids: document.into_iter().collect(),
        ids: Some(ids),
        filter: BTreeMap::new(),
        change: BulkChange::Set(patch),
        sha256: hex(&Sha256::digest(asked.to_string().as_bytes())),
        dry_run: true,
    };
    Ok((new, data))
}

/// Faults of a refusal at the fields of this page.
fn faults(t: T, problem: &Problem) -> Vec<Fault> {
    Fault::of(t, problem, |pointer| match pointer.trim_start_matches('/').split('/').next()? {
        "effective_on" => Some("on".to_owned()),
        own @ ("kind" | "number" | "date" | "explanation") => Some(own.to_owned()),
        _ => None,
    })
}

/// What a trial, or a change that was refused, shows.
fn tried(
    t: T,
    definition: &Definition,
    field: &Field,
    report: &ImportReport,
    titles: &BTreeMap<Uuid, String>,
) -> Trial {
    let cells = Cells { t, definition, titles };
    let title =
        |id: Option<Uuid>| id.and_then(|id| titles.get(&id)).cloned().unwrap_or_else(|| t.say("lists-untitled"));
    let shown = |value: &Option<Value>| {
        value.as_ref().map(|v| cells.said(field, v).text).unwrap_or_else(|| t.say("lists-no-value"))
    };
    let differences = report.items.iter().flat_map(|item| {
        item.differences.iter().map(move |d| (item.record_id, d)).map(|(id, d)| Difference {
            title: title(id),
            before: shown(&d.before),
            after: shown(&d.after),
        })
    });
    let by_row: BTreeMap<u32, Option<Uuid>> = report.items.iter().filter_map(|i| Some((i.row?, i.record_id))).collect();
    let obstacles = report.faults.iter().map(|fault| Obstacle {
        title: title(by_row.get(&fault.row).copied().flatten()),
        text: t
            .say_if(&format!("frame-fault-{}", fault.code.replace('_', "-")))
            .unwrap_or_else(|| fault.detail.clone()),
        clause: fault.clause.as_ref().map(ToString::to_string),
    });
    let count = |n: usize| t.count(i64::try_from(n).unwrap_or(i64::MAX));
    Trial {
        changed: count(report.changed),
        unchanged: count(report.unchanged),
        obstacles: obstacles.take(SHOWN).collect(),
        saves: report.faulty == 0 && report.changed > 0,
        differences: differences.take(SHOWN).collect(),
    }
}

fn page(
    state: &State,
    visit: &Visit,
    register: &Register,
    kind: &RecordType,
    form: &Form,
    trial: Option<Trial>,
    faults: Vec<Fault>,
) -> BulkPage {
    let t = visit.t;
    let today = register.day(state.app.store.now());
    let rows: Vec<String> = form.all("row").take(MOST).map(str::to_owned).collect();
    let count = rows.len().to_string();
    let asked = form.value("field");
    let field = kind.fields.iter().find(|f| f.name == asked && is_common(f));
    let path = format!("/records/{}", kind.name);
    let frame = visit
        .frame(state, t.say("lists-bulk"))
        .under(&path)
        .crumb(t.label(&kind.label).text, &format!("/r/{}{path}", register.name()));
    let control = field.map(|field| {
        let value = form.value("value");
        let choice = |code: &str, label: Said| Choice { value: code.to_owned(), label, chosen: code == value };
        let plain = |key: &str| Said { text: t.say(key), lang: None };
        let list = field.codelist.as_ref().and_then(|n| register.definition.codelists.iter().find(|l| l.name == *n));
        let choices = match (field.kind, list) {
            (FieldType::Boolean, _) => vec![choice("true", plain("lists-yes")), choice("false", plain("lists-no"))],
            (_, Some(list)) => list
                .codes
                .iter()
                .filter(|c| c.valid_from.is_none_or(|d| d <= today) && c.valid_until.is_none_or(|d| today <= d))
                .map(|c| choice(&c.code, t.label(&c.label)))
                .collect(),
            _ => Vec::new(),
        };
        Control {
            label: t.label(&field.label),
            clause: field.clause.as_ref().map(|c| c.0.clone()),
            choices,
            value: value.to_owned(),
            hint: field.help.as_ref().map(|h| t.label(h).text).unwrap_or_default(),
        }
    });
    let document_kinds = register.definition.document_kinds.iter();
    BulkPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        path: format!("/r/{}{path}", register.name()),
        selected: t.say_with("lists-bulk-selected", &[("n", &count)]),
        rows,
        fields: kind
            .fields
            .iter()
            .filter(|f| is_common(f))
            .map(|f| Choice { value: f.name.clone(), label: t.label(&f.label), chosen: f.name == asked })
            .collect(),
        field: field.map(|f| f.name.clone()).unwrap_or_default(),
        control,
        on: form.raw("on").map_or_else(|| t.day(today), str::to_owned),
        kinds: document_kinds
            .filter(|k| kind.base_documents.contains(&k.name))
            .map(|k| Choice { value: k.name.clone(), label: t.label(&k.label), chosen: k.name == form.value("kind") })
            .collect(),
        number: form.value("number").to_owned(),
        date: form.value("date").to_owned(),
        explanation: form.value("explanation").to_owned(),
        document: form.value("document").to_owned(),
        trial,
        faults,
    }
}
