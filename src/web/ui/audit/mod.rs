//! The log as a supervisor reads it: the answer first, then the days, then the entries.

mod ask;
mod review;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc, Weekday};
use serde_json::Value;
use uuid::Uuid;

use ask::{Asked, Key, is_kind, start};

use super::desk::{moment, plural};
use super::frame::{Fault, Frame};
use super::visit::{Form, Posted, Visit};
use super::{Page, Said, Shown, State, T, html, html_as, page};
use crate::domain::registers::Register;
use crate::domain::supervision::ordinary;
use crate::store::acts::supervision::KeptFilter;
use crate::store::read::audit::AuditView;
use crate::store::read::supervision::QueryView;
use crate::store::read::survey::{StepCount, Summary, Survey};
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/audit", show, "audit.read"),
    page!(Post "/r/{r}/audit", asked, "search.keep: the visitor's own"),
    page!(Post "/r/{r}/audit/queries", keep, "audit.query.keep"),
    page!(Get "/r/{r}/audit/queries/{id:[0-9a-f-]{36}}", again, "audit.query.list"),
    page!(Post "/r/{r}/audit/queries/{id:[0-9a-f-]{36}}", forget, "audit.query.forget"),
    page!(Get "/r/{r}/audit/signals", review::signals, "audit.signals"),
    page!(Get "/r/{r}/audit/sample", review::sample, "audit.sample"),
    page!(Get "/r/{r}/audit/reviews", review::reviews, "audit.review.list"),
    page!(Post "/r/{r}/audit/reviews", review::sign, "audit.review"),
    page!(Get "/r/{r}/audit/report", review::report, "access.report"),
    page!(Get "/r/{r}/audit/integrity", review::integrity, "audit.vkey: a public key"),
    page!(Post "/r/{r}/audit/integrity", review::checkpoint, "audit.checkpoint"),
    page!(Get "/r/{r}/audit/export", review::export, "audit.export"),
];

/// Entries of a page.
const PAGE: i64 = 25;
/// Days that are shown one by one; a longer period is shown by months.
const MOST_DAYS: i64 = 62;
/// Records of an entry that are named.
const NAMED: usize = 3;
/// Values of a facet that are shown.
const FACET: usize = 8;

/// An entry of the log as it is shown.
#[derive(Debug)]
pub struct Row {
    when: String,
    who: String,
    username: String,
    role: Option<Said>,
    action: String,
    kind: &'static str,
    about: Option<Said>,
    records: Vec<(String, String)>,
    more: usize,
    sections: String,
    all_sections: String,
    purpose: Option<String>,
    unexplained: bool,
    off: Option<String>,
    denied: bool,
    clause: Option<String>,
    policy: Option<String>,
    fields: String,
    request: Option<String>,
    seq: String,
    id: Uuid,
}

/// A condition that is in force, and the way to drop it.
#[derive(Debug)]
struct Chip {
    text: String,
    href: String,
}

/// A value by which the list can be narrowed.
#[derive(Debug)]
struct Choice {
    text: Said,
    count: String,
    href: Option<String>,
    current: bool,
    flag: bool,
}

