//! Sends per second: many clients, each with one call at a time, each to a session of its own that is known and away. One
//! process makes all of the load; it shares the machine with the broker.

use super::Context;
use crate::floors::Commit;
use crate::report::{Figure, Target};
use crate::socket::{Socket, message};
use crate::world::World;
use c2c_proto::message::To;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Barrier;

const CLIENTS: [usize; 4] = [1, 8, 64, 512];
/// Bodies in bytes, and for how many clients each is measured.
const BODIES: [(usize, &str); 3] = [(200, "200 B"), (10_000, "10 KB"), (1_000_000, "1 MB")];
const LASTS: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;
/// Recipients of each client in turn: the unread mail of one mailbox has a limit of 100,000.
const RECIPIENTS: usize = 4;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    for durability in ["full", "normal"] {
        for (bytes, named) in BODIES {
            for clients in CLIENTS {
                // A thousand million bytes a second is no load that means anything.
                if bytes == 1_000_000 && clients > 64 {
                    continue;
                }
                if context.wants(&setting(clients, named, durability)) {
                    figures.push(one(context, durability, (bytes, named), clients));
                }
            }
        }
    }
    figures.extend(shared(&figures));
    figures
}

/// What sharing commits brings: many clients beside a single one, each of whose messages is a commit.
fn shared(figures: &[Figure]) -> Option<Figure> {
    let of = |clients| figures.iter().find(|figure| figure.setting == setting(clients, BODIES[0].1, "full"));
    let (many, one) = (of(64)?, of(1)?);
    let figure = Figure::value("throughput", "sends, commits shared", &many.setting, "per s", many.value);
    Some(figure.beside("1 client, a commit for each message", one.value).to_reach(Target::RatioAtLeast(8.0)))
}

fn setting(clients: usize, body: &str, durability: &str) -> String {
    format!("{clients} clients, {body}, {durability}")
}

fn one(context: Context<'_>, durability: &str, (bytes, named): (usize, &str), clients: usize) -> Figure {
    let lasts = if context.quick { LASTS / 10 } else { LASTS };
    let rounds = if context.quick { 1 } else { ROUNDS };
    let mut rates = crate::samples::Samples::default();
    let mut commits = crate::samples::Samples::default();
    for _ in 0..rounds {
        commits.round();
        let mut commit = Commit::new(durability == "full");
        let began = Instant::now();
        let mut done = 0;
        while began.elapsed() < lasts / 4 {
            commit.once();
            done += 1;
        }
        commits.add(f64::from(done) / began.elapsed().as_secs_f64());
        rates.round();
        rates.add(rate(durability, bytes, clients, lasts));
    }
    let setting = setting(clients, named, durability);
    let floor = commits.summary().p50;
    let figure = Figure::samples("throughput", "sends", &setting, "per s", rates.summary())
        .beside(&format!("one commit of a row of 200 B after the other, {durability}"), floor)
        .at(clients as f64);
    match (clients, bytes, durability) {
        (64, 200, "full") => figure.to_reach(Target::AtLeast(15_000.0)),
        (64, 200, _) => figure.to_reach(Target::AtLeast(40_000.0)),
        _ => figure,
    }
}

/// Messages per second that were answered.
pub(super) fn rate(durability: &str, bytes: usize, clients: usize, lasts: Duration) -> f64 {
    let world = World::configured(&format!("durability = \"{durability}\"\n"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let ready = Arc::new(Barrier::new(clients + 1));
        let body: Arc<str> = "lorem ipsum dolor sit amet, ".repeat(bytes / 28 + 1)[..bytes].into();
        let mut tasks = Vec::new();
        for client in 0..clients {
            for recipient in 0..RECIPIENTS {
                Socket::session(world.paths(), &format!("away-{client}-{recipient}")).await;
            }
            let mut socket = Socket::session(world.paths(), &format!("client-{client}")).await;
            let (stop, sent, ready, body) =
                (Arc::clone(&stop), Arc::clone(&sent), Arc::clone(&ready), Arc::clone(&body));
            tasks.push(tokio::spawn(async move {
                ready.wait().await;
                let mut own = 0;
                while !stop.load(Ordering::Relaxed) {
                    let to = format!("away-{client}-{}", own % RECIPIENTS as u64);
                    socket.call(message(To::One(to), &body)).await;
                    own += 1;
                }
                sent.fetch_add(own, Ordering::Relaxed);
            }));
        }
        ready.wait().await;
        let began = Instant::now();
        tokio::time::sleep(lasts).await;
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.expect("a client ends well");
        }
        sent.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
    })
}
