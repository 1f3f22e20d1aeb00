//! One record: its state on a day as known at an instant, and its entries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::aggregates;
use super::relations::named;
use crate::domain::access::{Action, Coordinates, SectionRights};
use crate::domain::audit::Event;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::record::derive::derive;
use crate::domain::record::entry::EntryKind;
use crate::domain::record::index::{Status, life};
use crate::domain::record::provenance::provenance;
use crate::domain::record::{Timeline, validate::Violation};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{Permit, RecordHistory, RecordRead, Sealed};
use crate::store::schema::{app_user, entry, entry_document};
use crate::store::tx::Tx;

/// A record as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct RecordView {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Institution that owns it.
    pub institution_id: Uuid,
    /// Where it stands on the day asked about.
    pub status: Status,
    /// Number of entries.
    pub version: i64,
    /// First day of the state shown.
    pub effective_on: NaiveDate,
    /// The data that the asker may see.
    pub data: Value,
    /// Sections that the asker may not see.
    pub redacted: Vec<String>,
    /// Where the values come from whose source may be elsewhere, by field; only where one record is opened.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, SourceTold>,
    /// When the record was entered.
    pub created_at: String,
    /// When its last entry was made.
    pub updated_at: String,
    /// What is unusual but permitted; only in answers to writes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Violation>,
}

/// Where a value comes from, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct SourceTold {
    /// Source of the definition; `None` when it was entered here.
    pub source: Option<String>,
    /// The entry that says so.
    pub entry_id: Uuid,
    /// When that was made.
    pub recorded_at: String,
}

/// An entry as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct EntryView {
    /// Id.
    pub id: Uuid,
    /// Its number within the record.
    pub number: i64,
    /// What it is.
    pub kind: EntryKind,
    /// First day on which it is true.
    pub effective_on: String,
    /// What it asserts, as far as the asker may see it.
    pub data: Value,
    /// Sections that it speaks about and the asker may not see.
    pub redacted: Vec<String>,
    /// When it was made.
    pub recorded_at: String,
    /// Who made it.
    pub made_by: String,
    /// Base documents it rests on.
    pub base_document_ids: Vec<Uuid>,
    /// Source of the definition from which its values come; `None` when they were entered here.
    pub source: Option<String>,
    /// Why, for corrections.
    pub reason: Option<String>,
    /// The entry it replaces.
    pub supersedes: Option<Uuid>,
    /// The entry that replaced it.
    pub superseded_by: Option<Uuid>,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
    /// Digest of the definition under which it was made.
    pub definition: String,
}

/// A page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

impl<'tx> Tx<'tx> {
    /// The record as of a day (`None`: today, or its first day where that is still to come), as known at an instant
    /// (`None`: now).
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there was no record on that day or nothing was known of it then.
    pub fn record_read(
        &mut self,
        permit: Permit<'tx, RecordRead>,
        as_of: Option<NaiveDate>,
        known_at: Option<DateTime<Utc>>,
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        self.record_read_shown(permit, as_of, known_at, &[])
    }

    /// As [`Tx::record_read`], for somebody who asked to see the codes of the fields `shown` in full: the log says so.
    ///
    /// # Errors
    /// As [`Tx::record_read`]; [`Refusal::NotFound`] for a field that the asker may not see.
    pub fn record_read_shown(
        &mut self,
        permit: Permit<'tx, RecordRead>,
        as_of: Option<NaiveDate>,
        known_at: Option<DateTime<Utc>>,
        shown: &[String],
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        let register = permit.register.clone();
        let day = as_of.unwrap_or_else(|| self.today(&register));
        let Some(mut facts) = permit.facts else {
            return Err(Refusal::NotFound { what: "record" }.into());
        };
        if let Some(known_at) = known_at {
            let entries = facts::entries(self.conn, register.name(), facts.id)?;
            let known = entries.iter().filter(|e| e.recorded_at <= known_at).count();
            let timeline = Timeline::fold(&entries, Some(known_at));
            let segment = if as_of.is_some() { timeline.on(day) } else { timeline.on_or_first(day) };
            let segment = segment.ok_or(Refusal::NotFound { what: "state of the record" })?;
            facts.version = i64::try_from(known).unwrap_or(i64::MAX);
            facts.from = segment.from;
            facts.data = segment.data.clone();
            facts.before_first = segment.from > day;
            let last_known = entries.iter().filter(|e| e.recorded_at <= known_at).map(|e| e.recorded_at).max();
            facts.updated_at = last_known.unwrap_or(facts.updated_at);
            if let Some(kind) = register.record_type(&facts.record_type) {
                let (begins, ends) = life(kind, &facts.data);
                facts.status = Status::on(day, begins, ends);
            }
        }
        if facts.before_first && as_of.is_some() {
            return Err(Refusal::NotFound { what: "state of the record on that day: it begins later" }.into());
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, crate::domain::access::Action::RecordRead, &actor, &permit.ruling);
        let mut view = self.view(&register, facts, &permit.view, day)?;
        self.tell_sources(&register, &mut view, day, known_at)?;
        if !shown.is_empty() {
            if shown.iter().any(|field| view.data.get(field).is_none()) {
                return Err(Refusal::NotFound { what: "field" }.into());
            }
            event.fields = shown.to_vec();
            event.detail = Some(json!({ "shown_in_full": shown.len() }));
        }
        served(&mut event, &register, &view.record_type, &[&view], &permit.view);
        Ok(Sealed::new(view, Some(event)))
    }

