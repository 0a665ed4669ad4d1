//! Bringing a store to the newest schema: all that is missing in one transaction, and before that a backup of a store
//! that has a schema already. The law of migrations is in `broker/migrations/README.md`.

use super::errors::{self, WAY_OUT, for_caller, refused};
use super::open::cannot_open;
use super::{backup, header};
use c2c_proto::Error;
use sqlx::SqliteConnection;
use sqlx::migrate::{Migrate, Migration, Migrator};
use std::path::Path;

/// Every migration there is.
pub(crate) static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Where the store keeps which migrations it has seen.
const TABLE: &str = "_sqlx_migrations";

/// Applies what is missing, inside of the caller's transaction. Not through the library's own loop: that takes a
/// transaction for each, and does not look whether SQLite has ended one by itself.
pub(crate) async fn apply(connection: &mut SqliteConnection, migrator: &Migrator) -> Result<(), sqlx::Error> {
    connection.ensure_migrations_table(TABLE).await.map_err(plain)?;
    for migration in missing(connection, migrator).await? {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut *connection).await?;
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (?1, ?2, TRUE, ?3, -1)",
        )
        .bind(migration.version)
        .bind(&*migration.description)
        .bind(&*migration.checksum)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Migrations that the store has not seen. One that it has seen in another form, or that this broker does not know, is
/// an error.
async fn missing<'m>(
    connection: &mut SqliteConnection,
    migrator: &'m Migrator,
) -> Result<Vec<&'m Migration>, sqlx::Error> {
    let applied = connection.list_applied_migrations(TABLE).await.map_err(plain)?;
    if let Some(newer) = applied.iter().find(|applied| !migrator.version_exists(applied.version)) {
        return Err(plain(sqlx::migrate::MigrateError::VersionMissing(newer.version)));
    }
    let mut missing = Vec::new();
    for migration in migrator.iter() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            None => missing.push(migration),
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(plain(sqlx::migrate::MigrateError::VersionMismatch(migration.version))),
        }
    }
    Ok(missing)
}

/// Brings an existing store to the newest schema.
///
/// # Errors
/// `broker_busy`, `storage_full`, or `store_refused`; the store is as it was.
pub(crate) async fn bring_up(
    connection: &mut SqliteConnection,
    store: &Path,
    migrator: &Migrator,
) -> Result<(), Error> {
    let cannot = |error: sqlx::Error| cannot_migrate(store, &error);
    if missing(connection, migrator).await.map_err(cannot)?.is_empty() {
        return Ok(());
    }
    run(connection, "BEGIN IMMEDIATE").await.map_err(cannot)?;
    let done = within(connection, store, migrator).await;
    if done.is_err() {
        // After some errors SQLite has undone the transaction by itself.
        let _ = run(connection, "ROLLBACK").await;
    }
    done
}

async fn within(connection: &mut SqliteConnection, store: &Path, migrator: &Migrator) -> Result<(), Error> {
    let cannot = |error: sqlx::Error| cannot_migrate(store, &error);
    // Nobody else can write from here on: what is copied is what is migrated.
    let schema: u32 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await.map_err(cannot)?;
    header::check_schema(store, schema)?;
    let backup = backup::make(store, &format!("schema-{schema}")).await?;
    apply(connection, migrator).await.map_err(cannot)?;
    run(connection, "COMMIT").await.map_err(cannot)?;
    tracing::info!(from = schema, backup = %backup.display(), "the store was brought to the newest schema");
    Ok(())
}

fn cannot_migrate(store: &Path, error: &sqlx::Error) -> Error {
    match errors::severity(error) {
        errors::Severity::Refused => for_caller(error),
        // A disk that fails for a moment says nothing of the store.
        _ if errors::is_disk_failure(error) => cannot_open(store, error),
        _ => refused(
            format!(
                "the store {} cannot be brought to the newest schema: {error}; it was left as it is",
                store.display()
            ),
            WAY_OUT,
        ),
    }
}

/// A statement of the transaction itself.
pub(crate) async fn run(
    connection: &mut SqliteConnection,
    statement: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(|_| ())
}

fn plain(error: sqlx::migrate::MigrateError) -> sqlx::Error {
    match error {
        sqlx::migrate::MigrateError::Execute(error) => error,
        other => sqlx::Error::Migrate(Box::new(other)),
    }
}
