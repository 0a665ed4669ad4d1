//! What is read from the store without changing it: each asks the pool, and turns a failure into the caller's error.

use super::header::log_of;
use super::messages::{self, Page, Range, Unread};
use super::sessions::{self, ListedPage};
use super::{Store, errors, prune, state};
use crate::session::{Owner, Row};
use c2c_proto::Error;
use c2c_proto::event::Closing;
use c2c_proto::id::MessageId;
use c2c_proto::message::Message;
use c2c_proto::request::{Filter, Inbox, ListState, ReadMessage, Traffic};
use c2c_proto::response::{Entry, Pruned, States};
use c2c_proto::time::Timestamp;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Where it takes long, counting takes at most one part in so many of the time.
const COUNTING_ONE_IN: u32 = 50;
/// What takes less is done each time.
const COUNTED_AT_ONCE: Duration = Duration::from_millis(5);

/// How many messages there were.
#[derive(Debug)]
pub(super) struct Counted {
    messages: u64,
    at: Instant,
    took: Duration,
}

impl Counted {
    fn is_fresh(&self) -> bool {
        self.took >= COUNTED_AT_ONCE && self.at.elapsed() < self.took * COUNTING_ONE_IN
    }
}

impl Store {
    pub(crate) async fn list_messages(&self, owner: &Owner, ask: &Inbox) -> Result<Page, Error> {
        if ask.query.is_some() {
            self.index_texts().await?;
        }
        self.read(messages::list(&self.readers, owner, ask, self.shared.clock.now()).await)
    }

    pub(crate) async fn one_message(
        &self,
        owner: &Owner,
        ask: &ReadMessage,
    ) -> Result<(Message, bool), Error> {
        self.read(messages::one(&self.readers, owner, ask, self.shared.clock.now()).await)?
    }

    /// Messages of all sessions, or all of a mailbox.
    pub(crate) async fn traffic(&self, ask: &Traffic) -> Result<Page, Error> {
        if ask.query.is_some() {
            self.index_texts().await?;
        }
        self.read(messages::traffic(&self.onlookers, ask, self.shared.clock.now()).await)
    }

    /// Any message.
    pub(crate) async fn any_message(&self, ask: &ReadMessage) -> Result<Message, Error> {
        self.read(messages::any(&self.onlookers, ask, self.shared.clock.now()).await)?
    }

    pub(crate) async fn unread(
        &self,
        owner: &Owner,
        filter: &Filter,
        began_after: MessageId,
        above: MessageId,
    ) -> Result<Unread, Error> {
        self.read(messages::unread(&self.readers, owner, filter, began_after, above).await)
    }

    /// The newest row that a client calls by this id, and that has kept its name.
    pub(crate) async fn row_of_client_session(&self, client_session: &str) -> Result<Option<Row>, Error> {
        self.read(sessions::row_of_client_session(&self.readers, client_session).await)
    }

    /// Mail that a session is to be told of, ascending by id.
    pub(crate) async fn unannounced(&self, owner: &Owner, range: Range) -> Result<Vec<Message>, Error> {
        self.read(messages::unannounced(&self.readers, owner, range).await)
    }

    /// The first answer of each recipient, at most `limit`, and the names of those that have not answered.
    pub(crate) async fn answers_to(
        &self,
        owner: &Owner,
        question: MessageId,
        limit: usize,
    ) -> Result<(Vec<Message>, Vec<String>), Error> {
        let found = self.read(messages::answers_to(&self.readers, owner, question, limit).await)?;
        Ok((found.replies, found.missing))
    }

    /// Sessions in the order of their mailboxes, a page of those after one mailbox.
    pub(crate) async fn sessions(&self, seen_since: Timestamp, after: &str) -> Result<ListedPage, Error> {
        self.read(sessions::list(&self.readers, seen_since, after).await)
    }

    pub(crate) async fn known_names(&self) -> Result<Vec<String>, Error> {
        self.read(sessions::known_names(&self.readers).await)
    }

    /// Whether a session holds this name, or mail lies under it.
    pub(crate) async fn knows_mailbox(&self, mailbox: &str) -> Result<bool, Error> {
        self.read(sessions::knows_mailbox(&self.readers, mailbox).await)
    }

    pub(crate) async fn get_state(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.read(state::get(&self.readers, key, self.shared.clock.now()).await)
    }

    pub(crate) async fn list_state(&self, ask: &ListState) -> Result<States, Error> {
        self.read(state::list(&self.readers, ask, self.shared.clock.now()).await)
    }

    /// What a prune would delete now.
    pub(crate) async fn would_prune(&self, older_than_days: u32) -> Result<Pruned, Error> {
        self.read(prune::count(&self.onlookers, self.shared.clock.now(), older_than_days).await)
    }

    /// How many messages the store holds, as of a moment ago: in a large store they are not counted anew each time that somebody
    /// who watches asks.
    pub(crate) async fn message_count(&self) -> Result<u64, Error> {
        let mut counted = self.counted.lock().await;
        if let Some(counted) = counted.as_ref().filter(|counted| counted.is_fresh()) {
            return Ok(counted.messages);
        }
        let began = Instant::now();
        let count: i64 = self.read(messages::count(&self.readers).await)?;
        let messages = u64::try_from(count).unwrap_or_default();
        *counted = Some(Counted { messages, at: Instant::now(), took: began.elapsed() });
        Ok(messages)
    }

    /// The newest message that is on disk.
    pub(crate) fn last_message_id(&self) -> MessageId {
        self.shared.last_message_id.load(Ordering::Acquire)
    }

    /// Unread deliveries in all mailboxes.
    pub(crate) fn total_unread(&self) -> u64 {
        self.shared.counts.total_unread()
    }

    /// Sessions that are online.
    pub(crate) fn online_count(&self) -> usize {
        self.shared.presence.online_count()
    }

    /// The store's id.
    pub(crate) fn store_id(&self) -> &str {
        &self.store_id
    }

    /// How often a broker has opened this store.
    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Bytes of the store and its log on the disk.
    pub(crate) fn bytes(&self) -> u64 {
        let length = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        length(&self.paths.store) + length(&log_of(&self.paths.store))
    }

    pub(super) fn read<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, Error> {
        result.map_err(|error| {
            tracing::error!(%error, "the store could not be read");
            if errors::is_damaged(&error) {
                // A broken file is not served any further: what it still gives may be wrong.
                self.shared.shutdown.begin(Closing::StorageFailed);
            }
            self.shared
                .stats
                .failed(self.shared.clock.now(), &format!("the store could not be read: {error}"));
            errors::for_caller(&error)
        })
    }
}
