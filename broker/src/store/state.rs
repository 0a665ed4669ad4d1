//! The shared state: entries with versions from one counter, compare-and-swap, expiry.
//!
//! A batch's changes are decided one after the other in memory and written with one statement per table.

use super::answers::{Answers, json};
use super::jobs::{Ask, ByOwner, Job};
use super::readers::Readers;
use super::transaction::{Insert, Transaction};
use super::writer::Work;
use crate::session::Row;
use c2c_proto::id::Version;
use c2c_proto::limits::LIST_VALUE_MAX_CHARS;
use c2c_proto::request::{DeleteState, ListState, SetState};
use c2c_proto::response::{Deleted, Entry, StateSet, States};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use sqlx::Row as _;
use std::collections::{HashMap, HashSet};

/// Entries in one page: more never fit into a result.
const PAGE_ENTRIES: usize = 500;

/// A change of one key.
#[derive(Debug)]
pub(crate) enum StateChange {
    Set(Ask<ByOwner<SetState>, StateSet>),
    Delete(Ask<ByOwner<DeleteState>, Deleted>),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum StateOutcome {
    Set(StateSet),
    Deleted(Deleted),
}

/// An entry as far as decisions need it.
#[derive(Clone, Debug)]
struct Present {
    version: Version,
    updated_at: Timestamp,
    updated_by: String,
    expires_at: Option<Timestamp>,
}

impl StateChange {
    pub(crate) fn key(&self) -> (Row, &str) {
        match self {
            Self::Set(ask) => (ask.input.owner.row, &ask.input.request.key),
            Self::Delete(ask) => (ask.input.owner.row, &ask.input.request.key),
        }
    }

    pub(crate) fn into_job(self) -> Job {
        match self {
            Self::Set(ask) => Job::SetState(ask),
            Self::Delete(ask) => Job::DeleteState(ask),
        }
    }

    pub(crate) fn answer(self, outcome: Result<StateOutcome, Error>) {
        // Whoever asked may have gone; the change stands all the same.
        match (self, outcome) {
            (Self::Set(ask), Ok(StateOutcome::Set(set))) => drop(ask.answer.send(Ok(set))),
            (Self::Delete(ask), Ok(StateOutcome::Deleted(deleted))) => drop(ask.answer.send(Ok(deleted))),
            (Self::Set(ask), Err(error)) => drop(ask.answer.send(Err(error))),
            (Self::Delete(ask), Err(error)) => drop(ask.answer.send(Err(error))),
            (Self::Set(_), Ok(StateOutcome::Deleted(_))) | (Self::Delete(_), Ok(StateOutcome::Set(_))) => {
                tracing::error!("a state change was answered with the other kind's outcome");
            }
        }
    }

    fn state_key(&self) -> &str {
        match self {
            Self::Set(ask) => &ask.input.request.state_key,
            Self::Delete(ask) => &ask.input.request.state_key,
        }
    }
}

/// Applies a batch of changes in order.
pub(crate) async fn change(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    answers: &mut Answers,
    changes: &[StateChange],
) -> Result<Vec<Result<StateOutcome, Error>>, sqlx::Error> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let mut present = load(transaction, changes).await?;
    let last_version = work.numbers.last_version;
    let mut values: HashMap<&str, &str> = HashMap::new();
    let mut touched: HashSet<&str> = HashSet::new();
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        let outcome = match change {
            StateChange::Set(ask) => {
                let set = set(work, answers, &mut present, &ask.input);
                if let Ok((_, true)) = &set {
                    values.insert(change.state_key(), &ask.input.request.value);
                    touched.insert(change.state_key());
                }
                set.map(|(set, _)| StateOutcome::Set(set))
            }
            StateChange::Delete(ask) => {
                let deleted = delete(work, answers, &mut present, &ask.input);
                if let Ok(Deleted { deleted: true }) = &deleted {
                    touched.insert(change.state_key());
                }
                deleted.map(StateOutcome::Deleted)
            }
        };
        outcomes.push(outcome);
    }
    write(transaction, &present, &values, &touched);
    // Also when no entry is left of it: a version that was given out is never given out again, nor after a restart.
    if work.numbers.last_version != last_version {
        transaction
            .add("UPDATE meta SET value = ? WHERE key = 'last_version'")
            .bind(work.numbers.last_version.to_string());
    }
    Ok(outcomes)
}

