//! The real broker of a sandbox under trace, for tests.

use super::{Call, Orders, Traced};
use c2c_harness::{PATIENCE, Sandbox, Signal, binary, signal, skipped, until};
use c2c_proto::paths::StorePaths;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Starts it in the foreground and waits until it answers; `None`, with the reason printed, where processes may not be
/// traced.
///
/// # Panics
/// If it does not answer.
#[must_use]
pub fn serving(sandbox: &Sandbox, orders: Orders) -> Option<Traced> {
    let store = sandbox.store().to_str().expect("a plain path");
    let traced = Traced::start(&binary("c2c-broker"), &["--store", store], &sandbox.env(), orders);
    let traced = traced.map_err(|why| skipped(&why)).ok()?;
    until("the broker answers", PATIENCE, || {
        assert_eq!(traced.over(), None, "the broker ended");
        sandbox.status().is_some()
    });
    Some(traced)
}

/// Every call that changes something of a broker on this store, from its start to its end, which it is asked for as soon
/// as it accepts connections.
///
/// # Errors
/// Where processes may not be traced.
///
/// # Panics
/// If it does not accept connections, or does not end in peace.
pub fn calls_of_a_life(sandbox: &Sandbox, store: &Path) -> Result<Vec<Call>, String> {
    let orders = Orders { from_start: true, log: true, ..Orders::default() };
    let arguments = ["--store", store.to_str().expect("a plain path")];
    let broker = Traced::start(&binary("c2c-broker"), &arguments, &sandbox.env(), orders)?;
    let address = StorePaths::of_store(store).expect("a store's path").address;
    until("it accepts", PATIENCE, || {
        assert_eq!(broker.over(), None, "the broker ended");
        UnixStream::connect(address.as_path()).is_ok()
            && broker.log().iter().any(|call| call.name == "accept")
    });
    signal(broker.id(), Signal::TERM);
    assert_eq!(broker.wait(PATIENCE), Some(Some(0)), "it ends by itself");
    Ok(broker.log())
}
