//! A sheet between its upload and its import: its columns, its trial, what is mended in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::{Choice, Step, Told, file, label_of, shape, steps};
use crate::app::documents::Incoming;
use crate::app::imports::{Mended, fault_sheet, field_of};
use crate::app::uploads::{ImportPlan, Look, PendingUpload, Trial, UploadLine};
use crate::domain::calendar::parse_day;
use crate::domain::import::sheet::{Row, Sheet};
use crate::domain::import::{CellFault, DateForm, Difference, Mapping, headings, shown};
use crate::domain::registers::Register;
use crate::domain::statute::{Clause, Definition, Field, FieldType, RecordType};
use crate::store::acts::imports::ImportReport;
use crate::web::context::percent_encoded;
use crate::web::problem::{Kind, Problem};
use crate::web::ui::frame::{Fault, Frame};
use crate::web::ui::say::{Said, T, masked};
use crate::web::ui::visit::{Form, Posted, Visit};
use crate::web::ui::{Shown, State, html_as, is_about_the_form};

/// Rows on a page.
const ROWS: usize = 25;
/// Columns that show which row it is, besides those at fault.
const TELLING: usize = 4;
/// Codes of a list that are offered while a cell is mended.
const OFFERED: usize = 300;
/// Items of each list of groups that a column can be assigned to.
const ITEMS: usize = 3;
/// Longest text that is mended in a cell, in characters.
const LONGEST: usize = 2_000;

/// A column of a report.
#[derive(Deserialize)]
struct Column {
    name: String,
    field: Option<String>,
    pointer: Option<String>,
}

/// What every page of a sheet knows of it.
struct Pending {
    register: Arc<Register>,
    line: UploadLine,
    plan: ImportPlan,
    /// Its address without the language.
    path: String,
}

impl Pending {
    fn of(state: &State, visit: &Visit, upload: &PendingUpload) -> Result<Self, Problem> {
        let register = visit.register(state)?;
        let plan = ImportPlan::of(&upload.line)?;
        let path = format!("/r/{}/imports/pending/{}", register.name(), upload.line.id);
        Ok(Self { line: upload.line.clone(), plan, path, register })
    }

    fn kind(&self) -> Result<&RecordType, Problem> {
        self.register.record_type(&self.plan.record_type).ok_or_else(Problem::not_found)
    }

    fn frame(&self, state: &State, visit: &Visit, title: String) -> Frame {
        let base = format!("/r/{}/imports", self.register.name());
        visit.frame(state, title).crumb(visit.t.say("imports-title"), &base).under("/imports")
    }

    /// What the sheet is, in one line.
    fn about(&self, t: T) -> Vec<Said> {
        let plain = |text: String| Said { text, lang: None };
        vec![
            plain(self.line.name.clone()),
            label_of(t, &self.register, &self.plan.record_type),
            plain(self.plan.institution.clone()),
            plain(t.say_with("imports-from", &[("day", &t.day(self.plan.effective_on))])),
        ]
    }
}

async fn upload(state: &State, visit: &Visit) -> Result<PendingUpload, Problem> {
    Ok(state.app.upload(visit.cx(), visit.word("r").to_owned(), visit.id("id")?).await?)
}

/// A cell of a row at fault.
struct CellShown {
    label: String,
    /// `bad`, `soft` or nothing.
    class: &'static str,
    text: String,
    mono: bool,
    /// Name of its field, where it can be mended here.
    input: Option<String>,
    /// List of codes that are offered.
    offers: Option<String>,
    told: Vec<Told>,
}

/// A row at fault.
struct RowShown {
    number: u32,
    cells: Vec<CellShown>,
    /// Faults of the row as a whole, or of fields that the sheet has no column for.
    whole: Vec<Told>,
    bad: bool,
}

