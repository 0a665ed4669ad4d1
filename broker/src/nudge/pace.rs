//! When a session may be told of mail, and of which: the rules, without a clock, a store or a connection of their own.
//!
//! ```text
//!            mail came                  quiet, or waited long enough,              handed over
//!  nothing ────────────▶ pending ───────and 2 s after the last nudge──▶ in flight ────────────▶ told
//!  is due                   ▲                                               │                    │ 10 minutes, and
//!                           └────────────── not handed over: owed ◀─────────┘◀───────────────────┘ nothing came of it
//! ```
//!
//! What was granted is a mark in the order of ids: mail up to it is announced once, whichever way. What is below the mark and
//! has to be announced all the same is owed. Lost with the connection; the client brings the mark back with its next hello.

use c2c_proto::id::MessageId;
use c2c_proto::limits::{NUDGE_AGAIN_AFTER_S, NUDGE_INTERVAL_MS, NUDGE_WINDOW_S, NUDGES_PER_PAIR_MAX};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Several messages that come one after the other are one nudge: it waits until none came for this long.
const QUIET: Duration = Duration::from_millis(150);
/// But not longer than this after the first of them.
const PATIENCE: Duration = Duration::from_millis(700);
/// A wait that takes the mail needs this long until it has been shown.
const TAKEN_WITHIN: Duration = Duration::from_millis(500);
/// A shim reports within this time how a nudge went: several tries, each with a limit of its own.
const REPORTED_WITHIN: Duration = Duration::from_secs(15);
/// How soon a report is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The pause after a nudge that was not handed over; doubled with each that follows, up to [`RETRY_MAX`].
const RETRY: Duration = Duration::from_secs(2);
const RETRY_MAX: Duration = Duration::from_secs(64);
/// Grants that may still be repeated, and ids of any kind that are kept: the oldest give way.
const GRANTS_MAX: usize = 32;
const IDS_MAX: usize = 1_024;
/// Senders whose nudges are counted, at most; beyond it the ones that are least recent are forgotten.
const SENDERS_MAX: usize = 1_024;

const INTERVAL: Duration = Duration::from_millis(NUDGE_INTERVAL_MS);
const WINDOW: Duration = Duration::from_secs(NUDGE_WINDOW_S);
const AGAIN_AFTER: Duration = Duration::from_secs(NUDGE_AGAIN_AFTER_S);

/// One session's nudges.
#[derive(Debug)]
pub(crate) struct Pace {
    mark: MessageId,
    /// Below the mark, and not announced.
    owed: BTreeSet<MessageId>,
    /// Announced for the second time, or about to be.
    repeated: BTreeSet<MessageId>,
    last_at: Option<Instant>,
    active_at: Instant,
    pending: Option<Pending>,
    /// Somebody waits until what is pending is due.
    cared_for: bool,
    in_flight: Option<Flight>,
    /// Nudges in a row that were not handed over.
    failures: u32,
    grants: VecDeque<Grant>,
    senders: HashMap<String, VecDeque<Instant>>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    since: Instant,
    quiet_from: Instant,
    not_before: Instant,
}

/// A nudge that its shim has not reported on yet.
#[derive(Debug)]
struct Flight {
    up_to: MessageId,
    told: Told,
    at: Instant,
}

/// Mail that was announced, and when.
#[derive(Debug)]
struct Grant {
    ids: Vec<MessageId>,
    at: Instant,
}

/// Mail that is granted to whoever announces it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The messages.
    pub(crate) ids: Vec<MessageId>,
    /// Their senders, folded.
    pub(crate) senders: BTreeSet<String>,
}

/// How mail is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By a shim, which will report.
    Shim,
    /// By a hook that starts or prolongs a turn.
    Hook,
    /// In a turn that runs anyway.
    Beside,
}

impl Pace {
    /// Mail up to `mark` is not announced.
    #[must_use]
    pub(crate) fn new(mark: MessageId, now: Instant) -> Self {
        Self {
            mark,
            owed: BTreeSet::new(),
            repeated: BTreeSet::new(),
            last_at: None,
            active_at: now,
            pending: None,
            cared_for: false,
            in_flight: None,
            failures: 0,
            grants: VecDeque::new(),
            senders: HashMap::new(),
        }
    }

