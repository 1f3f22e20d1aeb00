//! Rights and the calendar: they end with the employment, and their list is confirmed on its days.

use super::Jobs;
use crate::app::{ActContext, Error};

pub(super) async fn leavers(jobs: &Jobs) -> Result<String, Error> {
    let ended = jobs.app.end_leavers(&ActContext::installation("job:leavers")).await?;
    Ok(format!("rights ended of {ended} user(s)"))
}

pub(super) async fn recertification(jobs: &Jobs) -> Result<String, Error> {
    let opened = jobs.app.open_recertifications(&ActContext::installation("job:recertification")).await?;
    Ok(format!("{opened} list(s) put up"))
}
