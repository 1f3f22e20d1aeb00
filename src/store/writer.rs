//! The writer: acts queue as closures, one COMMIT serves a batch of them, and answers go out after it. On PostgreSQL
//! each act of a batch runs in a savepoint; on SQLite only when one of the batch has failed after it began to write.
//!
//! On SQLite there is one writer, since the database has one; on PostgreSQL there are several, each with its own
//! connection. A full queue refuses at once instead of letting callers wait without bound.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use tokio::sync::oneshot;

use super::conn::{AnyConn, DatabaseUrl, connect_writer};
use super::error::Error;
use super::log::{self, Recorded};
use crate::clock::Stamps;
use crate::domain::audit::Event;

/// How many acts share a commit at most.
const SQLITE_BATCH: usize = 256;
const PG_BATCH: usize = 16;
/// How often an act is tried again after a serialization failure or a deadlock.
const RETRIES: u32 = 5;

/// What an act leaves behind in its savepoint.
#[derive(Default)]
pub(in crate::store) struct Traces {
    /// Events recorded.
    pub recorded: Vec<Recorded>,
    /// A refusal to be recorded once the act is rolled back.
    pub denial: Option<Event>,
    /// Whether it has begun to write, even if it then failed.
    pub wrote: bool,
}

/// An act on its way through the writer. May run more than once; the last run counts.
pub(in crate::store) trait Queued: Send {
    /// Runs in a savepoint; an error rolls it back.
    fn run(&mut self, conn: &mut AnyConn, traces: &mut Traces) -> Result<(), Error>;
    /// Answers the caller: `Ok` once committed, or what went wrong.
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

/// The queue's entrance and the threads behind it.
pub(in crate::store) struct Writer {
    queue: Option<Sender<Box<dyn Queued>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Starts the writers.
    pub(in crate::store) fn start(
        url: &DatabaseUrl,
        stamps: &Arc<Stamps>,
        queue: usize,
        pg_writers: usize,
    ) -> Result<Self, Error> {
        let (sender, receiver) = crossbeam_channel::bounded::<Box<dyn Queued>>(queue);
        let count = if url.is_sqlite() { 1 } else { pg_writers };
        let mut threads = Vec::with_capacity(count);
        for n in 0..count {
            let conn = connect_writer(url).map_err(|e| Error::Unavailable(e.to_string()))?;
            let (url, stamps, receiver) = (url.clone(), stamps.clone(), receiver.clone());
            let thread = std::thread::Builder::new()
                .name(format!("writer-{n}"))
                .spawn(move || work(conn, &url, &stamps, &receiver))
                .map_err(|e| Error::Unavailable(e.to_string()))?;
            threads.push(thread);
        }
        Ok(Self { queue: Some(sender), threads })
    }

    /// Queues an act; a full queue is an error at once.
    pub(in crate::store) fn submit(&self, act: Box<dyn Queued>) -> Result<(), Error> {
        let Some(queue) = &self.queue else {
            return Err(Error::Unavailable("the server is stopping".into()));
        };
        metrics::gauge!("andmekogu_writer_queue").set(f64::from(u32::try_from(queue.len()).unwrap_or(u32::MAX)));
        queue.try_send(act).map_err(|e| match e {
            TrySendError::Full(_) => Error::Unavailable("the write queue is full".into()),
            TrySendError::Disconnected(_) => Error::Unavailable("the writer has stopped".into()),
        })
    }
}

impl Drop for Writer {
    /// Finishes what is queued, then stops.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                ::log::error!("a writer thread had panicked");
            }
        }
    }
}

fn work(mut conn: AnyConn, url: &DatabaseUrl, stamps: &Stamps, receiver: &Receiver<Box<dyn Queued>>) {
    let limit = if url.is_sqlite() { SQLITE_BATCH } else { PG_BATCH };
    while let Ok(first) = receiver.recv() {
        let mut batch = vec![first];
        while batch.len() < limit
            && let Ok(next) = receiver.try_recv()
        {
            batch.push(next);
        }
        metrics::histogram!("andmekogu_writer_batch").record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
        let care = if url.is_sqlite() { Care::Swift } else { Care::Savepoints };
        let again = match commit(&mut conn, stamps, batch, care) {
            Ok(()) => continue,
            // An act that failed half-way spoils a batch without savepoints; with them it only spoils itself.
            Err((Error::HalfDone, batch)) => commit(&mut conn, stamps, batch, Care::Savepoints),
            failed => failed,
        };
        let Err((cause, batch)) = again else { continue };
        // The batch as a whole failed: each act gets a transaction of its own, so that one cannot fail others.
        ::log::warn!("a batch of {} acts is run again one by one: {cause}", batch.len());
        if is_broken(&mut conn) {
            reconnect(&mut conn, url);
        }
        for act in batch {
            alone(&mut conn, url, stamps, act);
        }
    }
}

/// How the acts of a batch are kept apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Not at all: most acts that fail have not written anything. One that has makes the batch run again.
    Swift,
    /// Each in a savepoint of its own.
    Savepoints,
}

