//! The card of a record.

use askama::Template;
use chrono::{Datelike as _, Days, NaiveDate};
use serde_json::Value;

use super::lanes::lanes;
use super::show::{Line, Show, Shown as Value_};
use super::story::{Step, differences};
use super::{Opened, value};
use crate::domain::calendar::Term;
use crate::domain::calendar::parse_day;
use crate::domain::record::EntryKind;
use crate::domain::record::index::Status;
use crate::domain::statute::definition::{Field, FieldType, Index, RetentionRule};
use crate::domain::statute::duties::CheckKind;
use crate::domain::statute::path::FieldPath;
use crate::store::read::audit::AuditQuery;
use crate::store::read::records::EntryView;
use crate::web::problem::{Kind, Problem};
use crate::web::ui::retention::words::{WhyTold, told as told_why};
use crate::web::ui::say::{Said, T};
use crate::web::ui::svg::{self, Around, Named, Svg};
use crate::web::ui::{Frame, Shown, State, Visit, html};

/// Days before a day during which it is told of.
const SOON: i64 = 30;
/// Entries of the log that are counted for "who looked".
const COUNTED: i64 = 100;
/// Newest entries told beside the card.
const LATEST: usize = 5;
/// Rows of a field's history.
const MOST_CHANGES: usize = 50;

/// A personal code of the record's subject.
struct CodeShown {
    label: Said,
    text: String,
    hidden: bool,
    field: String,
}

struct Action {
    text: Said,
    href: String,
    primary: bool,
    key: &'static str,
    prints: bool,
}

struct Pill {
    text: String,
    href: String,
    current: bool,
}

/// A base document by name.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) href: Option<String>,
}

/// What happened to a value.
pub(super) struct Told {
    /// What held before.
    pub(super) old: String,
    /// What holds.
    pub(super) new: String,
    /// Rows of a list that are new.
    pub(super) added: Vec<String>,
    /// Rows of a list that are gone.
    pub(super) gone: Vec<String>,
}

