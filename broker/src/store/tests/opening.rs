//! Opening: what is a store and what is not; nothing that is refused is touched.

use super::{Opened, message, open, send, session, to, try_open};
use crate::config::Config;
use crate::store::readers::READERS;
use c2c_proto::event::Closing;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::ReadMessage;
use c2c_proto::{Error, ErrorCode};
use std::path::PathBuf;

async fn refusal(paths: &StorePaths) -> Error {
    try_open(paths, &Config::default()).await.unwrap_err()
}

fn paths(folder: &tempfile::TempDir) -> StorePaths {
    let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
    std::fs::create_dir_all(&paths.run_dir).unwrap();
    paths
}

#[tokio::test]
async fn files_that_are_no_store_are_refused_and_left_untouched() {
    let contents: [&[u8]; 4] =
        [b"", b"short", &[b'x'; 5_000], b"SQLite format 3\0 but nothing of the kind behind it"];
    for content in contents {
        let folder = tempfile::tempdir().unwrap();
        let paths = paths(&folder);
        std::fs::write(&paths.store, content).unwrap();
        let error = refusal(&paths).await;
        assert_eq!(error.code, ErrorCode::StoreRefused, "{error}");
        assert_eq!(std::fs::read(&paths.store).unwrap(), content);
    }
}

#[tokio::test]
async fn a_truncated_store_is_refused_and_left_untouched() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    for _ in 0..20 {
        send(&opened.store, &a.owner, &["b"], &"x".repeat(4_000)).await;
    }
    drop(a);
    opened.store.close().await;
    let whole = std::fs::read(&opened.paths.store).unwrap();
    for kept in [whole.len() / 2, 4_096, 99, whole.len() - 1] {
        std::fs::write(&opened.paths.store, &whole[..kept]).unwrap();
        let error = refusal(&opened.paths).await;
        assert_eq!(error.code, ErrorCode::StoreRefused, "{kept}: {error}");
        assert_eq!(std::fs::read(&opened.paths.store).unwrap(), &whole[..kept]);
    }
    std::fs::write(&opened.paths.store, &whole).unwrap();
    let store = try_open(&opened.paths, &Config::default()).await.unwrap();
    assert_eq!(store.mail("b").unread, 20);
}

const PAGE: usize = 4_096;

fn log_of(paths: &StorePaths) -> PathBuf {
    paths.store.with_file_name("c2c.db-wal")
}

/// A store and its log as a kill would leave them, in a folder of their own.
fn killed(opened: &Opened) -> (tempfile::TempDir, StorePaths) {
    let folder = tempfile::tempdir().unwrap();
    let left = paths(&folder);
    std::fs::copy(&opened.paths.store, &left.store).unwrap();
    std::fs::copy(log_of(&opened.paths), log_of(&left)).unwrap();
    (folder, left)
}

#[tokio::test]
async fn a_truncated_store_is_refused_and_left_untouched_also_with_a_log_beside_it() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    for _ in 0..20 {
        send(&opened.store, &a.owner, &["b"], &"x".repeat(4_000)).await;
    }
    drop(a);
    let opened = opened.again().await;
    let a = session(&opened.store, "/p/a").await;
    send(&opened.store, &a.owner, &["b"], "in the log").await;
    let (_folder, left) = killed(&opened);
    let (whole, log) = (std::fs::read(&left.store).unwrap(), std::fs::read(log_of(&left)).unwrap());
    for kept in [whole.len() / 2, whole.len() / 2 + 1, PAGE] {
        std::fs::write(&left.store, &whole[..kept]).unwrap();
        let error = refusal(&left).await;
        assert_eq!(error.code, ErrorCode::StoreRefused, "{kept}: {error}");
        assert!(std::fs::read(&left.store).unwrap() == whole[..kept], "the store was touched");
        assert!(std::fs::read(log_of(&left)).unwrap() == log, "the log was touched");
    }
    std::fs::write(&left.store, &whole).unwrap();
    let store = try_open(&left, &Config::default()).await.unwrap();
    assert_eq!(store.mail("b").unread, 21);
}

#[tokio::test]
async fn a_store_whose_end_is_only_in_the_log_is_whole() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    for _ in 0..20 {
        send(&opened.store, &a.owner, &["b"], &"x".repeat(4_000)).await;
    }
    let (_folder, left) = killed(&opened);
    // A kill after the first page of a checkpoint: the header is ahead of the file's end.
    let log = std::fs::read(log_of(&left)).unwrap();
    let newest = log[32..].chunks_exact(24 + PAGE).rfind(|frame| frame[..4] == 1_u32.to_be_bytes());
    let mut store = std::fs::read(&left.store).unwrap();
    store[..PAGE].copy_from_slice(&newest.unwrap()[24..]);
    let claimed = u32::from_be_bytes(store[28..32].try_into().unwrap()) as usize;
    assert!(claimed * PAGE > store.len() + 20 * PAGE / 2, "the test means nothing");
    std::fs::write(&left.store, &store).unwrap();
    let opened = try_open(&left, &Config::default()).await.unwrap();
    assert_eq!(opened.mail("b").unread, 20);
    opened.close().await;
    // The same without the log, and with one whose last commits are damaged, is not.
    for log in [&[][..], &log[..log.len() / 2], &[&log[..100], &[!log[100]], &log[101..]].concat()] {
        std::fs::write(&left.store, &store).unwrap();
        std::fs::write(log_of(&left), log).unwrap();
        assert_eq!(refusal(&left).await.code, ErrorCode::StoreRefused);
        assert!(std::fs::read(&left.store).unwrap() == store, "the store was touched");
    }
}

