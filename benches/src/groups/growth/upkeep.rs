//! How long a send takes while a backup of the store is made, or while it is pruned, and that nothing is lost by it: the copy has
//! every message that was answered before the backup began, and the store every one that was answered at all, but those that were pruned.

use super::store::Kind;
use super::{GROUP, at};
use crate::report::{Figure, Target};
use crate::samples::Samples;
use crate::socket::{Socket, message};
use crate::world::World;
use c2c_proto::hello::Role;
use c2c_proto::id::new_call_key;
use c2c_proto::message::To;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Backup, Prune, Request, Status};
use c2c_proto::response::{BackedUp, Pruned, Response};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What is done meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    /// A copy is made.
    Backup,
    /// What is read is deleted.
    Prune,
}

impl Upkeep {
    pub(super) const ALL: [Self; 2] = [Self::Backup, Self::Prune];

    /// As it stands in the tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Backup => "a backup",
            Self::Prune => "a prune",
        }
    }
}

/// Clients that send one message after the other.
const SENDERS: usize = 8;
/// How long they send before it begins.
const BEFORE: Duration = Duration::from_secs(2);
/// No send may be held up by a backup for longer.
const SEND_WITHIN_MS: f64 = 100.0;
/// By then the broker has counted anew.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);
/// Far longer than any takes.
const TIMEOUT_MS: u64 = 600_000;

/// On a copy of the store in this file.
pub(super) fn run(upkeep: Upkeep, kind: Kind, file: &Path, bounded: bool) -> Vec<Figure> {
    let world = World::copy_of(file, "");
    // The copy that is measured on was written a moment ago; the disk is to be done with that.
    let store = std::fs::OpenOptions::new().write(true).open(&world.paths().store).expect("the copy");
    store.sync_all().expect("the copy is flushed");
    drop(store);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, measured(upkeep, &world, kind, bounded))
}

async fn measured(upkeep: Upkeep, world: &World, kind: Kind, bounded: bool) -> Vec<Figure> {
    let paths = world.paths().clone();
    let phase = Rc::new(Cell::new(Phase::Before));
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| tokio::task::spawn_local(send(paths.clone(), number, Rc::clone(&phase))))
        .collect();
    tokio::time::sleep(BEFORE).await;
    let mut person = Socket::connect(&paths, Role::Control).await;
    let there = messages(&mut person).await;
    phase.set(Phase::During);
    let began = Instant::now();
    let deleted = match upkeep {
        Upkeep::Backup => {
            let copy = backup(&mut person, world).await;
            assert!(copy.messages >= there, "{} of {there} messages are in the copy", copy.messages);
            0
        }
        Upkeep::Prune => prune(&paths).await,
    };
    let took = began.elapsed();
    phase.set(Phase::Over);
    let (mut before, mut during, mut sent) = (Samples::default(), Samples::default(), 0);
    for sender in senders {
        let mine = sender.await.expect("a sender ends by itself");
        mine.before.into_iter().for_each(|time| before.add_ms(time));
        mine.during.into_iter().for_each(|time| during.add_ms(time));
        sent += mine.sent;
    }
    let at_first = there_at_first(kind);
    // Of a large store the status tells how many there were a moment ago.
    let deadline = Instant::now() + COUNTED_WITHIN;
    while messages(&mut person).await != at_first + sent - deleted {
        assert!(Instant::now() < deadline, "not all of {sent} messages that were answered are there");
    }
    let (before, during) = (before.summary(), during.summary());
    let setting = format!("{}, {SENDERS} clients", kind.name());
    let (whole, sends) =
        (format!("{}, under load", upkeep.name()), format!("send_message during {}", upkeep.name()));
    let greatest = Figure::value(GROUP, &format!("{sends}, the longest of all"), &setting, "ms", during.max)
        .beside("the longest before it", before.max);
    let bounded = bounded && upkeep == Upkeep::Backup;
    let greatest = if bounded { greatest.to_reach(Target::AtMost(SEND_WITHIN_MS)) } else { greatest };
    vec![
        at(Figure::value(GROUP, &whole, &setting, "s", took.as_secs_f64()), kind),
        Figure::samples(GROUP, &sends, &setting, "ms", during).beside("before it", before.p50),
        greatest,
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    During,
    Over,
}

#[derive(Debug, Default)]
struct Sent {
    before: Vec<Duration>,
    during: Vec<Duration>,
    sent: u64,
}

async fn send(paths: StorePaths, number: usize, phase: Rc<Cell<Phase>>) -> Sent {
    let mut socket = Socket::session(&paths, &format!("sender-{number}")).await;
    let mut mine = Sent::default();
    while phase.get() != Phase::Over {
        let now = phase.get();
        let began = Instant::now();
        let answer = socket.call(message(To::One(format!("receiver-{number}")), &"x".repeat(200))).await;
        let took = began.elapsed();
        assert!(matches!(answer, Response::Sent(_)), "{answer:?}");
        mine.sent += 1;
        match now {
            Phase::Before => mine.before.push(took),
            Phase::During | Phase::Over => mine.during.push(took),
        }
    }
    mine
}

async fn backup(person: &mut Socket, world: &World) -> BackedUp {
    let path = world.sandbox().dir().join("copy.db").display().to_string();
    match person.call(Request::Backup(Backup { path, timeout_ms: TIMEOUT_MS })).await {
        Response::BackedUp(made) => made,
        other => panic!("no backup: {other:?}"),
    }
}

/// How many messages went.
async fn prune(paths: &StorePaths) -> u64 {
    let mut session = Socket::session(paths, "pruner").await;
    let request = Prune { older_than_days: 0, key: new_call_key() };
    match session.call(Request::Prune(request)).await {
        Response::Pruned(Pruned { messages_deleted, .. }) if messages_deleted > 0 => messages_deleted,
        other => panic!("nothing was pruned: {other:?}"),
    }
}

async fn messages(person: &mut Socket) -> u64 {
    match person.call(Request::Status(Status {})).await {
        Response::Status(status) => status.messages,
        other => panic!("no status: {other:?}"),
    }
}

const fn there_at_first(kind: Kind) -> u64 {
    match kind {
        Kind::History(messages) | Kind::Unread(messages) => messages as u64,
    }
}
