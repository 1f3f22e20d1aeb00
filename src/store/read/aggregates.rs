//! Derived numbers over other records (headcount, loads), for a whole page of records with one query a field.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::records::RecordView;
use super::relations::states_on;
use crate::domain::access::SectionRights;
use crate::domain::record::derive;
use crate::domain::record::index::NUMBER_SCALE;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Field, FieldType, Take};
use crate::store::conn::{AnyConn, MultiBackend};
use crate::store::error::Error;
use crate::store::facts;

#[derive(QueryableByName)]
struct Figure {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    figure: Option<i64>,
}

/// Puts the aggregate fields that `rights` cover into `views`, as of `day`.
pub(in crate::store) fn fill(
    conn: &mut AnyConn,
    register: &Register,
    kind: &RecordType,
    rights: &SectionRights,
    views: &mut [RecordView],
    day: NaiveDate,
) -> Result<(), Error> {
    if views.is_empty() {
        return Ok(());
    }
    for field in derive::aggregates(kind) {
        if !field.section.as_ref().is_some_and(|s| rights.permitted.contains_key(s)) {
            continue;
        }
        let owners: Vec<String> = views.iter().map(|v| v.id.to_string()).collect();
        if field.derived.as_ref().is_some_and(|d| d.take == Take::CountBy) {
            let mut tables = counts(conn, register, field, &owners, day)?;
            for view in &mut *views {
                if let Value::Object(map) = &mut view.data {
                    let rows = tables.remove(&view.id.to_string()).unwrap_or_default();
                    map.insert(field.name.clone(), Value::Array(rows));
                }
            }
            continue;
        }
        let figures = figures(conn, register, field, &owners, day)?;
        for view in &mut *views {
            let figure = figures.get(&view.id.to_string()).copied().unwrap_or(0);
            if let Value::Object(map) = &mut view.data {
                map.insert(field.name.clone(), shown(field, figure));
            }
        }
    }
    Ok(())
}

/// Sums are decimal text, counts are numbers.
fn shown(field: &Field, figure: i64) -> Value {
    let summed = field.derived.as_ref().is_some_and(|d| d.take == Take::Sum);
    if summed && field.kind != FieldType::Integer {
        let mut sum = Decimal::new(figure, NUMBER_SCALE);
        sum.rescale(field.scale.unwrap_or(2));
        json!(sum.to_string())
    } else if summed {
        json!(figure / 10_i64.pow(NUMBER_SCALE))
    } else {
        json!(figure)
    }
}

/// The figure of each owner that has one.
fn figures(
    conn: &mut AnyConn,
    register: &Register,
    field: &Field,
    owners: &[String],
    day: NaiveDate,
) -> Result<HashMap<String, i64>, Error> {
    let Some(derived) = &field.derived else {
        return Ok(HashMap::new());
    };
    let Some(counted) = derived.of.as_deref().and_then(|of| register.record_type(of)) else {
        return Ok(HashMap::new());
    };
    // Every record has exactly one row for each indexed field, so that any of them counts records.
    let counted_field = derived.field.clone().unwrap_or_else(|| super::lists::every(counted).to_owned());
    let take = match derived.take {
        // A record without the value (a person without a code) still counts as one.
        Take::CountDistinct => "COUNT(DISTINCT CASE WHEN i.value = '' THEN i.record_id ELSE i.value END)",
        Take::Sum => "SUM(i.amount)",
        _ => "COUNT(*)",
    };
    let Some(source) = Source::new(register, counted, counted_field, derived.via.as_deref(), owners, day) else {
        return Ok(HashMap::new());
    };
    let Source { from, owner, conditions, binds } = source;
    // The joins stand before the conditions, so that their binds must be numbered before: see `renumber`.
    let sql = format!(
        "SELECT {owner} AS owner, CAST({take} AS BIGINT) AS figure FROM {from} WHERE {} GROUP BY {owner}",
        conditions.join(" AND ")
    );
    let (sql, binds) = renumber(&sql, &binds);
    let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
    for bind in binds {
        query = query.bind::<Text, _>(bind);
    }
    let rows: Vec<Figure> = query.load(conn)?;
    Ok(rows.into_iter().map(|r| (r.owner, r.figure.unwrap_or(0))).collect())
}

/// Where the counted records are found: joins, conditions, and the owner for whom each counts.
struct Source {
    from: String,
    owner: String,
    conditions: Vec<String>,
    binds: Vec<String>,
}

