//! Goes through a record from change to change, builds images at each, opens those that are new, and holds each against
//! what had been acknowledged by that moment.

use super::check::{Checker, Violation};
use super::disk::Disk;
use super::draw::{Draws, Plan, draw, draw_given_away, replay};
use super::image::{Fingerprint, Image, Kind, build, fingerprint};
use super::opened::{Dump, Opener};
use super::round::Round;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Each opens images in a folder of its own. They mostly wait for the threads of their connections, so that four of them
/// keep two processors busy.
const WORKERS: usize = 4;
/// Images that are built together when more are wanted, at the least: each time the whole record is gone through.
const TOGETHER: usize = 50;
/// Given up when so many times in a row no image was new.
const TRIES: usize = 4;
const EXAMPLES: usize = 10;
/// A worker that has found so many bad images looks at no further moment: more would say nothing more.
const ENOUGH_BAD: usize = 1_000;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Sifted {
    pub(super) moments: usize,
    /// Moments with changes that were not flushed.
    pub(super) open: usize,
    /// Those of them for which not every kind of image was made that no moment goes without.
    pub(super) neglected: usize,
    pub(super) built: usize,
    pub(super) by_kind: BTreeMap<Kind, usize>,
    pub(super) opened: usize,
    pub(super) contents: usize,
    pub(super) adopted: usize,
    /// Images, by what is wrong with them.
    pub(super) violations: BTreeMap<&'static str, usize>,
    pub(super) examples: Vec<String>,
}

impl Sifted {
    pub(super) fn add(&mut self, other: Self) {
        self.moments += other.moments;
        self.open += other.open;
        self.neglected += other.neglected;
        self.built += other.built;
        other.by_kind.into_iter().for_each(|(kind, number)| *self.by_kind.entry(kind).or_default() += number);
        self.opened += other.opened;
        self.contents += other.contents;
        for (kind, number) in other.violations {
            *self.violations.entry(kind).or_default() += number;
        }
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// What the broker finds in an image, or why it cannot be opened.
type Held = Result<Arc<Dump>, String>;

/// What is known of images that were opened before.
#[derive(Default)]
struct Known {
    images: Mutex<HashMap<Fingerprint, Held>>,
    dumps: Mutex<HashMap<Fingerprint, Arc<Dump>>>,
}

/// Opens the images that no moment goes without, and then others until so many different ones were opened.
pub(super) fn sift(round: &Round, images: usize, seed: u64, number: usize) -> Sifted {
    sift_with(round, images, seed, number, WORKERS).0
}

/// As [`sift`], by so many workers; and which images those were.
pub(super) fn sift_with(
    round: &Round,
    images: usize,
    seed: u64,
    number: usize,
    workers: usize,
) -> (Sifted, BTreeSet<Fingerprint>) {
    let folder = tempfile::Builder::new().prefix("c2c-power-").tempdir_in(fast_folder()).expect("a folder");
    let (checker, known) = (Checker::new(&round.history), Known::default());
    let choice = Choice { seed, round: number, checker: &checker, known: &known };
    let mut workers: Vec<_> = (0..workers)
        .map(|at| Worker::new(at, workers, choice, &folder.path().join(at.to_string())))
        .collect();
    let mut plan = Plan::new(&round.before, &round.entries, seed, number);
    pass(&mut workers, round, &plan.least(), true);
    let (mut opened, mut barren) = (locked(&known.images).len(), 0);
    while opened < images && barren < TRIES && !plan.open.is_empty() {
        pass(&mut workers, round, &plan.more((images - opened).max(TOGETHER)), false);
        let now = locked(&known.images).len();
        barren = if now == opened { barren + 1 } else { 0 };
        opened = now;
    }
    let mut all = Sifted { adopted: workers.first().map_or(0, |one| one.adopted), ..Sifted::default() };
    let made: BTreeSet<(usize, Kind)> = workers.iter().flat_map(|one| one.made.iter().copied()).collect();
    let lacks = |moment: &&usize| !Kind::LEAST.iter().all(|kind| made.contains(&(**moment, *kind)));
    all.open = plan.open.len();
    all.neglected = plan.open.iter().filter(lacks).count();
    workers.into_iter().for_each(|one| all.add(one.sifted));
    all.opened = opened;
    all.contents = locked(&known.dumps).len();
    let prints = locked(&known.images).keys().copied().collect();
    (all, prints)
}

/// Lets all workers go through the record once. They all end before the next time, so what is chosen then does not
/// depend on which of them was faster.
fn pass(workers: &mut [Worker<'_>], round: &Round, draws: &Draws, first: bool) {
    std::thread::scope(|scope| {
        for worker in workers {
            scope.spawn(move || worker.work(round, draws, first));
        }
    });
}

/// Memory where there is some, so that what is measured is not the disk.
fn fast_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// What all workers share.
#[derive(Clone, Copy)]
struct Choice<'a> {
    seed: u64,
    round: usize,
    checker: &'a Checker<'a>,
    known: &'a Known,
}

struct Worker<'a> {
    number: usize,
    of: usize,
    choice: Choice<'a>,
    opener: Opener,
    /// What was found in the last image with nothing but what was flushed, and after how many changes of it.
    flushed: Option<(usize, Held)>,
    made: Vec<(usize, Kind)>,
    /// Images with anything wrong.
    bad: usize,
    adopted: usize,
    sifted: Sifted,
}

impl<'a> Worker<'a> {
    fn new(number: usize, of: usize, choice: Choice<'a>, folder: &Path) -> Self {
        let (opener, sifted) = (Opener::new(folder), Sifted::default());
        Self { number, of, choice, opener, flushed: None, made: Vec::new(), bad: 0, adopted: 0, sifted }
    }

