//! Requests for data, their decision, what is released on them, and who must be told when it turns out wrong.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::access::rights::Ruling;
use crate::domain::case::{CaseFile, CaseParty, Deadline, Made, NewCase};
use crate::domain::disclosure::{self, LedgerBody, ManualRelease, Proposal, Request};
use crate::domain::identity::is_email;
use crate::domain::record::derive::derive;
use crate::domain::record::validate::Violation;
use crate::domain::record::{Entry, Timeline};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::procedures::Procedure;
use crate::store::Leaving;
use crate::store::acts::cases::words;
use crate::store::change::{Change, DisclosureWrite};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{CaseDecide, CaseOpen, DisclosureRelease, Permit, Sealed};
use crate::store::read::disclosure::{DisclosureView, Extraction, RequestView, ledger_body};
use crate::store::schema::{disclosure as ledger, disclosure_subject, record};
use crate::store::write::WriteTx;

/// How a release leaves that the program writes itself.
const FILE: &str = "file";

/// A request for data to be entered.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Kind of case; `None`: the definition's first.
    pub kind: Option<String>,
    /// Who asks.
    pub requester: CaseParty,
    /// What is asked for.
    pub request: Request,
    /// Day on which it came in; `None`: today.
    pub received_on: Option<NaiveDate>,
}

/// An entry that a correction has just mended.
pub(in crate::store) struct Mended<'a> {
    pub record_id: Uuid,
    pub institution_id: Uuid,
    /// The entries before the correction.
    pub before: &'a [Entry],
    pub correction: &'a Entry,
}

/// Who received a wrong value, and what of it.
struct Told {
    recipient: CaseParty,
    disclosures: Vec<Uuid>,
    fields: Vec<String>,
}

