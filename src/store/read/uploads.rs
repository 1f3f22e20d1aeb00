//! Sheets that were brought and are not taken in yet. They hold personal data that stands in no register: nobody but
//! whoever brought them sees them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::calendar::{instant, micros};
use crate::domain::refusal::Refusal;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::schema::pending_upload;
use crate::store::tx::Tx;

/// A sheet without its content.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadLine {
    /// Id.
    pub id: Uuid,
    /// What is to become of it: `import` or `exchange`.
    pub kind: String,
    /// Name of the file.
    pub name: String,
    /// How it is to be taken in.
    pub plan: Value,
    /// When it was brought.
    pub saved_at: DateTime<Utc>,
    /// When it is forgotten.
    pub expires_at: DateTime<Utc>,
}

/// A sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingUpload {
    /// What it is.
    pub line: UploadLine,
    /// Its content.
    pub bytes: Vec<u8>,
}

type Row = (String, String, String, String, i64, i64);
const COLUMNS: (
    pending_upload::id,
    pending_upload::kind,
    pending_upload::name,
    pending_upload::plan,
    pending_upload::saved_at,
    pending_upload::expires_at,
) = (
    pending_upload::id,
    pending_upload::kind,
    pending_upload::name,
    pending_upload::plan,
    pending_upload::saved_at,
    pending_upload::expires_at,
);

fn line((id, kind, name, plan, saved_at, expires_at): Row) -> Result<UploadLine, Error> {
    Ok(UploadLine {
        id: facts::id(&id)?,
        kind,
        name,
        plan: facts::json(&plan)?,
        saved_at: instant(saved_at),
        expires_at: instant(expires_at),
    })
}

impl Tx<'_> {
    /// The caller's sheets that are not taken in yet, newest first.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever has no right in the register any more.
    pub(crate) fn uploads_of(&mut self, register: &str) -> Result<Vec<UploadLine>, Error> {
        let register = self.register(register)?;
        let user = self.searcher(&register)?;
        let rows: Vec<Row> = pending_upload::table
            .filter(pending_upload::register.eq(register.name()))
            .filter(pending_upload::user_id.eq(user.to_string()))
            .filter(pending_upload::expires_at.gt(micros(self.now)))
            .order(pending_upload::id.desc())
            .limit(crate::store::acts::uploads::MOST_UPLOADS)
            .select(COLUMNS)
            .load(self.conn)?;
        rows.into_iter().map(line).collect()
    }

    /// A sheet of the caller's, with its content.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also where it is somebody else's or its day is over.
    pub(crate) fn upload_of(&mut self, register: &str, id: Uuid) -> Result<PendingUpload, Error> {
        let register = self.register(register)?;
        let user = self.searcher(&register)?;
        let row: Option<(Row, Vec<u8>)> = pending_upload::table
            .find((register.name(), id.to_string()))
            .filter(pending_upload::user_id.eq(user.to_string()))
            .filter(pending_upload::expires_at.gt(micros(self.now)))
            .select((COLUMNS, pending_upload::bytes))
            .first(self.conn)
            .optional()?;
        let (row, bytes) = row.ok_or(Refusal::NotFound { what: "sheet" })?;
        Ok(PendingUpload { line: line(row)?, bytes })
    }
}
