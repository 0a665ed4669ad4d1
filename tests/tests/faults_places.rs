//! Where things lie: environments, folders and paths that are odd, and folders that are not safe.
#![cfg(unix)]

use c2c_harness::{Broker, PATIENCE, Sandbox, Shim, Signal, alive, signal, until};
use c2c_proto::ErrorCode::StoreRefused;
use c2c_proto::paths::StorePaths;
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Two sessions on a store that is not the sandbox's own, of which the second gets what the first sends; then its
/// broker is ended. Gives its paths.
fn mail_through(sandbox: &Sandbox, store: &Path) -> StorePaths {
    let named = store.to_str().unwrap();
    let shim = |name: &str| sandbox.shim().name(name).env("CLAUDE_C2C_DB", named).session();
    let (mut alice, mut bob) = (shim("alice"), shim("bob"));
    let id = alice.say("bob", "hello");
    assert_eq!(bob.inbox_ids(json!({})), [id]);
    let paths = StorePaths::of_store(store).unwrap();
    let holder: serde_json::Value = serde_json::from_slice(&fs::read(&paths.lock).unwrap()).unwrap();
    let broker = u32::try_from(holder["pid"].as_u64().unwrap()).unwrap();
    drop((alice, bob));
    signal(broker, Signal::TERM);
    until("it ends", PATIENCE, || !alive(broker));
    paths
}

#[test]
fn b8_b14_whatever_the_environment_all_meet_at_one_broker() {
    let sandbox = Sandbox::new();
    let (open, gone) = (sandbox.folder("open"), sandbox.dir().join("gone"));
    set_mode(&open, 0o755);
    let foreign = sandbox.folder("foreign");
    if is_root() {
        chown(&foreign, Some(NOBODY), None).unwrap();
    }
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut shims: Vec<Shim> = Vec::new();
    for variable in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME", "HOME", "TMPDIR"] {
        for value in [String::new(), "relative/folder".to_owned(), text(&open), text(&gone), text(&foreign)] {
            let number = shims.len();
            let shim = sandbox.shim().name(&format!("s{number}")).env(variable, &value);
            shims.push(shim.start());
        }
    }
    // As `env -i` leaves it: nothing but the store; and from another folder.
    let bare = sandbox.shim().name("bare").without_env("HOME").without_env("PATH").without_env("TMPDIR");
    shims.push(bare.without_env("USERPROFILE").cwd(&open).start());
    for shim in &mut shims {
        shim.ok("heartbeat", json!({}));
    }
    if cfg!(target_os = "linux") {
        assert_eq!(c2c_harness::brokers(sandbox.store()), [sandbox.broker_id()]);
    }
    let count = u64::try_from(shims.len()).unwrap();
    assert_eq!(sandbox.status().unwrap().sessions_online, count, "all at the same one");
    assert!(!gone.exists() && fs::read_dir(&open).unwrap().next().is_none(), "nothing lies elsewhere");
}

#[test]
fn b14_a_service_needs_nothing_of_its_environment() {
    let sandbox = Sandbox::new();
    let mut command = Broker::command(&sandbox);
    command.arg("--service").env_clear().current_dir("/");
    let mut service = Broker::start_through(&sandbox, command);
    let mut alice = sandbox.session("alice");
    alice.say("bob", "hello");
    assert_eq!(sandbox.broker_id(), service.id());
    service.terminate();
    assert!(service.wait_exit(PATIENCE).success());
}

