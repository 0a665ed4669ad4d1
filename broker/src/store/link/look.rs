//! What is here already of what another node has sent: asked once for all that it brings.

use super::content::{Carried, Content, Reference, key};
use crate::store::answers::json;
use crate::store::transaction::Transaction;
use crate::store::writer::Work;
use c2c_proto::id::MessageId;
use c2c_proto::name::NODE_MARK;
use c2c_proto::request::LinkBring;
use sqlx::Row as _;
use std::collections::HashMap;

/// What is known of parcels that come.
pub(super) struct Look {
    /// Up to which number parcels of their store are here, if any ever came.
    pub(super) up_to: Option<u64>,
    /// Of messages, by the places of their parcels.
    pub(super) messages: HashMap<usize, Here>,
}

/// What is known of a message that comes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Here {
    /// It lies here, perhaps under an id that its store had before it was restored.
    pub(super) known: bool,
    /// The message of this store that it answers, if that went to its node, and that one's thread.
    pub(super) original: Option<(MessageId, MessageId)>,
}

/// First the number of parcels, then each message.
const LOOK: &str = "SELECT NULL, (SELECT up_to FROM origins WHERE node = ? AND store_id = ?), NULL, NULL
     UNION ALL
     SELECT j.value ->> 0,
            EXISTS (SELECT 1 FROM messages
                    WHERE from_row = 0 AND key IN (SELECT value FROM json_each(j.value, '$[1]'))),
            m.id, m.thread
     FROM json_each(?) AS j
     LEFT JOIN messages AS m ON m.id = j.value ->> 2 AND EXISTS (
         SELECT 1 FROM deliveries WHERE message_id = m.id AND substr(mailbox, -length(?)) = ?)";

impl Look {
    /// Looks.
    pub(super) async fn at(
        transaction: &mut Transaction<'_>,
        work: &Work<'_>,
        bring: &LinkBring,
        contents: &[Result<Content, String>],
    ) -> Result<Self, sqlx::Error> {
        let messages = contents.iter().enumerate().filter_map(|(place, content)| match content {
            Ok(Content::Message(carried)) => Some(question(work, &bring.from_node, place, carried)),
            _ => None,
        });
        let wanted = json(&messages.collect::<Vec<_>>());
        let at_node = format!("{NODE_MARK}{}", bring.from_node);
        transaction.add(LOOK).bind(&bring.from_node).bind(&bring.from_store);
        let mut rows = transaction.bind(wanted).bind(&at_node).bind(&at_node).rows().await?.into_iter();
        let whole = |number: i64| u64::try_from(number).unwrap_or_default();
        let up_to: Option<i64> = rows.next().map(|row| row.try_get(1)).transpose()?.flatten();
        let mut messages = HashMap::with_capacity(rows.len());
        for row in rows {
            let original: (Option<MessageId>, Option<MessageId>) = (row.try_get(2)?, row.try_get(3)?);
            let here = Here { known: row.try_get(1)?, original: original.0.zip(original.1) };
            let place: i64 = row.try_get(0)?;
            messages.insert(usize::try_from(place).unwrap_or_default(), here);
        }
        Ok(Self { up_to: up_to.map(whole), messages })
    }
}

/// Whether a reference is to a message of this store.
pub(super) fn is_ours(work: &Work<'_>, reference: &Reference) -> bool {
    let own = work.shared.nodes.ids();
    reference.stores.iter().any(|store| own.contains(store))
}

/// The keys under which a message of a node may lie here.
pub(super) fn keys(node: &str, carried: &Carried) -> impl Iterator<Item = String> {
    carried.id.stores.iter().map(move |store| key(node, store, carried.id.id, carried.created_at))
}

/// The place of its parcel, the keys under which it may lie here, and which message of this store it answers.
fn question(
    work: &Work<'_>,
    node: &str,
    place: usize,
    carried: &Carried,
) -> (usize, Vec<String>, Option<MessageId>) {
    let ours = carried.reply_to.as_ref().filter(|reference| is_ours(work, reference));
    (place, keys(node, carried).collect(), ours.map(|reference| reference.id))
}
