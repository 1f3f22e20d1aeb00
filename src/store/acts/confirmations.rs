//! Confirmation by the head: which duties there are, what is said on the way, and the act itself.
//!
//! Duties follow from the definition's days and from the kind that an institution has on the day; a job reckons them
//! anew, cancels those that fell away and takes up those that are due after all. What is confirmed is bound to the root
//! over exactly those records in exactly that state; it stays, and what changes later shows as drift.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::access::rights::Ruling;
use crate::domain::audit::{Event, Kind};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::confirmation::checks;
use crate::domain::confirmation::days::{self, DueDay, Standing};
use crate::domain::hex;
use crate::domain::record::index::Status;
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::duties::{CheckSeverity, ConfirmationDuty};
use crate::domain::statute::{Clause, Label};
use crate::store::change::{Change, ConfirmedLeaf, ConfirmedWrite, DutyWrite, LetterWrite, NoteWrite};
use crate::store::conn::AnyConn;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{ConfirmationCheck, ConfirmationConfirm, ConfirmationRead, Permit, Sealed};
use crate::store::read::confirmations::{
    Assembled, Confirmer, Duty, DutyBody, ReceiptBody, ReceiptView, SaidOf, duty_named, text_at,
};
use crate::store::read::lists::every;
use crate::store::schema::{
    access_grant, app_user, audit_event, audit_payload, audit_subject, calendar_feed, confirmation, outbox, record,
    record_index, record_state,
};
use crate::store::tx::Tx;
use crate::store::write::WriteTx;

/// Longest reason or note, in characters.
const LONGEST: usize = 2_000;
/// Faults and changes that one refusal names.
const MOST: usize = 500;
/// Days after which a missed duty is no longer brought to anybody's notice by letter.
const ESCALATED_FOR: u64 = 30;
/// Letters of one event.
const LETTERS: usize = 500;

/// What a run of the job did in a register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reckoned {
    /// Duties that are new.
    pub new: usize,
    /// Duties that fell away.
    pub cancelled: usize,
    /// Duties that are due after all.
    pub reopened: usize,
}

/// Something said on the way to a confirmation.
#[derive(Debug, Clone)]
pub enum Said {
    /// The records of a type were looked through.
    Check {
        /// Record type.
        record_type: String,
        /// What the checker notes.
        note: Option<String>,
    },
    /// Why a warning can stand.
    Reason {
        /// The finding.
        key: String,
        /// Why.
        reason: String,
    },
    /// A known fault under an open inquiry.
    Exception(Excepted),
}

/// A known fault under an open inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excepted {
    /// The finding.
    pub key: String,
    /// The inquiry.
    pub case_id: Uuid,
    /// Why it can be confirmed around.
    pub reason: String,
}

/// What was noted.
#[derive(Debug, Clone, Serialize)]
pub struct NoteView {
    /// Id.
    pub id: Uuid,
    /// The duty.
    pub confirmation_id: Uuid,
    /// `check`, `reason` or `exception`.
    pub kind: &'static str,
    /// The record type, or the key of the finding.
    pub subject: String,
    /// What was said.
    pub text: String,
    /// The inquiry.
    pub case_id: Option<Uuid>,
    /// When.
    pub made_at: String,
    /// Its entry in the log.
    pub audit_id: Uuid,
}

/// What a head says in confirming.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The root over what they saw.
    pub snapshot_root: String,
    /// That they state it.
    pub statement: bool,
    /// Known faults under open inquiries, besides those noted before.
    pub exceptions: Vec<Excepted>,
}

/// What an institution is over a run of days.
struct Run {
    from: NaiveDate,
    until: Option<NaiveDate>,
    begins: Option<NaiveDate>,
    ends: Option<NaiveDate>,
    kind: Option<String>,
}

