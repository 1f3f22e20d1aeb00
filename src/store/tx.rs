//! A transaction as an act sees it: who acts, what they may do, and nothing else. Permits are minted here.

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::conn::AnyConn;
use super::context::{ActContext, Caller, INSTALLATION_REGISTER};
use super::error::Error;
use super::facts::{self, RecordFacts};
use super::guard::{Act, Brand, Permit, RecordCreate, RecordList};
use super::log;
use super::schema::{access_grant, app_user, leaver, session};
use crate::domain::access::policy::INSTALLATION;
use crate::domain::access::rights::Ruling;
use crate::domain::access::{Action, Actor, Coordinates, Grant, SectionRights};
use crate::domain::audit::Event;
use crate::domain::audit::event::{Outcome, Who};
use crate::domain::record::index::Status;
use crate::domain::refusal::Refusal;
use crate::domain::registers::{Register, Registers};
use crate::domain::statute::RecordType;

/// A transaction for reading.
pub struct Tx<'tx> {
    pub(in crate::store) conn: &'tx mut AnyConn,
    pub(in crate::store) cx: &'tx ActContext,
    pub(in crate::store) registers: &'tx Registers,
    /// The instant at which the act runs.
    pub(in crate::store) now: DateTime<Utc>,
    pub(in crate::store) denial: Option<Event>,
    actors: HashMap<String, Arc<Actor>>,
    pub(in crate::store) brand: Brand<'tx>,
}

/// The user behind a session, as the store keeps them.
pub(in crate::store) struct UserRow {
    pub id: Uuid,
    pub username: String,
    pub personal_code: Option<String>,
}

impl<'tx> Tx<'tx> {
    pub(in crate::store) fn new(
        conn: &'tx mut AnyConn,
        cx: &'tx ActContext,
        registers: &'tx Registers,
        now: DateTime<Utc>,
    ) -> Self {
        Self { conn, cx, registers, now, denial: None, actors: HashMap::new(), brand: PhantomData }
    }

