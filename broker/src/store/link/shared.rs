//! The copy of the state that all machines share: entries like any other, whose versions are given elsewhere.

use super::LinkOutcome;
use crate::store::answers::json;
use crate::store::readers::Readers;
use crate::store::writer::Work;
use c2c_proto::id::Version;
use c2c_proto::request::{GLOBAL_PREFIX, KeyRange, LinkShared, SharedEntry};
use c2c_proto::time::Timestamp;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;

/// Under which key the store keeps when the copy was what there is.
const AS_OF: &str = "shared_as_of";
/// Behind every key that begins with [`GLOBAL_PREFIX`].
const BEHIND: &str = "global;";

/// Takes over what a link tells.
pub(super) async fn tell(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    told: &LinkShared,
) -> Result<LinkOutcome, sqlx::Error> {
    let mut changed = BTreeSet::new();
    if let Some(range) = &told.range {
        changed.extend(clear(connection, range, &told.entries).await?);
    }
    for entry in told.entries.iter().filter(|entry| entry.state_key.starts_with(GLOBAL_PREFIX)) {
        if put(connection, work.now, entry, told.range.is_some()).await? {
            changed.insert(entry.state_key.clone());
        }
    }
    if told.current {
        sqlx::query(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(AS_OF)
        .bind(work.now.0.to_string())
        .execute(connection)
        .await?;
    }
    Ok(LinkOutcome { changed: changed.into_iter().collect(), ..LinkOutcome::default() })
}

/// What is between these keys and not among the entries is gone.
async fn clear(
    connection: &mut SqliteConnection,
    range: &KeyRange,
    entries: &[SharedEntry],
) -> Result<Vec<String>, sqlx::Error> {
    let keys: Vec<&String> = entries.iter().map(|entry| &entry.state_key).collect();
    sqlx::query_scalar(
        "DELETE FROM state WHERE key >= ?1 AND key < ?2 AND key > ?3 AND (?4 IS NULL OR key <= ?4)
           AND key NOT IN (SELECT value FROM json_each(?5))
         RETURNING key",
    )
    .bind(GLOBAL_PREFIX)
    .bind(BEHIND)
    .bind(&range.after)
    .bind(&range.up_to)
    .bind(json(&keys))
    .fetch_all(connection)
    .await
}

/// Whether the entry is another one now. One that is known already keeps the time at which it expires: that counts from
/// when it was first seen, so that it does not matter what clock the machine has on which it was set. `anew`: the versions may
/// be those of a server that began anew.
async fn put(
    connection: &mut SqliteConnection,
    now: Timestamp,
    entry: &SharedEntry,
    anew: bool,
) -> Result<bool, sqlx::Error> {
    let Some(value) = &entry.value else {
        return sqlx::query("DELETE FROM state WHERE key = ?1 AND version < ?2")
            .bind(&entry.state_key)
            .bind(entry.version)
            .execute(connection)
            .await
            .map(|done| done.rows_affected() > 0);
    };
    sqlx::query(
        "INSERT INTO state (key, value, version, set_at, updated_by, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version,
           set_at = excluded.set_at, updated_by = excluded.updated_by, expires_at = excluded.expires_at
         WHERE excluded.version > version
            OR (?7 AND (excluded.version, excluded.value, excluded.set_at) != (version, value, set_at))",
    )
    .bind(&entry.state_key)
    .bind(value)
    .bind(entry.version)
    .bind(entry.updated_at.0)
    .bind(&entry.updated_by)
    .bind(entry.ttl_ms.map(|ttl_ms| now.plus_ms(ttl_ms).0))
    .bind(anew)
    .execute(connection)
    .await
    .map(|done| done.rows_affected() > 0)
}

/// When the copy was what there is, as far as the store knows.
pub(super) async fn as_of(readers: &Readers) -> Result<Option<Timestamp>, sqlx::Error> {
    let text: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = ?1")
        .bind(AS_OF)
        .fetch_optional(readers.get().await?.connection()?)
        .await?;
    Ok(text.and_then(|text| text.parse().ok()).map(Timestamp))
}

/// The version of an entry that has expired.
pub(super) async fn expired(
    readers: &Readers,
    key: &str,
    now: Timestamp,
) -> Result<Option<Version>, sqlx::Error> {
    sqlx::query_scalar("SELECT version FROM state WHERE key = ?1 AND expires_at <= ?2")
        .bind(key)
        .bind(now.0)
        .fetch_optional(readers.get().await?.connection()?)
        .await
}
