//! c2c side by side with claude-c2c 0.1.0, the Python server that it grew from: both as processes that one driver drives
//! over the same kind of pipes, their rounds in turns. Where it cannot be installed the group says so and has no figures.
//!
//! What is compared is what a client sees, each with the settings that it has by default:
//!
//! - c2c answers a send when its commit was flushed (`durability = "full"`).
//! - claude-c2c opens its SQLite file anew for every call, with a write-ahead log and `synchronous=NORMAL`: a commit is not
//!   flushed. But closing the last connection to a file folds its log into it, and that is flushed. So the answer to a
//!   call says that it is on the disk only if no other server had the file open at that moment, and one server alone
//!   flushes four times for each call (the new log, its folder, the log again, the file); with several at work most
//!   calls do without.
//! - In c2c the peer is blocked in `wait_for_message`. claude-c2c has no wait: there the peer asks for its inbox without
//!   pause, from the moment in which the send was written, in a thread with nothing else to do. In real use a model asks
//!   at its next turn. The time begins before the send is written and ends when the peer holds the message.
//! - claude-c2c runs as `claude-c2c` from its virtual environment, without the `uvx` before it that its page advises,
//!   its bytecode compiled, its stderr thrown away: all in its favour.
//!
//! The broker is one more process of c2c, for all sessions together; the group `memory` has it.

mod calls;
mod load;
mod server;

use super::Context;
use crate::mcp::Mcp;
use crate::pin::Setting;
use crate::report::{Figure, Target};
use crate::samples::Samples;
use crate::world::World;
use serde_json::json;
use server::Installed;
use std::path::PathBuf;
use std::process::Command;

const GROUP: &str = "predecessor";
const BODY_BYTES: usize = 200;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let installed = match Installed::find() {
        Ok(installed) => installed,
        Err(why) => {
            eprintln!("{GROUP}: skipped, claude-c2c is not to be had: {why}");
            return Vec::new();
        }
    };
    let mut figures = Vec::new();
    for setting in Setting::all() {
        if context.wants(setting.name()) {
            figures.extend(one_at_a_time(context, setting, &installed));
        }
    }
    let many = format!("{} sessions", load::SESSIONS);
    if context.wants(&many) {
        figures.extend(all_at_once(context, &many, &installed));
    }
    figures
}

fn one_at_a_time(context: Context<'_>, setting: Setting, installed: &Installed) -> Vec<Figure> {
    let calls = calls::measure(context, setting, installed);
    let setting = setting.name();
    let start = calls.start.figures("start to `initialize` answered", setting, "ms", installed);
    let mut figures: Vec<_> = to_reach(start, Target::TimesLessThanFloor(300.0)).collect();
    figures.extend(calls.send.figures("send_message", setting, "µs", installed));
    figures.extend(calls.deliver.figures("send to the peer has it", setting, "µs", installed));
    figures
}

fn all_at_once(context: Context<'_>, setting: &str, installed: &Installed) -> Vec<Figure> {
    let load = load::measure(context, installed);
    let memory = load.memory.figures("private memory of one idle session", setting, "KiB", installed);
    let mut figures: Vec<_> = to_reach(memory, Target::TimesLessThanFloor(90.0)).collect();
    figures.extend(load.sends.figures("sends of all", setting, "per s", installed));
    let clients = format!("{} clients of the broker", load::CLIENTS);
    let beside = load.sends.theirs.summary().p50;
    let what = format!("{}, {setting}", installed.what);
    let sends = Figure::samples(GROUP, "sends of all", &clients, "per s", load.clients.summary())
        .beside(&what, beside);
    figures.push(sends.to_reach(Target::RatioAtLeast(60.0)));
    let name = "sends that failed with `database is locked`";
    let unit = format!("of {}", load.stored + load.locked);
    figures.push(Figure::value(GROUP, name, &theirs(setting), &unit, load.locked as f64));
    figures
}

/// One of the two products, on a store of its own.
trait Side {
    /// How the server of a session is started.
    fn command(&self, name: &str) -> Command;

    /// After this the session has its name.
    fn register(&self, mcp: &mut Mcp, name: &str);

    /// The SQLite file, in which both have a table `messages`.
    fn store(&self) -> PathBuf;

    /// A session under a name.
    fn session(&self, name: &str) -> Mcp {
        let mut mcp = Mcp::start(self.command(name));
        self.register(&mut mcp, name);
        mcp
    }
}

impl Side for World {
    fn command(&self, name: &str) -> Command {
        self.shim(name).command()
    }

    fn register(&self, mcp: &mut Mcp, _name: &str) {
        // It has its name by itself; this is answered after that.
        mcp.call("heartbeat", &json!({}));
    }

    fn store(&self) -> PathBuf {
        self.paths().store.clone()
    }
}

/// One thing, measured of both.
#[derive(Default)]
struct Measured {
    ours: Samples,
    theirs: Samples,
}

impl Measured {
    fn round(&mut self) {
        self.ours.round();
        self.theirs.round();
    }

    /// c2c's figure beside claude-c2c's, and that one with its spread. None if nothing was measured.
    fn figures(&self, name: &str, setting: &str, unit: &str, installed: &Installed) -> Vec<Figure> {
        if self.ours.is_empty() || self.theirs.is_empty() {
            return Vec::new();
        }
        let (ours, other) = (self.ours.summary(), self.theirs.summary());
        let beside = other.p50;
        vec![
            Figure::samples(GROUP, name, setting, unit, ours).beside(&installed.what, beside),
            Figure::samples(GROUP, name, &theirs(setting), unit, other),
        ]
    }
}

/// The setting of a figure of claude-c2c itself.
fn theirs(setting: &str) -> String {
    format!("{setting}, claude-c2c")
}

/// With what c2c's figure, the first, is to reach.
fn to_reach(figures: Vec<Figure>, target: Target) -> impl Iterator<Item = Figure> {
    figures.into_iter().map(
        move |figure| {
            if figure.floor.is_some() { figure.to_reach(target) } else { figure }
        },
    )
}

fn body() -> String {
    "x".repeat(BODY_BYTES)
}
