//! A prune takes as many transactions as it needs, and is one call all the same.

use super::messages::inbox;
use super::{Opened, mark, message, open, send, session, to};
use crate::session::Owner;
use crate::store::prune::{Portion, PrunePortion, PruneProgress, ROWS_MAX, old_messages};
use crate::store::{ByOwner, Job, hash_of};
use c2c_proto::ErrorCode;
use c2c_proto::id::new_call_key;
use c2c_proto::request::{Inbox, Prune};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

/// More than three transactions' worth.
const MANY: usize = 1_700;

fn everything(owner: &Owner) -> ByOwner<Prune> {
    let request = Prune { older_than_days: 0, key: new_call_key() };
    let hash = hash_of(&request);
    ByOwner { owner: owner.clone(), request, hash }
}

fn again(ask: &ByOwner<Prune>) -> ByOwner<Prune> {
    ByOwner { owner: ask.owner.clone(), request: ask.request.clone(), hash: ask.hash.clone() }
}

/// `MANY` messages of a session that another one has read, but for each seventh.
async fn many(opened: &Opened, from: &Owner, by: &Owner) -> (Vec<i64>, Vec<i64>) {
    let sends = (0..MANY).map(|number| {
        let body = format!("word{number} of many");
        opened.store.send(message(from, to(&[&by.name]), &body))
    });
    let stored = futures_util::future::join_all(sends).await;
    let ids: Vec<i64> = stored.into_iter().map(|stored| stored.unwrap().id).collect();
    // All texts are in the index of words.
    let search = Inbox { query: Some("many".into()), ..inbox() };
    assert!(!opened.store.list_messages(by, &search).await.unwrap().messages.is_empty());
    let (unread, read): (Vec<i64>, Vec<i64>) = ids.iter().partition(|id| *id % 7 == 0);
    for ids in read.chunks(100) {
        mark(&opened.store, by, ids).await;
    }
    (read, unread)
}

async fn ids_in(opened: &Opened, sql: &str) -> Vec<i64> {
    let mut raw = SqliteConnection::connect(opened.paths.store.to_str().unwrap()).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut raw).await.unwrap()
}

#[tokio::test]
async fn everything_that_is_done_with_goes_and_nothing_else() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let (read, unread) = many(&opened, &a.owner, &b.owner).await;
    let news = send(&opened.store, &a.owner, &["*"], "news of many").await.id;
    assert_eq!(opened.store.mail("b").unread, unread.len() as u64 + 1);
    let pruned = opened.store.prune(everything(&a.owner)).await.unwrap();
    assert_eq!(pruned.messages_deleted, read.len() as u64 + 1);
    assert!(!unread.contains(&news));
    for (table, column) in [("messages", "id"), ("deliveries", "message_id"), ("sent", "message_id")] {
        let left = ids_in(&opened, &format!("SELECT {column} FROM {table} ORDER BY 1")).await;
        assert_eq!(left, unread, "{table}");
    }
    let lost = "SELECT message_id FROM sightings WHERE message_id NOT IN (SELECT id FROM messages)";
    assert_eq!(ids_in(&opened, lost).await, [0; 0]);
    assert_eq!(opened.store.mail("b").unread, unread.len() as u64);
    let found =
        ids_in(&opened, "SELECT rowid FROM messages_text WHERE messages_text MATCH 'many' ORDER BY 1").await;
    assert_eq!(found, unread, "the index of words");
    let nothing = opened.store.prune(everything(&a.owner)).await.unwrap();
    assert_eq!(nothing.messages_deleted, 0);
}

#[tokio::test]
async fn sends_go_on_between_its_portions() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let (read, _) = many(&opened, &a.owner, &b.owner).await;
    let mut prune = std::pin::pin!(opened.store.prune(everything(&a.owner)));
    let mut sent = 0;
    let pruned = loop {
        tokio::select! {
            biased;
            pruned = &mut prune => break pruned.unwrap(),
            _ = send(&opened.store, &a.owner, &["b"], "meanwhile") => sent += 1,
        }
    };
    assert_eq!(pruned.messages_deleted, read.len() as u64);
    // Its beginning, its end, and what is between.
    assert!(sent > 2 + read.len() / ROWS_MAX, "{sent} sends");
}

