//! Sheets that are brought and not taken in yet. As with drafts nothing is asserted by them, so that they are written
//! without an entry in the log; what is compared with the register, and what is entered, are acts with theirs.

use chrono::TimeDelta;
use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::calendar::micros;
use crate::domain::refusal::Refusal;
use crate::store::error::Error;
use crate::store::guard::Sealed;
use crate::store::schema::pending_upload;
use crate::store::write::WriteTx;

/// How long a sheet waits.
const UPLOAD_HOURS: i64 = 24;
/// Sheets of a user that wait in a register.
pub(in crate::store) const MOST_UPLOADS: i64 = 10;

impl<'tx> WriteTx<'tx> {
    /// Keeps a sheet of the caller's for a day.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`]; [`Refusal::Conflict`] for one sheet too many.
    pub(crate) fn upload_keep(
        &mut self,
        register: &str,
        kind: &str,
        name: &str,
        bytes: &[u8],
        plan: &str,
    ) -> Result<Sealed<'tx, Uuid>, Error> {
        let register = self.register(register)?;
        let user = self.searcher(&register)?.to_string();
        let now = micros(self.now);
        let waiting: i64 = pending_upload::table
            .filter(pending_upload::register.eq(register.name()))
            .filter(pending_upload::user_id.eq(&user))
            .filter(pending_upload::expires_at.gt(now))
            .count()
            .get_result(self.conn)?;
        if waiting >= MOST_UPLOADS {
            let detail = format!("{MOST_UPLOADS} sheets wait already; take one in or discard it");
            return Err(Refusal::Conflict { code: "too_many_uploads", detail, clause: None }.into());
        }
        let id = self.new_id()?;
        self.wrote = true;
        diesel::insert_into(pending_upload::table)
            .values((
                pending_upload::register.eq(register.name()),
                pending_upload::id.eq(id.to_string()),
                pending_upload::user_id.eq(&user),
                pending_upload::kind.eq(kind),
                pending_upload::name.eq(name),
                pending_upload::bytes.eq(bytes),
                pending_upload::plan.eq(plan),
                pending_upload::saved_at.eq(now),
                pending_upload::expires_at.eq(micros(self.now + TimeDelta::hours(UPLOAD_HOURS))),
            ))
            .execute(self.conn)?;
        Ok(Sealed::unlogged(id))
    }

    /// Keeps how a sheet of the caller's is to be taken in and, where it was mended elsewhere, its new content.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also where it is somebody else's.
    pub(crate) fn upload_change(
        &mut self,
        register: &str,
        id: Uuid,
        plan: &str,
        file: Option<(&str, &[u8])>,
    ) -> Result<Sealed<'tx, ()>, Error> {
        let register = self.register(register)?;
        let user = self.searcher(&register)?.to_string();
        let own = pending_upload::table
            .filter(pending_upload::register.eq(register.name()))
            .filter(pending_upload::id.eq(id.to_string()))
            .filter(pending_upload::user_id.eq(&user));
        self.wrote = true;
        let changed = match file {
            None => diesel::update(own).set(pending_upload::plan.eq(plan)).execute(self.conn)?,
            Some((name, bytes)) => diesel::update(own)
                .set((
                    pending_upload::plan.eq(plan),
                    pending_upload::name.eq(name),
                    pending_upload::bytes.eq(bytes),
                    pending_upload::saved_at.eq(micros(self.now)),
                    pending_upload::expires_at.eq(micros(self.now + TimeDelta::hours(UPLOAD_HOURS))),
                ))
                .execute(self.conn)?,
        };
        match changed {
            0 => Err(Refusal::NotFound { what: "sheet" }.into()),
            _ => Ok(Sealed::unlogged(())),
        }
    }

    /// Forgets a sheet of the caller's, whether there is one or not.
    pub(crate) fn upload_drop(&mut self, register: &str, id: Uuid) -> Result<Sealed<'tx, ()>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        self.wrote = true;
        diesel::delete(
            pending_upload::table
                .filter(pending_upload::register.eq(register))
                .filter(pending_upload::id.eq(id.to_string()))
                .filter(pending_upload::user_id.eq(user.id.to_string())),
        )
        .execute(self.conn)?;
        Ok(Sealed::unlogged(()))
    }
}
