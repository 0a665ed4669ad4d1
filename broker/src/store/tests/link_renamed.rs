//! Mail of another node whose reader takes another name meanwhile.

use super::link::{bodies, node};
use super::{mark, message, registration, send, to};
use crate::store::ByOwner;
use c2c_proto::message::ReceiptState;

#[tokio::test]
async fn what_is_shown_under_one_name_and_read_under_the_next_is_told() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    send(&a.opened.store, &api, &["web@b"], "which table?").await;
    a.carry(&b).await;
    let got = b.mail(&web).await[0].id;
    let shown = ByOwner { owner: web.clone(), request: vec![got], hash: String::new() };
    b.opened.store.mark_shown(shown).await.unwrap();
    let next = b.opened.store.register(registration(Some(&web), "next")).await.unwrap().owner;
    b.carry(&a).await;
    let state = async || a.sent(&api).await[0].receipts[0].state;
    assert_eq!(state().await, ReceiptState::Shown);
    assert!(!b.opened.store.to_collect().await.unwrap().receipts, "nothing is left");
    let mut answer = message(&next, None, "orders");
    answer.request.reply_to = Some(got);
    b.opened.store.send(answer).await.unwrap();
    b.carry(&a).await;
    assert_eq!(state().await, ReceiptState::Read);
}

/// A rename beside a mark is before it or after it, as the queue has them.
#[tokio::test]
async fn what_is_marked_read_beside_a_rename_is_told_once() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let api = a.session("api").await.owner;
    let mut web = b.session("web").await.owner;
    let store = &b.opened.store;
    for (round, name) in ["one", "two", "three", "four"].into_iter().enumerate() {
        send(&a.opened.store, &api, &[&format!("{}@b", web.name)], name).await;
        a.carry(&b).await;
        let got = b.mail(&web).await.last().unwrap().id;
        let registration = registration(Some(&web), name);
        let ids = [got];
        // Either may come first: it is marked as `web` had it, or is there under the next name.
        let (marked, next) = if round % 2 == 0 {
            tokio::join!(mark(store, &web, &ids), store.register(registration))
        } else {
            let (next, marked) = tokio::join!(store.register(registration), mark(store, &web, &ids));
            (marked, next)
        };
        let next = next.unwrap().owner;
        let again = mark(store, &next, &ids).await;
        assert_eq!((marked.marked + again.marked, again.not_found.len()), (1, 0), "{marked:?} {again:?}");
        assert_eq!(store.mail(&next.mailbox).unread, 0);
        b.carry(&a).await;
        let sent = a.sent(&api).await;
        assert_eq!(sent[round].receipts[0].state, ReceiptState::Read, "{:?}", sent[round]);
        assert!(!store.to_collect().await.unwrap().receipts, "nothing is left");
        web = next;
    }
}

#[tokio::test]
async fn an_answer_counts_that_is_given_under_another_name() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    let store = &b.opened.store;
    let mut question = message(&api, to(&["web@b", "db@b"]), "which table?");
    question.question = true;
    let question = a.opened.store.send(question).await.unwrap().id;
    a.carry(&b).await;
    let got = b.mail(&web).await[0].id;
    let next = store.register(registration(Some(&web), "next")).await.unwrap().owner;
    let answers = async || a.opened.store.answers_to(&api, question, 2).await.unwrap();
    let say = async |from, body| {
        let mut answer = message(from, None, body);
        answer.request.reply_to = Some(got);
        store.send(answer).await.unwrap();
        b.carry(&a).await;
    };
    say(&next, "orders").await;
    say(&next, "orders, as I said").await;
    let (replies, missing) = answers().await;
    assert_eq!((bodies(&replies), missing), (vec!["orders"], vec!["db@b".to_owned()]));
    say(&b.session("db").await.owner, "all").await;
    let (replies, missing) = answers().await;
    assert_eq!((bodies(&replies), missing.len()), (vec!["orders", "all"], 0));
}
