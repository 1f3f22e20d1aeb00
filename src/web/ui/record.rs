//! One record on one page: what holds on a day, since when, on what document, under which clause; its entries, its
//! moves, its place in a queue, and who looked at it.

mod card;
mod lanes;
mod show;
mod story;
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::future::join;
use serde_json::Value;
use uuid::Uuid;

use super::{Page, Posted, Shown, State, Visit, page};
use crate::domain::calendar::end_of_day;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::Section;
use crate::store::acts::documents::DocumentData;
use crate::store::read::records::{EntryView, RecordView};
use crate::store::read::titles::MOST_TITLES;
use crate::web::problem::{Kind, Problem};
use show::{Show, referred};
use story::Story;

/// Newest entries that the card reads; what is older is in the history.
const CARD_ENTRIES: i64 = 200;

/// Pages of one record.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}", open, "record.read"),
    page!(Post "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}", open_in_full, "record.read"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/history", trail::history, "record.history"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/views", trail::views, "audit.read"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/moves", trail::moves, "record.read"),
    page!(Get "/r/{r}/records/{type}/{id:[0-9a-f-]{36}}/queue", trail::queue, "record.read"),
    page!(Get "/r/{r}/documents/{id:[0-9a-f-]{36}}", trail::document, "document.read"),
    page!(Get "/r/{r}/documents/{id:[0-9a-f-]{36}}/file", file, "document.read"),
];

/// A record, opened, with everything that its page speaks of.
struct Opened {
    register: Arc<Register>,
    kind: RecordType,
    view: RecordView,
    story: Story,
    titles: BTreeMap<Uuid, String>,
    documents: BTreeMap<Uuid, DocumentData>,
    /// Today in the register.
    today: NaiveDate,
    /// The day that is shown.
    on: NaiveDate,
    /// The day asked for.
    as_of: Option<NaiveDate>,
    /// What was known when is asked for.
    known_at: Option<DateTime<Utc>>,
    /// Fields whose codes are shown in full.
    in_full: Vec<String>,
}

impl Opened {
    async fn of(state: &State, visit: &Visit, in_full: Vec<String>) -> Result<Self, Problem> {
        let register = visit.register(state)?;
        let kind = register.record_type(visit.word("type")).ok_or_else(Problem::not_found)?.clone();
        let id = visit.id("id")?;
        let as_of = visit.q_day("as_of")?;
        let known_at = known_at(visit, &register)?;
        let name = || register.name().to_owned();
        let when = (as_of, known_at);
        let act = state.app.read_record_shown(visit.cx(), name(), kind.name.clone(), id, when, in_full.clone());
        let view = act.await?.into_inner();
        let entries = if visit.may("record.history") {
            newest(state, visit, &view, CARD_ENTRIES, None).await?
        } else {
            Vec::new()
        };
        let mut ids: BTreeSet<Uuid> = BTreeSet::from([view.institution_id]);
        referred(&kind.fields, &view.data, &mut ids);
        for entry in &entries {
            referred(&kind.fields, &entry.data, &mut ids);
        }
        ids.remove(&view.id);
        let documents: BTreeSet<Uuid> =
            entries.iter().rev().flat_map(|e| e.base_document_ids.iter().copied()).collect();
        let (titles, documents) = named(state, visit, &register, view.id, ids, documents).await?;
        let today = register.day(state.app.store.now());
        let on = as_of.unwrap_or(today).max(view.effective_on);
        let story = Story::read(entries, known_at);
        Ok(Self { register, kind, view, story, titles, documents, today, on, as_of, known_at, in_full })
    }

    fn show(&self, visit: &Visit) -> Show<'_> {
        Show { t: visit.t, register: &self.register, titles: &self.titles, in_full: &self.in_full }
    }

    /// Address of the record after the language.
    fn base(&self) -> String {
        base(&self.register, &self.kind.name, self.view.id)
    }

    /// Whether another state than today's, as it is known now, is shown.
    fn is_other_state(&self) -> bool {
        self.known_at.is_some() || self.as_of.is_some_and(|day| day != self.today)
    }

    fn section(&self, name: Option<&str>) -> Option<&Section> {
        self.kind.sections.iter().find(|s| Some(s.name.as_str()) == name)
    }
}

