//! Whether a store holds all that was acknowledged before a moment, and nothing that was never asked for. A pure
//! function of what the store holds, what the clients were told, and the moment.

use super::history::{Call, History, Told, What};
use super::opened::Dump;
use super::prunes::Prunes;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What is wrong, in groups that are counted apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The group: lost, phantom, duplicated, reordered, unread again, read unasked, state.
    pub kind: &'static str,
    /// What.
    pub what: String,
}

/// A history made ready for many looks.
#[derive(Debug)]
pub struct Checker<'a> {
    history: &'a History,
    /// Sorted, because bodies are told apart by their first characters, where a hash would go through all of them.
    by_body: BTreeMap<&'a str, &'a Call>,
    /// All calls that may mark a delivery read: by mailbox and id, when the first began.
    marks: HashMap<(&'a str, i64), u64>,
    prunes: Prunes<'a>,
    /// The calls of each key, in the order in which its one client made them.
    keys: BTreeMap<&'a str, Vec<&'a Call>>,
}

impl<'a> Checker<'a> {
    /// Prepares.
    #[must_use]
    pub fn new(history: &'a History) -> Self {
        let mut made = Self {
            history,
            by_body: BTreeMap::new(),
            marks: HashMap::new(),
            prunes: Prunes::of(history),
            keys: BTreeMap::new(),
        };
        for call in &history.calls {
            let client = call.client.as_str();
            let mut mark = |id: i64| {
                let first = made.marks.entry((client, id)).or_insert(call.begun);
                *first = call.begun.min(*first);
            };
            match &call.what {
                What::Send { body, reply_to, .. } => {
                    reply_to.iter().for_each(|id| mark(*id));
                    made.by_body.insert(body, call);
                }
                What::MarkRead { ids } => ids.iter().for_each(|id| mark(*id)),
                What::Set { key, .. } | What::Delete { key } => made.keys.entry(key).or_default().push(call),
                What::Hello | What::Prune => {}
            }
        }
        made
    }

    /// All that is wrong with what a store holds after a power cut at this moment.
    #[must_use]
    pub fn check(&self, dump: &Dump, moment: u64) -> Vec<Violation> {
        self.check_between(dump, moment, moment)
    }

    /// As [`Checker::check`], where the cut took its time: what was acknowledged before it began must be there, what
    /// was asked for before it was over may be.
    #[must_use]
    pub fn check_between(&self, dump: &Dump, begun: u64, over: u64) -> Vec<Violation> {
        let mut look = Look { checker: self, dump, begun, over, found: Vec::new() };
        look.stored();
        let there: HashSet<i64> = dump.messages.iter().map(|message| message.id).collect();
        for call in self.history.calls.iter().filter(|call| call.acknowledged_by(begun)) {
            match (&call.what, &call.told) {
                (What::Send { to, reply_to, .. }, Told::Sent { id, recipients }) => {
                    look.sent(call, *id, recipients.iter().map(String::as_str), to.is_empty(), &there);
                    reply_to.iter().for_each(|id| look.marked(call, *id));
                }
                (What::MarkRead { ids }, _) => ids.iter().for_each(|id| look.marked(call, *id)),
                (What::Hello, _) => look.registered(call),
                (What::Set { .. }, Told::Set { version }) if dump.last_version < *version => {
                    look.add("state", format!("version {version} would be given again"));
                }
                _ => {}
            }
        }
        look.reads();
        look.state();
        look.found
    }
}

/// One look.
struct Look<'a> {
    checker: &'a Checker<'a>,
    dump: &'a Dump,
    begun: u64,
    over: u64,
    found: Vec<Violation>,
}

