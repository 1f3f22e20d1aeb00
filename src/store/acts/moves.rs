//! Moving records: the old one ends, the new one begins, and the link between them is kept. To another institution a
//! record is offered where the statute lets it decide; and whoever enters what another institution holds too is warned.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::access::rights::Ruling;
use crate::domain::audit::Kind;
use crate::domain::record::index::life;
use crate::domain::record::merge::merge;
use crate::domain::record::validate::{Severity, Violation, touched_sections};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::duties::{Check, CheckKind, Move};
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::{Clause, RecordType};
use crate::store::acts::records::{Amendment, NewRecord};
use crate::store::change::{Change, LetterWrite, MoveWrite};
use crate::store::error::Error;
use crate::store::facts::{self, LAST_DAY};
use crate::store::guard::{Permit, RecordChange, RecordCreate, RecordEnd, Sealed};
use crate::store::read::moves::{MoveBody, MoveRow, MoveView, Side, load, of_record};
use crate::store::read::records::RecordView;
use crate::store::read::relations::states_on;
use crate::store::schema::{base_document, outbox, record_index};
use crate::store::write::WriteTx;

/// A move that is asked for.
#[derive(Debug, Clone)]
pub struct NewMove {
    /// Name of the move in the definition.
    pub name: String,
    /// Institution of the new record; that of the old one where it is left out.
    pub institution_id: Option<Uuid>,
    /// First day of the new record.
    pub effective_on: NaiveDate,
    /// Base documents.
    pub base_document_ids: Vec<Uuid>,
    /// What the new record needs beyond what is handed over.
    pub data: Value,
}

/// The acceptance of an offer.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// First day of the new record; as offered where it is left out.
    pub effective_on: Option<NaiveDate>,
    /// Base documents.
    pub base_document_ids: Vec<Uuid>,
    /// What the new record needs beyond what is handed over.
    pub data: Value,
}

/// What has just been entered, as far as checks across institutions look at it.
pub(in crate::store) struct Entered<'e> {
    pub record_id: Uuid,
    pub institution_id: Uuid,
    /// The state that the entry made.
    pub data: &'e Value,
    /// First day of that state.
    pub from: NaiveDate,
}