impl Tx<'_> {
    /// Every institution's kind and life over all days: one query for all of them.
    fn institution_runs(&mut self, register: &Register) -> Result<HashMap<Uuid, Vec<Run>>, Error> {
        type Row = (String, String, String, String, String, String);
        let source = &register.definition.register.institutions;
        let Some(kind) = register.record_type(&source.record_type) else {
            return Ok(HashMap::new());
        };
        let rows: Vec<Row> = record_index::table
            .inner_join(
                record_state::table.on(record_state::register
                    .eq(record_index::register)
                    .and(record_state::record_id.eq(record_index::record_id))
                    .and(record_state::from_day.eq(record_index::from_day))),
            )
            .filter(record_index::register.eq(register.name()))
            .filter(record_index::record_type.eq(&kind.name))
            .filter(record_index::field.eq(every(kind)))
            .select((
                record_index::record_id,
                record_index::from_day,
                record_index::until_day,
                record_index::begins_on,
                record_index::ends_on,
                record_state::data,
            ))
            .load(self.conn)?;
        let mut runs: HashMap<Uuid, Vec<Run>> = HashMap::new();
        for (id, from, until, begins, ends, data) in rows {
            let data = facts::json(&data)?;
            runs.entry(facts::id(&id)?).or_default().push(Run {
                from: facts::day(&from)?,
                until: facts::bound(&until),
                begins: facts::bound(&begins),
                ends: facts::bound(&ends),
                kind: source.kind_field.as_deref().and_then(|f| text_at(&data, f)).map(str::to_owned),
            });
        }
        Ok(runs)
    }
}

/// What an institution is on `day`: its kind and where it stands.
fn on(runs: &[Run], day: NaiveDate) -> (Option<&str>, Status) {
    let run = runs.iter().find(|r| r.from <= day && r.until.is_none_or(|until| day < until));
    run.map_or((None, Status::None), |r| (r.kind.as_deref(), Status::on(day, r.begins, r.ends)))
}

/// Why a duty does not bind an institution that is so on the day.
fn why_not(kind: Option<&str>, status: Status) -> String {
    match (status, kind) {
        (Status::Ended, _) => "the institution has been closed or merged before that day".to_owned(),
        (Status::Pending | Status::None, _) => "the institution begins after that day".to_owned(),
        (Status::Active, Some(kind)) => format!("the institution is of another kind on that day: {kind}"),
        (Status::Active, None) => "the institution has no kind on that day".to_owned(),
    }
}

