//! Whom a batch of sends goes to: the holders of the names, looked up together, once.

use super::{NewMessage, Stored, StoredRecipient};
use crate::session::Row;
use crate::store::answers::json;
use crate::store::jobs::Ask;
use crate::store::transaction::Transaction;
use crate::store::writer::Work;
use c2c_proto::limits::SEEN_RECENTLY_DAYS;
use c2c_proto::message::{Recipient, To};
use c2c_proto::name::{EVERYONE, EVERYWHERE, NODE_MARK, fold, on_node};
use sqlx::Row as _;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The session that holds a name.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(super) row: Row,
    pub(super) name: String,
}

/// Who holds which name, as the writer has learned it. The writer alone changes that, so it holds until it does: then all
/// of it is forgotten.
#[derive(Debug, Default)]
pub(crate) struct KnownNames {
    holders: HashMap<String, Option<Holder>>,
}

/// More names than this are not remembered; at most about 100 bytes each.
const NAMES_KNOWN_MAX: usize = 16_384;

impl KnownNames {
    /// Names may have changed hands.
    pub(crate) fn forget(&mut self) {
        self.holders.clear();
    }

    fn has(&self, mailbox: &str) -> bool {
        self.holders.contains_key(mailbox)
    }

    fn holder(&self, mailbox: &str) -> Option<Holder> {
        self.holders.get(mailbox).cloned().flatten()
    }

    fn learn(&mut self, mailbox: &str, holder: Option<Holder>) {
        self.holders.insert(mailbox.to_owned(), holder);
    }

    /// Makes room before a batch asks.
    pub(crate) fn keep_small(&mut self) {
        if self.holders.len() > NAMES_KNOWN_MAX {
            self.forget();
        }
    }
}

/// Everything about recipients that one batch needs.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// By mailbox: the holders of names that the batch addresses.
    holders: HashMap<String, Holder>,
    /// By mailbox, sorted: whom a broadcast reaches.
    everyone: BTreeMap<String, Holder>,
    /// The nodes that a broadcast to everywhere reaches.
    nodes: Vec<String>,
}

/// One mailbox that a message goes to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) mailbox: String,
    /// As it was addressed.
    pub(super) addressed: String,
    pub(super) holder: Option<Holder>,
    /// The node that it is on, if that is not this store.
    pub(super) node: Option<String>,
}

impl Directory {
    /// Looks up all names of the batch, and everyone if there is a broadcast in it.
    pub(super) async fn look_up(
        transaction: &mut Transaction<'_>,
        work: &mut Work<'_>,
        addresses: &[To],
    ) -> Result<Self, sqlx::Error> {
        let mut directory = Self::default();
        let mailboxes: HashSet<String> = addresses.iter().flat_map(names).map(|name| fold(name)).collect();
        let unknown: Vec<&String> = mailboxes.iter().filter(|mailbox| !work.names.has(mailbox)).collect();
        if !unknown.is_empty() {
            transaction.add(
                "SELECT mailbox, row_id, name FROM sessions
                 WHERE stale = 0 AND mailbox IN (SELECT value FROM json_each(?))",
            );
            let mut found = HashMap::new();
            for row in transaction.bind(json(&unknown)).rows().await? {
                let holder = Holder { row: row.try_get(1)?, name: row.try_get(2)? };
                found.insert(row.try_get::<String, _>(0)?, holder);
            }
            for mailbox in unknown {
                work.names.learn(mailbox, found.remove(mailbox));
            }
        }
        for mailbox in mailboxes {
            if let Some(holder) = work.names.holder(&mailbox) {
                directory.holders.insert(mailbox, holder);
            }
        }
        if addresses.iter().any(To::is_everyone) {
            directory.everyone = everyone(transaction, work).await?;
            directory.nodes = work.shared.nodes.others();
        }
        Ok(directory)
    }

