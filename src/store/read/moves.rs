//! Moves of records: where a record came from and where it went, and offers that wait for their receiver.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::records::{Page, RecordView};
use crate::domain::access::rights::Ruling;
use crate::domain::access::{Action, Coordinates, SectionRights};
use crate::domain::audit::Kind;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::record::Timeline;
use crate::domain::record::derive::derive;
use crate::domain::record::index::Status;
use crate::domain::record::moves::carried;
use crate::domain::record::validate::touched_sections;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::duties::Move;
use crate::domain::statute::{Label, RecordType};
use crate::store::conn::AnyConn;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, RecordRead, Sealed};
use crate::store::schema::record_move;
use crate::store::tx::Tx;

/// Where a move can stand.
pub const STATES: &[&str] = &["offered", "done", "declined", "withdrawn"];

/// One end of a move.
#[derive(Debug, Clone, Serialize)]
pub struct MoveSide {
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// The record; `None` while there is none, and where the asker has no right to it.
    pub id: Option<Uuid>,
    /// Institution.
    pub institution_id: Uuid,
}

/// A move of a record.
#[derive(Debug, Clone, Serialize)]
pub struct MoveView {
    /// Id.
    pub id: Uuid,
    /// Name in the definition.
    #[serde(rename = "move")]
    pub name: String,
    /// What people read; `None` where the definition knows it no longer.
    pub label: Option<Label>,
    /// Clause.
    pub clause: String,
    /// `offered`, `done`, `declined` or `withdrawn`.
    pub state: String,
    /// First day of the new record, as offered while it is only offered.
    pub effective_on: NaiveDate,
    /// Where from.
    pub from: MoveSide,
    /// Where to.
    pub into: MoveSide,
    /// When it was made or offered.
    pub begun_at: String,
    /// When it was done, declined or withdrawn.
    pub ended_at: Option<String>,
    /// Why it was declined or withdrawn.
    pub reason: Option<String>,
    /// What is handed over; only to the receiver who opens an offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried: Option<Value>,
    /// The new record, where it has just been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordView>,
}

/// What is kept of a move beside its columns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store) struct MoveBody {
    pub from_type: String,
    pub into_type: String,
    pub clause: String,
    /// Whether it ended the old record.
    pub ended: bool,
    pub documents: Vec<Uuid>,
    #[serde(default)]
    pub reason: Option<String>,
}

/// A move as it is kept.
#[derive(Debug, Clone)]
pub(in crate::store) struct MoveRow {
    pub id: Uuid,
    pub name: String,
    pub state: String,
    pub from_record: Uuid,
    pub from_institution: Uuid,
    pub into_institution: Uuid,
    pub into_record: Option<Uuid>,
    pub effective_on: NaiveDate,
    pub begun_at: i64,
    pub ended_at: Option<i64>,
    pub body: MoveBody,
}

type Row = (String, String, String, String, String, String, Option<String>, String, i64, Option<i64>, String);

macro_rules! columns {
    () => {
        (
            record_move::id,
            record_move::name,
            record_move::state,
            record_move::from_record,
            record_move::from_institution,
            record_move::into_institution,
            record_move::into_record,
            record_move::effective_on,
            record_move::begun_at,
            record_move::ended_at,
            record_move::body,
        )
    };
}

impl MoveRow {
    fn read(row: Row) -> Result<Self, Error> {
        let (id, name, state, from_record, from, into, into_record, effective_on, begun_at, ended_at, body) = row;
        Ok(Self {
            id: facts::id(&id)?,
            name,
            state,
            from_record: facts::id(&from_record)?,
            from_institution: facts::id(&from)?,
            into_institution: facts::id(&into)?,
            into_record: into_record.as_deref().map(facts::id).transpose()?,
            effective_on: facts::day(&effective_on)?,
            begun_at,
            ended_at,
            body: serde_json::from_str(&body).map_err(|_| Error::Damaged("a move cannot be read".into()))?,
        })
    }

