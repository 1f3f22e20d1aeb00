//! Retention: what falls due and why, forecast, batches from the proposal to the act, legal holds.

mod batches;
mod carry;
mod holds;
mod review;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use askama::Template;
use chrono::NaiveDate;

use super::access::query_of;
use super::ask;
use super::frame::{Fault, Frame};
use super::say::{Said, T};
use super::svg::{self, Bar, Named, Svg};
use super::visit::{Posted, Visit};
use super::{Page, Shown, State, html, html_as, page};
use crate::domain::registers::Register;
use crate::domain::retention::{Part, Standing, Then};
use crate::store::acts::retention::NewBatch;
use crate::store::read::retention::DueRule;
use crate::web::problem::{Kind, Problem};
use words::{WhyTold, record_name, rule_label, rule_of, type_label};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/retention", due, "retention.due"),
    page!(Post "/r/{r}/retention", propose, "retention.propose"),
    page!(Get "/r/{r}/retention/forecast", forecast, "retention.forecast"),
    page!(Get "/r/{r}/retention/records/{type}/{id:[0-9a-f-]{36}}", why, "retention.read"),
    page!(Get "/r/{r}/retention/batches", batches::list, "retention.batch.list"),
    page!(Get "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}", batches::read, "retention.batch.read"),
    page!(Post "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/review", review::review, "retention.review"),
    page!(Post "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/finish", review::finish, "retention.review"),
    page!(Post "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/approval", carry::approve, "retention.approve"),
    page!(Get "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/execution", carry::ask, "retention.batch.read"),
    page!(Post "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/execution", carry::execute, "retention.execute"),
    page!(Get "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/back", carry::ask_back, "retention.batch.read"),
    page!(Post "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/back", carry::back, "retention.cancel"),
    page!(Get "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/cancel", carry::ask_cancel, "retention.batch.read"),
    page!(Post "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/cancel", carry::cancel, "retention.cancel"),
    page!(Get "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/act", carry::act, "retention.act.read"),
    page!(Get "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/package", carry::package, "retention.package"),
    page!(Get "/r/{r}/retention/holds", holds::list, "hold.list"),
    page!(Get "/r/{r}/retention/holds/new", holds::new, "hold.set: the form alone"),
    page!(Post "/r/{r}/retention/holds/new", holds::set, "hold.set"),
    page!(Get "/r/{r}/retention/holds/{id:[0-9a-f-]{36}}/lift", holds::ask_lift, "hold.lift: the form alone"),
    page!(Post "/r/{r}/retention/holds/{id:[0-9a-f-]{36}}/lift", holds::lift, "hold.lift"),
];

/// Records on a page of what is due.
const ROWS: i64 = 25;

/// A page of retention among its neighbours: text, address, whether one is there.
type Tab = (String, String, bool);

/// The pages of retention.
fn tabs(f: &Frame, here: &str) -> Vec<Tab> {
    let tab = |key: &str, path: &str| (f.t.say(key), f.at(&format!("/retention{path}")), path == here);
    vec![
        tab("retention-tab-due", ""),
        tab("retention-tab-forecast", "/forecast"),
        tab("retention-tab-batches", "/batches"),
        tab("retention-tab-holds", "/holds"),
    ]
}

struct RuleRow {
    name: String,
    label: Said,
    clause: String,
    term: String,
    series: String,
    source: String,
    then: String,
    /// How many data are due, and how many of these are stopped; nothing where the page does not tell.
    due: String,
    held: String,
    href: String,
    current: bool,
    /// Whether a batch can be proposed of it.
    proposes: bool,
}

