//! What must hold after a kill, whenever it came.
//!
//! First the files as they lie there, before any broker touches them; then through the product: a real shim starts the
//! next broker and its first call works, everything that was asked is asked again with its key, a real shim reads the
//! mail; then the files after an orderly end.

use super::dump::{self, Dump, There};
use super::full_log;
use super::given::is_backup;
use super::world::{Answer, NAMES, Op, World};
use c2c_harness::{PATIENCE, alive, signal, until};
use c2c_proto::ErrorCode;
use c2c_proto::message::To;
use c2c_proto::request::Request;
use c2c_proto::response::Response;
use serde_json::json;
use std::time::{Duration, Instant};

/// Checks everything; how long the first call after the kill took.
pub fn check(world: &mut World) -> Result<Duration, String> {
    world.disconnect();
    world.other_program = None;
    // With a second broker at work, the files are no still picture.
    let left = if world.other.is_some() { None } else { dump::of_copy(world.sandbox.dir())? };
    if world.other.is_none() {
        check_left(world, left.as_ref())?;
    }
    let took = next_call(world);
    repeat(world, left.as_ref())?;
    let seen = mail_of_bob(world)?;
    check_end(world, &seen)?;
    Ok(took)
}

/// Nothing that was acknowledged is missing, and nothing is there by half, before any broker mends anything.
fn check_left(world: &World, left: Option<&Dump>) -> Result<(), String> {
    let nothing = Dump::default();
    let left = left.unwrap_or(&nothing);
    for op in &world.history {
        match (&op.answer, left.holds(op)) {
            (_, There::Half(how)) => return Err(format!("{} is there by half: {how}", named(op))),
            (Answer::Done(_), There::Nothing) => {
                return Err(format!("{} was acknowledged and is lost", named(op)));
            }
            // That code alone says that it is not known.
            (Answer::Refused(error), There::Whole) if error.code != ErrorCode::StorageFailed => {
                return Err(format!("{} is there, but was refused: {error}", named(op)));
            }
            _ => {}
        }
    }
    if world.full_log {
        full_log::check_left(world)?;
    }
    if let Some(given) = &world.given {
        given.check_left(world.sandbox.dir(), left)?;
    }
    let was_there = |id| world.given.as_ref().is_some_and(|given| given.expected.message(id).is_some());
    let was_sent = |key| world.history.iter().any(|op| op.request.key() == Some(key));
    let strange = left.messages.iter().find(|message| !was_there(message.id) && !was_sent(&message.key));
    strange.map_or(Ok(()), |message| Err(format!("message {} was never sent", message.id)))
}

fn named(op: &Op) -> String {
    format!("{} by {}", op.request.kind(), op.who)
}

/// A session that knows nothing of what happened starts, and with it a broker if there is none.
fn next_call(world: &World) -> Duration {
    let began = Instant::now();
    let mut shim = world.sandbox.shim().name("frank").start();
    shim.ok("send_message", json!({"to": "grace", "body": "the next call"}));
    began.elapsed()
}

/// Every operation once more, with its key: the same answer if there was one, and each is done once.
fn repeat(world: &mut World, left: Option<&Dump>) -> Result<(), String> {
    world.connect_all().map_err(|_| "a session cannot come back".to_owned())?;
    let history = std::mem::take(&mut world.history);
    for (at, op) in history.iter().enumerate() {
        // Answers other than of sends are kept for ten minutes; the preparation may be older.
        if at < world.prepared && !matches!(op.request, Request::Send(_)) {
            continue;
        }
        let again = world.again(op).map_err(|error| format!("{} again: {error}", named(op)))?;
        if let Answer::Done(first) = &op.answer
            && !same(first, &again)
        {
            return Err(format!("{} was answered {first:?}, then {again:?}", named(op)));
        }
        let stored = left.and_then(|left| left.id_of(op.request.key()?));
        if let (Some(stored), Response::Sent(sent)) = (stored, &again)
            && sent.id != stored
        {
            return Err(format!("{} was stored as {stored}, then answered as {}", named(op), sent.id));
        }
    }
    world.history = history.into_iter().collect();
    Ok(())
}

/// Whether two answers say the same; who is online may differ.
fn same(first: &Response, again: &Response) -> bool {
    match (first, again) {
        (Response::Sent(first), Response::Sent(again)) => first.id == again.id,
        _ => first == again,
    }
}

/// A message as bob's client sees it.
struct Seen {
    id: i64,
    body: String,
    read: bool,
}

