//! Names: how a session gets one, keeps it, and loses it.

use c2c_harness::{PATIENCE, Sandbox, Shim};
use c2c_proto::ErrorCode::{NotRegistered, Superseded};
use serde_json::{Value, json};

/// A shim without `C2C_NAME` in this folder.
fn unnamed(sandbox: &Sandbox, folder: &str) -> Shim {
    sandbox.shim().cwd(&sandbox.folder(folder)).session()
}

#[track_caller]
fn until_offline(observer: &mut Shim, name: &str) {
    c2c_harness::until(&format!("{name} is offline"), PATIENCE, || {
        observer.row_of(name).is_none_or(|row| row["online"] == false)
    });
}

#[test]
fn the_name_comes_from_the_folder() {
    let sandbox = Sandbox::new();
    assert_eq!(unnamed(&sandbox, "api").own_name(), "api");
    assert_eq!(unnamed(&sandbox, "my project (2)").own_name(), "my-project--2-");
    assert_eq!(unnamed(&sandbox, "日本").own_name(), "session");
    let project = sandbox.folder("web");
    let mut shim = sandbox.shim().env("CLAUDE_PROJECT_DIR", project.to_str().unwrap()).session();
    assert_eq!(shim.own_name(), "web", "the project's folder counts before the working directory");
    let mut shim = sandbox.shim().name("").env("CLAUDE_PROJECT_DIR", "").cwd(&sandbox.folder("db")).session();
    assert_eq!(shim.own_name(), "db", "an empty variable is an absent one");
}

#[test]
fn c2c_name_goes_before_the_folder_and_is_cleaned() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.session("local").own_name(), "local");
    assert_eq!(sandbox.session("my name!").own_name(), "my-name-");
    assert_eq!(sandbox.session("..dots").own_name(), "dots");
    assert_eq!(sandbox.session(&"x".repeat(80)).own_name(), "x".repeat(56));
}

#[test]
fn a_live_name_is_never_taken_automatically() {
    let sandbox = Sandbox::new();
    let mut first = unnamed(&sandbox, "api");
    let mut second = unnamed(&sandbox, "api");
    let mut third = unnamed(&sandbox, "API");
    assert_eq!(first.own_name(), "api");
    assert_eq!(second.own_name(), "api-2");
    assert_eq!(third.own_name(), "API-3");
    assert_eq!(sandbox.session("Api").own_name(), "Api-4");
}

#[test]
fn an_offline_name_gives_way_in_its_own_folder_only() {
    let sandbox = Sandbox::new();
    let mut observer = sandbox.session("observer");
    let (here, there) = (sandbox.folder("one/api"), sandbox.folder("two/api"));
    let mut first = sandbox.shim().cwd(&here).session();
    let row = first.own_row()["session_id"].clone();
    observer.say("api", "for whoever is api");
    drop(first);
    until_offline(&mut observer, "api");
    let mut elsewhere = sandbox.shim().cwd(&there).session();
    assert_eq!(elsewhere.own_name(), "api-2", "seen lately, in another folder");
    assert!(elsewhere.inbox_ids(json!({})).is_empty());
    let mut again = sandbox.shim().cwd(&here).session();
    assert_eq!(again.own_name(), "api");
    assert_ne!(again.own_row()["session_id"], row, "the offline row became stale");
    assert_eq!(again.inbox_bodies(json!({})), ["for whoever is api"], "mail belongs to the name");
    let all = observer.ok("list_sessions", json!({"active_within_min": 1000}));
    assert!(!all.to_string().contains("-stale-"), "stale rows are never listed: {all}");
}

#[test]
fn without_a_name_only_two_tools_work() {
    let sandbox = Sandbox::new();
    let mut other = sandbox.session("other");
    let mut shim = sandbox.shim().name("-").start();
    shim.ok("list_sessions", json!({}));
    for (tool, arguments) in [
        ("send_message", json!({"to": "other", "body": "x"})),
        ("inbox", json!({})),
        ("mark_read", json!({"message_ids": [1]})),
        ("wait_for_message", json!({"timeout_s": 1})),
        ("ask", json!({"to": "other", "body": "x", "timeout_s": 1})),
        ("set_state", json!({"key": "k", "value": 1})),
        ("get_state", json!({})),
        ("delete_state", json!({"key": "k"})),
        ("prune", json!({})),
        ("heartbeat", json!({})),
    ] {
        let error = shim.call(tool, arguments).err(NotRegistered);
        assert!(error["hint"].as_str().unwrap().contains("register_session"), "{tool}: {error}");
    }
    assert!(other.inbox_ids(json!({})).is_empty());
    assert_eq!(shim.ok("register_session", json!({"name": "chosen"}))["name"], "chosen");
    assert_eq!(shim.say("other", "now"), other.inbox_ids(json!({}))[0]);
}

