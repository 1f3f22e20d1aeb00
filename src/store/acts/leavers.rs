//! The right to use a register ends with the employment: the duty arises in the entry's own transaction, the rights
//! lose their force from the day after, and a job takes them away.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::domain::access::policy::Decision;
use crate::domain::access::rights::Ruling;
use crate::domain::access::{Action, Grant};
use crate::domain::case::{CaseFile, Deadline, Made, NewCase, Step};
use crate::domain::record::Timeline;
use crate::domain::record::index::search_key;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::procedures::{LeaverRule, Procedure, StepKind};
use crate::store::change::{Change, LeaverWrite};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts::{self, LAST_DAY};
use crate::store::guard::{GrantRevoke, Sealed};
use crate::store::schema::{access_grant, app_user, leaver, record_index, record_state};
use crate::store::tx::Tx;
use crate::store::write::WriteTx;

/// A user whose rights are due to be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Who.
    pub user_id: Uuid,
    /// Last day of the employment.
    pub last_day: NaiveDate,
    /// By when the rights must be ended.
    pub due_on: NaiveDate,
}

impl Tx<'_> {
    /// Users of `register` whose last day has passed and who still hold what they held then.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn leavers_due(&mut self, register: &str, limit: i64) -> Result<Vec<Leaving>, Error> {
        let register = self.register(register)?;
        let today = self.today(&register).to_string();
        let held = access_grant::table
            .filter(access_grant::register.eq(leaver::register))
            .filter(access_grant::user_id.eq(leaver::user_id))
            .filter(access_grant::from_day.le(leaver::last_day))
            .filter(access_grant::revoked_at.is_null());
        let rows: Vec<(String, String, String)> = leaver::table
            .filter(leaver::register.eq(register.name()))
            .filter(leaver::last_day.lt(today))
            .filter(diesel::dsl::exists(held))
            .order(leaver::user_id)
            .limit(limit)
            .select((leaver::user_id, leaver::last_day, leaver::due_on))
            .load(self.conn)?;
        rows.into_iter()
            .map(|(user, last_day, due_on)| {
                Ok(Leaving {
                    user_id: facts::id(&user)?,
                    last_day: facts::day(&last_day)?,
                    due_on: facts::day(&due_on)?,
                })
            })
            .collect()
    }

    /// The clause under which a user may not log in any more: their employment has ended and nothing that they hold
    /// is in force anywhere.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn has_left(&mut self, user: Uuid) -> Result<Option<crate::domain::statute::Clause>, Error> {
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let left: Vec<(String, String)> = leaver::table
            .filter(leaver::register.eq_any(&names))
            .filter(leaver::user_id.eq(user.to_string()))
            .select((leaver::register, leaver::last_day))
            .load(self.conn)?;
        if left.is_empty() {
            return Ok(None);
        }
        let grants: Vec<(String, String)> = access_grant::table
            .filter(access_grant::register.eq_any(&names))
            .filter(access_grant::user_id.eq(user.to_string()))
            .filter(access_grant::revoked_at.is_null())
            .select((access_grant::register, access_grant::body))
            .load(self.conn)?;
        for (name, body) in grants {
            let register = self.register(&name)?;
            let today = self.today(&register);
            let grant: Grant =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a grant cannot be read".into()))?;
            let last = left.iter().find(|(r, _)| *r == name).map(|(_, day)| facts::day(day)).transpose()?;
            let ended = last.is_some_and(|last| last < today && grant.from <= last);
            if grant.in_force(today) && !ended {
                return Ok(None);
            }
        }
        for (name, last_day) in left {
            let register = self.register(&name)?;
            if facts::day(&last_day)? < self.today(&register)
                && let Some(rule) = &register.definition.register.leaver
            {
                return Ok(Some(rule.clause.clone()));
            }
        }
        Ok(None)
    }
}

