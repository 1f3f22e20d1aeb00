//! Migrations: the same steps for both databases, embedded in the program.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::{AnyConn, DatabaseUrl, connect};
use super::error::Error;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Tables that only grow: on PostgreSQL the run-time role may neither update nor delete there.
const GROW_ONLY: &[&str] = &[
    "audit_event",
    "audit_leaf",
    "audit_node",
    "audit_subject",
    "audit_checkpoint",
    "case_step",
    "disclosure",
    "disclosure_subject",
    "report_delivery",
    "review",
    "grant_log",
    "leaver_log",
    "record_event",
    "confirmed_record",
    "confirmation_note",
    "exchange_run",
    "entry",
    "entry_document",
    "definition",
];

/// Applies what is missing and names the steps that were applied.
///
/// # Errors
/// The database's own error, with the step it failed in.
pub fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, Error> {
    let mut conn = connect(url).map_err(|e| Error::Unavailable(e.to_string()))?;
    let source = match &conn {
        AnyConn::Pg(_) => POSTGRES,
        AnyConn::Sqlite(_) => SQLITE,
    };
    on_conn!(&mut conn, c => {
        let done = c.run_pending_migrations(source).map_err(|e| Error::Unavailable(e.to_string()))?;
        Ok(done.iter().map(ToString::to_string).collect())
    })
}

/// Whether every step has been applied.
pub(in crate::store) fn is_current(conn: &mut AnyConn) -> Result<bool, Error> {
    let source = match &conn {
        AnyConn::Pg(_) => POSTGRES,
        AnyConn::Sqlite(_) => SQLITE,
    };
    on_conn!(conn, c => c.has_pending_migration(source).map(|pending| !pending).map_err(|e| Error::Unavailable(e.to_string())))
}

/// The last step that was applied; nothing where none was.
pub(in crate::store) fn newest(conn: &mut AnyConn) -> Result<Option<String>, Error> {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
        version: Option<String>,
    }
    // Not by the library, which would make its table where there is none.
    let query = diesel::sql_query("SELECT CAST(max(version) AS TEXT) AS version FROM __diesel_schema_migrations");
    Ok(query.get_result::<Row>(conn)?.version)
}

/// Applies every step up to the one of this `version`, in the running transaction.
///
/// # Errors
/// A version that this program does not know.
pub(in crate::store) fn up_to(conn: &mut AnyConn, version: &str) -> Result<(), Error> {
    use diesel::migration::MigrationSource as _;
    let failed = |e: &dyn std::fmt::Display| Error::Unavailable(e.to_string());
    let source = match &conn {
        AnyConn::Pg(_) => POSTGRES,
        AnyConn::Sqlite(_) => SQLITE,
    };
    let known: Vec<String> = on_conn!(&mut *conn, c => {
        fn of<D: diesel::backend::Backend>(
            _: &impl diesel::Connection<Backend = D>,
            source: &EmbeddedMigrations,
        ) -> diesel::migration::Result<Vec<String>>
        where
            EmbeddedMigrations: diesel::migration::MigrationSource<D>,
        {
            Ok(source.migrations()?.iter().map(|step| step.name().version().to_string()).collect())
        }
        of(c, &source).map_err(|e| failed(&e))?
    });
    if !known.iter().any(|step| step == version) {
        let ours = known.iter().max().map_or("none", String::as_str);
        return Err(Error::Unavailable(format!(
            "the schema {version} is newer than any that this program knows ({ours}): use the program that made the \
             copy, or a newer one"
        )));
    }
    loop {
        let applied = match conn {
            AnyConn::Pg(c) => c.run_next_migration(POSTGRES).map(|v| v.to_string()),
            AnyConn::Sqlite(c) => c.run_next_migration(SQLITE).map(|v| v.to_string()),
        };
        if applied.map_err(|e| failed(&e))? == version {
            return Ok(());
        }
    }
}

/// Applies what is missing, in the running transaction.
pub(in crate::store) fn all(conn: &mut AnyConn) -> Result<(), Error> {
    let source = match &conn {
        AnyConn::Pg(_) => POSTGRES,
        AnyConn::Sqlite(_) => SQLITE,
    };
    on_conn!(conn, c => c.run_pending_migrations(source).map(|_| ()).map_err(|e| Error::Unavailable(e.to_string())))
}

/// Takes every step back: the database is as empty as before the first.
pub(in crate::store) fn none(conn: &mut AnyConn) -> Result<(), Error> {
    use diesel::connection::SimpleConnection as _;
    let source = match &conn {
        AnyConn::Pg(_) => POSTGRES,
        AnyConn::Sqlite(_) => SQLITE,
    };
    on_conn!(&mut *conn, c => c.revert_all_migrations(source).map(|_| ()).map_err(|e| Error::Unavailable(e.to_string())))?;
    conn.batch_execute("DROP TABLE __diesel_schema_migrations")?;
    Ok(())
}

/// Gives `role` what the program needs at run time on PostgreSQL, and nothing that rewrites what only grows.
///
/// # Errors
/// An unknown role or a missing privilege; refused on SQLite, where triggers do this.
pub fn grant_runtime_role(url: &DatabaseUrl, role: &str) -> Result<(), Error> {
    use diesel::connection::SimpleConnection;
    let mut conn = connect(url).map_err(|e| Error::Unavailable(e.to_string()))?;
    let AnyConn::Pg(pg) = &mut conn else {
        return Err(Error::Unavailable("a run-time role exists on PostgreSQL only".into()));
    };
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let mut sql = format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE ON SCHEMA public TO {role};
         REVOKE UPDATE ON audit_payload FROM {role};"
    );
    for table in GROW_ONLY {
        sql.push_str(&format!("REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role};"));
    }
    pg.batch_execute(&sql).map_err(Error::from)
}