/// A bar of the chart.
#[derive(Debug, Default)]
struct Bar {
    x: String,
    width: String,
    back_x: String,
    back_width: String,
    off: bool,
    middle: String,
    label: String,
    /// Heights and tops: seen or changed, left, refused.
    parts: Vec<(&'static str, String, String)>,
    name: String,
    href: String,
    total: String,
    left: String,
    denied: String,
    nothing: bool,
}

#[derive(Template)]
#[template(path = "ui/audit/audit.html")]
struct AuditPage {
    f: Frame,
    line: String,
    faults: Vec<Fault>,
    chips: Vec<Chip>,
    clear: String,
    answer: Vec<String>,
    warned: Option<String>,
    months: Vec<(String, String, bool)>,
    facets: Vec<(String, Vec<Choice>)>,
    queries: Vec<(String, String, Uuid)>,
    may_keep: bool,
    may_review: bool,
    report: Option<String>,
    bars: Vec<Bar>,
    by_month: bool,
    rows: Vec<Row>,
    next: Option<String>,
    logged: String,
    scanned: Option<String>,
    form: Vec<(&'static str, String, String)>,
    roles: Vec<(String, Said, bool)>,
    purposes: Vec<(String, Said, bool)>,
    kinds: Vec<(String, String, bool)>,
    denied: bool,
    permitted: bool,
    clauses: Vec<String>,
}

/// The page without its answer: a line that could not be read.
fn unanswered(state: &State, visit: &Visit, line: String, faults: Vec<Fault>) -> Result<AuditPage, Problem> {
    let register = visit.register(state)?;
    let mut page = empty(state, visit, &register, &Asked::default());
    page.f = page.f.faulty();
    (page.line, page.faults) = (line, faults);
    Ok(page)
}

fn empty(state: &State, visit: &Visit, register: &Register, asked: &Asked) -> AuditPage {
    let t = visit.t;
    let source = &register.definition.register;
    let current = |key: Key| asked.get(key).unwrap_or_default().to_owned();
    let what = current(Key::What);
    AuditPage {
        f: visit.frame(state, t.say("audit-title")),
        line: asked.line(t),
        faults: Vec::new(),
        chips: Vec::new(),
        clear: visit.href(&format!("/r/{}/audit", register.name())),
        answer: Vec::new(),
        warned: None,
        months: Vec::new(),
        facets: Vec::new(),
        queries: Vec::new(),
        may_keep: false,
        may_review: visit.may("audit.review"),
        report: None,
        bars: Vec::new(),
        by_month: false,
        rows: Vec::new(),
        next: None,
        logged: String::new(),
        scanned: None,
        form: [Key::Person, Key::Record, Key::Who, Key::When]
            .into_iter()
            .map(|key| (key.name(), t.say(&format!("audit-key-{}", key.name())), current(key)))
            .collect(),
        roles: source.roles.iter().map(|r| (r.name.clone(), t.label(&r.label), r.name == current(Key::Role))).collect(),
        purposes: source
            .purposes
            .iter()
            .map(|p| (p.name.clone(), t.label(&p.label), p.name == current(Key::Why)))
            .collect(),
        kinds: ["read", "write", "export", "disclosure", "document", "case", "grant", "denial"]
            .into_iter()
            .map(|kind| (kind.to_owned(), t.say(&format!("audit-kind-{kind}")), kind == what))
            .collect(),
        denied: current(Key::Decision) == "denied",
        permitted: current(Key::Decision) == "permitted",
        clauses: clauses(register),
    }
}

/// The clauses that the log and its supervision rest on, as far as the definition knows them.
fn clauses(register: &Register) -> Vec<String> {
    let behaviours = ["access_log", "tamper_evidence", "supervision"];
    let mut found: Vec<String> = register
        .definition
        .clauses
        .iter()
        .filter(|row| row.behaviours.iter().any(|b| behaviours.contains(&b.as_str())))
        .map(|row| row.id.to_string())
        .collect();
    found.truncate(3);
    found
}

/// The log: what the address and what the server keeps under it ask for.
///
/// # Errors
/// As the act.
pub async fn show(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let asked = asked_for(&state, &visit).await?;
    let today = register.day(state.app.store.now());
    let zone = register.definition.register.time_zone;
    let (from, to, chosen) = asked.days(today);
    let (steps, by_month) = steps(from, to);
    let wanted = asked.wanted(&register, today, visit.q_id("cursor")?, PAGE);
    let instants: Vec<DateTime<Utc>> = steps.iter().map(|day| start(*day, zone)).collect();
    let name = register.name().to_owned();
    let survey = state.app.survey_audit(visit.cx(), name.clone(), wanted, instants);
    let queries = async {
        if visit.may("audit.review") {
            state.app.list_queries(visit.cx(), name.clone()).await.map(Some)
        } else {
            Ok(None)
        }
    };
    let (survey, queries) = futures_util::future::join(survey, queries).await;
    let survey = survey?.into_inner();
    let queries = queries?.map(|page| page.into_inner().items).unwrap_or_default();
    let view = View { visit: &visit, register: &register, asked: &asked };
    let mut page = empty(&state, &visit, &register, &asked);
    page.chips = view.chips();
    page.answer = view.answer(&survey, from, to, chosen);
    page.warned = view.warning(&survey.summary);
    page.months = view.months(today);
    page.facets = view.facets(&survey.summary);
    page.queries = queries
        .into_iter()
        .map(|q: QueryView| (q.name, visit.href(&format!("/r/{name}/audit/queries/{}", q.id)), q.id))
        .collect();
    page.may_keep = visit.may("audit.review")
        && !asked.parts.is_empty()
        && asked.parts.iter().all(|(k, v, not)| !(*not || *k == Key::What && is_kind(v)));
    if visit.may("access.report") && (asked.kept.is_some() || asked.get(Key::Record).is_some()) {
        let mut about = asked.clone();
        about.parts.retain(|(k, ..)| [Key::Person, Key::Record].contains(k));
        page.report = Some(visit.href(&format!("/r/{name}/audit/report{}", about.query(&register))));
    }
    page.bars = view.bars(&steps, &survey.summary.steps, by_month);
    page.by_month = by_month;
    page.rows = survey.list.items.iter().map(|item| view.row(item, &survey.summary)).collect();
    page.next = survey.list.next_cursor.map(|cursor| {
        let query = asked.query(&register);
        let join = if query.is_empty() { '?' } else { '&' };
        visit.href(&format!("/r/{name}/audit{query}{join}cursor={cursor}"))
    });
    page.scanned = survey.list.scanned.map(|n| visit.t.count(i64::try_from(n).unwrap_or(i64::MAX)));
    page.logged = visit.t.say_with("audit-logged", &[("when", &visit.t.instant(state.app.store.now(), zone))]);
    html(&page)
}

/// What the address asks for, with what the server keeps of it.
async fn asked_for(state: &State, visit: &Visit) -> Result<Asked, Problem> {
    let mut asked = Asked::of(visit);
    if let Some(id) = asked.kept {
        let kept = state.app.search(visit.cx(), visit.register(state)?.name().to_owned(), id).await?;
        // What was kept for a day is gone after it: then it is asked anew, and nothing else is shown in its place.
        let kept = kept.ok_or_else(Problem::not_found)?;
        asked.restore(&kept.query);
    }
    Ok(asked)
}

/// The days at which the parts of a period begin, and the first after it; by months where there would be too many.
fn steps(from: NaiveDate, to: NaiveDate) -> (Vec<NaiveDate>, bool) {
    let by_month = (to - from).num_days() > MOST_DAYS;
    let mut steps = vec![from];
    let mut at = from;
    while at < to && steps.len() <= 60 {
        let next = if by_month {
            at.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)))
        } else {
            at.succ_opt()
        };
        let Some(next) = next.map(|n| n.min(to)) else { break };
        steps.push(next);
        at = next;
    }
    // What is longer than five years ends with all that is left.
    if let Some(last) = steps.last_mut() {
        *last = to;
    }
    (steps, by_month)
}

