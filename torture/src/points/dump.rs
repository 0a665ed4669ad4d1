//! What a store holds, read from a copy of its files by SQLite itself, without any broker; and what of an operation is
//! in it.

use super::world::{NAMES, Op, copy_files};
use crate::words;
use c2c_proto::message::To;
use c2c_proto::request::{Request, Send};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One message.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: i64,
    pub key: String,
    pub body: String,
}

/// The whole content, as far as these runs change it.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    pub messages: Vec<Stored>,
    /// Of each message and mailbox, whether it is read.
    pub deliveries: BTreeMap<(i64, String), bool>,
    pub state: BTreeMap<String, String>,
    pub names: BTreeSet<String>,
}

/// How much of an operation is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum There {
    Whole,
    Nothing,
    /// What must never be.
    Half(String),
}

/// Reads a copy of the store as it lies there; nothing if there is none. What a kill left in the log counts.
pub fn of_copy(folder: &Path) -> Result<Option<Dump>, String> {
    let copy = tempfile::tempdir().map_err(|error| error.to_string())?;
    copy_files(folder, copy.path());
    let store = copy.path().join("c2c.db");
    if !store.exists() {
        return Ok(None);
    }
    blocking(read(&store)).map(Some).map_err(|error| format!("the store cannot be read: {error}"))
}

/// Waits for what SQLite says, in a thread that has no runtime.
pub fn blocking<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

/// A connection to a file that SQLite finds sound.
pub async fn sound(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let verdict: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await?;
    if verdict != ["ok"] {
        return Err(sqlx::Error::Protocol(format!("integrity_check says {verdict:?}")));
    }
    Ok(connection)
}

async fn read(store: &Path) -> Result<Dump, sqlx::Error> {
    let mut connection = sound(store).await?;
    let migrated: bool =
        sqlx::query_scalar("SELECT COUNT(*) = 1 FROM sqlite_schema WHERE name = 'deliveries'")
            .fetch_one(&mut connection)
            .await?;
    if !migrated {
        return of_seed(&mut connection).await;
    }
    words::fit(&mut connection).await?;
    let messages: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT id, key, body FROM messages ORDER BY id").fetch_all(&mut connection).await?;
    let deliveries: Vec<(i64, String, bool)> =
        sqlx::query_as("SELECT message_id, mailbox, read_at IS NOT NULL FROM deliveries")
            .fetch_all(&mut connection)
            .await?;
    let state: Vec<(String, String)> =
        sqlx::query_as("SELECT key, value FROM state").fetch_all(&mut connection).await?;
    let names: Vec<String> =
        sqlx::query_scalar("SELECT mailbox FROM sessions WHERE stale = 0").fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(Dump {
        messages: messages.into_iter().map(|(id, key, body)| Stored { id, key, body }).collect(),
        deliveries: deliveries.into_iter().map(|(id, mailbox, read)| ((id, mailbox), read)).collect(),
        state: state.into_iter().collect(),
        names: names.into_iter().collect(),
    })
}

/// The mail of a store that is still one of claude-c2c 0.1.0.
async fn of_seed(connection: &mut SqliteConnection) -> Result<Dump, sqlx::Error> {
    let messages: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, body FROM messages ORDER BY id").fetch_all(connection).await?;
    let messages =
        messages.into_iter().map(|(id, body)| Stored { id, key: format!("old {id}"), body }).collect();
    Ok(Dump { messages, ..Dump::default() })
}

impl Dump {
    /// How much of an operation is there.
    pub fn holds(&self, op: &Op) -> There {
        match &op.request {
            Request::Send(send) => self.holds_message(op.who, send),
            Request::MarkRead(mark) => {
                let read = |id: &&i64| self.deliveries.get(&(**id, op.who.to_owned())) == Some(&true);
                let marked = mark.message_ids.iter().filter(read).count();
                parts(marked, mark.message_ids.len(), "marks")
            }
            Request::SetState(set) => whole_if(self.state.get(&set.state_key) == Some(&set.value)),
            Request::DeleteState(delete) => whole_if(!self.state.contains_key(&delete.state_key)),
            other => There::Half(format!("{} is not looked for", other.kind())),
        }
    }

    fn holds_message(&self, who: &str, send: &Send) -> There {
        let found: Vec<&Stored> = self.messages.iter().filter(|one| one.key == send.key).collect();
        let [message] = found[..] else {
            return if found.is_empty() { There::Nothing } else { There::Half("stored twice".to_owned()) };
        };
        if message.body != send.body {
            return There::Half("another body".to_owned());
        }
        let unread = |id| self.deliveries.get(&(id, who.to_owned())) != Some(&true);
        if send.reply_to.is_some_and(unread) {
            return There::Half("what it answers is not read".to_owned());
        }
        let recipients: Vec<String> = match &send.to {
            Some(To::One(name)) => vec![name.clone()],
            Some(To::Many(names)) => names.clone(),
            Some(To::Everyone) => {
                NAMES.iter().filter(|name| **name != who).map(|name| (*name).to_owned()).collect()
            }
            // An answer: in these runs all goes back to alice.
            None => vec![NAMES[0].to_owned()],
        };
        let there =
            recipients.iter().filter(|name| self.deliveries.contains_key(&(message.id, (*name).clone())));
        let there = there.count();
        if there == recipients.len() {
            return There::Whole;
        }
        There::Half(format!("for {there} of {} recipients", recipients.len()))
    }

    /// The message with this id.
    pub fn message(&self, id: i64) -> Option<&Stored> {
        self.messages.iter().find(|one| one.id == id)
    }

    /// The id of the message with this key.
    pub fn id_of(&self, key: &str) -> Option<i64> {
        self.messages.iter().find(|one| one.key == key).map(|one| one.id)
    }
}

fn whole_if(whole: bool) -> There {
    if whole { There::Whole } else { There::Nothing }
}

fn parts(done: usize, all: usize, what: &str) -> There {
    match done {
        0 => There::Nothing,
        done if done == all => There::Whole,
        done => There::Half(format!("{done} of {all} {what}")),
    }
}
