//! `c2c lease`: one holder at a time, for as long as it lives and says so.

use c2c_harness::{PATIENCE, Said, Sandbox, until, until_some};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Child;

fn entry(sandbox: &Sandbox, key: &str) -> Option<Value> {
    let said = sandbox.c2c(&["state", "get", key, "--json"]);
    (said.status == Some(0)).then(|| said.json())
}

/// A shell command that says it runs and ends when a file is there.
fn until_file(started: &Path, end: &Path) -> String {
    format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done", started.display(), end.display())
}

fn ended(child: Child) -> Said {
    Said::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_lease_has_one_holder_until_it_is_released() {
    let sandbox = Sandbox::new();
    let token = sandbox.person(&["lease", "take", "deploy"]);
    let token = token.trim();
    let held = sandbox.c2c(&["lease", "take", "deploy", "--as", "ops"]);
    assert_eq!(held.status, Some(1), "{held:?}");
    assert!(held.err.contains("\"user-ada\"") && held.err.contains(&format!("version {token}")), "{held:?}");
    let mut api = sandbox.session("api");
    let seen = api.call("set_state", json!({"key": "deploy", "value": 1, "if_version": 0, "ttl_s": 60}));
    let _conflict = seen.err(c2c_proto::ErrorCode::Conflict);
    let renewed = sandbox.person(&["lease", "renew", "deploy", "--version", token, "--ttl", "90"]);
    let late = sandbox.c2c(&["lease", "release", "deploy", "--version", token]);
    assert_eq!(late.status, Some(1), "a version that is over releases nothing: {late:?}");
    let _released = sandbox.person(&["lease", "release", "deploy", "--version", renewed.trim()]);
    let taken = sandbox.c2c(&["lease", "take", "deploy", "--as", "ops", "--json"]).json();
    assert_eq!((&taken["holder"], &taken["key"]), (&json!("ops"), &json!("deploy")));
    assert!(taken["version"].as_i64() > renewed.trim().parse().ok(), "{taken}");
}

#[test]
fn one_that_waits_gets_it_when_it_is_released_or_expires_and_gives_up_in_time() {
    let sandbox = Sandbox::new();
    let token = sandbox.person(&["lease", "take", "deploy"]);
    let late = sandbox.c2c(&["lease", "take", "deploy", "--wait", "1"]);
    assert_eq!(late.status, Some(3), "{late:?}");
    let waiting =
        sandbox.c2c_started(&["lease", "take", "deploy", "--wait", "600", "--as", "ops", "--ttl", "1"]);
    sandbox.until_status("it waits", |status| status.waits == 1);
    let _released = sandbox.person(&["lease", "release", "deploy", "--version", token.trim()]);
    assert_eq!(ended(waiting).status, Some(0));
    let after = sandbox.c2c(&["lease", "take", "deploy", "--wait", "600"]);
    assert_eq!(after.status, Some(0), "it expired after a second: {after:?}");
}

#[cfg(unix)]
#[test]
fn a_run_holds_the_lease_beyond_its_time_and_gives_it_back() {
    let sandbox = Sandbox::new();
    let (started, end) = (sandbox.dir().join("started"), sandbox.dir().join("end"));
    let script = format!("{}; echo $C2C_LEASE_KEY $C2C_LEASE_VERSION; exit 7", until_file(&started, &end));
    let running = sandbox.c2c_started(&["lease", "run", "deploy", "--ttl", "2", "--", "sh", "-c", &script]);
    until("the command runs", PATIENCE, || started.exists());
    let first = entry(&sandbox, "deploy").unwrap();
    assert_eq!(first["value"]["holder"], "user-ada");
    let second = sandbox.c2c(&["lease", "run", "deploy", "--", "touch", "never"]);
    assert_eq!(second.status, Some(1), "{second:?}");
    assert!(!sandbox.dir().join("never").exists());
    // Each renewal lasts two seconds: after four of them it has been held for longer than that.
    let mut versions = vec![first["version"].as_i64()];
    until("it is renewed", PATIENCE, || {
        let version = entry(&sandbox, "deploy").expect("it is held all the time")["version"].as_i64();
        if versions.last() != Some(&version) {
            versions.push(version);
        }
        versions.len() > 4
    });
    std::fs::write(&end, "").unwrap();
    let said = ended(running);
    assert_eq!(said.status, Some(7), "{said:?}");
    assert_eq!(said.out, format!("deploy {}\n", first["version"]));
    assert_eq!(entry(&sandbox, "deploy"), None, "{said:?}");
}

#[cfg(unix)]
#[test]
fn a_lost_lease_ends_the_command() {
    let sandbox = Sandbox::new();
    let (started, end) = (sandbox.dir().join("started"), sandbox.dir().join("end"));
    let script = format!("trap 'touch ended; exit 0' TERM; {}", until_file(&started, &end));
    let running = sandbox.c2c_started(&["lease", "run", "deploy", "--ttl", "2", "--", "sh", "-c", &script]);
    until("the command runs", PATIENCE, || started.exists());
    let _stolen = sandbox.person(&["state", "set", "deploy", "mine", "--as", "ops"]);
    let said = ended(running);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.err.contains("\"deploy\" was lost") && said.err.contains("\"ops\""), "{said:?}");
    assert!(sandbox.dir().join("ended").exists(), "it was asked to end, not killed");
    assert_eq!(entry(&sandbox, "deploy").unwrap()["value"], "mine", "what another set stays");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_told_to_end_ends_its_command_and_gives_the_lease_back() {
    let sandbox = Sandbox::new();
    let (started, end) = (sandbox.dir().join("started"), sandbox.dir().join("end"));
    let script = format!("echo $$ > pid; {}", until_file(&started, &end));
    let running = sandbox.c2c_started(&["lease", "run", "deploy", "--", "sh", "-c", &script]);
    until("the command runs", PATIENCE, || started.exists());
    let pid: u32 = until_some("it says its id", PATIENCE, || {
        std::fs::read_to_string(sandbox.dir().join("pid")).ok()?.trim().parse().ok()
    });
    c2c_harness::signal(running.id(), c2c_harness::Signal::TERM);
    let said = ended(running);
    assert_eq!(said.status, Some(130), "{said:?}");
    assert!(!c2c_harness::alive(pid));
    assert_eq!(entry(&sandbox, "deploy"), None);
}

#[cfg(unix)]
#[test]
fn a_run_keeps_the_lease_over_a_crash_of_the_broker() {
    let sandbox = Sandbox::new();
    let (started, end) = (sandbox.dir().join("started"), sandbox.dir().join("end"));
    let script = until_file(&started, &end);
    let running = sandbox.c2c_started(&["lease", "run", "deploy", "--ttl", "6", "--", "sh", "-c", &script]);
    until("the command runs", PATIENCE, || started.exists());
    let before = entry(&sandbox, "deploy").unwrap()["version"].as_i64();
    let _killed = sandbox.kill_broker();
    until("it is renewed with the next broker", PATIENCE, || {
        entry(&sandbox, "deploy").expect("it is held all the time")["version"].as_i64() > before
    });
    std::fs::write(&end, "").unwrap();
    let said = ended(running);
    assert_eq!((said.status, entry(&sandbox, "deploy")), (Some(0), None), "{said:?}");
}

#[cfg(unix)]
#[test]
fn a_run_keeps_its_lease_although_the_session_of_its_name_comes_back() {
    use c2c_harness::{Signal, signal};
    let sandbox = Sandbox::new();
    let _started = sandbox.person(&["tail"]);
    drop(sandbox.raw_session("ops"));
    sandbox.until_status("ops is away", |status| status.sessions_online == 0);
    let (started, end) = (sandbox.dir().join("started"), sandbox.dir().join("end"));
    let script = until_file(&started, &end);
    let words = ["lease", "run", "deploy", "--as", "ops", "--ttl", "21", "--", "sh", "-c", &script];
    let mut running = sandbox.c2c_started(&words);
    until("the command runs", PATIENCE, || started.exists());
    let before = entry(&sandbox, "deploy").unwrap()["version"].as_i64();
    // While it cannot see it the broker is another one, and the name is its session's again.
    signal(running.id(), Signal::STOP);
    let _killed = sandbox.kill_broker();
    let _started = sandbox.person(&["tail"]);
    let ops = sandbox.raw_session("ops");
    signal(running.id(), Signal::CONT);
    // Its renewal is refused, and it looks whether the lease is still its own.
    until("it looks, or ends", PATIENCE, || {
        let metrics = sandbox.person(&["metrics"]);
        running.try_wait().unwrap().is_some() || metrics.contains("c2c_calls_total{call=\"get_state\"}")
    });
    drop(ops);
    until("it is renewed, or ends", PATIENCE, || {
        let entry = entry(&sandbox, "deploy").expect("it is held all the time");
        running.try_wait().unwrap().is_some() || entry["version"].as_i64() > before
    });
    std::fs::write(&end, "").unwrap();
    let said = ended(running);
    assert_eq!((said.status, entry(&sandbox, "deploy")), (Some(0), None), "{said:?}");
}

#[cfg(unix)]
#[test]
fn a_command_is_over_before_a_lease_that_cannot_be_renewed_expires() {
    use c2c_harness::{Signal, alive, signal};
    let sandbox = Sandbox::new();
    let (started, end) = (sandbox.dir().join("started"), sandbox.dir().join("end"));
    let script = format!("trap '' TERM; echo $$ > pid; {}", until_file(&started, &end));
    let running = sandbox.c2c_started(&["lease", "run", "deploy", "--ttl", "6", "--", "sh", "-c", &script]);
    until("the command runs", PATIENCE, || started.exists());
    let pid: u32 = until_some("it says its id", PATIENCE, || {
        std::fs::read_to_string(sandbox.dir().join("pid")).ok()?.trim().parse().ok()
    });
    let expires_at = entry(&sandbox, "deploy").unwrap()["expires_at"].as_str().unwrap().to_owned();
    let broker = sandbox.broker_id();
    signal(broker, Signal::STOP);
    let said = ended(running);
    let left = alive(pid);
    signal(broker, Signal::CONT);
    let now = sandbox.c2c(&["export", "--quiet"]).out;
    let now: Value = serde_json::from_str(now.lines().next().unwrap()).unwrap();
    assert!(now["exported_at"].as_str().unwrap() < expires_at.as_str(), "{now} {expires_at}");
    assert_eq!((said.status, left), (Some(1), false), "{said:?}");
    assert!(said.err.contains("could not be renewed"), "{said:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_terminal_what_the_command_started_is_asked_to_end_as_well() {
    let sandbox = Sandbox::new();
    let (started, end) = (sandbox.dir().join("started"), sandbox.dir().join("end"));
    let inner = format!("trap 'touch asked; exit 0' TERM; {}", until_file(&started, &end));
    let script = format!("sh -c \"{inner}\" > inner 2>&1; true");
    let c2c = sandbox.command(&["lease", "run", "deploy", "--ttl", "3", "--", "sh", "-c", &script]);
    let mut alone = std::process::Command::new("setsid");
    alone.arg("--wait").arg(c2c.get_program()).args(c2c.get_args()).current_dir(sandbox.dir());
    alone.env_clear().envs(c2c.get_envs().filter_map(|(name, value)| Some((name, value?))));
    alone.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let running = alone.stderr(std::process::Stdio::piped()).spawn().unwrap();
    until("the command runs", PATIENCE, || started.exists());
    let _stolen = sandbox.person(&["state", "set", "deploy", "mine", "--as", "ops"]);
    let said = ended(running);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(sandbox.dir().join("asked").exists(), "{said:?}");
}

#[test]
fn what_cannot_be_run_leaves_no_lease() {
    let sandbox = Sandbox::new();
    let said = sandbox.c2c(&["lease", "run", "deploy", "--", "no-such-program-anywhere"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.err.contains("no-such-program-anywhere"), "{said:?}");
    assert_eq!(entry(&sandbox, "deploy"), None);
}