/// What bob's client sees when it resumes.
fn mail_of_bob(world: &mut World) -> Result<Vec<Seen>, String> {
    world.disconnect();
    // A connection that closes is noticed soon, and not before it is noticed is its name free.
    world.sandbox.until_status("nobody is connected any more", |status| status.connections <= 1);
    let mut bob = world.sandbox.shim().name("bob").env("CLAUDE_CODE_SESSION_ID", "client-bob").session();
    assert_eq!(bob.own_name(), "bob", "a resumed session has its name again");
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = bob.ok("inbox", json!({"unread_only": false, "after_id": after, "limit": 500}));
        for message in page["messages"].as_array().expect("messages") {
            let body = message["body"].as_str().expect("a body").to_owned();
            let read = !message["read_at"].is_null();
            found.push(Seen { id: message["id"].as_i64().expect("an id"), body, read });
        }
        if page["more"] != true {
            break;
        }
        after = page["next_after_id"].as_i64().expect("a cursor");
    }
    let Some(given) = &world.given else { return Ok(found) };
    let entries = bob.ok("get_state", json!({}));
    let entries = entries["entries"].as_array().expect("entries");
    for (key, value) in &given.expected.state {
        let value: serde_json::Value = serde_json::from_str(value).expect("JSON");
        if !entries.iter().any(|entry| entry["key"] == **key && entry["value"] == value) {
            return Err(format!("bob does not see the entry {key}: {entries:?}"));
        }
    }
    Ok(found)
}

/// An orderly end, after which everything is there once and nothing lies about.
fn check_end(world: &mut World, seen: &[Seen]) -> Result<(), String> {
    let broker = world.sandbox.broker_id();
    signal(broker, c2c_harness::Signal::TERM);
    until("the broker ends", PATIENCE, || !alive(broker));
    world.other = None;
    let end = dump::of_copy(world.sandbox.dir())?.ok_or("the store is gone")?;
    for op in &world.history {
        if end.holds(op) != There::Whole {
            return Err(format!("{} is not there at the end: {:?}", named(op), end.holds(op)));
        }
    }
    let for_bob = |op: &&Op| match &op.request {
        Request::Send(send) => match &send.to {
            Some(To::One(name)) => name == "bob",
            Some(To::Many(names)) => names.iter().any(|name| name == "bob"),
            Some(To::Everyone) => op.who != "bob",
            None => false,
        },
        _ => false,
    };
    let mut expected: Vec<Option<i64>> =
        world.history.iter().filter(for_bob).map(|op| end.id_of(op.request.key()?)).collect();
    expected.extend(world.given.iter().flat_map(|given| given.mail_of("bob")).map(Some));
    expected.sort_unstable();
    let ids: Vec<Option<i64>> = seen.iter().map(|message| Some(message.id)).collect();
    if ids != expected {
        return Err(format!("bob sees {ids:?}, sent were {expected:?}"));
    }
    check_contents(seen, &end)?;
    if let Some(given) = &world.given {
        given.check_end(world.sandbox.dir(), &end)?;
    }
    if let Some(name) = NAMES.iter().find(|name| !end.names.contains(**name)) {
        return Err(format!("{name} has lost its name"));
    }
    if world.full_log {
        full_log::check_end(world)?;
    }
    nothing_lies_about(world)
}

/// In lists a long body is cut, and nothing else is done to it. What is read is called so, and nothing else is.
fn check_contents(seen: &[Seen], end: &Dump) -> Result<(), String> {
    for Seen { id, body, read } in seen {
        let stored = end.message(*id);
        if !stored.is_some_and(|stored| stored.body.starts_with(body.as_str()) && !body.is_empty()) {
            return Err(format!("message {id} has another body"));
        }
        if end.deliveries.get(&(*id, "bob".to_owned())) != Some(read) {
            return Err(format!("bob sees message {id} as {}", if *read { "read" } else { "unread" }));
        }
    }
    Ok(())
}

/// Beside the store there is what has to be, and no leftover that somebody would have to remove.
fn nothing_lies_about(world: &World) -> Result<(), String> {
    // The log stays if folding it would have taken too long; the next broker does it.
    let allowed = [
        "c2c.db",
        "c2c.db-wal",
        "c2c.db-shm",
        "c2c.run",
        "home",
        "tmp",
        "broker.lock",
        "broker.log",
        "flush.spare",
        "start.lock",
        "store.id",
    ];
    let folders = [world.sandbox.dir(), &world.sandbox.paths().run_dir];
    for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder")) {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        // An old store is kept; how often, and whether as a whole, was looked at.
        let backup = world.given.is_some() && is_backup(&name);
        let log = name.ends_with(".err") || world.full_log && name.starts_with("broker.log.");
        if !backup && !log && !allowed.contains(&name.as_str()) {
            return Err(format!("{name} was left behind"));
        }
    }
    Ok(())
}
