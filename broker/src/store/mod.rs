//! The store: the one SQLite file, and the only truth. All SQL of the product is in this folder.
//!
//! Changes go through one queue to one task ([`writer`]), which commits them in groups and answers after the commit.
//! Reads go straight to a small pool. It knows nothing of connections, waits or who is to be woken.

mod answers;
mod backup;
mod batch;
mod checkpoint;
mod counts;
mod create;
mod doubt;
mod errors;
mod execute;
mod header;
mod import;
mod jobs;
mod late_index;
mod leisure;
mod linger;
mod link;
mod messages;
mod migrations;
mod open;
mod place;
mod prune;
mod readers;
mod reads;
mod recount;
pub mod restore;
mod seed;
mod sessions;
mod state;
mod tend;
#[cfg(test)]
mod tests;
mod transaction;
mod upkeep;
mod wal;
mod writer;

pub(crate) use answers::hash_of;
pub(crate) use jobs::{ByOwner, GreetingKind, Registration};
pub use jobs::{Greeted, Named};
pub(crate) use link::{Arrived, Kept, LinkChange, ToCollect};
pub(crate) use messages::{NewMessage, Range, Stored, StoredRecipient, Unread};
pub(crate) use sessions::{Listed, ListedPage, in_use};
pub(crate) use state::version_conflict;

use crate::clock::Clock;
use crate::config::Config;
use crate::presence::{OnlineGuard, Presence};
use crate::session::{ConnId, NameFollower, Row};
use crate::shutdown::Shutdown;
use crate::stats::Stats;
use answers::Age;
use c2c_proto::frame::MailCount;
use c2c_proto::hello::Identity;
use c2c_proto::id::MessageId;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{DeleteState, Import, MarkRead, SetState};
use c2c_proto::response::{Deleted, Imported, Marked, StateSet};
use c2c_proto::{Error, ErrorCode};
use checkpoint::Checkpoint;
use counts::Counts;
use jobs::{Ask, Greeting, Job};
use late_index::LateIndex;
use leisure::Leisure;
use link::{Nodes, Wake};
pub(crate) use place::Place;
use readers::Readers;
use reads::Counted;
use sqlx::SqliteConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use writer::{Numbers, Writer};

/// A read that takes longer keeps the log from being removed, which the next broker does then.
const READERS_CLOSE_WITHIN: Duration = Duration::from_millis(100);
/// Whoever looks does not wait longer for what is being marked read.
const SETTLE_MAX: Duration = Duration::from_secs(1);

/// What the writer and the readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) stats: Arc<Stats>,
    pub(crate) shutdown: Shutdown,
    pub(crate) presence: Presence,
    pub(crate) counts: Counts,
    pub(crate) follower: Arc<dyn NameFollower>,
    /// The newest message that is on disk.
    pub(crate) last_message_id: AtomicI64,
    pub(crate) nodes: Nodes,
    pub(crate) wake: Wake,
}

/// A handle to the open store.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    readers: Readers,
    /// For what may read through all of the store: no session's call waits behind that.
    onlookers: Readers,
    queue: mpsc::UnboundedSender<Job>,
    /// Calls that mark mail read and are not answered yet.
    marking: AtomicUsize,
    writer: Mutex<Option<JoinHandle<()>>>,
    stop: CancellationToken,
    paths: StorePaths,
    place: Place,
    store_id: String,
    epoch: u64,
    /// How many messages there were, when, and how long it took to count them.
    counted: Mutex<Option<Counted>>,
    /// Who was online when the last broker stopped; taken once.
    was_online: Mutex<Vec<OnlineGuard>>,
}

