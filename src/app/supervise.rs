//! Supervision: who could see and who did, kept queries, signals, samples and what was signed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::store::acts::supervision::{KeptFilter, NewReview};
use crate::store::guard::{AccessReport, AuditReview};
use crate::store::read::records::Page;
use crate::store::read::report::{ReportQuery, ReportView};
use crate::store::read::supervision::{QueryView, ReviewView, SampleView, SignalsView};

impl App {
    /// Who could see somebody's records at an instant, who did, and who received them.
    ///
    /// # Errors
    /// Refusals with their clause; not found for somebody unknown.
    pub async fn access_report(
        &self,
        cx: ActContext,
        register: String,
        query: ReportQuery,
    ) -> Result<Disclosed<ReportView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AccessReport>(&register, None)?;
            tx.access_report(permit, &query)
        });
        Ok(act.await?)
    }

    /// The caller's own queries.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_queries(&self, cx: ActContext, register: String) -> Result<Disclosed<Page<QueryView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditReview>(&register, None)?;
            tx.query_list(permit)
        });
        Ok(act.await?)
    }

    /// Keeps a query under a name.
    ///
    /// # Errors
    /// Refusals with their clause; a name that is missing or taken.
    pub async fn keep_query(
        &self,
        cx: ActContext,
        register: String,
        name: String,
        filter: KeptFilter,
    ) -> Result<Disclosed<QueryView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<AuditReview>(&register, None)?;
            tx.query_keep(permit, &name, &filter)
        });
        Ok(act.await?)
    }

    /// Forgets one of the caller's own queries.
    ///
    /// # Errors
    /// Refusals with their clause; not found where it is not theirs.
    pub async fn forget_query(&self, cx: ActContext, register: String, id: Uuid) -> Result<(), Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<AuditReview>(&register, None)?;
            tx.query_forget(permit, id)
        });
        act.await?;
        Ok(())
    }

    /// What there is to ask about in a period.
    ///
    /// # Errors
    /// Refusals with their clause; a period that is too long.
    pub async fn audit_signals(
        &self,
        cx: ActContext,
        register: String,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Disclosed<SignalsView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditReview>(&register, None)?;
            tx.audit_signals(permit, from, to)
        });
        Ok(act.await?)
    }

    /// A sample of a period's entries that can be drawn again.
    ///
    /// # Errors
    /// Refusals with their clause; a period or a number that is none.
    pub async fn audit_sample(
        &self,
        cx: ActContext,
        register: String,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        n: usize,
        seed: Option<String>,
    ) -> Result<Disclosed<SampleView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditReview>(&register, None)?;
            tx.audit_sample(permit, from, to, n, seed.as_deref())
        });
        Ok(act.await?)
    }

    /// Signed reviews, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_reviews(
        &self,
        cx: ActContext,
        register: String,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Disclosed<Page<ReviewView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditReview>(&register, None)?;
            tx.review_list(permit, before, limit)
        });
        Ok(act.await?)
    }

    /// Signs what was reviewed.
    ///
    /// # Errors
    /// Refusals with their clause; invalid data with every fault.
    pub async fn sign_review(
        &self,
        cx: ActContext,
        register: String,
        new: NewReview,
    ) -> Result<Disclosed<ReviewView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<AuditReview>(&register, None)?;
            tx.review_sign(permit, &new)
        });
        Ok(act.await?)
    }
}