/// A row as it would be entered.
struct ItemShown {
    number: String,
    outcome: (&'static str, String),
    href: String,
    differences: Vec<(Said, String, String)>,
}

#[derive(Template)]
#[template(path = "ui/imports/trial.html")]
struct TrialPage {
    f: Frame,
    steps: Vec<Step>,
    about: Vec<Said>,
    path: String,
    faults: Vec<Fault>,
    refused: bool,
    stats: Vec<(String, String, String)>,
    faulty: usize,
    faulty_title: String,
    fault_sheet: String,
    tabs: Vec<(String, String, bool)>,
    tab: &'static str,
    /// Names of the columns that rows are shown with, by their number in the sheet.
    head: Vec<(usize, String)>,
    rows: Vec<RowShown>,
    items: Vec<ItemShown>,
    items_cut: Option<String>,
    offers: Vec<(String, Vec<(String, String)>)>,
    lacking: Vec<Told>,
    previous: Option<String>,
    next: Option<String>,
    columns: Vec<(String, Option<Said>)>,
    columns_found: String,
    notes: Vec<String>,
    withheld: Option<String>,
    mended: Option<String>,
    save: usize,
    save_text: String,
    leave_text: String,
}

#[derive(Template)]
#[template(path = "ui/imports/failed.html")]
struct FailedPage {
    f: Frame,
    steps: Vec<Step>,
    about: Vec<Said>,
    path: String,
    told: Vec<Told>,
}

/// What the sheet would do: tried, if that is not known yet.
///
/// # Errors
/// As the acts.
pub async fn trial(state: State, visit: Visit) -> Shown {
    let upload = upload(&state, &visit).await?;
    let pending = Pending::of(&state, &visit, &upload)?;
    let trial = match state.app.trial(&upload.line) {
        Some(trial) => trial,
        None => state.app.try_upload(visit.cx(), pending.register.name().to_owned(), upload, true).await?,
    };
    told(&state, &visit, &pending, &trial, Vec::new()).await
}

/// Shows what a trial told, or the way to where that is.
async fn told(state: &State, visit: &Visit, pending: &Pending, trial: &Trial, faults: Vec<Fault>) -> Shown {
    let id = pending.line.id;
    let run = format!("/r/{}/imports/{}", pending.register.name(), trial.run);
    if trial.goes_on() {
        return visit.see(&format!("{run}?upload={id}"));
    }
    if let Some(error) = trial.failed() {
        state.app.forget_trial(id);
        return failed(state, visit, pending, Problem::from(error)).await;
    }
    let (Some(report), Some(imported)) = (trial.report(), trial.told()) else {
        state.app.forget_trial(id);
        return visit.see(&pending.path);
    };
    if report.state == "done" {
        return visit.see(&run);
    }
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_as(status, &trial_page(state, visit, pending, report, &imported.sheet, faults)?)
}

/// Why a sheet cannot be tried, and what to do; columns are assigned on their own page.
async fn failed(state: &State, visit: &Visit, pending: &Pending, problem: Problem) -> Shown {
    if !is_about_the_form(&problem) && problem.kind != Kind::TooLarge {
        return Err(problem);
    }
    if problem.errors.iter().any(|e| e.pointer.starts_with("/columns")) {
        return visit.see(&format!("{}/columns", pending.path));
    }
    let register = pending.register.name().to_owned();
    if problem.errors.iter().any(|e| e.pointer == "/file")
        && state.app.look_at_upload(visit.cx(), register, pending.line.id).await.is_ok_and(|look| look.must_choose)
    {
        return visit.see(&format!("{}/columns", pending.path));
    }
    let t = visit.t;
    let mut told: Vec<Told> = problem
        .errors
        .iter()
        .map(|e| {
            let texts: &[&str] = match e.pointer.split('/').nth(1) {
                Some("file") => &["imports-file-"],
                Some("base_document_ids") => &["imports-documents-"],
                _ => &["imports-fault-"],
            };
            Told::of(t, texts, e.code, &e.detail, e.clause.as_ref())
        })
        .collect();
    // What exactly is wrong with a file only the act says.
    for error in problem.errors.iter().filter(|e| e.pointer == "/file" && e.code == "unreadable") {
        told.push(Told::of(t, &[], "", &error.detail, None));
    }
    if told.is_empty() {
        let code = problem.code.unwrap_or(problem.kind.slug());
        told.push(Told::of(t, &["imports-fault-"], code, &problem.detail, problem.clause.as_ref()));
    }
    let page = FailedPage {
        f: pending.frame(state, visit, t.say("imports-cannot")).faulty(),
        steps: steps(t, 0),
        about: pending.about(t),
        path: visit.href(&pending.path),
        told,
    };
    html_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// Labels of the fields of a type, by their paths.
fn labels(t: T, kind: &RecordType) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> =
        headings(kind, t.code(), ITEMS).into_iter().map(|h| (h.path, h.label)).collect();
    found.insert("record_id".to_owned(), t.say("imports-record-id"));
    found.insert("effective_on".to_owned(), t.say("imports-effective-on"));
    found
}

/// What a field that a place leads to is called, groups first.
fn label_at(t: T, kind: &RecordType, pointer: &str) -> Said {
    let mut fields = &kind.fields;
    let (mut text, mut lang) = (String::new(), None);
    for step in pointer.split('/').skip(1) {
        if let Ok(item) = step.parse::<usize>() {
            text.push_str(&format!(" {}", item + 1));
            continue;
        }
        let Some(field) = fields.iter().find(|field| field.name == step) else { break };
        let label = t.label(&field.label);
        lang = lang.or(label.lang);
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&label.text);
        fields = &field.parts;
    }
    if text.is_empty() {
        text = pointer.trim_start_matches('/').to_owned();
    }
    Said { text, lang }
}

/// The same for a path with items from 1 (`guardians[2]/phone`).
fn label_of_path(t: T, kind: &RecordType, path: &str) -> String {
    let step = |step: &str| match step.split_once('[') {
        Some((name, item)) => {
            let item = item.trim_end_matches(']').parse::<usize>().unwrap_or(1);
            format!("/{name}/{}", item.saturating_sub(1))
        }
        None => format!("/{step}"),
    };
    label_at(t, kind, &path.split('/').map(step).collect::<String>()).text
}

