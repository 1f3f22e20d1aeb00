//! Imports that were made, what each of their rows did, and how somebody's sheets name their columns.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::lists::ListQuery;
use super::records::{Page, RecordView};
use crate::domain::access::{Action, Coordinates};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::record::index::Status;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::Sealed;
use crate::store::schema::{app_user, column_mapping, import_row, import_run};
use crate::store::tx::Tx;

/// The most records that an export holds.
pub const LARGEST_EXPORT: usize = 20_000;

/// An import, or one that runs.
#[derive(Debug, Clone, Serialize)]
pub struct ImportView {
    /// Id.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Institution.
    pub institution_id: Uuid,
    /// `running`, `checked`, `done`, `undone`, `refused`, `cancelled` or `failed`.
    pub state: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: String,
    /// When it was taken back.
    pub undone_at: Option<String>,
    /// What a running one does: `reading`, `checking` or `writing`.
    pub part: Option<String>,
    /// Rows done in that part.
    pub done: Option<u64>,
    /// Rows in all of that part.
    pub of: Option<u64>,
    /// Rows at fault, of one that was refused.
    pub faulty: Option<u64>,
    /// SHA-256 of what was brought.
    pub sha256: Option<String>,
    /// Counts and bases of one that was made.
    pub summary: Value,
}

/// What a row of an import did.
#[derive(Debug, Clone, Serialize)]
pub struct ImportRowView {
    /// Number of the row.
    pub row: i64,
    /// `new` or `changed`.
    pub outcome: String,
    /// The record.
    pub record_id: Uuid,
    /// The entry made.
    pub entry_id: Uuid,
}

type Row = (String, String, String, String, String, i64, Option<i64>, String, String);

fn view_of(register: &str, row: Row, names: &HashMap<String, String>) -> Result<ImportView, Error> {
    let (id, record_type, institution, state, made_by, made_at, undone_at, sha256, body) = row;
    Ok(ImportView {
        id: facts::id(&id)?,
        register: register.to_owned(),
        record_type,
        institution_id: facts::id(&institution)?,
        state,
        made_by: names.get(&made_by).cloned().unwrap_or(made_by),
        made_at: rfc3339(instant(made_at)),
        undone_at: undone_at.map(|at| rfc3339(instant(at))),
        part: None,
        done: None,
        of: None,
        faulty: None,
        sha256: Some(sha256),
        summary: facts::json(&body)?,
    })
}

const COLUMNS: (
    import_run::id,
    import_run::record_type,
    import_run::institution_id,
    import_run::state,
    import_run::made_by,
    import_run::made_at,
    import_run::undone_at,
    import_run::sha256,
    import_run::body,
) = (
    import_run::id,
    import_run::record_type,
    import_run::institution_id,
    import_run::state,
    import_run::made_by,
    import_run::made_at,
    import_run::undone_at,
    import_run::sha256,
    import_run::body,
);