    /// The mailboxes of one message. Of names that differ by case only the first counts.
    pub(super) fn targets(&self, sender_mailbox: &str, to: &To) -> Vec<Target> {
        if to.is_everyone() {
            let elsewhere: &[String] = if *to == To::Everyone { &[] } else { &self.nodes };
            let here = self.everyone.iter().filter(|(mailbox, _)| *mailbox != sender_mailbox);
            return here.map(Target::of_everyone).chain(elsewhere.iter().map(Target::everyone_at)).collect();
        }
        let mut seen = HashSet::new();
        names(to)
            .iter()
            .map(|name| (fold(name), name))
            .filter(|(mailbox, _)| seen.insert(mailbox.clone()))
            .map(|(mailbox, name)| Target {
                holder: self.holders.get(&mailbox).cloned(),
                addressed: name.clone(),
                node: on_node(name).map(|(_, node)| node.to_owned()),
                mailbox,
            })
            .collect()
    }
}

impl Target {
    fn of_everyone((mailbox, holder): (&String, &Holder)) -> Self {
        let (mailbox, addressed) = (mailbox.clone(), holder.name.clone());
        Self { mailbox, addressed, holder: Some(holder.clone()), node: None }
    }

    fn everyone_at(node: &String) -> Self {
        let address = format!("{EVERYONE}{NODE_MARK}{node}");
        Self { mailbox: address.clone(), addressed: address, holder: None, node: Some(node.clone()) }
    }

    pub(super) fn stored(&self, work: &Work<'_>) -> StoredRecipient {
        let row = self.holder.as_ref().map(|holder| holder.row);
        StoredRecipient {
            row,
            recipient: Recipient {
                name: self.holder.as_ref().map_or(&self.addressed, |holder| &holder.name).clone(),
                online: row.is_some_and(|row| work.shared.presence.is_online(row)),
                // Only the hub knows who waits; whoever answers the call fills it in.
                waiting: false,
                // Whether a session there holds the name is known there.
                known: row.is_some() || self.node.is_some(),
            },
        }
    }
}

fn names(to: &To) -> &[String] {
    match to {
        To::One(name) if name != EVERYWHERE => std::slice::from_ref(name),
        To::Many(names) => names,
        To::One(_) | To::Everyone => &[],
    }
}

async fn everyone(
    transaction: &mut Transaction<'_>,
    work: &Work<'_>,
) -> Result<BTreeMap<String, Holder>, sqlx::Error> {
    let week_s = i64::try_from(SEEN_RECENTLY_DAYS * 86_400).unwrap_or(i64::MAX);
    transaction
        .add("SELECT mailbox, row_id, name FROM sessions WHERE stale = 0 AND (online = 1 OR seen_at >= ?)");
    let rows = transaction.bind(work.now.plus_s(-week_s).0).rows().await?;
    rows.into_iter()
        .map(|row| Ok((row.try_get(0)?, Holder { row: row.try_get(1)?, name: row.try_get(2)? })))
        .collect()
}

/// The recipients of messages that were stored before, for repeated calls.
pub(super) async fn of_stored(
    transaction: &mut Transaction<'_>,
    work: &Work<'_>,
    sends: &[Ask<NewMessage, Stored>],
    repeated: &HashMap<usize, super::insert::Repeated>,
) -> Result<HashMap<usize, Vec<StoredRecipient>>, sqlx::Error> {
    let mut recipients: HashMap<usize, Vec<StoredRecipient>> = HashMap::with_capacity(repeated.len());
    for (index, repeated) in repeated {
        debug_assert!(*index < sends.len(), "a repeated call is one of the batch");
        transaction.add(
            "SELECT d.recipient, d.mailbox, s.row_id, s.name FROM deliveries AS d
             LEFT JOIN sessions AS s ON s.mailbox = d.mailbox AND s.stale = 0
             WHERE d.message_id = ? ORDER BY d.mailbox",
        );
        let rows = transaction.bind(repeated.id).rows().await?;
        let mut list = Vec::with_capacity(rows.len());
        for row in rows {
            let holder = match row.try_get::<Option<Row>, _>(2)? {
                Some(number) => Some(Holder { row: number, name: row.try_get(3)? }),
                None => None,
            };
            let addressed: String = row.try_get(0)?;
            let node = on_node(&addressed).map(|(_, node)| node.to_owned());
            let target = Target { mailbox: row.try_get(1)?, addressed, holder, node };
            list.push(target.stored(work));
        }
        recipients.insert(*index, list);
    }
    Ok(recipients)
}
