//! What forms let choose from: users to whom a right can be given, and institutions.

use super::{ActContext, App, Disclosed, Error};
pub use crate::store::read::people::{Granting, Named, Sought, UserLine};

impl App {
    /// Users by name, for whoever may grant roles; and which roles these are.
    ///
    /// # Errors
    /// Refusals with their clause: only whom the statute lets grant a role.
    pub async fn find_users(
        &self,
        cx: ActContext,
        register: String,
        sought: Sought,
    ) -> Result<Disclosed<Granting>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.users_found(&register, &sought)).await?)
    }

    /// The institutions of a register by name.
    ///
    /// # Errors
    /// Refusals with their clause, for whoever has nothing to do with the register.
    pub async fn institutions(&self, cx: ActContext, register: String) -> Result<Disclosed<Vec<Named>>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.institutions(&register)).await?)
    }
}
