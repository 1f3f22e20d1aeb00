//! Requests for the data about oneself: taken in, decided by whom the register names, and given out.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::disclosure::{code, email};
use crate::domain::access::rights::{CaseCoordinates, Ruling};
use crate::domain::access::{Action, Actor, SectionRights};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::case::own_data::{self, Asker, Guardianship, OwnData, Standing};
use crate::domain::case::{CaseFile, CaseParty, NewCase};
use crate::domain::disclosure::{self as rules, LedgerBody};
use crate::domain::record::index::Status;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::procedures::CaseKind;
use crate::domain::statute::{Clause, Label, RecordType};
use crate::store::Leaving;
use crate::store::acts::cases;
use crate::store::change::{Change, DisclosureWrite};
use crate::store::conn::AnyConn;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{DisclosureRelease, Permit, Sealed};
use crate::store::read::disclosure::{Wanted, ledger_body};
use crate::store::read::records::bare_view;
use crate::store::schema::{app_user, case_file, disclosure as ledger, disclosure_subject};
use crate::store::tx::Tx;
use crate::store::write::WriteTx;

/// How the extract leaves.
const FILE: &str = "file";
/// Entries of the ledger that an extract tells of at most.
const MOST_RECIPIENTS: i64 = 1_000;

/// Everything that a register holds about somebody, as it is given to them: shown to the renderer, and to nobody else
/// before it stands in the ledger.
pub(crate) struct OwnExtract {
    /// Id that the entry of the ledger will have.
    pub disclosure_id: Uuid,
    /// When it was read.
    pub made_at: DateTime<Utc>,
    /// Register.
    pub register: Arc<Register>,
    /// To whom.
    pub recipient: CaseParty,
    /// Clause under which it is given.
    pub clause: Clause,
    /// What for, in the words of the register's own language.
    pub purpose: Label,
    /// What can be done against what is held back.
    pub remedies: Option<Label>,
    /// Day as of which.
    pub as_of: NaiveDate,
    /// The records, by their types.
    pub records: Vec<OwnRecord>,
    /// Who received data of them before.
    pub received: Vec<Received>,
    /// What is held back: record type and section.
    pub held_back: Vec<(String, String)>,
    /// How it is to be written.
    pub wanted: Wanted,
    version: i64,
}

/// A record about somebody.
pub(crate) struct OwnRecord {
    /// Record type.
    pub record_type: String,
    /// Id.
    pub id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// Its data.
    pub data: Value,
}

/// Who received data of somebody.
pub(crate) struct Received {
    /// When, RFC 3339.
    pub at: String,
    /// Name.
    pub recipient: String,
    /// What for.
    pub purpose: String,
    /// Clause.
    pub clause: Option<Clause>,
}

/// Whether a case about somebody's own data is the actor's: about them, or asked by them.
pub(in crate::store) fn is_about(case: &CaseFile, actor: &Actor) -> bool {
    let Ok(own) = OwnData::of(case) else { return false };
    let code = actor.personal_code.as_deref();
    let asked = case.from.as_ref().and_then(|f| f.personal_code.as_deref());
    actor.user_id.is_some() && (own.is_about(code, &actor.name) || (asked.is_some() && asked == code))
}

/// Only the roles that the register names decide such a request, and nobody decides what is theirs.
pub(in crate::store) fn decider(
    register: &Register,
    kind: &CaseKind,
    ruling: &Ruling,
    mine: bool,
) -> Result<(), Refusal> {
    let Some(rule) = &kind.own_data else { return Ok(()) };
    if mine {
        let detail = "nobody decides on their own data or on their own request".to_owned();
        return Err(Refusal::Forbidden { clause: rule.clause.clone(), detail });
    }
    if ruling.role.as_ref().is_some_and(|role| rule.decides.contains(role)) {
        return Ok(());
    }
    let named = |role: &String| {
        let known = register.definition.register.roles.iter().find(|r| r.name == *role);
        known.map_or_else(|| role.clone(), |r| r.label.official().to_owned())
    };
    let whom: Vec<String> = rule.decides.iter().map(named).collect();
    let detail = format!("such requests are decided and answered by: {}", whom.join(", "));
    Err(Refusal::Forbidden { clause: rule.clause.clone(), detail })
}

