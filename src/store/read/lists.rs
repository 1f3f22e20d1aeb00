//! Lists of records: searched and sorted through the index, a page at a time, never more than a page read.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use super::aggregates;
use super::records::{Page, RecordView, bare_view};
use super::relations::named;
use crate::domain::access::{Action, Actor, Coordinates, SectionRights};
use crate::domain::calendar::instant;
use crate::domain::record::index::{Status, normalised, search_key};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Field, FieldType, Index};
use crate::store::conn::MultiBackend;
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{Permit, RecordList, Sealed};
use crate::store::read::aggregates::renumber;
use crate::store::schema::record_index;
use crate::store::tx::Tx;

/// Name under which records stand in the index when their type has no indexed field, so that they list too.
const EVERY: &str = "~";

/// A field under which every record of the type stands in the index exactly once.
pub(in crate::store) fn every(kind: &RecordType) -> &str {
    kind.fields.iter().find(|f| f.index.is_some() && f.derived.is_none()).map_or(EVERY, |f| f.name.as_str())
}

/// What a list is asked for.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Only this institution's.
    pub institution_id: Option<Uuid>,
    /// Name prefixes or a whole code.
    pub q: Option<String>,
    /// Only these.
    pub status: Option<Status>,
    /// Field to sort by; `-` in front for descending.
    pub sort: Option<String>,
    /// Exact values of indexed fields.
    pub filters: BTreeMap<String, String>,
    /// Day; `None`: today.
    pub as_of: Option<NaiveDate>,
    /// At most so many (1–500).
    pub limit: i64,
    /// From the last page.
    pub cursor: Option<String>,
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
    begins_on: String,
    #[diesel(sql_type = Text)]
    ends_on: String,
    #[diesel(sql_type = Text)]
    effective_on: String,
    #[diesel(sql_type = Text)]
    data: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
}

/// How many rows there are, up to a bound.
#[derive(QueryableByName)]
struct Reach {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Rows of a filter that are looked up one by one rather than come by along the way.
const FEW: i64 = 5_000;

/// A statement that grows: text with placeholders, and what goes into them.
#[derive(Clone, Default)]
pub(super) struct Statement {
    pub(super) conditions: Vec<String>,
    pub(super) binds: Vec<String>,
}

impl Statement {
    pub(super) fn bind(&mut self, value: impl Into<String>) -> String {
        self.binds.push(value.into());
        format!("${}", self.binds.len())
    }
    pub(super) fn and(&mut self, condition: String) {
        self.conditions.push(condition);
    }
}

impl<'tx> Tx<'tx> {
    /// A page of records that the asker may list.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a sort or filter over a field that is not indexed, or a cursor that is not ours.
    pub fn record_list(
        &mut self,
        permit: Permit<'tx, RecordList>,
        record_type: &str,
        query: &ListQuery,
    ) -> Result<Sealed<'tx, Page<RecordView>>, Error> {
        let register = permit.register.clone();
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let actor = self.actor(&register)?;
        let day = query.as_of.unwrap_or_else(|| self.today(&register));
        let mut base = Statement::default();
        self.scope(&mut base, &register, kind, &actor, query, day);
        seen_through(kind, query, &permit.rights)?;
        let few = self.narrowest(&register, kind, query)?.filter(|(rows, _)| *rows <= FEW).map(|(_, driver)| driver);
        filters(&mut base, kind, query, few.as_ref())?;

        let (drivers, descending) = drivers(kind, query, &permit.rights)?;
        let query = &self.continued(&register, query, &drivers, day)?;
        let mut rows: Vec<Row> = Vec::new();
        for driver in &drivers {
            let statement = driven(base.clone(), driver, &drivers, query, descending)?;
            rows.extend(self.run(statement, few.as_ref(), query.limit + 1, descending)?);
        }
        rows.sort_by(|a, b| {
            let order = (&a.value, &a.record_id).cmp(&(&b.value, &b.record_id));
            if descending { order.reverse() } else { order }
        });
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = more.then(|| rows.last().map(|r| cursor(&r.value, &r.record_id))).flatten();

