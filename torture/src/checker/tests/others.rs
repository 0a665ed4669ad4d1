//! The shared state, names, answers that do not come, the store itself.

use super::story::{Story, error};
use super::{holds, shows};
use crate::checker::{Anomaly, recoveries};
use crate::history::{Call, Done, Fault, HANGS, Outcome};

#[test]
fn a_state_that_goes_back_is_no_sequence() {
    let mut story = Story::new();
    story.set("a", "alice", 1, None);
    story.set("a", "bob", 2, Some(1));
    story.got("a", "carol", Some(2));
    story.deleted("a", "alice", 77);
    story.got("a", "carol", None);
    story.set("a", "bob", 3, Some(0));
    holds(&story);
    story.got("a", "carol", Some(2));
    shows(&story, Anomaly::State);
}

#[test]
fn an_entry_is_not_gone_unremoved_nor_there_once_removed() {
    let mut gone = Story::new();
    gone.set("a", "alice", 1, None);
    gone.got("a", "bob", None);
    shows(&gone, Anomaly::State);
    let mut undead = Story::new();
    undead.set("a", "alice", 1, None);
    undead.deleted("a", "alice", 77);
    undead.got("a", "bob", Some(1));
    shows(&undead, Anomaly::State);
    let mut at_the_end = Story::new();
    at_the_end.set("a", "alice", 1, None);
    at_the_end.dump.entries.clear();
    shows(&at_the_end, Anomaly::State);
}

#[test]
fn a_compare_and_swap_follows_the_version_that_it_names() {
    let mut story = Story::new();
    story.set("a", "alice", 1, Some(0));
    story.set("a", "bob", 2, Some(1));
    holds(&story);
    story.set("a", "carol", 3, Some(1));
    shows(&story, Anomaly::State);
    let mut second_first = Story::new();
    second_first.set("a", "alice", 1, Some(0));
    second_first.set("a", "bob", 2, Some(0));
    shows(&second_first, Anomaly::State);
}

#[test]
fn a_lease_is_held_by_one_until_it_expires() {
    let lease = |pause: u64| {
        let mut story = Story::new();
        for (n, name) in [(1, "alice"), (2, "bob")] {
            let call = Call::SetState {
                n,
                entry: "lease".to_owned(),
                if_version: Some(0),
                ttl_ms: Some(1_000),
                key: None,
            };
            story.tell(name, call, Outcome::Ok, Done::Set { version: i64::try_from(n).unwrap() });
            story.now += pause;
        }
        story
    };
    holds(&lease(2_000_000_000));
    shows(&lease(0), Anomaly::State);
}

#[test]
fn versions_are_one_counter() {
    let mut twice = Story::new();
    twice.set("a", "alice", 1, None);
    let second = twice.set("b", "bob", 1, None);
    if let Call::SetState { n, .. } = &mut twice.ops[second].call {
        *n = 2;
    }
    twice.dump.entries[1].n = Some(2);
    shows(&twice, Anomaly::State);
    let mut back = Story::new();
    back.set("a", "alice", 5, None);
    back.set("b", "bob", 4, None);
    shows(&back, Anomaly::State);
}

#[test]
fn nobody_is_told_of_a_conflict_who_is_right() {
    let story = |assumed| {
        let mut story = Story::new();
        story.set("a", "alice", 1, None);
        let call = Call::SetState {
            n: 9,
            entry: "a".to_owned(),
            if_version: Some(assumed),
            ttl_ms: None,
            key: None,
        };
        story.tell("bob", call, Outcome::Fail, error("conflict", None));
        story
    };
    holds(&story(7));
    shows(&story(1), Anomaly::State);
}

#[test]
fn a_write_of_unknown_outcome_may_be_read_and_nobody_reads_what_nobody_wrote() {
    let mut story = Story::new();
    let call = Call::SetState { n: 4, entry: "a".to_owned(), if_version: None, ttl_ms: None, key: None };
    story.tell("alice", call, Outcome::Unknown, Done::Nothing);
    story.got("a", "bob", Some(4));
    holds(&story);
    story.got("a", "bob", Some(5));
    shows(&story, Anomaly::State);
}

