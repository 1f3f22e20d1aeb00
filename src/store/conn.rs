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
