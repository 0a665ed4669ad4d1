//! `Send`: the message is on disk before the answer; then whoever waits is woken and whoever is connected is told.

use super::Handled;
use super::{check, near};
use crate::Broker;
use crate::nudge;
use crate::session::{Owner, Row};
use crate::store::{NewMessage, Stored, StoredRecipient, hash_of};
use c2c_proto::Error;
use c2c_proto::event::{Event, MailWaiting};
use c2c_proto::id::MessageId;
use c2c_proto::message::{Priority, Recipient, To};
use c2c_proto::name::{self, on_node};
use c2c_proto::request::{Send, SendExpiring};
use c2c_proto::response::{Response, Sent};
use std::sync::Arc;

pub(super) async fn send(broker: &Arc<Broker>, owner: Owner, request: Send) -> Handled {
    answer(broker, owner, request, None).await
}

pub(super) async fn send_expiring(broker: &Arc<Broker>, owner: Owner, request: SendExpiring) -> Handled {
    check::expires_in(request.expires_in_ms)?;
    answer(broker, owner, request.send, Some(request.expires_in_ms)).await
}

async fn answer(broker: &Arc<Broker>, owner: Owner, request: Send, expires_in_ms: Option<u64>) -> Handled {
    let tag = request.tag.clone();
    let stored = deliver(broker, owner, request, false, expires_in_ms).await?;
    let near = near::names(broker, &stored).await;
    let recipients = recipients(&stored);
    let sent =
        Sent { id: stored.id, to: stored.to, tag, recipients, skipped_full: stored.skipped_full, near };
    Ok((Response::Sent(sent), 0))
}

/// Stores a message and, once it is on disk, wakes and tells its recipients.
pub(super) async fn deliver(
    broker: &Arc<Broker>,
    sender: Owner,
    request: Send,
    question: bool,
    expires_in_ms: Option<u64>,
) -> Result<Stored, Error> {
    check::send(&request, &broker.config.limits)?;
    let to = request.to.map(|to| broker.store.nodes().resolve(to)).transpose()?;
    let request = Send { to, ..request };
    check_old_names(broker, request.to.as_ref()).await?;
    let hash = match expires_in_ms {
        None => hash_of(&request),
        Some(expires_in_ms) => hash_of(&SendExpiring { send: request.clone(), expires_in_ms }),
    };
    let (from, tag, priority) = (sender.name.clone(), request.tag.clone(), request.priority);
    let mut stored = broker.store.send(NewMessage { sender, request, question, expires_in_ms, hash }).await?;
    note_waiting(broker, &mut stored);
    if stored.fresh {
        announce(broker, &stored, from, tag, priority);
    }
    Ok(stored)
}

/// A name that breaks the rule is an address only if the store knows it from before the rule: nobody could ever take it.
async fn check_old_names(broker: &Broker, to: Option<&To>) -> Result<(), Error> {
    let names = match to {
        Some(To::One(name)) => std::slice::from_ref(name),
        Some(To::Many(names)) => names,
        Some(To::Everyone) | None => return Ok(()),
    };
    for name in names.iter().filter(|name| !name::is_address(name)) {
        if !broker.store.knows_mailbox(&name::fold(name)).await? {
            return Err(name::no_address(name));
        }
    }
    Ok(())
}

/// Wakes those that wait at once, and tells the others once the sender has its answer.
pub(super) fn announce(
    broker: &Arc<Broker>,
    stored: &Stored,
    from: String,
    tag: Option<String>,
    priority: Priority,
) {
    let rows: Vec<Row> = stored.recipients.iter().filter_map(|recipient| recipient.row).collect();
    broker.hub.wake(rows.iter().copied());
    if rows.iter().any(|row| broker.hub.owner(*row).is_some()) {
        let (broker, id) = (Arc::clone(broker), stored.id);
        tokio::spawn(async move { tell(&broker, id, &rows, &from, tag.as_deref(), priority) });
    }
    broker.hub.wake_traffic();
    broker.stats.stored(stored.recipients.len());
}

fn tell(
    broker: &Arc<Broker>,
    id: MessageId,
    rows: &[Row],
    from: &str,
    tag: Option<&str>,
    priority: Priority,
) {
    for row in rows {
        let Some((owner, _)) = broker.hub.owner(*row) else { continue };
        let mail = MailWaiting {
            message_id: id,
            from: from.to_owned(),
            tag: tag.map(str::to_owned),
            priority,
            unread: broker.store.mail(&owner.mailbox).unread,
            announce: false,
        };
        let event = Event::Mail(mail);
        broker.hub.tell_session(*row, &event, &event);
        if priority == Priority::Normal {
            nudge::mail_came(broker, *row);
        }
    }
}

/// Who waits at the moment of the send, before the message itself ends the wait; at other nodes, as far as was told.
fn note_waiting(broker: &Broker, stored: &mut Stored) {
    for StoredRecipient { row, recipient } in &mut stored.recipients {
        recipient.waiting = row.is_some_and(|row| broker.hub.activity(row).waiting);
        if let Some((name, node)) = on_node(&recipient.name) {
            (recipient.online, recipient.waiting) = broker.hub.peer(node, name, broker.clock.now());
        }
    }
}

/// The recipients as the sender is told of them.
pub(super) fn recipients(stored: &Stored) -> Vec<Recipient> {
    stored.recipients.iter().map(|stored| stored.recipient.clone()).collect()
}