/// A value as people write it. Personal codes are masked, files and lists of groups are told in a word.
fn value(t: T, definition: &Definition, field: Option<&Field>, value: Option<&Value>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match (value, field.map(|f| f.kind)) {
        (Value::Null, _) => "–".to_owned(),
        (Value::Bool(yes), _) => t.say(if *yes { "imports-yes" } else { "imports-no" }),
        (Value::Array(items), kind) if kind != Some(FieldType::Group) => {
            let texts: Vec<String> = items.iter().map(|item| self::value(t, definition, field, Some(item))).collect();
            texts.join("; ")
        }
        (Value::Array(items), _) => t.say_with("imports-items", &[("n", &items.len().to_string())]),
        (Value::Object(_), _) => t.say_with("imports-items", &[("n", "1")]),
        (Value::String(text), Some(FieldType::Date)) => parse_day(text).map_or_else(|| text.clone(), |day| t.day(day)),
        (Value::String(text), Some(FieldType::PersonalCode)) => masked(text),
        (Value::String(text), Some(FieldType::Money)) => t.money(text),
        (Value::String(text), Some(FieldType::Decimal | FieldType::Percentage | FieldType::Load)) => t.decimal(text),
        (Value::String(text), _) => {
            let list = field.and_then(|f| definition.codelists.iter().find(|l| Some(&l.name) == f.codelist.as_ref()));
            let code = list.and_then(|l| l.codes.iter().find(|c| c.code == *text));
            code.map_or_else(|| text.clone(), |c| t.label(&c.label).text)
        }
        (Value::Number(number), _) => number.to_string(),
    }
}

/// A page of a list in memory: its items, whether there are earlier and later ones.
fn page_of<I>(items: &[I], page: usize) -> (&[I], bool, bool) {
    let from = page.saturating_mul(ROWS).min(items.len());
    let to = (from + ROWS).min(items.len());
    (items.get(from..to).unwrap_or_default(), from > 0, to < items.len())
}

fn row_of(sheet: &Sheet, number: u32) -> Option<&Row> {
    sheet.rows.binary_search_by_key(&number, |row| row.number).ok().and_then(|at| sheet.rows.get(at))
}

