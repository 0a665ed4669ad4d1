//! The floors by themselves, free and pinned.

use super::Context;
use crate::floors::{self, Commit, Flush, Ping};
use crate::pin::Setting;
use crate::report::Figure;
use crate::samples::Samples;
use std::time::Duration;

const ROUNDS: usize = 5;
const REPEATS: usize = 300;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    Setting::all().into_iter().flat_map(|setting| setting.run(|| all(context, setting))).collect()
}

/// Name, how often in each round, and how it is measured once.
type Floor = (&'static str, usize, Box<dyn FnMut() -> Duration>);

fn all(context: Context<'_>, setting: Setting) -> Vec<Figure> {
    let (mut flush, mut ping) = (Flush::new(), Ping::new());
    let (mut full, mut normal) = (Commit::new(true), Commit::new(false));
    #[cfg(unix)]
    let mut echo = floors::Echo::new();
    let mut floors: Vec<Floor> = vec![
        ("spawn of /bin/true", REPEATS / 3, Box::new(floors::spawn)),
        #[cfg(unix)]
        ("socket ping-pong of two processes", REPEATS, Box::new(move || echo.once())),
        ("fdatasync of a 4 KiB append", REPEATS, Box::new(move || flush.once())),
        ("one SQLite commit, full", REPEATS, Box::new(move || full.once())),
        ("one SQLite commit, normal", REPEATS, Box::new(move || normal.once())),
        ("rmcp ping over pipes", REPEATS, Box::new(move || ping.once())),
    ];
    let mut samples = vec![Samples::default(); floors.len()];
    for _ in 0..ROUNDS {
        for ((_, repeats, once), samples) in floors.iter_mut().zip(&mut samples) {
            samples.round();
            for _ in 0..context.repeats(*repeats) {
                samples.add_us(once());
            }
        }
    }
    let figure = |((name, ..), samples): (&(&str, _, _), &Samples)| {
        Figure::samples("floors", name, setting.name(), "µs", samples.summary())
    };
    floors.iter().zip(&samples).map(figure).collect()
}