struct Change {
    when: String,
    told: Told,
    tag: Option<(&'static str, String)>,
    who: String,
    made: String,
    documents: Vec<Document>,
    reason: Option<String>,
}

struct FieldRow {
    name: String,
    label: Said,
    clause: Option<(String, String)>,
    basis: Option<String>,
    value: Value_,
    /// Whether a personal code in it can be asked for in full.
    asks: bool,
    later: Option<String>,
    since: String,
    documents: Vec<Document>,
    source: Option<Said>,
    history: Option<(String, String)>,
    open: bool,
    changes: Vec<Change>,
}

struct SectionCard {
    name: String,
    label: Said,
    special: bool,
    fields: Vec<FieldRow>,
    lists: Vec<FieldRow>,
    empty: Vec<Said>,
    count: usize,
    /// Clause for which it is not shown.
    refused: Option<String>,
    changed: Option<String>,
    change: Option<String>,
}

struct Attention {
    text: String,
    label: Option<Said>,
    clause: Option<String>,
    way: Option<(String, String)>,
}

struct Latest {
    kind: String,
    fields: Vec<(Said, Option<Told>)>,
    more: usize,
    from: String,
    by: String,
}

struct Kept {
    label: Said,
    clause: String,
    period: String,
    then: String,
    state: String,
    label_of_trigger: Option<Said>,
}

struct Bar {
    lane: String,
    text: String,
    from: String,
    until: String,
}

#[derive(Template)]
#[template(path = "ui/record/card.html")]
struct CardPage {
    f: Frame,
    base: String,
    kind: Said,
    clause: String,
    title: String,
    initials: Option<String>,
    status: (&'static str, String),
    code: Option<CodeShown>,
    facts: Vec<(Said, Line)>,
    actions: Vec<Action>,
    on: String,
    pills: Vec<Pill>,
    other: bool,
    known: Option<String>,
    prints: bool,
    chart: Svg,
    bars: Vec<Bar>,
    sections: Vec<SectionCard>,
    attention: Vec<Attention>,
    latest: Vec<Latest>,
    history: Option<String>,
    looked: Option<String>,
    kept: Vec<Kept>,
    why: Option<WhyTold>,
    /// Where a hold on it is set, for those who may.
    hold: Option<String>,
    queue: bool,
    moves: bool,
    /// Moves that can be made from here.
    ways: Vec<(Said, String)>,
    of_person: bool,
}

/// Makes the card of what is opened.
pub(super) async fn show(state: &State, visit: &Visit, opened: &Opened) -> Shown {
    let looked = looked(state, visit, opened).await?;
    let why = why(state, visit, opened).await?;
    html(&page(state, visit, opened, looked, why))
}

/// Why the record stays or goes, for those who keep the terms; the others see the rules alone.
async fn why(state: &State, visit: &Visit, opened: &Opened) -> Result<Option<WhyTold>, Problem> {
    if !visit.may("retention.read") || opened.is_other_state() {
        return Ok(None);
    }
    let (register, kind) = (opened.register.name().to_owned(), opened.kind.name.clone());
    let act = state.app.retention_why(visit.cx(), register.clone(), kind, opened.view.id, None);
    match act.await.map_err(Problem::from) {
        Ok(why) => {
            let base = visit.may("hold.set").then(|| visit.href(&format!("/r/{register}/retention")));
            Ok(Some(told_why(visit.t, &opened.register, &opened.kind, why.get(), base.as_deref())))
        }
        // Whoever holds two rights may have lost one since the page was begun.
        Err(problem) if problem.kind == Kind::Forbidden => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// How many accesses of the last days the log knows, for those who may read it.
async fn looked(state: &State, visit: &Visit, opened: &Opened) -> Result<Option<String>, Problem> {
    if !visit.may("audit.read") || opened.is_other_state() {
        return Ok(None);
    }
    let from = state.app.store.now() - chrono::TimeDelta::days(SOON);
    let query =
        AuditQuery { record_id: Some(opened.view.id), from: Some(from), limit: COUNTED, ..AuditQuery::default() };
    let list =
        match state.app.read_audit(visit.cx(), opened.register.name().to_owned(), query).await.map_err(Problem::from) {
            Ok(list) => list.into_inner(),
            Err(problem) if problem.kind == Kind::Forbidden => return Ok(None),
            Err(problem) => return Err(problem),
        };
    let is_look = |a: &&crate::store::read::audit::AuditView| {
        a.kind == "read" && a.action.starts_with("record.") && a.decision == "permitted"
    };
    let count = list.items.iter().filter(is_look).count();
    let count = if list.next_cursor.is_some() { format!("{count}+") } else { count.to_string() };
    Ok(Some(visit.t.say_with("record-looked-count", &[("n", &count), ("days", &SOON.to_string())])))
}

/// A status in words, with its colour.
pub(super) fn standing(t: T, status: Status) -> (&'static str, String) {
    let class = match status {
        Status::Active => "ok",
        Status::Pending => "fut",
        Status::Ended | Status::None => "none",
    };
    (class, t.say(&format!("record-status-{}", status.as_str())))
}

/// The address of the same record in another state.
fn at(opened: &Opened, as_of: Option<NaiveDate>, history: Option<&str>) -> String {
    let mut pairs = Vec::new();
    if let Some(day) = as_of {
        pairs.push(format!("as_of={day}"));
    }
    if let Some(known) = opened.known_at {
        pairs.push(format!("known_at={}", known.format("%Y-%m-%dT%H:%M:%S%.6fZ")));
    }
    if let Some(field) = history {
        pairs.push(format!("history={field}"));
    }
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    format!("{}{query}", opened.base())
}

fn page(state: &State, visit: &Visit, opened: &Opened, looked: Option<String>, why: Option<WhyTold>) -> CardPage {
    let t = visit.t;
    let show = opened.show(visit);
    let (kind, view, register) = (&opened.kind, &opened.view, &*opened.register);
    let title = show.title(kind, &view.data).unwrap_or_else(|| t.label(&kind.label).text);
    let list = format!("/r/{}/records/{}", register.name(), kind.name);
    let f = visit
        .frame(state, title.clone())
        .crumb(t.say("frame-desk"), &format!("/r/{}/desk", register.name()))
        .crumb(t.label(&kind.label).text, &list);
    let zone = register.definition.register.time_zone;
    let lanes = lanes(opened, show);
    let on_text = t.day(opened.on);
    let named = Named {
        id: "tl",
        title: &t.say_with("record-timeline-title", &[("name", &title)]),
        desc: &t.say("record-timeline-desc"),
    };
    let chart = svg::timeline(named, &lanes, Around { today: opened.today, on: opened.on, on_text: &on_text });
    let bars = lanes.iter().flat_map(|lane| {
        lane.spans.iter().map(|span| Bar {
            lane: lane.name.clone(),
            text: span.text.clone(),
            from: t.day(span.from),
            until: span.until.map(|d| t.day(d)).unwrap_or_default(),
        })
    });
    let bars = bars.take(400).collect();
    let history = visit.q("history");
    let sections = sections(visit, opened, show, history);
    let initials = kind
        .subject
        .as_ref()
        .map(|_| title.split_whitespace().filter_map(|w| w.chars().next()).take(2).collect::<String>());
    CardPage {
        base: opened.base(),
        kind: t.label(&kind.label),
        clause: kind.clause.0.clone(),
        initials,
        status: standing(t, view.status),
        code: subject_code(opened, show),
        facts: facts(opened, show),
        actions: actions(visit, opened),
        on: opened.on.format("%d.%m.%Y").to_string(),
        pills: pills(t, opened, &f),
        other: opened.is_other_state(),
        known: opened.known_at.map(|known| t.instant(known, zone)),
        prints: visit.q("print").is_some(),
        chart,
        bars,
        attention: attention(opened, show, &sections),
        latest: latest(opened, show, zone),
        history: (!opened.story.entries.is_empty())
            .then(|| t.say_with("record-all-entries", &[("n", &t.count(view.version))])),
        looked,
        kept: if why.is_some() { Vec::new() } else { kept(opened, show) },
        hold: (why.is_some() && visit.may("hold.set")).then(|| {
            let query = format!("type={}&record={}", kind.name, view.id);
            visit.href(&format!("/r/{}/retention/holds/new?{query}", register.name()))
        }),
        why,
        queue: kind.queue.is_some() && view.status == Status::Active,
        moves: has_moves(opened),
        ways: ways(visit, opened),
        of_person: kind.subject.is_some(),
        sections,
        title,
        f,
    }
}

/// Whether records of the type come from others or become others.
fn has_moves(opened: &Opened) -> bool {
    let types = &opened.register.definition.record_types;
    !opened.kind.moves.is_empty() || types.iter().any(|k| k.moves.iter().any(|m| m.into == opened.kind.name))
}

/// The moves that the statute knows of such a record, for those who may enter records.
fn ways(visit: &Visit, opened: &Opened) -> Vec<(Said, String)> {
    if opened.is_other_state() || opened.view.status == Status::Ended || !visit.may("record.create") {
        return Vec::new();
    }
    let address = visit.href(&opened.base());
    opened.kind.moves.iter().map(|m| (visit.t.label(&m.label), format!("{address}/move/{}", m.name))).collect()
}

fn subject_code(opened: &Opened, show: Show<'_>) -> Option<CodeShown> {
    let subject = opened.kind.subject.as_ref()?;
    let field = opened.kind.fields.iter().find(|f| f.name == subject.field())?;
    let lines = show.lines(&field.name, field, opened.view.data.get(&field.name)?);
    let line = lines.into_iter().next()?;
    Some(CodeShown {
        label: show.t.label(&field.label),
        text: line.text.text,
        hidden: line.hidden,
        field: field.name.clone(),
    })
}

/// What stands beside the name: the institution, what lists are narrowed by, and since when.
fn facts(opened: &Opened, show: Show<'_>) -> Vec<(Said, Line)> {
    let (kind, view) = (&opened.kind, &opened.view);
    let institutions = &opened.register.definition.register.institutions.record_type;
    let mut out = Vec::new();
    let said = |key: &str| Said { text: show.t.say(key), lang: None };
    if *institutions != kind.name {
        out.push((said("record-institution"), show.reference(Some(institutions), &view.institution_id.to_string())));
    }
    let titled = |f: &Field| kind.title.iter().any(|p| p.split('/').next() == Some(f.name.as_str()));
    let telling = |f: &&Field| {
        f.index.is_some_and(|i| i != Index::Name)
            && !titled(f)
            && [FieldType::Reference, FieldType::Load, FieldType::Code].contains(&f.kind)
            && f.refers_to.as_deref() != Some(institutions)
    };
    let mut chosen: Vec<&Field> = kind.fields.iter().filter(telling).collect();
    chosen.sort_by_key(|f| match f.kind {
        FieldType::Reference => 0,
        FieldType::Load => 1,
        _ => 2,
    });
    for field in chosen.into_iter().filter(|f| !value(&view.data, &f.name).is_null()).take(3) {
        let line = show.lines(&field.name, field, value(&view.data, &field.name)).into_iter().next();
        out.extend(line.map(|line| (show.t.label(&field.label), line)));
    }
    let days = kind.lifecycle.as_ref().map(|l| [(&l.begins, "record-since"), (&l.ends, "record-last-day")]);
    for (path, key) in days.into_iter().flatten() {
        let day = FieldPath::parse(path).ok().and_then(|p| p.get(&view.data)?.as_str().and_then(parse_day));
        if let Some(day) = day {
            out.push((said(key), Line { text: Said { text: show.t.day(day), lang: None }, ..Line::default() }));
        }
    }
    out
}

fn actions(visit: &Visit, opened: &Opened) -> Vec<Action> {
    let t = visit.t;
    let base = visit.href(&opened.base());
    let own = |key: &str| Said { text: t.say(key), lang: None };
    let mut out = Vec::new();
    let now = !opened.is_other_state();
    let lives = opened.view.status != Status::Ended;
    let mut add = |text, href, primary, key, prints| out.push(Action { text, href, primary, key, prints });
    if now && lives && visit.may("record.change") {
        add(own("record-change"), format!("{base}/change"), true, "m", false);
    }
    if now && visit.may("record.correct") {
        add(own("record-correct"), format!("{base}/correct"), false, "", false);
    }
    if now && lives && opened.kind.lifecycle.is_some() && visit.may("record.end") {
        add(own("record-end"), format!("{base}/end"), false, "", false);
    }
    if visit.may("disclosure.release") && opened.kind.subject.is_some() {
        add(own("record-release"), visit.href(&format!("/r/{}/requests", opened.register.name())), false, "", false);
    }
    let print = at(opened, opened.as_of, None);
    let join = if print.contains('?') { '&' } else { '?' };
    add(own("record-print"), visit.href(&format!("{print}{join}print=1")), false, "", true);
    out
}

/// Days worth looking at: today, the last and the coming days of change, and the first of the year.
fn pills(t: T, opened: &Opened, f: &Frame) -> Vec<Pill> {
    let days = &opened.story.days;
    let today = opened.today;
    let coming = days.range(today.succ_opt().unwrap_or(today)..).map(|(d, _)| *d).take(3);
    let past: Vec<NaiveDate> = days.range(..=today).rev().map(|(d, _)| *d).take(2).collect();
    let first = days.keys().next().copied();
    let year = NaiveDate::from_ymd_opt(today.year(), 1, 1).filter(|y| first.is_some_and(|f| f <= *y));
    let mut out = vec![Pill {
        text: t.say("record-today"),
        href: f.href(&at(opened, None, None)),
        current: opened.as_of.is_none_or(|d| d == today),
    }];
    let mut other: Vec<NaiveDate> = past.into_iter().chain(year).chain(coming).filter(|d| *d != today).collect();
    other.sort_unstable();
    other.dedup();
    out.extend(other.into_iter().rev().map(|day| {
        let said = t.day(day);
        Pill {
            text: if day > today { t.say_with("record-coming", &[("day", &said)]) } else { said },
            href: f.href(&at(opened, Some(day), None)),
            current: opened.as_of == Some(day),
        }
    }));
    out
}

/// A clause, short beside the type's own.
fn short(clause: &str, of: &str) -> String {
    match clause.strip_prefix(of).map(str::trim) {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => clause.to_owned(),
    }
}

fn sections(visit: &Visit, opened: &Opened, show: Show<'_>, history: Option<&str>) -> Vec<SectionCard> {
    let t = visit.t;
    let access = &opened.register.definition.register.access;
    let may_change = visit.may("record.change") && !opened.is_other_state() && opened.view.status != Status::Ended;
    let mut out = Vec::new();
    for section in &opened.kind.sections {
        let refused = opened.view.redacted.contains(&section.name).then(|| access.scope_clause.0.clone());
        let (mut fields, mut lists, mut empty) = (Vec::new(), Vec::new(), Vec::new());
        let mut changed = None;
        if refused.is_none() {
            for field in opened.kind.fields.iter().filter(|f| f.section.as_deref() == Some(section.name.as_str())) {
                let is_open = history == Some(field.name.as_str());
                let row = row(visit, opened, show, field, is_open);
                let step = opened.story.on(&field.name, opened.on);
                changed =
                    changed.max(step.and_then(|s| opened.story.entries.get(&s.entry)).map(|e| e.recorded_at.as_str()));
                match row.value {
                    Value_::None if row.history.is_none() && row.later.is_none() => empty.push(row.label),
                    Value_::Table(_) => lists.push(row),
                    _ => fields.push(row),
                }
            }
        }
        let count = fields.iter().chain(&lists).map(|r: &FieldRow| r.value.count()).sum();
        let anchor = visit.href(&format!("{}/change?section={}", opened.base(), section.name));
        out.push(SectionCard {
            label: t.label(&section.label),
            special: section.special_category,
            count,
            change: (may_change && refused.is_none()).then_some(anchor),
            changed: changed.and_then(|at| day_of(opened, at)).map(|day| t.day(day)),
            name: section.name.clone(),
            fields,
            lists,
            empty,
            refused,
        });
    }
    out
}

/// The register's day of an instant.
fn day_of(opened: &Opened, recorded_at: &str) -> Option<NaiveDate> {
    let instant = chrono::DateTime::parse_from_rfc3339(recorded_at).ok()?;
    Some(opened.register.day(instant.to_utc()))
}

fn row(visit: &Visit, opened: &Opened, show: Show<'_>, field: &Field, open: bool) -> FieldRow {
    let t = visit.t;
    let story = &opened.story;
    let steps = story.steps.get(&field.name).map(Vec::as_slice).unwrap_or_default();
    let replaced = story.replaced.get(&field.name).map_or(0, Vec::len);
    let shown = show.value(field, value(&opened.view.data, &field.name));
    let current = story.on(&field.name, opened.on).filter(|s| s.new.is_some());
    let later = steps.iter().filter(|s| s.from > opened.on).map(|step| {
        let text = step.new.as_ref().map(|v| show.brief(&field.name, field, v)).unwrap_or_default();
        let what = if field.repeats { String::new() } else { text };
        let day = t.day(step.from);
        if what.is_empty() {
            t.say_with("record-changes-from", &[("day", &day)])
        } else {
            t.say_with("record-from-then", &[("day", &day), ("value", &what)])
        }
    });
    let later = later.take(2).collect::<Vec<_>>().join("; ");
    let count = steps.len() + replaced;
    let here = |history| format!("{}#f-{}", visit.href(&at(opened, opened.as_of, history)), field.name);
    let history = (count > 0).then(|| {
        if open {
            (t.say("record-close"), here(None))
        } else {
            (t.say_with("record-entries-count", &[("n", &count.to_string())]), here(Some(&field.name)))
        }
    });
    let of = &opened.kind.clause.0;
    let told = opened.view.sources.get(&field.name).and_then(|s| s.source.as_deref());
    let sources = &opened.register.definition.register.sources;
    FieldRow {
        name: field.name.clone(),
        label: t.label(&field.label),
        clause: field.clause.as_ref().map(|c| (short(&c.0, of), c.0.clone())),
        basis: field.basis.clone(),
        asks: asks(&shown),
        value: shown,
        later: (!later.is_empty()).then_some(later),
        since: current.map(|s| t.day(s.from)).unwrap_or_default(),
        documents: current
            .and_then(|s| story.entries.get(&s.entry))
            .map(|e| documents(t, opened, e))
            .unwrap_or_default(),
        source: told.and_then(|name| sources.iter().find(|s| s.name == name)).map(|s| t.label(&s.label)),
        history,
        open,
        changes: if open { changes(opened, show, field, steps) } else { Vec::new() },
    }
}

/// Whether a personal code in it is masked.
fn asks(shown: &Value_) -> bool {
    let any = |lines: &[Line]| lines.iter().any(|l| l.hidden);
    match shown {
        Value_::None => false,
        Value_::Lines(lines) => any(lines),
        Value_::Parts(parts) => parts.iter().any(|(_, lines)| any(lines)),
        Value_::Table(rows) => rows.rows.iter().flatten().any(|lines| any(lines)),
    }
}

/// The base documents of an entry by name.
pub(super) fn documents(t: T, opened: &Opened, entry: &EntryView) -> Vec<Document> {
    let definition = &opened.register.definition;
    let of = |id: &uuid::Uuid| match opened.documents.get(id) {
        Some(data) => {
            let kind = definition.document_kinds.iter().find(|k| k.name == data.kind);
            let kind = kind.map_or_else(|| data.kind.clone(), |k| t.label(&k.label).text);
            let words = [Some(kind), data.number.clone().or_else(|| data.title.clone())];
            let text = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
            Document { text, href: Some(format!("/{}/r/{}/documents/{id}", t.code(), opened.register.name())) }
        }
        None => Document { text: t.say("record-document-unnamed"), href: None },
    };
    entry.base_document_ids.iter().take(5).map(of).collect()
}

/// What became of a value.
pub(super) fn told(show: Show<'_>, field: &Field, old: Option<&Value>, new: Option<&Value>) -> Told {
    let brief = |v: &Value| show.brief(&field.name, field, v);
    if let (true, Some(Value::Array(new))) = (field.repeats, new) {
        let none = Vec::new();
        let old = old.and_then(Value::as_array).unwrap_or(&none);
        let (added, gone) = differences(old, new);
        let some = |values: Vec<&Value>| values.into_iter().take(20).map(brief).collect();
        return Told { old: String::new(), new: String::new(), added: some(added), gone: some(gone) };
    }
    Told {
        old: old.map(brief).unwrap_or_default(),
        new: new.map(brief).unwrap_or_default(),
        added: Vec::new(),
        gone: Vec::new(),
    }
}

/// The history of a field, the newest first, and after it what was corrected away.
fn changes(opened: &Opened, show: Show<'_>, field: &Field, steps: &[Step]) -> Vec<Change> {
    let t = show.t;
    let zone = opened.register.definition.register.time_zone;
    let made = |entry: &EntryView| made(t, zone, entry);
    let mut out: Vec<Change> = Vec::new();
    let holds = opened.story.on(&field.name, opened.on);
    for step in steps.iter().rev().take(MOST_CHANGES) {
        let Some(entry) = opened.story.entries.get(&step.entry) else { continue };
        let tag = if step.from > opened.today {
            Some(("fut", t.say("record-future")))
        } else if holds == Some(step) && step.new.is_some() {
            Some(("ok", t.say("record-current")))
        } else {
            None
        };
        let from = t.day(step.from);
        out.push(Change {
            when: step.until.map_or_else(|| format!("{from} →"), |until| format!("{from} – {}", t.day(until))),
            told: told(show, field, step.old.as_ref(), step.new.as_ref()),
            tag,
            who: entry.made_by.clone(),
            made: made(entry),
            documents: documents(t, opened, entry),
            reason: entry.reason.clone(),
        });
    }
    let replaced = opened.story.replaced.get(&field.name).into_iter().flatten().rev();
    for entry in replaced.filter_map(|id| opened.story.entries.get(id)).take(MOST_CHANGES) {
        let was = entry.data.get(&field.name).filter(|v| !v.is_null());
        let by = entry.superseded_by.and_then(|id| opened.story.entries.get(&id));
        out.push(Change {
            when: entry.effective_on.parse().map(|d| t.day(d)).unwrap_or_default(),
            told: Told {
                old: was.map(|v| show.brief(&field.name, field, v)).unwrap_or_default(),
                new: String::new(),
                added: Vec::new(),
                gone: Vec::new(),
            },
            tag: Some(("warn", t.say("record-corrected"))),
            who: entry.made_by.clone(),
            made: made(entry),
            documents: documents(t, opened, entry),
            reason: by.and_then(|e| e.reason.clone()),
        });
    }
    out
}

/// When an entry was made, as clocks show it.
pub(super) fn made(t: T, zone: chrono_tz::Tz, entry: &EntryView) -> String {
    chrono::DateTime::parse_from_rfc3339(&entry.recorded_at).map(|at| t.instant(at.to_utc(), zone)).unwrap_or_default()
}

fn latest(opened: &Opened, show: Show<'_>, zone: chrono_tz::Tz) -> Vec<Latest> {
    let t = show.t;
    let mut out = Vec::new();
    for entry in opened.story.newest().into_iter().take(LATEST) {
        let said = entry.data.as_object();
        let fields: Vec<&Field> =
            opened.kind.fields.iter().filter(|f| said.is_some_and(|m| m.contains_key(&f.name))).collect();
        let is_first = entry.kind == EntryKind::Create;
        let few = if is_first { 0 } else { 3 };
        let told = fields.iter().take(few).map(|field| {
            let step = opened.story.steps.get(&field.name).into_iter().flatten().find(|s| s.entry == entry.id);
            (t.label(&field.label), step.map(|s| told(show, field, s.old.as_ref(), s.new.as_ref())))
        });
        out.push(Latest {
            kind: t.say(&format!("record-kind-{}", entry.kind.as_str())),
            fields: told.collect(),
            more: if is_first { 0 } else { fields.len().saturating_sub(3) },
            from: entry
                .effective_on
                .parse()
                .map(|d| t.say_with("record-effective", &[("day", &t.day(d))]))
                .unwrap_or_default(),
            by: format!("{} · {}", entry.made_by, made(t, zone, entry)),
        });
    }
    out
}

/// What to look at: what changes soon, what has run out, what is missing, what is kept no longer.
fn attention(opened: &Opened, show: Show<'_>, sections: &[SectionCard]) -> Vec<Attention> {
    let t = show.t;
    let mut out = Vec::new();
    if opened.is_other_state() {
        return out;
    }
    let (kind, data) = (&opened.kind, &opened.view.data);
    for (day, fields) in opened.story.days.range(opened.today.succ_opt().unwrap_or(opened.today)..).take(3) {
        let labels =
            fields.iter().filter_map(|n| kind.fields.iter().find(|f| f.name == *n)).map(|f| t.label(&f.label).text);
        let labels = labels.take(4).collect::<Vec<_>>().join(", ");
        out.push(Attention {
            text: t.say_with("record-will-change", &[("day", &t.day(*day)), ("fields", &labels)]),
            label: None,
            clause: None,
            way: Some((t.say("record-see-then"), format!("/{}{}", t.code(), at(opened, Some(*day), None)))),
        });
    }
    let hidden = |path: &str| {
        let top = path.split(['/', '[']).next().unwrap_or_default();
        let section = kind.fields.iter().find(|f| f.name == top).and_then(|f| f.section.as_deref());
        section.is_some_and(|s| sections.iter().any(|c| c.name == s && c.refused.is_some()))
    };
    let values = |path: &str| FieldPath::parse(path).map(|p| p.values(data)).unwrap_or_default();
    if opened.view.status != Status::Ended {
        for check in kind.checks.iter().filter(|c| c.when.as_ref().is_none_or(|w| w.holds(data))) {
            if check.fields.iter().any(|p| hidden(p)) {
                continue;
            }
            let there = |path: &String| !values(path).is_empty();
            let wrong = match check.kind {
                CheckKind::Expired => check.fields.first().is_some_and(|p| {
                    values(p).iter().filter_map(|v| v.as_str().and_then(parse_day)).any(|day| day < opened.today)
                }),
                CheckKind::Missing => !check.fields.iter().any(there),
                CheckKind::Unpaired => check.fields.iter().filter(|p| there(p)).count() == 1,
                CheckKind::HeldElsewhere | CheckKind::GroupSize | CheckKind::SumPerSubject => false,
            };
            if wrong {
                let label = Some(t.label(&check.label));
                out.push(Attention { text: String::new(), label, clause: Some(check.clause.0.clone()), way: None });
            }
        }
        let soon = opened.today + Days::new(SOON.unsigned_abs());
        for field in kind.fields.iter().filter(|f| !f.repeats && f.derived.is_none()) {
            let own = std::slice::from_ref(field);
            let dates = if field.kind == FieldType::Group { field.parts.as_slice() } else { own };
            let place = if field.kind == FieldType::Group { value(data, &field.name) } else { data };
            for date in dates.iter().filter(|d| d.kind == FieldType::Date) {
                let Some(day) = place.get(&date.name).and_then(Value::as_str).and_then(parse_day) else { continue };
                if day <= opened.today || day > soon {
                    continue;
                }
                let left = (day - opened.today).num_days().to_string();
                out.push(Attention {
                    text: t.say_with("record-day-near", &[("day", &t.day(day)), ("n", &left)]),
                    label: Some(t.label(&date.label)),
                    clause: date.clause.as_ref().or(field.clause.as_ref()).map(|c| c.0.clone()),
                    way: None,
                });
            }
        }
        for field in kind.fields.iter().filter(|f| f.required && f.derived.is_none()) {
            if value(data, &field.name).is_null() && !hidden(&field.name) {
                out.push(Attention {
                    text: t.say("record-missing"),
                    label: Some(t.label(&field.label)),
                    clause: field.clause.as_ref().map(|c| c.0.clone()),
                    way: None,
                });
            }
        }
    }
    out.truncate(8);
    out
}

/// How long what is kept, by the rules that the fields with a value name.
fn kept(opened: &Opened, show: Show<'_>) -> Vec<Kept> {
    let (t, data) = (show.t, &opened.view.data);
    let mut out: Vec<Kept> = Vec::new();
    let rules = &opened.register.definition.register.retention_rules;
    let named = |rule: &&RetentionRule| {
        opened.kind.fields.iter().any(|f| f.retention.as_deref() == Some(&rule.name) && !value(data, &f.name).is_null())
    };
    for rule in rules.iter().filter(named) {
        let counted = rule.trigger.as_ref().and_then(|said| said.sources().first());
        let path = counted.and_then(|p| FieldPath::parse(p).ok());
        let day = path.as_ref().and_then(|p| p.get(data)?.as_str().and_then(parse_day));
        let term = rule.period.as_deref().and_then(|p| p.parse::<Term>().ok());
        let due = day.zip(term).and_then(|(day, term)| term.after(day, &opened.register.calendar).ok());
        let state = match (due, rule.trigger.is_some()) {
            (Some(due), _) => t.say_with("record-kept-until", &[("day", &t.day(due))]),
            (None, true) => t.say("record-kept-waits"),
            (None, false) => t.say("record-kept-open"),
        };
        out.push(Kept {
            label: t.label(&rule.label),
            clause: rule.clause.0.clone(),
            period: rule.period.as_deref().map(|p| period(t, p)).unwrap_or_default(),
            then: t.say_if(&format!("record-then-{}", rule.then)).unwrap_or_else(|| rule.then.clone()),
            state,
            label_of_trigger: path.and_then(|p| p.resolve(&opened.kind.fields).map(|f| t.label(&f.label))),
        });
    }
    out
}

/// A period as people read it: `P10Y` is `10 a`.
fn period(t: T, iso: &str) -> String {
    let mut out = Vec::new();
    let mut digits = String::new();
    for c in iso.trim_start_matches('P').chars() {
        let key = match c {
            'Y' => "record-years",
            'M' => "record-months",
            'W' => "record-weeks",
            'D' => "record-days",
            c => {
                digits.push(c);
                continue;
            }
        };
        out.push(t.say_with(key, &[("n", &digits)]));
        digits.clear();
    }
    if out.is_empty() { iso.to_owned() } else { out.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Lang;

    #[test]
    fn periods_and_clauses_are_short_where_the_page_says_the_rest() {
        assert_eq!(period(T::new(Lang::Et), "P1Y6M"), "1 a 6 k");
        assert_eq!(period(T::new(Lang::Et), "5 working days"), "5 working days");
        assert_eq!(short("§ 12 lg 1 p 13", "§ 12 lg 1"), "p 13");
        assert_eq!(short("§ 13", "§ 12 lg 1"), "§ 13");
        assert_eq!(short("§ 12 lg 1", "§ 12 lg 1"), "§ 12 lg 1");
    }
}
