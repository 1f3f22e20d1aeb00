//! Makes the copy that is due, thins out those that are there, and raises the alarm when the newest is too old.

use super::Jobs;
use crate::app::{ActContext, Error};

pub(super) async fn run(jobs: &Jobs) -> Result<String, Error> {
    let cx = ActContext::installation("job:backup");
    if !jobs.app.makes_backups() {
        return Ok("no copies are made: backup.recipients is not set".to_owned());
    }
    let done = copies(jobs, &cx).await;
    // Also, and even more so, when no copy could be made.
    let letters = jobs.app.alarm_of_backup(&cx).await?;
    let done = done?;
    Ok(if letters > 0 { format!("{done}; overdue: {letters} letter(s) queued") } else { done })
}

async fn copies(jobs: &Jobs, cx: &ActContext) -> Result<String, Error> {
    if !jobs.app.backup_due()? {
        return Ok("no copy is due".to_owned());
    }
    let made = jobs.app.create_backup(cx.clone()).await?;
    let thinning = jobs.app.prune_backups(cx.clone(), false, false).await?;
    let made = format!("{} made and verified, {} rows", made.name, made.report.rows);
    Ok(match thinning.obstacle {
        Some(obstacle) => format!("{made}; nothing is removed: {obstacle}"),
        None => format!("{made}; {} removed", thinning.removed.len()),
    })
}
