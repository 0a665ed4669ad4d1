//! Credentials that the server does not take.

use super::machine::{LONG, Machine, bodies};
use c2c_harness::{NatsServer, until};
use serde_json::json;
use std::fs;

#[test]
fn wrong_credentials_are_named_and_mended_without_a_restart() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let laptop = Machine::start(&server, "laptop");
    let creds = server.creds("tower");
    let right = fs::read_to_string(&creds).unwrap();
    fs::write(&creds, "tower:not-this\n").unwrap();
    let tower = Machine::with(&server, "tower", &creds);
    let broker = tower.sandbox.broker_id();
    // What is wrong, and where it can be mended.
    tower.until_reports("not connected");
    let report = tower.state()["report"].as_str().unwrap().to_owned();
    assert!(
        report.contains("refuses the credentials") && report.contains(&*creds.to_string_lossy()),
        "{report}"
    );
    assert!(!report.contains("not-this"), "{report}");
    let (mut web, mut db) = (tower.sandbox.session("web"), tower.sandbox.session("db"));
    web.say("db", "local");
    assert_eq!(db.inbox_bodies(json!({})), ["local"]);
    fs::write(&creds, right).unwrap();
    until("the other node is known", LONG, || laptop.knows("tower") && tower.knows("laptop"));
    laptop.sandbox.session("api").say("web@tower", "now");
    assert_eq!(bodies(&mut web, 1), ["now"]);
    assert_eq!(tower.sandbox.broker_id(), broker, "the same broker");
}
