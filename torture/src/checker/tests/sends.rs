//! What was sent is there, once, as it was sent, in order.

use super::story::{Story, error, session};
use super::{found, holds, shows};
use crate::checker::Anomaly;
use crate::history::bodies::digest;
use crate::history::{Call, Done, Outcome, To};

#[test]
fn lost_is_what_was_acknowledged_and_is_not_there() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    holds(&story);
    story.unstore(id);
    shows(&story, Anomaly::Lost);
}

#[test]
fn an_unknown_outcome_may_be_either() {
    for stored in [true, false] {
        let mut story = Story::new();
        let call = story.send_call(&["bob"]);
        if stored {
            story.store("alice", &call, &["bob"]);
        }
        story.tell("alice", call, Outcome::Unknown, error("storage_failed", Some("k")));
        holds(&story);
    }
}

#[test]
fn lost_is_also_what_is_not_there_for_one_of_several() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob", "carol"]);
    story.undeliver(id, "carol");
    shows(&story, Anomaly::Lost);
}

#[test]
fn duplicated_is_one_call_stored_twice() {
    let mut story = Story::new();
    let call = story.send_call(&["bob"]);
    let first = story.store("alice", &call, &["bob"]);
    story.tell("alice", call.clone(), Outcome::Unknown, Done::Nothing);
    story.acknowledge("alice", call.clone(), first, &["bob"]);
    holds(&story);
    story.store("alice", &call, &["bob"]);
    shows(&story, Anomaly::Duplicated);
}

#[test]
fn duplicated_is_a_repeated_call_that_is_told_another_id() {
    let mut story = Story::new();
    let call = story.send_call(&["bob"]);
    let id = story.store("alice", &call, &["bob"]);
    story.acknowledge("alice", call.clone(), id, &["bob"]);
    story.acknowledge("alice", call.clone(), id, &["bob"]);
    holds(&story);
    story.acknowledge("alice", call, id + 1, &["bob"]);
    shows(&story, Anomaly::Duplicated);
}

#[test]
fn duplicated_is_one_message_twice_in_one_mailbox() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.deliver(id, "Bob");
    shows(&story, Anomaly::Duplicated);
}

#[test]
fn a_phantom_was_sent_by_nobody() {
    let mut story = Story::new();
    let call = story.send_call(&["bob"]);
    story.store("alice", &call, &["bob"]);
    shows(&story, Anomaly::Phantom);
}

#[test]
fn a_false_failure_is_there_all_the_same() {
    let mut story = Story::new();
    let call = story.send_call(&["bob"]);
    story.tell("alice", call.clone(), Outcome::Fail, error("storage_full", None));
    holds(&story);
    story.store("alice", &call, &["bob"]);
    shows(&story, Anomaly::FalseFailure);
}

#[test]
fn a_false_success_is_there_under_another_id() {
    let mut story = Story::new();
    let call = story.send_call(&["bob"]);
    let id = story.store("alice", &call, &["bob"]);
    story.acknowledge("alice", call, id + 7, &["bob"]);
    shows(&story, Anomaly::FalseSuccess);
}

#[test]
fn reordered_are_ids_against_the_order_of_the_sends() {
    let swapped = |at_once: bool| {
        let mut story = Story::new();
        let (first, second) = (story.send_call(&["bob"]), story.send_call(&["carol"]));
        let lower = story.store("alice", &second, &["carol"]);
        let higher = story.store("alice", &first, &["bob"]);
        story.acknowledge("alice", first, higher, &["bob"]);
        story.acknowledge("alice", second, lower, &["carol"]);
        if at_once {
            story.at_once();
        }
        story
    };
    // Two that were on their way together have no order.
    holds(&swapped(true));
    shows(&swapped(false), Anomaly::Reordered);
}

