//! What lists, waits and marks say of mail.

use super::story::Story;
use super::{holds, shows};
use crate::checker::Anomaly;
use crate::history::bodies::{self, Bodies};
use crate::history::{Call, Done, Inbox, Outcome, To};

fn all(limit: u32) -> Inbox {
    Inbox { limit, ..Inbox::default() }
}

#[test]
fn lost_is_unread_mail_that_a_list_does_not_show() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.inbox("bob", &[]);
    shows(&story, Anomaly::Lost);
    // Sent while the list was on its way it may be there or not.
    let mut story = Story::new();
    story.inbox("bob", &[]);
    story.send("alice", &["bob"]);
    story.at_once();
    holds(&story);
    assert_eq!(id, 1);
}

#[test]
fn a_list_with_a_filter_or_a_cursor_owes_only_what_it_asks_for() {
    let mut story = Story::new();
    let (first, second) = (story.send("alice", &["bob"]), story.send("carol", &["bob"]));
    let by = |from: Option<&str>, after| Inbox {
        unread_only: true,
        from: from.map(str::to_owned),
        after,
        ..all(9)
    };
    story.page("bob", by(Some("Carol"), None), &[second], false);
    story.page("bob", by(None, Some(first)), &[second], false);
    story.page("bob", Inbox { unread_only: true, ..all(1) }, &[first], true);
    holds(&story);
    story.page("bob", by(Some("alice"), None), &[], false);
    shows(&story, Anomaly::Lost);
}

#[test]
fn a_search_owes_only_bodies_that_have_the_word() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    let n = story.stored(id).n;
    let word = |n| Inbox { word: n, ..all(9) };
    story.page("bob", word(n), &[id], false);
    let tiny = (1..).find(|n| Bodies::of(story.premises.seed).is_tiny(*n)).unwrap();
    let key = Some(bodies::key(tiny));
    let call =
        Call::Send { n: tiny, to: To::Names(vec!["bob".into()]), tag: None, reply_to: None, key, fyi: false };
    let tiny_id = story.store("alice", &call, &["bob"]);
    story.acknowledge("alice", call, tiny_id, &["bob"]);
    story.page("bob", word(Some(tiny)), &[], false);
    holds(&story);
    story.page("bob", word(n), &[], false);
    shows(&story, Anomaly::Skipped);
}

#[test]
fn skipped_is_a_gap_in_a_page() {
    let mut story = Story::new();
    let ids: Vec<i64> = (0..3).map(|_| story.send("alice", &["bob"])).collect();
    story.page("bob", all(2), &ids[..2], true);
    story.page("bob", Inbox { before: Some(ids[2]), ..all(1) }, &ids[1..2], true);
    holds(&story);
    let mut gap = Story::new();
    let ids: Vec<i64> = (0..3).map(|_| gap.send("alice", &["bob"])).collect();
    gap.page("bob", all(2), &[ids[0], ids[2]], false);
    shows(&gap, Anomaly::Skipped);
    let mut turned = Story::new();
    let ids: Vec<i64> = (0..2).map(|_| turned.send("alice", &["bob"])).collect();
    turned.page("bob", all(2), &[ids[1], ids[0]], false);
    shows(&turned, Anomaly::Skipped);
    let mut repeated = Story::new();
    let id = repeated.send("alice", &["bob"]);
    repeated.page("bob", Inbox { after: Some(id), ..all(2) }, &[id], false);
    shows(&repeated, Anomaly::Skipped);
}

#[test]
fn leaked_is_what_somebody_else_is_shown() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.page("alice", all(9), &[id], false);
    holds(&story);
    story.page("carol", all(9), &[id], false);
    shows(&story, Anomaly::Leaked);
}

#[test]
fn changed_is_also_what_is_shown_otherwise() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    let mut seen = story.seen(id);
    seen.body_chars += 1;
    let page = Done::Page { messages: vec![seen], more: false };
    story.tell("bob", Call::Inbox(all(9)), Outcome::Ok, page);
    shows(&story, Anomaly::Changed);
}

#[test]
fn shown_and_not_stored_is_lost() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.inbox("bob", &[id]);
    story.unstore(id);
    shows(&story, Anomaly::Lost);
}

#[test]
fn a_phantom_is_shown_before_it_is_sent() {
    let mut story = Story::new();
    let call = story.send_call(&["bob"]);
    let id = story.store("alice", &call, &["bob"]);
    story.inbox("bob", &[id]);
    story.acknowledge("alice", call, id, &["bob"]);
    shows(&story, Anomaly::Phantom);
}

