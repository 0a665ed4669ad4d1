//! The shared state: versions, compare-and-swap, expiry, prefixes.

use super::{open, registration, session};
use crate::session::Owner;
use crate::store::{ByOwner, Store, hash_of};
use c2c_proto::id::new_call_key;
use c2c_proto::request::{DeleteState, ListState, Prune, SetState};
use c2c_proto::response::StateSet;
use c2c_proto::{Error, ErrorCode};

fn set_request(key: &str, value: &str, if_version: Option<i64>, ttl_ms: Option<u64>) -> SetState {
    SetState { state_key: key.into(), value: value.into(), if_version, ttl_ms, key: new_call_key() }
}

fn delete_request(key: &str, if_version: Option<i64>) -> DeleteState {
    DeleteState { state_key: key.into(), if_version, key: new_call_key() }
}

async fn set(store: &Store, owner: &Owner, request: SetState) -> Result<StateSet, Error> {
    let hash = hash_of(&request);
    store.set_state(ByOwner { owner: owner.clone(), request, hash }).await
}

#[tokio::test]
async fn versions_grow_over_all_keys_and_never_repeat() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let one = set(&opened.store, &a.owner, set_request("k", "1", None, None)).await.unwrap();
    let two = set(&opened.store, &a.owner, set_request("other", "1", None, None)).await.unwrap();
    assert!(two.version > one.version);
    let request = delete_request("other", Some(two.version));
    let hash = hash_of(&request);
    let deleted = opened.store.delete_state(ByOwner { owner: a.owner.clone(), request, hash }).await.unwrap();
    assert!(deleted.deleted);
    drop(a);
    let opened = opened.again().await;
    let a = session(&opened.store, "/p/a").await;
    let three = set(&opened.store, &a.owner, set_request("other", "2", Some(0), None)).await.unwrap();
    assert!(three.version > two.version);
}

#[tokio::test]
async fn a_version_whose_entry_went_in_the_same_batch_is_not_given_out_again() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let request = delete_request("k", None);
    let hash = hash_of(&request);
    // Both are queued before the writer looks.
    let (one, gone) = tokio::join!(
        set(&opened.store, &a.owner, set_request("k", "1", None, None)),
        opened.store.delete_state(ByOwner { owner: a.owner.clone(), request, hash }),
    );
    assert!(gone.unwrap().deleted);
    drop(a);
    let opened = opened.again().await;
    let a = session(&opened.store, "/p/a").await;
    let two = set(&opened.store, &a.owner, set_request("k", "2", Some(0), None)).await.unwrap();
    assert!(two.version > one.unwrap().version);
}

#[tokio::test]
async fn a_conflict_says_what_can_be_done() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let request = delete_request("k", Some(7));
    let hash = hash_of(&request);
    let owner = a.owner.clone();
    let error = opened.store.delete_state(ByOwner { owner, request, hash }).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.hint.contains("nothing to delete") && !error.hint.contains("if_version=0"), "{error:?}");
    let error = set(&opened.store, &a.owner, set_request("k", "1", Some(7), None)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.hint.contains("if_version=0"), "{error:?}");
}

#[tokio::test]
async fn of_many_that_want_a_lease_one_gets_it() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let lease = || set(&opened.store, &a.owner, set_request("lease", "{}", Some(0), Some(3_600_000)));
    let (one, two, three) = tokio::join!(lease(), lease(), lease());
    let results = [one, two, three];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for conflict in results.into_iter().filter_map(Result::err) {
        assert_eq!(conflict.code, ErrorCode::Conflict);
        assert!(conflict.message.contains("set by \"a\""), "{conflict}");
    }
}

#[tokio::test]
async fn a_repeated_set_is_not_a_conflict_with_itself() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let request = set_request("k", "1", Some(0), None);
    let first = set(&opened.store, &a.owner, request.clone()).await.unwrap();
    assert_eq!(set(&opened.store, &a.owner, request).await.unwrap(), first);
}

#[tokio::test]
async fn a_prefix_is_a_prefix() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    for key in ["a%b", "a_c", "axb", "ä", "b"] {
        set(&opened.store, &a.owner, set_request(key, "\"v\"", None, None)).await.unwrap();
    }
    let long = format!("\"{}\"", "x".repeat(2_001));
    set(&opened.store, &a.owner, set_request("a%long", &long, None, None)).await.unwrap();
    let keys = async |prefix: &str| {
        let ask = ListState { prefix: prefix.into(), after_key: None };
        let states = opened.store.list_state(&ask).await.unwrap();
        states.entries.iter().map(|entry| entry.state_key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(keys("a%").await, ["a%b", "a%long"]);
    assert_eq!(keys("a_").await, ["a_c"]);
    assert_eq!(keys("ä").await, ["ä"]);
    assert_eq!(keys("").await.len(), 6);
    let listed = opened.store.list_state(&ListState { prefix: "a%l".into(), after_key: None }).await.unwrap();
    assert_eq!((listed.entries[0].value.as_deref(), listed.entries[0].value_chars), (None, 2_003));
}

#[tokio::test]
async fn prune_leaves_a_row_that_lost_its_name_a_moment_ago() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let b = session(&opened.store, "/p/b").await;
    let named = opened.store.register(registration(Some(&b.owner), "a")).await.unwrap();
    assert_eq!(named.displaced_row, Some(a.owner.row));
    drop(a);
    let request = Prune { older_than_days: 0, key: new_call_key() };
    let hash = hash_of(&request);
    let pruned = opened.store.prune(ByOwner { owner: named.owner, request, hash }).await.unwrap();
    assert_eq!(pruned.sessions_deleted, 0);
}
