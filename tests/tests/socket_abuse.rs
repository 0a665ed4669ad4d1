//! Garbage and bad manners on the broker's socket: cut off, and nobody else notices.

use c2c_harness::{PATIENCE, Raw, Received, Sandbox, Seed, Shim, under_wine};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::hello::Role;
use c2c_proto::limits::{FRAME_MAX_BYTES, HELLO_FRAME_MAX_BYTES, HELLO_TIMEOUT_S};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{self, Request};
use c2c_proto::response::Response;
use serde_json::json;
use std::time::{Duration, Instant};

struct Scene {
    alice: Shim,
    bob: Shim,
    sandbox: Sandbox,
    broker: u32,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let (alice, bob) = (sandbox.session("alice"), sandbox.session("bob"));
        let broker = sandbox.broker_id();
        Self { alice, bob, sandbox, broker }
    }

    /// Mail still goes from one to the other, through the same broker.
    #[track_caller]
    fn undisturbed(&mut self) {
        let wait = self.bob.start_call("wait_for_message", json!({"timeout_s": 60}));
        let id = self.alice.say("bob", "still here");
        assert_eq!(wait.ok()["messages"][0]["id"], id);
        self.bob.ok("mark_read", json!({"message_ids": [id]}));
        assert_eq!(self.sandbox.broker_id(), self.broker, "the broker is the same");
    }

    /// A connection as a session.
    #[track_caller]
    fn session(&self, name: &str) -> Raw {
        let mut raw = self.sandbox.raw();
        let Received::Frame(frame) = raw.greet(Raw::hello(Role::Session(Box::new(Raw::identity(name)))))
        else {
            panic!("no answer to the hello")
        };
        assert!(matches!(*frame, ServerFrame::Welcome(_)), "{frame:?}");
        raw
    }
}

#[test]
fn e2_what_is_no_hello_is_cut_off() {
    let mut scene = Scene::new();
    let mut seed = Seed::new();
    let mut wrong_magic = Raw::hello(Role::Control);
    wrong_magic.magic = *b"http";
    let mut cases: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        u32::MAX.to_le_bytes().to_vec(),
        u32::try_from(HELLO_FRAME_MAX_BYTES + 1).unwrap().to_le_bytes().to_vec(),
        Raw::encode(&ClientFrame::Hello(wrong_magic)).to_vec(),
        Raw::encode(&ClientFrame::Cancel { id: 1 }).to_vec(),
        Raw::encode(&ClientFrame::Call { id: 1, request: Request::Status(request::Status {}) }).to_vec(),
        [4_u32.to_le_bytes().as_slice(), b"\xfb\xff\xff\xff"].concat(),
    ];
    for _ in 0..30 {
        // A length that fits, and random content.
        let length = 5 + seed.below(300);
        let mut frame = u32::try_from(length).unwrap().to_le_bytes().to_vec();
        frame.extend(seed.bytes(length));
        cases.push(frame);
    }
    for bytes in cases {
        let mut raw = scene.sandbox.raw();
        raw.send_bytes(&bytes, PATIENCE);
        let shown = &bytes[..bytes.len().min(24)];
        // At once, or where the length promises more than came, when the deadline for the hello passes.
        assert!(raw.closes(Duration::from_secs(HELLO_TIMEOUT_S + 4)), "not cut off: {shown:02x?}");
    }
    scene.undisturbed();
}

#[test]
fn e3_silence_and_half_a_hello_meet_the_deadline() {
    let mut scene = Scene::new();
    let hello = Raw::encode(&ClientFrame::Hello(Raw::hello(Role::Control)));
    let mut silent: Vec<Raw> = (0..100).map(|_| scene.sandbox.raw()).collect();
    let mut half = scene.sandbox.raw();
    half.send_bytes(&hello[..hello.len() / 2], PATIENCE);
    let connected = Instant::now();
    scene.undisturbed();
    for raw in silent.iter_mut().chain([&mut half]) {
        let left = Duration::from_secs(HELLO_TIMEOUT_S + 4).saturating_sub(connected.elapsed());
        assert!(
            raw.closes(left.max(Duration::from_millis(10))),
            "still open after {:?}",
            connected.elapsed()
        );
    }
    assert!(connected.elapsed() > Duration::from_secs(HELLO_TIMEOUT_S - 2), "cut off too early");
    scene.undisturbed();
}

#[test]
fn a_hello_byte_by_byte_is_a_hello() {
    let scene = Scene::new();
    let mut raw = scene.sandbox.raw();
    for byte in &Raw::encode(&ClientFrame::Hello(Raw::hello(Role::Control))) {
        assert!(raw.send_bytes(&[*byte], PATIENCE));
    }
    let Received::Frame(frame) = raw.receive(PATIENCE) else { panic!("no welcome") };
    assert!(matches!(*frame, ServerFrame::Welcome(_)));
}

