//! Builds stores through the broker, as sessions would have filled them: pairs that talk in threads, each with every other
//! in turn. What is answered is read; of the rest nearly all is marked read.

use super::store::Kind;
use super::text;
use crate::socket::Socket;
use crate::world::World;
use c2c_harness::Raw;
use c2c_harness::Seed;
use c2c_proto::hello::{Identity, Role};
use c2c_proto::id::{MessageId, new_call_key};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{Inbox, MarkRead, Request, Send};
use c2c_proto::response::Response;
use std::path::Path;
use tokio::task::JoinSet;

/// Sessions, an even number.
pub(super) const MEMBERS: usize = 200;
/// The one who gets all unread mail.
pub(super) const READER: &str = "bob";
/// Whoever measures uses the first ones.
const NAMES: [&str; 3] = ["alice", READER, "carol"];
/// A flush for each commit would only take time.
const CONFIG: &str = "durability = \"normal\"\n";
/// Messages of one pair before all change partners; no thread is longer, since an hour's limit is 100.
const TALK: usize = 50;
/// A thread ends with each message once in so many times.
const THREAD_ENDS_ONE_IN: usize = 4;
/// A first message goes to three once in so many times.
const TO_THREE_ONE_IN: usize = 40;
/// A last message stays unread once in so many times.
const UNREAD_ONE_IN: usize = 20;

/// The name of a session, which is also the name of its client's session.
pub(super) fn name(member: usize) -> String {
    NAMES.get(member).map_or_else(|| format!("member-{member}"), |name| (*name).to_owned())
}

/// Builds a store and puts it where it belongs when it is whole.
pub(super) fn build(kind: Kind, file: &Path) {
    let mut world = World::configured(CONFIG);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(fill(&world, kind));
    let (Kind::History(messages) | Kind::Unread(messages)) = kind;
    world.sandbox().until_status("all have left", |status| {
        assert_eq!(status.messages, messages as u64);
        status.sessions_online == 0
    });
    world.stop_broker();
    let store = &world.paths().store;
    assert!(!store.with_extension("db-wal").exists(), "a broker that ends folds its log into the store");
    let part = file.with_extension("part");
    std::fs::copy(store, &part).expect("the target folder can be written");
    std::fs::rename(part, file).expect("the target folder can be written");
}

/// A session that fills the store.
struct Member {
    number: usize,
    socket: Socket,
}

async fn fill(world: &World, kind: Kind) {
    let mut members = Vec::new();
    for number in 0..MEMBERS {
        let client_session = Some(name(number));
        let identity = Identity { client_session, ..Raw::identity(&name(number)) };
        let role = Role::Session(Box::new(identity));
        members.push(Member { number, socket: Socket::connect(world.paths(), role).await });
    }
    match kind {
        Kind::History(messages) => members = history(members, messages).await,
        Kind::Unread(messages) => members = unread(members, messages).await,
    }
    // A search is answered when the texts of all messages are in the index.
    members[0].socket.call(search(text::RARE)).await;
}

async fn history(mut members: Vec<Member>, messages: usize) -> Vec<Member> {
    const PAIRS: usize = MEMBERS / 2;
    assert!(messages.is_multiple_of(PAIRS), "{messages} messages cannot be shared out evenly");
    let mut left = messages / PAIRS;
    for turn in 0.. {
        let talk = left.min(TALK);
        if talk == 0 {
            break;
        }
        left -= talk;
        members.sort_by_key(|member| place(member.number, turn));
        let second = members.split_off(PAIRS).into_iter().rev();
        let mut talks = JoinSet::new();
        for (pair, (one, other)) in members.drain(..).zip(second).enumerate() {
            talks.spawn(converse([one, other], talk, Seed::of((turn * PAIRS + pair) as u64)));
        }
        members = talks.join_all().await.into_iter().flatten().collect();
    }
    members.sort_by_key(|member| member.number);
    members
}

/// Where a member stands in a turn. Opposite to each other are partners; the first stays, all others move on, as in a
/// tournament in which each meets each.
fn place(member: usize, turn: usize) -> usize {
    if member == 0 { 0 } else { 1 + (member - 1 + turn) % (MEMBERS - 1) }
}

/// Two talk: so many messages in turns.
async fn converse(mut pair: [Member; 2], messages: usize, mut chance: Seed) -> [Member; 2] {
    let mut answering = None;
    let mut read = [Vec::new(), Vec::new()];
    for message in 0..messages {
        let (speaker, listener) = (message % 2, 1 - message % 2);
        let mut to = vec![name(pair[listener].number)];
        if answering.is_none() && chance.below(TO_THREE_ONE_IN) == 0 {
            let others = [chance.below(MEMBERS), chance.below(MEMBERS)].map(name);
            to.extend(others);
            to.sort();
            to.dedup();
        }
        let id = send(&mut pair[speaker].socket, to, answering, &mut chance).await;
        let ends = chance.below(THREAD_ENDS_ONE_IN) == 0 || message + 1 == messages;
        answering = (!ends).then_some(id);
        if ends && chance.below(UNREAD_ONE_IN) != 0 {
            read[listener].push(id);
        }
    }
    for (member, message_ids) in pair.iter_mut().zip(read).filter(|(_, ids)| !ids.is_empty()) {
        member.socket.call(Request::MarkRead(MarkRead { message_ids, key: new_call_key() })).await;
    }
    pair
}

/// All others send to the reader.
async fn unread(members: Vec<Member>, messages: usize) -> Vec<Member> {
    let (mut quiet, senders): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|member| name(member.number) == READER);
    let count = senders.len();
    let mut sending = JoinSet::new();
    for (place, mut sender) in senders.into_iter().enumerate() {
        sending.spawn(async move {
            let mut chance = Seed::of(place as u64);
            for _ in (place..messages).step_by(count) {
                send(&mut sender.socket, vec![READER.to_owned()], None, &mut chance).await;
            }
            sender
        });
    }
    quiet.extend(sending.join_all().await);
    quiet.sort_by_key(|member| member.number);
    quiet
}

async fn send(
    socket: &mut Socket,
    mut to: Vec<String>,
    reply_to: Option<MessageId>,
    chance: &mut Seed,
) -> MessageId {
    let to = if to.len() == 1 { To::One(to.remove(0)) } else { To::Many(to) };
    let request = Request::Send(Send {
        key: new_call_key(),
        to: Some(to),
        body: text::body(chance),
        tag: text::tag(chance),
        reply_to,
        priority: Priority::Normal,
    });
    match socket.call(request).await {
        Response::Sent(sent) => sent.id,
        other => panic!("not sent: {other:?}"),
    }
}

fn search(word: &str) -> Request {
    Request::Inbox(Inbox {
        sent: false,
        unread_only: false,
        filter: Default::default(),
        query: Some(word.to_owned()),
        before_id: None,
        after_id: None,
        limit: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::{MEMBERS, place};
    use std::collections::HashSet;

    #[test]
    fn each_meets_each() {
        let mut met = HashSet::new();
        for turn in 0..MEMBERS - 1 {
            let mut order: Vec<usize> = (0..MEMBERS).collect();
            order.sort_by_key(|member| place(*member, turn));
            for at in 0..MEMBERS / 2 {
                let (one, other) = (order[at], order[MEMBERS - 1 - at]);
                assert!(met.insert((one.min(other), one.max(other))));
            }
        }
        assert_eq!(met.len(), MEMBERS * (MEMBERS - 1) / 2);
    }
}