    /// What the definition says of it.
    pub fn how<'r>(&self, register: &'r Register) -> Option<(&'r RecordType, &'r Move)> {
        let kind = register.record_type(&self.body.from_type)?;
        Some((kind, kind.moves.iter().find(|m| m.name == self.name)?))
    }

    /// As it is shown. The old record is named where `is_giver`.
    pub fn view(&self, register: &Register, is_giver: bool) -> MoveView {
        MoveView {
            id: self.id,
            name: self.name.clone(),
            label: self.how(register).map(|(_, how)| how.label.clone()),
            clause: self.body.clause.clone(),
            state: self.state.clone(),
            effective_on: self.effective_on,
            from: MoveSide {
                record_type: self.body.from_type.clone(),
                id: is_giver.then_some(self.from_record),
                institution_id: self.from_institution,
            },
            into: MoveSide {
                record_type: self.body.into_type.clone(),
                id: self.into_record,
                institution_id: self.into_institution,
            },
            begun_at: rfc3339(instant(self.begun_at)),
            ended_at: self.ended_at.map(|at| rfc3339(instant(at))),
            reason: self.body.reason.clone(),
            carried: None,
            record: None,
        }
    }
}

/// The move called `id`; on PostgreSQL locked where something is to become of it.
pub(in crate::store) fn load(
    conn: &mut AnyConn,
    register: &str,
    id: Uuid,
    locked: bool,
) -> Result<Option<MoveRow>, Error> {
    let query = record_move::table.find((register, id.to_string())).select(columns!());
    let row: Option<Row> = match conn {
        AnyConn::Pg(c) if locked => query.for_update().first(c).optional()?,
        AnyConn::Pg(c) => query.first(c).optional()?,
        AnyConn::Sqlite(c) => query.first(c).optional()?,
    };
    row.map(MoveRow::read).transpose()
}

/// Every move from or into a record, in their order.
pub(in crate::store) fn of_record(conn: &mut AnyConn, register: &str, record: Uuid) -> Result<Vec<MoveRow>, Error> {
    let key = record.to_string();
    let all = record_move::table.filter(record_move::register.eq(register));
    let mut rows: Vec<Row> = all.filter(record_move::from_record.eq(&key)).select(columns!()).load(conn)?;
    let into: Vec<Row> = all.filter(record_move::into_record.eq(&key)).select(columns!()).load(conn)?;
    rows.extend(into);
    rows.sort();
    rows.dedup();
    rows.into_iter().map(MoveRow::read).collect()
}

/// Moves that are asked for.
#[derive(Debug, Clone, Default)]
pub struct MoveQuery {
    /// Only those that stand so.
    pub state: Option<String>,
    /// Only those from or to this institution.
    pub institution_id: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
    /// From the last page.
    pub cursor: Option<Uuid>,
}

/// As whom somebody sees a move.
#[derive(Debug, Clone)]
pub(in crate::store) enum Side {
    /// As one who may end the old record.
    Giver(Ruling),
    /// As one who may enter the new record.
    Receiver(Ruling),
}

impl<'tx> Tx<'tx> {
    /// The rights of the caller to do `action` with records of `kind` in an institution.
    pub(in crate::store) fn rights_in(
        &mut self,
        register: &Register,
        kind: &RecordType,
        action: Action,
        institution: Uuid,
    ) -> Result<SectionRights, Error> {
        let actor = self.actor(register)?;
        let at = Coordinates {
            institution_id: Some(institution),
            about_self: false,
            status: if action == Action::RecordCreate { Status::None } else { Status::Active },
            purpose_given: self.cx.purpose.is_some(),
        };
        Ok(actor.sections(&register.policies, &register.definition, kind, action, &at))
    }

