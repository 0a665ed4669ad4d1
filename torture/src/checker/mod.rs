//! Judges a run: a pure function of what was done (the history) and what is left (the store's content) that names every
//! promise that was broken.
//!
//! It demands no more than what was promised: an unknown outcome may be either, names that are taken from each other
//! belong to nobody for sure, and what was marked at about the same time may or may not be shown. Ids give the order,
//! so that nothing has to be searched. Knows neither processes nor sockets.

mod availability;
mod broadcasts;
mod dump;
mod index;
mod keys;
mod mailboxes;
mod marks;
mod names;
mod nodes;
mod order;
mod presence;
mod shortest;
mod shown;
mod state;
mod stored;
mod waits;

pub use availability::{Recoveries, recoveries};
#[cfg(target_os = "linux")]
pub use dump::read as read_store;
pub use dump::{Delivery, Dump, StoredEntry, StoredMessage};
pub use nodes::{Judged, Node, among_nodes};
pub use shortest::shortest;
pub use waits::wake_ups;

use crate::history::Op;
use index::Index;
use std::collections::BTreeMap;
use std::fmt;

/// What everybody knew before the run.
#[derive(Clone, Debug)]
pub struct Premises {
    /// Made the bodies.
    pub seed: u64,
    /// Names whose holders keep them and which nobody else takes.
    pub steady: Vec<String>,
}

/// How a promise can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anomaly {
    /// Acknowledged, and not there.
    Lost,
    /// There more than once.
    Duplicated,
    /// There, and nobody sent it.
    Phantom,
    /// An id that contradicts the order of the sends.
    Reordered,
    /// Missing from a list that had to show it.
    Skipped,
    /// With somebody whom it was not for.
    Leaked,
    /// Another sender than the real one.
    Forged,
    /// Another text than was sent.
    Changed,
    /// Marked as read, and unread later.
    UnreadAgain,
    /// Read although nobody marked it.
    ReadUnasked,
    /// A wait that did not return what was there, or returned nothing too early.
    StuckWait,
    /// A wait that returned too late.
    LateWake,
    /// Said to be done, and not done, or done otherwise.
    FalseSuccess,
    /// Said not to be done, and done.
    FalseFailure,
    /// A broadcast that reached only a part.
    TornBroadcast,
    /// The shared state is not one sequence of changes.
    State,
    /// A name with two holders, or none.
    Names,
    /// No answer, or none soon enough after the last fault.
    Unavailable,
    /// What is no answer at all.
    Malformed,
    /// The store itself.
    Damaged,
}

impl Anomaly {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Lost,
        Self::Duplicated,
        Self::Phantom,
        Self::Reordered,
        Self::Skipped,
        Self::Leaked,
        Self::Forged,
        Self::Changed,
        Self::UnreadAgain,
        Self::ReadUnasked,
        Self::StuckWait,
        Self::LateWake,
        Self::FalseSuccess,
        Self::FalseFailure,
        Self::TornBroadcast,
        Self::State,
        Self::Names,
        Self::Unavailable,
        Self::Malformed,
        Self::Damaged,
    ];
}

impl fmt::Display for Anomaly {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Phantom => "phantom",
            Self::Reordered => "reordered",
            Self::Skipped => "skipped",
            Self::Leaked => "leaked",
            Self::Forged => "forged sender",
            Self::Changed => "changed text",
            Self::UnreadAgain => "unread again",
            Self::ReadUnasked => "read unasked",
            Self::StuckWait => "stuck wait",
            Self::LateWake => "late wake-up",
            Self::FalseSuccess => "false success",
            Self::FalseFailure => "false failure",
            Self::TornBroadcast => "torn broadcast",
            Self::State => "state",
            Self::Names => "names",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed answer",
            Self::Damaged => "damaged store",
        };
        out.write_str(words)
    }
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which kind.
    pub anomaly: Anomaly,
    /// What was found.
    pub what: String,
    /// The records that show it, by their places in the history.
    pub ops: Vec<usize>,
    /// The messages that it is about.
    pub messages: Vec<i64>,
}

/// What a check came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Every broken promise.
    pub violations: Vec<Violation>,
    /// How often there was something to judge, by what it was: nothing found means little where nothing was looked at.
    pub judged: BTreeMap<&'static str, u64>,
}

/// Finds every broken promise of a run. `history` is in the order in which the records began.
#[must_use]
pub fn check(premises: &Premises, history: &[Op], dump: &Dump) -> Verdict {
    let index = Index::new(premises, history, dump);
    let mut found = Findings::default();
    stored::check(&index, &mut found);
    keys::check(&index, &mut found);
    order::check(&index, &mut found);
    broadcasts::check(&index, &mut found);
    let mailboxes = mailboxes::Mailboxes::new(&index);
    mailboxes::check(&index, &mailboxes, &mut found);
    shown::check(&index, &mut found);
    marks::check(&index, &mailboxes, &mut found);
    waits::check(&index, &mailboxes, &mut found);
    names::check(&index, &mut found);
    presence::check(&index, &mut found);
    state::check(&index, &mut found);
    availability::check(&index, &mut found);
    found.verdict
}

/// How many of each kind.
#[must_use]
pub fn counts(violations: &[Violation]) -> BTreeMap<Anomaly, usize> {
    let mut counts: BTreeMap<Anomaly, usize> = Anomaly::ALL.into_iter().map(|anomaly| (anomaly, 0)).collect();
    for violation in violations {
        *counts.entry(violation.anomaly).or_default() += 1;
    }
    counts
}

/// Collects what the checks find.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    verdict: Verdict,
}

impl Findings {
    pub(crate) fn add(&mut self, anomaly: Anomaly, what: String, ops: &[usize], messages: &[i64]) {
        let violation = Violation { anomaly, what, ops: ops.to_vec(), messages: messages.to_vec() };
        self.verdict.violations.push(violation);
    }

    /// Something was there to be judged, and was.
    pub(crate) fn judged(&mut self, what: &'static str) {
        *self.verdict.judged.entry(what).or_default() += 1;
    }
}

#[cfg(test)]
mod tests;