async fn load(
    transaction: &mut Transaction<'_>,
    changes: &[StateChange],
) -> Result<HashMap<String, Present>, sqlx::Error> {
    let keys: HashSet<&str> = changes.iter().map(StateChange::state_key).collect();
    transaction.add(
        "SELECT s.key, s.version, s.set_at, s.updated_by, s.expires_at FROM json_each(?) AS j
         JOIN state AS s ON s.key = j.value",
    );
    let rows = transaction.bind(json(&keys)).rows().await?;
    rows.into_iter()
        .map(|row| {
            let present = Present {
                version: row.try_get(1)?,
                updated_at: Timestamp(row.try_get(2)?),
                updated_by: row.try_get(3)?,
                expires_at: row.try_get::<Option<i64>, _>(4)?.map(Timestamp),
            };
            Ok((row.try_get(0)?, present))
        })
        .collect()
}

/// The outcome, and whether anything has to be written.
fn set(
    work: &mut Work<'_>,
    answers: &mut Answers,
    present: &mut HashMap<String, Present>,
    change: &ByOwner<SetState>,
) -> Result<(StateSet, bool), Error> {
    let ByOwner { owner, request, hash } = change;
    if let Some(earlier) = answers.earlier::<StateSet>(owner.row, &request.key, hash) {
        return earlier.map(|set| (set, false));
    }
    let absent = "set it with if_version=0 to create it";
    check_version(work, present.get(&request.state_key), &request.state_key, request.if_version, absent)?;
    work.numbers.last_version += 1;
    let expires_at = request.ttl_ms.map(|ttl_ms| work.now.plus_ms(ttl_ms));
    let entry = Present {
        version: work.numbers.last_version,
        updated_at: work.now,
        updated_by: owner.name.clone(),
        expires_at,
    };
    let set = StateSet {
        state_key: request.state_key.clone(),
        version: entry.version,
        updated_at: entry.updated_at,
        updated_by: entry.updated_by.clone(),
        expires_at,
    };
    present.insert(request.state_key.clone(), entry);
    answers.add(owner.row, &request.key, hash, &set);
    Ok((set, true))
}

fn delete(
    work: &Work<'_>,
    answers: &mut Answers,
    present: &mut HashMap<String, Present>,
    change: &ByOwner<DeleteState>,
) -> Result<Deleted, Error> {
    let ByOwner { owner, request, hash } = change;
    if let Some(earlier) = answers.earlier(owner.row, &request.key, hash) {
        return earlier;
    }
    let absent = "there is nothing to delete: the entry was removed, has expired, or never was";
    check_version(work, present.get(&request.state_key), &request.state_key, request.if_version, absent)?;
    let removed = present.remove(&request.state_key);
    let deleted = Deleted { deleted: removed.is_some_and(|entry| entry.is_alive(work.now)) };
    answers.add(owner.row, &request.key, hash, &deleted);
    Ok(deleted)
}

/// `absent` is what to do if there is no entry though there should be one.
fn check_version(
    work: &Work<'_>,
    present: Option<&Present>,
    key: &str,
    wanted: Option<Version>,
    absent: &'static str,
) -> Result<(), Error> {
    let present = present.filter(|entry| entry.is_alive(work.now));
    let version = present.map_or(0, |entry| entry.version);
    if wanted.is_none_or(|wanted| wanted == version) {
        return Ok(());
    }
    let there = present.map(|entry| (entry.version, entry.updated_at, &*entry.updated_by, entry.expires_at));
    Err(version_conflict(key, there, absent))
}

/// `conflict`: the version that there is, when and by whom it was set and when it expires. `absent` is what to do if there is no
/// entry though there should be one.
pub(crate) fn version_conflict(
    key: &str,
    present: Option<(Version, Timestamp, &str, Option<Timestamp>)>,
    absent: &'static str,
) -> Error {
    let (message, hint) = match present {
        Some((version, updated_at, updated_by, expires_at)) => {
            let until = expires_at.map_or_else(String::new, |at| format!(", and expires at {at}"));
            (
                format!(
                    "key {key:?} is at version {version}, set by {updated_by:?} at {updated_at}{until}; nothing was changed"
                ),
                "read it with get_state and decide again with the present version, or wait for a change with newer_than",
            )
        }
        None => (format!("key {key:?} is absent or expired; nothing was changed"), absent),
    };
    Error::new(ErrorCode::Conflict, message, hint)
}