impl Store {
    /// Opens the store, or makes it where there never was one, and starts its writer.
    ///
    /// # Errors
    /// `store_refused` for a file that is not a store of ours or is damaged (it is left untouched), `storage_full`,
    /// `storage_failed`, `broker_busy` if another program holds it.
    pub async fn open(
        paths: &StorePaths,
        config: &Config,
        clock: &Clock,
        stats: &Arc<Stats>,
        shutdown: &Shutdown,
        follower: Arc<dyn NameFollower>,
    ) -> Result<Self, Error> {
        let opened = open::open(paths, config.durability, clock).await?;
        let (queue, jobs) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            config: config.clone(),
            clock: clock.clone(),
            stats: Arc::clone(stats),
            shutdown: shutdown.clone(),
            presence: presence(queue.clone()),
            counts: Counts::default(),
            follower,
            last_message_id: AtomicI64::new(0),
            nodes: Nodes::default(),
            wake: Wake::default(),
        });
        let mut connection = opened.writer;
        let loaded = async {
            let loaded = load(&mut connection, &shared).await?;
            let text = LateIndex::in_store(&mut connection).await?;
            Ok::<_, sqlx::Error>((loaded, Age::in_store(&mut connection, clock.now()).await?, text))
        };
        let ((numbers, online), age, text) = match loaded.await {
            Ok(loaded) => loaded,
            Err(error) => {
                open::abandon(connection);
                return Err(errors::for_caller(&error));
            }
        };
        let (was_online, stop) = (hold(&shared.presence, &online), CancellationToken::new());
        let writer = Writer {
            connection,
            jobs,
            shared: Arc::clone(&shared),
            numbers,
            age,
            names: messages::KnownNames::default(),
            text,
            checkpoint: Checkpoint::of_store(&paths.store),
            searches: Vec::new(),
            leisure: Leisure::default(),
            stop: stop.clone(),
            refusal: None,
            epoch: opened.epoch,
            paths: paths.clone(),
            place: opened.place.clone(),
            hands_off: false,
        };
        Ok(Self {
            shared,
            onlookers: Readers::when_needed(opened.readers.options().clone()),
            marking: AtomicUsize::new(0),
            readers: opened.readers,
            counted: Mutex::default(),
            queue,
            writer: Mutex::new(Some(writer.start())),
            stop,
            paths: paths.clone(),
            place: opened.place,
            store_id: opened.store_id,
            epoch: opened.epoch,
            was_online: Mutex::new(was_online),
        })
    }

    /// Puts into the run folder what has to be there: the store's id, so that a store which is gone is missed, and the file
    /// that becomes the mark of a failed flush.
    pub fn furnish_run_folder(&self) {
        open::remember(&self.paths, &self.store_id);
        doubt::prepare(&self.paths);
    }

    /// The files that were opened, and where they have to be.
    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Finishes what is queued, folds the log into the store and closes it. Later changes are refused.
    pub async fn close(&self) {
        // The last connection that is closed removes the log, and one that only reads cannot.
        let both = async { tokio::join!(self.readers.close(), self.onlookers.close()) };
        let _ = timeout(READERS_CLOSE_WITHIN, both).await;
        self.stop.cancel();
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.await
        {
            tracing::error!(%error, "the writer ended badly; the next broker recovers the store");
        }
    }

    /// The sessions that were online when the last broker stopped count as online as long as these are held.
    pub async fn take_was_online(&self) -> Vec<OnlineGuard> {
        std::mem::take(&mut *self.was_online.lock().await)
    }

    /// A hello: the session's row, found or made.
    pub(crate) async fn greet(
        &self,
        conn: ConnId,
        identity: Identity,
        kind: GreetingKind,
    ) -> Result<Option<Greeted>, Error> {
        self.change(Greeting { conn, identity, kind }, Job::Hello).await
    }

    pub(crate) async fn register(&self, registration: Registration) -> Result<Named, Error> {
        self.change(registration, Job::Register).await
    }

    pub(crate) async fn send(&self, message: NewMessage) -> Result<Stored, Error> {
        let stored = self.change(message, Job::Send).await?;
        self.note_newest(stored.id);
        Ok(stored)
    }

    pub(crate) async fn mark_read(&self, mark: ByOwner<MarkRead>) -> Result<Marked, Error> {
        self.marking.fetch_add(1, Ordering::AcqRel);
        let marked = self.change(mark, Job::MarkRead).await;
        self.marking.fetch_sub(1, Ordering::AcqRel);
        marked
    }

    /// Returns when what is being marked read is on disk: an `ask` is answered before its answers are marked, and whoever looks
    /// afterwards finds them read. This rests on the broker's one thread: a mark that came first is queued first. A disk that
    /// takes long holds up only who writes, and a look sees then what is on it; what keeps marks from getting there, the one who
    /// marks is told.
    pub(crate) async fn settle_marks(&self) {
        if self.marking.load(Ordering::Acquire) > 0 {
            let _ = timeout(SETTLE_MAX, self.flush()).await;
        }
    }

    pub(crate) async fn mark_shown(&self, shown: ByOwner<Vec<MessageId>>) -> Result<(), Error> {
        self.change(shown, Job::Shown).await
    }

    /// What a later server of the same client session will say, and get the name by.
    pub(crate) async fn note_client_session(&self, row: Row, client_session: String) -> Result<(), Error> {
        self.change((row, client_session), Job::ClientSession).await
    }

    pub(crate) async fn set_state(&self, set: ByOwner<SetState>) -> Result<StateSet, Error> {
        self.change(set, Job::SetState).await
    }

    pub(crate) async fn delete_state(&self, delete: ByOwner<DeleteState>) -> Result<Deleted, Error> {
        self.change(delete, Job::DeleteState).await
    }

    pub(crate) async fn import(&self, import: Import) -> Result<Imported, Error> {
        let (imported, newest) = self.change(import, Job::Import).await?;
        self.note_newest(newest);
        Ok(imported)
    }

    /// Returns when a search finds everything that was stored before.
    async fn index_texts(&self) -> Result<(), Error> {
        self.change((), Job::IndexTexts).await
    }

    /// Returns when everything that was queued before is on disk.
    ///
    /// # Errors
    /// Whatever keeps it from getting there.
    pub async fn flush(&self) -> Result<(), Error> {
        self.change((), Job::Flush).await
    }

    /// Unread mail of a mailbox.
    pub(crate) fn mail(&self, mailbox: &str) -> MailCount {
        self.shared.counts.of(mailbox)
    }

    /// Whether the row has a connection (or had one when the last broker stopped, a moment ago).
    pub(crate) fn is_online(&self, row: Row) -> bool {
        self.shared.presence.is_online(row)
    }

    /// Whether the row's session is connected, or its place is held for it; a person who acts under its name does not count.
    pub(crate) fn is_in_use(&self, row: Row) -> bool {
        self.shared.presence.is_in_use(row)
    }

    /// A message is on disk.
    fn note_newest(&self, id: MessageId) {
        self.shared.last_message_id.fetch_max(id, Ordering::AcqRel);
    }

    async fn change<I, O>(&self, input: I, job: impl FnOnce(Ask<I, O>) -> Job) -> Result<O, Error> {
        let (answer, answered) = oneshot::channel();
        let gone = || {
            Error::new(
                ErrorCode::ShuttingDown,
                "the broker is going down; whether this was stored is not known",
                "call again with the same idempotency_key; another broker takes over within seconds",
            )
        };
        self.queue.send(job(Ask { input, answer })).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Holds the places of those whose clients still run: nobody else will come back as them. The others are let go, which
/// writes down that they are offline; a person's place needs no holding, since nobody but the person takes it.
fn hold(presence: &Presence, online: &[(Row, String)]) -> Vec<OnlineGuard> {
    let all: Vec<_> = online
        .iter()
        .map(|(row, parent)| {
            (presence.hold(*row), parent != sessions::PERSON && c2c_proto::process::may_run(parent))
        })
        .collect();
    all.into_iter().filter_map(|(guard, may_run)| may_run.then_some(guard)).collect()
}

/// Presence that the writer follows. A closed queue means that the broker is going down: the next one finds out itself.
fn presence(queue: mpsc::UnboundedSender<Job>) -> Presence {
    Presence::new(move |row, left| drop(queue.send(Job::Presence(row, left))))
}

/// The counters and counts that live in memory, from what the store says.
async fn load(
    connection: &mut SqliteConnection,
    shared: &Shared,
) -> Result<(Numbers, Vec<(Row, String)>), sqlx::Error> {
    let last_message_id: Option<i64> =
        sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'messages'")
            .fetch_optional(&mut *connection)
            .await?;
    let last_version: i64 =
        sqlx::query_scalar("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'last_version'")
            .fetch_one(&mut *connection)
            .await?;
    shared.counts.load(recount::all(connection).await?);
    shared.nodes.load(connection).await?;
    let last_message_id = last_message_id.unwrap_or(0);
    shared.last_message_id.store(last_message_id, Ordering::Release);
    Ok((Numbers { last_message_id, last_version }, sessions::load_online(connection).await?))
}
