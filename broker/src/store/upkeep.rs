//! What is done with the store as a whole while it is in use: on connections of its own, so that no call waits for it.

use super::{Store, backup, errors, open};
use c2c_proto::Error;
use c2c_proto::response::{BackedUp, Checked};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

impl Store {
    /// Copies the store into a new file.
    ///
    /// # Errors
    /// `conflict` if something is there, `storage_full`, `storage_failed`, `invalid_argument` where no file can be made.
    pub(crate) async fn backup(&self, target: &Path) -> Result<BackedUp, Error> {
        let (messages, bytes) = backup::to(&self.paths.store, target).await?;
        Ok(BackedUp { path: target.display().to_string(), bytes, messages })
    }

    /// Reads through all of the store.
    ///
    /// # Errors
    /// Whatever keeps it from being read; what is wrong inside is no error here.
    pub(crate) async fn check(&self) -> Result<Checked, Error> {
        let look = async {
            let mut connection = SqliteConnection::connect_with(&open::glance(&self.paths.store)).await?;
            // A few faults are enough to know.
            let verdict: Vec<String> =
                sqlx::query_scalar("PRAGMA quick_check(10)").fetch_all(&mut connection).await?;
            let schema: u32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>((verdict, schema))
        };
        let (verdict, schema) = look.await.map_err(|error| errors::for_caller(&error))?;
        let problems = verdict.into_iter().filter(|line| line != open::SOUND).collect();
        Ok(Checked { problems, schema })
    }
}
