//! The person's part: under which names they may act, and that they see everything without changing anything.

use super::{Session, identity, mark, message, open, send, session, to};
use crate::store::{Greeted, GreetingKind, Store, restore};
use c2c_proto::frame::MailCount;
use c2c_proto::hello::Identity;
use c2c_proto::message::ReceiptState;
use c2c_proto::request::{Filter, Import, ImportedMessage, ReadMessage, Traffic};
use c2c_proto::{Error, ErrorCode};

async fn person(store: &Store, name: &str) -> Result<Greeted, Error> {
    let identity = Identity { wanted_name: Some(name.to_owned()), ..identity("/terminal") };
    Ok(store.greet(9, identity, GreetingKind::Person).await?.expect("a person always has a name"))
}

fn newest() -> Traffic {
    Traffic { before_id: Some(i64::MAX), limit: 20, ..Traffic::default() }
}

async fn seen(store: &Store, ask: &Traffic) -> Vec<i64> {
    store.traffic(ask).await.unwrap().messages.iter().map(|message| message.id).collect()
}

#[tokio::test]
async fn a_person_keeps_one_mailbox_over_all_commands() {
    let opened = open().await;
    let first = person(&opened.store, "user-ada").await.unwrap();
    let beside = person(&opened.store, "User-Ada").await.unwrap();
    assert_eq!((first.owner.row, first.owner.name.as_str()), (beside.owner.row, "user-ada"));
    let row = first.owner.row;
    drop((first, beside));
    opened.store.flush().await.unwrap();
    assert!(!opened.store.is_online(row));
    let api = session(&opened.store, "/p/api").await;
    let sent = send(&opened.store, &api.owner, &["user-ada"], "for the person").await;
    assert!(sent.recipients[0].recipient.known);
    let later = person(&opened.store, "user-ada").await.unwrap();
    assert_eq!(later.owner.row, row);
    assert_eq!(opened.store.mail("user-ada"), MailCount { unread: 1, new: 1 });
}

#[tokio::test]
async fn a_name_that_a_session_uses_is_not_the_persons_and_one_that_is_away_is_for_a_moment() {
    let opened = open().await;
    let claude = Identity { client_session: Some("s1".into()), ..identity("/p/api") };
    let api = opened.store.greet(1, claude.clone(), GreetingKind::Session).await.unwrap().unwrap();
    let error = person(&opened.store, "API").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.message.contains("\"api\""), "{error}");
    let row = api.owner.row;
    drop(api);
    opened.store.flush().await.unwrap();
    let acting = person(&opened.store, "api").await.unwrap();
    assert_eq!(acting.owner.row, row);
    // Its session comes back, and is itself: same row, same name, whoever acted for it.
    let back = Identity { key: "later".into(), parent: "4:4".into(), ..claude };
    let back = opened.store.greet(2, back, GreetingKind::Session).await.unwrap().unwrap();
    assert_eq!((back.owner.row, back.owner.name.as_str()), (row, "api"));
    assert_eq!(person(&opened.store, "api").await.unwrap_err().code, ErrorCode::Conflict);
    drop(back);
    assert!(opened.store.is_online(row), "the person is still there");
    drop(acting);
    opened.store.flush().await.unwrap();
    assert!(!opened.store.is_online(row));
}

#[tokio::test]
async fn a_person_takes_no_name_that_nobody_may_have() {
    let opened = open().await;
    for name in ["", "a b", "*", "api-stale-1"] {
        assert_eq!(
            person(&opened.store, name).await.unwrap_err().code,
            ErrorCode::InvalidArgument,
            "{name:?}"
        );
    }
}

/// Three messages between others, of which the second was read.
async fn traffic(store: &Store) -> (Session, Session, [i64; 3]) {
    let (api, web) = (session(store, "/p/api").await, session(store, "/p/web").await);
    let first = send(store, &api.owner, &["web"], "the schema changed").await.id;
    let second = send(store, &web.owner, &["api"], "which table?").await.id;
    mark(store, &api.owner, &[second]).await;
    let mut third = message(&api.owner, to(&["web"]), "orders, the schema of it");
    third.request.reply_to = Some(second);
    third.request.tag = Some("answer".into());
    let third = store.send(third).await.unwrap().id;
    (api, web, [first, second, third])
}

