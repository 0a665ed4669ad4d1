//! What a broker and fifty shims cost while nobody does anything: how often the system has to put them to work, and for
//! how long.

use super::Context;
use crate::mcp::Mcp;
use crate::report::{Figure, Target};
use crate::usage::{self, Work};
use crate::world::World;
use c2c_harness::pause;
use std::time::{Duration, Instant};

const SHIMS: usize = 50;
const LASTS: Duration = Duration::from_secs(60);
const QUICK_LASTS: Duration = Duration::from_secs(10);

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let world = World::new();
    let shims: Vec<Mcp> = (0..SHIMS).map(|shim| world.session(&format!("idle-{shim}"))).collect();
    let ids: Vec<u32> = std::iter::once(world.broker_id()).chain(shims.iter().map(Mcp::id)).collect();
    usage::until_still(&ids);
    let look = || ids.iter().map(|id| Work::of(*id)).collect::<Vec<_>>();
    let (before, began) = (look(), Instant::now());
    // The time itself is what is measured.
    pause(if context.quick { QUICK_LASTS } else { LASTS });
    let (after, lasted) = (look(), began.elapsed().as_secs_f64());
    let each: Vec<Work> = after.into_iter().zip(before).map(|(after, before)| after - before).collect();
    figures(&each, lasted)
}

/// Of the broker's work, which is the first, and that of the shims.
fn figures(each: &[Work], seconds: f64) -> Vec<Figure> {
    let (broker, shims) = each.split_first().expect("a broker");
    let wake_ups = |works: &[Work]| works.iter().map(|work| work.wake_ups).sum::<f64>() / seconds;
    let busy_ms = |works: &[Work]| works.iter().map(|work| work.busy_ns).sum::<f64>() / 1e6 / seconds * 60.0;
    let broker = std::slice::from_ref(broker);
    let shim = |all: f64| all / shims.len() as f64;
    let together = format!("broker and {} shims", shims.len());
    let woken = |setting: &str, value: f64| Figure::value("idle", "wake-ups", setting, "per s", value);
    let busy = |setting: &str, value: f64| Figure::value("idle", "processor", setting, "ms per min", value);
    vec![
        woken(&together, wake_ups(each)).to_reach(Target::AtMost(1.0)),
        woken("broker", wake_ups(broker)),
        woken("each shim", shim(wake_ups(shims))),
        busy(&together, busy_ms(each)),
        busy("broker", busy_ms(broker)),
        busy("each shim", shim(busy_ms(shims))),
    ]
}
