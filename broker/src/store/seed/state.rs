//! Entries of the shared state. Each gets a version from the one counter; none of them expires.

use super::aside::{Old, columns, quoted};
use super::cell;
use super::report::{Odd, Report};
use crate::store::answers::json;
use c2c_proto::limits::{BODY_MAX_BYTES, STATE_KEY_MAX_BYTES};
use c2c_proto::time::Timestamp;
use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use std::collections::HashSet;

/// Entries that are read and written together.
const BATCH_ROWS: usize = 500;
/// Their values: beyond this a batch ends.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// The old server had no limit; an entry has to fit a frame, as a body does.
const VALUE_MAX_BYTES: usize = BODY_MAX_BYTES;

#[derive(Debug, Serialize)]
struct New {
    key: String,
    value: String,
    version: i64,
    set_at: i64,
    updated_by: String,
}

/// Carries the entries over; the last version that was given to one.
pub(super) async fn carry(
    connection: &mut SqliteConnection,
    old: &Old,
    now: Timestamp,
    report: &mut Report,
) -> Result<i64, sqlx::Error> {
    let Some(table) = &old.state else { return Ok(0) };
    let select = format!(
        "SELECT _rowid_, {} FROM {} WHERE ?1 IS NULL OR _rowid_ > ?1 ORDER BY _rowid_",
        columns(table, &["key", "value", "updated_at", "updated_by"]),
        quoted(&table.name)
    );
    let (mut after, mut version, mut keys) = (None, 0, HashSet::new());
    loop {
        let (mut batch, mut last, mut bytes) = (Vec::new(), None, 0);
        let mut rows = sqlx::query(AssertSqlSafe(select.clone())).bind(after).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            last = Some(row.try_get::<i64, _>(0)?);
            let Some(entry) = read(&row, version + 1, now, report)? else { continue };
            version += 1;
            bytes += entry.value.len();
            if !keys.insert(entry.key.clone()) {
                // Of two the newer one counts.
                report.odd(Odd::Entry);
            }
            batch.push(entry);
            if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
                break;
            }
        }
        drop(rows);
        let Some(last) = last else { break };
        write(connection, &batch).await?;
        after = Some(last);
    }
    report.entries = keys.len() as u64;
    Ok(version)
}

/// An entry; none if no call could read it.
fn read(
    row: &SqliteRow,
    version: i64,
    now: Timestamp,
    report: &mut Report,
) -> Result<Option<New>, sqlx::Error> {
    let key = cell::text(row.try_get(1)?, report).unwrap_or_default();
    let value = cell::text(row.try_get(2)?, report).unwrap_or_else(|| "null".to_owned());
    let value = cell::json(value, report);
    let readable = !key.is_empty() && key.len() <= STATE_KEY_MAX_BYTES && !key.contains('\0');
    if !readable || value.len() > VALUE_MAX_BYTES {
        report.odd(Odd::Entry);
        return Ok(None);
    }
    Ok(Some(New {
        key,
        value,
        version,
        set_at: cell::time_or_now(row.try_get(3)?, now, report).0,
        updated_by: cell::name(row.try_get(4)?, report),
    }))
}

async fn write(connection: &mut SqliteConnection, entries: &[New]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT OR REPLACE INTO state (key, value, version, set_at, updated_by)
         SELECT j.value ->> 'key', j.value ->> 'value', j.value ->> 'version', j.value ->> 'set_at',
                j.value ->> 'updated_by'
         FROM json_each(?1) AS j",
    )
    .bind(json(&entries))
    .execute(connection)
    .await?;
    Ok(())
}
