//! One disk as a power cut may have left it: a choice among all that [`super::disk`] allows.

use super::disk::{Content, Disk, Name, Pending};
use c2c_harness::Seed;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a disk writes in one piece.
pub const SECTOR: usize = 512;
/// What a file system gives to a file, at the least.
pub const BLOCK: usize = 1024;

/// How the choice is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing that was not flushed.
    Flushed,
    /// Everything, as after the end of the process alone.
    Everything,
    /// Any of the changes.
    Some,
    /// Any of the changes, one of them torn: only some of its sectors.
    Torn,
    /// Any of the changes, each of them torn.
    AllTorn,
    /// As [`Kind::Some`], but the files are as long as if all had been done, with rubbish where nothing was written.
    Rubbish,
    /// Everything, but what was cut off or removed is back, and some of its blocks hold what is another file's.
    GivenAway,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Flushed,
        Self::Everything,
        Self::Some,
        Self::Torn,
        Self::AllTorn,
        Self::Rubbish,
        Self::GivenAway,
    ];

    /// Those of which one is drawn where there is a choice.
    pub const DRAWN: [Self; 5] = [Self::Everything, Self::Some, Self::Torn, Self::AllTorn, Self::Rubbish];

    /// Those that each moment with changes that were not flushed gets.
    pub const LEAST: [Self; 3] = [Self::Everything, Self::Some, Self::Torn];

    /// Its name in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flushed => "only what was flushed",
            Self::Everything => "everything written",
            Self::Some => "some of the writes",
            Self::Torn => "some, one torn",
            Self::AllTorn => "some, all torn",
            Self::Rubbish => "some, rubbish between",
            Self::GivenAway => "cut off, back with others' blocks",
        }
    }
}

/// The files of a store by name.
pub type Image = BTreeMap<String, Vec<u8>>;

/// Builds an image of this kind.
pub fn build(disk: &Disk, kind: Kind, choose: &mut Seed) -> Image {
    if kind == Kind::GivenAway {
        let files = disk.names.iter();
        return files.filter_map(|(name, known)| Some((name.clone(), given_away(known, choose)?))).collect();
    }
    let torn = torn_one(disk, choose);
    let mut image = Image::new();
    for (at, (name, known)) in disk.names.iter().enumerate() {
        let tear = match kind {
            Kind::Torn if torn.0 == at => Tear::One(torn.1),
            Kind::AllTorn => Tear::All,
            _ => Tear::None,
        };
        if let Some(content) = version(known, kind, tear, choose) {
            image.insert(name.clone(), fill(content, kind, tear, choose));
        }
    }
    image
}

/// Tells images apart.
#[must_use]
pub fn fingerprint(image: &Image) -> Fingerprint {
    let mut hash = Sha256::new();
    for (name, bytes) in image {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().into()
}

/// See [`fingerprint`].
pub type Fingerprint = [u8; 32];

#[derive(Clone, Copy)]
enum Tear {
    None,
    One(usize),
    All,
}

/// A file and one of its changes that were not flushed.
fn torn_one(disk: &Disk, choose: &mut Seed) -> (usize, usize) {
    let pending: Vec<(usize, Vec<usize>)> = disk
        .names
        .values()
        .enumerate()
        .filter_map(|(at, name)| {
            let pending = &name.versions.last()?.as_ref()?.pending;
            let written = |(at, one): (usize, &Pending)| matches!(one, Pending::Written { .. }).then_some(at);
            Some((at, pending.iter().enumerate().filter_map(written).collect()))
        })
        .filter(|(_, written): &(usize, Vec<usize>)| !written.is_empty())
        .collect();
    // Mostly the newest change: it is the one that the cut came upon.
    match pending.get(choose.below(pending.len().max(1))) {
        Some((at, written)) if choose.below(2) == 0 => (*at, written[written.len() - 1]),
        Some((at, written)) => (*at, written[choose.below(written.len())]),
        None => (usize::MAX, 0),
    }
}

fn version<'a>(name: &'a Name, kind: Kind, tear: Tear, choose: &mut Seed) -> Option<&'a Content> {
    let at = match kind {
        // The one that has the write to be torn.
        Kind::Torn if matches!(tear, Tear::One(_)) => name.versions.len() - 1,
        Kind::Flushed => 0,
        Kind::Everything => name.versions.len() - 1,
        _ => choose.below(name.versions.len()),
    };
    name.versions[at].as_ref()
}

