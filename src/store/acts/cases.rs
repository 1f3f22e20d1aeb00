//! Opening cases and taking them forward, with the letters that go out with it.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::access::application::Application;
use crate::domain::access::rights::{CaseCoordinates, Ruling};
use crate::domain::access::{Action, Actor, Coordinates};
use crate::domain::audit::Event;
use crate::domain::case::{CaseFile, Made, NewCase, Step};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::procedures::{CaseKind, Procedure, StepKind};
use crate::store::acts::own_data;
use crate::store::change::{Change, LetterWrite};
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{Act, CaseOpen, Permit, Sealed};
use crate::store::read::cases::CaseView;
use crate::store::schema::{case_file, stored_file};
use crate::store::tx::{Tx, nothing};
use crate::store::write::WriteTx;

/// `contact` of `tells` that stands for the institution concerned.
const INSTITUTION: &str = "institution";

impl<'tx> Tx<'tx> {
    /// Leave to open a case of a kind.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown kind, [`Refusal::Forbidden`] with the clause.
    pub fn authorize_case_open(
        &mut self,
        register: &str,
        kind: &str,
        institution: Option<Uuid>,
        record: Option<Uuid>,
    ) -> Result<Permit<'tx, CaseOpen>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let kind = register.case_kind(kind).ok_or(Refusal::NotFound { what: "kind of case" })?;
        let facts = self.case_record(&register, record)?;
        let at = CaseCoordinates {
            institution_id: institution.or_else(|| facts.as_ref().map(|f| f.institution_id)),
            // Whoever opens a case is a party to it.
            party: true,
            about_self: facts.as_ref().is_some_and(|f| is_about(&register, &actor, f)),
            purpose_given: self.cx.purpose.is_some(),
        };
        let ruling = actor.case(&register.policies, &register.definition, Action::CaseOpen, &kind.name, at);
        if !ruling.decision.permitted {
            let event = self.case_event(&register, Action::CaseOpen, &actor, &ruling, kind, None);
            let detail = format!("your role does not permit opening a case of the kind {}", kind.name);
            return Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }));
        }
        // A record that the opener may not see does not exist for them.
        if let Some(found) = &facts {
            let record_type = register.record_type(&found.record_type).ok_or(Refusal::NotFound { what: "record" })?;
            let coordinates = Coordinates {
                institution_id: Some(found.institution_id),
                about_self: at.about_self,
                status: found.status,
                purpose_given: at.purpose_given,
            };
            let view =
                actor.sections(&register.policies, &register.definition, record_type, Action::RecordRead, &coordinates);
            if !view.any() && actor.user_id.is_some() {
                return Err(Refusal::invalid("/record_id", "not_found", "there is no such record", None).into());
            }
        } else if record.is_some() {
            return Err(Refusal::invalid("/record_id", "not_found", "there is no such record", None).into());
        }
        Ok(self.permit(register.clone(), ruling, nothing(), nothing(), facts))
    }

    /// Leave to do `A` with a case.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none or it may not be read, [`Refusal::Forbidden`] with the clause when it
    /// may be read but this may not be done.
    pub fn authorize_case<A: Act>(&mut self, register: &str, id: Uuid) -> Result<Permit<'tx, A>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        if let crate::store::conn::AnyConn::Pg(pg) = &mut *self.conn
            && A::ACTION != Action::CaseRead
        {
            case_file::table
                .find((register.name(), id.to_string()))
                .select(case_file::version)
                .for_update()
                .first::<i64>(pg)
                .optional()?;
        }
        let case = load(self, &register, id)?.ok_or(Refusal::NotFound { what: "case" })?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "case" })?;
        let facts = self.case_record(&register, case.record_id)?;
        let at = self.case_coordinates(&register, &actor, &case, facts.as_ref());
        let read = actor.case(&register.policies, &register.definition, Action::CaseRead, &kind.name, at);
        if !read.decision.permitted {
            let event = self.case_event(&register, A::ACTION, &actor, &read, kind, Some(&case));
            return Err(self.refuse(event, Refusal::NotFound { what: "case" }));
        }
        let ruling = match A::ACTION {
            Action::CaseRead => read,
            Action::CaseRespond => {
                let responds =
                    actor.case(&register.policies, &register.definition, Action::CaseRespond, &kind.name, at);
                // Whoever takes a case forward may also say something in it.
                match responds.decision.permitted {
                    true => responds,
                    false => actor.case(&register.policies, &register.definition, Action::CaseHandle, &kind.name, at),
                }
            }
            action => actor.case(&register.policies, &register.definition, action, &kind.name, at),
        };
        if A::ACTION == Action::CaseDecide
            && let Err(refusal) = own_data::decider(&register, kind, &ruling, at.about_self)
        {
            let mut event = self.case_event(&register, A::ACTION, &actor, &ruling, kind, Some(&case));
            event.clause = kind.own_data.as_ref().map(|rule| rule.clause.0.clone());
            return Err(self.refuse(event, refusal));
        }
        if !ruling.decision.permitted {
            let event = self.case_event(&register, A::ACTION, &actor, &ruling, kind, Some(&case));
            let detail = format!("your role does not permit {} for this kind of case", A::ACTION.as_str());
            return Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }));
        }
        let mut permit = self.permit(register.clone(), ruling, nothing(), nothing(), facts);
        permit.case = Some(Box::new(case));
        Ok(permit)
    }

    fn case_record(&mut self, register: &Register, record: Option<Uuid>) -> Result<Option<RecordFacts>, Error> {
        let today = self.today(register);
        record.map_or(Ok(None), |id| facts::load(self.conn, register.name(), id, today))
    }

    pub(in crate::store) fn case_coordinates(
        &self,
        register: &Register,
        actor: &Actor,
        case: &CaseFile,
        facts: Option<&RecordFacts>,
    ) -> CaseCoordinates {
        let opened = actor.user_id.is_some_and(|user| user.to_string() == case.opened_by);
        let own = case.from.as_ref().and_then(|f| f.personal_code.as_ref());
        CaseCoordinates {
            institution_id: case.institution_id,
            party: opened || (own.is_some() && own == actor.personal_code.as_ref()),
            about_self: facts.is_some_and(|f| is_about(register, actor, f))
                || (register.case_kind(&case.kind).is_some_and(|k| k.own_data.is_some())
                    && own_data::is_about(case, actor)),
            purpose_given: self.cx.purpose.is_some(),
        }
    }

    /// An event about a case: whose record and which kind, never what is written in it.
    pub(in crate::store) fn case_event(
        &self,
        register: &Register,
        action: Action,
        actor: &Actor,
        ruling: &Ruling,
        kind: &CaseKind,
        case: Option<&CaseFile>,
    ) -> Event {
        let mut event = self.event(register, action, actor, ruling);
        event.detail = Some(json!({ "kind": kind.name, "case_id": case.map(|c| c.id) }));
        event.institution_id = case.and_then(|c| c.institution_id);
        event.record_type = case.and_then(|c| c.record_type.clone());
        event.record_ids = case.and_then(|c| c.record_id).into_iter().collect();
        event
    }
}

