//! Paths and private folders on a real file system.

use super::resolve::resolve;
use super::{StorePaths, companion, store_from};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

#[test]
fn everything_lies_beside_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let root = resolve(folder.path()).unwrap();
    let paths = StorePaths::of_store(&root.join("mail.db")).unwrap();
    assert_eq!(paths.store, root.join("mail.db"));
    assert_eq!(paths.run_dir, root.join("mail.run"));
    assert_eq!(paths.lock, root.join("mail.run/broker.lock"));
    assert_eq!(paths.log, root.join("mail.run/broker.log"));
    assert_eq!(paths.store_id, root.join("mail.run/store.id"));
    assert_eq!(paths.config, root.join("mail.toml"));
}

#[test]
fn two_stores_of_one_folder_share_nothing() {
    let names =
        ["c2c.db", "c2c.sqlite", "c2c", "c2c.run.db", ".db", "c2c.DB", "c2c.c2c.db", ".c2c.db", "c2c.c2c"];
    let mut runs: Vec<_> = names.iter().map(|name| companion(OsStr::new(name), "run")).collect();
    assert_eq!(runs[0], "c2c.run");
    assert_eq!(runs[1], "c2c.sqlite.c2c.run");
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), names.len());
}

#[test]
fn the_variable_comes_before_the_home_folder() {
    let home = Path::new("/home/someone");
    let from = |named: Option<&str>| store_from(named.map(OsStr::new), Some(home)).unwrap();
    assert_eq!(from(None), home.join(".claude").join("c2c.db"));
    assert_eq!(from(Some("")), home.join(".claude").join("c2c.db"));
    assert_eq!(from(Some("/x/y.db")), PathBuf::from("/x/y.db"));
    assert_eq!(from(Some("~/y.db")), home.join("y.db"));
    assert_eq!(from(Some("~other/y.db")), PathBuf::from("~other/y.db"));
}

#[test]
fn without_a_home_folder_the_variable_is_asked_for() {
    assert_eq!(store_from(Some(OsStr::new("/x/y.db")), None).unwrap(), PathBuf::from("/x/y.db"));
    let error = store_from(None, None).unwrap_err();
    assert!(error.hint.contains("CLAUDE_C2C_DB"), "{}", error.hint);
}

#[test]
fn a_folder_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path(), Path::new("/")] {
        let error = StorePaths::of_store(path).unwrap_err();
        assert!(error.message.contains("names a folder"), "{}", error.message);
    }
}

#[test]
fn a_path_below_a_file_is_left_to_whoever_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = resolve(folder.path()).unwrap().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(StorePaths::of_store(&file.join("c2c.db")).unwrap().store, file.join("c2c.db"));
}

#[test]
fn a_relative_path_is_taken_from_the_working_directory() {
    let here = resolve(&std::env::current_dir().unwrap()).unwrap();
    let paths = StorePaths::of_store(Path::new("no-such-folder/c2c.db")).unwrap();
    assert_eq!(paths.store, here.join("no-such-folder").join("c2c.db"));
}