impl<'tx> Tx<'tx> {
    fn names_of(&mut self, rows: &[Row]) -> Result<HashMap<String, String>, Error> {
        let ids: Vec<&str> = rows.iter().map(|r| r.4.as_str()).collect();
        Ok(app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(ids))
            .select((app_user::id, app_user::display_name))
            .load::<(String, String)>(self.conn)?
            .into_iter()
            .collect())
    }

    /// An import as it is shown.
    pub(in crate::store) fn import_view(&mut self, register: &str, id: Uuid) -> Result<ImportView, Error> {
        let row: Option<Row> =
            import_run::table.find((register, id.to_string())).select(COLUMNS).first(self.conn).optional()?;
        let row = row.ok_or(Refusal::NotFound { what: "import" })?;
        let names = self.names_of(std::slice::from_ref(&row))?;
        view_of(register, row, &names)
    }

    /// Whether the caller may list such records of an institution.
    fn may_list(&mut self, register: &Register, record_type: &str, institution: Uuid) -> Result<bool, Error> {
        let Some(kind) = register.record_type(record_type) else { return Ok(false) };
        let actor = self.actor(register)?;
        let at = Coordinates {
            institution_id: Some(institution),
            about_self: false,
            status: Status::Active,
            purpose_given: self.cx.purpose.is_some(),
        };
        Ok(actor.sections(&register.policies, &register.definition, kind, Action::RecordList, &at).any())
    }

    /// Whether a run of this process is the caller's to see and to end.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where it is not.
    pub(crate) fn may_see_run(
        &mut self,
        register: &str,
        record_type: &str,
        institution: Uuid,
        made_by: Option<Uuid>,
    ) -> Result<(), Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let own = actor.user_id.is_some() && actor.user_id == made_by;
        if own || self.may_list(&register, record_type, institution)? {
            return Ok(());
        }
        Err(Refusal::NotFound { what: "import" }.into())
    }

    /// Imports that were made, newest first: the caller's own and those of institutions whose records they may list.
    /// They hold counts and no personal data. Those in `running` stand in front.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn import_list(
        &mut self,
        register: &str,
        institution: Option<Uuid>,
        before: Option<Uuid>,
        limit: i64,
        running: Vec<ImportView>,
    ) -> Result<Sealed<'tx, Page<ImportView>>, Error> {
        let register = self.register(register)?;
        let actor = self.actor(&register)?;
        let own = actor.user_id.map(|u| u.to_string()).unwrap_or_default();
        let reach: Vec<Option<Uuid>> = actor.grants.iter().map(|g| g.institution_id).collect();
        let mut query = import_run::table.filter(import_run::register.eq(register.name())).select(COLUMNS).into_boxed();
        if !reach.contains(&None) {
            let places: Vec<String> = reach.iter().flatten().map(Uuid::to_string).collect();
            query = query.filter(import_run::made_by.eq(own.clone()).or(import_run::institution_id.eq_any(places)));
        }
        if let Some(institution) = institution {
            query = query.filter(import_run::institution_id.eq(institution.to_string()));
        }
        if let Some(before) = before {
            query = query.filter(import_run::id.lt(before.to_string()));
        }
        let mut rows: Vec<Row> = query.order(import_run::id.desc()).limit(limit + 1).load(self.conn)?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next_cursor = more.then(|| rows.last().map(|r| r.0.clone())).flatten();
        let names = self.names_of(&rows)?;
        let mut items = running;
        let mut may: HashMap<(String, String), bool> = HashMap::new();
        for row in rows {
            let key = (row.1.clone(), row.2.clone());
            let listed = match may.get(&key) {
                Some(known) => *known,
                None => {
                    let listed = self.may_list(&register, &row.1, facts::id(&row.2)?)?;
                    may.insert(key, listed);
                    listed
                }
            };
            if listed || row.4 == own {
                items.push(view_of(register.name(), row, &names)?);
            }
        }
        Ok(Sealed::new(Page { items, next_cursor }, None))
    }

    /// An import that was made.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also where it is not the caller's to see.
    pub(crate) fn import_read(&mut self, register: &str, id: Uuid) -> Result<Sealed<'tx, ImportView>, Error> {
        let register = self.register(register)?;
        let own = self.actor(&register)?.user_id.map(|u| u.to_string()).unwrap_or_default();
        let row: Option<Row> =
            import_run::table.find((register.name(), id.to_string())).select(COLUMNS).first(self.conn).optional()?;
        let row = row.ok_or(Refusal::NotFound { what: "import" })?;
        if row.4 != own && !self.may_list(&register, &row.1, facts::id(&row.2)?)? {
            return Err(Refusal::NotFound { what: "import" }.into());
        }
        let names = self.names_of(std::slice::from_ref(&row))?;
        Ok(Sealed::new(view_of(register.name(), row, &names)?, None))
    }

    /// What the rows of an import did, after row `after`. It names records, and is logged as a list of them.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] with the clause.
    pub(crate) fn import_rows(
        &mut self,
        register: &str,
        id: Uuid,
        after: i64,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<ImportRowView>>, Error> {
        let (record_type, institution): (String, String) = import_run::table
            .find((register, id.to_string()))
            .select((import_run::record_type, import_run::institution_id))
            .first(self.conn)
            .optional()?
            .ok_or(Refusal::NotFound { what: "import" })?;
        let institution = facts::id(&institution)?;
        let permit = self.authorize_list(register, &record_type, Some(institution))?;
        let register = permit.register.clone();
        if !self.may_list(&register, &record_type, institution)? {
            return Err(Refusal::NotFound { what: "import" }.into());
        }
        let mut rows: Vec<(i64, String, String, String)> = import_row::table
            .filter(import_row::register.eq(register.name()))
            .filter(import_row::import_id.eq(id.to_string()))
            .filter(import_row::position.gt(after))
            .order(import_row::position)
            .limit(limit + 1)
            .select((import_row::position, import_row::outcome, import_row::record_id, import_row::entry_id))
            .load(self.conn)?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next_cursor = more.then(|| rows.last().map(|r| r.0.to_string())).flatten();
        let items = rows
            .into_iter()
            .map(|(row, outcome, record_id, entry_id)| {
                Ok(ImportRowView { row, outcome, record_id: facts::id(&record_id)?, entry_id: facts::id(&entry_id)? })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RecordList, &actor, &permit.ruling);
        event.record_type = Some(record_type);
        event.institution_id = Some(institution);
        event.record_ids = items.iter().map(|i| i.record_id).collect();
        event.detail = Some(serde_json::json!({ "import_id": id }));
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// How the caller's sheets of a type name their columns, as kept with their last import.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where nothing is kept.
    pub(crate) fn import_mapping(&mut self, register: &str, record_type: &str) -> Result<Sealed<'tx, Value>, Error> {
        let register = self.register(register)?;
        register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let user = self.user()?.ok_or(Refusal::NotFound { what: "mapping" })?;
        let body: Option<String> = column_mapping::table
            .find((register.name(), user.id.to_string(), record_type))
            .select(column_mapping::body)
            .first(self.conn)
            .optional()?;
        let body = body.ok_or(Refusal::NotFound { what: "mapping" })?;
        Ok(Sealed::new(facts::json(&body)?, None))
    }

    /// Every record that a list would give, page by page, as one read.
    ///
    /// # Errors
    /// As [`Tx::record_list`]; [`Refusal::Conflict`] for more than [`LARGEST_EXPORT`] records.
    pub(crate) fn record_export(
        &mut self,
        register: &str,
        record_type: &str,
        query: &ListQuery,
    ) -> Result<Sealed<'tx, Vec<RecordView>>, Error> {
        let mut query = ListQuery { limit: 500, cursor: None, ..query.clone() };
        let mut views: Vec<RecordView> = Vec::new();
        let mut whole: Option<crate::domain::audit::Event> = None;
        loop {
            let permit = self.authorize_list(register, record_type, query.institution_id)?;
            let (page, event) = self.record_list(permit, record_type, &query)?.open();
            views.extend(page.items);
            match (&mut whole, event) {
                (Some(whole), Some(event)) => {
                    whole.record_ids.extend(event.record_ids);
                    for section in event.sections {
                        if !whole.sections.contains(&section) {
                            whole.sections.push(section);
                        }
                    }
                }
                (None, event) => whole = event,
                (Some(_), None) => {}
            }
            if views.len() > LARGEST_EXPORT {
                let detail = format!("an export holds at most {LARGEST_EXPORT} records; narrow it by a filter");
                return Err(Refusal::Conflict { code: "too_many", detail, clause: None }.into());
            }
            match page.next_cursor {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        if let Some(event) = &mut whole {
            event.detail = Some(serde_json::json!({ "export": true, "records": views.len() }));
        }
        Ok(Sealed::new(views, whole))
    }
}
