//! What the clients of one run asked for, when, and what they were told. Knows no store and no disk.

use std::collections::BTreeSet;

/// When everything had ended that is in a store before it is recorded; no clock of a machine that runs shows it.
pub const BEFORE_ALL: u64 = 1;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A hello: from its answer on, the session is there.
    Hello,
    /// A message; its body is like no other's.
    Send {
        /// The names; none for everyone.
        to: BTreeSet<String>,
        /// The body.
        body: String,
        /// The message that it answers, which it marks read.
        reply_to: Option<i64>,
    },
    /// Messages of the client's own mailbox.
    MarkRead {
        /// Their ids.
        ids: Vec<i64>,
    },
    /// A key that nobody else writes.
    Set {
        /// The key.
        key: String,
        /// The value as JSON, like no other.
        value: String,
    },
    /// The removal of such a key.
    Delete {
        /// The key.
        key: String,
    },
    /// A deletion of everything that is done with.
    Prune,
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing, or nothing that says how it ended.
    Nothing,
    /// Surely not done.
    Refused,
    /// Done.
    Done,
    /// A message is stored.
    Sent {
        /// Under this id.
        id: i64,
        /// For these names.
        recipients: BTreeSet<String>,
    },
    /// An entry is stored.
    Set {
        /// With this version.
        version: u64,
    },
}

/// One call, over all its repetitions under the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The client's name.
    pub client: String,
    /// When it was first asked, on the machine's monotonic clock.
    pub begun: u64,
    /// When the answer was there; for ever later without one.
    pub ended: u64,
    /// What was asked.
    pub what: What,
    /// What was told.
    pub told: Told,
}

impl Call {
    /// Whether it was acknowledged before this moment.
    #[must_use]
    pub fn acknowledged_by(&self, moment: u64) -> bool {
        self.ended < moment && !matches!(self.told, Told::Nothing | Told::Refused)
    }

    /// Whether it may have been done by this moment.
    #[must_use]
    pub fn possible_by(&self, moment: u64) -> bool {
        self.begun < moment && self.told != Told::Refused
    }
}

/// All calls of a run, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The calls.
    pub calls: Vec<Call>,
}

impl History {
    /// Joins what each client wrote down.
    #[must_use]
    pub fn of(parts: Vec<Vec<Call>>) -> Self {
        let mut calls: Vec<Call> = parts.into_iter().flatten().collect();
        calls.sort_by_key(|call| call.begun);
        Self { calls }
    }

    /// How many calls were acknowledged in all, without what was in the store before.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.calls.iter().filter(|call| call.ended > BEFORE_ALL && call.acknowledged_by(u64::MAX)).count()
    }

    /// How many messages were acknowledged in all, without those that were in the store before.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.messages(|call| call.ended > BEFORE_ALL)
    }

    /// How many messages were in the store before.
    #[must_use]
    pub fn old(&self) -> usize {
        self.messages(|call| call.ended == BEFORE_ALL)
    }

    fn messages(&self, counts: impl Fn(&Call) -> bool) -> usize {
        let sent = |call: &&Call| matches!(call.told, Told::Sent { .. }) && counts(call);
        self.calls.iter().filter(sent).count()
    }
}
