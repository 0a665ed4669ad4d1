//! `c2c hook`: what each says, to which session, and that none is ever in the way. The test itself is the client: it is the
//! parent of the shims.

use c2c_harness::{Hooks, PATIENCE, Sandbox, Shim, until, until_some};
use serde_json::{Value, json};
#[cfg(unix)]
use std::process::Command;
use std::time::{Duration, Instant};

/// Long enough for one that would not end by itself to be told from one that does.
const STILL_RUNS: Duration = Duration::from_millis(1_500);

/// A session of the client session `s1`, started after all others: its hooks are this process's.
fn session(sandbox: &Sandbox, name: &str) -> (Shim, Hooks) {
    let shim = sandbox.shim().name(name).env("CLAUDE_CODE_SESSION_ID", "s1").session();
    (shim, Hooks::new(sandbox, "s1"))
}

/// A session of another client: a shell lies between it and the test.
#[cfg(unix)]
fn elsewhere(sandbox: &Sandbox, name: &str) -> Shim {
    let options = sandbox.shim().name(name);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "\"$0\"; exit $?"]).arg(options.command().get_program());
    let mut shim = options.spawn_through(shell);
    shim.initialize();
    assert_eq!(shim.own_name(), name);
    shim
}

fn none() -> Value {
    json!({})
}

#[test]
fn the_start_tells_name_others_and_all_unread_mail() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let id = alice.say("bob", "queued before bob was there");
    let (_bob, hooks) = session(&sandbox, "bob");
    let text = hooks.text("session-start", &json!({"source": "startup"}));
    assert!(text.starts_with("c2c: this session is bob. Online: alice. 1 unread message"), "{text}");
    assert!(text.contains(&format!("#{id} from alice: \"queued before bob was there\"")), "{text}");
}

#[cfg(unix)]
#[test]
fn a_session_that_starts_tomorrow_learns_of_its_mail_before_its_shim_is_there() {
    let sandbox = Sandbox::new();
    let mut alice = elsewhere(&sandbox, "alice");
    let id = alice.say("bob", "for tomorrow");
    let folder = sandbox.folder("bob");
    let hooks = Hooks::new(&sandbox, "s2").env("CLAUDE_PROJECT_DIR", &folder.to_string_lossy());
    let text = hooks.text("session-start", &json!({"source": "startup"}));
    assert!(text.contains("this session is bob") && text.contains(&format!("#{id} from alice")), "{text}");
    // The shim that comes a moment later is that session.
    let row = alice.row_of("bob").unwrap();
    let mut bob = sandbox.shim().cwd(&folder).env("CLAUDE_CODE_SESSION_ID", "s2").session();
    assert_eq!(bob.own_row()["session_id"], row["session_id"]);
    assert_eq!(bob.inbox_ids(none()), [id]);
}

#[cfg(unix)]
#[test]
fn a_session_whose_shim_never_comes_is_not_listed_as_online() {
    let sandbox = Sandbox::new();
    let mut alice = elsewhere(&sandbox, "alice");
    let folder = sandbox.folder("bob");
    let hooks = Hooks::new(&sandbox, "s2").env("CLAUDE_PROJECT_DIR", &folder.to_string_lossy());
    assert!(!hooks.text("session-start", &none()).is_empty());
    until("it counts as offline", PATIENCE, || alice.row_of("bob").is_some_and(|row| row["online"] == false));
}

#[test]
fn the_start_starts_a_broker_and_the_others_do_not() {
    let sandbox = Sandbox::new();
    let hooks = Hooks::new(&sandbox, "s1").env("C2C_NAME", "bob");
    for event in ["user-prompt-submit", "stop", "session-end", "rewake"] {
        assert_eq!(hooks.text(event, &none()), "", "{event}");
    }
    assert!(sandbox.status().is_none(), "a broker was started");
    assert_eq!(hooks.text("session-start", &none()), "c2c: this session is bob. No other session is online.");
    assert!(sandbox.status().is_some());
}

#[test]
fn a_prompt_brings_what_was_not_announced_once() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (_bob, hooks) = session(&sandbox, "bob");
    assert_eq!(hooks.text("user-prompt-submit", &none()), "");
    let id = alice.say("bob", "hello");
    alice.ok("send_message", json!({"to": "bob", "body": "for information", "priority": "fyi"}));
    let text = hooks.text("user-prompt-submit", &json!({"prompt": "go on"}));
    assert!(text.starts_with("c2c: 1 new message, 2 unread in all. They are information"), "{text}");
    assert!(text.ends_with(&format!("\n#{id} from alice: \"hello\"")), "{text}");
    for event in ["user-prompt-submit", "stop"] {
        assert_eq!(hooks.text(event, &none()), "", "announced a second time by {event}");
    }
}

