//! What the server keeps, how long, and until when.

use super::machine::{LONG, Machine, bodies, two};
use c2c_harness::{NatsServer, until};
use serde_json::{Value, json};
use std::time::Duration;

const DAY_S: u64 = 24 * 3_600;

/// A parcel without receipts, in two parts; the hash is that of both.
const PARTS: [&str; 2] = ["{\"kind\":\"receipts\",", "\"receipts\":[]}"];
const HASH: &str = "cf225d4784c61aa808420c6a3496d49772515acc0430126ab3c65d1fc30bd4ab";

/// A line of the server's protocol that publishes one of them.
fn part(number: usize) -> String {
    part_of("7", number, "c2c.v1.to.laptop.from.tower")
}

fn part_of(parcel: &str, number: usize, subject: &str) -> String {
    let headers = format!(
        "NATS/1.0\r\nC2c-Store: s\r\nC2c-Number: {parcel}\r\nC2c-After: 0\r\nC2c-Part: {number}\r\nC2c-Parts: 2\r\nC2c-Hash: {HASH}\r\n\r\n"
    );
    let content = PARTS[number];
    let whole = headers.len() + content.len();
    format!("HPUB {subject} {} {whole}\r\n{headers}{content}", headers.len())
}

#[test]
fn each_thing_is_kept_as_long_as_it_is_of_use() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (_laptop, _tower) = two(&server);
    let seconds = |stream: &str| {
        let config = server.stream(stream);
        assert_eq!(config["storage"], "file", "{config}");
        Duration::from_nanos(config["max_age"].as_u64().unwrap()).as_secs()
    };
    // Mail until it is acknowledged, and state until it is deleted.
    assert_eq!((seconds("C2C"), seconds("KV_c2c-global")), (0, 0));
    assert_eq!(server.stream("C2C")["retention"], "workqueue");
    assert_eq!((seconds("KV_c2c-presence"), seconds("KV_c2c-nodes")), (180, 90 * DAY_S));
}

#[test]
fn a_part_of_a_parcel_stays_on_the_server_until_all_of_it_is_on_disk() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (mut laptop, tower) = two(&server);
    let brought = |machine: &Machine| machine.state()["parcels"]["brought"].as_u64().unwrap();
    let first = server.say("tower", &part(0));
    assert!(!first.contains("Violation"), "{first}");
    // Too long for the short way, so it comes behind the part.
    let (mut web, mut api) = (tower.sandbox.session("web"), laptop.sandbox.session("api"));
    let long = "x".repeat(20_000);
    web.say("api@laptop", &long);
    assert_eq!(bodies(&mut api, 1).len(), 1);
    tower.until_nothing_waits();
    assert_eq!(brought(&laptop), 1);
    laptop.kill_link();
    let second = server.say("tower", &part(1));
    assert!(!second.contains("Violation"), "{second}");
    laptop.run();
    until("the parcel is whole", LONG, || brought(&laptop) == 2);
    until("nothing of it is left", LONG, || {
        let held = &laptop.state()["server"]["for_this_node"];
        held.is_null() || *held == 0
    });
}

#[test]
fn a_long_body_goes_in_parts_whether_its_reader_is_there_or_not() {
    let Some(server) = NatsServer::of(&["laptop", "tower"]) else { return };
    let mut server = server.with("max_payload: 4096\n");
    server.run();
    let (laptop, mut tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let body = |number: usize| format!("{number} {}", "long ".repeat(2_000 * number));
    api.say("web@tower", &body(1));
    assert_eq!(whole(&mut web, 1), body(1));
    tower.kill_link();
    api.say("web@tower", &body(2));
    until("the server has it", LONG, || laptop.state()["nodes"][0]["forwarded"] == true);
    tower.run();
    assert_eq!(whole(&mut web, 2), body(2));
    // In more parts than the server hands out at once unless it is told to.
    api.say("web@tower", &body(500));
    assert_eq!(bodies(&mut web, 3).len(), 3);
    laptop.until_nothing_waits();
}

#[test]
fn what_no_link_sends_holds_nothing_up() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let since = laptop.state()["connected_since"].clone();
    assert!(since.is_string(), "{}", laptop.state());
    // A number that no store counts up to, and many parts without those before them.
    let mut lines = vec![part_of("18446744073709551615", 0, "c2c.v1.to.laptop.from.tower")];
    lines.push(part_of("18446744073709551615", 1, "c2c.v1.to.laptop.from.tower"));
    lines.extend((0..1_100).map(|number| part_of(&number.to_string(), 1, "c2c.v1.to.laptop.from.tower")));
    let said = server.say("tower", &lines.join("\r\n"));
    assert!(!said.contains("-ERR"), "{said}");
    web.say("api@laptop", "honest");
    web.say("api@laptop", &"x".repeat(20_000));
    assert_eq!(bodies(&mut api, 2).len(), 2);
    assert_eq!(laptop.state()["connected_since"], since, "the same connection");
}

/// The body of the last of so many messages.
fn whole(session: &mut c2c_harness::Shim, count: usize) -> String {
    let _come = bodies(session, count);
    let listed: Value = session.ok("inbox", json!({"unread_only": false}));
    let id = &listed["messages"][count - 1]["id"];
    let one = session.ok("inbox", json!({"message_id": id}));
    one["messages"][0]["body"].as_str().unwrap().to_owned()
}
