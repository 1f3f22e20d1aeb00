//! Connections: one enum over both databases, one pool manager that tells the real cause of a failure.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::R2D2Connection;

/// A connection to either database. Queries are written once, over this.
#[derive(diesel::MultiConnection)]
pub(in crate::store) enum AnyConn {
    /// PostgreSQL.
    Pg(diesel::PgConnection),
    /// SQLite.
    Sqlite(diesel::SqliteConnection),
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgres://…`
    Pg(String),
    /// A file path; `sqlite://` in front is optional.
    Sqlite(String),
}

impl DatabaseUrl {
    /// Reads `postgres://`, `postgresql://`, `sqlite://PATH` or a plain path.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Pg(text.to_owned())
        } else {
            Self::Sqlite(text.trim_start_matches("sqlite://").to_owned())
        }
    }

    /// Whether it is the embedded database.
    pub fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// Opens a connection with the settings we rely on: SQLite in WAL with `synchronous=FULL` (NORMAL loses
/// acknowledged commits at a power cut), PostgreSQL in UTC with a bound on waiting for locks.
pub(in crate::store) fn connect(url: &DatabaseUrl) -> Result<AnyConn, diesel::r2d2::Error> {
    use diesel::r2d2::Error;
    match url {
        DatabaseUrl::Pg(url) => {
            let mut conn = PgConnection::establish(url).map_err(Error::ConnectionError)?;
            conn.batch_execute("SET TIME ZONE 'UTC'; SET lock_timeout = '5s'; SET synchronous_commit = on")
                .map_err(Error::QueryError)?;
            Ok(AnyConn::Pg(conn))
        }
        DatabaseUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(path).map_err(Error::ConnectionError)?;
            conn.batch_execute(
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA cache_size = -8000; \
                 PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0",
            )
            .map_err(Error::QueryError)?;
            Ok(AnyConn::Sqlite(conn))
        }
    }
}

/// Opens a connection for a writer: on SQLite a whole batch of acts stays in memory until it commits. A cache that
/// spills in the middle writes pages twice and computes the WAL's checksums anew.
pub(in crate::store) fn connect_writer(url: &DatabaseUrl) -> Result<AnyConn, diesel::r2d2::Error> {
    let mut conn = connect(url)?;
    if let AnyConn::Sqlite(sqlite) = &mut conn {
        sqlite
            .batch_execute("PRAGMA cache_size = -64000; PRAGMA cache_spill = OFF; PRAGMA wal_autocheckpoint = 4000")
            .map_err(diesel::r2d2::Error::QueryError)?;
    }
    Ok(conn)
}

/// The pool's manager.
#[derive(Debug, Clone)]
pub(in crate::store) struct Manager(pub(in crate::store) DatabaseUrl);

impl r2d2::ManageConnection for Manager {
    type Connection = AnyConn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<AnyConn, Self::Error> {
        connect(&self.0)
    }

    fn is_valid(&self, conn: &mut AnyConn) -> Result<(), Self::Error> {
        conn.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut AnyConn) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}

/// What the two databases say differently: the same expression, once for each.
macro_rules! on_conn {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::store::conn::AnyConn::Pg($inner) => $body,
            $crate::store::conn::AnyConn::Sqlite($inner) => $body,
        }
    };
}

/// Inserts rows: on PostgreSQL in one statement; on SQLite one by one through one prepared statement, since the
/// library would wrap a batch in a savepoint of its own and do just that inside it.
macro_rules! insert_rows {
    ($conn:expr, $table:expr, $rows:expr) => {
        match &mut *$conn {
            $crate::store::conn::AnyConn::Pg(c) => {
                diesel::RunQueryDsl::execute(diesel::insert_into($table).values(&$rows[..]), c).map(|_| ())
            }
            $crate::store::conn::AnyConn::Sqlite(c) => $rows.iter().try_for_each(|row| {
                diesel::RunQueryDsl::execute(diesel::insert_into($table).values(row), c).map(|_| ())
            }),
        }
    };
}
