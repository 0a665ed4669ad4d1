//! The rules of nudges, with times as they are given.

use super::pace::{Grant, Pace};
use c2c_proto::limits::NUDGES_PER_PAIR_MAX;
use std::time::Duration;
use tokio::time::Instant;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[test]
fn one_message_is_due_after_a_moment_of_quiet() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    assert_eq!(pace.due(), None);
    assert!(pace.mail_came(false, now));
    assert_eq!(pace.due(), Some(now + ms(150)));
}

#[test]
fn messages_that_follow_each_other_are_one_nudge_and_none_waits_for_long() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    assert!(pace.mail_came(false, now));
    for number in 1..10 {
        assert!(!pace.mail_came(false, now + ms(100 * number)), "already pending");
    }
    assert_eq!(pace.due(), Some(now + ms(700)));
}

#[test]
fn nudges_are_two_seconds_apart() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.mail_came(false, now);
    pace.settle();
    pace.granted(7, &["web"], true, now + ms(150));
    assert_eq!((pace.due(), pace.announced()), (None, 7));
    assert!(!pace.mail_came(false, now + ms(200)), "somebody still cares for it");
    assert_eq!(pace.next_due(), Some(now + ms(2_150)));
    pace.settle();
    assert_eq!(pace.next_due(), None);
    assert!(pace.mail_came(false, now + ms(200)), "nobody does any more");
    assert_eq!(pace.due(), Some(now + ms(2_150)));
}

#[test]
fn a_wait_that_may_take_the_mail_gets_the_time_for_it() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.mail_came(true, now);
    assert_eq!(pace.due(), Some(now + ms(500)));
}

#[test]
fn what_a_hook_announced_is_announced_and_holds_up_no_nudge() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    pace.granted(7, &["web"], false, now);
    pace.mail_came(false, now);
    assert_eq!((pace.announced(), pace.due()), (7, Some(now + ms(150))));
    assert_eq!(pace.take_again(now + minutes(11)), None, "a hook is not repeated");
}

#[test]
fn a_pair_has_its_hourly_number_and_others_are_not_affected() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    for number in 0..NUDGES_PER_PAIR_MAX {
        let at = now + ms(2_000 * number as u64);
        assert!(pace.allows("web", at), "{number}");
        pace.granted(number as i64 + 1, &["web"], true, at);
    }
    assert!(!pace.allows("web", now + minutes(59)));
    assert!(pace.allows("db", now + minutes(1)));
    assert!(pace.allows("web", now + minutes(60)), "the first is over an hour ago");
}

#[test]
fn mail_that_nothing_came_of_is_announced_once_more() {
    let now = Instant::now();
    let mut pace = Pace::new(4, now);
    pace.granted(7, &["web"], true, now + ms(1));
    assert_eq!(pace.take_again(now + minutes(9)), None);
    let grant = Grant { after: 4, up_to: 7, at: now + ms(1) };
    assert_eq!(pace.take_again(now + minutes(11)), Some(grant));
    assert_eq!(pace.take_again(now + minutes(30)), None, "once");
}

#[test]
fn a_session_that_has_called_since_is_not_told_again() {
    let now = Instant::now();
    let mut pace = Pace::new(4, now);
    pace.granted(7, &["web"], true, now + ms(1));
    pace.active(now + minutes(5));
    pace.granted(9, &["web"], true, now + minutes(6));
    assert_eq!(pace.take_again(now + minutes(11)), None);
    assert_eq!(pace.again_at(), Some(now + minutes(16)));
    assert_eq!(pace.take_again(now + minutes(16)).map(|grant| (grant.after, grant.up_to)), Some((7, 9)));
}

#[test]
fn a_nudge_that_failed_leaves_its_mail_to_another_way() {
    let now = Instant::now();
    let mut pace = Pace::new(4, now);
    pace.granted(7, &["web"], true, now);
    pace.failed(7);
    assert_eq!((pace.announced(), pace.take_again(now + minutes(11))), (4, None));
    pace.granted(8, &["web"], true, now);
    pace.granted(9, &["web"], false, now);
    pace.failed(8);
    assert_eq!(pace.announced(), 9, "a hook announced what came later, and with it the earlier");
}

#[test]
fn grants_that_may_be_repeated_are_bounded_and_none_is_lost() {
    let now = Instant::now();
    let mut pace = Pace::new(0, now);
    for id in 1..=100 {
        pace.granted(id, &[], true, now);
    }
    let mut covered = Vec::new();
    while let Some(grant) = pace.take_again(now + minutes(11)) {
        covered.push((grant.after, grant.up_to));
    }
    assert_eq!((covered.len(), covered.first(), covered.last()), (32, Some(&(0, 1)), Some(&(31, 100))));
}
