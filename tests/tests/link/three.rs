//! Three nodes: each writes to each, and one asks at two others at once.

use super::machine::{LONG, Machine, bodies};
use c2c_harness::{NatsServer, Shim, until};
use serde_json::{Value, json};

const NODES: [&str; 3] = ["laptop", "tower", "desk"];

fn three(server: &NatsServer) -> Vec<Machine> {
    let machines: Vec<Machine> = NODES.iter().map(|node| Machine::start(server, node)).collect();
    for (machine, own) in machines.iter().zip(NODES) {
        for other in NODES.iter().filter(|other| **other != own) {
            machine.until_knows(other);
        }
    }
    machines
}

fn answer(session: &mut Shim, body: &str) -> Value {
    let got = session.ok("wait_for_message", json!({"timeout_s": 60, "tag": "question"}));
    let id = got["messages"][0]["id"].clone();
    session.ok("send_message", json!({"reply_to": id, "body": body}))
}

#[test]
fn each_of_three_writes_to_each_and_answers_find_their_way() {
    let Some(server) = NatsServer::start(&NODES) else { return };
    let machines = three(&server);
    // The same name everywhere: only the node tells them apart.
    let mut sessions: Vec<Shim> = machines.iter().map(|machine| machine.sandbox.session("s")).collect();
    for (from, node) in NODES.iter().enumerate() {
        for to in NODES.iter().filter(|to| *to != node) {
            sessions[from].say(&format!("s@{to}"), &format!("{node} to {to}"));
        }
    }
    for (at, node) in NODES.iter().enumerate() {
        let mut got = bodies(&mut sessions[at], 2);
        got.sort();
        let mut meant: Vec<String> =
            NODES.iter().filter(|from| *from != node).map(|from| format!("{from} to {node}")).collect();
        meant.sort();
        assert_eq!(got, meant);
    }
    for (at, node) in NODES.iter().enumerate() {
        let listed = sessions[at].ok("inbox", json!({"limit": 500}));
        let messages = listed["messages"].as_array().unwrap();
        for message in messages.iter().filter(|message| message["reply_to"].is_null()) {
            let reply = json!({"reply_to": message["id"], "body": format!("{node} has it")});
            let sent = sessions[at].ok("send_message", reply);
            assert_eq!(sent["to"], message["from_name"], "{sent}");
        }
    }
    for (at, node) in NODES.iter().enumerate() {
        let got = bodies(&mut sessions[at], 4);
        for other in NODES.iter().filter(|other| *other != node) {
            assert_eq!(got.iter().filter(|body| **body == format!("{other} has it")).count(), 1, "{got:?}");
        }
        machines[at].until_nothing_waits();
    }
}

#[test]
fn a_question_to_a_list_gathers_answers_of_two_other_nodes() {
    let Some(server) = NatsServer::start(&NODES) else { return };
    let machines = three(&server);
    let mut sessions: Vec<Shim> = ["api", "web", "db"]
        .iter()
        .zip(&machines)
        .map(|(name, machine)| machine.sandbox.session(name))
        .collect();
    let question =
        json!({"to": ["web@tower", "db@desk"], "body": "ready?", "tag": "question", "timeout_s": 60});
    let asked = sessions[0].start_call("ask", question);
    let [_, web, db] = &mut sessions[..] else { panic!("three") };
    let (of_web, of_db) = (answer(web, "web is"), answer(db, "db is"));
    assert_eq!((&of_web["to"], &of_db["to"]), (&json!("api@laptop"), &json!("api@laptop")));
    let answered = asked.result(LONG).ok();
    let mut replies: Vec<(&str, &str)> = answered["replies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reply| (reply["from_name"].as_str().unwrap(), reply["body"].as_str().unwrap()))
        .collect();
    replies.sort_unstable();
    assert_eq!(replies, [("db@desk", "db is"), ("web@tower", "web is")]);
    assert_eq!((&answered["missing"], &answered["timed_out"]), (&json!([]), &json!(false)));
    // Of one message to two nodes each tells for itself.
    until("both receipts say so", LONG, || {
        let sent = sessions[0].ok("inbox", json!({"sent": true, "unread_only": false}));
        let receipts = sent["messages"][0]["receipts"].as_array().unwrap().clone();
        receipts.len() == 2 && receipts.iter().all(|receipt| receipt["state"] == "read")
    });
}
