//! Grants and the log of granting, changing and ending them.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::records::Page;
use crate::domain::access::{Action, Grant};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::registers::Register;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{GrantList, Permit, Sealed};
use crate::store::schema::{access_grant, app_user, grant_log};
use crate::store::tx::Tx;

/// A grant as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct GrantView {
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
    /// User name of its holder.
    pub username: String,
    /// Whether it may be acted on today.
    pub in_force: bool,
    /// What the screens show beside it.
    #[serde(skip)]
    pub beside: GrantBeside,
}

/// What the screens show beside a grant.
#[derive(Debug, Clone, Default)]
pub struct GrantBeside {
    /// Name of its holder for people.
    pub display_name: String,
    /// What the only institution that it reaches is called.
    pub institution: Option<String>,
    /// Whether the reader may change it.
    pub may_change: bool,
    /// Whether the reader may end it.
    pub may_end: bool,
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantStanding {
    /// It may be acted on today.
    InForce,
    /// Its first day is still to come.
    ToCome,
    /// It has ended, or was ended.
    Over,
}

/// What of the grants is asked for.
#[derive(Debug, Clone, Default)]
pub struct GrantQuery {
    /// Only this one.
    pub grant_id: Option<Uuid>,
    /// Only this user's.
    pub user_id: Option<Uuid>,
    /// Only of this role.
    pub role: Option<String>,
    /// Only those that reach this institution alone.
    pub institution_id: Option<Uuid>,
    /// Only those that stand so.
    pub standing: Option<GrantStanding>,
    /// Before this one.
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// One act of the grant log.
#[derive(Debug, Clone, Serialize)]
pub struct GrantLogView {
    /// Id, also of its entry in the audit log.
    pub id: Uuid,
    /// `granted`, `changed` or `revoked`.
    pub act: String,
    /// When.
    pub recorded_at: String,
    /// The grant.
    pub grant_id: Uuid,
    /// Whose grant.
    pub user_id: Uuid,
    /// User name of the holder.
    pub username: String,
    /// Who did it.
    pub made_by: String,
    /// The grant before; absent for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The grant after; absent for an ended one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Ground of the ending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// Explanation of the ending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

impl<'tx> Tx<'tx> {
    /// The institutions whose grants alone the caller sees; `None`: all grants.
    fn grants_seen(&mut self, register: &Register) -> Result<Option<BTreeSet<String>>, Error> {
        let actor = self.actor(register)?;
        let given = self.cx.purpose.is_some();
        let sees = |institution: Option<Uuid>| {
            let (policies, definition) = (&register.policies, &register.definition);
            actor.register(policies, definition, Action::GrantList, Some(institution), given).decision.permitted
        };
        if sees(None) {
            return Ok(None);
        }
        let own: BTreeSet<Uuid> = actor.grants.iter().filter_map(|g| g.institution_id).collect();
        Ok(Some(own.into_iter().filter(|i| sees(Some(*i))).map(|i| i.to_string()).collect()))
    }

    /// Grants, newest first, as far as the caller's right reaches.
    ///
    /// # Errors
    /// Those of the database.
    pub fn grant_list(
        &mut self,
        permit: Permit<'tx, GrantList>,
        wanted: &GrantQuery,
    ) -> Result<Sealed<'tx, Page<GrantView>>, Error> {
        let register = permit.register.clone();
        let today = self.today(&register);
        let (limit, day) = (wanted.limit, today.to_string());
        let mut query = access_grant::table
            .filter(access_grant::register.eq(register.name()))
            .order(access_grant::id.desc())
            .limit(limit + 1)
            .select(access_grant::body)
            .into_boxed();
        if let Some(seen) = self.grants_seen(&register)? {
            query = query.filter(access_grant::institution_id.eq_any(seen).assume_not_null());
        }
        if let Some(id) = wanted.grant_id {
            query = query.filter(access_grant::id.eq(id.to_string()));
        }
        if let Some(user) = wanted.user_id {
            query = query.filter(access_grant::user_id.eq(user.to_string()));
        }
        if let Some(role) = &wanted.role {
            query = query.filter(access_grant::role.eq(role));
        }
        if let Some(institution) = wanted.institution_id {
            query = query.filter(access_grant::institution_id.eq(institution.to_string()));
        }
        query = match wanted.standing {
            None => query,
            Some(GrantStanding::InForce) => query
                .filter(access_grant::revoked_at.is_null())
                .filter(access_grant::from_day.le(day.clone()))
                .filter(access_grant::until_day.ge(day)),
            Some(GrantStanding::ToCome) => {
                query.filter(access_grant::revoked_at.is_null()).filter(access_grant::from_day.gt(day))
            }
            Some(GrantStanding::Over) => {
                query.filter(access_grant::revoked_at.is_not_null().or(access_grant::until_day.lt(day)))
            }
        };
        if let Some(before) = wanted.before {
            query = query.filter(access_grant::id.lt(before.to_string()));
        }
        let bodies: Vec<String> = query.load(self.conn)?;
        let mut grants: Vec<Grant> = bodies
            .iter()
            .map(|b| serde_json::from_str(b).map_err(|_| Error::Damaged("a grant cannot be read".into())))
            .collect::<Result<_, _>>()?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = grants.len() > limit;
        grants.truncate(limit);
        let next_cursor = more.then(|| grants.last().map(|g| g.id.to_string())).flatten();
        let names = self.people(grants.iter().map(|g| g.user_id.to_string()).collect())?;
        let institutions = grants.iter().filter_map(|g| g.institution_id).collect();
        let institutions = self.institution_titles_of(&register, &institutions)?;
        let sole = self.sole_user(&register)?;
        let actor = self.actor(&register)?;
        let items = grants
            .into_iter()
            .map(|grant| {
                let holder = grant.user_id.to_string();
                let may = |action: Action| {
                    let (policies, definition, alone) = (&register.policies, &register.definition, sole.as_ref());
                    let (holder, alone) = (grant.user_id, alone == Some(&holder));
                    let ruling =
                        actor.role(policies, definition, action, &grant.role, holder, grant.institution_id, alone);
                    !grant.revoked && ruling.decision.permitted
                };
                let (username, display_name) = names.get(&holder).cloned().unwrap_or_default();
                GrantView {
                    username,
                    in_force: grant.in_force(today),
                    beside: GrantBeside {
                        display_name,
                        institution: grant.institution_id.and_then(|i| institutions.get(&i).cloned()),
                        may_change: may(Action::GrantChange),
                        may_end: may(Action::GrantRevoke),
                    },
                    grant,
                }
            })
            .collect();
        let event = self.event(&register, Action::GrantList, &actor, &permit.ruling);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// Grants in force of which the last day is on or before `until`, the first to end in front.
    ///
    /// # Errors
    /// Those of the database.
    pub fn grants_ending(
        &mut self,
        permit: Permit<'tx, GrantList>,
        until: chrono::NaiveDate,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<GrantView>>, Error> {
        let register = permit.register.clone();
        let today = self.today(&register);
        let bodies: Vec<String> = access_grant::table
            .filter(access_grant::register.eq(register.name()))
            .filter(access_grant::revoked_at.is_null())
            .filter(access_grant::from_day.le(today.to_string()))
            .filter(access_grant::until_day.between(today.to_string(), until.to_string()))
            .order((access_grant::until_day, access_grant::id))
            .limit(limit)
            .select(access_grant::body)
            .load(self.conn)?;
        let grants: Vec<Grant> = bodies
            .iter()
            .map(|b| serde_json::from_str(b).map_err(|_| Error::Damaged("a grant cannot be read".into())))
            .collect::<Result<_, _>>()?;
        let names = self.usernames(grants.iter().map(|g| g.user_id.to_string()).collect())?;
        let items = grants
            .into_iter()
            .map(|grant| GrantView {
                username: names.get(&grant.user_id.to_string()).cloned().unwrap_or_default(),
                in_force: grant.in_force(today),
                beside: GrantBeside::default(),
                grant,
            })
            .collect();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::GrantList, &actor, &permit.ruling);
        event.detail = Some(serde_json::json!({ "until": until }));
        Ok(Sealed::new(Page { items, next_cursor: None }, Some(event)))
    }

