//! Paths of stores: whatever is named, one file has one set of paths, and two files share none.

use crate::tally;
use c2c_proto::ErrorCode;
use c2c_proto::paths::StorePaths;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// What a socket address holds.
const SOCKET_PATH_MAX_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Two paths, each on a line, below a folder with links in it.
pub fn check(data: &[u8]) {
    tally::input();
    let mut names = data.splitn(2, |byte| *byte == b'\n');
    let first = paths(names.next().unwrap_or_default());
    let second = paths(names.next().unwrap_or_default());
    if let (Some(first), Some(second)) = (first, second) {
        // Both are paths of a store.
        tally::reached();
        if first.store == second.store {
            assert_eq!(first, second, "one file has one set of paths");
        } else {
            apart(&first, &second);
        }
    }
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| furnished().expect("a folder can be made")).path()
}

/// A folder with folders, a file, and links to each, to nothing and in a circle.
fn furnished() -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    std::fs::create_dir_all(root.join("a/b"))?;
    std::fs::write(root.join("a/c2c.db"), "")?;
    #[cfg(unix)]
    for (target, link) in [("a", "l"), ("a/c2c.db", "f"), ("missing/x", "m"), ("o", "o"), ("../l/b", "a/u")] {
        std::os::unix::fs::symlink(target, root.join(link))?;
    }
    Ok(folder)
}

#[cfg(unix)]
fn os_str(name: &[u8]) -> Option<&OsStr> {
    use std::os::unix::ffi::OsStrExt;
    Some(OsStr::from_bytes(name))
}

#[cfg(not(unix))]
fn os_str(name: &[u8]) -> Option<&OsStr> {
    std::str::from_utf8(name).ok().map(OsStr::new)
}

fn paths(name: &[u8]) -> Option<StorePaths> {
    let path = folder().join(os_str(name)?);
    match StorePaths::of_store(&path) {
        Ok(paths) => {
            sound(&paths);
            assert_eq!(
                StorePaths::of_store(&paths.store).as_ref(),
                Ok(&paths),
                "resolved twice, resolved alike"
            );
            Some(paths)
        }
        Err(error) => {
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{path:?}: {error}");
            assert!(!error.hint.is_empty());
            None
        }
    }
}

fn sound(paths: &StorePaths) {
    let StorePaths { store, run_dir, lock, start_lock, log, store_id, flush_failed, config, address, .. } =
        paths;
    let StorePaths { link_config, link_lock, link_paused, .. } = paths;
    assert!(store.is_absolute() && !store.is_dir(), "{store:?}");
    assert!(
        store.components().all(|part| !matches!(part.as_os_str().to_str(), Some("." | ".."))),
        "{store:?}"
    );
    assert!(run_dir.parent() == store.parent() && config.parent() == store.parent(), "{paths:?}");
    assert_eq!(link_config.parent(), store.parent(), "{paths:?}");
    for file in [lock, start_lock, log, store_id, flush_failed, link_lock, link_paused] {
        assert_eq!(file.parent(), Some(run_dir.as_path()));
    }
    distinct(&[
        store,
        run_dir,
        lock,
        start_lock,
        log,
        store_id,
        flush_failed,
        config,
        link_config,
        link_lock,
        link_paused,
        &address.as_path().to_owned(),
    ]);
    if cfg!(unix) {
        assert!(address.as_path().as_os_str().len() <= SOCKET_PATH_MAX_BYTES, "{paths:?}");
    }
}

/// Two stores share nothing.
fn apart(one: &StorePaths, other: &StorePaths) {
    assert_ne!(one.run_dir, other.run_dir, "{:?} and {:?}", one.store, other.store);
    assert_ne!(one.config, other.config, "{:?} and {:?}", one.store, other.store);
    assert_ne!(one.address, other.address, "{:?} and {:?}", one.store, other.store);
}

fn distinct(files: &[&PathBuf]) {
    for (at, file) in files.iter().enumerate() {
        assert!(!files[..at].contains(file), "{file:?} is two things at once");
    }
}
