//! Session rows. All of them are offline now; each keeps its name, unless a newer row has it.

use super::aside::{Old, columns, quoted};
use super::cell::{self, Cell};
use super::report::{Odd, Report};
use super::{CLIENT, NAME_MAX_BYTES};
use crate::session::Row;
use crate::store::answers::json;
use c2c_proto::id::new_unique_id;
use c2c_proto::limits::METADATA_MAX_BYTES;
use c2c_proto::name::{EVERYONE, STALE_INFIX, fold, looks_stale};
use c2c_proto::time::Timestamp;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A path that is longer, in bytes, is none that a system opens.
const CWD_MAX_BYTES: usize = 4_096;
/// Rows that one statement writes.
const BATCH_ROWS: usize = 500;

/// What messages need to know of the sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// By the session's old id: its row and its name.
    pub(super) by_id: HashMap<String, (Row, String)>,
    /// By mailbox, sorted: who holds a name, and the name.
    pub(super) known: BTreeMap<String, (Row, String)>,
}

/// A row of the new table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct New {
    row: Row,
    session_id: String,
    name: String,
    mailbox: String,
    stale: bool,
    cwd: String,
    metadata: Option<String>,
    started_at: i64,
    seen_at: i64,
}

/// Carries the sessions over.
pub(super) async fn carry(
    connection: &mut SqliteConnection,
    old: &Old,
    now: Timestamp,
    report: &mut Report,
) -> Result<Sessions, sqlx::Error> {
    let Some(table) = &old.sessions else { return Ok(Sessions::default()) };
    let wanted = columns(table, &["session_id", "name", "cwd", "metadata", "started_at", "last_seen_at"]);
    let select = format!("SELECT {wanted} FROM {} ORDER BY _rowid_", quoted(&table.name));
    let mut rows = Vec::new();
    let mut ids = HashSet::new();
    for row in sqlx::query(AssertSqlSafe(select)).fetch_all(&mut *connection).await? {
        let texts = [row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?];
        let number = i64::try_from(rows.len()).unwrap_or(i64::MAX) + 1;
        rows.push(read(number, texts, [row.try_get(4)?, row.try_get(5)?], now, &mut ids, report));
    }
    settle_names(&mut rows, now, report);
    report.sessions = rows.len() as u64;
    for batch in rows.chunks(BATCH_ROWS) {
        write(connection, batch).await?;
    }
    Ok(known(rows))
}

fn read(
    row: Row,
    [session_id, name, cwd, metadata]: [Cell; 4],
    [started_at, seen_at]: [Option<&[u8]>; 2],
    now: Timestamp,
    ids: &mut HashSet<String>,
    report: &mut Report,
) -> New {
    let mut session_id = cell::short_text(session_id, NAME_MAX_BYTES, report).unwrap_or_default();
    if session_id.is_empty() || ids.contains(&session_id) {
        report.odd(Odd::SessionId);
        session_id = new_unique_id();
    }
    ids.insert(session_id.clone());
    let name = cell::name(name, report);
    let seen_at = cell::time_or_now(seen_at, now, report);
    let started_at = cell::time(started_at, now).unwrap_or(seen_at);
    New {
        row,
        session_id,
        mailbox: fold(&name),
        stale: looks_stale(&name),
        name,
        cwd: cell::short_text(cwd, CWD_MAX_BYTES, report).unwrap_or_default(),
        metadata: self::metadata(metadata, report),
        started_at: started_at.0,
        seen_at: seen_at.0,
    }
}

fn metadata(cell: Cell, report: &mut Report) -> Option<String> {
    let metadata = cell::json(cell::text(cell, report)?, report);
    if metadata.len() <= METADATA_MAX_BYTES {
        return Some(metadata);
    }
    report.odd(Odd::Metadata);
    None
}

