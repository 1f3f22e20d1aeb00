//! The whole database as a stream of rows, in a form that knows neither engine: what a copy is made of, and how one
//! becomes a database again.
//!
//! Every table is found in the database's own catalogue, so that none can be forgotten; tables stand before those that
//! refer to them, rows in the order of their primary key. Both engines compare keys byte by byte (PostgreSQL by
//! `COLLATE "C"`), so that the same rows give the same stream whichever engine holds them: that is how a restored
//! database is compared with the copy, row for row, by one digest.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::{Pg, PgRowByRowLoadingMode, PgValue};
use diesel::prelude::*;
use diesel::row::{Field as _, NamedRow, Row};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteType};
use serde_json::json;
use uuid::Uuid;

use super::conn::{AnyConn, DatabaseUrl, connect};
use super::context::INSTALLATION_REGISTER;
use super::erase::Gone;
use super::error::Error;
use super::log::Recorded;
use super::retention::{ErasedItem, ErasedWrite};
use super::schema::{audit_head, browser_session, erasure, record, refresh_token, session};
use super::{log, migrate};
use crate::clock::Stamps;
use crate::domain::access::policy::INSTALLATION;
use crate::domain::audit::event::Who;
use crate::domain::audit::{Event, Kind};
use crate::domain::backup::Erasure;
use crate::domain::refusal::Refusal;
use crate::domain::registers::{Register, Registers};
use crate::domain::retention::Cleared;

/// Where the library keeps which migrations were applied. A restored database gets its own.
const MIGRATIONS: &str = "__diesel_schema_migrations";
/// Rows of one statement.
const ROWS: usize = 500;
/// Bytes of one statement, more or less.
const BYTES: usize = 4 << 20;
/// Parameters of one statement on SQLite.
const PARAMETERS: usize = 30_000;

/// The kinds of values that tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// Bytes.
    Bytes,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// Text.
    Text(String),
    /// A number.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    fn len(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// A table with its columns, in the order of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name.
    pub name: String,
    /// Columns.
    pub columns: Vec<(String, CellKind)>,
}

/// How far a register's log reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Register.
    pub register: String,
    /// Leaves.
    pub size: u64,
    /// Root, in base64.
    pub root: String,
}

/// Rows of unknown shape, cell by cell.
struct RawRow(Vec<Cell>);

impl QueryableByName<Pg> for RawRow {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let cell = |place| -> deserialize::Result<Cell> {
            let field = Row::get(row, place).ok_or("a column is missing")?;
            field.value().map_or(Ok(Cell::Null), pg_cell)
        };
        (0..row.field_count()).map(cell).collect::<Result<_, _>>().map(Self)
    }
}

/// The object ids of PostgreSQL's own types (`pg_type.dat`).
fn pg_cell(value: PgValue<'_>) -> deserialize::Result<Cell> {
    match value.get_oid().get() {
        25 | 1043 => <String as FromSql<Text, Pg>>::from_sql(value).map(Cell::Text),
        20 => <i64 as FromSql<BigInt, Pg>>::from_sql(value).map(Cell::Int),
        17 => <Vec<u8> as FromSql<Binary, Pg>>::from_sql(value).map(Cell::Bytes),
        other => Err(format!("a value is of the type {other}, which no table of ours has").into()),
    }
}

impl QueryableByName<Sqlite> for RawRow {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let cell = |place| -> deserialize::Result<Cell> {
            let field = Row::get(row, place).ok_or("a column is missing")?;
            let Some(value) = field.value() else {
                return Ok(Cell::Null);
            };
            match value.value_type() {
                None => Ok(Cell::Null),
                Some(SqliteType::Text) => <String as FromSql<Text, Sqlite>>::from_sql(value).map(Cell::Text),
                Some(SqliteType::Binary) => <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value).map(Cell::Bytes),
                Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => {
                    <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Cell::Int)
                }
                Some(SqliteType::Float | SqliteType::Double) => Err("a value is a fraction, which no table has".into()),
            }
        };
        (0..row.field_count()).map(cell).collect::<Result<_, _>>().map(Self)
    }
}

fn unavailable(e: impl std::fmt::Display) -> Error {
    Error::Unavailable(e.to_string())
}

