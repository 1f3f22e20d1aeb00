//! A transaction for writing: everything a reading one can, and one way to change anything.

use std::ops::{Deref, DerefMut};

use diesel::connection::{Connection, TransactionManager as _};
use uuid::Uuid;

use super::change::{self, Change};
use super::conn::AnyConn;
use super::error::Error;
use super::log::{self, Recorded};
use super::tx::Tx;
use crate::clock::{Stamps, uuid_at};
use crate::domain::audit::Event;

/// A transaction for writing.
pub struct WriteTx<'tx> {
    pub(in crate::store) tx: Tx<'tx>,
    pub(in crate::store) stamps: &'tx Stamps,
    pub(in crate::store) recorded: Vec<Recorded>,
    /// Whether anything has been written, or tried to be.
    pub(in crate::store) wrote: bool,
}

impl<'tx> Deref for WriteTx<'tx> {
    type Target = Tx<'tx>;
    fn deref(&self) -> &Tx<'tx> {
        &self.tx
    }
}

impl<'tx> DerefMut for WriteTx<'tx> {
    fn deref_mut(&mut self) -> &mut Tx<'tx> {
        &mut self.tx
    }
}

impl WriteTx<'_> {
    /// Records the event, then makes the change that refers to it. The event's id and instant come back.
    pub(in crate::store) fn apply(&mut self, event: Event, after: i64, change: Change) -> Result<(Uuid, i64), Error> {
        let by = event.actor.user_id.map_or_else(|| event.actor.name.clone(), |u| u.to_string());
        let recorded = self.note(event, after, change.detail())?;
        let register = recorded.register.clone();
        let (id, at) = (recorded.id, recorded.recorded_at);
        change.write(self.tx.conn, &register, id, at, &by)?;
        Ok((id, at))
    }

    /// The same for many changes at once: one event for each, in their order, and rows written together. The events'
    /// ids and instants come back.
    pub(in crate::store) fn apply_many(
        &mut self,
        register: &str,
        changes: Vec<(Event, i64, Change)>,
    ) -> Result<Vec<(Uuid, i64)>, Error> {
        let mut events = Vec::with_capacity(changes.len());
        let mut writes = Vec::with_capacity(changes.len());
        for (mut event, after, change) in changes {
            if let Some(detail) = change.detail() {
                event.detail = Some(detail);
            }
            events.push((after, event));
            writes.push(change);
        }
        self.wrote = true;
        let recorded = log::record_many(self.tx.conn, self.stamps, events)?;
        let places: Vec<(Uuid, i64)> = recorded.iter().map(|r| (r.id, r.recorded_at)).collect();
        self.recorded.extend(recorded);
        let writes = writes.into_iter().zip(&places).map(|(change, (id, at))| (change, *id, *at)).collect();
        change::write_many(self.tx.conn, register, writes)?;
        Ok(places)
    }

    /// Does something and takes it back again, whatever comes of it: nothing of it remains, its events neither.
    pub(in crate::store) fn tried<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        type Manager = <AnyConn as Connection>::TransactionManager;
        let recorded = self.recorded.len();
        Manager::begin_transaction(self.tx.conn)?;
        let outcome = act(self);
        self.recorded.truncate(recorded);
        Manager::rollback_transaction(self.tx.conn)?;
        outcome
    }

    /// Records an event that changes nothing else.
    pub(in crate::store) fn note(
        &mut self,
        mut event: Event,
        after: i64,
        detail: Option<serde_json::Value>,
    ) -> Result<&Recorded, Error> {
        if detail.is_some() {
            event.detail = detail;
        }
        self.wrote = true;
        let recorded = log::record(self.tx.conn, self.stamps, after, event)?;
        self.recorded.push(recorded);
        self.recorded.last().ok_or_else(|| Error::LogFailed("nothing was recorded".into()))
    }

    /// A new id, later than every one before.
    pub(in crate::store) fn new_id(&self) -> Result<Uuid, Error> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|e| Error::Unavailable(e.to_string()))?;
        Ok(uuid_at(self.stamps.next(0), random))
    }
}
