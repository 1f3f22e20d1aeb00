//! What was and is public: the history for those who decide about it, the rows for everybody.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::aggregates::renumber;
use super::records::Page;
use crate::domain::access::Action;
use crate::domain::audit::Kind;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::publication::{Counts, Difference, MOST_RECORDS};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::Clause;
use crate::store::acts::publications::of_type;
use crate::store::conn::MultiBackend;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Act, DisclosureList, Permit, PublicationApprove, PublicationPropose, Sealed};
use crate::store::schema::{publication, publication_row};
use crate::store::tx::{Tx, nothing};

/// A publication: proposed, public, or past.
#[derive(Debug, Clone, Serialize)]
pub struct PublicationView {
    /// Id; that of its entry in the ledger of disclosures too.
    pub id: Uuid,
    /// Record type.
    pub record_type: String,
    /// `proposed`, `public`, `replaced` or `withdrawn`.
    pub state: String,
    /// The day as of which.
    pub as_of: String,
    /// Clause that makes the fields public.
    pub clause: Clause,
    /// Paths of the public fields.
    pub fields: Vec<String>,
    /// How many rows, and how they differ from what was public when it was proposed.
    pub counts: Counts,
    /// The publication with which it was compared.
    pub compared_with: Option<Uuid>,
    /// SHA-256 of the rows in canonical form (RFC 8785).
    pub digest: String,
    /// When it was proposed.
    pub proposed_at: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it.
    pub decided_by: Option<String>,
    /// From when it was public.
    pub public_from: Option<String>,
    /// Until when it was public.
    pub public_until: Option<String>,
    /// Who withdrew it.
    pub withdrawn_by: Option<String>,
    /// Why.
    pub withdrawn_for: Option<String>,
}

/// A row of a publication, for those who decide about it.
#[derive(Debug, Clone, Serialize)]
pub struct PublicationRowView {
    /// Record.
    pub record_id: Uuid,
    /// How it differs from what was public before.
    pub difference: Difference,
    /// What is shown; nothing when it goes.
    pub shown: Option<Value>,
    /// What was shown before, where that is something else.
    pub before: Option<Value>,
}

/// A publication with a page of its rows.
#[derive(Debug, Clone, Serialize)]
pub struct PublicationDetail {
    /// The publication.
    #[serde(flatten)]
    pub publication: PublicationView,
    /// Its rows.
    #[serde(flatten)]
    pub rows: Page<PublicationRowView>,
}

/// What everybody may see.
#[derive(Debug, Clone, Serialize)]
pub struct PublishedView {
    /// Register.
    pub register: String,
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Clause that makes it public.
    pub clause: Clause,
    /// The day as of which.
    pub as_of: String,
    /// Since when it is public.
    pub published_at: String,
    /// SHA-256 of all rows as they were approved, in canonical form (RFC 8785).
    pub digest: String,
    /// The columns, in the order of the statute.
    pub columns: Vec<PublishedColumn>,
    /// The rows.
    pub items: Vec<Value>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

/// A public field.
#[derive(Debug, Clone, Serialize)]
pub struct PublishedColumn {
    /// Path in a row.
    pub name: String,
    /// What people read.
    pub label: String,
    /// What people read for each code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, String>,
}

#[derive(Queryable)]
struct Row {
    id: String,
    record_type: String,
    state: String,
    as_of: String,
    proposed_at: i64,
    proposed_by: String,
    decided_by: Option<String>,
    public_from: Option<i64>,
    public_until: Option<i64>,
    withdrawn_by: Option<String>,
    withdrawn_for: Option<String>,
    digest: String,
    body: String,
}

macro_rules! columns {
    () => {
        (
            publication::id,
            publication::record_type,
            publication::state,
            publication::as_of,
            publication::proposed_at,
            publication::proposed_by,
            publication::decided_by,
            publication::public_from,
            publication::public_until,
            publication::withdrawn_by,
            publication::withdrawn_for,
            publication::digest,
            publication::body,
        )
    };
}

impl<'tx> Tx<'tx> {
    /// Leave to read the history and the rows of publications: for those who propose, approve or oversee disclosures.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause.
    pub fn authorize_publications(&mut self, register: &str) -> Result<Permit<'tx, DisclosureList>, Error> {
        let found = self.register(register)?;
        let actor = self.actor(&found)?;
        let given = self.cx.purpose.is_some();
        for action in [PublicationPropose::ACTION, PublicationApprove::ACTION] {
            let ruling = actor.register(&found.policies, &found.definition, action, None, given);
            if ruling.decision.permitted {
                return Ok(self.permit(found, ruling, nothing(), nothing(), None));
            }
        }
        self.authorize_register::<DisclosureList>(register, None)
    }

