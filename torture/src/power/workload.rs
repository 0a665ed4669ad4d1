//! Real clients at work on one store: what they ask is chosen by a seed, what they were told is written down.

use super::client::{Client, Run};
use super::history::{Call, History, Told, What};
use crate::vfs::now;
use c2c_harness::{Sandbox, Seed, Shim};
use c2c_proto::id::new_call_key;
use c2c_proto::message::{Priority, To};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{DeleteState, Inbox, ListSessions, MarkRead, Prune, Request, Send, SetState};
use c2c_proto::response::Response;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From which all choices follow.
    pub seed: u64,
    /// Where the store lies.
    pub paths: StorePaths,
    /// Clients of the socket.
    pub clients: usize,
    /// Sessions through a shim of these programs.
    pub shims: usize,
    /// Where that shim lies; it starts the broker that lies beside it.
    pub shim: Option<PathBuf>,
    /// What each client of the socket asks for, unless the run is over before.
    pub calls: usize,
    /// The longest body.
    pub body_bytes: usize,
}

/// Runs the clients beside `meanwhile` (restarts, faults), until they have asked for everything or the run is over.
///
/// # Panics
/// If a client panics.
pub fn run(sandbox: &Sandbox, plan: &Plan, run: &Run, meanwhile: impl FnOnce()) -> History {
    let parts = std::thread::scope(|scope| {
        let shims: Vec<_> = (0..plan.shims)
            .map(|number| scope.spawn(move || through_shim(sandbox, plan, run, number)))
            .collect();
        let clients: Vec<_> =
            (0..plan.clients).map(|number| scope.spawn(move || at_socket(plan, run, number))).collect();
        meanwhile();
        let mut parts: Vec<Vec<Call>> =
            clients.into_iter().map(|one| one.join().expect("a client")).collect();
        run.over.store(true, Ordering::Release);
        parts.extend(shims.into_iter().map(|one| one.join().expect("a shim's client")));
        parts
    });
    History::of(parts)
}

fn at_socket(plan: &Plan, run: &Run, number: usize) -> Vec<Call> {
    let name = format!("c{number}");
    let mut choose = Seed::of(plan.seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9));
    let mut client = Client::new(&plan.paths, run, &name);
    for call in 0..plan.calls {
        if run.is_over() {
            break;
        }
        step(&mut client, plan, &mut choose, call);
    }
    client.calls
}

fn step(client: &mut Client<'_>, plan: &Plan, choose: &mut Seed, call: usize) {
    let key = new_call_key();
    match choose.below(100) {
        0..50 => send(client, plan, choose, call, None),
        50..58 => broadcast(client, plan, choose, call),
        58..64 => {
            let unread = unread(client);
            if let Some((id, from)) = unread.get(choose.below(unread.len().max(1))).cloned() {
                send(client, plan, choose, call, Some((id, from)));
            }
        }
        64..78 => {
            let ids: Vec<i64> = unread(client)
                .into_iter()
                .map(|(id, _)| id)
                .filter(|_| choose.below(2) == 0)
                .take(4)
                .collect();
            if !ids.is_empty() {
                let request = Request::MarkRead(MarkRead { message_ids: ids.clone(), key });
                client.call(What::MarkRead { ids }, &request);
            }
        }
        78..90 => {
            let state_key = format!("{}/{}", client.name(), choose.below(3));
            let value = format!("{{\"n\":{call},\"of\":\"{}\",\"x\":{}}}", client.name(), choose.number());
            let what = What::Set { key: state_key.clone(), value: value.clone() };
            let set = SetState { state_key, value, if_version: None, ttl_ms: None, key };
            client.call(what, &Request::SetState(set));
        }
        90..95 => {
            let state_key = format!("{}/{}", client.name(), choose.below(3));
            let what = What::Delete { key: state_key.clone() };
            client.call(what, &Request::DeleteState(DeleteState { state_key, if_version: None, key }));
        }
        95..96 => {
            client.call(What::Prune, &Request::Prune(Prune { older_than_days: 0, key }));
        }
        _ => {
            client.ask(&Request::ListSessions(ListSessions { active_within_min: 10, after_name: None }));
        }
    }
}

/// The unread mail: ids and senders.
fn unread(client: &mut Client<'_>) -> Vec<(i64, String)> {
    let inbox = Inbox {
        sent: false,
        unread_only: true,
        filter: c2c_proto::request::Filter::default(),
        query: None,
        before_id: None,
        after_id: None,
        limit: 20,
    };
    match client.ask(&Request::Inbox(inbox)) {
        Some(Ok(Response::Inbox(page))) => {
            page.messages.into_iter().map(|message| (message.id, message.from_name)).collect()
        }
        _ => Vec::new(),
    }
}

/// A body that no other message has, readable, and as long as the seed will.
fn body(name: &str, call: usize, plan: &Plan, choose: &mut Seed) -> String {
    let mut body = format!("{name}:{call}:");
    let length = 1 + choose.below(plan.body_bytes);
    while body.len() < length {
        // Few different words: an index of as many as there are would be what takes the time.
        body.push_str(&format!("word{} ", choose.below(500)));
    }
    body
}

