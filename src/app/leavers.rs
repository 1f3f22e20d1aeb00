//! What the calendar brings about for rights: they end with the employment, and the list of those in force is
//! confirmed on its days. Done by jobs; each act is the installation's, under the policies.

use super::{ActContext, App, Error};
use crate::store::acts::leavers::Leaving;
use crate::store::guard::Sealed;

/// Users dealt with in a go.
const PAGE: i64 = 100;

impl App {
    /// Ends the rights of everybody whose last day has passed, and their sessions. How many users it was.
    ///
    /// # Errors
    /// The first failure, when all others have been dealt with: it is tried again with the next run, and the duty
    /// stays open and falls overdue meanwhile.
    pub async fn end_leavers(&self, cx: &ActContext) -> Result<usize, Error> {
        let names: Vec<String> = self.store.registers().names().map(str::to_owned).collect();
        let (mut ended, mut failed) = (0, None);
        for register in names {
            let name = register.clone();
            let due = self
                .store
                .disclose(cx.clone(), move |tx| Ok(Sealed::unlogged(tx.leavers_due(&name, PAGE)?)))
                .await?
                .into_inner();
            for leaving in due {
                match self.end_leaver(cx, &register, leaving).await {
                    Ok(()) => ended += 1,
                    Err(e) => failed = failed.or(Some(e)),
                }
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    async fn end_leaver(&self, cx: &ActContext, register: &str, leaving: Leaving) -> Result<(), Error> {
        let (register, user) = (register.to_owned(), leaving.user_id);
        self.store.write(cx.clone(), move |tx| tx.leaver_end(&register, &leaving)).await?;
        // Users belong to no register, so that this is a transaction of its own; without rights a session does no harm.
        self.store.write(cx.clone(), move |tx| tx.sessions_die(user)).await?;
        Ok(())
    }

    /// Opens the confirmation of the list of rights wherever its day has come. How many were opened.
    ///
    /// # Errors
    /// The first failure.
    pub async fn open_recertifications(&self, cx: &ActContext) -> Result<usize, Error> {
        let names: Vec<String> = self.store.registers().names().map(str::to_owned).collect();
        let mut opened = 0;
        for register in names {
            opened += self.store.write(cx.clone(), move |tx| tx.recertification_open(&register)).await?.into_inner();
        }
        Ok(opened)
    }
}
