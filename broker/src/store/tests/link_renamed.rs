//! Mail of another node whose reader takes another name meanwhile.

use super::link::node;
use super::{message, registration, send};
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
