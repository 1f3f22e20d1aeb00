//! What is made public: proposing, approving, withdrawing, reading about it; and the public list itself, for anybody.

use serde_json::Value;
use uuid::Uuid;

use super::files_of::{Made, Shape, column_kind, written};
use super::{ActContext, App, Disclosed, Error};
use crate::domain::publication::{Columns, Difference};
use crate::domain::refusal::Refusal;
use crate::files::{Cell, Column, ColumnKind, Table, csv, html};
use crate::store::guard::{PublicationApprove, PublicationPropose};
use crate::store::read::publications::{PublicationDetail, PublicationView, PublishedView};
use crate::store::read::records::Page;

impl App {
    /// Proposes to make public what the statute names, as it is today.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn propose_publication(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
    ) -> Result<Disclosed<PublicationView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<PublicationPropose>(&register, None)?;
            tx.publication_propose(permit, &record_type)
        });
        Ok(act.await?)
    }

    /// Approves what somebody else proposed.
    ///
    /// # Errors
    /// Refusals with their clause; a conflict for what is decided or outdated.
    pub async fn approve_publication(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        digest: Option<String>,
    ) -> Result<Disclosed<PublicationView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<PublicationApprove>(&register, None)?;
            tx.publication_approve(permit, id, digest.as_deref())
        });
        Ok(act.await?)
    }

    /// Withdraws what is public or proposed.
    ///
    /// # Errors
    /// As [`App::approve_publication`]; a missing reason.
    pub async fn withdraw_publication(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        reason: String,
    ) -> Result<Disclosed<PublicationView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<PublicationApprove>(&register, None)?;
            tx.publication_withdraw(permit, id, &reason)
        });
        Ok(act.await?)
    }

    /// What was published when, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_publications(
        &self,
        cx: ActContext,
        register: String,
        record_type: Option<String>,
        cursor: Option<Uuid>,
        limit: i64,
    ) -> Result<Disclosed<Page<PublicationView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_publications(&register)?;
            tx.publication_list(permit, record_type.as_deref(), cursor, limit)
        });
        Ok(act.await?)
    }

    /// A publication with a page of its rows.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn read_publication(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        difference: Option<Difference>,
        cursor: Option<String>,
        limit: i64,
    ) -> Result<Disclosed<PublicationDetail>, Error> {
        let after = match cursor.as_deref() {
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None))?,
            None => -1,
        };
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_publications(&register)?;
            tx.publication_read(permit, id, difference, after, limit)
        });
        Ok(act.await?)
    }

    /// What is public now: a page of it, or with no `limit` all.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where nothing is.
    pub async fn published(
        &self,
        register: String,
        record_type: String,
        language: String,
        cursor: Option<String>,
        limit: Option<i64>,
    ) -> Result<PublishedView, Error> {
        let cx = ActContext::installation("public");
        let act = self
            .store
            .disclose(cx, move |tx| tx.published(&register, &record_type, &language, cursor.as_deref(), limit));
        Ok(act.await?.into_inner())
    }

    /// What is public now as a file: a table for spreadsheet programs, or a page to be embedded.
    ///
    /// # Errors
    /// As [`App::published`].
    pub async fn published_file(
        &self,
        register: String,
        record_type: String,
        language: String,
        shape: Shape,
    ) -> Result<Made, Error> {
        let view = self.published(register.clone(), record_type, language.clone(), None, None).await?;
        let register = self.register(&register)?;
        let definition = &register.definition;
        let kind = register.record_type(&view.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let source = definition.register.publications.iter().find(|p| p.record_type == view.record_type);
        let columns = source.and_then(|s| Columns::of(definition, kind, s));
        let columns = columns.ok_or(Refusal::NotFound { what: "publication" })?;
        let zone = definition.register.time_zone;
        let heads: Vec<Column> = columns
            .reaches()
            .iter()
            .map(|r| Column {
                name: r.text.to_owned(),
                label: r.field.label.in_language(&language).to_owned(),
                kind: if r.is_open { ColumnKind::Text } else { column_kind(r.field.kind) },
            })
            .collect();
        let kinds: Vec<ColumnKind> = heads.iter().map(|c| c.kind).collect();
        let title =
            format!("{}: {}", definition.register.name.in_language(&language), kind.label.in_language(&language));
        let mut table = Table::new(title, heads);
        for item in &view.items {
            let cells = columns.cells(item).into_iter().enumerate().map(|(n, value)| {
                let codes = view.columns.get(n).map(|c| &c.codes);
                let worded = worded(value, &|code| codes.and_then(|c| c.get(code)).cloned());
                Cell::from_json(&worded, kinds.get(n).copied().unwrap_or(ColumnKind::Text), zone)
            });
            table.push(cells.collect()).map_err(|e| Error::Setup(e.to_string()))?;
        }
        let lang = language.parse().unwrap_or_default();
        let name = format!("{}-{}", register.name(), view.record_type);
        match shape {
            Shape::Html => {
                let note = format!("{} · {} · {}", view.as_of, view.clause, definition.register.act.title);
                Ok(Made::new(name, shape, html(&table, lang, Some(&note)).into_bytes()))
            }
            Shape::Xlsx | Shape::Json => Err(Error::Setup("what is public is not made so".into())),
            Shape::Csv => {
                let bytes = csv(&table, written(&language)).map_err(|e| Error::Setup(e.to_string()))?;
                Ok(Made::new(name, shape, bytes))
            }
        }
    }
}

/// A value with its codes in words.
fn worded(value: Value, word: &dyn Fn(&str) -> Option<String>) -> Value {
    match value {
        Value::String(code) => Value::String(word(&code).unwrap_or(code)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| worded(item, word)).collect()),
        other => other,
    }
}