#[test]
fn a_client_session_that_comes_back_has_its_name_again() {
    let sandbox = Sandbox::new();
    let mut observer = sandbox.session("observer");
    let resumed = |folder: &str| {
        sandbox.shim().cwd(&sandbox.folder(folder)).env("CLAUDE_CODE_SESSION_ID", "6f9a-1").session()
    };
    let mut first = resumed("api");
    first.ok("register_session", json!({"name": "chosen", "metadata": {"n": 1}}));
    let sent = first.say("observer", "from before");
    drop(first);
    until_offline(&mut observer, "chosen");
    observer.say("chosen", "while you were away");
    let mut second = resumed("elsewhere");
    assert_eq!(second.own_name(), "chosen");
    assert_eq!(second.inbox_bodies(json!({})), ["while you were away"]);
    assert_eq!(second.inbox_ids(json!({"sent": true})), [sent], "the row is the same");
}

#[test]
fn two_shims_of_one_client_session_are_one_session() {
    let sandbox = Sandbox::new();
    let mut observer = sandbox.session("observer");
    let twin = || sandbox.shim().name("twin").env("CLAUDE_CODE_SESSION_ID", "6f9a-2").session();
    let (mut first, mut second) = (twin(), twin());
    assert_eq!(first.own_row()["session_id"], second.own_row()["session_id"]);
    assert_eq!(second.own_name(), "twin");
    let id = observer.say("twin", "hello");
    assert_eq!(first.inbox_ids(json!({})), [id]);
    assert_eq!(second.inbox_ids(json!({})), [id]);
    drop(first);
    c2c_harness::until("one connection is gone", PATIENCE, || {
        sandbox.status().is_some_and(|s| s.connections == 3)
    });
    assert_eq!(observer.row_of("twin").unwrap()["online"], true, "the other one holds it");
    drop(second);
    until_offline(&mut observer, "twin");
    // The same client session under another parent is another session while the first lives.
    let _holder = twin();
    let options = sandbox.shim().name("twin").env("CLAUDE_CODE_SESSION_ID", "6f9a-2");
    if cfg!(unix) {
        let mut between = std::process::Command::new("/bin/sh");
        between.args(["-c", "\"$0\"; exit", c2c_harness::binary("c2c-shim").to_str().unwrap()]);
        let mut other = options.spawn_through(between);
        other.initialize();
        assert_eq!(other.own_name(), "twin-2");
        other.close_stdin();
        other.wait_exit(PATIENCE).expect("the shell ends with the shim");
    }
}

#[test]
fn the_sender_is_who_the_broker_knows_and_not_who_the_shim_wants_to_be() {
    let sandbox = Sandbox::new();
    let (mut first, mut second) = (sandbox.session("api"), sandbox.session("api"));
    let mut bob = sandbox.session("bob");
    let (one, two) = (first.say("bob", "from the first"), second.say("bob", "from the second"));
    second.ok("register_session", json!({"name": "web"}));
    let three = second.say("bob", "under another name");
    let page = bob.ok("inbox", json!({}));
    let senders: Vec<_> = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["id"].as_i64().unwrap(), message["from_name"].as_str().unwrap()))
        .collect();
    assert_eq!(senders, [(one, "api"), (two, "api-2"), (three, "web")]);
}