/// `name` as a name in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[derive(QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    /// Place in the primary key from 1; 0 outside it.
    #[diesel(sql_type = BigInt)]
    key: i64,
}

/// A table as the catalogue has it.
struct Found {
    table: Table,
    key: Vec<String>,
    refers_to: BTreeSet<String>,
}

const PG_TABLES: &str = "SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname <> $1";
const PG_COLUMNS: &str = "SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS kind, \
     COALESCE(array_position(i.indkey::int2[], a.attnum), -1)::bigint + 1 AS key \
     FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname COLLATE \"C\"";
const PG_REFERENCES: &str = "SELECT DISTINCT c.relname::text AS name FROM pg_constraint k \
                             JOIN pg_class c ON c.oid = k.confrelid WHERE k.contype = 'f' AND k.conrelid = $1::regclass";
const SQLITE_TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                             AND name <> ?";
const SQLITE_COLUMNS: &str =
    "SELECT name, lower(type) AS kind, CAST(pk AS BIGINT) AS key FROM pragma_table_info(?) ORDER BY name";
const SQLITE_REFERENCES: &str = "SELECT DISTINCT \"table\" AS name FROM pragma_foreign_key_list(?)";

/// Every table of the database but the library's own, each after those that it refers to; among those that could
/// stand in either order by name, so that it is the same on both engines.
fn tables(conn: &mut AnyConn) -> Result<Vec<Found>, Error> {
    let (list, columns, references) = match conn {
        AnyConn::Pg(_) => (PG_TABLES, PG_COLUMNS, PG_REFERENCES),
        AnyConn::Sqlite(_) => (SQLITE_TABLES, SQLITE_COLUMNS, SQLITE_REFERENCES),
    };
    let is_pg = matches!(conn, AnyConn::Pg(_));
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for NameRow { name } in diesel::sql_query(list).bind::<Text, _>(MIGRATIONS).load::<NameRow>(conn)? {
        let at = if is_pg { quoted(&name) } else { name.clone() };
        let rows: Vec<ColumnRow> = diesel::sql_query(columns).bind::<Text, _>(&at).load(conn)?;
        let mut key: Vec<(i64, String)> = rows.iter().filter(|c| c.key > 0).map(|c| (c.key, c.name.clone())).collect();
        key.sort();
        if key.is_empty() {
            return Err(Error::Damaged(format!("the table {name} has no primary key, so that its rows have no order")));
        }
        let of_kind = |column: ColumnRow| {
            let kind = match column.kind.as_str() {
                "text" => CellKind::Text,
                "bigint" | "integer" => CellKind::Int,
                "bytea" | "blob" => CellKind::Bytes,
                other => {
                    let at = format!("{name}.{}", column.name);
                    return Err(Error::Damaged(format!("{at} is of the type {other}, which copies do not know")));
                }
            };
            Ok((column.name, kind))
        };
        let columns = rows.into_iter().map(of_kind).collect::<Result<_, _>>()?;
        let names: Vec<NameRow> = diesel::sql_query(references).bind::<Text, _>(&at).load(conn)?;
        let refers_to = names.into_iter().map(|n| n.name).filter(|n| *n != name).collect();
        let key = key.into_iter().map(|(_, name)| name).collect();
        found.insert(name.clone(), Found { table: Table { name, columns }, key, refers_to });
    }
    let mut sorted: Vec<Found> = Vec::with_capacity(found.len());
    while !found.is_empty() {
        let free = found.iter().find(|(_, t)| !t.refers_to.iter().any(|other| found.contains_key(other)));
        let Some(name) = free.map(|(name, _)| name.clone()) else {
            return Err(Error::Damaged("tables refer to one another in a circle".into()));
        };
        sorted.extend(found.remove(&name));
    }
    Ok(sorted)
}

fn heads(conn: &mut AnyConn) -> Result<Vec<Head>, Error> {
    let rows: Vec<(String, i64)> =
        audit_head::table.order(audit_head::register).select((audit_head::register, audit_head::size)).load(conn)?;
    rows.into_iter()
        .map(|(register, _)| {
            let frontier = super::read::audit::frontier(conn, &register)?;
            Ok(Head { register, size: frontier.size(), root: STANDARD.encode(frontier.root()) })
        })
        .collect()
}

