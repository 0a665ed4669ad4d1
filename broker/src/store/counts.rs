//! How much unread mail each mailbox holds: a copy in memory of what the store says, kept by the writer after each
//! commit. It makes `unread` in every answer, and the limit of a mailbox, cost nothing.

use c2c_proto::frame::MailCount;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Unread mail by mailbox.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    by_mailbox: Mutex<HashMap<String, MailCount>>,
}

/// What a commit changed in one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CountChange {
    /// A message came.
    Arrived(String),
    /// One was marked read; whether it had been shown to the holder.
    Read { mailbox: String, was_new: bool },
    /// One was shown to the holder for the first time.
    Shown(String),
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

    /// Follows a commit.
    pub(crate) fn apply(&self, changes: Vec<CountChange>) {
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
                CountChange::Shown(mailbox) => {
                    if let Some(count) = counts.get_mut(&mailbox) {
                        count.new = count.new.saturating_sub(1);
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
    use super::{CountChange, Counts};
    use c2c_proto::frame::MailCount;

    #[test]
    fn follows_a_message_from_arrival_to_reading() {
        let counts = Counts::default();
        counts.apply(vec![CountChange::Arrived("a".into()), CountChange::Arrived("a".into())]);
        assert_eq!(counts.of("a"), MailCount { unread: 2, new: 2 });
        counts.apply(vec![CountChange::Shown("a".into())]);
        assert_eq!(counts.of("a"), MailCount { unread: 2, new: 1 });
        counts.apply(vec![CountChange::Read { mailbox: "a".into(), was_new: false }]);
        assert_eq!(counts.of("a"), MailCount { unread: 1, new: 1 });
        counts.apply(vec![CountChange::Read { mailbox: "a".into(), was_new: true }]);
        assert_eq!(counts.of("a"), MailCount::default());
        assert_eq!(counts.total_unread(), 0);
    }
}
