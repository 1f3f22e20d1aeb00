//! Keeping a supervisor's queries, and signing what was reviewed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::audit::Event;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::supervision::LARGEST_SAMPLE;
use crate::store::change::{Change, KeptQuery};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{AuditReview, Permit, Sealed};
use crate::store::read::supervision::{QueryView, ReviewView};
use crate::store::schema::{audit_event, saved_query};
use crate::store::write::WriteTx;

/// Queries that one user keeps, at most.
const MOST_QUERIES: i64 = 100;
/// Longest note of a review, in characters.
const LONGEST_NOTE: usize = 20_000;

/// What is looked for in the log: the parameters of its list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFilter {
    /// User name or user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Personal code, or id of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Id of a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<Uuid>,
    /// `permitted` or `denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A review to be signed.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// Not before.
    pub from: DateTime<Utc>,
    /// Before.
    pub to: DateTime<Utc>,
    /// What was looked for.
    pub filter: KeptFilter,
    /// Seed of the sample, where it was drawn.
    pub seed: Option<String>,
    /// Entries that were reviewed.
    pub sample: Vec<Uuid>,
    /// What came of it.
    pub verdict: Verdict,
    /// In words.
    pub note: String,
}

/// What came of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing to object to.
    InOrder,
    /// Something to be followed up; the note says what.
    Findings,
}

impl Verdict {
    /// The verdict that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "in_order" => Some(Self::InOrder),
            "findings" => Some(Self::Findings),
            _ => None,
        }
    }
}

