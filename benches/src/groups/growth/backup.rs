//! How long a send takes while a backup of the store is made, and that nothing is lost by it: the copy has every message that was
//! answered before the backup began, and the store every one that was answered at all.

use super::store::Kind;
use super::{GROUP, at};
use crate::report::{Figure, Target};
use crate::samples::Samples;
use crate::socket::{Socket, message};
use crate::world::World;
use c2c_proto::hello::Role;
use c2c_proto::message::To;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Backup, Request, Status};
use c2c_proto::response::{BackedUp, Response};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Clients that send one message after the other.
const SENDERS: usize = 8;
/// How long they send before the backup begins.
const BEFORE: Duration = Duration::from_secs(2);
/// No send may be held up for longer.
const SEND_WITHIN_MS: f64 = 100.0;
/// By then the broker has counted anew.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);
/// Far longer than any takes.
const TIMEOUT_MS: u64 = 600_000;

/// On a copy of the store in this file.
pub(super) fn run(kind: Kind, file: &Path, bounded: bool) -> Vec<Figure> {
    let world = World::copy_of(file, "");
    // The copy that is measured on was written a moment ago; the disk is to be done with that.
    let store = std::fs::OpenOptions::new().write(true).open(&world.paths().store).expect("the copy");
    store.sync_all().expect("the copy is flushed");
    drop(store);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, measured(&world, kind, bounded))
}

async fn measured(world: &World, kind: Kind, bounded: bool) -> Vec<Figure> {
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
    let copy = backup(&mut person, world).await;
    let took = began.elapsed();
    phase.set(Phase::Over);
    let (mut before, mut during, mut sent) = (Samples::default(), Samples::default(), 0);
    for sender in senders {
        let mine = sender.await.expect("a sender ends by itself");
        mine.before.into_iter().for_each(|time| before.add_ms(time));
        mine.during.into_iter().for_each(|time| during.add_ms(time));
        sent += mine.sent;
    }
    assert!(copy.messages >= there, "{} of {there} messages are in the copy", copy.messages);
    let at_first = there_at_first(kind);
    // Of a large store the status tells how many there were a moment ago.
    let deadline = Instant::now() + COUNTED_WITHIN;
    while messages(&mut person).await != at_first + sent {
        assert!(Instant::now() < deadline, "not all of {sent} messages that were answered are there");
    }
    let (before, during) = (before.summary(), during.summary());
    let setting = format!("{}, {SENDERS} clients", kind.name());
    let greatest =
        Figure::value(GROUP, "send_message during a backup, the longest of all", &setting, "ms", during.max)
            .beside("the longest before it", before.max);
    let greatest = if bounded { greatest.to_reach(Target::AtMost(SEND_WITHIN_MS)) } else { greatest };
    vec![
        at(Figure::value(GROUP, "a backup, under load", &setting, "s", took.as_secs_f64()), kind),
        Figure::samples(GROUP, "send_message during a backup", &setting, "ms", during)
            .beside("before it", before.p50),
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