#[test]
fn a_name_has_one_holder_and_who_keeps_one_keeps_it() {
    let mut twice = Story::new();
    let rows = vec![("alice".into(), true), ("Alice".into(), false)];
    let own = Some(("row-of-alice".into(), "alice".into()));
    twice.tell("alice", Call::Sessions {}, Outcome::Ok, Done::Sessions { rows, own });
    shows(&twice, Anomaly::Names);
    let mut other = Story::new();
    let own = Some(("row-of-alice".into(), "alice-2".into()));
    other.tell("alice", Call::Sessions {}, Outcome::Ok, Done::Sessions { rows: Vec::new(), own });
    shows(&other, Anomaly::Names);
    let mut told = Story::new();
    told.tell("alice", Call::Heartbeat {}, Outcome::Fail, error("superseded", None));
    shows(&told, Anomaly::Names);
}

#[test]
fn mail_that_came_along_belongs_to_the_new_name_whoever_takes_it() {
    let told = |moves: bool| {
        let mut story = Story::new();
        let registered = |session: &str, superseded: Option<&str>| Done::Registered {
            session: format!("row-of-{session}").into(),
            name: "second".into(),
            superseded: superseded.map(Into::into),
        };
        story.tell("first", Call::Heartbeat {}, Outcome::Ok, Done::Nothing);
        let id = story.send("alice", &["first"]);
        if moves {
            let call = Call::Register { name: "second".to_owned() };
            story.tell("first", call, Outcome::Ok, registered("first", None));
        }
        let call = Call::Register { name: "second".to_owned() };
        story.tell("x", call, Outcome::Ok, registered("x", moves.then_some("row-of-first")));
        story.inbox("x", &[id]);
        story
    };
    holds(&told(true));
    shows(&told(false), Anomaly::Leaked);
}

#[test]
fn who_lost_its_name_does_not_go_on() {
    let mut story = Story::new();
    let register = |superseded: Option<&str>| Done::Registered {
        session: "row-of-x".into(),
        name: "x".into(),
        superseded: superseded.map(Into::into),
    };
    story.tell("y", Call::Heartbeat {}, Outcome::Ok, Done::Nothing);
    story.tell("x", Call::Register { name: "x".to_owned() }, Outcome::Ok, register(Some("row-of-y")));
    story.tell("y", Call::Heartbeat {}, Outcome::Fail, error("superseded", None));
    holds(&story);
    let late = story.tell("y", Call::Heartbeat {}, Outcome::Ok, Done::Nothing);
    shows(&story, Anomaly::Names);
    // Unless it took another name while the call was under way.
    let named = Done::Registered { session: "row-of-z".into(), name: "z".into(), superseded: None };
    let taken = story.tell("y", Call::Register { name: "z".to_owned() }, Outcome::Ok, named);
    shows(&story, Anomaly::Names);
    story.ops[late].t_end = story.ops[taken].t_end + 1;
    holds(&story);
}

#[test]
fn every_call_is_answered_and_every_answer_is_one() {
    let mut hangs = Story::new();
    hangs.tell("alice", Call::Heartbeat {}, Outcome::Unknown, Done::Malformed(HANGS.to_owned()));
    shows(&hangs, Anomaly::Unavailable);
    let mut garbled = Story::new();
    garbled.tell("alice", Call::Heartbeat {}, Outcome::Unknown, Done::Malformed("?".to_owned()));
    shows(&garbled, Anomaly::Malformed);
}