impl WriteTx<'_> {
    /// Makes a case of what somebody asks: whose data, as whom, how they proved who they are.
    pub(in crate::store) fn own_data_asked(
        &mut self,
        register: &Register,
        kind: &CaseKind,
        actor: &Actor,
        new: &mut NewCase,
    ) -> Result<(), Error> {
        let Some(rule) = &kind.own_data else { return Ok(()) };
        let today = self.today(register);
        let itself = new.from.is_none();
        let at = CaseCoordinates {
            institution_id: None,
            party: true,
            about_self: false,
            purpose_given: self.cx.purpose.is_some(),
        };
        let handles = actor.case(&register.policies, &register.definition, Action::CaseHandle, &kind.name, at);
        if !itself && !handles.decision.permitted {
            let detail = "you ask under your own name; a request of somebody else is entered by an officer";
            return Err(Refusal::invalid("/from", "not_yours", detail, Some(rule.clause.clone())).into());
        }
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let own_code = match &new.from {
            Some(from) => from.personal_code.clone(),
            None => actor.personal_code.clone(),
        };
        let asker = Asker {
            personal_code: own_code.as_deref(),
            account: if itself { &actor.name } else { "" },
            by: &by,
            on: new.received_on.unwrap_or(today),
            today,
        };
        let mut own = OwnData::asked(&new.details, register, kind, &asker)?;
        if own.standing == Standing::Guardian
            && own.guardianship.is_none()
            && self.tx.is_guardian(register, own_code.as_deref(), &own)?
        {
            own.guardianship = Some(Guardianship::Record);
        }
        if itself && let Some(user) = actor.user_id {
            let (name, address): (String, Option<String>) = app_user::table
                .find((INSTALLATION_REGISTER, user.to_string()))
                .select((app_user::display_name, app_user::email))
                .first(self.conn)?;
            new.from = Some(CaseParty {
                name,
                kind: Some("person".into()),
                registry_code: None,
                personal_code: own_code,
                // Whoever left no address is reached where they asked.
                contact: address.unwrap_or_else(|| actor.name.clone()),
            });
        }
        // The asker need not say in words what the kind says already.
        for text in [&mut new.subject, &mut new.text] {
            if text.trim().is_empty() {
                kind.label.official().clone_into(text);
            }
        }
        new.details = json!(own);
        Ok(())
    }

    /// Enters in the ledger what is about to leave.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] when the case has gone on since the data were read, or permits nothing.
    pub(crate) fn own_data_write(
        &mut self,
        permit: Permit<'_, DisclosureRelease>,
        leaving: &Leaving<OwnExtract>,
    ) -> Result<(), Error> {
        let register = permit.register.clone();
        let data = &leaving.data;
        let case = permit.case.ok_or(Refusal::NotFound { what: "case" })?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "case" })?;
        own_data::releasable(&case, kind, &register, self.today(&register))?;
        if case.version != data.version || register.definition.digest != data.register.definition.digest {
            return Err(Refusal::Conflict {
                code: "case_changed",
                detail: "the case has gone on while the data were read; give them out again".into(),
                clause: Some(kind.clause.clone()),
            }
            .into());
        }
        let actor = self.actor(&register)?;
        let mut by_type: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
        for one in &data.records {
            by_type.entry(&one.record_type).or_default().push(one.id);
        }
        let purpose = data.purpose.official().to_owned();
        let mut event = self.event(&register, Action::DisclosureRelease, &actor, &permit.ruling);
        event.purpose = event.purpose.or_else(|| Some(purpose.clone()));
        // Also that nothing is held about somebody is an answer, and stands in the log.
        if by_type.is_empty() {
            let detail = json!({ "disclosure_id": leaving.id, "case_id": case.id, "page": 1 });
            self.note(event.clone(), 0, Some(detail))?;
        }
        let mut sections = Vec::new();
        for (n, (record_type, ids)) in by_type.iter().enumerate() {
            let mut served = event.clone();
            served.record_type = Some((*record_type).to_owned());
            served.record_ids.clone_from(ids);
            served.sections = given(&register, record_type, &data.held_back);
            sections.extend(served.sections.iter().cloned());
            let detail = json!({ "disclosure_id": leaving.id, "case_id": case.id, "page": n + 1 });
            self.note(served, 0, Some(detail))?;
        }
        sections.sort_unstable();
        sections.dedup();
        let only = (by_type.len() == 1).then(|| by_type.keys().next().map(|t| (*t).to_owned())).flatten();
        let body = LedgerBody {
            recipient: Some(data.recipient.clone()),
            sections,
            records: u64::try_from(data.records.len()).unwrap_or(u64::MAX),
            clause: Some(data.clause.clone()),
            purpose: Some(purpose),
            decided_by: case.decision.as_ref().map(|d| d.by.clone()),
            released_by: Some(actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string())),
            format: Some(data.wanted.format.as_str().to_owned()),
            as_of: Some(data.as_of),
            ..LedgerBody::default()
        };
        let mut letters = Vec::new();
        if let Some(address) = email(Some(&data.recipient)) {
            let language = register.definition.register.language.code().to_owned();
            let words = json!({
                "register": register.definition.register.name,
                "case_kind": kind.label,
                "clause": data.clause,
                "number": leaving.id,
                "path": format!("/registers/{}/cases/{}", register.name(), case.id),
            });
            letters.push(self.letter("disclosure-released", address, language, words, Some(case.id))?);
        }
        let write = DisclosureWrite {
            id: leaving.id,
            case_id: Some(case.id),
            channel: FILE.to_owned(),
            recipient_code: code(&data.recipient),
            record_type: only,
            digest: leaving.digest.clone(),
            body: json!(body),
            subjects: data.records.iter().map(|r| r.id).collect(),
            letters,
            idempotency: None,
        };
        self.apply(event, 0, Change::Released(Box::new(write)))?;
        Ok(())
    }
}

