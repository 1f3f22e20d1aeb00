//! Relations between records: those that share a value with this one (a guardian, an address), found and never typed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::records::RecordView;
use crate::domain::access::{Action, Coordinates, SectionRights};
use crate::domain::record::derive::{derive, relations};
use crate::domain::record::index::{Status, values_at};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::Field;
use crate::domain::statute::path::FieldPath;
use crate::store::conn::AnyConn;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, RecordRead};
use crate::store::schema::{record_index, record_state};
use crate::store::tx::Tx;
use crate::store::write::WriteTx;

/// Most relations of one record that are shown.
const MOST: usize = 100;
/// Values looked for in one statement: PostgreSQL takes 65,535 parameters.
const AT_ONCE: usize = 10_000;

/// A record that shares a value with another.
pub(in crate::store) struct Relation {
    pub record_id: Uuid,
    pub institution_id: Uuid,
    data: Value,
}

/// The states of records on `day`; of those that begin later, the first.
pub(in crate::store) fn states_on(
    conn: &mut AnyConn,
    register: &str,
    records: &[Uuid],
    day: NaiveDate,
) -> Result<HashMap<Uuid, Value>, Error> {
    let day = day.to_string();
    let rows: Vec<(String, String)> = record_state::table
        .filter(record_state::register.eq(register))
        .filter(record_state::record_id.eq_any(records.iter().map(Uuid::to_string)))
        .filter(record_state::from_day.le(&day))
        .filter(record_state::until_day.gt(&day))
        .select((record_state::record_id, record_state::data))
        .load(conn)?;
    rows.into_iter().map(|(id, data)| Ok((facts::id(&id)?, facts::json(&data)?))).collect()
}

/// The relations of each of `owners` by the derived `field`, as of `day`. An owner's own records are not among them,
/// nor those of the same person.
pub(in crate::store) fn related(
    conn: &mut AnyConn,
    register: &Register,
    kind: &RecordType,
    field: &Field,
    owners: &[(Uuid, &Value)],
    day: NaiveDate,
) -> Result<HashMap<Uuid, Vec<Rc<Relation>>>, Error> {
    let Some((derived, path)) = field.derived.as_ref().and_then(|d| Some((d, d.field.as_deref()?))) else {
        return Ok(HashMap::new());
    };
    let Some(of) = derived.of.as_deref().and_then(|of| register.record_type(of)) else {
        return Ok(HashMap::new());
    };
    let shared: Vec<Vec<String>> = owners.iter().map(|(_, data)| values_at(kind, data, path)).collect();
    let wanted: Vec<&String> = shared.iter().flatten().collect::<BTreeSet<_>>().into_iter().collect();
    let mut by_value: HashMap<String, Vec<Rc<Relation>>> = HashMap::new();
    let day = day.to_string();
    for values in wanted.chunks(AT_ONCE) {
        let rows: Vec<(String, String, String, String)> = record_index::table
            .inner_join(
                record_state::table.on(record_state::register
                    .eq(record_index::register)
                    .and(record_state::record_id.eq(record_index::record_id))
                    .and(record_state::from_day.eq(record_index::from_day))),
            )
            .filter(record_index::register.eq(register.name()))
            .filter(record_index::record_type.eq(&of.name))
            .filter(record_index::field.eq(path))
            .filter(record_index::value.eq_any(values.iter().copied()))
            .filter(record_index::from_day.le(&day))
            .filter(record_index::until_day.gt(&day))
            .filter(record_index::begins_on.le(&day))
            .filter(record_index::ends_on.ge(&day))
            .order((record_index::value, record_index::record_id))
            .select((record_index::value, record_index::record_id, record_index::institution_id, record_state::data))
            .load(conn)?;
        for (value, record_id, institution_id, data) in rows {
            let relation = Relation {
                record_id: facts::id(&record_id)?,
                institution_id: facts::id(&institution_id)?,
                data: facts::json(&data)?,
            };
            by_value.entry(value).or_default().push(Rc::new(relation));
        }
    }
    let code = |kind: &RecordType, data: &Value| -> Option<String> {
        data.get(kind.subject.as_ref()?.field())?.as_str().map(str::to_owned)
    };
    let via = derived.via.as_deref().and_then(|v| FieldPath::parse(v).ok());
    let mut found = HashMap::new();
    for ((id, data), values) in owners.iter().zip(&shared) {
        let own = code(kind, data);
        let within: Option<HashSet<&str>> =
            via.as_ref().map(|path| path.values(data).into_iter().filter_map(Value::as_str).collect());
        let mut seen = HashSet::new();
        let relations: Vec<Rc<Relation>> = values
            .iter()
            .filter_map(|v| by_value.get(v))
            .flatten()
            .filter(|r| r.record_id != *id && (own.is_none() || code(of, &r.data) != own))
            .filter(|r| within.as_ref().is_none_or(|w| w.contains(r.institution_id.to_string().as_str())))
            .filter(|r| seen.insert(r.record_id))
            .cloned()
            .collect();
        if !relations.is_empty() {
            found.insert(*id, relations);
        }
    }
    Ok(found)
}

