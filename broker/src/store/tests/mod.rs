//! Store-level tests, each against a real file in a folder of its own.

mod clock;
mod commits;
mod kills;
mod late_index;
mod link;
mod link_expiring;
mod link_renamed;
mod messages;
mod names;
mod opening;
mod person;
mod plans;
mod prunes;
mod schemas;
mod seed;
mod seed_odd;
mod seed_safety;
mod seed_server;
mod shared;
mod state;

use super::{ByOwner, NewMessage, Registration, Store, Stored, hash_of};
use crate::clock::Clock;
use crate::config::Config;
use crate::session::{Attached, ConnId, NameFollower, Owner, Row};
use crate::shutdown::Shutdown;
use crate::stats::Stats;
use crate::store::GreetingKind;
use c2c_proto::Error;
use c2c_proto::hello::{Identity, SessionState};
use c2c_proto::id::new_call_key;
use c2c_proto::message::{Priority, To};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{MarkRead, Register, Send};
use c2c_proto::response::Marked;
use std::sync::Arc;
use tempfile::TempDir;

/// Follows nothing: these tests hold the guards that they are answered with.
#[derive(Debug)]
struct Nobody {}

impl NameFollower for Nobody {
    fn attached(&self, _: ConnId, _: &Attached<'_>) {}
    fn superseded(&self, _: Row, _: &SessionState) {}
}

/// A store in a folder that goes with it.
struct Opened {
    store: Store,
    paths: StorePaths,
    folder: TempDir,
}

async fn open() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
    std::fs::create_dir_all(&paths.run_dir).unwrap();
    let store = try_open(&paths, &Config::default()).await.unwrap();
    Opened { store, paths, folder }
}

async fn try_open(paths: &StorePaths, config: &Config) -> Result<Store, Error> {
    let (clock, stats, shutdown) = (Clock::system(), Arc::new(Stats::default()), Shutdown::new());
    Store::open(paths, config, &clock, &stats, &shutdown, Arc::new(Nobody {})).await
}

impl Opened {
    /// Closes the store and opens it again, as the next broker would.
    async fn again(self) -> Self {
        self.store.close().await;
        let store = try_open(&self.paths, &Config::default()).await.unwrap();
        Self { store, ..self }
    }
}

fn identity(folder: &str) -> Identity {
    Identity {
        key: new_call_key(),
        automatic: true,
        // Of a process that has not ended, as far as anybody can tell.
        parent: "test".into(),
        project_dir: folder.into(),
        cwd: folder.into(),
        client: "test 1".into(),
        ..Identity::default()
    }
}

/// A connected session: dropping it takes it offline.
struct Session {
    owner: Owner,
    _online: super::OnlineGuard,
}

async fn session(store: &Store, folder: &str) -> Session {
    let greeted = store.greet(1, identity(folder), GreetingKind::Session).await.unwrap().unwrap();
    Session { owner: greeted.owner, _online: greeted.online.unwrap() }
}

fn registration(owner: Option<&Owner>, name: &str) -> Registration {
    let request = Register { name: name.into(), metadata: None, key: new_call_key() };
    let hash = hash_of(&request);
    Registration {
        conn: 1,
        row: owner.map(|owner| owner.row),
        identity: identity("/elsewhere"),
        request,
        hash,
    }
}

fn to(names: &[&str]) -> Option<To> {
    Some(match names {
        ["*"] => To::Everyone,
        [name] => To::One((*name).into()),
        names => To::Many(names.iter().map(|name| (*name).to_owned()).collect()),
    })
}

fn message(from: &Owner, to: Option<To>, body: &str) -> NewMessage {
    let request = Send {
        to,
        body: body.into(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key: new_call_key(),
    };
    let hash = hash_of(&request);
    NewMessage { sender: from.clone(), request, question: false, expires_in_ms: None, hash }
}

async fn send(store: &Store, from: &Owner, names: &[&str], body: &str) -> Stored {
    store.send(message(from, to(names), body)).await.unwrap()
}

async fn mark(store: &Store, owner: &Owner, ids: &[i64]) -> Marked {
    let request = MarkRead { message_ids: ids.to_vec(), key: new_call_key() };
    let hash = hash_of(&request);
    store.mark_read(ByOwner { owner: owner.clone(), request, hash }).await.unwrap()
}
