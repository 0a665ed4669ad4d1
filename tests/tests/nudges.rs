//! Nudges: who is told of mail, when, how often, and by which way. The client's inbox socket is played by the test.

#![cfg(unix)]

use c2c_harness::{Hooks, InboxSocket, PATIENCE, Sandbox, Shim, binary, until, until_some};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than a nudge takes that is on its way: none comes after this.
const NONE_WITHIN: Duration = Duration::from_millis(2_800);
/// A nudge of an idle session is there by then, even on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// A session whose client has an inbox socket.
fn with_socket(sandbox: &Sandbox, name: &str, env: &[(&str, &str)]) -> (Shim, InboxSocket) {
    let socket = InboxSocket::in_folder(&sandbox.folder(name));
    let mut options = sandbox.shim().name(name).client("claude-code");
    for (name, value) in socket.env() {
        options = options.env(name, &value);
    }
    for (name, value) in env {
        options = options.env(name, value);
    }
    (options.session(), socket)
}

/// What `c2c status` says of one session's nudges.
fn push_state(sandbox: &Sandbox, name: &str) -> Value {
    let output = Command::new(binary("c2c"))
        .args(["status", "--json"])
        .env_clear()
        .envs(sandbox.env())
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    let states = status["push"].as_array().unwrap();
    states.iter().find(|state| state["name"] == name).cloned().unwrap_or_default()
}

fn until_outcome(sandbox: &Sandbox, name: &str) -> String {
    until_some("an outcome in the status", PATIENCE, || {
        push_state(sandbox, name)["last"]["outcome"].as_str().map(str::to_owned)
    })
}

#[test]
fn a_message_to_an_idle_session_is_announced_once_without_its_body() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (_bob, socket) = with_socket(&sandbox, "bob", &[]);
    let id =
        alice.ok("send_message", json!({"to": "bob", "body": "the secret text", "tag": "handoff"}))["id"]
            .clone();
    let post = socket.next(SOON);
    let expected = format!("#{id} from alice tag handoff. 1 unread in all.");
    assert!(post.text.contains(&expected) && !post.text.contains("secret"), "{}", post.text);
    assert!(post.text.contains(&format!("send_message(reply_to={id})")), "{}", post.text);
    assert_eq!(until_outcome(&sandbox, "bob"), "delivered");
    let state = push_state(&sandbox, "bob");
    assert_eq!((&state["choice"], &state["way"]), (&json!("auto"), &json!("socket")));
    assert_eq!(socket.look(NONE_WITHIN), None, "announced a second time");
}

#[test]
fn ten_messages_in_a_second_are_one_nudge() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (mut bob, socket) = with_socket(&sandbox, "bob", &[]);
    let ids: Vec<i64> = (0..10).map(|number| alice.say("bob", &format!("number {number}"))).collect();
    let post = socket.next(SOON);
    assert!(post.text.contains("10 new messages") && post.text.contains("and 5 before"), "{}", post.text);
    assert_eq!(bob.inbox_ids(json!({})), ids);
    assert_eq!(socket.look(NONE_WITHIN), None);
}

#[test]
fn two_nudges_of_one_session_are_two_seconds_apart() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (_bob, socket) = with_socket(&sandbox, "bob", &[]);
    alice.say("bob", "one");
    let first = socket.next(SOON);
    let ids = [alice.say("bob", "two"), alice.say("bob", "three")];
    let second = socket.next(SOON);
    assert!(second.at - first.at > Duration::from_millis(1_900), "{:?}", second.at - first.at);
    assert!(
        second.text.contains("2 new messages") && second.text.contains(&format!("#{}", ids[1])),
        "{}",
        second.text
    );
    assert_ne!(first.text, second.text, "the client drops repetitions");
}

#[test]
fn what_a_wait_takes_is_not_announced_and_what_it_does_not_match_is() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (mut bob, socket) = with_socket(&sandbox, "bob", &[]);
    let wait = bob.start_call("wait_for_message", json!({"timeout_s": 60}));
    alice.until_waiting("bob");
    alice.say("bob", "taken");
    assert_eq!(wait.ok()["messages"].as_array().unwrap().len(), 1);
    assert_eq!(socket.look(NONE_WITHIN), None);
    let wait = bob.start_call("wait_for_message", json!({"timeout_s": 60, "tag": "other"}));
    alice.until_waiting("bob");
    let id = alice.say("bob", "does not match");
    assert!(socket.next(SOON).text.contains(&format!("#{id} from alice")));
    alice.ok("send_message", json!({"to": "bob", "body": "x", "tag": "other"}));
    wait.ok();
}

