//! Sends the letters whose time has come, one after the other, each noted in a transaction of its own.
//!
//! A crash between the relay's answer and the note sends the letter again, under the same `Message-ID`; none is lost.

use std::time::Duration;

use tokio::time::Instant;

use super::Jobs;
use crate::app::Error;
use crate::mail::backoff;
use crate::store::acts::letters::Tried;
use crate::store::read::letters::DueLetter;

/// Letters fetched at once.
const BATCH: i64 = 50;
/// After so long the rest waits for the next run.
const LONG: Duration = Duration::from_secs(300);
/// After so many letters in a row to which the relay gave no answer, it is taken to be away.
const SILENT: u32 = 3;

/// What a run has done.
#[derive(Default)]
struct Tally {
    sent: u32,
    again: u32,
    dead: u32,
}

/// Sends what is due.
pub(super) async fn run(jobs: &Jobs) -> Result<String, Error> {
    let Some(post) = &jobs.post else {
        let waiting: i64 = jobs.app.standing().await?.iter().map(|s| s.queued).sum();
        return Ok(format!("no relay is set (mail.host); letters that wait: {waiting}"));
    };
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut silent = 0;
    loop {
        let letters = jobs.app.letters_due(BATCH).await?;
        let full = letters.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let mut noted = false;
        for letter in letters {
            if jobs.is_stopping() || begun.elapsed() > LONG || silent >= SILENT {
                return Ok(said(&tally, silent >= SILENT));
            }
            let result = post.send(&letter).await;
            let (tried, answered) = judged(jobs, &letter, result);
            silent = if answered { 0 } else { silent + 1 };
            match &tried {
                Tried::Sent => tally.sent += 1,
                Tried::Again { .. } => tally.again += 1,
                Tried::Dead { fault } => {
                    tally.dead += 1;
                    log::warn!(target: "andmekogu::jobs", "letter {} of {} is given up: {fault}", letter.id, letter.register);
                }
            }
            noted |= jobs.app.letter_tried(&letter, tried).await?;
        }
        if !full || !noted {
            return Ok(said(&tally, false));
        }
    }
}

fn said(tally: &Tally, silent: bool) -> String {
    let Tally { sent, again, dead } = tally;
    let relay = if silent { "; the relay does not answer, the rest waits" } else { "" };
    format!("sent: {sent}, to be tried again: {again}, given up: {dead}{relay}")
}

/// What an attempt means for the letter, and whether the relay gave an answer.
fn judged(jobs: &Jobs, letter: &DueLetter, result: Result<(), crate::mail::Failure>) -> (Tried, bool) {
    let failure = match result {
        Ok(()) => return (Tried::Sent, true),
        Err(failure) => failure,
    };
    let answered = failure.lasting || failure.code.is_some();
    let fault = failure.reason;
    if failure.lasting {
        return (Tried::Dead { fault }, answered);
    }
    let attempts = u32::try_from(letter.attempts).unwrap_or(u32::MAX).saturating_add(1);
    let (_, seed) = letter.id.as_u64_pair();
    let tried = match backoff::next_attempt(attempts, jobs.app.now(), seed) {
        Some(at) => Tried::Again { at, fault },
        None => Tried::Dead { fault: format!("given up after {attempts} attempts: {fault}") },
    };
    (tried, answered)
}
