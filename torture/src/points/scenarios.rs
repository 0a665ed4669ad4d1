//! What the broker does while it is killed. One entry each, short enough that every call in it can be a point.

use super::dump::Dump;
use super::handover::{give_way, incumbent, take_over};
use super::world::{Gone, NAMES, World, many, message, reply};
use super::{fold, full_log, old};
use crate::trace::Traced;
use c2c_harness::{PATIENCE, Signal, pause, signal};
use c2c_proto::id::new_call_key;
use c2c_proto::message::To;
use c2c_proto::request::{DeleteState, MarkRead, Request, SetState};
use std::path::Path;
use std::time::Duration;

/// How the broker of the preparation leaves its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// There never was one.
    Nothing,
    /// It ended in order.
    Clean,
    /// It was killed: everything is in the log.
    Killed,
}

/// One thing that a broker does.
#[derive(Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// What is in the store before.
    pub prepare: fn(&mut World) -> Result<(), Gone>,
    pub leave: Leave,
    /// Makes an old store instead; what a new one has to hold of it.
    pub made: Option<fn(&Path) -> Dump>,
    /// Done in each run before the traced broker starts.
    pub before: fn(&mut World),
    /// The traced broker's arguments.
    pub arguments: &'static [&'static str],
    /// Whether its start belongs to it; else it is ready, and everybody connected, before the first point.
    pub start: bool,
    /// What happens, with a point before each of its calls.
    pub drive: fn(&mut World, &Traced) -> Result<(), Gone>,
}

/// What most of them have in common.
const USUAL: Scenario = Scenario {
    name: "",
    prepare: some_mail,
    leave: Leave::Clean,
    made: None,
    before: |_| {},
    arguments: &[],
    start: false,
    drive: |_, _| Ok(()),
};

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "start on nothing", leave: Leave::Nothing, start: true, drive: serve, ..USUAL },
    Scenario { name: "start on a store", start: true, drive: serve, ..USUAL },
    Scenario { name: "start after a kill", leave: Leave::Killed, start: true, drive: serve, ..USUAL },
    Scenario {
        name: "migration of 0.1.0",
        leave: Leave::Nothing,
        made: Some(old::seed),
        start: true,
        drive: serve,
        ..USUAL
    },
    Scenario {
        name: "migration of the first schema",
        leave: Leave::Nothing,
        made: Some(old::first_schema),
        start: true,
        drive: serve,
        ..USUAL
    },
    Scenario { name: "start with a full log", before: full_log::put, start: true, drive: serve, ..USUAL },
    Scenario { name: "sessions connect", drive: everybody_again, ..USUAL },
    Scenario { name: "send", drive: send, ..USUAL },
    Scenario { name: "broadcast", drive: broadcast, ..USUAL },
    Scenario { name: "send to a list", drive: list, ..USUAL },
    Scenario { name: "many at once", drive: at_once, ..USUAL },
    Scenario { name: "mark_read", drive: mark_read, ..USUAL },
    Scenario { name: "reply", drive: replies, ..USUAL },
    Scenario { name: "state", drive: state, ..USUAL },
    Scenario {
        name: "checkpoint when idle",
        prepare: long_log,
        leave: Leave::Killed,
        drive: checkpoint,
        ..USUAL
    },
    Scenario { name: "checkpoint at the end", prepare: long_log, leave: Leave::Killed, drive: end, ..USUAL },
    Scenario { name: "checkpoint under load", before: fold::grow, drive: fold::under_load, ..USUAL },
    Scenario { name: "shutdown", drive: end, ..USUAL },
    Scenario { name: "hand-over, the old one", arguments: &["--on-demand"], drive: give_way, ..USUAL },
    Scenario {
        name: "hand-over, the service",
        before: incumbent,
        arguments: &["--service"],
        start: true,
        drive: take_over,
        ..USUAL
    },
    Scenario { name: "the socket is gone", drive: bind_again, ..USUAL },
];

/// One recipient.
pub fn to(name: &str) -> To {
    To::One(name.to_owned())
}

/// Ten messages for bob, two of which he has read, and two entries of the state.
fn some_mail(world: &mut World) -> Result<(), Gone> {
    for number in 0..10 {
        world.call("alice", message(to("bob"), &format!("before, {number}")))?;
    }
    world.call("bob", marks(&[1, 2]))?;
    world.call("alice", set("kept", "\"old\""))?;
    world.call("carol", set("gone soon", "1"))?;
    // What is overwritten later is no part of the history.
    world.history.truncate(world.history.len() - 2);
    Ok(())
}

/// A log of more than 4 MiB is folded when nobody waits. This is less, by a few calls.
const ALMOST_FOLDED_BYTES: u64 = 4_050_000;

/// So much that the log is about to be folded, on few pages.
fn long_log(world: &mut World) -> Result<(), Gone> {
    some_mail(world)?;
    let log = world.sandbox.dir().join("c2c.db-wal");
    let is_long = || std::fs::metadata(&log).is_ok_and(|log| log.len() > ALMOST_FOLDED_BYTES);
    for number in (0..).take_while(|_| !is_long()) {
        world.call("alice", message(to("bob"), &format!("more, {number} {}", "x".repeat(1_500))))?;
        world.call("carol", set(&format!("entry {}", number % 5), &format!("\"{}\"", "y".repeat(3_000))))?;
        world.history.pop();
    }
    Ok(())
}

fn marks(ids: &[i64]) -> Request {
    Request::MarkRead(MarkRead { message_ids: ids.to_vec(), key: new_call_key() })
}

