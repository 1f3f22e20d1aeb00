//! Setting up an installation: users, first grants.

use uuid::Uuid;

use super::me::hash;
use super::{ActContext, App, Disclosed, Error};
use crate::domain::access::Grant;
use crate::domain::identity::Country;
use crate::domain::refusal::Refusal;
use crate::store::acts::grants::NewGrant;
use crate::store::acts::setup::NewUser;
use crate::store::guard::GrantIssue;

impl App {
    /// Adds a user.
    ///
    /// # Errors
    /// A weak password, a malformed or taken name or code.
    pub async fn add_user(
        &self,
        username: String,
        display_name: String,
        personal_code: Option<(Country, String)>,
        password: String,
    ) -> Result<Uuid, Error> {
        self.passwords.check(&password, &username)?;
        let password_hash = hash(self.passwords, password).await?;
        let new = NewUser { username, personal_code, display_name, password_hash };
        let cx = ActContext::installation("cli");
        Ok(self.store.write(cx, move |tx| tx.user_add(&new)).await?.into_inner())
    }

    /// Grants a role as the installation: only what the register's policies permit to it.
    ///
    /// # Errors
    /// As [`App::issue_grant`].
    pub async fn grant_as_installation(&self, register: &str, new: NewGrant) -> Result<Disclosed<Grant>, Error> {
        let register = register.to_owned();
        let cx = ActContext::installation("cli");
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_grant::<GrantIssue>(&register, &new.role, new.user_id, new.institution_id)?;
            tx.grant_issue(permit, &new)
        });
        Ok(act.await?)
    }

    /// Sets a user's password at the command line, and ends their sessions.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; what the password lacks.
    pub async fn set_password(&self, username: &str, password: String) -> Result<(), Error> {
        self.passwords.check(&password, username)?;
        let user_id = self.user_named(username).await?;
        let password_hash = hash(self.passwords, password).await?;
        let cx = ActContext::installation("cli");
        self.store.write(cx, move |tx| tx.password_set(user_id, &password_hash)).await?;
        Ok(())
    }

    /// Whether there is any user yet.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn has_users(&self) -> Result<bool, Error> {
        let cx = ActContext::installation("cli");
        let any = self.store.disclose(cx, |tx| Ok(crate::store::Sealed::unlogged(tx.has_users()?))).await?;
        Ok(any.into_inner())
    }

    /// The user of that name.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn user_named(&self, username: &str) -> Result<Uuid, Error> {
        let name = username.to_owned();
        let cx = ActContext::installation("cli");
        let facts =
            self.store.disclose(cx, move |tx| Ok(crate::store::Sealed::unlogged(tx.login_facts(&name, "")?))).await?;
        let user = facts.into_inner().user.ok_or(Refusal::NotFound { what: "user" })?;
        Ok(user.id)
    }
}
