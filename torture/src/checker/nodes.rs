//! Judges several nodes that exchange mail: each as one machine, to which what the others sent and marked is told as if it
//! had been done there. So every rule of one machine holds for mail that crossed as well, and two are added: what comes from
//! a node keeps that node's order, and a receipt says no more than what was.
//!
//! What a node sent is what its store holds for another one; whether that is what its sessions sent, the rules of one
//! machine say. It has to be there since its sender was told so, and at the latest since nothing waited anywhere.

use super::Anomaly::{FalseSuccess, Phantom, Reordered};
use super::dump::{Dump, StoredMessage};
use super::{Anomaly, Premises, Verdict, Violation, check};
use crate::history::{Call, Done, FOREIGN, Op, Outcome, To};
use std::collections::HashMap;

/// One node after a run.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is called.
    pub name: String,
    /// What everybody knew of it.
    pub premises: Premises,
    /// What was done there, in the order in which it began.
    pub history: Vec<Op>,
    /// What its store holds.
    pub dump: Dump,
}

/// One node with what it was told of the others, and the verdict on it.
#[derive(Debug)]
pub struct Judged {
    /// The node; its history holds what was done elsewhere as well.
    pub node: Node,
    /// What was found.
    pub verdict: Verdict,
}

/// Finds every broken promise of all nodes. `quiet` is when nothing waited for another node any more.
#[must_use]
pub fn among_nodes(nodes: &[Node], quiet: Option<u64>) -> Vec<Judged> {
    let arrivals: Vec<Arrivals> = (0..nodes.len()).map(|at| Arrivals::at(nodes, at)).collect();
    (0..nodes.len())
        .map(|here| {
            let told = Told { nodes, arrivals: &arrivals, here, quiet };
            let node = told.node();
            let verdict = check(&node.premises, &node.history, &node.dump);
            let mut judged = Judged { node, verdict };
            told.order(&mut judged);
            told.receipts(&mut judged);
            judged
        })
        .collect()
}

/// What came to one node of others.
#[derive(Debug, Default)]
struct Arrivals {
    /// By its id here: the node that sent it, and its id there.
    from: HashMap<i64, (usize, i64)>,
    /// The way back; one that came twice has two.
    ids: HashMap<(usize, i64), Vec<i64>>,
    /// What says that it came from a node that there is not.
    strays: Vec<i64>,
}

impl Arrivals {
    fn at(nodes: &[Node], here: usize) -> Self {
        let mut arrivals = Self::default();
        for stored in &nodes[here].dump.messages {
            let Some((node, store, id)) = sent_in(stored) else { continue };
            let known = |other: &Node| other.name == node && other.dump.store_id == store;
            match nodes.iter().position(known).filter(|from| *from != here) {
                Some(from) => {
                    arrivals.from.insert(stored.id, (from, id));
                    arrivals.ids.entry((from, id)).or_default().push(stored.id);
                }
                None => arrivals.strays.push(stored.id),
            }
        }
        arrivals
    }
}

/// Node, store and id of a message that came from elsewhere.
fn sent_in(stored: &StoredMessage) -> Option<(&str, &str, i64)> {
    let mut parts = stored.key.strip_prefix("link:")?.split(':');
    Some((parts.next()?, parts.next()?, parts.next()?.parse().ok()?))
}

/// What one node is told of the others.
struct Told<'a> {
    nodes: &'a [Node],
    arrivals: &'a [Arrivals],
    here: usize,
    quiet: Option<u64>,
}

