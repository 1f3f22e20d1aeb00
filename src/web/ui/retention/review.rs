//! The review of a batch: what is decided of which item, and the end of it.

use actix_web::http::StatusCode;
use uuid::Uuid;

use super::batches::{Opened, again, open, query};
use super::faults;
use crate::domain::retention::{Change, Disposition};
use crate::store::acts::retention::Reviewed;
use crate::web::problem::Problem;
use crate::web::ui::frame::Fault;
use crate::web::ui::say::T;
use crate::web::ui::visit::{Form, Posted};
use crate::web::ui::{Shown, State};

/// Fields of the form of a review.
const FIELDS: &[&str] = &["to", "decision", "until", "reason"];

fn fault(t: T, id: &str, key: &str) -> Fault {
    Fault { id: id.to_owned(), text: t.say(key), clause: None }
}

/// The fault of a batch that went on after it was looked at.
pub fn stale(t: T) -> Vec<Fault> {
    vec![fault(t, "", "retention-fault-stale")]
}

/// The revision that was on the screen.
pub fn seen(form: &Form) -> Option<u32> {
    form.text("revision").and_then(|n| n.parse().ok())
}

/// The items that are meant: those that were ticked, or all that are undecided.
fn meant(form: &Form, opened: &Opened) -> Vec<(Uuid, String)> {
    if form.value("to") == "undecided" {
        return opened.story.undecided.clone();
    }
    let key = |text: &str| {
        let (record, rule) = text.split_once('/')?;
        Some((Uuid::parse_str(record).ok()?, rule.to_owned()))
    };
    form.all("item").filter_map(key).collect()
}

/// What is decided, or what is missing from it.
fn decided(t: T, form: &Form) -> Result<Change, Vec<Fault>> {
    let reason = form.text("reason").unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    let needs_reason = ["exclude", "keep_until"].contains(&form.value("decision"));
    let until = match crate::web::ui::disclosures::day_of(t, form, "until", &mut wrong) {
        None if form.value("decision") == "keep_until" && wrong.is_empty() => {
            wrong.push(fault(t, "until", "retention-fault-until-missing"));
            None
        }
        until => until,
    };
    if needs_reason && reason.is_empty() {
        wrong.push(fault(t, "reason", "retention-fault-reason-missing"));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    match (form.value("decision"), until) {
        ("exclude", _) => Ok(Change::Exclude(reason)),
        ("include", _) => Ok(Change::Include),
        ("archive", _) => Ok(Change::Decide(Disposition::Archive)),
        ("destroy", _) => Ok(Change::Decide(Disposition::Destroy)),
        ("keep_until", Some(until)) => Ok(Change::Decide(Disposition::KeepUntil { until, reason })),
        _ => Err(vec![fault(t, "decision", "retention-fault-decision")]),
    }
}

/// Decides what becomes of the items that were chosen.
///
/// # Errors
/// As the act.
pub async fn review(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let opened = open(&state, visit, 1).await?;
    if seen(form) != Some(opened.view.revision) || opened.view.state != "proposed" {
        return again(&state, visit, form, stale(t), StatusCode::CONFLICT).await;
    }
    let items = meant(form, &opened);
    let change = match decided(t, form) {
        Ok(_) if items.is_empty() => Err(vec![fault(t, "to", "retention-fault-nothing-chosen")]),
        other => other,
    };
    let change = match change {
        Ok(change) => change,
        Err(wrong) => return again(&state, visit, form, wrong, StatusCode::UNPROCESSABLE_ENTITY).await,
    };
    let changes = items.into_iter().map(|(record_id, rule)| Reviewed { record_id, rule, change: change.clone() });
    let name = opened.register.name().to_owned();
    let act = state.app.review_batch(visit.cx(), name.clone(), opened.view.id, changes.collect(), None);
    match act.await {
        Ok(_) => {
            let path = format!("/r/{name}/retention/batches/{}{}#items-h", opened.view.id, query(visit));
            visit.done(&path, "retention-decided")
        }
        Err(error) => {
            let wrong = faults(t, Problem::from(error), FIELDS)?;
            again(&state, visit, form, wrong, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// Ends the review: the batch goes to a second person. What is undecided is decided alike first.
///
/// # Errors
/// As the act.
pub async fn finish(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let opened = open(&state, visit, 1).await?;
    let (name, id) = (opened.register.name().to_owned(), opened.view.id);
    let Some(mut revision) = seen(form).filter(|n| *n == opened.view.revision && opened.view.state == "proposed")
    else {
        return again(&state, visit, form, stale(t), StatusCode::CONFLICT).await;
    };
    if !opened.story.undecided.is_empty() {
        let change = match form.value("fate") {
            "archive" => Change::Decide(Disposition::Archive),
            "destroy" => Change::Decide(Disposition::Destroy),
            _ => {
                let wrong = vec![fault(t, "fate", "retention-fault-decision")];
                return again(&state, visit, form, wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
            }
        };
        let undecided = opened.story.undecided.into_iter();
        let changes = undecided.map(|(record_id, rule)| Reviewed { record_id, rule, change: change.clone() });
        let act = state.app.review_batch(visit.cx(), name.clone(), id, changes.collect(), None);
        match act.await {
            // Where somebody else decided something at the same moment, the end of the review is refused below.
            Ok(_) => revision = revision.saturating_add(1),
            Err(error) => {
                let wrong = faults(t, Problem::from(error), &["fate"])?;
                return again(&state, visit, form, wrong, StatusCode::CONFLICT).await;
            }
        }
    }
    match state.app.review_batch(visit.cx(), name.clone(), id, Vec::new(), Some(revision)).await {
        Ok(_) => visit.done(&format!("/r/{name}/retention/batches/{id}"), "retention-finished"),
        Err(error) => {
            let wrong = faults(t, Problem::from(error), &["fate"])?;
            again(&state, visit, form, wrong, StatusCode::CONFLICT).await
        }
    }
}