fn send(
    client: &mut Client<'_>,
    plan: &Plan,
    choose: &mut Seed,
    call: usize,
    answers: Option<(i64, String)>,
) {
    let body = body(client.name(), call, plan, choose);
    let (to, reply_to) = match answers {
        Some((id, from)) => (BTreeSet::from([from]), Some(id)),
        None => (names(plan, choose), None),
    };
    let list: Vec<String> = to.iter().cloned().collect();
    let asked = match list.len() {
        1 => To::One(list[0].clone()),
        _ => To::Many(list),
    };
    let request = request(Some(asked), &body, reply_to);
    client.call(What::Send { to, body, reply_to }, &request);
}

fn broadcast(client: &mut Client<'_>, plan: &Plan, choose: &mut Seed, call: usize) {
    let body = body(client.name(), call, plan, choose);
    let request = request(Some(To::Everyone), &body, None);
    client.call(What::Send { to: BTreeSet::new(), body, reply_to: None }, &request);
}

fn request(to: Option<To>, body: &str, reply_to: Option<i64>) -> Request {
    let (body, key) = (body.to_owned(), new_call_key());
    Request::Send(Send { to, body, tag: None, reply_to, priority: Priority::Normal, key })
}

/// One to three of the clients, the shims' sessions, and one that nobody ever is.
fn names(plan: &Plan, choose: &mut Seed) -> BTreeSet<String> {
    let number = 1 + choose.below(3);
    let all = plan.clients + plan.shims + 1;
    (0..number)
        .map(|_| match choose.below(all) {
            one if one < plan.clients => format!("c{one}"),
            one if one < plan.clients + plan.shims => format!("s{}", one - plan.clients),
            _ => "absent".to_owned(),
        })
        .collect()
}

/// A session through a shim works until the run is over, so that there is always somebody who starts a broker.
fn through_shim(sandbox: &Sandbox, plan: &Plan, run: &Run, number: usize) -> Vec<Call> {
    let name = format!("s{number}");
    let mut choose = Seed::of(plan.seed ^ (number as u64 + 77).wrapping_mul(0x85eb_ca6b));
    let options = sandbox.shim().name(&name);
    let options = match &plan.shim {
        Some(shim) => options.program(shim),
        None => options,
    };
    let mut calls = Vec::new();
    let begun = now();
    let mut shim = options.session();
    calls.push(Call { client: name.clone(), begun, ended: now(), what: What::Hello, told: Told::Done });
    for call in 0.. {
        if run.is_over() {
            break;
        }
        let (tool, arguments, what) = choice(&mut shim, &name, plan, &mut choose, call);
        let begun = now();
        let result = shim.call(tool, arguments);
        let ended = now();
        let told = match (result.is_error, &what) {
            (true, _) => Told::Nothing,
            (false, What::Send { .. }) => sent(&result.json),
            (false, What::Set { .. }) => {
                Told::Set { version: result.json["version"].as_u64().expect("a version") }
            }
            (false, _) => Told::Done,
        };
        let ended = if told == Told::Nothing { u64::MAX } else { ended };
        run.acknowledged.fetch_add(1, Ordering::AcqRel);
        calls.push(Call { client: name.clone(), begun, ended, what, told });
    }
    calls
}

fn choice(
    shim: &mut Shim,
    name: &str,
    plan: &Plan,
    choose: &mut Seed,
    call: usize,
) -> (&'static str, serde_json::Value, What) {
    match choose.below(10) {
        0..3 => {
            let page = shim.call("inbox", json!({"limit": 3}));
            let ids = page.json["messages"].as_array().map_or_else(Vec::new, |messages| {
                messages.iter().filter_map(|message| message["id"].as_i64()).collect()
            });
            // An empty list is no call: then something that is.
            if ids.is_empty() {
                return set(name, choose, call);
            }
            ("mark_read", json!({"message_ids": ids}), What::MarkRead { ids })
        }
        3..5 => set(name, choose, call),
        _ => {
            let (to, body) = (names(plan, choose), body(name, call, plan, choose));
            ("send_message", json!({"to": to, "body": body}), What::Send { to, body, reply_to: None })
        }
    }
}

fn set(name: &str, choose: &mut Seed, call: usize) -> (&'static str, serde_json::Value, What) {
    let (key, value) = (format!("{name}/{}", choose.below(2)), json!(format!("{name}:{call}")));
    ("set_state", json!({"key": key, "value": value}), What::Set { key, value: value.to_string() })
}

fn sent(result: &serde_json::Value) -> Told {
    let recipients = result["recipients"].as_array().expect("recipients");
    Told::Sent {
        id: result["id"].as_i64().expect("an id"),
        recipients: recipients
            .iter()
            .map(|recipient| recipient["name"].as_str().expect("a name").to_lowercase())
            .collect(),
    }
}
