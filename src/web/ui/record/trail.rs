//! What surrounds a record: its entries, who looked at it, where it came from and went, its place in a queue, and the
//! base documents.

use std::collections::BTreeSet;

use askama::Template;
use chrono::DateTime;
use serde_json::Value;
use uuid::Uuid;

use super::card::{self, Document, Told};
use super::show::{Line, Show};
use super::story::Story;
use super::{Opened, base, named, newest};
use crate::domain::record::index::values_at;
use crate::domain::record::queue::Says;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::store::read::audit::AuditQuery;
use crate::store::read::records::RecordView;
use crate::web::problem::Problem;
use crate::web::ui::say::{Said, T};
use crate::web::ui::{Frame, Shown, State, Visit, html};

/// Entries of a page of the history.
const PAGE: i64 = 50;

/// A record whose surroundings are shown.
struct Around {
    register: std::sync::Arc<Register>,
    kind: RecordType,
    view: RecordView,
}

impl Around {
    async fn of(state: &State, visit: &Visit) -> Result<Self, Problem> {
        let register = visit.register(state)?;
        let kind = register.record_type(visit.word("type")).ok_or_else(Problem::not_found)?.clone();
        let id = visit.id("id")?;
        let view = state.app.read_record(visit.cx(), register.name().to_owned(), kind.name.clone(), id, None, None);
        Ok(Self { view: view.await?.into_inner(), register, kind })
    }

    fn frame(&self, state: &State, visit: &Visit, key: &str) -> (Frame, String) {
        let none = std::collections::BTreeMap::new();
        let show = Show { t: visit.t, register: &self.register, titles: &none, in_full: &[] };
        let name = show.title(&self.kind, &self.view.data).unwrap_or_else(|| visit.t.label(&self.kind.label).text);
        let list = format!("/r/{}/records/{}", self.register.name(), self.kind.name);
        let f = visit
            .frame(state, format!("{} – {name}", visit.t.say(key)))
            .crumb(visit.t.label(&self.kind.label).text, &list)
            .crumb(name.clone(), &base(&self.register, &self.kind.name, self.view.id));
        (f, name)
    }
}