/// Of the rows whose names differ by case only, or not at all, the one seen last keeps it. The others are called as rows
/// are that lost their name, and so is one that never had any, or that of everyone.
fn settle_names(rows: &mut [New], now: Timestamp, report: &mut Report) {
    let mut newest: HashMap<String, (i64, Row)> = HashMap::new();
    for row in rows.iter().filter(|row| !row.stale && !row.name.is_empty() && row.name != EVERYONE) {
        let standing = newest.entry(row.mailbox.clone()).or_insert((row.seen_at, row.row));
        *standing = (*standing).max((row.seen_at, row.row));
    }
    let mut taken: HashSet<String> = rows.iter().map(|row| row.mailbox.clone()).collect();
    for row in rows.iter_mut().filter(|row| !row.stale) {
        if newest.get(&row.mailbox).is_some_and(|(_, holder)| *holder == row.row) {
            continue;
        }
        report.odd(Odd::Name);
        let base = format!("{}{STALE_INFIX}{}", row.name, now.unix_s());
        let mut name = base.clone();
        for number in 2_u64.. {
            if taken.insert(fold(&name)) {
                break;
            }
            name = format!("{base}-{number}");
        }
        row.mailbox = fold(&name);
        row.name = name;
        row.stale = true;
    }
}

async fn write(connection: &mut SqliteConnection, rows: &[New]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sessions (row_id, session_id, name, mailbox, stale, cwd, project_dir, client, parent, metadata,
                               started_at, seen_at)
         SELECT j.value ->> 'row', j.value ->> 'session_id', j.value ->> 'name', j.value ->> 'mailbox',
                j.value ->> 'stale', j.value ->> 'cwd', j.value ->> 'cwd', ?2, '', j.value ->> 'metadata',
                j.value ->> 'started_at', j.value ->> 'seen_at'
         FROM json_each(?1) AS j",
    )
    .bind(json(&rows))
    .bind(CLIENT)
    .execute(connection)
    .await?;
    Ok(())
}

fn known(rows: Vec<New>) -> Sessions {
    let mut sessions = Sessions::default();
    for row in rows {
        if !row.stale {
            sessions.known.insert(row.mailbox, (row.row, row.name.clone()));
        }
        sessions.by_id.insert(row.session_id, (row.row, row.name));
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::{New, read, settle_names};
    use crate::store::seed::report::{Odd, Report};
    use c2c_proto::name::fold;
    use c2c_proto::time::Timestamp;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn rows(names: &[(&str, i64)]) -> (Vec<New>, Report) {
        let (mut ids, mut report) = (HashSet::new(), Report::default());
        let mut rows: Vec<New> = (1..)
            .zip(names)
            .map(|(row, (name, seen_at))| {
                let texts = [None, Some((*name).into()), None, None];
                New { seen_at: *seen_at, ..read(row, texts, [None; 2], NOW, &mut ids, &mut report) }
            })
            .collect();
        settle_names(&mut rows, NOW, &mut report);
        (rows, report)
    }

    #[test]
    fn the_newest_of_a_name_keeps_it() {
        let (rows, report) =
            rows(&[("Bob", 3), ("bob", 5), ("BOB", 5), ("a b", 1), ("x-stale-2026-01-01", 9), ("", 1)]);
        let seen: Vec<(&str, bool)> = rows.iter().map(|row| (row.name.as_str(), row.stale)).collect();
        let expected = [
            ("Bob-stale-1800000000", true),
            ("bob-stale-1800000000-2", true),
            ("BOB", false),
            ("a b", false),
            ("x-stale-2026-01-01", true),
            ("-stale-1800000000", true),
        ];
        assert_eq!(seen, expected);
        assert_eq!((report.count(Odd::Name), report.count(Odd::SessionId)), (3, 6));
    }

    proptest! {
        #[test]
        fn no_two_rows_hold_one_name(names in prop::collection::vec(("[aAbB]{0,2}(-stale-1800000000)?(-2)?", 0..3_i64), 0..20)) {
            let names: Vec<(&str, i64)> = names.iter().map(|(name, seen)| (name.as_str(), *seen)).collect();
            let (rows, _) = rows(&names);
            let mut holders = HashSet::new();
            for row in &rows {
                prop_assert_eq!(&row.mailbox, &fold(&row.name));
                prop_assert!(row.stale || holders.insert(row.mailbox.clone()), "{} twice", row.name);
                prop_assert!(row.stale || !row.name.is_empty());
            }
            for (name, _) in names.iter().filter(|(name, _)| !name.is_empty() && !name.contains("stale")) {
                prop_assert!(holders.contains(&fold(name)), "nobody holds {}", name);
            }
        }
    }
}