#[test]
fn without_a_fault_nobody_misses_the_broker() {
    let killed = Call::Fault { kind: Fault::KillBroker, detail: String::new() };
    let refused = |pause: u64| {
        let mut story = Story::new();
        story.tell("nemesis", killed.clone(), Outcome::Ok, Done::Nothing);
        story.now += pause;
        story.tell("alice", Call::Heartbeat {}, Outcome::Fail, error("broker_unreachable", None));
        story.tell("alice", Call::Heartbeat {}, Outcome::Ok, Done::Nothing);
        story
    };
    holds(&refused(1_000_000_000));
    shows(&refused(9_000_000_000), Anomaly::Unavailable);
    let mut never = refused(1_000_000_000);
    never.tell("nemesis", killed, Outcome::Ok, Done::Nothing);
    never.now += 3_000_000_000;
    shows(&never, Anomaly::Unavailable);
}

#[test]
fn who_is_gone_is_offline_a_second_later_unless_the_broker_could_not_see_it() {
    let listed = |after_ms: u64, fault_after_ms: Option<u64>, online: bool| {
        let mut story = Story::new();
        story.tell("bob", Call::Stop {}, Outcome::Ok, Done::Nothing);
        let gone = story.now;
        if let Some(ms) = fault_after_ms {
            story.now = gone + ms * 1_000_000;
            let killed = Call::Fault { kind: Fault::KillBroker, detail: String::new() };
            story.tell("nemesis", killed, Outcome::Ok, Done::Nothing);
        }
        story.now = gone + after_ms * 1_000_000;
        let rows = vec![("alice".into(), true), ("bob".into(), online)];
        let own = Some(("row-of-alice".into(), "alice".into()));
        story.tell("alice", Call::Sessions {}, Outcome::Ok, Done::Sessions { rows, own });
        story.tell("bob", Call::Start {}, Outcome::Ok, Done::Nothing);
        story
    };
    holds(&listed(900, None, true));
    holds(&listed(1_100, None, false));
    shows(&listed(1_100, None, true), Anomaly::Names);
    holds(&listed(2_500, Some(500), true));
    // What was seen before the kill was written down.
    shows(&listed(2_500, Some(1_500), true), Anomaly::Names);
}

#[test]
fn a_clock_that_was_set_may_end_a_lease_at_once() {
    let gone = |jump: bool| {
        let mut story = Story::new();
        let lease = Call::SetState {
            n: 1,
            entry: "lease".into(),
            if_version: Some(0),
            ttl_ms: Some(60_000),
            key: None,
        };
        story.tell("alice", lease, Outcome::Ok, Done::Set { version: 1 });
        if jump {
            let set = Call::Fault { kind: Fault::ClockJump, detail: String::new() };
            story.tell("nemesis", set, Outcome::Ok, Done::Nothing);
        }
        story.got("lease", "bob", None);
        story
    };
    holds(&gone(true));
    shows(&gone(false), Anomaly::State);
}

#[test]
fn a_recovery_lasts_from_the_last_kill_to_the_next_answer_of_a_later_call() {
    let killed = Call::Fault { kind: Fault::KillBroker, detail: String::new() };
    let mut story = Story::new();
    let kill = story.tell("nemesis", killed.clone(), Outcome::Ok, Done::Nothing);
    story.now += 100_000_000;
    let again = story.tell("nemesis", killed, Outcome::Ok, Done::Nothing);
    story.now += 50_000_000;
    let answer = story.tell("alice", Call::Heartbeat {}, Outcome::Ok, Done::Nothing);
    let (kill, again, answer) = (story.ops[kill].t_invoke, story.ops[again].t_end, story.ops[answer].t_end);
    let measured = recoveries(&story.ops);
    assert_eq!(measured.after_kills, [answer - again]);
    assert_eq!(measured.longest, answer - kill);
}

#[test]
fn a_damaged_store_is_said_to_be() {
    let mut story = Story::new();
    story.dump.damage.push("row 3 missing from index".to_owned());
    shows(&story, Anomaly::Damaged);
    let mut story = Story::new();
    let looked = Call::Fault { kind: Fault::LookAtStore, detail: "row 3 missing from index".to_owned() };
    story.tell("nemesis", looked.clone(), Outcome::Ok, Done::Nothing);
    holds(&story);
    story.tell("nemesis", looked, Outcome::Fail, Done::Nothing);
    shows(&story, Anomaly::Damaged);
}