#[test]
fn e1_bad_frames_after_the_hello_are_cut_off() {
    let mut scene = Scene::new();
    let over = u32::try_from(FRAME_MAX_BYTES + 1).unwrap().to_le_bytes().to_vec();
    let again = Raw::encode(&ClientFrame::Hello(Raw::hello(Role::Control))).to_vec();
    let mut trailing = Raw::encode(&ClientFrame::Cancel { id: 1 }).to_vec();
    trailing.push(0);
    trailing[0] += 1;
    // A kind of frame without an id; with one it could be a newer client's, see versions.rs.
    let nameless = [1_u32.to_le_bytes().as_slice(), b"\x09"].concat();
    for bytes in [over, again, trailing, nameless, vec![0; 4]] {
        let mut raw = scene.session("mallory");
        raw.send_bytes(&bytes, PATIENCE);
        assert!(raw.closes(PATIENCE), "not cut off: {bytes:02x?}");
    }
    scene.undisturbed();
}

fn send(to: &str, body: &str) -> Request {
    Request::Send(request::Send {
        to: Some(To::One(to.to_owned())),
        body: body.to_owned(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key: c2c_proto::id::new_call_key(),
    })
}

#[test]
fn a4_half_a_frame_stores_nothing_and_a_whole_one_is_stored_once() {
    if under_wine() {
        c2c_harness::skipped("Wine does not always tell a broker that the other end of a pipe is gone");
        return;
    }
    let mut scene = Scene::new();
    let frame = Raw::encode(&ClientFrame::Call { id: 1, request: send("bob", "from half a frame") });
    for end in 0..frame.len() {
        let mut raw = scene.session("mallory");
        raw.send_bytes(&frame[..end], PATIENCE);
    }
    scene.sandbox.until_status("all are gone", |status| status.connections == 3);
    assert!(scene.bob.inbox_ids(json!({})).is_empty(), "half a frame was stored");
    let mut raw = scene.session("mallory");
    raw.send_bytes(&frame, PATIENCE);
    drop(raw);
    // The last connection was dropped with its call on the way: stored, since it was whole.
    c2c_harness::until("it is stored", PATIENCE, || !scene.bob.inbox_ids(json!({})).is_empty());
    assert_eq!(scene.bob.inbox_bodies(json!({})), ["from half a frame"]);
}

#[test]
fn limits_hold_on_the_socket_too() {
    let scene = Scene::new();
    let mut raw = scene.session("mallory");
    let over = "x".repeat(8 * 1024 * 1024 + 1);
    for request in [
        send("bob", ""),
        send("bob", &over),
        Request::Register(request::Register { name: "-".to_owned(), metadata: None, key: "k".to_owned() }),
        Request::Inbox(request::Inbox {
            sent: false,
            unread_only: false,
            filter: request::Filter::default(),
            query: None,
            before_id: None,
            after_id: None,
            limit: u32::MAX,
        }),
        Request::MarkRead(request::MarkRead { message_ids: (0..1_000).collect(), key: "k3".to_owned() }),
    ] {
        let kind = request.kind();
        let reply = raw.call(request).unwrap_or_else(|| panic!("no reply to {kind}"));
        assert!(reply.result.is_err(), "{kind} was accepted: {:?}", reply.result);
    }
    let reply = raw.call(send("bob", "a good one")).expect("a reply");
    assert!(matches!(reply.result, Ok(Response::Sent(_))), "{:?}", reply.result);
}

#[test]
fn what_should_be_json_and_is_not_breaks_nobody() {
    let mut scene = Scene::new();
    let mut raw = scene.session("mallory");
    for text in ["no json", "{\"a\":", "\u{0}", "[1,]", ""] {
        let metadata = Some(text.to_owned());
        let key = c2c_proto::id::new_call_key();
        raw.call(Request::Register(request::Register { name: "mallory".to_owned(), metadata, key })).unwrap();
        raw.call(Request::SetState(request::SetState {
            state_key: "odd".to_owned(),
            value: text.to_owned(),
            if_version: None,
            ttl_ms: None,
            key: c2c_proto::id::new_call_key(),
        }))
        .unwrap();
        assert!(scene.alice.row_of("mallory").is_some(), "{text:?}");
        scene.alice.ok("get_state", json!({"key": "odd"}));
        scene.alice.ok("get_state", json!({}));
    }
    scene.undisturbed();
}

#[test]
fn e4_a_client_that_never_reads_is_cut_and_the_others_are_served() {
    if under_wine() {
        c2c_harness::skipped("Wine does not always tell a broker that the other end of a pipe is gone");
        return;
    }
    let mut scene = Scene::new();
    let mut deaf = scene.session("deaf");
    let big = Request::SetState(request::SetState {
        state_key: "big".to_owned(),
        value: format!("\"{}\"", "y".repeat(1_000_000)),
        if_version: None,
        ttl_ms: None,
        key: c2c_proto::id::new_call_key(),
    });
    assert!(deaf.call(big).is_some_and(|reply| reply.result.is_ok()));
    // A megabyte each, three times as much as is kept for one client.
    for id in 1_000..1_100 {
        let request = Request::GetState(request::GetState { state_key: "big".to_owned() });
        if !deaf.send_bytes(&Raw::encode(&ClientFrame::Call { id, request }), Duration::from_secs(2)) {
            break;
        }
    }
    scene.undisturbed();
    // Those that are left: alice, bob, and the one that asks.
    scene.sandbox.until_status("it is cut", |status| status.connections == 3);
    scene.undisturbed();
    if cfg!(target_os = "linux") {
        let status = std::fs::read_to_string(format!("/proc/{}/status", scene.broker)).unwrap();
        let peak = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(kib < 250 * 1024, "the broker took {kib} KiB");
    }
}
