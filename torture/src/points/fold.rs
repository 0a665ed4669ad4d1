//! The fold of a log that has grown beyond reason, while others wait: the one that no pause brings about.
//!
//! To grow one takes 64 MiB that nobody folds. Here they are written without a broker and folded already, but another
//! program's read keeps the log from beginning anew: so the broker finds it almost that long, with little to fold at a
//! pause, and what is folded in the end is short enough to be struck at each call.

use super::dump::blocking;
use super::scenarios::{set, to};
use super::world::{Gone, World, message};
use crate::trace::Traced;
use c2c_proto::message::To;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use std::path::Path;

/// Beyond this many pages in it a log is folded under load: 64 MiB.
const LOAD_FRAMES: u64 = 16_384;
/// What the broker may add at its start and for the first sessions, when some of its own work waits for other such work.
const START_FRAMES: u64 = 300;
/// A page and what stands before it in the log.
const FRAME_BYTES: u64 = 4_096 + 24;
/// What one transaction writes, on the same pages each time. Not the same bytes: SQLite would write nothing.
const WRITTEN_BYTES: i64 = 128 * 1024;
/// Rounds of calls, in one of which the writer finds more to do after its commit.
const ROUNDS: i64 = 5;

/// Another program that has the store open. What it holds is free again when this is dropped.
#[derive(Debug)]
pub struct Other(Option<SqliteConnection>);

impl Other {
    /// Ends its read, and makes the log so long that it is to be folded under load.
    fn write_more(&mut self, store: &Path) {
        let connection = self.0.as_mut().expect("it is open");
        let write = async {
            sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
            lengthen(connection, store, LOAD_FRAMES).await?;
            sqlx::raw_sql("BEGIN").execute(connection).await
        };
        blocking(write).expect("it may");
    }

    /// Ends what it began, and keeps all others from writing.
    fn keep_others_from_writing(&mut self) {
        self.run("ROLLBACK; BEGIN IMMEDIATE");
    }

    fn let_others_write(&mut self) {
        // So that there is something to end the next time.
        self.run("ROLLBACK; BEGIN");
    }

    fn run(&mut self, statements: &'static str) {
        let connection = self.0.as_mut().expect("it is open");
        blocking(sqlx::raw_sql(statements).execute(connection)).expect("it may");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            // Its last word may fail on a store that is gone; its locks end all the same.
            let _closed = blocking(connection.close());
        }
    }
}

/// Makes the log long, and reads in it.
pub fn grow(world: &mut World) {
    let reader = blocking(grown(world.sandbox.store())).expect("a long log");
    world.other_program = Some(Other(Some(reader)));
}

async fn grown(store: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(store)
        .synchronous(SqliteSynchronous::Off)
        .pragma("wal_autocheckpoint", "0");
    let mut writer = SqliteConnection::connect_with(&options).await?;
    lengthen(&mut writer, store, LOAD_FRAMES - START_FRAMES).await?;
    let mut reader = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql("BEGIN; SELECT * FROM meta").execute(&mut reader).await?;
    let (busy, all, folded): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut writer).await?;
    assert_eq!((busy, folded), (0, all), "all of it is folded");
    writer.close().await?;
    Ok(reader)
}

/// Writes until the log holds more pages than these.
async fn lengthen(writer: &mut SqliteConnection, store: &Path, frames: u64) -> Result<(), sqlx::Error> {
    let log = store.with_file_name("c2c.db-wal");
    while std::fs::metadata(&log).map_or(0, |log| log.len() / FRAME_BYTES) <= frames {
        sqlx::query("INSERT OR REPLACE INTO meta (key, value) VALUES ('filler', hex(randomblob(?1)))")
            .bind(WRITTEN_BYTES / 2)
            .execute(&mut *writer)
            .await?;
    }
    Ok(())
}

/// Others call while a commit has to wait, until the log is folded, and once more after that.
pub fn under_load(world: &mut World, traced: &Traced) -> Result<(), Gone> {
    let folded = || traced.log().iter().any(|call| call.name.ends_with("sync") && call.target == "c2c.db");
    let store = world.sandbox.store().to_owned();
    world.other_program.as_mut().expect("it is there").write_more(&store);
    for round in 0..ROUNDS {
        let done = behind_a_lock(world, round);
        // Also when the broker is gone: it would keep the next one from working.
        world.other_program.as_mut().expect("it is there").let_others_write();
        done.and_then(|calls| world.finish(&calls))?;
        if folded() {
            return world.call("alice", message(to("bob"), "at the log's beginning"));
        }
    }
    Err(Gone)
}

/// Calls of which the first one cannot be committed yet, and the others are there when it is.
fn behind_a_lock(world: &mut World, round: i64) -> Result<Vec<u64>, Gone> {
    world.other_program.as_mut().expect("it is there").keep_others_from_writing();
    let mut calls = world.start(vec![("alice", message(to("bob"), &format!("to bob, {round}")))]);
    // What was sent before a question that is answered has been heard by then.
    world.sandbox.status().ok_or(Gone)?;
    calls.extend(world.start(vec![
        ("bob", message(to("alice"), &format!("to alice, {round}"))),
        ("carol", message(To::Everyone, &format!("to all, {round}"))),
        ("dave", set(&format!("key {round}"), "[1, 2]")),
    ]));
    world.sandbox.status().ok_or(Gone)?;
    Ok(calls)
}