    /// Every so-many-th moment is this worker's.
    fn work(&mut self, round: &Round, draws: &Draws, first: bool) {
        let (number, of) = (self.number, self.of);
        let disk = replay(round.before.clone(), &round.entries, |at, disk, moment| {
            if at % of != number || self.bad >= ENOUGH_BAD {
                return;
            }
            if first {
                self.sifted.moments += 1;
                self.flushed(disk, moment);
                if disk.gives_away() {
                    for mut choose in draw_given_away(self.choice.seed, self.choice.round, at) {
                        let held = self.held(&build(disk, Kind::GivenAway, &mut choose));
                        self.judge(Kind::GivenAway, moment, &held);
                    }
                }
            }
            for image in draws[at].clone() {
                let (kind, mut choose) = draw(self.choice.seed, self.choice.round, at, image);
                let held = self.held(&build(disk, kind, &mut choose));
                self.judge(kind, moment, &held);
                self.made.push((at, kind));
            }
        });
        self.adopted = disk.adopted;
    }

    /// The image with nothing but what was flushed is the same from one flush to the next.
    fn flushed(&mut self, disk: &Disk, moment: u64) {
        let held = match self.flushed.take() {
            Some((changes, held)) if changes == disk.sure_changes => held,
            _ => {
                let (_, mut choose) = draw(self.choice.seed, self.choice.round, 0, 0);
                self.held(&build(disk, Kind::Flushed, &mut choose))
            }
        };
        self.judge(Kind::Flushed, moment, &held);
        self.flushed = Some((disk.sure_changes, held));
    }

    /// What the broker finds in an image; each is opened once.
    fn held(&self, image: &Image) -> Held {
        let (print, known) = (fingerprint(image), self.choice.known);
        if let Some(held) = locked(&known.images).get(&print) {
            return held.clone();
        }
        let held = self.opener.open(image).map(|texts| {
            let mut dumps = locked(&known.dumps);
            Arc::clone(dumps.entry(texts.fingerprint).or_insert_with(|| Arc::new(texts.read())))
        });
        locked(&known.images).insert(print, held.clone());
        held
    }

    fn judge(&mut self, kind: Kind, moment: u64, held: &Held) {
        self.sifted.built += 1;
        *self.sifted.by_kind.entry(kind).or_default() += 1;
        let mut groups = BTreeSet::new();
        let found = match held {
            Err(error) => vec![Violation { kind: "refused or damaged", what: error.clone() }],
            Ok(dump) => self.choice.checker.check(dump, moment),
        };
        for Violation { kind: group, what } in found {
            let first = groups.insert(group);
            if first && self.sifted.examples.len() < EXAMPLES {
                self.sifted.examples.push(format!("{} at {moment}: {group}: {what}", kind.name()));
            }
        }
        self.bad += usize::from(!groups.is_empty());
        groups.into_iter().for_each(|group| *self.sifted.violations.entry(group).or_default() += 1);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no worker panicked")
}
