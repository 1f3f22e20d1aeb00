//! Confirmation by the head: the board, the checklist with what is in the way, the act, its receipt and its proofs,
//! and the calendar in which its days stand.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::frame::Fault;
use super::{Form, Frame, Page, Posted, Said, Shown, State, T, Visit, html, html_as, page};
use crate::app::files_of::Shape;
use crate::domain::confirmation::checks::VALIDATION;
use crate::domain::confirmation::days;
use crate::domain::registers::Register;
use crate::domain::statute::definition::Field;
use crate::domain::statute::duties::CheckSeverity;
use crate::store::acts::confirmations::{Excepted, Said as Note, Statement};
use crate::store::read::confirmations::{
    BoardQuery, ChecklistView, DifferenceView, DriftView, DutyView, FindingView, NamedRecord, ProofView, ReceiptView,
    STANDINGS, SaidView,
};
use crate::web::api::reports::file;
use crate::web::context::percent_encoded;
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/confirmations", board, "confirmation.list"),
    page!(Get "/r/{r}/confirmations/export", export, "confirmation.export"),
    page!(Get "/r/{r}/confirmations/calendar", calendar, "calendar.feed: the visitor's own addresses"),
    page!(Post "/r/{r}/confirmations/calendar", make_feed, "calendar.feed"),
    page!(Post "/r/{r}/confirmations/calendar/end", end_feed, "calendar.feed"),
    page!(Get "/r/{r}/confirmations/calendar.ics", ics, "confirmation.calendar"),
    page!(Get "/r/{r}/confirmations/{id:[0-9a-f-]{36}}", show, "confirmation.read"),
    page!(Get "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/changes", changes, "confirmation.read"),
    page!(Get "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/receipt", receipt, "confirmation.receipt"),
    page!(Get "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/receipt.pdf", receipt_pdf, "confirmation.receipt"),
    page!(Get "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/proof", proof, "confirmation.prove"),
    page!(Post "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/check", check, "confirmation.check"),
    page!(Post "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/reason", reason, "confirmation.check"),
    page!(Post "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/exception", except, "confirmation.check"),
    page!(Post "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/confirm", confirm, "confirmation.confirm"),
];

/// Duties of a page.
const ROWS: i64 = 50;
/// Findings of a page.
const FINDINGS: usize = 50;
/// Changed records of a page.
const CHANGES: usize = 100;
/// Earlier confirmations that are named.
const EARLIER: usize = 5;
/// Most fields of a changed record that are told.
const MOST_FIELDS: usize = 12;
/// Days from which on the days that are left are no matter of weeks.
const SOON: i64 = 14;

/// `one` where there is one, otherwise `many` with their number as `n`.
fn counted(t: T, n: u64, one: &str, many: &str) -> String {
    if n == 1 { t.say(one) } else { t.say_with(many, &[("n", &whole(t, n))]) }
}

fn whole(t: T, n: u64) -> String {
    t.decimal(&n.to_string())
}

/// What a standing is called.
fn standing(t: T, status: &str) -> String {
    t.say(match status {
        "upcoming" => "confirmations-upcoming",
        "open" => "confirmations-open",
        "confirmed" => "confirmations-in-time",
        "confirmed_late" => "confirmations-late",
        "overdue" => "confirmations-overdue",
        _ => "confirmations-cancelled",
    })
}

/// The colour of a standing; it is always said in words too.
fn colour(status: &str) -> &'static str {
    match status {
        "open" => "info",
        "confirmed" => "ok",
        "confirmed_late" => "warn",
        "overdue" => "err sq",
        "upcoming" => "fut",
        _ => "none",
    }
}

/// An instant of an answer, by the register's clock.
fn moment(t: T, register: &Register, text: &str) -> String {
    DateTime::parse_from_rfc3339(text).map_or_else(
        |_| text.to_owned(),
        |at| t.instant(at.with_timezone(&Utc), register.definition.register.time_zone),
    )
}

fn kind_label(t: T, register: &Register, kind: &str) -> Said {
    let kinds = &register.definition.register.institutions.kinds;
    kinds.iter().find(|k| k.name == kind).map_or_else(|| plain(kind), |k| t.label(&k.label))
}

fn type_label(t: T, register: &Register, record_type: &str) -> Said {
    register.record_type(record_type).map_or_else(|| plain(record_type), |k| t.label(&k.label))
}

fn plain(text: &str) -> Said {
    Said { text: text.to_owned(), lang: None }
}

// ── The board ────────────────────────────────────────────────────────────────────────────────────

/// A choice by which the board is narrowed.
struct Choice {
    text: String,
    count: String,
    href: String,
    current: bool,
}

/// A criterion in force, and the address without it.
struct Chip {
    text: String,
    href: String,
}

/// How many stand where, of one day.
struct DayRow {
    day: String,
    href: String,
    acts_by: Option<String>,
    total: u64,
    confirmed: u64,
    overdue: u64,
    words: String,
    cells: Vec<(String, String)>,
    current: bool,
}

/// A duty of the board.
struct DutyRow {
    day: String,
    institution: String,
    only: String,
    kind: Said,
    status: String,
    colour: &'static str,
    days_late: String,
    parts: String,
    confirmed: String,
    receipt: Option<String>,
    changed: String,
    href: String,
}

/// What a head has to do next.
struct NextDuty {
    number: String,
    caption: String,
    urgent: bool,
    day: String,
    label: Said,
    institution: String,
    clause: String,
    about: String,
    href: String,
}

/// Duties under one heading.
struct Section {
    id: &'static str,
    title: String,
    rows: Vec<DutyRow>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/confirmations/board.html")]
struct BoardPage {
    f: Frame,
    clause: Option<String>,
    ended: Option<String>,
    next: Option<NextDuty>,
    days: Vec<DayRow>,
    statuses: Vec<String>,
    choices: Vec<Choice>,
    chips: Vec<Chip>,
    sections: Vec<Section>,
    nothing: bool,
    narrowed: bool,
    csv: String,
    xlsx: String,
}

/// What the query asks of the board.
struct Wanted {
    due_on: Option<NaiveDate>,
    status: Option<&'static str>,
    institution_id: Option<Uuid>,
    late: Option<bool>,
}

impl Wanted {
    fn of(visit: &Visit) -> Result<Self, Problem> {
        Ok(Self {
            due_on: visit.q_day("due_on")?,
            status: visit.q("status").and_then(|word| STANDINGS.iter().find(|s| **s == word).copied()),
            institution_id: visit.q_id("institution")?,
            late: (visit.q("late") == Some("yes")).then_some(true),
        })
    }

    fn narrows(&self) -> bool {
        self.due_on.is_some() || self.status.is_some() || self.institution_id.is_some() || self.late.is_some()
    }