impl<'tx> WriteTx<'tx> {
    /// Keeps a query under a name, for its user alone.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a name that is missing or too long, [`Refusal::Conflict`] for one that is taken or
    /// where there are too many.
    pub fn query_keep(
        &mut self,
        permit: Permit<'tx, AuditReview>,
        name: &str,
        filter: &KeptFilter,
    ) -> Result<Sealed<'tx, QueryView>, Error> {
        let register = permit.register.clone();
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let event = self.review_event(&permit, "audit.query.keep")?;
        if let Some((id, _)) = self.earlier(register.name())? {
            let kept = self.query_of(register.name(), user.id, id)?.ok_or(Refusal::NotFound { what: "query" })?;
            self.note(event, 0, Some(json!({ "query_id": id, "replay": true })))?;
            return Ok(Sealed::new(kept, None));
        }
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 200 {
            let detail = "give it a name of at most 200 characters";
            return Err(Refusal::invalid("/name", "required", detail, None).into());
        }
        let own = || {
            saved_query::table
                .filter(saved_query::register.eq(register.name()))
                .filter(saved_query::user_id.eq(user.id.to_string()))
        };
        let many: i64 = own().count().get_result(self.conn)?;
        let same: i64 = own().filter(saved_query::name.eq(name)).count().get_result(self.conn)?;
        if same > 0 || many >= MOST_QUERIES {
            let (code, detail) = match same {
                0 => ("too_many", format!("at most {MOST_QUERIES} queries are kept")),
                _ => ("name_taken", "you keep a query of this name already".to_owned()),
            };
            return Err(Refusal::Conflict { code, detail, clause: None }.into());
        }
        let id = self.new_id()?;
        let body = serde_json::to_value(filter).map_err(|e| Error::Damaged(e.to_string()))?;
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let query = KeptQuery { id, user_id: user.id, name: name.to_owned() };
        let (_, at) = self.apply(event, 0, Change::QueryKept { query, body: Some(body), idempotency })?;
        let view = QueryView { id, name: name.to_owned(), query: filter.clone(), saved_at: rfc3339(instant(at)) };
        Ok(Sealed::new(view, None))
    }

    /// Forgets one of the user's own queries.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for one that is not there or not theirs.
    pub fn query_forget(&mut self, permit: Permit<'tx, AuditReview>, id: Uuid) -> Result<Sealed<'tx, ()>, Error> {
        let register = permit.register.clone();
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let event = self.review_event(&permit, "audit.query.forget")?;
        let kept = self.query_of(register.name(), user.id, id)?.ok_or(Refusal::NotFound { what: "query" })?;
        let query = KeptQuery { id, user_id: user.id, name: kept.name };
        self.apply(event, 0, Change::QueryKept { query, body: None, idempotency: None })?;
        Ok(Sealed::new((), None))
    }

    /// Signs what was reviewed.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault: a period that is none, a sample that is empty or names what the log
    /// does not have, findings without a word about them.
    pub fn review_sign(
        &mut self,
        permit: Permit<'tx, AuditReview>,
        new: &NewReview,
    ) -> Result<Sealed<'tx, ReviewView>, Error> {
        let register = permit.register.clone();
        let event = self.review_event(&permit, "audit.review")?;
        if let Some((id, _)) = self.earlier(register.name())? {
            let signed = self.review_of(register.name(), id)?.ok_or(Refusal::NotFound { what: "review" })?;
            self.note(event, 0, Some(json!({ "review_id": id, "replay": true })))?;
            return Ok(Sealed::new(signed, None));
        }
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, code, detail: &str| {
            faults.push(Violation::error(pointer, code, detail, None));
        };
        if new.to <= new.from {
            fault("/to", "order", "the period ends after it begins");
        }
        if new.sample.is_empty() || new.sample.len() > LARGEST_SAMPLE {
            fault("/sample", "items", &format!("name from 1 to {LARGEST_SAMPLE} entries of the log"));
        }
        let note = new.note.trim();
        if note.chars().count() > LONGEST_NOTE {
            fault("/note", "max_length", &format!("at most {LONGEST_NOTE} characters"));
        } else if new.verdict == Verdict::Findings && note.is_empty() {
            fault("/note", "required", "say what was found");
        }
        let ids: Vec<String> = new.sample.iter().take(LARGEST_SAMPLE).map(Uuid::to_string).collect();
        let known: BTreeSet<String> = audit_event::table
            .filter(audit_event::register.eq(register.name()))
            .filter(audit_event::id.eq_any(&ids))
            .select(audit_event::id)
            .load(self.conn)?
            .into_iter()
            .collect();
        for (n, _) in ids.iter().enumerate().filter(|(_, id)| !known.contains(*id)) {
            fault(&format!("/sample/{n}"), "not_found", "the log has no such entry");
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }
        let id = self.new_id()?;
        let body = json!({
            "from": rfc3339(new.from),
            "to": rfc3339(new.to),
            "filter": new.filter,
            "seed": new.seed,
            "sample": new.sample,
            "verdict": new.verdict,
            "note": note,
        });
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        self.apply(event, 0, Change::ReviewSigned { id, body, idempotency })?;
        let view = self.review_of(register.name(), id)?.ok_or(Refusal::NotFound { what: "review" })?;
        Ok(Sealed::new(view, None))
    }

    fn review_event(&mut self, permit: &Permit<'tx, AuditReview>, action: &str) -> Result<Event, Error> {
        let actor = self.actor(&permit.register)?;
        let mut event = self.event(&permit.register, Action::AuditReview, &actor, &permit.ruling);
        action.clone_into(&mut event.action);
        Ok(event)
    }

    /// One of a user's own queries.
    fn query_of(&mut self, register: &str, user: Uuid, id: Uuid) -> Result<Option<QueryView>, Error> {
        let row: Option<(String, String, i64)> = saved_query::table
            .find((register, id.to_string()))
            .filter(saved_query::user_id.eq(user.to_string()))
            .select((saved_query::name, saved_query::body, saved_query::saved_at))
            .first(self.conn)
            .optional()?;
        row.map(|(name, body, saved_at)| {
            let query = serde_json::from_str(&body).map_err(|_| Error::Damaged("a query cannot be read".into()))?;
            Ok(QueryView { id, name, query, saved_at: rfc3339(instant(saved_at)) })
        })
        .transpose()
    }

    fn review_of(&mut self, register: &str, id: Uuid) -> Result<Option<ReviewView>, Error> {
        Ok(self.reviews(register, Some(id), None, 1)?.into_iter().next())
    }
}

/// Only to say what a body is: ids are checked where they are used.
pub(in crate::store) fn read_filter(body: &serde_json::Value) -> Result<KeptFilter, Error> {
    serde_json::from_value(body.clone()).map_err(|_| Error::Damaged("a filter cannot be read".into()))
}

/// Ids as text.
pub(in crate::store) fn ids(list: &serde_json::Value) -> Result<Vec<Uuid>, Error> {
    list.as_array().into_iter().flatten().map(|v| facts::id(v.as_str().unwrap_or_default())).collect()
}