#[tokio::test]
async fn all_traffic_is_seen_by_every_filter_and_nothing_is_marked() {
    let opened = open().await;
    let (_api, web, [first, second, third]) = traffic(&opened.store).await;
    let before = opened.store.mail(&web.owner.mailbox);
    let asks = [
        (newest(), vec![first, second, third]),
        (Traffic { limit: 1, ..newest() }, vec![third]),
        (Traffic { after_id: Some(first), before_id: None, ..newest() }, vec![second, third]),
        (Traffic { mailbox: Some("WEB".into()), ..newest() }, vec![first, third]),
        (Traffic { mailbox: Some("api".into()), unread_only: true, ..newest() }, vec![]),
        (Traffic { query: Some("schema".into()), ..newest() }, vec![first, third]),
        (Traffic { query: Some("schema".into()), mailbox: Some("api".into()), ..newest() }, vec![]),
    ];
    for (ask, ids) in asks {
        assert_eq!(seen(&opened.store, &ask).await, ids, "{ask:?}");
    }
    let filters = [
        (Filter { from: Some("Web".into()), ..Filter::default() }, vec![second]),
        (Filter { tag: Some("answer".into()), ..Filter::default() }, vec![third]),
        (Filter { reply_to: Some(second), ..Filter::default() }, vec![third]),
        (Filter { thread: Some(second), ..Filter::default() }, vec![second, third]),
    ];
    for (filter, ids) in filters {
        assert_eq!(
            seen(&opened.store, &Traffic { filter: filter.clone(), ..newest() }).await,
            ids,
            "{filter:?}"
        );
    }
    assert_eq!(opened.store.mail(&web.owner.mailbox), before);
}

