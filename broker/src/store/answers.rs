//! Answers that are kept for a while by the key of their call, in the transaction of the change itself, so that a call
//! which is repeated after a broken connection gets the true answer instead of a conflict with itself.

use super::batch::Batch;
use super::readers::Readers;
use super::state::StateChange;
use super::transaction::{Insert, Transaction};
use crate::session::Row;
use c2c_proto::limits::ANSWERS_KEPT_S;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use sqlx::{Row as _, SqliteConnection};
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Instant;

/// The kept answers that concern one batch, and those that it will keep.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    found: HashMap<(Row, String), (String, String)>,
    new: Vec<(Row, String, String, String)>,
}

/// What identifies a request's content: the same key with another hash is another call.
pub(crate) fn hash_of(request: &impl Serialize) -> String {
    let mut hash = Sha256::new();
    let mut json = Vec::with_capacity(HASHED_BYTES);
    // These structs hold texts and numbers only: they always serialize.
    if serde_json::to_writer(&mut json, request).is_ok() {
        hash.update(&json);
    }
    let digits = hash.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(HEX[usize::from(digit)])).collect()
}

/// Room for an ordinary request, so that its text is not moved about while it grows.
const HASHED_BYTES: usize = 1024;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// How old answers are: by the time in which a broker ran, not by the clock, so that one which is set ahead makes none
/// forgotten that a client may still ask for. Goes on from the newest answer that the brokers before have kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age {
    began: Timestamp,
    since: Instant,
}

impl Age {
    /// From the newest answer on, or from `now` where there is none.
    pub(crate) async fn in_store(
        connection: &mut SqliteConnection,
        now: Timestamp,
    ) -> Result<Self, sqlx::Error> {
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT MAX(created_at) FROM answers").fetch_one(connection).await?;
        Ok(Self { began: newest.map_or(now, Timestamp), since: Instant::now() })
    }

    fn now(self) -> Timestamp {
        self.began.plus_s(i64::try_from(self.since.elapsed().as_secs()).unwrap_or(i64::MAX))
    }
}

impl Answers {
    /// Looks for all keys of a batch at once.
    pub(crate) async fn find(transaction: &mut Transaction<'_>, batch: &Batch) -> Result<Self, sqlx::Error> {
        let keys = keys_of(batch);
        let mut answers = Self::default();
        if keys.is_empty() {
            return Ok(answers);
        }
        transaction.add(
            "SELECT a.scope, a.key, a.request_hash, a.answer
             FROM json_each(?) AS j
             JOIN answers AS a ON a.scope = j.value ->> 0 AND a.key = j.value ->> 1",
        );
        let rows = transaction.bind(json(&keys)).rows().await?;
        for row in rows {
            answers.found.insert((row.try_get(0)?, row.try_get(1)?), (row.try_get(2)?, row.try_get(3)?));
        }
        Ok(answers)
    }

    /// The answer that was given to this call before, or `conflict` if the key belongs to a call of other content.
    pub(crate) fn earlier<T: DeserializeOwned>(
        &self,
        scope: Row,
        key: &str,
        hash: &str,
    ) -> Option<Result<T, Error>> {
        let (kept_hash, answer) = self.found.get(&(scope, key.to_owned()))?;
        if kept_hash != hash {
            return Some(Err(key_conflict(key)));
        }
        // An answer of another version of the broker that cannot be read any more counts as none.
        serde_json::from_str(answer).ok().map(Ok)
    }

    /// Keeps an answer with this batch's commit.
    pub(crate) fn add(&mut self, scope: Row, key: &str, hash: &str, answer: &impl Serialize) {
        if let Ok(answer) = serde_json::to_string(answer) {
            self.add_text(scope, key, hash, &answer);
        }
    }

    /// The same, of an answer as it is kept.
    pub(crate) fn add_text(&mut self, scope: Row, key: &str, hash: &str, answer: &str) {
        self.new.push((scope, key.to_owned(), hash.to_owned(), answer.to_owned()));
    }

    /// Writes the new answers and forgets the old ones.
    pub(crate) fn keep(self, transaction: &mut Transaction<'_>, age: Age) {
        if self.new.is_empty() {
            return;
        }
        let now = age.now();
        let kept_s = i64::try_from(ANSWERS_KEPT_S).unwrap_or(i64::MAX);
        transaction.add("DELETE FROM answers WHERE created_at < ?").bind(now.plus_s(-kept_s).0);
        transaction.insert(&ANSWERS, &self.new, |transaction, (scope, key, hash, answer)| {
            transaction.bind(*scope).bind(key).bind(hash).bind(answer).bind(now.0);
        });
    }
}

/// What was kept under a key: what identifies the call's content, and its answer.
pub(crate) async fn kept(
    readers: &Readers,
    scope: Row,
    key: &str,
) -> Result<Option<(String, String)>, sqlx::Error> {
    sqlx::query_as("SELECT request_hash, answer FROM answers WHERE scope = ?1 AND key = ?2")
        .bind(scope)
        .bind(key)
        .fetch_optional(readers.get().await?.connection()?)
        .await
}

const ANSWERS: Insert = Insert {
    head: "INSERT OR REPLACE INTO answers (scope, key, request_hash, answer, created_at)",
    columns: 5,
};

/// `conflict`: one key, two contents.
pub(crate) fn key_conflict(key: &str) -> Error {
    let shown = key.strip_prefix(c2c_proto::id::MODEL_KEY_PREFIX).unwrap_or(key);
    Error::new(
        ErrorCode::Conflict,
        format!(
            "the idempotency_key {shown:?} was used before for a call with other content; nothing was changed"
        ),
        "use a new key for a new call; the same key only repeats the very same call",
    )
}

/// A value as JSON text to bind; of texts and numbers only, so it always succeeds.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}

fn keys_of(batch: &Batch) -> Vec<(Row, Cow<'_, str>)> {
    let mut keys: Vec<(Row, Cow<'_, str>)> = Vec::new();
    keys.extend(batch.hellos.iter().map(|ask| (0, Cow::Borrowed(ask.input.identity.key.as_str()))));
    keys.extend(batch.registrations.iter().map(|ask| ask.input.scoped_key()));
    let own = |row: Row, key: &'_ str| (row, Cow::Owned(key.to_owned()));
    keys.extend(batch.marks.iter().map(|ask| own(ask.input.owner.row, &ask.input.request.key)));
    keys.extend(batch.state.iter().map(StateChange::key).map(|(row, key)| own(row, key)));
    keys.extend(batch.prunes.iter().map(|ask| own(ask.input.owner.row, &ask.input.request.call.key)));
    keys
}