    /// Publications, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn publication_list(
        &mut self,
        permit: Permit<'tx, DisclosureList>,
        record_type: Option<&str>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<PublicationView>>, Error> {
        let register = permit.register.clone();
        let mut query = publication::table
            .filter(publication::register.eq(register.name()))
            .order(publication::id.desc())
            .limit(limit + 1)
            .select(columns!())
            .into_boxed();
        if let Some(record_type) = record_type {
            query = query.filter(publication::record_type.eq(record_type));
        }
        if let Some(before) = before {
            query = query.filter(publication::id.lt(before.to_string()));
        }
        let mut rows: Vec<Row> = query.load(self.conn)?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = more.then(|| rows.last().map(|r| r.id.clone())).flatten();
        let items = self.publication_views(rows)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::DisclosureList, &actor, &permit.ruling);
        "publication.list".clone_into(&mut event.action);
        event.record_type = record_type.map(str::to_owned);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// A publication with a page of its rows, all or those that differ in one way.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn publication_read(
        &mut self,
        permit: Permit<'tx, DisclosureList>,
        id: Uuid,
        difference: Option<Difference>,
        after: i64,
        limit: i64,
    ) -> Result<Sealed<'tx, PublicationDetail>, Error> {
        type Line = (i64, String, String, Option<String>, Option<String>);
        let register = permit.register.clone();
        let publication = self.publication_view(&register, id)?;
        let mut query = publication_row::table
            .filter(publication_row::register.eq(register.name()))
            .filter(publication_row::publication_id.eq(id.to_string()))
            .filter(publication_row::number.gt(after))
            .order(publication_row::number)
            .limit(limit + 1)
            .select((
                publication_row::number,
                publication_row::record_id,
                publication_row::difference,
                publication_row::body,
                publication_row::earlier,
            ))
            .into_boxed();
        if let Some(difference) = difference {
            query = query.filter(publication_row::difference.eq(difference.as_str()));
        }
        let mut lines: Vec<Line> = query.load(self.conn)?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = lines.len() > limit;
        lines.truncate(limit);
        let next_cursor = more.then(|| lines.last().map(|l| l.0.to_string())).flatten();
        let read = |text: Option<String>| text.as_deref().map(facts::json).transpose();
        let items = lines
            .into_iter()
            .map(|(_, record_id, difference, body, before)| {
                Ok(PublicationRowView {
                    record_id: facts::id(&record_id)?,
                    difference: Difference::parse(&difference)
                        .ok_or_else(|| Error::Damaged("a difference of a publication".into()))?,
                    shown: read(body)?,
                    before: read(before)?,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::DisclosureList, &actor, &permit.ruling);
        "publication.read".clone_into(&mut event.action);
        event.kind = Kind::Read;
        event.record_type = Some(publication.record_type.clone());
        event.fields.clone_from(&publication.fields);
        event.record_ids = items.iter().map(|i| i.record_id).collect();
        event.detail = Some(serde_json::json!({ "publication_id": id }));
        Ok(Sealed::new(PublicationDetail { publication, rows: Page { items, next_cursor } }, Some(event)))
    }

    /// What is public of a record type now: the approved rows of the records that are active today. It is no secret
    /// and nobody's reading of it is logged: the act that made it public is.
    ///
    /// A correction made since, or a consent withdrawn, shows with the next approval. A record that has ended or was
    /// erased does not show from that moment on. Fields that the statute no longer makes public are left out.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where nothing is public, [`Refusal::Invalid`] for a cursor that is not of what is public now.
    pub fn published(
        &mut self,
        register: &str,
        record_type: &str,
        language: &str,
        cursor: Option<&str>,
        limit: Option<i64>,
    ) -> Result<Sealed<'tx, PublishedView>, Error> {
        let register = self.register(register)?;
        let (_, source, columns) = of_type(&register, record_type)?;
        let current = self.current_publication(register.name(), record_type)?;
        let id = current.ok_or(Refusal::NotFound { what: "publication: nothing has been approved" })?;
        let view = self.publication_view(&register, id)?;
        let after = match cursor {
            None => -1,
            Some(text) => text
                .split_once('.')
                .filter(|(of, _)| *of == id.simple().to_string())
                .and_then(|(_, number)| number.parse::<i64>().ok())
                .ok_or_else(|| {
                    let detail = "the cursor is not of what is public now: begin again";
                    Refusal::invalid("/cursor", "cursor", detail, None)
                })?,
        };
        let whole = i64::try_from(MOST_RECORDS).unwrap_or(i64::MAX);
        let limit = limit.unwrap_or(whole);
        let today = self.today(&register);
        let mut rows = self.public_rows(register.name(), id, today, after, limit + 1)?;
        let most = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > most;
        rows.truncate(most);
        let next_cursor = more.then(|| rows.last().map(|r| format!("{}.{}", id.simple(), r.0))).flatten();
        let definition = &register.definition;
        let shown = columns.reaches().iter().filter(|r| view.fields.iter().any(|f| f == r.text)).map(|r| {
            let list = definition.codelists.iter().find(|l| Some(&l.name) == r.field.codelist.as_ref());
            let codes = list.into_iter().flat_map(|l| &l.codes);
            PublishedColumn {
                name: r.text.to_owned(),
                label: r.field.label.in_language(language).to_owned(),
                codes: codes.map(|c| (c.code.clone(), c.label.in_language(language).to_owned())).collect(),
            }
        });
        let view = PublishedView {
            register: register.name().to_owned(),
            record_type: record_type.to_owned(),
            clause: source.clause.clone(),
            as_of: view.as_of,
            published_at: view.public_from.unwrap_or_default(),
            digest: view.digest,
            columns: shown.collect(),
            items: rows.into_iter().map(|(_, _, row)| columns.still(&row)).collect(),
            next_cursor,
        };
        Ok(Sealed::new(view, None))
    }

    /// The publication that is public now.
    pub(in crate::store) fn current_publication(
        &mut self,
        register: &str,
        record_type: &str,
    ) -> Result<Option<Uuid>, Error> {
        let id: Option<String> = publication::table
            .filter(publication::register.eq(register))
            .filter(publication::record_type.eq(record_type))
            .filter(publication::state.eq("public"))
            .select(publication::id)
            .first(self.conn)
            .optional()?;
        id.as_deref().map(facts::id).transpose()
    }

    /// Rows of a publication whose records are active on `day`: number, record, what is shown.
    pub(in crate::store) fn public_rows(
        &mut self,
        register: &str,
        id: Uuid,
        day: NaiveDate,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Uuid, Value)>, Error> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = BigInt)]
            number: i64,
            #[diesel(sql_type = Text)]
            record_id: String,
            #[diesel(sql_type = Text)]
            body: String,
        }
        let sql = format!(
            "SELECT p.number, p.record_id, p.body FROM publication_row p JOIN record_state s ON s.register = p.register \
             AND s.record_id = p.record_id AND s.from_day <= $3 AND s.until_day > $3 WHERE p.register = $1 AND \
             p.publication_id = $2 AND p.number > {after} AND p.body IS NOT NULL AND s.begins_on <= $3 AND \
             s.ends_on >= $3 ORDER BY p.number LIMIT {limit}"
        );
        let binds = [register.to_owned(), id.to_string(), day.to_string()];
        let (sql, binds) = renumber(&sql, &binds);
        let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
        for bind in binds {
            query = query.bind::<Text, _>(bind);
        }
        let found: Vec<Found> = query.load(self.conn)?;
        found.into_iter().map(|f| Ok((f.number, facts::id(&f.record_id)?, facts::json(&f.body)?))).collect()
    }

    pub(in crate::store) fn publication_view(
        &mut self,
        register: &Register,
        id: Uuid,
    ) -> Result<PublicationView, Error> {
        let row: Option<Row> = publication::table
            .find((register.name(), id.to_string()))
            .select(columns!())
            .first(self.conn)
            .optional()?;
        let row = row.ok_or(Refusal::NotFound { what: "publication" })?;
        self.publication_views(vec![row])?.pop().ok_or_else(|| Refusal::NotFound { what: "publication" }.into())
    }

    fn publication_views(&mut self, rows: Vec<Row>) -> Result<Vec<PublicationView>, Error> {
        let people = |r: &Row| [Some(r.proposed_by.clone()), r.decided_by.clone(), r.withdrawn_by.clone()];
        let names = self.usernames(rows.iter().flat_map(people).flatten().collect())?;
        let name = |id: String| names.get(&id).cloned().unwrap_or(id);
        let damaged = || Error::Damaged("a publication cannot be read".into());
        let read = |body: &mut Value, key: &str| body.get_mut(key).map(Value::take).unwrap_or_default();
        rows.into_iter()
            .map(|r| {
                let mut body = facts::json(&r.body)?;
                Ok(PublicationView {
                    id: facts::id(&r.id)?,
                    record_type: r.record_type,
                    state: r.state,
                    as_of: r.as_of,
                    clause: serde_json::from_value(read(&mut body, "clause")).map_err(|_| damaged())?,
                    fields: serde_json::from_value(read(&mut body, "fields")).map_err(|_| damaged())?,
                    counts: serde_json::from_value(read(&mut body, "counts")).map_err(|_| damaged())?,
                    compared_with: serde_json::from_value(read(&mut body, "compared_with")).map_err(|_| damaged())?,
                    digest: r.digest,
                    proposed_at: rfc3339(instant(r.proposed_at)),
                    proposed_by: name(r.proposed_by),
                    decided_by: r.decided_by.map(name),
                    public_from: r.public_from.map(|at| rfc3339(instant(at))),
                    public_until: r.public_until.map(|at| rfc3339(instant(at))),
                    withdrawn_by: r.withdrawn_by.map(name),
                    withdrawn_for: r.withdrawn_for,
                })
            })
            .collect()
    }
}
