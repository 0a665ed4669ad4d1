//! What another reader of the file sees of a change: all of it once it is answered, never a part. Also what no clock
//! changes.

use super::{Opened, message, open, registration, send, session, to};
use crate::config::Durability;
use crate::session::Owner;
use crate::store::open::options;
use crate::store::{Store, hash_of};
use c2c_proto::message::Message;
use c2c_proto::request::{Filter, Inbox};
use sqlx::{Connection, SqliteConnection};

/// A connection that knows nothing of the broker's memory.
async fn outsider(opened: &Opened) -> SqliteConnection {
    SqliteConnection::connect_with(&options(&opened.paths.store, Durability::Full)).await.unwrap()
}

async fn deliveries(connection: &mut SqliteConnection, id: i64) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE message_id = ?1")
        .bind(id)
        .fetch_one(connection)
        .await
        .unwrap()
}

/// As if the machine's clock had been set back by a day before each message but the first.
async fn set_times_back(opened: &Opened) {
    let mut connection = outsider(opened).await;
    sqlx::query("UPDATE messages SET created_at = created_at - id * 86400000000")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

fn ids(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.id).collect()
}

async fn inbox(store: &Store, owner: &Owner, sent: bool, before_id: Option<i64>) -> Vec<i64> {
    let ask = Inbox {
        sent,
        unread_only: false,
        filter: Filter::default(),
        query: None,
        before_id,
        after_id: None,
        limit: 20,
    };
    ids(&store.list_messages(owner, &ask).await.unwrap().messages)
}

#[tokio::test]
async fn what_is_answered_is_there_for_everybody() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let mut outsider = outsider(&opened).await;
    for round in 0..100 {
        let id = send(&opened.store, &a.owner, &["b"], "x").await.id;
        assert_eq!(deliveries(&mut outsider, id).await, 1, "round {round}: answered before it was committed");
    }
}

#[tokio::test]
async fn a_broadcast_is_never_seen_in_part() {
    const SESSIONS: i64 = 200;
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let mut online = Vec::new();
    for number in 0..SESSIONS {
        online.push(opened.store.register(registration(None, &format!("n{number:03}"))).await.unwrap());
    }
    let mut outsider = outsider(&opened).await;
    for id in 1..=5 {
        let sending = opened.store.send(message(&a.owner, to(&["*"]), "to all"));
        tokio::pin!(sending);
        let seen = loop {
            tokio::select! {
                biased;
                stored = &mut sending => {
                    assert_eq!(stored.unwrap().id, id);
                    break deliveries(&mut outsider, id).await;
                }
                seen = deliveries(&mut outsider, id) => {
                    assert!(seen == 0 || seen == SESSIONS, "{seen} of {SESSIONS} recipients have it");
                }
            }
        };
        assert_eq!(seen, SESSIONS);
    }
}

#[tokio::test]
async fn order_is_by_id_whatever_the_clock_said() {
    let opened = open().await;
    let (a, b) = (session(&opened.store, "/p/a").await, session(&opened.store, "/p/b").await);
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(send(&opened.store, &a.owner, &["b"], &format!("m{number}")).await.id);
    }
    set_times_back(&opened).await;
    let unread = opened.store.unread(&b.owner, &Filter::default(), 0, 0).await.unwrap();
    assert_eq!(ids(&unread.messages), sent);
    assert_eq!(inbox(&opened.store, &b.owner, false, None).await, sent);
    assert_eq!(inbox(&opened.store, &b.owner, false, Some(sent[3])).await, sent[..3]);
    assert_eq!(inbox(&opened.store, &a.owner, true, None).await, sent);
}

#[tokio::test]
async fn a_key_stands_however_long_ago_it_was_used() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let again = || {
        let mut again = message(&a.owner, to(&["b"]), "once");
        again.request.key = "model:k".into();
        again.hash = hash_of(&again.request);
        again
    };
    let first = opened.store.send(again()).await.unwrap().id;
    set_times_back(&opened).await;
    let repeated = opened.store.send(again()).await.unwrap();
    assert_eq!((repeated.id, repeated.fresh), (first, false));
    assert_eq!(opened.store.message_count().await.unwrap(), 1);
}
