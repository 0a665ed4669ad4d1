//! Messages: order, keys, broadcasts, marks, lists, threads, search.

use super::{Opened, mark, message, open, registration, send, session, to};
use crate::session::Owner;
use crate::store::{ByOwner, Store, Stored};
use c2c_proto::ErrorCode;
use c2c_proto::frame::MailCount;
use c2c_proto::limits::{LIST_RECEIPTS_MAX, METADATA_MAX_BYTES, SESSIONS_PAGE_BYTES};
use c2c_proto::message::{Message, ReceiptState, To};
use c2c_proto::request::{Filter, Inbox, ReadMessage};
use c2c_proto::time::Timestamp;

pub(super) fn inbox() -> Inbox {
    Inbox {
        sent: false,
        unread_only: true,
        filter: Filter::default(),
        query: None,
        before_id: None,
        after_id: None,
        limit: 20,
    }
}

pub(super) async fn list(store: &Store, owner: &Owner, ask: Inbox) -> Vec<Message> {
    store.list_messages(owner, &ask).await.unwrap().messages
}

pub(super) async fn shown(store: &Store, owner: &Owner, ids: &[i64]) {
    let shown = ByOwner { owner: owner.clone(), request: ids.to_vec(), hash: String::new() };
    store.mark_shown(shown).await.unwrap();
}

async fn reply(store: &Store, from: &Owner, reply_to: i64, to: Option<To>) -> Stored {
    let mut reply = message(from, to, "an answer");
    reply.request.reply_to = Some(reply_to);
    store.send(reply).await.unwrap()
}

async fn renamed(store: &Store, owner: &Owner, name: &str) -> Owner {
    store.register(registration(Some(owner), name)).await.unwrap().owner
}

async fn ask(store: &Store, from: &Owner, names: &[&str]) -> Result<Stored, c2c_proto::Error> {
    let mut question = message(from, to(names), "ready?");
    question.question = true;
    store.send(question).await
}

#[tokio::test]
async fn a_message_is_there_after_the_store_was_opened_again() {
    let opened = open().await;
    let local = session(&opened.store, "/p/local").await;
    let first = send(&opened.store, &local.owner, &["online"], "ran the etl\0 ümläut 😀").await;
    assert!(!first.recipients[0].recipient.known);
    let opened: Opened = opened.again().await;
    let online = session(&opened.store, "/p/online").await;
    assert_eq!(opened.store.mail("online"), MailCount { unread: 1, new: 1 });
    let messages = list(&opened.store, &online.owner, inbox()).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].body, "ran the etl\0 ümläut 😀");
    assert_eq!(messages[0].body_chars, 21);
    let second = send(&opened.store, &online.owner, &["local"], "x").await;
    assert!(second.id > first.id);
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_id_and_another_content_a_conflict() {
    let opened = open().await;
    let local = session(&opened.store, "/p/local").await;
    let mut first = message(&local.owner, to(&["online"]), "once");
    first.request.key = "model:k".into();
    let mut again = message(&local.owner, to(&["online"]), "once");
    again.request.key = "model:k".into();
    again.hash.clone_from(&first.hash);
    let mut other = message(&local.owner, to(&["online"]), "twice");
    other.request.key = "model:k".into();
    let (first, again, other) =
        tokio::join!(opened.store.send(first), opened.store.send(again), opened.store.send(other));
    let (first, again) = (first.unwrap(), again.unwrap());
    assert_eq!(first.id, again.id);
    assert!(first.fresh && !again.fresh);
    assert_eq!(again.recipients.len(), 1);
    assert_eq!(other.unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(opened.store.message_count().await.unwrap(), 1);
}

#[tokio::test]
async fn each_recipient_of_a_broadcast_has_its_own_mark() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let c = session(&opened.store, "/p/c").await;
    let sent = send(&opened.store, &a.owner, &["*"], "all hands").await;
    let names: Vec<_> = sent.recipients.iter().map(|stored| stored.recipient.name.clone()).collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(mark(&opened.store, &b.owner, &[sent.id]).await.marked, 1);
    assert_eq!(list(&opened.store, &c.owner, inbox()).await.len(), 1);
    let receipts =
        &list(&opened.store, &a.owner, Inbox { sent: true, unread_only: false, ..inbox() }).await[0].receipts;
    assert_eq!(receipts[0].state, ReceiptState::Read);
    assert_eq!(receipts[0].read_by.as_deref(), Some("b"));
    assert_eq!(receipts[1].state, ReceiptState::Queued);
    // One that starts a moment later gets it too; its sender under a new row does not.
    let late = session(&opened.store, "/p/late").await;
    assert_eq!(list(&opened.store, &late.owner, inbox()).await.len(), 1);
    drop(a);
    opened.store.flush().await.unwrap();
    let again = session(&opened.store, "/p/a").await;
    assert_eq!(list(&opened.store, &again.owner, inbox()).await.len(), 0);
}

