//! Moving records: making a move, answering an offer, and looking at both.

use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::domain::refusal::Refusal;
use crate::store::acts::moves::{Acceptance, NewMove};
use crate::store::guard::RecordRead;
use crate::store::read::moves::{MoveQuery, MoveView, STATES};
use crate::store::read::records::Page;

impl App {
    /// Moves a record, or offers it to another institution.
    ///
    /// # Errors
    /// Refusals with their clause; every fault of the new record at once.
    pub async fn move_record(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        new: NewMove,
    ) -> Result<Disclosed<MoveView>, Error> {
        let act = self.store.write(cx, move |tx| tx.record_move(&register, &record_type, id, &new));
        Ok(act.await?)
    }

    /// Accepts an offer.
    ///
    /// # Errors
    /// As [`App::move_record`]; an offer that is open no longer.
    pub async fn accept_move(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        new: Acceptance,
    ) -> Result<Disclosed<MoveView>, Error> {
        Ok(self.store.write(cx, move |tx| tx.move_accept(&register, id, &new)).await?)
    }

    /// Declines an offer, with a reason.
    ///
    /// # Errors
    /// As [`App::accept_move`].
    pub async fn refuse_move(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        reason: Option<String>,
    ) -> Result<Disclosed<MoveView>, Error> {
        Ok(self.store.write(cx, move |tx| tx.move_refuse(&register, id, reason.as_deref())).await?)
    }

    /// Withdraws an offer.
    ///
    /// # Errors
    /// As [`App::accept_move`].
    pub async fn withdraw_move(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        reason: Option<String>,
    ) -> Result<Disclosed<MoveView>, Error> {
        Ok(self.store.write(cx, move |tx| tx.move_withdraw(&register, id, reason.as_deref())).await?)
    }

    /// Moves that the caller may see.
    ///
    /// # Errors
    /// Refusals with their clause; a cursor or state that is none of ours.
    pub async fn list_moves(
        &self,
        cx: ActContext,
        register: String,
        query: MoveQuery,
    ) -> Result<Disclosed<Page<MoveView>>, Error> {
        if query.state.as_deref().is_some_and(|s| !STATES.contains(&s)) {
            let detail = format!("one of these is expected: {}", STATES.join(", "));
            return Err(Refusal::invalid("/state", "not_in_codelist", detail, None).into());
        }
        Ok(self.store.disclose(cx, move |tx| tx.move_list(&register, &query)).await?)
    }

    /// Opens a move; to the receiver of an offer that is the handing over.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none or it may not be seen.
    pub async fn read_move(&self, cx: ActContext, register: String, id: Uuid) -> Result<Disclosed<MoveView>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.move_read(&register, id)).await?)
    }

    /// Where a record came from and where it went.
    ///
    /// # Errors
    /// As reading the record.
    pub async fn moves_of_record(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
    ) -> Result<Disclosed<Page<MoveView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_record::<RecordRead>(&register, &record_type, id, None, None)?;
            tx.record_moves(permit)
        });
        Ok(act.await?)
    }
}
