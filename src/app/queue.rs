//! Queues: the whole in its order, and one applicant's place.

use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::store::guard::RecordRead;
use crate::store::read::queue::{QueueLine, QueuePlace, QueueQuery};
use crate::store::read::records::Page;

impl App {
    /// The queue for an institution.
    ///
    /// # Errors
    /// Refusals with their clause; a statute without such a queue.
    pub async fn list_queue(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        query: QueueQuery,
    ) -> Result<Disclosed<Page<QueueLine>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_list(&register, &record_type, Some(query.institution_id))?;
            tx.queue_list(permit, &record_type, &query)
        });
        Ok(act.await?)
    }

    /// An applicant's place in the queue for an institution, and why.
    ///
    /// # Errors
    /// As reading the record; an application that does not stand in that queue.
    pub async fn read_place(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        institution: Option<Uuid>,
    ) -> Result<Disclosed<QueuePlace>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_record::<RecordRead>(&register, &record_type, id, None, None)?;
            tx.queue_place(permit, institution)
        });
        Ok(act.await?)
    }
}
