//! Setting up: definitions that come into use, and users.

use std::collections::HashSet;

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::audit::Kind;
use crate::domain::audit::event::Who;
use crate::domain::identity::{Country, PersonalCode};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::Definition;
use crate::domain::statute::catalogue::{Orphan, orphans};
use crate::store::change::{Change, UserWrite};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::guard::Sealed;
use crate::store::log;
use crate::store::schema::{access_grant, app_user, base_document, definition, record, record_state};
use crate::store::write::WriteTx;

/// A user to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// User name.
    pub username: String,
    /// Personal code with its country (`EE`, `FI`).
    pub personal_code: Option<(Country, String)>,
    /// Name for people.
    pub display_name: String,
    /// Password as PHC string.
    pub password_hash: String,
}

impl<'tx> WriteTx<'tx> {
    /// Takes a definition into use, if it is not already: notes its digest in the log, and refuses one that would
    /// orphan what is stored.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] with the list of what it would orphan.
    pub(crate) fn definition_load(&mut self, register: &Register) -> Result<Sealed<'tx, bool>, Error> {
        let new = &register.definition;
        let name = register.name();
        let known: i64 = definition::table
            .filter(definition::register.eq(name))
            .filter(definition::digest.eq(&new.digest))
            .count()
            .get_result(self.conn)?;
        if known > 0 {
            return Ok(Sealed::new(false, None));
        }
        let in_force_from = new.register.act.in_force_from.to_string();
        let previous: Option<(String, String)> = definition::table
            .filter(definition::register.eq(name))
            .filter(definition::in_force_from.eq(&in_force_from))
            .order(definition::loaded_at.desc())
            .select((definition::digest, definition::body))
            .first(self.conn)
            .optional()?;
        if let Some((_, body)) = &previous {
            let old: Definition =
                serde_json::from_str(body).map_err(|_| Error::Damaged("a definition cannot be read".into()))?;
            let orphaned = self.in_use(name, &old, orphans(&old, new))?;
            if !orphaned.is_empty() {
                let list: Vec<String> = orphaned.iter().map(ToString::to_string).collect();
                return Err(Refusal::Conflict {
                    code: "orphans",
                    detail: format!("the changed definition would orphan what is stored: {}", list.join("; ")),
                    clause: None,
                }
                .into());
            }
        }
        let who = Who { user_id: None, name: crate::domain::access::policy::INSTALLATION.to_owned() };
        let event = log::draft(name, Kind::Config, "definition.load", who);
        let change = Change::DefinitionLoaded {
            digest: new.digest.clone(),
            in_force_from,
            body: serde_json::to_string(new.as_ref()).map_err(|e| Error::Damaged(e.to_string()))?,
            replaces: previous.map(|(digest, _)| digest),
        };
        self.apply(event, 0, change)?;
        Ok(Sealed::new(true, None))
    }

    /// Of what a definition no longer has, what stored data still use.
    fn in_use(&mut self, register: &str, old: &Definition, gone: Vec<Orphan>) -> Result<Vec<Orphan>, Error> {
        if gone.is_empty() {
            return Ok(gone);
        }
        let types: HashSet<String> = record::table
            .filter(record::register.eq(register))
            .select(record::record_type)
            .distinct()
            .load::<String>(self.conn)?
            .into_iter()
            .collect();
        let roles: HashSet<String> = access_grant::table
            .filter(access_grant::register.eq(register))
            .filter(access_grant::revoked_at.is_null())
            .select(access_grant::role)
            .distinct()
            .load::<String>(self.conn)?
            .into_iter()
            .collect();
        let kinds: HashSet<String> = base_document::table
            .filter(base_document::register.eq(register))
            .select(base_document::kind)
            .distinct()
            .load::<String>(self.conn)?
            .into_iter()
            .collect();
        let mut used = Vec::new();
        for orphan in gone {
            let stands = match &orphan {
                Orphan::RecordType(name) => types.contains(name),
                Orphan::Role(name) => roles.contains(name),
                Orphan::DocumentKind(name) => kinds.contains(name),
                Orphan::Section { .. } => false,
                Orphan::Field { record_type, path } => {
                    types.contains(record_type) && self.mentions(register, Some(record_type), last_part(path), None)?
                }
                Orphan::Code { codelist, code } => {
                    let uses = old.record_types.iter().any(|t| {
                        types.contains(&t.name)
                            && t.fields.iter().any(|f| {
                                f.codelist.as_deref() == Some(codelist)
                                    || f.parts.iter().any(|p| p.codelist.as_deref() == Some(codelist))
                            })
                    });
                    uses && self.mentions(register, None, code, Some(()))?
                }
            };
            if stands {
                used.push(orphan);
            }
        }
        Ok(used)
    }

    /// Whether any state mentions a key or a code: a cautious look at the stored text, which may refuse too much
    /// but never too little.
    fn mentions(
        &mut self,
        register: &str,
        record_type: Option<&str>,
        word: &str,
        as_value: Option<()>,
    ) -> Result<bool, Error> {
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = if as_value.is_some() { format!("%\"{escaped}\"%") } else { format!("%\"{escaped}\":%") };
        let mut query = record_state::table
            .filter(record_state::register.eq(register))
            .filter(record_state::data.like(pattern).escape('\\'))
            .select(record_state::record_id)
            .limit(1)
            .into_boxed();
        if let Some(record_type) = record_type {
            query = query.filter(record_state::record_type.eq(record_type));
        }
        Ok(query.first::<String>(self.conn).optional()?.is_some())
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a name or code that is malformed or taken.
    pub(crate) fn user_add(&mut self, new: &NewUser) -> Result<Sealed<'tx, Uuid>, Error> {
        let mut faults = Vec::new();
        let named = new.username.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
        if !named || new.username.is_empty() || new.username.len() > 64 {
            let detail = "1 to 64 of a-z, 0-9, dot, hyphen and underscore";
            faults.push(Violation::error("/username", "pattern", detail, None));
        }
        if new.display_name.trim().is_empty() || new.display_name.chars().count() > 200 {
            faults.push(Violation::error("/display_name", "length", "1 to 200 characters", None));
        }
        let today = self.now.date_naive();
        let code = match &new.personal_code {
            Some((country, text)) => match PersonalCode::parse(*country, text, today) {
                Ok(code) => Some(code.as_str().to_owned()),
                Err(fault) => {
                    faults.push(Violation::error("/personal_code", "personal_code", fault.to_string(), None));
                    None
                }
            },
            None => None,
        };
        let taken: i64 = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::username.eq(&new.username).or(app_user::personal_code.eq(&code)))
            .count()
            .get_result(self.conn)?;
        if taken > 0 {
            let detail = "there is a user of this name or personal code already: one person, one account";
            faults.push(Violation::error("/username", "not_unique", detail, None));
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }
        let id = self.new_id()?;
        let who = Who { user_id: None, name: format!("{}:cli", crate::domain::access::policy::INSTALLATION) };
        let event = log::draft(INSTALLATION_REGISTER, Kind::Config, "user.add", who);
        let write = UserWrite {
            id,
            username: new.username.clone(),
            personal_code: code,
            display_name: new.display_name.trim().to_owned(),
            password_hash: new.password_hash.clone(),
        };
        self.apply(event, 0, Change::UserAdded(Box::new(write)))?;
        Ok(Sealed::new(id, None))
    }

    /// Sets a new password and ends the user's sessions.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub(crate) fn password_set(&mut self, user_id: Uuid, password_hash: &str) -> Result<Sealed<'tx, ()>, Error> {
        let who = match self.user()? {
            Some(user) => Who { user_id: Some(user.id), name: user.username },
            None => Who { user_id: None, name: format!("{}:cli", crate::domain::access::policy::INSTALLATION) },
        };
        let event = log::draft(INSTALLATION_REGISTER, Kind::Config, "password.set", who);
        self.apply(event, 0, Change::PasswordChanged { user_id, password_hash: password_hash.to_owned() })?;
        Ok(Sealed::new((), None))
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
