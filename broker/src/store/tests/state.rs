//! The shared state: versions, compare-and-swap, expiry, prefixes.

use super::{open, session};
use crate::session::Owner;
use crate::store::{ByOwner, Store, hash_of};
use c2c_proto::id::new_call_key;
use c2c_proto::request::{DeleteState, ListState, SetState};
use c2c_proto::response::StateSet;
use c2c_proto::{Error, ErrorCode};

fn set_request(key: &str, value: &str, if_version: Option<i64>, ttl_ms: Option<u64>) -> SetState {
    SetState { state_key: key.into(), value: value.into(), if_version, ttl_ms, key: new_call_key() }
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
    let request =
        DeleteState { state_key: "other".into(), if_version: Some(two.version), key: new_call_key() };
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