impl<'tx> WriteTx<'tx> {
    /// After an entry: notes whether the employment of a user ends, and opens or takes back the duty to end rights.
    pub(in crate::store) fn note_leaver(
        &mut self,
        register: &Register,
        kind: &RecordType,
        record_id: Uuid,
        institution_id: Uuid,
        timeline: &Timeline,
    ) -> Result<(), Error> {
        let Some(rule) = register.definition.register.leaver.as_ref().filter(|r| r.record_type == kind.name) else {
            return Ok(());
        };
        let Some(subject) = kind.subject.as_ref() else { return Ok(()) };
        let data = timeline.segments.last().map(|s| &s.data);
        let Some(code) = data.and_then(|data| data.get(subject.field())?.as_str()) else {
            return Ok(());
        };
        let users =
            app_user::table.filter(app_user::register.eq(INSTALLATION_REGISTER)).select(app_user::id).into_boxed();
        let users = match subject.personal_code {
            Some(_) => users.filter(app_user::personal_code.eq(code)),
            None => users.filter(app_user::username.eq(code)),
        };
        let user: Option<String> = users.first(self.conn).optional()?;
        let Some(user) = user else { return Ok(()) };
        let field = kind.fields.iter().find(|f| f.name == subject.field());
        let indexed = field.map_or_else(|| code.to_owned(), |f| search_key(f.kind, code));
        let last_day = self.last_day(register, kind, subject.field(), &indexed)?;
        let known: Option<(String, String)> = leaver::table
            .find((register.name(), &user))
            .select((leaver::last_day, leaver::case_id))
            .first(self.conn)
            .optional()?;
        if known.as_ref().map(|(day, _)| day.clone()) == last_day.map(|d| d.to_string()) {
            return Ok(());
        }
        let user_id = facts::id(&user)?;
        let ruling = by_the_statute(rule);
        if let Some((_, case_id)) = known {
            self.take_back(register, &ruling, facts::id(&case_id)?)?;
        }
        let noted = match last_day {
            None => None,
            Some(last_day) => {
                Some(Box::new(self.open_duty(register, rule, &ruling, user_id, record_id, institution_id, last_day)?))
            }
        };
        let actor = self.actor(register)?;
        let mut event = self.event(register, Action::GrantRevoke, &actor, &ruling);
        "leaver.note".clone_into(&mut event.action);
        event.kind = crate::domain::audit::Kind::Case;
        event.record_ids = vec![record_id];
        event.record_type = Some(kind.name.clone());
        self.apply(event, 0, Change::LeaverNoted { user_id, leaver: noted })?;
        Ok(())
    }

    /// The last day of a person's last employment; `None` while one is open.
    fn last_day(
        &mut self,
        register: &Register,
        kind: &RecordType,
        field: &str,
        code: &str,
    ) -> Result<Option<NaiveDate>, Error> {
        let records = record_index::table
            .filter(record_index::register.eq(register.name()))
            .filter(record_index::record_type.eq(&kind.name))
            .filter(record_index::field.eq(field))
            .filter(record_index::value.eq(code))
            .filter(record_index::until_day.eq(LAST_DAY))
            .select(record_index::record_id);
        let last: Option<String> = record_state::table
            .filter(record_state::register.eq(register.name()))
            .filter(record_state::record_id.eq_any(records))
            .filter(record_state::until_day.eq(LAST_DAY))
            .select(diesel::dsl::max(record_state::ends_on))
            .first(self.conn)?;
        Ok(last.as_deref().and_then(facts::bound))
    }

    #[expect(clippy::too_many_arguments, reason = "what the duty is about")]
    fn open_duty(
        &mut self,
        register: &Register,
        rule: &LeaverRule,
        ruling: &Ruling,
        user_id: Uuid,
        record_id: Uuid,
        institution_id: Uuid,
        last_day: NaiveDate,
    ) -> Result<LeaverWrite, Error> {
        let kind = register
            .case_kind_of(Procedure::Leaver)
            .ok_or_else(|| Error::Damaged("the definition has a leaver rule and no such case".into()))?;
        let now = self.now;
        let mut deadline = Deadline::reckoned(register, kind, rule.term, last_day, now)?;
        deadline.clause = rule.term_clause.clone();
        let due_on = deadline.due;
        let actor = self.actor(register)?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let new = NewCase {
            kind: kind.name.clone(),
            institution_id: Some(institution_id),
            record_type: Some(rule.record_type.clone()),
            record_id: Some(record_id),
            subject: kind.label.official().to_owned(),
            text: rule.ground.label.official().to_owned(),
            details: json!({ "user_id": user_id, "last_day": last_day, "due_on": due_on }),
            ..NewCase::default()
        };
        let mut case = CaseFile::open(register, kind, self.new_id()?, &new, Made { at: now, by: &by })?;
        case.deadline = Some(deadline);
        let case_id = case.id;
        let letters = self.letters_to(register, kind, &case, &kind.tells, "access-ends")?;
        let event = self.case_event(register, Action::CaseOpen, &actor, ruling, kind, Some(&case));
        self.apply(event, 0, Change::CaseOpened { case: Box::new(case), letters, idempotency: None })?;
        Ok(LeaverWrite { record_id, last_day, due_on, case_id })
    }

