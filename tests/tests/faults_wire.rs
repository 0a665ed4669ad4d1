//! Connections that misbehave: lies about lengths, slow ones, deaf ones. The broker's memory stays flat, and whoever
//! behaves notices nothing.
#![cfg(unix)]

use c2c_harness::{
    Broker, PATIENCE, Raw, Received, Sandbox, Seed, Shim, descriptors, memory_kib, scaled, until,
};
use c2c_proto::frame::ClientFrame;
use c2c_proto::hello::Role;
use c2c_proto::limits::HELLO_TIMEOUT_S;
use c2c_proto::request::{self, Request};
use serde_json::json;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A connection below all protocol.
fn connect(sandbox: &Sandbox) -> UnixStream {
    let stream = UnixStream::connect(sandbox.paths().address.as_path()).expect("the broker listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads to the end; whether there was one.
fn ends(stream: &mut UnixStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn hello() -> Vec<u8> {
    Raw::encode(&ClientFrame::Hello(Raw::hello(Role::Control))).to_vec()
}

/// The broker's memory and descriptors before and after something.
struct Cost {
    broker: u32,
    kib: u64,
    files: usize,
}

impl Cost {
    fn before(sandbox: &Sandbox) -> Option<Self> {
        let broker = sandbox.broker_id();
        Some(Self { broker, kib: memory_kib(broker, "VmRSS")?, files: descriptors(broker)? })
    }

    /// Memory has not grown by more than this, and no descriptor stayed open.
    #[track_caller]
    fn stays_within(before: Option<&Self>, kib: u64) {
        let Some(Self { broker, kib: before, files }) = before else { return };
        let peak = memory_kib(*broker, "VmHWM").unwrap();
        println!("memory before: {before} KiB, peak: {peak} KiB");
        assert!(peak < before + kib, "the broker took {peak} KiB at its peak, {before} before");
        until("its descriptors are closed", PATIENCE, || descriptors(*broker).unwrap() <= files + 2);
    }
}

/// Mail goes from one to the other through the same broker as before.
#[track_caller]
fn undisturbed(alice: &mut Shim, bob: &mut Shim) {
    let wait = bob.start_call("wait_for_message", json!({"timeout_s": 60}));
    let id = alice.say("bob", "still here");
    assert_eq!(wait.ok()["messages"][0]["id"], id);
    bob.ok("mark_read", json!({"message_ids": [id]}));
}

#[test]
fn e1_a_length_that_lies_is_refused_before_memory_is_taken_for_it() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let broker = sandbox.broker_id();
    undisturbed(&mut alice, &mut bob);
    let cost = Cost::before(&sandbox);
    let lengths =
        [0, 1, 16 * 1024 + 1, 16 * 1024 * 1024 + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX];
    for _ in 0..scaled(30, "rounds of lengths that lie") {
        for length in lengths {
            // Before the hello, and after it, where frames may be longer.
            for first in [Vec::new(), hello()] {
                let mut stream = connect(&sandbox);
                let greeted = !first.is_empty();
                let bytes = [first, length.to_le_bytes().to_vec(), vec![0xfb; 64]].concat();
                // It may be refused before all of it was taken.
                let _refused = stream.write_all(&bytes);
                if length > 16 * 1024 * 1024 || length == 0 || !greeted && length > 16 * 1024 {
                    assert!(ends(&mut stream), "a length of {length} after a hello: {greeted}");
                }
            }
        }
    }
    undisturbed(&mut alice, &mut bob);
    Cost::stays_within(cost.as_ref(), 24 * 1024);
    assert_eq!(sandbox.broker_id(), broker);
}

#[test]
fn e2_a_frame_that_is_cut_off_and_half_closed_is_answered_with_the_end() {
    let sandbox = Sandbox::new();
    // By hand: a changed byte can make a request to leave, which a broker that a session started would obey.
    let _by_hand = Broker::start(&sandbox);
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let broker = sandbox.broker_id();
    let cost = Cost::before(&sandbox);
    let whole = hello();
    for end in 0..whole.len() {
        let mut stream = connect(&sandbox);
        stream.write_all(&whole[..end]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(ends(&mut stream), "cut off after {end} bytes");
    }
    // A whole frame with one byte that is another.
    let mut seed = Seed::new();
    for _ in 0..scaled(300, "frames with a byte changed") {
        let call = ClientFrame::Call { id: 7, request: Request::Status(request::Status {}) };
        let mut bytes = [hello(), Raw::encode(&call).to_vec()].concat();
        let at = seed.below(bytes.len());
        bytes[at] ^= 1 << seed.below(8);
        let mut stream = connect(&sandbox);
        let _refused = stream.write_all(&bytes);
        // Half closed: whatever the bytes mean now, it has an end.
        let _gone = stream.shutdown(Shutdown::Write);
        assert!(ends(&mut stream), "byte {at} of {bytes:02x?}");
    }
    undisturbed(&mut alice, &mut bob);
    Cost::stays_within(cost.as_ref(), 24 * 1024);
    assert_eq!(sandbox.broker_id(), broker, "it never went down");
    assert!(!sandbox.log().contains("panicked"), "{}", sandbox.log());
}

/// The middle of some times that a message took to a wait.
fn usual_wake_up(alice: &mut Shim, bob: &mut Shim) -> Duration {
    let mut took: Vec<Duration> = (0..15)
        .map(|_| {
            let began = Instant::now();
            undisturbed(alice, bob);
            began.elapsed()
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

#[test]
fn e3_thousands_that_say_nothing_slow_nobody_down_and_are_shown_out() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let alone = usual_wake_up(&mut alice, &mut bob);
    let cost = Cost::before(&sandbox);
    let mut silent: Vec<UnixStream> = Vec::new();
    for number in 0..scaled(400, "connections that say nothing, or a byte now and then") {
        // The listener's queue is short, so a storm of connections takes a moment.
        silent.push(connect(&sandbox));
        if number % 4 == 0 {
            // One byte of a hello, and no more.
            silent.last_mut().unwrap().write_all(&[0x20]).unwrap();
        }
    }
    let connected = Instant::now();
    // The best of a few: what else runs on this machine is not what is measured.
    let among = (0..4).map(|_| usual_wake_up(&mut alice, &mut bob)).min().unwrap();
    println!("a message and its mark: {alone:?} alone, {among:?} among them");
    assert!(among < alone * 2 + Duration::from_millis(20), "{among:?}, {alone:?} alone");
    for stream in &mut silent {
        assert!(ends(stream), "still open after {:?}", connected.elapsed());
    }
    let took = connected.elapsed();
    assert!(took < Duration::from_secs(HELLO_TIMEOUT_S + 6), "{took:?}");
    Cost::stays_within(cost.as_ref(), 64 * 1024);
}

#[test]
fn e4_what_a_deaf_client_missed_is_still_unread() {
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let mut deaf = sandbox.raw_session("deaf");
    let wait = Request::Wait(request::Wait { filter: request::Filter::default(), timeout_ms: 600_000 });
    deaf.start_call(wait);
    sandbox.until_status("it waits", |status| status.waits == 1);
    let mut ids = vec![alice.say("deaf", "you did not hear this")];
    // The answer is on its way to one that never reads it.
    sandbox.until_status("its wait is over", |status| status.waits == 0);
    ids.push(alice.say("deaf", "nor this"));
    drop(deaf);
    sandbox.until_status("it is gone", |status| status.sessions_online == 1);
    ids.push(alice.say("deaf", "and for this you were not there"));
    // It was of another folder, so that its name is not given to anybody who does not take it.
    let mut again = sandbox.session("deaf");
    assert_eq!(again.own_name(), "deaf-2");
    assert!(again.inbox_ids(json!({})).is_empty(), "the mail is the name's");
    again.ok("register_session", json!({"name": "deaf"}));
    assert_eq!(again.inbox_ids(json!({})), ids, "all that was never read is unread");
    assert_eq!(again.ok("wait_for_message", json!({"timeout_s": 0}))["messages"][0]["id"], ids[0]);
    let sent = alice.ok("inbox", json!({"sent": true}));
    for message in sent["messages"].as_array().unwrap() {
        assert!(message["receipts"][0]["read_at"].is_null(), "{message}");
    }
}

#[test]
fn e8_more_connections_than_the_limit_are_told_and_the_others_go_on() {
    let sandbox = Sandbox::with_config("[limits]\nconnections = 12\n");
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut others: Vec<Shim> = (0..8).map(|number| sandbox.session(&format!("s{number}"))).collect();
    let mut crowd: Vec<Shim> = (0..scaled(12, "sessions too many")).map(|_| sandbox.shim().start()).collect();
    let calls: Vec<_> = crowd.iter_mut().map(|shim| shim.start_call("heartbeat", json!({}))).collect();
    let refused = calls
        .into_iter()
        .map(|call| call.result(PATIENCE))
        .filter(|result| {
            if result.is_error {
                let error = result.clone().err(c2c_proto::ErrorCode::BrokerBusy);
                let said = error.to_string();
                assert!(
                    said.contains("12") && said.contains("limits.connections"),
                    "the cap is named: {said}"
                );
                assert_eq!(error["retry_safe"], true);
            }
            result.is_error
        })
        .count();
    assert!(refused >= crowd.len() - 2, "{refused} of {} were refused", crowd.len());
    undisturbed(&mut alice, &mut bob);
    drop(crowd);
    others.pop();
    others.pop();
    // There is room again, and whoever comes is served.
    let mut late = sandbox.shim().name("late").start();
    until("a late one is served", PATIENCE, || !late.call("heartbeat", json!({})).is_error);
    undisturbed(&mut alice, &mut bob);
}

#[test]
fn g17_a_session_cannot_be_taken_by_its_id_nor_a_call_be_replayed_by_another() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    alice.say("alice", "for alice alone");
    let id = bob.row_of("alice").unwrap()["session_id"].as_str().unwrap().to_owned();
    // Everybody can read the id in the list; it opens nothing.
    let mut identity = Raw::identity("mallory");
    identity.session_id = Some(id.clone());
    let mut mallory = sandbox.raw();
    let Received::Frame(frame) = mallory.greet(Raw::hello(Role::Session(Box::new(identity)))) else {
        panic!("no answer to the hello")
    };
    let c2c_proto::frame::ServerFrame::Welcome(welcome) = *frame else { panic!("{frame:?}") };
    let session = welcome.session.expect("a session of its own");
    assert_ne!(session.session_id, id, "another process took the session by its id");
    assert_eq!(session.name, "mallory");
    // A frame with a key that was used: a key counts only within the session that used it.
    let send = Request::Send(request::Send {
        to: Some(c2c_proto::message::To::One("bob".to_owned())),
        body: "once".to_owned(),
        tag: None,
        reply_to: None,
        priority: c2c_proto::message::Priority::Normal,
        key: "k-1".to_owned(),
    });
    let mut carol = sandbox.raw_session("carol");
    for raw in [&mut carol, &mut mallory] {
        let reply = raw.call(send.clone()).unwrap();
        assert!(reply.result.is_ok(), "{:?}", reply.result);
        // A second time from the same one is the same message.
        assert!(raw.call(send.clone()).unwrap().result.is_ok());
    }
    let page = bob.ok("inbox", json!({}));
    let senders: Vec<&str> = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["from_name"].as_str().unwrap())
        .collect();
    assert_eq!(senders, ["carol", "mallory"], "each under its own name, once");
}
