//! A broadcast: how many commits it takes, and when the first and the last of those that wait have it.

use super::{GROUP, begin_wait, heard, mark_read, observer, runtime, status, until_waiting, waiters, world};
use crate::groups::Context;
use crate::report::{Figure, Target};
use crate::samples::Samples;
use crate::socket::{Socket, message};
use crate::world::World;
use c2c_proto::message::To;
use futures_util::{StreamExt, stream};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const WAITERS: [usize; 3] = [10, 100, 1_000];
/// So many have a bound.
const BOUND_AT: usize = 1_000;
const LAST_WITHIN_MS: f64 = 100.0;
const ROUNDS: usize = 5;
/// Broadcasts in each round.
const REPEATS: usize = 10;
const BODY: &str = "the schema has changed, please read the new one before you go on";

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let wanted = WAITERS.into_iter().filter(|count| context.wants(&setting(*count)));
    wanted.flat_map(|count| runtime().block_on(one(context, &world(count), count))).collect()
}

fn setting(count: usize) -> String {
    format!("broadcast to {count} waiting")
}

/// What broadcasts came to.
#[derive(Default)]
struct Measured {
    commits: Samples,
    answer: Samples,
    first: Samples,
    last: Samples,
}

async fn one(context: Context<'_>, world: &World, count: usize) -> Vec<Figure> {
    let mut waiters = waiters(world.paths(), count).await;
    let mut sender = Socket::session(world.paths(), "sender").await;
    let mut observer = observer(world.paths()).await;
    let mut measured = Measured::default();
    for _ in 0..ROUNDS {
        let Measured { commits, answer, first, last } = &mut measured;
        [commits, answer, first, last].into_iter().for_each(Samples::round);
        for _ in 0..context.repeats(REPEATS) {
            waiters = broadcast(waiters, &mut sender, &mut observer, &mut measured).await;
        }
    }
    let setting = setting(count);
    let figure = |name: &str, unit: &str, samples: &Samples| {
        Figure::samples(GROUP, name, &setting, unit, samples.summary()).at(count as f64)
    };
    let last = figure("to the last wake-up", "ms", &measured.last);
    vec![
        figure("commits", "commits", &measured.commits).to_reach(Target::AtMost(1.0)),
        figure("to the sender's answer", "ms", &measured.answer),
        figure("to the first wake-up", "ms", &measured.first),
        if count == BOUND_AT { last.to_reach(Target::AtMost(LAST_WITHIN_MS)) } else { last },
    ]
}

/// One broadcast, from all that wait to all that have marked it read.
async fn broadcast(
    waiters: Vec<Socket>,
    sender: &mut Socket,
    observer: &mut Socket,
    measured: &mut Measured,
) -> Vec<Socket> {
    let count = waiters.len();
    let mut woken = JoinSet::new();
    for mut waiter in waiters {
        let wait = begin_wait(&mut waiter).await;
        woken.spawn(async move {
            let response = waiter.finish(wait).await;
            (Instant::now(), waiter, response)
        });
    }
    until_waiting(observer, count).await;
    let before = status(observer).await.commits;
    let began = Instant::now();
    let call = sender.begin(message(To::Everyone, BODY)).await;
    // Whoever hears first is noted first: the answer is waited for beside the others.
    let (answered, woken) = tokio::join!(
        async {
            sender.finish(call).await;
            Instant::now()
        },
        woken.join_all()
    );
    measured.commits.add((status(observer).await.commits - before) as f64);
    measured.answer.add_ms(answered - began);
    let times = || woken.iter().map(|(at, ..)| *at - began);
    measured.first.add_ms(times().min().unwrap_or(Duration::ZERO));
    measured.last.add_ms(times().max().unwrap_or(Duration::ZERO));
    let read = woken.into_iter().map(|(_, mut waiter, response)| async move {
        mark_read(&mut waiter, heard(response).into_iter().map(|(id, _)| id).collect()).await;
        waiter
    });
    stream::iter(read).buffered(count).collect().await
}