#[test]
fn mail_that_was_read_or_is_only_for_information_is_not_announced() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (mut bob, socket) = with_socket(&sandbox, "bob", &[]);
    alice.ok("send_message", json!({"to": "bob", "body": "for information", "priority": "fyi"}));
    assert_eq!(socket.look(NONE_WITHIN), None, "fyi");
    alice.say("bob", "first");
    let _first = socket.next(SOON);
    // Due in two seconds; read before that.
    alice.say("bob", "second");
    assert_eq!(bob.inbox_ids(json!({})).len(), 3);
    assert_eq!(socket.look(NONE_WITHIN), None, "read meanwhile");
}

#[test]
fn mail_from_before_the_session_is_not_announced_and_what_came_during_an_outage_is() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    alice.say("bob", "queued before");
    let (mut bob, socket) = with_socket(&sandbox, "bob", &[]);
    assert_eq!(socket.look(NONE_WITHIN), None, "queued before it connected");
    alice.say("bob", "announced");
    let _announced = socket.next(SOON);
    sandbox.kill_broker();
    let id = alice.say("bob", "sent after the crash");
    assert!(socket.next(SOON).text.contains(&format!(": #{id} from alice")));
    assert_eq!(bob.inbox_ids(json!({})).len(), 3);
    assert_eq!(socket.look(NONE_WITHIN), None, "announced again after the crash");
}

#[test]
fn a_socket_that_nobody_listens_at_harms_nothing_and_leaves_the_mail_to_the_hooks() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (mut bob, socket) = with_socket(&sandbox, "bob", &[]);
    std::fs::remove_file(sandbox.folder("bob").join("inbox.sock")).unwrap();
    let id = alice.say("bob", "hello");
    let outcome = until_outcome(&sandbox, "bob");
    assert!(outcome.contains("inbox socket"), "{outcome}");
    assert_eq!(bob.inbox_ids(json!({})), [id]);
    drop(socket);
    // It is there again: the next message goes this way.
    let socket = InboxSocket::in_folder(&sandbox.folder("bob"));
    let id = alice.say("bob", "again");
    assert!(socket.next(SOON).text.contains(&format!("#{id} from alice")));
}

#[test]
fn a_socket_that_takes_nothing_does_not_block_the_session() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let folder = sandbox.folder("bob");
    let path = folder.join("inbox.sock");
    // Nobody accepts: what is written fills the socket's buffer or not, and never comes back.
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let socket = path.to_string_lossy().into_owned();
    let mut bob = sandbox
        .shim()
        .name("bob")
        .client("claude-code")
        .env("CLAUDE_CODE_MESSAGING_SOCKET", &socket)
        .env("CLAUDE_CODE_MESSAGING_TOKEN", "t")
        .session();
    let id = alice.say("bob", "hello");
    let began = Instant::now();
    assert_eq!(bob.inbox_ids(json!({})), [id]);
    assert!(began.elapsed() < Duration::from_secs(1));
    drop(listener);
}

#[test]
fn the_environment_and_the_configuration_choose() {
    let sandbox = Sandbox::with_config("push = \"off\"\n");
    let mut alice = sandbox.session("alice");
    let (_bob, bobs) = with_socket(&sandbox, "bob", &[]);
    let (_carol, carols) = with_socket(&sandbox, "carol", &[("C2C_PUSH", "socket")]);
    alice.ok("send_message", json!({"to": ["bob", "carol"], "body": "hello"}));
    let _told = carols.next(SOON);
    assert_eq!(bobs.look(NONE_WITHIN), None);
    let state = push_state(&sandbox, "bob");
    assert_eq!(
        (&state["choice"], &state["way"], &state["last"]),
        (&json!("off"), &json!("hooks"), &Value::Null)
    );
    assert_eq!(push_state(&sandbox, "carol")["choice"], "socket");
}

#[test]
fn a_channel_notification_is_sent_when_asked_for() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let mut bob = sandbox.shim().name("bob").env("C2C_PUSH", "channel").spawn();
    let initialized = bob.initialize();
    assert_eq!(initialized["capabilities"]["experimental"], json!({"claude/channel": {}}));
    assert_eq!(bob.own_name(), "bob");
    let id = alice.say("bob", "the secret text");
    let said = bob.wire().notification("notifications/claude/channel", SOON).expect("a notification");
    let content = said["params"]["content"].as_str().unwrap();
    assert!(content.contains(&format!("#{id} from alice")) && !content.contains("secret"), "{said}");
    until("the outcome is known", PATIENCE, || push_state(&sandbox, "bob")["last"]["outcome"] == "delivered");
}