        let mut rights: HashMap<(Uuid, Status), SectionRights> = HashMap::new();
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let facts = facts_of(row, record_type, day)?;
            let key = (facts.institution_id, facts.status);
            let seen = rights.entry(key).or_insert_with(|| self.listed(&register, kind, &actor, key));
            views.push(bare_view(&register, kind, facts, seen, day));
        }
        // Aggregates are the same for everybody who may see their section; a page of one institution's is usual.
        if let Some(seen) = rights.values().next() {
            aggregates::fill(self.conn, &register, kind, seen, &mut views, day)?;
            self.fill_related(&register, kind, seen, &mut views, day)?;
        }
        let mut event = self.event(&register, Action::RecordList, &actor, &permit.ruling);
        event.record_type = Some(record_type.to_owned());
        let related = named(&register, record_type, &views.iter().collect::<Vec<_>>());
        event.record_ids = views.iter().map(|v| v.id).chain(related).collect();
        event.sections = rights
            .values()
            .flat_map(|r| r.permitted.keys().cloned())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        event.institution_id = query.institution_id;
        // Criteria are named by field, not by value: what somebody searched for may be a personal code.
        event.fields = query.filters.keys().cloned().chain(query.q.as_ref().map(|_| "q".to_owned())).collect();
        Ok(Sealed::new(Page { items: views, next_cursor }, Some(event)))
    }

    /// What a list shows of records of an institution that stand so: what may be listed and read.
    pub(in crate::store) fn listed(
        &self,
        register: &Register,
        kind: &RecordType,
        actor: &Actor,
        (institution_id, status): (Uuid, Status),
    ) -> SectionRights {
        let at = Coordinates {
            institution_id: Some(institution_id),
            about_self: false,
            status,
            purpose_given: self.cx.purpose.is_some(),
        };
        let listed = actor.sections(&register.policies, &register.definition, kind, Action::RecordList, &at);
        let mut read = actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at);
        // What may be listed and read is shown; the rest is named.
        let hidden: Vec<String> =
            read.permitted.keys().filter(|s| !listed.permitted.contains_key(*s)).cloned().collect();
        for section in hidden {
            if let Some(ruling) = read.permitted.remove(&section) {
                read.refused.insert(section, ruling);
            }
        }
        read
    }

    /// The only institutions whose records of a type an actor's grants let them list; `None`: all.
    pub(in crate::store) fn list_reach(
        &self,
        register: &Register,
        kind: &RecordType,
        actor: &Actor,
    ) -> Option<Vec<Uuid>> {
        let reach = actor
            .grants
            .iter()
            .filter(|g| {
                let at = Coordinates {
                    institution_id: g.institution_id,
                    about_self: false,
                    status: Status::Active,
                    purpose_given: self.cx.purpose.is_some(),
                };
                let one = Actor { grants: vec![(*g).clone()], ..actor.clone() };
                one.sections(&register.policies, &register.definition, kind, Action::RecordList, &at).any()
            })
            .map(|g| g.institution_id);
        // One that reaches everywhere makes the list none.
        reach.collect()
    }

    /// The query with its cursor told in full: one that names only the record at which the last page ended holds
    /// nothing about anybody, and so may stand in an address.
    fn continued(
        &mut self,
        register: &Register,
        query: &ListQuery,
        drivers: &[Driver],
        day: NaiveDate,
    ) -> Result<ListQuery, Error> {
        let mut query = query.clone();
        let Some(id) = query.cursor.as_deref().and_then(|text| Uuid::parse_str(text).ok()) else {
            return Ok(query);
        };
        let day = day.to_string();
        let rows: Vec<(String, String)> = record_index::table
            .filter(record_index::register.eq(register.name()))
            .filter(record_index::record_id.eq(id.to_string()))
            .filter(record_index::field.eq_any(drivers.iter().map(|d| d.field.as_str())))
            .filter(record_index::from_day.le(&day))
            .filter(record_index::until_day.gt(&day))
            .select((record_index::field, record_index::value))
            .load(self.conn)?;
        let last = drivers
            .iter()
            .find_map(|driver| rows.iter().find(|(field, value)| *field == driver.field && driver.range.holds(value)));
        // A record that is found no longer has left no place to go on from: the list begins anew.
        query.cursor = last.map(|(_, value)| cursor(value, &id.to_string()));
        Ok(query)
    }

    /// The filter that finds least, and how many rows it has in the index, up to a bound.
    pub(super) fn narrowest(
        &mut self,
        register: &Register,
        kind: &RecordType,
        query: &ListQuery,
    ) -> Result<Option<(i64, Driver)>, Error> {
        let mut found: Option<(i64, Driver)> = None;
        for (name, value) in &query.filters {
            let Some(field) = kind.fields.iter().find(|f| f.name == *name && f.index.is_some()) else { continue };
            let value = search_key(field.kind, value);
            let sql = format!(
                "SELECT COUNT(*) AS rows FROM (SELECT 1 FROM record_index f WHERE f.register = $1 AND \
                 f.record_type = $2 AND f.field = $3 AND f.value = $4 LIMIT {}) f",
                FEW + 1
            );
            let rows: i64 = diesel::sql_query(sql)
                .bind::<Text, _>(register.name())
                .bind::<Text, _>(&kind.name)
                .bind::<Text, _>(name)
                .bind::<Text, _>(&value)
                .get_result::<Reach>(self.conn)?
                .rows;
            if found.as_ref().is_none_or(|(least, _)| rows < *least) {
                found = Some((rows, Driver { field: name.clone(), range: Range::Exactly(value) }));
            }
        }
        Ok(found)
    }

    /// What every row must satisfy: register, type, day, scope of rights, institution, status.
    pub(super) fn scope(
        &self,
        s: &mut Statement,
        register: &Register,
        kind: &RecordType,
        actor: &Actor,
        query: &ListQuery,
        day: NaiveDate,
    ) {
        let name = s.bind(register.name());
        s.and(format!("i.register = {name}"));
        let record_type = s.bind(kind.name.as_str());
        s.and(format!("i.record_type = {record_type}"));
        let day = s.bind(day.to_string());
        s.and(format!("i.from_day <= {day} AND i.until_day > {day}"));
        if let Some(reach) = self.list_reach(register, kind, actor) {
            let places: Vec<String> = reach.into_iter().map(|i| s.bind(i.to_string())).collect();
            s.and(if places.is_empty() {
                "1 = 0".to_owned()
            } else {
                format!("i.institution_id IN ({})", places.join(", "))
            });
        }
        if let Some(institution) = query.institution_id {
            let institution = s.bind(institution.to_string());
            s.and(format!("i.institution_id = {institution}"));
        }
        standing(s, query, &day);
    }

    fn run(
        &mut self,
        mut statement: Statement,
        few: Option<&Driver>,
        limit: i64,
        descending: bool,
    ) -> Result<Vec<Row>, Error> {
        let direction = if descending { "DESC" } else { "ASC" };
        // Where a filter finds few, they are looked up one by one; else the walk would pass by all the others.
        let from = match few {
            Some(Driver { field, range: Range::Exactly(value) }) => {
                let (field, value) = (statement.bind(field.as_str()), statement.bind(value.as_str()));
                statement.and("i.record_id = n.record_id AND i.from_day = n.from_day".to_owned());
                // The first two placeholders are the register and the type: see `scope`.
                format!(
                    "(SELECT f.record_id, f.from_day FROM record_index f WHERE f.register = $1 AND f.record_type = $2 \
                     AND f.field = {field} AND f.value = {value}) n CROSS JOIN record_index i"
                )
            }
            _ => "record_index i".to_owned(),
        };
        // The page is found in the index alone; only its rows are joined to what they show.
        let sql = format!(
            "SELECT p.value, p.record_id, p.institution_id, p.begins_on, p.ends_on, s.effective_on, s.data, r.version, \
             r.created_at, r.updated_at FROM (SELECT i.register, i.value, i.record_id, i.from_day, i.institution_id, \
             i.begins_on, i.ends_on FROM {from} WHERE {} ORDER BY i.value {direction}, i.record_id {direction} \
             LIMIT {limit}) p \
             JOIN record_state s ON s.register = p.register AND s.record_id = p.record_id AND s.from_day = p.from_day \
             JOIN record r ON r.register = p.register AND r.id = p.record_id",
            statement.conditions.join(" AND ")
        );
        let (sql, binds) = renumber(&sql, &statement.binds);
        let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
        for bind in binds {
            query = query.bind::<Text, _>(bind);
        }
        Ok(query.load(self.conn)?)
    }
}