#[tokio::test]
async fn the_person_sees_the_receipts_and_the_body_of_any_message() {
    let opened = open().await;
    let (_api, _web, [first, second, _]) = traffic(&opened.store).await;
    let page = opened.store.traffic(&newest()).await.unwrap();
    let states: Vec<_> = page.messages.iter().map(|message| message.receipts[0].state).collect();
    // Answering marks what was answered: the second was read before, the first by nobody.
    assert_eq!(states, [ReceiptState::Queued, ReceiptState::Read, ReceiptState::Queued]);
    let ask = ReadMessage { message_id: first, offset: 4, max_chars: 6 };
    let one = opened.store.any_message(&ask).await.unwrap();
    assert_eq!((one.body.as_str(), one.body_chars, one.receipts.len()), ("schema", 18, 1));
    let nowhere = ReadMessage { message_id: second + 1_000, ..ask };
    assert_eq!(opened.store.any_message(&nowhere).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_backup_is_a_store_with_all_that_was_there_and_replaces_nothing() {
    let opened = open().await;
    let (_api, _web, ids) = traffic(&opened.store).await;
    let target = opened.folder.path().join("copy.db");
    let made = opened.store.backup(&target).await.unwrap();
    assert_eq!((made.messages, made.bytes), (3, std::fs::metadata(&target).unwrap().len()));
    assert_eq!(opened.store.backup(&target).await.unwrap_err().code, ErrorCode::Conflict);
    let nowhere = opened.folder.path().join("missing").join("copy.db");
    assert_eq!(opened.store.backup(&nowhere).await.unwrap_err().code, ErrorCode::InvalidArgument);
    assert!(opened.store.check().await.unwrap().problems.is_empty());
    let paths = c2c_proto::paths::StorePaths::of_store(&target).unwrap();
    std::fs::create_dir_all(&paths.run_dir).unwrap();
    let copy = super::try_open(&paths, &crate::config::Config::default()).await.unwrap();
    assert_eq!(seen(&copy, &newest()).await, ids);
    copy.close().await;
}

#[tokio::test]
async fn an_import_keeps_what_was_read_answered_and_said_when_and_is_done_once() {
    let opened = open().await;
    let (_api, _web, [first, second, third]) = traffic(&opened.store).await;
    let exported = opened.store.traffic(&newest()).await.unwrap().messages;
    let import = Import {
        store_id: "elsewhere".into(),
        messages: exported.iter().map(|message| imported(message.clone())).collect(),
    };
    let other = open().await;
    let web = session(&other.store, "/p/web").await;
    let done = other.store.import(import.clone()).await.unwrap();
    assert_eq!((done.imported, done.known), (3, 0));
    let done = other.store.import(import).await.unwrap();
    assert_eq!((done.imported, done.known), (0, 3));
    let there = other.store.traffic(&newest()).await.unwrap().messages;
    for (before, after) in exported.iter().zip(&there) {
        assert_eq!(
            (&before.body, &before.from_name, before.created_at),
            (&after.body, &after.from_name, after.created_at)
        );
        assert_eq!((&before.receipts, &before.tag, &before.to), (&after.receipts, &after.tag, &after.to));
    }
    let [one, two, three] = [0, 1, 2].map(|at: usize| there[at].id);
    assert_eq!((there[2].reply_to, there[2].thread), (Some(two), two));
    assert!(first < second && second < third && one < two && two < three);
    // The mailbox counts what came, and a message after it has a higher id.
    assert_eq!(other.store.mail("web").unread, 2);
    let found = Traffic { query: Some("schema".into()), ..newest() };
    assert_eq!(seen(&other.store, &found).await, [one, three]);
    assert!(send(&other.store, &web.owner, &["api"], "later").await.id > three);
}

fn imported(message: c2c_proto::message::Message) -> ImportedMessage {
    ImportedMessage {
        origin_id: message.id,
        from_name: message.from_name,
        from_session: message.from_session,
        to: message.to,
        body: message.body,
        tag: message.tag,
        reply_to: message.reply_to,
        priority: message.priority,
        created_at: message.created_at,
        receipts: message.receipts,
    }
}

#[tokio::test]
async fn a_restore_puts_the_backup_into_place_and_keeps_what_was_there() {
    let opened = open().await;
    let (api, _web, ids) = traffic(&opened.store).await;
    let backup = opened.folder.path().join("backup.db");
    opened.store.backup(&backup).await.unwrap();
    send(&opened.store, &api.owner, &["web"], "after the backup").await;
    let id_before = opened.store.store_id().to_owned();
    let prepared = restore::prepare(&opened.paths, &backup).await.unwrap();
    assert_eq!(prepared.messages, 3);
    opened.store.close().await;
    let aside = prepared.put_into_place(&opened.paths, &crate::clock::Clock::system()).unwrap().unwrap();
    let restored = super::try_open(&opened.paths, &crate::config::Config::default()).await.unwrap();
    assert_eq!(seen(&restored, &newest()).await, ids);
    assert_ne!(
        restored.store_id(),
        id_before,
        "what clients know of the store as it was does not hold for it"
    );
    restored.close().await;
    let paths = c2c_proto::paths::StorePaths::of_store(&aside).unwrap();
    std::fs::create_dir_all(&paths.run_dir).unwrap();
    let before = super::try_open(&paths, &crate::config::Config::default()).await.unwrap();
    assert_eq!(seen(&before, &newest()).await.len(), 4);
    before.close().await;
}

#[tokio::test]
async fn a_log_without_its_store_is_not_read_into_what_is_restored() {
    let opened = open().await;
    let (_api, _web, ids) = traffic(&opened.store).await;
    let backup = opened.folder.path().join("backup.db");
    opened.store.backup(&backup).await.unwrap();
    opened.store.close().await;
    // The store is lost, and a log of it is still there.
    std::fs::remove_file(&opened.paths.store).unwrap();
    let log = opened.folder.path().join("c2c.db-wal");
    std::fs::write(&log, "what was not folded yet").unwrap();
    let prepared = restore::prepare(&opened.paths, &backup).await.unwrap();
    let aside = prepared.put_into_place(&opened.paths, &crate::clock::Clock::system()).unwrap().unwrap();
    assert!(!log.exists() && !aside.exists());
    let kept = std::fs::read_to_string(format!("{}-wal", aside.display())).unwrap();
    assert_eq!(kept, "what was not folded yet");
    let restored = super::try_open(&opened.paths, &crate::config::Config::default()).await.unwrap();
    assert_eq!(seen(&restored, &newest()).await, ids);
    restored.close().await;
}

#[tokio::test]
async fn one_restore_at_a_time_and_none_takes_a_file_of_somebody_else() {
    let opened = open().await;
    let (_api, _web, _) = traffic(&opened.store).await;
    let backup = opened.folder.path().join("backup.db");
    let unfinished = opened.folder.path().join("backup.db.unfinished");
    std::fs::write(&unfinished, "mine").unwrap();
    assert_eq!(opened.store.backup(&backup).await.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(std::fs::read_to_string(&unfinished).unwrap(), "mine");
    std::fs::remove_file(&unfinished).unwrap();
    opened.store.backup(&backup).await.unwrap();
    let first = restore::prepare(&opened.paths, &backup).await.unwrap();
    assert_eq!(restore::prepare(&opened.paths, &backup).await.unwrap_err().code, ErrorCode::Conflict);
    drop(first);
    restore::prepare(&opened.paths, &backup).await.unwrap();
}

#[tokio::test]
async fn a_store_knows_its_own_export_also_after_it_was_restored() {
    let opened = open().await;
    let (_api, _web, _) = traffic(&opened.store).await;
    let exported = opened.store.traffic(&newest()).await.unwrap().messages;
    let import = Import {
        store_id: opened.store.store_id().to_owned(),
        messages: exported.into_iter().map(imported).collect(),
    };
    let done = opened.store.import(import.clone()).await.unwrap();
    assert_eq!((done.imported, done.known), (0, 3));
    let backup = opened.folder.path().join("backup.db");
    opened.store.backup(&backup).await.unwrap();
    opened.store.close().await;
    for _ in 0..2 {
        let prepared = restore::prepare(&opened.paths, &backup).await.unwrap();
        prepared.put_into_place(&opened.paths, &crate::clock::Clock::system()).unwrap();
        let restored = super::try_open(&opened.paths, &crate::config::Config::default()).await.unwrap();
        let done = restored.import(import.clone()).await.unwrap();
        assert_eq!((done.imported, done.known), (0, 3));
        // What was said later under an id that had been given out before is another message.
        let mut later = import.clone();
        later.messages[0].created_at.0 += 60_000_000;
        let done = restored.import(later).await.unwrap();
        assert_eq!((done.imported, done.known), (1, 2));
        restored.close().await;
    }
}

#[tokio::test]
async fn what_is_no_backup_replaces_nothing() {
    let opened = open().await;
    let folder = opened.folder.path();
    let garbage = folder.join("garbage.db");
    std::fs::write(&garbage, "no store at all, but long enough to have a header".repeat(40)).unwrap();
    let error = restore::prepare(&opened.paths, &garbage).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::StoreRefused);
    let error = restore::prepare(&opened.paths, &folder.join("missing.db")).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("unfinished")), "{left:?}");
}
