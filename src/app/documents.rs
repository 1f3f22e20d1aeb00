//! Base documents and files.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error, media};
use crate::store::acts::documents::{DocumentData, Upload};
use crate::store::guard::DocumentAdd;
use crate::store::read::documents::{DocumentView, FileContent, FileView};

/// A file as it came: with a name and, perhaps, a type that it claims.
pub struct Incoming {
    /// Name.
    pub name: String,
    /// Media type that the sender claims.
    pub claimed: Option<String>,
    /// Content.
    pub bytes: Vec<u8>,
}

impl App {
    /// Enters a base document.
    ///
    /// # Errors
    /// Refusals with their clause; a file that is too large, of a type not taken, or not what it claims to be.
    pub async fn add_document(
        &self,
        cx: ActContext,
        register: String,
        data: DocumentData,
        file: Option<Incoming>,
    ) -> Result<Disclosed<DocumentView>, Error> {
        let file = match file {
            Some(file) => Some(self.examine(file).await?),
            None => None,
        };
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<DocumentAdd>(&register, Some(data.institution_id))?;
            tx.document_add(permit, &data, file.as_ref())
        });
        Ok(act.await?)
    }

    /// Stores a file for a field of type `file`.
    ///
    /// # Errors
    /// As [`App::add_document`].
    pub async fn add_file(
        &self,
        cx: ActContext,
        register: String,
        file: Incoming,
    ) -> Result<Disclosed<FileView>, Error> {
        let file = self.examine(file).await?;
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<DocumentAdd>(&register, None)?;
            tx.file_add(permit, &file)
        });
        Ok(act.await?)
    }

    /// Digesting a large file takes a while: not on an async thread.
    async fn examine(&self, file: Incoming) -> Result<Upload, Error> {
        let largest = self.largest_file;
        tokio::task::spawn_blocking(move || media::examine(file, largest))
            .await
            .map_err(|e| Error::Setup(e.to_string()))?
    }

    /// Reads a base document.
    ///
    /// # Errors
    /// Not there, or not to be seen.
    pub async fn read_document(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<DocumentView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_document(&register, id)?;
            tx.document_read(permit, id)
        });
        Ok(act.await?)
    }

    /// What the base documents of a record's entries are, as far as the caller may read them.
    ///
    /// # Errors
    /// Too many at once.
    pub async fn list_documents(
        &self,
        cx: ActContext,
        register: String,
        record_id: Uuid,
        ids: Vec<Uuid>,
    ) -> Result<Disclosed<BTreeMap<Uuid, DocumentData>>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.document_list(&register, record_id, &ids)).await?)
    }

    /// Reads a base document's file.
    ///
    /// # Errors
    /// Not there, or not to be seen.
    pub async fn read_document_file(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<FileContent>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_document(&register, id)?;
            tx.document_file(permit, id)
        });
        Ok(act.await?)
    }
}
