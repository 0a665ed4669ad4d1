//! Telling sessions of mail: when, of which, and by whom. Each announcement of a message is granted once per session,
//! whichever way it goes; this is where.
//!
//! A message that is on disk makes something pending ([`mail_came`]). When it is due, the store is read again, so that mail
//! which was read or shown meanwhile is not announced, and the newest connection whose shim has a way gets a nudge. If
//! none has one, a hook that waits for it is woken, or the next hook that runs takes it ([`take`]).

pub(crate) mod pace;
#[cfg(test)]
mod pace_tests;

use crate::Broker;
use crate::session::Row;
use crate::store::Range;
use c2c_proto::Error;
use c2c_proto::event::{Announced, Event, Headline, Nudge};
use c2c_proto::id::MessageId;
use c2c_proto::limits::HEADLINES_MAX;
use c2c_proto::message::Message;
use c2c_proto::name::{fold, on_node};
use c2c_proto::push::{Way, elsewhere};
use c2c_proto::response::PeerNode;
use pace::{How, Told};
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

/// Who takes mail to announce it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    /// The shim.
    Shim,
    /// A hook that starts or prolongs a turn.
    Hook,
    /// A hook at the beginning of a turn that runs anyway.
    Turn,
    /// A hook at the session's start: all unread mail, whatever was announced.
    Start,
}

impl Taker {
    const fn how(self) -> How {
        match self {
            Self::Shim => How::Shim,
            Self::Hook => How::Hook,
            Self::Turn | Self::Start => How::Beside,
        }
    }
}

/// Mail that was granted to whoever took it.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The newest, ascending by id, at most [`HEADLINES_MAX`].
    pub(crate) messages: Vec<Message>,
    /// How many there are.
    pub(crate) count: u64,
    /// Up to which id.
    pub(crate) up_to: MessageId,
    /// Whether all of it was announced before.
    pub(crate) again: bool,
}

impl Taken {
    /// All of these messages, in ascending order.
    pub(crate) fn of(messages: Vec<Message>) -> Self {
        let up_to = messages.last().map_or(0, |message| message.id);
        Self { count: messages.len() as u64, up_to, messages: newest(messages), again: false }
    }
}

/// Mail that is to be announced is on disk.
pub(crate) fn mail_came(broker: &Arc<Broker>, row: Row) {
    if broker.hub.mail_came(row, false) {
        tokio::spawn(care(Arc::clone(broker), row));
    }
}

/// A wait that was to take mail is over: what it left is announced.
pub(crate) fn wait_ended(broker: &Arc<Broker>, row: Row) {
    // A wait may also be dropped with the runtime itself.
    if broker.hub.owes(row)
        && tokio::runtime::Handle::try_current().is_ok()
        && broker.hub.mail_came(row, true)
    {
        tokio::spawn(care(Arc::clone(broker), row));
    }
}

/// A shim reports how a nudge went. What was not handed over is announced some other way.
pub(crate) fn reported(broker: &Arc<Broker>, row: Row, up_to: MessageId, failed: bool) {
    if !failed {
        broker.hub.handed_over(row, up_to);
        tell_announced(broker, row);
    } else if broker.hub.failed(row, up_to) {
        tokio::spawn(care(Arc::clone(broker), row));
    }
}

/// Announces what is pending whenever it is due, until nothing is.
async fn care(broker: Arc<Broker>, row: Row) {
    while let Some(due) = broker.hub.next_due(row) {
        if due > Instant::now() {
            if !sleeps_until(&broker, due).await {
                return;
            }
            // More may have come meanwhile.
            continue;
        }
        broker.hub.settle(row);
        match broker.hub.way_of(row) {
            None => broker.hub.wake_watcher(row),
            Some(way) => {
                if let Err(error) = announce(&broker, row, way).await {
                    tracing::warn!(row, %error, "mail could not be announced; it is tried again");
                    broker.hub.mail_came(row, true);
                }
            }
        }
    }
}