impl Told<'_> {
    fn node(&self) -> Node {
        let mut node = self.nodes[self.here].clone();
        // A body that cannot carry its number has come under a key that does not either.
        for stored in &mut node.dump.messages {
            let Some((from, id)) = self.arrivals[self.here].from.get(&stored.id) else { continue };
            stored.n = stored.n.or_else(|| message(&self.nodes[*from].dump, *id)?.n);
        }
        for (other, told) in self.nodes.iter().enumerate().filter(|(other, _)| *other != self.here) {
            let steady = told.premises.steady.iter();
            node.premises.steady.extend(steady.map(|name| format!("{name}@{}", told.name)));
            node.history.extend(self.sends(other));
            node.history.extend(told.history.iter().filter_map(|op| self.marks(other, op)));
        }
        node.history.sort_by_key(|op| op.t_invoke);
        node
    }

    /// What another node has for this one: sent at its time with an unknown outcome, and done when it was said to be.
    fn sends(&self, from: usize) -> Vec<Op> {
        let sender = &self.nodes[from];
        let at = format!("@{}", self.nodes[self.here].name);
        let mut to: HashMap<i64, Vec<String>> = HashMap::new();
        for delivery in &sender.dump.deliveries {
            if let Some(name) = delivery.recipient.strip_suffix(&at) {
                to.entry(delivery.message_id).or_default().push(name.to_owned());
            }
        }
        let began = first_calls(&sender.history);
        let said = first_receipts(&sender.history, &at);
        let mut ops = Vec::new();
        for stored in &sender.dump.messages {
            let (Some(n), Some(to)) = (stored.n, to.get(&stored.id)) else { continue };
            let everyone = matches!(&to[..], [all] if all == "*");
            let call = Call::Send {
                n,
                to: if everyone { To::Everyone } else { To::Names(to.clone()) },
                tag: stored.tag.as_deref().map(str::to_owned),
                reply_to: stored.reply_to.and_then(|id| self.known_here(from, id)),
                key: None,
                fyi: false,
            };
            let who = (&*stored.from_session, &*stored.from_name, &*sender.name);
            let began = began.get(&n).copied().unwrap_or(0);
            ops.push(foreign(who, (began, began), call.clone(), Outcome::Unknown, Done::Nothing));
            let there = said.get(&stored.id).copied().into_iter().chain(self.quiet).min();
            if let Some(since) = there.map(|since| since.max(began)) {
                let ids = self.arrivals[self.here].ids.get(&(from, stored.id));
                let id = ids.and_then(|ids| ids.first()).copied().unwrap_or(0);
                let done = Done::Sent { id, recipients: Vec::new() };
                // That what it answers is read, its sender's node tells in a receipt of its own.
                let mut call = call;
                if let Call::Send { reply_to, .. } = &mut call {
                    *reply_to = None;
                }
                ops.push(foreign(who, (since, since), call, Outcome::Ok, done));
            }
        }
        ops
    }

    /// The id here of a message that a node knows under another: one of this node's, or one that came from that node.
    fn known_here(&self, other: usize, id: i64) -> Option<i64> {
        match self.arrivals[other].from.get(&id) {
            Some((sent_at, id)) => (*sent_at == self.here).then_some(*id),
            None => self.arrivals[self.here].ids.get(&(other, id))?.first().copied(),
        }
    }

    /// What a call at another node may have marked of this node's messages.
    fn marks(&self, other: usize, op: &Op) -> Option<Op> {
        let dump = &self.nodes[other].dump;
        let marked: Vec<i64> = match (&op.call, &op.result) {
            (Call::MarkRead { ids, .. }, Done::Marked { not_found, .. }) => {
                ids.iter().filter(|id| !not_found.contains(id)).copied().collect()
            }
            (Call::MarkRead { ids, .. }, _) => ids.clone(),
            (Call::Send { reply_to: Some(id), .. }, _) => vec![*id],
            (Call::Ask { n, .. }, _) => {
                let asked = dump.messages.iter().find(|stored| stored.n == Some(*n))?.id;
                let answers = dump.messages.iter().filter(|stored| stored.reply_to == Some(asked));
                answers.map(|stored| stored.id).collect()
            }
            _ => return None,
        };
        let from = &self.arrivals[other].from;
        let ours = |id: &i64| from.get(id).filter(|(sent_at, _)| *sent_at == self.here).map(|(_, id)| *id);
        let ids: Vec<i64> = marked.iter().filter_map(ours).collect();
        let who = (&*op.session, &*op.name, &*self.nodes[other].name);
        let call = Call::MarkRead { ids, key: None };
        let told = foreign(who, (op.t_invoke, op.t_end), call, Outcome::Unknown, Done::Nothing);
        (op.may_be_done() && !matches!(&told.call, Call::MarkRead { ids, .. } if ids.is_empty()))
            .then_some(told)
    }

    /// What came from a node came in the order in which it was sent there.
    fn order(&self, judged: &mut Judged) {
        let arrivals = &self.arrivals[self.here];
        for id in &arrivals.strays {
            add(judged, Phantom, format!("message {id} is of a node that there is not"), &[], &[*id]);
        }
        let mut last: HashMap<usize, (i64, i64)> = HashMap::new();
        for stored in &self.nodes[self.here].dump.messages {
            let Some((from, there)) = arrivals.from.get(&stored.id) else { continue };
            *judged.verdict.judged.entry("messages that crossed").or_default() += 1;
            if let Some((id, before)) =
                last.insert(*from, (stored.id, *there)).filter(|(_, before)| before > there)
            {
                let node = &self.nodes[*from].name;
                let what = format!("{before} of {node} is here as {id}, {there} after it as {}", stored.id);
                add(judged, Reordered, what, &[], &[id, stored.id]);
            }
        }
    }

    /// Nobody is said to have been shown a message at another node before a call there could have shown it.
    fn receipts(&self, judged: &mut Judged) {
        let mut broken = Vec::new();
        let mut receipts = 0;
        for (at, op) in judged.node.history.iter().enumerate() {
            for (seen, name, node) in
                receipts_of(op).filter(|(.., state)| *state == "shown").map(|it| (it.0, it.1, it.2))
            {
                let Some(there) = self.nodes.iter().position(|other| other.name == node) else { continue };
                let other = &self.nodes[there];
                if !other.premises.steady.iter().any(|steady| steady == name) {
                    continue;
                }
                receipts += 1;
                let ids = self.arrivals[there].ids.get(&(self.here, seen)).map_or(&[][..], Vec::as_slice);
                let may_show = |look: &&Op| {
                    *look.name == *name
                        && (!look.is_ok() || look.seen().iter().any(|seen| ids.contains(&seen.id)))
                };
                let mut earlier = other.history.iter().take_while(|look| look.t_invoke < op.t_end);
                if !earlier.any(|look| may_show(&look)) {
                    broken.push((
                        at,
                        seen,
                        format!("message {seen} is said to be shown to {name}@{node}, who did not look"),
                    ));
                }
            }
        }
        if receipts > 0 {
            *judged.verdict.judged.entry("receipts from other nodes").or_default() += receipts;
        }
        for (at, id, what) in broken {
            add(judged, FalseSuccess, what, &[at], &[id]);
        }
    }
}