    /// As whom the caller sees a move; `None` where it is none of their business.
    pub(in crate::store) fn side_of(&mut self, register: &Register, row: &MoveRow) -> Result<Option<Side>, Error> {
        if let Some(from) = register.record_type(&row.body.from_type) {
            let rights = self.rights_in(register, from, Action::RecordEnd, row.from_institution)?;
            if let Some(ruling) = rights.leading().filter(|_| rights.any()) {
                return Ok(Some(Side::Giver(ruling.clone())));
            }
        }
        if let Some(into) = register.record_type(&row.body.into_type) {
            let rights = self.rights_in(register, into, Action::RecordCreate, row.into_institution)?;
            if let Some(ruling) = rights.leading().filter(|_| rights.any()) {
                return Ok(Some(Side::Receiver(ruling.clone())));
            }
        }
        Ok(None)
    }

    /// What a move hands over: the values that its definition names, as they stood on the day before it.
    pub(in crate::store) fn handed_over(
        &mut self,
        register: &Register,
        from_record: Uuid,
        (kind, how): (&RecordType, &Move),
        effective_on: NaiveDate,
    ) -> Result<Value, Error> {
        let entries = facts::entries(self.conn, register.name(), from_record)?;
        let day = effective_on.checked_sub_days(Days::new(1)).unwrap_or(effective_on);
        let into = register.record_type(&how.into).ok_or(Refusal::NotFound { what: "record type" })?;
        let timeline = Timeline::fold(&entries, None);
        let mut data = timeline.on_or_first(day).map(|s| s.data.clone()).unwrap_or_else(|| json!({}));
        derive(kind, &register.definition.register.country, &mut data, day);
        Ok(carried(how, into, &data))
    }

