//! Setting up: users.

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::audit::Kind;
use crate::domain::audit::event::Who;
use crate::domain::identity::{Country, PersonalCode};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::store::change::{Change, UserWrite};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::guard::Sealed;
use crate::store::log;
use crate::store::schema::app_user;
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
