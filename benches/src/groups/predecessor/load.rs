//! Eight sessions: what each takes of memory while it is idle, and how many messages all of them send.

use super::server::{self, Installed, Predecessor};
use super::{Context, Measured, Side, body};
use crate::groups::throughput;
use crate::mcp::Mcp;
use crate::samples::Samples;
use crate::world::World;
use serde_json::json;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// How many sessions.
pub(super) const SESSIONS: usize = 8;
/// How many clients of c2c's socket are beside claude-c2c's sessions, which cannot be more than a few.
pub(super) const CLIENTS: usize = 64;
const ROUNDS: usize = 3;
const LASTS: Duration = Duration::from_secs(4);

/// What was measured of eight sessions.
#[derive(Default)]
pub(super) struct Load {
    /// Private memory of each idle session's process in KiB; nothing where the system does not say.
    pub(super) memory: Measured,
    /// Messages per second of all together.
    pub(super) sends: Measured,
    /// Messages per second of [`CLIENTS`] of c2c.
    pub(super) clients: Samples,
    /// Sends that claude-c2c failed with `database is locked`.
    pub(super) locked: u64,
    /// Sends that it did not fail.
    pub(super) stored: u64,
}

/// How many of a session's sends were stored in time, and how many failed.
#[derive(Clone, Copy, Default)]
struct Sent {
    stored: u64,
    locked: u64,
}

pub(super) fn measure(context: Context<'_>, installed: &Installed) -> Load {
    let lasts = if context.quick { LASTS / 10 } else { LASTS };
    let mut load = Load::default();
    for _ in 0..if context.quick { 1 } else { ROUNDS } {
        load.memory.round();
        load.sends.round();
        let ours = run(&World::new(), lasts, &mut load.memory.ours);
        load.clients.round();
        load.clients.add(throughput::rate("full", super::BODY_BYTES, CLIENTS, lasts));
        let theirs = run(&Predecessor::new(installed), lasts, &mut load.memory.theirs);
        assert_eq!(ours.locked, 0, "c2c's sends never fail");
        load.sends.ours.add(ours.stored as f64 / lasts.as_secs_f64());
        load.sends.theirs.add(theirs.stored as f64 / lasts.as_secs_f64());
        load.stored += theirs.stored;
        load.locked += theirs.locked;
    }
    load
}

/// Starts the sessions, notes their memory, and lets all of them send for so long.
fn run(side: &impl Side, lasts: Duration, memory: &mut Samples) -> Sent {
    let mut sessions: Vec<Mcp> = (0..SESSIONS).map(|at| side.session(&name(at))).collect();
    sessions.iter().filter_map(private_kib).for_each(|kib| memory.add(kib));
    let ready = Barrier::new(SESSIONS);
    let sent = std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .iter_mut()
            .enumerate()
            .map(|(at, session)| {
                let ready = &ready;
                scope.spawn(move || send(session, &name((at + 1) % SESSIONS), ready, lasts))
            })
            .collect();
        threads.into_iter().fold(Sent::default(), |sum, thread| {
            let sent = thread.join().expect("a session ends well");
            Sent { stored: sum.stored + sent.stored, locked: sum.locked + sent.locked }
        })
    });
    let rows = c2c_harness::count_rows(&side.store(), &["messages"])[0];
    assert!(rows.cast_unsigned() >= sent.stored, "{rows} messages are there, {} were sent", sent.stored);
    sent
}

/// What the session's process has for itself.
#[cfg(target_os = "linux")]
fn private_kib(session: &Mcp) -> Option<f64> {
    Some(crate::usage::Memory::of(session.id()).private / 1_024.0)
}

/// The system does not say it.
#[cfg(not(target_os = "linux"))]
const fn private_kib(_: &Mcp) -> Option<f64> {
    None
}

fn name(at: usize) -> String {
    format!("session-{at}")
}

/// Sends one message after the other. What is answered too late does not count: a server that another one keeps waiting
/// for seconds is not to make the measured time longer.
fn send(session: &mut Mcp, to: &str, ready: &Barrier, lasts: Duration) -> Sent {
    let mail = json!({"to": to, "body": body()});
    let mut sent = Sent::default();
    ready.wait();
    let began = Instant::now();
    loop {
        let answer = server::attempt(session, "send_message", &mail);
        if began.elapsed() > lasts {
            return sent;
        }
        match answer {
            Ok(_) => sent.stored += 1,
            Err(server::Locked) => sent.locked += 1,
        }
    }
}