impl<'tx> Tx<'tx> {
    /// Puts the relations that `rights` cover into `views`, as of `day`. Of a related record stand there only its
    /// sections that the reader may see; where there are none, only that there is one.
    pub(in crate::store) fn fill_related(
        &mut self,
        register: &Register,
        kind: &RecordType,
        rights: &SectionRights,
        views: &mut [RecordView],
        day: NaiveDate,
    ) -> Result<(), Error> {
        let visible = |f: &&Field| f.section.as_ref().is_some_and(|s| rights.permitted.contains_key(s));
        let fields: Vec<&Field> = relations(kind).filter(visible).collect();
        if fields.is_empty() || views.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = views.iter().map(|v| v.id).collect();
        let states = states_on(self.conn, register.name(), &ids, day)?;
        let owners: Vec<(Uuid, &Value)> = states.iter().map(|(id, data)| (*id, data)).collect();
        for field in fields {
            let of = field.derived.as_ref().and_then(|d| d.of.as_deref()).and_then(|of| register.record_type(of));
            let of = of.ok_or(Refusal::NotFound { what: "record type" })?;
            let mut found = related(self.conn, register, kind, field, &owners, day)?;
            let mut seen: HashMap<Uuid, SectionRights> = HashMap::new();
            // In a list the asker may see more of one institution's records than of another's.
            let hides = |view: &RecordView| field.section.as_ref().is_none_or(|s| view.redacted.contains(s));
            for view in views.iter_mut().filter(|view| !hides(view)) {
                let mut rows = Vec::new();
                for relation in found.remove(&view.id).unwrap_or_default().iter().take(MOST) {
                    let rights = match seen.entry(relation.institution_id) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => new.insert(self.rights_there(register, of, relation.institution_id)?),
                    };
                    rows.push(shown(register, of, field, relation, rights, day));
                }
                if let Value::Object(map) = &mut view.data {
                    map.insert(field.name.clone(), Value::Array(rows));
                }
            }
        }
        Ok(())
    }

    /// What the caller may read of active records of an institution.
    fn rights_there(&mut self, register: &Register, kind: &RecordType, id: Uuid) -> Result<SectionRights, Error> {
        let actor = self.actor(register)?;
        let at = Coordinates {
            institution_id: Some(id),
            about_self: false,
            status: Status::Active,
            purpose_given: self.cx.purpose.is_some(),
        };
        Ok(actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at))
    }
}

impl<'tx> WriteTx<'tx> {
    /// Logs the reading of the relations that the answer to a write shows.
    pub(in crate::store) fn note_related<A: crate::store::guard::Act>(
        &mut self,
        permit: &Permit<'tx, A>,
        view: &RecordView,
    ) -> Result<(), Error> {
        let register = permit.register.clone();
        let record_ids = named(&register, &view.record_type, &[view]);
        if record_ids.is_empty() {
            return Ok(());
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, <RecordRead as crate::store::guard::Act>::ACTION, &actor, &permit.ruling);
        event.record_type = Some(view.record_type.clone());
        event.record_ids = record_ids;
        self.note(event, 0, Some(json!({ "related_to": view.id })))?;
        Ok(())
    }
}

/// A row: nothing but that it is there, or the record with what may be seen of it.
fn shown(
    register: &Register,
    of: &RecordType,
    field: &Field,
    relation: &Relation,
    rights: &SectionRights,
    day: NaiveDate,
) -> Value {
    if !rights.any() {
        return json!({});
    }
    let mut data = relation.data.clone();
    derive(of, &register.definition.register.country, &mut data, day);
    let mut row = Map::new();
    row.insert("record".into(), json!(relation.record_id));
    row.insert("institution".into(), json!(relation.institution_id));
    for part in field.parts.iter().filter(|p| p.name != "record" && p.name != "institution") {
        let source = of.fields.iter().find(|f| f.name == part.name);
        let section = source.and_then(|f| f.section.as_ref());
        let value = data.get(&part.name).filter(|_| section.is_some_and(|s| rights.permitted.contains_key(s)));
        if let Some(value) = value {
            row.insert(part.name.clone(), value.clone());
        }
    }
    Value::Object(row)
}

/// The related records that `views` name.
pub(in crate::store) fn named(register: &Register, record_type: &str, views: &[&RecordView]) -> Vec<Uuid> {
    let Some(kind) = register.record_type(record_type) else {
        return Vec::new();
    };
    let fields: Vec<&str> = relations(kind).map(|f| f.name.as_str()).collect();
    let rows = views.iter().flat_map(|v| fields.iter().filter_map(|f| v.data.get(*f)?.as_array())).flatten();
    let ids = rows.filter_map(|row| row.get("record")?.as_str()?.parse().ok());
    ids.collect::<BTreeSet<Uuid>>().into_iter().collect()
}
