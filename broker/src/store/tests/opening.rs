//! Opening: what is a store and what is not; nothing that is refused is touched.

use super::{message, open, send, session, to, try_open};
use crate::config::Config;
use c2c_proto::paths::StorePaths;
use c2c_proto::{Error, ErrorCode};

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
