//! What a power cut may leave, on small records made up by hand.

use super::disk::Disk;
use super::history::History;
use super::image::{BLOCK, Image, Kind, SECTOR, build, fingerprint};
use super::round::Round;
use super::sift::sift_with;
use crate::vfs::trace::{Change, Entry};
use c2c_harness::Seed;
use std::collections::{BTreeMap, BTreeSet};

mod checks;
mod old;

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
fn a_write_of_several_sectors_is_never_torn_into_all_or_nothing() {
    let new = vec![b'N'; 2 * SECTOR];
    let disk = disk(&[(DB, opened(false, &vec![b'o'; 2 * SECTOR])), (DB, written(0, &new))]);
    let half = |first: u8, second: u8| [vec![first; SECTOR], vec![second; SECTOR]].concat();
    assert_eq!(contents(&disk, Kind::Torn, DB), BTreeSet::from([half(b'N', b'o'), half(b'o', b'N')]));
}

/// What was done to a file of no store: each image is refused, which is enough to see which are made.
fn record() -> Round {
    let mut entries = vec![entry(DB, opened(false, &vec![b'o'; 9 * SECTOR]))];
    for number in 0..20 {
        let page = vec![b'a' + number; 2 * SECTOR];
        entries.push(entry(DB, written(u64::from(number % 4) * 2 * SECTOR as u64, &page)));
        if number % 7 == 6 {
            entries.push(entry(DB, Change::Synced));
        }
    }
    Round { before: Disk::default(), entries, history: History::default(), ended: 0, killed: 0, failed: 0 }
}

#[test]
fn every_moment_with_pending_writes_gets_all_of_it_a_part_and_a_torn_part() {
    let (sifted, _) = sift_with(&record(), 0, 1, 0, 2);
    // Twenty writes and two flushes; the opening leaves nothing to choose, and behind the last flush are six writes.
    assert_eq!((sifted.moments, sifted.open, sifted.neglected), (24, 23, 0));
    for kind in Kind::LEAST {
        assert_eq!(sifted.by_kind[&kind], sifted.open, "{}", kind.name());
    }
    assert_eq!(sifted.by_kind[&Kind::AllTorn] + sifted.by_kind[&Kind::Rubbish], sifted.open);
}

#[test]
fn the_images_follow_from_the_seed_and_the_round_whoever_makes_them() {
    let (alone, images) = sift_with(&record(), 300, 1, 0, 1);
    let (shared, same) = sift_with(&record(), 300, 1, 0, 3);
    assert!(images == same && (alone.built, alone.opened) == (shared.built, shared.opened));
    assert!(alone.opened >= 300, "{}", alone.opened);
    assert!(sift_with(&record(), 300, 2, 0, 1).1 != images, "another seed");
    assert!(sift_with(&record(), 300, 1, 1, 1).1 != images, "another round");
}

#[test]
fn a_record_that_allows_few_images_is_given_up() {
    let entries = vec![entry(DB, opened(false, b".")), entry(DB, written(0, b"A"))];
    let round = Round { entries, ..record() };
    assert_eq!(sift_with(&round, 300, 1, 0, 1).0.opened, 2);
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
fn a_file_that_was_cut_off_or_removed_may_be_back_with_blocks_of_another() {
    let log = vec![b'o'; 3 * BLOCK];
    let flushed = [(LOG, opened(true, b"")), (LOG, written(0, &log)), (LOG, Change::Synced)];
    assert!(!disk(&flushed).gives_away());
    for end in [Change::Truncated { length: 0 }, Change::Deleted] {
        let disk = disk(&[&flushed[..], &[(LOG, end)]].concat());
        assert!(disk.gives_away());
        let back = contents(&disk, Kind::GivenAway, LOG);
        assert!(back.len() > 7 && back.iter().all(|bytes| bytes.len() == log.len()));
        let foreign = |bytes: &Vec<u8>| bytes.chunks(BLOCK).filter(|block| block[0] != b'o').count();
        let numbers: BTreeSet<usize> = back.iter().map(foreign).collect();
        assert!(numbers.is_superset(&BTreeSet::from([1, 2, 3])), "{numbers:?}");
    }
    let shorter = [&flushed[..], &[(LOG, Change::Truncated { length: BLOCK as u64 })]].concat();
    let back = contents(&disk(&shorter), Kind::GivenAway, LOG);
    assert!(back.iter().all(|bytes| bytes[..BLOCK] == log[..BLOCK]), "that block was kept");
    let sure = [&flushed[..], &[(LOG, Change::Truncated { length: 0 }), (LOG, Change::Synced)]].concat();
    assert!(!disk(&sure).gives_away());
}

#[test]
fn after_a_failed_flush_the_log_is_written_again_and_any_part_of_that_may_be_there() {
    let before = [(LOG, opened(true, b"")), (LOG, written(0, b"1")), (LOG, Change::Synced)];
    let mut disk = disk(&before);
    disk.apply(&entry(LOG, written(1, b"2")));
    disk.apply(&Entry { code: 1034, ..entry(LOG, Change::Synced) });
    assert_eq!(
        contents(&disk, Kind::Everything, LOG),
        BTreeSet::from([b"1".to_vec()]),
        "it never gets there"
    );
    let next = Entry { process: 2, ..entry(LOG, opened(false, b"12")) };
    disk.apply(&next);
    let both = BTreeSet::from([b"1".to_vec(), b"12".to_vec()]);
    assert_eq!(contents(&disk, Kind::Some, LOG), both, "written again, and not flushed");
    disk.apply(&Entry { process: 2, ..entry(LOG, written(2, b"3")) });
    assert_eq!(contents(&disk, Kind::Flushed, LOG), BTreeSet::from([b"12".to_vec()]));
}

#[test]
fn what_a_kill_hid_is_found_at_the_next_opening() {
    let found = disk(&[(DB, opened(false, b"...")), (DB, opened(false, b".X."))]);
    assert_eq!(found.adopted, 1);
    assert_eq!(contents(&found, Kind::Flushed, DB), BTreeSet::from([b"...".to_vec()]));
    assert_eq!(contents(&found, Kind::Everything, DB), BTreeSet::from([b".X.".to_vec()]));
}
