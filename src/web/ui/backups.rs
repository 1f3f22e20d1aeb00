//! Copies of the database, for whoever may see the jobs: how old the newest good one is, and what to do when it is too
//! old.

use askama::Template;
use chrono::{DateTime, Utc};

use super::desk::plural;
use super::frame::Frame;
use super::say::T;
use super::visit::Visit;
use super::{Page, Shown, State, html, page};
use crate::app::Error;
use crate::domain::backup::{Obstacle, Reason};
use crate::jobs;

/// Pages of this noun.
pub const PAGES: &[Page] = &[page!(Get "/r/{r}/backups", show, "job.list")];

/// Copies that are shown: more than any statute keeps.
const MOST: usize = 500;

struct Line {
    name: String,
    made: String,
    bytes: String,
    verified: String,
    stays: bool,
    reason: String,
}

#[derive(Template)]
#[template(path = "ui/backups/backups.html")]
struct BackupsPage {
    f: Frame,
    state: (&'static str, String),
    advice: Vec<String>,
    last: String,
    verified: String,
    age: String,
    next: String,
    count: String,
    obstacle: String,
    damaged: Vec<String>,
    lines: Vec<Line>,
}

/// How the copies are.
///
/// # Errors
/// As the act; a folder that cannot be read.
pub async fn show(state: State, visit: Visit) -> Shown {
    let t = visit.t;
    let zone = state.app.zone();
    let name = visit.register(&state)?.name().to_owned();
    // Whoever may see what runs by itself may see what came of it.
    state.app.list_jobs(visit.cx(), jobs::plans()).await?;
    let app = state.app.clone();
    let read = actix_web::web::block(move || Ok::<_, Error>((app.backup_health()?, app.list_copies()?)));
    let (health, copies) = read.await.map_err(|e| Error::Setup(e.to_string()))??;
    let moment = |at: Option<DateTime<Utc>>| at.map_or_else(|| t.say("backups-never"), |at| t.instant(at, zone));
    let standing = match (health.configured, health.overdue) {
        (false, _) => ("err sq", "backups-none-made"),
        (true, true) => ("err sq", "backups-overdue"),
        (true, false) => ("ok", "backups-good"),
    };
    let mut advice = Vec::new();
    if !health.configured {
        advice.push(t.say("backups-advice-configure"));
    } else if health.overdue {
        for key in ["backups-advice-jobs", "backups-advice-room", "backups-advice-create"] {
            advice.push(t.say(key));
        }
    }
    if health.damaged > 0 {
        advice.push(t.say("backups-advice-damaged"));
    }
    let thinning = copies.as_ref().map(|c| &c.thinning);
    let line = |copy: &crate::app::retention_screens::CopyLine| {
        let judged = thinning.and_then(|th| th.copies.iter().find(|j| j.name == copy.name));
        Line {
            name: copy.name.clone(),
            made: t.instant(copy.made_at, zone),
            bytes: t.decimal(&copy.bytes.to_string()),
            verified: moment(copy.verified_at),
            stays: judged.is_none_or(|j| j.keeps),
            reason: judged.map(|j| reason(t, j.reason)).unwrap_or_default(),
        }
    };
    html(&BackupsPage {
        state: (standing.0, t.say(standing.1)),
        advice,
        last: moment(health.last_ok),
        verified: moment(health.last_verified),
        age: health.age_seconds.map_or_else(|| t.say("backups-never"), |age| plural(t, "backups-hours-", age / 3_600)),
        next: moment(health.next_at),
        count: t.decimal(&health.copies.to_string()),
        obstacle: thinning.and_then(|th| th.obstacle).map(|o| obstacle(t, o)).unwrap_or_default(),
        damaged: copies.as_ref().map(|c| c.damaged.clone()).unwrap_or_default(),
        lines: copies.as_ref().map(|c| c.copies.iter().take(MOST).map(line).collect()).unwrap_or_default(),
        f: visit
            .frame(&state, t.say("backups-title"))
            .crumb(t.say("frame-jobs"), &format!("/r/{name}/jobs"))
            .under("/jobs"),
    })
}

/// Why a copy stays or goes.
fn reason(t: T, reason: Reason) -> String {
    match reason {
        Reason::Held => t.say("backups-reason-held"),
        Reason::Recent => t.say("backups-reason-recent"),
        Reason::OnDay { day } => t.say_with("backups-reason-day", &[("day", &t.day(day))]),
        Reason::StandsIn { day } => t.say_with("backups-reason-stands-in", &[("day", &t.day(day))]),
        Reason::Between => t.say("backups-reason-between"),
        Reason::TooOld => t.say("backups-reason-old"),
    }
}

/// Why nothing is removed now.
fn obstacle(t: T, obstacle: Obstacle) -> String {
    t.say(match obstacle {
        Obstacle::NoRule => "backups-obstacle-rule",
        Obstacle::NoneToday => "backups-obstacle-none",
        Obstacle::NotVerified => "backups-obstacle-unverified",
        Obstacle::Ahead { .. } => "backups-obstacle-ahead",
        Obstacle::Jump { .. } => "backups-obstacle-jump",
    })
}
