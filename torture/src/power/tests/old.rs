//! What a power cut may leave of a store of claude-c2c 0.1.0, and that its mail is missed when it is gone.

use super::{DB, LOG, contents, disk, images, opened, written};
use crate::power::check::Checker;
use crate::power::history::History;
use crate::power::image::{Image, Kind};
use crate::power::old::{self, Journal};
use crate::power::opened::{Dump, Opener};
use crate::vfs::trace::Change;
use std::collections::BTreeSet;

const JOURNAL: &str = "c2c.db-journal";
const UNFINISHED: &str = "c2c.db.backup-unfinished";
const BACKUP: &str = "c2c.db.claude-c2c-0.1.0.backup";

#[test]
fn a_removed_journal_may_come_back_until_a_log_is_flushed_with_the_folder() {
    let removed = [
        (DB, opened(false, b".")),
        (JOURNAL, opened(true, b"")),
        (JOURNAL, written(0, b"J")),
        (JOURNAL, Change::Synced),
        (JOURNAL, Change::Deleted),
        (LOG, opened(true, b"")),
        (LOG, written(0, b"L")),
    ];
    let seen = |entries: &[(&str, Change)]| {
        images(&disk(entries), Kind::Some)
            .iter()
            .map(|image| image.contains_key(JOURNAL))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(seen(&removed), BTreeSet::from([false, true]));
    assert_eq!(seen(&[&removed[..], &[(DB, Change::Synced)]].concat()), BTreeSet::from([false, true]));
    assert_eq!(seen(&[&removed[..], &[(LOG, Change::Synced)]].concat()), BTreeSet::from([false]));
}

#[test]
fn the_copy_of_an_old_store_is_in_place_before_the_store_is_changed() {
    let copied = [
        (DB, opened(false, b"old")),
        (LOG, opened(true, b"")),
        (UNFINISHED, opened(false, b"")),
        (UNFINISHED, written(0, b"old")),
    ];
    let before = disk(&copied);
    assert!(before.backup().is_none());
    assert!(images(&before, Kind::Some).iter().any(|image| !image.contains_key(UNFINISHED)), "a new name");
    let after = disk(&[&copied[..], &[(LOG, written(0, b"L"))]].concat());
    assert_eq!(after.backup(), Some((BACKUP, &b"old"[..])));
    let all = images(&after, Kind::Some);
    assert!(all.iter().all(|image| image[BACKUP] == b"old" && image[DB] == b"old"));
    assert!(all.iter().any(|image| !image.contains_key(UNFINISHED)));
    assert_eq!(contents(&after, Kind::Some, UNFINISHED), BTreeSet::from([b"old".to_vec()]));
}

#[test]
fn what_an_old_store_held_is_missed_if_it_is_not_in_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join(DB);
    let history =
        History::of(vec![old::make(&store, &["c0".to_owned(), "s0".to_owned()], Journal::Unfolded)]);
    assert_eq!((history.old(), history.sent()), (14, 0));
    let log = store.with_file_name(LOG);
    let image = Image::from([
        (DB.to_owned(), std::fs::read(&store).unwrap()),
        (LOG.to_owned(), std::fs::read(&log).unwrap()),
    ]);
    let only_the_store = Image::from([(DB.to_owned(), std::fs::read(&store).unwrap())]);
    let half = Opener::new(&folder.path().join("half")).open(&only_the_store).unwrap().read();
    assert!(!Checker::new(&history).check(&half, 100).is_empty(), "its mail stands in the log");
    let whole = Opener::new(&folder.path().join("opened")).open(&image).unwrap().read();
    let kinds = |change: &dyn Fn(&mut Dump)| {
        let mut dump = whole.clone();
        change(&mut dump);
        let found = Checker::new(&history).check(&dump, 100);
        found.into_iter().map(|violation| violation.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&|_| {}), [""; 0]);
    assert_eq!(kinds(&|dump| dump.messages.retain(|message| message.id != 2)), ["lost"]);
    let mark = |dump: &mut Dump, id, name: &str, read| {
        dump.deliveries.get_mut(&id).unwrap().insert(name.into(), read)
    };
    assert_eq!(kinds(&|dump| _ = mark(dump, 2, "online", true)), ["read unasked"]);
    assert_eq!(kinds(&|dump| _ = mark(dump, 1, "online", false)), ["unread again"]);
    assert_eq!(
        kinds(&|dump| _ = dump.deliveries.get_mut(&3).unwrap().remove("local")),
        ["lost"],
        "a broadcast"
    );
    assert_eq!(kinds(&|dump| dump.sessions.retain(|name| name != "local")), ["lost"]);
    assert_eq!(kinds(&|dump| _ = dump.state.remove("prose")), ["state"]);
    assert_eq!(kinds(&|dump| dump.last_message = 9), ["lost"; 8], "numbers would be given again");
}
