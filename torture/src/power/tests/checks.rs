//! What a store must hold after a power cut and what it must not, on small histories made up by hand.

use crate::power::check::Checker;
use crate::power::history::{Call, History, Told, What};
use crate::power::opened::{Dump, Message};
use std::collections::{BTreeMap, BTreeSet};

fn call(client: &str, begun: u64, ended: u64, what: What, told: Told) -> Call {
    Call { client: client.to_owned(), begun, ended, what, told }
}

fn send(body: &str, begun: u64, ended: u64, id: i64) -> Call {
    let what = What::Send { to: BTreeSet::from(["b".to_owned()]), body: body.to_owned(), reply_to: None };
    call("a", begun, ended, what, Told::Sent { id, recipients: BTreeSet::from(["b".to_owned()]) })
}

fn dump(messages: &[(i64, &str, bool)]) -> Dump {
    Dump {
        messages: messages
            .iter()
            .map(|(id, body, _)| Message { id: *id, from: "a".into(), body: (*body).into(), reply_to: None })
            .collect(),
        deliveries: messages
            .iter()
            .map(|(id, _, read)| (*id, BTreeMap::from([("b".to_owned(), *read)])))
            .collect(),
        last_message: messages.iter().map(|(id, _, _)| *id).max().unwrap_or(0),
        last_version: 9,
        ..Dump::default()
    }
}

fn kinds(history: &History, dump: &Dump, moment: u64) -> Vec<&'static str> {
    Checker::new(history).check(dump, moment).into_iter().map(|violation| violation.kind).collect()
}

#[test]
fn the_check_names_each_way_to_break_the_promise() {
    let mark = call("b", 50, 60, What::MarkRead { ids: vec![1] }, Told::Done);
    let history = History::of(vec![vec![send("one", 10, 20, 1), send("two", 30, 40, 2)], vec![mark]]);
    assert_eq!(kinds(&history, &dump(&[(1, "one", true), (2, "two", false)]), 100), [""; 0]);
    assert_eq!(kinds(&history, &dump(&[(1, "one", false)]), 35), [""; 0], "before the second was told");
    assert_eq!(kinds(&history, &dump(&[(1, "one", true)]), 100), ["lost", "lost"], "message and number");
    assert_eq!(kinds(&history, &dump(&[(1, "one", false), (2, "two", false)]), 100), ["unread again"]);
    assert_eq!(kinds(&history, &dump(&[(1, "one", true), (2, "two", true)]), 100), ["read unasked"]);
    assert_eq!(
        kinds(&history, &dump(&[(1, "one", true), (2, "two", false), (3, "x", false)]), 100),
        ["phantom"]
    );
    let twice = dump(&[(1, "one", true), (2, "two", false), (3, "two", false)]);
    assert_eq!(kinds(&history, &twice, 100), ["phantom", "duplicated"]);
    let mut turned = history;
    turned.calls[0] = send("one", 10, 20, 2);
    turned.calls[1] = send("two", 30, 40, 1);
    turned.calls.truncate(2);
    assert_eq!(kinds(&turned, &dump(&[(1, "two", false), (2, "one", false)]), 100), ["reordered"]);
}

#[test]
fn state_is_as_the_last_acknowledged_call_left_it_or_one_under_way() {
    let set = |value: &str, begun, ended, version| {
        let what = What::Set { key: "k".into(), value: value.into() };
        call("a", begun, ended, what, Told::Set { version })
    };
    let delete = call("a", 50, 60, What::Delete { key: "k".into() }, Told::Done);
    let history = History::of(vec![vec![set("1", 10, 20, 1), set("2", 30, 40, 2), delete]]);
    let holds = |value: Option<(&str, u64)>, moment| {
        let state = value.map(|(text, version)| ("k".to_owned(), (text.to_owned(), version)));
        kinds(
            &history,
            &Dump { state: state.into_iter().collect(), last_version: 9, ..Dump::default() },
            moment,
        )
    };
    assert!(holds(None, 15).is_empty() && holds(Some(("1", 1)), 15).is_empty(), "under way");
    assert!(holds(Some(("1", 1)), 25).is_empty());
    assert_eq!(holds(None, 25), ["state"]);
    assert_eq!(holds(Some(("1", 2)), 25), ["state"], "another version");
    assert!(holds(Some(("1", 1)), 35).is_empty() && holds(Some(("2", 2)), 35).is_empty());
    assert_eq!(holds(Some(("1", 1)), 45), ["state"], "an older value");
    assert_eq!(holds(Some(("2", 2)), 70), ["state"], "a deletion was undone");
}

fn prune(begun: u64, ended: u64) -> Call {
    call("p", begun, ended, What::Prune, Told::Done)
}

fn broadcast(body: &str, begun: u64, ended: u64, id: i64) -> Call {
    let what = What::Send { to: BTreeSet::new(), body: body.to_owned(), reply_to: None };
    call("a", begun, ended, what, Told::Sent { id, recipients: BTreeSet::from(["b".into(), "c".into()]) })
}