#[tokio::test]
async fn a_store_that_is_found_damaged_is_not_served_any_further() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    // A small one would be looked through, and not be opened at all.
    let sent = send(&opened.store, &a.owner, &["b"], &"x".repeat(9_000_000)).await;
    opened.store.close().await;
    let mut bytes = std::fs::read(&opened.paths.store).unwrap();
    let body = [b'x'; 1_000];
    for page in bytes.chunks_exact_mut(PAGE) {
        if page.windows(body.len()).any(|part| part == body) {
            page[..8].fill(0xff);
        }
    }
    std::fs::write(&opened.paths.store, &bytes).unwrap();
    let store = try_open(&opened.paths, &Config::default()).await.unwrap();
    let ask = ReadMessage { message_id: sent.id, offset: 0, max_chars: 10 };
    let error = store.one_message(&a.owner, &ask).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::StorageFailed, "{error}");
    assert_eq!(store.shared.shutdown.reason(), Some(Closing::StorageFailed));
}

#[tokio::test]
async fn when_another_broker_opens_the_store_the_older_one_acknowledges_nothing_more() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let before = send(&opened.store, &a.owner, &["b"], "one").await;
    let newer = try_open(&opened.paths, &Config::default()).await.unwrap();
    for _ in 0..2 {
        let error = opened.store.send(message(&a.owner, to(&["b"]), "lost")).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::ShuttingDown, "{error}");
        assert!(error.message.contains("another broker"), "{error}");
    }
    assert_eq!(opened.store.shared.shutdown.reason(), Some(Closing::HandingOver));
    let next = send(&newer, &a.owner, &["b"], "two").await;
    assert_eq!((next.id, newer.mail("b").unread), (before.id + 1, 2));
    opened.store.close().await;
    send(&newer, &a.owner, &["b"], "three").await;
    assert_eq!(newer.shared.shutdown.reason(), None);
}

#[tokio::test]
async fn a_read_that_does_not_get_its_turn_says_so() {
    let opened = open().await;
    let mut taken = Vec::new();
    for _ in 0..READERS {
        taken.push(opened.store.readers.get().await.unwrap());
    }
    tokio::time::pause();
    let error = opened.store.known_names().await.unwrap_err();
    assert_eq!((error.code, error.retry_safe), (ErrorCode::BrokerBusy, true), "{error}");
    assert_eq!(opened.store.shared.shutdown.reason(), None);
    tokio::time::resume();
    drop(taken);
    opened.store.known_names().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_that_others_could_open_becomes_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let opened = open().await;
    session(&opened.store, "/p/a").await;
    let (_folder, left) = killed(&opened);
    for path in [&left.store, &log_of(&left)] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    }
    let store = try_open(&left, &Config::default()).await.unwrap();
    session(&store, "/p/b").await;
    for suffix in ["", "-wal", "-shm"] {
        let path = left.store.with_file_name(format!("c2c.db{suffix}"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let opened = open().await;
    opened.store.close().await;
    let mut bytes = std::fs::read(&opened.paths.store).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&opened.paths.store, &bytes).unwrap();
    let error = refusal(&opened.paths).await;
    assert_eq!(error.code, ErrorCode::StoreRefused);
    assert!(error.message.contains("schema 99"), "{error}");
    assert_eq!(std::fs::read(&opened.paths.store).unwrap(), bytes);
}

#[tokio::test]
async fn a_store_that_is_gone_is_not_replaced_by_an_empty_one() {
    let opened = open().await;
    opened.store.close().await;
    std::fs::remove_file(&opened.paths.store).unwrap();
    let error = refusal(&opened.paths).await;
    assert_eq!(error.code, ErrorCode::StoreRefused);
    assert!(!opened.paths.store.exists());
    std::fs::remove_file(&opened.paths.store_id).unwrap();
    try_open(&opened.paths, &Config::default()).await.unwrap();
}

#[tokio::test]
async fn a_new_store_leaves_nothing_beside_it() {
    let opened = open().await;
    opened.store.close().await;
    let names: Vec<String> = std::fs::read_dir(opened.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("c2c.run"))
        .collect();
    assert_eq!(names, ["c2c.db"]);
}

#[cfg(unix)] // Elsewhere an open file cannot be deleted.
#[tokio::test]
async fn nothing_is_acknowledged_into_a_store_that_was_deleted_or_replaced() {
    for replacement in [None, Some(b"something else")] {
        let opened = open().await;
        let a = session(&opened.store, "/p/a").await;
        send(&opened.store, &a.owner, &["b"], "kept").await;
        std::fs::remove_file(&opened.paths.store).unwrap();
        if let Some(content) = replacement {
            std::fs::write(&opened.paths.store, content).unwrap();
        }
        for _ in 0..2 {
            let lost = message(&a.owner, to(&["b"]), "into nothing");
            let error = opened.store.send(lost).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::StorageFailed, "{error}");
        }
    }
}