struct DueLine {
    name: Said,
    href: String,
    kind: Said,
    rule: Said,
    clause: String,
    trigger: String,
    on: String,
    state: (&'static str, String),
    stops: Vec<String>,
    why: Vec<String>,
}

#[derive(Template)]
#[template(path = "ui/retention/due.html")]
struct DuePage {
    f: Frame,
    faults: Vec<Fault>,
    tabs: Vec<Tab>,
    on: String,
    iso: String,
    rules: Vec<RuleRow>,
    rule: String,
    chip: Option<(Said, String)>,
    lines: Vec<DueLine>,
    next: Option<String>,
    proposes: bool,
    /// The chosen day is still to come.
    ahead: bool,
    asks_purpose: bool,
}

/// What falls due by a day, by rule and record; it changes nothing.
///
/// # Errors
/// As the act.
pub async fn due(state: State, visit: Visit) -> Shown {
    let on = visit.q_day("on")?;
    html(&due_page(&state, &visit, on, visit.q("rule").map(str::to_owned), Vec::new()).await?)
}

async fn due_page(
    state: &State,
    visit: &Visit,
    on: Option<NaiveDate>,
    rule: Option<String>,
    faults: Vec<Fault>,
) -> Result<DuePage, Problem> {
    let (t, register) = (visit.t, visit.register(state)?);
    let today = register.day(state.app.store.now());
    let rule = rule.filter(|name| rule_of(&register, name).is_some());
    let cursor = visit.q("cursor").map(str::to_owned);
    let begins = cursor.is_none();
    let act = state.app.retention_due(visit.cx(), register.name().to_owned(), on, rule.clone(), cursor, ROWS);
    let view = act.await.map_err(|e| Problem::from(e).of_query())?.into_inner();
    let on = view.on;
    let ids: BTreeSet<_> = view.items.iter().map(|r| r.record_id).collect();
    let (titles, asks_purpose) = words::titles(state, visit, ids).await?;
    let frame = visit.frame(state, t.say("retention-title"));
    let day = on.to_string();
    let to = |rule: &str, cursor: &str| {
        let on = if on == today { "" } else { day.as_str() };
        frame.at(&format!("/retention{}", query_of(&[("on", on), ("rule", rule), ("cursor", cursor)])))
    };
    let whole = begins && view.next_cursor.is_none();
    let may_propose = visit.may("retention.propose") && on <= today;
    let row = |r: &DueRule| {
        // Whoever looks at one rule is told of that one.
        let told = rule.as_deref().is_none_or(|name| name == r.rule);
        let number = |n: u64| {
            let n = t.decimal(&n.to_string());
            if whole { n } else { t.say_with("retention-at-least", &[("n", &n)]) }
        };
        let current = rule.as_deref() == Some(r.rule.as_str());
        RuleRow {
            label: t.label(&r.label),
            clause: r.clause.clone(),
            term: rule_of(&register, &r.rule).map(|rule| words::term(t, &register, rule)).unwrap_or_default(),
            series: r.series.clone().unwrap_or_default(),
            source: r.source.clone().unwrap_or_default(),
            then: words::then(t, r.then.as_str()),
            due: if told && r.then != Then::Keep { number(r.due) } else { "–".to_owned() },
            held: if told && r.held > 0 { number(r.held) } else { String::new() },
            href: to(if current { "" } else { &r.rule }, ""),
            proposes: may_propose && told && r.then != Then::Keep && (r.due > r.held || !whole && r.due > 0),
            current,
            name: r.rule.clone(),
        }
    };
    let rules: Vec<RuleRow> = view.rules.iter().map(row).collect();
    let mut lines = Vec::new();
    for record in &view.items {
        let Some(kind) = register.record_type(&record.record_type) else { continue };
        let name = record_name(t, &register, &titles, &record.record_type, record.record_id);
        for part in &record.parts {
            lines.push(DueLine {
                name: name.clone(),
                href: frame.at(&format!("/retention/records/{}/{}", record.record_type, record.record_id)),
                kind: t.label(&kind.label),
                rule: rule_label(t, &register, &part.rule),
                clause: part.clause.0.clone(),
                trigger: trigger(t, &register, &record.record_type, part),
                on: part.due_on().map(|day| t.day(day)).unwrap_or_default(),
                state: words::standing(t, part),
                stops: words::stops(t, part),
                why: words::why_part(t, &register, kind, part),
            });
        }
    }
    Ok(DuePage {
        tabs: tabs(&frame, ""),
        on: t.day(on),
        iso: day.clone(),
        proposes: rules.iter().any(|r| r.proposes),
        chip: rule.as_deref().map(|name| (rule_label(t, &register, name), to("", ""))),
        rule: rule.clone().unwrap_or_default(),
        rules,
        lines,
        next: view.next_cursor.as_deref().map(|cursor| to(rule.as_deref().unwrap_or_default(), cursor)),
        ahead: on > today,
        asks_purpose,
        f: if faults.is_empty() { frame } else { frame.faulty() },
        faults,
    })
}

/// What a part counts from, with its day.
fn trigger(t: T, register: &Register, kind: &str, part: &Part) -> String {
    let (Standing::Due { trigger_on, .. } | Standing::Running { trigger_on, .. }) = part.state else {
        return String::new();
    };
    let named = part.trigger.as_deref().map(|s| words::source(t, register, register.record_type(kind), s));
    match named {
        Some(named) => format!("{named}: {}", t.day(trigger_on)),
        None => t.day(trigger_on),
    }
}

/// Proposes a batch of what is due by a day, of one rule or of all.
///
/// # Errors
/// As the act.
pub async fn propose(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let name = visit.word("r").to_owned();
    let rule = form.text("rule").map(str::to_owned);
    let on = form.day("on")?;
    let new = NewBatch { due_on: on, rules: rule.clone().into_iter().collect(), ..NewBatch::default() };
    match state.app.propose_batch(posted.cx(&state), name.clone(), new).await {
        Ok(batch) => visit.done(&format!("/r/{name}/retention/batches/{}", batch.get().id), "retention-proposed"),
        Err(error) => {
            let faults = faults(visit.t, error.into(), &[])?;
            let page = due_page(&state, visit, on, rule, faults).await?;
            html_as(StatusCode::CONFLICT, &page)
        }
    }
}

/// The faults for which a page of retention is shown again, in the visitor's language.
///
/// # Errors
/// The problem itself where it is not about what was asked for.
fn faults(t: T, problem: Problem, known: &[&str]) -> Result<Vec<Fault>, Problem> {
    if !matches!(problem.kind, Kind::Invalid | Kind::Conflict) {
        return Err(problem);
    }
    let said = |code: &str| t.say_if(&format!("retention-fault-{}", code.replace('_', "-")));
    if problem.errors.is_empty() {
        if let Some(text) = problem.code.and_then(said) {
            return Ok(vec![Fault { id: String::new(), text, clause: problem.clause }]);
        }
        return ask::faults(t, problem, known);
    }
    let own: Vec<Option<String>> = problem.errors.iter().map(|e| said(e.code)).collect();
    let clauses: Vec<_> = problem.errors.iter().map(|e| (ask::id_of(&e.pointer), e.clause.clone())).collect();
    if own.iter().all(Option::is_some) {
        let at = |id: String| if known.contains(&id.as_str()) { id } else { String::new() };
        // The batch tells of its items; the form asks for the reason and the day once.
        let asked = |code: &str, id: String| match code {
            "reason_missing" => at("reason".to_owned()),
            "until_passed" => at("until".to_owned()),
            _ => at(id),
        };
        let codes = problem.errors.iter().map(|e| e.code);
        let all = own.into_iter().flatten().zip(clauses).zip(codes);
        return Ok(all.map(|((text, (id, clause)), code)| Fault { id: asked(code, id), text, clause }).collect());
    }
    ask::faults(t, problem, known)
}

struct YearRow {
    year: String,
    cells: Vec<String>,
    total: String,
}

struct WaitingRow {
    rule: Said,
    clause: String,
    kind: Said,
    what: String,
    records: String,
}

#[derive(Template)]
#[template(path = "ui/retention/forecast.html")]
struct ForecastPage {
    f: Frame,
    tabs: Vec<Tab>,
    on: String,
    truncated: bool,
    chart: Svg,
    heads: Vec<(Said, String)>,
    years: Vec<YearRow>,
    waiting: Vec<WaitingRow>,
}

/// What falls due in which year, and what waits for its day.
///
/// # Errors
/// As the acts.
pub async fn forecast(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let name = || register.name().to_owned();
    let view = state.app.retention_forecast(visit.cx(), name()).await?.into_inner();
    let waits = state.app.retention_waiting(visit.cx(), name()).await?.into_inner();
    let all = &view.forecast;
    let mut rows: Vec<(String, &BTreeMap<String, u64>)> = Vec::new();
    if !all.due_now.is_empty() {
        rows.push((t.say("retention-now"), &all.due_now));
    }
    rows.extend(all.years.iter().map(|(year, rules)| (year.to_string(), rules)));
    let rules: Vec<&str> = register
        .definition
        .register
        .retention_rules
        .iter()
        .map(|r| r.name.as_str())
        .filter(|name| rows.iter().any(|(_, counts)| counts.contains_key(*name)))
        .collect();
    let number = |n: u64| t.decimal(&n.to_string());
    let bars: Vec<Bar> = rows
        .iter()
        .enumerate()
        .map(|(n, (year, counts))| {
            let total: u64 = counts.values().sum();
            let part = if n == 0 && !all.due_now.is_empty() { svg::Part::Other } else { svg::Part::Usual };
            #[expect(clippy::cast_precision_loss, reason = "the height of a bar")]
            let height = total as f64;
            Bar { label: year.clone(), said: number(total), parts: vec![(height, part)], off: false }
        })
        .collect();
    let named = Named { id: "forecast", title: &t.say("retention-chart"), desc: &t.say("retention-chart-desc") };
    let waiting = waits.items.iter().map(|w| {
        let rule = rule_of(&register, &w.rule);
        let kind = register.record_type(&w.record_type);
        let sources = rule.and_then(|r| r.trigger.as_ref()).map(|said| said.sources().to_vec()).unwrap_or_default();
        let sources: Vec<String> = sources.iter().map(|s| words::source(t, &register, kind, s)).collect();
        WaitingRow {
            rule: rule_label(t, &register, &w.rule),
            clause: rule.map(|r| r.clause.0.clone()).unwrap_or_default(),
            kind: type_label(t, &register, &w.record_type),
            what: if sources.is_empty() { t.say("retention-waits-rule") } else { sources.join(" / ") },
            records: number(w.records),
        }
    });
    let frame = visit.frame(&state, t.say("retention-forecast"));
    html(&ForecastPage {
        tabs: tabs(&frame, "/forecast"),
        on: t.day(view.on),
        truncated: view.truncated || waits.truncated,
        chart: if bars.is_empty() { Svg::default() } else { svg::bars(named, &bars) },
        heads: rules
            .iter()
            .map(|name| {
                let clause = rule_of(&register, name).map(|r| r.clause.0.clone()).unwrap_or_default();
                (rule_label(t, &register, name), clause)
            })
            .collect(),
        years: rows
            .iter()
            .map(|(year, counts)| YearRow {
                year: year.clone(),
                cells: rules.iter().map(|name| counts.get(*name).map_or_else(|| "–".into(), |n| number(*n))).collect(),
                total: number(counts.values().sum()),
            })
            .collect(),
        waiting: waiting.collect(),
        f: frame.crumb(t.say("retention-title"), &format!("/r/{}/retention", register.name())).under("/retention"),
    })
}

#[derive(Template)]
#[template(path = "ui/retention/why.html")]
struct WhyPage {
    f: Frame,
    kind: Said,
    on: String,
    told: WhyTold,
    record: Option<String>,
    hold: Option<String>,
    asks_purpose: bool,
}

/// Why one record stays or goes: for whoever keeps the terms, whether they may read the record or not.
///
/// # Errors
/// As the act.
pub async fn why(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let (kind, id) = (visit.word("type").to_owned(), visit.id("id")?);
    let on = visit.q_day("on")?;
    let act = state.app.retention_why(visit.cx(), register.name().to_owned(), kind.clone(), id, on);
    let why = act.await?.into_inner();
    let typed = register.record_type(&kind).ok_or_else(Problem::not_found)?;
    let (titles, asks_purpose) = words::titles(&state, &visit, BTreeSet::from([id])).await?;
    let name = record_name(t, &register, &titles, &kind, id);
    let base = format!("/r/{}/retention", register.name());
    let sets = visit.may("hold.set");
    let lifts = visit.href(&base);
    let frame = visit.frame(&state, t.say_with("retention-why-of", &[("name", &name.text)]));
    html(&WhyPage {
        kind: t.label(&typed.label),
        on: t.day(why.on),
        told: words::told(t, &register, typed, &why, sets.then_some(lifts.as_str())),
        // Who may read its title may open it.
        record: titles.contains_key(&id).then(|| frame.at(&format!("/records/{kind}/{id}"))),
        hold: sets.then(|| frame.at(&format!("/retention/holds/new?type={kind}&record={id}"))),
        asks_purpose,
        f: frame.crumb(t.say("retention-title"), &base).under("/retention"),
    })
}
