//! What a power cut may leave and what it must not, on small records made up by hand.

use super::check::Checker;
use super::disk::Disk;
use super::history::{Call, History, Told, What};
use super::image::{Image, Kind, SECTOR, build, fingerprint};
use super::opened::{Dump, Message};
use crate::vfs::trace::{Change, Entry};
use c2c_harness::Seed;
use std::collections::{BTreeMap, BTreeSet};

const DB: &str = "c2c.db";
const LOG: &str = "c2c.db-wal";

fn entry(name: &str, change: Change) -> Entry {
    Entry { name: name.to_owned(), process: 1, begun: 0, ended: 0, code: 0, change }
}

fn written(offset: u64, data: &[u8]) -> Change {
    Change::Written { offset, data: data.to_vec() }
}

fn opened(new: bool, content: &[u8]) -> Change {
    Change::Opened { new, content: content.to_vec() }
}

fn disk(entries: &[(&str, Change)]) -> Disk {
    let mut disk = Disk::default();
    entries.iter().for_each(|(name, change)| disk.apply(&entry(name, change.clone())));
    disk
}

/// All different images that turn up in many tries.
fn images(disk: &Disk, kind: Kind) -> Vec<Image> {
    let mut choose = Seed::of(7);
    let all: BTreeMap<_, _> =
        (0..600).map(|_| build(disk, kind, &mut choose)).map(|image| (fingerprint(&image), image)).collect();
    all.into_values().collect()
}

fn contents(disk: &Disk, kind: Kind, name: &str) -> BTreeSet<Vec<u8>> {
    images(disk, kind).into_iter().filter_map(|mut image| image.remove(name)).collect()
}

#[test]
fn what_was_flushed_is_in_every_image_and_the_rest_may_be() {
    let disk = disk(&[
        (DB, opened(false, b"....")),
        (DB, written(0, b"A")),
        (DB, Change::Synced),
        (DB, written(1, b"B")),
        (DB, written(3, b"CD")),
    ]);
    let only = |kind| contents(&disk, kind, DB).into_iter().collect::<Vec<_>>();
    assert_eq!(only(Kind::Flushed), [b"A...".to_vec()]);
    assert_eq!(only(Kind::Everything), [b"AB.CD".to_vec()]);
    let some: BTreeSet<Vec<u8>> =
        [&b"A..."[..], b"AB..", b"A..CD", b"AB.CD"].into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(contents(&disk, Kind::Some, DB), some);
}

#[test]
fn a_lied_flush_and_a_failed_write_change_nothing() {
    let mut disk = disk(&[(DB, opened(false, b".")), (DB, written(0, b"A")), (DB, Change::SyncLied)]);
    let failed = Entry { code: 778, ..entry(DB, written(0, b"B")) };
    disk.apply(&failed);
    assert_eq!(contents(&disk, Kind::Flushed, DB), BTreeSet::from([b".".to_vec()]));
    assert_eq!(contents(&disk, Kind::Everything, DB), BTreeSet::from([b"A".to_vec()]));
}

#[test]
fn an_older_write_never_wins_over_a_newer_one_that_is_there() {
    let disk = disk(&[(DB, opened(false, b".")), (DB, written(0, b"A")), (DB, written(0, b"B"))]);
    let seen = contents(&disk, Kind::Some, DB);
    assert_eq!(seen, [b".", b"A", b"B"].into_iter().map(|one| one.to_vec()).collect());
}

#[test]
fn a_torn_write_is_torn_at_sectors_only() {
    let new = vec![b'N'; 3 * SECTOR];
    let disk = disk(&[(DB, opened(false, &vec![b'o'; 4 * SECTOR])), (DB, written(SECTOR as u64 / 2, &new))]);
    let torn = contents(&disk, Kind::Torn, DB);
    assert!(torn.len() > 8, "many ways to tear: {}", torn.len());
    for bytes in &torn {
        assert_eq!(bytes.len(), 4 * SECTOR);
        assert!(bytes[..SECTOR / 2].iter().all(|byte| *byte == b'o'), "outside of the write");
        for sector in bytes[SECTOR / 2..SECTOR / 2 + 3 * SECTOR].chunk_by(|a, b| a == b) {
            assert!(sector.len() % (SECTOR / 2) == 0, "a border inside of a sector");
        }
    }
}

#[test]
fn lengths_and_rubbish() {
    let disk = disk(&[
        (LOG, opened(true, b"")),
        (LOG, written(0, b"HEAD")),
        (LOG, Change::Synced),
        (LOG, written(4, b"frame")),
        (LOG, written(9, b"FRAME")),
    ]);
    let some = contents(&disk, Kind::Some, LOG);
    assert!(some.contains(b"HEAD\0\0\0\0\0FRAME".as_slice()), "a hole reads as zeros");
    let rubbish = contents(&disk, Kind::Rubbish, LOG);
    assert!(rubbish.iter().all(|bytes| bytes.starts_with(b"HEAD") && bytes.len() == 14));
    assert!(
        rubbish.iter().any(|bytes| bytes[4] != 0 && bytes[4] != b'f'),
        "rubbish where nothing was written"
    );
    let mut cut = disk;
    cut.apply(&entry(LOG, Change::Truncated { length: 0 }));
    assert!(contents(&cut, Kind::Some, LOG).contains(&Vec::new()));
    assert_eq!(contents(&cut, Kind::Flushed, LOG), BTreeSet::from([b"HEAD".to_vec()]));
}

