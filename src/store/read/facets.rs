//! Facets of a list: how many of the records found have each value, so that a click narrows the list to exactly those.
//!
//! Counting a million rows takes too long for a page. Where little is found it is counted whole; where much is, each
//! value is counted along the index up to a bound, and said to be "at least".

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::aggregates::renumber;
use super::lists::{
    Driver, ListQuery, Range, Statement, along, besides, drivers, every, filters, found_by, further_words, standing,
};
use crate::domain::access::{Action, Actor, SectionRights};
use crate::domain::record::index::search_key;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Field, FieldType};
use crate::store::conn::MultiBackend;
use crate::store::error::Error;
use crate::store::guard::{Permit, RecordList, Sealed};
use crate::store::tx::Tx;

/// Records of which every value is counted; of more, each value along the index.
const WHOLE: i64 = 1_000;
/// Rows of the index that one page walks at most for a count, where their own columns tell all.
const WALKED: i64 = 10_000;
/// The same where each row must be looked up under other fields.
const PROBED: i64 = 4_000;
/// Fewest rows that are walked for one value.
const LEAST_WALKED: i64 = 60;
/// Values of one field that are counted.
const MOST_VALUES: usize = 40;
/// Name of the facet of where records stand.
pub const STATUS: &str = "status";

/// A number that is exact, or the least that it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// The number.
    pub number: i64,
    /// Whether there may be more.
    pub or_more: bool,
}

/// A field with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// Field; [`STATUS`] for where records stand.
    pub field: String,
    /// Values as they are filtered by, most frequent first; the empty one for records without a value.
    pub values: Vec<(String, Count)>,
}

/// What a list finds, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facets {
    /// How many records.
    pub total: Count,
    /// Of which values.
    pub facets: Vec<Facet>,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Text)]
    field: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    walked: i64,
}

/// Rows of the index, a bounded number of them, and what each must satisfy besides.
#[derive(Clone, Default)]
struct Walk {
    /// Where the rows stand: what the index finds by itself.
    inner: Vec<String>,
    /// What is asked of each.
    outer: Vec<String>,
    binds: Vec<String>,
}

impl Walk {
    /// How many rows it may go through.
    fn limit(&self) -> i64 {
        if self.outer.iter().any(|c| c.contains("EXISTS")) { PROBED } else { WALKED }
    }

    fn rows(&self, limit: i64) -> String {
        format!(
            "(SELECT i.register, i.record_type, i.record_id, i.from_day, i.institution_id, i.begins_on, i.ends_on \
             FROM record_index i WHERE {} LIMIT {limit}) i",
            self.inner.join(" AND ")
        )
    }

    fn condition(&self) -> String {
        if self.outer.is_empty() { "1 = 1".to_owned() } else { self.outer.join(" AND ") }
    }
}

/// What is asked for, put together once.
struct Asked<'a> {
    register: &'a Register,
    kind: &'a RecordType,
    query: &'a ListQuery,
    rights: &'a SectionRights,
    actor: &'a Actor,
    day: NaiveDate,
}

type Counts = HashMap<String, BTreeMap<String, Count>>;

impl<'tx> Tx<'tx> {
    /// How many records a list finds, and of which values of `fields`, of those that the asker may see. A field that
    /// the query filters by has no facet: all that is found has its value.
    ///
    /// # Errors
    /// As [`Tx::record_list`].
    pub fn record_facets(
        &mut self,
        permit: Permit<'tx, RecordList>,
        record_type: &str,
        query: &ListQuery,
        fields: &[String],
    ) -> Result<Sealed<'tx, Facets>, Error> {
        let register = permit.register.clone();
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let actor = self.actor(&register)?;
        let day = query.as_of.unwrap_or_else(|| self.today(&register));
        let asked = Asked { register: &register, kind, query, rights: &permit.rights, actor: &actor, day };
        let wanted: Vec<&Field> = fields
            .iter()
            .filter_map(|name| kind.fields.iter().find(|f| f.name == *name))
            .filter(|f| is_counted(&register, f) && is_open(f, &permit.rights) && !query.filters.contains_key(&f.name))
            .collect();

