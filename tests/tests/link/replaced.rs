//! A machine that is set up anew, with another store under the same name.

use super::machine::{LONG, Machine, bodies, conversation, two};
use c2c_harness::{NatsServer, until};

#[test]
fn a_store_takes_the_name_of_one_that_is_gone_when_it_is_told_to() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (laptop, mut gone) = two(&server);
    conversation(&laptop, &gone);
    gone.kill_link();
    laptop.sandbox.session("api").say("web@tower", "waits");
    let mut tower = Machine::start(&server, "tower");
    tower.until_reports("is another store");
    let report = tower.state()["report"].as_str().unwrap().to_owned();
    let id = report.split("--replace ").nth(1).unwrap().trim_end_matches('`').to_owned();
    assert_eq!(id, gone.state()["store_id"].as_str().unwrap(), "{report}");
    let (url, creds) = (server.url(), server.creds("tower"));
    let words =
        ["link", "setup", &url, "--node", "tower", "--creds", creds.to_str().unwrap(), "--no-service"];
    // Another one than is said there may not be taken.
    let _wrong = tower.sandbox.person(&[&words[..], &["--replace", "0199aa00"]].concat());
    tower.run();
    tower.until_reports("is another store");
    let _right = tower.sandbox.person(&[&words[..], &["--replace", &id]].concat());
    tower.run();
    tower.until_reports("connected to");
    // What waited for the name is the new store's.
    let mut web = tower.sandbox.session("web");
    assert_eq!(bodies(&mut web, 1), ["waits"]);
    drop(web);
    until("they know each other", LONG, || tower.knows("laptop"));
    tower.sandbox.session("db").say("api@laptop", "from the new one");
    laptop.until_nothing_waits();
    tower.until_nothing_waits();
    let mut api = laptop.sandbox.session("api");
    until("the laptop has it", LONG, || bodies(&mut api, 2).contains(&"from the new one".to_owned()));
    // The old one is not gone, and does not get it back: two would share the mail.
    let replaces = format!("replaces = {}\n", tower.state()["store_id"]);
    gone.set(&(server.settings("tower") + &replaces));
    gone.run();
    gone.until_reports("has taken the name");
}