#[tokio::test]
async fn marks_are_idempotent_and_counted() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let one = send(&opened.store, &a.owner, &["b"], "1").await.id;
    let two = send(&opened.store, &a.owner, &["b"], "2").await.id;
    shown(&opened.store, &b.owner, &[one, 999]).await;
    assert_eq!(opened.store.mail("b"), MailCount { unread: 2, new: 1 });
    let marked = mark(&opened.store, &b.owner, &[one, two, one, 999]).await;
    assert_eq!((marked.marked, marked.already_read.len(), marked.not_found), (2, 0, vec![999]));
    let marked = mark(&opened.store, &b.owner, &[one]).await;
    assert_eq!((marked.marked, marked.already_read), (0, vec![one]));
    assert_eq!(opened.store.mail("b"), MailCount::default());
    assert_eq!(mark(&opened.store, &a.owner, &[one]).await.not_found, [one]);
    // The note that it was shown may come after the mark: it was shown before it all the same.
    shown(&opened.store, &b.owner, &[two]).await;
    let sent = Inbox { sent: true, unread_only: false, ..inbox() };
    for message in list(&opened.store, &a.owner, sent).await {
        let receipt = &message.receipts[0];
        assert!(receipt.shown_at.unwrap() <= receipt.read_at.unwrap(), "{receipt:?}");
    }
}

/// They wait behind a large message, so that one transaction has all of them.
#[tokio::test]
async fn marks_of_one_message_at_once_count_once() {
    let opened = open().await;
    let store = &opened.store;
    let (a, b) = (session(store, "/p/a").await.owner, session(store, "/p/b").await.owner);
    let large = "x".repeat(256 * 1_024);
    for round in 0..20 {
        let id = send(store, &a, &["b"], "hello").await.id;
        let (once, twice) = ([id], [id, id]);
        let (_, first, second, third) = tokio::join!(
            send(store, &b, &["a"], &large),
            mark(store, &b, &once),
            mark(store, &b, &twice),
            mark(store, &b, &once)
        );
        let all = [first, second, third];
        assert_eq!(all.iter().map(|marked| marked.marked).sum::<u64>(), 1, "round {round}: {all:?}");
        assert_eq!(
            all.iter().map(|marked| marked.already_read.len()).sum::<usize>(),
            2,
            "round {round}: {all:?}"
        );
        assert_eq!(store.mail("b"), MailCount { unread: 0, new: 0 }, "round {round}");
    }
    let opened = opened.again().await;
    assert_eq!(opened.store.mail("b"), MailCount { unread: 0, new: 0 }, "what the next broker counts");
}

