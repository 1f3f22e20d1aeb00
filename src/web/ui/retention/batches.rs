//! Batches of what goes: their list, and one of them with its state, its items, and what can be done with it now.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use askama::Template;
use uuid::Uuid;

use super::words::{self, dropped, failed, record_name, rule_label, rule_of, type_label};
use super::{Tab, tabs};
use crate::domain::registers::Register;
use crate::domain::retention::{Disposition, Outcome, Step};
use crate::store::read::retention::{BatchView, ItemView};
use crate::store::read::retention_screens::{BatchStory, fate};
use crate::web::problem::Problem;
use crate::web::ui::access::{moment, query_of};
use crate::web::ui::ask::{Asking, Choice, Field, Row};
use crate::web::ui::frame::{Fault, Frame};
use crate::web::ui::say::{Said, T};
use crate::web::ui::visit::{Form, Visit};
use crate::web::ui::{Shown, State, html, html_as};

/// Lines on a page.
const ROWS: i64 = 50;
/// States of an item, in the order in which they are told.
const STATES: [&str; 6] = ["proposed", "excluded", "kept", "erased", "dropped", "failed"];

struct Line {
    href: String,
    name: String,
    state: (&'static str, String),
    due_on: String,
    items: String,
    proposed: String,
    approved: String,
    acts: String,
}

#[derive(Template)]
#[template(path = "ui/retention/batches.html")]
struct ListPage {
    f: Frame,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    next: Option<String>,
}

/// Where a batch stands: colour and words.
pub fn state_tag(t: T, state: &str) -> (&'static str, String) {
    let class = match state {
        "proposed" | "reviewed" | "approved" => "warn",
        "executing" => "fut",
        "done" => "ok",
        "partly_failed" => "err sq",
        _ => "none",
    };
    (class, t.say(&format!("retention-batch-{}", state.replace('_', "-"))))
}

/// What a batch is called.
pub fn name(t: T, view: &BatchView) -> String {
    t.say_with("retention-batch", &[("n", &view.number.to_string())])
}

fn who(t: T, register: &Register, name: Option<&String>, at: Option<&String>) -> String {
    match (name, at) {
        (Some(name), Some(at)) => format!("{} · {name}", moment(t, register, at)),
        (None, Some(at)) => moment(t, register, at),
        _ => String::new(),
    }
}

/// Batches, newest first.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let act = state.app.list_batches(visit.cx(), register.name().to_owned(), visit.q_id("cursor")?, ROWS);
    let page = act.await?.into_inner();
    let frame = visit.frame(&state, t.say("retention-tab-batches"));
    let line = |view: &BatchView| Line {
        href: frame.at(&format!("/retention/batches/{}", view.id)),
        name: name(t, view),
        state: state_tag(t, &view.state),
        due_on: t.day(view.due_on),
        items: t.count(view.counts.values().sum()),
        proposed: who(t, &register, Some(&view.proposed_by), Some(&view.proposed_at)),
        approved: who(t, &register, view.approved_by.as_ref(), view.approved_at.as_ref()),
        acts: acts(t, view).join(", "),
    };
    html(&ListPage {
        tabs: tabs(&frame, "/batches"),
        lines: page.items.iter().map(line).collect(),
        next: page.next_cursor.map(|cursor| frame.at(&format!("/retention/batches?cursor={cursor}"))),
        f: frame.crumb(t.say("retention-title"), &format!("/r/{}/retention", register.name())).under("/retention"),
    })
}

fn act_name(t: T, kind: &str, number: i64) -> String {
    let n = number.to_string();
    let key = if kind == "transfer" { "retention-act-transfer" } else { "retention-act-destruction" };
    t.say_with(key, &[("n", &n)])
}

fn acts(t: T, view: &BatchView) -> Vec<String> {
    view.acts.iter().map(|(kind, number)| act_name(t, kind, *number)).collect()
}

struct ShareRow {
    rule: Said,
    clause: String,
    series: String,
    kind: Said,
    fate: String,
    tag: &'static str,
    count: String,
}

