//! Granting, changing and ending roles, and reading about it.

use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error, cursor};
use crate::domain::access::Grant;
use crate::domain::refusal::Refusal;
use crate::store::acts::grants::{GrantPatch, NewGrant};
use crate::store::guard::{GrantChange, GrantIssue, GrantList, GrantRevoke};
use crate::store::read::grants::{GrantLogView, GrantQuery, GrantView};
use crate::store::read::records::Page;

impl App {
    /// Grants a role.
    ///
    /// # Errors
    /// Refusals with their clause: only whom the statute names grants, and nobody to themselves.
    pub async fn issue_grant(
        &self,
        cx: ActContext,
        register: String,
        new: NewGrant,
    ) -> Result<Disclosed<Grant>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_grant::<GrantIssue>(&register, &new.role, new.user_id, new.institution_id)?;
            tx.grant_issue(permit, &new)
        });
        Ok(act.await?)
    }

    /// Changes a grant.
    ///
    /// # Errors
    /// As [`App::issue_grant`]; a stale or missing version.
    pub async fn change_grant(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        patch: GrantPatch,
    ) -> Result<Disclosed<Grant>, Error> {
        let act = self.store.write(cx, move |tx| {
            let (role, holder, institution) = tx.grant_coordinates(&register, id)?;
            // Both where the grant reaches now and where it would reach must be in the granter's own reach.
            if let Some(next) = patch.institution_id {
                let _wider = tx.authorize_grant::<GrantChange>(&register, &role, holder, next)?;
            }
            let permit = tx.authorize_grant::<GrantChange>(&register, &role, holder, institution)?;
            tx.grant_change(permit, id, &patch)
        });
        Ok(act.await?)
    }

    /// Ends a grant on one of the statute's grounds; the holder's sessions die with it.
    ///
    /// # Errors
    /// As [`App::issue_grant`]; a ground that the statute does not list.
    pub async fn revoke_grant(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        ground: String,
        explanation: String,
    ) -> Result<Disclosed<Grant>, Error> {
        let next = cx.clone();
        let act = self.store.write(cx, move |tx| {
            let (role, holder, institution) = tx.grant_coordinates(&register, id)?;
            let permit = tx.authorize_grant::<GrantRevoke>(&register, &role, holder, institution)?;
            tx.grant_revoke(permit, id, &ground, &explanation)
        });
        let ended = act.await?;
        // Rights are read afresh by each act, so that the ending holds already; this ends what else the sessions
        // could do. It is a transaction of its own, since users belong to no register.
        let holder = ended.get().user_id;
        if let Err(e) = self.store.write(next, move |tx| tx.sessions_die(holder)).await {
            // The right has ended and that is what was asked for; a session without rights does no harm.
            log::error!("the sessions of a user whose right has ended are still open: {e}");
        }
        Ok(ended)
    }

    /// Lists grants, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_grants(
        &self,
        cx: ActContext,
        register: String,
        query: GrantQuery,
        after: Option<&str>,
    ) -> Result<Disclosed<Page<GrantView>>, Error> {
        let query = GrantQuery { before: cursor(after)?, ..query };
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<GrantList>(&register, None)?;
            tx.grant_list(permit, &query)
        });
        Ok(act.await?)
    }

    /// One grant.
    ///
    /// # Errors
    /// Refusals with their clause; [`Refusal::NotFound`].
    pub async fn read_grant(&self, cx: ActContext, register: String, id: Uuid) -> Result<Disclosed<GrantView>, Error> {
        let query = GrantQuery { grant_id: Some(id), limit: 1, ..GrantQuery::default() };
        let page = self.list_grants(cx, register, query, None).await?;
        if page.get().items.is_empty() {
            return Err(Refusal::NotFound { what: "grant" }.into());
        }
        Ok(page.map(|mut page| page.items.swap_remove(0)))
    }

    /// Grants in force that end by a day, the first in front.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn grants_ending(
        &self,
        cx: ActContext,
        register: String,
        until: chrono::NaiveDate,
        limit: i64,
    ) -> Result<Disclosed<Page<GrantView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<GrantList>(&register, None)?;
            tx.grants_ending(permit, until, limit)
        });
        Ok(act.await?)
    }

    /// Reads the log of granting, changing and ending.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn read_grant_log(
        &self,
        cx: ActContext,
        register: String,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<Page<GrantLogView>>, Error> {
        let before = cursor(after)?;
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<GrantList>(&register, None)?;
            tx.grant_log(permit, before, limit)
        });
        Ok(act.await?)
    }
}