/// Where every row must stand on the day of the placeholder `day`, if the query says so.
pub(super) fn standing(s: &mut Statement, query: &ListQuery, day: &str) {
    match query.status {
        Some(Status::Pending) => s.and(format!("i.begins_on > {day}")),
        Some(Status::Active) => s.and(format!("i.begins_on <= {day} AND i.ends_on >= {day}")),
        Some(Status::Ended) => s.and(format!("i.ends_on < {day}")),
        Some(Status::None) => s.and("1 = 0".to_owned()),
        None => {}
    }
}

/// A walk through the index: over one field, between two values.
#[derive(Debug, Clone)]
pub(super) struct Driver {
    pub(super) field: String,
    pub(super) range: Range,
}

#[derive(Debug, Clone)]
pub(super) enum Range {
    All,
    Prefix(String),
    Exactly(String),
}

impl Range {
    /// Whether a walk between these values comes by `value`.
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => value.starts_with(prefix),
            Self::Exactly(whole) => value == whole,
        }
    }
}

/// Refuses filters and sorts over what the asker may not see: their answers would tell it.
fn seen_through(kind: &RecordType, query: &ListQuery, rights: &SectionRights) -> Result<(), Error> {
    let sorted = query.sort.as_deref().map(|s| s.trim_start_matches('-'));
    for name in query.filters.keys().map(String::as_str).chain(sorted) {
        let section = kind.fields.iter().find(|f| f.name == name).and_then(|f| f.section.as_deref());
        if let Some(ruling) = section.and_then(|s| rights.refused.get(s)) {
            let detail = format!("your rights do not cover the section in which {name:.60} stands");
            return Err(Refusal::Forbidden { clause: ruling.decision.clause.clone(), detail }.into());
        }
    }
    Ok(())
}