    fn query(&self, limit: i64, cursor: Option<String>) -> BoardQuery {
        BoardQuery {
            due_on: self.due_on,
            status: self.status,
            institution_id: self.institution_id,
            late: self.late,
            limit,
            cursor,
        }
    }

    /// The query with one criterion set, or (`None`) left out.
    fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut parts: Vec<(&str, String)> = Vec::new();
        parts.extend(self.due_on.map(|d| ("due_on", d.to_string())));
        parts.extend(self.status.map(|s| ("status", s.to_owned())));
        parts.extend(self.institution_id.map(|i| ("institution", i.to_string())));
        parts.extend(self.late.map(|_| ("late", "yes".to_owned())));
        parts.retain(|(n, _)| *n != name);
        parts.extend(value.map(|v| (name, v.to_owned())));
        let text: Vec<String> = parts.iter().map(|(n, v)| format!("{n}={}", percent_encoded(v))).collect();
        text.join("&")
    }
}

/// The board of all duties that the visitor may see; for a head, their own days with the next one on top.
///
/// # Errors
/// As the act.
pub async fn board(state: State, visit: Visit) -> Shown {
    let (t, name) = (visit.t, visit.word("r").to_owned());
    let register = visit.register(&state)?;
    let wanted = Wanted::of(&visit)?;
    let here = format!("/{}/r/{name}/confirmations", t.code());
    let at = |query: String| if query.is_empty() { here.clone() } else { format!("{here}?{query}") };
    let own = visit.may("confirmation.confirm");
    let mut sections = Vec::new();
    let mut known = BTreeMap::new();
    let mut list = async |wanted: &Wanted, id: &'static str, title: String, cursor: Option<String>| {
        let asked = wanted.query(ROWS, cursor);
        let page = state.app.list_confirmations(visit.cx(), name.clone(), asked).await?.into_inner();
        let rows = page.items.iter().map(|duty| duty_row(t, &register, duty, &here)).collect();
        let next = page.next_cursor.map(|cursor| at(wanted.with("cursor", Some(&cursor))));
        known.extend(page.items.into_iter().map(|duty| ((duty.due_on, duty.id), duty)));
        Ok::<Section, Problem>(Section { id, title, rows, next })
    };
    if own || wanted.narrows() || visit.q("cursor").is_some() {
        let title = if own { t.say("confirmations-mine") } else { t.say("confirmations-duties") };
        sections.push(list(&wanted, "duties", title, visit.q("cursor").map(str::to_owned)).await?);
    } else {
        // Who watches all institutions begins with those that are late, then with those that can confirm now.
        for (status, id, title) in [
            ("overdue", "overdue", "confirmations-late-ones"),
            ("open", "open", "confirmations-open-ones"),
            ("upcoming", "upcoming", "confirmations-upcoming-ones"),
        ] {
            let part = Wanted { status: Some(status), due_on: None, institution_id: None, late: None };
            let section = list(&part, id, t.say(title), None).await?;
            if !section.rows.is_empty() {
                sections.push(section);
            }
            if status == "open" && !sections.is_empty() {
                break;
            }
        }
    }
    let summary = state.app.summarise_confirmations(visit.cx(), name.clone(), None).await?.into_inner();
    let shown: Vec<&str> = STANDINGS.to_vec();
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    let mut days = Vec::new();
    for day in &summary.items {
        for (status, n) in &day.by_status {
            *totals.entry(*status).or_default() += n;
        }
        let of = |status: &str| day.by_status.get(status).copied().unwrap_or(0);
        let confirmed = of("confirmed") + of("confirmed_late");
        let numbers = [("done", whole(t, confirmed)), ("all", whole(t, day.total))];
        let numbers = numbers.each_ref().map(|(n, v)| (*n, v.as_str()));
        days.push(DayRow {
            day: t.weekday(day.due_on),
            href: at(wanted.with("due_on", Some(&day.due_on.to_string()))),
            acts_by: (day.acts_by != day.due_on).then(|| t.weekday(day.acts_by)),
            total: day.total,
            confirmed,
            overdue: of("overdue"),
            words: t.say_with("confirmations-done-of", &numbers),
            cells: shown.iter().map(|status| (standing(t, status), whole(t, of(status)))).collect(),
            current: wanted.due_on == Some(day.due_on),
        });
    }
    let choices = shown
        .iter()
        .filter(|status| totals.get(*status).is_some_and(|n| *n > 0))
        .map(|status| Choice {
            text: standing(t, status),
            count: whole(t, totals.get(status).copied().unwrap_or(0)),
            href: at(wanted.with("status", Some(status))),
            current: wanted.status == Some(*status),
        })
        .collect();
    let mut chips = Vec::new();
    if let Some(day) = wanted.due_on {
        chips.push(Chip { text: t.day(day), href: at(wanted.with("due_on", None)) });
    }
    if let Some(status) = wanted.status {
        chips.push(Chip { text: standing(t, status), href: at(wanted.with("status", None)) });
    }
    if let Some(id) = wanted.institution_id {
        let named = known.values().find(|d: &&DutyView| d.institution_id == id).map(|d| d.institution.clone());
        let text = named.unwrap_or_else(|| t.say("confirmations-institution"));
        chips.push(Chip { text, href: at(wanted.with("institution", None)) });
    }
    if wanted.late.is_some() {
        chips.push(Chip { text: t.say("confirmations-only-late"), href: at(wanted.with("late", None)) });
    }
    let waiting = |d: &&DutyView| d.confirmed_at.is_none() && d.cancelled.is_none();
    let next = known.values().find(waiting).filter(|_| own && !wanted.narrows());
    let next = next.map(|duty| next_duty(t, &register, duty, &here, register.day(state.app.store.now())));
    let export = |shape: &str| {
        let query = wanted.with("format", Some(shape));
        format!("{here}/export?{query}")
    };
    let title = t.say(if own { "confirmations-title-own" } else { "confirmations-title" });
    html(&BoardPage {
        f: visit.frame(&state, title),
        clause: register.definition.register.confirmations.first().map(|d| d.clause.to_string()),
        ended: summary.statute_ended_on.map(|day| t.day(day)),
        next,
        nothing: summary.items.is_empty(),
        days,
        statuses: shown.iter().map(|status| standing(t, status)).collect(),
        choices,
        chips,
        sections,
        narrowed: wanted.narrows(),
        csv: export("csv"),
        xlsx: export("xlsx"),
    })
}