    /// Sections of a record type in which the caller may write by `action`: of the record `id`, or of a new one of
    /// `institution`. An answer about one's own rights, of which a form is made; the act decides by itself.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a record that is not there.
    pub fn writable_sections(
        &mut self,
        register: &str,
        record_type: &str,
        action: Action,
        id: Option<Uuid>,
        institution: Option<Uuid>,
    ) -> Result<Sealed<'tx, BTreeSet<String>>, Error> {
        let register = self.register(register)?;
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let actor = self.actor(&register)?;
        let mut at = Coordinates {
            institution_id: institution,
            about_self: false,
            status: Status::None,
            purpose_given: self.cx.purpose.is_some(),
        };
        if let Some(id) = id {
            let today = self.today(&register);
            let facts = facts::load(self.conn, register.name(), id, today)?;
            let facts = facts.filter(|f| f.record_type == record_type).ok_or(Refusal::NotFound { what: "record" })?;
            (at.institution_id, at.status) = (Some(facts.institution_id), facts.status);
        }
        let rights = actor.sections(&register.policies, &register.definition, kind, action, &at);
        Ok(Sealed::unlogged(rights.permitted.into_keys().collect()))
    }

    /// Says where the values come from that the asker sees.
    fn tell_sources(
        &mut self,
        register: &Register,
        view: &mut RecordView,
        day: NaiveDate,
        known_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let kind = register.record_type(&view.record_type).filter(|k| k.fields.iter().any(|f| f.source.is_some()));
        let Some(kind) = kind else {
            return Ok(());
        };
        let entries = facts::entries(self.conn, register.name(), view.id)?;
        view.sources = provenance(kind, &entries, day.max(view.effective_on), known_at)
            .into_iter()
            .filter(|(field, _)| view.data.get(field).is_some())
            .map(|(field, p)| {
                let recorded_at = rfc3339(p.recorded_at);
                (field, SourceTold { source: p.source, entry_id: p.entry_id, recorded_at })
            })
            .collect();
        Ok(())
    }

    /// The entries of a record after number `after`, at most `limit`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn record_entries(
        &mut self,
        permit: Permit<'tx, RecordHistory>,
        after: i64,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<EntryView>>, Error> {
        type Row = (
            String,
            i64,
            String,
            String,
            i64,
            String,
            Option<String>,
            Option<String>,
            String,
            String,
            String,
            Option<String>,
        );
        let register = permit.register.clone();
        let Some(facts) = permit.facts else {
            return Err(Refusal::NotFound { what: "record" }.into());
        };
        let kind = register.record_type(&facts.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let mut rows: Vec<Row> = entry::table
            .filter(entry::register.eq(register.name()))
            .filter(entry::record_id.eq(facts.id.to_string()))
            .filter(entry::number.gt(after))
            .order(entry::number)
            .limit(limit + 1)
            .select((
                entry::id,
                entry::number,
                entry::kind,
                entry::effective_on,
                entry::recorded_at,
                entry::data,
                entry::reason,
                entry::supersedes,
                entry::actor_id,
                entry::audit_id,
                entry::definition,
                entry::source,
            ))
            .load(self.conn)?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let ids: Vec<&str> = rows.iter().map(|r| r.0.as_str()).collect();
        let documents: Vec<(String, String)> = entry_document::table
            .filter(entry_document::register.eq(register.name()))
            .filter(entry_document::entry_id.eq_any(&ids))
            .order(entry_document::document_id)
            .select((entry_document::entry_id, entry_document::document_id))
            .load(self.conn)?;
        let mut documents_of: HashMap<String, Vec<Uuid>> = HashMap::new();
        for (entry_id, document_id) in documents {
            documents_of.entry(entry_id).or_default().push(facts::id(&document_id)?);
        }
        let superseding: Vec<(Option<String>, String)> = entry::table
            .filter(entry::register.eq(register.name()))
            .filter(entry::supersedes.eq_any(&ids))
            .select((entry::supersedes, entry::id))
            .load(self.conn)?;
        let superseded_by: HashMap<String, String> =
            superseding.into_iter().filter_map(|(old, new)| old.map(|o| (o, new))).collect();
        let actors: BTreeSet<&str> = rows.iter().map(|r| r.8.as_str()).collect();
        let names: HashMap<String, String> = app_user::table
            .filter(app_user::register.eq(crate::store::context::INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(actors))
            .select((app_user::id, app_user::display_name))
            .load::<(String, String)>(self.conn)?
            .into_iter()
            .collect();

        let next_cursor = more.then(|| rows.last().map(|r| r.1.to_string())).flatten();
        let mut items = Vec::with_capacity(rows.len());
        for (
            id,
            number,
            entry_kind,
            effective_on,
            recorded_at,
            data,
            reason,
            supersedes,
            actor_id,
            audit,
            definition,
            source,
        ) in rows
        {
            let mut data = facts::json(&data)?;
            let redacted = redact(kind, &mut data, &permit.view);
            items.push(EntryView {
                base_document_ids: documents_of.remove(&id).unwrap_or_default(),
                superseded_by: superseded_by.get(&id).map(|s| facts::id(s)).transpose()?,
                id: facts::id(&id)?,
                number,
                kind: EntryKind::parse(&entry_kind).ok_or_else(|| Error::Damaged("an entry's kind".into()))?,
                effective_on,
                data,
                redacted,
                recorded_at: rfc3339(instant(recorded_at)),
                made_by: names.get(&actor_id).cloned().unwrap_or(actor_id),
                source,
                reason,
                supersedes: supersedes.as_deref().map(facts::id).transpose()?,
                audit_id: facts::id(&audit)?,
                definition,
            });
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, crate::domain::access::Action::RecordHistory, &actor, &permit.ruling);
        event.institution_id = Some(facts.institution_id);
        event.record_type = Some(facts.record_type.clone());
        event.record_ids = vec![facts.id];
        event.sections = permit.view.permitted.keys().cloned().collect();
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// A record as `rights` let it be seen on `day`, derived fields and aggregates included.
    pub(in crate::store) fn view(
        &mut self,
        register: &Register,
        facts: RecordFacts,
        rights: &SectionRights,
        day: NaiveDate,
    ) -> Result<RecordView, Error> {
        let kind = register.record_type(&facts.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let mut view = bare_view(register, kind, facts, rights, day);
        aggregates::fill(self.conn, register, kind, rights, std::slice::from_mut(&mut view), day)?;
        self.fill_related(register, kind, rights, std::slice::from_mut(&mut view), day)?;
        Ok(view)
    }
}

/// A record without its aggregates.
pub(in crate::store) fn bare_view(
    register: &Register,
    kind: &RecordType,
    mut facts: RecordFacts,
    rights: &SectionRights,
    day: NaiveDate,
) -> RecordView {
    derive(kind, &register.definition.register.country, &mut facts.data, day.max(facts.from));
    redact(kind, &mut facts.data, rights);
    RecordView {
        id: facts.id,
        register: register.name().to_owned(),
        record_type: facts.record_type,
        institution_id: facts.institution_id,
        status: if facts.before_first { Status::Pending } else { facts.status },
        version: facts.version,
        effective_on: facts.from,
        data: facts.data,
        redacted: rights.refused.keys().cloned().collect(),
        created_at: rfc3339(facts.created_at),
        updated_at: rfc3339(facts.updated_at),
        sources: BTreeMap::new(),
        warnings: Vec::new(),
    }
}

/// Takes out of `data` what `rights` don't cover and names the sections of what was taken.
pub(in crate::store) fn redact(kind: &RecordType, data: &mut Value, rights: &SectionRights) -> Vec<String> {
    let mut redacted = BTreeSet::new();
    if let Value::Object(map) = data {
        map.retain(|name, _| {
            let section = kind.fields.iter().find(|f| f.name == *name).and_then(|f| f.section.as_deref());
            let visible = section.is_some_and(|s| rights.permitted.contains_key(s));
            if !visible {
                redacted.extend(section.map(str::to_owned));
            }
            visible
        });
    }
    redacted.into_iter().collect()
}

/// Names in the event what is served.
pub(in crate::store) fn served(
    event: &mut Event,
    register: &Register,
    record_type: &str,
    views: &[&RecordView],
    rights: &SectionRights,
) {
    event.record_type = Some(record_type.to_owned());
    event.record_ids = views.iter().map(|v| v.id).chain(named(register, record_type, views)).collect();
    event.sections = rights.permitted.keys().cloned().collect();
    let mut institutions = views.iter().map(|v| v.institution_id);
    event.institution_id = institutions.next().filter(|first| institutions.all(|other| other == *first));
}
