//! Mail between machines: two brokers, two links, and a real NATS server between them.

#[cfg(target_os = "linux")]
#[path = "link/apart.rs"]
mod apart;
#[cfg(target_os = "linux")]
#[path = "link/clock.rs"]
mod clock;
#[path = "link/cluster.rs"]
mod cluster;
#[path = "link/counter.rs"]
mod counter;
#[path = "link/encrypted.rs"]
mod encrypted;
#[path = "link/full.rs"]
mod full;
#[path = "link/kept.rs"]
mod kept;
#[path = "link/lost.rs"]
mod lost;
#[path = "link/machine.rs"]
mod machine;
#[path = "link/refused.rs"]
mod refused;
#[path = "link/renamed.rs"]
mod renamed;
#[path = "link/replaced.rs"]
mod replaced;
#[path = "link/restored.rs"]
mod restored;
#[path = "link/shared.rs"]
mod shared;
#[path = "link/three.rs"]
mod three;

use c2c_harness::{NatsServer as Server, PATIENCE, until};
use machine::{Machine, bodies, conversation, two};
use openmetrics_parser::openmetrics::parse_openmetrics;
use serde_json::{Value, json};

#[test]
fn a_question_and_its_answer_cross() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    conversation(&laptop, &tower);
}

#[test]
fn nothing_is_lost_or_doubled_whatever_is_killed() {
    let Some(mut server) = Server::start(&["laptop", "tower"]) else { return };
    let (mut laptop, mut tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let mut said = Vec::new();
    for round in 0..4 {
        for number in 0..10 {
            let body = format!("{round}.{number}");
            api.say("web@tower", &body);
            said.push(body);
        }
        match round {
            0 => {
                server.kill();
                api.say("web@tower", "while there is no server");
                said.push("while there is no server".to_owned());
                // And what it had is gone.
                server.forget();
                server.run();
            }
            1 => {
                laptop.kill_link();
                tower.sandbox.kill_broker();
                laptop.run();
            }
            2 => {
                tower.kill_link();
                laptop.sandbox.kill_broker();
                tower.run();
            }
            _ => {}
        }
    }
    assert_eq!(bodies(&mut web, said.len()), said);
    laptop.until_nothing_waits();
    assert_eq!(bodies(&mut web, said.len()), said, "nor later");
}

#[test]
fn long_bodies_cross_whole() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let (mut api, web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    // More than three times what the server takes at once.
    let body = "ü\u{1f980}x".repeat(500_000);
    api.say("web@tower", &body);
    laptop.until_nothing_waits();
    // What JSON makes six times as long, and many that are together more than a frame.
    let odd = "\u{1}".repeat(3_000_000);
    api.say("web@tower", &odd);
    for number in 0..30 {
        api.say("web@tower", &format!("{number}{}", "x".repeat(700_000)));
    }
    laptop.until_nothing_waits();
    let body_of =
        |id: usize| tower.sandbox.c2c(&["show", &id.to_string(), "--json"]).json()["message"]["body"].clone();
    assert!(body_of(1) == body.as_str(), "it is another one");
    assert!(body_of(2) == odd.as_str(), "it is another one");
    assert_eq!(body_of(32).as_str().unwrap().len(), 700_002);
    drop(web);
}

#[test]
fn a_name_that_is_taken_is_refused_and_so_is_a_stranger() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let second = Machine::start(&server, "laptop");
    second.until_reports("is another store");
    // With the tower's credentials nobody is the laptop.
    let forger = Machine::with(&server, "desk", &server.creds("tower"));
    forger.until_reports("not connected");
    let mut api = laptop.sandbox.session("api");
    api.say("web@tower", "still");
    let mut web = tower.sandbox.session("web");
    assert_eq!(bodies(&mut web, 1), ["still"]);
}

