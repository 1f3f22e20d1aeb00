//! Reminds of deadlines: once for each reminder that the definition names, and once when the time has run out.

use std::collections::BTreeSet;

use super::Jobs;
use crate::app::Error;
use crate::app::jobs::is_refused;
use crate::domain::refusal::Refusal;

/// Cases looked at in one query.
const PAGE: i64 = 200;

/// Queues what is due in every register. A kind of case that the policies do not let the installation handle is left
/// out, and the run counts as failed.
pub(super) async fn run(jobs: &Jobs) -> Result<String, Error> {
    let names: Vec<String> = jobs.app.store.registers().names().map(str::to_owned).collect();
    let (mut cases, mut letters) = (0, 0);
    let mut refused: BTreeSet<String> = BTreeSet::new();
    for register in names {
        let mut after = None;
        loop {
            let (due, next) = jobs.app.reminders_due(register.clone(), after, PAGE).await?;
            for reminder in due {
                let kind = format!("{register}: {}", reminder.kind);
                if refused.contains(&kind) || jobs.is_stopping() {
                    continue;
                }
                match jobs.app.remind(register.clone(), reminder.case_id).await {
                    Ok(0) => {}
                    Ok(count) => (cases, letters) = (cases + 1, letters + count),
                    Err(e) if is_refused(&e) => {
                        refused.insert(kind);
                    }
                    Err(e) => return Err(e),
                }
            }
            after = next;
            if after.is_none() || jobs.is_stopping() {
                break;
            }
        }
    }
    if refused.is_empty() {
        return Ok(format!("cases reminded of: {cases}, letters: {letters}"));
    }
    let kinds: Vec<String> = refused.into_iter().collect();
    let detail = format!(
        "nobody is reminded, since the policies do not permit case.read and case.handle to the installation: {}",
        kinds.join(", ")
    );
    Err(Refusal::Conflict { code: "not_permitted", detail, clause: None }.into())
}