/// The indexed fields of a kind that the asker may see.
fn open_fields<'k>(
    kind: &'k RecordType,
    index: Index,
    rights: &'k SectionRights,
) -> impl Iterator<Item = (&'k str, FieldType)> {
    let hidden = |f: &Field| f.section.as_ref().is_some_and(|s| !rights.permitted.contains_key(s));
    kind.fields.iter().filter(move |f| f.index == Some(index) && !hidden(f)).map(|f| (f.name.as_str(), f.kind))
}

pub(super) fn drivers(
    kind: &RecordType,
    query: &ListQuery,
    rights: &SectionRights,
) -> Result<(Vec<Driver>, bool), Error> {
    if let Some(q) = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
        let text = normalised(q);
        let first = text.split(' ').next().unwrap_or_default().to_owned();
        let names = open_fields(kind, Index::Name, rights)
            .map(|(field, _)| Driver { field: field.to_owned(), range: Range::Prefix(first.clone()) });
        let codes = open_fields(kind, Index::Code, rights)
            .map(|(field, kind)| Driver { field: field.to_owned(), range: Range::Exactly(search_key(kind, q)) });
        return Ok((names.chain(codes).collect(), false));
    }
    let (field, descending) = match query.sort.as_deref() {
        Some(sort) => {
            let name = sort.trim_start_matches('-');
            let known = kind.fields.iter().any(|f| f.name == name && f.index.is_some());
            if !known {
                let detail = format!("records are not sorted by {name:.60}; indexed fields are");
                return Err(unknown(kind, "/sort", detail));
            }
            (name.to_owned(), sort.starts_with('-'))
        }
        None => {
            let first = open_fields(kind, Index::Name, rights).next().map(|(f, _)| f);
            (first.unwrap_or_else(|| every(kind)).to_owned(), false)
        }
    };
    Ok((vec![Driver { field, range: Range::All }], descending))
}

fn unknown(kind: &RecordType, pointer: &str, detail: String) -> Error {
    let indexed: Vec<&str> = kind.fields.iter().filter(|f| f.index.is_some()).map(|f| f.name.as_str()).collect();
    Refusal::invalid(pointer, "unknown_field", format!("{detail} {}", indexed.join(", ")), None).into()
}

/// What the filters ask for, but for the one along which the walk goes.
pub(super) fn filters(
    s: &mut Statement,
    kind: &RecordType,
    query: &ListQuery,
    along: Option<&Driver>,
) -> Result<(), Error> {
    for (name, value) in &query.filters {
        if along.is_some_and(|driver| driver.field == *name) {
            continue;
        }
        let Some(field) = kind.fields.iter().find(|f| f.name == *name && f.index.is_some()) else {
            return Err(unknown(
                kind,
                "/filter",
                format!("records are not filtered by {name:.60}; indexed fields are"),
            ));
        };
        let (name, value) = (s.bind(name.as_str()), s.bind(search_key(field.kind, value)));
        s.and(format!(
            "EXISTS (SELECT 1 FROM record_index f WHERE f.register = i.register AND f.record_type = i.record_type \
             AND f.field = {name} AND f.value = {value} AND f.record_id = i.record_id AND f.from_day = i.from_day)"
        ));
    }
    Ok(())
}