#[test]
fn the_end_of_a_turn_brings_its_mail_once_and_never_when_it_was_prolonged_already() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (mut bob, hooks) = session(&sandbox, "bob");
    alice.say("bob", "hello");
    let active = json!({"stop_hook_active": true});
    assert_eq!(hooks.text("stop", &active), "", "prolonged already");
    let output = hooks.run("stop", &json!({"stop_hook_active": false}));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["decision"], "block");
    assert!(said["reason"].as_str().unwrap().contains("\"hello\""), "{said}");
    assert_eq!(hooks.text("stop", &none()), "");
    // What the model saw in a result is not told again.
    let id = alice.say("bob", "read in the turn");
    assert!(bob.inbox_ids(none()).contains(&id));
    until("the broker knows that it was shown", PATIENCE, || {
        alice.ok("inbox", json!({"sent": true, "message_id": id}))["messages"][0]["receipts"][0]["state"]
            == "shown"
            || alice.ok("inbox", json!({"sent": true}))["messages"]
                .as_array()
                .unwrap()
                .iter()
                .any(|message| message["id"] == id && message["receipts"][0]["state"] == "shown")
    });
    assert_eq!(hooks.text("stop", &none()), "");
}

#[test]
fn after_clear_the_session_is_found_by_its_process_and_resumed_by_its_new_id() {
    let sandbox = Sandbox::new();
    let (mut bob, _) = session(&sandbox, "bob");
    bob.ok("register_session", json!({"name": "boss"}));
    let cleared = Hooks::new(&sandbox, "s-after-clear");
    let text = cleared.text("session-start", &json!({"source": "clear"}));
    assert!(text.contains("this session is boss"), "{text}");
    // A broker that was killed meanwhile does not forget it.
    sandbox.kill_broker();
    assert_eq!(bob.own_name(), "boss");
    drop(bob);
    let folder = sandbox.folder("elsewhere");
    let mut resumed = sandbox.shim().cwd(&folder).env("CLAUDE_CODE_SESSION_ID", "s-after-clear").session();
    assert_eq!(resumed.own_name(), "boss");
}

#[test]
fn a_client_that_tells_only_its_hooks_which_session_goes_on_gets_that_one() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let folder = sandbox.folder("work");
    let shim = |session: &str| sandbox.shim().cwd(&folder).env("CLAUDE_CODE_SESSION_ID", session).session();
    let mut before = shim("s-before");
    before.ok("register_session", json!({"name": "boss"}));
    let row = before.own_row()["session_id"].clone();
    drop(before);
    until("it is gone", PATIENCE, || alice.row_of("boss").is_some_and(|row| row["online"] == false));
    let id = alice.say("boss", "while you were away");
    let mut again = shim("s-thrown-away");
    assert_eq!(again.own_name(), "work");
    let text = Hooks::new(&sandbox, "s-before").text("session-start", &json!({"source": "resume"}));
    assert!(text.contains("this session is boss") && text.contains(&format!("#{id} from alice")), "{text}");
    assert_eq!((again.own_name(), &again.own_row()["session_id"]), ("boss".to_owned(), &row));
    sandbox.kill_broker();
    assert_eq!(again.inbox_ids(none()), [id]);
    assert_eq!(again.own_name(), "boss");
}

#[test]
fn a_hook_that_waits_wakes_its_session_once_and_gives_way_to_the_next() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (_bob, hooks) = session(&sandbox, "bob");
    let first = hooks.start("rewake", &none());
    until("it waits", PATIENCE, || sandbox.status().is_some_and(|status| status.connections >= 4));
    let mut second = hooks.start("rewake", &none());
    let output = first.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(second.try_wait().unwrap().is_none());
    let id = alice.say("bob", "wake up");
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("#{id} from alice: \"wake up\"")) && output.stdout.is_empty(), "{text}");
    // The next one has nothing to tell.
    let mut third = hooks.start("rewake", &none());
    assert!(c2c_harness::look(STILL_RUNS, || third.try_wait().unwrap()).is_none(), "it ended");
    third.kill().unwrap();
    third.wait().unwrap();
}

