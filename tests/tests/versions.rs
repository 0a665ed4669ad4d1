//! Programs of different versions: they agree, or say which is which and what to run.

use c2c_harness::{OtherBroker, PATIENCE, Raw, Received, Sandbox, until};
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::{PROTOCOL, Role};
use c2c_proto::{Error, ErrorCode};
use serde_json::json;

#[test]
fn a_client_of_another_protocol_is_told_both_versions() {
    let sandbox = Sandbox::new();
    let _alice = sandbox.session("alice");
    for (oldest, newest) in [(99, 99), (0, 0)] {
        let mut raw = sandbox.raw();
        let mut hello = Raw::hello(Role::Control);
        (hello.protocol_min, hello.protocol_max) = (oldest, newest);
        let Received::Frame(frame) = raw.greet(hello) else { panic!("no answer") };
        let ServerFrame::Refused(error) = *frame else { panic!("accepted: {frame:?}") };
        assert_eq!(error.code, ErrorCode::VersionMismatch);
        assert!(error.message.contains(&newest.to_string()) && error.message.contains('1'), "{error:?}");
        assert!(!error.hint.is_empty());
        assert!(raw.closes(PATIENCE));
    }
}

#[test]
fn a_client_that_also_speaks_a_newer_protocol_is_served() {
    let sandbox = Sandbox::new();
    let _alice = sandbox.session("alice");
    let mut raw = sandbox.raw();
    let mut hello = Raw::hello(Role::Control);
    (hello.protocol_max, hello.extra) = (PROTOCOL + 7, vec![("later".to_owned(), "fact".to_owned())]);
    let Received::Frame(frame) = raw.greet(hello) else { panic!("no answer") };
    let ServerFrame::Welcome(welcome) = *frame else { panic!("refused: {frame:?}") };
    assert_eq!(welcome.protocol, PROTOCOL, "the newest that both speak");
}

#[test]
fn a_model_is_told_of_a_broker_of_another_version() {
    let sandbox = Sandbox::new();
    let refusal = Error::new(
        ErrorCode::VersionMismatch,
        "this broker 9.9.9 speaks protocol 99, this client speaks 1",
        "run `c2c restart`",
    );
    let other = OtherBroker::start(&sandbox, refusal.clone());
    let mut shim = sandbox.shim().name("alice").start();
    let error = shim.call("send_message", json!({"to": "bob", "body": "x"})).err(ErrorCode::VersionMismatch);
    assert_eq!((&error["message"], &error["hint"]), (&json!(refusal.message), &json!(refusal.hint)));
    assert_eq!(error["retry_safe"], false);
    // It goes away: the shim finds, or starts, one that fits.
    drop(other);
    until("a fitting broker serves", PATIENCE, || !shim.call("heartbeat", json!({})).is_error);
}
