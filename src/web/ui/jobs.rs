//! What runs by itself, and the letters that go out.

use askama::Template;

use super::desk::{moment, plural};
use super::frame::Frame;
use super::visit::{Posted, Visit};
use super::{Page, Said, Shown, State, html, page};
use crate::domain::schedule::Schedule;
use crate::jobs;
use crate::web::api::jobs::STATES;

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/jobs", show, "job.list"),
    page!(Get "/r/{r}/letters", letters, "letter.list"),
    page!(Post "/r/{r}/letters/{id:[0-9a-f-]{36}}/retry", retry, "letter.retry"),
];

/// Letters of a page.
const PAGE: i64 = 50;

/// A job.
struct Job {
    name: String,
    does: Said,
    schedule: Said,
    last: String,
    took: String,
    outcome: String,
    kind: &'static str,
    detail: String,
    next: String,
}

#[derive(Template)]
#[template(path = "ui/jobs/jobs.html")]
struct JobsPage {
    f: Frame,
    jobs: Vec<Job>,
}

/// The jobs with their last and next runs.
///
/// # Errors
/// As the act.
pub async fn show(state: State, visit: Visit) -> Shown {
    let zone = state.app.zone();
    let list = state.app.list_jobs(visit.cx(), jobs::plans()).await?.into_inner();
    let (t, plans) = (visit.t, jobs::plans());
    let job = |view: crate::store::read::jobs::JobView| {
        let run = view.last_run.as_ref();
        let outcome = run.and_then(|r| r.outcome.as_deref());
        Job {
            does: match t.say_if(&format!("jobs-does-{}", view.name.replace('-', "_"))) {
                Some(text) => Said { text, lang: None },
                None => Said { text: view.does.clone(), lang: Some("en") },
            },
            schedule: match plans.iter().find(|p| p.name == view.name).map(|p| p.schedule) {
                Some(Schedule::Every { minutes }) => {
                    Said { text: plural(t, "jobs-every-", i64::from(minutes)), lang: None }
                }
                Some(Schedule::DailyAt { hour, minute }) => {
                    let time = format!("{hour}:{minute:02}");
                    Said { text: t.say_with("jobs-daily", &[("time", &time)]), lang: None }
                }
                None => Said { text: view.schedule.clone(), lang: Some("en") },
            },
            last: run.map(|r| moment(t, &r.started, zone)).unwrap_or_default(),
            took: run
                .and_then(|r| r.duration_ms)
                .map(|ms| t.say_with("jobs-took", &[("ms", &t.count(ms))]))
                .unwrap_or_default(),
            outcome: match (run, outcome) {
                (None, _) => t.say("jobs-never"),
                (Some(_), None) => t.say("jobs-running"),
                (Some(_), Some(word)) => t.say_if(&format!("jobs-outcome-{word}")).unwrap_or_else(|| word.to_owned()),
            },
            kind: match outcome {
                Some("done") => "ok",
                Some(_) => "err sq",
                None => "",
            },
            detail: run.and_then(|r| r.detail.clone()).unwrap_or_default(),
            next: moment(t, &view.next_due, zone),
            name: view.name,
        }
    };
    html(&JobsPage { f: visit.frame(&state, t.say("frame-jobs")), jobs: list.items.into_iter().map(job).collect() })
}

/// A letter.
struct Letter {
    kind: String,
    address: String,
    state: String,
    tag: &'static str,
    attempts: i64,
    when: String,
    fault: String,
    case: Option<String>,
    retry: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/jobs/letters.html")]
struct LettersPage {
    f: Frame,
    states: Vec<(String, String, bool)>,
    letters: Vec<Letter>,
    next: Option<String>,
}

/// The letters of a register.
///
/// # Errors
/// As the act.
pub async fn letters(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let (name, t) = (register.name().to_owned(), visit.t);
    let zone = register.definition.register.time_zone;
    let only = visit.q("state").and_then(|s| STATES.iter().find(|known| **known == s)).copied();
    let page = state.app.list_letters(visit.cx(), name.clone(), only, visit.q_id("cursor")?, PAGE).await?.into_inner();
    let to = |state: Option<&str>| {
        visit.href(&format!("/r/{name}/letters{}", state.map(|s| format!("?state={s}")).unwrap_or_default()))
    };
    let mut states = vec![(t.say("jobs-letters-all"), to(None), only.is_none())];
    states.extend(STATES.iter().map(|s| (t.say(&format!("jobs-letter-{s}")), to(Some(s)), only == Some(*s))));
    let letter = |view: crate::store::read::letters::LetterView| Letter {
        kind: t.say_if(&format!("jobs-kind-{}", view.letter.replace('-', "_"))).unwrap_or_else(|| view.letter.clone()),
        state: t.say(&format!("jobs-letter-{}", view.state)),
        tag: match view.state.as_str() {
            "sent" => "ok",
            "dead" => "err sq",
            _ => "warn",
        },
        attempts: view.attempts,
        when: moment(t, view.sent_at.as_ref().unwrap_or(&view.created_at), zone),
        fault: view.fault.clone().unwrap_or_default(),
        case: view.case_id.map(|id| visit.href(&format!("/r/{name}/cases/{id}"))),
        retry: (view.state == "dead").then(|| visit.href(&format!("/r/{name}/letters/{}/retry", view.id))),
        address: view.address,
    };
    let only = only.map(|s| format!("&state={s}")).unwrap_or_default();
    html(&LettersPage {
        f: visit
            .frame(&state, t.say("jobs-letters"))
            .crumb(t.say("frame-jobs"), &format!("/r/{name}/jobs"))
            .under("/jobs"),
        states,
        next: page.next_cursor.map(|cursor| visit.href(&format!("/r/{name}/letters?cursor={cursor}{only}"))),
        letters: page.items.into_iter().map(letter).collect(),
    })
}

/// Takes up a letter again that was given up.
///
/// # Errors
/// As the act.
pub async fn retry(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let name = visit.register(&state)?.name().to_owned();
    state.app.retry_letter(posted.cx(&state), name.clone(), visit.id("id")?).await?;
    visit.done(&format!("/r/{name}/letters"), "letter-queued")
}
