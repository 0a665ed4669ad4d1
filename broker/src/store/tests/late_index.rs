//! What is indexed later: it is found all the same, before and after, and once.

use super::messages::inbox;
use super::{open, send, session};
use crate::session::Owner;
use crate::store::{Store, hash_of};
use c2c_proto::request::Inbox;
use sqlx::{Connection, SqliteConnection};

async fn listed(store: &Store, owner: &Owner, ask: Inbox) -> Vec<i64> {
    store.list_messages(owner, &ask).await.unwrap().messages.iter().map(|message| message.id).collect()
}

fn sent() -> Inbox {
    Inbox { sent: true, unread_only: false, ..inbox() }
}

#[tokio::test]
async fn what_was_sent_is_listed_in_order_whether_it_is_indexed_or_not() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let mut ids = Vec::new();
    for round in 0..6 {
        ids.push(send(&opened.store, &a.owner, &["b"], "of a").await.id);
        send(&opened.store, &b.owner, &["a"], "of b").await;
        if round == 2 {
            // A search has everything indexed that was stored before it.
            let search = Inbox { query: Some("of".into()), ..inbox() };
            assert_eq!(listed(&opened.store, &b.owner, search).await, ids);
        }
    }
    let mut raw = SqliteConnection::connect(opened.paths.store.to_str().unwrap()).await.unwrap();
    let indexed: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sent").fetch_one(&mut raw).await.unwrap();
    assert_eq!(indexed, 6, "half of them");
    assert_eq!(listed(&opened.store, &a.owner, sent()).await, ids);
    assert_eq!(listed(&opened.store, &a.owner, Inbox { unread_only: true, ..sent() }).await, ids);
    let across = Inbox { after_id: Some(ids[0]), limit: 4, ..sent() };
    assert_eq!(listed(&opened.store, &a.owner, across).await, ids[1..5]);
    let across = Inbox { before_id: Some(ids[5]), limit: 4, ..sent() };
    assert_eq!(listed(&opened.store, &a.owner, across).await, ids[1..5]);
    super::mark(&opened.store, &b.owner, &ids[1..5]).await;
    let unread = Inbox { unread_only: true, ..sent() };
    assert_eq!(listed(&opened.store, &a.owner, unread).await, [ids[0], ids[5]]);
}

#[tokio::test]
async fn a_thread_is_listed_from_its_first_message_on() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let first = send(&opened.store, &a.owner, &["b"], "a question").await.id;
    send(&opened.store, &a.owner, &["b"], "something else").await;
    let mut thread = vec![first];
    for (from, to) in [(&b, "a"), (&a, "b"), (&b, "a")] {
        let mut new = super::message(&from.owner, super::to(&[to]), "more");
        new.request.reply_to = thread.last().copied();
        thread.push(opened.store.send(new).await.unwrap().id);
    }
    let ask = |thread| {
        let mut ask = Inbox { unread_only: false, ..inbox() };
        ask.filter.thread = Some(thread);
        ask
    };
    assert_eq!(listed(&opened.store, &a.owner, ask(first)).await, thread);
    let newest = Inbox { before_id: Some(thread[3]), limit: 2, ..ask(first) };
    assert_eq!(listed(&opened.store, &a.owner, newest).await, thread[1..3]);
    assert_eq!(listed(&opened.store, &a.owner, ask(thread[1])).await, [0; 0], "no thread begins there");
}

#[tokio::test]
async fn a_number_that_was_never_stored_is_not_taken_for_indexed() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let search = || Inbox { query: Some("words".into()), ..inbox() };
    let new = || super::message(&a.owner, super::to(&["b"]), "words");
    let key = new().request.key;
    let keyed = || {
        let mut new = new();
        new.request.key.clone_from(&key);
        new.hash = hash_of(&new.request);
        new
    };
    let (again, owners) =
        (super::message(&a.owner, super::to(&["b"]), "words"), (a.owner.clone(), b.owner.clone()));
    let first = opened.store.send(keyed()).await.unwrap().id;
    // A call that is made again gets a number in the first attempt, which is undone.
    assert_eq!(opened.store.send(keyed()).await.unwrap().id, first);
    assert_eq!(listed(&opened.store, &b.owner, search()).await, [first]);
    drop((a, b));
    let opened = opened.again().await;
    let second = opened.store.send(again).await.unwrap().id;
    assert_eq!(second, first + 1, "the number is given again after a restart");
    assert_eq!(listed(&opened.store, &owners.1, search()).await, [first, second]);
    assert_eq!(listed(&opened.store, &owners.0, sent()).await, [first, second]);
}
