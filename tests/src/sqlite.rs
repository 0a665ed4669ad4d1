//! SQLite files as another program would have left them: made of statements, without the broker.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::path::Path;

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