struct EntryRow {
    number: i64,
    kind: (&'static str, String),
    effective: String,
    fields: Vec<(Said, Told)>,
    redacted: Vec<Said>,
    who: String,
    made: String,
    known: Option<String>,
    documents: Vec<Document>,
    source: Option<Said>,
    reason: Option<String>,
    replaced: bool,
}

#[derive(Template)]
#[template(path = "ui/record/history.html")]
struct HistoryPage {
    f: Frame,
    name: String,
    back: String,
    entries: Vec<EntryRow>,
    next: Option<String>,
}

/// Every entry ever made, the newest first.
pub async fn history(state: State, visit: Visit) -> Shown {
    let around = Around::of(&state, &visit).await?;
    let before = visit
        .q("before")
        .map(|b| b.parse::<i64>().map_err(|_| Problem::parameter("before", "cursor", "this is not ours")));
    let before = before.transpose()?;
    // One more than is shown: what the oldest of the page changed is told by the one before it.
    let entries = newest(&state, &visit, &around.view, PAGE, before).await?;
    let mut ids = BTreeSet::new();
    for entry in &entries {
        super::referred(&around.kind.fields, &entry.data, &mut ids);
    }
    let documents = entries.iter().flat_map(|e| e.base_document_ids.iter().copied()).collect();
    let (titles, documents) = named(&state, &visit, &around.register, around.view.id, ids, documents).await?;
    let (f, name) = around.frame(&state, &visit, "record-history");
    let today = around.register.day(state.app.store.now());
    let opened = Opened {
        story: Story::read(entries, None),
        on: today,
        today,
        titles,
        documents,
        as_of: None,
        known_at: None,
        in_full: Vec::new(),
        register: around.register,
        kind: around.kind,
        view: around.view,
    };
    let t = visit.t;
    let show = opened.show(&visit);
    let zone = opened.register.definition.register.time_zone;
    let newest = opened.story.newest();
    let last = newest.last().map_or(1, |e| e.number);
    let address = visit.href(&opened.base());
    let rows = newest.iter().map(|entry| {
        let fields = opened.kind.fields.iter().filter(|f| entry.data.get(&f.name).is_some()).map(|field| {
            let step = opened.story.steps.get(&field.name).into_iter().flatten().find(|s| s.entry == entry.id);
            let said = entry.data.get(&field.name).filter(|v| !v.is_null());
            let told = match step {
                Some(step) => card::told(show, field, step.old.as_ref(), step.new.as_ref()),
                None => card::told(show, field, None, said),
            };
            (t.label(&field.label), told)
        });
        let known = DateTime::parse_from_rfc3339(&entry.recorded_at)
            .ok()
            .map(|at| format!("{address}?known_at={}", at.to_utc().format("%Y-%m-%dT%H:%M:%S%.6fZ")));
        let class = match entry.kind {
            crate::domain::record::EntryKind::Correction => "warn",
            crate::domain::record::EntryKind::Create => "info",
            crate::domain::record::EntryKind::Change => "none",
            crate::domain::record::EntryKind::End | crate::domain::record::EntryKind::Void => "err",
        };
        EntryRow {
            number: entry.number,
            kind: (class, t.say(&format!("record-kind-{}", entry.kind.as_str()))),
            effective: entry.effective_on.parse().map(|d| t.day(d)).unwrap_or_default(),
            fields: fields.collect(),
            redacted: entry
                .redacted
                .iter()
                .filter_map(|s| opened.section(Some(s)))
                .map(|s| t.label(&s.label))
                .collect(),
            who: entry.made_by.clone(),
            made: card::made(t, zone, entry),
            known,
            documents: card::documents(t, &opened, entry),
            source: entry.source.as_ref().and_then(|name| {
                let sources = &opened.register.definition.register.sources;
                sources.iter().find(|s| s.name == *name).map(|s| t.label(&s.label))
            }),
            reason: entry.reason.clone(),
            replaced: entry.superseded_by.is_some(),
        }
    });
    let entries = rows.collect();
    let next = (last > 1).then(|| format!("{address}/history?before={last}"));
    html(&HistoryPage { f, name, back: address.clone(), entries, next })
}

struct ViewRow {
    when: String,
    who: String,
    role: Said,
    what: String,
    sections: Vec<Said>,
    fields: bool,
    purpose: String,
    denied: bool,
    clause: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/record/views.html")]
struct ViewsPage {
    f: Frame,
    name: String,
    back: String,
    rows: Vec<ViewRow>,
    next: Option<String>,
}

/// What an action is called.
fn act(t: T, action: &str) -> String {
    t.say_if(&format!("record-act-{}", action.replace(['.', '_'], "-"))).unwrap_or_else(|| action.to_owned())
}

/// Who looked at the record, who changed it, who was refused: the log of this record alone, the newest first.
pub async fn views(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let (kind, id) =
        (register.record_type(visit.word("type")).ok_or_else(Problem::not_found)?.clone(), visit.id("id")?);
    let query = AuditQuery { record_id: Some(id), limit: PAGE, cursor: visit.q_id("cursor")?, ..AuditQuery::default() };
    let name = || register.name().to_owned();
    let list = state.app.read_audit(visit.cx(), name(), query).await?.into_inner();
    // Whoever reads the log need not be one who may read the record: then it has no name here.
    let titles = state.app.record_titles(visit.cx(), name(), vec![id]).await?.into_inner();
    let t = visit.t;
    let title = titles.get(&id).cloned().unwrap_or_else(|| t.label(&kind.label).text);
    let address = base(&register, &kind.name, id);
    let f = visit
        .frame(&state, format!("{} – {title}", t.say("record-looked")))
        .crumb(t.label(&kind.label).text, &format!("/r/{}/records/{}", register.name(), kind.name))
        .crumb(title.clone(), &address);
    let zone = register.definition.register.time_zone;
    let roles = &register.definition.register.roles;
    let rows = list.items.iter().map(|item| {
        let event = item.event.as_ref().unwrap_or(&Value::Null);
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let role = text("/role");
        let sections = event.get("sections").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        ViewRow {
            when: DateTime::parse_from_rfc3339(&item.recorded_at)
                .map(|at| t.instant(at.to_utc(), zone))
                .unwrap_or_default(),
            who: text("/actor/name"),
            role: roles
                .iter()
                .find(|r| r.name == role)
                .map_or(Said { text: role.clone(), lang: None }, |r| t.label(&r.label)),
            what: act(t, &item.action),
            sections: sections
                .filter_map(|s| kind.sections.iter().find(|k| k.name == s))
                .map(|s| t.label(&s.label))
                .collect(),
            fields: event.pointer("/detail/shown_in_full").is_some(),
            purpose: text("/purpose"),
            denied: item.decision == "denied",
            clause: Some(text("/clause")).filter(|c| !c.is_empty()),
        }
    });
    let rows = rows.collect();
    let back = visit.href(&address);
    let next = list.next_cursor.map(|cursor| format!("{back}/views?cursor={cursor}"));
    html(&ViewsPage { f, name: title, back, rows, next })
}

struct MoveRow {
    label: Said,
    clause: String,
    state: (&'static str, String),
    day: String,
    from: Line,
    into: Line,
    from_record: Option<String>,
    into_record: Option<String>,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/record/moves.html")]
struct MovesPage {
    f: Frame,
    name: String,
    back: String,
    rows: Vec<MoveRow>,
}

/// Where the record came from and where it went.
pub async fn moves(state: State, visit: Visit) -> Shown {
    let around = Around::of(&state, &visit).await?;
    let name = around.register.name().to_owned();
    let act = state.app.moves_of_record(visit.cx(), name.clone(), around.kind.name.clone(), around.view.id);
    let moves = act.await?.into_inner().items;
    let ids = moves.iter().flat_map(|m| [m.from.institution_id, m.into.institution_id]).collect();
    let (titles, _) = named(&state, &visit, &around.register, around.view.id, ids, BTreeSet::new()).await?;
    let t = visit.t;
    let show = Show { t, register: &around.register, titles: &titles, in_full: &[] };
    let institutions = around.register.definition.register.institutions.record_type.as_str();
    let record = |kind: &str, id: Option<Uuid>| {
        id.filter(|id| *id != around.view.id).map(|id| visit.href(&base(&around.register, kind, id)))
    };
    let rows = moves.iter().map(|m| {
        let class = match m.state.as_str() {
            "done" => "ok",
            "offered" => "warn",
            _ => "none",
        };
        MoveRow {
            label: m.label.as_ref().map_or_else(|| Said { text: m.name.clone(), lang: None }, |l| t.label(l)),
            clause: m.clause.clone(),
            state: (class, t.say(&format!("record-move-{}", m.state))),
            day: t.day(m.effective_on),
            from: show.reference(Some(institutions), &m.from.institution_id.to_string()),
            into: show.reference(Some(institutions), &m.into.institution_id.to_string()),
            from_record: record(&m.from.record_type, m.from.id),
            into_record: record(&m.into.record_type, m.into.id),
            reason: m.reason.clone(),
        }
    });
    let rows = rows.collect();
    let (f, name) = around.frame(&state, &visit, "record-moves");
    html(&MovesPage { f, name, back: visit.href(&base(&around.register, &around.kind.name, around.view.id)), rows })
}

struct KeyRow {
    label: Said,
    basis: String,
    says: String,
    ahead: usize,
}

struct Applied {
    text: String,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "ui/record/queue.html")]
struct QueuePage {
    f: Frame,
    name: String,
    back: String,
    clause: String,
    applied: Vec<Applied>,
    place: Option<String>,
    why_not: Option<String>,
    on: String,
    keys: Vec<KeyRow>,
}

/// The place of an application in the queue of an institution, and why it is that one.
pub async fn queue(state: State, visit: Visit) -> Shown {
    let around = Around::of(&state, &visit).await?;
    let rule = around.kind.queue.clone().ok_or_else(Problem::not_found)?;
    let name = || around.register.name().to_owned();
    let applied: Vec<Uuid> = values_at(&around.kind, &around.view.data, &rule.institution)
        .iter()
        .filter_map(|id| Uuid::parse_str(id).ok())
        .collect();
    let chosen = visit.q_id("institution")?.or_else(|| applied.first().copied());
    let place = state.app.read_place(visit.cx(), name(), around.kind.name.clone(), around.view.id, chosen).await;
    let t = visit.t;
    let (place, why_not) = match place.map_err(Problem::from) {
        Ok(place) => (Some(place.into_inner()), None),
        Err(problem) if problem.code == Some("not_queued") => (None, Some(t.say("record-not-queued"))),
        Err(problem) => return Err(problem),
    };
    let ids = applied.iter().copied().collect();
    let (titles, _) = named(&state, &visit, &around.register, around.view.id, ids, BTreeSet::new()).await?;
    let show = Show { t, register: &around.register, titles: &titles, in_full: &[] };
    let (f, name) = around.frame(&state, &visit, "record-queue");
    let back = visit.href(&base(&around.register, &around.kind.name, around.view.id));
    let applied = applied.iter().map(|id| Applied {
        text: show.reference(None, &id.to_string()).text.text,
        href: format!("{back}/queue?institution={id}"),
        current: Some(*id) == chosen,
    });
    let applied = applied.collect();
    let told = |number: usize, of: usize| {
        t.say_with("record-place", &[("number", &number.to_string()), ("of", &of.to_string())])
    };
    let keys = place.iter().flat_map(|p| &p.because).map(|key| KeyRow {
        label: t.label(&key.label),
        basis: key.basis.clone(),
        says: match key.says {
            Says::Holds(true) => t.say("record-yes"),
            Says::Holds(false) => t.say("record-no"),
            Says::Value(Some(day)) => t.day(day),
            Says::Value(None) => "–".to_owned(),
            Says::Hidden => t.say("record-not-yours"),
        },
        ahead: key.ahead,
    });
    let keys = keys.collect();
    html(&QueuePage {
        f,
        name,
        back,
        clause: rule.clause.0.clone(),
        applied,
        on: place.as_ref().map(|p| t.day(p.as_of)).unwrap_or_default(),
        place: place.as_ref().map(|p| told(p.number, p.of)),
        why_not,
        keys,
    })
}

#[derive(Template)]
#[template(path = "ui/record/document.html")]
struct DocumentPage {
    f: Frame,
    heading: String,
    kind: Said,
    clause: Option<String>,
    rows: Vec<(String, String)>,
    file: Option<(String, String, String)>,
}

/// A base document.
pub async fn document(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let t = visit.t;
    let document = state.app.read_document(visit.cx(), register.name().to_owned(), visit.id("id")?).await?.into_inner();
    let data = &document.data;
    let kind = register.definition.document_kinds.iter().find(|k| k.name == data.kind);
    let label = kind.map_or_else(|| Said { text: data.kind.clone(), lang: None }, |k| t.label(&k.label));
    let ids = data.institution_id.into_iter().collect();
    let (titles, _) = named(&state, &visit, &register, document.id, ids, BTreeSet::new()).await?;
    let zone = register.definition.register.time_zone;
    let added =
        DateTime::parse_from_rfc3339(&document.added_at).map(|at| t.instant(at.to_utc(), zone)).unwrap_or_default();
    let institution = data.institution_id.and_then(|id| titles.get(&id).cloned());
    let rows = [
        ("record-doc-number", data.number.clone()),
        ("record-doc-date", data.date.map(|d| t.day(d))),
        ("record-doc-title", data.title.clone()),
        ("record-doc-issuer", data.issuer.clone()),
        ("record-doc-reference", data.reference.clone()),
        ("record-doc-explanation", data.explanation.clone()),
        ("record-doc-valid-until", data.valid_until.map(|d| t.day(d))),
        ("record-institution", institution),
        ("record-doc-added", Some(added)),
    ];
    let rows = rows.into_iter().filter_map(|(key, text)| Some((t.say(key), text.filter(|t| !t.is_empty())?))).collect();
    let heading = [Some(label.text.clone()), data.number.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let file = document.file.as_ref().map(|file| {
        let name = document.file_name.clone().unwrap_or_else(|| file.sha256.clone());
        let size = format!("{}\u{a0}kB", t.count((file.size / 1000).max(1)));
        (
            name,
            format!("{}, {size}", file.media_type),
            visit.href(&format!("/r/{}/documents/{}/file", register.name(), document.id)),
        )
    });
    let f = visit.frame(&state, heading.clone()).crumb(t.say("frame-desk"), &format!("/r/{}/desk", register.name()));
    html(&DocumentPage { f, heading, kind: label, clause: kind.map(|k| k.clause.0.clone()), rows, file })
}