    /// Only mail above this id can be of interest to [`Self::wants`].
    #[must_use]
    pub(crate) fn after(&self) -> MessageId {
        self.owed.first().map_or(self.mark, |first| self.mark.min(first - 1))
    }

    /// Whether this message is still to be announced.
    #[must_use]
    pub(crate) fn wants(&self, id: MessageId) -> bool {
        id > self.mark || self.owed.contains(&id)
    }

    /// Whether something below the mark is to be announced.
    #[must_use]
    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Mail up to this id needs no announcement, for certain: what the client keeps for the next broker.
    #[must_use]
    pub(crate) fn settled(&self) -> MessageId {
        let in_flight =
            self.in_flight.iter().flat_map(|flight| flight.told.ids.first()).map(|first| first - 1);
        in_flight.fold(self.after(), MessageId::min)
    }

    /// Mail up to this id was announced, as the client knows.
    pub(crate) fn raise(&mut self, mark: MessageId) {
        self.mark = self.mark.max(mark);
    }

    /// Mail came; `waiting`: the session is blocked in a wait that may take it. `true`: nobody cares for the session's
    /// nudges yet, and the caller has to, until [`Self::next_due`] gives none.
    pub(crate) fn mail_came(&mut self, waiting: bool, now: Instant) -> bool {
        let pending = self.pending.get_or_insert(Pending { since: now, quiet_from: now, not_before: now });
        pending.quiet_from = now;
        if waiting {
            pending.not_before = pending.not_before.max(now + TAKEN_WITHIN);
        }
        !std::mem::replace(&mut self.cared_for, true)
    }

    /// When what is pending is to be announced; with `None` nothing is, and whoever cared for it is released.
    pub(crate) fn next_due(&mut self, now: Instant) -> Option<Instant> {
        if self.in_flight.as_ref().is_some_and(|flight| flight.at + REPORTED_WITHIN <= now) {
            self.not_handed_over(now);
        }
        // A report may bring something back.
        self.cared_for = self.pending.is_some() || self.in_flight.is_some();
        let due = self.due();
        if self.in_flight.is_some() {
            Some(due.map_or(now + LOOK_AGAIN, |due| due.max(now + LOOK_AGAIN)))
        } else {
            due
        }
    }

    fn due(&self) -> Option<Instant> {
        let pending = self.pending?;
        let settled = (pending.quiet_from + QUIET).min(pending.since + PATIENCE).max(pending.not_before);
        Some(self.free_at().map_or(settled, |free| settled.max(free)))
    }

    /// When the next nudge may go at the earliest.
    #[must_use]
    pub(crate) fn free_at(&self) -> Option<Instant> {
        self.last_at.map(|last| last + INTERVAL)
    }

    /// Nothing is pending any more.
    pub(crate) const fn settle(&mut self) {
        self.pending = None;
    }

    /// Whether mail of this sender may still be announced; otherwise it is only counted.
    #[must_use]
    pub(crate) fn allows(&self, sender: &str, now: Instant) -> bool {
        self.senders.get(sender).is_none_or(|times| recent(times, now) < NUDGES_PER_PAIR_MAX)
    }

    /// Mail up to `up_to` is announced now but for what is `held`, which somebody else is about to take. Whether all of it
    /// is announced for the second time.
    pub(crate) fn granted(
        &mut self,
        up_to: MessageId,
        held: &[MessageId],
        told: Told,
        how: How,
        now: Instant,
    ) -> bool {
        let again = !told.ids.is_empty() && told.ids.iter().all(|id| self.repeated.contains(id));
        self.mark = self.mark.max(up_to);
        for id in &told.ids {
            self.owed.remove(id);
        }
        self.owe(held);
        if how == How::Beside || told.ids.is_empty() {
            return again;
        }
        self.last_at = Some(now);
        for sender in &told.senders {
            let times = self.senders.entry(sender.clone()).or_default();
            times.push_back(now);
            if times.len() > NUDGES_PER_PAIR_MAX {
                times.pop_front();
            }
        }
        self.forget_senders(now);
        if how == How::Shim {
            self.in_flight = Some(Flight { up_to, told, at: now });
        } else {
            self.keep_for_repeat(told, now);
        }
        again
    }