#[test]
fn b9_without_a_home_folder_the_session_is_told_what_to_set() {
    if !is_root() || !Path::new("/usr/bin/setpriv").exists() {
        c2c_harness::skipped("needs root and setpriv, to be a user without a home folder");
        return;
    }
    let sandbox = Sandbox::new();
    // The programs where everybody can run them; the user's home folder is one that does not exist.
    set_mode(sandbox.dir(), 0o755);
    let programs = sandbox.folder("programs");
    for name in ["c2c-shim", "c2c-broker"] {
        c2c_harness::install(&c2c_harness::binary(name), &programs.join(name));
    }
    set_mode(&programs, 0o755);
    for home in [None, Some("/nonexistent"), Some("relative")] {
        let mut options = sandbox.shim().without_env("CLAUDE_C2C_DB").without_env("HOME").cwd(Path::new("/"));
        if let Some(home) = home {
            options = options.env("HOME", home);
        }
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(programs.join("c2c-shim"));
        let mut shim = options.spawn_through(command);
        shim.initialize();
        let result = shim.call("heartbeat", json!({}));
        assert!(result.is_error, "{home:?}: {}", result.text);
        let said = &result.text;
        let helps = said.contains("CLAUDE_C2C_DB") || said.contains("another store path");
        assert!(helps, "{home:?}: {said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn b9_a_home_folder_that_cannot_be_written_is_told() {
    let sandbox = Sandbox::new();
    let home = sandbox.dir().join("home");
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "ro,mode=700", "c2c-test"]).arg(&home).output();
    if !mounted.is_ok_and(|done| done.status.success()) {
        c2c_harness::skipped("cannot mount");
        return;
    }
    // Where it would lie without the variable; named, so that no test depends on whose home it is.
    let store = home.join(".claude/c2c.db");
    let mut shim = sandbox.shim().name("alice").env("CLAUDE_C2C_DB", store.to_str().unwrap()).start();
    let result = shim.call("heartbeat", json!({}));
    let unmounted = Command::new("umount").arg("-l").arg(&home).status();
    let error = result.err(StoreRefused);
    assert!(unmounted.unwrap().success());
    let said = error["message"].as_str().unwrap();
    assert!(said.contains(home.join(".claude").to_str().unwrap()) && said.contains("Read-only"), "{error}");
}