    /// The grant log, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn grant_log(
        &mut self,
        permit: Permit<'tx, GrantList>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<GrantLogView>>, Error> {
        type Row = (String, String, String, String, i64, Option<String>, String);
        let register = permit.register.clone();
        let seen = self.grants_seen(&register)?;
        let mut query = grant_log::table
            .filter(grant_log::register.eq(register.name()))
            .order(grant_log::id.desc())
            .limit(limit + 1)
            .select((
                grant_log::id,
                grant_log::grant_id,
                grant_log::user_id,
                grant_log::act,
                grant_log::recorded_at,
                grant_log::actor_id,
                grant_log::body,
            ))
            .into_boxed();
        if let Some(seen) = seen {
            let there = access_grant::table
                .filter(access_grant::register.eq(register.name().to_owned()))
                .filter(access_grant::institution_id.eq_any(seen).assume_not_null())
                .select(access_grant::id);
            query = query.filter(grant_log::grant_id.eq_any(there));
        }
        if let Some(before) = before {
            query = query.filter(grant_log::id.lt(before.to_string()));
        }
        let mut rows: Vec<Row> = query.load(self.conn)?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = more.then(|| rows.last().map(|r| r.0.clone())).flatten();
        let users = rows.iter().flat_map(|r| [Some(r.2.clone()), r.5.clone()]).flatten().collect();
        let names = self.usernames(users)?;
        let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
        let items = rows
            .into_iter()
            .map(|(id, grant_id, user_id, act, recorded_at, actor, body)| {
                let mut body = facts::json(&body)?;
                let text = |v: Option<Value>| v.and_then(|v| v.as_str().map(str::to_owned));
                let mut take = |key: &str| body.get_mut(key).map(Value::take).filter(|v| !v.is_null());
                Ok(GrantLogView {
                    id: facts::id(&id)?,
                    act,
                    recorded_at: rfc3339(instant(recorded_at)),
                    grant_id: facts::id(&grant_id)?,
                    username: name(&user_id),
                    user_id: facts::id(&user_id)?,
                    made_by: actor.as_deref().map(name).unwrap_or_default(),
                    before: take("before"),
                    after: take("after"),
                    ground: text(take("ground")),
                    explanation: text(take("explanation")),
                })
            })
            .collect::<Result<_, Error>>()?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::GrantList, &actor, &permit.ruling);
        "grant.log".clone_into(&mut event.action);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// User name and name for people of users.
    fn people(&mut self, mut ids: Vec<String>) -> Result<HashMap<String, (String, String)>, Error> {
        ids.sort_unstable();
        ids.dedup();
        let rows: Vec<(String, String, String)> = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(ids))
            .select((app_user::id, app_user::username, app_user::display_name))
            .load(self.conn)?;
        Ok(rows.into_iter().map(|(id, username, name)| (id, (username, name))).collect())
    }

    pub(in crate::store) fn usernames(&mut self, mut ids: Vec<String>) -> Result<HashMap<String, String>, Error> {
        ids.sort_unstable();
        ids.dedup();
        Ok(app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(ids))
            .select((app_user::id, app_user::username))
            .load::<(String, String)>(self.conn)?
            .into_iter()
            .collect())
    }
}