/// A case by its id.
pub(in crate::store) fn load(tx: &mut Tx<'_>, register: &Register, id: Uuid) -> Result<Option<CaseFile>, Error> {
    let body: Option<String> =
        case_file::table.find((register.name(), id.to_string())).select(case_file::body).first(tx.conn).optional()?;
    body.map(|b| serde_json::from_str(&b).map_err(|_| Error::Damaged("a case cannot be read".into()))).transpose()
}

fn is_about(register: &Register, actor: &Actor, facts: &RecordFacts) -> bool {
    let subject = register.record_type(&facts.record_type).and_then(|t| t.subject.as_ref());
    let Some((subject, own)) = subject.and_then(|s| Some((s, actor.own(s)?))) else { return false };
    facts.data.get(subject.field()).and_then(Value::as_str) == Some(own)
}

impl<'tx> WriteTx<'tx> {
    /// Opens a case; whoever must be told is told at once.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault, [`Refusal::KeyReused`].
    pub fn case_open(&mut self, permit: Permit<'tx, CaseOpen>, new: &NewCase) -> Result<Sealed<'tx, CaseView>, Error> {
        let kind = permit.register.case_kind(&new.kind).ok_or(Refusal::NotFound { what: "kind of case" })?;
        own_address(kind, "/kind")?;
        self.case_opened(permit, new)
    }

    /// Opens a case whose content its procedure has checked.
    pub(in crate::store) fn case_opened(
        &mut self,
        permit: Permit<'tx, CaseOpen>,
        new: &NewCase,
    ) -> Result<Sealed<'tx, CaseView>, Error> {
        let register = permit.register.clone();
        let kind = register.case_kind(&new.kind).ok_or(Refusal::NotFound { what: "kind of case" })?;
        let actor = self.actor(&register)?;
        if let Some((id, _)) = self.earlier(register.name())? {
            let case = load(self, &register, id)?.ok_or(Refusal::NotFound { what: "case" })?;
            let event = self.case_event(&register, Action::CaseOpen, &actor, &permit.ruling, kind, Some(&case));
            self.note(event, 0, Some(json!({ "case_id": id, "replay": true })))?;
            return Ok(Sealed::new(self.case_view(&register, case)?, None));
        }
        if kind.procedure.is_opened_by_engine() && actor.user_id.is_some() {
            let detail = "such cases are opened by the engine itself, when the statute's event occurs";
            return Err(Refusal::invalid("/kind", "engine_only", detail, Some(kind.clause.clone())).into());
        }
        let mut new = new.clone();
        if let Some(facts) = &permit.facts {
            new.record_type = Some(facts.record_type.clone());
            new.institution_id = new.institution_id.or(Some(facts.institution_id));
        }
        self.own_data_asked(&register, kind, &actor, &mut new)?;
        self.check_case(&register, kind, &new)?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let id = self.new_id()?;
        let now = self.now;
        let case = CaseFile::open(&register, kind, id, &new, Made { at: now, by: &by })?;
        let letter = if kind.procedure == Procedure::Incident { "incident" } else { "case-opened" };
        let letters = self.letters_to(&register, kind, &case, &kind.tells, letter)?;
        let event = self.case_event(&register, Action::CaseOpen, &actor, &permit.ruling, kind, Some(&case));
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        self.apply(event, 0, Change::CaseOpened { case: Box::new(case.clone()), letters, idempotency })?;
        Ok(Sealed::new(self.case_view(&register, case)?, None))
    }

