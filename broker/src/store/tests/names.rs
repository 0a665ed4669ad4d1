//! Names: who gets which without asking, who loses one, what comes along.

use super::messages::{inbox, list, shown};
use super::{identity, message, open, registration, send, session};
use crate::session::Owner;
use crate::store::GreetingKind;
use crate::store::{Greeted, Store};
use c2c_proto::ErrorCode;
use c2c_proto::frame::MailCount;
use c2c_proto::hello::Identity;
use c2c_proto::request::{Filter, Inbox};

async fn greet(store: &Store, identity: Identity) -> Greeted {
    store.greet(1, identity, GreetingKind::Session).await.unwrap().unwrap()
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

#[tokio::test]
async fn repeating_a_registration_does_not_win_a_lost_name_back() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let first = registration(Some(&a.owner), "x");
    let mut again = registration(Some(&a.owner), "x");
    again.request.key.clone_from(&first.request.key);
    again.hash.clone_from(&first.hash);
    opened.store.register(first).await.unwrap();
    opened.store.register(registration(Some(&b.owner), "x")).await.unwrap();
    let refused = opened.store.register(again).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Superseded);
    assert!(refused.message.contains("\"x\""), "{refused}");
}

#[tokio::test]
async fn two_unregistered_sessions_do_not_share_a_models_key() {
    let opened = open().await;
    let mut one = registration(None, "one");
    one.request.key = "model:reg".into();
    let mut other = registration(None, "other");
    other.request.key = "model:reg".into();
    let one = opened.store.register(one).await.unwrap();
    let other = opened.store.register(other).await.unwrap();
    assert_ne!(one.owner.row, other.owner.row);
}

/// The process of this test, as a shim would describe it.
fn living_parent() -> String {
    c2c_proto::process::describe(std::process::id())
}

#[tokio::test]
async fn after_a_crash_a_name_is_held_for_a_client_that_still_runs_and_for_no_other() {
    let opened = open().await;
    let alive = Identity { parent: living_parent(), ..identity("/p/alive") };
    let dead = Identity { parent: "999999999:1".into(), ..identity("/p/dead") };
    let (alive, dead) = (greet(&opened.store, alive).await, greet(&opened.store, dead).await);
    // The guards are still there when the store is opened again: nobody went, the broker did.
    let opened = opened.again().await;
    drop((alive.online, dead.online));
    opened.store.flush().await.unwrap();
    assert_eq!(session(&opened.store, "/p/alive").await.owner.name, "alive-2");
    if cfg!(target_os = "linux") {
        let again = session(&opened.store, "/p/dead").await;
        assert_eq!(again.owner.name, "dead");
        let seen = opened.store.sessions(c2c_proto::time::Timestamp(0), "").await.unwrap().listed;
        assert!(seen.iter().any(|listed| listed.info.name == "alive" && opened.store.is_online(listed.row)));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_has_ended_gives_way_to_the_next_one_in_its_folder_before_its_shim_is_gone() {
    let opened = open().await;
    let dead = Identity { parent: "999999999:1".into(), ..identity("/p/api") };
    let dying = greet(&opened.store, dead).await;
    assert_eq!(session(&opened.store, "/other/api").await.owner.name, "api-2", "of another folder");
    let next = greet(&opened.store, Identity { parent: living_parent(), ..identity("/p/api") }).await;
    assert_eq!(next.owner.name, "api");
    assert_eq!((next.displaced_row, next.displaced.unwrap().online), (Some(dying.owner.row), true));
    assert_eq!(session(&opened.store, "/p/api").await.owner.name, "api-3", "that one lives");
}

#[tokio::test]
async fn a_held_name_goes_back_to_its_client_session_under_a_new_process() {
    let opened = open().await;
    let before = Identity { client_session: Some("s".into()), parent: living_parent(), ..identity("/p/api") };
    let first = greet(&opened.store, before.clone()).await;
    let opened = opened.again().await;
    drop(first.online);
    let resumed = Identity { key: "new".into(), parent: "2:2".into(), ..before };
    assert_eq!(greet(&opened.store, resumed).await.owner.row, first.owner.row);
}

#[tokio::test]
async fn a_broadcast_never_comes_back_to_whoever_sent_or_got_it_however_often_it_lost_its_name() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let thief = session(&opened.store, "/p/thief").await;
    send(&opened.store, &a.owner, &["*"], "mine").await;
    send(&opened.store, &thief.owner, &["*"], "got it").await;
    let mut owner = a.owner.clone();
    for name in ["a2", "a3", "a4"] {
        opened.store.register(registration(Some(&thief.owner), &owner.name)).await.unwrap();
        owner = opened.store.register(registration(Some(&owner), name)).await.unwrap().owner;
        assert_eq!(opened.store.mail(name).unread, 0, "{name}");
    }
}

#[tokio::test]
async fn a_session_that_just_went_gives_way_though_the_store_is_told_in_the_same_batch() {
    let opened = open().await;
    for _ in 0..20 {
        let gone = session(&opened.store, "/p/api").await;
        assert_eq!(gone.owner.name, "api");
        // Both are queued before the writer takes either.
        drop(gone);
    }
}

#[tokio::test]
async fn what_an_earlier_holder_answers_was_new_to_the_one_who_has_the_name_now() {
    let opened = open().await;
    let store = &opened.store;
    let (sender, first) = (session(store, "/p/s").await.owner, session(store, "/p/first").await.owner);
    let took = async |owner: &Owner, name| store.register(registration(Some(owner), name)).await.unwrap();
    let early = send(store, &sender, &["old"], "before anybody had the name").await.id;
    let old = took(&first, "old").await.owner;
    shown(store, &old, &[early]).await;
    let renamed = took(&old, "next").await;
    let second = session(store, "/p/second").await.owner;
    let heir = took(&second, "old").await;
    send(store, &sender, &["old"], "after").await;
    assert_eq!(store.mail("old"), MailCount { unread: 2, new: 2 });
    let mut answer = message(&renamed.owner, None, "answered");
    answer.request.reply_to = Some(early);
    store.send(answer).await.unwrap();
    assert_eq!(store.mail("old"), MailCount { unread: 1, new: 1 });
    let after = list(store, &heir.owner, inbox()).await[0].id;
    shown(store, &heir.owner, &[after]).await;
    assert_eq!(store.mail("old"), MailCount { unread: 1, new: 0 });
}