/// Nothing, but the number that was given last.
fn nothing(last_message: i64) -> Dump {
    Dump { last_message, last_version: 9, ..Dump::default() }
}

#[test]
fn a_prune_explains_that_a_broadcast_is_gone_only_if_it_may_have_found_it() {
    let gone =
        |sent: Call, prune: Call, moment| kinds(&History::of(vec![vec![sent, prune]]), &nothing(1), moment);
    assert_eq!(gone(broadcast("x", 10, 20, 1), prune(30, 40), 100), [""; 0]);
    assert_eq!(gone(broadcast("x", 10, 20, 1), prune(30, 40), 35), [""; 0], "under way");
    assert_eq!(gone(broadcast("x", 35, 50, 1), prune(30, 40), 100), [""; 0], "at the same time");
    assert_eq!(gone(broadcast("x", 45, 50, 1), prune(30, 40), 100), ["lost"], "sent after it");
    assert_eq!(gone(broadcast("x", 10, 20, 1), prune(30, 40), 25), ["lost"], "before it");
    let unanswered = Call { told: Told::Nothing, ..prune(30, u64::MAX) };
    assert_eq!(gone(broadcast("x", 45, 50, 1), unanswered, 100), [""; 0], "done at any later time");
    let refused = Call { told: Told::Refused, ..prune(30, 40) };
    assert_eq!(gone(broadcast("x", 10, 20, 1), refused, 100), ["lost"]);
}

#[test]
fn a_prune_takes_all_deliveries_of_a_broadcast_or_none() {
    let of = |sent: Call, names: &[&str]| {
        let deliveries = names.iter().map(|name| ((*name).to_owned(), false)).collect();
        let stored = Dump { deliveries: BTreeMap::from([(1, deliveries)]), ..dump(&[(1, "x", false)]) };
        kinds(&History::of(vec![vec![sent, prune(30, 40)]]), &stored, 100)
    };
    assert_eq!(of(broadcast("x", 10, 20, 1), &[]), [""; 0]);
    assert_eq!(of(broadcast("x", 10, 20, 1), &["b"]), ["lost"], "that of c");
    assert_eq!(of(broadcast("x", 45, 50, 1), &[]), ["lost", "lost"], "sent after it");
}

#[test]
fn a_prune_never_explains_that_direct_mail_is_gone_before_it_may_have_been_read() {
    let mark = |begun, ended| call("b", begun, ended, What::MarkRead { ids: vec![1] }, Told::Done);
    let gone = |calls: Vec<Call>, moment| kinds(&History::of(vec![calls]), &nothing(1), moment);
    let sent = || send("x", 10, 20, 1);
    assert_eq!(gone(vec![sent(), prune(30, 40)], 100), ["lost"], "unread");
    assert_eq!(gone(vec![sent(), mark(22, 25), prune(30, 40)], 100), [""; 0]);
    assert_eq!(gone(vec![sent(), mark(35, 50), prune(30, 40)], 100), [""; 0], "at the same time");
    assert_eq!(gone(vec![sent(), mark(45, 50), prune(30, 40)], 100), ["lost"], "read after it");
    assert_eq!(
        gone(vec![sent(), mark(45, 50), prune(30, 40), prune(60, 70)], 100),
        [""; 0],
        "the second one"
    );
    assert_eq!(gone(vec![sent(), mark(22, 25)], 100), ["lost"], "without any");
    assert_eq!(gone(vec![prune(1, 5), sent(), mark(22, 25)], 100), ["lost"], "sent after it");
}

#[test]
fn a_prune_explains_that_a_session_is_gone_unless_it_came_later_or_has_unread_mail() {
    let hello = |begun| call("b", begun, begun + 5, What::Hello, Told::Done);
    let mark = call("b", 22, 25, What::MarkRead { ids: vec![1] }, Told::Done);
    let gone = |calls: Vec<Call>| {
        let sent = calls.iter().any(|call| matches!(call.what, What::Send { .. }));
        let stored = if sent { dump(&[(1, "x", false)]) } else { nothing(0) };
        let mut found = kinds(&History::of(vec![calls]), &stored, 100);
        found.retain(|kind| *kind == "lost");
        found.len()
    };
    assert_eq!(gone(vec![hello(1), prune(30, 40)]), 0);
    assert_eq!(gone(vec![hello(45), prune(30, 40)]), 1, "it came after it");
    assert_eq!(gone(vec![hello(1), prune(30, 40), hello(45)]), 1, "and came back");
    assert_eq!(gone(vec![hello(1), send("x", 10, 20, 1), prune(30, 40)]), 1, "unread mail keeps it");
    assert_eq!(gone(vec![hello(1), send("x", 10, 20, 1), mark, prune(30, 40)]), 0, "read");
    assert_eq!(gone(vec![hello(1), send("x", 10, 35, 1), prune(30, 40)]), 0, "perhaps not there yet");
}
