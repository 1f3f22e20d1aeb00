//! Proposing what is made public, approving it by somebody else, and withdrawing it.
//!
//! What is approved is a snapshot. It shows what the records said on its day until another one is approved; records that
//! have ended since vanish from it by themselves. See [`crate::store::read::publications`].

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::publication::{self as public, Columns, MOST_RECORDS, PublicRow};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::Publication;
use crate::store::change::{Change, DisclosureWrite, PublicationWrite};
use crate::store::conn::AnyConn;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, PublicationApprove, PublicationPropose, Sealed};
use crate::store::read::active::each_page;
use crate::store::read::publications::PublicationView;
use crate::store::schema::{publication, publication_row};
use crate::store::write::WriteTx;

/// The channel under which the ledger has what was made public.
pub const CHANNEL: &str = "publication";

/// Publications that are proposed or public, with their state.
type Open = Vec<(Uuid, String)>;

/// What the statute makes public of a record type.
pub(in crate::store) fn of_type<'r>(
    register: &'r Register,
    record_type: &str,
) -> Result<(&'r RecordType, &'r Publication, Columns<'r>), Error> {
    let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
    let source = register.definition.register.publications.iter().find(|p| p.record_type == record_type);
    let source = source.ok_or(Refusal::NotFound { what: "publication: nothing of this record type is public" })?;
    let columns = Columns::of(&register.definition, kind, source).ok_or_else(|| Refusal::Conflict {
        code: "definition",
        detail: "a public field of the definition leads nowhere".into(),
        clause: Some(source.clause.clone()),
    })?;
    Ok((kind, source, columns))
}

