//! Entering, changing, correcting, ending and reading records.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::domain::access::Action;
use crate::domain::record::validate::touched_sections;
use crate::domain::refusal::Refusal;
use crate::domain::statute::RecordType;
use crate::store::acts::records::{Amendment, NewRecord};
use crate::store::guard::{RecordChange, RecordCorrect, RecordEnd, RecordHistory, RecordRead};
use crate::store::read::facets::Facets;
use crate::store::read::lists::ListQuery;
use crate::store::read::records::{EntryView, Page, RecordView};

/// Sections that `data` speaks about: what the actor must be permitted to write.
fn touched(kind: Option<&RecordType>, data: &Value) -> BTreeSet<String> {
    kind.map(|k| touched_sections(k, data)).unwrap_or_default()
}

impl App {
    fn sections_of(&self, register: &str, record_type: &str, data: &Value) -> BTreeSet<String> {
        let registers = self.store.registers();
        let versions = registers.versions(register);
        let kind = versions.last().and_then(|r| registers.current(register, r.day(self.store.now())));
        touched(kind.and_then(|r| r.record_type(record_type)), data)
    }

    /// Enters a record.
    ///
    /// # Errors
    /// Refusals with their clause; every fault of the data at once.
    pub async fn create_record(
        &self,
        cx: ActContext,
        register: String,
        new: NewRecord,
    ) -> Result<Disclosed<RecordView>, Error> {
        let sections = self.sections_of(&register, &new.record_type, &new.data);
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_create(&register, &new.record_type, new.institution_id, &sections)?;
            tx.record_create(permit, &new)
        });
        Ok(act.await?)
    }

    /// Changes a record from a day on.
    ///
    /// # Errors
    /// As [`App::create_record`]; a stale or missing version.
    pub async fn change_record(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        change: Amendment,
    ) -> Result<Disclosed<RecordView>, Error> {
        let sections = self.sections_of(&register, &record_type, &change.data);
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_record::<RecordChange>(&register, &record_type, id, None, Some(&sections))?;
            tx.record_change(permit, &change)
        });
        Ok(act.await?)
    }

    /// Corrects a wrong entry.
    ///
    /// # Errors
    /// As [`App::create_record`]; an entry that has been corrected already.
    pub async fn correct_record(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        correction: Amendment,
    ) -> Result<Disclosed<RecordView>, Error> {
        let sections = self.sections_of(&register, &record_type, &correction.data);
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_record::<RecordCorrect>(&register, &record_type, id, None, Some(&sections))?;
            tx.record_correct(permit, &correction)
        });
        Ok(act.await?)
    }

    /// Ends a record on a day.
    ///
    /// # Errors
    /// As [`App::create_record`]; a record that has ended already.
    pub async fn end_record(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        end: Amendment,
    ) -> Result<Disclosed<RecordView>, Error> {
        let sections = self.sections_of(&register, &record_type, &end.data);
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_record::<RecordEnd>(&register, &record_type, id, None, Some(&sections))?;
            tx.record_end(permit, &end)
        });
        Ok(act.await?)
    }

    /// Sections of a record type in which the caller may write by `action`: of the record `id`, or of a new one of
    /// `institution`. A form shows no others.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a record that is not there.
    pub async fn writable_sections(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        action: Action,
        id: Option<Uuid>,
        institution: Option<Uuid>,
    ) -> Result<BTreeSet<String>, Error> {
        let act =
            self.store.disclose(cx, move |tx| tx.writable_sections(&register, &record_type, action, id, institution));
        Ok(act.await?.into_inner())
    }

    /// Opens a record as of a day, as known at an instant.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it does not exist or may not be seen.
    pub async fn read_record(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        as_of: Option<NaiveDate>,
        known_at: Option<DateTime<Utc>>,
    ) -> Result<Disclosed<RecordView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_record::<RecordRead>(&register, &record_type, id, as_of, None)?;
            tx.record_read(permit, as_of, known_at)
        });
        Ok(act.await?)
    }

    /// Opens a record as [`App::read_record`] does and shows the codes in `shown` in full, which the log notes.
    ///
    /// # Errors
    /// As [`App::read_record`]; [`Refusal::NotFound`] for a field that may not be seen.
    pub async fn read_record_shown(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        (as_of, known_at): (Option<NaiveDate>, Option<DateTime<Utc>>),
        shown: Vec<String>,
    ) -> Result<Disclosed<RecordView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_record::<RecordRead>(&register, &record_type, id, as_of, None)?;
            tx.record_read_shown(permit, as_of, known_at, &shown)
        });
        Ok(act.await?)
    }

    /// Lists records.
    ///
    /// # Errors
    /// Refusals with their clause; unknown sorts and filters.
    pub async fn list_records(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        query: ListQuery,
    ) -> Result<Disclosed<Page<RecordView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_list(&register, &record_type, query.institution_id)?;
            tx.record_list(permit, &record_type, &query)
        });
        Ok(act.await?)
    }

    /// How many records a list finds, and how many of them have which values of `fields`.
    ///
    /// # Errors
    /// As [`App::list_records`].
    pub async fn record_facets(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        query: ListQuery,
        fields: Vec<String>,
    ) -> Result<Disclosed<Facets>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_list(&register, &record_type, query.institution_id)?;
            tx.record_facets(permit, &record_type, &query, &fields)
        });
        Ok(act.await?)
    }

    /// What records are called, as far as the caller may read them: for a page of references at once. Nothing stands
    /// there of those that they may not read.
    ///
    /// # Errors
    /// Too many at once; a purpose where the register asks for one.
    pub async fn record_titles(
        &self,
        cx: ActContext,
        register: String,
        ids: Vec<Uuid>,
    ) -> Result<Disclosed<BTreeMap<Uuid, String>>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.record_titles(&register, &ids)).await?)
    }

    /// Reads the entries of a record.
    ///
    /// # Errors
    /// As [`App::read_record`].
    pub async fn read_entries(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<Page<EntryView>>, Error> {
        let after = match cursor {
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None))?,
            None => 0,
        };
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_record::<RecordHistory>(&register, &record_type, id, None, None)?;
            tx.record_entries(permit, after, limit)
        });
        Ok(act.await?)
    }
}
