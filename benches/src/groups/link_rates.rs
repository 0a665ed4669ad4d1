//! How many messages go from one node to another in a second, and what each takes of a disk.

use super::Context;
use crate::nodes::{Node, Server};
use crate::report::Figure;
use crate::samples::Samples;
use crate::socket::{Socket, message};
use crate::world::World;
use c2c_harness::{PATIENCE, until};
use c2c_proto::message::To;
use std::collections::VecDeque;
use std::time::Instant;

const ROUNDS: usize = 3;
const MESSAGES: usize = 4_000;
/// Calls of one connection that are not answered yet; it may have 256.
const IN_FLIGHT: usize = 128;
const BODY_BYTES: usize = 200;

/// One sender that does not wait for its answers, and eight that do.
pub(super) fn rates(context: Context<'_>, from: &Node, to: &Node) -> Vec<Figure> {
    let rounds = if context.quick { 1 } else { ROUNDS };
    let mut figures = Vec::new();
    for (senders, in_flight, setting) in
        [(1, IN_FLIGHT, "1 sender, 128 calls at once"), (8, 1, "8 senders, 1 call at once")]
    {
        let mut rates = Samples::default();
        for _ in 0..rounds {
            rates.round();
            rates.add(rate(context.repeats(MESSAGES), senders, in_flight, from, to));
        }
        let name = "messages from disk to disk, across two nodes";
        figures.push(Figure::samples("link", name, &format!("{setting}, 200 B"), "per s", rates.summary()));
    }
    figures
}

/// Messages per second, until the last one is on the other disk.
fn rate(count: usize, senders: usize, in_flight: usize, from: &Node, to: &Node) -> f64 {
    let before = to.messages();
    let began = Instant::now();
    send(from, count, senders, in_flight);
    until("all of it has arrived", PATIENCE * 6, || to.messages() >= before + count as u64);
    let rate = count as f64 / began.elapsed().as_secs_f64();
    from.until_nothing_waits();
    rate
}

/// Sends so many, to mailboxes at the other node that nobody reads.
fn send(from: &Node, count: usize, senders: usize, in_flight: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for sender in 0..senders {
            let mut socket = Socket::session(from.world.paths(), &format!("sender-{sender}")).await;
            tasks.push(tokio::spawn(async move {
                let mut flying = VecDeque::with_capacity(in_flight);
                for number in 0..count / senders {
                    if flying.len() == in_flight {
                        socket.finish(flying.pop_front().expect("a call")).await;
                    }
                    let to = To::One(format!("away-{}@tower", number % 8));
                    flying.push_back(socket.begin(message(to, &"x".repeat(BODY_BYTES))).await);
                }
                for call in flying {
                    socket.finish(call).await;
                }
            }));
        }
        for task in tasks {
            task.await.expect("a sender ends well");
        }
    });
}

/// Bytes for each message: on the server while the other node is away, and in both stores afterwards.
pub(super) fn bytes(context: Context<'_>) -> Vec<Figure> {
    let Some(server) = Server::start() else { return Vec::new() };
    let (mut from, mut to) = (Node::start(&server, "laptop"), Node::start(&server, "tower"));
    from.until_knows("tower");
    to.until_knows("laptop");
    let count = context.repeats(MESSAGES);
    let empty = at_rest(&mut World::new());
    let mut figures = Vec::new();
    let mut note = |name: &str, bytes: u64| {
        let each = bytes as f64 / count as f64;
        figures.push(Figure::value("link", name, "200 B", "bytes", each));
    };
    to.end_link();
    let before = server.bytes_on_disk();
    send(&from, count, 1, 64);
    until("the server has all of it", PATIENCE * 6, || from.forwarded() >= count as u64);
    note("a message on the server's disk, as long as it waits there", server.bytes_on_disk() - before);
    to.run_link();
    until("all of it has arrived", PATIENCE * 6, || to.messages() >= count as u64);
    from.until_nothing_waits();
    for (node, name) in
        [(&mut from, "a message in its sender's store"), (&mut to, "a message in its recipient's store")]
    {
        node.end_link();
        note(name, at_rest(&mut node.world).saturating_sub(empty));
    }
    figures
}

/// The size of a store whose broker has ended, and has folded its log into it.
fn at_rest(world: &mut World) -> u64 {
    world.stop_broker();
    std::fs::metadata(&world.paths().store).expect("a store").len()
}