fn add(judged: &mut Judged, anomaly: Anomaly, what: String, ops: &[usize], messages: &[i64]) {
    let violation = Violation { anomaly, what, ops: ops.to_vec(), messages: messages.to_vec() };
    judged.verdict.violations.push(violation);
}

fn foreign(
    (session, name, node): (&str, &str, &str),
    (t_invoke, t_end): (u64, u64),
    call: Call,
    outcome: Outcome,
    result: Done,
) -> Op {
    let name = format!("{name}@{node}").into();
    Op { t_invoke, t_end, client: FOREIGN, session: session.into(), name, call, outcome, result }
}

fn message(dump: &Dump, id: i64) -> Option<&StoredMessage> {
    dump.messages.binary_search_by_key(&id, |stored| stored.id).ok().map(|at| &dump.messages[at])
}

/// By number: when the first call for a message began.
fn first_calls(history: &[Op]) -> HashMap<u64, u64> {
    let mut first: HashMap<u64, u64> = HashMap::new();
    for op in history {
        if let Call::Send { n, .. } | Call::Ask { n, .. } = &op.call {
            let began = first.entry(*n).or_insert(op.t_invoke);
            *began = op.t_invoke.min(*began);
        }
    }
    first
}

/// By id: when the sender was first told that a message is there for somebody at this node.
fn first_receipts(history: &[Op], at: &str) -> HashMap<i64, u64> {
    let mut first: HashMap<i64, u64> = HashMap::new();
    for op in history {
        for (id, _, node, state) in receipts_of(op) {
            if at.strip_prefix('@') == Some(node) && matches!(state, "delivered" | "shown" | "read") {
                let told = first.entry(id).or_insert(op.t_end);
                *told = op.t_end.min(*told);
            }
        }
    }
    first
}

/// What a result says of mail for other nodes: the message, name, node and state.
fn receipts_of(op: &Op) -> impl Iterator<Item = (i64, &str, &str, &str)> {
    op.seen().iter().flat_map(|seen| {
        let receipts = seen.receipts.iter();
        receipts.filter_map(|(name, state)| {
            let (name, node) = name.split_once('@')?;
            Some((seen.id, name, node, &**state))
        })
    })
}
