//! `c2c doctor`: each thing is broken in a sandbox, the right check says so, the others still speak, and after mending
//! as it says it is well again.
#![cfg(unix)]

use c2c_harness::{PATIENCE, Said, Sandbox, Signal, bin_dir, binary, install, signal, until};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const NAMES: [&str; 19] = [
    "programs",
    "path",
    "folders",
    "file_system",
    "free_space",
    "lock",
    "broker",
    "config",
    "store",
    "clock",
    "service",
    "registration",
    "hooks",
    "environment",
    "other_stores",
    "sessions",
    "link",
    "link_service",
    "round_trip",
];

/// A sandbox in whose home Claude Code has c2c.
fn healthy() -> Sandbox {
    let sandbox = Sandbox::new();
    register(&sandbox, &binary("c2c-shim"), &json!({}));
    hook(&sandbox, Some(&binary("c2c")));
    sandbox
}

fn register(sandbox: &Sandbox, shim: &Path, env: &Value) {
    let text = json!({"mcpServers": {"c2c": {"command": shim, "args": [], "env": env}}}).to_string();
    fs::write(sandbox.dir().join("home/.claude.json"), text).unwrap();
}

fn hook(sandbox: &Sandbox, c2c: Option<&Path>) {
    let settings = match c2c {
        Some(c2c) => {
            let command = format!("{} hook stop", c2c.display());
            json!({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}})
        }
        None => json!({}),
    };
    fs::write(sandbox.folder("home/.claude").join("settings.json"), settings.to_string()).unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs it; every check speaks, whatever is broken, and the exit status says whether one failed.
#[track_caller]
fn doctor(sandbox: &Sandbox, path_first: Option<&Path>) -> Value {
    let mut path = format!("{}:/usr/bin:/bin", bin_dir().display());
    if let Some(first) = path_first {
        path = format!("{}:{path}", first.display());
    }
    let output = sandbox.command(&["doctor", "--json"]).env("PATH", path).output().unwrap();
    let said = Said::of(&output);
    let report = said.json();
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, NAMES, "{report:#}");
    assert_eq!(said.status, Some(i32::from(report["failed"] != 0)), "{report:#}");
    report
}

#[track_caller]
fn check(report: &Value, name: &str, status: &str, says: &str) {
    let all = report["checks"].as_array().unwrap();
    let check = all.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(check["status"], status, "{name}: {report:#}");
    assert!(check["says"].as_str().unwrap().contains(says), "{name} does not say {says:?}: {check}");
    let wants_mend = status == "failed" || status == "warning";
    assert_eq!(check["mend"].as_str().is_some_and(|mend| !mend.is_empty()), wants_mend, "{check}");
}

#[track_caller]
fn well(sandbox: &Sandbox) {
    let report = doctor(sandbox, None);
    assert_eq!(report["failed"], 0, "{report:#}");
}

#[test]
fn a_healthy_installation_has_nothing_that_failed() {
    let sandbox = healthy();
    let report = doctor(&sandbox, None);
    assert_eq!(report["failed"], 0, "{report:#}");
    check(&report, "round_trip", "ok", " ms after the send");
    check(&report, "service", "ok", "not installed");
    let left = fs::read_dir(sandbox.dir().join("tmp")).unwrap().count();
    assert_eq!(left, 0, "temporary folders are left");
    let text = sandbox.c2c(&["doctor", "--quiet"]);
    assert_eq!(text.status, Some(0), "{text:?}");
    assert!(text.out.contains("warning  path") && !text.out.contains("round_trip"), "{text:?}");
}

#[test]
fn an_open_run_folder_or_socket_or_store_is_found() {
    let sandbox = healthy();
    well(&sandbox);
    let paths = sandbox.paths();
    for (path, broken, right) in [
        (&*paths.run_dir, 0o755, 0o700),
        (paths.address.as_path(), 0o666, 0o600),
        (&*paths.store, 0o644, 0o600),
    ] {
        mode(path, broken);
        check(&doctor(&sandbox, None), "folders", "failed", path.to_str().unwrap());
        mode(path, right);
        well(&sandbox);
    }
}

#[test]
fn a_store_that_is_garbage_is_named_and_what_rests_on_it_is_skipped() {
    let sandbox = healthy();
    fs::write(sandbox.store(), "this is no store at all, and never was one".repeat(200)).unwrap();
    mode(sandbox.store(), 0o600);
    let report = doctor(&sandbox, None);
    check(&report, "lock", "failed", "c2c.db");
    check(&report, "store", "skipped", "not checked");
    check(&report, "round_trip", "ok", "");
    fs::remove_file(sandbox.store()).unwrap();
    well(&sandbox);
}