fn trial_page(
    state: &State,
    visit: &Visit,
    pending: &Pending,
    report: &ImportReport,
    sheet: &Sheet,
    faults: Vec<Fault>,
) -> Result<TrialPage, Problem> {
    let t = visit.t;
    let kind = pending.kind()?;
    let number = |n: usize| t.count(i64::try_from(n).unwrap_or(i64::MAX));
    let columns: Vec<Column> = serde_json::from_value(report.columns.clone()).unwrap_or_default();
    let labels = labels(t, kind);
    let tab = match visit.q("tab") {
        Some("warnings") => "warnings",
        Some("rows") => "rows",
        Some("faults") => "faults",
        _ if report.faulty > 0 => "faults",
        _ => "rows",
    };
    let page = visit.q("page").and_then(|p| p.parse().ok()).unwrap_or(0_usize);
    let path = visit.href(&pending.path);
    let (mut head, mut rows, mut items, mut offers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (earlier, later);
    let mut items_cut = None;
    if tab == "rows" {
        let shown = page_of(&report.items, page);
        (earlier, later) = (shown.1, shown.2);
        let all = report.rows + report.gone;
        if report.items.len() < all {
            items_cut = Some(t.say_with(
                "imports-rows-cut",
                &[("n", number(report.items.len()).as_str()), ("of", number(all).as_str())],
            ));
        }
        let records = format!("/r/{}/records/{}", pending.register.name(), percent_encoded(&kind.name));
        items.extend(shown.0.iter().map(|item| {
            ItemShown {
                number: item.row.map(|n| n.to_string()).unwrap_or_else(|| "–".to_owned()),
                outcome: outcome(t, item.outcome),
                // A record of a trial that would be new is nowhere.
                href: item
                    .record_id
                    .filter(|_| item.outcome != "new")
                    .map(|id| visit.href(&format!("{records}/{id}")))
                    .unwrap_or_default(),
                differences: differences(t, &pending.register.definition, kind, &item.differences),
            }
        }));
    } else {
        let list = if tab == "faults" { &report.faults } else { &report.warnings };
        let numbers: Vec<u32> = list.iter().map(|f| f.row).collect::<BTreeSet<u32>>().into_iter().collect();
        let shown = page_of(&numbers, page);
        (earlier, later) = (shown.1, shown.2);
        let here: BTreeSet<u32> = shown.0.iter().copied().collect();
        let told: Vec<&CellFault> = list.iter().filter(|f| here.contains(&f.row)).collect();
        let place = |name: &str| columns.iter().position(|c| c.name == name && !name.is_empty());
        let mut used: BTreeSet<usize> = told.iter().filter_map(|f| place(&f.column)).collect();
        let telling = columns.iter().enumerate().filter(|(_, c)| c.pointer.is_some()).map(|(at, _)| at);
        used.extend(telling.take(TELLING));
        head = used.iter().filter_map(|at| Some((*at, columns.get(*at)?.name.clone()))).collect();
        let mut offered: BTreeSet<String> = BTreeSet::new();
        for row_number in shown.0 {
            let of_row: Vec<&&CellFault> = told.iter().filter(|f| f.row == *row_number).collect();
            let texts = |at: Option<usize>| -> Vec<Told> {
                let here = of_row.iter().filter(|f| place(&f.column) == at);
                let mut lacking: Vec<String> = Vec::new();
                let mut told: Vec<Told> = Vec::new();
                for f in here {
                    if lacks(f) {
                        lacking.push(label_at(t, kind, &f.field).text);
                        continue;
                    }
                    let mut one = Told::of(t, &["imports-fault-"], f.code, &f.detail, f.clause.as_ref());
                    if at.is_none() && !f.field.is_empty() {
                        one.text.text = format!("{}: {}", label_at(t, kind, &f.field).text, one.text.text);
                    }
                    told.push(one);
                }
                if !lacking.is_empty() {
                    let text = t.say_with("imports-lacking", &[("fields", &lacking.join(", "))]);
                    told.push(Told { text: Said { text, lang: None }, clause: None });
                }
                told
            };
            let row = row_of(sheet, *row_number);
            let cell = |at: &usize| {
                let column = columns.get(*at)?;
                let field = column.pointer.as_deref().and_then(|p| field_of(kind, p));
                let told = texts(Some(*at));
                let bad = !told.is_empty() && tab == "faults";
                let text = row.and_then(|row| row.cells.get(*at)).map(shown_cell).unwrap_or_default();
                let code = field.is_some_and(|f| f.kind == FieldType::PersonalCode);
                let list = field.filter(|_| bad).and_then(|f| f.codelist.clone());
                Some(CellShown {
                    label: column.name.clone(),
                    class: match (told.is_empty(), tab) {
                        (true, _) => "",
                        (false, "faults") => "bad",
                        (false, _) => "soft",
                    },
                    text: if code && !bad { masked(&text) } else { text },
                    mono: code,
                    input: bad.then(|| format!("cell-{row_number}-{at}")),
                    offers: list,
                    told,
                })
            };
            let cells: Vec<CellShown> = used.iter().filter_map(cell).collect();
            offered.extend(cells.iter().filter_map(|c| c.offers.clone()));
            rows.push(RowShown { number: *row_number, cells, whole: texts(None), bad: tab == "faults" });
        }
        offers = offered
            .into_iter()
            .map(|name| {
                let codes = offers_of(t, &pending.register.definition, &name);
                (name, codes)
            })
            .collect();
    }
    // Fields that the statute asks of every new record and for which the sheet has no column: said once for all rows.
    let mut lacking: BTreeMap<&str, Option<&Clause>> = BTreeMap::new();
    for fault in report.faults.iter().filter(|f| lacks(f)) {
        lacking.entry(&fault.field).or_insert(fault.clause.as_ref());
    }
    let lacking =
        lacking.into_iter().map(|(place, clause)| Told { text: label_at(t, kind, place), clause: clause.cloned() });
    let to = |tab: &str, page: usize| format!("{path}?tab={tab}&page={page}");
    let warned = report.warnings.iter().map(|w| w.row).collect::<BTreeSet<u32>>().len();
    let mut tabs = Vec::new();
    if report.faulty > 0 {
        tabs.push(("faults", t.say_with("imports-tab-faults", &[("n", &number(report.faulty))])));
    }
    if warned > 0 {
        tabs.push(("warnings", t.say_with("imports-tab-warnings", &[("n", &number(warned))])));
    }
    tabs.push(("rows", t.say_with("imports-tab-rows", &[("n", &number(report.rows))])));
    let mapped = columns.iter().filter(|c| c.field.is_some()).count();
    let changes = report.items.iter().map(|i| i.differences.len()).sum::<usize>();
    let field_count = if report.changed == 0 || report.items.len() < report.rows {
        String::new()
    } else {
        t.say_with("imports-fields-changed", &[("n", &number(changes))])
    };
    let mut stats = vec![
        (t.say("imports-n-rows"), number(report.rows), String::new()),
        (t.say("imports-n-new"), number(report.new), String::new()),
        (t.say("imports-n-changed"), number(report.changed), field_count),
    ];
    stats.push(match report.faulty {
        0 => (t.say("imports-n-unchanged"), number(report.unchanged), String::new()),
        n => (t.say("imports-n-faulty"), number(n), String::new()),
    });
    let withheld = pending.plan.mended.withheld.len();
    let mended: usize = pending.plan.mended.cells.values().map(BTreeMap::len).sum();
    let mut notes = report.notes.clone();
    if report.gone > 0 {
        notes.insert(0, t.say_with("imports-gone", &[("n", &number(report.gone))]));
    }
    let save = report.new + report.changed;
    let frame = pending.frame(state, visit, t.say("imports-trial"));
    Ok(TrialPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        steps: steps(t, 2),
        about: pending.about(t),
        faults,
        refused: report.state == "refused",
        stats,
        faulty: report.faulty,
        faulty_title: t.say_with("imports-faulty-title", &[("n", &number(report.faulty))]),
        fault_sheet: format!("{path}/faults"),
        tabs: tabs.into_iter().map(|(name, text)| (text, to(name, 0), name == tab)).collect(),
        tab,
        head,
        rows,
        items,
        items_cut,
        offers,
        previous: earlier.then(|| to(tab, page.saturating_sub(1))),
        next: later.then(|| to(tab, page + 1)),
        lacking: lacking.collect(),
        columns_found: t.say_with("imports-columns-found", &[("n", &number(mapped)), ("of", &number(columns.len()))]),
        columns: columns
            .iter()
            .map(|c| {
                let label = c.field.as_ref().map(|path| {
                    let of_place = || c.pointer.as_deref().map(|p| label_at(t, kind, p));
                    labels.get(path).map_or_else(
                        || of_place().unwrap_or_else(|| Said { text: path.clone(), lang: None }),
                        |text| Said { text: text.clone(), lang: None },
                    )
                });
                (c.name.clone(), label)
            })
            .collect(),
        notes,
        withheld: (withheld > 0).then(|| t.say_with("imports-withheld", &[("n", &number(withheld))])),
        mended: (mended > 0).then(|| t.say_with("imports-mended", &[("n", &number(mended))])),
        save,
        save_text: t.say_with("imports-save-rows", &[("n", &number(save))]),
        leave_text: t.say_with("imports-leave", &[("n", &number(save)), ("faulty", &number(report.faulty))]),
        path,
    })
}

