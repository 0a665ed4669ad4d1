//! What goes wrong around a session is not noticed by its model.

use super::{STEP, unread, until_waits};
use c2c_harness::{Claude, Model, Sandbox, alive, until, when};
use serde_json::json;

#[test]
fn a_broker_that_is_killed_during_a_wait_is_not_noticed() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = Model::start(vec![
        when("\"marked\"").says("read"),
        when("still here").calls("mark_read", json!({"message_ids": ["$id"]})),
        when("Wait for mail.").calls("wait_for_message", json!({"timeout_s": 60})),
    ]);
    let mut peer = sandbox.session("peer");
    let waiting = claude.session(&sandbox, "waiting", &model).print("Wait for mail.");
    until_waits(&sandbox, 1);
    let killed = sandbox.kill_broker();
    assert!(!alive(killed));
    peer.say("waiting", "still here");

    assert_eq!(waiting.finish(STEP).trim(), "read");
    let requests = model.requests();
    let turns: Vec<String> = requests.iter().map(ToString::to_string).collect();
    assert_eq!(requests.len(), 3, "a wait, a mark, an end: {turns:#?}");
    let results: Vec<String> = requests.iter().flat_map(c2c_harness::ModelRequest::results).collect();
    assert!(!results.iter().any(|result| result.contains("\"code\"")), "no error was seen: {results:?}");
}

#[test]
fn escape_during_a_wait_loses_no_mail() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = Model::start(vec![
        when("\"marked\"").says("all read"),
        when("Look now.").calls("inbox", json!({})),
        when("first").and("second").calls("mark_read", json!({"message_ids": ["$id"]})),
        when(" for the boss.").calls("wait_for_message", json!({"from": "boss"})),
    ]);
    let mut peer = sandbox.session("peer");
    let mut boss = sandbox.session("boss");
    let session = claude.session(&sandbox, "waiting", &model).interactive();
    session.enter("Wait for the boss.");
    until_waits(&sandbox, 1);
    let first = peer.say("waiting", "first");
    session.key("Escape");
    until_waits(&sandbox, 0);
    session.enter("Wait again for the boss.");
    until_waits(&sandbox, 1);
    // Now the one that is waited for comes in the same moment as the key: whichever wins, nothing is lost.
    let second = boss.say("waiting", "second");
    session.key("Escape");
    until_waits(&sandbox, 0);
    assert!(unread(&mut peer, first) && unread(&mut boss, second), "nobody has read anything");
    session.enter("Look now.");

    let looked =
        model.request("the inbox", STEP, |request| request.results().iter().any(|r| r.contains("first")));
    assert!(looked.news.contains("second"), "{looked}");
    model.sees("\"marked\"", STEP);
    until("the first is read", STEP, || !unread(&mut peer, first));
    session.quit();
}
