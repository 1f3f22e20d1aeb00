//! Grants and the log of granting, changing and ending them.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::records::Page;
use crate::domain::access::{Action, Grant};
use crate::domain::calendar::{instant, rfc3339};
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
    /// Grants, newest first, of one user or of all.
    ///
    /// # Errors
    /// Those of the database.
    pub fn grant_list(
        &mut self,
        permit: Permit<'tx, GrantList>,
        user_id: Option<Uuid>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<GrantView>>, Error> {
        let register = permit.register.clone();
        let today = self.today(&register);
        let mut query = access_grant::table
            .filter(access_grant::register.eq(register.name()))
            .order(access_grant::id.desc())
            .limit(limit + 1)
            .select(access_grant::body)
            .into_boxed();
        if let Some(user) = user_id {
            query = query.filter(access_grant::user_id.eq(user.to_string()));
        }
        if let Some(before) = before {
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
        let names = self.usernames(grants.iter().map(|g| g.user_id.to_string()).collect())?;
        let items = grants
            .into_iter()
            .map(|grant| GrantView {
                username: names.get(&grant.user_id.to_string()).cloned().unwrap_or_default(),
                in_force: grant.in_force(today),
                grant,
            })
            .collect();
        let actor = self.actor(&register)?;
        let event = self.event(&register, Action::GrantList, &actor, &permit.ruling);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
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
