//! Which images are made at which moments: a choice that follows from the seed, the round, the moment and the image's
//! number there, and from nothing else, so that it is the same whoever makes them. Opens nothing.

use super::disk::Disk;
use super::image::Kind;
use crate::vfs::trace::Entry;
use c2c_harness::Seed;
use std::ops::Range;

/// What each moment with changes that were not flushed gets in any case, beside what was flushed: everything, a part, a
/// torn part, and in turn all torn or rubbish between.
const LEAST: usize = 4;
/// Images for each moment at which blocks may have been given away.
const GIVEN_AWAY: usize = 2;

/// One image to make: of what kind, and the generator of its choices.
pub(super) fn draw(seed: u64, round: usize, moment: usize, number: usize) -> (Kind, Seed) {
    let mut choose = mixed(seed, &[round, moment, number]);
    let kind = match number {
        0 => Kind::Everything,
        1 => Kind::Some,
        2 => Kind::Torn,
        3 if moment.is_multiple_of(2) => Kind::AllTorn,
        3 => Kind::Rubbish,
        _ => Kind::DRAWN[choose.below(Kind::DRAWN.len())],
    };
    (kind, choose)
}

/// The generators of the images with blocks that were given away, for a moment at which there are any: several, since a
/// log has many blocks.
pub(super) fn draw_given_away(seed: u64, round: usize, moment: usize) -> impl Iterator<Item = Seed> {
    (0..GIVEN_AWAY).map(move |number| mixed(seed, &[round, moment, usize::MAX - number]))
}

/// A generator of its own for each list of numbers.
fn mixed(seed: u64, numbers: &[usize]) -> Seed {
    numbers.iter().fold(Seed::of(seed), |mut before, number| Seed::of(before.number() ^ *number as u64))
}

/// Goes through a record, and looks at the disk at each moment at which the power may be cut: when a change is under way
/// or just done (of a flush, nothing is sure before its end), and after all. With it goes the time before which an
/// acknowledgement counts. `disk`: what was there before.
pub(super) fn replay(mut disk: Disk, entries: &[Entry], mut look: impl FnMut(usize, &Disk, u64)) -> Disk {
    for (moment, entry) in entries.iter().enumerate() {
        let flushes = disk.flushes(entry);
        if !flushes {
            disk.apply(entry);
        }
        look(moment, &disk, entry.ended);
        if flushes {
            disk.apply(entry);
        }
    }
    look(entries.len(), &disk, u64::MAX);
    disk
}

/// The numbers of the images that each moment gets.
pub(super) type Draws = Vec<Range<usize>>;

/// Hands out images to moments.
pub(super) struct Plan {
    seed: u64,
    round: usize,
    /// Moments with changes that were not flushed: where there is something to choose.
    pub(super) open: Vec<usize>,
    /// The next number of each moment.
    next: Vec<usize>,
    passes: usize,
}

impl Plan {
    pub(super) fn new(before: &Disk, entries: &[Entry], seed: u64, round: usize) -> Self {
        let mut open = Vec::new();
        replay(before.clone(), entries, |moment, disk, _| open.extend(disk.is_open().then_some(moment)));
        Self { seed, round, open, next: vec![0; entries.len() + 1], passes: 0 }
    }

    /// What no moment goes without.
    pub(super) fn least(&mut self) -> Draws {
        let all = vec![LEAST; self.open.len()];
        self.hand_out(&all)
    }

    /// So many more, spread over the moments.
    pub(super) fn more(&mut self, wanted: usize) -> Draws {
        let all = self.open.len();
        self.passes += 1;
        // Where fewer are wanted than there are moments, others get them each time.
        let turn = mixed(self.seed, &[self.round, self.passes]).below(all.max(1));
        let share = |at: usize| (at + 1) * wanted / all - at * wanted / all;
        let shares: Vec<usize> = (0..all).map(|at| share((at + turn) % all)).collect();
        self.hand_out(&shares)
    }

    fn hand_out(&mut self, shares: &[usize]) -> Draws {
        let mut draws = vec![0..0; self.next.len()];
        for (moment, share) in self.open.iter().zip(shares) {
            let first = self.next[*moment];
            self.next[*moment] += share;
            draws[*moment] = first..first + share;
        }
        draws
    }
}