/// Reads the line or the form and shows its answer at an address that holds nothing personal.
///
/// # Errors
/// 422 with the words that say nothing.
pub async fn asked(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let line = if form.has("line") { form.value("line").to_owned() } else { line_of(form, visit.t) };
    let read = match Asked::read(&line, &register, visit.t) {
        Ok(read) => read,
        Err(unread) => {
            let text = visit.t.say_with("audit-unread", &[("words", &unread.0.join(" "))]);
            let fault = Fault { id: "line".into(), text, clause: None };
            return html_as(StatusCode::UNPROCESSABLE_ENTITY, &unanswered(&state, visit, line, vec![fault])?);
        }
    };
    to_answer(&state, visit, &register, read).await
}

/// Keeps what is personal and sends the visitor to the answer.
async fn to_answer(state: &State, visit: &Visit, register: &Register, mut asked: Asked) -> Shown {
    asked.kept = None;
    if let Some(personal) = asked.personal(register) {
        asked.kept = Some(state.app.keep_search(visit.cx(), register.name().to_owned(), None, personal).await?);
    }
    visit.see(&format!("/r/{}/audit{}", register.name(), asked.query(register)))
}

/// The line that a filled form writes.
fn line_of(form: &Form, t: T) -> String {
    let mut parts: Vec<(Key, String, bool)> = Vec::new();
    for key in Key::ALL {
        if let Some(value) = form.text(key.name()) {
            parts.push((key, value.replace('"', ""), false));
        }
    }
    Asked { parts, kept: None }.line(t)
}

