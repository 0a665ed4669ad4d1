//! Goes through a record from change to change, builds images at each, opens those that are new, and holds each against
//! what had been acknowledged by that moment.

use super::check::{Checker, Violation};
use super::disk::Disk;
use super::image::{Fingerprint, Image, Kind, build, fingerprint};
use super::opened::{Dump, Opener};
use super::round::Round;
use c2c_harness::Seed;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Each opens images in a folder of its own. They mostly wait for the threads of their connections, so that four of them
/// keep two processors busy.
const WORKERS: usize = 4;
/// A moment that allows few different images is left after this many tries for each one wanted.
const TRIES: usize = 4;
const EXAMPLES: usize = 10;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Sifted {
    pub(super) moments: usize,
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
    opened: AtomicUsize,
}

/// Opens about so many different images.
pub(super) fn sift(round: &Round, images: usize, seed: u64) -> Sifted {
    let folder = tempfile::Builder::new().prefix("c2c-power-").tempdir_in(fast_folder()).expect("a folder");
    let (checker, known) = (Checker::new(&round.history), Known::default());
    let mut all = Sifted::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|number| {
                let (checker, known) = (&checker, &known);
                let place = folder.path().join(number.to_string());
                scope.spawn(move || Worker::new(number, seed, checker, known, &place).work(round, images))
            })
            .collect();
        let parts: Vec<Sifted> = workers.into_iter().map(|one| one.join().expect("a worker")).collect();
        all.adopted = parts.first().map_or(0, |part| part.adopted);
        parts.into_iter().for_each(|part| all.add(part));
    });
    all.opened = known.opened.load(Ordering::Acquire);
    all.contents = locked(&known.dumps).len();
    all
}

/// Memory where there is some, so that what is measured is not the disk.
fn fast_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

struct Worker<'a> {
    number: usize,
    choose: Seed,
    checker: &'a Checker<'a>,
    known: &'a Known,
    opener: Opener,
    /// What was found in the last image with nothing but what was flushed, and after how many changes of it.
    flushed: Option<(usize, Held)>,
    sifted: Sifted,
}

impl<'a> Worker<'a> {
    fn new(number: usize, seed: u64, checker: &'a Checker<'a>, known: &'a Known, folder: &Path) -> Self {
        let choose = Seed::of(seed ^ (number as u64 + 1).wrapping_mul(0x0123_4567_89ab));
        let opener = Opener::new(folder);
        Self { number, choose, checker, known, opener, flushed: None, sifted: Sifted::default() }
    }

    /// Every so-many-th moment is this worker's. `images` is for all workers together.
    fn work(mut self, round: &Round, images: usize) -> Sifted {
        let mut disk = Disk::default();
        let all = round.entries.len();
        for (at, entry) in round.entries.iter().enumerate() {
            // The cut comes when this change is under way or just done: of a flush, nothing is sure before its end.
            let more = at % WORKERS == self.number;
            let flushes = disk.flushes(entry);
            if !flushes {
                disk.apply(entry);
            }
            if more {
                let due = (at + 1) * images / all;
                self.moment(&disk, entry.ended, due);
            }
            if flushes {
                disk.apply(entry);
            }
        }
        if self.number == 0 {
            self.moment(&disk, u64::MAX, images);
        }
        self.sifted.adopted = disk.adopted;
        self.sifted
    }

    /// Holds what surely is there against the acknowledgements, and builds images of what may be until so many were
    /// opened in all.
    fn moment(&mut self, disk: &Disk, moment: u64, due: usize) {
        self.sifted.moments += 1;
        self.flushed(disk, moment);
        let opened = || self.known.opened.load(Ordering::Acquire);
        let missing = due.saturating_sub(opened());
        for _ in 0..missing * TRIES {
            if opened() >= due {
                break;
            }
            let kind = Kind::ALL[1 + self.choose.below(Kind::ALL.len() - 1)];
            let image = build(disk, kind, &mut self.choose);
            let held = self.held(&image);
            self.judge(kind, moment, &held);
        }
    }

    /// The image with nothing but what was flushed is the same from one flush to the next.
    fn flushed(&mut self, disk: &Disk, moment: u64) {
        let held = match self.flushed.take() {
            Some((changes, held)) if changes == disk.sure_changes => held,
            _ => {
                let image = build(disk, Kind::Flushed, &mut self.choose);
                self.held(&image)
            }
        };
        self.judge(Kind::Flushed, moment, &held);
        self.flushed = Some((disk.sure_changes, held));
    }

    /// What the broker finds in an image; each is opened once.
    fn held(&self, image: &Image) -> Held {
        let print = fingerprint(image);
        if let Some(held) = locked(&self.known.images).get(&print) {
            return held.clone();
        }
        self.known.opened.fetch_add(1, Ordering::AcqRel);
        let held = self.opener.open(image).map(|texts| {
            let mut dumps = locked(&self.known.dumps);
            Arc::clone(dumps.entry(texts.fingerprint).or_insert_with(|| Arc::new(texts.read())))
        });
        locked(&self.known.images).insert(print, held.clone());
        held
    }

    fn judge(&mut self, kind: Kind, moment: u64, held: &Held) {
        self.sifted.built += 1;
        *self.sifted.by_kind.entry(kind).or_default() += 1;
        let mut groups = BTreeSet::new();
        let found = match held {
            Err(error) => vec![Violation { kind: "refused or damaged", what: error.clone() }],
            Ok(dump) => self.checker.check(dump, moment),
        };
        for Violation { kind: group, what } in found {
            let first = groups.insert(group);
            if first && self.sifted.examples.len() < EXAMPLES {
                self.sifted.examples.push(format!("{} at {moment}: {group}: {what}", kind.name()));
            }
        }
        groups.into_iter().for_each(|group| *self.sifted.violations.entry(group).or_default() += 1);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no worker panicked")
}