impl Look<'_> {
    fn add(&mut self, kind: &'static str, what: String) {
        self.found.push(Violation { kind, what });
    }

    fn maybe_read(&self, mailbox: &str, id: i64, before: u64) -> bool {
        self.checker.marks.get(&(mailbox, id)).is_some_and(|begun| *begun < before)
    }

    /// Every stored message was asked for, once, and stands in its place.
    fn stored(&mut self) {
        let mut seen = BTreeSet::new();
        let mut newest_begun = 0;
        for message in &self.dump.messages {
            let Some(call) = self.checker.by_body.get(message.body.as_str()) else {
                self.add("phantom", format!("nobody sent the body of message {}", message.id));
                continue;
            };
            let What::Send { reply_to, .. } = &call.what else { continue };
            let told_id = match call.told {
                Told::Sent { id, .. } => id,
                _ => message.id,
            };
            if !call.possible_by(self.over)
                || call.client != message.from
                || *reply_to != message.reply_to
                || told_id != message.id
            {
                self.add("phantom", format!("message {} is not as it was sent: {call:?}", message.id));
            }
            if !seen.insert(message.body.as_str()) {
                self.add("duplicated", format!("message {} was stored before", message.id));
            }
            if call.ended < newest_begun {
                self.add("reordered", format!("message {} was sent before the one before it", message.id));
            }
            newest_begun = newest_begun.max(call.begun);
        }
    }

    fn sent<'b>(
        &mut self,
        call: &Call,
        id: i64,
        recipients: impl Iterator<Item = &'b str>,
        broadcast: bool,
        there: &HashSet<i64>,
    ) {
        if self.dump.last_message < id {
            self.add("lost", format!("the number {id} would be given again"));
        }
        let recipients: Vec<&str> = recipients.collect();
        let (prunes, over) = (&self.checker.prunes, self.over);
        if !there.contains(&id) {
            let read = |before| recipients.iter().all(|name| self.maybe_read(name, id, before));
            let pruned = match broadcast {
                true => prunes.explain_broadcast(call, over),
                false => prunes.explain_direct(call, over, read),
            };
            if !pruned {
                self.add("lost", format!("message {id} of {} to {recipients:?}", call.client));
            }
            return;
        }
        let none = BTreeMap::new();
        let deliveries = self.dump.deliveries.get(&id).unwrap_or(&none);
        // All of a broadcast's deliveries are deleted at once, or none.
        let whole = recipients.iter().any(|name| deliveries.contains_key(*name));
        if broadcast && !whole && prunes.explain_broadcast(call, over) {
            return;
        }
        for name in &recipients {
            if !deliveries.contains_key(*name) {
                self.add("lost", format!("the delivery of message {id} to {name}"));
            }
        }
        if !broadcast && deliveries.len() != recipients.len() {
            self.add("phantom", format!("message {id} was delivered to {:?}", deliveries.keys()));
        }
    }

    /// What was acknowledged as read stays read as long as it is there.
    fn marked(&mut self, call: &Call, id: i64) {
        let delivery = self.dump.deliveries.get(&id).and_then(|mailboxes| mailboxes.get(&call.client));
        if delivery == Some(&false) {
            self.add("unread again", format!("message {id} in the mailbox of {}", call.client));
        }
    }

    fn registered(&mut self, call: &Call) {
        let read = |id, before| self.maybe_read(&call.client, id, before);
        let pruned = || self.checker.prunes.explain_session(call, self.over, read);
        if !self.dump.sessions.contains(&call.client) && !pruned() {
            self.add("lost", format!("the session {}", call.client));
        }
    }

    /// What is read was marked by its reader.
    fn reads(&mut self) {
        let mut unasked = Vec::new();
        for (id, mailboxes) in &self.dump.deliveries {
            for (mailbox, _) in mailboxes.iter().filter(|(_, read)| **read) {
                if !self.maybe_read(mailbox, *id, self.over) {
                    unasked.push(format!("message {id} in the mailbox of {mailbox}"));
                }
            }
        }
        unasked.into_iter().for_each(|what| self.add("read unasked", what));
    }

    /// Each key is as its last acknowledged call left it, or as one did that was under way.
    fn state(&mut self) {
        let (begun, over) = (self.begun, self.over);
        let mut wrong = Vec::new();
        for (key, calls) in &self.checker.keys {
            let last = calls.iter().rposition(|call| call.acknowledged_by(begun));
            let from = last.unwrap_or(0);
            let mut allowed: Vec<_> = calls[from..]
                .iter()
                .filter(|call| call.possible_by(over))
                .map(|call| left_by(call))
                .collect();
            if last.is_none() {
                allowed.push((None, None));
            }
            let there = self.dump.state.get(*key).map(|(value, version)| (value.as_str(), *version));
            let fits = allowed.iter().any(|(value, version)| match there {
                None => value.is_none(),
                Some((held, at)) => *value == Some(held) && version.is_none_or(|version| version == at),
            });
            if !fits {
                wrong.push(format!("{key} is {there:?}, it could be {allowed:?}"));
            }
        }
        for key in self.dump.state.keys().filter(|key| !self.checker.keys.contains_key(key.as_str())) {
            wrong.push(format!("nobody ever wrote {key}"));
        }
        wrong.into_iter().for_each(|what| self.add("state", what));
    }
}

/// The value that a call leaves, and its version if that is known.
fn left_by(call: &Call) -> (Option<&str>, Option<u64>) {
    let version = match call.told {
        Told::Set { version } => Some(version),
        _ => None,
    };
    match &call.what {
        What::Set { value, .. } => (Some(value), version),
        _ => (None, None),
    }
}