#[test]
fn b10_socket_paths_around_the_limit_of_an_address_all_work() {
    let sandbox = Sandbox::new();
    let root = sandbox.dir().canonicalize().unwrap();
    let most = if cfg!(target_os = "linux") { 107 } else { 103 };
    for length in [102, 103, 104, 106, 107, 108, 109, 200, 250] {
        let filling = length - root.as_os_str().len() - "//c2c.run/broker.sock".len();
        // Deep rather than long: no single name may exceed 255 bytes.
        let store = root.join("x".repeat(filling)).join("c2c.db");
        let paths = mail_through(&sandbox, &store);
        let beside = paths.run_dir.join("broker.sock");
        assert_eq!(beside.as_os_str().len(), length);
        assert_eq!(paths.address.as_path() == beside, length <= most, "{length}: {}", paths.address);
        assert!(paths.store.exists() && paths.lock.exists(), "all else lies beside the store");
        let folder = paths.address.as_path().parent().unwrap();
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

/// What a session is told of a folder: the error names the path and what is wrong with it; nothing is changed, nothing
/// is made in it.
#[track_caller]
fn refused(what: &str, sandbox: &Sandbox, folder: &Path, named: &str) {
    let before = (mode(folder), fs::symlink_metadata(folder).unwrap().uid());
    // The sandbox's own files for what a shim says on stderr do not count.
    let own = |name: &Path| name.extension().is_some_and(|ending| ending == "err");
    let inside = || {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter(|entry| !own(&entry.as_ref().unwrap().path())).count()
    };
    let entries = inside();
    let mut shim = sandbox.shim().name("alice").start();
    let error = shim.call("send_message", json!({"to": "bob", "body": "x"})).err(StoreRefused);
    let said = error["message"].as_str().unwrap();
    assert!(said.contains(folder.to_str().unwrap()), "{what}: the path is not named: {error}");
    assert!(said.contains(named), "{what}: `{named}` is not named: {error}");
    let after = (mode(folder), fs::symlink_metadata(folder).unwrap().uid());
    assert_eq!(after, before, "{what}: it was changed");
    assert_eq!(inside(), entries, "{what}: something was made in it");
    assert!(!sandbox.store().exists(), "{what}: a store was made");
}

#[test]
fn b11_unsafe_run_folders_are_refused_with_path_and_mode_and_never_changed() {
    for open in [0o755, 0o750, 0o710, 0o701, 0o770, 0o720, 0o702, 0o777, 0o1777] {
        let sandbox = Sandbox::new();
        let run = sandbox.paths().run_dir.clone();
        fs::create_dir(&run).unwrap();
        set_mode(&run, open);
        refused(&format!("mode {open:o}"), &sandbox, &run, &format!("{open:04o}"));
    }
    let sandbox = Sandbox::new();
    let run = sandbox.paths().run_dir.clone();
    let real = sandbox.folder("real");
    set_mode(&real, 0o700);
    symlink(&real, &run).unwrap();
    refused("a symbolic link", &sandbox, &run, "a symbolic link");
    assert!(fs::read_dir(&real).unwrap().next().is_none(), "something was made behind the link");
    fs::remove_file(&run).unwrap();
    fs::write(&run, "a file").unwrap();
    refused("a file", &sandbox, &run, "not a folder");
    assert_eq!(fs::read(&run).unwrap(), b"a file");
    fs::remove_file(&run).unwrap();
    if is_root() {
        fs::create_dir(&run).unwrap();
        set_mode(&run, 0o700);
        chown(&run, Some(NOBODY), Some(NOBODY)).unwrap();
        refused("another owner", &sandbox, &run, "uid 65534");
    }
}

#[test]
fn b11_unsafe_folders_of_the_store_are_refused_with_path_and_mode_and_never_changed() {
    for open in [0o777, 0o707, 0o722, 0o702, 0o757] {
        let sandbox = Sandbox::new();
        set_mode(sandbox.dir(), open);
        let folder = sandbox.dir().canonicalize().unwrap();
        refused(&format!("mode {open:o}"), &sandbox, &folder, &format!("{open:04o}"));
    }
    if is_root() {
        let sandbox = Sandbox::new();
        let folder = sandbox.dir().canonicalize().unwrap();
        // Writable for a group that is not the owner's own.
        chown(&folder, None, Some(NOBODY)).unwrap();
        set_mode(&folder, 0o770);
        refused("a foreign group", &sandbox, &folder, "0770");
        chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        set_mode(&folder, 0o755);
        refused("another owner", &sandbox, &folder, "uid 65534");
        // Through a link of one's own to a folder of somebody else's: what counts is where it leads.
        let (mine, theirs) = (Sandbox::new(), folder.join("theirs"));
        fs::create_dir(&theirs).unwrap();
        chown(&theirs, Some(NOBODY), Some(NOBODY)).unwrap();
        symlink(&theirs, mine.dir().join("link")).unwrap();
        let through = mine.dir().join("link/c2c.db");
        let mut shim = mine.shim().env("CLAUDE_C2C_DB", through.to_str().unwrap()).start();
        let error = shim.call("heartbeat", json!({})).err(StoreRefused);
        assert!(error["message"].as_str().unwrap().contains("uid 65534"), "{error}");
        assert!(fs::read_dir(&theirs).unwrap().next().is_none());
        chown(&folder, Some(0), Some(0)).unwrap();
    }
}

#[test]
fn b11_a_folder_that_becomes_unsafe_later_is_not_connected_through() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let run: PathBuf = sandbox.paths().run_dir.clone();
    set_mode(&run, 0o777);
    let error = sandbox.shim().name("bob").start().call("heartbeat", json!({})).err(StoreRefused);
    assert!(error["message"].as_str().unwrap().contains("0777"), "{error}");
    alice.say("bob", "who is connected stays so");
    assert_eq!(mode(&run), 0o777, "not changed by c2c");
    set_mode(&run, 0o700);
    assert_eq!(sandbox.session("bob").inbox_ids(json!({})).len(), 1);
}
