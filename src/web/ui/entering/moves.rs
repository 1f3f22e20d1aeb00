//! Moves: a record gives rise to another, in the same institution or in one that accepts it.

use askama::Template;
use serde_json::Value;

use super::page::Beside;
use super::{Act, Entered, Work, Wrong};
use crate::domain::statute::RecordType;
use crate::domain::statute::duties::Move;
use crate::store::read::moves::{MoveQuery, MoveView};
use crate::store::read::records::RecordView;
use crate::web::problem::{Kind, Problem};
use crate::web::ui::form::typed;
use crate::web::ui::{Frame, Posted, Said, Shown, State, Visit, html};

/// Moves on a page.
const SHOWN: i64 = 50;

/// A move in a list, and alone.
struct Line {
    label: Said,
    clause: String,
    state: String,
    open: bool,
    on: String,
    from: String,
    into: String,
    reason: Option<String>,
    href: String,
    /// The old record and the new one, where they may be seen.
    records: Vec<String>,
}

#[derive(Template)]
#[template(path = "ui/entering/moves.html")]
struct MovesPage {
    f: Frame,
    title: String,
    lines: Vec<Line>,
    open: bool,
    all: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/entering/move.html")]
struct MovePage {
    f: Frame,
    title: String,
    line: Line,
    withdraw: Option<String>,
}

/// The record type of the new record, without what is handed over, on the documents on which the move rests.
fn receiving(kind: &RecordType, how: &Move) -> RecordType {
    let mut kind = kind.clone();
    kind.fields.retain(|field| !how.carries.contains_key(&field.name));
    kind.base_documents.clone_from(&how.base_documents);
    kind
}

impl Work {
    /// The beginning of a move of the record of the address.
    fn moving(state: State, visit: Visit) -> Result<Self, Problem> {
        let mut work = Self::of(state, visit, Act::Move)?;
        let name = work.visit.word("move").to_owned();
        let how = work.kind.moves.iter().find(|how| how.name == name).cloned().ok_or_else(Problem::not_found)?;
        let into = work.register.record_type(&how.into).ok_or_else(Problem::not_found)?;
        work.kind = receiving(into, &how);
        work.how = Some(how);
        Ok(work)
    }

    /// The acceptance of an offer.
    fn accepting(state: State, visit: Visit, offer: &MoveView) -> Result<Self, Problem> {
        let register = visit.register(&state)?;
        let old = register.record_type(&offer.from.record_type).ok_or_else(Problem::not_found)?;
        let how = old.moves.iter().find(|how| how.name == offer.name).cloned().ok_or_else(Problem::not_found)?;
        let into = register.record_type(&how.into).ok_or_else(Problem::not_found)?;
        let (kind, of) = (receiving(into, &how), into.name.clone());
        Ok(Self { state, visit, kind, act: Act::Accept, id: Some(offer.id), of, how: Some(how), register })
    }

    fn blank(&self) -> Entered {
        let mut entered = Entered::default();
        entered.set("shows", "needed");
        entered.parts = typed::from_state(self.writing(), &self.fields(&entered), &Value::Null);
        entered.set("on", self.today().format("%d.%m.%Y").to_string());
        self.preset_document(&mut entered);
        entered
    }
}

/// Begins a move.
///
/// # Errors
/// As the acts.
pub async fn begin(state: State, visit: Visit) -> Shown {
    let work = Work::moving(state, visit)?;
    let id = work.id.unwrap_or_default();
    let view = work.state.app.read_record(work.visit.cx(), work.name(), work.of.clone(), id, None, None).await?;
    let view: &RecordView = view.get();
    let mut entered = work.blank();
    entered.set("heading", work.title(view));
    entered.set("version", view.version.to_string());
    if !work.how.as_ref().is_some_and(|how| how.accepted) {
        entered.set("institution", view.institution_id.to_string());
    }
    let references = work.references(&entered).await?;
    work.show(entered, Wrong::default(), Beside { references, ..Beside::default() }).await
}

/// What was sent of a move.
///
/// # Errors
/// As the acts.
pub async fn begin_sent(state: State, posted: Posted) -> Shown {
    Work::moving(state, posted.visit.clone())?.answer(posted).await
}

/// Moves that the visitor may see, open offers first.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let open = visit.q("all").is_none();
    let query = MoveQuery {
        state: open.then(|| "offered".to_owned()),
        institution_id: None,
        limit: SHOWN,
        cursor: visit.q_id("cursor")?,
    };
    let page = state.app.list_moves(visit.cx(), register.name().to_owned(), query).await?.into_inner();
    let names = institutions(&state, &visit).await?;
    let title = visit.t.say("entering-moves");
    let base = visit.href(&format!("/r/{}/moves", register.name()));
    let more = if open { "" } else { "all=1&" };
    let page = MovesPage {
        f: visit.frame(&state, title.clone()).under("/moves"),
        lines: page.items.iter().map(|view| line(&visit, view, &names)).collect(),
        open,
        all: format!("{base}?all=1"),
        next: page.next_cursor.map(|cursor| format!("{base}?{more}cursor={cursor}")),
        title,
    };
    html(&page)
}

