//! The real broker of a sandbox under trace, for tests.

use super::{Orders, Traced};
use c2c_harness::{PATIENCE, Sandbox, binary, skipped, until};

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
