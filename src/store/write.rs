//! A transaction for writing: everything a reading one can, and one way to change anything.

use std::ops::{Deref, DerefMut};

use uuid::Uuid;

use super::change::Change;
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
