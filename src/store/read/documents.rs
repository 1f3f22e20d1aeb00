//! Base documents and files.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::access::rights::Ruling;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::store::acts::documents::DocumentData;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{DocumentRead, Permit, Sealed};
use crate::store::schema::{base_document, entry, entry_document, stored_file};
use crate::store::tx::Tx;

/// Most documents asked about at once.
pub const MOST_DOCUMENTS: usize = 500;

/// A stored file's description.
#[derive(Debug, Clone, Serialize)]
pub struct FileView {
    /// SHA-256, lower-case hexadecimal; also the value of a field of type `file`.
    pub sha256: String,
    /// Media type by content.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
}

/// A base document as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct DocumentView {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// What it is.
    #[serde(flatten)]
    pub data: DocumentData,
    /// Its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileView>,
    /// The file's name as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// When it was entered.
    pub added_at: String,
    /// Who entered it.
    pub added_by: String,
}

/// A file to be served.
pub struct FileContent {
    /// Description.
    pub file: FileView,
    /// Name to save it under.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The institution of a base document, for deciding: `None` where it belongs to none.
fn institution(tx: &mut Tx<'_>, register: &str, id: Uuid) -> Result<Option<Option<Uuid>>, Error> {
    let found: Option<Option<String>> = base_document::table
        .find((register, id.to_string()))
        .select(base_document::institution_id)
        .first(tx.conn)
        .optional()?;
    found.map(|i| i.as_deref().map(facts::id).transpose()).transpose()
}

impl<'tx> Tx<'tx> {
    /// Leave to read one base document.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it does not exist or its institution is out of reach; [`Refusal::Forbidden`].
    pub fn authorize_document(&mut self, register: &str, id: Uuid) -> Result<Permit<'tx, DocumentRead>, Error> {
        // Who has no session learns nothing, not even whether the document exists.
        let known = self.register(register)?;
        self.actor(&known)?;
        let found = institution(self, known.name(), id)?.ok_or(Refusal::NotFound { what: "document" })?;
        // A document of no institution may be read by whoever may read documents at all.
        let reach = found.map(Some);
        match self.authorize_register::<DocumentRead>(register, reach) {
            Err(Error::Refused(Refusal::Forbidden { .. })) if reach.is_some() => {
                Err(Refusal::NotFound { what: "document" }.into())
            }
            other => other,
        }
    }