struct StepRow {
    text: String,
    class: &'static str,
    word: String,
    about: String,
}

struct ActRow {
    text: String,
    pdf: String,
    json: String,
}

struct ItemLine {
    value: String,
    checked: bool,
    name: Said,
    href: String,
    kind: Said,
    rule: Said,
    clause: String,
    on: String,
    fate: (&'static str, String),
    state: (&'static str, String),
    note: String,
}

struct Filter {
    text: String,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "ui/retention/batch.html")]
struct BatchPage {
    f: Frame,
    faults: Vec<Fault>,
    state: (&'static str, String),
    clause: Option<String>,
    rows: Vec<Row>,
    shares: Vec<ShareRow>,
    steps: Vec<StepRow>,
    acts: Vec<ActRow>,
    package: Vec<Row>,
    download: Option<String>,
    stayed: Vec<(String, String)>,
    filters: Vec<Filter>,
    lines: Vec<ItemLine>,
    next: Option<String>,
    base: String,
    query: String,
    revision: u32,
    review: Vec<Field>,
    /// The form that ends the review, for whoever may.
    finish: Vec<Field>,
    finish_about: Option<String>,
    /// The form of the approval, for whoever may.
    approve: Vec<Field>,
    /// Whether the visitor proposed or reviewed it, so that the approval is refused.
    own: bool,
    execute: Option<String>,
    /// Whoever approved it does not carry it out.
    approver: bool,
    cancels: bool,
    sends_back: bool,
    asks_purpose: bool,
}

/// A batch with what has become of it.
pub struct Opened {
    /// The register.
    pub register: std::sync::Arc<Register>,
    /// The batch.
    pub view: BatchView,
    /// A page of its items.
    pub items: Vec<ItemView>,
    /// Where the next begins.
    pub next: Option<String>,
    /// What has become of it.
    pub story: BatchStory,
}

/// Opens the batch of the address; at most `rows` of its items.
///
/// # Errors
/// As the acts.
pub async fn open(state: &State, visit: &Visit, rows: i64) -> Result<Opened, Problem> {
    let register = visit.register(state)?;
    let (name, id) = (register.name().to_owned(), visit.id("id")?);
    let only = visit.q("state").filter(|s| STATES.contains(s)).map(str::to_owned);
    let cursor = visit.q("cursor").map(str::to_owned);
    let act = state.app.read_batch(visit.cx(), name.clone(), id, only, cursor, rows);
    let read = act.await.map_err(|e| Problem::from(e).of_query())?.into_inner();
    let story = state.app.batch_story(visit.cx(), name, id).await?.into_inner();
    Ok(Opened { register, view: read.batch, items: read.items, next: read.next_cursor, story })
}

/// A batch: its state, what it holds, what can be done with it now.
///
/// # Errors
/// As the acts.
pub async fn read(state: State, visit: Visit) -> Shown {
    html(&page(&state, &visit, &Form::default(), Vec::new()).await?)
}

/// The same with what was filled in and what is wrong with it.
///
/// # Errors
/// As the acts.
pub async fn again(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>, status: StatusCode) -> Shown {
    html_as(status, &page(state, visit, form, faults).await?)
}

/// The query that leads to the same items again.
pub fn query(visit: &Visit) -> String {
    let q = |name: &str| visit.q(name).unwrap_or_default().to_owned();
    query_of(&[("state", &q("state")), ("cursor", &q("cursor"))])
}

async fn page(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Result<BatchPage, Problem> {
    let opened = open(state, visit, ROWS).await?;
    let ids: BTreeSet<Uuid> = opened.items.iter().map(|i| i.item.record).collect();
    let (titles, asks_purpose) = words::titles(state, visit, ids).await?;
    let Opened { register, view, items, next, story } = &opened;
    let t = visit.t;
    let title = name(t, view);
    let base = format!("/r/{}/retention", register.name());
    let frame = visit
        .frame(state, title)
        .crumb(t.say("retention-title"), &base)
        .crumb(t.say("retention-tab-batches"), &format!("{base}/batches"))
        .under("/retention");
    let path = format!("/retention/batches/{}", view.id);
    let to = |state: &str, cursor: &str| {
        frame.at(&format!("{path}{}#items-h", query_of(&[("state", state), ("cursor", cursor)])))
    };
    let only = visit.q("state").filter(|s| STATES.contains(s)).unwrap_or_default();
    let stands = view.state.as_str();
    let reviews = stands == "proposed" && visit.may("retention.propose");
    let asking = Asking { t, form, faults: &faults };
    let all = view.counts.values().sum::<i64>();
    let mut filters = vec![Filter {
        text: t.say_with("retention-items-all", &[("n", &t.count(all))]),
        href: to("", ""),
        current: only.is_empty(),
    }];
    filters.extend(STATES.iter().filter_map(|state| {
        let n = view.counts.get(*state).filter(|n| **n > 0)?;
        let text = format!("{} {}", item_state(t, state).1, t.count(*n));
        Some(Filter { text, href: to(state, ""), current: only == *state })
    }));
    let checked: BTreeSet<&str> = form.all("item").collect();
    Ok(BatchPage {
        state: state_tag(t, stands),
        clause: story.clause.clone(),
        rows: rows(t, register, view, story),
        shares: shares(t, register, story),
        steps: steps(t, register, view, story),
        acts: view
            .acts
            .iter()
            .map(|(kind, number)| ActRow {
                text: act_name(t, kind, *number),
                pdf: frame.at(&format!("{path}/act?kind={kind}&format=pdf")),
                json: frame.at(&format!("{path}/act?kind={kind}")),
            })
            .collect(),
        package: package(t, view),
        download: (view.package.as_ref().is_some_and(|p| !p["file"].is_null()) && visit.may("retention.execute"))
            .then(|| frame.at(&format!("{path}/package"))),
        stayed: stayed(t, story),
        filters,
        lines: items.iter().map(|item| line(t, register, &frame, &titles, item, &checked)).collect(),
        next: next.as_deref().map(|cursor| to(only, cursor)),
        query: query(visit),
        revision: view.revision,
        review: if reviews { review_fields(&asking, story) } else { Vec::new() },
        finish: if reviews { finish_fields(&asking, story) } else { Vec::new() },
        finish_about: reviews.then(|| {
            let decided = story.undecided.is_empty();
            t.say(if decided { "retention-finish-decided" } else { "retention-finish-about" })
        }),
        approve: if stands == "reviewed" && visit.may("retention.approve") {
            let hint = t.say_with("retention-approve-number-hint", &[("n", &view.number.to_string())]);
            vec![asking.short("number", asking.said("retention-approve-number")).hint(hint)]
        } else {
            Vec::new()
        },
        own: story.is_own,
        execute: match stands {
            "approved" => Some("retention-execute"),
            "executing" => Some("retention-go-on"),
            _ => None,
        }
        .filter(|_| visit.may("retention.execute"))
        .map(|key| t.say(key)),
        approver: story.approved_by_asker && ["approved", "executing"].contains(&stands),
        cancels: ["proposed", "reviewed"].contains(&stands) && visit.may("retention.propose"),
        sends_back: stands == "reviewed" && visit.may("retention.propose"),
        base: frame.at(&path),
        asks_purpose,
        f: if faults.is_empty() { frame } else { frame.faulty() },
        faults,
    })
}

fn rows(t: T, register: &Register, view: &BatchView, story: &BatchStory) -> Vec<Row> {
    let mut rows = vec![
        Row::new(t.say("retention-due-by"), t.day(view.due_on)),
        Row::new(t.say("retention-proposed"), who(t, register, Some(&view.proposed_by), Some(&view.proposed_at))),
    ];
    if !story.reviewed_by.is_empty() {
        rows.push(Row::new(t.say("retention-reviewed"), story.reviewed_by.join(", ")));
    }
    if view.approved_by.is_some() {
        let who = who(t, register, view.approved_by.as_ref(), view.approved_at.as_ref());
        rows.push(Row::new(t.say("retention-approved"), who));
    }
    if let Some(name) = &story.executed_by {
        rows.push(Row::new(t.say("retention-executed"), name.clone()));
    }
    if let Some(at) = &view.finished_at {
        rows.push(Row::new(t.say("retention-finished"), moment(t, register, at)));
    }
    if let Some(reason) = &story.reason {
        rows.push(Row::new(t.say("retention-reason"), reason.clone()));
    }
    rows
}

/// What becomes of an item: colour and words.
pub fn fate_tag(t: T, fate: &str) -> (&'static str, String) {
    let class = match fate {
        "undecided" => "warn",
        "archive" => "fut",
        "destroy" | "anonymise" => "err",
        _ => "none",
    };
    (class, t.say(&format!("retention-fate-{fate}")))
}

fn item_state(t: T, state: &str) -> (&'static str, String) {
    let class = match state {
        "erased" => "ok",
        "dropped" => "fut",
        "failed" => "err sq",
        _ => "none",
    };
    (class, t.say(&format!("retention-item-{state}")))
}

fn shares(t: T, register: &Register, story: &BatchStory) -> Vec<ShareRow> {
    let row = |(share, n): (&crate::store::read::retention_screens::Share, &u64)| {
        let rule = rule_of(register, &share.rule);
        let (tag, fate) = fate_tag(t, share.fate);
        ShareRow {
            rule: rule_label(t, register, &share.rule),
            clause: rule.map(|r| r.clause.0.clone()).unwrap_or_default(),
            series: rule.and_then(|r| r.series.clone()).unwrap_or_default(),
            kind: type_label(t, register, &share.record_type),
            fate,
            tag,
            count: t.decimal(&n.to_string()),
        }
    };
    story.shares.iter().map(row).collect()
}

/// How far the batch has come, step by step.
fn steps(t: T, register: &Register, view: &BatchView, story: &BatchStory) -> Vec<StepRow> {
    let stands = view.state.as_str();
    let reviewed = !["proposed", "cancelled"].contains(&stands);
    let mut all: Vec<(&str, bool, String)> = vec![
        ("proposed", true, who(t, register, Some(&view.proposed_by), Some(&view.proposed_at))),
        ("reviewed", reviewed, story.reviewed_by.join(", ")),
        (
            "approved",
            view.approved_at.is_some(),
            who(t, register, view.approved_by.as_ref(), view.approved_at.as_ref()),
        ),
    ];
    let over = ["done", "partly_failed"].contains(&stands);
    all.extend(story.steps.iter().map(|(step, done)| {
        let word = match step {
            Step::PackageWritten => "written",
            Step::PackageVerified => "verified",
            Step::Stored => "stored",
            Step::Erased => "erased",
            Step::ActDrawn => "act",
        };
        (word, *done || over, String::new())
    }));
    let next = all.iter().position(|(_, done, _)| !done).filter(|_| stands != "cancelled");
    all.into_iter()
        .enumerate()
        .map(|(n, (word, done, about))| {
            let (class, state) = match (done, Some(n) == next) {
                (true, _) => ("ok", "retention-step-done"),
                (false, true) => ("warn", "retention-step-next"),
                (false, false) => ("none", "retention-step-later"),
            };
            StepRow { text: t.say(&format!("retention-step-is-{word}")), class, word: t.say(state), about }
        })
        .collect()
}

fn package(t: T, view: &BatchView) -> Vec<Row> {
    let Some(package) = &view.package else { return Vec::new() };
    let text = |name: &str| package[name].as_str().map(str::to_owned);
    let number = |name: &str| package[name].as_u64().map(|n| t.decimal(&n.to_string()));
    let lines = [
        ("retention-package-name", text("name")),
        ("retention-package-files", number("files")),
        ("retention-package-bytes", number("file_bytes").or_else(|| number("bytes"))),
        ("retention-package-digest", text("file_sha256").or_else(|| text("manifest_sha256"))),
    ];
    lines.into_iter().filter_map(|(key, value)| Some(Row::new(t.say(key), value?))).collect()
}

/// Why something of the batch is still there, and how much.
fn stayed(t: T, story: &BatchStory) -> Vec<(String, String)> {
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for item in &story.stayed {
        let reason = match &item.outcome {
            Outcome::Dropped(reason) => dropped(t, reason),
            Outcome::Failed(code) => failed(t, code),
            Outcome::Pending | Outcome::Erased => continue,
        };
        *reasons.entry(reason).or_default() += 1;
    }
    reasons.into_iter().map(|(reason, n)| (reason, t.decimal(&n.to_string()))).collect()
}

fn line(
    t: T,
    register: &Register,
    frame: &Frame,
    titles: &BTreeMap<Uuid, String>,
    view: &ItemView,
    checked: &BTreeSet<&str>,
) -> ItemLine {
    let item = &view.item;
    let value = format!("{}/{}", item.record, item.rule);
    let note = match (&item.outcome, &item.excluded, &item.disposition) {
        (Outcome::Dropped(reason), ..) => dropped(t, reason),
        (Outcome::Failed(code), ..) => failed(t, code),
        (_, Some(reason), _) => reason.clone(),
        (_, None, Some(Disposition::KeepUntil { until, reason })) => {
            t.say_with("retention-kept-until", &[("day", &t.day(*until)), ("reason", reason)])
        }
        _ => String::new(),
    };
    ItemLine {
        checked: checked.contains(value.as_str()),
        name: record_name(t, register, titles, &item.record_type, item.record),
        // What is gone has no page any more.
        href: if item.outcome == Outcome::Erased {
            String::new()
        } else {
            frame.at(&format!("/retention/records/{}/{}", item.record_type, item.record))
        },
        kind: type_label(t, register, &item.record_type),
        rule: rule_label(t, register, &item.rule),
        clause: item.clause.0.clone(),
        on: t.day(item.due_on),
        fate: fate_tag(t, fate(item)),
        state: item_state(t, &view.state),
        note,
        value,
    }
}

/// What a reviewer decides of the items that they choose.
fn review_fields(asking: &Asking<'_>, story: &BatchStory) -> Vec<Field> {
    let t = asking.t;
    let undecided = t.say_with("retention-to-undecided", &[("n", &story.undecided.len().to_string())]);
    let mut to = vec![Choice::new("chosen", asking.said("retention-to-chosen"))];
    if !story.undecided.is_empty() {
        to.push(Choice::new("undecided", Said { text: undecided, lang: None }));
    }
    let mut to = asking.radios("to", asking.said("retention-to"), to);
    if !to.choices.iter().any(|c| c.chosen)
        && let Some(first) = to.choices.first_mut()
    {
        first.chosen = true;
    }
    let decisions = ["archive", "destroy", "keep_until", "exclude", "include"];
    let decisions =
        decisions.map(|word| Choice::new(word, asking.said(&format!("retention-decide-{}", word.replace('_', "-")))));
    vec![
        to,
        asking.radios("decision", asking.said("retention-decision"), decisions.to_vec()),
        asking.short("until", asking.said("retention-until")).hint(t.say("retention-until-hint")),
        asking.line("reason", asking.said("retention-reason")).hint(t.say("retention-reason-hint")),
    ]
}

/// What is asked before the review ends: what becomes of what nobody has decided.
fn finish_fields(asking: &Asking<'_>, story: &BatchStory) -> Vec<Field> {
    let n = story.undecided.len();
    if n == 0 {
        return Vec::new();
    }
    let fates = ["archive", "destroy"].map(|w| Choice::new(w, asking.said(&format!("retention-decide-{w}"))));
    let label = asking.t.say_with("retention-finish-undecided", &[("n", &n.to_string())]);
    vec![asking.radios("fate", Said { text: label, lang: None }, fates.to_vec())]
}