#[test]
fn a_hook_that_waits_finds_a_session_that_comes_later_and_outlives_the_broker() {
    let sandbox = Sandbox::new();
    let folder = sandbox.folder("work");
    let hooks = Hooks::new(&sandbox, "s1").env("CLAUDE_PROJECT_DIR", &folder.to_string_lossy());
    assert!(hooks.text("session-start", &none()).contains("this session is work"));
    let mut waiting = hooks.start("rewake", &none());
    let mut bob = sandbox.shim().cwd(&folder).env("CLAUDE_CODE_SESSION_ID", "s1").session();
    assert_eq!(bob.own_name(), "work");
    until("it waits", PATIENCE, || sandbox.status().is_some_and(|status| status.connections >= 3));
    sandbox.kill_broker();
    assert_eq!(bob.own_name(), "work");
    until("it waits again", PATIENCE, || sandbox.status().is_some_and(|status| status.connections >= 3));
    assert!(waiting.try_wait().unwrap().is_none(), "it ended");
    bob.ok("send_message", json!({"to": "work", "body": "to myself"}));
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn mail_between_the_hook_of_the_start_and_the_shim_is_announced() {
    let sandbox = Sandbox::new();
    let mut alice = elsewhere(&sandbox, "alice");
    let folder = sandbox.folder("work");
    let hooks = Hooks::new(&sandbox, "s1").env("CLAUDE_PROJECT_DIR", &folder.to_string_lossy());
    alice.say("work", "before");
    assert!(hooks.text("session-start", &none()).contains("before"));
    alice.say("work", "between");
    let _bob = sandbox.shim().cwd(&folder).env("CLAUDE_CODE_SESSION_ID", "s1").session();
    let text = hooks.text("user-prompt-submit", &none());
    assert!(text.contains("between") && !text.contains("before"), "{text}");
}

#[test]
fn a_hook_whose_input_never_ends_does() {
    let sandbox = Sandbox::new();
    let (_bob, hooks) = session(&sandbox, "bob");
    let mut child = hooks.start_open("stop");
    let status = until_some("it ends", PATIENCE, || child.try_wait().unwrap());
    assert!(status.success());
}

#[cfg(unix)]
#[test]
fn a_hook_that_waits_ends_with_its_session() {
    let sandbox = Sandbox::new();
    let _alice = elsewhere(&sandbox, "alice");
    let (bob, hooks) = session(&sandbox, "bob");
    let waiting = hooks.start("rewake", &none());
    until("it waits", PATIENCE, || sandbox.status().is_some_and(|status| status.connections >= 4));
    drop(bob);
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn no_hook_waits_where_the_client_would_wait_for_it_or_has_a_better_way() {
    let sandbox = Sandbox::new();
    let (_bob, hooks) = session(&sandbox, "bob");
    for (name, value) in
        [("CLAUDE_CODE_SESSION_ATTENDED", "0"), ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli"), ("C2C_PUSH", "off")]
    {
        assert_eq!(hooks.clone().env(name, value).text("rewake", &none()), "", "{name}");
    }
}

#[test]
fn whatever_fails_a_hook_ends_well_and_says_nothing() {
    let sandbox = Sandbox::new();
    let (_bob, hooks) = session(&sandbox, "bob");
    let quiet = |hooks: &Hooks, event: &str| {
        let output = hooks.run(event, &none());
        assert!(output.status.success(), "{event}: {output:?}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{event}: {output:?}");
    };
    quiet(&hooks, "no-such-event");
    quiet(&hooks.clone().env("CLAUDE_PID", "no number"), "session-start");
    quiet(&hooks.clone().env("CLAUDE_PID", "1"), "stop");
    let file = sandbox.dir().join("file");
    std::fs::write(&file, "no folder").unwrap();
    quiet(&hooks.env("CLAUDE_C2C_DB", &file.join("c2c.db").to_string_lossy()), "session-start");
    let noted = std::fs::read_to_string(sandbox.paths().run_dir.join("hooks.log")).unwrap();
    assert!(noted.contains("no such hook: no-such-event") && noted.contains("CLAUDE_PID"), "{noted}");
}

#[test]
fn a_hook_takes_no_noticeable_time() {
    let sandbox = Sandbox::new();
    let (_bob, hooks) = session(&sandbox, "bob");
    // An unoptimized program on a busy machine; the promise of 30 ms is measured, not tested.
    for event in ["session-start", "user-prompt-submit", "stop", "session-end"] {
        c2c_harness::best_of(5, event, Duration::from_millis(200), || {
            let began = Instant::now();
            assert!(hooks.run(event, &none()).status.success());
            began.elapsed()
        });
    }
}