/// Sees every row of every table, in the order of the stream.
pub trait Sink {
    /// A table begins.
    ///
    /// # Errors
    /// The sink's own.
    fn table(&mut self, table: &Table) -> Result<(), Error>;
    /// A row of it.
    ///
    /// # Errors
    /// The sink's own.
    fn row(&mut self, cells: &[Cell]) -> Result<(), Error>;
}

/// Hands every row of these tables to `sink`.
fn read(conn: &mut AnyConn, tables: &[Found], sink: &mut dyn Sink) -> Result<(), Error> {
    for Found { table, key, .. } in tables {
        sink.table(table)?;
        let columns: Vec<String> = table.columns.iter().map(|(name, _)| quoted(name)).collect();
        let key: Vec<String> = key.iter().map(|name| quoted(name)).collect();
        let (columns, key) = (columns.join(", "), key.join(", "));
        let query = diesel::sql_query(format!("SELECT {columns} FROM {} ORDER BY {key}", quoted(&table.name)));
        match conn {
            AnyConn::Pg(c) => {
                for row in query.load_iter::<RawRow, PgRowByRowLoadingMode>(c)? {
                    sink.row(&fitting(table, row?)?)?;
                }
            }
            AnyConn::Sqlite(c) => {
                for row in query.load_iter::<RawRow, DefaultLoadingMode>(c)? {
                    sink.row(&fitting(table, row?)?)?;
                }
            }
        }
    }
    Ok(())
}

/// SQLite would keep text in a column of numbers: such a row would be refused when it is restored.
fn fitting(table: &Table, row: RawRow) -> Result<Vec<Cell>, Error> {
    for (cell, (name, kind)) in row.0.iter().zip(&table.columns) {
        let fits = match cell {
            Cell::Null => true,
            Cell::Text(_) => *kind == CellKind::Text,
            Cell::Int(_) => *kind == CellKind::Int,
            Cell::Bytes(_) => *kind == CellKind::Bytes,
        };
        if !fits {
            return Err(Error::Damaged(format!("{}.{name} holds a value of another type", table.name)));
        }
    }
    Ok(row.0)
}

/// One state of a database, which nothing that is written meanwhile can change.
pub struct Snapshot {
    conn: AnyConn,
    tables: Vec<Found>,
}

impl Snapshot {
    /// Begins reading.
    ///
    /// # Errors
    /// The database cannot be read, or has a table that a copy could not hold.
    pub fn open(url: &DatabaseUrl) -> Result<Self, Error> {
        if let DatabaseUrl::Sqlite(path) = url
            && !std::path::Path::new(path).exists()
        {
            return Err(Error::Unavailable(format!("there is no database at {path}")));
        }
        let mut conn = connect(url).map_err(unavailable)?;
        match &mut conn {
            AnyConn::Pg(c) => c.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?,
            AnyConn::Sqlite(c) => c.batch_execute("PRAGMA query_only = ON; BEGIN")?,
        }
        let tables = tables(&mut conn)?;
        Ok(Self { conn, tables })
    }

    /// The last migration that was applied.
    ///
    /// # Errors
    /// The database cannot be read; it was never migrated.
    pub fn schema(&mut self) -> Result<String, Error> {
        migrate::newest(&mut self.conn)?.ok_or_else(|| Error::Damaged("the database was never migrated".into()))
    }

    /// How far each register's log reaches.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn heads(&mut self) -> Result<Vec<Head>, Error> {
        heads(&mut self.conn)
    }

    /// Hands every row of every table to `sink`.
    ///
    /// # Errors
    /// The database cannot be read; those of the sink.
    pub fn read(&mut self, sink: &mut dyn Sink) -> Result<(), Error> {
        read(&mut self.conn, &self.tables, sink)
    }
}

/// Gives the rows of a copy, table by table.
pub trait Source {
    /// The next table; nothing at the end.
    ///
    /// # Errors
    /// The copy cannot be read.
    fn table(&mut self) -> Result<Option<Table>, Error>;
    /// The next row of the table; nothing at its end.
    ///
    /// # Errors
    /// The copy cannot be read.
    fn row(&mut self) -> Result<Option<Vec<Cell>>, Error>;
}

