//! Names: who gets which without asking, who loses one, what comes along.

use super::{identity, open, registration, send, session};
use crate::store::{Greeted, Store};
use c2c_proto::ErrorCode;
use c2c_proto::hello::Identity;
use c2c_proto::request::{Filter, Inbox};

async fn greet(store: &Store, identity: Identity) -> Greeted {
    store.greet(identity).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_folder_gives_the_name_and_a_live_holder_keeps_it() {
    let opened = open().await;
    let first = session(&opened.store, "/home/me/my api").await;
    assert_eq!(first.owner.name, "my-api");
    let second = session(&opened.store, "/home/me/my api").await;
    assert_eq!(second.owner.name, "my-api-2");
    let other_folder = session(&opened.store, "/elsewhere/My-API").await;
    assert_eq!(other_folder.owner.name, "My-API-3");
    drop(first);
    opened.store.flush().await.unwrap();
    // An offline row of the same folder gives way, one of another folder does not.
    let elsewhere = session(&opened.store, "/elsewhere/my api").await;
    assert_eq!(elsewhere.owner.name, "my-api-4");
    let greeted = greet(&opened.store, identity("/home/me/my api")).await;
    assert_eq!(greeted.owner.name, "my-api");
    let displaced = greeted.displaced.unwrap();
    assert!(displaced.name.starts_with("my-api-stale-") && !displaced.online, "{displaced:?}");
}

#[tokio::test]
async fn a_client_session_gets_its_name_back_and_two_of_its_servers_are_one() {
    let opened = open().await;
    let claude = Identity { client_session: Some("s1".into()), ..identity("/p/api") };
    let first = greet(&opened.store, claude.clone()).await;
    let twin = greet(&opened.store, Identity { key: "other".into(), ..claude.clone() }).await;
    assert_eq!(first.owner, twin.owner);
    let fork = Identity { key: "fork".into(), parent: "2:2".into(), ..claude.clone() };
    let fork = greet(&opened.store, fork).await;
    assert_eq!(fork.owner.name, "api-2");
    drop((first.online, twin.online, fork.online));
    opened.store.flush().await.unwrap();
    let taken = session(&opened.store, "/p/else").await;
    let resumed =
        Identity { key: "r".into(), parent: "3:3".into(), project_dir: "/p/moved".into(), ..claude };
    assert_eq!(greet(&opened.store, resumed).await.owner.name, "api-2");
    drop(taken);
}

#[tokio::test]
async fn a_hello_that_is_repeated_gets_its_row_back() {
    let opened = open().await;
    let shim = identity("/p/api");
    let first = greet(&opened.store, shim.clone()).await;
    let again = greet(&opened.store, shim.clone()).await;
    assert_eq!(first.owner.row, again.owner.row);
    let known = Identity { session_id: Some(first.owner.session_id.clone()), key: "new".into(), ..shim };
    assert_eq!(greet(&opened.store, known).await.owner.row, first.owner.row);
}

#[tokio::test]
async fn the_last_to_register_a_name_wins_and_gets_its_unread_mail() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let id = send(&opened.store, &b.owner, &["a"], "for whoever is a").await.id;
    let named = opened.store.register(registration(Some(&b.owner), "A")).await.unwrap();
    assert_eq!(named.displaced_row, Some(a.owner.row));
    let superseded = named.answer.superseded.unwrap();
    assert!(superseded.online && superseded.name.starts_with("a-stale-"));
    assert_eq!(named.owner.row, b.owner.row);
    assert_eq!(opened.store.mail("a").unread, 1);
    // The one that lost it is told so when it comes back, and starts anew under another name.
    let back = Identity { session_id: Some(a.owner.session_id.clone()), ..identity("/p/a") };
    let back = greet(&opened.store, back).await;
    assert!(back.superseded && back.online.is_none());
    let anew = opened.store.register(registration(Some(&a.owner), "a2")).await.unwrap();
    assert_ne!(anew.owner.row, a.owner.row);
    let all = Inbox {
        sent: false,
        unread_only: false,
        filter: Filter::default(),
        query: None,
        before_id: None,
        after_id: None,
        limit: 20,
    };
    assert_eq!(opened.store.list_messages(&anew.owner, &all).await.unwrap().messages.len(), 0);
    let mail = opened.store.list_messages(&named.owner, &all).await.unwrap().messages;
    assert_eq!(mail[0].id, id);
}

#[tokio::test]
async fn a_new_name_brings_along_the_mail_that_came_under_the_old_one() {
    let opened = open().await;
    let sender = session(&opened.store, "/p/sender").await;
    let early = send(&opened.store, &sender.owner, &["repo"], "before anybody was repo").await.id;
    let repo = session(&opened.store, "/p/repo").await;
    let during = send(&opened.store, &sender.owner, &["repo", "local"], "while it was repo").await;
    let only_repo = send(&opened.store, &sender.owner, &["repo"], "only repo").await;
    let named = opened.store.register(registration(Some(&repo.owner), "local")).await.unwrap();
    assert_eq!(named.owner.row, repo.owner.row);
    assert_eq!(opened.store.mail("local").unread, 2, "{} and {}", during.id, only_repo.id);
    assert_eq!(opened.store.mail("repo").unread, 2, "{early} and the copy for repo stay");
}

#[tokio::test]
async fn a_name_that_breaks_the_rule_is_refused_unless_the_store_knows_it() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let refused = opened.store.register(registration(Some(&a.owner), "my name")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
    send(&opened.store, &a.owner, &["my name"], "from an old store").await;
    let b = session(&opened.store, "/p/b").await;
    let named = opened.store.register(registration(Some(&b.owner), "my name")).await.unwrap();
    assert_eq!(opened.store.mail(&named.owner.mailbox).unread, 1);
}

#[tokio::test]
async fn a_repeated_registration_gets_the_first_answer() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let first = registration(Some(&a.owner), "x");
    let mut again = registration(None, "x");
    again.request.key.clone_from(&first.request.key);
    again.hash.clone_from(&first.hash);
    let first = opened.store.register(first).await.unwrap();
    let again = opened.store.register(again).await.unwrap();
    assert_eq!(first.answer, again.answer);
    assert_eq!(first.owner, again.owner);
}
