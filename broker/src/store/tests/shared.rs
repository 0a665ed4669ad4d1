//! The copy of the state that all machines share, as links tell it.

use super::seed::made;
use super::{Opened, open, session, try_open};
use crate::config::Config;
use crate::store::{ByOwner, Kept, hash_of};
use c2c_proto::ErrorCode;
use c2c_proto::id::new_call_key;
use c2c_proto::request::{KeyRange, LinkShared, ListState, Prune, SharedEntry};
use c2c_proto::time::Timestamp;
use sqlx::sqlite::SqliteJournalMode;

fn entry(key: &str, value: Option<&str>, version: i64, ttl_ms: Option<u64>) -> SharedEntry {
    SharedEntry {
        state_key: key.to_owned(),
        value: value.map(str::to_owned),
        version,
        updated_at: Timestamp(1),
        updated_by: "api@laptop".to_owned(),
        ttl_ms,
    }
}

async fn tell(opened: &Opened, entries: Vec<SharedEntry>) -> Vec<String> {
    let told = LinkShared { range: None, entries, current: false };
    opened.store.tell_shared(told).await.unwrap()
}

async fn tell_range(
    opened: &Opened,
    after: &str,
    up_to: Option<&str>,
    entries: Vec<SharedEntry>,
) -> Vec<String> {
    let range = KeyRange { after: after.to_owned(), up_to: up_to.map(str::to_owned) };
    let told = LinkShared { range: Some(range), entries, current: up_to.is_none() };
    opened.store.tell_shared(told).await.unwrap()
}

async fn all(opened: &Opened) -> Vec<(String, String, i64)> {
    let ask = ListState { prefix: String::new(), after_key: None };
    let entries = opened.store.list_state(&ask).await.unwrap().entries;
    entries.into_iter().map(|entry| (entry.state_key, entry.value.unwrap(), entry.version)).collect()
}

fn owned(entries: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    entries.iter().map(|(key, value, version)| ((*key).to_owned(), (*value).to_owned(), *version)).collect()
}

#[tokio::test]
async fn what_is_older_than_what_is_known_changes_nothing() {
    let opened = open().await;
    assert_eq!(tell(&opened, vec![entry("global:a", Some("1"), 5, None)]).await, ["global:a"]);
    for old in [entry("global:a", Some("0"), 4, None), entry("global:a", Some("1"), 5, None)] {
        assert_eq!(tell(&opened, vec![old]).await, Vec::<String>::new());
    }
    assert_eq!(tell(&opened, vec![entry("global:a", None, 3, None)]).await, Vec::<String>::new());
    assert_eq!(all(&opened).await, owned(&[("global:a", "1", 5)]));
    assert_eq!(tell(&opened, vec![entry("global:a", None, 6, None)]).await, ["global:a"]);
    // Nothing but what is shared is a link's to tell.
    assert_eq!(tell(&opened, vec![entry("mine", Some("1"), 9, None)]).await, Vec::<String>::new());
    assert_eq!(all(&opened).await, []);
}

#[tokio::test]
async fn a_range_is_all_that_there_is_between_its_keys() {
    let opened = open().await;
    let keys = ["global:a", "global:b", "global:c", "global:d"];
    tell(&opened, keys.map(|key| entry(key, Some("1"), 5, None)).to_vec()).await;
    let middle = vec![entry("global:c", Some("2"), 2, None)];
    assert_eq!(tell_range(&opened, "global:a", Some("global:c"), middle).await, ["global:b", "global:c"]);
    assert_eq!(
        all(&opened).await,
        owned(&[("global:a", "1", 5), ("global:c", "2", 2), ("global:d", "1", 5)]),
        "a server that began anew has lower versions"
    );
    assert_eq!(opened.store.shared_as_of().await.unwrap(), None);
    assert_eq!(tell_range(&opened, "", None, Vec::new()).await, ["global:a", "global:c", "global:d"]);
    assert!(opened.store.shared_as_of().await.unwrap().is_some());
    let opened = opened.again().await;
    assert!(opened.store.shared_as_of().await.unwrap().is_some(), "the next broker knows it, too");
}

#[tokio::test]
async fn an_entry_expires_by_the_time_since_it_was_seen_and_stays_for_who_decides() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let lease = || entry("global:lease", Some("1"), 5, Some(10_000));
    tell(&opened, vec![lease()]).await;
    let until = opened.store.get_state("global:lease").await.unwrap().unwrap().expires_at;
    // Told again, now or by the next link: it does not begin anew.
    opened.store.shared.clock.set_by_s(5);
    tell(&opened, vec![lease()]).await;
    tell_range(&opened, "", None, vec![lease()]).await;
    assert_eq!(opened.store.get_state("global:lease").await.unwrap().unwrap().expires_at, until);
    assert_eq!(opened.store.expired_version("global:lease").await.unwrap(), None);
    opened.store.shared.clock.set_by_s(11);
    assert_eq!(opened.store.get_state("global:lease").await.unwrap(), None);
    let request = Prune { older_than_days: 0, key: new_call_key() };
    let hash = hash_of(&request);
    let pruned = opened.store.prune(ByOwner { owner: a.owner.clone(), request, hash }).await.unwrap();
    assert_eq!(pruned.state_deleted, 0);
    assert_eq!(opened.store.expired_version("global:lease").await.unwrap(), Some(5));
}

#[tokio::test]
async fn the_answer_to_a_change_is_kept_and_another_call_cannot_have_it() {
    let opened = open().await;
    let a = session(&opened.store, "/p/a").await;
    let kept = Kept { row: a.owner.row, key: "key".to_owned(), hash: "hash".to_owned() };
    assert_eq!(opened.store.earlier_answer(&kept).await.unwrap(), None);
    opened.store.keep_answer(kept.clone(), "{}".to_owned()).await.unwrap();
    assert_eq!(opened.store.earlier_answer(&kept).await.unwrap().as_deref(), Some("{}"));
    let other = Kept { hash: "other".to_owned(), ..kept };
    assert_eq!(opened.store.earlier_answer(&other).await.unwrap_err().code, ErrorCode::Conflict);
}

#[tokio::test]
async fn what_a_machine_had_under_such_a_key_is_still_there_under_another() {
    let old = include_str!("fixtures/schema-4.sql");
    let had = "INSERT INTO state VALUES ('global:mine', '7', 9, 1, 'a', NULL);";
    let made = made(&[old, had], SqliteJournalMode::Wal).await;
    let store = try_open(&made.paths, &Config::default()).await.unwrap();
    let opened = Opened { store, paths: made.paths.clone(), folder: made.folder };
    assert_eq!(opened.store.get_state("global:mine").await.unwrap(), None);
    let entry = opened.store.get_state("local-global:mine").await.unwrap().unwrap();
    assert_eq!((entry.value.as_deref(), entry.version), (Some("7"), 9));
}