impl<'tx> WriteTx<'tx> {
    /// Enters a request for data; its clock starts.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault, [`Refusal::KeyReused`].
    pub fn request_open(
        &mut self,
        permit: Permit<'tx, CaseOpen>,
        kind: &str,
        new: &NewRequest,
    ) -> Result<Sealed<'tx, RequestView>, Error> {
        let register = permit.register.clone();
        let clause = register.case_kind(kind).map(|k| k.clause.clone()).ok_or(Refusal::NotFound { what: "kind" })?;
        let today = self.today(&register);
        let (request, requester) = new.request.clone().accepted(new.requester.clone(), &register, &clause, today)?;
        let new = NewCase {
            kind: kind.to_owned(),
            subject: request.object.clone(),
            text: request.purpose.clone(),
            from: Some(requester),
            received_on: new.received_on,
            details: json!(request),
            ..NewCase::default()
        };
        let (case, event) = self.case_opened(permit, &new)?.open();
        let view = self.request_view(&register, case.case)?;
        Ok(Sealed::new(view, event))
    }

    /// Decides the permit's request; whoever asked by e-mail is told by e-mail.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault of the decision, [`Refusal::Conflict`] for a request that has been decided
    /// or is over, [`Refusal::Stale`] when `If-Match` names an older version.
    pub fn request_decide(
        &mut self,
        permit: Permit<'tx, CaseDecide>,
        proposal: &Proposal,
    ) -> Result<Sealed<'tx, RequestView>, Error> {
        let register = permit.register.clone();
        let case = permit.case.ok_or(Refusal::NotFound { what: "disclosure request" })?;
        let kind = register.case_kind(&case.kind).filter(|k| k.procedure == Procedure::Disclosure);
        let kind = kind.ok_or(Refusal::NotFound { what: "disclosure request" })?;
        if self.cx.if_match.is_some_and(|expected| expected != case.version) {
            return Err(Refusal::Stale { current: case.version }.into());
        }
        if case.decision.is_some() {
            return Err(Refusal::Conflict {
                code: "already_decided",
                detail: "it has been decided already".into(),
                clause: Some(kind.clause.clone()),
            }
            .into());
        }
        let step = disclosure::weigh(&Request::of(&case)?, proposal, &register, kind)?;
        let actor = self.actor(&register)?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let now = self.now;
        let next = case.take(&register, kind, &step, Made { at: now, by: &by })?;
        let mut letters = Vec::new();
        if let Some(address) = email(next.from.as_ref()) {
            let words = words(&register, kind, &next);
            letters.push(self.letter(
                "disclosure-decided",
                address,
                register.definition.register.language.code().into(),
                words,
                Some(next.id),
            )?);
        }
        let event = self.case_event(&register, Action::CaseDecide, &actor, &permit.ruling, kind, Some(&next));
        let change = Change::CaseStepped { case: Box::new(next.clone()), step: Box::new(step), letters };
        self.apply(event, 0, change)?;
        let view = self.request_view(&register, next)?;
        Ok(Sealed::new(view, None))
    }

    /// Enters in the ledger what is about to leave: an entry in the log for each page of records, then the ledger's.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] when the case has gone on since the data were read, or permits no release.
    pub(crate) fn release_write(
        &mut self,
        permit: Permit<'tx, DisclosureRelease>,
        leaving: &Leaving<Extraction>,
    ) -> Result<(), Error> {
        let register = permit.register.clone();
        let data = &leaving.data;
        let case = permit.case.ok_or(Refusal::NotFound { what: "disclosure request" })?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "disclosure request" })?;
        disclosure::releasable(&case, kind, &register)?;
        if case.version != data.version || register.definition.digest != data.register.definition.digest {
            return Err(Refusal::Conflict {
                code: "case_changed",
                detail: "the case has gone on while the data were read; release them again".into(),
                clause: Some(kind.clause.clone()),
            }
            .into());
        }
        let actor = self.actor(&register)?;
        let fields: Vec<String> = data.fields.iter().map(ToString::to_string).collect();
        let mut event = self.event(&register, Action::DisclosureRelease, &actor, &permit.ruling);
        event.record_type = Some(data.record_type.clone());
        event.fields.clone_from(&fields);
        event.sections.clone_from(&data.sections);
        let purpose: String = data.purpose.chars().take(500).collect();
        event.purpose = event.purpose.or(Some(purpose));
        for (n, page) in data.pages.iter().enumerate() {
            let mut served = event.clone();
            served.record_ids.clone_from(page);
            let detail = json!({ "disclosure_id": leaving.id, "case_id": case.id, "page": n + 1 });
            self.note(served, 0, Some(detail))?;
        }
        let records = data.pages.iter().map(Vec::len).sum::<usize>();
        let body = LedgerBody {
            recipient: Some(data.recipient.clone()),
            recipient_class: data.request.recipient.clone(),
            fields,
            sections: data.sections.clone(),
            records: u64::try_from(records).unwrap_or(u64::MAX),
            ground: data.decision.release_ground.clone(),
            clause: Some(data.clause.clone()),
            act: data.decision.act.clone(),
            legal_basis: Some(data.request.legal_basis.clone()),
            purpose: Some(data.purpose.clone()),
            decided_by: case.decision.as_ref().map(|d| d.by.clone()),
            released_by: Some(actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string())),
            format: Some(data.wanted.format.as_str().to_owned()),
            as_of: Some(data.as_of),
        };
        let mut letters = Vec::new();
        if let Some(address) = email(Some(&data.recipient)) {
            let words = json!({
                "register": register.definition.register.name,
                "case_kind": kind.label,
                "clause": data.clause,
                "number": leaving.id,
                "path": format!("/registers/{}/cases/{}", register.name(), case.id),
            });
            letters.push(self.letter(
                "disclosure-released",
                address,
                register.definition.register.language.code().into(),
                words,
                Some(case.id),
            )?);
        }
        let write = DisclosureWrite {
            id: leaving.id,
            case_id: Some(case.id),
            channel: FILE.to_owned(),
            recipient_code: code(&data.recipient),
            record_type: Some(data.record_type.clone()),
            digest: leaving.digest.clone(),
            body: json!(body),
            subjects: data.pages.concat(),
            letters,
            idempotency: None,
        };
        self.apply(event, 0, Change::Released(Box::new(write)))?;
        Ok(())
    }

    /// Enters a release made by other means.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault, [`Refusal::KeyReused`].
    pub fn disclosure_enter(
        &mut self,
        permit: Permit<'tx, DisclosureRelease>,
        release: &ManualRelease,
    ) -> Result<Sealed<'tx, DisclosureView>, Error> {
        let register = permit.register.clone();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::DisclosureRelease, &actor, &permit.ruling);
        if let Some((id, _)) = self.earlier(register.name())? {
            let view = self.ledger_view(&register, id)?;
            self.note(event, 0, Some(json!({ "disclosure_id": id, "replay": true })))?;
            return Ok(Sealed::new(view, None));
        }
        let today = self.today(&register);
        let release = release.clone().accepted(&register, &permit.ruling.decision.clause, today)?;
        let kind = register.record_type(&release.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        self.require_records(&register, &release)?;
        let paths = disclosure::paths(&release.fields);
        let sections = disclosure::sections(kind, &paths);
        event.record_type = Some(release.record_type.clone());
        event.record_ids.clone_from(&release.record_ids);
        event.fields.clone_from(&release.fields);
        event.sections.clone_from(&sections);
        event.purpose = event.purpose.or(Some(release.purpose.chars().take(500).collect()));
        let ground = register.definition.register.release_grounds.iter().find(|g| g.name == release.ground);
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let body = LedgerBody {
            recipient: Some(release.recipient.clone()),
            fields: release.fields.clone(),
            sections,
            records: u64::try_from(release.record_ids.len()).unwrap_or(u64::MAX),
            ground: Some(release.ground.clone()),
            clause: Some(ground.map_or_else(|| permit.ruling.decision.clause.clone(), |g| g.clause.clone())),
            act: ground.filter(|g| g.needs_act).map(|_| release.basis.clone()),
            legal_basis: Some(release.basis.clone()),
            purpose: Some(release.purpose.clone()),
            decided_by: Some(by.clone()),
            released_by: Some(by),
            as_of: Some(release.as_of.unwrap_or(today)),
            ..LedgerBody::default()
        };
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let id = self.new_id()?;
        let write = DisclosureWrite {
            id,
            case_id: None,
            channel: release.channel.clone(),
            recipient_code: code(&release.recipient),
            record_type: Some(release.record_type.clone()),
            digest: release.sha256.clone().unwrap_or_default(),
            body: json!(body),
            subjects: release.record_ids.clone(),
            letters: Vec::new(),
            idempotency,
        };
        self.apply(event, 0, Change::Released(Box::new(write)))?;
        let view = self.ledger_view(&register, id)?;
        Ok(Sealed::new(view, None))
    }

    fn require_records(&mut self, register: &Register, release: &ManualRelease) -> Result<(), Error> {
        let ids: Vec<String> = release.record_ids.iter().map(Uuid::to_string).collect();
        let known: Vec<String> = record::table
            .filter(record::register.eq(register.name()))
            .filter(record::id.eq_any(&ids))
            .filter(record::record_type.eq(&release.record_type))
            .select(record::id)
            .load(self.conn)?;
        let faults: Vec<Violation> = ids
            .iter()
            .enumerate()
            .filter(|(_, id)| !known.contains(id))
            .map(|(n, _)| Violation::error(&format!("/record_ids/{n}"), "not_found", "there is no such record", None))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(faults).into()) }
    }

    /// Opens a case for everybody who received a value that the correction changes: they must be told. Nothing where
    /// the statute asks for no such notice.
    pub(in crate::store) fn tell_recipients(
        &mut self,
        register: &Register,
        record_type: &RecordType,
        ruling: &Ruling,
        mended: &Mended<'_>,
    ) -> Result<(), Error> {
        let rule = register.definition.register.recipient_notice.as_ref();
        let (Some(rule), Some(kind)) = (rule, register.case_kind_of(Procedure::RecipientNotice)) else {
            return Ok(());
        };
        let told = self.recipients_of(register, record_type, mended)?;
        if told.is_empty() {
            return Ok(());
        }
        let actor = self.actor(register)?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let (now, today) = (self.now, self.today(register));
        let mut deadline = Deadline::reckoned(register, kind, rule.term, today, now)?;
        deadline.clause = rule.clause.clone();
        for told in told.into_values() {
            let address = email(Some(&told.recipient));
            let new = NewCase {
                kind: kind.name.clone(),
                institution_id: Some(mended.institution_id),
                record_type: Some(record_type.name.clone()),
                record_id: Some(mended.record_id),
                subject: kind.label.official().to_owned(),
                text: format!("{}: {}", kind.label.official(), told.fields.join(", ")),
                fields: told.fields.clone(),
                from: Some(told.recipient),
                due_on: kind.names_due.then_some(deadline.due),
                details: json!({
                    "disclosure_ids": told.disclosures,
                    "fields": told.fields,
                    "entry_id": mended.correction.id,
                }),
                ..NewCase::default()
            };
            let id = self.new_id()?;
            let mut case = CaseFile::open(register, kind, id, &new, Made { at: now, by: &by })?;
            case.deadline = Some(deadline.clone());
            let mut letters = Vec::new();
            if let Some(address) = address {
                let mut words = words(register, kind, &case);
                words["disclosures"] = json!(told.disclosures);
                words["fields"] = labels(record_type, &told.fields);
                letters.push(self.letter(
                    "value-corrected",
                    address,
                    register.definition.register.language.code().into(),
                    words,
                    Some(id),
                )?);
            }
            let mut event = self.case_event(register, Action::CaseOpen, &actor, ruling, kind, Some(&case));
            event.clause = Some(rule.clause.0.clone());
            event.fields.clone_from(&told.fields);
            self.apply(event, 0, Change::CaseOpened { case: Box::new(case), letters, idempotency: None })?;
        }
        Ok(())
    }

    /// Everybody who was given a value that the correction changes, by code or name.
    fn recipients_of(
        &mut self,
        register: &Register,
        record_type: &RecordType,
        mended: &Mended<'_>,
    ) -> Result<BTreeMap<String, Told>, Error> {
        let wrong = mended.before.iter().find(|e| Some(e.id) == mended.correction.supersedes);
        let Some(wrong) = wrong else {
            return Ok(BTreeMap::new());
        };
        // Only what left after the wrong entry was made can hold it; the correction is not recorded yet.
        let rows: Vec<(String, i64, String)> = disclosure_subject::table
            .inner_join(ledger::table.on(
                ledger::register.eq(disclosure_subject::register).and(ledger::id.eq(disclosure_subject::disclosure_id)),
            ))
            .filter(disclosure_subject::register.eq(register.name()))
            .filter(disclosure_subject::record_id.eq(mended.record_id.to_string()))
            .filter(ledger::record_type.eq(&record_type.name))
            .filter(ledger::released_at.gt(wrong.recorded_at.timestamp_micros()))
            .order(ledger::id)
            .select((ledger::id, ledger::released_at, ledger::body))
            .load(self.conn)?;
        let mut told: BTreeMap<String, Told> = BTreeMap::new();
        for (id, released_at, body) in rows {
            let body = ledger_body(&body)?;
            let Some(recipient) = body.recipient else { continue };
            let released = crate::domain::calendar::instant(released_at);
            let day = body.as_of.unwrap_or_else(|| register.day(released));
            // What was known at the release, and what would have been without the fault.
            let known: Vec<Entry> = mended.before.iter().filter(|e| e.recorded_at <= released).cloned().collect();
            let mut mended_too = known.clone();
            mended_too.push(mended.correction.clone());
            let state = |entries: &[Entry]| {
                let mut data = Timeline::fold(entries, None).on(day).map_or(Value::Null, |s| s.data.clone());
                derive(record_type, &register.definition.register.country, &mut data, day);
                data
            };
            let changed = disclosure::changed(&state(&known), &state(&mended_too), &body.fields);
            if changed.is_empty() {
                continue;
            }
            let key = code(&recipient).unwrap_or_else(|| format!("{}\u{1f}{}", recipient.name, recipient.contact));
            let one =
                told.entry(key).or_insert_with(|| Told { recipient, disclosures: Vec::new(), fields: Vec::new() });
            one.disclosures.push(facts::id(&id)?);
            let fresh: Vec<String> = changed.into_iter().filter(|f| !one.fields.contains(f)).collect();
            one.fields.extend(fresh);
        }
        Ok(told)
    }
}

/// The code by which a recipient is found in the ledger.
pub(super) fn code(party: &CaseParty) -> Option<String> {
    party.registry_code.clone().or_else(|| party.personal_code.clone())
}

pub(super) fn email(party: Option<&CaseParty>) -> Option<String> {
    party.map(|p| p.contact.trim().to_owned()).filter(|c| is_email(c))
}

/// What people call the fields.
fn labels(record_type: &RecordType, fields: &[String]) -> Value {
    let named = disclosure::paths(fields);
    json!(named.iter().filter_map(|p| p.resolve(&record_type.fields)).map(|f| &f.label).collect::<Vec<_>>())
}
