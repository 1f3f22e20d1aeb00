//! What has fallen due is proposed; what was cut short goes on.

use super::Jobs;
use crate::app::{ActContext, Error};

pub(super) async fn run(jobs: &Jobs) -> Result<String, Error> {
    let (proposed, ended) = jobs.app.keep_terms(&ActContext::installation("job:retention")).await?;
    Ok(format!("{proposed} batch(es) proposed, {ended} carried to their end"))
}