fn fill(content: &Content, kind: Kind, tear: Tear, choose: &mut Seed) -> Vec<u8> {
    let mut bytes = content.flushed.clone();
    if kind == Kind::Rubbish {
        let length = content.newest().len();
        let flushed = bytes.len().min(length);
        bytes.resize(length, 0);
        bytes[flushed..].fill(choose.number().to_le_bytes()[0]);
    }
    // Sometimes most of them are there, sometimes few.
    let of_ten = 1 + choose.below(9);
    for (at, pending) in content.pending.iter().enumerate() {
        let torn = match tear {
            Tear::None => false,
            Tear::One(one) => one == at,
            Tear::All => true,
        };
        let there = match kind {
            Kind::Flushed => false,
            Kind::Everything => true,
            _ => torn || choose.below(10) < of_ten,
        };
        match (there, torn) {
            (false, _) => {}
            (true, false) => pending.apply(&mut bytes),
            (true, true) => apply_torn(pending, &mut bytes, matches!(tear, Tear::One(_)), choose),
        }
    }
    bytes
}

/// A file that is back as it was before it was cut off or removed, or else the present one.
fn given_away(name: &Name, choose: &mut Seed) -> Option<Vec<u8>> {
    let candidates: Vec<(usize, &Content)> =
        name.versions.iter().enumerate().filter_map(|(at, one)| Some((at, one.as_ref()?))).collect();
    let (at, content) = candidates.get(choose.below(candidates.len().max(1)))?;
    let mut given = (at + 1 < name.versions.len()).then_some(0);
    let mut bytes = content.flushed.clone();
    for pending in &content.pending {
        match pending {
            Pending::Truncated { length } if *length < bytes.len() => {
                given = Some(*length);
                break;
            }
            _ => pending.apply(&mut bytes),
        }
    }
    if let Some(from) = given {
        let blocks: Vec<usize> = (from.next_multiple_of(BLOCK)..bytes.len()).step_by(BLOCK).collect();
        for _ in 0..(1 + choose.below(3)).min(blocks.len()) {
            let at = blocks[choose.below(blocks.len())];
            let end = bytes.len().min(at + BLOCK);
            bytes[at..end].fill(choose.number().to_le_bytes()[0]);
        }
    }
    Some(bytes)
}

/// Some of the sectors: up to one of them, from one of them on, or any. `surely`: if there are several, neither none nor
/// all of them.
fn apply_torn(pending: &Pending, bytes: &mut Vec<u8>, surely: bool, choose: &mut Seed) {
    let Pending::Written { offset, data } = pending else { return };
    let first = offset / SECTOR;
    let number = (offset + data.len()).div_ceil(SECTOR) - first;
    let (how, border) = (choose.below(3), choose.below(number + 1));
    let mut there: Vec<bool> = (0..number)
        .map(|sector| match how {
            0 => sector < border,
            1 => sector >= border,
            _ => choose.below(2) == 0,
        })
        .collect();
    if surely && number > 1 && there.iter().all(|one| *one == there[0]) {
        let other = choose.below(number);
        there[other] = !there[other];
    }
    for sector in (0..number).filter(|sector| there[*sector]) {
        let from = ((first + sector) * SECTOR).max(*offset);
        let to = ((first + sector + 1) * SECTOR).min(offset + data.len());
        let part = data[from - offset..to - offset].to_vec();
        Pending::Written { offset: from, data: part }.apply(bytes);
    }
}
