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
