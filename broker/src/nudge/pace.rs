//! When a session may be told of mail, and of which: the rules, without a clock, a store or a connection of their own.
//!
//! ```text
//!            mail came                    quiet, or waited long enough,
//!  nothing ────────────▶ pending ─────────and 2 s after the last nudge──────▶ granted ──┐
//!  is due  ◀──────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What was granted is a mark in the order of ids: mail up to it is never announced a second time, whichever way, but for
//! the one repeat. Lost with the connection; the client brings the mark back with its next hello.

use c2c_proto::id::MessageId;
use c2c_proto::limits::{NUDGE_AGAIN_AFTER_S, NUDGE_INTERVAL_MS, NUDGE_WINDOW_S, NUDGES_PER_PAIR_MAX};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Several messages that come one after the other are one nudge: it waits until none came for this long.
const QUIET: Duration = Duration::from_millis(150);
/// But not longer than this after the first of them.
const PATIENCE: Duration = Duration::from_millis(700);
/// A wait that takes the mail needs this long until it has been shown.
const TAKEN_WITHIN: Duration = Duration::from_millis(500);
/// Grants that may still be repeated; of more only the range is kept.
const GRANTS_MAX: usize = 32;
/// Senders whose nudges are counted, at most; beyond it the ones that are least recent are forgotten.
const SENDERS_MAX: usize = 1_024;

const INTERVAL: Duration = Duration::from_millis(NUDGE_INTERVAL_MS);
const WINDOW: Duration = Duration::from_secs(NUDGE_WINDOW_S);
const AGAIN_AFTER: Duration = Duration::from_secs(NUDGE_AGAIN_AFTER_S);

/// One session's nudges.
#[derive(Debug)]
pub(crate) struct Pace {
    announced: MessageId,
    last_at: Option<Instant>,
    active_at: Instant,
    pending: Option<Pending>,
    /// Somebody waits until what is pending is due.
    cared_for: bool,
    grants: VecDeque<Grant>,
    senders: HashMap<String, VecDeque<Instant>>,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    since: Instant,
    quiet_from: Instant,
    not_before: Instant,
}

/// Mail that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Ids above this one,
    pub(crate) after: MessageId,
    /// and up to this one.
    pub(crate) up_to: MessageId,
    /// When.
    pub(crate) at: Instant,
}

impl Pace {
    /// Mail up to `announced` is not announced.
    #[must_use]
    pub(crate) fn new(announced: MessageId, now: Instant) -> Self {
        Self {
            announced,
            last_at: None,
            active_at: now,
            pending: None,
            cared_for: false,
            grants: VecDeque::new(),
            senders: HashMap::new(),
        }
    }

    /// Mail up to this id was announced.
    #[must_use]
    pub(crate) const fn announced(&self) -> MessageId {
        self.announced
    }

    /// Mail came; `waiting`: the session is blocked in a wait that may take it. `true`: nobody cares for the session's
    /// nudges yet, and the caller has to, until [`Self::next_due`] gives none.
    pub(crate) fn mail_came(&mut self, waiting: bool, now: Instant) -> bool {
        let pending = self.pending.get_or_insert(Pending { since: now, quiet_from: now, not_before: now });
        pending.quiet_from = now;
        if waiting {
            pending.not_before = now + TAKEN_WITHIN;
        }
        !std::mem::replace(&mut self.cared_for, true)
    }

    /// As [`Self::due`]; with `None` whoever cared for it is released.
    pub(crate) fn next_due(&mut self) -> Option<Instant> {
        self.cared_for = self.pending.is_some();
        self.due()
    }

    /// When the next nudge may go at the earliest.
    #[must_use]
    pub(crate) fn free_at(&self) -> Option<Instant> {
        self.last_at.map(|last| last + INTERVAL)
    }

    /// When what is pending is to be announced; `None` if nothing is.
    #[must_use]
    pub(crate) fn due(&self) -> Option<Instant> {
        let pending = self.pending?;
        let settled = (pending.quiet_from + QUIET).min(pending.since + PATIENCE).max(pending.not_before);
        Some(self.free_at().map_or(settled, |free| settled.max(free)))
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

    /// Mail up to `up_to` is announced now, for these senders. A nudge (and not a hook that runs anyway) begins the next
    /// interval and is repeated.
    pub(crate) fn granted(&mut self, up_to: MessageId, senders: &[&str], nudge: bool, now: Instant) {
        let after = self.announced;
        self.announced = after.max(up_to);
        if !nudge {
            return;
        }
        self.last_at = Some(now);
        for sender in senders {
            let times = self.senders.entry((*sender).to_owned()).or_default();
            times.push_back(now);
            if times.len() > NUDGES_PER_PAIR_MAX {
                times.pop_front();
            }
        }
        self.forget_senders(now);
        let full = self.grants.len() == GRANTS_MAX;
        match self.grants.back_mut().filter(|_| full) {
            Some(last) => last.up_to = up_to,
            None => self.grants.push_back(Grant { after, up_to, at: now }),
        }
    }

    /// The nudge with this mark did not arrive: its mail is not announced after all.
    pub(crate) fn failed(&mut self, up_to: MessageId) {
        if let Some(at) = self.grants.iter().position(|grant| grant.up_to == up_to) {
            let grant = self.grants.remove(at);
            if let Some(grant) = grant.filter(|_| self.announced == up_to) {
                self.announced = grant.after;
            }
        }
    }

    /// The session's model called something, or its user spoke.
    pub(crate) const fn active(&mut self, now: Instant) {
        self.active_at = now;
    }

    /// When the oldest grant may have to be repeated.
    #[must_use]
    pub(crate) fn again_at(&self) -> Option<Instant> {
        self.grants.front().map(|grant| grant.at + AGAIN_AFTER)
    }

    /// The grant whose time for a repeat has come, if the session has not called since. It is asked for once.
    pub(crate) fn take_again(&mut self, now: Instant) -> Option<Grant> {
        while self.again_at().is_some_and(|at| at <= now) {
            let grant = self.grants.pop_front().filter(|grant| grant.at >= self.active_at);
            if grant.is_some() {
                self.last_at = Some(now);
                return grant;
            }
        }
        None
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