/// What a database is to become.
pub struct Restoring<'a> {
    /// The schema of the copy.
    pub schema: &'a str,
    /// How far the logs of the copy reach.
    pub heads: &'a [Head],
    /// What makes a database to work with of it; a scratch database stays exactly what the copy says.
    pub again: Option<Resuming<'a>>,
}

/// What happens to a restored database before anybody works with it: its schema is brought up to date, sessions end,
/// what was erased since the copy is erased again, and the log says that it was restored.
pub struct Resuming<'a> {
    /// What the log's entry says.
    pub detail: serde_json::Value,
    /// Gives the entries their instants.
    pub stamps: &'a Stamps,
    /// Erasures since the copy was made.
    pub erasures: &'a [Erasure],
    /// The registers, of which an erasure asks what their records refer to.
    pub registers: &'a Registers,
}

/// Whether a database has no tables yet.
///
/// # Errors
/// The database cannot be read.
pub fn is_empty(url: &DatabaseUrl) -> Result<bool, Error> {
    if let DatabaseUrl::Sqlite(path) = url
        && !std::path::Path::new(path).exists()
    {
        return Ok(true);
    }
    let mut conn = connect(url).map_err(unavailable)?;
    let list = if matches!(conn, AnyConn::Pg(_)) { PG_TABLES } else { SQLITE_TABLES };
    Ok(diesel::sql_query(list).bind::<Text, _>("").load::<NameRow>(&mut conn)?.is_empty())
}

/// Sees the rows of a restored database, and says whether they are those of the copy.
pub trait Again: Sink {
    /// Says so, when all have been seen.
    ///
    /// # Errors
    /// They are not.
    fn agrees(&mut self) -> Result<(), Error>;
}

/// Makes an empty database what a copy says: all of it in one transaction, so that it is there whole or not at all.
/// Before that ends the rows are read back, which `again` compares with the copy; the erasures since the copy are
/// replayed; only then is it committed.
///
/// # Errors
/// A schema that this program does not know; rows that do not fit; a disk that is full: nothing was done.
pub fn restore(
    url: &DatabaseUrl,
    what: &Restoring<'_>,
    source: &mut dyn Source,
    again: &mut dyn Again,
) -> Result<(), Error> {
    let mut conn = connect(url).map_err(unavailable)?;
    if what.again.is_none()
        && let AnyConn::Sqlite(c) = &mut conn
    {
        // A scratch database need not outlive a power cut.
        c.batch_execute("PRAGMA synchronous = OFF")?;
    }
    conn.transaction(|conn| {
        if let AnyConn::Sqlite(c) = conn {
            c.batch_execute("PRAGMA defer_foreign_keys = ON")?;
        }
        migrate::up_to(conn, what.schema)?;
        let ours = tables(conn)?;
        load(conn, &ours, source)?;
        read(conn, &ours, again)?;
        again.agrees()?;
        if heads(conn)? != what.heads {
            return Err(Error::Damaged("the logs do not reach as far as the copy says".into()));
        }
        if matches!(conn, AnyConn::Sqlite(_)) {
            // On PostgreSQL events wait for their place a moment; here nobody would ever give them one.
            while super::sequencer::integrate_waiting(conn)? > 0 {}
        }
        if let Some(again) = &what.again {
            migrate::all(conn)?;
            end_sessions(conn, again.stamps)?;
            replay(conn, again)?;
            let mut event = log::draft(INSTALLATION_REGISTER, Kind::Config, "backup.restore", operator());
            event.detail = Some(again.detail.clone());
            noted(conn, again.stamps, event)?;
        }
        Ok(())
    })
}

/// Takes everything out again that [`restore`] made.
///
/// # Errors
/// The database's own.
pub fn undo(url: &DatabaseUrl) -> Result<(), Error> {
    if let DatabaseUrl::Sqlite(path) = url {
        for end in ["", "-wal", "-shm"] {
            match std::fs::remove_file(format!("{path}{end}")) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(unavailable(e)),
            }
        }
        return Ok(());
    }
    migrate::none(&mut connect(url).map_err(unavailable)?)
}

fn operator() -> Who {
    Who { user_id: None, name: format!("{INSTALLATION}:cli") }
}