/// Whether a row lacks a value that the sheet has no column for.
fn lacks(fault: &CellFault) -> bool {
    fault.code == "required" && fault.column.is_empty() && !fault.field.is_empty()
}

fn shown_cell(cell: &crate::domain::import::sheet::Cell) -> String {
    match cell {
        crate::domain::import::sheet::Cell::Date(day) => day.format("%d.%m.%Y").to_string(),
        other => shown(other),
    }
}

fn outcome(t: T, outcome: &str) -> (&'static str, String) {
    let kind = match outcome {
        "new" => "ok",
        "changed" => "info",
        "faulty" => "err sq",
        "gone" => "warn",
        _ => "",
    };
    (kind, t.say_if(&format!("imports-outcome-{outcome}")).unwrap_or_else(|| outcome.to_owned()))
}

fn differences(t: T, definition: &Definition, kind: &RecordType, list: &[Difference]) -> Vec<(Said, String, String)> {
    list.iter()
        .map(|d| {
            let field = field_of(kind, &d.pointer);
            let show = |v: &Option<Value>| value(t, definition, field, v.as_ref());
            (label_at(t, kind, &d.pointer), show(&d.before), show(&d.after))
        })
        .collect()
}

/// The codes that are offered where one is mended.
fn offers_of(t: T, definition: &Definition, list: &str) -> Vec<(String, String)> {
    let codes = definition.codelists.iter().find(|l| l.name == list).map(|l| l.codes.as_slice()).unwrap_or_default();
    codes.iter().take(OFFERED).map(|c| (c.code.clone(), t.label(&c.label).text)).collect()
}

/// Keeps what was mended in cells, and which rows are held back, and tries the sheet again.
///
/// # Errors
/// As the acts.
pub async fn mend(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let upload = upload(&state, visit).await?;
    let mut pending = Pending::of(&state, visit, &upload)?;
    let trial = state.app.trial(&upload.line);
    let told = trial.as_deref().and_then(Trial::told);
    if form.text("do") == Some("restore") {
        pending.plan.mended.withheld.clear();
    }
    for (name, text) in &form.pairs {
        let mut parts = name.strip_prefix("cell-").unwrap_or_default().split('-');
        let (Some(row), Some(at)) = (number(parts.next()), number(parts.next())) else { continue };
        let Some(column) = form.raw(&format!("column-{at}")) else { continue };
        let text: String = text.chars().take(LONGEST).collect();
        // What stands there already was not mended.
        let before = told.and_then(|told| {
            let at = told.sheet.header.iter().position(|h| h == column)?;
            row_of(&told.sheet, row)?.cells.get(at).map(shown_cell)
        });
        if before.as_deref() != Some(text.trim()) {
            pending.plan.mended.cells.entry(row).or_default().insert(column.to_owned(), text);
        }
    }
    pending.plan.mended.withheld.extend(form.all("withhold").filter_map(|row| row.parse::<u32>().ok()));
    let register = pending.register.name().to_owned();
    state.app.change_upload(visit.cx(), register, pending.line.id, &pending.plan, None).await?;
    visit.see(&pending.path)
}

