//! The same calls on stores of any size, and the start of the broker on each. All stores are served at the same time, and
//! each call is made on one after the other, so that what happens to the machine happens to all of them alike. All of it
//! is kept to one processor where that can be done: what waking another one takes would hide what a store takes.

mod build;
mod calls;
mod store;
mod text;
mod upkeep;

use super::Context;
use super::start::to_first_answer;
use crate::pin::Setting;
use crate::report::{Figure, Target};
use crate::samples::Samples;
use calls::{CALLS, Grown};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use store::Kind;
use upkeep::Upkeep;

const GROUP: &str = "growth";
/// The first is what the others are compared with.
const STORES: [Kind; 4] =
    [Kind::History(0), Kind::History(10_000), Kind::Unread(100_000), Kind::History(BOUND_AT)];
const QUICK_STORES: [Kind; 3] = [Kind::History(0), Kind::History(2_000), Kind::Unread(2_000)];
const HUGE: Kind = Kind::History(10_000_000);
/// A store of so many messages has a bound.
const BOUND_AT: usize = 1_000_000;
const RATIO_AT_MOST: f64 = 1.3;
const START_WITHIN_MS: f64 = 300.0;
const ROUNDS: usize = 7;
/// Calls on each store in each round.
const REPEATS: usize = 60;
/// A round of one call ends by then; one that takes long is measured less often.
const ROUND_WITHIN: Duration = Duration::from_secs(3);
/// Rounds before anything is measured: by then every part has been used.
const WARM_UP: usize = 5;
/// Starts in each round.
const STARTS: usize = 3;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let setting = Setting::all().pop().expect("there is a setting");
    let schema = store::schema_of_new();
    let kinds = kinds(context);
    // Nothing is pinned yet: building has both processors.
    let files: Vec<_> = kinds.iter().map(|kind| kind.file(schema)).collect();
    let mut upkeep = of_upkeep(context, &kinds, &files);
    let mut figures = setting.run(|| {
        let mut stores: Vec<Grown> =
            kinds.iter().zip(&files).map(|(kind, file)| Grown::on(*kind, file)).collect();
        let mut figures = of_calls(context, &mut stores);
        figures.extend(stores.iter().map(|store| {
            let mb = store.bytes() as f64 / 1e6;
            at(Figure::value(GROUP, "store on the disk", &store.kind.name(), "MB", mb), store.kind)
        }));
        figures.extend(of_starts(context, stores));
        figures
    });
    figures.append(&mut upkeep);
    figures
}

/// With both processors: a backup has a thread of its own.
fn of_upkeep(context: Context<'_>, kinds: &[Kind], files: &[PathBuf]) -> Vec<Figure> {
    let of = |(kind, file): (&Kind, &PathBuf)| {
        let wanted = Upkeep::ALL.into_iter().filter(|upkeep| context.wants(upkeep.name()));
        wanted
            .flat_map(|upkeep| upkeep::run(upkeep, *kind, file, *kind == Kind::History(BOUND_AT)))
            .collect::<Vec<_>>()
    };
    kinds.iter().zip(files).filter(|(kind, _)| matches!(kind, Kind::History(1..))).flat_map(of).collect()
}

fn kinds(context: Context<'_>) -> Vec<Kind> {
    let mut kinds = if context.quick { QUICK_STORES.to_vec() } else { STORES.to_vec() };
    if context.huge {
        kinds.push(HUGE);
    }
    kinds
}

fn of_calls(context: Context<'_>, stores: &mut [Grown]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, bounded, call) in CALLS.iter().filter(|(name, ..)| context.wants(name)) {
        let mut samples = vec![Samples::default(); stores.len()];
        for _ in 0..context.repeats(WARM_UP) {
            stores.iter_mut().for_each(|store| call(store, &mut Samples::default()));
        }
        for _ in 0..ROUNDS {
            samples.iter_mut().for_each(Samples::round);
            let began = Instant::now();
            for _ in 0..context.repeats(REPEATS) {
                for (store, samples) in stores.iter_mut().zip(&mut samples) {
                    call(store, samples);
                }
                if began.elapsed() > ROUND_WITHIN {
                    break;
                }
            }
        }
        let kinds: Vec<_> = stores.iter().map(|store| store.kind).collect();
        let target = bounded.then_some(Target::RatioAtMost(RATIO_AT_MOST));
        figures.extend(beside_the_first(name, "µs", &kinds, &samples, target));
    }
    figures
}

fn of_starts(context: Context<'_>, stores: Vec<Grown>) -> Vec<Figure> {
    const NAME: &str = "c2c-broker to its first answer";
    if !context.wants(NAME) {
        return Vec::new();
    }
    let kinds: Vec<_> = stores.iter().map(|store| store.kind).collect();
    let worlds: Vec<_> = stores.into_iter().map(Grown::end).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut samples = vec![Samples::default(); worlds.len()];
    for world in &worlds {
        to_first_answer(world, &runtime);
    }
    for _ in 0..ROUNDS {
        samples.iter_mut().for_each(Samples::round);
        for _ in 0..context.repeats(STARTS) {
            for (world, samples) in worlds.iter().zip(&mut samples) {
                samples.add_ms(to_first_answer(world, &runtime));
            }
        }
    }
    beside_the_first(NAME, "ms", &kinds, &samples, Some(Target::AtMost(START_WITHIN_MS)))
}

/// One thing on every store, beside the same on the first one; the target is that of the store with a bound.
fn beside_the_first(
    name: &str,
    unit: &str,
    kinds: &[Kind],
    samples: &[Samples],
    target: Option<Target>,
) -> Vec<Figure> {
    let empty = samples[0].summary().p50;
    let figure = |(kind, samples): (&Kind, &Samples)| {
        let figure = Figure::samples(GROUP, name, &kind.name(), unit, samples.summary());
        let figure = at(figure.beside("the same on an empty store", empty), *kind);
        match target {
            Some(target) if *kind == Kind::History(BOUND_AT) => figure.to_reach(target),
            _ => figure,
        }
    };
    kinds.iter().zip(samples).map(figure).collect()
}

fn at(figure: Figure, kind: Kind) -> Figure {
    match kind.x() {
        Some(x) => figure.at(x),
        None => figure,
    }
}
