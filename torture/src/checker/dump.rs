//! What a store holds at the end, as the checker needs it. The one place of this crate that knows the schema.

use crate::history::bodies::{digest, number};

/// The whole content of a store.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// Ascending by id.
    pub messages: Vec<StoredMessage>,
    /// By mailbox, then by message.
    pub deliveries: Vec<Delivery>,
    /// The shared state.
    pub entries: Vec<StoredEntry>,
    /// The last version that was given out.
    pub last_version: i64,
    /// How often the store was opened.
    pub epoch: u64,
    /// The store's id.
    pub store_id: String,
    /// What SQLite says of the file; nothing if it is whole.
    pub damage: Vec<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its id.
    pub id: i64,
    /// The sender's row.
    pub from_session: Box<str>,
    /// The name that the sender had.
    pub from_name: Box<str>,
    /// Whom it is for, as JSON: names, or everyone.
    pub addressed: Box<str>,
    /// 0: to names, 1: to everyone, 2: a question to everyone.
    pub broadcast: i64,
    /// Its tag.
    pub tag: Option<Box<str>>,
    /// What it answers.
    pub reply_to: Option<i64>,
    /// The key of its call.
    pub key: Box<str>,
    /// Its number, by its body or its key.
    pub n: Option<u64>,
    /// Its length in characters.
    pub chars: u64,
    /// Digest of its body.
    pub digest: u64,
}

/// One message in one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The folded name.
    pub mailbox: Box<str>,
    /// Which message.
    pub message_id: i64,
    /// The name as it was addressed.
    pub recipient: Box<str>,
    /// Whether it is read.
    pub read: bool,
}

/// One entry of the shared state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its key.
    pub entry: String,
    /// Its version.
    pub version: i64,
    /// The number of its value.
    pub n: Option<u64>,
    /// Whether it expires.
    pub expires: bool,
}

impl StoredMessage {
    /// Takes what matters from a row.
    #[must_use]
    pub fn with_body(mut self, body: &str) -> Self {
        self.n = number(body, &self.key);
        self.chars = body.chars().count() as u64;
        self.digest = digest(body);
        self
    }
}

/// Reads a store that no broker has open.
///
/// # Errors
/// What SQLite says.
#[cfg(target_os = "linux")]
pub fn read(store: &std::path::Path) -> Result<Dump, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(content::of(store)).map_err(|error| error.to_string())
}

#[cfg(target_os = "linux")]
mod content {
    use super::{Delivery, Dump, StoredEntry, StoredMessage};
    use crate::words;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{ConnectOptions, Connection, Row};
    use std::path::Path;

    pub(super) async fn of(store: &Path) -> Result<Dump, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(store).disable_statement_logging();
        let mut store = options.connect().await?;
        let mut dump = Dump {
            messages: messages(&mut store).await?,
            deliveries: deliveries(&mut store).await?,
            entries: entries(&mut store).await?,
            ..Dump::default()
        };
        let number = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1";
        dump.store_id =
            sqlx::query_scalar("SELECT value FROM meta WHERE key = 'store_id'").fetch_one(&mut store).await?;
        dump.last_version = sqlx::query_scalar(number).bind("last_version").fetch_one(&mut store).await?;
        let epoch: i64 = sqlx::query_scalar(number).bind("epoch").fetch_one(&mut store).await?;
        dump.epoch = epoch.unsigned_abs();
        let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut store).await?;
        dump.damage = said.into_iter().filter(|line| line != "ok").collect();
        if let Err(error) = words::fit(&mut store).await {
            dump.damage.push(format!("the index of words: {error}"));
        }
        store.close().await?;
        Ok(dump)
    }

    async fn messages(store: &mut SqliteConnection) -> Result<Vec<StoredMessage>, sqlx::Error> {
        let sql =
            "SELECT id, from_session, from_name, addressed, broadcast, tag, reply_to, key, body FROM messages
                   ORDER BY id";
        let rows = sqlx::query(sql).fetch_all(store).await?;
        rows.iter()
            .map(|row| {
                let tag: Option<String> = row.try_get(5)?;
                let message = StoredMessage {
                    id: row.try_get(0)?,
                    from_session: row.try_get::<String, _>(1)?.into(),
                    from_name: row.try_get::<String, _>(2)?.into(),
                    addressed: row.try_get::<String, _>(3)?.into(),
                    broadcast: row.try_get(4)?,
                    tag: tag.map(Into::into),
                    reply_to: row.try_get(6)?,
                    key: row.try_get::<String, _>(7)?.into(),
                    n: None,
                    chars: 0,
                    digest: 0,
                };
                Ok(message.with_body(row.try_get(8)?))
            })
            .collect()
    }

    async fn deliveries(store: &mut SqliteConnection) -> Result<Vec<Delivery>, sqlx::Error> {
        let sql = "SELECT mailbox, message_id, recipient, read_at IS NOT NULL FROM deliveries
                   ORDER BY mailbox, message_id";
        let rows = sqlx::query(sql).fetch_all(store).await?;
        rows.iter()
            .map(|row| {
                Ok(Delivery {
                    mailbox: row.try_get::<String, _>(0)?.into(),
                    message_id: row.try_get(1)?,
                    recipient: row.try_get::<String, _>(2)?.into(),
                    read: row.try_get(3)?,
                })
            })
            .collect()
    }

    async fn entries(store: &mut SqliteConnection) -> Result<Vec<StoredEntry>, sqlx::Error> {
        let sql = "SELECT key, version, value ->> '$.n', expires_at IS NOT NULL FROM state ORDER BY key";
        let rows = sqlx::query(sql).fetch_all(store).await?;
        rows.iter()
            .map(|row| {
                let n: Option<i64> = row.try_get(2)?;
                Ok(StoredEntry {
                    entry: row.try_get(0)?,
                    version: row.try_get(1)?,
                    n: n.map(i64::unsigned_abs),
                    expires: row.try_get(3)?,
                })
            })
            .collect()
    }
}