fn duty_row(t: T, register: &Register, duty: &DutyView, here: &str) -> DutyRow {
    let href = format!("{here}/{}", duty.id);
    DutyRow {
        day: t.day(duty.due_on),
        institution: duty.institution.clone(),
        only: format!("{here}?institution={}", duty.institution_id),
        kind: kind_label(t, register, &duty.kind),
        status: standing(t, duty.status),
        colour: colour(duty.status),
        days_late: duty.days_late.map(|n| late(t, n)).unwrap_or_default(),
        parts: format!("{} / {}", duty.parts_checked, duty.parts),
        confirmed: duty.confirmed_at.as_deref().map(|at| moment(t, register, at)).unwrap_or_default(),
        receipt: duty.number.map(|_| format!("{href}/receipt")),
        changed: duty.changed_since.filter(|n| *n > 0).map(|n| t.count(n)).unwrap_or_default(),
        href,
    }
}

/// How late something is.
fn late(t: T, n: i64) -> String {
    counted(t, n.unsigned_abs(), "confirmations-day-late", "confirmations-days-late")
}

/// The number that counts the days, and what it counts.
fn countdown(t: T, duty: &DutyView, today: NaiveDate) -> (String, String, bool) {
    if duty.confirmed_at.is_some() {
        return ("✓".to_owned(), t.say("confirmations-confirmed"), false);
    }
    let left = (duty.due_on - today).num_days();
    match duty.days_late {
        Some(n) => {
            let words = if n == 1 { "confirmations-day-over" } else { "confirmations-days-over" };
            (t.count(n), t.say(words), true)
        }
        // The day itself was off: acting by the next working day is in time.
        None if left < 0 => ("0".to_owned(), t.say("confirmations-last-day"), true),
        None => {
            let words = if left == 1 { "confirmations-day-left" } else { "confirmations-days-left" };
            (t.count(left), t.say(words), left <= SOON)
        }
    }
}

fn next_duty(t: T, register: &Register, duty: &DutyView, here: &str, today: NaiveDate) -> NextDuty {
    let (number, caption, urgent) = countdown(t, duty, today);
    NextDuty {
        number,
        caption,
        urgent,
        day: t.weekday(duty.due_on),
        label: t.label(&duty.label),
        institution: format!("{} · {}", duty.institution, kind_label(t, register, &duty.kind)),
        clause: duty.clause.to_string(),
        about: match duty.status {
            "upcoming" => t.say_with("confirmations-opens-on", &[("day", &t.weekday(duty.opens_on))]),
            _ => t.say_with(
                "confirmations-parts-checked",
                &[("done", &duty.parts_checked.to_string()), ("all", &duty.parts.to_string())],
            ),
        },
        href: format!("{here}/{}", duty.id),
    }
}

/// The board as a file.
///
/// # Errors
/// As the act.
pub async fn export(state: State, visit: Visit) -> Shown {
    let wanted = Wanted::of(&visit)?;
    let shape = if visit.q("format") == Some("csv") { Shape::Csv } else { Shape::Xlsx };
    let (name, language) = (visit.word("r").to_owned(), visit.t.code().to_owned());
    let query = wanted.query(ROWS, None);
    let made = state.app.export_confirmations(visit.cx(), name, query, language, shape).await?;
    Ok(file(StatusCode::OK, made))
}

// ── The calendar ─────────────────────────────────────────────────────────────────────────────────

#[derive(Template)]
#[template(path = "ui/confirmations/calendar.html")]
struct CalendarPage {
    f: Frame,
    /// The address made just now; it is shown this once.
    made: Option<String>,
    feeds: Vec<(String, String)>,
}

async fn calendar_page(state: &State, visit: &Visit, made: Option<String>) -> Result<CalendarPage, Problem> {
    let register = visit.register(state)?;
    let feeds = state.app.feeds(visit.cx(), register.name().to_owned()).await?.into_inner();
    let frame = visit.frame(state, visit.t.say("confirmations-calendar"));
    Ok(CalendarPage {
        f: frame.crumb(visit.t.say("frame-confirmations"), &format!("/r/{}/confirmations", register.name())),
        made,
        feeds: feeds.into_iter().map(|line| (line.id, moment(visit.t, &register, &line.made_at))).collect(),
    })
}

/// The calendar: as a file, and the addresses under which programs read it.
///
/// # Errors
/// As the act.
pub async fn calendar(state: State, visit: Visit) -> Shown {
    html(&calendar_page(&state, &visit, None).await?)
}

/// Makes a secret address and shows it, this once.
///
/// # Errors
/// As the act.
pub async fn make_feed(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let made = state.app.feed_confirmations(posted.cx(&state), visit.word("r").to_owned()).await?.into_inner();
    let url = {
        let connection = visit.request().connection_info();
        format!("{}://{}{}", connection.scheme(), connection.host(), made.path)
    };
    html(&calendar_page(&state, visit, Some(url)).await?)
}

/// Ends a secret address.
///
/// # Errors
/// As the act.
pub async fn end_feed(state: State, posted: Posted) -> Shown {
    let (visit, id) = (&posted.visit, posted.form.value("feed").to_owned());
    let name = visit.word("r").to_owned();
    state.app.end_feed(posted.cx(&state), name.clone(), id).await?;
    visit.done(&format!("/r/{name}/confirmations/calendar"), "confirmations-feed-ended")
}

/// The visitor's days as a file for their calendar.
///
/// # Errors
/// As the act.
pub async fn ics(state: State, visit: Visit) -> Shown {
    let name = visit.word("r").to_owned();
    let disposition = format!("attachment; filename=\"{}-confirmations.ics\"", percent_encoded(&name));
    let text = state.app.confirmation_calendar(visit.cx(), name, visit.t.lang).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/calendar; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(text))
}

// ── One duty ─────────────────────────────────────────────────────────────────────────────────────

/// A step of the way to a receipt.
struct Step {
    number: String,
    text: String,
    state: &'static str,
}