#[test]
fn g9_register_session_takes_a_name_from_a_live_holder() {
    let sandbox = Sandbox::new();
    let (mut old, mut new) = (sandbox.session("api"), sandbox.session("other"));
    let mut sender = sandbox.session("sender");
    let id = sender.say("api", "for the name");
    let seen = sender.ok("send_message", json!({"to": "*", "body": "to all"}))["id"].as_i64().unwrap();
    let old_row = old.own_row()["session_id"].clone();
    let wait = old.start_call("wait_for_message", json!({"from": "nobody", "timeout_s": 600}));
    sender.until_waiting("api");
    let taken = new.ok("register_session", json!({"name": "API"}));
    assert_eq!(taken["superseded"]["session_id"], old_row);
    assert_eq!(taken["superseded"]["online"], true);
    let stale = taken["superseded"]["name"].as_str().unwrap();
    assert!(stale.starts_with("api-stale-"), "{stale}");
    wait.result(PATIENCE).err(Superseded);
    for (tool, arguments) in [
        ("send_message", json!({"to": "sender", "body": "x"})),
        ("inbox", json!({})),
        ("set_state", json!({"key": "k", "value": 1})),
        ("heartbeat", json!({})),
    ] {
        let error = old.call(tool, arguments).err(Superseded);
        assert!(error["hint"].as_str().unwrap().contains("register_session"), "{error}");
    }
    assert!(new.inbox_ids(json!({})).contains(&id), "mail belongs to the name");
    let back = old.ok("register_session", json!({"name": "api-old"}));
    assert_ne!(back["session_id"], old_row, "a new row");
    assert!(!old.inbox_ids(json!({"unread_only": false})).contains(&id), "without the mail");
    assert!(
        !old.inbox_ids(json!({"unread_only": false})).contains(&seen),
        "and broadcasts that it got before"
    );
    assert!(old.inbox_ids(json!({"sent": true})).is_empty());
}

#[test]
fn g9_the_superseded_one_does_not_win_its_name_back_by_itself() {
    let sandbox = Sandbox::new();
    let (mut old, mut new) = (sandbox.session("api"), sandbox.session("other"));
    new.ok("register_session", json!({"name": "api"}));
    sandbox.kill_broker();
    old.call("heartbeat", json!({})).err(Superseded);
    assert_eq!(new.own_name(), "api", "not even over a restart");
}

#[test]
fn a_rename_takes_the_unread_mail_along() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let read = alice.say("bob", "read before");
    bob.ok("mark_read", json!({"message_ids": [read]}));
    let unread = alice.say("bob", "unread");
    bob.ok("register_session", json!({"name": "robert"}));
    assert_eq!(bob.inbox_ids(json!({})), [unread]);
    assert_eq!(bob.inbox_ids(json!({"unread_only": false})), [read, unread], "delivered mail stays visible");
    let answer = bob.ok("send_message", json!({"reply_to": read, "body": "as robert"}));
    assert_eq!(answer["to"], "alice", "and answerable");
    let mut next = sandbox.session("bob");
    assert_eq!(next.own_name(), "bob");
    assert!(next.inbox_ids(json!({})).is_empty(), "the next bob has none of it");
}

#[test]
fn a_broker_restart_keeps_sessions_and_names() {
    let sandbox = Sandbox::new();
    let mut shims: Vec<Shim> = (0..5).map(|_| unnamed(&sandbox, "api")).collect();
    let before: Vec<Value> = shims.iter_mut().map(|shim| shim.own_row()["session_id"].clone()).collect();
    sandbox.kill_broker();
    // A stranger that comes first must not get a name that is kept for its holder.
    let stranger = sandbox.shim().cwd(&sandbox.folder("api")).session().own_name();
    assert_eq!(stranger, "api-6");
    for (at, shim) in shims.iter_mut().enumerate() {
        let expected = if at == 0 { "api".to_owned() } else { format!("api-{}", at + 1) };
        assert_eq!(shim.own_name(), expected);
        assert_eq!(shim.own_row()["session_id"], before[at]);
    }
}

#[test]
fn a_closed_connection_is_offline_within_a_second() {
    let sandbox = Sandbox::new();
    let mut observer = sandbox.session("observer");
    c2c_harness::best_of(3, "from the kill to offline", std::time::Duration::from_secs(1), || {
        let mut shim = sandbox.session("bob");
        assert_eq!(observer.row_of("bob").unwrap()["online"], true);
        shim.kill();
        let killed = std::time::Instant::now();
        until_offline(&mut observer, "bob");
        killed.elapsed()
    });
}
