//! Whom a batch of sends goes to: the holders of the names, looked up together, once.

use super::{NewMessage, Stored, StoredRecipient};
use crate::session::Row;
use crate::store::answers::json;
use crate::store::jobs::Ask;
use crate::store::writer::Work;
use c2c_proto::limits::SEEN_RECENTLY_DAYS;
use c2c_proto::message::{Recipient, To};
use c2c_proto::name::fold;
use sqlx::{Row as _, SqliteConnection};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The session that holds a name.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) row: Row,
    pub(super) name: String,
}

/// Everything about recipients that one batch needs.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// By mailbox: the holders of names that the batch addresses.
    holders: HashMap<String, Holder>,
    /// By mailbox, sorted: whom a broadcast reaches.
    everyone: BTreeMap<String, Holder>,
}

/// One mailbox that a message goes to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) mailbox: String,
    /// As it was addressed.
    pub(super) addressed: String,
    pub(super) holder: Option<Holder>,
}

impl Directory {
    /// Looks up all names of the batch, and everyone if there is a broadcast in it.
    pub(super) async fn look_up(
        connection: &mut SqliteConnection,
        work: &Work<'_>,
        addresses: &[To],
    ) -> Result<Self, sqlx::Error> {
        let mut directory = Self::default();
        let mailboxes: HashSet<String> = addresses.iter().flat_map(names).map(|name| fold(name)).collect();
        if !mailboxes.is_empty() {
            let rows = sqlx::query(
                "SELECT mailbox, row_id, name FROM sessions
                 WHERE stale = 0 AND mailbox IN (SELECT value FROM json_each(?1))",
            )
            .bind(json(&mailboxes))
            .fetch_all(&mut *connection)
            .await?;
            for row in rows {
                let holder = Holder { row: row.try_get(1)?, name: row.try_get(2)? };
                directory.holders.insert(row.try_get(0)?, holder);
            }
        }
        if addresses.contains(&To::Everyone) {
            directory.everyone = everyone(connection, work).await?;
        }
        Ok(directory)
    }

    /// The mailboxes of one message. Of names that differ by case only the first counts.
    pub(super) fn targets(&self, sender_mailbox: &str, to: &To) -> Vec<Target> {
        if *to == To::Everyone {
            return self
                .everyone
                .iter()
                .filter(|(mailbox, _)| *mailbox != sender_mailbox)
                .map(|(mailbox, holder)| Target {
                    mailbox: mailbox.clone(),
                    addressed: holder.name.clone(),
                    holder: Some(holder.clone()),
                })
                .collect();
        }
        let mut seen = HashSet::new();
        names(to)
            .iter()
            .map(|name| (fold(name), name))
            .filter(|(mailbox, _)| seen.insert(mailbox.clone()))
            .map(|(mailbox, name)| Target {
                holder: self.holders.get(&mailbox).cloned(),
                addressed: name.clone(),
                mailbox,
            })
            .collect()
    }
}

impl Target {
    pub(super) fn stored(&self, work: &Work<'_>) -> StoredRecipient {
        let row = self.holder.as_ref().map(|holder| holder.row);
        StoredRecipient {
            row,
            recipient: Recipient {
                name: self.holder.as_ref().map_or(&self.addressed, |holder| &holder.name).clone(),
                online: row.is_some_and(|row| work.shared.presence.is_online(row)),
                // Only the hub knows who waits; whoever answers the call fills it in.
                waiting: false,
                known: row.is_some(),
            },
        }
    }
}

fn names(to: &To) -> &[String] {
    match to {
        To::One(name) => std::slice::from_ref(name),
        To::Many(names) => names,
        To::Everyone => &[],
    }
}

async fn everyone(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
) -> Result<BTreeMap<String, Holder>, sqlx::Error> {
    let week_s = i64::try_from(SEEN_RECENTLY_DAYS * 86_400).unwrap_or(i64::MAX);
    let rows = sqlx::query(
        "SELECT mailbox, row_id, name FROM sessions WHERE stale = 0 AND (online = 1 OR seen_at >= ?1)",
    )
    .bind(work.now.plus_s(-week_s).0)
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.try_get(0)?, Holder { row: row.try_get(1)?, name: row.try_get(2)? })))
        .collect()
}

/// The recipients of messages that were stored before, for repeated calls.
pub(super) async fn of_stored(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    sends: &[Ask<NewMessage, Stored>],
    repeated: &HashMap<usize, super::insert::Repeated>,
) -> Result<HashMap<usize, Vec<StoredRecipient>>, sqlx::Error> {
    let mut recipients: HashMap<usize, Vec<StoredRecipient>> = HashMap::with_capacity(repeated.len());
    for (index, repeated) in repeated {
        debug_assert!(*index < sends.len(), "a repeated call is one of the batch");
        let rows = sqlx::query(
            "SELECT d.recipient, d.mailbox, s.row_id, s.name FROM deliveries AS d
             LEFT JOIN sessions AS s ON s.mailbox = d.mailbox AND s.stale = 0
             WHERE d.message_id = ?1 ORDER BY d.mailbox",
        )
        .bind(repeated.id)
        .fetch_all(&mut *connection)
        .await?;
        let mut list = Vec::with_capacity(rows.len());
        for row in rows {
            let holder = match row.try_get::<Option<Row>, _>(2)? {
                Some(number) => Some(Holder { row: number, name: row.try_get(3)? }),
                None => None,
            };
            let target = Target { mailbox: row.try_get(1)?, addressed: row.try_get(0)?, holder };
            list.push(target.stored(work));
        }
        recipients.insert(*index, list);
    }
    Ok(recipients)
}
