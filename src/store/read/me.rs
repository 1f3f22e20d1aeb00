//! One's own account.

use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::access::Grant;
use crate::domain::audit::Kind;
use crate::domain::audit::event::Who;
use crate::domain::record::index::{fields_with, search_key};
use crate::domain::refusal::Refusal;
use crate::domain::statute::definition::Index;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::Sealed;
use crate::store::log;
use crate::store::schema::{access_grant, app_user, record_index, record_state};
use crate::store::tx::Tx;

/// The caller.
#[derive(Debug, Clone, Serialize)]
pub struct MeView {
    /// User id.
    pub id: Uuid,
    /// User name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// E-mail address for letters.
    pub email: Option<String>,
    /// Language of letters.
    pub language: Option<String>,
    /// Grants in force today.
    pub grants: Vec<MyGrant>,
    /// Records about the caller, and about minors for whom they stand.
    pub records: Vec<MyRecord>,
}

/// A grant with its register.
#[derive(Debug, Clone, Serialize)]
pub struct MyGrant {
    /// Register.
    pub register: String,
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
}

/// A record about the caller.
#[derive(Debug, Clone, Serialize)]
pub struct MyRecord {
    /// Register.
    pub register: String,
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Id.
    pub id: Uuid,
    /// `guardian`, where it is about a minor for whom the caller stands.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub standing: Option<&'static str>,
}

impl<'tx> Tx<'tx> {
    /// Refuses whoever has no open session.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub fn require_user(&mut self) -> Result<(), Error> {
        self.user()?.map(|_| ()).ok_or_else(|| Refusal::Unauthenticated.into())
    }

    /// The caller, their grants in force and the records about them.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub fn me(&mut self) -> Result<Sealed<'tx, MeView>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let (display_name, email, language): (String, Option<String>, Option<String>) = app_user::table
            .find((INSTALLATION_REGISTER, user.id.to_string()))
            .select((app_user::display_name, app_user::email, app_user::language))
            .first(self.conn)?;
        let registers: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let bodies: Vec<(String, String)> = access_grant::table
            .filter(access_grant::register.eq_any(&registers))
            .filter(access_grant::user_id.eq(user.id.to_string()))
            .filter(access_grant::revoked_at.is_null())
            .order((access_grant::register, access_grant::id))
            .select((access_grant::register, access_grant::body))
            .load(self.conn)?;
        let mut grants = Vec::new();
        for (register, body) in bodies {
            let grant: Grant =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a grant cannot be read".into()))?;
            let day = self.register(&register).map(|r| self.today(&r))?;
            if grant.in_force(day) {
                grants.push(MyGrant { register, grant });
            }
        }
        let records = self.own_records(&registers, user.personal_code.as_deref(), &user.username)?;
        let who = Who { user_id: Some(user.id), name: user.username.clone() };
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Read, "me.read", who);
        event.record_ids = records.iter().map(|r| r.id).collect();
        event.purpose.clone_from(&self.cx.purpose);
        event.request_id.clone_from(&self.cx.request_id);
        let view = MeView { id: user.id, username: user.username, display_name, email, language, grants, records };
        Ok(Sealed::new(view, Some(event)))
    }

    /// Records whose subject has this personal code or, where subjects are known by their accounts, this account; or is
    /// a minor for whom whoever has the code stands today.
    pub(in crate::store) fn own_records(
        &mut self,
        registers: &[String],
        personal_code: Option<&str>,
        account: &str,
    ) -> Result<Vec<MyRecord>, Error> {
        let (mut types, mut fields, mut paths) = (Vec::new(), Vec::new(), Vec::new());
        let (mut named, mut accounts) = (Vec::new(), Vec::new());
        for name in registers {
            for version in self.registers.versions(name) {
                for kind in version.definition.record_types.iter() {
                    let Some(subject) = &kind.subject else {
                        continue;
                    };
                    let indexed = fields_with(kind, Index::Code).find(|(f, _)| *f == subject.field());
                    if indexed.is_some() && subject.personal_code.is_some() {
                        types.push(kind.name.clone());
                        fields.push(subject.field().to_owned());
                    } else if let Some((field, of)) = indexed {
                        named.push(kind.name.clone());
                        accounts.push((field.to_owned(), search_key(of, account)));
                    }
                    paths.extend(subject.guardians.iter().map(|path| (kind.name.clone(), path.clone())));
                }
            }
        }
        let (account_fields, mut keys): (Vec<String>, Vec<String>) = accounts.into_iter().unzip();
        keys.dedup();
        let mut records = match keys.is_empty() || account.is_empty() {
            true => Vec::new(),
            false => self.records_about(registers, &named, &account_fields, &keys)?,
        };
        let Some(code) = personal_code else { return Ok(records) };
        records.extend(self.records_about(registers, &types, &fields, &[code.to_owned()])?);
        if !paths.is_empty() {
            records.extend(self.wards(registers, paths, code)?);
        }
        Ok(records)
    }

    /// Records of these types that have one of the values in one of the fields.
    fn records_about(
        &mut self,
        registers: &[String],
        types: &[String],
        fields: &[String],
        values: &[String],
    ) -> Result<Vec<MyRecord>, Error> {
        let rows: Vec<(String, String, String)> = record_index::table
            .filter(record_index::register.eq_any(registers))
            .filter(record_index::record_type.eq_any(types))
            .filter(record_index::field.eq_any(fields))
            .filter(record_index::value.eq_any(values))
            .select((record_index::register, record_index::record_type, record_index::record_id))
            .distinct()
            .limit(100)
            .load(self.conn)?;
        rows.into_iter()
            .map(|(register, record_type, id)| {
                Ok(MyRecord { register, record_type, id: facts::id(&id)?, standing: None })
            })
            .collect()
    }

    /// Records of minors whom whoever has this personal code stands for today.
    fn wards(
        &mut self,
        registers: &[String],
        paths: Vec<(String, String)>,
        code: &str,
    ) -> Result<Vec<MyRecord>, Error> {
        let (types, fields): (Vec<String>, Vec<String>) = paths.into_iter().unzip();
        // The state that each run of days in the index belongs to; which of them holds today is the register's to say.
        let rows: Vec<(String, String, String, String, String, String)> = record_index::table
            .inner_join(
                record_state::table.on(record_state::register
                    .eq(record_index::register)
                    .and(record_state::record_id.eq(record_index::record_id))
                    .and(record_state::from_day.eq(record_index::from_day))),
            )
            .filter(record_index::register.eq_any(registers))
            .filter(record_index::record_type.eq_any(types))
            .filter(record_index::field.eq_any(fields))
            .filter(record_index::value.eq(code))
            .order((record_index::register, record_index::record_id))
            .limit(500)
            .select((
                record_index::register,
                record_index::record_type,
                record_index::record_id,
                record_index::from_day,
                record_index::until_day,
                record_state::data,
            ))
            .load(self.conn)?;
        let mut wards = Vec::new();
        for (name, record_type, id, from, until, data) in rows {
            let register = self.register(&name)?;
            let today = self.today(&register);
            let day = today.to_string();
            let subject = register.record_type(&record_type).and_then(|t| t.subject.as_ref());
            let Some(subject) = subject.filter(|_| from <= day && day < until) else {
                continue;
            };
            let data = facts::json(&data)?;
            if subject.guardians_on(&register.definition.register.country, &data, today).contains(&code) {
                wards.push(MyRecord { register: name, record_type, id: facts::id(&id)?, standing: Some("guardian") });
            }
        }
        wards.truncate(100);
        Ok(wards)
    }
}
