//! Duties to confirm: reckoned anew, and reminded of.

use super::Jobs;
use crate::app::{ActContext, Error};

pub(super) async fn run(jobs: &Jobs) -> Result<String, Error> {
    let (done, letters) = jobs.app.reckon_confirmations(&ActContext::installation("job:confirmations")).await?;
    Ok(format!(
        "{} duties new, {} cancelled, {} due again; {letters} letter(s) queued",
        done.new, done.cancelled, done.reopened
    ))
}