#[test]
fn a_stopped_broker_is_named_and_ending_it_mends_it() {
    let sandbox = healthy();
    well(&sandbox);
    let pid = sandbox.broker_id();
    signal(pid, Signal::STOP);
    let report = doctor(&sandbox, None);
    signal(pid, Signal::CONT);
    check(&report, "lock", "failed", &format!("process {pid} (on demand, "));
    check(&report, "sessions", "skipped", "not checked");
    sandbox.kill_broker();
    let report = doctor(&sandbox, None);
    assert_eq!(report["failed"], 0, "{report:#}");
    check(&report, "lock", "ok", "left its socket behind");
}

#[test]
fn a_holder_of_the_store_is_looked_at_again_and_named_as_what_it_is() {
    let sandbox = healthy();
    well(&sandbox);
    sandbox.kill_broker();
    let paths = sandbox.paths();
    let lock = fs::OpenOptions::new().write(true).open(&paths.lock).unwrap();
    until("the system has let go of the lock", PATIENCE, || lock.try_lock().is_ok());
    let holder = |mode: &str| json!({"pid": 4_242, "version": "0.2.0", "mode": mode}).to_string() + "\n";
    fs::write(&paths.lock, holder("restore")).unwrap();
    let report = doctor(&sandbox, None);
    check(&report, "lock", "warning", "a restore is under way");
    check(&report, "store", "skipped", "no broker answers");
    fs::write(&paths.lock, holder("on demand")).unwrap();
    fs::remove_file(paths.address.as_path()).unwrap();
    // One that has looked once finds the store free the next time.
    let listener = std::os::unix::net::UnixListener::bind(paths.address.as_path()).unwrap();
    mode(paths.address.as_path(), 0o600);
    let looking = std::thread::spawn(move || {
        let _looked = listener.accept().unwrap();
        fs::remove_file(listener.local_addr().unwrap().as_pathname().unwrap()).unwrap();
        drop((listener, lock));
    });
    check(&doctor(&sandbox, None), "lock", "ok", "one was started");
    looking.join().unwrap();
}

#[test]
fn another_version_on_path_is_a_warning() {
    let sandbox = healthy();
    let tools = sandbox.folder("tools");
    let script = sandbox.dir().join("script");
    fs::write(&script, "#!/bin/sh\necho c2c-broker 0.0.1\n").unwrap();
    install(&script, &tools.join("c2c-broker"));
    check(&doctor(&sandbox, Some(&tools)), "programs", "warning", "version 0.0.1");
    fs::remove_file(tools.join("c2c-broker")).unwrap();
    check(&doctor(&sandbox, Some(&tools)), "programs", "ok", "");
}

