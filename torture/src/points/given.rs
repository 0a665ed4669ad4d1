//! What must become of a store of an earlier version: it is as it was, or it is a new one that says the same and has a
//! whole copy of the old one beside it.
//!
//! Owns how two stores are told from each other and what counts as a backup. What the old one held is `old.rs`'s
//! business.

use super::dump::{self, Dump};
use super::world::copy_files;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Every row of a file, by table, each as a text that SQLite can read again.
type Rows = BTreeMap<String, Vec<String>>;

/// A store of an earlier version.
#[derive(Clone, Debug)]
pub struct Given {
    /// What the new store has to hold of it.
    pub expected: Dump,
    rows: Rows,
    bytes: Vec<u8>,
}

impl Given {
    /// The old store in this folder, of which a new one has to hold what is expected.
    pub fn of(store: &Path, expected: Dump) -> Self {
        let bytes = std::fs::read(store).expect("an old store");
        let copy = tempfile::tempdir().expect("a folder");
        copy_files(store.parent().expect("a folder"), copy.path());
        let rows = rows_of(&copy.path().join("c2c.db")).expect("an old store");
        Self { expected, rows, bytes }
    }

    /// The ids of the mail for a name.
    pub fn mail_of(&self, name: &str) -> impl Iterator<Item = i64> {
        self.expected.deliveries.keys().filter(move |(_, mailbox)| mailbox == name).map(|(id, _)| *id)
    }

    /// Right after a kill, before any broker mends anything: either the old store, untouched, or the new one and what
    /// it was made of. `left` is what is in the store.
    pub fn check_left(&self, folder: &Path, left: &Dump) -> Result<(), String> {
        let copy = tempfile::tempdir().expect("a folder");
        copy_files(folder, copy.path());
        let backups = self.whole_backups(copy.path())?;
        if rows_of(&copy.path().join("c2c.db"))? == self.rows {
            let bytes = std::fs::read(folder.join("c2c.db")).expect("a store");
            // What is not committed may stand in the log, and nowhere else.
            return if bytes == self.bytes { Ok(()) } else { Err("the old store was written to".to_owned()) };
        }
        if backups == 0 {
            return Err("the old store is gone, and there is no backup of it".to_owned());
        }
        self.check_carried(left)
    }

    /// When another broker has come and gone.
    pub fn check_end(&self, folder: &Path, end: &Dump) -> Result<(), String> {
        self.check_carried(end)?;
        match self.whole_backups(folder)? {
            1 => Ok(()),
            number => Err(format!("{number} backups of one store")),
        }
    }

    /// Whether the new store says what the old one said.
    fn check_carried(&self, new: &Dump) -> Result<(), String> {
        for old in &self.expected.messages {
            let found = new.message(old.id);
            let found =
                found.ok_or_else(|| format!("message {}, which was there before, is lost", old.id))?;
            if found.body != old.body {
                return Err(format!("message {}, which was there before, has another body", old.id));
            }
        }
        let is_old = |id| self.expected.message(id).is_some();
        let of_old = new.deliveries.iter().filter(|((id, _), _)| is_old(*id));
        let of_old: BTreeMap<_, _> = of_old.map(|(whose, read)| (whose.clone(), *read)).collect();
        if of_old != self.expected.deliveries {
            return Err(format!("read before: {:?}, now {of_old:?}", self.expected.deliveries));
        }
        if let Some((key, value)) =
            self.expected.state.iter().find(|(key, value)| new.state.get(*key) != Some(value))
        {
            return Err(format!("the entry {key} was {value}, now {:?}", new.state.get(key)));
        }
        match self.expected.names.difference(&new.names).next() {
            Some(name) => Err(format!("{name}, which was known before, is not")),
            None => Ok(()),
        }
    }

    /// How many files are named as backups. Each of them has to be one: whole, sound, and the user's alone.
    fn whole_backups(&self, folder: &Path) -> Result<usize, String> {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
        let named = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry));
        // All of them, before SQLite puts anything beside one that it opens.
        let named: Vec<_> = named.filter(|(name, _)| is_backup(name)).collect();
        for (name, entry) in &named {
            let rows = rows_of(&entry.path()).map_err(|why| format!("{name} is no backup: {why}"))?;
            if rows != self.rows {
                return Err(format!("{name} does not hold what the old store held"));
            }
            let mode = entry.metadata().expect("a file").permissions().mode();
            if mode & 0o077 != 0 {
                return Err(format!("{name} is open to others: {mode:o}"));
            }
        }
        Ok(named.len())
    }
}

/// Whether somebody who looks for a backup would take this file for one.
pub fn is_backup(name: &str) -> bool {
    name.contains(".backup") && !name.contains(".backup-unfinished")
}

fn rows_of(file: &Path) -> Result<Rows, String> {
    dump::blocking(async {
        let mut connection = dump::sound(file).await?;
        let rows = rows(&mut connection).await?;
        // What SQLite put beside the file goes with the connection.
        connection.close().await?;
        Ok(rows)
    })
    .map_err(|error: sqlx::Error| error.to_string())
}

