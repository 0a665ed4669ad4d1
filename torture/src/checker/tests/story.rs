//! Small histories to be told: whatever happens leaves its record and its traces in the store, unless the teller
//! takes them away.

use crate::checker::{Delivery, Dump, Premises, StoredEntry, StoredMessage};
use crate::history::bodies::{Bodies, digest};
use crate::history::{Call, Done, Inbox, Op, Outcome, Seen, To};

const SEED: u64 = 5;
/// How long everything takes that is told, and the time between.
const TAKES_NS: u64 = 1_000_000;

/// Three who keep their names.
pub(super) struct Story {
    pub(super) premises: Premises,
    pub(super) ops: Vec<Op>,
    pub(super) dump: Dump,
    pub(super) now: u64,
    next_n: u64,
}

impl Story {
    pub(super) fn new() -> Self {
        let steady = ["alice", "bob", "carol"].map(str::to_owned).to_vec();
        let premises = Premises { seed: SEED, steady: steady.clone() };
        let dump = Dump { last_version: 100, ..Dump::default() };
        let mut story = Self { premises, ops: Vec::new(), dump, now: TAKES_NS, next_n: 1 };
        for name in &steady {
            let own = Some((session(name).into(), name.as_str().into()));
            story.tell(name, Call::Sessions {}, Outcome::Ok, Done::Sessions { rows: Vec::new(), own });
        }
        story
    }

    /// One record; its place.
    pub(super) fn tell(&mut self, name: &str, call: Call, outcome: Outcome, result: Done) -> usize {
        let client = self.premises.steady.iter().position(|steady| steady == name).unwrap_or(9);
        self.ops.push(Op {
            t_invoke: self.now,
            t_end: self.now + TAKES_NS,
            client: u32::try_from(client).unwrap(),
            session: session(name).into(),
            name: name.into(),
            call,
            outcome,
            result,
        });
        self.now += 2 * TAKES_NS;
        self.ops.len() - 1
    }

    /// The last record began at the same time as the one before.
    pub(super) fn at_once(&mut self) {
        let before = self.ops[self.ops.len() - 2].t_invoke;
        self.ops.last_mut().unwrap().t_invoke = before;
    }

    /// A number whose body can carry it.
    pub(super) fn number(&mut self) -> u64 {
        while Bodies::of(SEED).is_tiny(self.next_n) {
            self.next_n += 1;
        }
        self.next_n += 1;
        self.next_n - 1
    }

    pub(super) fn send_call(&mut self, to: &[&str]) -> Call {
        let to = To::Names(to.iter().map(|name| (*name).to_owned()).collect());
        Call::Send { n: self.number(), to, tag: None, reply_to: None, key: None, fyi: false }
    }

    /// A message that is acknowledged, stored and delivered.
    pub(super) fn send(&mut self, from: &str, to: &[&str]) -> i64 {
        let call = self.send_call(to);
        let id = self.store(from, &call, to);
        self.acknowledge(from, call, id, to);
        id
    }

    pub(super) fn acknowledge(&mut self, from: &str, call: Call, id: i64, to: &[&str]) {
        let recipients = to.iter().map(|name| ((*name).into(), true)).collect();
        self.tell(from, call, Outcome::Ok, Done::Sent { id, recipients });
    }

    pub(super) fn broadcast(&mut self, from: &str, reached: &[&str]) -> i64 {
        let n = self.number();
        let call = Call::Send { n, to: To::Everyone, tag: None, reply_to: None, key: None, fyi: false };
        let id = self.store(from, &call, reached);
        self.acknowledge(from, call, id, reached);
        id
    }

    /// What a call leaves in the store.
    pub(super) fn store(&mut self, from: &str, call: &Call, to: &[&str]) -> i64 {
        let Call::Send { n, to: addressed, tag, reply_to, key, .. } = call else { panic!("not a send") };
        let id = self.dump.messages.last().map_or(1, |last| last.id + 1);
        let stored = StoredMessage {
            id,
            from_session: session(from).into(),
            from_name: from.into(),
            addressed: format!("{addressed:?}").into(),
            broadcast: i64::from(*addressed == To::Everyone),
            tag: tag.as_deref().map(Into::into),
            reply_to: *reply_to,
            key: key.as_deref().map_or_else(|| format!("call:{n}"), |key| format!("model:{key}")).into(),
            n: None,
            chars: 0,
            digest: 0,
        };
        self.dump.messages.push(stored.with_body(&Bodies::of(SEED).text(*n)));
        for name in to {
            self.deliver(id, name);
        }
        id
    }

    pub(super) fn deliver(&mut self, message_id: i64, name: &str) {
        let delivery = Delivery { mailbox: name.into(), message_id, recipient: name.into(), read: false };
        self.dump.deliveries.push(delivery);
    }

