//! A machine: a store with its broker, and a link.

use c2c_harness::{Link, NatsServer, PATIENCE, Sandbox, Shim, until};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::path::PathBuf;
use std::time::Duration;

/// What a link had taken when it was killed, or a server had when it lost everything, is sent again after a while: longer than
/// this is never waited.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// See the module's first lines.
pub(crate) struct Machine {
    // Dropped first: its log lies in the sandbox.
    link: Link,
    pub(crate) sandbox: Sandbox,
}

impl Machine {
    pub(crate) fn start(server: &NatsServer, node: &str) -> Self {
        Self::with_settings(&server.settings(node))
    }

    pub(crate) fn with(server: &NatsServer, node: &str, creds: &Path) -> Self {
        Self::with_settings(&format!("url = {:?}\nnode = {node:?}\ncreds = {creds:?}\n", server.url()))
    }

    pub(crate) fn with_settings(settings: &str) -> Self {
        Self::behind(&[], settings)
    }

    /// With programs of its own, after something is done to it.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_programs(
        programs: impl FnOnce(&Sandbox) -> PathBuf,
        settings: &str,
        before: impl FnOnce(&Self),
    ) -> Self {
        let sandbox = Sandbox::new();
        let link = Link::of(&sandbox).program(programs(&sandbox).join("c2c-link"));
        let mut machine = Self { link, sandbox };
        machine.set(settings);
        before(&machine);
        machine.run();
        machine
    }

    /// Its link is run by another program, behind these words.
    pub(crate) fn behind(words: &[&str], settings: &str) -> Self {
        let sandbox = Sandbox::new();
        let link = Link::of(&sandbox).behind(words);
        let mut machine = Self { link, sandbox };
        machine.set(settings);
        machine.run();
        machine
    }

    /// Writes the link's settings, which it reads when it starts.
    pub(crate) fn set(&self, settings: &str) {
        fs::write(&self.sandbox.paths().link_config, settings).unwrap();
    }

    pub(crate) fn run(&mut self) {
        self.link.start(&self.sandbox);
    }

    pub(crate) fn kill_link(&mut self) {
        self.link.kill();
    }

    pub(crate) fn state(&self) -> Value {
        self.sandbox.c2c(&["link", "status", "--json"]).json()
    }

    pub(crate) fn knows(&self, node: &str) -> bool {
        self.state()["nodes"].as_array().is_some_and(|nodes| nodes.iter().any(|one| one["node"] == node))
    }

    /// Until mail can be addressed to another one.
    #[track_caller]
    pub(crate) fn until_knows(&self, node: &str) {
        until("the other node is known", PATIENCE, || self.knows(node));
    }

    #[track_caller]
    pub(crate) fn until_nothing_waits(&self) {
        until("everything has arrived", LONG, || {
            self.state()["nodes"].as_array().is_some_and(|nodes| nodes.iter().all(|one| one["waiting"] == 0))
        });
    }

    /// Until its link reports this.
    #[track_caller]
    pub(crate) fn until_reports(&self, words: &str) {
        until(words, PATIENCE, || {
            self.state()["report"].as_str().is_some_and(|report| report.contains(words))
        });
    }
}

/// Two machines that know each other.
pub(crate) fn two(server: &NatsServer) -> (Machine, Machine) {
    let (laptop, tower) = (Machine::start(server, "laptop"), Machine::start(server, "tower"));
    laptop.until_knows("tower");
    tower.until_knows("laptop");
    (laptop, tower)
}

/// A question of api on the laptop, and the answer of web on the tower.
#[track_caller]
pub(crate) fn conversation(laptop: &Machine, tower: &Machine) {
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let asked = api.start_call("ask", json!({"to": "web@tower", "body": "which table?", "timeout_s": 40}));
    let got = web.ok("wait_for_message", json!({"timeout_s": 40}));
    let question = &got["messages"][0];
    assert_eq!((&question["from_name"], &question["body"]), (&json!("api@laptop"), &json!("which table?")));
    web.ok("send_message", json!({"reply_to": question["id"], "body": "orders"}));
    let answered = asked.result(LONG).ok();
    assert_eq!(answered["replies"][0]["body"], "orders");
    assert_eq!(answered["replies"][0]["from_name"], "web@tower");
    // What was read there is known here.
    until("its receipt says so", LONG, || {
        let sent = api.ok("inbox", json!({"sent": true, "unread_only": false}));
        sent["messages"][0]["receipts"][0]["state"] == "read"
    });
    laptop.until_nothing_waits();
    tower.until_nothing_waits();
}

/// What has come to a session, once it is so many.
#[track_caller]
pub(crate) fn bodies(session: &mut Shim, count: usize) -> Vec<String> {
    until("all of it has come", LONG, || {
        session.inbox_bodies(json!({"unread_only": false, "limit": 500})).len() >= count
    });
    session.inbox_bodies(json!({"unread_only": false, "limit": 500}))
}
