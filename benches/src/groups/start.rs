//! From the start of a process to its first answers, beside the start of a process that does nothing.

use super::Context;
use crate::floors;
use crate::mcp::Mcp;
use crate::pin::Setting;
use crate::report::{Figure, Target};
use crate::samples::Samples;
use crate::socket::Socket;
use crate::world::World;
use c2c_harness::{Broker, PATIENCE};
use c2c_proto::hello::Role;
use c2c_proto::request::{Request, Status};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const ROUNDS: usize = 5;
/// Starts in each round.
const REPEATS: usize = 30;
/// The same for those that need a store or a broker of their own.
const WORLDS: usize = 10;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    Setting::all().into_iter().flat_map(|setting| setting.run(|| all(context, setting))).collect()
}

/// Name, how often in each round, what is to be reached (of values: in ms), and how it is measured once.
type Start = (&'static str, usize, Option<Target>, fn(&mut Bench) -> Duration);

const STARTS: &[Start] = &[
    ("c2c-shim to `initialize` answered", REPEATS, Some(Target::RatioAtMost(3.0)), initialize),
    ("c2c-shim to the first tool result, broker running", REPEATS, None, first_result),
    (
        "c2c-shim to the first tool result, no broker running",
        WORLDS,
        Some(Target::AtMost(60.0)),
        first_result_alone,
    ),
    ("c2c-broker to its first answer, no store", WORLDS, None, broker_without_store),
    ("c2c-broker to its first answer, small store", WORLDS, None, broker_with_store),
];

fn all(context: Context<'_>, setting: Setting) -> Vec<Figure> {
    let mut bench = Bench::new();
    let mut floor = Samples::default();
    let mut samples = vec![Samples::default(); STARTS.len()];
    // The first of each finds nothing of its files in memory.
    for (.., once) in STARTS {
        once(&mut bench);
    }
    for _ in 0..ROUNDS {
        floor.round();
        for ((_, repeats, _, once), samples) in STARTS.iter().zip(&mut samples) {
            samples.round();
            for _ in 0..context.repeats(*repeats) {
                floor.add_ms(floors::spawn());
                samples.add_ms(once(&mut bench));
            }
        }
    }
    let spawn = floor.summary().p50;
    let figure = |((name, _, target, _), samples): (&Start, &Samples)| {
        let figure = Figure::samples("start", name, setting.name(), "ms", samples.summary());
        let figure = figure.beside("spawn of /bin/true", spawn);
        target.map_or(figure.clone(), |target| figure.to_reach(target))
    };
    STARTS.iter().zip(&samples).map(figure).collect()
}

/// What the starts find there.
struct Bench {
    /// With a broker.
    served: World,
    /// With a store and no broker.
    unserved: World,
    runtime: Runtime,
    sessions: usize,
}

impl Bench {
    fn new() -> Self {
        let mut unserved = World::new();
        drop(unserved.session("before"));
        unserved.stop_broker();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { served: World::new(), unserved, runtime: runtime.expect("a runtime"), sessions: 0 }
    }

    /// A name that no session had before.
    fn name(&mut self) -> String {
        self.sessions += 1;
        format!("start-{}", self.sessions)
    }

    /// Until the broker is done with the sessions before, so that a start has the machine to itself.
    fn until_alone(&self) {
        self.served.sandbox().until_status("the last session is gone", |status| status.sessions_online == 0);
    }
}

fn initialize(bench: &mut Bench) -> Duration {
    bench.until_alone();
    let name = bench.name();
    let command = bench.served.shim(&name).command();
    let began = Instant::now();
    let mut mcp = Mcp::spawn(command);
    mcp.greet();
    began.elapsed()
}

fn first_result(bench: &mut Bench) -> Duration {
    bench.until_alone();
    let name = bench.name();
    to_first_result(&bench.served, &name)
}

/// The shim starts the broker, which ends with the world.
fn first_result_alone(_: &mut Bench) -> Duration {
    to_first_result(&World::without_broker(), "alone")
}

fn to_first_result(world: &World, name: &str) -> Duration {
    let command = world.shim(name).command();
    let began = Instant::now();
    let mut mcp = Mcp::start(command);
    mcp.call("heartbeat", &json!({}));
    began.elapsed()
}

fn broker_without_store(bench: &mut Bench) -> Duration {
    to_first_answer(&World::without_broker(), &bench.runtime)
}

fn broker_with_store(bench: &mut Bench) -> Duration {
    to_first_answer(&bench.unserved, &bench.runtime)
}

/// Reads the word that it is ready, as whoever starts a broker does, and then asks it for its status.
pub(super) fn to_first_answer(world: &World, runtime: &Runtime) -> Duration {
    let mut command = Broker::command(world.sandbox());
    command.arg("--ready-stdout").stdout(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().expect("the broker starts");
    let mut word = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    let mut broker = Broker::adopt(child);
    BufReader::new(stdout).read_line(&mut word).expect("the broker's stdout can be read");
    assert!(word.contains("\"ready\":true"), "the broker is not ready: {word}");
    runtime.block_on(async {
        let mut socket = Socket::connect(world.paths(), Role::Control).await;
        socket.call(Request::Status(Status {})).await;
    });
    let took = began.elapsed();
    #[cfg(unix)]
    broker.terminate();
    #[cfg(not(unix))]
    broker.kill();
    let _ended = broker.wait_exit(PATIENCE);
    took
}
