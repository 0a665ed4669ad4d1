//! One at a time: starts, sends and deliveries.

use super::server::{self, Installed, Predecessor};
use super::{Context, Measured, Side, body};
use crate::groups::exchange;
use crate::mcp::Mcp;
use crate::pin::Setting;
use crate::world::World;
use c2c_harness::PATIENCE;
use serde_json::json;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const WARM_UP: usize = 20;
/// Starts, sends and deliveries of c2c in one round.
const OURS: [usize; 3] = [20, 150, 150];
/// The same of claude-c2c, which takes longer.
const THEIRS: [usize; 3] = [3, 50, 50];
/// The name of a session that is started to see how long that takes.
const STARTING: &str = "starting";

/// What was measured in one setting.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) start: Measured,
    pub(super) send: Measured,
    pub(super) deliver: Measured,
}

/// Two sessions of one of the two products.
struct Pair<S> {
    // The order matters: the sessions end before what they talk to.
    alice: Mcp,
    bob: Mcp,
    side: S,
    body: String,
}

impl<S: Side> Pair<S> {
    fn new(side: S) -> Self {
        let (alice, bob) = (side.session("alice"), side.session("bob"));
        Self { alice, bob, side, body: body() }
    }

    /// From the start of the process to the answer to `initialize`; and the process.
    fn start(&self) -> (Duration, Mcp) {
        let command = self.side.command(STARTING);
        let began = Instant::now();
        let mcp = Mcp::start(command);
        (began.elapsed(), mcp)
    }

    /// From the call to its result. Bob is the one who has no unread mail.
    fn send(&mut self) -> Duration {
        let mail = json!({"to": "alice", "body": self.body});
        let began = Instant::now();
        self.bob.call("send_message", &mail);
        began.elapsed()
    }
}

pub(super) fn measure(context: Context<'_>, setting: Setting, installed: &Installed) -> Calls {
    setting.run(|| {
        let mut ours = Pair::new(World::new());
        let mut theirs = Pair::new(Predecessor::new(installed));
        for _ in 0..context.repeats(WARM_UP) {
            let _all_used = (ours.send(), ours.deliver(), theirs.send(), theirs.deliver());
        }
        let (_, started) = ours.start();
        ours.end(started);
        drop(theirs.start());
        let mut calls = Calls::default();
        for _ in 0..if context.quick { 1 } else { ROUNDS } {
            round(context, &mut calls, &mut ours, &mut theirs);
        }
        calls
    })
}

fn round(context: Context<'_>, calls: &mut Calls, ours: &mut Pair<World>, theirs: &mut Pair<Predecessor>) {
    let Calls { start, send, deliver } = calls;
    [&mut *start, &mut *send, &mut *deliver].into_iter().for_each(Measured::round);
    let [starts, sends, deliveries] = OURS.map(|repeats| context.repeats(repeats));
    (0..starts).for_each(|_| {
        let (took, mcp) = ours.start();
        start.ours.add_ms(took);
        ours.end(mcp);
    });
    (0..sends).for_each(|_| send.ours.add_us(ours.send()));
    (0..deliveries).for_each(|_| deliver.ours.add_us(ours.deliver()));
    let [starts, sends, deliveries] = THEIRS.map(|repeats| context.repeats(repeats));
    (0..starts).for_each(|_| start.theirs.add_ms(theirs.start().0));
    (0..sends).for_each(|_| send.theirs.add_us(theirs.send()));
    (0..deliveries).for_each(|_| deliver.theirs.add_us(theirs.deliver()));
}

impl Pair<World> {
    /// From the send to the result of the peer's wait, which was blocked before.
    fn deliver(&mut self) -> Duration {
        let mail = json!({"to": "bob", "body": self.body});
        exchange::delivered(&mut self.alice, &mut self.bob, &json!({}), &mail)
    }

    /// Ends a session that was just started, once the broker is done with its beginning, and until it is done with its
    /// end: the next start is not to be measured beside them.
    fn end(&mut self, mut started: Mcp) {
        started.call("heartbeat", &json!({}));
        drop(started);
        exchange::until_seen(&mut self.alice, |session| {
            session["name"] == STARTING && session["online"] == false
        });
    }
}

impl Pair<Predecessor> {
    /// From the send to the first result of the peer's inbox that has the message. The peer asks again and again,
    /// without pause, from the moment in which the send was written.
    fn deliver(&mut self) -> Duration {
        let mail = json!({"to": "bob", "body": self.body});
        let began = Instant::now();
        let send = self.alice.begin_call("send_message", &mail);
        let heard = loop {
            let found = server::attempt(&mut self.bob, "inbox", &json!({}));
            match found {
                Ok(found) if !found.is_null() => break found,
                _ => assert!(began.elapsed() < PATIENCE, "the message does not come"),
            }
        };
        let took = began.elapsed();
        server::result(&mut self.alice, send).expect("what was delivered was sent");
        self.bob.call("mark_read", &json!({"message_ids": [heard["id"]]}));
        took
    }
}