/// What institutions are called, by id, as far as the visitor may list them.
async fn institutions(state: &State, visit: &Visit) -> Result<Vec<(String, String)>, Problem> {
    let work = Work {
        state: state.clone(),
        visit: visit.clone(),
        register: visit.register(state)?,
        kind: {
            let register = visit.register(state)?;
            let name = &register.definition.register.institutions.record_type;
            register.record_type(name).cloned().ok_or_else(Problem::not_found)?
        },
        act: Act::Accept,
        id: None,
        of: String::new(),
        how: None,
    };
    let name = work.kind.name.clone();
    let references = work.listed(&Entered::default(), [name.clone()].into()).await?;
    let listed = references.by_type.get(&name).map(|(list, _)| list.as_slice()).unwrap_or_default();
    Ok(listed.iter().map(|choice| (choice.id.clone(), choice.title.clone())).collect())
}

fn line(visit: &Visit, view: &MoveView, names: &[(String, String)]) -> Line {
    let t = &visit.t;
    let called = |id: uuid::Uuid| {
        let id = id.to_string();
        names.iter().find(|(known, _)| *known == id).map_or_else(|| id.clone(), |(_, name)| name.clone())
    };
    let register = visit.word("r");
    let record = |side: &crate::store::read::moves::MoveSide| {
        side.id.map(|id| visit.href(&format!("/r/{register}/records/{}/{id}", side.record_type)))
    };
    Line {
        label: view.label.as_ref().map(|label| t.label(label)).unwrap_or_default(),
        clause: view.clause.clone(),
        state: t.say(match view.state.as_str() {
            "offered" => "entering-state-offered",
            "done" => "entering-state-done",
            "declined" => "entering-state-declined",
            _ => "entering-state-withdrawn",
        }),
        open: view.state == "offered",
        on: t.day(view.effective_on),
        from: called(view.from.institution_id),
        into: called(view.into.institution_id),
        reason: view.reason.clone(),
        href: visit.href(&format!("/r/{register}/moves/{}", view.id)),
        records: [record(&view.from), record(&view.into)].into_iter().flatten().collect(),
    }
}

async fn read(state: &State, visit: &Visit) -> Result<MoveView, Problem> {
    let register = visit.register(state)?.name().to_owned();
    Ok(state.app.read_move(visit.cx(), register, visit.id("id")?).await?.into_inner())
}

/// Opens a move: to the receiver of an offer the form by which it is accepted, to others where it stands.
///
/// # Errors
/// As the acts.
pub async fn open(state: State, visit: Visit) -> Shown {
    let view = read(&state, &visit).await?;
    if let (Some(carried), "offered") = (&view.carried, view.state.as_str()) {
        let work = Work::accepting(state, visit, &view)?;
        let mut entered = work.blank();
        entered.set("carried", carried.to_string());
        entered.set("institution", view.into.institution_id.to_string());
        entered.set("on", view.effective_on.format("%d.%m.%Y").to_string());
        let references = work.references(&entered).await?;
        return work.show(entered, Wrong::default(), Beside { references, ..Beside::default() }).await;
    }
    let names = institutions(&state, &visit).await?;
    let line = line(&visit, &view, &names);
    let title = line.label.text.clone();
    let list = format!("/r/{}/moves", visit.word("r"));
    let page = MovePage {
        f: visit.frame(&state, title.clone()).crumb(visit.t.say("entering-moves"), &list),
        withdraw: line.open.then(|| format!("{}/withdraw", line.href)),
        title,
        line,
    };
    html(&page)
}

/// What was sent of an acceptance.
///
/// # Errors
/// As the acts.
pub async fn open_sent(state: State, posted: Posted) -> Shown {
    let view = read(&state, &posted.visit).await?;
    Work::accepting(state, posted.visit.clone(), &view)?.answer(posted).await
}

/// Declines an offer.
///
/// # Errors
/// As the act.
pub async fn decline(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (register, id) = (visit.register(&state)?.name().to_owned(), visit.id("id")?);
    let reason = posted.form.text("decline-reason").map(str::to_owned);
    match state.app.refuse_move(visit.cx(), register.clone(), id, reason).await.map_err(Problem::from) {
        Ok(_) => visit.done(&format!("/r/{register}/moves"), "move-declined"),
        Err(problem) if problem.kind == Kind::Invalid => {
            let view = read(&state, visit).await?;
            let work = Work::accepting(state.clone(), visit.clone(), &view)?;
            let mut entered = work.blank();
            entered.set("carried", view.carried.map(|carried| carried.to_string()).unwrap_or_default());
            entered.set("institution", view.into.institution_id.to_string());
            entered.set("on", view.effective_on.format("%d.%m.%Y").to_string());
            let text = visit.t.say("entering-fault-decline");
            let fault = crate::web::ui::frame::Fault {
                id: "decline-reason".into(),
                text,
                clause: problem.errors.first().and_then(|e| e.clause.clone()),
            };
            work.edit(entered, Wrong { own: vec![fault], ..Wrong::default() }).await
        }
        Err(problem) => Err(problem),
    }
}

/// Withdraws an offer.
///
/// # Errors
/// As the act.
pub async fn withdraw(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let (register, id) = (visit.register(&state)?.name().to_owned(), visit.id("id")?);
    let reason = posted.form.text("reason").map(str::to_owned);
    state.app.withdraw_move(visit.cx(), register.clone(), id, reason).await?;
    visit.done(&format!("/r/{register}/moves/{id}"), "move-withdrawn")
}
