//! Mail between nodes: what is lost, doubled, out of order or from nowhere is seen, and what a receipt claims too early.

use super::story::{Story, session};
use crate::checker::nodes::{Node, among_nodes};
use crate::checker::{Anomaly, StoredMessage};
use crate::history::{Call, Done, Inbox, Outcome};
use std::collections::BTreeSet;

/// Alice of node a writes to bob of node b.
struct Two {
    a: Story,
    b: Story,
}

impl Two {
    fn new() -> Self {
        let (mut a, mut b) = (Story::new(), Story::new());
        a.dump.store_id = "store-a".to_owned();
        b.dump.store_id = "store-b".to_owned();
        Self { a, b }
    }

    /// Sent at a; its id there.
    fn send(&mut self) -> i64 {
        self.a.send("alice", &["bob@b"])
    }

    /// What was sent is stored at b; its id there.
    fn arrive(&mut self, id: i64) -> i64 {
        let sent = self.a.stored(id).clone();
        let last = self.b.dump.messages.last().map_or(0, |last| last.id);
        let key = format!("link:a:store-a:{id}:5").into();
        let came = StoredMessage { id: last + 1, from_name: "alice@a".into(), key, ..sent };
        self.b.dump.messages.push(came);
        self.b.deliver(last + 1, "bob");
        last + 1
    }

    fn receipt(&mut self, id: i64, state: &str) {
        let mut seen = self.a.seen(id);
        seen.receipts = vec![("bob@b".into(), state.into())];
        let result = Done::Page { messages: vec![seen], more: false };
        let call = Call::Inbox(Inbox { sent: true, limit: 500, ..Inbox::default() });
        self.a.tell("alice", call, Outcome::Ok, result);
    }

    /// Everything has arrived, and what is said to be there is looked for.
    fn found(mut self, quiet: bool, last_look: &[i64]) -> BTreeSet<Anomaly> {
        let now = self.a.now.max(self.b.now);
        self.b.now = now + 1;
        self.b.inbox("bob", last_look);
        let node = |name: &str, story: Story| Node {
            name: name.to_owned(),
            premises: story.premises,
            history: story.ops,
            dump: story.dump,
        };
        let nodes = [node("a", self.a), node("b", self.b)];
        let judged = among_nodes(&nodes, quiet.then_some(now));
        let violations = judged.into_iter().flat_map(|judged| judged.verdict.violations);
        violations.map(|violation| violation.anomaly).collect()
    }
}

#[track_caller]
fn shows(found: &BTreeSet<Anomaly>, anomaly: Anomaly) {
    assert!(found.contains(&anomaly) && found.len() <= 2, "{anomaly} is to be found: {found:?}");
}

#[test]
fn an_ordinary_day_of_two_nodes_breaks_no_promise() {
    let mut two = Two::new();
    let sent = [two.send(), two.send(), two.send()];
    let came = sent.map(|id| two.arrive(id));
    two.receipt(sent[0], "delivered");
    two.b.now = two.a.now;
    two.b.inbox("bob", &came);
    two.b.mark("bob", &came[..1]);
    two.a.now = two.b.now;
    two.receipt(sent[1], "shown");
    two.receipt(sent[0], "read");
    assert_eq!(two.found(true, &came[1..]), BTreeSet::new());
}

#[test]
fn lost_is_what_did_not_cross_once_nothing_waits() {
    for quiet in [false, true] {
        let mut two = Two::new();
        two.send();
        let found = two.found(quiet, &[]);
        assert_eq!(found, if quiet { BTreeSet::from([Anomaly::Lost]) } else { BTreeSet::new() });
    }
}

#[test]
fn lost_is_what_is_said_to_be_there_and_is_not() {
    for (state, lost) in [("queued", false), ("forwarded", false), ("delivered", true)] {
        let mut two = Two::new();
        let sent = two.send();
        two.receipt(sent, state);
        assert_eq!(two.found(false, &[]).contains(&Anomaly::Lost), lost, "{state}");
    }
}

#[test]
fn lost_is_what_is_there_and_not_shown() {
    let mut two = Two::new();
    let sent = two.send();
    two.arrive(sent);
    shows(&two.found(true, &[]), Anomaly::Lost);
}

#[test]
fn duplicated_is_what_came_twice() {
    let mut two = Two::new();
    let sent = two.send();
    let came = [two.arrive(sent), two.arrive(sent)];
    // Under another key, as after a mistake about which store it came from.
    two.b.stored(came[1]).key = format!("link:a:store-a:{sent}:6").into();
    shows(&two.found(true, &came), Anomaly::Duplicated);
}

#[test]
fn reordered_is_what_came_in_another_order() {
    let mut two = Two::new();
    let (first, second) = (two.send(), two.send());
    let came = [two.arrive(second), two.arrive(first)];
    shows(&two.found(true, &came), Anomaly::Reordered);
}

#[test]
fn a_phantom_was_sent_at_no_node() {
    let mut two = Two::new();
    let sent = two.send();
    let came = two.arrive(sent);
    two.a.unstore(sent);
    // Its sender's node misses it, too: there it is lost.
    shows(&two.found(true, &[came]), Anomaly::Phantom);
    let mut two = Two::new();
    let sent = two.send();
    let came = [two.arrive(sent), two.arrive(sent)];
    two.b.stored(came[1]).key = "link:c:store-c:1:5".into();
    shows(&two.found(true, &came), Anomaly::Phantom);
}

#[test]
fn leaked_and_forged_is_what_came_for_or_from_somebody_else() {
    let mut two = Two::new();
    let sent = two.send();
    let came = two.arrive(sent);
    two.b.deliver(came, "carol");
    shows(&two.found(true, &[came]), Anomaly::Leaked);
    let mut two = Two::new();
    let sent = two.send();
    let came = two.arrive(sent);
    two.b.stored(came).from_session = session("carol").into();
    shows(&two.found(true, &[came]), Anomaly::Forged);
}

#[test]
fn a_receipt_says_no_more_than_what_was() {
    for (state, anomaly) in [("shown", Anomaly::FalseSuccess), ("read", Anomaly::ReadUnasked)] {
        let mut two = Two::new();
        let sent = two.send();
        let came = two.arrive(sent);
        two.receipt(sent, state);
        shows(&two.found(true, &[came]), anomaly);
    }
}
