//! One broadcast to many sessions that wait, and many that wait while others are sent to. All clients are in one process
//! on one thread: it shares the machine with the broker, and what it takes to hear a thousand answers is in the times.

mod broadcast;
mod busy;

use super::Context;
use crate::report::Figure;
use crate::socket::{Socket, wait};
use crate::world::World;
use c2c_proto::hello::Role;
use c2c_proto::id::{MessageId, new_call_key};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{MarkRead, Request, Status};
use c2c_proto::response::{Response, Status as Said};
use futures_util::{StreamExt, stream};
use tokio::runtime::Runtime;

const GROUP: &str = "fanout";
/// Connections that are made at the same time: enough for the broker to store them in batches.
const AT_ONCE: usize = 64;
/// How often at most a wait reads the store before it sleeps, and once more: there is more than one reader.
const LOOKS: usize = 3;
/// Longer than a run.
const WAIT_MS: u64 = 3_600_000;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let mut figures = broadcast::run(context);
    figures.extend(busy::run(context));
    figures
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A new store whose broker can have so many waiters, and this process, too.
fn world(count: usize) -> World {
    #[cfg(unix)]
    crate::descriptors::provide(count);
    World::new()
}

/// So many sessions, named by their numbers.
async fn waiters(paths: &StorePaths, count: usize) -> Vec<Socket> {
    let one = |number: usize| async move { Socket::session(paths, &name(number)).await };
    stream::iter((0..count).map(one)).buffered(AT_ONCE).collect().await
}

fn name(number: usize) -> String {
    format!("waiter-{number}")
}

/// Who asks the broker how it does; no session.
async fn observer(paths: &StorePaths) -> Socket {
    Socket::connect(paths, Role::Control).await
}

async fn status(observer: &mut Socket) -> Box<Said> {
    match observer.call(Request::Status(Status {})).await {
        Response::Status(status) => status,
        other => panic!("no status: {other:?}"),
    }
}

/// Until so many waits have begun and found nothing. A wait counts before it has looked into the store. For its status the
/// broker reads the store, too, and reads are done in their order: what is asked afterwards is answered after the looks.
async fn until_waiting(observer: &mut Socket, count: usize) {
    while status(observer).await.waits != count as u64 {}
    for _ in 0..LOOKS {
        status(observer).await;
    }
}

/// Begins a wait; its id.
async fn begin_wait(waiter: &mut Socket) -> u64 {
    waiter.begin(wait(WAIT_MS)).await
}

/// What a wait was answered with: ids and bodies.
fn heard(response: Response) -> Vec<(MessageId, String)> {
    let Response::Waited(waited) = response else { panic!("no end of a wait: {response:?}") };
    assert!(!waited.messages.is_empty() && !waited.repeated, "woken for nothing: {waited:?}");
    waited.messages.into_iter().map(|message| (message.id, message.body)).collect()
}

async fn mark_read(waiter: &mut Socket, message_ids: Vec<MessageId>) {
    waiter.call(Request::MarkRead(MarkRead { message_ids, key: new_call_key() })).await;
}