        let walks = self.walks(&asked)?;
        let (mut counts, total) = self.standings(&walks, day)?;
        if query.status.is_some() {
            counts.clear();
        }
        if total.or_more || total.number > WHOLE {
            self.counted_along(&asked, &wanted, &mut counts)?;
        } else {
            self.counted_whole(&walks, &wanted, &mut counts)?;
        }
        let order = std::iter::once(STATUS).chain(wanted.iter().map(|f| f.name.as_str()));
        let facets = order
            .filter_map(|name| {
                // What is not known to be there is not offered.
                let mut values: Vec<(String, Count)> =
                    counts.remove(name)?.into_iter().filter(|(_, count)| count.number > 0).collect();
                values.sort_by(|a, b| (b.1.number, &a.0).cmp(&(a.1.number, &b.0)));
                values.truncate(MOST_VALUES);
                (!values.is_empty()).then(|| Facet { field: name.to_owned(), values })
            })
            .collect();
        let mut event = self.event(&register, Action::RecordList, &actor, &permit.ruling);
        event.record_type = Some(record_type.to_owned());
        event.institution_id = query.institution_id;
        event.fields = wanted.iter().map(|f| f.name.clone()).collect();
        event.detail = Some(serde_json::json!({ "counts": true }));
        Ok(Sealed::new(Facets { total, facets }, Some(event)))
    }

    /// Rows that are found: what of the scope the index tells, then whatever else is asked.
    fn scoped(&self, asked: &Asked<'_>, along: Option<&Driver>) -> Result<(Statement, Vec<String>), Error> {
        let mut s = Statement::default();
        let anywhere = ListQuery { status: None, ..asked.query.clone() };
        self.scope(&mut s, asked.register, asked.kind, asked.actor, &anywhere, asked.day);
        let inner = std::mem::take(&mut s.conditions);
        let day = s.bind(asked.day.to_string());
        standing(&mut s, asked.query, &day);
        filters(&mut s, asked.kind, asked.query, along)?;
        Ok((s, inner))
    }

    /// The walks that find what the query finds, each record once.
    fn walks(&mut self, asked: &Asked<'_>) -> Result<Vec<Walk>, Error> {
        let searched = asked.query.q.as_deref().is_some_and(|q| !q.trim().is_empty());
        let narrowest = self.narrowest(asked.register, asked.kind, asked.query)?.map(|(_, driver)| driver);
        let all = match narrowest {
            _ if searched => drivers(asked.kind, asked.query, asked.rights)?.0,
            Some(filter) => vec![filter],
            None => vec![Driver { field: every(asked.kind).to_owned(), range: Range::All }],
        };
        let mut walks = Vec::with_capacity(all.len());
        for driver in &all {
            let (mut s, mut inner) = self.scoped(asked, (!searched).then_some(driver))?;
            let mut outer = std::mem::take(&mut s.conditions);
            along(&mut s, driver);
            inner.append(&mut s.conditions);
            besides(&mut s, driver, &all, asked.query);
            outer.append(&mut s.conditions);
            walks.push(Walk { inner, outer, binds: s.binds });
        }
        Ok(walks)
    }

    /// How many records stand where on the day, and how many there are.
    fn standings(&mut self, walks: &[Walk], day: NaiveDate) -> Result<(Counts, Count), Error> {
        let mut total = Count::default();
        let mut values: BTreeMap<String, Count> = BTreeMap::new();
        for walk in walks {
            let mut binds = walk.binds.clone();
            binds.push(day.to_string());
            let on = format!("${}", binds.len());
            let standing = format!(
                "CASE WHEN i.begins_on > {on} THEN 'pending' WHEN i.ends_on < {on} THEN 'ended' ELSE 'active' END"
            );
            let sql = format!(
                "SELECT CAST('{STATUS}' AS TEXT) AS field, t.value, \
                 CAST(SUM(t.hit) AS BIGINT) AS number, CAST(COUNT(*) AS BIGINT) AS walked FROM \
                 (SELECT {standing} AS value, CASE WHEN {} THEN 1 ELSE 0 END AS hit FROM {}) t GROUP BY t.value",
                walk.condition(),
                walk.rows(walk.limit())
            );
            let rows = self.counts(&sql, &binds)?;
            total.or_more |= rows.iter().map(|r| r.walked).sum::<i64>() >= walk.limit();
            for row in rows {
                total.number += row.number;
                values.entry(row.value).or_default().number += row.number;
            }
        }
        for count in values.values_mut() {
            count.or_more = total.or_more;
        }
        Ok((HashMap::from([(STATUS.to_owned(), values)]), total))
    }

    /// Counts every value of what the walks find, which is little.
    fn counted_whole(&mut self, walks: &[Walk], wanted: &[&Field], counts: &mut Counts) -> Result<(), Error> {
        if wanted.is_empty() {
            return Ok(());
        }
        for walk in walks {
            let mut binds = walk.binds.clone();
            let fields: Vec<String> = wanted
                .iter()
                .map(|field| {
                    binds.push(field.name.clone());
                    format!("${}", binds.len())
                })
                .collect();
            // The few that were found come first: each is looked up in the index by its id.
            let sql = format!(
                "SELECT v.field, v.value, COUNT(*) AS number, COUNT(*) AS walked FROM \
                 (SELECT i.register, i.record_id, i.from_day FROM {} WHERE {}) b CROSS JOIN record_index v \
                 WHERE v.register = b.register AND v.record_id = b.record_id AND v.field IN ({}) \
                 AND v.from_day = b.from_day GROUP BY v.field, v.value",
                walk.rows(walk.limit()),
                walk.condition(),
                fields.join(", ")
            );
            for row in self.counts(&sql, &binds)? {
                counts.entry(row.field).or_default().entry(row.value).or_default().number += row.number;
            }
        }
        Ok(())
    }

    /// Counts each value that a field can have along the index, up to a bound.
    fn counted_along(&mut self, asked: &Asked<'_>, wanted: &[&Field], counts: &mut Counts) -> Result<(), Error> {
        let choices: Vec<(&Field, String)> = wanted
            .iter()
            .flat_map(|field| choices(asked.register, field).into_iter().map(move |value| (*field, value)))
            .collect();
        if choices.is_empty() {
            return Ok(());
        }
        let (mut s, inner) = self.scoped(asked, None)?;
        if asked.query.q.as_deref().is_some_and(|q| !q.trim().is_empty()) {
            let all = drivers(asked.kind, asked.query, asked.rights)?.0;
            let any: Vec<String> = all.iter().map(|driver| found_by(&mut s, driver)).collect();
            s.and(format!("({})", any.join(" OR ")));
            further_words(&mut s, &all, asked.query);
        }
        let outer = std::mem::take(&mut s.conditions);
        let most = Walk { outer: outer.clone(), ..Walk::default() }.limit();
        let share = most / i64::try_from(choices.len()).unwrap_or(most);
        let limit = if outer.is_empty() { WHOLE + 1 } else { share.clamp(LEAST_WALKED, WHOLE + 1) };
        let mut branches = Vec::with_capacity(choices.len());
        for (field, value) in &choices {
            along(&mut s, &Driver { field: field.name.clone(), range: Range::Exactly(value.clone()) });
            let walk = Walk {
                inner: inner.iter().cloned().chain(std::mem::take(&mut s.conditions)).collect(),
                outer: outer.clone(),
                binds: Vec::new(),
            };
            let (name, shown) = (s.bind(field.name.as_str()), s.bind(value.as_str()));
            branches.push(format!(
                "SELECT CAST({name} AS TEXT) AS field, CAST({shown} AS TEXT) AS value, \
                 CAST(COALESCE(SUM(CASE WHEN {} THEN 1 ELSE 0 END), 0) AS BIGINT) AS number, \
                 CAST(COUNT(*) AS BIGINT) AS walked FROM {}",
                walk.condition(),
                walk.rows(limit)
            ));
        }
        for row in self.counts(&branches.join(" UNION ALL "), &s.binds)? {
            let or_more = row.walked >= limit;
            // Beyond the bound the number is a round one.
            let number = if or_more { row.number.min(WHOLE) } else { row.number };
            counts.entry(row.field).or_default().insert(row.value, Count { number, or_more });
        }
        Ok(())
    }

    fn counts(&mut self, sql: &str, binds: &[String]) -> Result<Vec<Counted>, Error> {
        let (sql, binds) = renumber(sql, binds);
        let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
        for bind in binds {
            query = query.bind::<Text, _>(bind);
        }
        Ok(query.load(self.conn)?)
    }
}

