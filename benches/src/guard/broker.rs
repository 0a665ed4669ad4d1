//! The broker's scenarios: the broker is counted, its clients are in this process.

use super::callgrind::{Callgrind, Counter};
use super::scenario::{BLOCKS, Measured, Scenario, Scene};
use crate::socket::{Socket, message, wait};
use crate::world::World;
use c2c_proto::id::{MessageId, new_call_key};
use c2c_proto::message::To;
use c2c_proto::request::{Filter, Heartbeat, Inbox, MarkRead, Request, SetState};
use c2c_proto::response::Response;
use tokio::runtime::Runtime;

const BODY_BYTES: usize = 200;
const PAGE: u32 = 20;
/// How many sends are in flight at once.
const IN_FLIGHT: u32 = 64;
/// Longer than any of this takes.
const WAIT_MS: u64 = 60_000;

/// A broker that is counted, and sessions.
struct Sessions {
    // The order matters: connections go before their runtime.
    alice: Socket,
    bob: Socket,
    more: Vec<Socket>,
    runtime: Runtime,
    unread: Vec<MessageId>,
    counter: Counter,
    world: World,
    body: String,
}

const SCENARIOS: &[Scenario<Sessions>] = &[
    Scenario {
        name: "broker: hello of a new session",
        tolerance: 0.05,
        repeats: 20,
        operations: 1,
        prepare: None,
        once: hello,
    },
    Scenario {
        name: "broker: send",
        // On a busy machine more of what is done when nobody waits falls between two sends: 12 % more were seen. The next
        // scenario goes the same way without such pauses.
        tolerance: 0.2,
        repeats: 100,
        operations: 1,
        prepare: None,
        once: |scene| {
            let mail = scene.mail("away");
            scene.runtime.block_on(scene.alice.call(mail));
        },
    },
    Scenario {
        name: "broker: send, 64 at once",
        tolerance: 0.05,
        repeats: 5,
        operations: IN_FLIGHT,
        prepare: None,
        once: |scene| {
            let mail = (0..IN_FLIGHT).map(|_| scene.mail("away")).collect();
            scene.runtime.block_on(scene.alice.call_all(mail));
        },
    },
    Scenario {
        name: "broker: set_state",
        tolerance: 0.05,
        repeats: 100,
        operations: 1,
        prepare: None,
        once: set_state,
    },
    Scenario {
        name: "broker: wait woken by a send, mark_read",
        tolerance: 0.05,
        repeats: 50,
        operations: 1,
        prepare: None,
        once: wake,
    },
    Scenario {
        name: "broker: mark_read",
        tolerance: 0.05,
        repeats: 50,
        operations: 1,
        // All of it before the first block: what is sent is indexed a moment later, which would be counted by chance.
        prepare: Some(|scene, repeats| {
            if scene.unread.is_empty() {
                scene.fill(repeats * (BLOCKS + 1));
            }
        }),
        once: |scene| {
            let id = scene.unread.pop().expect("as many as repetitions");
            scene.runtime.block_on(scene.bob.call(mark_read(id)));
        },
    },
    Scenario {
        name: "broker: inbox of 20",
        tolerance: 0.05,
        repeats: 100,
        operations: 1,
        prepare: Some(|scene, _| scene.fill(PAGE)),
        once: |scene| drop(scene.runtime.block_on(scene.bob.call(page(PAGE)))),
    },
];

impl Scene for Sessions {
    fn counter(&self) -> &Counter {
        &self.counter
    }

    fn process(&self) -> u32 {
        self.world.broker_id()
    }
}

pub(super) fn count(callgrind: &Callgrind) -> Vec<Measured> {
    let counter = callgrind.counter();
    let world = World::without_broker().with_broker_through(|command| counter.under(command));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (alice, bob) = runtime.block_on(async {
        // Known, and not there.
        drop(Socket::session(world.paths(), "away").await);
        (Socket::session(world.paths(), "alice").await, Socket::session(world.paths(), "bob").await)
    });
    let body = "x".repeat(BODY_BYTES);
    let mut scene =
        Sessions { alice, bob, more: Vec::new(), runtime, unread: Vec::new(), counter, world, body };
    SCENARIOS.iter().map(|scenario| scenario.count(&mut scene)).collect()
}

impl Sessions {
    fn mail(&self, to: &str) -> Request {
        message(To::One(to.to_owned()), &self.body)
    }

    /// Leaves so many unread messages in bob's mailbox.
    fn fill(&mut self, wanted: u32) {
        while self.unread.len() < wanted as usize {
            // In steps: the broker refuses more calls in flight than a session may have.
            let missing = wanted as usize - self.unread.len();
            let mail = (0..missing.min(IN_FLIGHT as usize)).map(|_| self.mail("bob")).collect();
            for response in self.runtime.block_on(self.alice.call_all(mail)) {
                let Response::Sent(sent) = response else { panic!("a send was answered by {response:?}") };
                self.unread.push(sent.id);
            }
        }
    }
}

fn hello(scene: &mut Sessions) {
    let name = format!("session-{:04}", scene.more.len());
    let socket = scene.runtime.block_on(Socket::session(scene.world.paths(), &name));
    scene.more.push(socket);
}

fn set_state(scene: &mut Sessions) {
    let value = format!("\"{}\"", scene.body);
    let key = new_call_key();
    let request = SetState { state_key: "k".to_owned(), value, if_version: None, ttl_ms: None, key };
    scene.runtime.block_on(scene.alice.call(Request::SetState(request)));
}

fn wake(scene: &mut Sessions) {
    let mail = scene.mail("bob");
    scene.runtime.block_on(async {
        let waiting = scene.bob.begin(wait(WAIT_MS)).await;
        // What came after the wait on the same connection is answered: the wait has begun.
        scene.bob.call(Request::Heartbeat(Heartbeat {})).await;
        scene.alice.call(mail).await;
        let Response::Waited(waited) = scene.bob.finish(waiting).await else { panic!("a wait was answered") };
        scene.bob.call(mark_read(waited.messages[0].id)).await;
    });
}

fn mark_read(id: MessageId) -> Request {
    Request::MarkRead(MarkRead { message_ids: vec![id], key: new_call_key() })
}

fn page(limit: u32) -> Request {
    Request::Inbox(Inbox {
        sent: false,
        unread_only: true,
        filter: Filter::default(),
        query: None,
        before_id: None,
        after_id: None,
        limit,
    })
}