/// Notes an event later than everything that the copy knows of.
fn noted(conn: &mut AnyConn, stamps: &Stamps, event: Event) -> Result<Recorded, Error> {
    let register = event.register.clone();
    let last: Option<i64> = super::schema::audit_event::table
        .select(diesel::dsl::max(super::schema::audit_event::recorded_at))
        .first(conn)?;
    let recorded = log::record(conn, stamps, last.unwrap_or(0), event)?;
    if matches!(conn, AnyConn::Sqlite(_)) {
        log::integrate(conn, &register, &[&recorded])?;
    }
    Ok(recorded)
}

/// Erases again what was erased after the copy was made, by the one gate that every erasure goes through. What the copy
/// does not hold, or has lost before, is passed over.
///
/// # Errors
/// [`Refusal::Conflict`] for a register or record type that no definition speaks of: the database must not be used.
fn replay(conn: &mut AnyConn, again: &Resuming<'_>) -> Result<(), Error> {
    let mut batches: BTreeMap<(&str, Uuid), Vec<&Erasure>> = BTreeMap::new();
    for erasure in again.erasures {
        batches.entry((erasure.register.as_str(), erasure.batch_id)).or_default().push(erasure);
    }
    for ((name, batch_id), erasures) in batches {
        let knows = |r: &&Arc<Register>| erasures.iter().all(|e| r.record_type(&e.record_type).is_some());
        let register = again.registers.versions(name).into_iter().rev().find(knows).ok_or_else(|| {
            let detail = format!(
                "no definition of {name} knows what batch {batch_id} erased after the copy was made, so it cannot be \
                 erased again: restore with the definitions that were in force then"
            );
            Error::from(Refusal::Conflict { code: "unknown_erasure", detail, clause: None })
        })?;
        for some in erasures.chunks(500) {
            let ids: Vec<String> = some.iter().map(|e| e.record_id.to_string()).collect();
            let there: HashSet<String> = record::table
                .filter(record::register.eq(name))
                .filter(record::id.eq_any(&ids))
                .select(record::id)
                .load(conn)?
                .into_iter()
                .collect();
            let known: HashSet<String> = erasure::table
                .filter(erasure::register.eq(name))
                .filter(erasure::batch_id.eq(batch_id.to_string()))
                .filter(erasure::record_id.eq_any(&ids))
                .select(erasure::record_id)
                .load(conn)?
                .into_iter()
                .collect();
            let mut items = Vec::new();
            for erasure in some {
                let id = erasure.record_id.to_string();
                if !there.contains(&id) || known.contains(&id) {
                    continue;
                }
                items.push(ErasedItem {
                    gone: Gone::again(Cleared::replayed(erasure), erasure),
                    rules: erasure.rules.clone(),
                });
            }
            if items.is_empty() {
                continue;
            }
            let mut event = log::draft(name, Kind::Config, "retention.erase", operator());
            event.record_ids = items.iter().map(|item| item.gone.record_id).collect();
            let write = ErasedWrite { register: register.clone(), batch_id, number: 0, items };
            event.detail = Some(json!({ "batch_id": batch_id, "restored": true, "records": event.record_ids.len() }));
            let recorded = noted(conn, again.stamps, event)?;
            write.write(conn, name, &recorded.id.to_string(), recorded.recorded_at)?;
        }
    }
    Ok(())
}

/// Whoever was logged in when the copy was made is not any more.
fn end_sessions(conn: &mut AnyConn, stamps: &Stamps) -> Result<(), Error> {
    let now = crate::domain::calendar::micros(stamps.now());
    diesel::delete(browser_session::table).execute(conn)?;
    diesel::delete(refresh_token::table).execute(conn)?;
    diesel::update(session::table.filter(session::ended_at.is_null())).set(session::ended_at.eq(now)).execute(conn)?;
    Ok(())
}

