//! The making of a new store, as the system sees it: what is flushed when, so that a power cut leaves none or a whole one.
#![cfg(target_os = "linux")]

use c2c_harness::{Sandbox, skipped};
use c2c_torture::trace::{Call, broker};

#[test]
fn a_new_store_and_the_folders_above_it_are_flushed_before_anybody_can_connect() {
    let sandbox = Sandbox::new();
    let folder = sandbox.dir().canonicalize().unwrap().join("made/for-it");
    let calls = match broker::calls_of_a_life(&sandbox, &folder.join("c2c.db")) {
        Ok(calls) => calls,
        Err(why) => return skipped(&why),
    };
    let at = |what: &str, from: usize, holds: &dyn Fn(&Call) -> bool| {
        let found = calls.iter().enumerate().skip(from).find(|(_, call)| holds(call));
        found.unwrap_or_else(|| panic!("{what}: not in\n{calls:#?}")).0
    };
    let flushes = |call: &Call| matches!(call.name, "fsync" | "fdatasync");
    let link = at("the link", 0, &|call| call.name == "link" && call.target == "c2c.db.new");
    let flushed = at("the flush of the file", 0, &|call| flushes(call) && call.target == "c2c.db.new");
    assert!(flushed < link, "{calls:#?}");
    // There are no other sockets before.
    let socket = at("a socket", 0, &|call| call.name == "bind");
    let bound = at("the socket", link, &|call| call.name == "bind");
    assert_eq!(socket, bound, "{calls:#?}");
    let listens = at("its listening", link, &|call| call.name == "listen");
    assert!(bound < listens, "{calls:#?}");
    for made in [folder.as_path(), folder.parent().unwrap(), folder.parent().unwrap().parent().unwrap()] {
        let flushed = at(&made.display().to_string(), link, &|call| flushes(call) && call.whole == made);
        assert!(flushed < bound, "{} is flushed too late:\n{calls:#?}", made.display());
    }
}
