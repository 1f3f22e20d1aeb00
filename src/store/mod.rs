//! The only place that knows SQL: connections, the guard, the writer, queries.
//!
//! Reads go through a pool, writes and log entries through the [`writer`]. An act is a closure over a transaction;
//! what it returns is sealed until its log entry is durable. See [`guard`] for why there is no way round.

#[macro_use]
pub(crate) mod conn;
pub mod acts;
pub mod backup;
pub mod bring;
mod change;
mod closing;
pub mod context;
mod erase;
pub mod error;
mod facts;
pub mod guard;
pub mod jobs;
mod log;
pub mod migrate;
pub mod read;
mod retention;
pub mod runs;
mod schema;
mod sequencer;
pub mod snapshot;
pub mod touched;
mod tx;
pub mod verify;
mod write;
mod writer;

use std::sync::{Arc, RwLock};

use diesel::prelude::*;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use uuid::Uuid;

pub use conn::DatabaseUrl;
pub use context::{ActContext, Caller, Idempotency};
pub use error::Error;
pub use guard::{Disclosed, Permit, Sealed};
pub use tx::Tx;
pub use write::WriteTx;

use crate::clock::{Clock, Stamps};
use crate::domain::audit::Event;
use crate::domain::hex;
use crate::domain::registers::Registers;
use conn::{AnyConn, Manager};
use writer::{Pending, Traces, Writer};

/// How the store is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// Connections for reading.
    pub readers: u32,
    /// Writers on PostgreSQL; SQLite has one.
    pub writers: usize,
    /// Acts that may wait; more are refused with 503.
    pub queue: usize,
}

/// The store.
pub struct Store {
    pool: r2d2::Pool<Manager>,
    writer: Writer,
    _sequencer: sequencer::Sequencer,
    registers: RwLock<Arc<Registers>>,
    stamps: Arc<Stamps>,
    url: DatabaseUrl,
    /// Acts with many entries that run in this process.
    pub(crate) runs: runs::Runs,
}

impl Store {
    /// Opens a migrated database and starts the writer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with the cause: no connection, or migrations that are missing.
    pub fn open(settings: &Settings, registers: Registers, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        // The first connection tells the real cause of a failure; the pool would only say that it timed out.
        let mut first = conn::connect(&settings.url).map_err(|e| Error::Unavailable(e.to_string()))?;
        if !migrate::is_current(&mut first)? {
            return Err(Error::Unavailable("the database lacks migrations: run `andmekogu migrate`".into()));
        }
        let pool = r2d2::Pool::builder()
            .max_size(settings.readers)
            .min_idle(Some(1))
            .test_on_check_out(!settings.url.is_sqlite())
            .connection_timeout(std::time::Duration::from_secs(5))
            .build(Manager(settings.url.clone()))?;
        let stamps = Arc::new(Stamps::new(clock));
        let writer = Writer::start(&settings.url, &stamps, settings.queue, settings.writers)?;
        let sequencer = sequencer::Sequencer::start(&settings.url)?;
        Ok(Self {
            pool,
            writer,
            _sequencer: sequencer,
            registers: RwLock::new(Arc::new(registers)),
            stamps,
            url: settings.url.clone(),
            runs: runs::Runs::default(),
        })
    }