/// Fills the tables.
fn load(conn: &mut AnyConn, ours: &[Found], source: &mut dyn Source) -> Result<(), Error> {
    let mut filled = 0;
    while let Some(table) = source.table()? {
        let Some(known) = ours.get(filled).filter(|found| found.table == table) else {
            return Err(Error::Damaged(format!("the table {} is not as this program makes it", table.name)));
        };
        filled += 1;
        let mut batch = Batch::new(&known.table);
        while let Some(row) = source.row()? {
            if batch.push(row)? {
                batch.write(conn)?;
            }
        }
        batch.write(conn)?;
    }
    if filled != ours.len() {
        return Err(Error::Damaged(format!("the copy has {filled} tables and not {}", ours.len())));
    }
    Ok(())
}

/// Rows that are written by one statement.
struct Batch<'a> {
    table: &'a Table,
    most: usize,
    rows: Vec<Vec<Cell>>,
    bytes: usize,
}

impl<'a> Batch<'a> {
    fn new(table: &'a Table) -> Self {
        let most = ROWS.min(PARAMETERS / table.columns.len().max(1)).max(1);
        Self { table, most, rows: Vec::new(), bytes: 0 }
    }

    /// Takes a row; says whether it is time to write.
    fn push(&mut self, row: Vec<Cell>) -> Result<bool, Error> {
        if row.len() != self.table.columns.len() {
            return Err(Error::Damaged(format!("a row of {} has other columns", self.table.name)));
        }
        self.bytes += row.iter().map(Cell::len).sum::<usize>();
        self.rows.push(row);
        Ok(self.rows.len() >= self.most || self.bytes >= BYTES)
    }

    fn write(&mut self, conn: &mut AnyConn) -> Result<(), Error> {
        if !self.rows.is_empty() {
            match conn {
                AnyConn::Pg(c) => self.to_pg(c)?,
                AnyConn::Sqlite(c) => self.to_sqlite(c)?,
            };
        }
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }

    fn into(&self) -> String {
        let columns: Vec<String> = self.table.columns.iter().map(|(name, _)| quoted(name)).collect();
        format!("INSERT INTO {} ({})", quoted(&self.table.name), columns.join(", "))
    }

    /// One parameter a column: an array of its values.
    fn to_pg(&self, conn: &mut PgConnection) -> QueryResult<usize> {
        let kinds = self.table.columns.iter().enumerate().map(|(n, (_, kind))| {
            let kind = match kind {
                CellKind::Text => "text",
                CellKind::Int => "bigint",
                CellKind::Bytes => "bytea",
            };
            format!("${}::{kind}[]", n + 1)
        });
        let arrays = kinds.collect::<Vec<_>>().join(", ");
        let mut query = diesel::sql_query(format!("{} SELECT * FROM unnest({arrays})", self.into())).into_boxed::<Pg>();
        for (place, (_, kind)) in self.table.columns.iter().enumerate() {
            let cells = self.rows.iter().filter_map(|row| row.get(place));
            query = match kind {
                CellKind::Text => query.bind::<Array<Nullable<Text>>, _>(cells.map(text).collect::<Vec<_>>()),
                CellKind::Int => query.bind::<Array<Nullable<BigInt>>, _>(cells.map(int).collect::<Vec<_>>()),
                CellKind::Bytes => query.bind::<Array<Nullable<Binary>>, _>(cells.map(bytes).collect::<Vec<_>>()),
            };
        }
        query.execute(conn)
    }

    fn to_sqlite(&self, conn: &mut SqliteConnection) -> QueryResult<usize> {
        let row = format!("({})", vec!["?"; self.table.columns.len()].join(", "));
        let values = vec![row; self.rows.len()].join(", ");
        let mut query = diesel::sql_query(format!("{} VALUES {values}", self.into())).into_boxed::<Sqlite>();
        for row in &self.rows {
            for (cell, (_, kind)) in row.iter().zip(&self.table.columns) {
                query = match kind {
                    CellKind::Text => query.bind::<Nullable<Text>, _>(text(cell)),
                    CellKind::Int => query.bind::<Nullable<BigInt>, _>(int(cell)),
                    CellKind::Bytes => query.bind::<Nullable<Binary>, _>(bytes(cell)),
                };
            }
        }
        query.execute(conn)
    }
}

fn text(cell: &Cell) -> Option<&str> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}

fn int(cell: &Cell) -> Option<i64> {
    if let Cell::Int(number) = cell { Some(*number) } else { None }
}

fn bytes(cell: &Cell) -> Option<&[u8]> {
    if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None }
}