    /// Takes a step of the permit's case.
    ///
    /// # Errors
    /// Those of [`CaseFile::take`]; [`Refusal::Forbidden`] when the permit is for another kind of step (see
    /// [`Action::of_step`]); [`Refusal::Stale`] when `If-Match` names an older version.
    pub fn case_step<A: Act>(&mut self, permit: Permit<'tx, A>, step: &Step) -> Result<Sealed<'tx, CaseView>, Error> {
        let register = permit.register.clone();
        let case = permit.case.ok_or(Refusal::NotFound { what: "case" })?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "case" })?;
        if step.act == StepKind::Decide {
            own_address(kind, "/act")?;
        }
        if !A::ACTION.allows_step(step.act) {
            let detail = format!("`{}` is another act than {}", step.act.as_str(), A::ACTION.as_str());
            return Err(Refusal::Forbidden { clause: kind.clause.clone(), detail }.into());
        }
        let next = self.take_step(&register, kind, &case, &permit.ruling, A::ACTION, step)?;
        Ok(Sealed::new(self.case_view(&register, next)?, None))
    }

    /// The step itself, for whatever act it is part of.
    pub(in crate::store) fn take_step(
        &mut self,
        register: &Register,
        kind: &CaseKind,
        case: &CaseFile,
        ruling: &Ruling,
        action: Action,
        step: &Step,
    ) -> Result<CaseFile, Error> {
        if self.cx.if_match.is_some_and(|expected| expected != case.version) {
            return Err(Refusal::Stale { current: case.version }.into());
        }
        self.stepped(register, kind, case, ruling, action, step)
    }

    /// A step that the engine takes itself, in an act about something else.
    pub(in crate::store) fn engine_step(
        &mut self,
        register: &Register,
        kind: &CaseKind,
        case: &CaseFile,
        ruling: &Ruling,
        step: &Step,
    ) -> Result<(), Error> {
        self.stepped(register, kind, case, ruling, Action::CaseHandle, step).map(|_| ())
    }

    fn stepped(
        &mut self,
        register: &Register,
        kind: &CaseKind,
        case: &CaseFile,
        ruling: &Ruling,
        action: Action,
        step: &Step,
    ) -> Result<CaseFile, Error> {
        self.check_attachments(register, kind, &step.attachments)?;
        let actor = self.actor(register)?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let now = self.now;
        let next = case.take(register, kind, step, Made { at: now, by: &by })?;
        let mut letters = Vec::new();
        match step.act {
            StepKind::Forward => {
                let whom = kind.forwards_to.clone().unwrap_or_default();
                letters.extend(self.letter_to(register, kind, &next, &whom, "prescription-forwarded")?);
            }
            StepKind::Notify if step.channel.as_deref() == Some("email") => {
                let address = next.from.as_ref().map(|f| f.contact.clone()).filter(|c| c.contains('@'));
                let Some(address) = address else {
                    let detail = "no e-mail address is known; tell them by other means and say by which";
                    return Err(Refusal::invalid("/channel", "no_address", detail, Some(kind.clause.clone())).into());
                };
                let words = words(register, kind, &next);
                letters.push(self.letter(
                    "case-decided",
                    address,
                    register.definition.register.language.code().into(),
                    words,
                    Some(next.id),
                )?);
            }
            _ => {}
        }
        let event = self.case_event(register, action, &actor, ruling, kind, Some(&next));
        let change = Change::CaseStepped { case: Box::new(next.clone()), step: Box::new(step.clone()), letters };
        self.apply(event, 0, change)?;
        Ok(next)
    }

    /// A letter ready for the outbox.
    pub(in crate::store) fn letter(
        &self,
        letter: &str,
        address: String,
        language: String,
        words: Value,
        case_id: Option<Uuid>,
    ) -> Result<LetterWrite, Error> {
        Ok(LetterWrite {
            id: self.new_id()?,
            letter: letter.to_owned(),
            address,
            language,
            words,
            case_id,
            stage: None,
        })
    }

    /// Letters about a case to all of `whom`.
    pub(in crate::store) fn letters_to(
        &mut self,
        register: &Register,
        kind: &CaseKind,
        case: &CaseFile,
        whom: &[String],
        letter: &str,
    ) -> Result<Vec<LetterWrite>, Error> {
        let mut letters = Vec::new();
        for one in whom {
            letters.extend(self.letter_to(register, kind, case, one, letter)?);
        }
        Ok(letters)
    }

    /// A letter about a case to a contact point, or to the institution concerned.
    pub(in crate::store) fn letter_to(
        &mut self,
        register: &Register,
        kind: &CaseKind,
        case: &CaseFile,
        whom: &str,
        letter: &str,
    ) -> Result<Option<LetterWrite>, Error> {
        let source = &register.definition.register;
        let contact = source.contacts.iter().find(|c| c.name == whom);
        let (address, language) = match contact {
            Some(contact) => (contact.email.clone(), contact.language.clone()),
            None if whom == INSTITUTION => {
                let found = self.tx.case_record(register, case.institution_id)?;
                let field = source.institutions.email_field.as_deref().and_then(|path| FieldPath::parse(path).ok());
                let address = found.and_then(|f| field?.get(&f.data)?.as_str().map(str::to_owned));
                match address {
                    Some(address) => (address, source.language.code().to_owned()),
                    None => return Ok(None),
                }
            }
            None => return Ok(None),
        };
        self.letter(letter, address, language, words(register, kind, case), Some(case.id)).map(Some)
    }

    fn check_case(&mut self, register: &Register, kind: &CaseKind, new: &NewCase) -> Result<(), Error> {
        let clause = || Some(kind.clause.clone());
        if let Some(id) = new.institution_id {
            let today = self.today(register);
            let found = facts::load(self.conn, register.name(), id, today)?;
            if found.is_none_or(|f| !register.is_institution_type(&f.record_type)) {
                let detail = "there is no such institution";
                return Err(Refusal::invalid("/institution_id", "not_found", detail, clause()).into());
            }
        }
        let record_type = new.record_type.as_deref().and_then(|t| register.record_type(t));
        if kind.procedure == Procedure::Access {
            Application::read(&new.details, &register.definition, &kind.clause).map_err(Refusal::Invalid)?;
        }
        let mut faults = Vec::new();
        for (n, field) in new.fields.iter().enumerate() {
            let known =
                record_type.is_some_and(|t| FieldPath::parse(field).is_ok_and(|p| p.resolve(&t.fields).is_some()));
            if !known {
                let detail = "the record has no such field";
                faults.push(Violation::error(&format!("/fields/{n}"), "unknown_field", detail, clause()));
            }
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }
        self.check_attachments(register, kind, &new.attachments)
    }

    fn check_attachments(&mut self, register: &Register, kind: &CaseKind, files: &[String]) -> Result<(), Error> {
        if files.is_empty() {
            return Ok(());
        }
        let known: BTreeSet<String> = stored_file::table
            .filter(stored_file::register.eq(register.name()))
            .filter(stored_file::sha256.eq_any(files))
            .select(stored_file::sha256)
            .load(self.conn)?
            .into_iter()
            .collect();
        let faults: Vec<Violation> = files
            .iter()
            .enumerate()
            .filter(|(_, f)| !known.contains(*f))
            .map(|(n, _)| {
                let clause = Some(kind.clause.clone());
                Violation::error(&format!("/attachments/{n}"), "not_found", "store the file first", clause)
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(faults).into()) }
    }
}

/// A request for data has five items and is weighed by questions; neither fits the body of just any case.
fn own_address(kind: &CaseKind, pointer: &str) -> Result<(), Refusal> {
    if kind.procedure != Procedure::Disclosure {
        return Ok(());
    }
    let detail = "requests for data are made and decided at disclosure-requests";
    Err(Refusal::invalid(pointer, "own_address", detail, Some(kind.clause.clone())))
}

/// What a letter about a case says: its kind, its number, its day; nothing of what is in it.
pub(in crate::store) fn words(register: &Register, kind: &CaseKind, case: &CaseFile) -> Value {
    json!({
        "register": register.definition.register.name,
        "case_kind": kind.label,
        "clause": case.deadline.as_ref().map_or(&kind.clause, |d| &d.clause),
        "number": case.id,
        "due": case.deadline.as_ref().map(|d| d.due.to_string()),
        "decision": case.decision.as_ref().and_then(|d| {
            kind.outcomes.iter().find(|o| o.name == d.outcome).map(|o| &o.label)
        }),
        "remedies": case.decision.as_ref().and(kind.remedies.as_ref()),
        "path": format!("/registers/{}/cases/{}", register.name(), case.id),
    })
}