impl<'tx> WriteTx<'tx> {
    /// Proposes to make public what the named fields of today's active records say.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where nothing of the type is public, [`Refusal::Conflict`] for too many records.
    pub fn publication_propose(
        &mut self,
        permit: Permit<'tx, PublicationPropose>,
        record_type: &str,
    ) -> Result<Sealed<'tx, PublicationView>, Error> {
        let register = permit.register.clone();
        if let Some((id, _)) = self.earlier(register.name())? {
            let actor = self.actor(&register)?;
            let event = self.event(&register, Action::PublicationPropose, &actor, &permit.ruling);
            self.note(event, 0, Some(json!({ "replay": true, "publication_id": id })))?;
            return Ok(Sealed::new(self.publication_view(&register, id)?, None));
        }
        let (kind, source, columns) = of_type(&register, record_type)?;
        let today = self.today(&register);
        let mut rows: Vec<PublicRow> = Vec::new();
        let needs = |data: &serde_json::Value, institution: &str| columns.needs(data, institution);
        each_page(self.conn, &register, kind, today, &needs, &mut |page, others| {
            if rows.len() + page.len() > MOST_RECORDS {
                let detail = format!("one publication has at most {MOST_RECORDS} records");
                return Err(conflict(source, "too_many", detail));
            }
            for record in page {
                let shown = columns.shown(&record.data, &record.institution_id, others);
                rows.push(PublicRow { record_id: facts::id(&record.record_id)?, shown });
            }
            Ok(())
        })?;
        public::sort(&columns, &mut rows);
        let digest =
            public::digest(&rows).map_err(|_| Error::Damaged("a public value has no canonical form".into()))?;
        let current = self.current_publication(register.name(), record_type)?;
        let before: BTreeMap<Uuid, serde_json::Value> = match current {
            Some(id) => {
                self.public_rows(register.name(), id, today, -1, i64::MAX)?.into_iter().map(|r| (r.1, r.2)).collect()
            }
            None => BTreeMap::new(),
        };
        let (rows, counts) = public::compare(rows, before);
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let id = self.new_id()?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::PublicationPropose, &actor, &permit.ruling);
        event.record_type = Some(record_type.to_owned());
        event.fields.clone_from(&source.fields);
        let write = PublicationWrite {
            id,
            record_type: record_type.to_owned(),
            as_of: today.to_string(),
            digest,
            body: json!({
                "clause": source.clause,
                "fields": source.fields,
                "counts": counts,
                "compared_with": current,
            }),
            rows,
            idempotency,
        };
        self.apply(event, 0, Change::PublicationProposed(Box::new(write)))?;
        Ok(Sealed::new(self.publication_view(&register, id)?, None))
    }

    /// Makes a proposal public, in place of what was public before, and enters that into the ledger. `digest`, where
    /// it is given, is what the approver has seen.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever proposed it; [`Refusal::Conflict`] for what is decided, or outdated by
    /// another proposal or by a change of what is public.
    pub fn publication_approve(
        &mut self,
        permit: Permit<'tx, PublicationApprove>,
        id: Uuid,
        digest: Option<&str>,
    ) -> Result<Sealed<'tx, PublicationView>, Error> {
        let register = permit.register.clone();
        let (record_type, proposed_by, open) = self.open_publications(&register, id)?;
        let (kind, source, columns) = of_type(&register, &record_type)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::PublicationApprove, &actor, &permit.ruling);
        event.record_type = Some(record_type.clone());
        event.fields.clone_from(&source.fields);
        let approver = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        if approver == proposed_by {
            event.detail = Some(json!({ "publication_id": id }));
            let clause = permit.ruling.decision.clause.clone();
            let detail = "nobody approves what they proposed themselves".to_owned();
            return Err(self.refuse(event, Refusal::Forbidden { clause, detail }));
        }
        let view = self.publication_view(&register, id)?;
        if view.state != "proposed" {
            return Err(conflict(source, "already_decided", format!("this proposal is {} already", view.state)));
        }
        let newest = open.iter().filter(|(_, state)| state == "proposed").map(|(id, _)| *id).max();
        let current = open.iter().find(|(_, state)| state == "public").map(|(id, _)| *id);
        if newest != Some(id) || current != view.compared_with || view.fields != source.fields {
            let detail = "since it was made there is another proposal, or something else is public: propose anew";
            return Err(conflict(source, "outdated", detail.into()));
        }
        if digest.is_some_and(|seen| seen != view.digest) {
            let detail = "this is not the proposal that you have seen: its digest is another";
            return Err(conflict(source, "another_digest", detail.into()));
        }
        let subjects: Vec<String> = publication_row::table
            .filter(publication_row::register.eq(register.name()))
            .filter(publication_row::publication_id.eq(id.to_string()))
            .filter(publication_row::body.is_not_null())
            .order(publication_row::number)
            .select(publication_row::record_id)
            .load(self.conn)?;
        let mut sections: Vec<&str> = columns
            .reaches()
            .iter()
            .filter_map(|r| {
                let first = r.text.split(['/', '[']).next()?;
                kind.fields.iter().find(|f| f.name == first)?.section.as_deref()
            })
            .collect();
        sections.sort_unstable();
        sections.dedup();
        let ledger = DisclosureWrite {
            // A publication is one disclosure, and bears one id in both ledgers.
            id,
            case_id: None,
            channel: CHANNEL.to_owned(),
            recipient_code: None,
            record_type: Some(record_type.clone()),
            digest: view.digest.clone(),
            body: json!({
                "kind": "publication",
                "publication_id": id,
                "recipient": { "kind": "public", "name": "the public" },
                "record_type": record_type,
                "fields": source.fields,
                "sections": sections,
                "basis": source.clause,
                "purpose": "made public under the statute",
                "as_of": view.as_of,
                "counts": view.counts,
                "proposed_by": proposed_by,
                "decided_by": approver,
            }),
            subjects: subjects.iter().map(|s| facts::id(s)).collect::<Result<_, _>>()?,
            letters: Vec::new(),
            idempotency: None,
        };
        let change = Change::PublicationDecided {
            id,
            record_type,
            state: "public",
            reason: None,
            ledger: Some(Box::new(ledger)),
        };
        self.apply(event, 0, change)?;
        Ok(Sealed::new(self.publication_view(&register, id)?, None))
    }

    /// Withdraws what is public, or was proposed, for a reason.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] without a reason, [`Refusal::Conflict`] for what is neither.
    pub fn publication_withdraw(
        &mut self,
        permit: Permit<'tx, PublicationApprove>,
        id: Uuid,
        reason: &str,
    ) -> Result<Sealed<'tx, PublicationView>, Error> {
        let register = permit.register.clone();
        let (record_type, _, open) = self.open_publications(&register, id)?;
        let (_, source, _) = of_type(&register, &record_type)?;
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > 1_000 {
            let detail = "say in at most 1000 characters why";
            return Err(Refusal::invalid("/reason", "required", detail, Some(source.clause.clone())).into());
        }
        if !open.iter().any(|(other, _)| *other == id) {
            return Err(conflict(source, "not_public", "it is neither proposed nor public".into()));
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::PublicationApprove, &actor, &permit.ruling);
        "publication.withdraw".clone_into(&mut event.action);
        event.record_type = Some(record_type.clone());
        let change = Change::PublicationDecided {
            id,
            record_type,
            state: "withdrawn",
            reason: Some(reason.to_owned()),
            ledger: None,
        };
        self.apply(event, 0, change)?;
        Ok(Sealed::new(self.publication_view(&register, id)?, None))
    }

    /// A publication's type and proposer, and which publications of that type are proposed or public. They stay so
    /// until this act is over: of two who decide at once, one comes second.
    fn open_publications(&mut self, register: &Arc<Register>, id: Uuid) -> Result<(String, String, Open), Error> {
        let row: Option<(String, String)> = publication::table
            .find((register.name(), id.to_string()))
            .select((publication::record_type, publication::proposed_by))
            .first(self.conn)
            .optional()?;
        let (record_type, proposed_by) = row.ok_or(Refusal::NotFound { what: "publication" })?;
        let open = publication::table
            .filter(publication::register.eq(register.name()))
            .filter(publication::record_type.eq(&record_type))
            .filter(publication::state.eq_any(["proposed", "public"]))
            .order(publication::id)
            .select((publication::id, publication::state));
        let open: Vec<(String, String)> = match &mut *self.conn {
            AnyConn::Pg(pg) => open.for_update().load(pg)?,
            AnyConn::Sqlite(sqlite) => open.load(sqlite)?,
        };
        let open = open.into_iter().map(|(id, state)| Ok((facts::id(&id)?, state))).collect::<Result<_, Error>>()?;
        Ok((record_type, proposed_by, open))
    }
}

fn conflict(source: &Publication, code: &'static str, detail: String) -> Error {
    Refusal::Conflict { code, detail, clause: Some(source.clause.clone()) }.into()
}
