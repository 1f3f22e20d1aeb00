//! A user's own desk: what a page asks about its user, their settings, drafts and searches.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{ActContext, App, Caller, Error};
use crate::domain::calendar::instant;
use crate::domain::refusal::Refusal;
use crate::locale::Lang;
use crate::store::Sealed;
pub use crate::store::acts::desk::Forgotten;
pub use crate::store::read::desk::{Density, Draft, DraftLine, Facts, Held, Search, Settings, Theme};

/// Largest draft, in bytes.
pub const LARGEST_DRAFT: usize = 256 << 10;
/// Largest search and largest settings, in bytes.
const LARGEST_NOTE: usize = 32 << 10;
/// Longest name of a form or of a search, in characters.
const LONGEST_NAME: usize = 200;

/// Session, grant acted under, register, version of all definitions.
type FactsKey = (Uuid, Option<Uuid>, Option<String>, Arc<str>);

/// What pages asked about their users, kept for a second: a page and its parts ask the same.
pub struct FactsKept(moka::sync::Cache<FactsKey, Arc<Facts>>);

impl Default for FactsKept {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(1_000).time_to_live(Duration::from_secs(1)).build())
    }
}

impl FactsKept {
    /// Forgets everything: somebody has changed how they work.
    pub(super) fn drop_all(&self) {
        self.0.invalidate_all();
    }
}

impl App {
    /// What a page asks about its user, in `register` where it is about one: their own account and nobody's data, so
    /// that nothing is logged.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`]; [`Refusal::NotFound`] for an unknown register.
    pub async fn facts(&self, cx: ActContext, register: Option<String>) -> Result<Facts, Error> {
        let Caller::Session { session_id, .. } = cx.caller else {
            return Err(Refusal::Unauthenticated.into());
        };
        let key = (session_id, cx.acting_as, register.clone(), self.store.registers().digest());
        if let Some(known) = self.facts.0.get(&key) {
            return Ok(Facts::clone(&known));
        }
        let read = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.desk_facts(register.as_deref())?)));
        let facts = read.await?.into_inner();
        self.facts.0.insert(key, Arc::new(facts.clone()));
        Ok(facts)
    }

    /// Whether anything has been entered in a register: nobody's data, so that nothing is logged.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn is_begun(&self, cx: ActContext, register: String) -> Result<bool, Error> {
        Ok(self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.desk_begun(&register)?))).await?.into_inner())
    }

    /// Keeps the caller's settings.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`]; a language in which we do not speak; too many columns.
    pub async fn save_settings(&self, cx: ActContext, settings: Settings) -> Result<(), Error> {
        if settings.language.as_ref().is_some_and(|l| l.parse::<Lang>().is_err()) {
            return Err(Refusal::invalid("/language", "unknown_language", "choose et, en, fi or sv", None).into());
        }
        let body = text_of(&settings, LARGEST_NOTE)?;
        self.store.write(cx, move |tx| tx.settings_save(&body)).await?;
        self.facts.drop_all();
        Ok(())
    }

    /// Keeps what the caller has typed into a form so far; says when.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever has no right in the register; a draft that is too large, or one too many.
    pub async fn save_draft(
        &self,
        cx: ActContext,
        register: String,
        form_key: String,
        body: Value,
    ) -> Result<DateTime<Utc>, Error> {
        named(&form_key, "/form_key")?;
        let body = text_of(&body, LARGEST_DRAFT)?;
        let saved = self.store.write(cx, move |tx| tx.draft_save(&register, &form_key, &body)).await?;
        Ok(instant(saved.into_inner()))
    }

    /// What the caller had typed into a form. A draft written under a right is not given back without one.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever has no right in the register.
    pub async fn draft(&self, cx: ActContext, register: String, form_key: String) -> Result<Option<Draft>, Error> {
        let read = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.draft_of(&register, &form_key)?)));
        Ok(read.await?.into_inner())
    }

    /// Forgets a draft, whether there is one or not.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn drop_draft(&self, cx: ActContext, register: String, form_key: String) -> Result<(), Error> {
        self.store.write(cx, move |tx| tx.draft_drop(&register, &form_key)).await?;
        Ok(())
    }

    /// The caller's newest drafts.
    ///
    /// # Errors
    /// As [`App::draft`].
    pub async fn drafts(&self, cx: ActContext, register: String) -> Result<Vec<DraftLine>, Error> {
        let read = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.drafts_of(&register)?)));
        Ok(read.await?.into_inner())
    }

    /// Keeps a search under a name, in the place of an earlier one of that name.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`]; a name that is missing or too long; a search too many.
    pub async fn save_search(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        name: String,
        query: Value,
    ) -> Result<Uuid, Error> {
        let name = name.trim().to_owned();
        named(&name, "/name")?;
        self.searched(cx, register, Some(record_type), Some(name), query).await
    }

    /// Keeps a search for a day, so that what is looked for (a name, a personal code) need not stand in an address.
    /// Without a record type it is one over all of them.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub async fn keep_search(
        &self,
        cx: ActContext,
        register: String,
        record_type: Option<String>,
        query: Value,
    ) -> Result<Uuid, Error> {
        self.searched(cx, register, record_type, None, query).await
    }

    async fn searched(
        &self,
        cx: ActContext,
        register: String,
        record_type: Option<String>,
        name: Option<String>,
        query: Value,
    ) -> Result<Uuid, Error> {
        let query = text_of(&query, LARGEST_NOTE)?;
        let act =
            self.store.write(cx, move |tx| tx.search_save(&register, record_type.as_deref(), name.as_deref(), &query));
        Ok(act.await?.into_inner())
    }

    /// A search of the caller's; none where it is not theirs or its time is over.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub async fn search(&self, cx: ActContext, register: String, id: Uuid) -> Result<Option<Search>, Error> {
        let read = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.search_of(&register, id)?)));
        Ok(read.await?.into_inner())
    }

    /// The searches that the caller keeps under a name.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub async fn searches(&self, cx: ActContext, register: String) -> Result<Vec<Search>, Error> {
        let read = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.searches_of(&register)?)));
        Ok(read.await?.into_inner())
    }

    /// Forgets a search of the caller's, whether there is one or not.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn forget_search(&self, cx: ActContext, register: String, id: Uuid) -> Result<(), Error> {
        self.store.write(cx, move |tx| tx.search_forget(&register, id)).await?;
        Ok(())
    }

    /// Forgets drafts, searches, sheets that nobody took in and browser sessions whose time is over.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forget_expired(&self, cx: &ActContext) -> Result<Forgotten, Error> {
        Ok(self.store.write(cx.clone(), |tx| tx.desk_forget()).await?.into_inner())
    }
}

/// A name that is not empty and not too long.
fn named(name: &str, pointer: &str) -> Result<(), Refusal> {
    match name.chars().count() {
        0 => Err(Refusal::invalid(pointer, "required", "give it a name", None)),
        n if n > LONGEST_NAME => {
            Err(Refusal::invalid(pointer, "too_long", format!("at most {LONGEST_NAME} characters"), None))
        }
        _ => Ok(()),
    }
}

/// JSON of at most `limit` bytes.
fn text_of(value: &impl serde::Serialize, limit: usize) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|e| Error::Malformed(e.to_string()))?;
    if text.len() > limit { Err(Error::TooLarge { limit }) } else { Ok(text) }
}
