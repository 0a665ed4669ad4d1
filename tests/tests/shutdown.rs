//! SIGTERM: the broker finishes what it has begun, tells its clients, and is gone within two seconds.
#![cfg(unix)]

use c2c_harness::{Broker, Raw, Received, Sandbox, Shim, Signal, best_of, signal};
use c2c_proto::ErrorCode;
use c2c_proto::event::{Closing, Event};
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::Role;
use c2c_proto::request::{self, Request};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn a10_clients_are_told_before_the_connection_closes() {
    let sandbox = Sandbox::new();
    let mut broker = Broker::start(&sandbox);
    let mut raw = sandbox.raw();
    let identity = Box::new(Raw::identity("raw"));
    assert!(matches!(raw.greet(Raw::hello(Role::Session(identity))), Received::Frame(_)));
    let wait = Request::Wait(request::Wait { filter: request::Filter::default(), timeout_ms: 600_000 });
    let wait = raw.start_call(wait);
    sandbox.until_status("it waits", |status| status.waits == 1);
    broker.terminate();
    let (mut told, mut ended) = (None, None);
    loop {
        match raw.receive(Duration::from_secs(5)) {
            Received::Frame(frame) => match *frame {
                ServerFrame::Event(Event::Closing(why)) => told = Some(why),
                ServerFrame::Reply(reply) if reply.id == wait => ended = Some(reply.result),
                _ => {}
            },
            Received::Closed => break,
            Received::Nothing => panic!("the connection stays open"),
        }
    }
    assert_eq!(told, Some(Closing::ShuttingDown));
    if let Some(result) = ended {
        let error = result.expect_err("no mail came");
        assert_eq!((error.code, error.retry_safe), (ErrorCode::ShuttingDown, true));
    }
    assert!(broker.wait_exit(Duration::from_secs(4)).success());
    assert!(!sandbox.paths().address.as_path().exists(), "the socket file is gone");
}

#[test]
fn a10_fifty_waiting_sessions_do_not_delay_the_end() {
    best_of(2, "from SIGTERM to the end", Duration::from_secs(2), || {
        let sandbox = Sandbox::new();
        let mut broker = Broker::start(&sandbox);
        let mut shims: Vec<Shim> = (0..50).map(|n| sandbox.shim().name(&format!("s{n}")).start()).collect();
        let waits: Vec<_> = shims
            .iter_mut()
            .map(|shim| shim.start_call("wait_for_message", json!({"timeout_s": 600})))
            .collect();
        sandbox.until_status("all wait", |status| status.waits == 50);
        let asked = Instant::now();
        signal(broker.id(), Signal::TERM);
        assert!(broker.wait_exit(Duration::from_secs(10)).success());
        let took = asked.elapsed();
        // The waits go on with the next broker.
        sandbox.until_status("all wait again", |status| status.waits == 50);
        assert!(waits.iter().all(|wait| !wait.is_done()));
        took
    });
}
