//! Calls side by side on one connection: how many, how they end, and what a client that does not read costs.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use c2c_proto::ErrorCode;
use c2c_proto::event::{Closing, Event};
use c2c_proto::frame::{ClientFrame, Reply, ServerFrame};
use c2c_proto::id::new_call_key;
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{Filter, GetState, Heartbeat, Request, Send, SetState, Wait};
use c2c_proto::response::Response;
use common::{Frames, Sandbox, call, eventually, next};
use futures_util::SinkExt;
use rustix::process::{Pid, Signal, kill_process};

async fn begin(frames: &mut Frames, id: u64, request: Request) {
    frames.send(&ClientFrame::Call { id, request }).await.unwrap();
}

fn wait() -> Request {
    Request::Wait(Wait { filter: Filter::default(), timeout_ms: 60_000 })
}

fn heartbeat() -> Request {
    Request::Heartbeat(Heartbeat {})
}

fn send_to(name: &str) -> Request {
    Request::Send(Send {
        to: Some(To::One(name.to_owned())),
        body: "hello".to_owned(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key: new_call_key(),
    })
}

/// The next reply; events in between are left aside.
async fn reply(frames: &mut Frames) -> Reply {
    loop {
        match next(frames).await {
            Some(ServerFrame::Reply(reply)) => return reply,
            Some(ServerFrame::Event(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_call_over_the_limit_is_refused_and_a_cancelled_one_makes_room() {
    let sandbox = Sandbox::new();
    std::fs::write(&sandbox.paths.config, "[limits]\ncalls_in_flight = 2\n").unwrap();
    let _broker = sandbox.start(&[]).await;
    let mut client = sandbox.session("a").await;
    begin(&mut client, 1, wait()).await;
    begin(&mut client, 2, wait()).await;
    begin(&mut client, 3, heartbeat()).await;
    let refused = reply(&mut client).await;
    assert_eq!((refused.id, refused.result.unwrap_err().code), (3, ErrorCode::BrokerBusy));
    client.send(&ClientFrame::Cancel { id: 1 }).await.unwrap();
    // Frames are taken in order, so the heartbeat finds room; the cancelled wait stays without a reply.
    begin(&mut client, 4, heartbeat()).await;
    let answered = reply(&mut client).await;
    assert_eq!(answered.id, 4);
    assert!(answered.result.is_ok());
}

#[tokio::test]
async fn the_same_call_id_twice_at_once_ends_the_connection() {
    let sandbox = Sandbox::new();
    let _broker = sandbox.start(&[]).await;
    let mut client = sandbox.session("a").await;
    begin(&mut client, 1, wait()).await;
    begin(&mut client, 1, wait()).await;
    assert_eq!(next(&mut client).await, None);
    eventually("the log says why", async || sandbox.log().contains("call id 1 twice at once")).await;
}

#[tokio::test]
async fn calls_are_answered_while_others_wait() {
    let sandbox = Sandbox::new();
    let _broker = sandbox.start(&[]).await;
    let (mut a, mut b) = (sandbox.session("a").await, sandbox.session("b").await);
    begin(&mut a, 1, wait()).await;
    begin(&mut a, 2, heartbeat()).await;
    assert_eq!(reply(&mut a).await.id, 2);
    begin(&mut b, 1, send_to("a")).await;
    assert!(reply(&mut b).await.result.is_ok());
    let woken = reply(&mut a).await;
    assert_eq!(woken.id, 1);
    match woken.result.unwrap() {
        Response::Waited(waited) => assert_eq!(waited.messages.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn when_the_broker_stops_changes_are_answered_and_waits_are_not() {
    let sandbox = Sandbox::new();
    let mut broker = sandbox.start(&[]).await;
    let mut waiting = sandbox.session("a").await;
    begin(&mut waiting, 1, wait()).await;
    let mut sending = sandbox.session("b").await;
    for id in 0..200 {
        begin(&mut sending, id, send_to("c")).await;
    }
    kill_process(Pid::from_raw(broker.pid().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    let (code, took) = broker.ended().await;
    assert_eq!(code, Some(0));
    assert!(took.as_secs() < 2, "{took:?}");
    assert_eq!(next(&mut waiting).await, Some(ServerFrame::Event(Event::Closing(Closing::ShuttingDown))));
    assert_eq!(next(&mut waiting).await, None);
    let mut stored = Vec::new();
    while let Some(frame) = next(&mut sending).await {
        match frame {
            ServerFrame::Reply(Reply { result: Ok(Response::Sent(sent)), .. }) => stored.push(sent.id),
            ServerFrame::Reply(Reply { result: Err(error), .. }) => {
                assert_eq!(error.code, ErrorCode::ShuttingDown, "{error:?}");
            }
            ServerFrame::Event(Event::Closing(Closing::ShuttingDown)) => {}
            other => panic!("{other:?}"),
        }
    }
    // What was acknowledged is there for the next broker.
    let _next = sandbox.start(&[]).await;
    let mut reader = sandbox.session("c").await;
    begin(&mut reader, 1, heartbeat()).await;
    let unread = reply(&mut reader).await.mail.unwrap().unread;
    assert!(unread >= stored.len() as u64, "{unread} of {}", stored.len());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_and_costs_the_others_nothing() {
    let sandbox = Sandbox::new();
    let _broker = sandbox.start(&[]).await;
    let (mut deaf, mut other) = (sandbox.session("deaf").await, sandbox.session("other").await);
    let value = format!("\"{}\"", "x".repeat(1_000_000));
    let set =
        SetState { state_key: "k".to_owned(), value, if_version: None, ttl_ms: None, key: new_call_key() };
    call(&mut deaf, 1, Request::SetState(set)).await;
    for id in 2..80 {
        let get = Request::GetState(GetState { state_key: "k".to_owned() });
        // Once it is cut there is nobody to send to.
        if deaf.send(&ClientFrame::Call { id, request: get }).await.is_err() {
            break;
        }
    }
    eventually("the deaf one is cut", async || sandbox.log().contains("does not read")).await;
    call(&mut other, 1, heartbeat()).await;
    let mut replies = 0;
    while next(&mut deaf).await.is_some() {
        replies += 1;
    }
    assert!(replies < 40, "{replies} MB were kept for it");
}
