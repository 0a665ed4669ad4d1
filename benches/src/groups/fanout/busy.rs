//! Thousands that wait, and a few that send to some of them without pause. A message says when it was written; whoever is
//! woken by it takes the time, marks it read and waits again.

use super::{GROUP, begin_wait, heard, mark_read, name, observer, runtime, until_waiting, waiters, world};
use crate::groups::Context;
use crate::report::{Figure, Target};
use crate::samples::Samples;
use crate::socket::{Socket, message};
use crate::world::World;
use c2c_harness::Seed;
use c2c_proto::message::To;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinSet;

const WAITERS: usize = 10_000;
const SENDERS: usize = 8;
const ROUNDS: usize = 5;
/// Messages of each sender in each round.
const SENDS: usize = 500;
const P99_WITHIN_MS: f64 = 100.0;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let setting = format!("{} waiting, {SENDERS} send", context.repeats(WAITERS));
    if !context.wants(&setting) {
        return Vec::new();
    }
    runtime().block_on(all(context, &world(context.repeats(WAITERS)), &setting))
}

async fn all(context: Context<'_>, world: &World, setting: &str) -> Vec<Figure> {
    let count = context.repeats(WAITERS);
    let began = Instant::now();
    let (woken, mut times) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for waiter in waiters(world.paths(), count).await {
        tasks.spawn(wait_for_ever(waiter, began, woken.clone()));
    }
    let mut observer = observer(world.paths()).await;
    let mut samples = Samples::default();
    let mut rates = Samples::default();
    let sends = context.repeats(SENDS);
    let mut senders = Vec::new();
    for seed in 0..SENDERS {
        let socket = Socket::session(world.paths(), &format!("sender-{seed}")).await;
        senders.push((socket, Seed::of(seed as u64)));
    }
    for _ in 0..ROUNDS {
        until_waiting(&mut observer, count).await;
        samples.round();
        rates.round();
        let round_began = Instant::now();
        let mut sending = JoinSet::new();
        for (socket, chance) in senders {
            sending.spawn(send(socket, chance, [count, sends], began));
        }
        for _ in 0..SENDERS * sends {
            samples.add_ms(times.recv().await.expect("they wait for ever"));
        }
        rates.add((SENDERS * sends) as f64 / round_began.elapsed().as_secs_f64());
        senders = sending.join_all().await;
    }
    let summary = samples.summary();
    let p99 = Figure::value(GROUP, "send to wake-up, p99", setting, "ms", summary.p99);
    vec![
        Figure::samples(GROUP, "send to wake-up", setting, "ms", summary),
        p99.to_reach(Target::AtMost(P99_WITHIN_MS)),
        Figure::samples(GROUP, "wake-ups", setting, "per s", rates.summary()),
    ]
}

async fn wait_for_ever(mut waiter: Socket, began: Instant, woken: UnboundedSender<Duration>) {
    loop {
        let wait = begin_wait(&mut waiter).await;
        let response = waiter.finish(wait).await;
        let now = began.elapsed();
        let mut ids = Vec::new();
        for (id, written) in heard(response) {
            let written = Duration::from_nanos(written.parse().expect("when it was written"));
            woken.send(now - written).expect("the times are taken");
            ids.push(id);
        }
        mark_read(&mut waiter, ids).await;
    }
}

/// Sends so many messages, each to one of so many, one after the other.
async fn send(
    mut socket: Socket,
    mut chance: Seed,
    [waiters, sends]: [usize; 2],
    began: Instant,
) -> (Socket, Seed) {
    for _ in 0..sends {
        let to = To::One(name(chance.below(waiters)));
        socket.call(message(to, &began.elapsed().as_nanos().to_string())).await;
    }
    (socket, chance)
}