impl Source {
    /// The rows of `field` of active records on `day`, by the owners to whom `via` leads; `None` where it leads nowhere.
    fn new(
        register: &Register,
        counted: &RecordType,
        field: String,
        via: Option<&str>,
        owners: &[String],
        day: NaiveDate,
    ) -> Option<Self> {
        // `$n` is numbered by first appearance, which is what SQLite and PostgreSQL understand alike.
        let mut binds: Vec<String> = vec![register.name().to_owned(), counted.name.clone(), field, day.to_string()];
        let alive = |t: &str| format!("{t}.from_day <= $4 AND {t}.until_day > $4");
        let mut from = "record_index i".to_owned();
        let mut owner = "i.institution_id".to_owned();
        let mut conditions = vec![
            "i.register = $1".to_owned(),
            "i.record_type = $2".to_owned(),
            "i.field = $3".to_owned(),
            alive("i"),
            "i.begins_on <= $4 AND i.ends_on >= $4".to_owned(),
        ];
        if let Some(via) = via {
            let mut at = counted;
            let mut holder = "i.record_id".to_owned();
            for (n, step) in via.split('/').enumerate() {
                let alias = format!("v{n}");
                binds.push(at.name.clone());
                let type_bind = binds.len();
                binds.push(step.to_owned());
                let field_bind = binds.len();
                from.push_str(&format!(
                    " JOIN record_index {alias} ON {alias}.register = i.register AND {alias}.record_type = ${type_bind} \
                     AND {alias}.field = ${field_bind} AND {alias}.record_id = {holder}"
                ));
                conditions.push(alive(&alias));
                holder = format!("{alias}.value");
                owner.clone_from(&holder);
                let next = at.fields.iter().find(|f| f.name == step).and_then(|f| f.refers_to.as_deref());
                at = next.and_then(|n| register.record_type(n))?;
            }
        }
        let places: Vec<String> = owners
            .iter()
            .map(|o| {
                binds.push(o.clone());
                format!("${}", binds.len())
            })
            .collect();
        conditions.push(format!("{owner} IN ({})", places.join(", ")));
        Some(Self { from, owner, conditions, binds })
    }
}

/// For each owner the rows of a count by several fields: their values, and how many active records have them.
fn counts(
    conn: &mut AnyConn,
    register: &Register,
    field: &Field,
    owners: &[String],
    day: NaiveDate,
) -> Result<HashMap<String, Vec<Value>>, Error> {
    #[derive(QueryableByName)]
    struct Group {
        #[diesel(sql_type = Text)]
        owner: String,
        #[diesel(sql_type = Text)]
        example: String,
        #[diesel(sql_type = BigInt)]
        figure: i64,
    }
    let Some(derived) = &field.derived else {
        return Ok(HashMap::new());
    };
    let Some(counted) = derived.of.as_deref().and_then(|of| register.record_type(of)) else {
        return Ok(HashMap::new());
    };
    let Some((first, others)) = derived.by.split_first() else {
        return Ok(HashMap::new());
    };
    let source = Source::new(register, counted, first.clone(), derived.via.as_deref(), owners, day);
    let Some(Source { mut from, owner, conditions, mut binds }) = source else {
        return Ok(HashMap::new());
    };
    let mut groups = vec![owner.clone(), "i.value".to_owned()];
    for (n, other) in others.iter().enumerate() {
        binds.push(other.clone());
        from.push_str(&format!(
            " JOIN record_index b{n} ON b{n}.register = i.register AND b{n}.record_id = i.record_id AND \
             b{n}.from_day = i.from_day AND b{n}.field = ${}",
            binds.len()
        ));
        groups.push(format!("b{n}.value"));
    }
    let groups = groups.join(", ");
    // The index knows values as they are compared; as they are written they stand in a record that has them.
    let sql = format!(
        "SELECT {owner} AS owner, MIN(i.record_id) AS example, CAST(COUNT(*) AS BIGINT) AS figure FROM {from} \
         WHERE {} GROUP BY {groups} ORDER BY {groups}",
        conditions.join(" AND ")
    );
    let (sql, binds) = renumber(&sql, &binds);
    let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
    for bind in binds {
        query = query.bind::<Text, _>(bind);
    }
    let rows: Vec<Group> = query.load(conn)?;
    let examples = rows.iter().map(|g| facts::id(&g.example)).collect::<Result<Vec<_>, _>>()?;
    let states = states_on(conn, register.name(), &examples, day)?;
    let mut tables: HashMap<String, Vec<Value>> = HashMap::new();
    for (group, example) in rows.into_iter().zip(examples) {
        let data = states.get(&example);
        let values = derived.by.iter().filter_map(|by| Some((by.clone(), data?.get(by)?.clone())));
        let row: Map<String, Value> = values.chain([("count".to_owned(), json!(group.figure))]).collect();
        tables.entry(group.owner).or_default().push(Value::Object(row));
    }
    Ok(tables)
}

/// Numbers the placeholders of `sql` by first appearance and puts `binds` into that order: SQLite numbers `$n` so,
/// whatever the digit says.
pub(in crate::store) fn renumber(sql: &str, binds: &[String]) -> (String, Vec<String>) {
    let mut out = String::with_capacity(sql.len());
    let mut order: Vec<usize> = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '$' {
            out.push(c);
            continue;
        }
        let mut digits = String::new();
        while let Some(d) = chars.peek().copied().filter(char::is_ascii_digit) {
            digits.push(d);
            chars.next();
        }
        let old: usize = digits.parse().unwrap_or(0);
        let new = order.iter().position(|o| *o == old).unwrap_or_else(|| {
            order.push(old);
            order.len() - 1
        });
        out.push_str(&format!("${}", new + 1));
    }
    let binds = order.iter().filter_map(|old| binds.get(old.wrapping_sub(1)).cloned()).collect();
    (out, binds)
}

#[cfg(test)]
mod tests {
    use super::renumber;

    #[test]
    fn placeholders_are_numbered_by_first_appearance() {
        let binds: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let (sql, binds) = renumber("x = $3 AND y = $1 AND z = $3 AND w = $2", &binds);
        assert_eq!(sql, "x = $1 AND y = $2 AND z = $1 AND w = $3");
        assert_eq!(binds, ["c", "a", "b"]);
    }
}