#[test]
fn a_message_is_stored_when_it_was_first_sent_not_when_its_repetition_was() {
    let mut story = Story::new();
    let (slow, other) = (story.send_call(&["bob"]), story.send_call(&["bob"]));
    let lower = story.store("alice", &slow, &["bob"]);
    let higher = story.store("carol", &other, &["bob"]);
    story.tell("alice", slow.clone(), Outcome::Unknown, Done::Nothing);
    story.acknowledge("carol", other, higher, &["bob"]);
    story.acknowledge("alice", slow, lower, &["bob"]);
    holds(&story);
}

#[test]
fn forged_is_another_sender_than_the_real_one() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.stored(id).from_session = session("carol").into();
    shows(&story, Anomaly::Forged);
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.stored(id).from_name = "carol".into();
    shows(&story, Anomaly::Forged);
}

#[test]
fn changed_is_any_other_text_or_tag() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.stored(id).digest = digest("cut");
    shows(&story, Anomaly::Changed);
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.stored(id).tag = Some("x".into());
    shows(&story, Anomaly::Changed);
}

#[test]
fn a_torn_broadcast_misses_one_who_was_known() {
    let mut story = Story::new();
    let id = story.broadcast("alice", &["bob", "carol"]);
    holds(&story);
    story.undeliver(id, "carol");
    // Also said to be there.
    shows(&story, Anomaly::TornBroadcast);
    let mut story = Story::new();
    story.broadcast("alice", &["alice", "bob", "carol"]);
    shows(&story, Anomaly::Leaked);
}

#[test]
fn leaked_is_also_what_lies_with_somebody_else() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.deliver(id, "carol");
    shows(&story, Anomaly::Leaked);
}

#[test]
fn an_answer_goes_to_whoever_asked() {
    for (to, good) in [("alice", true), ("carol", false)] {
        let mut story = Story::new();
        let asked = story.send("alice", &["bob"]);
        let n = story.number();
        let call = Call::Send { n, to: To::Sender, tag: None, reply_to: Some(asked), key: None, fyi: false };
        let id = story.store("bob", &call, &[to]);
        story.acknowledge("bob", call, id, &[to]);
        story.dump.deliveries[0].read = true;
        if good {
            holds(&story);
        } else {
            shows(&story, Anomaly::Lost);
        }
    }
}

/// A message under a key that the model gave, acknowledged.
fn keyed(story: &mut Story, key: &str) -> (Call, i64) {
    let Call::Send { n, to, tag, reply_to, fyi, .. } = story.send_call(&["bob"]) else {
        panic!("not a send")
    };
    let call = Call::Send { n, to, tag, reply_to, key: Some(key.to_owned()), fyi };
    let id = story.store("alice", &call, &["bob"]);
    story.acknowledge("alice", call.clone(), id, &["bob"]);
    (call, id)
}

#[test]
fn a_key_leads_to_the_message_that_it_was_used_for_first_and_to_no_other() {
    let mut story = Story::new();
    let (call, id) = keyed(&mut story, "k");
    story.acknowledge("alice", call.clone(), id, &["bob"]);
    holds(&story);
    story.tell("alice", call.clone(), Outcome::Fail, error("storage_full", None));
    holds(&story);
    story.tell("alice", call, Outcome::Fail, error("conflict", None));
    shows(&story, Anomaly::FalseFailure);

    let mut story = Story::new();
    keyed(&mut story, "k");
    let Call::Send { to, .. } = story.send_call(&["bob"]) else { panic!("not a send") };
    let n = story.number();
    let other = Call::Send { n, to, tag: None, reply_to: None, key: Some("k".to_owned()), fyi: false };
    story.tell("alice", other.clone(), Outcome::Fail, error("conflict", None));
    holds(&story);
    let id = story.store("alice", &other, &["bob"]);
    story.acknowledge("alice", other, id, &["bob"]);
    let found = found(&story);
    assert!(found.contains(&Anomaly::FalseSuccess) && found.contains(&Anomaly::Duplicated), "{found:?}");
}
