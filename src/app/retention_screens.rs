//! What the screens of retention ask beside what the interface for programs gives.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::backup::folder::Thinning;
use crate::store::guard::RetentionRead;
pub use crate::store::read::retention_screens::{BatchStory, Glance, HeldScope, Share, Waiting, WaitingView};

/// A copy of the database, as whoever may see the jobs sees it: nothing about anybody.
#[derive(Debug, Clone)]
pub struct CopyLine {
    /// Name of the file.
    pub name: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Bytes.
    pub bytes: u64,
    /// When it was restored on trial and found to be right.
    pub verified_at: Option<DateTime<Utc>>,
}

/// The copies, the newest first, and what becomes of them.
#[derive(Debug, Clone)]
pub struct Copies {
    /// Copies.
    pub copies: Vec<CopyLine>,
    /// Names of files that are called copies and are none.
    pub damaged: Vec<String>,
    /// What thinning out would do now.
    pub thinning: Thinning,
}

impl App {
    /// What waits for the day from which its period would count.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn retention_waiting(&self, cx: ActContext, register: String) -> Result<Disclosed<WaitingView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.retention_waiting(permit)
        });
        Ok(act.await?)
    }

    /// How many records of which something may go, up to about `most`.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn retention_glance(
        &self,
        cx: ActContext,
        register: String,
        most: u64,
    ) -> Result<Disclosed<Glance>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.retention_glance(permit, most)
        });
        Ok(act.await?)
    }

    /// What has become of a batch.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn batch_story(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<BatchStory>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.batch_story(permit, id)
        });
        Ok(act.await?)
    }

    /// What holds hold, beyond what their list tells.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn hold_scopes(
        &self,
        cx: ActContext,
        register: String,
        ids: Vec<Uuid>,
    ) -> Result<Disclosed<BTreeMap<Uuid, HeldScope>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.hold_scopes(permit, &ids)
        });
        Ok(act.await?)
    }

    /// The copies of the database and what becomes of each; nothing where no place for them is set.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list_copies(&self) -> Result<Option<Copies>, Error> {
        let Some(place) = self.backup.get() else { return Ok(None) };
        let listing = place.list()?;
        let thinning = place.thin_out(&self.backup_calendar(), self.now(), self.zone(), false)?;
        let copies = listing.copies.into_iter().rev().map(|copy| CopyLine {
            name: copy.name,
            made_at: copy.manifest.made_at,
            bytes: copy.bytes,
            verified_at: copy.verified_at,
        });
        Ok(Some(Copies {
            copies: copies.collect(),
            damaged: listing.damaged.into_iter().map(|(name, _)| name).collect(),
            thinning,
        }))
    }
}
