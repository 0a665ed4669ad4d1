//! Planted bugs: small mistakes in the product, each of which the part of the suite that claims to cover it must catch.
//! Without them nobody knows whether a test that passes could fail.
//!
//! Owns the run over all of them: first every named command without a bug, which must pass; then, one bug at a time, the
//! bug's command, which must fail, by what it found and not for want of a build or of time. The bugs are the files in
//! `torture/plants/`, and are put into a copy of the working tree below `target/plants`, never into the tree itself.

mod build;
mod command;
mod patch;
mod run;
mod tree;

use crate::report::Report;
use build::Builds;
use command::{Catch, Command};
use patch::Plant;
use run::Verdict;
use std::collections::HashMap;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tree::Tree;

/// What catches a bug does so within this time, building not counted.
const CAUGHT_WITHIN: Duration = Duration::from_secs(120);
/// How many bugs the short form takes.
const SHORT: usize = 2;

/// Plants bugs in a copy of the product, and demands that the suite catches each one.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these bugs.
    names: Vec<String>,
    /// Only say whether every bug can still be planted in the present tree.
    #[arg(long)]
    check: bool,
    /// Only a few bugs, which the seed chooses; with --first.
    #[arg(long)]
    short: bool,
    /// Only the first of what must catch each bug.
    #[arg(long)]
    first: bool,
    /// How often each bug must be caught.
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// Chooses the bugs of the short form; random if left out.
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs all of it, or what the arguments say.
///
/// # Panics
/// If the tree cannot be read or copied.
#[must_use]
pub fn run(args: &Args) -> Report {
    let plants = patch::all(&root());
    if args.check {
        return check(&plants);
    }
    let seed = args.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let chosen = choose(plants, args, seed);
    let mut report = Report::new(&format!("planted bugs (--seed {seed})"));
    let chosen = without_what_cannot_run(chosen, &mut report);
    let tree = Tree::new(&root());
    let mut builds = Builds::new(&tree);
    let sound = without_bugs(&tree, &mut builds, &chosen, &mut report);
    for plant in &chosen {
        tree.reset();
        let planted = tree.plant(plant);
        for catch in &plant.caught_by {
            let command = &catch.command;
            let caught = match (&planted, sound.get(command)) {
                (Err(why), _) => Err(why.clone()),
                (Ok(()), Some(sound)) if is_sound_for(sound, catch) => {
                    with_bug(&mut builds, catch, args.times)
                }
                (Ok(()), _) => Err("it does not even pass without the bug".to_owned()),
            };
            let holds = caught.is_ok();
            let told = caught.unwrap_or_else(|why| why);
            println!("{}: {command} | {told}", plant.name);
            report.promise(&plant.name, format!("{command} | {told}"), holds);
        }
    }
    tree.reset();
    report.row("bugs", chosen.len());
    report
}

/// Every bug fits the present tree, and its command names what there is.
///
/// # Panics
/// If the tree cannot be read.
#[must_use]
pub fn check(plants: &[Plant]) -> Report {
    let mut report = Report::new("planted bugs: whether they fit the present tree");
    for plant in plants {
        let named = || plant.caught_by.iter().try_for_each(|catch| catch.command.names_something(&root()));
        let fits = plant.fits(&root()).and_then(|()| named());
        let holds = fits.is_ok();
        report.promise(&plant.name, fits.err().unwrap_or_else(|| plant.wrong.clone()), holds);
    }
    report
}

/// The root of the project's tree, as it was when this was compiled.
fn root() -> PathBuf {
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the crate lies in the workspace").to_owned()
}

fn choose(mut plants: Vec<Plant>, args: &Args, seed: u64) -> Vec<Plant> {
    for name in &args.names {
        assert!(plants.iter().any(|plant| plant.name == *name), "there is no planted bug called {name:?}");
    }
    if !args.names.is_empty() {
        plants.retain(|plant| args.names.contains(&plant.name));
    }
    if args.short {
        let place = |plant: &Plant| {
            let mut hash = DefaultHasher::new();
            (seed, &plant.name).hash(&mut hash);
            hash.finish()
        };
        plants.sort_by_key(place);
        plants.truncate(SHORT);
    }
    if args.short || args.first {
        plants.iter_mut().for_each(|plant| plant.caught_by.truncate(1));
    }
    plants
}

/// Without the commands that need a server, where there is none.
fn without_what_cannot_run(mut plants: Vec<Plant>, report: &mut Report) -> Vec<Plant> {
    if std::env::var_os(run::SERVER).is_some_and(|path| !path.is_empty()) {
        return plants;
    }
    for plant in &mut plants {
        let before = plant.caught_by.len();
        plant.caught_by.retain(|catch| !catch.command.needs_a_server());
        if plant.caught_by.len() < before {
            report.row(&plant.name, format!("c2c-torture nodes is skipped: {} is not set", run::SERVER));
        }
    }
    plants
}

/// Every command once, without a bug: what came of it.
fn without_bugs<'a>(
    tree: &Tree,
    builds: &mut Builds,
    plants: &'a [Plant],
    report: &mut Report,
) -> HashMap<&'a Command, Verdict> {
    tree.reset();
    let mut verdicts = HashMap::new();
    for catch in plants.iter().flat_map(|plant| &plant.caught_by) {
        let command = &catch.command;
        if verdicts.contains_key(command) {
            continue;
        }
        let mut verdict = attempt(builds, command);
        if verdict != Verdict::Passed {
            // A promise of a time may fail on a busy machine. All else is looked at by whoever reads this.
            report.row("without a bug, at first", format!("{command} | {verdict}"));
            verdict = attempt(builds, command);
        }
        println!("without a bug: {command} | {verdict}");
        if verdict != Verdict::Passed {
            report.promise("without a bug", format!("{command} | {verdict}"), false);
        }
        verdicts.insert(command, verdict);
    }
    verdicts
}

/// Whether the command says something of the bug only if it is there.
fn is_sound_for(without_bug: &Verdict, catch: &Catch) -> bool {
    match without_bug {
        Verdict::Passed => true,
        Verdict::Failed(seen) => catch.names.is_some() && !catch.is_seen_in(seen),
        Verdict::Unclear(_) => false,
    }
}

/// What was seen of the bug and after how long; or why it counts as not caught.
fn with_bug(builds: &mut Builds, catch: &Catch, times: u32) -> Result<String, String> {
    let built = builds.make(&catch.command)?;
    let (mut longest, mut first) = (Duration::ZERO, None);
    for time in 1..=times {
        let began = Instant::now();
        let verdict = run::run(&built, CAUGHT_WITHIN);
        longest = longest.max(began.elapsed());
        match verdict {
            Verdict::Failed(seen) if catch.is_seen_in(&seen) => first = first.or(Some(seen)),
            other => return Err(format!("NOT CAUGHT at try {time} of {times}: {other}")),
        }
    }
    let times = if times > 1 { format!(" at most, {times} of {times} times") } else { String::new() };
    Ok(format!("{:.1} s{times} | {}", longest.as_secs_f64(), first.unwrap_or_default()))
}

fn attempt(builds: &mut Builds, command: &Command) -> Verdict {
    match builds.make(command) {
        Ok(built) => run::run(&built, CAUGHT_WITHIN),
        Err(why) => Verdict::Unclear(why),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, patch, root};

    /// A change of the product may move what a bug is planted in: then the bug is mended along with it.
    #[test]
    fn every_bug_can_still_be_planted() {
        let plants = patch::all(&root());
        assert!(plants.len() >= 15, "only {} bugs", plants.len());
        let report = check(&plants);
        assert!(report.holds(), "{report}");
    }
}