    /// The register called `name` in the version current today.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn register(&self, name: &str) -> Result<Arc<Register>, Error> {
        let any = self.registers.versions(name);
        let day = any.first().map(|r| r.day(self.now)).ok_or(Refusal::NotFound { what: "register" })?;
        Ok(self.registers.current(name, day).cloned().ok_or(Refusal::NotFound { what: "register" })?)
    }

    /// The day it is in `register`.
    pub fn today(&self, register: &Register) -> NaiveDate {
        register.day(self.now)
    }

    /// The user who calls; their session must be open and they must not be blocked.
    pub(in crate::store) fn user(&mut self) -> Result<Option<UserRow>, Error> {
        type Row = (String, String, Option<String>);
        let columns = (app_user::id, app_user::username, app_user::personal_code);
        let row: Option<Row> = match &self.cx.caller {
            Caller::Session { user_id, session_id } => session::table
                .inner_join(
                    app_user::table.on(app_user::register.eq(session::register).and(app_user::id.eq(session::user_id))),
                )
                .filter(session::register.eq(INSTALLATION_REGISTER))
                .filter(session::id.eq(session_id.to_string()))
                .filter(session::user_id.eq(user_id.to_string()))
                .filter(session::ended_at.is_null())
                .filter(app_user::blocked.eq(0))
                .select(columns)
                .first(self.conn)
                .optional()?,
            Caller::User { user_id } => app_user::table
                .filter(app_user::register.eq(INSTALLATION_REGISTER))
                .filter(app_user::id.eq(user_id.to_string()))
                .filter(app_user::blocked.eq(0))
                .select(columns)
                .first(self.conn)
                .optional()?,
            Caller::Installation { .. } => return Ok(None),
        };
        let (id, username, personal_code) = row.ok_or(Refusal::Unauthenticated)?;
        Ok(Some(UserRow { id: facts::id(&id)?, username, personal_code }))
    }

    /// Who acts in `register`, with their grants in force today.
    pub(in crate::store) fn actor(&mut self, register: &Register) -> Result<Arc<Actor>, Error> {
        if let Some(known) = self.actors.get(register.name()) {
            return Ok(known.clone());
        }
        let actor = match self.user()? {
            None => Actor {
                closed: None,
                user_id: None,
                name: match &self.cx.caller {
                    Caller::Installation { name } => format!("{INSTALLATION}:{name}"),
                    Caller::Session { .. } | Caller::User { .. } => INSTALLATION.to_owned(),
                },
                personal_code: None,
                grants: Vec::new(),
                standing_roles: vec![INSTALLATION.to_owned()],
            },
            Some(user) => Actor {
                user_id: Some(user.id),
                name: user.username,
                personal_code: user.personal_code,
                grants: self.acting_grants(register, user.id)?,
                standing_roles: Vec::new(),
                closed: None,
            },
        };
        let actor = Arc::new(Actor { closed: self.closed(register)?, ..actor });
        self.actors.insert(register.name().to_owned(), actor.clone());
        Ok(actor)
    }

    /// The grants under which the caller acts: those in force, and of these the one that they name.
    pub(in crate::store) fn acting_grants(&mut self, register: &Register, user: Uuid) -> Result<Vec<Grant>, Error> {
        let today = self.today(register);
        let source = &register.definition.register;
        let mut grants = self.grants_in_force(register.name(), user, today)?;
        grants.retain(|grant| within_contract(register, grant, today));
        if let Some(acting) = self.cx.acting_as {
            grants.retain(|grant| grant.id == acting);
            if grants.is_empty() {
                let detail = "you hold no such grant in this register today".to_owned();
                return Err(Refusal::Forbidden { clause: source.access.clause.clone(), detail }.into());
            }
        }
        Ok(grants)
    }

    /// A user's grants in force on `day`.
    pub(in crate::store) fn grants_in_force(
        &mut self,
        register: &str,
        user: Uuid,
        day: NaiveDate,
    ) -> Result<Vec<Grant>, Error> {
        let day = day.to_string();
        // Whoever has left holds no longer what they held on their last day, whether it has been ended yet or not.
        let left = leaver::table
            .filter(leaver::register.eq(access_grant::register))
            .filter(leaver::user_id.eq(access_grant::user_id))
            .filter(leaver::last_day.lt(day.clone()))
            .filter(leaver::last_day.ge(access_grant::from_day));
        let bodies: Vec<String> = access_grant::table
            .filter(access_grant::register.eq(register))
            .filter(access_grant::user_id.eq(user.to_string()))
            .filter(access_grant::revoked_at.is_null())
            .filter(access_grant::from_day.le(&day))
            .filter(access_grant::until_day.ge(&day))
            .filter(diesel::dsl::not(diesel::dsl::exists(left)))
            .order(access_grant::id)
            .select(access_grant::body)
            .load(self.conn)?;
        bodies
            .iter()
            .map(|b| serde_json::from_str(b).map_err(|_| Error::Damaged("a grant cannot be read".into())))
            .collect()
    }

    /// An event of this act, with what every event has.
    pub(in crate::store) fn event(&self, register: &Register, action: Action, actor: &Actor, ruling: &Ruling) -> Event {
        let who = Who { user_id: actor.user_id, name: actor.name.clone() };
        let mut event = log::draft(register.name(), action.kind(), action.as_str(), who);
        event.role.clone_from(&ruling.role);
        event.grant_id = ruling.grant_id;
        event.clause = Some(ruling.decision.clause.0.clone());
        event.policy.clone_from(&ruling.decision.policy);
        event.purpose.clone_from(&self.cx.purpose);
        event.request_id.clone_from(&self.cx.request_id);
        event
    }

    /// Notes the denial, to be recorded once the act is rolled back, and makes the refusal.
    pub(in crate::store) fn refuse(&mut self, mut event: Event, refusal: Refusal) -> Error {
        event.kind = crate::domain::audit::Kind::Denial;
        event.decision = Outcome::Denied;
        self.denial = Some(event);
        refusal.into()
    }

    pub(in crate::store) fn about_self(actor: &Actor, record_type: &RecordType, data: &serde_json::Value) -> bool {
        let Some(subject) = &record_type.subject else { return false };
        let own = actor.own(subject);
        own.is_some() && data.get(subject.field()).and_then(serde_json::Value::as_str) == own
    }

    /// Whether the actor is a guardian of the minor whom the record is about: today, whatever day is asked about.
    fn stands_for(
        &mut self,
        register: &Register,
        actor: &Actor,
        record_type: &RecordType,
        record_id: Uuid,
    ) -> Result<bool, Error> {
        let Some((subject, own)) = record_type.subject.as_ref().zip(actor.personal_code.as_deref()) else {
            return Ok(false);
        };
        if subject.guardians.is_none() {
            return Ok(false);
        }
        let today = self.today(register);
        let country = &register.definition.register.country;
        let facts = facts::load(self.conn, register.name(), record_id, today)?;
        Ok(facts.is_some_and(|f| subject.guardians_on(country, &f.data, today).contains(&own)))
    }

    pub(in crate::store) fn purpose(&self, register: &Register, about_self: bool) -> Result<bool, Error> {
        let access = &register.definition.register.access;
        let given = self.cx.purpose.is_some();
        if access.purpose_required && !given && !about_self {
            return Err(Refusal::PurposeRequired { clause: access.purpose_clause.clone() }.into());
        }
        Ok(given)
    }

    /// Leave to enter a record of a type for an institution, with data in the sections `touched`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown register or type, [`Refusal::Forbidden`] with the clause.
    pub fn authorize_create(
        &mut self,
        register: &str,
        record_type: &str,
        institution: Option<Uuid>,
        touched: &BTreeSet<String>,
    ) -> Result<Permit<'tx, RecordCreate>, Error> {
        let register = self.register(register)?;
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let actor = self.actor(&register)?;
        let mut at = Coordinates {
            institution_id: institution,
            about_self: false,
            status: Status::None,
            purpose_given: self.cx.purpose.is_some(),
        };
        let rights = actor.sections(&register.policies, &register.definition, kind, Action::RecordCreate, &at);
        let ruling =
            self.permitted(&register, &actor, kind, Action::RecordCreate, &rights, touched, institution, None)?;
        at.status = Status::Active;
        let view = actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at);
        Ok(self.permit(register.clone(), ruling, rights, view, None))
    }

    /// Leave to do `A` with one record as it stands on `on`. `touched` names the sections it would write to; a
    /// reader needs one visible section only.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it does not exist or may not be seen, [`Refusal::Forbidden`] with the clause when
    /// it may be seen but this may not be done.
    pub fn authorize_record<A: Act>(
        &mut self,
        register: &str,
        record_type: &str,
        record_id: Uuid,
        on: Option<NaiveDate>,
        touched: Option<&BTreeSet<String>>,
    ) -> Result<Permit<'tx, A>, Error> {
        let register = self.register(register)?;
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let actor = self.actor(&register)?;
        if touched.is_some() {
            facts::lock(self.conn, register.name(), record_id)?;
        }
        let on = on.unwrap_or_else(|| self.today(&register));
        let found = facts::load(self.conn, register.name(), record_id, on)?.filter(|f| f.record_type == record_type);
        let own = found.as_ref().is_some_and(|f| Self::about_self(&actor, kind, &f.data));
        let about_self = own || found.is_some() && self.stands_for(&register, &actor, kind, record_id)?;
        let at = Coordinates {
            institution_id: found.as_ref().map(|f| f.institution_id),
            about_self,
            status: found.as_ref().map_or(Status::None, |f| f.status),
            purpose_given: self.purpose(&register, about_self)?,
        };
        let view = actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at);
        let Some(facts) = found.filter(|_| view.any()) else {
            let ruling = view.leading().cloned();
            let mut event = match &ruling {
                Some(ruling) => self.event(&register, A::ACTION, &actor, ruling),
                None => return Err(Refusal::NotFound { what: "record" }.into()),
            };
            event.record_type = Some(record_type.to_owned());
            event.record_ids = vec![record_id];
            return Err(self.refuse(event, Refusal::NotFound { what: "record" }));
        };
        let rights = actor.sections(&register.policies, &register.definition, kind, A::ACTION, &at);
        let none = BTreeSet::new();
        let ruling = self.permitted(
            &register,
            &actor,
            kind,
            A::ACTION,
            &rights,
            touched.unwrap_or(&none),
            Some(facts.institution_id),
            Some(record_id),
        )?;
        Ok(self.permit(register.clone(), ruling, rights, view, Some(facts)))
    }

    /// The ruling when every touched section is permitted (and at least one section where none is touched).
    #[expect(clippy::too_many_arguments, reason = "everything that the denial's log entry names")]
    pub(in crate::store) fn permitted(
        &mut self,
        register: &Arc<Register>,
        actor: &Actor,
        kind: &RecordType,
        action: Action,
        rights: &SectionRights,
        touched: &BTreeSet<String>,
        institution: Option<Uuid>,
        record_id: Option<Uuid>,
    ) -> Result<Ruling, Error> {
        let refused = touched.iter().find_map(|s| rights.refused.get(s).map(|r| (s, r)));
        let (ruling, section) = match refused {
            Some((section, ruling)) => (ruling.clone(), Some(section.clone())),
            None => match rights.leading() {
                Some(ruling) if rights.any() => return Ok(ruling.clone()),
                Some(ruling) => (ruling.clone(), None),
                None => {
                    return Err(Refusal::NotFound { what: "record type" }.into());
                }
            },
        };
        let mut event = self.event(register, action, actor, &ruling);
        event.institution_id = institution;
        event.record_type = Some(kind.name.clone());
        event.record_ids = record_id.into_iter().collect();
        event.sections = section.iter().cloned().collect();
        let detail = match section {
            Some(s) => format!("your rights do not cover {} in section {s}", action.as_str()),
            None => format!("your rights do not cover {}", action.as_str()),
        };
        let detail = ruling.refusal(detail);
        Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }))
    }

    /// Leave to list records of a type. What is listed and shown is decided per institution and status.
    ///
    /// # Errors
    /// As [`Tx::authorize_create`].
    pub fn authorize_list(
        &mut self,
        register: &str,
        record_type: &str,
        institution: Option<Uuid>,
    ) -> Result<Permit<'tx, RecordList>, Error> {
        let register = self.register(register)?;
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let actor = self.actor(&register)?;
        let purpose_given = self.purpose(&register, false)?;
        // A list is one act in one role: under the grant that reaches furthest among those that reach what is asked for.
        let mut reach: Vec<Option<Uuid>> = actor.grants.iter().map(|g| g.institution_id).chain([None]).collect();
        reach.sort_by_key(|i| (institution.is_some() && i.is_some() && *i != institution, i.is_some()));
        let mut last = None;
        for institution_id in reach {
            let at = Coordinates { institution_id, about_self: false, status: Status::Active, purpose_given };
            let rights = actor.sections(&register.policies, &register.definition, kind, Action::RecordList, &at);
            if let Some(ruling) = rights.leading().filter(|_| rights.any()) {
                let ruling = ruling.clone();
                if let Some(acting) = ruling.grant_id {
                    let mut one = (*actor).clone();
                    one.grants.retain(|g| g.id == acting);
                    self.actors.insert(register.name().to_owned(), Arc::new(one));
                }
                return Ok(self.permit(register.clone(), ruling, rights.clone(), rights, None));
            }
            last = rights.leading().cloned().or(last);
        }
        let Some(ruling) = last else {
            return Err(Refusal::NotFound { what: "record type" }.into());
        };
        let mut event = self.event(&register, Action::RecordList, &actor, &ruling);
        event.record_type = Some(record_type.to_owned());
        let detail = "your rights do not cover listing these records".to_owned();
        Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }))
    }

    /// Leave to do `A` with the register as a whole. `institution` is given where the thing belongs to one (or, as
    /// `Some(None)`, to none in particular).
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause.
    pub fn authorize_register<A: Act>(
        &mut self,
        register: &str,
        institution: Option<Option<Uuid>>,
    ) -> Result<Permit<'tx, A>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let purpose = self.cx.purpose.is_some();
        let ruling = actor.register(&register.policies, &register.definition, A::ACTION, institution, purpose);
        if !ruling.decision.permitted {
            let mut event = self.event(&register, A::ACTION, &actor, &ruling);
            event.institution_id = institution.flatten();
            let detail = ruling.refusal(format!("your role does not permit {}", A::ACTION.as_str()));
            return Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }));
        }
        Ok(self.permit(register.clone(), ruling, nothing(), nothing(), None))
    }

    /// Leave to grant, change or end a role of `holder`.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause.
    pub fn authorize_grant<A: Act>(
        &mut self,
        register: &str,
        role: &str,
        holder: Uuid,
        institution: Option<Uuid>,
    ) -> Result<Permit<'tx, A>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let sole = self.sole_user(&register)? == Some(holder.to_string());
        let ruling = actor.role(&register.policies, &register.definition, A::ACTION, role, holder, institution, sole);
        if !ruling.decision.permitted {
            let mut event = self.event(&register, A::ACTION, &actor, &ruling);
            event.institution_id = institution;
            event.detail = Some(serde_json::json!({ "role": role, "user_id": holder }));
            let detail = if actor.user_id == Some(holder) {
                "nobody grants, changes or ends their own rights".to_owned()
            } else {
                format!("your role does not permit {} for this role", A::ACTION.as_str())
            };
            let detail = ruling.refusal(detail);
            return Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }));
        }
        Ok(self.permit(register.clone(), ruling, nothing(), nothing(), None))
    }

    /// The only user with a role in which data are entered, where there is only one.
    pub(in crate::store) fn sole_user(&mut self, register: &Register) -> Result<Option<String>, Error> {
        let roles: Vec<&str> =
            register.definition.register.roles.iter().filter(|r| r.data_role).map(|r| r.name.as_str()).collect();
        let day = self.today(register).to_string();
        let mut users: Vec<String> = access_grant::table
            .filter(access_grant::register.eq(register.name()))
            .filter(access_grant::revoked_at.is_null())
            .filter(access_grant::from_day.le(&day))
            .filter(access_grant::until_day.ge(&day))
            .filter(access_grant::role.eq_any(roles))
            .select(access_grant::user_id)
            .distinct()
            .limit(2)
            .load(self.conn)?;
        Ok(if users.len() == 1 { users.pop() } else { None })
    }

    pub(in crate::store) fn permit<A: Act>(
        &self,
        register: Arc<Register>,
        ruling: Ruling,
        rights: SectionRights,
        view: SectionRights,
        facts: Option<RecordFacts>,
    ) -> Permit<'tx, A> {
        Permit { register, ruling, rights, view, facts, case: None, act: PhantomData, brand: self.brand }
    }
}

/// Whether a grant counts on a day: a processor's users have access only between the days of its contract.
pub(in crate::store) fn within_contract(register: &Register, grant: &Grant, day: NaiveDate) -> bool {
    let source = &register.definition.register;
    let bound = source.roles.iter().any(|r| r.name == grant.role && r.within_contract);
    !bound || source.processors.iter().filter_map(|p| p.contract.as_ref()).any(|c| c.holds_on(day))
}

pub(in crate::store) fn nothing() -> SectionRights {
    SectionRights { permitted: std::collections::BTreeMap::new(), refused: std::collections::BTreeMap::new() }
}
