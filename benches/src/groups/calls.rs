//! How long one call takes, from the line that a client writes to the line that answers it: two sessions, one call at a
//! time. The floors are measured between its rounds.

use super::Context;
use super::exchange::{self, PAGE};
use crate::floors::{Flush, Ping};
use crate::mcp::Mcp;
use crate::pin::Setting;
use crate::report::{Figure, Target};
use crate::samples::Samples;
use crate::world::World;
use serde_json::json;
use std::time::Instant;

const ROUNDS: usize = 7;
const REPEATS: usize = 150;
/// Calls before anything is measured: by then every part has been used.
const WARM_UP: usize = 50;
const BODY_BYTES: usize = 200;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    Setting::all().into_iter().flat_map(|setting| setting.run(|| all(context, setting))).collect()
}

/// The two sessions, and what stands under them.
struct Bench {
    alice: Mcp,
    bob: Mcp,
    flush: Flush,
    ping: Ping,
    #[cfg(unix)]
    echo: crate::floors::Echo,
    body: String,
    // The last to go: everything else runs in it.
    _world: World,
}

#[derive(Default)]
struct Floors {
    flush: Samples,
    ping: Samples,
    echo: Samples,
}

/// What a call is compared with: how many of each.
#[derive(Clone, Copy)]
struct Stands {
    flushes: u32,
    pings: u32,
    echoes: u32,
}

type Measured = fn(&mut Bench, &mut Samples);

/// Name, what it stands on, the bound of the ratio if pinned, and how it is measured once.
const CALLS: &[(&str, Stands, Option<f64>, Measured)] = &[
    ("send_message", Stands { flushes: 1, pings: 1, echoes: 1 }, Some(1.5), send),
    (
        "send_message to the result of the peer's wait",
        Stands { flushes: 1, pings: 2, echoes: 2 },
        Some(1.8),
        deliver,
    ),
    ("ask, answered by a waiting peer", Stands { flushes: 2, pings: 4, echoes: 4 }, None, ask),
    ("inbox of 20", Stands { flushes: 0, pings: 1, echoes: 1 }, None, inbox),
    ("set_state", Stands { flushes: 1, pings: 1, echoes: 1 }, None, set_state),
    ("set_state to the result of the peer's watch", Stands { flushes: 1, pings: 2, echoes: 2 }, None, watch),
];

fn all(context: Context<'_>, setting: Setting) -> Vec<Figure> {
    let mut bench = Bench::new();
    let mut floors = Floors::default();
    let mut samples = vec![Samples::default(); CALLS.len()];
    for _ in 0..context.repeats(WARM_UP) {
        CALLS.iter().for_each(|(.., once)| once(&mut bench, &mut Samples::default()));
    }
    for _ in 0..ROUNDS {
        for ((name, .., once), samples) in CALLS.iter().zip(&mut samples) {
            if !context.wants(name) {
                continue;
            }
            samples.round();
            bench.fill();
            (0..context.repeats(REPEATS)).for_each(|_| once(&mut bench, samples));
        }
        bench.floors(&mut floors, context.repeats(REPEATS));
    }
    let (flush, ping) = (floors.flush.summary().p50, floors.ping.summary().p50);
    let echo = floors.echo.summary().p50;
    let figure = |((name, stands, bound, _), samples): (&(&str, Stands, Option<f64>, Measured), &Samples)| {
        let floor = f64::from(stands.flushes) * flush
            + f64::from(stands.pings) * ping
            + f64::from(stands.echoes) * echo;
        let figure = Figure::samples("calls", name, setting.name(), "µs", samples.summary());
        let figure = figure.beside(&stands.what(), floor);
        match bound {
            Some(bound) if setting == Setting::Pinned => figure.to_reach(Target::RatioAtMost(*bound)),
            _ => figure,
        }
    };
    CALLS.iter().zip(&samples).filter(|((name, ..), _)| context.wants(name)).map(figure).collect()
}