    /// The nudge with this mark was handed to the client.
    pub(crate) fn handed_over(&mut self, up_to: MessageId) {
        self.failures = 0;
        match self.in_flight.take_if(|flight| flight.up_to == up_to) {
            Some(Flight { told, at, .. }) => self.keep_for_repeat(told, at),
            // That was granted by a broker that is gone.
            None => self.raise(up_to),
        }
    }

    /// It was not: its mail is announced some other way, or once more after a pause. `true`: as of [`Self::mail_came`].
    pub(crate) fn failed(&mut self, up_to: MessageId, now: Instant) -> bool {
        if self.in_flight.as_ref().is_none_or(|flight| flight.up_to != up_to) {
            return false;
        }
        self.not_handed_over(now);
        !std::mem::replace(&mut self.cared_for, true)
    }

    fn not_handed_over(&mut self, now: Instant) {
        let Some(flight) = self.in_flight.take() else { return };
        self.owe(&flight.told.ids);
        for sender in &flight.told.senders {
            if let Some(times) = self.senders.get_mut(sender) {
                times.retain(|at| *at != flight.at);
            }
        }
        let pause = RETRY.saturating_mul(1 << self.failures.min(8)).min(RETRY_MAX);
        self.failures += 1;
        let pending = self.pending.get_or_insert(Pending { since: now, quiet_from: now, not_before: now });
        pending.not_before = pending.not_before.max(now + pause);
    }

    /// The session's model called something.
    pub(crate) const fn active(&mut self, now: Instant) {
        self.active_at = now;
    }

    /// When the oldest announcement may have to be repeated.
    #[must_use]
    pub(crate) fn again_at(&self) -> Option<Instant> {
        self.grants.front().map(|grant| grant.at + AGAIN_AFTER)
    }

    /// Mail whose time for a repeat has come is owed, if the session has not called since. `true` if there is any.
    pub(crate) fn take_again(&mut self, now: Instant) -> bool {
        let mut any = false;
        while self.again_at().is_some_and(|at| at <= now) {
            if let Some(grant) = self.grants.pop_front().filter(|grant| grant.at >= self.active_at) {
                self.owe(&grant.ids);
                self.repeated.extend(&grant.ids);
                bound(&mut self.repeated);
                any = true;
            }
        }
        any
    }

    fn keep_for_repeat(&mut self, told: Told, at: Instant) {
        let ids: Vec<MessageId> = told.ids.into_iter().filter(|id| !self.repeated.contains(id)).collect();
        if ids.is_empty() {
            return;
        }
        if self.grants.len() == GRANTS_MAX {
            self.grants.pop_front();
        }
        self.grants.push_back(Grant { ids, at });
    }

    fn owe(&mut self, ids: &[MessageId]) {
        self.owed.extend(ids);
        bound(&mut self.owed);
    }

    fn forget_senders(&mut self, now: Instant) {
        if self.senders.len() <= SENDERS_MAX {
            return;
        }
        self.senders.retain(|_, times| recent(times, now) > 0);
        while self.senders.len() > SENDERS_MAX {
            let oldest =
                self.senders.iter().min_by_key(|(_, times)| times.back()).map(|(name, _)| name.clone());
            let Some(oldest) = oldest else { return };
            self.senders.remove(&oldest);
        }
    }
}

fn recent(times: &VecDeque<Instant>, now: Instant) -> usize {
    times.iter().filter(|at| now.duration_since(**at) < WINDOW).count()
}

/// The newest ids stay.
fn bound(ids: &mut BTreeSet<MessageId>) {
    while ids.len() > IDS_MAX {
        ids.pop_first();
    }
}
