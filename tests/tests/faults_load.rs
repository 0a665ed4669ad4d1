//! Many at once, and calls that are given up at any moment: everybody is served, and what was given up is wholly done
//! or not at all.
#![cfg(unix)]

use c2c_harness::{
    Broker, PATIENCE, Raw, Received, Sandbox, Seed, Shim, memory_kib, pause, raise_descriptors, scale,
    scaled, until,
};
use c2c_proto::ErrorCode::{MailboxFull, RateLimited};
use c2c_proto::codec::FrameCodec;
use c2c_proto::endpoint::{self, Stream};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::hello::Role;
use c2c_proto::limits::{UNREAD_PER_MAILBOX_MAX, WAIT_DEFAULT_S};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{self, Filter, Request};
use c2c_proto::response::Response;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::Decoder;

/// A session that only waits, as cheap as it can be: a connection in the test's own process.
struct Waiter {
    stream: Stream,
    codec: FrameCodec<ServerFrame, ClientFrame>,
    unread: bytes::BytesMut,
}

impl Waiter {
    /// Connects, is welcomed, and parks a wait. Tries again where the listener's queue is full for a moment.
    async fn park(sandbox: &Sandbox, name: &str) -> Self {
        let stream = loop {
            match endpoint::connect(&sandbox.paths().address).await {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let mut waiter = Self { stream, codec: FrameCodec::new(), unread: bytes::BytesMut::new() };
        let hello = Raw::hello(Role::Session(Box::new(Raw::identity(name))));
        let wait = Request::Wait(request::Wait { filter: Filter::default(), timeout_ms: 600_000 });
        for frame in [ClientFrame::Hello(hello), ClientFrame::Call { id: 1, request: wait }] {
            waiter.stream.write_all(&Raw::encode(&frame)).await.unwrap();
        }
        waiter
    }

    /// The first message of the wait's answer, and when it came.
    async fn woken(&mut self) -> (i64, Instant) {
        loop {
            while let Some(frame) = self.codec.decode(&mut self.unread).unwrap() {
                let ServerFrame::Reply(reply) = frame else { continue };
                let Ok(Response::Waited(waited)) = reply.result else { panic!("{:?}", reply.result) };
                return (waited.messages[0].id, Instant::now());
            }
            assert!(self.stream.read_buf(&mut self.unread).await.unwrap() > 0, "the broker closed");
        }
    }
}

#[test]
fn e5_e6_thousands_that_wait_all_wake_for_a_broadcast_of_one_commit() {
    // For the test's own side of so many connections.
    let _granted = raise_descriptors();
    let sandbox = Sandbox::new();
    let mut alice = sandbox.session("alice");
    let count = scaled(400, "sessions that wait").min(10_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut waiters: Vec<Waiter> = runtime.block_on(async {
        let mut waiters = Vec::new();
        for number in 0..count {
            waiters.push(Waiter::park(&sandbox, &format!("w{number}")).await);
        }
        waiters
    });
    let wanted = u64::try_from(count).unwrap();
    until("all wait", Duration::from_secs(120), || {
        sandbox.status().is_some_and(|status| status.waits == wanted)
    });
    let before = sandbox.status().unwrap();
    let memory = memory_kib(before.pid, "VmRSS");
    println!("memory with {count} waiting: {memory:?} KiB");
    assert!(memory.is_none_or(|kib| kib < 200 * 1024), "{memory:?} KiB");
    let one = wake_one_after_another(&runtime, &mut alice, &mut waiters);
    let left = waiters.len();
    let sent = alice.ok("send_message", json!({"to": "*", "body": "go"}));
    let answered = Instant::now();
    let mut took = runtime.block_on(async {
        let mut took = Vec::new();
        for waiter in &mut waiters {
            let (id, at) = tokio::time::timeout(PATIENCE, waiter.woken()).await.expect("every wait ends");
            assert_eq!(json!(id), sent["id"]);
            took.push(at.saturating_duration_since(answered));
        }
        took
    });
    took.sort();
    let commits = sandbox.status().unwrap().commits - before.commits;
    let last = *took.last().unwrap();
    println!("one of {count}: woken after {one:?}; all {left}: the last after {last:?}, {commits} commits");
    // One for each message with all its deliveries; the rest is what came and went meanwhile.
    assert!(commits < 40, "{commits} commits for one broadcast and {} messages", count - left);
    assert!(one < Duration::from_millis(100), "{one:?}");
    assert!(last < PATIENCE, "{last:?}");
}

/// Sends to some of those that wait, one after the other, and lets them go; the median of the times to wake.
fn wake_one_after_another(
    runtime: &tokio::runtime::Runtime,
    alice: &mut Shim,
    waiters: &mut Vec<Waiter>,
) -> Duration {
    let mut took: Vec<Duration> = (0..15)
        .map(|_| {
            let mut waiter = waiters.pop().unwrap();
            let id = alice.say(&format!("w{}", waiters.len()), "for you alone");
            let sent = Instant::now();
            let (woken, at) = runtime.block_on(waiter.woken());
            assert_eq!(woken, id);
            at.saturating_duration_since(sent)
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

#[test]
fn e9_a_mailbox_that_nobody_reads_is_full_at_its_limit_and_the_sender_is_told() {
    let full = scale() > 1;
    let most = if full { UNREAD_PER_MAILBOX_MAX as usize } else { 2_000 };
    let sandbox = Sandbox::with_config(&format!("[limits]\nunread_per_mailbox = {most}\n"));
    let _broker = Broker::start(&sandbox);
    let mut alice = sandbox.raw_session("alice");
    let began = Instant::now();
    let send = |number: usize| ClientFrame::Call {
        id: u64::try_from(number).unwrap(),
        request: Request::Send(request::Send {
            to: Some(To::One("absent".to_owned())),
            body: format!("{number}"),
            tag: None,
            reply_to: None,
            priority: Priority::Normal,
            key: c2c_proto::id::new_call_key(),
        }),
    };
    let (mut accepted, mut refused) = (0, 0);
    for chunk in (0..most + 50).collect::<Vec<_>>().chunks(200) {
        for number in chunk {
            assert!(alice.send(&send(*number)));
        }
        // The answers come in any order.
        let mut open = chunk.len();
        while open > 0 {
            let Received::Frame(frame) = alice.receive(PATIENCE) else { panic!("{open} are not answered") };
            let ServerFrame::Reply(reply) = *frame else { continue };
            open -= 1;
            match reply.result {
                Ok(_) => accepted += 1,
                Err(error) if error.code == MailboxFull => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    println!("{most} messages in {:?}", began.elapsed());
    assert_eq!((accepted, refused), (most, 50), "never a silent drop");
    assert_eq!(sandbox.status().unwrap().unread, u64::try_from(most).unwrap());
}

#[test]
fn e10_two_sessions_that_answer_each_other_for_ever_are_slowed_down() {
    let sandbox = Sandbox::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let mut last = alice.say("bob", "thanks");
    let mut turns = 0;
    let error = loop {
        let shim = if turns % 2 == 0 { &mut bob } else { &mut alice };
        let answer = shim.call("send_message", json!({"reply_to": last, "body": "no, thank you"}));
        if answer.is_error {
            break answer.err(RateLimited);
        }
        last = answer.json["id"].as_i64().unwrap();
        turns += 1;
        assert!(turns < 1_000, "nobody stops them");
    };
    assert_eq!(turns, 99, "with the first one 100 within the hour: {error}");
    alice.say("bob", "another matter is not slowed down");
}

/// What became of the sends that were given up: each is there once, or not at all.
fn settled(alice: &mut Shim, bob: &mut Shim, given_up: &[(String, bool)]) -> usize {
    // Behind all of them in the same queue, once there is room for it.
    let last = json!({"to": "bob", "body": "the last one"});
    until("a send is taken", PATIENCE, || !alice.call("send_message", last.clone()).is_error);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut after = json!(0);
    loop {
        let page = bob.ok("inbox", json!({"limit": 500, "after_id": after}));
        for message in page["messages"].as_array().unwrap() {
            *found.entry(message["body"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        if page["more"] != true {
            break;
        }
        after = page["next_after_id"].clone();
    }
    for (body, answered) in given_up {
        let times = found.get(body).copied().unwrap_or(0);
        assert!(times <= 1, "{body} is there {times} times");
        assert!(times == 1 || !answered, "{body} was acknowledged and is not there");
    }
    found.len() - 1
}

#[test]
fn e12_sends_and_waits_given_up_at_any_moment_are_wholly_done_or_not_at_all() {
    let sandbox = Sandbox::new();
    let mut seed = Seed::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    let rounds = scaled(1_500, "calls given up at any moment");
    let mut given_up = Vec::new();
    for number in 0..rounds {
        let body = format!("given up {number}");
        let key = format!("key-{number}");
        let send = json!({"to": "bob", "body": body, "idempotency_key": key});
        let call = alice.start_call("send_message", send);
        let wait = (number % 5 == 0).then(|| bob.start_call("wait_for_message", json!({"timeout_s": 600})));
        for _ in 0..seed.below(20_000) {
            std::hint::spin_loop();
        }
        call.cancel(&mut alice);
        if let Some(wait) = wait {
            wait.cancel(&mut bob);
        }
        // One that was refused, since so many are on their way, is no answer.
        let answered = call.is_done() && !call.result(PATIENCE).is_error;
        given_up.push((body, answered));
    }
    let stored = settled(&mut alice, &mut bob, &given_up);
    println!("{stored} of {rounds} were stored, {} answered", given_up.iter().filter(|one| one.1).count());
    assert!(stored < rounds, "not one was given up in time");
    // The key settles each of them: afterwards it is there, once.
    for (number, (body, _)) in given_up.iter().enumerate().step_by(10) {
        let key = format!("key-{number}");
        alice.ok("send_message", json!({"to": "bob", "body": body, "idempotency_key": key}));
    }
    let after = settled(&mut alice, &mut bob, &given_up);
    assert!(after >= stored && after <= rounds, "{after} after the retries, {stored} before");
    sandbox.until_status("no wait is left", |status| status.waits == 0);
    assert_eq!(sandbox.status().unwrap().sessions_online, 2, "both shims are alive");
}

#[test]
fn e16_mail_that_comes_between_two_short_waits_is_not_lost() {
    let sandbox = Sandbox::new();
    let mut seed = Seed::new();
    let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
    if scale() > 1 {
        // A host that gives up at 60 s gets its answer before, without asking for it.
        let began = Instant::now();
        let empty = bob.start_call("wait_for_message", json!({})).result(Duration::from_secs(60)).ok();
        assert_eq!(empty["timed_out"], true);
        assert!(began.elapsed() > Duration::from_secs(WAIT_DEFAULT_S - 2), "{:?}", began.elapsed());
    }
    for round in 0..scaled(6, "waits of a second, one after the other") {
        let wait = bob.start_call("wait_for_message", json!({"timeout_s": 1}));
        // Before its end, at its end or after it.
        pause(Duration::from_millis(850 + seed.number() % 300));
        let id = alice.say("bob", &format!("round {round}"));
        let first = wait.ok();
        let found = if first["timed_out"] == true {
            assert!(first.to_string().contains("again"), "the advice: {first}");
            bob.ok("wait_for_message", json!({"timeout_s": 5}))
        } else {
            first
        };
        assert_eq!(found["messages"][0]["id"], id, "round {round}");
        assert_ne!(found["repeated"], true, "round {round}: shown for the first time");
        bob.ok("mark_read", json!({"message_ids": [id]}));
    }
}
