//! Logs: a call is found in the shim's and in the broker's by the same session and number, and what was written is in none.

use c2c_harness::{PATIENCE, Sandbox, until_some};
use serde_json::Value;

/// The lines of a log that are about calls of this kind.
fn calls(log: &str, kind: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == "call answered" && line["kind"] == kind).collect()
}

#[test]
fn a_call_is_joined_over_shim_and_broker_and_its_words_are_in_no_log() {
    let sandbox = Sandbox::new();
    let options = sandbox.shim().name("api").env("C2C_LOG", "json,debug");
    let errors = options.stderr_file().to_owned();
    let mut api = options.session();
    let secret = "the words of the message";
    api.say("web", secret);
    let of_shim = until_some("the shim has logged the call", PATIENCE, || {
        calls(&std::fs::read_to_string(&errors).unwrap_or_default(), "send").pop()
    });
    // The broker that this shim has started logs as it does.
    let of_broker =
        until_some("the broker has logged the call", PATIENCE, || calls(&sandbox.log(), "send").pop());
    for key in ["session", "call", "kind"] {
        assert!(!of_shim[key].is_null(), "{of_shim}");
        assert_eq!(of_shim[key], of_broker[key], "{key}: {of_shim} {of_broker}");
    }
    let both = std::fs::read_to_string(&errors).unwrap() + &sandbox.log();
    assert!(!both.contains(secret));
}

#[test]
fn without_the_word_json_lines_are_for_people() {
    let sandbox = Sandbox::new();
    let _api = sandbox.shim().name("api").env("C2C_LOG", "debug").session();
    let log = until_some("the broker has logged", PATIENCE, || {
        Some(sandbox.log()).filter(|log| log.contains("call answered") || log.contains("session connected"))
    });
    assert!(serde_json::from_str::<Value>(log.lines().next().unwrap()).is_err(), "{log}");
}