    fn take_back(&mut self, register: &Register, ruling: &Ruling, case_id: Uuid) -> Result<(), Error> {
        let Some(case) = super::cases::load(self, register, case_id)?.filter(|c| !c.state.is_over()) else {
            return Ok(());
        };
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "case" })?;
        let step = Step::new(StepKind::Close, "the end of the employment has changed");
        self.engine_step(register, kind, &case, ruling, &step)
    }

    /// Ends what a user held when the employment ended, and closes the duty.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] where the policies do not let the caller end one of the rights: then none is ended.
    pub(crate) fn leaver_end(&mut self, register: &str, leaving: &Leaving) -> Result<Sealed<'tx, usize>, Error> {
        let name = register.to_owned();
        let register = self.register(register)?;
        let Some(rule) = register.definition.register.leaver.clone() else {
            return Ok(Sealed::new(0, None));
        };
        let bodies: Vec<String> = access_grant::table
            .filter(access_grant::register.eq(register.name()))
            .filter(access_grant::user_id.eq(leaving.user_id.to_string()))
            .filter(access_grant::from_day.le(leaving.last_day.to_string()))
            .filter(access_grant::revoked_at.is_null())
            .order(access_grant::id)
            .select(access_grant::body)
            .load(self.conn)?;
        let words = format!("employment ended on {}; due by {}", leaving.last_day, leaving.due_on);
        let count = bodies.len();
        for body in bodies {
            let grant: Grant =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a grant cannot be read".into()))?;
            let permit =
                self.authorize_grant::<GrantRevoke>(&name, &grant.role, grant.user_id, grant.institution_id)?;
            let _ended = self.grant_revoke(permit, grant.id, &rule.ground.name, &words)?;
        }
        let case_id: Option<String> = leaver::table
            .find((register.name(), leaving.user_id.to_string()))
            .select(leaver::case_id)
            .first(self.conn)
            .optional()?;
        if let Some(case_id) = case_id
            && let Some(case) = super::cases::load(self, &register, facts::id(&case_id)?)?
            && !case.state.is_over()
            && let Some(kind) = register.case_kind(&case.kind)
        {
            let step = Step::new(StepKind::Close, words);
            self.engine_step(&register, kind, &case, &by_the_statute(&rule), &step)?;
        }
        Ok(Sealed::new(count, None))
    }

    /// Whether `ground` ends a grant because its holder has left.
    pub(in crate::store) fn is_leavers(
        &mut self,
        register: &Register,
        grant: &Grant,
        ground: &str,
    ) -> Result<bool, Error> {
        if register.definition.register.leaver.as_ref().is_none_or(|r| r.ground.name != ground) {
            return Ok(false);
        }
        let last_day: Option<String> = leaver::table
            .find((register.name(), grant.user_id.to_string()))
            .select(leaver::last_day)
            .first(self.conn)
            .optional()?;
        let today = self.today(register);
        Ok(last_day.as_deref().map(facts::day).transpose()?.is_some_and(|last| last < today && grant.from <= last))
    }
}

/// What the engine does on the statute's word, by whosever entry it came about.
fn by_the_statute(rule: &LeaverRule) -> Ruling {
    Ruling {
        decision: Decision { permitted: true, clause: rule.term_clause.clone(), policy: Some("engine.leaver".into()) },
        role: None,
        grant_id: None,
    }
}