/// Leave to do to the old record what the move does to it.
enum Leave<'tx> {
    /// It ends.
    End(Permit<'tx, RecordEnd>),
    /// It stays; an event is written on it.
    Note(Permit<'tx, RecordChange>),
}

/// Rests on the act of one record: faults of its end stand at the places of the move.
fn of_move(error: Error) -> Error {
    match error {
        Error::Refused(Refusal::Invalid(mut faults)) => {
            for fault in faults.iter_mut().filter(|f| f.pointer == "/ended_on") {
                fault.pointer = "/effective_on".to_owned();
            }
            Error::Refused(Refusal::Invalid(faults))
        }
        other => other,
    }
}

fn day_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

/// What the new record begins with: what is handed over, and what is entered on top.
fn together(mut carried: Value, data: &Value, clause: &Clause) -> Result<Value, Error> {
    if !data.is_object() {
        return Err(Refusal::invalid("/data", "type", "an object is expected", Some(clause.clone())).into());
    }
    merge(&mut carried, data);
    Ok(carried)
}

impl<'tx> WriteTx<'tx> {
    /// Moves a record: ends it where the move says so, makes the new one with what is handed over, and links the two.
    /// Where the receiving institution must accept and the caller may not enter there, the record is offered to it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Forbidden`]; [`Refusal::Invalid`] for an unknown move and for every fault of
    /// the new record; [`Refusal::Conflict`] for a record that has moved or ended already; [`Refusal::KeyReused`].
    pub fn record_move(
        &mut self,
        register: &str,
        record_type: &str,
        id: Uuid,
        new: &NewMove,
    ) -> Result<Sealed<'tx, MoveView>, Error> {
        let known = self.register(register)?;
        let kind = known.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let Some(how) = kind.moves.iter().find(|m| m.name == new.name) else {
            let names: Vec<&str> = kind.moves.iter().map(|m| m.name.as_str()).collect();
            let detail = format!("such records move in these ways: {}", names.join(", "));
            return Err(Refusal::invalid("/move", "not_in_codelist", detail, Some(kind.clause.clone())).into());
        };
        let into = known.record_type(&how.into).ok_or(Refusal::NotFound { what: "record type" })?;
        let touched = BTreeSet::new();
        let leave = if how.ends {
            Leave::End(self.authorize_record(register, record_type, id, None, Some(&touched))?)
        } else {
            Leave::Note(self.authorize_record(register, record_type, id, None, Some(&touched))?)
        };
        let (facts, ruling) = match &leave {
            Leave::End(p) => (p.facts.as_ref(), p.ruling.clone()),
            Leave::Note(p) => (p.facts.as_ref(), p.ruling.clone()),
        };
        let facts = facts.ok_or(Refusal::NotFound { what: "record" })?;
        let (from_institution, data_today) = (facts.institution_id, facts.data.clone());
        let earlier_moves = of_record(self.conn, known.name(), id)?;
        if let Some((result, _)) = self.earlier(known.name())? {
            let again = earlier_moves.iter().find(|m| m.id == result || m.into_record == Some(result));
            let row = again.ok_or(Refusal::NotFound { what: "move" })?;
            return self.noted_again(&known, row, &ruling);
        }
        let own = || earlier_moves.iter().filter(|m| m.from_record == id && m.name == how.name);
        if own().any(|m| m.state == "done" || m.state == "offered") {
            let detail = "the record has made this move already, or is offered".to_owned();
            return Err(Refusal::Conflict { code: "already_moved", detail, clause: Some(how.clause.clone()) }.into());
        }
        let target = new.institution_id.unwrap_or(from_institution);
        self.require_institution(&known, into, target, new.effective_on)?;
        self.rests_on(&known, how, &new.base_document_ids, [from_institution, target])?;

        // What an offer that came to nothing has ended stays ended, and can be offered again.
        let ended_before = how.ends && own().any(|m| m.body.ended);
        let end = life(kind, &data_today).1;
        if let Some(end) = end.filter(|end| ended_before && new.effective_on <= *end) {
            let detail = format!("the record ended on {end}: the new one begins later");
            let clause = Some(how.clause.clone());
            return Err(Refusal::invalid("/effective_on", "before_end", detail, clause).into());
        }
        if let Some(end) = end.filter(|end| !how.ends && *end < day_before(new.effective_on)) {
            let detail = format!("the record ended on {end}");
            return Err(Refusal::Conflict { code: "ended", detail, clause: Some(how.clause.clone()) }.into());
        }

        let carried = self.handed_over(&known, id, (kind, how), new.effective_on)?;
        let data = together(carried.clone(), &new.data, &how.clause)?;
        let sections = touched_sections(into, &data);
        let offered =
            how.accepted && target != from_institution && !self.may_create(&known, into, target, &sections)?;
        if offered && new.data.as_object().is_some_and(|d| !d.is_empty()) {
            let detail = "leave the data out: the institution that receives enters what it needs";
            return Err(Refusal::invalid("/data", "unknown_field", detail, Some(how.clause.clone())).into());
        }
        let create = match offered {
            true => None,
            false => Some(self.authorize_create(register, &into.name, Some(target), &sections)?),
        };
        let mut ended = ended_before;
        if let Leave::End(permit) = leave
            && !ended_before
        {
            let end = Amendment {
                effective_on: Some(day_before(new.effective_on)),
                base_document_ids: new.base_document_ids.clone(),
                data: json!({}),
                entry_id: None,
                reason: None,
                ground: how.ground.clone(),
            };
            // The version that the caller has seen is the old record's.
            let _ = self.record_end(permit, &end).map_err(of_move)?.open();
            ended = true;
        }
        let record = match create {
            Some(permit) => {
                Some(self.made(permit, &into.name, target, new.effective_on, &new.base_document_ids, data, &carried)?)
            }
            None => None,
        };
        let body = MoveBody {
            from_type: kind.name.clone(),
            into_type: into.name.clone(),
            clause: how.clause.to_string(),
            ended,
            documents: new.base_document_ids.clone(),
            reason: None,
        };
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let write = MoveWrite {
            id: self.new_id()?,
            name: how.name.clone(),
            state: if record.is_some() { "done" } else { "offered" },
            from_record: id,
            from_institution,
            into_institution: target,
            into_record: record.as_ref().map(|r| r.id),
            effective_on: new.effective_on,
            body: json!(body),
            event: how.event.clone(),
            idempotency,
        };
        let move_id = write.id;
        self.log_move(&known, &ruling, how, &new.base_document_ids, write, Change::MoveBegun)?;
        self.shown(&known, move_id, true, record)
    }

    /// Accepts an offer: makes the new record with what is handed over.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Forbidden`], [`Refusal::Invalid`]; [`Refusal::Conflict`] for an offer that is
    /// open no longer.
    pub fn move_accept(&mut self, register: &str, id: Uuid, new: &Acceptance) -> Result<Sealed<'tx, MoveView>, Error> {
        let known = self.register(register)?;
        let (row, side) = self.answered(&known, id)?;
        let (kind, how) = row.how(&known).ok_or(Refusal::NotFound { what: "move in the statute" })?;
        let into = known.record_type(&how.into).ok_or(Refusal::NotFound { what: "record type" })?;
        let (Side::Giver(ruling) | Side::Receiver(ruling)) = &side;
        if let Some((result, _)) = self.earlier(known.name())? {
            if row.into_record == Some(result) {
                return self.noted_again(&known, &row, ruling);
            }
            return Err(Refusal::KeyReused.into());
        }
        // Whoever may not enter there is told so before anything else.
        let any = BTreeSet::new();
        let _ = self.authorize_create(register, &into.name, Some(row.into_institution), &any)?;
        open_offer(&row, how)?;
        let effective_on = new.effective_on.unwrap_or(row.effective_on);
        if row.body.ended && effective_on < row.effective_on {
            let detail = format!("the old record ended on {}: the new one begins later", day_before(row.effective_on));
            let clause = Some(how.clause.clone());
            return Err(Refusal::invalid("/effective_on", "before_end", detail, clause).into());
        }
        let both = [row.into_institution, row.into_institution];
        self.rests_on(&known, how, &new.base_document_ids, both)?;
        let carried = self.handed_over(&known, row.from_record, (kind, how), row.effective_on)?;
        let data = together(carried.clone(), &new.data, &how.clause)?;
        let sections = touched_sections(into, &data);
        let create = self.authorize_create(register, &into.name, Some(row.into_institution), &sections)?;
        let ruling = create.ruling.clone();
        let target = row.into_institution;
        let record = self.made(create, &into.name, target, effective_on, &new.base_document_ids, data, &carried)?;
        let mut write = rewritten(&row, "done", None);
        write.into_record = Some(record.id);
        write.effective_on = effective_on;
        write.event.clone_from(&how.event);
        self.log_move(&known, &ruling, how, &new.base_document_ids, write, Change::MoveEnded)?;
        self.shown(&known, id, false, Some(record))
    }

    /// Declines an offer, as one who could accept it.
    ///
    /// # Errors
    /// As [`WriteTx::move_accept`]; [`Refusal::Invalid`] without a reason.
    pub fn move_refuse(
        &mut self,
        register: &str,
        id: Uuid,
        reason: Option<&str>,
    ) -> Result<Sealed<'tx, MoveView>, Error> {
        let known = self.register(register)?;
        let (row, _) = self.answered(&known, id)?;
        let (_, how) = row.how(&known).ok_or(Refusal::NotFound { what: "move in the statute" })?;
        let any = BTreeSet::new();
        let create = self.authorize_create(register, &how.into, Some(row.into_institution), &any)?;
        open_offer(&row, how)?;
        let Some(reason) = reason.map(str::trim).filter(|r| !r.is_empty()) else {
            let detail = "say why the record is not taken over";
            return Err(Refusal::invalid("/reason", "required", detail, Some(how.clause.clone())).into());
        };
        let write = rewritten(&row, "declined", Some(reason));
        self.log_move(&known, &create.ruling, how, &[], write, Change::MoveEnded)?;
        self.shown(&known, id, false, None)
    }

    /// Withdraws an offer, as one who could have made it. The old record stays ended until its end is corrected.
    ///
    /// # Errors
    /// As [`WriteTx::move_accept`].
    pub fn move_withdraw(
        &mut self,
        register: &str,
        id: Uuid,
        reason: Option<&str>,
    ) -> Result<Sealed<'tx, MoveView>, Error> {
        let known = self.register(register)?;
        let (row, _) = self.answered(&known, id)?;
        let (kind, how) = row.how(&known).ok_or(Refusal::NotFound { what: "move in the statute" })?;
        let rights = self.rights_in(&known, kind, Action::RecordEnd, row.from_institution)?;
        let ruling = rights.leading().cloned().ok_or(Refusal::NotFound { what: "move" })?;
        if !rights.any() {
            let actor = self.actor(&known)?;
            let event = self.event(&known, Action::RecordEnd, &actor, &ruling);
            let detail = "only the institution that made the offer withdraws it".to_owned();
            return Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }));
        }
        open_offer(&row, how)?;
        let reason = reason.map(str::trim).filter(|r| !r.is_empty());
        let write = rewritten(&row, "withdrawn", reason);
        self.log_move(&known, &ruling, how, &[], write, Change::MoveEnded)?;
        self.shown(&known, id, true, None)
    }

    /// The move that is answered, locked, and as whom the caller sees it.
    fn answered(&mut self, register: &Register, id: Uuid) -> Result<(MoveRow, Side), Error> {
        let nothing = Refusal::NotFound { what: "move" };
        let row = load(self.conn, register.name(), id, true)?.ok_or(nothing.clone())?;
        let side = self.side_of(register, &row)?.ok_or(nothing)?;
        Ok((row, side))
    }

    /// Enters the new record, `carried` being what the old one hands over.
    #[expect(clippy::too_many_arguments, reason = "everything that the new record is made of")]
    fn made(
        &mut self,
        permit: Permit<'tx, RecordCreate>,
        record_type: &str,
        institution_id: Uuid,
        effective_on: NaiveDate,
        documents: &[Uuid],
        data: Value,
        carried: &Value,
    ) -> Result<RecordView, Error> {
        let new = NewRecord {
            record_type: record_type.to_owned(),
            institution_id: Some(institution_id),
            effective_on,
            base_document_ids: documents.to_vec(),
            data,
        };
        Ok(self.record_create_from(permit, &new, carried)?.open().0)
    }

    /// Whether the caller may enter a record with data in `sections` for an institution; asking leaves no trace.
    fn may_create(
        &mut self,
        register: &Register,
        kind: &RecordType,
        institution: Uuid,
        sections: &BTreeSet<String>,
    ) -> Result<bool, Error> {
        let rights = self.rights_in(register, kind, Action::RecordCreate, institution)?;
        Ok(rights.any() && sections.iter().all(|s| !rights.refused.contains_key(s)))
    }

    /// A move rests on a document of one of the kinds that the statute names for it. Whether the documents fit the
    /// records is asked where these are entered.
    fn rests_on(
        &mut self,
        register: &Register,
        how: &Move,
        documents: &[Uuid],
        institutions: [Uuid; 2],
    ) -> Result<(), Error> {
        let clause = &register.definition.register.access.document_clause;
        let fault = |code, detail: String, clause: &Clause| {
            Err(Refusal::invalid("/base_document_ids", code, detail, Some(clause.clone())).into())
        };
        if documents.is_empty() {
            return match how.base_documents.is_empty() {
                true => Ok(()),
                false => fault("required", "no move without a base document: name at least one".into(), clause),
            };
        }
        let wanted: BTreeSet<String> = documents.iter().map(Uuid::to_string).collect();
        let rows: Vec<(String, Option<String>)> = base_document::table
            .filter(base_document::register.eq(register.name()))
            .filter(base_document::id.eq_any(&wanted))
            .select((base_document::kind, base_document::institution_id))
            .load(self.conn)?;
        let own = institutions.map(|i| i.to_string());
        let is_ours = |of: &Option<String>| of.as_ref().is_none_or(|of| own.contains(of));
        if rows.len() < wanted.len() || !rows.iter().all(|(_, of)| is_ours(of)) {
            return fault("not_found", "there is no such document".into(), clause);
        }
        if how.base_documents.is_empty() || rows.iter().any(|(kind, _)| how.base_documents.contains(kind)) {
            return Ok(());
        }
        let kinds = how.base_documents.join(", ");
        fault("document_kind", format!("this move rests on a document of these kinds: {kinds}"), &how.clause)
    }

    /// Records a move under its clause, naming both records.
    fn log_move(
        &mut self,
        register: &Register,
        ruling: &Ruling,
        how: &Move,
        documents: &[Uuid],
        write: MoveWrite,
        change: impl FnOnce(Box<MoveWrite>) -> Change,
    ) -> Result<(), Error> {
        let actor = self.actor(register)?;
        let mut event = self.event(register, Action::RecordEnd, &actor, ruling);
        "record.move".clone_into(&mut event.action);
        event.clause = Some(how.clause.0.clone());
        event.institution_id = Some(write.from_institution);
        event.record_ids = [Some(write.from_record), write.into_record].into_iter().flatten().collect();
        event.document_ids = documents.to_vec();
        if write.state == "done" {
            event.fields = how.carries.values().cloned().collect();
        }
        self.apply(event, 0, change(Box::new(write)))?;
        Ok(())
    }

    /// The answer once more, which is a read.
    fn noted_again(
        &mut self,
        register: &Register,
        row: &MoveRow,
        ruling: &Ruling,
    ) -> Result<Sealed<'tx, MoveView>, Error> {
        let actor = self.actor(register)?;
        let mut event = self.event(register, Action::RecordRead, &actor, ruling);
        event.record_ids = [Some(row.from_record), row.into_record].into_iter().flatten().collect();
        self.note(event, 0, Some(json!({ "move_id": row.id, "replay": true })))?;
        Ok(Sealed::new(row.view(register, true), None))
    }

    fn shown(
        &mut self,
        register: &Register,
        id: Uuid,
        is_giver: bool,
        record: Option<RecordView>,
    ) -> Result<Sealed<'tx, MoveView>, Error> {
        let row = load(self.conn, register.name(), id, false)?.ok_or(Refusal::NotFound { what: "move" })?;
        let mut view = row.view(register, is_giver);
        view.record = record;
        Ok(Sealed::new(view, None))
    }

    /// What the checks that warn at entry find about `entered`: that another institution holds an active record about
    /// the same person in the same time. Both institutions are written to, once for each pair of records.
    pub(in crate::store) fn warn_elsewhere(
        &mut self,
        register: &Register,
        kind: &RecordType,
        entered: &[Entered<'_>],
        ruling: &Ruling,
    ) -> Result<Vec<(Uuid, Violation)>, Error> {
        let is_wanted = |c: &&Check| c.warns && c.kind == CheckKind::HeldElsewhere;
        let Some(subject) = kind.subject.as_ref() else {
            return Ok(Vec::new());
        };
        let section = kind.fields.iter().find(|f| f.name == subject.field()).and_then(|f| f.section.clone());
        let mut warnings = Vec::new();
        for check in kind.checks.iter().filter(is_wanted) {
            let concerned: Vec<(&Entered<'_>, &str)> = entered
                .iter()
                .filter(|e| check.when.as_ref().is_none_or(|when| when.holds(e.data)))
                .filter_map(|e| Some((e, e.data.get(subject.field())?.as_str()?)))
                .collect();
            let pairs = self.held_elsewhere(register, kind, subject.field(), &concerned)?;
            let found: BTreeSet<Uuid> = pairs.iter().map(|p| p.own.0).collect();
            for record_id in found {
                let detail = "Another institution has an active record about the same person.".to_owned();
                let warning = Violation {
                    pointer: format!("/{}", subject.field()),
                    code: "held_elsewhere",
                    detail,
                    clause: Some(check.clause.clone()),
                    severity: Severity::Warning,
                    section: section.clone(),
                };
                warnings.push((record_id, warning));
            }
            self.write_to_both(register, kind, check, &pairs, ruling)?;
        }
        Ok(warnings)
    }

    /// Pairs of records about one person in two institutions that are active at once on some day.
    fn held_elsewhere(
        &mut self,
        register: &Register,
        kind: &RecordType,
        code_field: &str,
        entered: &[(&Entered<'_>, &str)],
    ) -> Result<Vec<Pair>, Error> {
        let codes: BTreeSet<&str> = entered.iter().map(|(_, code)| *code).collect();
        if codes.is_empty() {
            return Ok(Vec::new());
        }
        type Row = (String, String, String, String, String);
        let rows: Vec<Row> = record_index::table
            .filter(record_index::register.eq(register.name()))
            .filter(record_index::record_type.eq(&kind.name))
            .filter(record_index::field.eq(code_field))
            .filter(record_index::value.eq_any(codes))
            .filter(record_index::until_day.eq(LAST_DAY))
            .select((
                record_index::value,
                record_index::record_id,
                record_index::institution_id,
                record_index::begins_on,
                record_index::ends_on,
            ))
            .load(self.conn)?;
        let mut by_code: HashMap<&str, Vec<&Row>> = HashMap::new();
        for row in &rows {
            by_code.entry(row.0.as_str()).or_default().push(row);
        }
        let mut pairs = Vec::new();
        for (own, code) in entered {
            let (begins, ends) = life(kind, own.data);
            let begins = begins.map_or(own.from, |b| b.max(own.from)).to_string();
            let ends = ends.map_or_else(|| LAST_DAY.to_owned(), |e| e.to_string());
            let institution = own.institution_id.to_string();
            let others = by_code.get(code).into_iter().flatten();
            for (_, record_id, other, other_begins, other_ends) in
                others.filter(|row| row.2 != institution && row.3 <= ends && row.4 >= begins)
            {
                debug_assert!(other_begins <= &ends && other_ends >= &begins);
                pairs.push(Pair {
                    own: (own.record_id, own.institution_id),
                    other: (facts::id(record_id)?, facts::id(other)?),
                });
            }
        }
        Ok(pairs)
    }

    /// Letters to both institutions of each pair of which nobody was written to yet.
    fn write_to_both(
        &mut self,
        register: &Register,
        kind: &RecordType,
        check: &Check,
        pairs: &[Pair],
        ruling: &Ruling,
    ) -> Result<(), Error> {
        let source = &register.definition.register;
        let Some(email) = source.institutions.email_field.as_deref().and_then(|f| FieldPath::parse(f).ok()) else {
            return Ok(());
        };
        // Who is written to about which record of theirs, by the stage under which that happens once.
        let mut wanted: BTreeMap<String, (Uuid, Uuid)> = BTreeMap::new();
        for Pair { own, other } in pairs {
            let (low, high) = (own.0.min(other.0), own.0.max(other.0));
            for (record, institution) in [own, other] {
                let stage = format!("{}/{low}/{high}/{institution}", check.name);
                wanted.insert(stage, (*record, *institution));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let queued: Vec<Option<String>> = outbox::table
            .filter(outbox::register.eq(register.name()))
            .filter(outbox::stage.eq_any(wanted.keys()))
            .select(outbox::stage)
            .load(self.conn)?;
        queued.iter().flatten().for_each(|stage| {
            wanted.remove(stage);
        });
        let institutions: Vec<Uuid> = wanted.values().map(|(_, i)| *i).collect::<BTreeSet<_>>().into_iter().collect();
        let today = self.today(register);
        let states = states_on(self.conn, register.name(), &institutions, today)?;
        let mut letters = Vec::new();
        let mut records = BTreeSet::new();
        for (stage, (record, institution)) in wanted {
            let address = states.get(&institution).and_then(|data| email.get(data)).and_then(Value::as_str);
            let Some(address) = address else {
                continue;
            };
            let words = json!({
                "register": source.name,
                "clause": check.clause,
                "number": record,
                "path": format!("/registers/{}/records/{}/{record}", register.name(), kind.name),
            });
            let letter = self.letter("held-elsewhere", address.to_owned(), "et".into(), words, None)?;
            letters.push(LetterWrite { stage: Some(stage), ..letter });
            records.insert(record);
        }
        if letters.is_empty() {
            return Ok(());
        }
        let actor = self.actor(register)?;
        let mut event = self.event(register, Action::RecordCreate, &actor, ruling);
        event.kind = Kind::Job;
        "record.warn".clone_into(&mut event.action);
        event.clause = Some(check.clause.0.clone());
        event.record_type = Some(kind.name.clone());
        event.record_ids = records.into_iter().collect();
        self.apply(event, 0, Change::InstitutionsWarned { check: check.name.clone(), letters })?;
        Ok(())
    }
}

/// Two records about one person, each with its institution.
struct Pair {
    own: (Uuid, Uuid),
    other: (Uuid, Uuid),
}

fn open_offer(row: &MoveRow, how: &Move) -> Result<(), Refusal> {
    if row.state == "offered" {
        return Ok(());
    }
    let detail = format!("the offer is open no longer: it is {}", row.state);
    Err(Refusal::Conflict { code: "not_open", detail, clause: Some(how.clause.clone()) })
}

/// The move as it is kept once it is answered.
fn rewritten(row: &MoveRow, state: &'static str, reason: Option<&str>) -> MoveWrite {
    let body = MoveBody { reason: reason.map(str::to_owned), ..row.body.clone() };
    MoveWrite {
        id: row.id,
        name: row.name.clone(),
        state,
        from_record: row.from_record,
        from_institution: row.from_institution,
        into_institution: row.into_institution,
        into_record: row.into_record,
        effective_on: row.effective_on,
        body: json!(body),
        event: None,
        idempotency: None,
    }
}
