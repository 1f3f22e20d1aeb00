//! Base documents and stored files.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::store::change::{Change, DocumentWrite};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{DocumentAdd, Permit, Sealed};
use crate::store::read::documents::{DocumentView, FileView};
use crate::store::schema::stored_file;
use crate::store::write::WriteTx;

/// What a base document is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentData {
    /// Kind, from the statute's list.
    pub kind: String,
    /// Number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Day it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<NaiveDate>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it lies: a mark or address in a document system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What it proves, for kinds that must be explained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Last day on which it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
    /// Institution it belongs to; absent: any of the register may rest on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub institution_id: Option<Uuid>,
}

/// A file that came with a request, its type already established from its content.
#[derive(Clone)]
pub struct Upload {
    /// Name given by the sender, for display only.
    pub name: String,
    /// Media type by content.
    pub media_type: &'static str,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl<'tx> WriteTx<'tx> {
    /// Enters a base document, with its file if it has one.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a kind that the statute does not list, a missing date or explanation.
    pub fn document_add(
        &mut self,
        permit: Permit<'tx, DocumentAdd>,
        data: &DocumentData,
        file: Option<&Upload>,
    ) -> Result<Sealed<'tx, DocumentView>, Error> {
        let register = permit.register.clone();
        if let Some((id, _)) = self.earlier(register.name())? {
            let view = self.document(&register, id)?;
            let actor = self.actor(&register)?;
            let mut event = self.event(&register, Action::DocumentRead, &actor, &permit.ruling);
            event.document_ids = vec![id];
            self.note(event, 0, Some(serde_json::json!({ "replay": true })))?;
            return Ok(Sealed::new(view, None));
        }
        let faults = check(&register.definition, data, self.today(&register));
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }
        if let Some(institution) = data.institution_id {
            let today = self.today(&register);
            let expected = &register.definition.register.institutions.record_type;
            let known = facts::load(self.conn, register.name(), institution, today)?;
            if known.is_none_or(|f| f.record_type != *expected) {
                let detail = "there is no such institution";
                return Err(Refusal::invalid("/institution_id", "not_found", detail, None).into());
            }
        }
        let actor = self.actor(&register)?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let id = self.new_id()?;
        if let Some(upload) = file {
            self.store_file(&permit, upload, &by)?;
        }
        let mut event = self.event(&register, Action::DocumentAdd, &actor, &permit.ruling);
        event.institution_id = data.institution_id;
        event.document_ids = vec![id];
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let body = serde_json::to_string(data).map_err(|e| Error::Damaged(e.to_string()))?;
        let write = DocumentWrite {
            id,
            kind: data.kind.clone(),
            institution_id: data.institution_id,
            body,
            sha256: file.map(|f| f.sha256.clone()),
            file_name: file.map(|f| f.name.clone()),
            by,
            idempotency,
        };
        self.apply(event, 0, Change::DocumentAdded(Box::new(write)))?;
        Ok(Sealed::new(self.document(&register, id)?, None))
    }

    /// Stores a file for a field of type `file`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn file_add(
        &mut self,
        permit: Permit<'tx, DocumentAdd>,
        upload: &Upload,
    ) -> Result<Sealed<'tx, FileView>, Error> {
        let actor = self.actor(&permit.register.clone())?;
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        self.store_file(&permit, upload, &by)?;
        Ok(Sealed::new(
            FileView {
                sha256: upload.sha256.clone(),
                media_type: upload.media_type.to_owned(),
                size: i64::try_from(upload.bytes.len()).unwrap_or(i64::MAX),
            },
            None,
        ))
    }

    fn store_file(&mut self, permit: &Permit<'tx, DocumentAdd>, upload: &Upload, by: &str) -> Result<(), Error> {
        let register = permit.register.clone();
        let known: i64 = stored_file::table
            .filter(stored_file::register.eq(register.name()))
            .filter(stored_file::sha256.eq(&upload.sha256))
            .count()
            .get_result(self.conn)?;
        if known > 0 {
            return Ok(());
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::DocumentAdd, &actor, &permit.ruling);
        "file.store".clone_into(&mut event.action);
        let change = Change::FileStored {
            sha256: upload.sha256.clone(),
            media_type: upload.media_type,
            bytes: upload.bytes.clone(),
            by: by.to_owned(),
        };
        self.apply(event, 0, change)?;
        Ok(())
    }
}

/// The faults of a base document's data.
fn check(definition: &crate::domain::statute::Definition, data: &DocumentData, today: NaiveDate) -> Vec<Violation> {
    let clause = Some(definition.register.access.document_clause.clone());
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, code, detail: String| {
        faults.push(Violation::error(pointer, code, detail, clause.clone()));
    };
    let kind = definition.document_kinds.iter().find(|k| k.name == data.kind);
    match kind {
        None => {
            let known: Vec<&str> = definition.document_kinds.iter().map(|k| k.name.as_str()).collect();
            fault("/kind", "document_kind", format!("the statute lists these kinds: {}", known.join(", ")));
        }
        Some(kind) if kind.needs_explanation && data.explanation.as_deref().is_none_or(|e| e.trim().is_empty()) => {
            fault("/explanation", "required", "explain what this document proves".into());
        }
        Some(_) => {}
    }
    match data.date {
        None => fault("/date", "required", "give the day on which the document was made".into()),
        Some(date) if date > today => fault("/date", "range", "the document cannot be made in the future".into()),
        Some(date) if data.valid_until.is_some_and(|until| until < date) => {
            fault("/valid_until", "order", "the document cannot lapse before it was made".into());
        }
        Some(_) => {}
    }
    let texts = [
        ("/number", &data.number, 100),
        ("/issuer", &data.issuer, 300),
        ("/title", &data.title, 500),
        ("/reference", &data.reference, 500),
        ("/explanation", &data.explanation, 5_000),
    ];
    for (pointer, text, longest) in texts {
        let Some(text) = text else { continue };
        if text.trim().is_empty() || text.chars().count() > longest {
            fault(pointer, "length", format!("at least one and at most {longest} characters"));
        }
    }
    faults
}