/// An entry of the state.
pub fn set(state_key: &str, value: &str) -> Request {
    let (state_key, value) = (state_key.to_owned(), value.to_owned());
    Request::SetState(SetState { state_key, value, if_version: None, ttl_ms: None, key: new_call_key() })
}

/// Until the first session is welcome.
fn serve(world: &mut World, traced: &Traced) -> Result<(), Gone> {
    world.until_serving(traced)?;
    world.connect("alice")?;
    world.call("alice", message(to("bob"), "the first"))
}

fn everybody_again(world: &mut World, _: &Traced) -> Result<(), Gone> {
    for _ in 0..2 {
        world.disconnect();
        world.connect_all()?;
    }
    Ok(())
}

fn send(world: &mut World, _: &Traced) -> Result<(), Gone> {
    for body in ["one", "two", "three", "four"] {
        world.call("alice", message(to("bob"), body))?;
    }
    world.call("bob", message(to("alice"), "back"))?;
    world.call("alice", message(to("bob"), &"a long one ".repeat(6_000)))
}

fn broadcast(world: &mut World, _: &Traced) -> Result<(), Gone> {
    for body in ["to all", "to all again", &"a long one to all ".repeat(2_000)] {
        world.call("alice", message(To::Everyone, body))?;
    }
    world.call("bob", message(To::Everyone, "from bob"))
}

fn list(world: &mut World, _: &Traced) -> Result<(), Gone> {
    for body in ["to three", "to three again", &"a long one to three ".repeat(2_000)] {
        world.call("alice", message(many(&["bob", "carol", "dave"]), body))?;
    }
    world.call("carol", message(many(&["bob", "erin"]), "to two"))
}

/// One transaction with changes of many kinds, thrice.
fn at_once(world: &mut World, _: &Traced) -> Result<(), Gone> {
    for round in 0..3_i64 {
        world.all(vec![
            ("alice", message(to("bob"), &format!("to bob, {round}"))),
            ("bob", marks(&[3 + 2 * round, 4 + 2 * round])),
            ("carol", message(To::Everyone, &format!("to all, {round}"))),
            ("dave", set(&format!("key {round}"), "[1, 2]")),
            ("erin", message(many(&["bob", "alice"]), &format!("to two, {round}"))),
        ])?;
    }
    Ok(())
}

fn mark_read(world: &mut World, _: &Traced) -> Result<(), Gone> {
    for ids in [&[3_i64][..], &[4, 5], &[6, 7, 8], &[9, 10]] {
        world.call("bob", marks(ids))?;
    }
    Ok(())
}

/// Each is a message and a mark in one.
fn replies(world: &mut World, _: &Traced) -> Result<(), Gone> {
    for original in 3..7 {
        world.call("bob", reply(original, &format!("about {original}")))?;
    }
    Ok(())
}

fn state(world: &mut World, _: &Traced) -> Result<(), Gone> {
    world.call("alice", set("kept", "\"new\""))?;
    world.call("alice", set("made", "{\"a\": [1, 2, 3]}"))?;
    let delete = DeleteState { state_key: "gone soon".to_owned(), if_version: None, key: new_call_key() };
    world.call("bob", Request::DeleteState(delete))?;
    let once = SetState {
        state_key: "lease".to_owned(),
        value: "\"mine\"".to_owned(),
        if_version: Some(0),
        ttl_ms: Some(3_600_000),
        key: new_call_key(),
    };
    world.call("carol", Request::SetState(once))?;
    world.call("dave", set("long", &format!("\"{}\"", "z".repeat(20_000))))
}

/// More than it takes; how many it does depends on how many pages a send writes.
const SENDS_TO_A_FOLD: usize = 150;

/// The last send makes the log long enough; it is folded when nobody waits any more.
fn checkpoint(world: &mut World, traced: &Traced) -> Result<(), Gone> {
    let folded =
        || traced.log().iter().filter(|call| call.name.ends_with("sync") && call.target == "c2c.db").count();
    for number in 0..SENDS_TO_A_FOLD {
        if folded() > 0 {
            break;
        }
        world.call("alice", message(to("bob"), &format!("one more, {number} {}", "x".repeat(9_000))))?;
    }
    c2c_harness::until("it is folded or gone", PATIENCE, || traced.over().is_some() || folded() > 0);
    if traced.over().is_some() { Err(Gone) } else { Ok(()) }
}

/// SIGTERM with calls on their way.
fn end(world: &mut World, traced: &Traced) -> Result<(), Gone> {
    world.call("alice", message(to("bob"), "just before"))?;
    signal(traced.id(), Signal::TERM);
    let _some_are_refused = world.all(vec![
        ("alice", message(to("bob"), "on its way")),
        ("bob", message(To::Everyone, "on its way to all")),
        ("carol", set("on its way", "1")),
    ]);
    let ended = traced.wait(PATIENCE);
    assert!(traced.struck() || ended == Some(Some(0)), "it ended with {ended:?}");
    Ok(())
}

/// The socket's file is deleted under it.
fn bind_again(world: &mut World, traced: &Traced) -> Result<(), Gone> {
    std::fs::remove_file(world.sandbox.paths().address.as_path()).expect("a socket");
    c2c_harness::until("it is back, or the broker gone", PATIENCE, || {
        // Looking more often would be a load of its own: the broker looks every 1.5 s.
        pause(Duration::from_millis(20));
        traced.over().is_some() || world.sandbox.paths().address.as_path().exists()
    });
    // The name is there a moment before somebody listens.
    let mut connected = Err(Gone);
    c2c_harness::until("it listens, or the broker is gone", PATIENCE, || {
        connected = world.connect(NAMES[0]);
        connected.is_ok() || traced.over().is_some()
    });
    connected?;
    world.call("alice", message(to("bob"), "through the new socket"))
}