    /// Takes a message out of the store.
    pub(super) fn unstore(&mut self, id: i64) {
        self.dump.messages.retain(|stored| stored.id != id);
        self.dump.deliveries.retain(|delivery| delivery.message_id != id);
    }

    pub(super) fn undeliver(&mut self, id: i64, name: &str) {
        self.dump.deliveries.retain(|one| one.message_id != id || *one.mailbox != *name);
    }

    pub(super) fn stored(&mut self, id: i64) -> &mut StoredMessage {
        self.dump.messages.iter_mut().find(|stored| stored.id == id).expect("it is stored")
    }

    /// A message as a result shows it.
    pub(super) fn seen(&self, id: i64) -> Seen {
        let stored = self.dump.messages.iter().find(|stored| stored.id == id).expect("it is stored");
        let text = Bodies::of(SEED).text(stored.n.expect("it has a number"));
        let chars = text.chars().count() as u64;
        Seen {
            id,
            from: stored.from_name.clone(),
            from_session: stored.from_session.clone(),
            tag: stored.tag.clone(),
            reply_to: stored.reply_to,
            chars,
            body_chars: chars,
            digest: digest(&text),
            receipts: Vec::new(),
        }
    }

    fn all_seen(&self, ids: &[i64]) -> Vec<Seen> {
        ids.iter().map(|id| self.seen(*id)).collect()
    }

    /// A list of all unread mail.
    pub(super) fn inbox(&mut self, name: &str, ids: &[i64]) -> usize {
        self.page(name, Inbox { unread_only: true, limit: 500, ..Inbox::default() }, ids, false)
    }

    pub(super) fn page(&mut self, name: &str, inbox: Inbox, ids: &[i64], more: bool) -> usize {
        let messages = self.all_seen(ids);
        self.tell(name, Call::Inbox(inbox), Outcome::Ok, Done::Page { messages, more })
    }

    /// A wait of ten seconds that returned with these, or, if there are none, timed out.
    pub(super) fn waited(&mut self, name: &str, ids: &[i64]) -> usize {
        let timeout_ms = 10_000;
        let call = Call::Wait { timeout_ms, from: None, tag: None, reply_to: None };
        let (messages, timed_out) = (self.all_seen(ids), ids.is_empty());
        let result = Done::Waited { messages, timed_out, repeated: false, more: false };
        let at = self.tell(name, call, Outcome::Ok, result);
        if timed_out {
            self.now += timeout_ms * 1_000_000;
            self.ops[at].t_end += timeout_ms * 1_000_000;
        }
        at
    }

    /// A mark that is kept.
    pub(super) fn mark(&mut self, name: &str, ids: &[i64]) {
        for delivery in &mut self.dump.deliveries {
            delivery.read |= *delivery.mailbox == *name && ids.contains(&delivery.message_id);
        }
        let marked = ids.len() as u64;
        let result = Done::Marked { marked, already_read: Vec::new(), not_found: Vec::new() };
        self.tell(name, Call::MarkRead { ids: ids.to_vec(), key: None }, Outcome::Ok, result);
    }

    /// An entry is written and gets this version; its value is numbered like it.
    pub(super) fn set(&mut self, entry: &str, name: &str, version: i64, if_version: Option<i64>) -> usize {
        let n = version.unsigned_abs();
        self.dump.entries.retain(|stored| stored.entry != entry);
        self.dump.entries.push(StoredEntry { entry: entry.to_owned(), version, n: Some(n), expires: false });
        let call = Call::SetState { n, entry: entry.to_owned(), if_version, ttl_ms: None, key: None };
        self.tell(name, call, Outcome::Ok, Done::Set { version })
    }

    pub(super) fn got(&mut self, entry: &str, name: &str, version: Option<i64>) -> usize {
        let call = Call::GetState { entry: entry.to_owned(), newer_than: None, timeout_ms: 0 };
        let found = version.map(|version| (version, version.unsigned_abs()));
        self.tell(name, call, Outcome::Ok, Done::Entry { found, timed_out: false })
    }

    pub(super) fn deleted(&mut self, entry: &str, name: &str, n: u64) -> usize {
        self.dump.entries.retain(|stored| stored.entry != entry);
        let call = Call::DeleteState { n, entry: entry.to_owned(), if_version: None, key: None };
        self.tell(name, call, Outcome::Ok, Done::Deleted { deleted: true })
    }
}

pub(super) fn session(name: &str) -> String {
    format!("row-of-{name}")
}

/// An error that says that nothing was done, or with a key that nobody knows.
pub(super) fn error(code: &str, key: Option<&str>) -> Done {
    Done::Error { code: code.to_owned(), key: key.map(str::to_owned), message: "x".to_owned() }
}