/// Keeps a query under a name.
///
/// # Errors
/// As the act; 422 where the name is missing or taken.
pub async fn keep(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let line = form.value("line").to_owned();
    let asked = Asked::read(&line, &register, visit.t).map_err(|_| Problem::malformed("the query cannot be read"))?;
    let text = |key: Key| asked.get(key).map(str::to_owned);
    let period = asked.get(Key::When).and_then(ask::period);
    let filter = KeptFilter {
        actor: text(Key::Who),
        subject: text(Key::Person),
        action: text(Key::What),
        from: period.map(|p| p.0.to_string()),
        to: period.and_then(|p| p.1.pred_opt()).map(|d| d.to_string()),
        record_id: asked.get(Key::Record).and_then(|id| Uuid::parse_str(id).ok()),
        decision: text(Key::Decision),
        purpose: text(Key::Why),
        role: text(Key::Role),
    };
    let name = form.value("name").to_owned();
    let kept = state.app.keep_query(posted.cx(&state), register.name().to_owned(), name, filter).await;
    match kept.map_err(Problem::from) {
        Ok(_) => to_answer(&state, visit, &register, asked).await,
        Err(problem) if super::is_about_the_form(&problem) => {
            let key = if problem.kind == Kind::Conflict { "audit-name-taken" } else { "audit-name-missing" };
            let fault = Fault { id: "keep-name".into(), text: visit.t.say(key), clause: None };
            let mut page = unanswered(&state, visit, line, vec![fault])?;
            page.may_keep = true;
            html_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(problem) => Err(problem),
    }
}

/// Asks a kept query again.
///
/// # Errors
/// 404 where the visitor keeps none of that id.
pub async fn again(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let id = visit.id("id")?;
    let list = state.app.list_queries(visit.cx(), register.name().to_owned()).await?.into_inner().items;
    let kept = list.into_iter().find(|q| q.id == id).ok_or_else(Problem::not_found)?.query;
    let when = match (kept.from, kept.to) {
        (Some(from), Some(to)) if from == to => Some(from),
        (Some(from), Some(to)) => Some(format!("{from}..{to}")),
        (from, to) => from.or(to),
    };
    let values = [
        (Key::Person, kept.subject),
        (Key::Record, kept.record_id.map(|id| id.to_string())),
        (Key::Who, kept.actor),
        (Key::What, kept.action),
        (Key::When, when),
        (Key::Why, kept.purpose),
        (Key::Role, kept.role),
        (Key::Decision, kept.decision),
    ];
    let parts = values.into_iter().filter_map(|(key, value)| Some((key, value?, false))).collect();
    to_answer(&state, &visit, &register, Asked { parts, kept: None }).await
}

/// Forgets a kept query.
///
/// # Errors
/// As the act.
pub async fn forget(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let register = visit.register(&state)?;
    state.app.forget_query(posted.cx(&state), register.name().to_owned(), visit.id("id")?).await?;
    visit.done(&format!("/r/{}/audit", register.name()), "audit-forgotten")
}

/// How entries of a register are told.
pub struct View<'v> {
    visit: &'v Visit,
    register: &'v Register,
    asked: &'v Asked,
}