/// The sections of a record type that are given out.
fn given(register: &Register, record_type: &str, held_back: &[(String, String)]) -> Vec<String> {
    let kind = register.record_type(record_type);
    let held = |section: &str| held_back.iter().any(|(t, s)| t == record_type && s == section);
    let sections = kind.into_iter().flat_map(|k| &k.sections);
    sections.map(|s| s.name.clone()).filter(|s| !held(s)).collect()
}

impl<'tx> Tx<'tx> {
    /// Whether the register names whoever has this personal code as a guardian of the subject.
    fn is_guardian(&mut self, register: &Register, asker: Option<&str>, own: &OwnData) -> Result<bool, Error> {
        let today = self.today(register);
        let names = [register.name().to_owned()];
        let wards = self.own_records(&names, asker, "")?;
        for ward in wards.iter().filter(|w| w.standing.is_some()) {
            let Some(facts) = facts::load(self.conn, register.name(), ward.id, today)? else { continue };
            let subject = register.record_type(&facts.record_type).and_then(|t| t.subject.as_ref());
            let known = subject.and_then(|s| facts.data.get(s.field())).and_then(Value::as_str);
            let asked = [own.subject.personal_code.as_deref(), own.subject.account.as_deref()];
            if known.is_some() && asked.contains(&known) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Leave to give out what was granted on a request for one's own data. `lock` keeps others from taking it further.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause, for a role that the register does not name too; [`Refusal::NotFound`].
    pub fn authorize_own_data(
        &mut self,
        register: &str,
        case_id: Uuid,
        lock: bool,
    ) -> Result<Permit<'tx, DisclosureRelease>, Error> {
        let found = self.register(register)?;
        self.actor(&found)?;
        if let AnyConn::Pg(pg) = &mut *self.conn
            && lock
        {
            case_file::table
                .find((found.name(), case_id.to_string()))
                .select(case_file::version)
                .for_update()
                .first::<i64>(pg)
                .optional()?;
        }
        let case = cases::load(self, &found, case_id)?;
        let kind = case.as_ref().and_then(|c| found.case_kind(&c.kind)).filter(|k| k.own_data.is_some());
        let mut permit = self.authorize_register::<DisclosureRelease>(register, Some(None))?;
        let (case, kind) = case.zip(kind).ok_or(Refusal::NotFound { what: "request for one's own data" })?;
        if let Err(refusal) = decider(&found, kind, &permit.ruling, false) {
            let actor = self.actor(&found)?;
            let mut event =
                self.case_event(&found, Action::DisclosureRelease, &actor, &permit.ruling, kind, Some(&case));
            event.clause = kind.own_data.as_ref().map(|rule| rule.clause.0.clone());
            return Err(self.refuse(event, refusal));
        }
        permit.case = Some(Box::new(case));
        Ok(permit)
    }

    /// Reads everything that the register holds about the subject of the permit's case.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] for a case on which nothing may be given out.
    pub(crate) fn own_data_read(
        &mut self,
        permit: Permit<'tx, DisclosureRelease>,
        disclosure_id: Uuid,
        wanted: Wanted,
    ) -> Result<Sealed<'tx, OwnExtract>, Error> {
        let register = permit.register.clone();
        let case = permit.case.ok_or(Refusal::NotFound { what: "case" })?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "case" })?;
        let day = self.today(&register);
        let (own, held_back) = own_data::releasable(&case, kind, &register, day)?;
        let names = [register.name().to_owned()];
        let account = own.subject.account.as_deref().unwrap_or_default();
        let mut found = self.own_records(&names, own.subject.personal_code.as_deref(), account)?;
        found.retain(|r| r.standing.is_none());
        found.sort_by(|a, b| (&a.record_type, a.id).cmp(&(&b.record_type, b.id)));
        found.dedup_by_key(|r| r.id);
        let mut records = Vec::with_capacity(found.len());
        for one in &found {
            let Some(record_type) = register.record_type(&one.record_type) else { continue };
            let Some(facts) = facts::load(self.conn, register.name(), one.id, day)? else { continue };
            let sections = given(&register, &one.record_type, &held_back);
            let rights = SectionRights {
                permitted: sections.into_iter().map(|s| (s, permit.ruling.clone())).collect(),
                refused: BTreeMap::new(),
            };
            let view = bare_view(&register, record_type, facts, &rights, day);
            let mut data = view.data;
            withhold(&register, record_type, &mut data);
            records.push(OwnRecord { record_type: view.record_type, id: view.id, status: view.status, data });
        }
        let received = self.received_before(&register, &found.iter().map(|r| r.id.to_string()).collect::<Vec<_>>())?;
        let outcome = case.decision.as_ref().and_then(|d| kind.outcomes.iter().find(|o| o.name == d.outcome));
        let extract = OwnExtract {
            disclosure_id,
            made_at: self.now,
            recipient: case.from.clone().ok_or(Refusal::NotFound { what: "requester" })?,
            clause: outcome.map_or_else(|| kind.clause.clone(), |o| o.clause.clone()),
            purpose: kind.label.clone(),
            remedies: kind.remedies.clone(),
            as_of: day,
            records,
            received,
            held_back,
            wanted,
            version: case.version,
            register: register.clone(),
        };
        Ok(Sealed::new(extract, None))
    }

    /// Who received data of these records, newest first.
    fn received_before(&mut self, register: &Register, ids: &[String]) -> Result<Vec<Received>, Error> {
        let of_them = disclosure_subject::table
            .filter(disclosure_subject::register.eq(register.name()))
            .filter(disclosure_subject::record_id.eq_any(ids))
            .select(disclosure_subject::disclosure_id);
        let rows: Vec<(i64, String)> = ledger::table
            .filter(ledger::register.eq(register.name()))
            .filter(ledger::id.eq_any(of_them))
            .order(ledger::id.desc())
            .limit(MOST_RECIPIENTS)
            .select((ledger::released_at, ledger::body))
            .load(self.conn)?;
        rows.into_iter()
            .map(|(at, body)| {
                let body = ledger_body(&body)?;
                Ok(Received {
                    at: rfc3339(instant(at)),
                    recipient: body.recipient.map(|r| r.name).or(body.recipient_class).unwrap_or_default(),
                    purpose: body.purpose.unwrap_or_default(),
                    clause: body.clause,
                })
            })
            .collect()
    }
}

/// Takes out what the register never gives to anybody.
fn withhold(register: &Register, kind: &RecordType, data: &mut Value) {
    if let Value::Object(map) = data {
        map.retain(|name, _| {
            FieldPath::parse(name).is_ok_and(|path| rules::withheld(&register.definition, kind, &path).is_none())
        });
    }
}