#[cfg(unix)]
mod unix {
    use super::super::{StorePaths, check_private_dir, ensure_private_dir};
    use crate::error::ErrorCode;
    use proptest::prelude::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        (folder, root)
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn however_it_is_spelled_one_file_has_one_set_of_paths() {
        let (_folder, root) = folder();
        fs::create_dir_all(root.join("real/deep")).unwrap();
        symlink(root.join("real"), root.join("link")).unwrap();
        symlink("link", root.join("chain")).unwrap();
        symlink("real/c2c.db", root.join("dangling.db")).unwrap();
        symlink("real/new", root.join("dangling")).unwrap();
        let one = StorePaths::of_store(&root.join("real/c2c.db")).unwrap();
        for spelling in [
            "link/c2c.db",
            "chain/c2c.db",
            "real/./c2c.db",
            "real//c2c.db",
            "real/deep/../c2c.db",
            "link/deep/../c2c.db",
            "real/missing/../c2c.db",
            "missing/../real/../real/c2c.db",
            "dangling.db",
            "dangling/../c2c.db",
        ] {
            assert_eq!(StorePaths::of_store(&root.join(spelling)).unwrap(), one, "{spelling}");
        }
        fs::write(&one.store, "").unwrap();
        assert_eq!(StorePaths::of_store(&root.join("dangling.db")).unwrap(), one, "once it exists");
        let below = StorePaths::of_store(&root.join("dangling/c2c.db")).unwrap();
        assert_eq!(below.store, root.join("real/new/c2c.db"));
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let (_folder, root) = folder();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        let error = StorePaths::of_store(&root.join("a/c2c.db")).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains("symbolic link"), "{}", error.message);
    }

    #[test]
    fn a_path_too_long_for_a_socket_gets_a_short_address_of_its_own() {
        let (_folder, root) = folder();
        let limit = if cfg!(target_os = "linux") { 107 } else { 103 };
        let socket_of = |name_bytes: usize| {
            let store = root.join("x".repeat(name_bytes)).join("c2c.db");
            StorePaths::of_store(&store).unwrap()
        };
        let fits = limit - root.as_os_str().len() - "//c2c.run/broker.sock".len();
        let last = socket_of(fits);
        assert_eq!(last.address.as_path(), last.run_dir.join("broker.sock"));
        assert_eq!(last.address.as_path().as_os_str().len(), limit);
        let (long, longer) = (socket_of(fits + 1), socket_of(fits + 2));
        assert_ne!(long.address, longer.address);
        let uid = rustix::process::geteuid().as_raw();
        for paths in [&long, &longer] {
            assert_eq!(paths.address.as_path().parent().unwrap(), Path::new(&format!("/tmp/c2c-{uid}")));
            assert!(paths.run_dir.starts_with(&root), "lock and log stay beside the store");
        }
        assert_eq!(long, socket_of(fits + 1), "the same at each call");
    }

    #[test]
    fn a_private_folder_is_made_with_what_is_missing_above_it() {
        let (_folder, root) = folder();
        let run = root.join("home/.claude/c2c.run");
        assert!(!check_private_dir(&run).unwrap());
        ensure_private_dir(&run).unwrap();
        for made in ["home", "home/.claude", "home/.claude/c2c.run"] {
            assert_eq!(mode(&root.join(made)), 0o700, "{made}");
        }
        ensure_private_dir(&run).unwrap();
        assert!(check_private_dir(&run).unwrap());
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused_and_left_as_it_is() {
        for open in [0o755, 0o750, 0o701, 0o777, 0o1777] {
            let (_folder, root) = folder();
            let run = root.join("c2c.run");
            fs::create_dir(&run).unwrap();
            set_mode(&run, open);
            for refused in [ensure_private_dir(&run).unwrap_err(), check_private_dir(&run).unwrap_err()] {
                assert_eq!(refused.code, ErrorCode::StoreRefused);
                assert!(refused.message.contains(&format!("mode {open:04o}")), "{}", refused.message);
                assert!(refused.message.contains(run.to_str().unwrap()), "{}", refused.message);
                assert!(refused.hint.contains("chmod 700"), "{}", refused.hint);
            }
            assert_eq!(mode(&run), open);
        }
    }

    #[test]
    fn a_symbolic_link_or_a_file_is_no_private_folder() {
        let (_folder, root) = folder();
        let (real, link, file) = (root.join("real"), root.join("link"), root.join("file"));
        ensure_private_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        fs::write(&file, "").unwrap();
        assert!(ensure_private_dir(&link).unwrap_err().message.contains("a symbolic link"));
        assert!(ensure_private_dir(&file).unwrap_err().message.contains("not a folder"));
        assert!(ensure_private_dir(&file.join("c2c.run")).is_err());
    }

    #[test]
    fn a_folder_that_others_could_replace_is_refused() {
        let (_folder, root) = folder();
        let parent = root.join("parent");
        let run = parent.join("c2c.run");
        ensure_private_dir(&run).unwrap();
        for (open, good) in [(0o777, false), (0o702, false), (0o1777, true), (0o755, true), (0o700, true)] {
            set_mode(&parent, open);
            assert_eq!(check_private_dir(&run).is_ok(), good, "{open:o}");
            assert_eq!(ensure_private_dir(&run).is_ok(), good, "{open:o}");
        }
    }

    /// Only root can give a folder away.
    #[test]
    fn a_folder_of_another_user_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return crate::skip::skipped("needs root, to give a folder away");
        }
        let (_folder, root) = folder();
        let (run, parent) = (root.join("c2c.run"), root.join("parent"));
        ensure_private_dir(&run).unwrap();
        ensure_private_dir(&parent.join("c2c.run")).unwrap();
        let nobody = Some(rustix::process::Uid::from_raw(65_534));
        rustix::fs::chown(&run, nobody, None).unwrap();
        rustix::fs::chown(&parent, nobody, None).unwrap();
        assert!(ensure_private_dir(&run).unwrap_err().message.contains("uid 65534"));
        assert!(check_private_dir(&parent.join("c2c.run")).unwrap_err().message.contains("uid 65534"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn resolving_twice_changes_nothing(parts in prop::collection::vec("[a-c]{1,2}|\\.\\.|\\.", 0..8)) {
            let (_folder, root) = folder();
            fs::create_dir_all(root.join("a/b")).unwrap();
            symlink(root.join("a"), root.join("c")).unwrap();
            let path = parts.iter().fold(root, |path, part| path.join(part)).join("c2c.db");
            let once = StorePaths::of_store(&path).unwrap();
            prop_assert!(once.store.is_absolute());
            prop_assert_eq!(StorePaths::of_store(&once.store).unwrap(), once);
        }
    }
}