#[tokio::test]
async fn long_messages_and_large_broadcasts_are_few_to_a_portion() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let mut others = Vec::new();
    for number in 0..300 {
        others.push(session(&opened.store, &format!("/p/other{number}")).await);
    }
    let portion = async |after| {
        let now = opened.store.shared.clock.now().plus_s(1);
        old_messages(&opened.store.onlookers, now, after, ROWS_MAX).await.unwrap()
    };
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(send(&opened.store, &a.owner, &["*"], "news").await.id);
    }
    assert_eq!(portion(0).await, ids[..6], "each has 300 deliveries");
    let after = ids[19];
    for body in ["x".repeat(600_000), "x".repeat(300_000), "x".repeat(300_000)] {
        let id = send(&opened.store, &a.owner, &["other1"], &body).await.id;
        mark(&opened.store, &others[1].owner, &[id]).await;
        ids.push(id);
    }
    assert_eq!(portion(after).await, ids[20..21], "one that is too long by itself goes by itself");
    assert_eq!(portion(ids[20]).await, ids[21..22]);
    let unread = opened.store.mail("other1").unread;
    assert_eq!(unread, 20);
    let pruned = opened.store.prune(everything(&a.owner)).await.unwrap();
    assert_eq!(pruned.messages_deleted, 23);
    let counted: Vec<u64> =
        others.iter().map(|other| opened.store.mail(&other.owner.mailbox).unread).collect();
    assert_eq!(counted, [0; 300], "what was unread is not counted any more");
}

#[tokio::test]
async fn a_session_whose_mail_comes_between_the_look_and_the_deed_stays() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await.owner;
    opened.store.flush().await.unwrap();
    let newest = send(&opened.store, &a.owner, &["a"], "to itself").await.id;
    send(&opened.store, &a.owner, &["b"], "in between").await;
    let ByOwner { owner, request: call, hash } = everything(&a.owner);
    let part = async |portion| {
        let request = PrunePortion { call: call.clone(), portion };
        let ask = ByOwner { owner: owner.clone(), request, hash: hash.clone() };
        opened.store.change(ask, Job::Prune).await.unwrap().pruned.sessions_deleted
    };
    part(Portion::Begin).await;
    assert_eq!(
        part(Portion::Sessions(vec![a.owner.row, b.row], newest)).await,
        0,
        "one online, one with mail"
    );
    let id = opened.store.last_message_id();
    mark(&opened.store, &b, &[id]).await;
    assert_eq!(part(Portion::Sessions(vec![a.owner.row, b.row], newest)).await, 1);
}

#[tokio::test]
async fn the_same_call_twice_at_once_is_one() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let (read, _) = many(&opened, &a.owner, &b.owner).await;
    let ask = everything(&a.owner);
    let (one, two) = tokio::join!(opened.store.prune(again(&ask)), opened.store.prune(again(&ask)));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.messages_deleted, read.len() as u64);
    assert_eq!(one, two);
    assert_eq!(opened.store.prune(again(&ask)).await.unwrap(), one, "and afterwards");
    let mut other = again(&ask);
    other.request.older_than_days = 1;
    other.hash = hash_of(&other.request);
    assert_eq!(opened.store.prune(other).await.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_call_that_was_cut_off_goes_on_in_the_next_broker_and_knows_its_sum() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let (read, unread) = many(&opened, &a.owner, &b.owner).await;
    let ask = everything(&a.owner);
    let part = async |portion| -> PruneProgress {
        let ByOwner { owner, request: call, hash } = again(&ask);
        let request = PrunePortion { call, portion };
        opened.store.change(ByOwner { owner, request, hash }, Job::Prune).await.unwrap()
    };
    part(Portion::Begin).await;
    // Nothing that is unread goes, whoever asks for it.
    let ids = read[..100].iter().chain(&unread[..10]).copied().collect();
    assert_eq!(part(Portion::Messages(ids)).await.pruned.messages_deleted, 100);
    drop((a, b));
    let opened = opened.again().await;
    let pruned = opened.store.prune(again(&ask)).await.unwrap();
    assert_eq!(pruned.messages_deleted, read.len() as u64);
    assert_eq!(ids_in(&opened, "SELECT id FROM messages ORDER BY id").await, unread);
}