fn number(text: Option<&str>) -> Option<u32> {
    text?.parse().ok()
}

/// Enters the rows: all that are not held back, or none.
///
/// # Errors
/// As the acts.
pub async fn save(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let upload = upload(&state, visit).await?;
    let mut pending = Pending::of(&state, visit, &upload)?;
    let (register, id) = (pending.register.name().to_owned(), upload.line.id);
    // Only what has been seen is saved.
    let Some(seen) = state.app.trial(&upload.line) else { return visit.see(&pending.path) };
    let Some(report) = seen.report() else {
        return told(&state, visit, &pending, &seen, Vec::new()).await;
    };
    let faulty: BTreeSet<u32> = report.faults.iter().map(|f| f.row).collect();
    let mut upload = upload;
    if !faulty.is_empty() {
        if !form.has("leave") {
            let fault = Fault { id: "leave".to_owned(), text: visit.t.say("imports-leave-or-mend"), clause: None };
            return told(&state, visit, &pending, &seen, vec![fault]).await;
        }
        pending.plan.mended.withheld.extend(faulty);
        state.app.change_upload(visit.cx(), register.clone(), id, &pending.plan, None).await?;
        upload = state.app.upload(visit.cx(), register.clone(), id).await?;
    }
    let held_back = !pending.plan.mended.withheld.is_empty();
    let trial = state.app.try_upload(posted.cx(&state), register.clone(), upload, false).await?;
    let run = format!("/r/{register}/imports/{}", trial.run);
    let left = if held_back { format!("?left={id}") } else { String::new() };
    match trial.report() {
        Some(report) if report.state == "done" => {
            // A form that was sent twice is told of the import that it made.
            let made = format!("/r/{register}/imports/{}{left}", report.import_id);
            visit.done(&made, "imports-saved")
        }
        _ if trial.goes_on() => visit.see(&format!("{run}?upload={id}&{}", left.trim_start_matches('?'))),
        _ => told(&state, visit, &pending, &trial, Vec::new()).await,
    }
}

/// Discards a sheet.
///
/// # Errors
/// As the act.
pub async fn discard(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let list = format!("/r/{register}/imports");
    state.app.drop_upload(visit.cx(), register, id).await?;
    visit.done(&list, "imports-discarded")
}

/// Puts another file in the place of the sheet, for the same import.
///
/// # Errors
/// As the acts.
pub async fn replace(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let upload = upload(&state, visit).await?;
    let mut pending = Pending::of(&state, visit, &upload)?;
    let Some(file) = form.file("file").filter(|f| !f.bytes.is_empty()) else {
        let detail = visit.t.say("imports-missing-file");
        return failed(
            &state,
            visit,
            &pending,
            Problem { code: Some("no_file"), ..Problem::new(Kind::Conflict, detail) },
        )
        .await;
    };
    pending.plan.mended = Mended::default();
    let brought = Incoming { name: file.name.clone(), claimed: file.claimed.clone(), bytes: file.bytes.clone() };
    let register = pending.register.name().to_owned();
    state.app.change_upload(visit.cx(), register, pending.line.id, &pending.plan, Some(brought)).await?;
    visit.see(&pending.path)
}

/// The sheet with what is wrong in each of its rows.
///
/// # Errors
/// As the acts; 303 to the trial where what it told is no longer known.
pub async fn faults(state: State, visit: Visit) -> Shown {
    let upload = upload(&state, &visit).await?;
    let pending = Pending::of(&state, &visit, &upload)?;
    let Some(trial) = state.app.trial(&upload.line).filter(|t| t.told().is_some()) else {
        return visit.see(&pending.path);
    };
    let (t, shape) = (visit.t, shape(&visit));
    let stem = upload.line.name.rsplit_once('.').map_or(upload.line.name.as_str(), |(stem, _)| stem).to_owned();
    let made = actix_web::web::block(move || {
        let (Some(report), Some(told)) = (trial.report(), trial.told()) else { return Ok(None) };
        let mut report = report.clone();
        for fault in &mut report.faults {
            fault.detail = Told::of(t, &["imports-fault-"], fault.code, &fault.detail, None).text.text;
        }
        fault_sheet(&told.sheet, &report, &stem, shape, t.lang).map(Some)
    });
    let made = made.await.map_err(|e| Problem::from(crate::app::Error::Setup(e.to_string())))??;
    made.map_or_else(|| visit.see(&pending.path), |made| Ok(file(made)))
}

/// A column as it is assigned.
struct ColumnShown {
    at: usize,
    name: String,
    samples: String,
    /// Path of its field; empty where it is left out.
    chosen: String,
    /// A path that is not among those offered.
    other: Option<String>,
    told: Option<Told>,
    bad: bool,
}

