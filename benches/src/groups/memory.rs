//! What shims and the broker take of main memory. Nothing is measured while anybody works.

use super::Context;
use crate::descriptors;
use crate::mcp::Mcp;
use crate::report::{Figure, Target};
use crate::socket::{Socket, wait};
use crate::usage::{self, Memory};
use crate::world::World;
use futures_util::{StreamExt, stream};
use std::ops::Range;

/// Numbers of shims at which their memory is looked at; the increment is that from the second to the last.
const SHIMS: &[usize] = &[1, 5, 10, 20, 30, 40, 50];
const QUICK_SHIMS: &[usize] = &[1, 2, 5];
/// Numbers of idle connections at which the broker's memory is looked at.
const CONNECTIONS: &[usize] = &[250, 500, 1_000, 2_500, 5_000, 10_000];
const QUICK_CONNECTIONS: &[usize] = &[100, 1_000];
/// From none to so many: what one idle connection takes.
const IDLE: usize = 1_000;
/// So many waits have a bound.
const WAITS: usize = 10_000;
/// Connections that are made at the same time: enough for the broker to store them in batches.
const AT_ONCE: usize = 64;
/// Longer than a run.
const WAIT_MS: u64 = 3_600_000;
const BYTES_PER_MB: f64 = 1e6;
const BYTES_PER_KIB: f64 = 1_024.0;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let (shims, connections) =
        if context.quick { (QUICK_SHIMS, QUICK_CONNECTIONS) } else { (SHIMS, CONNECTIONS) };
    let mut figures = of_shims(shims);
    figures.extend(of_broker(connections));
    figures
}

fn mb(name: &str, setting: &str, bytes: f64) -> Figure {
    Figure::value("memory", name, setting, "MB", bytes / BYTES_PER_MB)
}

/// All shims together as they become more, and from that what each further one takes.
fn of_shims(counts: &[usize]) -> Vec<Figure> {
    let world = World::new();
    let mut shims: Vec<Mcp> = Vec::new();
    let mut seen = Vec::new();
    for &count in counts {
        while shims.len() < count {
            shims.push(world.session(&format!("shim-{}", shims.len())));
        }
        let ids: Vec<u32> = shims.iter().map(Mcp::id).collect();
        usage::until_still(&ids);
        seen.push((count, Memory::of_all(ids)));
    }
    // What only the first one has by itself, those after it share.
    let (&(few, before), &(many, after)) = (&seen[1], &seen[seen.len() - 1]);
    let further = |of: fn(&Memory) -> f64| (of(&after) - of(&before)) / (many - few) as f64;
    let setting = format!("idle, from {few} to {many}");
    let mut figures = vec![
        mb("private, each further shim", &setting, further(|memory| memory.private))
            .to_reach(Target::AtMost(0.4)),
        mb("proportional, each further shim", &setting, further(|memory| memory.proportional)),
    ];
    let point = |name: &str, of: fn(&Memory) -> f64| {
        let points = seen
            .iter()
            .map(|(count, memory)| mb(name, &format!("{count} shims"), of(memory)).at(*count as f64));
        points.collect::<Vec<_>>()
    };
    figures.extend(point("private, all shims", |memory| memory.private));
    figures.extend(point("proportional, all shims", |memory| memory.proportional));
    figures
}

/// The broker as its connections become more, when all of them wait, and when they are gone.
fn of_broker(counts: &[usize]) -> Vec<Figure> {
    let most = counts[counts.len() - 1];
    descriptors::provide(most);
    let world = World::new();
    let resident = |setting: &str, count: usize| {
        usage::until_still(&[world.broker_id()]);
        let bytes = Memory::of(world.broker_id()).resident;
        (bytes, mb("broker, resident", setting, bytes).at(count as f64))
    };
    let (none, figure) = resident("idle, no connections", 0);
    let mut figures = vec![figure.to_reach(Target::AtMost(8.0))];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut sockets: Vec<Socket> = Vec::new();
    for &count in counts {
        sockets.extend(runtime.block_on(connect(&world, sockets.len()..count)));
        let (bytes, figure) = resident(&format!("{count} idle connections"), count);
        figures.push(figure);
        if count == IDLE {
            let each = (bytes - none) / count as f64 / BYTES_PER_KIB;
            let setting = format!("{count} idle connections");
            let figure = Figure::value("memory", "broker, each connection", &setting, "KiB", each);
            figures.push(figure.to_reach(Target::AtMost(14.0)));
        }
    }
    runtime.block_on(begin_waits(&mut sockets));
    world.sandbox().until_status("all wait", |status| status.waits == most as u64);
    let figure = resident(&format!("{most} waits"), most).1;
    figures.push(if most == WAITS { figure.to_reach(Target::AtMost(200.0)) } else { figure });
    drop(sockets);
    world.sandbox().until_status("all connections are gone", |status| status.sessions_online == 0);
    figures.push(resident(&format!("after {most} waits are gone"), 0).1);
    figures
}

/// Each as a session of its own.
async fn connect(world: &World, which: Range<usize>) -> Vec<Socket> {
    let one = |number: usize| async move { Socket::session(world.paths(), &format!("idle-{number}")).await };
    stream::iter(which.map(one)).buffer_unordered(AT_ONCE).collect().await
}

/// Begins a wait on each.
async fn begin_waits(sockets: &mut [Socket]) {
    for socket in sockets {
        socket.begin(wait(WAIT_MS)).await;
    }
}