#[tokio::test]
async fn an_answer_goes_to_the_sender_marks_the_question_and_keeps_the_thread() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let question = send(&opened.store, &a.owner, &["b"], "ready?").await.id;
    let mut reply = message(&b.owner, None, "yes");
    reply.request.reply_to = Some(question);
    let reply = opened.store.send(reply).await.unwrap();
    assert_eq!(reply.recipients[0].recipient.name, "a");
    assert_eq!(opened.store.mail("b"), MailCount::default());
    let thread = Inbox {
        unread_only: false,
        filter: Filter { thread: Some(question), ..Filter::default() },
        ..inbox()
    };
    for owner in [&a.owner, &b.owner] {
        let ids: Vec<_> =
            list(&opened.store, owner, thread.clone()).await.iter().map(|message| message.id).collect();
        assert_eq!(ids, [question, reply.id]);
    }
    let (replies, missing) = opened.store.answers_to(&a.owner, question, 5).await.unwrap();
    assert_eq!((replies.len(), missing.len()), (1, 0));
    let c = session(&opened.store, "/p/c").await;
    let mut foreign = message(&c.owner, None, "me too");
    foreign.request.reply_to = Some(question);
    assert_eq!(opened.store.send(foreign).await.unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn answers_beyond_the_limit_are_counted_as_answers() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let c = session(&opened.store, "/p/c").await;
    let _d = session(&opened.store, "/p/d").await;
    let question = ask(&opened.store, &a.owner, &["b", "c", "d"]).await.unwrap().id;
    for owner in [&b.owner, &c.owner] {
        reply(&opened.store, owner, question, None).await;
    }
    let (replies, missing) = opened.store.answers_to(&a.owner, question, 1).await.unwrap();
    assert_eq!((replies.len(), missing), (1, vec!["d".to_owned()]));
}

#[tokio::test]
async fn a_session_cannot_ask_itself_and_is_not_missed_among_others() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    for names in [&["A"][..], &["a", "ghost"]] {
        let refused = ask(&opened.store, &a.owner, names).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidArgument, "{refused:?}");
    }
    assert_eq!(opened.store.message_count().await.unwrap(), 0);
    let b = session(&opened.store, "/p/b").await;
    let question = ask(&opened.store, &a.owner, &["a", "b"]).await.unwrap().id;
    let missing = async || opened.store.answers_to(&a.owner, question, 9).await.unwrap().1;
    assert_eq!(missing().await, ["b"]);
    reply(&opened.store, &b.owner, question, None).await;
    assert_eq!(missing().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_to_ones_own_message_follows_its_recipients() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let c = session(&opened.store, "/p/c").await;
    let one = send(&opened.store, &a.owner, &["b"], "to one").await.id;
    let many = send(&opened.store, &a.owner, &["B", "c", "ghost"], "to many").await.id;
    let all = send(&opened.store, &a.owner, &["*"], "to all").await.id;
    // Read mail stays in the old mailbox; its reader goes on under the new name, and another session takes the old one.
    mark(&opened.store, &b.owner, &[one, many]).await;
    let b = renamed(&opened.store, &b.owner, "web").await;
    let _other = session(&opened.store, "/p/b").await;
    assert_eq!(reply(&opened.store, &a.owner, one, None).await.to, To::One("web".into()));
    let names = |names: &[&str]| To::Many(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(reply(&opened.store, &a.owner, many, None).await.to, names(&["web", "c", "ghost"]));
    let again = reply(&opened.store, &a.owner, all, None).await;
    let rows: Vec<_> = again.recipients.iter().map(|stored| stored.row).collect();
    assert!(rows.contains(&Some(b.row)) && rows.contains(&Some(c.owner.row)), "{again:?}");
}

#[tokio::test]
async fn an_answer_to_the_senders_old_name_follows_the_sender_also_as_a_list_of_one() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let id = send(&opened.store, &a.owner, &["b"], "ready?").await.id;
    renamed(&opened.store, &a.owner, "api").await;
    for given in [None, Some(To::One("A".into())), Some(To::Many(vec!["a".into()]))] {
        assert_eq!(reply(&opened.store, &b.owner, id, given).await.to, To::One("api".into()));
    }
    let others = To::Many(vec!["a".into(), "c".into()]);
    assert_eq!(reply(&opened.store, &b.owner, id, Some(others.clone())).await.to, others);
}

