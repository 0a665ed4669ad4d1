//! Programs of different versions: they agree, or say which is which and what to run.

use c2c_harness::{OtherBroker, PATIENCE, Raw, Received, Sandbox, binary, until};
use c2c_proto::frame::{ClientFrame, Reply, ServerFrame};
use c2c_proto::hello::{PROTOCOL, Role};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{Heartbeat, Request, Send};
use c2c_proto::{Error, ErrorCode};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

/// A frame's content with its length before it.
fn framed(content: &[u8]) -> Vec<u8> {
    [&u32::try_from(content.len()).unwrap().to_le_bytes()[..], content].concat()
}

/// A session that is connected without a shim.
fn session(sandbox: &Sandbox, name: &str) -> Raw {
    let mut raw = sandbox.raw();
    let hello = Raw::hello(Role::Session(Box::new(Raw::identity(name))));
    assert!(matches!(raw.greet(hello), Received::Frame(frame) if matches!(*frame, ServerFrame::Welcome(_))));
    raw
}

fn refused(reply: Option<Reply>) -> Error {
    reply.expect("a reply").result.expect_err("an error")
}

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
        "run `kill 4242`",
    );
    let other = OtherBroker::start(&sandbox, refusal.clone());
    let mut shim = sandbox.shim().name("alice").start();
    let error = shim.call("send_message", json!({"to": "bob", "body": "x"})).err(ErrorCode::VersionMismatch);
    assert_eq!((&error["message"], &error["hint"]), (&json!(refusal.message), &json!(refusal.hint)));
    assert_eq!(error["retry_safe"], false);
    // A person gets the same words.
    let status = Command::new(binary("c2c")).arg("status").env_clear().envs(sandbox.env()).output().unwrap();
    assert_eq!(status.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(status.stderr).unwrap(),
        format!("c2c: version_mismatch: {}\n     {}\n", refusal.message, refusal.hint)
    );
    // It goes away: the shim finds, or starts, one that fits.
    drop(other);
    until("a fitting broker serves", PATIENCE, || !shim.call("heartbeat", json!({})).is_error);
}

/// What only a later version would send: the position of a request, of a frame, of a recipient that there is not yet,
/// and a field after the last one.
#[test]
fn c4_what_only_a_newer_client_says_is_answered_and_the_connection_stays() {
    let sandbox = Sandbox::new();
    let mut bob = sandbox.session("bob");
    let mut raw = session(&sandbox, "newer");
    let send = Request::Send(Send {
        to: Some(To::One("bob".to_owned())),
        body: "with a new field".to_owned(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key: "call:newer".to_owned(),
    });
    let send = Raw::encode(&ClientFrame::Call { id: 103, request: send });
    let longer = [&send[4..], b"\x01\x05"].concat();
    let mut elsewhere = send[4..].to_vec();
    // call, id, send, some recipient: which kind of recipient
    assert_eq!(elsewhere[..5], [1, 103, 3, 1, 0]);
    elsewhere[4] = 77;
    let unknown_request = [&[1, 101, 200][..], b"whatever it holds"].concat();
    let unknown_frame = [&[9, 102][..], b"whatever it holds"].concat();
    for (id, content) in [(101, unknown_request), (102, unknown_frame), (103, longer), (103, elsewhere)] {
        assert!(raw.send_bytes(&framed(&content), PATIENCE));
        let error = refused(raw.reply(id, PATIENCE));
        assert_eq!(error.code, ErrorCode::VersionMismatch, "{error:?}");
        assert!(
            error.message.contains("client harness") && error.message.contains("protocol 1"),
            "{error:?}"
        );
        let end = if cfg!(windows) { "taskkill /F /PID" } else { "kill" };
        assert!(error.hint.contains(&format!("{end} {}", sandbox.broker_id())), "{error:?}");
        // The same connection is served on.
        assert!(raw.call(Request::Heartbeat(Heartbeat {})).is_some_and(|reply| reply.result.is_ok()));
    }
    assert!(bob.inbox_ids(json!({})).is_empty(), "half understood is not done");
}

#[test]
fn c4_a_frame_that_cannot_be_read_never_answers_another_call() {
    let sandbox = Sandbox::new();
    let _bob = sandbox.session("bob");
    let mut raw = session(&sandbox, "mallory");
    let filter = c2c_proto::request::Filter::default();
    let id = raw.start_call(Request::Wait(c2c_proto::request::Wait { filter, timeout_ms: 60_000 }));
    sandbox.until_status("it waits", |status| status.waits == 1);
    raw.send_bytes(&framed(&[1, u8::try_from(id).unwrap(), 200]), PATIENCE);
    assert!(raw.reply(id, Duration::from_secs(5)).is_none());
    assert!(raw.closes(PATIENCE));
}

#[test]
fn c4_a_hello_with_what_is_not_known_yet() {
    let sandbox = Sandbox::new();
    let _alice = sandbox.session("alice");
    let mut hello = Raw::hello(Role::Control);
    hello.build = "9.9.9".to_owned();
    let mut bytes = Raw::encode(&ClientFrame::Hello(hello)).to_vec();
    // The role, then an empty list of facts.
    let role = bytes.len() - 2;
    bytes[role] = 55;
    let mut raw = sandbox.raw();
    assert!(raw.send_bytes(&bytes, PATIENCE));
    let Received::Frame(frame) = raw.receive(PATIENCE) else { panic!("no answer") };
    let ServerFrame::Refused(error) = *frame else { panic!("accepted: {frame:?}") };
    assert_eq!(error.code, ErrorCode::VersionMismatch);
    assert!(error.message.contains("client 9.9.9 speaks protocol 1"), "{error:?}");
    assert!(raw.closes(PATIENCE));
}
