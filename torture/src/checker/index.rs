//! The history and the store's content, laid side by side: every message that was ever sent, with what became of it.

use super::Premises;
use super::dump::Dump;
use crate::history::bodies::Bodies;
use crate::history::{Call, Done, Op, To};
use std::collections::{HashMap, HashSet};

/// See the module's first lines.
#[derive(Debug)]
pub(crate) struct Index<'a> {
    pub(crate) bodies: Bodies,
    pub(crate) steady: HashSet<&'a str>,
    pub(crate) ops: &'a [Op],
    pub(crate) dump: &'a Dump,
    pub(crate) messages: Vec<Message<'a>>,
    pub(crate) by_n: HashMap<u64, usize>,
    /// By id: the place in the dump.
    pub(crate) by_id: HashMap<i64, usize>,
    /// By session: every name that it may ever have had.
    pub(crate) names: HashMap<&'a str, HashSet<&'a str>>,
    /// By name: one name for all between which mail may have moved, because one session had both.
    moved: HashMap<&'a str, &'a str>,
}

/// One message as its sender knows it: all calls that sent it, by its number.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) n: u64,
    /// Every call for it, the first one first.
    pub(crate) attempts: Vec<usize>,
    pub(crate) session: &'a str,
    pub(crate) to: Target<'a>,
    pub(crate) tag: Option<&'a str>,
    pub(crate) reply_to: Option<i64>,
    /// When the first call began that may have stored it.
    pub(crate) began: u64,
    /// When it was first acknowledged.
    pub(crate) acked: Option<u64>,
    /// The ids that acknowledgements told.
    pub(crate) ids: Vec<i64>,
    /// Its places in the dump.
    pub(crate) stored: Vec<usize>,
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    Names(&'a [String]),
    Everyone,
    Sender,
}

impl<'a> Index<'a> {
    pub(crate) fn new(premises: &'a Premises, ops: &'a [Op], dump: &'a Dump) -> Self {
        let mut index = Self {
            bodies: Bodies::of(premises.seed),
            steady: premises.steady.iter().map(String::as_str).collect(),
            ops,
            dump,
            messages: Vec::new(),
            by_n: HashMap::new(),
            by_id: dump.messages.iter().enumerate().map(|(at, message)| (message.id, at)).collect(),
            names: HashMap::new(),
            moved: HashMap::new(),
        };
        for (at, op) in ops.iter().enumerate() {
            index.note_send(at, op);
            index.note_names(op);
        }
        index.note_moves();
        for (at, stored) in dump.messages.iter().enumerate() {
            if let Some(message) = stored.n.and_then(|n| index.by_n.get(&n)) {
                index.messages[*message].stored.push(at);
            }
        }
        index
    }

    fn note_send(&mut self, at: usize, op: &'a Op) {
        let (n, to, tag, reply_to) = match &op.call {
            Call::Send { n, to, tag, reply_to, .. } => {
                let to = match to {
                    To::Names(names) => Target::Names(names),
                    To::Everyone => Target::Everyone,
                    To::Sender => Target::Sender,
                };
                (*n, to, tag, *reply_to)
            }
            Call::Ask { n, to, tag, .. } => (*n, Target::Names(to), tag, None),
            _ => return,
        };
        let place = *self.by_n.entry(n).or_insert(self.messages.len());
        if place == self.messages.len() {
            self.messages.push(Message {
                n,
                attempts: Vec::new(),
                session: &op.session,
                to,
                tag: tag.as_deref(),
                reply_to,
                began: u64::MAX,
                acked: None,
                ids: Vec::new(),
                stored: Vec::new(),
            });
        }
        let message = &mut self.messages[place];
        message.attempts.push(at);
        if op.may_be_done() {
            message.began = message.began.min(op.t_invoke);
        }
        if let Done::Sent { id, .. } | Done::Asked { id, .. } = op.result {
            message.acked = Some(message.acked.unwrap_or(u64::MAX).min(op.t_end));
            if !message.ids.contains(&id) {
                message.ids.push(id);
            }
        }
    }

    fn note_names(&mut self, op: &'a Op) {
        let mut note = |session: &'a str, name: &'a str| {
            self.names.entry(session).or_default().insert(name);
        };
        if matches!(op.call, Call::Fault { .. } | Call::Start {} | Call::Stop {}) {
            return;
        }
        // Before it asked who it is, a client goes by what it was before its shim died.
        if !matches!(op.call, Call::Sessions {}) {
            note(&op.session, &op.name);
        }
        match (&op.call, &op.result) {
            (Call::Register { .. }, Done::Registered { session, name, .. }) => note(session, name),
            (_, Done::Sessions { own: Some((session, name)), .. }) => note(session, name),
            _ => {}
        }
        if let Call::Register { name } = &op.call {
            note(&op.session, name);
        }
    }

    /// Unread mail comes along when a session takes another name, and belongs to that name from then on, whoever takes
    /// it next.
    fn note_moves(&mut self) {
        for names in self.names.values() {
            let roots: HashSet<&str> =
                names.iter().map(|name| self.moved.get(name).copied().unwrap_or(name)).collect();
            let Some(root) = roots.iter().min().copied() else { continue };
            for name in self.moved.values_mut().filter(|name| roots.contains(*name)) {
                *name = root;
            }
            self.moved.extend(names.iter().map(|name| (*name, root)));
        }
    }

    /// Whether mail for a name may be mail of a session: it may have had the name, or one that such mail came to.
    pub(crate) fn may_get(&self, session: &str, name: &str) -> bool {
        let root = self.moved.iter().find(|(known, _)| same_name(known, name)).map(|(_, root)| root);
        let names = self.names.get(session).into_iter().flatten();
        self.may_have_had(session, name)
            || names.into_iter().any(|own| root.is_some() && self.moved.get(own) == root)
    }

    /// The message of an id, if it is stored and its number is known.
    pub(crate) fn message(&self, id: i64) -> Option<&Message<'a>> {
        let stored = &self.dump.messages[*self.by_id.get(&id)?];
        Some(&self.messages[*self.by_n.get(&stored.n?)?])
    }

    /// Whether a session may ever have had a name, without regard to case.
    pub(crate) fn may_have_had(&self, session: &str, name: &str) -> bool {
        self.names.get(session).is_some_and(|names| names.iter().any(|known| same_name(known, name)))
    }

    /// Whether this is the call of a session under a name that it keeps.
    pub(crate) fn is_steady(&self, op: &Op) -> bool {
        self.steady.contains(&*op.name)
    }
}

impl Message<'_> {
    /// The id under which it is stored, if it is there once.
    pub(crate) fn id(&self, dump: &Dump) -> Option<i64> {
        self.stored.first().map(|at| dump.messages[*at].id)
    }
}

/// Names are the same without regard to case.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
