//! One's own account: who I am here, what I may do, where there is something about me.

use uuid::Uuid;

use super::password::Policy;
use super::{ActContext, App, Caller, Disclosed, Error};
use crate::domain::refusal::Refusal;
use crate::store::Sealed;
use crate::store::read::accesses::MyAccess;
use crate::store::read::me::MeView;
use crate::store::read::records::Page;

impl App {
    /// The caller, their grants in force, and the records about themselves that they may open.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn me(&self, cx: ActContext) -> Result<Disclosed<MeView>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.me()).await?)
    }

    /// Who looked at the records about the caller, newest first.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn my_accesses(
        &self,
        cx: ActContext,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Disclosed<Page<MyAccess>>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.my_accesses(before, limit)).await?)
    }

    /// Whether the caller's session is open; nothing is read for them.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn require_session(&self, cx: ActContext) -> Result<(), Error> {
        self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.require_user()?))).await?;
        Ok(())
    }

    /// Changes the caller's own password and ends all their sessions.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] when the old one is wrong; what the new one lacks.
    pub async fn change_password(&self, cx: ActContext, old: String, new: String) -> Result<(), Error> {
        let Caller::Session { user_id, .. } = cx.caller else {
            return Err(Refusal::Unauthenticated.into());
        };
        let me = self.store.disclose(cx.clone(), move |tx| tx.me()).await?.into_inner();
        self.passwords.check(&new, &me.username)?;
        // Guessing the old password counts as guessing at the login does.
        self.check_password(&cx, &me.username, old).await?;
        let hash = hash(self.passwords, new).await?;
        self.store.write(cx, move |tx| tx.password_set(user_id, &hash)).await?;
        Ok(())
    }
}

/// Hashes a password off the async threads.
///
/// # Errors
/// When the parameters cannot be used.
pub async fn hash(policy: Policy, password: String) -> Result<String, Error> {
    tokio::task::spawn_blocking(move || policy.hash(&password)).await.map_err(|e| Error::Setup(e.to_string()))?
}