    /// Moves that the caller may see, oldest first: those of records that they may end, and those into institutions for
    /// which they may enter. A page looks at `limit` moves and may show fewer.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown register, [`Refusal::Unauthenticated`].
    pub fn move_list(&mut self, register: &str, query: &MoveQuery) -> Result<Sealed<'tx, Page<MoveView>>, Error> {
        let register = self.register(register)?;
        self.user()?.ok_or(Refusal::Unauthenticated)?;
        let actor = self.actor(&register)?;
        let mut rows = record_move::table.filter(record_move::register.eq(register.name())).into_boxed();
        // Only what lies within some grant is looked at; what the grants permit there is asked below.
        let reach: Vec<Option<Uuid>> = actor.grants.iter().map(|g| g.institution_id).collect();
        if !reach.contains(&None) {
            let own: Vec<String> = reach.into_iter().flatten().map(|i| i.to_string()).collect();
            let into = record_move::into_institution.eq_any(own.clone());
            rows = rows.filter(into.or(record_move::from_institution.eq_any(own)));
        }
        if let Some(institution) = query.institution_id.map(|i| i.to_string()) {
            let into = record_move::into_institution.eq(institution.clone());
            rows = rows.filter(into.or(record_move::from_institution.eq(institution)));
        }
        if let Some(state) = &query.state {
            rows = rows.filter(record_move::state.eq(state.clone()));
        }
        if let Some(cursor) = query.cursor {
            rows = rows.filter(record_move::id.gt(cursor.to_string()));
        }
        let rows: Vec<Row> = rows.order(record_move::id).limit(query.limit + 1).select(columns!()).load(self.conn)?;
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let more = rows.len() > limit;
        let rows = rows.into_iter().take(limit).map(MoveRow::read).collect::<Result<Vec<_>, _>>()?;
        let next_cursor = more.then(|| rows.last().map(|r| r.id.to_string())).flatten();
        let mut sides: HashMap<(String, String, Uuid, Uuid), Option<Side>> = HashMap::new();
        let mut items = Vec::new();
        let mut ruling = None;
        for row in &rows {
            let body = &row.body;
            let key = (body.from_type.clone(), body.into_type.clone(), row.from_institution, row.into_institution);
            if !sides.contains_key(&key) {
                let side = self.side_of(&register, row)?;
                sides.insert(key.clone(), side);
            }
            match sides.get(&key) {
                Some(Some(side)) => {
                    let (Side::Giver(found) | Side::Receiver(found)) = side;
                    ruling.get_or_insert_with(|| found.clone());
                    items.push(row.view(&register, matches!(side, Side::Giver(_))));
                }
                _ => continue,
            }
        }
        let event = ruling.map(|ruling| {
            let mut event = self.event(&register, Action::RecordList, &actor, &ruling);
            "move.list".clone_into(&mut event.action);
            event.record_ids = items.iter().flat_map(|m| [m.from.id, m.into.id]).flatten().collect();
            event.institution_id = query.institution_id;
            event
        });
        Ok(Sealed::new(Page { items, next_cursor }, event))
    }

    /// Opens a move. To the receiver of an offer it shows what is handed over: that is the handing over, and is logged
    /// as a reading of the old record under the clause of the move.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none or it is none of the caller's business, [`Refusal::PurposeRequired`].
    pub fn move_read(&mut self, register: &str, id: Uuid) -> Result<Sealed<'tx, MoveView>, Error> {
        let register = self.register(register)?;
        self.user()?.ok_or(Refusal::Unauthenticated)?;
        let nothing = Refusal::NotFound { what: "move" };
        let row = load(self.conn, register.name(), id, false)?.ok_or(nothing.clone())?;
        let side = self.side_of(&register, &row)?.ok_or(nothing)?;
        self.purpose(&register, false)?;
        let actor = self.actor(&register)?;
        let (ruling, is_giver) = match &side {
            Side::Giver(ruling) => (ruling, true),
            Side::Receiver(ruling) => (ruling, false),
        };
        let mut view = row.view(&register, is_giver);
        let mut event = self.event(&register, Action::RecordRead, &actor, ruling);
        event.institution_id = Some(row.from_institution);
        event.record_type = Some(row.body.from_type.clone());
        event.record_ids = [Some(row.from_record), row.into_record].into_iter().flatten().collect();
        "move.read".clone_into(&mut event.action);
        if !is_giver && row.state == "offered" {
            let how = row.how(&register).ok_or(Refusal::NotFound { what: "move in the statute" })?;
            let data = self.handed_over(&register, row.from_record, how, row.effective_on)?;
            "record.hand_over".clone_into(&mut event.action);
            event.clause = Some(how.1.clause.0.clone());
            let fields: BTreeMap<&str, &str> =
                how.1.carries.iter().map(|(new, old)| (new.as_str(), old.as_str())).collect();
            let given = data.as_object().into_iter().flat_map(|d| d.keys()).filter_map(|new| fields.get(new.as_str()));
            event.fields = given.map(|old| (*old).to_owned()).collect();
            let named = event.fields.iter().map(|f| (f.clone(), Value::Null)).collect();
            event.sections = touched_sections(how.0, &Value::Object(named)).into_iter().collect();
            view.carried = Some(data);
        }
        event.detail = Some(json!({ "move_id": row.id, "into_institution": row.into_institution }));
        debug_assert_eq!(event.kind, Kind::Read);
        Ok(Sealed::new(view, Some(event)))
    }

    /// Where a record came from and where it went.
    ///
    /// # Errors
    /// Those of the database.
    pub fn record_moves(&mut self, permit: Permit<'tx, RecordRead>) -> Result<Sealed<'tx, Page<MoveView>>, Error> {
        let register: Arc<Register> = permit.register.clone();
        let facts = permit.facts.ok_or(Refusal::NotFound { what: "record" })?;
        let rows = of_record(self.conn, register.name(), facts.id)?;
        let items: Vec<MoveView> = rows.iter().map(|r| r.view(&register, true)).collect();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RecordRead, &actor, &permit.ruling);
        event.institution_id = Some(facts.institution_id);
        event.record_type = Some(facts.record_type);
        let linked = items.iter().flat_map(|m| [m.from.id, m.into.id]).flatten();
        event.record_ids = linked.chain([facts.id]).collect::<BTreeSet<_>>().into_iter().collect();
        event.sections = permit.view.permitted.keys().cloned().collect();
        event.detail = Some(json!({ "moves": items.len() }));
        Ok(Sealed::new(Page { items, next_cursor: None }, Some(event)))
    }
}