/// Adds the walk itself, where the page begins, and that no earlier walk finds the record.
fn driven(
    mut s: Statement,
    driver: &Driver,
    all: &[Driver],
    query: &ListQuery,
    descending: bool,
) -> Result<Statement, Error> {
    along(&mut s, driver);
    besides(&mut s, driver, all, query);
    if let Some(text) = &query.cursor {
        let (value, record) = read_cursor(text)?;
        let (value, record) = (s.bind(value), s.bind(record));
        let than = if descending { "<" } else { ">" };
        s.and(format!("(i.value {than} {value} OR (i.value = {value} AND i.record_id {than} {record}))"));
        // The range alone lets the index begin at the page instead of at the start.
        s.and(format!("i.value {than}= {value}"));
    }
    Ok(s)
}

/// The walk itself: its field and its range.
pub(super) fn along(s: &mut Statement, driver: &Driver) {
    let field = s.bind(driver.field.as_str());
    s.and(format!("i.field = {field}"));
    if let Some(condition) = within(s, "i", &driver.range) {
        s.and(condition);
    }
}

/// What a walk must leave out: what an earlier one finds, and what lacks the other words of a search.
pub(super) fn besides(s: &mut Statement, driver: &Driver, all: &[Driver], query: &ListQuery) {
    for earlier in all.iter().take_while(|d| d.field != driver.field) {
        let found = found_by(s, earlier);
        s.and(format!("NOT {found}"));
    }
    if matches!(driver.range, Range::Prefix(_)) {
        further_words(s, all, query);
    }
}

/// Further words of a search must each begin some name.
pub(super) fn further_words(s: &mut Statement, all: &[Driver], query: &ListQuery) {
    let Some(q) = &query.q else { return };
    for word in normalised(q).split(' ').skip(1) {
        let names = all.iter().filter(|d| matches!(d.range, Range::Prefix(_)));
        let names = names.map(|d| Driver { field: d.field.clone(), range: Range::Prefix(word.to_owned()) });
        let any: Vec<String> = names.collect::<Vec<_>>().iter().map(|name| found_by(s, name)).collect();
        if !any.is_empty() {
            s.and(format!("({})", any.join(" OR ")));
        }
    }
}

/// That a walk comes by the record.
pub(super) fn found_by(s: &mut Statement, driver: &Driver) -> String {
    let field = s.bind(driver.field.as_str());
    let condition = within(s, "e", &driver.range).unwrap_or_else(|| "1 = 1".to_owned());
    exists("e", &field, &condition)
}

fn exists(alias: &str, field: &str, condition: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM record_index {alias} WHERE {alias}.register = i.register AND {alias}.record_id = \
         i.record_id AND {alias}.field = {field} AND {alias}.from_day = i.from_day AND {condition})"
    )
}

fn within(s: &mut Statement, alias: &str, range: &Range) -> Option<String> {
    match range {
        Range::All => None,
        Range::Exactly(value) => {
            let value = s.bind(value.as_str());
            Some(format!("{alias}.value = {value}"))
        }
        Range::Prefix(prefix) => {
            let (low, high) = (s.bind(prefix.as_str()), s.bind(format!("{prefix}\u{10ffff}")));
            Some(format!("{alias}.value >= {low} AND {alias}.value < {high}"))
        }
    }
}

fn facts_of(row: Row, record_type: &str, day: NaiveDate) -> Result<RecordFacts, Error> {
    let from = facts::day(&row.effective_on)?;
    Ok(RecordFacts {
        id: facts::id(&row.record_id)?,
        record_type: record_type.to_owned(),
        institution_id: facts::id(&row.institution_id)?,
        version: row.version,
        created_at: instant(row.created_at),
        updated_at: instant(row.updated_at),
        from,
        data: facts::json(&row.data)?,
        status: Status::on(day, facts::bound(&row.begins_on), facts::bound(&row.ends_on)),
        before_first: from > day,
    })
}

/// A cursor is where the last page ended. It holds an indexed value, which may be a name: so it is sealed from
/// logs by being opaque, and it is never logged.
fn cursor(value: &str, record_id: &str) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{record_id}{value}"))
}

fn read_cursor(text: &str) -> Result<(String, String), Error> {
    let wrong = || Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None);
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let plain = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (record, value) = plain.split_at_checked(36).ok_or_else(wrong)?;
    Uuid::parse_str(record).map_err(|_| wrong())?;
    Ok((value.to_owned(), record.to_owned()))
}