/// What SQLite keeps beside the rows belongs to it: the tables' texts and the marks of the file.
async fn rows(connection: &mut SqliteConnection) -> Result<Rows, sqlx::Error> {
    let schema = "SELECT quote(type) || quote(name) || quote(sql) FROM sqlite_schema ORDER BY 1";
    let marks =
        "SELECT user_version || ' ' || application_id FROM pragma_user_version, pragma_application_id";
    let mut found = Rows::new();
    for (what, select) in [("the schema", schema), ("the marks", marks)] {
        found.insert(what.to_owned(), sqlx::query_scalar(select).fetch_all(&mut *connection).await?);
    }
    // An index of words has no rows of its own; those of the tables behind it count.
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, group_concat('quote(\"' || c.name || '\")', ' || '',''  || ')
         FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
         WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL %' GROUP BY t.name",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (table, columns) in tables {
        let select = AssertSqlSafe(format!("SELECT {columns} FROM \"{table}\" ORDER BY 1"));
        found.insert(table, sqlx::query_scalar(select).fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::old;
    use super::{Dump, Given, is_backup};
    use c2c_harness::make_sqlite;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    /// An old store, and where it is.
    fn old_store() -> (TempDir, PathBuf, Given) {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("c2c.db");
        let expected = old::first_schema(&store);
        let given = Given::of(&store, expected);
        (folder, store, given)
    }

    /// A copy of a file that is named as a backup and the user's alone.
    fn backup(store: &Path, name: &str) -> PathBuf {
        let backup = store.with_file_name(name);
        std::fs::copy(store, &backup).unwrap();
        std::fs::set_permissions(&backup, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        backup
    }

    /// What a new store would hold if all were well, with the marks of a newer one in the file.
    fn migrated(store: &Path, given: &Given) -> Dump {
        make_sqlite(store, "PRAGMA user_version = 2");
        given.expected.clone()
    }

    #[test]
    fn an_old_store_is_as_it_was_or_is_gone_with_a_backup_beside_it() {
        let (folder, store, given) = old_store();
        assert_eq!(given.check_left(folder.path(), &given.expected), Ok(()));
        let kept = backup(&store, "c2c.db.schema-1.backup");
        let new = migrated(&store, &given);
        assert_eq!(given.check_left(folder.path(), &new), Ok(()));
        assert_eq!(given.check_end(folder.path(), &new), Ok(()));
        backup(&kept, "c2c.db.schema-1.backup-2");
        assert!(given.check_end(folder.path(), &new).unwrap_err().contains("2 backups"));
        std::fs::remove_file(store.with_file_name("c2c.db.schema-1.backup-2")).unwrap();
        std::fs::rename(kept, store.with_file_name("c2c.db.backup-unfinished")).unwrap();
        assert!(given.check_left(folder.path(), &new).unwrap_err().contains("no backup of it"));
    }

    #[test]
    fn half_a_backup_another_one_and_an_open_one_are_none() {
        let (folder, store, given) = old_store();
        let kept = backup(&store, "c2c.db.schema-1.backup");
        let whole = std::fs::read(&kept).unwrap();
        std::fs::write(&kept, &whole[..whole.len() / 2]).unwrap();
        assert!(given.check_left(folder.path(), &given.expected).unwrap_err().contains("is no backup"));
        std::fs::write(&kept, &whole).unwrap();
        make_sqlite(&kept, "UPDATE deliveries SET read_at = 1 WHERE message_id = 11");
        let why = given.check_left(folder.path(), &given.expected).unwrap_err();
        assert!(why.contains("does not hold what the old store held"), "{why}");
        std::fs::write(&kept, &whole).unwrap();
        std::fs::set_permissions(&kept, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(given.check_left(folder.path(), &given.expected).unwrap_err().contains("open to others"));
    }

    #[test]
    fn whatever_the_new_store_lost_or_changed_is_named() {
        type Change = fn(&mut Dump);
        let changes: [(Change, &str); 6] = [
            (|new| drop(new.messages.remove(3)), "is lost"),
            (|new| new.messages[3].body.push('!'), "another body"),
            (|new| *new.deliveries.values_mut().next().unwrap() ^= true, "read before"),
            (|new| drop(new.deliveries.pop_last()), "read before"),
            (|new| drop(new.state.pop_first()), "the entry counts"),
            (|new| new.names.retain(|name| name != "third"), "third"),
        ];
        let (folder, store, given) = old_store();
        backup(&store, "c2c.db.schema-1.backup");
        for (change, what) in changes {
            let mut new = migrated(&store, &given);
            change(&mut new);
            let why = given.check_left(folder.path(), &new).unwrap_err();
            assert!(why.contains(what), "{why}");
        }
    }

    #[test]
    fn an_old_store_that_is_written_to_before_its_migration_is_noticed() {
        let (folder, store, given) = old_store();
        // The same rows in another file.
        make_sqlite(&store, "VACUUM");
        assert_eq!(
            given.check_left(folder.path(), &given.expected),
            Err("the old store was written to".to_owned())
        );
    }

    #[test]
    fn an_unfinished_copy_is_not_named_as_a_backup() {
        assert!(is_backup("c2c.db.schema-1.backup") && is_backup("c2c.db.schema-1.backup-2"));
        assert!(!is_backup("c2c.db.backup-unfinished") && !is_backup("c2c.db.backup-unfinished-journal"));
    }
}