    /// A base document.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn document_read(
        &mut self,
        permit: Permit<'tx, DocumentRead>,
        id: Uuid,
    ) -> Result<Sealed<'tx, DocumentView>, Error> {
        let register = permit.register.clone();
        let view = self.document(&register, id)?;
        let event = self.document_event(&permit, &view)?;
        Ok(Sealed::new(view, Some(event)))
    }

    /// A base document's file.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none.
    pub fn document_file(
        &mut self,
        permit: Permit<'tx, DocumentRead>,
        id: Uuid,
    ) -> Result<Sealed<'tx, FileContent>, Error> {
        let register = permit.register.clone();
        let view = self.document(&register, id)?;
        let Some(file) = view.file.clone() else {
            return Err(Refusal::NotFound { what: "file" }.into());
        };
        let bytes: Vec<u8> =
            stored_file::table.find((register.name(), &file.sha256)).select(stored_file::bytes).first(self.conn)?;
        let event = self.document_event(&permit, &view)?;
        let name = view.file_name.unwrap_or_else(|| file.sha256.clone());
        Ok(Sealed::new(FileContent { file, name, bytes }, Some(event)))
    }

    /// What base documents are: of those of `ids` that the caller may read. Reading that is reading the document: the
    /// log names each, and `record_id`, beside which they stand.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for more than [`MOST_DOCUMENTS`].
    pub fn document_list(
        &mut self,
        register: &str,
        record_id: Uuid,
        ids: &[Uuid],
    ) -> Result<Sealed<'tx, BTreeMap<Uuid, DocumentData>>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        if ids.len() > MOST_DOCUMENTS {
            let detail = format!("at most {MOST_DOCUMENTS} at once");
            return Err(Refusal::invalid("/ids", "too_many", detail, None).into());
        }
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let rows: Vec<(String, Option<String>, String)> = base_document::table
            .filter(base_document::register.eq(register.name()))
            .filter(base_document::id.eq_any(&ids))
            .select((base_document::id, base_document::institution_id, base_document::body))
            .load(self.conn)?;
        let purpose = self.cx.purpose.is_some();
        let mut rulings: HashMap<Option<String>, Ruling> = HashMap::new();
        let mut found = BTreeMap::new();
        let mut leading = None;
        for (id, institution, body) in rows {
            if !rulings.contains_key(&institution) {
                let reach = Some(institution.as_deref().map(facts::id).transpose()?);
                let action = Action::DocumentRead;
                let ruling = actor.register(&register.policies, &register.definition, action, reach, purpose);
                rulings.insert(institution.clone(), ruling);
            }
            let Some(ruling) = rulings.get(&institution).filter(|r| r.decision.permitted) else { continue };
            leading.get_or_insert_with(|| ruling.clone());
            let data = serde_json::from_str(&body).map_err(|_| Error::Damaged("a document cannot be read".into()))?;
            found.insert(facts::id(&id)?, data);
        }
        let Some(ruling) = leading else {
            return Ok(Sealed::unlogged(found));
        };
        let mut event = self.event(&register, Action::DocumentRead, &actor, &ruling);
        event.document_ids = found.keys().copied().collect();
        event.record_ids = vec![record_id];
        event.detail = Some(json!({ "documents": found.len() }));
        Ok(Sealed::new(found, Some(event)))
    }

    fn document_event(
        &mut self,
        permit: &Permit<'tx, DocumentRead>,
        view: &DocumentView,
    ) -> Result<crate::domain::audit::Event, Error> {
        let actor = self.actor(&permit.register)?;
        let mut event = self.event(&permit.register, Action::DocumentRead, &actor, &permit.ruling);
        event.institution_id = view.data.institution_id;
        event.document_ids = vec![view.id];
        // Whose data the document proves: the records of the entries that rest on it.
        let records: Vec<String> = entry_document::table
            .inner_join(
                entry::table
                    .on(entry::register.eq(entry_document::register).and(entry::id.eq(entry_document::entry_id))),
            )
            .filter(entry_document::register.eq(permit.register.name()))
            .filter(entry_document::document_id.eq(view.id.to_string()))
            .select(entry::record_id)
            .distinct()
            .limit(1_000)
            .load(self.conn)?;
        event.record_ids = records.iter().map(|r| facts::id(r)).collect::<Result<_, _>>()?;
        Ok(event)
    }

    pub(in crate::store) fn document(&mut self, register: &Register, id: Uuid) -> Result<DocumentView, Error> {
        type Row = (String, Option<String>, Option<String>, i64, String);
        let row: Option<Row> = base_document::table
            .find((register.name(), id.to_string()))
            .select((
                base_document::body,
                base_document::sha256,
                base_document::file_name,
                base_document::added_at,
                base_document::added_by,
            ))
            .first(self.conn)
            .optional()?;
        let (body, sha256, file_name, added_at, added_by) = row.ok_or(Refusal::NotFound { what: "document" })?;
        let file = match sha256 {
            Some(sha256) => {
                let (media_type, size): (String, i64) = stored_file::table
                    .find((register.name(), &sha256))
                    .select((stored_file::media_type, stored_file::size))
                    .first(self.conn)?;
                Some(FileView { sha256, media_type, size })
            }
            None => None,
        };
        Ok(DocumentView {
            id,
            register: register.name().to_owned(),
            data: serde_json::from_str(&body).map_err(|_| Error::Damaged("a document cannot be read".into()))?,
            file,
            file_name,
            added_at: rfc3339(instant(added_at)),
            added_by,
        })
    }
}