#[derive(Template)]
#[template(path = "ui/imports/columns.html")]
struct ColumnsPage {
    f: Frame,
    steps: Vec<Step>,
    about: Vec<Said>,
    path: String,
    faults: Vec<Fault>,
    must_choose: bool,
    sheets: Vec<Choice>,
    columns: Vec<ColumnShown>,
    /// Fields by the sections of the record.
    fields: Vec<(Said, Vec<(String, String)>)>,
    dates: Vec<Choice>,
    decimal_comma: bool,
    separator: String,
    header_row: String,
    creates: bool,
    changes: bool,
    keep: bool,
    rows: String,
    /// What is yet to be done before the sheet can be tried.
    open: Option<String>,
}

/// Which column is which field.
///
/// # Errors
/// As the acts.
pub async fn columns(state: State, visit: Visit) -> Shown {
    let upload = upload(&state, &visit).await?;
    let pending = Pending::of(&state, &visit, &upload)?;
    columns_page(&state, &visit, &pending, None).await
}

async fn columns_page(state: &State, visit: &Visit, pending: &Pending, form: Option<&Form>) -> Shown {
    let t = visit.t;
    let kind = pending.kind()?;
    let register = pending.register.name().to_owned();
    let look = match state.app.look_at_upload(visit.cx(), register, pending.line.id).await.map_err(Problem::from) {
        Ok(look) => look,
        Err(problem) => return failed(state, visit, pending, problem).await,
    };
    let fields = fields(t, kind);
    let known: BTreeSet<&str> =
        fields.iter().flat_map(|(_, list)| list.iter().map(|(path, _)| path.as_str())).collect();
    let columns: Vec<ColumnShown> = look
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let chosen = column.field.clone().unwrap_or_default();
            let told = column.fault.as_ref().map(|fault| {
                let mut told = Told::of(t, &["imports-column-"], fault.code, &fault.detail, fault.clause.as_ref());
                if !fault.fields.is_empty() {
                    let near: Vec<String> = fault.fields.iter().map(|path| label_of_path(t, kind, path)).collect();
                    let near = t.say_with("imports-near", &[("fields", &near.join(", "))]);
                    told.text.text = format!("{} {near}", told.text.text);
                }
                told
            });
            ColumnShown {
                at,
                name: column.name.clone(),
                samples: samples(kind, column),
                other: (!chosen.is_empty() && !known.contains(chosen.as_str())).then(|| chosen.clone()),
                chosen,
                bad: column.fault.as_ref().is_some_and(|f| f.blocks),
                told,
            }
        })
        .collect();
    // Columns that are yet to be assigned are no fault of whoever has just brought the sheet.
    let mut faults: Vec<Fault> = columns
        .iter()
        .filter(|c| c.bad && form.is_some())
        .map(|c| Fault {
            id: format!("field-{}", c.at),
            text: format!("{}: {}", c.name, c.told.as_ref().map(|told| told.text.text.as_str()).unwrap_or_default()),
            clause: c.told.as_ref().and_then(|told| told.clause.clone()),
        })
        .collect();
    if look.must_choose && form.is_some() {
        faults.push(Fault { id: "sheet".to_owned(), text: t.say("imports-choose-sheet"), clause: None });
    }
    if form.is_some_and(|form| form.text("header_row").is_some()) && pending.plan.header_row.is_none() {
        faults.push(Fault { id: "header_row".to_owned(), text: t.say("imports-fault-header_row"), clause: None });
    }
    let dates = [(DateForm::Iso, "iso"), (DateForm::Dotted, "dotted"), (DateForm::DayMonthSlashed, "slashed")];
    let faulty = form.is_some() && !faults.is_empty();
    let frame = pending.frame(state, visit, t.say("imports-columns"));
    let page = ColumnsPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        steps: steps(t, 1),
        about: pending.about(t),
        path: visit.href(&pending.path),
        faults,
        must_choose: look.must_choose,
        sheets: sheets(&look, pending.plan.sheet.as_deref()),
        columns,
        fields,
        dates: dates
            .iter()
            .map(|(form, name)| Choice {
                value: (*name).to_owned(),
                text: Said { text: t.say(&format!("imports-dates-{name}")), lang: None },
                chosen: look.mapping.dates == *form,
            })
            .collect(),
        decimal_comma: look.mapping.decimal_comma,
        separator: look.mapping.separator().to_string(),
        header_row: pending.plan.header_row.map(|n| n.to_string()).unwrap_or_default(),
        creates: pending.plan.creates,
        changes: pending.plan.changes,
        keep: pending.plan.keep_mapping,
        rows: t.say_with("imports-rows-below", &[("n", &look.rows.to_string())]),
        open: match look.columns.iter().filter(|c| c.fault.as_ref().is_some_and(|f| f.blocks)).count() {
            _ if look.must_choose => Some(t.say("imports-choose-sheet")),
            0 => None,
            n => Some(t.say_with("imports-open-columns", &[("n", &n.to_string())])),
        }
        .filter(|_| form.is_none()),
    };
    html_as(if faulty { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

/// The first values of a column; personal codes masked.
fn samples(kind: &RecordType, column: &crate::app::uploads::ColumnLook) -> String {
    let name = column.field.as_deref().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let name = name.split('[').next().unwrap_or_default();
    fn any(fields: &[Field], name: &str) -> bool {
        fields.iter().any(|f| f.name == name && f.kind == FieldType::PersonalCode || any(&f.parts, name))
    }
    let code = any(&kind.fields, name);
    let texts: Vec<String> = column.samples.iter().map(|s| if code { masked(s) } else { s.clone() }).collect();
    texts.join(" · ")
}

fn sheets(look: &Look, chosen: Option<&str>) -> Vec<Choice> {
    let choice = |name: &String| Choice {
        value: name.clone(),
        text: Said { text: name.clone(), lang: None },
        chosen: chosen == Some(name.as_str()),
    };
    look.sheets.iter().map(choice).collect()
}

/// The fields that a column can hold, by the sections of the record.
fn fields(t: T, kind: &RecordType) -> Vec<(Said, Vec<(String, String)>)> {
    let headings = headings(kind, t.code(), ITEMS);
    let mut groups: Vec<(Said, Vec<(String, String)>)> = kind
        .sections
        .iter()
        .map(|section| {
            let of = |path: &str| {
                let first = path.split(['/', '[']).next().unwrap_or_default();
                kind.fields.iter().any(|f| f.name == first && f.section.as_deref() == Some(section.name.as_str()))
            };
            let list = headings.iter().filter(|h| of(&h.path)).map(|h| {
                let star = if h.required { " *" } else { "" };
                (h.path.clone(), format!("{}{star}", h.label))
            });
            (t.label(&section.label), list.collect())
        })
        .collect();
    let row = vec![
        ("record_id".to_owned(), t.say("imports-record-id")),
        ("effective_on".to_owned(), t.say("imports-effective-on")),
    ];
    groups.push((Said { text: t.say("imports-of-row"), lang: None }, row));
    groups.retain(|(_, list)| !list.is_empty());
    groups
}

/// Keeps which column is which field, and tries the sheet so.
///
/// # Errors
/// As the acts.
pub async fn assign(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let upload = upload(&state, visit).await?;
    let mut pending = Pending::of(&state, visit, &upload)?;
    let register = pending.register.name().to_owned();
    let header_row = form.text("header_row").and_then(|n| n.parse::<u32>().ok()).filter(|n| *n > 0);
    let sheet = form.text("sheet").map(str::to_owned).or_else(|| pending.plan.sheet.clone());
    let another = sheet != pending.plan.sheet || header_row != pending.plan.header_row;
    let unread = form.text("header_row").is_some() && header_row.is_none();
    let plan = &mut pending.plan;
    plan.sheet = sheet;
    plan.header_row = header_row;
    plan.creates = form.has("creates");
    plan.changes = form.has("changes");
    plan.keep_mapping = form.has("keep");
    let mut assigned = BTreeMap::new();
    for (name, value) in &form.pairs {
        let Some(at) = name.strip_prefix("field-") else { continue };
        let Some(column) = form.raw(&format!("column-{at}")) else { continue };
        assigned.insert(column.to_owned(), Some(value.trim().to_owned()).filter(|path| !path.is_empty()));
    }
    plan.mapping = (!assigned.is_empty()).then(|| Mapping {
        columns: assigned,
        dates: match form.text("dates") {
            Some("dotted") => DateForm::Dotted,
            Some("slashed") => DateForm::DayMonthSlashed,
            _ => DateForm::Iso,
        },
        decimal_comma: form.has("decimal_comma"),
        separator: form.text("separator").and_then(|s| s.chars().next()),
    });
    if another {
        // Other rows are others: what was mended in those that were read before means nothing.
        plan.mended = Mended::default();
    }
    state.app.change_upload(visit.cx(), register.clone(), pending.line.id, &pending.plan, None).await?;
    let look = state.app.look_at_upload(visit.cx(), register, pending.line.id).await;
    let open = match look.map_err(Problem::from) {
        Ok(look) => look.must_choose || look.columns.iter().any(|c| c.fault.as_ref().is_some_and(|f| f.blocks)),
        Err(problem) => return failed(&state, visit, &pending, problem).await,
    };
    // Another sheet, or another row of names, has other columns: they are looked at first.
    if open || unread {
        return columns_page(&state, visit, &pending, Some(form)).await;
    }
    if another {
        return visit.see(&format!("{}/columns", pending.path));
    }
    visit.see(&pending.path)
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn pages_of_a_list_neither_overlap_nor_leave_anything_out() {
        let items: Vec<usize> = (0..60).collect();
        let pages: Vec<_> = (0..4).map(|n| page_of(&items, n)).collect();
        assert_eq!(pages.iter().map(|p| p.0.len()).collect::<Vec<_>>(), [25, 25, 10, 0]);
        assert_eq!((pages[0].1, pages[0].2, pages[2].1, pages[2].2), (false, true, true, false));
        assert_eq!(pages.iter().flat_map(|p| p.0).copied().collect::<Vec<_>>(), items);
    }
}
