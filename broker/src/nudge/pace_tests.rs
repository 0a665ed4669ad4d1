//! The rules of nudges, with times as they are given.

use super::pace::{How, Pace, Told};
use c2c_proto::id::MessageId;
use c2c_proto::limits::NUDGES_PER_PAIR_MAX;
use std::time::Duration;
use tokio::time::Instant;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn told(ids: impl IntoIterator<Item = MessageId>, senders: &[&str]) -> Told {
    Told { ids: ids.into_iter().collect(), senders: senders.iter().map(|&name| name.to_owned()).collect() }
}

/// A nudge that arrives at once; whether it repeats an earlier one.
fn nudge(pace: &mut Pace, ids: impl IntoIterator<Item = MessageId>, at: Instant) -> bool {
    let told = told(ids, &["web"]);
    let up_to = *told.ids.last().unwrap();
    let again = pace.granted(up_to, &[], told, How::Shim, at);
    pace.handed_over(up_to);
    again
}

#[test]
fn one_message_is_due_after_a_moment_of_quiet() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    assert_eq!(pace.next_due(now), None);
    assert!(pace.mail_came(false, now));
    assert_eq!(pace.next_due(now), Some(now + ms(150)));
}

#[test]
fn messages_that_follow_each_other_are_one_nudge_and_none_waits_for_long() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    assert!(pace.mail_came(false, now));
    for number in 1..10 {
        assert!(!pace.mail_came(false, now + ms(100 * number)), "somebody cares for it");
    }
    assert_eq!(pace.next_due(now), Some(now + ms(700)));
}

#[test]
fn nudges_are_two_seconds_apart() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.mail_came(false, now);
    pace.settle();
    nudge(&mut pace, [7], now + ms(150));
    assert!(!pace.mail_came(false, now + ms(200)), "somebody still cares for it");
    assert_eq!(pace.next_due(now), Some(now + ms(2_150)));
    pace.settle();
    assert_eq!(pace.next_due(now), None);
    assert!(pace.mail_came(false, now + ms(200)), "nobody does any more");
}

#[test]
fn a_wait_that_may_take_the_mail_gets_the_time_for_it() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.mail_came(true, now);
    assert_eq!(pace.next_due(now), Some(now + ms(500)));
}

#[test]
fn what_is_announced_beside_a_turn_holds_up_no_nudge_and_is_not_repeated() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.granted(7, &[], told([7], &["web"]), How::Beside, now);
    pace.mail_came(false, now);
    assert_eq!((pace.after(), pace.next_due(now)), (7, Some(now + ms(150))));
    assert!(!pace.take_again(now + minutes(11)));
}

#[test]
fn a_pair_has_its_hourly_number_of_nudges_however_many_messages_they_are_about() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    for number in 0..NUDGES_PER_PAIR_MAX as u64 {
        let (at, id) = (now + ms(2_000 * number), 100 * number as i64);
        assert!(pace.allows("web", at), "{number}");
        nudge(&mut pace, id + 1..id + 50, at);
    }
    assert!(!pace.allows("web", now + minutes(59)));
    assert!(pace.allows("db", now + minutes(1)));
    assert!(pace.allows("web", now + minutes(60)), "the first is over an hour ago");
}

#[test]
fn mail_that_nothing_came_of_is_announced_once_more() {
    let now = Instant::now();
    let mut pace = Pace::new(4, now);
    assert!(!nudge(&mut pace, [5, 7], now));
    assert!(!pace.take_again(now + minutes(9)));
    assert!(pace.take_again(now + minutes(11)));
    assert_eq!([5, 6, 7, 8].map(|id| pace.wants(id)), [true, false, true, true]);
    assert!(nudge(&mut pace, [5, 7], now + minutes(11)), "it is a repeat");
    assert!(!pace.take_again(now + minutes(30)), "and the only one");
    assert!(!pace.wants(7));
}

#[test]
fn a_session_that_has_called_since_is_not_told_again() {
    let now = Instant::now();
    let mut pace = Pace::new(4, now);
    nudge(&mut pace, [7], now);
    pace.active(now + minutes(5));
    nudge(&mut pace, [9], now + minutes(6));
    assert!(!pace.take_again(now + minutes(11)));
    assert_eq!(pace.again_at(), Some(now + minutes(16)));
    assert!(pace.take_again(now + minutes(16)));
    assert_eq!([7, 9].map(|id| pace.wants(id)), [false, true]);
}

#[test]
fn a_nudge_that_failed_leaves_its_mail_to_another_way_and_is_tried_again_after_growing_pauses() {
    let now = Instant::now();
    let mut pace = Pace::new(4, now);
    pace.granted(7, &[], told([5, 7], &["web"]), How::Shim, now);
    assert_eq!((pace.wants(5), pace.settled()), (false, 4));
    // Meanwhile a hook announces what came later.
    pace.granted(9, &[], told([9], &["db"]), How::Beside, now);
    assert!(pace.failed(7, now + ms(10)), "somebody has to care for it");
    assert_eq!([5, 6, 7, 9].map(|id| pace.wants(id)), [true, false, true, false]);
    assert_eq!((pace.after(), pace.settled()), (4, 4));
    assert_eq!(pace.next_due(now), Some(now + ms(2_010)));
    pace.settle();
    pace.granted(9, &[], told([5, 7], &["web"]), How::Shim, now + ms(2_010));
    pace.failed(9, now + ms(2_020));
    assert_eq!(pace.next_due(now), Some(now + ms(6_020)));
    pace.granted(9, &[], told([5, 7], &["web"]), How::Beside, now);
    assert_eq!((pace.owes(), pace.settled()), (false, 9));
}

#[test]
fn nudges_that_failed_do_not_count_for_the_pair() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    for number in 0..NUDGES_PER_PAIR_MAX as u64 * 2 {
        pace.granted(7, &[], told([7], &["web"]), How::Shim, now + ms(number));
        pace.failed(7, now + ms(number));
    }
    assert!(pace.allows("web", now + ms(100)));
}

#[test]
fn there_is_no_second_nudge_before_the_first_is_reported_and_silence_is_a_failure() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.granted(7, &[], told([7], &["web"]), How::Shim, now);
    pace.mail_came(false, now + ms(3_000));
    let later = now + ms(5_000);
    assert_eq!(pace.next_due(later), Some(later + ms(200)), "looked at again");
    let silent = now + ms(15_000);
    assert_eq!(pace.next_due(silent), Some(silent + ms(2_000)));
    assert!(pace.wants(7));
}

#[test]
fn what_somebody_else_is_about_to_take_is_owed() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.granted(7, &[6], told([7], &["web"]), How::Beside, now);
    assert_eq!((pace.wants(6), pace.wants(7), pace.owes(), pace.settled()), (true, false, true, 5));
}

#[test]
fn what_was_granted_by_a_broker_that_is_gone_counts() {
    let now = Instant::now();
    let mut pace = Pace::new(4, now);
    pace.handed_over(7);
    assert_eq!((pace.wants(7), pace.settled()), (false, 7));
}

#[test]
fn what_is_kept_is_bounded() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    for id in 1..=5_000 {
        nudge(&mut pace, [id], now);
    }
    assert!(pace.take_again(now + minutes(11)));
    assert_eq!((1..=5_000).filter(|id| pace.wants(*id)).count(), 32);
    let held: Vec<MessageId> = (1..=5_000).collect();
    pace.granted(5_000, &held, Told::default(), How::Beside, now);
    assert_eq!((1..=5_000).filter(|id| pace.wants(*id)).count(), 1_024);
}
