//! The making of a new store, as the system sees it: what is flushed when, so that a power cut leaves none or a whole one.
#![cfg(target_os = "linux")]

use c2c_harness::{Broker, PATIENCE, Sandbox, Signal, binary, signal, skipped, until};
use std::path::Path;
use std::process::{Command, Stdio};

const STRACE: &str = "/usr/bin/strace";

#[test]
fn a_new_store_and_the_folders_above_it_are_flushed_before_anybody_can_connect() {
    if !Path::new(STRACE).exists() {
        return skipped("there is no strace");
    }
    let sandbox = Sandbox::new();
    let folder = sandbox.dir().canonicalize().unwrap().join("made/for-it");
    let calls = sandbox.dir().join("calls");
    let mut command = Command::new(STRACE);
    command.args(["-f", "-y", "-e", "trace=fsync,fdatasync,link,linkat,bind", "-o"]).arg(&calls);
    command.arg(binary("c2c-broker")).arg("--store").arg(folder.join("c2c.db"));
    command.env_clear().envs(sandbox.env()).current_dir(sandbox.dir());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut broker = Broker::adopt(command.spawn().expect("strace starts"));
    let lines = || std::fs::read_to_string(&calls).unwrap_or_default();
    until("it listens", PATIENCE, || lines().contains("broker.sock"));
    // strace does not pass a signal on; the holder of the lock is the broker itself.
    let holder = std::fs::read_to_string(folder.join("c2c.run/broker.lock")).unwrap();
    let holder: serde_json::Value = serde_json::from_str(&holder).unwrap();
    signal(u32::try_from(holder["pid"].as_u64().unwrap()).unwrap(), Signal::TERM);
    broker.wait_exit(PATIENCE);
    let lines = lines();
    let at = |what: &str, from: usize, holds: &dyn Fn(&str) -> bool| {
        let found = lines.lines().enumerate().skip(from).find(|(_, line)| holds(line));
        found.unwrap_or_else(|| panic!("{what}: not in\n{lines}")).0
    };
    let flushes = |line: &str| line.contains("fsync(") || line.contains("fdatasync(");
    let link = at("the link", 0, &|line| line.contains("link") && line.contains("c2c.db.new-"));
    let flushed = at("the flush of the file", 0, &|line| {
        flushes(line) && line.contains("c2c.db.new-") && !line.contains("-wal")
    });
    assert!(flushed < link, "{lines}");
    let listens = at("the socket", link, &|line| line.contains("broker.sock"));
    for made in [folder.as_path(), folder.parent().unwrap(), folder.parent().unwrap().parent().unwrap()] {
        let name = format!("<{}>", made.display());
        let flushed = at(&name, link, &|line| flushes(line) && line.contains(&name));
        assert!(flushed < listens, "{name} is flushed too late:\n{lines}");
    }
}
