//! Sessions that take another name.

use super::machine::{LONG, two};
use c2c_harness::NatsServer;
use serde_json::json;

#[test]
fn a_question_is_answered_under_another_name_than_it_was_asked() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let asked = api.start_call("ask", json!({"to": "web@TOWER", "body": "which port?", "timeout_s": 40}));
    let got = web.ok("wait_for_message", json!({"timeout_s": 40}));
    web.ok("register_session", json!({"name": "next"}));
    web.ok("send_message", json!({"reply_to": got["messages"][0]["id"], "body": "4222"}));
    let answered = asked.result(LONG).ok();
    assert_eq!((&answered["timed_out"], &answered["missing"]), (&json!(false), &json!([])), "{answered}");
    let reply = &answered["replies"][0];
    assert_eq!((&reply["body"], &reply["from_name"]), (&json!("4222"), &json!("next@tower")));
}