/// Runs one act in its own transaction, again where the database asks for it.
fn alone(conn: &mut AnyConn, url: &DatabaseUrl, stamps: &Stamps, act: Box<dyn Queued>) {
    let mut batch = vec![act];
    for attempt in 0..=RETRIES {
        match commit(conn, stamps, batch, Care::Savepoints) {
            Ok(()) => return,
            Err((cause, back)) => {
                batch = back;
                if is_broken(conn) {
                    reconnect(conn, url);
                }
                if !cause.is_transient() || attempt == RETRIES {
                    let text = cause.to_string();
                    for act in batch {
                        act.answer(Err(Error::Unavailable(text.clone())));
                    }
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(5 << attempt));
            }
        }
    }
}

fn reconnect(conn: &mut AnyConn, url: &DatabaseUrl) {
    match connect_writer(url) {
        Ok(fresh) => *conn = fresh,
        Err(e) => ::log::error!("the writer cannot reconnect: {e}"),
    }
}

type Failed = (Error, Vec<Box<dyn Queued>>);

/// Runs a batch and commits it. On an error nothing of it has happened and nobody has been answered.
fn commit(conn: &mut AnyConn, stamps: &Stamps, mut batch: Vec<Box<dyn Queued>>, care: Care) -> Result<(), Failed> {
    if let Err(e) = begin(conn) {
        return Err((e.into(), batch));
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut recorded: Vec<Recorded> = Vec::new();
    let mut failure = None;
    for act in &mut batch {
        let mut traces = Traces::default();
        let outcome = match care {
            Care::Swift => act.run(conn, &mut traces),
            Care::Savepoints => conn.transaction::<(), Error, _>(|c| act.run(c, &mut traces)),
        };
        match outcome {
            Ok(()) => {
                recorded.append(&mut traces.recorded);
                outcomes.push(Ok(()));
            }
            Err(e) if e.is_transient() => {
                failure = Some(e);
                break;
            }
            Err(_) if care == Care::Swift && traces.wrote => {
                failure = Some(Error::HalfDone);
                break;
            }
            Err(e) => outcomes.push(Err(deny(conn, stamps, traces.denial, &mut recorded).err().unwrap_or(e))),
        }
    }
    let failure = failure.or_else(|| place(conn, &recorded).err()).or_else(|| end(conn).err());
    if let Some(e) = failure {
        if let Err(e) = <AnyConn as Connection>::TransactionManager::rollback_transaction(conn) {
            ::log::debug!("rollback after a failed batch: {e}");
        }
        return Err((e, batch));
    }
    for (act, outcome) in batch.into_iter().zip(outcomes) {
        act.answer(outcome);
    }
    Ok(())
}

/// Records a denial after its act was rolled back; without the record there is no answer but 503.
fn deny(conn: &mut AnyConn, stamps: &Stamps, denial: Option<Event>, recorded: &mut Vec<Recorded>) -> Result<(), Error> {
    let Some(event) = denial else { return Ok(()) };
    let event = conn.transaction::<_, Error, _>(|c| log::record(c, stamps, 0, event))?;
    recorded.push(event);
    Ok(())
}

/// On SQLite events get their places in the tree in the same transaction; on PostgreSQL the sequencer does it.
fn place(conn: &mut AnyConn, recorded: &[Recorded]) -> Result<(), Error> {
    if matches!(conn, AnyConn::Pg(_)) {
        return Ok(());
    }
    let mut registers: Vec<&str> = recorded.iter().map(|r| r.register.as_str()).collect();
    registers.sort_unstable();
    registers.dedup();
    for register in registers {
        let events: Vec<&Recorded> = recorded.iter().filter(|r| r.register == register).collect();
        log::integrate(conn, register, &events)?;
    }
    Ok(())
}

/// `BEGIN IMMEDIATE` on SQLite: a plain BEGIN that later writes fails on a stale snapshot.
fn begin(conn: &mut AnyConn) -> QueryResult<()> {
    match conn {
        AnyConn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        AnyConn::Pg(c) => AnsiTransactionManager::begin_transaction(c),
    }
}

fn end(conn: &mut AnyConn) -> Result<(), Error> {
    <AnyConn as Connection>::TransactionManager::commit_transaction(conn).map_err(Error::from)
}

/// An act as it waits: the closure, what it produced, and whom to tell.
pub(in crate::store) struct Pending<T, F> {
    pub run: F,
    pub produced: Option<T>,
    pub reply: Option<oneshot::Sender<Result<T, Error>>>,
}

impl<T, F> Queued for Pending<T, F>
where
    T: Send,
    F: FnMut(&mut AnyConn, &mut Traces) -> Result<T, Error> + Send,
{
    fn run(&mut self, conn: &mut AnyConn, traces: &mut Traces) -> Result<(), Error> {
        self.produced = None;
        self.produced = Some((self.run)(conn, traces)?);
        Ok(())
    }

    fn answer(mut self: Box<Self>, outcome: Result<(), Error>) {
        let answer = match (outcome, self.produced.take()) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(Error::Unavailable("the act did not run".into())),
            (Err(e), _) => Err(e),
        };
        if let Some(reply) = self.reply.take()
            && reply.send(answer).is_err()
        {
            ::log::debug!("nobody waits for the answer any more");
        }
    }
}

fn is_broken(conn: &mut AnyConn) -> bool {
    use diesel::r2d2::R2D2Connection;
    conn.is_broken() || conn.ping().is_err()
}