/// A record type to look through.
struct Task {
    record_type: String,
    label: Said,
    about: String,
    href: String,
    faults: Option<(&'static str, String)>,
    checked: Option<String>,
}

/// A fault or a warning.
struct FindingRow {
    n: usize,
    leads: bool,
    key: String,
    record: String,
    of: Said,
    card: Option<String>,
    kind: &'static str,
    colour: &'static str,
    text: Said,
    field: Said,
    clause: String,
    mend: Option<String>,
    reasons: bool,
    excepts: bool,
    said: Vec<String>,
    settled: bool,
    value: String,
    fault: Option<String>,
}

/// How the records of a type differ from the confirmation before.
struct Compared {
    label: Said,
    then: String,
    now: String,
    added: String,
    gone: String,
    changed: String,
    href: Option<String>,
}

/// A confirmation before this one.
struct Past {
    colour: &'static str,
    status: String,
    at: String,
    counts: String,
    href: String,
    pdf: String,
}

/// A record that changed after the visitor had looked.
struct Moved {
    what: String,
    record: String,
    href: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/confirmations/show.html")]
struct DutyPage {
    f: Frame,
    path: String,
    label: Said,
    institution: String,
    clause: String,
    faults: Vec<Fault>,
    moved: Vec<Moved>,
    stale: bool,
    ended: Option<String>,
    number: String,
    caption: String,
    urgent: bool,
    day: String,
    moved_by: Option<(String, String)>,
    cancelled: Option<String>,
    line: String,
    size: u64,
    good: u64,
    steps: Vec<Step>,
    tasks: Vec<Task>,
    tasks_done: usize,
    may_check: bool,
    confirm_state: String,
    findings: Vec<FindingRow>,
    findings_total: usize,
    findings_next: Option<String>,
    first: Option<usize>,
    inquiries: Vec<(String, String)>,
    compared_with: Option<String>,
    compared: Vec<Compared>,
    since_receipt: Option<(u64, String)>,
    statement: Said,
    responsible_clause: String,
    checked_at: String,
    root: String,
    me: String,
    may_confirm: bool,
    ready: bool,
    why_not: Option<String>,
    ticked: bool,
    confirmed: bool,
    heads: Vec<(String, Said, String)>,
    reminders: Vec<(String, String, bool)>,
    earlier: Vec<Past>,
}

/// What did not work, so that the page is shown again with what was typed.
#[derive(Default)]
struct Again<'f> {
    faults: Vec<Fault>,
    form: Option<&'f Form>,
    moved: Vec<(Uuid, &'static str)>,
    stale: bool,
}

/// The checklist of a duty, and the way to its receipt.
///
/// # Errors
/// As the act.
pub async fn show(state: State, visit: Visit) -> Shown {
    html(&duty_page(&state, &visit, Again::default()).await?)
}

async fn duty_page(state: &State, visit: &Visit, again: Again<'_>) -> Result<DutyPage, Problem> {
    let (t, id) = (visit.t, visit.id("id")?);
    let register = visit.register(state)?;
    let name = register.name().to_owned();
    let ask = again.moved.iter().map(|(id, _)| *id).collect();
    let view = state.app.read_confirmation_naming(visit.cx(), name.clone(), id, ask).await?.into_inner();
    let others = BoardQuery { institution_id: Some(view.duty.institution_id), limit: 100, ..BoardQuery::default() };
    let others = state.app.list_confirmations(visit.cx(), name.clone(), others).await?.into_inner().items;
    let now = state.app.store.now();
    let today = register.day(now);
    let path = format!("/{}/r/{name}/confirmations/{id}", t.code());
    let (number, caption, urgent) = countdown(t, &view.duty, today);
    let confirmed = view.receipt.is_some();
    let may_check = visit.may("confirmation.check") && !confirmed;
    let can = matches!(view.duty.status, "open" | "overdue");
    let may_confirm = visit.may("confirmation.confirm");
    let from = visit.q("from").and_then(|n| n.parse::<usize>().ok()).unwrap_or(0).min(view.findings.len());
    let asker = Asker { t, register: &register, path: &path, may_check, can, again: &again };
    let mut rows: Vec<FindingRow> = view
        .findings
        .iter()
        .enumerate()
        .skip(from)
        .take(FINDINGS)
        .map(|(n, f)| finding_row(&asker, &view, n, f))
        .collect();
    let next = from + rows.len();
    if let Some(row) = rows.iter_mut().find(|row| !row.settled) {
        row.leads = true;
    }
    let faulty = view
        .findings
        .iter()
        .filter(|f| f.blocks)
        .filter_map(|f| f.record_id)
        .collect::<std::collections::BTreeSet<_>>();
    let size = view.size as u64;
    let good = size.saturating_sub(faulty.len() as u64);
    let line = t.say_with(
        "confirmations-checked-line",
        &[("good", &whole(t, good)), ("all", &whole(t, size)), ("left", &whole(t, view.blockers as u64))],
    );
    let tasks: Vec<Task> = view.checklist.iter().map(|part| task(t, &register, &view, part)).collect();
    let tasks_done = tasks.iter().filter(|task| task.checked.is_some() && task.faults.is_none()).count();
    let why_not = why_not(t, &view, can, may_confirm);
    let before = view.since_last.as_ref().and_then(|e| others.iter().find(|d| d.id == e.id));
    let stepping = steps(t, &view, can);
    let title = t.say_with("confirmations-page-title", &[("day", &t.day(view.duty.due_on))]);
    let frame = visit.frame(state, title).crumb(t.say("frame-confirmations"), &format!("/r/{name}/confirmations"));
    let rule = register.definition.register.confirmations.iter().find(|d| d.name == view.duty.duty);
    let reminders = rule
        .and_then(|rule| days::due_days(rule, &register.calendar, view.duty.due_on, view.duty.due_on).pop())
        .map(|due| due.reminders)
        .unwrap_or_default();
    Ok(DutyPage {
        f: if again.faults.is_empty() && !again.stale { frame } else { frame.faulty() },
        label: t.label(&view.duty.label),
        institution: format!("{} · {}", view.duty.institution, kind_label(t, &register, &view.duty.kind)),
        clause: view.duty.clause.to_string(),
        moved: moved(t, &again.moved, &view.named, &name),
        stale: again.stale,
        ended: view.statute_ended_on.map(|day| t.day(day)),
        number,
        caption,
        urgent,
        day: t.weekday(view.duty.due_on),
        moved_by: view.duty.moved_by.clone().map(|why| (why, t.weekday(view.duty.acts_by))),
        cancelled: view.duty.cancelled.clone(),
        line,
        size,
        good,
        steps: stepping,
        tasks_done,
        tasks,
        may_check: may_check && can,
        confirm_state: if confirmed {
            t.say("confirmations-done")
        } else if why_not.is_some() {
            t.say("confirmations-cannot-yet")
        } else {
            t.say("confirmations-can-now")
        },
        first: rows.iter().find(|row| row.leads).map(|row| row.n),
        findings_total: view.errors + view.warnings,
        findings_next: (next < view.findings.len()).then(|| format!("{path}?from={next}#findings")),
        findings: rows,
        inquiries: view
            .inquiries
            .iter()
            .map(|i| {
                let opened = moment(t, &register, &i.opened_at);
                (i.case_id.to_string(), t.say_with("confirmations-inquiry-of", &[("day", &opened)]))
            })
            .collect(),
        compared_with: view
            .since_last
            .as_ref()
            .map(|e| t.say_with("confirmations-compared-with", &[("day", &t.day(e.due_on))])),
        compared: compared(t, &register, &view, before, &path),
        since_receipt: view
            .drift
            .as_ref()
            .map(|drift| ((drift.changed + drift.added + drift.gone) as u64, format!("{path}/changes?since=receipt"))),
        statement: t.label(&view.statement),
        responsible_clause: view.responsible_clause.to_string(),
        checked_at: t.instant(now, register.definition.register.time_zone),
        root: grouped(&view.snapshot_root),
        me: frame_person(visit),
        may_confirm,
        ready: why_not.is_none(),
        why_not,
        ticked: again.form.is_some_and(|form| form.has("statement")),
        confirmed,
        heads: view
            .responsible
            .iter()
            .map(|head| (head.name.clone(), role_label(t, &register, &head.role), head.basis.reference.clone()))
            .collect(),
        reminders: reminders
            .into_iter()
            .map(|day| {
                let n = (view.duty.due_on - day).num_days();
                let text = match n {
                    0 => t.say("confirmations-reminder-today"),
                    n => t.say_with("confirmations-reminder", &[("n", &n.to_string())]),
                };
                (t.day(day), text, day < today)
            })
            .collect(),
        earlier: earlier(t, &register, &others, &view.duty, &name),
        faults: again.faults,
        path,
    })
}

/// What is needed to show findings.
struct Asker<'a> {
    t: T,
    register: &'a Register,
    path: &'a str,
    may_check: bool,
    can: bool,
    again: &'a Again<'a>,
}

fn frame_person(visit: &Visit) -> String {
    visit.signed.facts.display_name.clone()
}

fn role_label(t: T, register: &Register, role: &str) -> Said {
    let roles = &register.definition.register.roles;
    roles.iter().find(|r| r.name == role).map_or_else(|| plain(role), |r| t.label(&r.label))
}

/// A root in fours, which people can compare.
fn grouped(root: &str) -> String {
    let chars: Vec<char> = root.chars().collect();
    chars.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn steps(t: T, view: &ChecklistView, can: bool) -> Vec<Step> {
    let at = match (view.receipt.is_some(), can, view.blockers) {
        (true, ..) => 4,
        (false, false, _) => 0,
        (false, true, 0) => 2,
        (false, true, _) => 1,
    };
    let names = [
        "confirmations-step-check",
        "confirmations-step-mend",
        "confirmations-step-confirm",
        "confirmations-step-receipt",
    ];
    let step = |(n, key): (usize, &str)| Step {
        number: if n < at { "✓".to_owned() } else { (n + 1).to_string() },
        text: t.say(key),
        state: match n.cmp(&at) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal => "cur",
            std::cmp::Ordering::Greater => "",
        },
    };
    names.into_iter().enumerate().map(step).collect()
}

fn task(t: T, register: &Register, view: &ChecklistView, part: &crate::store::read::confirmations::PartView) -> Task {
    let count = |n, one, many| (n > 0).then(|| counted(t, n, one, many));
    let faults: Vec<String> = [
        count(part.errors, "confirmations-one-error", "confirmations-n-errors"),
        count(part.warnings, "confirmations-one-warning", "confirmations-n-warnings"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let blocks = view.findings.iter().any(|f| f.blocks && f.record_type == part.record_type);
    let kind = if !blocks {
        "none"
    } else if part.errors > 0 {
        "err sq"
    } else {
        "warn"
    };
    let mut about = vec![counted(t, part.records, "confirmations-one-record", "confirmations-n-records")];
    if let Some(said) = &part.checked {
        about.push(t.say_with("confirmations-looked-by", &[("who", &said.by), ("at", &moment(t, register, &said.at))]));
        about.extend(Some(said.text.clone()).filter(|text| !text.is_empty()));
        about.extend(part.changed_since.then(|| t.say("confirmations-changed-after-check")));
    }
    let fresh = part.checked.is_some() && !part.changed_since;
    Task {
        record_type: part.record_type.clone(),
        label: t.label(&part.label),
        about: about.join(" · "),
        href: format!(
            "/{}/r/{}/records/{}?institution={}",
            t.code(),
            register.name(),
            part.record_type,
            view.duty.institution_id
        ),
        faults: (!faults.is_empty()).then(|| (kind, faults.join(", "))),
        checked: fresh.then(|| t.say("confirmations-done")),
    }
}

/// Why it can't be confirmed now, where it can't.
fn why_not(t: T, view: &ChecklistView, can: bool, may: bool) -> Option<String> {
    if view.receipt.is_some() {
        return None;
    }
    if view.duty.cancelled.is_some() {
        return Some(t.say("confirmations-why-cancelled"));
    }
    if !may {
        return Some(t.say("confirmations-why-not-head"));
    }
    if !can {
        return Some(t.say_with("confirmations-opens-on", &[("day", &t.weekday(view.duty.opens_on))]));
    }
    let open = |severity| view.findings.iter().filter(|f| f.blocks && f.severity == severity).count() as u64;
    let (errors, warnings) = (open(CheckSeverity::Error), open(CheckSeverity::Warning));
    match (view.blockers, errors, warnings) {
        (0, ..) => None,
        (_, errors, 0) => Some(counted(t, errors, "confirmations-why-error", "confirmations-why-errors")),
        (_, 0, warnings) => Some(counted(t, warnings, "confirmations-why-warning", "confirmations-why-warnings")),
        (_, errors, warnings) => Some(
            t.say_with("confirmations-why-both", &[("errors", &whole(t, errors)), ("warnings", &whole(t, warnings))]),
        ),
    }
}

/// The field of a finding: the part of a group where the pointer leads to one.
fn field_of<'r>(register: &'r Register, finding: &FindingView) -> (Option<&'r Field>, Option<&'r Field>) {
    let mut steps = finding.pointer.as_deref().unwrap_or_default().trim_start_matches('/').split('/');
    let top = steps.next().unwrap_or_default();
    let fields = register.record_type(&finding.record_type).map(|kind| kind.fields.as_slice()).unwrap_or_default();
    let field = fields.iter().find(|f| f.name == top);
    let part = field.and_then(|f| {
        let last = steps.rfind(|s| s.parse::<usize>().is_err())?;
        f.parts.iter().find(|p| p.name == last)
    });
    (field, part)
}

fn finding_row(asker: &Asker<'_>, view: &ChecklistView, n: usize, finding: &FindingView) -> FindingRow {
    let Asker { t, register, path, may_check, can, again } = *asker;
    let (field, part) = field_of(register, finding);
    let kind = register.record_type(&finding.record_type);
    let check = kind.and_then(|k| k.checks.iter().find(|c| c.name == finding.check));
    let text = match check.filter(|_| finding.check != VALIDATION) {
        Some(check) => t.label(&check.label),
        None => t
            .say_if(&format!("frame-fault-{}", finding.code.replace('_', "-")))
            .map_or_else(|| Said { text: finding.detail.clone(), lang: Some("en") }, |text| plain(&text)),
    };
    let is_error = finding.severity == CheckSeverity::Error;
    let base = format!("/{}/r/{}/records/{}", t.code(), register.name(), finding.record_type);
    let back = format!("{}#findings", path.strip_prefix(&format!("/{}", t.code())).unwrap_or(path));
    let mend = finding.record_id.map(|record| {
        let field = field.map(|f| f.name.as_str()).unwrap_or_default();
        format!("{base}/{record}/change?field={}&back={}", percent_encoded(field), percent_encoded(&back))
    });
    let group: Vec<String> = finding.group.iter().map(|v| value_text(t, v)).collect();
    let record = match (&finding.title, finding.record_id) {
        (Some(title), _) => title.clone(),
        (None, Some(_)) => t.say("confirmations-record"),
        (None, None) => group.join(" · "),
    };
    let about = |key: &str, said: &SaidView| {
        t.say_with(key, &[("who", &said.by), ("at", &moment(t, register, &said.at)), ("text", &said.text)])
    };
    let mut said = Vec::new();
    said.extend(finding.reason.as_ref().map(|s| about("confirmations-reason-by", s)));
    said.extend(finding.exception.as_ref().map(|s| about("confirmations-exception-by", s)));
    let typed = again.form.filter(|form| form.text("key") == Some(finding.key.as_str()));
    let writes = may_check && can && finding.blocks;
    FindingRow {
        n,
        leads: false,
        key: finding.key.clone(),
        record,
        of: kind.map(|k| t.label(&k.label)).unwrap_or_default(),
        card: finding.record_id.map(|record| format!("{base}/{record}")),
        kind: if is_error { "error" } else { "warning" },
        colour: if is_error { "err sq" } else { "warn" },
        text,
        field: part.or(field).map(|f| t.label(&f.label)).unwrap_or_default(),
        clause: finding.clause.to_string(),
        mend: mend.filter(|_| view.receipt.is_none() && visit_enters(view)),
        reasons: writes && !is_error,
        excepts: writes && !view.inquiries.is_empty(),
        said,
        settled: !finding.blocks,
        value: typed.and_then(|form| form.raw("reason")).unwrap_or_default().to_owned(),
        fault: typed.and_then(|_| again.faults.first()).map(|fault| fault.text.clone()),
    }
}

/// Records of a duty that fell away are not mended for its sake.
fn visit_enters(view: &ChecklistView) -> bool {
    view.duty.cancelled.is_none()
}

/// A value as people read it.
fn value_text(t: T, value: &Value) -> String {
    match value {
        Value::Null => t.say("confirmations-absent"),
        Value::Bool(yes) => t.say(if *yes { "confirmations-yes" } else { "confirmations-no" }),
        Value::String(text) => match crate::domain::calendar::parse_day(text) {
            Some(day) => t.day(day),
            None => text.clone(),
        },
        Value::Number(n) => t.decimal(&n.to_string()),
        Value::Array(items) => items.iter().map(|v| value_text(t, v)).collect::<Vec<_>>().join(", "),
        Value::Object(parts) => parts.values().map(|v| value_text(t, v)).collect::<Vec<_>>().join(", "),
    }
}

fn moved(t: T, ids: &[(Uuid, &'static str)], named: &[NamedRecord], register: &str) -> Vec<Moved> {
    ids.iter()
        .take(CHANGES)
        .map(|(id, code)| {
            let known = named.iter().find(|n| n.record_id == *id);
            Moved {
                what: what(t, code),
                record: known.and_then(|n| n.title.clone()).unwrap_or_else(|| t.say("confirmations-record")),
                href: known.map(|n| format!("/{}/r/{register}/records/{}/{id}", t.code(), n.record_type)),
            }
        })
        .collect()
}

fn what(t: T, code: &str) -> String {
    t.say(match code {
        "added" => "confirmations-added",
        "gone" => "confirmations-gone",
        _ => "confirmations-changed",
    })
}

fn compared(t: T, register: &Register, view: &ChecklistView, before: Option<&DutyView>, path: &str) -> Vec<Compared> {
    let Some(earlier) = &view.since_last else { return Vec::new() };
    view.checklist
        .iter()
        .map(|part| {
            let by = earlier.differences.by_type.get(&part.record_type).copied().unwrap_or_default();
            let then = before.and_then(|d| d.counts.as_ref()?.get(&part.record_type).copied());
            let signed = |sign: &str, n: u64| if n == 0 { "0".to_owned() } else { format!("{sign}{}", whole(t, n)) };
            Compared {
                label: type_label(t, register, &part.record_type),
                then: then.map_or_else(|| "–".to_owned(), |n| whole(t, n)),
                now: whole(t, part.records),
                added: signed("+", by.added),
                gone: signed("−", by.gone),
                changed: whole(t, by.changed),
                href: (by.added + by.gone + by.changed > 0)
                    .then(|| format!("{path}/changes?type={}", percent_encoded(&part.record_type))),
            }
        })
        .collect()
}

fn earlier(t: T, register: &Register, others: &[DutyView], duty: &DutyView, name: &str) -> Vec<Past> {
    let mut before: Vec<&DutyView> =
        others.iter().filter(|d| d.confirmed_at.is_some() && d.id != duty.id && d.due_on < duty.due_on).collect();
    before.sort_by_key(|duty| std::cmp::Reverse(duty.due_on));
    before
        .into_iter()
        .take(EARLIER)
        .map(|d| {
            let base = format!("/{}/r/{name}/confirmations/{}", t.code(), d.id);
            let count = |(kind, n): (&String, &u64)| format!("{}: {}", type_label(t, register, kind), whole(t, *n));
            Past {
                colour: colour(d.status),
                status: match d.days_late {
                    Some(n) => late(t, n),
                    None => standing(t, d.status),
                },
                at: d.confirmed_at.as_deref().map(|at| moment(t, register, at)).unwrap_or_default(),
                counts: d.counts.iter().flatten().map(count).collect::<Vec<_>>().join(" · "),
                href: format!("{base}/receipt"),
                pdf: format!("{base}/receipt.pdf"),
            }
        })
        .collect()
}

// ── What is said on the way ──────────────────────────────────────────────────────────────────────

/// Marks a record type as looked through.
///
/// # Errors
/// As the act.
pub async fn check(state: State, posted: Posted) -> Shown {
    let record_type = posted.form.value("part").to_owned();
    let said = Note::Check { record_type, note: posted.form.text("note").map(str::to_owned) };
    noted(&state, &posted, said, "confirmations-checked").await
}

/// Gives the reason for a warning.
///
/// # Errors
/// As the act.
pub async fn reason(state: State, posted: Posted) -> Shown {
    let key = posted.form.value("key").to_owned();
    let said = Note::Reason { key, reason: posted.form.value("reason").trim().to_owned() };
    noted(&state, &posted, said, "confirmations-reasoned").await
}

/// Notes a known fault under an open inquiry.
///
/// # Errors
/// As the act.
pub async fn except(state: State, posted: Posted) -> Shown {
    let Some(case_id) = posted.form.id("case")? else {
        let fault = Fault { id: String::new(), text: posted.visit.t.say("confirmations-choose-inquiry"), clause: None };
        let again = Again { faults: vec![fault], form: Some(&posted.form), ..Again::default() };
        return html_as(StatusCode::UNPROCESSABLE_ENTITY, &duty_page(&state, &posted.visit, again).await?);
    };
    let form = &posted.form;
    let excepted =
        Excepted { key: form.value("key").to_owned(), case_id, reason: form.value("reason").trim().to_owned() };
    noted(&state, &posted, Note::Exception(excepted), "confirmations-excepted").await
}

async fn noted(state: &State, posted: &Posted, said: Note, done: &str) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let (name, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let anchor = if matches!(said, Note::Check { .. }) { "#tasks" } else { "#findings" };
    let outcome = state.app.note_confirmation(posted.cx(state), name.clone(), id, said).await;
    match outcome.map_err(Problem::from) {
        Ok(_) => visit.done(&format!("/r/{name}/confirmations/{id}{anchor}"), done),
        Err(problem) if problem.kind == Kind::Invalid => {
            // The field where a reason is written has the number of its finding.
            let n = form.text("n").unwrap_or_default().to_owned();
            let faults = Fault::of(visit.t, &problem, |pointer| {
                (pointer.ends_with("/reason") || pointer.ends_with("/note")).then(|| format!("reason-{n}"))
            });
            let again = Again { faults, form: Some(form), ..Again::default() };
            html_as(StatusCode::UNPROCESSABLE_ENTITY, &duty_page(state, visit, again).await?)
        }
        Err(problem) => Err(problem),
    }
}

/// Confirms. Where the data have changed since they were seen, the page says which and asks again.
///
/// # Errors
/// As the act.
pub async fn confirm(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let (name, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let root: String = form.value("snapshot_root").chars().filter(|c| !c.is_whitespace()).collect();
    let statement = Statement { snapshot_root: root, statement: form.has("statement"), exceptions: Vec::new() };
    let outcome = state.app.confirm(posted.cx(&state), name.clone(), id, statement).await;
    let problem = match outcome.map_err(Problem::from) {
        Ok(_) => {
            return visit.done(&format!("/r/{name}/confirmations/{id}/receipt"), "confirmations-confirmed");
        }
        Err(problem) => problem,
    };
    match (problem.kind, problem.code) {
        (Kind::Conflict, Some("stale_root")) => {
            let changed = |code: &str| match code {
                "added" => Some("added"),
                "gone" => Some("gone"),
                "changed" => Some("changed"),
                _ => None,
            };
            let moved = problem
                .errors
                .iter()
                .filter_map(|e| Some((e.pointer.strip_prefix("/records/")?.parse().ok()?, changed(e.code)?)))
                .collect();
            let again = Again { moved, stale: true, ..Again::default() };
            html_as(StatusCode::CONFLICT, &duty_page(&state, visit, again).await?)
        }
        (Kind::Conflict, Some("already_confirmed")) => visit.see(&format!("/r/{name}/confirmations/{id}/receipt")),
        (Kind::Invalid, _) => {
            let t = visit.t;
            let unsaid = problem.errors.iter().any(|e| e.pointer == "/statement");
            let fault = if unsaid {
                Fault { id: "statement".into(), text: t.say("confirmations-tick"), clause: problem.clause.clone() }
            } else {
                Fault { id: "findings".into(), text: t.say("confirmations-mend-first"), clause: problem.clause.clone() }
            };
            let again = Again { faults: vec![fault], form: Some(form), ..Again::default() };
            html_as(StatusCode::UNPROCESSABLE_ENTITY, &duty_page(&state, visit, again).await?)
        }
        _ => Err(problem),
    }
}

// ── What has changed ─────────────────────────────────────────────────────────────────────────────

/// A field in which a record differs.
struct FieldDiff {
    field: Said,
    before: String,
    after: String,
    hidden: bool,
}

/// A record that differs.
struct Diff {
    record: String,
    href: String,
    of: Said,
    what: String,
    colour: &'static str,
    fields: Vec<FieldDiff>,
    more: usize,
    proof: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/confirmations/changes.html")]
struct ChangesPage {
    f: Frame,
    about: String,
    choices: Vec<Choice>,
    diffs: Vec<Diff>,
    cut: bool,
    next: Option<String>,
}

/// What differs from the confirmation before, or since the receipt: record by record.
///
/// # Errors
/// As the act.
pub async fn changes(state: State, visit: Visit) -> Shown {
    let (t, id) = (visit.t, visit.id("id")?);
    let register = visit.register(&state)?;
    let name = register.name().to_owned();
    let view = state.app.read_confirmation(visit.cx(), name.clone(), id).await?.into_inner();
    let since_receipt = visit.q("since") == Some("receipt");
    let (differences, about, of) = if since_receipt {
        (view.drift.unwrap_or_default(), t.say("confirmations-since-receipt"), Some(id))
    } else {
        match view.since_last {
            Some(e) => {
                let text = t.say_with("confirmations-compared-with", &[("day", &t.day(e.due_on))]);
                (e.differences, text, Some(e.id))
            }
            None => (DriftView::default(), t.say("confirmations-first-time"), None),
        }
    };
    let path = format!("/{}/r/{name}/confirmations/{id}/changes", t.code());
    let since = if since_receipt { "since=receipt&" } else { "" };
    let only = visit.q("type");
    let choices = differences
        .by_type
        .iter()
        .map(|(record_type, n)| Choice {
            text: type_label(t, &register, record_type).text,
            count: whole(t, n.added + n.gone + n.changed),
            href: format!("{path}?{since}type={}", percent_encoded(record_type)),
            current: only == Some(record_type.as_str()),
        })
        .collect();
    let from = visit.q("from").and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
    let all = differences.changed + differences.added + differences.gone;
    let matching: Vec<&DifferenceView> =
        differences.items.iter().filter(|d| only.is_none_or(|o| d.record_type == o)).collect();
    let diffs: Vec<Diff> = matching
        .iter()
        .skip(from)
        .take(CHANGES)
        .map(|d| {
            let proof = of
                .filter(|_| d.what != "added")
                .map(|of| format!("/{}/r/{name}/confirmations/{of}/proof?record={}", t.code(), d.record_id));
            diff(t, &register, d, proof)
        })
        .collect();
    let next = from + diffs.len();
    let frame = visit.frame(&state, t.say("confirmations-changes"));
    let base = format!("/r/{name}/confirmations");
    html(&ChangesPage {
        f: frame.crumb(t.say("frame-confirmations"), &base).crumb(t.day(view.duty.due_on), &format!("{base}/{id}")),
        about: format!("{} · {about}", view.duty.institution),
        choices,
        cut: all > differences.items.len(),
        next: (next < matching.len()).then(|| {
            let only = only.map(|o| format!("type={}&", percent_encoded(o))).unwrap_or_default();
            format!("{path}?{since}{only}from={next}")
        }),
        diffs,
    })
}

fn diff(t: T, register: &Register, difference: &DifferenceView, proof: Option<String>) -> Diff {
    let fields = difference
        .changes
        .iter()
        .take(MOST_FIELDS)
        .map(|c| FieldDiff {
            field: c.label.as_ref().map_or_else(|| plain(&c.field), |label| t.label(label)),
            before: c.before.as_ref().map(|v| value_text(t, v)).unwrap_or_default(),
            after: c.after.as_ref().map(|v| value_text(t, v)).unwrap_or_default(),
            hidden: c.before.is_none() && c.after.is_none(),
        })
        .collect();
    Diff {
        record: difference.title.clone().unwrap_or_else(|| t.say("confirmations-record")),
        href: format!(
            "/{}/r/{}/records/{}/{}",
            t.code(),
            register.name(),
            difference.record_type,
            difference.record_id
        ),
        of: type_label(t, register, &difference.record_type),
        what: what(t, difference.what),
        colour: match difference.what {
            "added" => "ok",
            "gone" => "warn",
            _ => "info",
        },
        fields,
        more: difference.changes.len().saturating_sub(MOST_FIELDS),
        proof,
    }
}

// ── Receipt and proof ────────────────────────────────────────────────────────────────────────────

#[derive(Template)]
#[template(path = "ui/confirmations/receipt.html")]
struct ReceiptPage {
    f: Frame,
    view: ReceiptView,
    label: Said,
    kind: Said,
    at: String,
    due: String,
    acts_by: Option<String>,
    timing: String,
    colour: &'static str,
    counts: Vec<(Said, String)>,
    size: String,
    root: String,
    statement: Said,
    role: Said,
    ended: Option<String>,
    faults: Vec<Fault>,
    path: String,
}

async fn receipt_page(state: &State, visit: &Visit, faults: Vec<Fault>) -> Result<ReceiptPage, Problem> {
    let (t, id) = (visit.t, visit.id("id")?);
    let register = visit.register(state)?;
    let name = register.name().to_owned();
    let view = state.app.read_receipt(visit.cx(), name.clone(), id).await?.into_inner();
    let base = format!("/r/{name}/confirmations");
    let title = t.say_with("confirmations-receipt-title", &[("number", &view.number.to_string())]);
    let today = register.day(state.app.store.now());
    let last = register.definition.register.act.in_force_until.filter(|last| *last < today);
    let frame = visit
        .frame(state, title)
        .crumb(t.say("frame-confirmations"), &base)
        .crumb(t.day(view.due_on), &format!("{base}/{id}"));
    Ok(ReceiptPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        label: t.label(&view.label),
        kind: kind_label(t, &register, &view.kind),
        at: moment(t, &register, &view.confirmed_at),
        due: t.weekday(view.due_on),
        acts_by: (view.acts_by != view.due_on).then(|| t.weekday(view.acts_by)),
        timing: view.days_late.map_or_else(|| t.say("confirmations-on-time"), |n| late(t, n)),
        colour: if view.in_time { "ok" } else { "warn" },
        counts: view.counts.iter().map(|(k, n)| (type_label(t, &register, k), whole(t, *n))).collect(),
        size: t.count(view.size),
        root: grouped(&view.snapshot_root),
        statement: t.label(&view.statement),
        role: t.label(&view.confirmed_by.role_label),
        ended: last.map(|day| t.day(day)),
        path: format!("/{}{base}/{id}", t.code()),
        faults,
        view,
    })
}

/// The receipt: its address stays.
///
/// # Errors
/// As the act.
pub async fn receipt(state: State, visit: Visit) -> Shown {
    html(&receipt_page(&state, &visit, Vec::new()).await?)
}

/// The receipt as PDF/A.
///
/// # Errors
/// As the act.
pub async fn receipt_pdf(state: State, visit: Visit) -> Shown {
    let (name, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let (stem, bytes) = state.app.print_receipt(visit.cx(), name, id, visit.t.lang).await?;
    let disposition = format!("attachment; filename=\"{}\"", percent_encoded(&stem));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/pdf"))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(bytes))
}

#[derive(Template)]
#[template(path = "ui/confirmations/proof.html")]
struct ProofPage {
    f: Frame,
    view: ProofView,
    root: String,
    place: String,
}

/// What proves that a record was confirmed in a state.
///
/// # Errors
/// As the act.
pub async fn proof(state: State, visit: Visit) -> Shown {
    let (t, id) = (visit.t, visit.id("id")?);
    let name = visit.word("r").to_owned();
    let Some(record) = visit.q("record").and_then(|text| Uuid::parse_str(text.trim()).ok()) else {
        let fault = Fault { id: "record".into(), text: t.say("confirmations-give-record"), clause: None };
        return html_as(StatusCode::UNPROCESSABLE_ENTITY, &receipt_page(&state, &visit, vec![fault]).await?);
    };
    let view = state.app.prove_confirmation(visit.cx(), name.clone(), id, record).await?.into_inner();
    let base = format!("/r/{name}/confirmations");
    let title = t.say_with("confirmations-proof-title", &[("number", &view.number.to_string())]);
    let receipt = t.say_with("confirmations-receipt-title", &[("number", &view.number.to_string())]);
    html(&ProofPage {
        f: visit
            .frame(&state, title)
            .crumb(t.say("frame-confirmations"), &base)
            .crumb(receipt, &format!("{base}/{id}/receipt")),
        root: grouped(&view.root),
        place: t.say_with(
            "confirmations-proof-place",
            &[("index", &whole(t, view.index + 1)), ("size", &whole(t, view.size))],
        ),
        view,
    })
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn a_root_is_read_in_fours() {
        assert_eq!(grouped("7f3a91c4e0"), "7f3a 91c4 e0");
    }
}
