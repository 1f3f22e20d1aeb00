//! Queues: all applicants of one institution, found through the index and put into the order of the statute.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::records::{Page, RecordView, bare_view};
use super::relations::{named, related};
use crate::domain::access::{Action, Coordinates, SectionRights};
use crate::domain::calendar::instant;
use crate::domain::record::derive::derive;
use crate::domain::record::index::{Status, values_at};
use crate::domain::record::queue::{Applicant, KeyTold, Placed, Says, order};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::Field;
use crate::domain::statute::duties::{QueueKey, QueueRule};
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{Permit, RecordList, RecordRead, Sealed};
use crate::store::schema::{record, record_index, record_state};
use crate::store::tx::Tx;

/// A queue that is asked for.
#[derive(Debug, Clone)]
pub struct QueueQuery {
    /// Institution applied for.
    pub institution_id: Uuid,
    /// The day; today where it is left out.
    pub as_of: Option<NaiveDate>,
    /// At most so many.
    pub limit: i64,
    /// Number of the last place of the page before.
    pub cursor: Option<String>,
}

/// A place in a queue as those see it who keep the queue.
#[derive(Debug, Clone, Serialize)]
pub struct QueueLine {
    /// The place, from 1.
    pub number: usize,
    /// How many stand in the queue.
    pub of: usize,
    /// What decided.
    pub because: Vec<KeyTold>,
    /// The application; `None` where the asker may not see it.
    pub record: Option<RecordView>,
}

/// An applicant's own place. Of the others it says how many.
#[derive(Debug, Clone, Serialize)]
pub struct QueuePlace {
    /// The application.
    pub record_id: Uuid,
    /// Institution applied for.
    pub institution_id: Uuid,
    /// The day.
    pub as_of: NaiveDate,
    /// The place, from 1.
    pub number: usize,
    /// How many stand in the queue.
    pub of: usize,
    /// What decided.
    pub because: Vec<KeyTold>,
    /// Clause that makes the queue.
    pub clause: String,
}

/// The field of the record that a key looks at.
fn looked_at<'k>(kind: &'k RecordType, key: &'k QueueKey) -> Option<&'k Field> {
    let path = key.field.as_deref().or(key.condition.as_ref().map(|c| c.field.as_str()))?;
    let name = path.split(['/', '[']).next()?;
    kind.fields.iter().find(|f| f.name == name)
}

/// Hides what keys say of fields that the asker may not see.
fn veil(kind: &RecordType, rule: &QueueRule, because: &mut [KeyTold], rights: Option<&SectionRights>) {
    for (n, told) in because.iter_mut().enumerate() {
        let section = rule.keys.get(n).and_then(|key| looked_at(kind, key)).and_then(|f| f.section.as_ref());
        let is_own_key = n < rule.keys.len();
        let seen = rights.is_some_and(|r| !is_own_key || section.is_some_and(|s| r.permitted.contains_key(s)));
        if !seen {
            told.says = Says::Hidden;
        }
    }
}

fn rule_of(kind: &RecordType) -> Result<&QueueRule, Error> {
    Ok(kind.queue.as_ref().ok_or(Refusal::NotFound { what: "queue of such records" })?)
}

