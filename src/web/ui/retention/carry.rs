//! The approval of a batch by a second person, its execution, giving it up, and what comes out of it: acts and package.

use std::time::Duration;

use actix_web::http::StatusCode;
use askama::Template;

use super::batches::{again, fate_tag, name, open};
use super::faults;
use super::review::seen;
use crate::app::Error;
use crate::web::api::retention as api;
use crate::web::problem::{Kind, Problem};
use crate::web::ui::ask::{Asking, FormPage, Row};
use crate::web::ui::frame::{Fault, Frame};
use crate::web::ui::visit::{Form, Posted, Visit};
use crate::web::ui::{Shown, State, html};

/// How long a page waits for an execution before it says that it goes on by itself.
const PATIENCE: Duration = Duration::from_secs(8);

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A refusal for whoever has the right but not in this batch, at the batch itself.
fn refused(visit: &Visit, problem: Problem, right: &str, key: &str) -> Result<Vec<Fault>, Problem> {
    if problem.kind == Kind::Forbidden && visit.may(right) {
        return Ok(vec![Fault { id: String::new(), text: visit.t.say(key), clause: problem.clause }]);
    }
    faults(visit.t, problem, &["number"])
}

/// Approves what somebody else proposed and reviewed.
///
/// # Errors
/// As the act.
pub async fn approve(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let opened = open(&state, visit, 1).await?;
    let (register, id, number) = (opened.register.name().to_owned(), opened.view.id, opened.view.number.to_string());
    // Whoever may not approve it learns that first, whatever they typed.
    if !opened.story.is_own && form.text("number") != Some(number.as_str()) {
        let text = t.say_with("retention-fault-number", &[("n", &number)]);
        let wrong = vec![Fault { id: "number".into(), text, clause: None }];
        return again(&state, visit, form, wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    match state.app.approve_batch(visit.cx(), register.clone(), id, seen(form).or(Some(u32::MAX))).await {
        Ok(_) => visit.done(&format!("/r/{register}/retention/batches/{id}"), "retention-approved"),
        Err(error) => {
            let problem = Problem::from(error);
            let status = status(&problem);
            let wrong = refused(visit, problem, "retention.approve", "retention-fault-same-person")?;
            again(&state, visit, form, wrong, status).await
        }
    }
}

#[derive(Template)]
#[template(path = "ui/retention/execution.html")]
struct ExecutionPage {
    f: Frame,
    rows: Vec<Row>,
    archives: bool,
    button: String,
    base: String,
}

/// The last page before an execution: what will be gone.
///
/// # Errors
/// As the acts.
pub async fn ask(state: State, visit: Visit) -> Shown {
    let t = visit.t;
    let opened = open(&state, &visit, 1).await?;
    let (view, story) = (&opened.view, &opened.story);
    let path = format!("/r/{}/retention/batches/{}", opened.register.name(), view.id);
    if !["approved", "executing"].contains(&view.state.as_str()) {
        return visit.see(&path);
    }
    let count = |fate: &str| story.shares.iter().filter(|(s, _)| s.fate == fate).map(|(_, n)| *n).sum::<u64>();
    let fates = ["archive", "destroy", "anonymise", "kept", "excluded"];
    let rows = fates.iter().filter(|fate| count(fate) > 0);
    let rows = rows.map(|fate| Row::new(fate_tag(t, fate).1, t.decimal(&count(fate).to_string()))).collect();
    let key = if view.state == "executing" { "retention-go-on" } else { "retention-execute" };
    let base = format!("/r/{}/retention", opened.register.name());
    html(&ExecutionPage {
        rows,
        archives: count("archive") > 0,
        button: t.say(key),
        base: visit.href(&path),
        f: visit
            .frame(&state, t.say_with("retention-execute-of", &[("n", &view.number.to_string())]))
            .crumb(t.say("retention-title"), &base)
            .crumb(name(t, view), &path)
            .under("/retention"),
    })
}

/// Carries a batch out, or goes on where it was cut short.
///
/// # Errors
/// As the act.
pub async fn execute(state: State, posted: Posted) -> Shown {
    let (visit, t) = (&posted.visit, posted.visit.t);
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let path = format!("/r/{register}/retention/batches/{id}");
    let (app, cx) = (state.app.clone(), visit.cx());
    // It goes on when the visitor leaves: what is half done is of no use to anybody.
    let task = actix_web::rt::spawn(state.app.store.with_one_version(async move {
        let done = app.execute_batch(cx, register, id).await;
        done.map(|_| ()).map_err(Problem::from).inspect_err(|problem| {
            if let Some(cause) = &problem.cause {
                log::error!(target: "andmekogu::web", "a batch was not carried out to its end: {cause}");
            }
        })
    }));
    match tokio::time::timeout(PATIENCE, task).await {
        Err(_) => visit.done(&path, "retention-executing"),
        Ok(Err(e)) => Err(Problem::from(Error::Setup(e.to_string()))),
        Ok(Ok(Ok(()))) => visit.done(&path, "retention-executed"),
        // Pressed twice, it runs once.
        Ok(Ok(Err(problem))) if problem.code == Some("executing") => visit.done(&path, "retention-executing"),
        Ok(Ok(Err(problem))) => {
            let status = status(&problem);
            let wrong = if problem.kind.status() >= 500 {
                vec![Fault { id: String::new(), text: t.say("retention-fault-cut-short"), clause: None }]
            } else {
                refused(visit, problem, "retention.execute", "retention-fault-approver-executes")?
            };
            again(&state, visit, &Form::default(), wrong, status).await
        }
    }
}

/// Gives a reviewed batch back for review: the form.
///
/// # Errors
/// As the act.
pub async fn ask_back(state: State, visit: Visit) -> Shown {
    reason_form(&state, &visit, true, &Form::default(), Vec::new()).await
}

/// Gives a batch up: the form.
///
/// # Errors
/// As the act.
pub async fn ask_cancel(state: State, visit: Visit) -> Shown {
    reason_form(&state, &visit, false, &Form::default(), Vec::new()).await
}

async fn reason_form(state: &State, visit: &Visit, back: bool, form: &Form, wrong: Vec<Fault>) -> Shown {
    let t = visit.t;
    let opened = open(state, visit, 1).await?;
    let view = &opened.view;
    let base = format!("/r/{}/retention", opened.register.name());
    let path = format!("{base}/batches/{}", view.id);
    let asking = Asking { t, form, faults: &wrong };
    let (title, intro) =
        if back { ("retention-back", "retention-back-about") } else { ("retention-cancel", "retention-cancel-about") };
    let frame = visit.frame(state, t.say(title));
    FormPage {
        intro: t.say(intro),
        clause: opened.story.clause.clone(),
        rows: vec![
            Row::new(t.say("retention-the-batch"), name(t, view)),
            Row::new(t.say("retention-items"), t.count(view.counts.values().sum())),
        ],
        fields: vec![asking.area("reason", asking.said("retention-reason"))],
        faults: wrong,
        hidden: Vec::new(),
        action: visit.href(&format!("{path}/{}", if back { "back" } else { "cancel" })),
        button: t.say(title),
        checks: false,
        files: false,
        back: visit.href(&path),
        f: frame.crumb(t.say("retention-title"), &base).crumb(name(t, view), &path).under("/retention"),
    }
    .shown()
}

/// Gives a reviewed batch back for review.
///
/// # Errors
/// As the act.
pub async fn back(state: State, posted: Posted) -> Shown {
    give_up(&state, &posted, true).await
}

/// Gives a batch up.
///
/// # Errors
/// As the act.
pub async fn cancel(state: State, posted: Posted) -> Shown {
    give_up(&state, &posted, false).await
}

async fn give_up(state: &State, posted: &Posted, back: bool) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let reason = form.text("reason").unwrap_or_default().to_owned();
    match state.app.give_up_batch(visit.cx(), register.clone(), id, reason, back).await {
        Ok(_) if back => visit.done(&format!("/r/{register}/retention/batches/{id}"), "retention-sent-back"),
        Ok(_) => visit.done(&format!("/r/{register}/retention/batches/{id}"), "retention-cancelled"),
        Err(error) => {
            let wrong = faults(visit.t, Problem::from(error), &["reason"])?;
            reason_form(state, visit, back, form, wrong).await
        }
    }
}

/// An act of a batch, as PDF/A or JSON.
///
/// # Errors
/// As the act.
pub async fn act(state: State, visit: Visit) -> Shown {
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let pdf = visit.q("format") == Some("pdf");
    let kind = visit.q("kind").map(str::to_owned);
    Ok(api::act_file(state.app.read_act(visit.cx(), register, id, kind, pdf).await?, pdf))
}

/// The package of a batch.
///
/// # Errors
/// As the act.
pub async fn package(state: State, visit: Visit) -> Shown {
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let (name, path) = state.app.read_package(visit.cx(), register, id).await?;
    api::package_file(&name, path).await
}