impl Present {
    fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

const ENTRIES: Insert = Insert {
    head: "INSERT OR REPLACE INTO state (key, value, version, set_at, updated_by, expires_at)",
    columns: 6,
};

fn write(
    transaction: &mut Transaction<'_>,
    present: &HashMap<String, Present>,
    values: &HashMap<&str, &str>,
    touched: &HashSet<&str>,
) {
    let (kept, gone): (Vec<&str>, Vec<&str>) = touched.iter().partition(|key| present.contains_key(**key));
    if !gone.is_empty() {
        transaction.add("DELETE FROM state WHERE key IN (SELECT value FROM json_each(?))").bind(json(&gone));
    }
    let rows: Vec<_> =
        kept.iter().filter_map(|key| Some((*key, *values.get(key)?, present.get(*key)?))).collect();
    transaction.insert(&ENTRIES, &rows, |transaction, (key, value, entry)| {
        let what = transaction.bind(*key).bind(*value).bind(entry.version);
        what.bind(entry.updated_at.0).bind(&entry.updated_by).bind(entry.expires_at.map(|at| at.0));
    });
}

/// One entry; `None` if absent or expired.
pub(crate) async fn get(readers: &Readers, key: &str, now: Timestamp) -> Result<Option<Entry>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT key, value, version, set_at, updated_by, expires_at FROM state
         WHERE key = ?1 AND (expires_at IS NULL OR expires_at > ?2)",
    )
    .bind(key)
    .bind(now.0)
    .fetch_optional(readers.get().await?.connection()?)
    .await?;
    row.as_ref().map(entry).transpose()
}

/// Entries whose keys begin with a prefix; long values are left out.
pub(crate) async fn list(readers: &Readers, ask: &ListState, now: Timestamp) -> Result<States, sqlx::Error> {
    // Keys are ordered by their bytes, so those with a prefix are one run: from the prefix itself to what comes after it.
    let rows = sqlx::query(
        "SELECT key, CASE WHEN length(CAST(value AS BLOB)) > ?5 THEN NULL ELSE value END, version, set_at,
                updated_by, expires_at, length(value)
         FROM state
         WHERE key >= ?1 AND (?6 IS NULL OR key < ?6) AND (?2 IS NULL OR key > ?2)
           AND (expires_at IS NULL OR expires_at > ?3)
         ORDER BY key LIMIT ?4",
    )
    .bind(&ask.prefix)
    .bind(&ask.after_key)
    .bind(now.0)
    .bind(i64::try_from(PAGE_ENTRIES).unwrap_or(i64::MAX) + 1)
    .bind(i64::try_from(LIST_VALUE_MAX_CHARS * 4).unwrap_or(i64::MAX))
    .bind(after_prefix(&ask.prefix))
    .fetch_all(readers.get().await?.connection()?)
    .await?;
    let more = rows.len() > PAGE_ENTRIES;
    let mut entries = Vec::with_capacity(rows.len().min(PAGE_ENTRIES));
    for row in rows.iter().take(PAGE_ENTRIES) {
        let mut listed = entry(row)?;
        if listed.value.is_none() {
            listed.value_chars = u64::try_from(row.try_get::<i64, _>(6)?).unwrap_or_default();
        }
        if listed.value_chars > LIST_VALUE_MAX_CHARS as u64 {
            listed.value = None;
        }
        entries.push(listed);
    }
    Ok(States { entries, more })
}

/// The first text, in the order of bytes, that is behind everything with this prefix; `None` if nothing is.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The next character, over the gap where there are none; behind the very last one, the one before counts up.
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<Entry, sqlx::Error> {
    let value: Option<String> = row.try_get(1)?;
    Ok(Entry {
        state_key: row.try_get(0)?,
        value_chars: value.as_ref().map_or(0, |value| value.chars().count() as u64),
        value,
        version: row.try_get(2)?,
        updated_at: Timestamp(row.try_get(3)?),
        updated_by: row.try_get(4)?,
        expires_at: row.try_get::<Option<i64>, _>(5)?.map(Timestamp),
    })
}

#[cfg(test)]
mod bounds {
    use super::after_prefix;

    #[test]
    fn a_run_of_keys_ends_where_the_prefix_counts_up() {
        assert_eq!(after_prefix("a%"), Some("a&".into()));
        assert_eq!(after_prefix("a\u{d7ff}"), Some("a\u{e000}".into()));
        assert_eq!(after_prefix("a\u{10ffff}"), Some("b".into()));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
