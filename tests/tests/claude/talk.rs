//! Two sessions talk.

use super::{STEP, until_waits};
use c2c_harness::{Claude, Model, Sandbox, when};
use serde_json::json;

#[test]
fn two_sessions_exchange_a_question_and_an_answer() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let answering = Model::start(vec![
        when("which port?").calls("send_message", json!({"reply_to": "$id", "body": "port 8080"})),
        when("Wait for questions.").calls("wait_for_message", json!({})),
    ]);
    let asking = Model::start(vec![
        when("port 8080").says("It is 8080."),
        when("Ask the server.").calls("ask", json!({"to": "server", "body": "which port?", "timeout_s": 60})),
    ]);
    let server = claude.session(&sandbox, "server", &answering).print("Wait for questions.");
    until_waits(&sandbox, 1);
    let local = claude.session(&sandbox, "local", &asking).print("Ask the server.");

    let asked = answering.sees("which port?", STEP);
    assert!(asked.news.contains("\"from_name\":\"local\""), "{asked}");
    let answered = asking.sees("port 8080", STEP);
    assert!(answered.news.contains("\"from_name\":\"server\""), "{answered}");
    assert_eq!(local.finish(STEP).trim(), "It is 8080.");
    server.finish(STEP);
    let sent = answering.requests().last().expect("the server's last request").results();
    assert!(sent.iter().any(|result| result.contains("\"id\"")), "the answer was sent: {sent:?}");
    assert_eq!(sandbox.status().map(|status| status.unread), Some(0), "both messages were read");
}