    /// The clock's time.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.stamps.now()
    }

    /// Reads, logs, and only then discloses: the query runs on a connection of the pool, its access entry goes
    /// through the writer, and the value is opened once that has committed. Denials are logged the same way.
    ///
    /// # Errors
    /// What the read refused; [`Error::LogFailed`] when the entry could not be written, and then nothing is shown.
    pub async fn disclose<T, F>(self: &Arc<Self>, cx: ActContext, read: F) -> Result<Disclosed<T>, Error>
    where
        T: Send + 'static,
        F: for<'tx> FnOnce(&mut Tx<'tx>) -> Result<Sealed<'tx, T>, Error> + Send + 'static,
    {
        let (store, registers) = (self.clone(), self.registers());
        let found = tokio::task::spawn_blocking(move || store.read(&registers, &cx, read))
            .await
            .map_err(|e| Error::Unavailable(e.to_string()))??;
        match found {
            Read::Found(value, Some(event)) => {
                self.log(event).await?;
                Ok(Disclosed::new(value))
            }
            Read::Found(value, None) => Ok(Disclosed::new(value)),
            Read::Refused(error, event) => {
                self.log(event).await?;
                Err(error)
            }
        }
    }

    fn read<T, F>(&self, registers: &Registers, cx: &ActContext, read: F) -> Result<Read<T>, Error>
    where
        F: for<'tx> FnOnce(&mut Tx<'tx>) -> Result<Sealed<'tx, T>, Error>,
    {
        let mut conn = self.pool.get()?;
        let now = self.stamps.now();
        let mut denial = None;
        let result = conn.transaction::<_, Error, _>(|c| {
            let mut tx = Tx::new(c, cx, registers, now);
            let result = read(&mut tx).map(Sealed::open);
            denial = tx.denial.take();
            result
        });
        match (result, denial) {
            (Ok((value, event)), _) => Ok(Read::Found(value, event)),
            (Err(error), Some(event)) => Ok(Read::Refused(error, event)),
            (Err(error), None) => Err(error),
        }
    }

    /// Runs an act in the writer. It may run more than once; what it returns is opened after the commit.
    ///
    /// # Errors
    /// What the act refused; [`Error::LogFailed`], [`Error::Unavailable`] when nothing was done.
    pub async fn write<T, F>(self: &Arc<Self>, cx: ActContext, mut act: F) -> Result<Disclosed<T>, Error>
    where
        T: Send + 'static,
        F: for<'tx> FnMut(&mut WriteTx<'tx>) -> Result<Sealed<'tx, T>, Error> + Send + 'static,
    {
        let registers = self.registers();
        let stamps = self.stamps.clone();
        let run = move |conn: &mut AnyConn, traces: &mut Traces| {
            let tx = Tx::new(conn, &cx, &registers, stamps.now());
            let mut tx = WriteTx { tx, stamps: &stamps, recorded: Vec::new(), wrote: false };
            let result = act(&mut tx).map(Sealed::open);
            traces.denial = tx.tx.denial.take();
            let noted = result.and_then(|(value, event)| {
                if let Some(event) = event {
                    tx.note(event, 0, None)?;
                }
                Ok(value)
            });
            traces.wrote = tx.wrote;
            traces.recorded = tx.recorded;
            noted
        };
        self.submit(run).await.map(Disclosed::new)
    }

    /// Reads what is to leave, renders it, enters it in the ledger, and only then lets go of it.
    ///
    /// `read` sees one state of the database, whatever happens meanwhile. What it gives is shown to `render` only, a
    /// plain function that can keep nothing; both run off the async threads. `write` runs in one transaction with the
    /// digest of exactly those bytes: it checks once more, logs whose data they are and enters the ledger. The bytes
    /// come back once that has committed: a crash in between leaves a ledger that says more than was sent, never less.
    ///
    /// # Errors
    /// What `read`, `render` or `write` refused; [`Error::LogFailed`] when the log could not be written.
    pub(crate) async fn release<T, R, W>(
        self: &Arc<Self>,
        cx: ActContext,
        read: R,
        render: fn(&T) -> Result<Vec<u8>, Error>,
        mut write: W,
    ) -> Result<Disclosed<Left>, Error>
    where
        T: Send + Sync + 'static,
        R: for<'tx> FnOnce(&mut Tx<'tx>, Uuid) -> Result<Sealed<'tx, T>, Error> + Send + 'static,
        W: for<'tx> FnMut(&mut WriteTx<'tx>, &Leaving<T>) -> Result<(), Error> + Send + 'static,
    {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|e| Error::Unavailable(e.to_string()))?;
        let id = crate::clock::uuid_at(self.stamps.next(0), random);
        let (store, reader, registers) = (self.clone(), cx.clone(), self.registers());
        let found = tokio::task::spawn_blocking(move || {
            let found = store.read(&registers, &reader, |tx| {
                tx.freeze()?;
                read(tx, id)
            })?;
            Ok::<_, Error>(match found {
                Read::Found(data, event) => {
                    let bytes = render(&data)?;
                    let digest = hex(&Sha256::digest(&bytes));
                    Read::Found(Arc::new(Leaving { id, data, bytes: bytes.into(), digest }), event)
                }
                Read::Refused(error, event) => Read::Refused(error, event),
            })
        })
        .await
        .map_err(|e| Error::Unavailable(e.to_string()))??;
        let (leaving, event) = match found {
            Read::Found(leaving, event) => (leaving, event),
            Read::Refused(error, event) => {
                self.log(event).await?;
                return Err(error);
            }
        };
        let left = Left { id, bytes: leaving.bytes.clone(), digest: leaving.digest.clone() };
        let written = self.write(cx, move |tx| {
            if let Some(event) = event.clone() {
                tx.note(event, 0, None)?;
            }
            write(tx, &leaving)?;
            Ok(Sealed::new((), None))
        });
        written.await?;
        Ok(Disclosed::new(left))
    }

    async fn log(&self, event: Event) -> Result<(), Error> {
        let stamps = self.stamps.clone();
        let run = move |conn: &mut AnyConn, traces: &mut Traces| {
            traces.wrote = true;
            traces.recorded = vec![log::record(conn, &stamps, 0, event.clone())?];
            Ok(())
        };
        self.submit(run).await.map_err(|e| match e {
            // Whatever stood in the way: without the entry there is no answer.
            Error::Unavailable(cause) => Error::LogFailed(cause),
            other => other,
        })
    }

    async fn submit<T, F>(&self, run: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConn, &mut Traces) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.writer.submit(Box::new(Pending { run, produced: None, reply: Some(reply) }))?;
        answer.await.map_err(|_| Error::Unavailable("the writer stopped before it answered".into()))?
    }

    /// Whether the database answers and is migrated.
    ///
    /// # Errors
    /// The cause, when it is not.
    pub fn ready(&self) -> Result<(), Error> {
        let mut conn = self.pool.get()?;
        if migrate::is_current(&mut conn)? { Ok(()) } else { Err(Error::Unavailable("migrations are missing".into())) }
    }

    /// Sheds what the database still holds of rows that were deleted: on SQLite the write-ahead log, whose pages are
    /// overwritten in the file itself; on PostgreSQL the dead rows (`docs/operations.md` says what remains to be done).
    ///
    /// # Errors
    /// The database's.
    pub async fn shed(self: &Arc<Self>) -> Result<(), Error> {
        let url = self.url.clone();
        let shed = move || -> Result<(), Error> {
            use diesel::connection::SimpleConnection as _;
            let mut conn = conn::connect(&url).map_err(|e| Error::Unavailable(e.to_string()))?;
            let sql = if url.is_sqlite() { "PRAGMA wal_checkpoint(TRUNCATE)" } else { "VACUUM" };
            Ok(conn.batch_execute(sql)?)
        };
        tokio::task::spawn_blocking(shed).await.map_err(|e| Error::Unavailable(e.to_string()))?
    }

    /// Where the database is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }
}

/// What is about to leave: rendered, and not yet in the ledger. Only the store looks into it.
pub(crate) struct Leaving<T> {
    pub(in crate::store) id: Uuid,
    pub(in crate::store) data: T,
    bytes: Arc<[u8]>,
    pub(in crate::store) digest: String,
}

/// What has left: it stands in the ledger.
pub struct Left {
    /// Id of its entry in the ledger.
    pub id: Uuid,
    /// Exactly what leaves.
    pub bytes: Arc<[u8]>,
    /// SHA-256 of it, in lower-case hexadecimal.
    pub digest: String,
}

enum Read<T> {
    Found(T, Option<Event>),
    Refused(Error, Event),
}