impl Stands {
    fn what(self) -> String {
        let part = |count: u32, what: &str| match count {
            0 => None,
            1 => Some(what.to_owned()),
            many => Some(format!("{many} {what}")),
        };
        let parts = [
            part(self.flushes, "fdatasync"),
            part(self.pings, "rmcp ping"),
            part(self.echoes, "socket ping-pong"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" + ")
    }
}

impl Bench {
    fn new() -> Self {
        let world = World::new();
        let (alice, bob) = (world.session("alice"), world.session("bob"));
        // Known, and not connected: what is sent to it is only stored.
        drop(world.session("away"));
        Self {
            _world: world,
            alice,
            bob,
            flush: Flush::new(),
            ping: Ping::new(),
            #[cfg(unix)]
            echo: crate::floors::Echo::new(),
            body: "x".repeat(BODY_BYTES),
        }
    }

    /// Leaves exactly a page of unread mail in bob's mailbox, so that each call sees the same store.
    fn fill(&mut self) {
        exchange::empty(&mut self.bob);
        exchange::fill(&mut self.alice, "bob", &self.body);
    }

    fn floors(&mut self, floors: &mut Floors, repeats: usize) {
        for samples in [&mut floors.flush, &mut floors.ping, &mut floors.echo] {
            samples.round();
        }
        for _ in 0..repeats {
            floors.flush.add_us(self.flush.once());
        }
        for _ in 0..repeats {
            floors.ping.add_us(self.ping.once());
        }
        for _ in 0..repeats {
            #[cfg(unix)]
            floors.echo.add_us(self.echo.once());
            #[cfg(not(unix))]
            floors.echo.add(0.0);
        }
    }
}

fn send(bench: &mut Bench, samples: &mut Samples) {
    let mail = json!({"to": "away", "body": bench.body});
    exchange::timed(&mut bench.alice, "send_message", &mail, samples);
}

fn deliver(bench: &mut Bench, samples: &mut Samples) {
    exchange::empty(&mut bench.bob);
    let mail = json!({"to": "bob", "body": bench.body});
    samples.add_us(exchange::delivered(&mut bench.alice, &mut bench.bob, &json!({}), &mail));
}

fn ask(bench: &mut Bench, samples: &mut Samples) {
    exchange::empty(&mut bench.bob);
    let wait = bench.bob.begin_call("wait_for_message", &json!({}));
    exchange::until_waiting(&mut bench.alice, "bob");
    let question = json!({"to": "bob", "body": bench.body});
    let began = Instant::now();
    let ask = bench.alice.begin_call("ask", &question);
    let heard = bench.bob.finish_call(wait);
    let reply = json!({"reply_to": heard["messages"][0]["id"], "body": bench.body});
    let replied = bench.bob.begin_call("send_message", &reply);
    bench.alice.finish_call(ask);
    samples.add_us(began.elapsed());
    bench.bob.finish_call(replied);
}

fn inbox(bench: &mut Bench, samples: &mut Samples) {
    exchange::timed(&mut bench.bob, "inbox", &json!({"limit": PAGE}), samples);
}

fn set_state(bench: &mut Bench, samples: &mut Samples) {
    let entry = json!({"key": "k", "value": bench.body});
    exchange::timed(&mut bench.alice, "set_state", &entry, samples);
}

fn watch(bench: &mut Bench, samples: &mut Samples) {
    let before = bench.alice.call("set_state", &json!({"key": "w", "value": 0}));
    let newer = json!({"key": "w", "newer_than": before["version"]});
    let watch = bench.bob.begin_call("get_state", &newer);
    // The watch has begun when a later call of the same session is answered.
    bench.bob.call("heartbeat", &json!({}));
    let entry = json!({"key": "w", "value": 1});
    let began = Instant::now();
    let set = bench.alice.begin_call("set_state", &entry);
    bench.bob.finish_call(watch);
    samples.add_us(began.elapsed());
    bench.alice.finish_call(set);
}