#[test]
fn everything_local_works_without_a_server_and_mail_waits() {
    let Some(mut server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    server.kill();
    let mut api = laptop.sandbox.session("api");
    let mut db = laptop.sandbox.session("db");
    api.say("db", "local");
    assert_eq!(db.inbox_bodies(json!({})), ["local"]);
    api.say("web@tower", "waits");
    let sent = api.ok("inbox", json!({"sent": true, "unread_only": false}));
    assert_eq!(sent["messages"][1]["receipts"][0]["state"], "queued");
    let refused = api.call("send_message", json!({"to": "web@nowhere", "body": "x"}));
    assert!(refused.err(c2c_proto::ErrorCode::NotFound)["hint"].as_str().unwrap().contains("tower"));
    server.run();
    let mut web = tower.sandbox.session("web");
    assert_eq!(bodies(&mut web, 1), ["waits"]);
    laptop.until_nothing_waits();
    // While it is paused nothing moves.
    let _paused = laptop.sandbox.person(&["link", "pause"]);
    laptop.until_reports("paused");
    api.say("web@tower", "later");
    assert_eq!(laptop.state()["nodes"][0]["waiting"], 1);
    let _resumed = laptop.sandbox.person(&["link", "resume"]);
    assert_eq!(bodies(&mut web, 2), ["waits", "later"]);
}

#[test]
fn news_for_everyone_everywhere_waits_where_it_cannot_go_yet() {
    let Some(mut server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let (mut api, mut db) = (laptop.sandbox.session("api"), laptop.sandbox.session("db"));
    let (mut web, mut ops) = (tower.sandbox.session("web"), tower.sandbox.session("ops"));
    server.kill();
    let sent = api.ok("send_message", json!({"to": "*@*", "body": "all hands"}));
    let names: Vec<&Value> =
        sent["recipients"].as_array().unwrap().iter().map(|recipient| &recipient["name"]).collect();
    assert_eq!((&sent["to"], names), (&json!("*@*"), vec![&json!("db"), &json!("*@tower")]));
    assert_eq!(db.inbox_bodies(json!({})), ["all hands"]);
    let mut late = laptop.sandbox.session("late");
    assert_eq!(late.inbox_bodies(json!({})), ["all hands"]);
    let refused = api.call("send_message", json!({"to": ["db", "*@*"], "body": "x"}));
    refused.err(c2c_proto::ErrorCode::InvalidArgument);
    server.run();
    for there in [&mut web, &mut ops] {
        assert_eq!(bodies(there, 1), ["all hands"]);
    }
    until("it is known to be there", PATIENCE, || {
        let sent = api.ok("inbox", json!({"sent": true, "unread_only": false}));
        let receipts = sent["messages"][0]["receipts"].clone();
        receipts.as_array().unwrap().contains(&json!({"name": "*@tower", "state": "delivered"}))
    });
    // Each that is asked counts once, wherever it is.
    let asked = api.start_call("ask", json!({"to": "*@*", "body": "who?", "replies": 3, "timeout_s": 20}));
    for answerer in [&mut db, &mut web, &mut ops] {
        let mut question = Value::Null;
        until("it is asked", PATIENCE, || {
            let mail = answerer.ok("inbox", json!({"query": "who"}));
            question = mail["messages"][0]["id"].clone();
            question.is_i64()
        });
        answerer.ok("send_message", json!({"reply_to": question, "body": "I"}));
    }
    let answered = asked.result(PATIENCE).ok();
    let from = |reply: &Value| reply["from_name"].as_str().map(str::to_owned);
    let mut from: Vec<_> = answered["replies"].as_array().unwrap().iter().filter_map(from).collect();
    from.sort();
    assert_eq!(
        (from, &answered["timed_out"]),
        (vec!["db".into(), "ops@tower".into(), "web@tower".into()], &json!(false))
    );
}

#[test]
fn what_expires_while_the_server_is_down_is_never_sent() {
    let Some(mut server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let mut api = laptop.sandbox.session("api");
    let mut web = tower.sandbox.session("web");
    server.kill();
    until("it is known here", PATIENCE, || {
        laptop.state()["report"].as_str().is_some_and(|report| report.starts_with("not connected"))
    });
    let expiring = json!({"to": "web@tower", "body": "lunch?", "expires_in_s": 1});
    api.ok("send_message", expiring.clone());
    let _said = laptop.sandbox.person(&["send", "web@tower", "lunch, I say", "--expires-in", "1"]);
    let local = json!({"to": "api", "body": "x", "expires_in_s": 1});
    api.call("send_message", local).err(c2c_proto::ErrorCode::InvalidArgument);
    let state = |id: &str| {
        laptop.sandbox.c2c(&["show", id, "--json"]).json()["message"]["receipts"][0]["state"].clone()
    };
    until("their time is over", PATIENCE, || state("1") == "expired" && state("2") == "expired");
    api.say("web@tower", "dinner?");
    server.run();
    assert_eq!(bodies(&mut web, 1), ["dinner?"]);
    laptop.until_nothing_waits();
    tower.until_nothing_waits();
    assert_eq!(bodies(&mut web, 1), ["dinner?"], "nor later");
    assert_eq!((state("1"), state("2")), (json!("expired"), json!("expired")));
    // In time, and known to be there when the time is over.
    api.ok("send_message", expiring);
    assert_eq!(bodies(&mut web, 2), ["dinner?", "lunch?"]);
    until("that is known here", PATIENCE, || state("4") == "shown");
}

#[test]
fn who_is_at_other_nodes_is_known_and_how_old_that_is() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let mut api = laptop.sandbox.session("api");
    let web = tower.sandbox.session("web");
    let mut seen = |online: bool| {
        until("the laptop knows", PATIENCE, || {
            let listed = api.ok("list_sessions", json!({"nodes": "all"}));
            let node = &listed["nodes"][0];
            let known = json!([{"name": "web@tower", "online": online, "waiting": false}]);
            node["node"] == "tower" && node["told_at"].is_string() && node["sessions"] == known
        });
    };
    seen(true);
    drop(web);
    seen(false);
    assert!(api.ok("list_sessions", json!({})).get("nodes").is_none(), "only when asked");
    let listed = laptop.sandbox.person(&["sessions", "--nodes"]);
    assert!(listed.contains("web@tower") && listed.contains("told "), "{listed}");
}

#[test]
fn what_the_link_does_is_told_in_figures() {
    let Some(mut server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, mut tower) = two(&server);
    let mut api = laptop.sandbox.session("api");
    let mut web = tower.sandbox.session("web");
    let parcels = |machine: &Machine, which: &str| machine.state()["parcels"][which].as_u64().unwrap();
    api.say("web@tower", "there");
    assert_eq!(bodies(&mut web, 1), ["there"]);
    laptop.until_nothing_waits();
    // What the inbox above has shown goes back as a parcel, or several.
    until("receipts have come", PATIENCE, || parcels(&laptop, "brought") >= 1);
    assert_eq!(parcels(&laptop, "accepted"), 1);
    // What is for a node that is not there lies on the server.
    tower.kill_link();
    api.say("web@tower", "away");
    until("it is forwarded", PATIENCE, || parcels(&laptop, "forwarded") == 1);
    tower.run();
    assert_eq!(bodies(&mut web, 2), ["there", "away"]);
    laptop.until_nothing_waits();
    assert_eq!(parcels(&laptop, "accepted"), 2);
    assert_eq!(parcels(&tower, "brought"), 2, "none twice");
    let state = laptop.state();
    assert!(state["connected_since"].is_string() && state["server"]["messages"].is_u64(), "{state}");

    let metrics = || {
        let text = laptop.sandbox.person(&["metrics"]);
        let readable: String = text
            .lines()
            .filter(|line| {
                !line.starts_with("# UNIT c2c_call_duration")
                    && !line.starts_with("# UNIT c2c_commit_duration")
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let _read = parse_openmetrics(&readable).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        text
    };
    let text = metrics();
    for line in [
        "c2c_link_connected 1",
        "c2c_link_parcels_forwarded_total 1",
        "c2c_link_parcels_accepted_total 2",
        "c2c_outbox_parcels{node=\"tower\"} 0",
        "c2c_outbox_oldest_seconds{node=\"tower\"} 0.0",
    ] {
        assert!(text.lines().any(|one| one == line), "no {line}: {text}");
    }

    server.kill();
    until("it is not connected", PATIENCE, || laptop.state()["connected_since"].is_null());
    api.say("web@tower", "waits");
    let state = laptop.state();
    let node = &state["nodes"][0];
    assert_eq!((&node["waiting"], &node["forwarded"]), (&json!(1), &json!(false)), "{state}");
    assert!(node["oldest_s"].is_u64() && state["last_error"]["error"].is_string(), "{state}");
    let text = metrics();
    for line in ["c2c_link_connected 0", "c2c_outbox_parcels{node=\"tower\"} 1"] {
        assert!(text.lines().any(|one| one == line), "no {line}: {text}");
    }
    let table = laptop.sandbox.person(&["status"]);
    assert!(table.contains("link        not connected, 1 parcel waits"), "{table}");
    let table = laptop.sandbox.person(&["link", "status"]);
    assert!(table.contains("1 waits, the oldest for ") && table.contains("still here"), "{table}");
}

#[test]
fn a_node_can_neither_write_in_anothers_name_nor_read_its_mail() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (_laptop, _tower) = two(&server);
    for refused in [
        "SUB _INBOX_laptop.> 1",
        "SUB _INBOX.> 2",
        "SUB c2c.v1.to.laptop.> 3",
        "SUB c2c.v1.direct.laptop.from.* 4",
        "PUB c2c.v1.direct.tower.from.laptop 2\r\n{}",
        "PUB c2c.v1.to.tower.from.laptop 2\r\n{}",
        "PUB $JS.API.STREAM.UPDATE.C2C 2\r\n{}",
        "PUB $JS.API.STREAM.PURGE.C2C 2\r\n{}",
        "PUB $JS.API.CONSUMER.CREATE.C2C.tower.c2c.v1.to.laptop.from.* 2\r\n{}",
        "PUB $JS.API.CONSUMER.MSG.NEXT.C2C.laptop 2\r\n{}",
        "PUB $KV.c2c-nodes.laptop 2\r\n{}",
    ] {
        let answer = server.say("tower", refused);
        assert!(answer.contains("Permissions Violation"), "{refused}: {answer}");
    }
    let allowed = server.say("tower", "PUB c2c.v1.to.laptop.from.tower 2\r\n{}");
    assert!(!allowed.contains("Violation"), "{allowed}");
}

#[test]
fn what_the_server_is_made_to_say_in_anothers_name_is_not_taken() {
    let Some(server) = Server::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    // A sound parcel, in a place where the tower may write.
    let content = "{\"kind\":\"receipts\",\"receipts\":[]}";
    let hash = "cf225d4784c61aa808420c6a3496d49772515acc0430126ab3c65d1fc30bd4ab";
    let headers = format!(
        "NATS/1.0\r\nC2c-Store: s\r\nC2c-Number: 7\r\nC2c-After: 0\r\nC2c-Part: 0\r\nC2c-Parts: 1\r\nC2c-Hash: {hash}\r\n\r\n"
    );
    let (length, whole) = (headers.len(), headers.len() + content.len());
    let put = format!("HPUB $KV.c2c-presence.tower {length} {whole}\r\n{headers}{content}");
    // The server is asked for it, and to answer where only the desk may write.
    let get = "PUB $JS.API.DIRECT.GET.KV_c2c-presence.$KV.c2c-presence.tower";
    // Or to deliver what the tower has for itself, which nobody else takes meanwhile.
    let _paused = tower.sandbox.person(&["link", "pause"]);
    tower.until_reports("paused");
    let own = format!("HPUB c2c.v1.to.tower.from.tower {length} {whole}\r\n{headers}{content}");
    let next = "PUB $JS.API.CONSUMER.MSG.NEXT.C2C.tower";
    for (first, ask) in [(&put, get), (&own, next)] {
        for place in ["c2c.v1.to.laptop.from.desk", "c2c.v1.direct.laptop.from.desk"] {
            let answer = server.say("tower", &format!("{first}\r\n{ask} {place} 0\r\n"));
            assert!(!answer.contains("Violation"), "{answer}");
        }
    }
    let _goes_on = tower.sandbox.person(&["link", "resume"]);
    // What is sent after that has come after that.
    let (mut web, mut api) = (tower.sandbox.session("web"), laptop.sandbox.session("api"));
    web.say("api@laptop", "honest");
    assert_eq!(bodies(&mut api, 1), ["honest"]);
    assert!(!laptop.knows("desk"), "{}", laptop.state());
}
