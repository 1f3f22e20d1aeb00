//! Granting, changing and ending roles.

use chrono::NaiveDate;
use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::access::Grant;
use crate::domain::access::application::Application;
use crate::domain::access::grant::Basis;
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::procedures::Procedure;
use crate::store::change::Change;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Act, GrantChange, GrantIssue, GrantRevoke, Permit, Sealed};
use crate::store::schema::{access_grant, app_user, grant_log};
use crate::store::write::WriteTx;

/// A grant to be made.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// For whom.
    pub user_id: Uuid,
    /// Role.
    pub role: String,
    /// Only for this institution.
    pub institution_id: Option<Uuid>,
    /// Only for these sections.
    pub sections: Option<Vec<String>>,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub until: Option<NaiveDate>,
    /// On what it rests.
    pub basis: Basis,
    /// For what task.
    pub task: Option<String>,
    /// The application on which it is granted.
    pub application_id: Option<Uuid>,
}

/// What of a grant changes; outer `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct GrantPatch {
    /// Institution.
    pub institution_id: Option<Option<Uuid>>,
    /// Sections.
    pub sections: Option<Option<Vec<String>>>,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub until: Option<Option<NaiveDate>>,
    /// On what it now rests.
    pub basis: Option<Basis>,
}

impl<'tx> WriteTx<'tx> {
    /// Grants a role.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault.
    pub fn grant_issue(
        &mut self,
        permit: Permit<'tx, GrantIssue>,
        new: &NewGrant,
    ) -> Result<Sealed<'tx, Grant>, Error> {
        if let Some((id, _)) = self.earlier(permit.register.name())? {
            // The first answer once more: as it was granted, whatever became of it since.
            let granted = self.grant_as_issued(permit.register.name(), id)?;
            let event = self.grant_event(&permit, &granted)?;
            self.note(event, 0, Some(serde_json::json!({ "replay": true })))?;
            return Ok(Sealed::new(granted, None));
        }
        let grant = Grant {
            id: self.new_id()?,
            user_id: new.user_id,
            role: new.role.clone(),
            institution_id: new.institution_id,
            sections: new.sections.clone(),
            from: new.from,
            until: new.until,
            basis: new.basis.clone(),
            task: new.task.as_deref().map(str::trim).map(str::to_owned),
            application_id: new.application_id,
            revoked: false,
            version: 1,
        };
        self.check_grant(&permit.register, &grant)?;
        let event = self.grant_event(&permit, &grant)?;
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        self.apply(event, 0, Change::GrantIssued { grant: Box::new(grant.clone()), idempotency })?;
        Ok(Sealed::new(grant, None))
    }

    /// Changes a grant.
    ///
    /// # Errors
    /// [`Refusal::Stale`], [`Refusal::Conflict`] for one that has ended, [`Refusal::Invalid`].
    pub fn grant_change(
        &mut self,
        permit: Permit<'tx, GrantChange>,
        id: Uuid,
        patch: &GrantPatch,
    ) -> Result<Sealed<'tx, Grant>, Error> {
        let before = self.grant(&permit.register, id)?;
        let expected = self.cx.if_match.ok_or(Refusal::VersionRequired)?;
        if expected != before.version {
            return Err(Refusal::Stale { current: before.version }.into());
        }
        ended(&permit.register, &before)?;
        let mut after = before.clone();
        after.version += 1;
        if let Some(institution) = patch.institution_id {
            after.institution_id = institution;
        }
        if let Some(sections) = &patch.sections {
            after.sections.clone_from(sections);
        }
        if let Some(from) = patch.from {
            after.from = from;
        }
        if let Some(until) = patch.until {
            after.until = until;
        }
        if let Some(basis) = &patch.basis {
            after.basis = basis.clone();
        }
        self.check_grant(&permit.register, &after)?;
        let event = self.grant_event(&permit, &after)?;
        let change = Change::GrantChanged { before: Box::new(before), after: Box::new(after.clone()) };
        self.apply(event, 0, change)?;
        Ok(Sealed::new(after, None))
    }

    /// Ends a grant on one of the statute's grounds.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for another ground, [`Refusal::Conflict`] for one that has ended.
    pub fn grant_revoke(
        &mut self,
        permit: Permit<'tx, GrantRevoke>,
        id: Uuid,
        ground: &str,
        explanation: &str,
    ) -> Result<Sealed<'tx, Grant>, Error> {
        let grant = self.grant(&permit.register, id)?;
        ended(&permit.register, &grant)?;
        let definition = permit.register.definition.clone();
        let source = &definition.register;
        let clause = Some(source.access.revocation_clause.clone());
        let left = self.is_leavers(&permit.register, &grant, ground)?;
        let mut faults = Vec::new();
        if !left && !source.revocation_grounds.iter().any(|g| g.name == ground) {
            let known: Vec<&str> = source.revocation_grounds.iter().map(|g| g.name.as_str()).collect();
            let detail = format!("the statute lists these grounds and no other: {}", known.join(", "));
            faults.push(Violation::error("/ground", "ground", detail, clause.clone()));
        }
        if explanation.trim().is_empty() || explanation.chars().count() > 5_000 {
            let detail = "say in at most 5000 characters what happened";
            faults.push(Violation::error("/explanation", "required", detail, clause));
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }
        let event = self.grant_event(&permit, &grant)?;
        let change = Change::GrantRevoked {
            grant: Box::new(grant.clone()),
            ground: ground.to_owned(),
            explanation: explanation.trim().to_owned(),
        };
        self.apply(event, 0, change)?;
        let after = Grant { revoked: true, version: grant.version + 1, ..grant };
        Ok(Sealed::new(after, None))
    }

    fn grant_event<A: Act>(
        &mut self,
        permit: &Permit<'tx, A>,
        grant: &Grant,
    ) -> Result<crate::domain::audit::Event, Error> {
        let actor = self.actor(&permit.register)?;
        let mut event = self.event(&permit.register, A::ACTION, &actor, &permit.ruling);
        event.institution_id = grant.institution_id;
        Ok(event)
    }

    fn check_grant(&mut self, register: &Register, grant: &Grant) -> Result<(), Error> {
        let source = &register.definition.register;
        let mut faults = Vec::new();
        let role = source.roles.iter().find(|r| r.name == grant.role);
        let clause = role.map(|r| r.clause.clone());
        let mut fault = |pointer: &str, code, detail: String| {
            faults.push(Violation::error(pointer, code, detail, clause.clone()));
        };
        match role {
            None => fault("/role", "not_in_codelist", "the statute has no such role".into()),
            Some(role) if role.implicit => {
                fault("/role", "implicit", "everybody has this role towards data about themselves".into());
            }
            Some(role) => {
                if role.needs_until && grant.until.is_none() {
                    fault("/until", "required", "this role is granted for a time: give its last day".into());
                }
                if role.needs_task && grant.task.as_deref().is_none_or(str::is_empty) {
                    fault("/task", "required", "say for what task the access is needed".into());
                }
                if role.within_contract {
                    let contracts: Vec<_> = source.processors.iter().filter_map(|p| p.contract.as_ref()).collect();
                    let inside = contracts.iter().any(|c| {
                        let ends_in_time = match (c.until, grant.until) {
                            (None, _) => true,
                            (Some(last), Some(until)) => until <= last,
                            (Some(_), None) => false,
                        };
                        c.from <= grant.from && ends_in_time
                    });
                    if !inside {
                        let detail = match contracts.first() {
                            None => "no contract with a processor is on record, so that it can have no users".into(),
                            Some(c) => format!(
                                "the days must lie within the contract's: {} to {}",
                                c.from,
                                c.until.map_or_else(|| "open".to_owned(), |d| d.to_string())
                            ),
                        };
                        fault("/from", "outside_contract", detail);
                    }
                }
                if !role.basis.is_empty() && !role.basis.iter().any(|b| b.name == grant.basis.kind) {
                    let known: Vec<&str> = role.basis.iter().map(|b| b.name.as_str()).collect();
                    fault("/basis/kind", "not_in_codelist", format!("this role rests on: {}", known.join(", ")));
                }
            }
        }
        if grant.basis.reference.trim().is_empty() || grant.basis.reference.chars().count() > 500 {
            fault("/basis/reference", "required", "name the document on which the grant rests".into());
        }
        if grant.until.is_some_and(|until| until < grant.from) {
            fault("/until", "order", "the last day cannot be before the first".into());
        }
        if let Some(sections) = &grant.sections {
            let known = |s: &str| {
                let (kind, section) = s.split_once('.').map_or((None, s), |(k, s)| (Some(k), s));
                register.definition.record_types.iter().any(|t| {
                    kind.is_none_or(|k| t.name == k) && t.sections.iter().any(|candidate| candidate.name == section)
                })
            };
            for (n, _) in sections.iter().enumerate().filter(|(_, s)| !known(s)) {
                fault(&format!("/sections/{n}"), "not_in_codelist", "the definition has no such section".into());
            }
            if sections.is_empty() {
                fault("/sections", "items", "name at least one section, or leave it out for all".into());
            }
        }
        if role.is_some_and(|r| r.needs_application) && grant.application_id.is_none() {
            let detail = "this role is granted on an application: name it";
            faults.push(Violation::error("/application_id", "required", detail, clause.clone()));
        }
        if let Some(id) = grant.application_id
            && !self.is_granted_application(register, id, grant)?
        {
            let detail = "there is no application, decided in its favour, that covers this grant";
            faults.push(Violation::error("/application_id", "not_found", detail, clause.clone()));
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }
        let user: i64 = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::id.eq(grant.user_id.to_string()))
            .count()
            .get_result(self.conn)?;
        if user == 0 {
            return Err(Refusal::invalid("/user_id", "not_found", "there is no such user", None).into());
        }
        if let Some(institution) = grant.institution_id {
            let today = self.today(register);
            let known = facts::load(self.conn, register.name(), institution, today)?;
            if known.is_none_or(|f| f.record_type != source.institutions.record_type) {
                let detail = "there is no such institution";
                return Err(Refusal::invalid("/institution_id", "not_found", detail, None).into());
            }
        }
        Ok(())
    }

    /// Whether an application was decided in its favour and covers `grant`.
    fn is_granted_application(&mut self, register: &Register, id: Uuid, grant: &Grant) -> Result<bool, Error> {
        let Some(case) = super::cases::load(self, register, id)? else {
            return Ok(false);
        };
        let Some(kind) = register.case_kind(&case.kind).filter(|k| k.procedure == Procedure::Access) else {
            return Ok(false);
        };
        let outcome = case.decision.as_ref().and_then(|d| kind.outcomes.iter().find(|o| o.name == d.outcome));
        let application = Application::read(&case.details, &register.definition, &kind.clause);
        Ok(outcome.is_some_and(|o| !o.refuses) && application.is_ok_and(|a| a.covers(grant, case.institution_id)))
    }

    /// A grant, for deciding: role, holder and institution are what policies ask about.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn grant_coordinates(&mut self, register: &str, id: Uuid) -> Result<(String, Uuid, Option<Uuid>), Error> {
        let register = self.register(register)?;
        // Nobody learns of grants without a session.
        self.actor(&register)?;
        let grant = self.grant(&register, id)?;
        Ok((grant.role, grant.user_id, grant.institution_id))
    }

    /// A grant as the grant log tells of its issue.
    fn grant_as_issued(&mut self, register: &str, id: Uuid) -> Result<Grant, Error> {
        let body: String = grant_log::table
            .filter(grant_log::register.eq(register))
            .filter(grant_log::grant_id.eq(id.to_string()))
            .order(grant_log::id)
            .select(grant_log::body)
            .first(self.conn)?;
        let mut body = facts::json(&body)?;
        serde_json::from_value(body["after"].take()).map_err(|_| Error::Damaged("a grant cannot be read".into()))
    }

    fn grant(&mut self, register: &Register, id: Uuid) -> Result<Grant, Error> {
        let body: Option<String> = access_grant::table
            .find((register.name(), id.to_string()))
            .select(access_grant::body)
            .first(self.conn)
            .optional()?;
        let body = body.ok_or(Refusal::NotFound { what: "grant" })?;
        serde_json::from_str(&body).map_err(|_| Error::Damaged("a grant cannot be read".into()))
    }
}

fn ended(register: &Register, grant: &Grant) -> Result<(), Error> {
    if grant.revoked {
        return Err(Refusal::Conflict {
            code: "already_revoked",
            detail: "this grant has been ended already".into(),
            clause: Some(register.definition.register.access.revocation_clause.clone()),
        }
        .into());
    }
    Ok(())
}