impl<'tx> WriteTx<'tx> {
    /// Reckons the duties from a year back, or from when the register has institutions, until a year ahead: adds what is
    /// missing, cancels what fell away, takes up what is due after all. What was confirmed stays as it is.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] where the policies do not let the installation see duties; those of the log.
    pub(crate) fn duties_reckon(&mut self, register: &str) -> Result<Sealed<'tx, Reckoned>, Error> {
        type Row = (String, String, String, String, Option<i64>, Option<i64>, String);
        let register = self.register(register)?;
        let rules = &register.definition.register.confirmations;
        // In a register that is closed nobody confirms anything any more.
        if rules.is_empty() || self.closed(&register)?.is_some() {
            return Ok(Sealed::new(Reckoned::default(), None));
        }
        let permit = self.authorize_register::<ConfirmationRead>(register.name(), None)?;
        // Whoever looks first reckons, and so does the job: two at once would add the same duties.
        self.alone("duties", &register)?;
        let today = self.today(&register);
        let runs = self.institution_runs(&register)?;
        let year = Days::new(366);
        let (Some(back), Some(to)) = (today.checked_sub_days(year), today.checked_add_days(year)) else {
            return Ok(Sealed::new(Reckoned::default(), None));
        };
        let first = runs.values().flatten().filter_map(|r| r.begins).min();
        let from = first.map_or(back, |first| first.max(back));
        let rows: Vec<Row> = confirmation::table
            .filter(confirmation::register.eq(register.name()))
            .filter(confirmation::due_on.between(back.to_string(), to.to_string()))
            .select((
                confirmation::id,
                confirmation::duty,
                confirmation::institution_id,
                confirmation::due_on,
                confirmation::cancelled_at,
                confirmation::confirmed_at,
                confirmation::body,
            ))
            .load(self.conn)?;
        let mut known: HashSet<(String, Uuid, NaiveDate)> = HashSet::new();
        let (mut cancelled, mut reopened) = (Vec::new(), Vec::new());
        for (id, duty, institution, due_on, cancelled_at, confirmed_at, body) in rows {
            let (institution, due_on) = (facts::id(&institution)?, facts::day(&due_on)?);
            let rule = rules.iter().find(|r| r.name == duty);
            let named = rule.is_some_and(|r| r.due_on.iter().any(|d| due_on.to_string().ends_with(d.as_str())));
            known.insert((duty, institution, due_on));
            if confirmed_at.is_some() {
                continue;
            }
            let (kind, status) = runs.get(&institution).map_or((None, Status::None), |runs| on(runs, due_on));
            let binds = named && rule.is_some_and(|r| days::binds(r, kind, status));
            if binds == cancelled_at.is_none() {
                continue;
            }
            let mut body: DutyBody =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a duty cannot be read".into()))?;
            body.cancelled = (!binds).then(|| match named {
                true => why_not(kind, status),
                false => "the statute no longer names this day".to_owned(),
            });
            let list = if binds { &mut reopened } else { &mut cancelled };
            list.push((facts::id(&id)?, json!(body)));
        }
        let mut new = Vec::new();
        for rule in rules {
            for due in days::due_days(rule, &register.calendar, from, to) {
                for (institution, runs) in &runs {
                    let (kind, status) = on(runs, due.due_on);
                    if !days::binds(rule, kind, status)
                        || known.contains(&(rule.name.clone(), *institution, due.due_on))
                    {
                        continue;
                    }
                    new.push(self.new_duty(rule, *institution, &due)?);
                }
            }
        }
        let done = Reckoned { new: new.len(), cancelled: cancelled.len(), reopened: reopened.len() };
        if done != Reckoned::default() {
            let event = self.job_event(&register, "confirmation.reckon", &permit.ruling)?;
            self.apply(event, 0, Change::DutiesComputed { new, cancelled, reopened })?;
        }
        Ok(Sealed::new(done, None))
    }

    fn new_duty(&self, rule: &ConfirmationDuty, institution: Uuid, due: &DueDay) -> Result<DutyWrite, Error> {
        let body =
            DutyBody { kind: rule.institution_kind.clone(), moved_by: due.moved_by.clone(), ..DutyBody::default() };
        Ok(DutyWrite {
            id: self.new_id()?,
            duty: rule.name.clone(),
            institution_id: institution,
            due_on: due.due_on,
            acts_by: due.acts_by,
            opens_on: due.opens_on,
            body: json!(body),
        })
    }

    fn job_event(&mut self, register: &Register, action: &str, ruling: &Ruling) -> Result<Event, Error> {
        let actor = self.actor(register)?;
        let mut event = self.event(register, Action::ConfirmationRead, &actor, ruling);
        event.kind = Kind::Job;
        action.clone_into(&mut event.action);
        Ok(event)
    }

    /// Queues the reminders that are due, each once: to the institution from the opening until the last day, then to
    /// whom the duty escalates. How many letters that is.
    ///
    /// # Errors
    /// As [`WriteTx::duties_reckon`].
    pub(crate) fn duties_remind(&mut self, register: &str) -> Result<Sealed<'tx, usize>, Error> {
        type Row = (String, String, String, String, String);
        let register = self.register(register)?;
        let source = &register.definition.register;
        let today = self.today(&register);
        if source.confirmations.is_empty() || self.closed(&register)?.is_some() {
            return Ok(Sealed::new(0, None));
        }
        let permit = self.authorize_register::<ConfirmationRead>(register.name(), None)?;
        let since = today.checked_sub_days(Days::new(ESCALATED_FOR)).unwrap_or(today);
        let rows: Vec<Row> = confirmation::table
            .filter(confirmation::register.eq(register.name()))
            .filter(confirmation::cancelled_at.is_null())
            .filter(confirmation::confirmed_at.is_null())
            .filter(confirmation::opens_on.le(today.to_string()))
            .filter(confirmation::acts_by.ge(since.to_string()))
            .order(confirmation::id)
            .select((
                confirmation::id,
                confirmation::duty,
                confirmation::institution_id,
                confirmation::due_on,
                confirmation::acts_by,
            ))
            .load(self.conn)?;
        let mut days_of: HashMap<(String, String), Option<DueDay>> = HashMap::new();
        let mut wanted = Vec::new();
        for (id, duty, institution, due_on, acts_by) in rows {
            let Some(rule) = source.confirmations.iter().find(|r| r.name == duty) else { continue };
            let acts_by = facts::day(&acts_by)?;
            let stage = if today > acts_by {
                Some(("confirmation-overdue", "late".to_owned()))
            } else {
                let day = facts::day(&due_on)?;
                let due = days_of
                    .entry((duty.clone(), due_on.clone()))
                    .or_insert_with(|| days::due_days(rule, &register.calendar, day, day).pop());
                due.as_ref().map(|due| stage(due, today))
            };
            if let Some((letter, stage)) = stage {
                wanted.push((format!("confirmation:{id}:{stage}"), letter, rule, id, institution, acts_by));
            }
        }
        let mut queued: HashSet<String> = HashSet::new();
        for part in wanted.chunks(LETTERS) {
            let keys = part.iter().map(|w| w.0.clone());
            let found: Vec<Option<String>> = outbox::table
                .filter(outbox::register.eq(register.name()))
                .filter(outbox::stage.eq_any(keys))
                .select(outbox::stage)
                .load(self.conn)?;
            queued.extend(found.into_iter().flatten());
        }
        wanted.retain(|w| !queued.contains(&w.0));
        if wanted.is_empty() {
            return Ok(Sealed::new(0, None));
        }
        let ids: BTreeSet<String> = wanted.iter().map(|w| w.4.clone()).collect();
        let institutions = self.institutions_on(&register, ids.clone(), today)?;
        let names = self.institution_names(&register, ids, today)?;
        let mut letters = Vec::new();
        for (key, letter, rule, id, institution, acts_by) in wanted {
            let contact = source.contacts.iter().find(|c| Some(&c.name) == rule.escalates_to.as_ref());
            let to = if letter == "confirmation-overdue" {
                contact.map(|c| (c.email.clone(), c.language.clone()))
            } else {
                let field = source.institutions.email_field.as_deref();
                let data = institutions.get(&institution);
                data.and_then(|d| text_at(d, field?)).map(|email| (email.to_owned(), "et".to_owned()))
            };
            let Some((address, language)) = to else { continue };
            letters.push(LetterWrite {
                id: self.new_id()?,
                letter: letter.to_owned(),
                address,
                language,
                words: json!({
                    "register": source.name,
                    "clause": rule.clause,
                    "number": id,
                    "due": acts_by.to_string(),
                    "duty": rule.label,
                    "institution": names.get(&institution),
                    "path": format!("/registers/{}/confirmations/{id}", register.name()),
                }),
                case_id: None,
                stage: Some(key),
            });
        }
        let count = letters.len();
        for part in letters.chunks(LETTERS) {
            let event = self.job_event(&register, "confirmation.remind", &permit.ruling)?;
            self.apply(event, 0, Change::ConfirmationReminded { letters: part.to_vec() })?;
        }
        Ok(Sealed::new(count, None))
    }

    /// The duty of a permit, which nobody else changes until this act is over, while it can still be confirmed.
    fn confirmable<A: crate::store::guard::Act>(
        &mut self,
        permit: &Permit<'tx, A>,
        id: Uuid,
    ) -> Result<(Duty, ConfirmationDuty), Error> {
        let duty = self.duty_of(permit, id)?;
        let rule = duty_named(&permit.register, &duty.duty)?.clone();
        let conflict = |code, detail: String| Refusal::Conflict { code, detail, clause: Some(rule.clause.clone()) };
        let today = self.today(&permit.register);
        match duty.standing(today) {
            Standing::Open | Standing::Overdue => {}
            Standing::Upcoming => {
                let detail = format!("it can be confirmed from {} on, for {}", duty.opens_on, duty.due_on);
                return Err(conflict("not_open_yet", detail).into());
            }
            Standing::Confirmed | Standing::ConfirmedLate => {
                let number = duty.number.unwrap_or_default();
                return Err(conflict("already_confirmed", format!("it is confirmed already, under {number}")).into());
            }
            Standing::Cancelled => {
                let why = duty.body.cancelled.clone().unwrap_or_default();
                return Err(conflict("cancelled", format!("there is nothing to confirm: {why}")).into());
            }
        }
        Ok((duty, rule))
    }

    /// Notes a part as checked, a reason or an exception.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] before the window and after the confirmation; [`Refusal::Invalid`] for a type or a finding
    /// that there is not, a reason for an error, or a case that is no open inquiry about this institution.
    pub fn confirmation_note(
        &mut self,
        permit: Permit<'tx, ConfirmationCheck>,
        id: Uuid,
        said: &Said,
    ) -> Result<Sealed<'tx, NoteView>, Error> {
        let register = permit.register.clone();
        let (duty, rule) = self.confirmable(&permit, id)?;
        let state = self.assemble(&register, &duty, &rule)?;
        let (kind, subject, text, case_id, body) = match said {
            Said::Check { record_type, note } => {
                if !rule.record_types.contains(record_type) {
                    let detail = format!("one of these is expected: {}", rule.record_types.join(", "));
                    let clause = Some(rule.clause.clone());
                    return Err(Refusal::invalid("/record_type", "not_in_codelist", detail, clause).into());
                }
                let note = note.as_deref().map(|n| words(n, "/note", &rule.clause)).transpose()?.unwrap_or_default();
                // The root tells later whether what was checked is still so.
                let body = json!({ "note": note, "root": state.part_root(record_type) });
                ("check", record_type.clone(), note, None, body)
            }
            Said::Reason { key, reason } => {
                let reason = words(reason, "/reason", &rule.clause)?;
                let finding = finding(&state, key, &rule)?;
                if finding.severity == CheckSeverity::Error {
                    let detail = "an error is mended, or confirmed around under an open inquiry; a reason is no help";
                    let clause = Some(finding.clause.clone());
                    return Err(Refusal::invalid("/key", "not_a_warning", detail, clause).into());
                }
                ("reason", key.clone(), reason.clone(), None, json!({ "reason": reason }))
            }
            Said::Exception(e) => {
                let reason = excepted(&state, e, &rule, "")?;
                let body = json!({ "reason": reason, "case_id": e.case_id });
                ("exception", e.key.clone(), reason, Some(e.case_id), body)
            }
        };
        let note = NoteWrite { id: self.new_id()?, confirmation_id: id, kind, subject: subject.clone(), body };
        let note_id = note.id;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::ConfirmationCheck, &actor, &permit.ruling);
        event.institution_id = Some(duty.institution_id);
        let (audit_id, at) = self.apply(event, 0, Change::ConfirmationNoted(Box::new(note)))?;
        let view = NoteView {
            id: note_id,
            confirmation_id: id,
            kind,
            subject,
            text,
            case_id,
            made_at: rfc3339(instant(at)),
            audit_id,
        };
        Ok(Sealed::new(view, None))
    }

    /// Confirms: binds the statement to exactly the records that are there now.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] outside the window and after the confirmation; [`Refusal::StaleRoot`] with what changed;
    /// [`Refusal::Invalid`] with every fault in the way, or without the statement.
    pub fn confirm(
        &mut self,
        permit: Permit<'tx, ConfirmationConfirm>,
        id: Uuid,
        said: &Statement,
    ) -> Result<Sealed<'tx, ReceiptView>, Error> {
        let register = permit.register.clone();
        let (duty, rule) = self.confirmable(&permit, id)?;
        self.require_bound(&register, &duty, &rule)?;
        if !said.statement {
            let clause = Some(rule.responsible_clause.clone());
            let detail = "whoever confirms states it: send `true` once you have read the statement";
            return Err(Refusal::invalid("/statement", "required", detail, clause).into());
        }
        let state = self.assemble(&register, &duty, &rule)?;
        let root = hex(&state.root);
        if !said.snapshot_root.eq_ignore_ascii_case(&root) {
            let changes = self.changes_since(&register, &duty, &state, &said.snapshot_root, &root)?;
            return Err(Refusal::StaleRoot { changes, clause: rule.clause.clone() }.into());
        }
        let mut exceptions = state.exceptions();
        let mut noted = Vec::new();
        for (n, e) in said.exceptions.iter().enumerate() {
            let reason = excepted(&state, e, &rule, &format!("/exceptions/{n}"))?;
            exceptions.insert(e.key.clone());
            noted.push(SaidOf { key: e.key.clone(), case_id: Some(e.case_id), reason });
        }
        let reasons = state.reasons();
        let faults: Vec<Violation> = checks::blockers(&state.findings, &reasons, &exceptions)
            .into_iter()
            .take(MOST)
            .map(|f| {
                let place = f.pointer.as_deref().unwrap_or_default();
                let at = match f.record_id {
                    Some(record) => format!("/records/{record}{place}"),
                    None => format!("/findings/{}", f.key.replace('~', "~0").replace('/', "~1")),
                };
                Violation::error(&at, f.code, &f.detail, Some(f.clause.clone()))
            })
            .collect();
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }

        let actor = self.actor(&register)?;
        let confirmed_by = self.confirmer(&register, &permit.ruling, &rule)?;
        let own: HashSet<String> = noted.iter().map(|e| e.key.clone()).collect();
        let standing: BTreeMap<&str, &crate::domain::confirmation::checks::Finding> =
            state.findings.iter().map(|f| (f.key.as_str(), f)).collect();
        let earlier = |kind: &str, in_force: &HashSet<String>| {
            let mut list: Vec<SaidOf> = state
                .notes
                .values()
                .filter(|n| {
                    n.kind == kind && in_force.contains(&n.subject) && standing.contains_key(n.subject.as_str())
                })
                .filter(|n| !own.contains(&n.subject))
                .map(|n| SaidOf {
                    key: n.subject.clone(),
                    case_id: n.case_id(),
                    reason: n.body.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned(),
                })
                .collect();
            list.sort_by(|a, b| a.key.cmp(&b.key));
            list
        };
        let mut all_exceptions = earlier("exception", &exceptions);
        let given_reasons = earlier("reason", &reasons);
        all_exceptions.extend(noted.iter().cloned());
        let today = self.today(&register);
        let names = self.institution_names(&register, BTreeSet::from([duty.institution_id.to_string()]), today)?;
        let counts = state.counts(&rule);
        let body = DutyBody {
            receipt: Some(ReceiptBody {
                label: rule.label.clone(),
                institution: names.into_values().next().unwrap_or_default(),
                counts: counts.clone(),
                statement: rule.statement.clone(),
                clause: rule.clause.clone(),
                responsible_clause: rule.responsible_clause.clone(),
                confirmed_by,
                exceptions: all_exceptions,
                reasons: given_reasons,
                definition: register.definition.digest.clone(),
            }),
            ..duty.body.clone()
        };
        for e in &noted {
            let note = NoteWrite {
                id: self.new_id()?,
                confirmation_id: id,
                kind: "exception",
                subject: e.key.clone(),
                body: json!({ "reason": e.reason, "case_id": e.case_id }),
            };
            let mut event = self.event(&register, Action::ConfirmationConfirm, &actor, &permit.ruling);
            event.institution_id = Some(duty.institution_id);
            "confirmation.except".clone_into(&mut event.action);
            self.apply(event, 0, Change::ConfirmationNoted(Box::new(note)))?;
        }
        let number = self.next_number(&register)?;
        let mut event = self.event(&register, Action::ConfirmationConfirm, &actor, &permit.ruling);
        event.institution_id = Some(duty.institution_id);
        let write = ConfirmedWrite {
            id,
            number,
            on: today,
            root,
            counts: json!(counts),
            body: json!(body),
            leaves: state
                .leaves
                .into_iter()
                .map(|l| ConfirmedLeaf {
                    record_id: l.record_id,
                    record_type: l.record_type,
                    version: l.version,
                    hash: l.hash.to_vec(),
                })
                .collect(),
        };
        self.apply(event, 0, Change::Confirmed(Box::new(write)))?;
        let receipt = self.duty(&register, id, false)?.receipt(register.name());
        let receipt = receipt.ok_or_else(|| Error::Damaged("a confirmation without a receipt".into()))?;
        Ok(Sealed::new(receipt, None))
    }

    /// Refuses where the institution, as known now, has no such duty: the job has not looked since it changed.
    fn require_bound(&mut self, register: &Register, duty: &Duty, rule: &ConfirmationDuty) -> Result<(), Error> {
        let facts = facts::load(self.conn, register.name(), duty.institution_id, duty.due_on)?;
        let field = register.definition.register.institutions.kind_field.as_deref();
        let kind = facts.as_ref().and_then(|f| text_at(&f.data, field?));
        let status = facts.as_ref().map_or(Status::None, |f| if f.before_first { Status::Pending } else { f.status });
        if days::binds(rule, kind, status) {
            return Ok(());
        }
        let detail = format!("there is nothing to confirm: {}", why_not(kind, status));
        Err(Refusal::Conflict { code: "cancelled", detail, clause: Some(rule.clause.clone()) }.into())
    }

    /// Who confirms, in which role, on what basis.
    fn confirmer(&mut self, register: &Register, ruling: &Ruling, rule: &ConfirmationDuty) -> Result<Confirmer, Error> {
        let refused = || Refusal::Forbidden {
            clause: rule.responsible_clause.clone(),
            detail: "only the head of the institution, or whoever stands in for them by a document, confirms".into(),
        };
        let user = self.user()?.ok_or_else(refused)?;
        let grant = ruling.grant_id.ok_or_else(refused)?;
        let body: String = access_grant::table
            .find((register.name(), grant.to_string()))
            .select(access_grant::body)
            .first(self.conn)?;
        let grant: crate::domain::access::Grant =
            serde_json::from_str(&body).map_err(|_| Error::Damaged("a grant cannot be read".into()))?;
        if grant.basis.reference.trim().is_empty() {
            return Err(refused().into());
        }
        let name: String = app_user::table
            .find((INSTALLATION_REGISTER, user.id.to_string()))
            .select(app_user::display_name)
            .first(self.conn)?;
        let role = register.definition.register.roles.iter().find(|r| r.name == grant.role);
        let role_label = role.map_or_else(|| Label::estonian(&grant.role), |r| r.label.clone());
        Ok(Confirmer { name, role: grant.role, role_label, grant_id: grant.id, basis: grant.basis })
    }

    /// Waits until no other transaction does the same in this register, until this one ends. SQLite has one writer
    /// anyway.
    pub(in crate::store) fn alone(&mut self, what: &str, register: &Register) -> Result<(), Error> {
        if let AnyConn::Pg(pg) = &mut *self.conn {
            diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind::<diesel::sql_types::Text, _>(format!("{what}:{}", register.name()))
                .execute(pg)?;
        }
        Ok(())
    }

    /// The next number of the register's confirmations. Of two at once one waits: there are no gaps.
    fn next_number(&mut self, register: &Register) -> Result<i64, Error> {
        self.alone("confirmation", register)?;
        let last: Option<i64> = confirmation::table
            .filter(confirmation::register.eq(register.name()))
            .select(diesel::dsl::max(confirmation::number))
            .first(self.conn)?;
        Ok(last.unwrap_or(0) + 1)
    }

    /// What changed since a checklist with the root `seen` was shown: the log knows which records it was over, and when.
    fn changes_since(
        &mut self,
        register: &Register,
        duty: &Duty,
        state: &Assembled,
        seen: &str,
        root: &str,
    ) -> Result<Vec<Violation>, Error> {
        let now = format!("the root over the data as they are now is {root}");
        let mut changes = vec![Violation::error("/snapshot_root", "stale_root", &now, None)];
        let rows: Vec<(i64, String)> =
            audit_subject::table
                .inner_join(audit_event::table.on(
                    audit_event::register.eq(audit_subject::register).and(audit_event::id.eq(audit_subject::event_id)),
                ))
                .inner_join(
                    audit_payload::table.on(audit_payload::register
                        .eq(audit_subject::register)
                        .and(audit_payload::event_id.eq(audit_subject::event_id))),
                )
                .filter(audit_subject::register.eq(register.name()))
                .filter(audit_subject::record_id.eq(duty.institution_id.to_string()))
                .filter(audit_event::action.eq(Action::ConfirmationRead.as_str()))
                .order(audit_subject::event_id.desc())
                .limit(50)
                .select((audit_event::recorded_at, audit_payload::body))
                .load(self.conn)?;
        let shown = rows.into_iter().find_map(|(at, body)| {
            let event: Event = serde_json::from_str(&body).ok()?;
            let root = event.detail.as_ref()?.get("snapshot_root")?.as_str()?;
            root.eq_ignore_ascii_case(seen).then(|| (at, event.record_ids.into_iter().collect::<HashSet<_>>()))
        });
        let Some((at, before)) = shown else {
            let detail = "no checklist with this root has been shown lately; look again";
            changes.push(Violation::error("/snapshot_root", "unknown_root", detail, None));
            return Ok(changes);
        };
        let held: HashSet<Uuid> = state.held.iter().map(|r| r.record_id).collect();
        let missing: Vec<String> = before.iter().filter(|id| !held.contains(id)).map(Uuid::to_string).collect();
        let mut gone: Vec<String> = Vec::new();
        // The log names what differed from earlier confirmations too: only what has a newer entry went since.
        for part in missing.chunks(MOST) {
            let found: Vec<String> = record::table
                .filter(record::register.eq(register.name()))
                .filter(record::id.eq_any(part))
                .filter(record::id.ne(duty.institution_id.to_string()))
                .filter(record::updated_at.gt(at))
                .select(record::id)
                .load(self.conn)?;
            gone.extend(found);
        }
        let mut name = |id: Uuid, code: &'static str, detail: &str| {
            changes.push(Violation::error(&format!("/records/{id}"), code, detail, None));
        };
        for record in state.held.iter().take(MOST) {
            if !before.contains(&record.record_id) {
                name(record.record_id, "added", "it was not there when you looked");
            } else if record.updated_at > at {
                name(record.record_id, "changed", "there is a newer entry");
            }
        }
        for id in gone {
            name(facts::id(&id)?, "gone", "it is no longer there on that day");
        }
        changes.truncate(MOST);
        Ok(changes)
    }

    /// Makes a secret address for the caller's calendar; kept is its digest alone.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever may see no duties.
    pub fn calendar_feed_make(&mut self, register: &str, digest: &str) -> Result<(), Error> {
        // Whoever sees no duties needs no calendar of them.
        drop(self.calendar(register)?);
        let register = self.register(register)?;
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let event = self.feed_event(&register)?;
        let change = Change::CalendarFed { digest: digest.to_owned(), user_id: user.id, revoked: false };
        self.apply(event, 0, change)?;
        Ok(())
    }

    /// Ends a secret address of the caller's.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for one that there is not, or not any more, or that is somebody else's.
    pub fn calendar_feed_end(&mut self, register: &str, digest: &str) -> Result<Sealed<'tx, ()>, Error> {
        let register = self.register(register)?;
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let found: Option<String> = calendar_feed::table
            .find((register.name(), digest))
            .filter(calendar_feed::user_id.eq(user.id.to_string()))
            .filter(calendar_feed::revoked_at.is_null())
            .select(calendar_feed::digest)
            .first(self.conn)
            .optional()?;
        let digest = found.ok_or(Refusal::NotFound { what: "calendar" })?;
        let event = self.feed_event(&register)?;
        self.apply(event, 0, Change::CalendarFed { digest, user_id: user.id, revoked: true })?;
        Ok(Sealed::new((), None))
    }

    fn feed_event(&mut self, register: &Register) -> Result<Event, Error> {
        let actor = self.actor(register)?;
        let purpose = self.cx.purpose.is_some();
        let ruling = actor.register(&register.policies, &register.definition, Action::ConfirmationRead, None, purpose);
        let mut event = self.event(register, Action::ConfirmationRead, &actor, &ruling);
        event.kind = Kind::Config;
        "calendar.feed".clone_into(&mut event.action);
        Ok(event)
    }
}