/// Whether the values of a field are few and named, so that it narrows a list.
pub fn is_counted(register: &Register, field: &Field) -> bool {
    let named = match field.kind {
        FieldType::Code => field.codelist.is_some(),
        FieldType::Boolean => true,
        FieldType::Reference => field.refers_to.as_deref().is_some_and(|to| register.is_institution_type(to)),
        _ => false,
    };
    named && field.index.is_some() && field.derived.is_none() && !field.repeats
}

fn is_open(field: &Field, rights: &SectionRights) -> bool {
    field.section.as_ref().is_none_or(|s| rights.permitted.contains_key(s))
}

/// The values that a field can have, as they are compared; the empty one where there is none.
fn choices(register: &Register, field: &Field) -> Vec<String> {
    let codes = |list: &String| {
        let list = register.definition.codelists.iter().find(|l| l.name == *list);
        list.map(|l| l.codes.iter().map(|c| search_key(field.kind, &c.code)).collect::<Vec<_>>()).unwrap_or_default()
    };
    let mut values = match field.kind {
        FieldType::Boolean => vec!["true".to_owned(), "false".to_owned()],
        FieldType::Code => field.codelist.as_ref().map(codes).unwrap_or_default(),
        _ => return Vec::new(),
    };
    values.truncate(MOST_VALUES);
    values.push(String::new());
    values
}