#[test]
fn names_come_and_go_with_the_flush_of_their_folder() {
    let new = [(LOG, opened(true, b"")), (LOG, written(0, b"1"))];
    let begun = disk(&new);
    assert!(images(&begun, Kind::Flushed)[0].is_empty(), "a new log need not be there");
    assert!(images(&begun, Kind::Some).iter().any(Image::is_empty));
    let flushed = [&new[..], &[(LOG, Change::Synced)]].concat();
    assert!(images(&disk(&flushed), Kind::Some).iter().all(|image| image[LOG] == b"1"));
    let removed = [&flushed[..], &[(LOG, Change::Deleted)]].concat();
    let after = images(&disk(&removed), Kind::Some);
    assert!(after.iter().any(Image::is_empty) && after.iter().any(|image| image.contains_key(LOG)));
    let again =
        [&removed[..], &[(LOG, opened(true, b"")), (LOG, written(0, b"2")), (LOG, Change::Synced)]].concat();
    assert!(images(&disk(&again), Kind::Some).iter().all(|image| image[LOG] == b"2"), "the old one is gone");
}

#[test]
fn what_a_kill_hid_is_found_at_the_next_opening() {
    let found = disk(&[(DB, opened(false, b"...")), (DB, opened(false, b".X."))]);
    assert_eq!(found.adopted, 1);
    assert_eq!(contents(&found, Kind::Flushed, DB), BTreeSet::from([b"...".to_vec()]));
    assert_eq!(contents(&found, Kind::Everything, DB), BTreeSet::from([b".X.".to_vec()]));
}

fn call(client: &str, begun: u64, ended: u64, what: What, told: Told) -> Call {
    Call { client: client.to_owned(), begun, ended, what, told }
}

fn send(body: &str, begun: u64, ended: u64, id: i64) -> Call {
    let what = What::Send { to: BTreeSet::from(["b".to_owned()]), body: body.to_owned(), reply_to: None };
    call("a", begun, ended, what, Told::Sent { id, recipients: BTreeSet::from(["b".to_owned()]) })
}

fn dump(messages: &[(i64, &str, bool)]) -> Dump {
    Dump {
        messages: messages
            .iter()
            .map(|(id, body, _)| Message { id: *id, from: "a".into(), body: (*body).into(), reply_to: None })
            .collect(),
        deliveries: messages
            .iter()
            .map(|(id, _, read)| (*id, BTreeMap::from([("b".to_owned(), *read)])))
            .collect(),
        last_message: messages.iter().map(|(id, _, _)| *id).max().unwrap_or(0),
        last_version: 9,
        ..Dump::default()
    }
}

fn kinds(history: &History, dump: &Dump, moment: u64) -> Vec<&'static str> {
    Checker::new(history).check(dump, moment).into_iter().map(|violation| violation.kind).collect()
}

#[test]
fn the_check_names_each_way_to_break_the_promise() {
    let mark = call("b", 50, 60, What::MarkRead { ids: vec![1] }, Told::Done);
    let history = History::of(vec![vec![send("one", 10, 20, 1), send("two", 30, 40, 2)], vec![mark]]);
    assert_eq!(kinds(&history, &dump(&[(1, "one", true), (2, "two", false)]), 100), [""; 0]);
    assert_eq!(kinds(&history, &dump(&[(1, "one", false)]), 35), [""; 0], "before the second was told");
    assert_eq!(kinds(&history, &dump(&[(1, "one", true)]), 100), ["lost", "lost"], "message and number");
    assert_eq!(kinds(&history, &dump(&[(1, "one", false), (2, "two", false)]), 100), ["unread again"]);
    assert_eq!(kinds(&history, &dump(&[(1, "one", true), (2, "two", true)]), 100), ["read unasked"]);
    assert_eq!(
        kinds(&history, &dump(&[(1, "one", true), (2, "two", false), (3, "x", false)]), 100),
        ["phantom"]
    );
    let twice = dump(&[(1, "one", true), (2, "two", false), (3, "two", false)]);
    assert_eq!(kinds(&history, &twice, 100), ["phantom", "duplicated"]);
    let mut turned = history;
    turned.calls[0] = send("one", 10, 20, 2);
    turned.calls[1] = send("two", 30, 40, 1);
    turned.calls.truncate(2);
    assert_eq!(kinds(&turned, &dump(&[(1, "two", false), (2, "one", false)]), 100), ["reordered"]);
}

#[test]
fn state_is_as_the_last_acknowledged_call_left_it_or_one_under_way() {
    let set = |value: &str, begun, ended, version| {
        let what = What::Set { key: "k".into(), value: value.into() };
        call("a", begun, ended, what, Told::Set { version })
    };
    let delete = call("a", 50, 60, What::Delete { key: "k".into() }, Told::Done);
    let history = History::of(vec![vec![set("1", 10, 20, 1), set("2", 30, 40, 2), delete]]);
    let holds = |value: Option<(&str, u64)>, moment| {
        let state = value.map(|(text, version)| ("k".to_owned(), (text.to_owned(), version)));
        kinds(
            &history,
            &Dump { state: state.into_iter().collect(), last_version: 9, ..Dump::default() },
            moment,
        )
    };
    assert!(holds(None, 15).is_empty() && holds(Some(("1", 1)), 15).is_empty(), "under way");
    assert!(holds(Some(("1", 1)), 25).is_empty());
    assert_eq!(holds(None, 25), ["state"]);
    assert_eq!(holds(Some(("1", 2)), 25), ["state"], "another version");
    assert!(holds(Some(("1", 1)), 35).is_empty() && holds(Some(("2", 2)), 35).is_empty());
    assert_eq!(holds(Some(("1", 1)), 45), ["state"], "an older value");
    assert_eq!(holds(Some(("2", 2)), 70), ["state"], "a deletion was undone");
}
