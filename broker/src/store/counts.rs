//! How much unread mail each mailbox holds: a copy in memory of what the store says, kept by the writer after each
//! commit. It makes `unread` in every answer, and the limit of a mailbox, cost nothing.

use super::transaction::{Kept, Ticket};
use crate::session::Row;
use c2c_proto::frame::MailCount;
use c2c_proto::id::MessageId;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Unread mail by mailbox.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    by_mailbox: Mutex<HashMap<String, MailCount>>,
}

/// What a commit changed in mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CountChange {
    /// A message came.
    Arrived(String),
    /// One was marked read; whether it had been shown to the holder.
    Read { mailbox: String, was_new: bool },
    /// Some were marked read by a statement: its kept rows are mailboxes, the rows of the holders that they were shown to, and
    /// messages. By whom: mailbox, holder and message.
    MarkedRead(Ticket, Vec<(String, Row, MessageId)>),
    /// Some were shown to their holders for the first time by a statement: its kept rows are mailboxes, and whether it is unread.
    MarkedShown(Ticket),
    /// So many unread ones are gone.
    Removed(String, MailCount),
    /// Too much changed at once: this is what the store says now.
    Recounted(String, MailCount),
}

impl Counts {
    /// Starts from what the store says.
    pub(crate) fn load(&self, counted: impl IntoIterator<Item = (String, MailCount)>) {
        *self.lock() = counted.into_iter().collect();
    }

    /// One mailbox.
    pub(crate) fn of(&self, mailbox: &str) -> MailCount {
        self.lock().get(mailbox).copied().unwrap_or_default()
    }

    /// All unread deliveries.
    pub(crate) fn total_unread(&self) -> u64 {
        self.lock().values().map(|count| count.unread).sum()
    }

    /// Follows a commit, in which these rows were kept.
    pub(crate) fn apply(&self, changes: Vec<CountChange>, kept: &Kept) {
        let mut counts = self.lock();
        for change in changes {
            match change {
                CountChange::Arrived(mailbox) => {
                    let count = counts.entry(mailbox).or_default();
                    count.unread += 1;
                    count.new += 1;
                }
                CountChange::Read { mailbox, was_new } => {
                    remove(&mut counts, &mailbox, MailCount { unread: 1, new: u64::from(was_new) });
                }
                CountChange::Removed(mailbox, gone) => remove(&mut counts, &mailbox, gone),
                CountChange::MarkedRead(ticket, readers) => {
                    for (mailbox, was_new) in marked_read(kept.of(ticket), &readers) {
                        remove(&mut counts, mailbox, MailCount { unread: 1, new: u64::from(was_new) });
                    }
                }
                CountChange::MarkedShown(ticket) => {
                    for mailbox in marked_shown(kept.of(ticket)) {
                        if let Some(count) = counts.get_mut(mailbox) {
                            count.new = count.new.saturating_sub(1);
                        }
                    }
                }
                CountChange::Recounted(mailbox, MailCount { unread: 0, .. }) => {
                    counts.remove(&mailbox);
                }
                CountChange::Recounted(mailbox, count) => {
                    counts.insert(mailbox, count);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, MailCount>> {
        self.by_mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of each row: its mailbox, and whether it had not been shown to the mailbox's holder. A row of a mailbox that its reader does
/// not hold any more was shown to the reader under an earlier name: whoever holds it now has not seen it.
fn marked_read<'r>(
    rows: &'r [SqliteRow],
    readers: &'r [(String, Row, MessageId)],
) -> impl Iterator<Item = (&'r str, bool)> {
    // A batch may mark very many.
    let mut holders: HashMap<(&str, MessageId), Row> = HashMap::with_capacity(readers.len());
    for (mailbox, row, message) in readers {
        holders.entry((mailbox, *message)).or_insert(*row);
    }
    rows.iter().filter_map(move |row| {
        let mailbox: &str = row.try_get(0).ok()?;
        let (shown_row, message): (Option<Row>, MessageId) = (row.try_get(1).ok()?, row.try_get(2).ok()?);
        Some((mailbox, holders.get(&(mailbox, message)).copied() != shown_row))
    })
}

/// The mailboxes of the rows that are unread.
fn marked_shown(rows: &[SqliteRow]) -> impl Iterator<Item = &str> {
    rows.iter().filter(|row| row.try_get(1).unwrap_or_default()).filter_map(|row| row.try_get(0).ok())
}

fn remove(counts: &mut HashMap<String, MailCount>, mailbox: &str, gone: MailCount) {
    let Some(count) = counts.get_mut(mailbox) else { return };
    count.unread = count.unread.saturating_sub(gone.unread);
    count.new = count.new.saturating_sub(gone.new);
    if count.unread == 0 {
        counts.remove(mailbox);
    }
}

#[cfg(test)]
mod tests {
    use super::{CountChange, Counts, Kept, Ticket};
    use c2c_proto::frame::MailCount;
    use sqlx::{Connection as _, SqliteConnection};

    #[tokio::test]
    async fn follows_a_message_from_arrival_to_reading() {
        let mut store = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let mut kept = Kept::default();
        for rows in ["SELECT 'a', 1 UNION ALL SELECT 'a', 0", "SELECT 'a', 7, 1", "SELECT 'a', NULL, 2"] {
            kept.0.push(sqlx::query(rows).fetch_all(&mut store).await.unwrap());
        }
        let counts = Counts::default();
        let arrived = || CountChange::Arrived("a".into());
        let by = |id| vec![("a".into(), 7, id)];
        for (changes, unread, new) in [
            (vec![arrived(), arrived()], 2, 2),
            (vec![CountChange::MarkedShown(Ticket(0))], 2, 1),
            (vec![CountChange::MarkedRead(Ticket(1), by(1))], 1, 1),
            (vec![CountChange::MarkedRead(Ticket(2), by(2))], 0, 0),
        ] {
            counts.apply(changes, &kept);
            assert_eq!(counts.of("a"), MailCount { unread, new });
        }
        assert_eq!(counts.total_unread(), 0);
    }
}
