//! What the server has lost is sent again, whatever is sent meanwhile.

use super::machine::{LONG, two};
use c2c_harness::{NatsServer, look, until};
use serde_json::json;

#[test]
fn what_the_server_has_lost_comes_however_much_follows_it() {
    let Some(mut server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (laptop, mut tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    tower.kill_link();
    api.say("web@tower", "0");
    until("the server has it", LONG, || {
        let sent = api.ok("inbox", json!({"sent": true, "unread_only": false}));
        sent["messages"][0]["receipts"][0]["state"] == "forwarded"
    });
    server.kill();
    server.forget();
    server.run();
    tower.run();
    // From now on the server has something of the laptop's at almost every moment.
    let mut said = 1;
    let came = look(LONG, || {
        api.say("web@tower", &said.to_string());
        said += 1;
        let first = web.ok("inbox", json!({"unread_only": false, "limit": 1}));
        (first["messages"] != json!([])).then_some(())
    });
    assert!(came.is_some(), "nothing came, and {said} were said");
    let all: Vec<String> = (0..said).map(|number| number.to_string()).collect();
    let mut got = Vec::new();
    while got.len() < all.len() {
        let after = got.last().map_or(0, |(id, _)| *id);
        let page = web.ok("inbox", json!({"unread_only": false, "limit": 500, "after_id": after}));
        let messages = page["messages"].as_array().unwrap();
        got.extend(messages.iter().map(|one| (one["id"].as_i64().unwrap(), one["body"].clone())));
        if messages.is_empty() {
            laptop.until_nothing_waits();
        }
    }
    assert!(got.iter().map(|(_, body)| body).eq(all.iter()), "not in order, or not once: {got:?}");
}
