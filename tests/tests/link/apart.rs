//! Two machines with a network of their own each, and a cable between them that can be pulled out.

use super::machine::{LONG, Machine, bodies, conversation};
use c2c_harness::{Authority, NatsServer, skipped, until};
use serde_json::json;
use std::process::Command;

/// The laptop's address, on which the server listens, and the tower's.
const ADDRESSES: [&str; 2] = ["10.213.77.1", "10.213.77.2"];

/// Two network namespaces, joined by a pair of interfaces. They go with this.
struct Networks {
    ip: &'static str,
    names: [String; 2],
}

impl Networks {
    /// `None`, and a word about it, where that is not possible.
    fn new() -> Option<Self> {
        let there = |path: &&&str| std::path::Path::new(path).exists();
        let Some(ip) = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].iter().find(there) else {
            skipped("there is no ip");
            return None;
        };
        let names = ["a", "b"].map(|end| format!("c2c-{}-{end}", std::process::id()));
        let networks = Self { ip, names };
        for name in &networks.names {
            if let Err(why) = networks.ip(&["netns", "add", name]) {
                skipped(&format!("no network namespace can be made: {why}"));
                return None;
            }
        }
        let [a, b] = &networks.names;
        if let Err(why) = networks
            .ip(&["link", "add", "cable", "netns", a, "type", "veth", "peer", "name", "cable", "netns", b])
        {
            skipped(&format!("no pair of interfaces can be made: {why}"));
            return None;
        }
        for (name, address) in networks.names.iter().zip(ADDRESSES) {
            for words in [
                &["link", "set", "lo", "up"][..],
                &["address", "add", &format!("{address}/24"), "dev", "cable"],
                &["link", "set", "cable", "up"],
            ] {
                networks.ip(&[&["-n", name], words].concat()).unwrap();
            }
        }
        Some(networks)
    }

    fn ip(&self, words: &[&str]) -> Result<(), String> {
        let said = Command::new(self.ip).args(words).output().map_err(|error| error.to_string())?;
        let words = String::from_utf8_lossy(&said.stderr).trim().to_owned();
        if said.status.success() { Ok(()) } else { Err(words) }
    }

    /// The words behind which a program runs on one of the two.
    fn on(&self, which: usize) -> [&str; 4] {
        [self.ip, "netns", "exec", &self.names[which]]
    }

    fn cable(&self, how: &str) {
        self.ip(&["-n", &self.names[1], "link", "set", "cable", how]).unwrap();
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in &self.names {
            let _or_was_never_there = self.ip(&["netns", "delete", name]);
        }
    }
}

#[test]
fn two_machines_as_the_page_shows_them_and_a_cable_that_is_pulled_out() {
    let Some(server) = NatsServer::of(&["laptop", "tower"]) else { return };
    let (Some(networks), Some(authority)) = (Networks::new(), Authority::new()) else { return };
    let mut server = server.certified_by(authority).at(ADDRESSES[0], &networks.on(0));
    server.run();
    let machine = |node: &str, which: usize| Machine::behind(&networks.on(which), &server.settings(node));
    let (laptop, tower) = (machine("laptop", 0), machine("tower", 1));
    laptop.until_knows("tower");
    tower.until_knows("laptop");
    conversation(&laptop, &tower);
    networks.cable("down");
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let before = bodies(&mut web, 1).len();
    api.say("web@tower", "to the tower");
    web.say("api@laptop", "to the laptop");
    // The server is the laptop's: so far it comes, and no further.
    until("the server has it", LONG, || {
        let sent = api.ok("inbox", json!({"sent": true, "unread_only": false, "tag": null}));
        sent["messages"].as_array().unwrap().last().unwrap()["receipts"][0]["state"] == "forwarded"
    });
    let sent = web.ok("inbox", json!({"sent": true, "unread_only": false}));
    assert_eq!(sent["messages"].as_array().unwrap().last().unwrap()["receipts"][0]["state"], "queued");
    assert_eq!(bodies(&mut web, before).len(), before);
    networks.cable("up");
    assert_eq!(bodies(&mut web, before + 1).last().unwrap(), "to the tower");
    assert_eq!(bodies(&mut api, 2).last().unwrap(), "to the laptop");
    laptop.until_nothing_waits();
    tower.until_nothing_waits();
}