#[test]
fn unread_again_is_what_was_marked() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.mark("bob", &[id]);
    story.page("bob", all(9), &[id], false);
    holds(&story);
    let mut again = Story::new();
    let id = again.send("alice", &["bob"]);
    again.mark("bob", &[id]);
    again.inbox("bob", &[id]);
    shows(&again, Anomaly::UnreadAgain);
    story.dump.deliveries[0].read = false;
    shows(&story, Anomaly::UnreadAgain);
}

#[test]
fn read_unasked_is_what_nobody_marked() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.inbox("bob", &[id]);
    holds(&story);
    story.dump.deliveries[0].read = true;
    shows(&story, Anomaly::ReadUnasked);
}

#[test]
fn a_mark_with_an_unknown_outcome_may_be_either() {
    for read in [true, false] {
        let mut story = Story::new();
        let id = story.send("alice", &["bob"]);
        story.tell("bob", Call::MarkRead { ids: vec![id], key: None }, Outcome::Unknown, Done::Nothing);
        story.inbox("bob", if read { &[] } else { &[1] });
        story.dump.deliveries[0].read = read;
        holds(&story);
    }
}

#[test]
fn marks_of_foreign_mail_are_not_found_and_every_id_is_accounted_for() {
    let marked = |marked, not_found| {
        let mut story = Story::new();
        let id = story.send("alice", &["bob"]);
        let result = Done::Marked { marked, already_read: Vec::new(), not_found };
        story.tell("carol", Call::MarkRead { ids: vec![id], key: None }, Outcome::Ok, result);
        story
    };
    holds(&marked(0, vec![1]));
    shows(&marked(1, vec![]), Anomaly::Leaked);
    shows(&marked(1, vec![1]), Anomaly::FalseSuccess);
}

#[test]
fn a_receipt_says_what_is_so() {
    let told = |state: &str, marks: bool| {
        let mut story = Story::new();
        let id = story.send("alice", &["bob"]);
        if marks {
            story.mark("bob", &[id]);
        }
        let mut seen = story.seen(id);
        seen.receipts = vec![("bob".into(), state.into())];
        let page = Done::Page { messages: vec![seen], more: false };
        story.tell("alice", Call::Inbox(Inbox { sent: true, ..all(9) }), Outcome::Ok, page);
        story
    };
    holds(&told("read", true));
    holds(&told("shown", false));
    shows(&told("read", false), Anomaly::ReadUnasked);
    shows(&told("shown", true), Anomaly::FalseSuccess);
}

#[test]
fn a_stuck_wait_does_not_see_what_is_there() {
    let mut story = Story::new();
    story.waited("bob", &[]);
    let id = story.send("alice", &["bob"]);
    story.waited("bob", &[id]);
    holds(&story);
    story.waited("bob", &[]);
    shows(&story, Anomaly::StuckWait);
}

#[test]
fn a_wait_that_is_woken_by_nothing_is_stuck_and_one_that_ends_early_is_untrue() {
    let mut missed = Story::new();
    let wait = missed.waited("bob", &[]);
    // In the middle of the ten seconds.
    missed.now = missed.ops[wait].t_invoke + 5_000_000_000;
    missed.send("alice", &["bob"]);
    shows(&missed, Anomaly::StuckWait);
    let mut early = Story::new();
    let wait = early.waited("bob", &[]);
    early.ops[wait].t_end -= 5_000_000_000;
    shows(&early, Anomaly::StuckWait);
}

#[test]
fn a_late_wake_up_comes_seconds_after_the_mail() {
    let woken_after = |ns: u64| {
        let mut story = Story::new();
        let call = story.send_call(&["bob"]);
        let id = story.store("alice", &call, &["bob"]);
        let wait = story.waited("bob", &[id]);
        story.now = story.ops[wait].t_invoke + 1_000;
        story.acknowledge("alice", call, id, &["bob"]);
        story.ops[wait].t_end = story.ops.last().unwrap().t_end + ns;
        story
    };
    holds(&woken_after(50_000_000));
    shows(&woken_after(4_000_000_000), Anomaly::LateWake);
}

#[test]
fn a_wait_with_a_filter_returns_only_what_it_asks_for() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    let call = Call::Wait { timeout_ms: 9, from: Some("carol".to_owned()), tag: None, reply_to: None };
    let messages = vec![story.seen(id)];
    let result = Done::Waited { messages, timed_out: false, repeated: false, more: false };
    story.tell("bob", call, Outcome::Ok, result);
    shows(&story, Anomaly::StuckWait);
}
