//! Walks over all active records of a type, a page at a time: for publications and statistics, of which no page leaves
//! the store as it is.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;

use super::aggregates::renumber;
use super::lists::every;
use crate::domain::record::derive::derive;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::store::conn::{AnyConn, MultiBackend};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::schema::record_state;

/// Records of a page.
const PAGE: usize = 500;

/// An active record, derived fields included.
pub(in crate::store) struct Active {
    pub record_id: String,
    pub institution_id: String,
    pub data: Value,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Text)]
    institution_id: String,
    #[diesel(sql_type = Text)]
    data: String,
}

/// What is done with a page of records, and with the data of others by id.
pub(in crate::store) type Visit<'v> = dyn FnMut(Vec<Active>, &HashMap<String, Value>) -> Result<(), Error> + 'v;

/// Calls `visit` with each page of the records of `kind` that are active on `day`, together with the data of the other
/// records that `needs` names for them.
pub(in crate::store) fn each_page(
    conn: &mut AnyConn,
    register: &Register,
    kind: &RecordType,
    day: NaiveDate,
    needs: &dyn Fn(&Value, &str) -> Vec<String>,
    visit: &mut Visit<'_>,
) -> Result<(), Error> {
    each_page_of(conn, register, kind, day, None, needs, visit)
}

/// As [`each_page`], only over records of the institutions `only`, where they are given.
pub(in crate::store) fn each_page_of(
    conn: &mut AnyConn,
    register: &Register,
    kind: &RecordType,
    day: NaiveDate,
    only: Option<&[String]>,
    needs: &dyn Fn(&Value, &str) -> Vec<String>,
    visit: &mut Visit<'_>,
) -> Result<(), Error> {
    let country = &register.definition.register.country;
    let mut after = (String::new(), String::new());
    loop {
        let rows = page(conn, register.name(), kind, day, only, &after)?;
        let full = rows.len() == PAGE;
        if let Some(last) = rows.last() {
            after = (last.value.clone(), last.record_id.clone());
        }
        let mut records = Vec::with_capacity(rows.len());
        let mut wanted = HashSet::new();
        for row in rows {
            let mut data = facts::json(&row.data)?;
            derive(kind, country, &mut data, day);
            wanted.extend(needs(&data, &row.institution_id));
            records.push(Active { record_id: row.record_id, institution_id: row.institution_id, data });
        }
        let others = others(conn, register, wanted, day)?;
        visit(records, &others)?;
        if !full {
            return Ok(());
        }
    }
}

fn page(
    conn: &mut AnyConn,
    register: &str,
    kind: &RecordType,
    day: NaiveDate,
    only: Option<&[String]>,
    (value, record_id): &(String, String),
) -> Result<Vec<Row>, Error> {
    let mut binds = [register, &kind.name, every(kind), &day.to_string(), value, record_id].map(str::to_owned).to_vec();
    let among = match only {
        None => String::new(),
        Some([]) => return Ok(Vec::new()),
        Some(some) => {
            binds.extend(some.iter().cloned());
            let places: Vec<String> = (7..7 + some.len()).map(|n| format!("${n}")).collect();
            format!(" AND i.institution_id IN ({})", places.join(", "))
        }
    };
    // The page is found in the index alone, from where the last one ended; only its rows are joined to what they hold.
    let sql = format!(
        "SELECT p.value, p.record_id, p.institution_id, s.data FROM (SELECT i.register, i.value, i.record_id, \
         i.from_day, i.institution_id FROM record_index i WHERE i.register = $1 AND i.record_type = $2 AND \
         i.field = $3 AND i.from_day <= $4 AND i.until_day > $4 AND i.begins_on <= $4 AND i.ends_on >= $4 AND \
         i.value >= $5 AND (i.value > $5 OR i.record_id > $6){among} ORDER BY i.value, i.record_id LIMIT {PAGE}) p \
         JOIN record_state s ON s.register = p.register AND s.record_id = p.record_id AND s.from_day = p.from_day"
    );
    let (sql, binds) = renumber(&sql, &binds);
    let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
    for bind in binds {
        query = query.bind::<Text, _>(bind);
    }
    let mut rows: Vec<Row> = query.load(conn)?;
    rows.sort_unstable_by(|a, b| (&a.value, &a.record_id).cmp(&(&b.value, &b.record_id)));
    Ok(rows)
}

/// The data of records on `day`, by id, derived fields included.
fn others(
    conn: &mut AnyConn,
    register: &Register,
    ids: HashSet<String>,
    day: NaiveDate,
) -> Result<HashMap<String, Value>, Error> {
    let ids: Vec<String> = ids.into_iter().collect();
    let mut found = HashMap::new();
    let on = day.to_string();
    for part in ids.chunks(PAGE) {
        let rows: Vec<(String, String, String)> = record_state::table
            .filter(record_state::register.eq(register.name()))
            .filter(record_state::record_id.eq_any(part))
            .filter(record_state::from_day.le(&on))
            .filter(record_state::until_day.gt(&on))
            .select((record_state::record_id, record_state::record_type, record_state::data))
            .load(conn)?;
        for (id, record_type, data) in rows {
            let mut data = facts::json(&data)?;
            if let Some(kind) = register.record_type(&record_type) {
                derive(kind, &register.definition.register.country, &mut data, day);
            }
            found.insert(id, data);
        }
    }
    Ok(found)
}
