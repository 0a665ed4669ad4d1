//! The making of a new store, as the system sees it: what is flushed when, so that a power cut leaves none or a whole one.
#![cfg(target_os = "linux")]

use c2c_harness::{PATIENCE, Sandbox, Signal, binary, signal, skipped, until};
use c2c_proto::paths::StorePaths;
use c2c_torture::trace::{Call, Orders, Traced};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Every call of a broker that changes something, from its start on a store that is not there to its end.
fn calls_of_a_start(sandbox: &Sandbox, store: &Path) -> Result<Vec<Call>, String> {
    let orders = Orders { from_start: true, log: true, ..Orders::default() };
    let arguments = ["--store", store.to_str().unwrap()];
    let broker = Traced::start(&binary("c2c-broker"), &arguments, &sandbox.env(), orders)?;
    let address = StorePaths::of_store(store).unwrap().address;
    until("it accepts", PATIENCE, || {
        assert_eq!(broker.over(), None, "the broker ended");
        UnixStream::connect(address.as_path()).is_ok()
            && broker.log().iter().any(|call| call.name == "accept")
    });
    signal(broker.id(), Signal::TERM);
    assert_eq!(broker.wait(PATIENCE), Some(Some(0)), "it ends by itself");
    Ok(broker.log())
}

#[test]
fn a_new_store_and_the_folders_above_it_are_flushed_before_anybody_can_connect() {
    let sandbox = Sandbox::new();
    let folder = sandbox.dir().canonicalize().unwrap().join("made/for-it");
    let calls = match calls_of_a_start(&sandbox, &folder.join("c2c.db")) {
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
