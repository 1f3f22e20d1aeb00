//! How much of what is stored a changed definition touches: numbers only, for whoever puts a new version into force.
//! Nothing is written, and nothing is taken into use.

use std::path::Path;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::{AnyConn, DatabaseUrl, connect};
use super::error::Error;
use super::migrate;
use super::read::report::bound;
use crate::domain::statute::diff::Touch;
use crate::domain::statute::path::FieldPath;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Counts what each of `touches` speaks of in `register`, as it stands on `today`; `None` where that cannot be counted.
///
/// # Errors
/// [`Error::Unavailable`] where there is no database, or one that is not migrated.
pub fn count(
    url: &DatabaseUrl,
    register: &str,
    touches: &[Touch],
    today: NaiveDate,
) -> Result<Vec<Option<i64>>, Error> {
    // Connecting would make the file.
    if let DatabaseUrl::Sqlite(path) = url
        && !Path::new(path).exists()
    {
        return Err(Error::Unavailable(format!("there is no database at {path}")));
    }
    let mut conn = connect(url).map_err(|e| Error::Unavailable(e.to_string()))?;
    if !migrate::is_current(&mut conn)? {
        return Err(Error::Unavailable("migrations are missing".into()));
    }
    conn.transaction::<_, Error, _>(|conn| touches.iter().map(|touch| one(conn, register, touch, today)).collect())
}

fn one(conn: &mut AnyConn, register: &str, touch: &Touch, today: NaiveDate) -> Result<Option<i64>, Error> {
    let today_text = today.to_string();
    let states = "FROM record_state WHERE register = $1 AND record_type = $2";
    let in_force = "from_day <= $3 AND until_day > $3";
    let (sql, binds) = match touch {
        Touch::Records { record_type } => (
            "SELECT COUNT(*) AS count FROM record WHERE register = $1 AND record_type = $2".to_owned(),
            vec![record_type.clone()],
        ),
        Touch::With { record_type, field } => {
            let Some(value) = value_at(conn, field) else { return Ok(None) };
            let sql = format!("SELECT COUNT(DISTINCT record_id) AS count {states} AND {value} IS NOT NULL");
            (sql, vec![record_type.clone()])
        }
        Touch::Without { record_type, field } => {
            let Some(value) = value_at(conn, field) else { return Ok(None) };
            let sql = format!("SELECT COUNT(DISTINCT record_id) AS count {states} AND {in_force} AND {value} IS NULL");
            (sql, vec![record_type.clone(), today_text])
        }
        Touch::FallDue { record_type, trigger, before, after } => {
            let Some(value) = value_at(conn, trigger) else { return Ok(None) };
            let (Some(from), Some(until)) = (before.back_from(today), after.back_from(today)) else { return Ok(None) };
            // Days sort as texts. What was over by the old period is due already.
            let sql = format!(
                "SELECT COUNT(DISTINCT record_id) AS count {states} AND {in_force} AND {value} >= $4 AND {value} < $5"
            );
            (sql, vec![record_type.clone(), today_text, from.to_string(), until.to_string()])
        }
        Touch::Grants { role } => {
            let sql = "SELECT COUNT(*) AS count FROM access_grant WHERE register = $1 AND role = $2 AND revoked_at IS NULL \
                       AND until_day >= $3";
            (sql.to_owned(), vec![role.clone(), today_text])
        }
        Touch::Cases { case } => {
            let sql = "SELECT COUNT(*) AS count FROM case_file WHERE register = $1 AND kind = $2 AND closed_at IS NULL";
            (sql.to_owned(), vec![case.clone()])
        }
        Touch::Documents { document_kind } => {
            let sql = "SELECT COUNT(*) AS count FROM base_document WHERE register = $1 AND kind = $2";
            (sql.to_owned(), vec![document_kind.clone()])
        }
    };
    let binds: Vec<String> = std::iter::once(register.to_owned()).chain(binds).collect();
    let row: Count = bound(&sql, &binds).get_result(conn)?;
    Ok(Some(row.count))
}

/// The value at a path of a state's data, as text, null where there is none; nothing for what is no plain path.
/// Machine names need no quoting: they are letters, digits and underscores.
fn value_at(conn: &AnyConn, path: &str) -> Option<String> {
    let path = FieldPath::parse(path).ok().filter(|p| p.steps().iter().all(|step| step.chosen.is_none()))?;
    let names: Vec<String> = path.steps().iter().map(|step| format!("'{}'", step.name)).collect();
    let (last, before) = names.split_last()?;
    let way: String = before.iter().map(|name| format!(" -> {name}")).collect();
    let data = if matches!(conn, AnyConn::Pg(_)) { "data::jsonb" } else { "data" };
    Some(format!("({data}{way} ->> {last})"))
}
