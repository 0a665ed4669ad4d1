//! Opens an image with the broker's own code, in this process, and reads what it then holds.
//!
//! All SQL that reads such a store is here: what the broker shows to a client is not all that it must not lose.

use super::image::{Fingerprint, Image};
use c2c_broker::clock::Clock;
use c2c_broker::config::Config;
use c2c_broker::session::{Attached, NameFollower, Row};
use c2c_broker::shutdown::Shutdown;
use c2c_broker::stats::Stats;
use c2c_broker::store::Store;
use c2c_proto::hello::SessionState;
use c2c_proto::paths::StorePaths;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Everything of a store that was ever acknowledged to anybody, as JSON texts by table.
const TABLES: [(&str, &str); 5] = [
    (
        "messages",
        "SELECT json_group_array(json_array(id, from_name, body, reply_to)) FROM (SELECT * FROM messages ORDER BY id)",
    ),
    (
        "deliveries",
        "SELECT json_group_array(json_array(message_id, mailbox, read_at IS NOT NULL)) FROM deliveries",
    ),
    ("state", "SELECT json_group_array(json_array(key, value, version)) FROM state"),
    ("sessions", "SELECT json_group_array(name) FROM sessions WHERE stale = 0"),
    (
        "numbers",
        "SELECT json_array(IFNULL((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0),
                           (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'last_version'))",
    ),
];

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// Ascending by id.
    pub messages: Vec<Message>,
    /// Whether it is read, by message and mailbox.
    pub deliveries: BTreeMap<i64, BTreeMap<String, bool>>,
    /// Value and version by key.
    pub state: BTreeMap<String, (String, u64)>,
    /// The names of sessions that are not stale.
    pub sessions: Vec<String>,
    /// The last number that a message was given.
    pub last_message: i64,
    /// The last number that an entry was given.
    pub last_version: u64,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: i64,
    /// Its sender's name.
    pub from: String,
    /// Its body.
    pub body: String,
    /// What it answers.
    pub reply_to: Option<i64>,
}

/// Texts of a dump, and what tells them apart.
#[derive(Debug)]
pub struct Texts {
    texts: Vec<String>,
    /// The same for the same texts.
    pub fingerprint: Fingerprint,
}

impl Texts {
    /// Reads them.
    ///
    /// # Panics
    /// If SQLite gave no JSON.
    #[must_use]
    pub fn read(&self) -> Dump {
        let mut deliveries: BTreeMap<i64, BTreeMap<String, bool>> = BTreeMap::new();
        for (id, mailbox, read) in json::<Vec<(i64, String, i64)>>(&self.texts[1]) {
            deliveries.entry(id).or_default().insert(mailbox, read != 0);
        }
        let state = json::<Vec<(String, String, u64)>>(&self.texts[2]);
        let (last_message, last_version) = json(&self.texts[4]);
        Dump {
            messages: json(&self.texts[0]),
            deliveries,
            state: state.into_iter().map(|(key, value, version)| (key, (value, version))).collect(),
            sessions: json(&self.texts[3]),
            last_message,
            last_version,
        }
    }
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_str(text).expect("SQLite writes JSON")
}

/// Opens images one after the other in a folder of its own.
#[derive(Debug)]
pub struct Opener {
    paths: StorePaths,
    runtime: Runtime,
    folder: PathBuf,
}

impl Opener {
    /// Works in this folder, which nobody else uses.
    ///
    /// # Panics
    /// If the folder cannot be used.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let paths = StorePaths::of_store(&folder.join("c2c.db")).expect("a path");
        Self { paths, runtime, folder: folder.to_owned() }
    }

    /// Lays an image out and opens it.
    ///
    /// # Errors
    /// What the broker says to it, or what SQLite found damaged.
    ///
    /// # Panics
    /// If the folder cannot be written.
    pub fn open(&self, image: &Image) -> Result<Texts, String> {
        for entry in std::fs::read_dir(&self.folder).expect("the folder is there").flatten() {
            if entry.path().is_file() {
                std::fs::remove_file(entry.path()).expect("the folder can be written");
            }
        }
        for (name, bytes) in image {
            std::fs::write(self.folder.join(name), bytes).expect("the folder can be written");
        }
        self.runtime.block_on(open(&self.paths))
    }
}

/// Opens the store that lies there, as a broker that starts does, and closes it again.
///
/// # Errors
/// What the broker says to it, or what SQLite found damaged.
pub async fn open(paths: &StorePaths) -> Result<Texts, String> {
    let (config, clock, shutdown) = (Config::default(), Clock::system(), Shutdown::new());
    let stats = Arc::new(Stats::default());
    let store = Store::open(paths, &config, &clock, &stats, &shutdown, Arc::new(Nobody))
        .await
        .map_err(|error| format!("refused: {error}"))?;
    let texts = dump(&paths.store).await;
    store.close().await;
    texts
}

async fn dump(store: &Path) -> Result<Texts, String> {
    let failed = |error: sqlx::Error| format!("cannot be read: {error}");
    let options = SqliteConnectOptions::new().filename(store).create_if_missing(false);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
    let found: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await.map_err(failed)?;
    if found != ["ok"] {
        return Err(format!("damaged: {}", found.join("; ")));
    }
    let mut texts = Vec::with_capacity(TABLES.len());
    let mut hash = Sha256::new();
    for (table, query) in TABLES {
        let text: String = sqlx::query_scalar(query)
            .fetch_one(&mut connection)
            .await
            .map_err(|error| format!("{table} cannot be read: {error}"))?;
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(&text);
        texts.push(text);
    }
    connection.close().await.map_err(failed)?;
    Ok(Texts { texts, fingerprint: hash.finalize().into() })
}

/// There are no connections.
#[derive(Debug)]
struct Nobody;

impl NameFollower for Nobody {
    fn attached(&self, _: u64, _: &Attached<'_>) {}
    fn superseded(&self, _: Row, _: &SessionState) {}
}