impl<'tx> Tx<'tx> {
    /// A page of the queue for an institution, in its order.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where the statute knows no such queue; [`Refusal::Forbidden`] for whoever may not list the
    /// institution's own records; [`Refusal::Invalid`] for a cursor that is not ours.
    pub fn queue_list(
        &mut self,
        permit: Permit<'tx, RecordList>,
        record_type: &str,
        query: &QueueQuery,
    ) -> Result<Sealed<'tx, Page<QueueLine>>, Error> {
        let register = permit.register.clone();
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let rule = rule_of(kind)?;
        let actor = self.actor(&register)?;
        let at = Coordinates {
            institution_id: Some(query.institution_id),
            about_self: false,
            status: Status::Active,
            purpose_given: self.cx.purpose.is_some(),
        };
        let there = actor.sections(&register.policies, &register.definition, kind, Action::RecordList, &at);
        if !there.any() {
            let clause =
                there.leading().map_or(&register.definition.register.access.scope_clause, |r| &r.decision.clause);
            let detail = "your rights do not cover the queue of this institution".to_owned();
            let refusal = Refusal::Forbidden { clause: clause.clone(), detail };
            let mut event = self.event(&register, Action::RecordList, &actor, &permit.ruling);
            event.record_type = Some(record_type.to_owned());
            event.institution_id = Some(query.institution_id);
            return Err(self.refuse(event, refusal));
        }
        let after = match query.cursor.as_deref().map(str::parse::<usize>) {
            None => 0,
            Some(Ok(after)) => after,
            Some(Err(_)) => {
                return Err(Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None).into());
            }
        };
        let day = query.as_of.unwrap_or_else(|| self.today(&register));
        let (placed, mut facts) = self.placed(&register, kind, rule, query.institution_id, day)?;
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let next_cursor = (placed.len() > after.saturating_add(limit)).then(|| (after + limit).to_string());
        let mut rights: HashMap<(Uuid, Status), SectionRights> = HashMap::new();
        let mut lines = Vec::new();
        for mut place in placed.into_iter().skip(after).take(limit) {
            let Some(facts) = facts.remove(&place.record_id) else {
                continue;
            };
            let key = (facts.institution_id, facts.status);
            let seen = rights.entry(key).or_insert_with(|| self.listed(&register, kind, &actor, key));
            let seen = seen.any().then_some(&*seen);
            veil(kind, rule, &mut place.because, seen);
            let record = seen.map(|seen| bare_view(&register, kind, facts, seen, day));
            lines.push(QueueLine { number: place.number, of: place.of, because: place.because, record });
        }
        let mut event = self.event(&register, Action::RecordList, &actor, &permit.ruling);
        let shown: Vec<&RecordView> = lines.iter().filter_map(|l| l.record.as_ref()).collect();
        event.record_type = Some(record_type.to_owned());
        event.record_ids = shown.iter().map(|v| v.id).chain(named(&register, record_type, &shown)).collect();
        event.institution_id = Some(query.institution_id);
        let sections = rights.values().flat_map(|r| r.permitted.keys().cloned());
        event.sections = sections.collect::<BTreeSet<_>>().into_iter().collect();
        event.detail = Some(json!({ "queue": true }));
        Ok(Sealed::new(Page { items: lines, next_cursor }, Some(event)))
    }

    /// The place of one application today, in the queue of `institution`; it may be left out by whoever applied for
    /// one only.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where the statute knows no such queue; [`Refusal::Invalid`] for an institution that was not
    /// applied for; [`Refusal::Conflict`] for an application that does not stand in the queue today.
    pub fn queue_place(
        &mut self,
        permit: Permit<'tx, RecordRead>,
        institution: Option<Uuid>,
    ) -> Result<Sealed<'tx, QueuePlace>, Error> {
        let register = permit.register.clone();
        let facts = permit.facts.as_ref().ok_or(Refusal::NotFound { what: "record" })?;
        let kind = register.record_type(&facts.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let rule = rule_of(kind)?;
        let applied = values_at(kind, &facts.data, &rule.institution);
        let invalid = |code, detail: &str| Refusal::invalid("/institution_id", code, detail, Some(rule.clause.clone()));
        let institution_id = match (institution, applied.as_slice()) {
            (Some(id), _) if applied.contains(&id.to_string()) => id,
            (None, [one]) => facts::id(one)?,
            (Some(_), _) => return Err(invalid("not_applied", "this institution was not applied for").into()),
            (None, _) => return Err(invalid("required", "name the institution applied for").into()),
        };
        let day = self.today(&register);
        let (placed, _) = self.placed(&register, kind, rule, institution_id, day)?;
        let Some(mut place) = placed.into_iter().find(|p| p.record_id == facts.id) else {
            let detail = "the application does not stand in the queue today".to_owned();
            return Err(Refusal::Conflict { code: "not_queued", detail, clause: Some(rule.clause.clone()) }.into());
        };
        veil(kind, rule, &mut place.because, Some(&permit.view));
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RecordRead, &actor, &permit.ruling);
        event.record_type = Some(facts.record_type.clone());
        event.record_ids = vec![facts.id];
        event.institution_id = Some(facts.institution_id);
        event.sections = permit.view.permitted.keys().cloned().collect();
        event.detail = Some(json!({ "queue": institution_id }));
        let Placed { record_id, number, of, because } = place;
        let clause = rule.clause.to_string();
        let place = QueuePlace { record_id, institution_id, as_of: day, number, of, because, clause };
        Ok(Sealed::new(place, Some(event)))
    }

    /// Everybody who applies for `institution` on `day`, in order, with what is known of each.
    fn placed(
        &mut self,
        register: &Register,
        kind: &RecordType,
        rule: &QueueRule,
        institution: Uuid,
        day: NaiveDate,
    ) -> Result<(Vec<Placed>, HashMap<Uuid, RecordFacts>), Error> {
        type Row = (String, String, String, String, String, String, i64, i64, i64);
        let on = day.to_string();
        let rows: Vec<Row> = record_index::table
            .inner_join(
                record_state::table.on(record_state::register
                    .eq(record_index::register)
                    .and(record_state::record_id.eq(record_index::record_id))
                    .and(record_state::from_day.eq(record_index::from_day))),
            )
            .inner_join(
                record::table
                    .on(record::register.eq(record_index::register).and(record::id.eq(record_index::record_id))),
            )
            .filter(record_index::register.eq(register.name()))
            .filter(record_index::record_type.eq(&kind.name))
            .filter(record_index::field.eq(&rule.institution))
            .filter(record_index::value.eq(institution.to_string()))
            .filter(record_index::from_day.le(&on))
            .filter(record_index::until_day.gt(&on))
            .filter(record_index::begins_on.le(&on))
            .filter(record_index::ends_on.ge(&on))
            .select((
                record_index::record_id,
                record_index::institution_id,
                record_index::begins_on,
                record_index::ends_on,
                record_state::effective_on,
                record_state::data,
                record::version,
                record::created_at,
                record::updated_at,
            ))
            .load(self.conn)?;
        let country = &register.definition.register.country;
        let mut applicants = Vec::with_capacity(rows.len());
        let mut all = HashMap::with_capacity(rows.len());
        for (id, institution, begins, ends, effective, data, version, created, updated) in rows {
            let facts = RecordFacts {
                id: facts::id(&id)?,
                record_type: kind.name.clone(),
                institution_id: facts::id(&institution)?,
                version,
                created_at: instant(created),
                updated_at: instant(updated),
                from: facts::day(&effective)?,
                data: facts::json(&data)?,
                status: Status::on(day, facts::bound(&begins), facts::bound(&ends)),
                before_first: false,
            };
            let mut data = facts.data.clone();
            derive(kind, country, &mut data, day);
            applicants.push(Applicant { record_id: facts.id, entered_at: facts.created_at, data });
            all.insert(facts.id, facts);
        }
        self.relate(register, kind, rule, &mut applicants, day)?;
        Ok((order(rule, &applicants, institution), all))
    }

    /// Puts the relations that the keys of the queue ask for into the applicants' data: where they are, not what.
    fn relate(
        &mut self,
        register: &Register,
        kind: &RecordType,
        rule: &QueueRule,
        applicants: &mut [Applicant],
        day: NaiveDate,
    ) -> Result<(), Error> {
        let wanted: BTreeSet<&str> =
            rule.keys.iter().filter_map(|key| looked_at(kind, key)).map(|f| f.name.as_str()).collect();
        let fields: Vec<&Field> =
            crate::domain::record::derive::relations(kind).filter(|f| wanted.contains(f.name.as_str())).collect();
        for field in fields {
            let owners: Vec<(Uuid, &Value)> = applicants.iter().map(|a| (a.record_id, &a.data)).collect();
            let mut found = related(self.conn, register, kind, field, &owners, day)?;
            for applicant in &mut *applicants {
                let relations = found.remove(&applicant.record_id).unwrap_or_default();
                let institutions: BTreeSet<Uuid> = relations.iter().map(|r| r.institution_id).collect();
                let rows = institutions
                    .into_iter()
                    .map(|id| Value::Object(Map::from_iter([("institution".to_owned(), json!(id))])));
                if let Value::Object(map) = &mut applicant.data {
                    map.insert(field.name.clone(), rows.collect());
                }
            }
        }
        Ok(())
    }
}