#[tokio::test]
async fn a_list_of_sessions_ends_before_it_fills_a_frame() {
    let opened = open().await;
    let metadata = format!("{{\"text\":\"{}\"}}", "x".repeat(METADATA_MAX_BYTES - 20));
    let mut names: Vec<String> = (0..40).map(|number| format!("Name-{number:02}")).collect();
    let mut online = Vec::new();
    for name in &names {
        let mut wanted = registration(None, name);
        wanted.request.metadata = Some(metadata.clone());
        online.push(opened.store.register(wanted).await.unwrap());
    }
    let page = opened.store.sessions(Timestamp(0), "").await.unwrap();
    let bytes = page.listed.len() * metadata.len();
    assert!(page.more && bytes > SESSIONS_PAGE_BYTES / 2 && bytes < 2 * SESSIONS_PAGE_BYTES, "{bytes}");
    let mut after = String::new();
    let mut listed = Vec::new();
    loop {
        let page = opened.store.sessions(Timestamp(0), &after).await.unwrap();
        after = page.listed.last().unwrap().mailbox.clone();
        listed.extend(page.listed.into_iter().map(|listed| listed.info.name));
        if !page.more {
            break;
        }
    }
    names.sort();
    assert_eq!(listed, names);
    // A cursor need not be there any more.
    assert_eq!(opened.store.sessions(Timestamp(0), "name-38x").await.unwrap().listed.len(), 1);
}

#[tokio::test]
async fn receipts_of_broadcasts_do_not_fill_a_page() {
    const SESSIONS: usize = LIST_RECEIPTS_MAX + 20;
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let mut online = Vec::new();
    for number in 0..SESSIONS {
        online.push(opened.store.register(registration(None, &format!("n{number:03}"))).await.unwrap());
    }
    let mut sent = Vec::new();
    for _ in 0..8 {
        sent.push(send(&opened.store, &a.owner, &["*"], "all hands").await.id);
    }
    let ask = Inbox { sent: true, unread_only: false, ..inbox() };
    let pages = [(ask.clone(), &sent[..5]), (Inbox { before_id: Some(i64::MAX), ..ask }, &sent[3..])];
    for (ask, ids) in pages {
        let page = opened.store.list_messages(&a.owner, &ask).await.unwrap();
        assert!(page.more);
        assert_eq!(page.messages.iter().map(|message| message.id).collect::<Vec<_>>(), ids);
        for message in &page.messages {
            let counts = (message.receipts.len(), message.receipts_total as usize);
            assert_eq!(counts, (LIST_RECEIPTS_MAX, SESSIONS));
        }
    }
    let one = ReadMessage { message_id: sent[0], offset: 0, max_chars: 10 };
    assert_eq!(opened.store.one_message(&a.owner, &one).await.unwrap().0.receipts.len(), SESSIONS);
}

#[tokio::test]
async fn lists_page_both_ways_and_search_words() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let mut ids = Vec::new();
    for number in 0..10 {
        let mut new = message(&a.owner, to(&["b"]), &format!("note {number} of the deploy"));
        new.request.tag = (number % 2 == 0).then(|| "even".to_owned());
        ids.push(opened.store.send(new).await.unwrap().id);
    }
    let page = |ask: Inbox| async { list(&opened.store, &b.owner, ask).await };
    let got = |messages: Vec<Message>| messages.iter().map(|message| message.id).collect::<Vec<_>>();
    assert_eq!(got(page(Inbox { limit: 3, ..inbox() }).await), ids[..3]);
    assert_eq!(got(page(Inbox { after_id: Some(ids[2]), limit: 3, ..inbox() }).await), ids[3..6]);
    let newest = Inbox { before_id: Some(ids[9]), limit: 2, unread_only: false, ..inbox() };
    assert_eq!(got(page(newest).await), ids[7..9]);
    let even = Filter { tag: Some("even".into()), from: Some("A".into()), ..Filter::default() };
    assert_eq!(page(Inbox { filter: even, ..inbox() }).await.len(), 5);
    let search = |query: &str| Inbox { query: Some(query.into()), unread_only: false, ..inbox() };
    assert_eq!(got(page(search("deploy 7")).await), [ids[7]]);
    assert_eq!(page(search("deploy OR nothing")).await.len(), 0);
    assert!(opened.folder.path().join("c2c.db").exists());
}