async fn announce(broker: &Arc<Broker>, row: Row, way: Way) -> Result<(), Error> {
    let Some(taken) = take(broker, row, Taker::Shim).await? else { return Ok(()) };
    tracing::debug!(row, up_to = taken.up_to, count = taken.count, way = way.as_str(), "nudge");
    let unread = broker.hub.owner(row).map_or(0, |(owner, _)| broker.store.mail(&owner.mailbox).unread);
    let headlines = taken.messages.into_iter().map(|message| headline(broker, message)).collect();
    let Taken { count, up_to, again, .. } = taken;
    broker.hub.nudge(row, Nudge { way, headlines, count, unread, up_to, again });
    Ok(())
}

/// Takes the mail that is to be announced; nobody else gets it then. `None` if there is none.
pub(crate) async fn take(broker: &Arc<Broker>, row: Row, taker: Taker) -> Result<Option<Taken>, Error> {
    let Some(one_at_a_time) = broker.hub.taking(row) else { return Ok(None) };
    let _turn = one_at_a_time.lock().await;
    let (Some((owner, false)), Some(after)) = (broker.hub.owner(row), broker.hub.told_after(row)) else {
        return Ok(None);
    };
    let all = taker == Taker::Start;
    let range = Range { after: if all { 0 } else { after }, all };
    let messages = broker.store.unannounced(&owner, range).await?;
    let Some(up_to) = messages.last().map(|message| message.id) else { return Ok(None) };
    let sorted = broker.hub.sort_out(row, messages, all);
    let told = Told {
        ids: sorted.told.iter().map(|message| message.id).collect(),
        senders: sorted.told.iter().map(|message| fold(&message.from_name)).collect(),
    };
    let nothing = told.ids.is_empty();
    let granted = broker.hub.granted(row, up_to, &sorted.held, told, taker.how());
    if granted.care_for_repeat {
        tokio::spawn(repeat(Arc::clone(broker), row));
    }
    if nothing {
        return Ok(None);
    }
    Ok(Some(Taken { up_to, again: granted.again, ..Taken::of(sorted.told) }))
}

/// The session is told by other means what lies in its mailbox, as by the result of a registration.
pub(crate) fn caught_up(broker: &Broker, row: Row) {
    broker.hub.granted(row, broker.store.last_message_id(), &[], Told::default(), How::Beside);
    tell_announced(broker, row);
}

/// The session's shims know what needs no announcement any more, and tell the next broker.
pub(crate) fn tell_announced(broker: &Broker, row: Row) {
    if let Some(up_to) = broker.hub.settled_mark(row) {
        let event = Event::Announced(Announced { up_to });
        broker.hub.tell_session(row, &event, &event);
    }
}

/// Announces once more what nothing came of, as long as something may have to be.
async fn repeat(broker: Arc<Broker>, row: Row) {
    while let Some(at) = broker.hub.again_at(row) {
        if !sleeps_until(&broker, at).await {
            return;
        }
        if broker.hub.take_again(row) {
            mail_came(&broker, row);
        }
    }
}

fn headline(broker: &Broker, message: Message) -> Headline {
    let Message { id: message_id, from_name, tag, .. } = message;
    Headline { message_id, from: told_of(broker, &from_name).unwrap_or(from_name), tag }
}

/// A sender at another node, with what was last told of whether it is online; `None` for any other.
fn told_of(broker: &Broker, from: &str) -> Option<String> {
    let (name, node) = on_node(from)?;
    let PeerNode { told_at, peers, .. } = broker.hub.peers(node.to_owned());
    let age_s = broker.clock.now().unix_s().saturating_sub(told_at?.unix_s());
    let online = peers.iter().any(|peer| peer.name == name && peer.online);
    Some(elsewhere(from, online, u64::try_from(age_s).unwrap_or_default()))
}

fn newest(mut messages: Vec<Message>) -> Vec<Message> {
    messages.split_off(messages.len().saturating_sub(HEADLINES_MAX))
}

/// `false`: the broker goes down first.
async fn sleeps_until(broker: &Broker, at: Instant) -> bool {
    tokio::select! {
        () = sleep_until(at) => true,
        _ = broker.shutdown.begun() => false,
    }
}
