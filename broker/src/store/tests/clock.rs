//! A clock that jumps: order is by id, nothing is lost, nobody is thrown out.

use super::{message, open, send, session, to};
use crate::session::Owner;
use crate::store::{ByOwner, Store, Stored, hash_of};
use c2c_proto::id::new_call_key;
use c2c_proto::request::{Filter, Inbox, SetState};

const DAY_S: i64 = 86_400;
/// To the machine's time, a day before it, 1970, ten years later, and back.
const JUMPS_S: [i64; 6] = [0, -DAY_S, i64::MIN / 2_000_000, 10 * 365 * DAY_S, 0, -3_600];

async fn inbox(store: &Store, owner: &Owner) -> Vec<i64> {
    let ask = Inbox {
        sent: false,
        unread_only: true,
        filter: Filter::default(),
        query: None,
        before_id: None,
        after_id: None,
        limit: 500,
    };
    store.list_messages(owner, &ask).await.unwrap().messages.iter().map(|message| message.id).collect()
}

async fn set(store: &Store, owner: &Owner, key: &str, ttl_ms: Option<u64>) {
    let request =
        SetState { state_key: key.into(), value: "1".into(), if_version: None, ttl_ms, key: new_call_key() };
    let hash = hash_of(&request);
    store.set_state(ByOwner { owner: owner.clone(), request, hash }).await.unwrap();
}

#[tokio::test]
async fn e15_order_is_by_id_whatever_the_clock_says() {
    let opened = open().await;
    let (a, b) = (session(&opened.store, "/p/a").await, session(&opened.store, "/p/b").await);
    let mut sent = Vec::new();
    for jump in JUMPS_S {
        opened.store.shared.clock.set_by_s(jump);
        sent.push(send(&opened.store, &a.owner, &["b"], &format!("{jump}")).await.id);
        assert!(sent.is_sorted(), "{sent:?}");
        assert_eq!(inbox(&opened.store, &b.owner).await, sent, "after a jump to {jump}");
    }
    drop((a, b));
    let opened = opened.again().await;
    let b = session(&opened.store, "/p/b").await;
    assert_eq!(inbox(&opened.store, &b.owner).await, sent, "and for the next broker");
}

#[tokio::test]
async fn e15_what_has_no_expiry_stays_and_who_is_online_keeps_the_name() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    set(&opened.store, &a.owner, "for ever", None).await;
    for jump in JUMPS_S {
        opened.store.shared.clock.set_by_s(jump);
        assert!(opened.store.get_state("for ever").await.unwrap().is_some(), "after a jump to {jump}");
        // Of another folder, so that it would take the name of one that is long gone.
        let other = session(&opened.store, "/elsewhere/a").await;
        assert_ne!(other.owner.name, "a", "after a jump to {jump}");
    }
}

#[tokio::test]
async fn e15_an_expiry_is_a_time_of_day_and_comes_with_it() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    set(&opened.store, &a.owner, "lease", Some(60_000)).await;
    opened.store.shared.clock.set_by_s(-DAY_S);
    assert!(opened.store.get_state("lease").await.unwrap().is_some(), "never early");
    opened.store.shared.clock.set_by_s(61);
    assert!(opened.store.get_state("lease").await.unwrap().is_none());
    // One that is set anew under the later clock, which is then put right, ends no earlier than it said.
    set(&opened.store, &a.owner, "lease", Some(60_000)).await;
    opened.store.shared.clock.set_by_s(0);
    assert!(opened.store.get_state("lease").await.unwrap().is_some());
}

#[tokio::test]
async fn e15_a_busy_thread_is_not_silenced_by_a_clock_that_was_put_back() {
    let opened = open().await;
    let (a, _b) = (session(&opened.store, "/p/a").await, session(&opened.store, "/p/b").await);
    let first = send(&opened.store, &a.owner, &["b"], "one").await.id;
    let again = async || -> Result<Stored, c2c_proto::Error> {
        let mut message = message(&a.owner, to(&["b"]), "again");
        message.request.reply_to = Some(first);
        message.hash = hash_of(&message.request);
        opened.store.send(message).await
    };
    while again().await.is_ok() {}
    opened.store.shared.clock.set_by_s(-DAY_S);
    again().await.expect("nothing of the last hour is known by this clock");
}