#[test]
fn a_burst_counts_as_the_one_nudge_that_it_is() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (_bob, socket) = with_socket(&sandbox, "bob", &[]);
    for number in 0..25 {
        alice.say("bob", &format!("number {number}"));
    }
    assert!(socket.next(SOON).text.contains("25 new messages"));
    let id = alice.say("bob", "one more");
    assert!(socket.next(SOON).text.contains(&format!(": #{id} from alice")));
}

#[test]
fn mail_of_several_nudges_that_failed_is_told_by_the_next_hook() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let (_bob, socket) = with_socket(&sandbox, "bob", &[]);
    std::fs::remove_file(sandbox.folder("bob").join("inbox.sock")).unwrap();
    drop(socket);
    let first = alice.say("bob", "first");
    until_outcome(&sandbox, "bob");
    let second = alice.say("bob", "second");
    let hooks = Hooks::new(&sandbox, "none");
    let text = until_some("both are told", PATIENCE, || {
        let text = hooks.text("user-prompt-submit", &json!({}));
        (!text.is_empty()).then_some(text)
    });
    // Perhaps the second one was on its way once more.
    let more = || hooks.text("user-prompt-submit", &json!({}));
    let told = if text.contains(&format!("#{second} ")) {
        text
    } else {
        text + &until_some("the second", PATIENCE, || Some(more()).filter(|text| !text.is_empty()))
    };
    assert!(told.contains(&format!("#{first} ")) && told.contains(&format!("#{second} ")), "{told}");
}

#[test]
fn what_a_question_waits_for_is_not_announced_and_what_it_left_is() {
    let sandbox = Sandbox::new();
    let (mut alice, mut dave) = (sandbox.session("alice"), sandbox.session("dave"));
    let (mut carol, socket) = with_socket(&sandbox, "carol", &[]);
    let mut ask = |timeout_s: u64| {
        carol.start_call("ask", json!({"to": ["alice", "dave"], "body": "ready?", "timeout_s": timeout_s}))
    };
    let answered = ask(600);
    let question = until_some("the question", PATIENCE, || alice.inbox_ids(json!({})).first().copied());
    alice.ok("send_message", json!({"reply_to": question, "body": "yes"}));
    assert_eq!(socket.look(NONE_WITHIN), None, "the blocked question takes it");
    dave.ok("send_message", json!({"reply_to": question, "body": "yes"}));
    assert_eq!(answered.ok()["replies"].as_array().unwrap().len(), 2);
    let cancelled = ask(600);
    let question = until_some("the question", PATIENCE, || alice.inbox_ids(json!({})).first().copied());
    let reply = alice.ok("send_message", json!({"reply_to": question, "body": "yes"}))["id"].clone();
    cancelled.cancel(&mut carol);
    assert!(socket.next(SOON).text.contains(&format!("#{reply} from alice")));
}

#[test]
fn a_crash_repeats_nothing_for_a_session_with_two_servers() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let env = [("CLAUDE_CODE_SESSION_ID", "s1")];
    let (mut first, one) = with_socket(&sandbox, "bob", &env);
    let (mut second, other) = with_socket(&sandbox, "bob", &env);
    assert_eq!(first.own_name(), second.own_name());
    let id = alice.say("bob", "announced");
    let next = || one.look(Duration::from_millis(50)).or_else(|| other.look(Duration::from_millis(50)));
    assert!(until_some("a nudge", SOON, next).text.contains(&format!("#{id} from alice")));
    until("it is known to be there", PATIENCE, || {
        push_state(&sandbox, "bob")["last"]["outcome"] == "delivered"
    });
    for _ in 0..2 {
        sandbox.kill_broker();
        assert_eq!((first.own_name(), second.own_name()), ("bob".to_owned(), "bob".to_owned()));
        assert_eq!((one.look(NONE_WITHIN), other.look(Duration::ZERO)), (None, None), "told again");
    }
}

#[test]
fn another_client_that_inherited_the_inbox_of_the_session_around_it_does_not_write_there() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let socket = InboxSocket::in_folder(&sandbox.folder("outer"));
    let mut options = sandbox.shim().name("inner").client("codex");
    for (name, value) in socket.env() {
        options = options.env(name, &value);
    }
    let _inner = options.session();
    alice.say("inner", "not for the outer one");
    assert_eq!(socket.look(NONE_WITHIN), None);
    assert_eq!(push_state(&sandbox, "inner")["way"], "hooks");
}
