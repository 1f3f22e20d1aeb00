//! What a form lets choose from: users to whom a right can be given, and institutions by what they are called.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::audit::Kind;
use crate::domain::record::index::normalised;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::Sealed;
use crate::store::schema::{app_user, record};
use crate::store::tx::Tx;

/// Users among whom one is looked for.
const MOST_USERS: i64 = 10_000;
/// Users that are shown.
const SHOWN: usize = 20;
/// Institutions that a form lets choose from.
const MOST_INSTITUTIONS: i64 = 2_000;

/// Something with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
}

/// A user to whom a right can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserLine {
    /// Id.
    pub id: Uuid,
    /// User name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
}

/// Whom the caller looked for, and what the caller may give them.
#[derive(Debug, Clone, Serialize)]
pub struct Granting {
    /// Roles that the caller may grant, somewhere.
    pub roles: Vec<String>,
    /// Users that were found, the first of them.
    pub users: Vec<UserLine>,
    /// Whether there are more.
    pub more: bool,
}

/// Whom to look for.
#[derive(Debug, Clone)]
pub enum Sought {
    /// Nobody: only which roles may be granted is asked.
    Nobody,
    /// By user name or name.
    Text(String),
    /// By id.
    User(Uuid),
}

impl Sought {
    fn is(&self, user: &UserLine) -> bool {
        match self {
            Self::Nobody => false,
            Self::User(id) => user.id == *id,
            Self::Text(text) => {
                let (wanted, name) = (normalised(text), normalised(&user.display_name));
                let begins = |word: &str| name.split(' ').any(|part| part.starts_with(word));
                !wanted.is_empty() && (normalised(&user.username) == wanted || wanted.split(' ').all(begins))
                    || !wanted.is_empty() && normalised(&user.username).starts_with(&wanted)
            }
        }
    }
}

impl<'tx> Tx<'tx> {
    /// Users by name, for whoever may grant a role somewhere; and which roles they may grant.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause for whoever may grant none.
    pub fn users_found(&mut self, register: &str, sought: &Sought) -> Result<Sealed<'tx, Granting>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let definition = &register.definition;
        let reach: BTreeSet<Option<Uuid>> = actor.grants.iter().map(|g| g.institution_id).chain([None]).collect();
        let (mut roles, mut ruling) = (Vec::new(), None);
        for role in definition.register.roles.iter().filter(|r| !r.implicit) {
            for institution in &reach {
                let asked = actor.role(
                    &register.policies,
                    definition,
                    Action::GrantIssue,
                    &role.name,
                    Uuid::nil(),
                    *institution,
                    false,
                );
                if asked.decision.permitted {
                    roles.push(role.name.clone());
                    ruling = Some(asked);
                    break;
                }
                ruling = ruling.or(Some(asked));
            }
        }
        let ruling = ruling.ok_or(Refusal::NotFound { what: "role" })?;
        let mut event = self.event(&register, Action::GrantIssue, &actor, &ruling);
        "user.find".clone_into(&mut event.action);
        if roles.is_empty() {
            let detail = "your role does not permit granting any role".to_owned();
            return Err(self.refuse(event, Refusal::Forbidden { clause: ruling.decision.clause, detail }));
        }
        let mut users = match sought {
            Sought::Nobody => Vec::new(),
            Sought::Text(_) | Sought::User(_) => self.users()?,
        };
        users.retain(|user| sought.is(user));
        let more = users.len() > SHOWN;
        users.truncate(SHOWN);
        event.kind = Kind::Read;
        event.detail = Some(json!({ "user_ids": users.iter().map(|u| u.id).collect::<Vec<_>>() }));
        Ok(Sealed::new(Granting { roles, users, more }, Some(event)))
    }

    /// The users who can log in, by name.
    fn users(&mut self) -> Result<Vec<UserLine>, Error> {
        let rows: Vec<(String, String, String)> = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::blocked.eq(0))
            .order((app_user::display_name, app_user::id))
            .limit(MOST_USERS)
            .select((app_user::id, app_user::username, app_user::display_name))
            .load(self.conn)?;
        rows.into_iter()
            .map(|(id, username, display_name)| Ok(UserLine { id: facts::id(&id)?, username, display_name }))
            .collect()
    }

    /// The institutions of a register by name, for whoever has to do with it. Which there are is nobody's data, so that
    /// no entry of the log stands before it.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever has nothing to do with the register.
    pub fn institutions(&mut self, register: &str) -> Result<Sealed<'tx, Vec<Named>>, Error> {
        let register = self.register(register)?;
        self.desk_user(&register)?;
        let ids: Vec<String> = record::table
            .filter(record::register.eq(register.name()))
            .filter(record::record_type.eq(&register.definition.register.institutions.record_type))
            .order(record::id)
            .limit(MOST_INSTITUTIONS)
            .select(record::id)
            .load(self.conn)?;
        let ids = ids.iter().map(|id| facts::id(id)).collect::<Result<_, _>>()?;
        let mut named: Vec<Named> =
            self.institution_titles_of(&register, &ids)?.into_iter().map(|(id, name)| Named { id, name }).collect();
        named.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(Sealed::unlogged(named))
    }

    /// What institutions are called today.
    pub(in crate::store) fn institution_titles_of(
        &mut self,
        register: &Register,
        ids: &BTreeSet<Uuid>,
    ) -> Result<HashMap<Uuid, String>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let today = self.today(register);
        let names = self.institution_names(register, ids.iter().map(Uuid::to_string).collect(), today)?;
        names.into_iter().map(|(id, name)| Ok((facts::id(&id)?, name))).collect()
    }
}