impl View<'_> {
    fn t(&self) -> T {
        self.visit.t
    }

    fn to(&self, asked: &Asked) -> String {
        self.visit.href(&format!("/r/{}/audit{}", self.register.name(), asked.query(self.register)))
    }

    fn role(&self, name: &str) -> Said {
        let role = self.register.definition.register.roles.iter().find(|r| r.name == name);
        role.map_or_else(|| Said { text: name.to_owned(), lang: None }, |r| self.t().label(&r.label))
    }

    fn value(&self, key: Key, value: &str) -> String {
        let t = self.t();
        match key {
            Key::Person if value.bytes().filter(u8::is_ascii_digit).count() >= 6 => super::say::masked(value),
            Key::What => self.action(value),
            Key::Role | Key::Why if value == "none" => t.say("audit-none"),
            Key::Role => self.role(value).text,
            Key::Why => {
                let known = self.register.definition.register.purposes.iter().find(|p| p.name == value);
                known.map_or_else(|| value.to_owned(), |p| short(&t.label(&p.label).text))
            }
            Key::Decision => t.say(&format!("audit-decision-{value}")),
            Key::Record => value.get(..8).unwrap_or(value).to_owned(),
            Key::When => ask::period(value).map_or_else(|| value.to_owned(), |(from, to)| self.when(from, to)),
            Key::Person | Key::Who => value.to_owned(),
        }
    }

    /// What an action is called; a kind of event by its kind.
    fn action(&self, action: &str) -> String {
        let t = self.t();
        let key = format!("{}{}", if is_kind(action) { "audit-kind-" } else { "audit-act-" }, action.replace('.', "_"));
        t.say_if(&key).map_or_else(|| action.to_owned(), |text| begun(&text))
    }

    fn month(&self, day: NaiveDate) -> String {
        self.t().say_with(&format!("audit-month-{}", day.month()), &[("year", &day.year().to_string())])
    }

    /// A period in words.
    fn when(&self, from: NaiveDate, to: NaiveDate) -> String {
        let last = to.pred_opt().unwrap_or(to);
        if from == last {
            self.t().weekday(from)
        } else if from.day() == 1 && from.checked_add_months(Months::new(1)) == Some(to) {
            self.month(from)
        } else {
            format!("{}–{}", self.t().day(from), self.t().day(last))
        }
    }

    fn chips(&self) -> Vec<Chip> {
        let chip = |(place, (key, value, not)): (usize, &(Key, String, bool))| Chip {
            text: format!(
                "{}{}: {}",
                if *not { self.t().say("audit-not") } else { String::new() },
                self.t().say(&format!("audit-key-{}", key.name())),
                self.value(*key, value)
            ),
            href: self.to(&self.asked.without(place)),
        };
        self.asked.parts.iter().enumerate().map(chip).collect()
    }

    fn answer(&self, survey: &Survey, from: NaiveDate, to: NaiveDate, chosen: bool) -> Vec<String> {
        let (t, summary) = (self.t(), &survey.summary);
        let when = if chosen { begun(&self.when(from, to)) } else { t.say("audit-last-year") };
        if survey.subjects == Some(0) {
            return vec![t.say("audit-nobody")];
        }
        let total = summary.total.unwrap_or(summary.counted);
        if total == 0 {
            return vec![t.say_with("audit-nothing", &[("when", &when)])];
        }
        let mut kinds: Vec<(&str, i64)> = Vec::new();
        for (kind, n) in &summary.kinds {
            let kind = match kind.as_str() {
                known @ ("read" | "write" | "disclosure" | "export" | "document" | "denial") => known,
                _ => "other",
            };
            match kinds.iter_mut().find(|k| k.0 == kind) {
                Some(known) => known.1 += n,
                None => kinds.push((kind, *n)),
            }
        }
        kinds.sort_by_key(|k| (k.0 == "other", -k.1));
        let kinds: Vec<String> =
            kinds.into_iter().map(|(kind, n)| plural(t, &format!("audit-some-{kind}_"), n)).collect();
        let people = i64::try_from(summary.people).unwrap_or(i64::MAX);
        let mut out = Vec::new();
        if summary.complete {
            out.push(t.say_with(
                "audit-answer",
                &[("when", &when), ("people", &plural(t, "audit-people-", people)), ("kinds", &kinds.join(", "))],
            ));
        } else {
            let counted = t.count(summary.counted);
            if summary.total.is_some() {
                out.push(t.say_with("audit-answer-total", &[("when", &when), ("n", &t.count(total))]));
            }
            out.push(t.say_with(
                "audit-answer-newest",
                &[("n", &counted), ("people", &plural(t, "audit-people-", people)), ("kinds", &kinds.join(", "))],
            ));
        }
        if survey.subjects.is_some_and(|n| n > 1) {
            let n = t.count(i64::try_from(survey.subjects.unwrap_or_default()).unwrap_or(i64::MAX));
            out.push(t.say_with("audit-several", &[("n", &n)]));
        }
        out
    }

    /// What there is to ask about in the answer.
    fn warning(&self, summary: &Summary) -> Option<String> {
        let (t, words) = (self.t(), &summary.words);
        if words.unexplained == 0 {
            return None;
        }
        let mut text = plural(t, "audit-unexplained-", words.unexplained);
        if words.unexplained_off > 0 {
            text.push(' ');
            text.push_str(&plural(t, "audit-off-", words.unexplained_off));
        }
        if !words.complete {
            text.push(' ');
            text.push_str(&t.say_with("audit-read-newest", &[("n", &t.count(words.read))]));
        }
        Some(text)
    }

    /// The last twelve months as ways.
    fn months(&self, today: NaiveDate) -> Vec<(String, String, bool)> {
        let first = today.with_day(1).unwrap_or(today);
        (0..12)
            .filter_map(|n| first.checked_sub_months(Months::new(n)))
            .map(|month| {
                let value = month.format("%Y-%m").to_string();
                let current = self.asked.get(Key::When) == Some(value.as_str());
                (self.month(month), self.to(&self.asked.with(Key::When, if current { "" } else { &value })), current)
            })
            .collect()
    }

    fn choices(&self, key: Key, values: Vec<(Said, i64, Option<String>)>, flag: Option<&str>) -> Vec<Choice> {
        let mut values = values;
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.text.cmp(&b.0.text)));
        values.truncate(FACET);
        let choice = |(text, count, value): (Said, i64, Option<String>)| {
            let current = value.is_some() && self.asked.get(key) == value.as_deref();
            let flag = value.is_some() && value.as_deref() == flag;
            let href = value.map(|v| self.to(&self.asked.with(key, if current { "" } else { &v })));
            Choice { text, count: self.t().count(count), href, current, flag }
        };
        values.into_iter().map(choice).collect()
    }

    fn facets(&self, summary: &Summary) -> Vec<(String, Vec<Choice>)> {
        let t = self.t();
        let plain = |text: String| Said { text, lang: None };
        let actions = summary.actions.iter().map(|(a, n)| (plain(self.action(a)), *n, Some(a.clone()))).collect();
        let who = summary
            .actors
            .iter()
            .map(|a| match a.user_id {
                Some(_) => (plain(a.display_name.clone()), a.count, Some(a.username.clone())),
                None => (plain(t.say("audit-system")), a.count, None),
            })
            .collect();
        let roles = summary.words.roles.iter().map(|(role, n)| match role.as_str() {
            "" => (plain(t.say("audit-no-role")), *n, Some("none".to_owned())),
            role => (self.role(role), *n, Some(role.to_owned())),
        });
        let known = &self.register.definition.register.purposes;
        let mut purposes: Vec<(Said, i64, Option<String>)> = summary
            .words
            .purposes
            .iter()
            .map(|(text, n)| match known.iter().find(|p| p.label.official() == *text) {
                Some(p) => {
                    let said = t.label(&p.label);
                    (Said { text: short(&said.text), lang: said.lang }, *n, Some(p.name.clone()))
                }
                None => (plain(text.clone()), *n, None),
            })
            .collect();
        if summary.words.unexplained > 0 {
            purposes.push((plain(t.say("audit-no-purpose")), summary.words.unexplained, Some("none".into())));
        }
        let decisions = [("denied", summary.denied)]
            .into_iter()
            .filter(|d| d.1 > 0)
            .map(|(d, n)| (plain(t.say(&format!("audit-decision-{d}"))), n, Some(d.to_owned())));
        let mut facets = vec![
            (t.say("audit-key-what"), self.choices(Key::What, actions, None)),
            (t.say("audit-key-who"), self.choices(Key::Who, who, None)),
            (t.say("audit-key-role"), self.choices(Key::Role, roles.collect(), None)),
            (t.say("audit-key-why"), self.choices(Key::Why, purposes, Some("none"))),
            (t.say("audit-key-decision"), self.choices(Key::Decision, decisions.collect(), Some("denied"))),
        ];
        facets.retain(|(_, choices)| !choices.is_empty());
        facets
    }

    #[expect(clippy::cast_precision_loss, reason = "places on a drawing")]
    fn bars(&self, steps: &[NaiveDate], counts: &[StepCount], by_month: bool) -> Vec<Bar> {
        let most = counts.iter().map(|c| c.total).max().unwrap_or(0).max(1);
        let slot = 1000.0 / counts.len().max(1) as f64;
        let scale = |n: i64| if n == 0 { 0.0 } else { (n as f64 / most as f64 * 84.0).max(2.0) };
        let n = |v: f64| format!("{v:.1}");
        counts
            .iter()
            .enumerate()
            .filter_map(|(i, count)| {
                let (from, to) = (*steps.get(i)?, *steps.get(i + 1)?);
                let left = i as f64 * slot;
                let off = !by_month && matches!(from.weekday(), Weekday::Sat | Weekday::Sun);
                let mut bottom = 95.0;
                let mut parts = Vec::new();
                for (class, part) in
                    [("v", (count.total - count.left - count.denied).max(0)), ("w", count.left), ("x", count.denied)]
                {
                    let height = scale(part);
                    if height > 0.0 {
                        parts.push((class, n(bottom - height), n(height)));
                        bottom -= height;
                    }
                }
                let when = if by_month { from.format("%Y-%m").to_string() } else { from.to_string() };
                Some(Bar {
                    x: n(left + slot * 0.18),
                    width: n(slot * 0.64),
                    back_x: n(left),
                    back_width: n(slot),
                    off,
                    middle: n(left + slot / 2.0),
                    label: match by_month {
                        true => format!("{}.{}", from.month(), from.format("%y")),
                        false if counts.len() <= 31 || from.day() % 2 == 1 => from.day().to_string(),
                        false => String::new(),
                    },
                    parts,
                    name: self.when(from, to),
                    href: self.to(&self.asked.with(Key::When, &when)),
                    total: self.t().count(count.total),
                    left: self.t().count(count.left),
                    denied: self.t().count(count.denied),
                    nothing: count.total == 0,
                })
            })
            .collect()
    }

    /// An entry.
    fn row(&self, item: &AuditView, summary: &Summary) -> Row {
        let (t, source) = (self.t(), &self.register.definition.register);
        let none = Value::Null;
        let event = item.event.as_ref().unwrap_or(&none);
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        let at = item.recorded_at.parse::<DateTime<Utc>>().ok();
        let username = event["actor"]["name"].as_str().unwrap_or_default().to_owned();
        let user = event["actor"]["user_id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        let known = summary.actors.iter().find(|a| a.user_id.is_some() && a.user_id == user);
        let kind = text("record_type").and_then(|name| self.register.record_type(&name));
        let ids: Vec<&str> = event["record_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let records = ids
            .iter()
            .take(NAMED)
            .map(|id| {
                let href = match kind {
                    Some(kind) => self.visit.href(&format!("/r/{}/records/{}/{id}", self.register.name(), kind.name)),
                    None => self.to(&Asked { parts: vec![(Key::Record, (*id).to_owned(), false)], kept: None }),
                };
                // The end of the id tells records apart; its beginning is the hour at which they were made.
                (id.get(24..).unwrap_or(id).to_owned(), href)
            })
            .collect();
        let role = text("role");
        let implicit = role.as_ref().is_some_and(|r| source.roles.iter().any(|x| x.implicit && x.name == *r));
        let denied = item.decision == "denied";
        let reading = !denied && (item.kind == "export" || item.kind == "read" && item.action.starts_with("record."));
        let purpose = text("purpose");
        let list = |name: &str| {
            event[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        };
        let sections: Vec<String> = event["sections"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|s| {
                let known = kind.and_then(|k| k.sections.iter().find(|x| x.name == s));
                known.map_or_else(|| s.to_owned(), |x| t.label(&x.label).text)
            })
            .collect();
        Row {
            when: moment(t, &item.recorded_at, source.time_zone),
            who: match known {
                Some(actor) => actor.display_name.clone(),
                None if item.event.is_none() => t.say("audit-erased"),
                None => username.clone(),
            },
            username,
            role: role.as_deref().map(|r| self.role(r)),
            action: self.action(&item.action),
            kind: match item.kind.as_str() {
                "read" => "info",
                "disclosure" | "export" => "fut",
                "denial" => "err sq",
                _ => "",
            },
            about: kind.map(|k| t.label(&k.label)),
            more: ids.len().saturating_sub(NAMED),
            records,
            sections: match sections.len() {
                0..=4 => sections.join(", "),
                n => format!(
                    "{}, {}",
                    sections[..3].join(", "),
                    t.say_with("audit-and-more", &[("n", &(n - 3).to_string())])
                ),
            },
            all_sections: sections.join(", "),
            unexplained: reading && purpose.is_none() && user.is_some() && !implicit,
            off: at.filter(|_| reading && user.is_some() && !implicit).and_then(|at| self.off_hours(at)),
            purpose,
            denied,
            clause: text("clause"),
            policy: text("policy"),
            fields: list("fields"),
            request: text("request_id"),
            seq: item.seq.map(|n| format!("#{}", t.count(n))).unwrap_or_default(),
            id: item.id,
        }
    }

    /// What to say of a reading outside working hours: its day and its time.
    fn off_hours(&self, at: DateTime<Utc>) -> Option<String> {
        let zone = self.register.definition.register.time_zone;
        let working = |day| self.register.calendar.is_working_day(day);
        let (begin, end) = ordinary(zone, &working).working_hours;
        let there = at.with_timezone(&zone);
        let outside = !working(there.date_naive()) || there.time() < begin || there.time() >= end;
        outside.then(|| {
            let day = self.t().weekday(there.date_naive());
            format!("{} {}", day.split(',').next().unwrap_or_default(), there.format("%H:%M"))
        })
    }
}

/// A text as a sentence begins.
fn begun(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A text of a statute in a narrow place: its first words.
pub fn short(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(57).collect();
    if let Some(end) = out.rfind(' ') {
        out.truncate(end);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use crate::domain::access::Action;
    use crate::locale::TEXTS;

    #[test]
    fn every_action_that_a_policy_can_permit_has_its_name_for_people() {
        let nameless: Vec<&str> = Action::ALL
            .iter()
            .map(|action| action.as_str())
            .filter(|action| !TEXTS.has(&format!("audit-act-{}", action.replace('.', "_"))))
            .collect();
        assert!(nameless.is_empty(), "{nameless:?}");
    }
}