/// The newest reminder that is due on `today`: its letter, and by what it is known.
fn stage(due: &DueDay, today: NaiveDate) -> (&'static str, String) {
    match due.reminders.iter().filter(|day| **day <= today).max() {
        // The first one tells that it has opened.
        Some(day) if due.reminders.first() != Some(day) => ("confirmation-due", day.to_string()),
        _ => ("confirmation-opens", "opens".to_owned()),
    }
}

/// What somebody has written, neither empty nor too long.
fn words(text: &str, pointer: &str, clause: &Clause) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST {
        let detail = format!("write at least one and at most {LONGEST} characters");
        return Err(Refusal::invalid(pointer, "required", detail, Some(clause.clone())));
    }
    Ok(text.to_owned())
}

/// The finding that a key names, as things are now.
fn finding<'s>(
    state: &'s Assembled,
    key: &str,
    rule: &ConfirmationDuty,
) -> Result<&'s crate::domain::confirmation::checks::Finding, Refusal> {
    let absent = || Refusal::invalid("/key", "not_found", "there is no such finding", Some(rule.clause.clone()));
    state.findings.iter().find(|f| f.key == key).ok_or_else(absent)
}

/// Checks an exception; its reason comes back.
fn excepted(state: &Assembled, e: &Excepted, rule: &ConfirmationDuty, at: &str) -> Result<String, Refusal> {
    let reason = words(&e.reason, &format!("{at}/reason"), &rule.clause)?;
    let clause = || Some(rule.clause.clone());
    let Some(finding) = state.findings.iter().find(|f| f.key == e.key) else {
        return Err(Refusal::invalid(&format!("{at}/key"), "not_found", "there is no such finding", clause()));
    };
    // About the institution as a whole, or about the very record.
    let open = state.inquiries.iter().find(|c| c.id == e.case_id);
    if open.is_none_or(|c| c.record_id.is_some() && c.record_id != finding.record_id) {
        let detail = match &rule.inquiry {
            Some(kind) => format!("an open case of the kind {kind} about this institution or this record is expected"),
            None => "the statute knows no inquiry under which this duty could be confirmed around a fault".to_owned(),
        };
        return Err(Refusal::invalid(&format!("{at}/case_id"), "no_open_inquiry", detail, clause()));
    }
    Ok(reason)
}