#[test]
fn nothing_is_run_that_lies_in_the_folder_that_it_is_run_in() {
    let sandbox = healthy();
    let script = sandbox.dir().join("script");
    fs::write(&script, "#!/bin/sh\ntouch was-run\n").unwrap();
    for folder in [sandbox.dir().to_owned(), sandbox.folder("below")] {
        install(&script, &folder.join("c2c-shim"));
    }
    for relative in [".", "below"] {
        check(&doctor(&sandbox, Some(Path::new(relative))), "programs", "ok", "");
    }
    let servers = json!({"mcpServers": {"c2c": {"command": "./below/c2c-shim"}}}).to_string();
    fs::write(sandbox.dir().join(".mcp.json"), servers).unwrap();
    check(&doctor(&sandbox, None), "programs", "ok", "");
    assert!(!sandbox.dir().join("was-run").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_is_interrupted_leaves_no_broker_and_no_folder() {
    use c2c_harness::{PATIENCE, brokers, until_some};
    let sandbox = healthy();
    let config = &sandbox.paths().config;
    fs::write(config, "idle_exit = 600\n").unwrap();
    mode(config, 0o600);
    well(&sandbox);
    let mut doctor = sandbox.c2c_started(&["doctor"]);
    let tmp = sandbox.dir().join("tmp");
    let (store, broker) = until_some("a broker tries the configuration", PATIENCE, || {
        let store = fs::read_dir(&tmp).unwrap().next()?.unwrap().path().join("c2c.db");
        Some((store.clone(), *brokers(&store).first()?))
    });
    // It does not answer before the doctor was told to end.
    signal(broker, Signal::STOP);
    signal(doctor.id(), Signal::INT);
    signal(broker, Signal::CONT);
    assert_eq!(doctor.wait().unwrap().code(), Some(130));
    assert!(brokers(&store).is_empty());
    assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0, "a folder is left");
}

#[test]
fn a_program_that_is_missing_fails_and_the_others_still_speak() {
    let sandbox = healthy();
    let alone = sandbox.folder("alone");
    install(&binary("c2c"), &alone.join("c2c"));
    let mut command = std::process::Command::new(alone.join("c2c"));
    command.args(["doctor", "--json"]).env_clear().envs(sandbox.env()).current_dir(sandbox.dir());
    let said = Said::of(&command.output().unwrap());
    assert_eq!(said.status, Some(1), "{said:?}");
    let report = said.json();
    check(&report, "programs", "failed", "c2c-shim does not lie beside");
    check(&report, "round_trip", "failed", "");
    check(&report, "registration", "ok", "");
}

#[test]
fn a_registration_or_hook_that_leads_nowhere_is_found() {
    let sandbox = healthy();
    register(&sandbox, Path::new("/no/such/c2c-shim"), &json!({}));
    check(&doctor(&sandbox, None), "registration", "failed", "/no/such/c2c-shim");
    register(&sandbox, &binary("c2c-shim"), &json!({}));
    hook(&sandbox, Some(Path::new("/no/such/c2c")));
    check(&doctor(&sandbox, None), "hooks", "failed", "/no/such/c2c");
    hook(&sandbox, None);
    check(&doctor(&sandbox, None), "hooks", "warning", "no hooks");
    hook(&sandbox, Some(&binary("c2c")));
    let report = doctor(&sandbox, None);
    check(&report, "registration", "ok", "");
    check(&report, "hooks", "ok", "");
}

#[test]
fn sessions_that_use_another_store_or_take_no_name_are_found() {
    let sandbox = healthy();
    let elsewhere = sandbox.dir().join("other.db");
    register(
        &sandbox,
        &binary("c2c-shim"),
        &json!({"CLAUDE_C2C_DB": elsewhere, "C2C_NAME": "-", "C2C_PUSH": "off"}),
    );
    let report = doctor(&sandbox, None);
    for says in [elsewhere.to_str().unwrap(), "C2C_NAME=-", "C2C_PUSH=off"] {
        check(&report, "environment", "warning", says);
    }
    register(&sandbox, &binary("c2c-shim"), &json!({"CLAUDE_C2C_DB": sandbox.store()}));
    check(&doctor(&sandbox, None), "environment", "ok", "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_session_that_lives_on_another_store_is_found_by_its_broker() {
    let (sandbox, other) = (healthy(), Sandbox::new());
    let _elsewhere = other.session("api");
    check(&doctor(&sandbox, None), "other_stores", "warning", other.store().to_str().unwrap());
}

#[test]
fn what_the_users_settings_say_is_found_also_where_a_project_has_settings() {
    let sandbox = healthy();
    let elsewhere = sandbox.dir().join("other.db");
    let user = json!({"env": {"CLAUDE_C2C_DB": elsewhere, "C2C_PUSH": "off"}});
    let project = sandbox.folder(".claude").join("settings.json");
    fs::write(sandbox.dir().join("home/.claude/settings.json"), user.to_string()).unwrap();
    fs::write(&project, json!({"env": {"SOMETHING": "else"}}).to_string()).unwrap();
    let report = doctor(&sandbox, None);
    for says in [elsewhere.to_str().unwrap(), "C2C_PUSH=off"] {
        check(&report, "environment", "warning", says);
    }
    fs::write(&project, json!({"env": {"C2C_PUSH": "auto", "CLAUDE_C2C_DB": sandbox.store()}}).to_string())
        .unwrap();
    check(&doctor(&sandbox, None), "environment", "ok", "");
}

#[test]
fn a_broken_configuration_is_found_also_while_a_broker_runs() {
    let sandbox = healthy();
    well(&sandbox);
    let config = &sandbox.paths().config;
    fs::write(config, "durabilty = \"full\"\n").unwrap();
    mode(config, 0o600);
    let report = doctor(&sandbox, None);
    check(&report, "config", "failed", "durabilty");
    check(&report, "config", "failed", config.to_str().unwrap());
    check(&report, "lock", "ok", "");
    fs::write(config, "durability = \"full\"\n").unwrap();
    check(&doctor(&sandbox, None), "config", "ok", "valid");
}
