//! SQLite files as another program would have left them: made of statements, without the broker.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::path::{Path, PathBuf};

/// Runs statements on a file, which is made if it is missing. The file is closed and complete afterwards.
///
/// # Panics
/// If a statement fails.
pub fn make_sqlite(path: &Path, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("the file opens");
        let statements = AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(statements).execute(&mut connection).await.expect("the statements hold");
        connection.close().await.expect("the file closes");
    });
}

/// As [`make_sqlite`], and as a program leaves a file that is killed: what the further statements do stands in the
/// write-ahead log alone.
///
/// # Panics
/// If a statement fails, or the file cannot be copied into place.
pub fn make_sqlite_with_log(path: &Path, statements: &str, in_the_log: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let made = folder.path().join("made.db");
    make_sqlite(&made, statements);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(&made);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("the file opens");
        let statements = format!("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; {in_the_log}");
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.expect("the statements hold");
        std::fs::copy(&made, path).expect("the file is copied");
        std::fs::copy(log_of(&made), log_of(path)).expect("its log is copied");
        connection.close().await.expect("the file closes");
    });
}

fn log_of(file: &Path) -> PathBuf {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// How many rows these tables have, in a file that SQLite finds sound.
///
/// # Panics
/// If it is not sound, or a table is missing.
#[must_use]
pub fn count_rows(path: &Path, tables: &[&str]) -> Vec<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("the file opens");
        let verdict: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_all(&mut connection)
            .await
            .expect("it is read");
        assert_eq!(verdict, ["ok"], "{}", path.display());
        let mut counts = Vec::new();
        for table in tables {
            let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
            counts.push(sqlx::query_scalar(count).fetch_one(&mut connection).await.expect("a table"));
        }
        connection.close().await.expect("the file closes");
        counts
    })
}
