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
