//! On PostgreSQL: gives recorded events their places in the tree, within a second.
//!
//! Writers don't queue on a hash chain; the sequencer takes what has committed, in the order of its ids, under the
//! lock of the tree's head, so that any number of nodes may run one. What waits, and for how long, is a figure in
//! the metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use diesel::prelude::*;

use super::conn::{AnyConn, DatabaseUrl, connect};
use super::error::Error;
use super::log::{self, Recorded};
use super::read::audit::hash;
use super::schema::{audit_event, audit_queue};
use crate::domain::audit::Kind;

/// How many events are integrated in one transaction.
const BATCH: i64 = 5_000;
/// How long to rest when nothing waits.
const REST: Duration = Duration::from_millis(100);

/// The thread that integrates.
pub(in crate::store) struct Sequencer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sequencer {
    /// Starts it; on SQLite there is nothing to do and no thread.
    pub(in crate::store) fn start(url: &DatabaseUrl) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        if url.is_sqlite() {
            return Ok(Self { stop, thread: None });
        }
        let (url, flag) = (url.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || run(&url, &flag))
            .map_err(|e| Error::Unavailable(e.to_string()))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            ::log::error!("the sequencer had panicked");
        }
    }
}

fn run(url: &DatabaseUrl, stop: &AtomicBool) {
    let mut conn: Option<AnyConn> = None;
    while !stop.load(Ordering::SeqCst) {
        let result = match &mut conn {
            Some(c) => integrate_waiting(c),
            None => match connect(url) {
                Ok(c) => {
                    conn = Some(c);
                    continue;
                }
                Err(e) => Err(Error::Unavailable(e.to_string())),
            },
        };
        match result {
            Ok(0) => std::thread::sleep(REST),
            Ok(_) => {}
            Err(e) => {
                ::log::warn!("events wait for their place in the tree: {e}");
                conn = None;
                std::thread::sleep(REST * 10);
            }
        }
    }
}

/// Integrates a batch of what waits and says how many events that was.
pub(in crate::store) fn integrate_waiting(conn: &mut AnyConn) -> Result<usize, Error> {
    conn.transaction(|c| {
        type Row = (String, String, i64, String, Vec<u8>);
        let waiting = audit_queue::table
            .order((audit_queue::register, audit_queue::event_id))
            .limit(BATCH)
            .select((audit_queue::register, audit_queue::event_id));
        // Only the queue is locked: the run-time role may not update events, and so not lock them either.
        let waiting: Vec<(String, String)> = match &mut *c {
            AnyConn::Pg(pg) => waiting.for_update().skip_locked().load(pg)?,
            // Events wait here only in what was restored from PostgreSQL.
            AnyConn::Sqlite(sqlite) => waiting.load(sqlite)?,
        };
        let (mut registers, ids): (Vec<String>, Vec<String>) = waiting.into_iter().unzip();
        registers.dedup();
        let rows: Vec<Row> = audit_event::table
            .filter(audit_event::register.eq_any(&registers))
            .filter(audit_event::id.eq_any(&ids))
            .order((audit_event::register, audit_event::id))
            .select((
                audit_event::register,
                audit_event::id,
                audit_event::recorded_at,
                audit_event::kind,
                audit_event::commitment,
            ))
            .load(c)?;
        let count = rows.len();
        metrics::gauge!("andmekogu_log_waiting").set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        let mut recorded = Vec::with_capacity(count);
        for (register, id, recorded_at, kind, commitment) in rows {
            recorded.push(Recorded {
                id: super::facts::id(&id)?,
                kind: kind.parse::<Kind>().map_err(|_| Error::Damaged("an event's kind".into()))?,
                commitment: hash(&commitment)?,
                register,
                recorded_at,
            });
        }
        let mut registers: Vec<String> = recorded.iter().map(|r| r.register.clone()).collect();
        registers.dedup();
        for register in registers {
            let events: Vec<&Recorded> = recorded.iter().filter(|r| r.register == register).collect();
            log::integrate(c, &register, &events)?;
            let ids: Vec<String> = events.iter().map(|e| e.id.to_string()).collect();
            diesel::delete(
                audit_queue::table
                    .filter(audit_queue::register.eq(&register))
                    .filter(audit_queue::event_id.eq_any(ids)),
            )
            .execute(c)?;
        }
        Ok(count)
    })
}