fn base(register: &Register, kind: &str, id: Uuid) -> String {
    format!("/r/{}/records/{kind}/{id}", register.name())
}

/// What is asked to have been known: an instant, or the end of a day.
fn known_at(visit: &Visit, register: &Register) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = visit.q("known_at") else { return Ok(None) };
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(Some(instant.to_utc()));
    }
    let day = visit.q_day("known_at")?;
    Ok(day.and_then(|day| end_of_day(day, register.definition.register.time_zone)))
}

/// At most `limit` entries before number `before`, in their order: the newest where no number is given.
async fn newest(
    state: &State,
    visit: &Visit,
    view: &RecordView,
    limit: i64,
    before: Option<i64>,
) -> Result<Vec<EntryView>, Problem> {
    // Entries are numbered from 1 without gaps; the version is the last one's number.
    let before = before.unwrap_or(view.version + 1).min(view.version + 1);
    let after = (before - 1 - limit).max(0);
    let (register, kind) = (view.register.clone(), view.record_type.clone());
    let cursor = after.to_string();
    let count = (before - 1 - after).max(1);
    match state.app.read_entries(visit.cx(), register, kind, view.id, Some(&cursor), count).await {
        Ok(page) => Ok(page.into_inner().items),
        Err(error) => {
            // Whoever may read the record but not its entries sees it without them.
            let problem = Problem::from(error);
            if matches!(problem.kind, Kind::Forbidden) { Ok(Vec::new()) } else { Err(problem) }
        }
    }
}

type Names = (BTreeMap<Uuid, String>, BTreeMap<Uuid, DocumentData>);

/// What the records and the base documents are called that a page of `record` names.
async fn named(
    state: &State,
    visit: &Visit,
    register: &Register,
    record: Uuid,
    ids: BTreeSet<Uuid>,
    documents: BTreeSet<Uuid>,
) -> Result<Names, Problem> {
    let name = || register.name().to_owned();
    let titles = async {
        let ids: Vec<Uuid> = ids.into_iter().take(MOST_TITLES).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        state.app.record_titles(visit.cx(), name(), ids).await.map(crate::app::Disclosed::into_inner)
    };
    let told = async {
        // The newest first: where there are more than can be asked about, the oldest go without a name.
        let most = crate::store::read::documents::MOST_DOCUMENTS;
        let ids: Vec<Uuid> = documents.into_iter().rev().take(most).collect();
        if ids.is_empty() || !visit.may("document.read") {
            return Ok(BTreeMap::new());
        }
        state.app.list_documents(visit.cx(), name(), record, ids).await.map(crate::app::Disclosed::into_inner)
    };
    let (titles, told) = join(titles, told).await;
    Ok((titles?, told?))
}

/// The value of a field, or nothing.
fn value<'v>(data: &'v Value, name: &str) -> &'v Value {
    data.get(name).unwrap_or(&Value::Null)
}

async fn open(state: State, visit: Visit) -> Shown {
    let opened = Opened::of(&state, &visit, Vec::new()).await?;
    card::show(&state, &visit, &opened).await
}

/// Shows the personal codes of one field in full; the log says that they were.
async fn open_in_full(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let field = posted.form.text("show").map(str::to_owned);
    let opened = Opened::of(&state, visit, field.into_iter().collect()).await?;
    card::show(&state, visit, &opened).await
}

/// The file of a base document.
async fn file(state: State, visit: Visit) -> Result<HttpResponse, Problem> {
    let content = state.app.read_document_file(visit.cx(), visit.word("r").to_owned(), visit.id("id")?).await?;
    Ok(crate::web::answer::file(content))
}
