//! Desks: what users had begun, looked for and logged into is forgotten when its time is over.

use super::Jobs;
use crate::app::{ActContext, Error};

pub(super) async fn run(jobs: &Jobs) -> Result<String, Error> {
    let gone = jobs.app.forget_expired(&ActContext::installation("job:desks")).await?;
    Ok(format!(
        "{} draft(s), {} search(es), {} sheet(s) and {} browser session(s) forgotten",
        gone.drafts, gone.searches, gone.uploads, gone.sessions
    ))
}
