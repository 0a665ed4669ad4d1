//! The one task that changes the store. What was queued during the last commit, or half of it where that is much, becomes
//! the next transaction (group commit), so that many share the cost of a flush, without a timer.
//!
//! Law: nothing is answered before its commit. A failed commit is answered with an error; if what the disk holds is
//! uncertain after it, the writer refuses everything from then on and the broker begins again from what is there. So it
//! does when another broker has opened the store: each transaction looks whose turn it is before it changes anything.

use super::Shared;
use super::answers::Age;
use super::batch::{Batch, Outcomes, QUEUE_MAX_JOBS};
use super::checkpoint::Checkpoint;
use super::counts::CountChange;
use super::doubt;
use super::errors::{Severity, failed, for_caller, severity};
use super::execute::execute;
use super::jobs::{Ask, Job};
use super::late_index::LateIndex;
use super::leisure::Leisure;
use super::linger::linger;
use super::link::ForLink;
use super::messages::KnownNames;
use super::open::abandon;
use super::place::Place;
use super::transaction::Transaction;
use crate::shutdown::Shutdown;
use c2c_proto::event::Closing;
use c2c_proto::id::MessageId;
use c2c_proto::paths::StorePaths;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Owns the connection that writes.
pub(crate) struct Writer {
    pub(crate) connection: SqliteConnection,
    pub(crate) jobs: mpsc::UnboundedReceiver<Job>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) numbers: Numbers,
    /// Of the kept answers.
    pub(crate) age: Age,
    pub(crate) names: KnownNames,
    pub(crate) text: LateIndex,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) searches: Vec<Search>,
    pub(crate) leisure: Leisure,
    /// Begun when the store is to be closed: what is queued by then is still done.
    pub(crate) stop: CancellationToken,
    /// How often the store had been opened when it was opened for this writer; each opening counts it up.
    pub(crate) epoch: u64,
    /// Why nothing is acknowledged any more, once that is so.
    pub(crate) refusal: Option<Error>,
    pub(crate) paths: StorePaths,
    pub(crate) place: Place,
    /// Whether nothing is tidied up at the end: what the system shows of the files may not be on the disk, or they are
    /// another broker's now.
    pub(crate) hands_off: bool,
}

/// The counters that the writer hands numbers out from. They never go back, not even when a transaction is undone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) last_message_id: i64,
    pub(crate) last_version: i64,
}

/// A search that waits for the index of words.
pub(crate) struct Search {
    /// The newest message whose text it may find.
    pub(super) up_to: MessageId,
    pub(super) answer: Ask<(), ()>,
}

/// What the statements of one batch share.
pub(crate) struct Work<'a> {
    pub(crate) now: Timestamp,
    pub(crate) age: Age,
    pub(crate) numbers: &'a mut Numbers,
    pub(crate) names: &'a mut KnownNames,
    /// Up to which message the index of words goes.
    pub(crate) text_up_to: MessageId,
    pub(crate) shared: &'a Shared,
    pub(crate) keys: Keys,
    /// How the counts change if this is committed.
    pub(crate) counts: Vec<CountChange>,
    /// Mailboxes to be counted anew before the commit.
    pub(crate) recount: Vec<(String, i64)>,
    /// What a link has to look at if this is committed.
    pub(crate) for_link: ForLink,
}

/// What is taken of the keys of a batch's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// None has been used before, as good as always. If one has, the store refuses all of the transaction, and it is
    /// made again with a look for them first.
    New,
    /// Some may have been used before: they are looked for.
    MayBeKnown,
}

/// Why a transaction did not come about. Nothing of it is stored, as far as that can be known.
pub(super) enum Failure {
    Sql(sqlx::Error),
    /// Another broker has opened the store.
    TakenOver,
}

impl Writer {
    /// Works in a task of its own. Should it end without having been asked to, the broker goes down.
    pub(crate) fn start(self) -> JoinHandle<()> {
        let (stop, shutdown) = (self.stop.clone(), self.shared.shutdown.clone());
        tokio::spawn(guarded(self.run(), stop, shutdown))
    }

    /// Works until the store is to be closed, then closes the connection with the log folded into the store.
    async fn run(mut self) {
        let mut queue = Vec::new();
        while self.fill(&mut queue).await {
            if !queue.is_empty() {
                let batch = Batch::take(&mut queue);
                self.commit(batch).await;
                self.tend_under_load().await;
            }
            self.serve_searches().await;
        }
        if self.refusal.is_none() {
            self.fold_at_once().await;
        }
        self.leave().await;
    }

    /// Adds what was asked meanwhile to the queue, and waits if there is nothing at all to be done. False when the store is to
    /// be closed and everything is done.
    async fn fill(&mut self, queue: &mut Vec<Job>) -> bool {
        if self.stop.is_cancelled() {
            // From here on nothing is accepted any more; what was queued before is taken out until none is left.
            self.jobs.close();
        }
        if queue.is_empty() && self.searches.is_empty() {
            queue.extend(self.next().await);
        }
        if self.searches.is_empty() {
            linger(queue, &mut self.jobs, &self.stop).await;
        }
        while queue.len() < QUEUE_MAX_JOBS
            && let Ok(job) = self.jobs.try_recv()
        {
            queue.push(job);
        }
        !queue.is_empty() || !self.searches.is_empty()
    }

    /// What is asked next. While nobody waits, there is time for what can be left until then.
    async fn next(&mut self) -> Option<Job> {
        let stop = self.stop.clone();
        loop {
            tokio::select! {
                biased;
                job = self.jobs.recv() => return job,
                () = stop.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
                () = self.leisure.comes() => self.tend_at_leisure().await,
            }
        }
    }

    /// Closes the connection, or leaves everything as a kill would.
    async fn leave(self) {
        if self.hands_off {
            return abandon(self.connection);
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the store was not closed cleanly; the next broker recovers it");
        }
    }

    /// Acknowledges nothing any more, and lets the next broker begin from what is on the disk.
    pub(super) fn doubt(&mut self, what: &str) {
        self.hands_off = true;
        doubt::note(&self.paths);
        self.refusal = Some(failed(what));
        self.shared.shutdown.begin(Closing::StorageFailed);
    }

    async fn commit(&mut self, mut batch: Batch) {
        self.leisure.put_off();
        let searches = std::mem::take(&mut batch.index_texts);
        self.commit_changes(batch).await;
        let up_to = self.numbers.last_message_id;
        self.searches.extend(searches.into_iter().map(|answer| Search { up_to, answer }));
    }

    async fn commit_changes(&mut self, batch: Batch) {
        let mut full = false;
        let mut batches = if batch.len() == 0 { Vec::new() } else { vec![batch] };
        while let Some(batch) = batches.pop() {
            if let Some(reason) = self.refusing() {
                batch.refuse(&reason);
                continue;
            }
            match self.attempt_twice(&batch).await {
                Ok(outcomes) if self.place.is_right() => batch.answer(outcomes, &self.shared),
                Ok(_) => self.lose(batch).await,
                Err(Failure::TakenOver) => drop(self.give_way(batch)),
                // One of them is at fault, or does not fit on the disk: its neighbours must not suffer for it.
                Err(Failure::Sql(error)) if is_of_one(&error) && batch.len() > 1 => {
                    batches.extend(batch.split().into_iter().rev());
                }
                Err(Failure::Sql(error)) => full |= self.fail(batch, &error).code == ErrorCode::StorageFull,
            }
        }
        if full {
            // What was not committed still takes up room in the log; the next ones may need it.
            self.fold_at_once().await;
        }
    }

    /// Runs a batch without a look whether its messages have been stored before, and if one has, with it.
    async fn attempt_twice(&mut self, batch: &Batch) -> Result<Outcomes, Failure> {
        match self.attempt(batch, Keys::New).await {
            Err(Failure::Sql(error)) if !batch.sends.is_empty() && is_not_unique(&error) => {
                self.attempt(batch, Keys::MayBeKnown).await
            }
            result => result,
        }
    }

    /// Runs a batch in one transaction. On an error nothing of it is stored.
    pub(super) async fn attempt(&mut self, batch: &Batch, keys: Keys) -> Result<Outcomes, Failure> {
        match self.transact(batch, keys).await {
            Ok(outcomes) => {
                self.text.stored(batch.text_bytes());
                Ok(outcomes)
            }
            Err(error) => Err(self.undone(error).await),
        }
    }

    /// Undoes what a transaction that failed has left.
    pub(super) async fn undone(&mut self, error: sqlx::Error) -> Failure {
        self.names.forget();
        // After some errors SQLite has undone the transaction by itself, or it never began; then there is nothing left
        // to undo.
        let _ = run(&mut self.connection, "ROLLBACK").await;
        // An error that is no fault of the disk may be the one that says whose turn it is not.
        if severity(&error) == Severity::Statement && self.is_taken_over().await {
            return Failure::TakenOver;
        }
        Failure::Sql(error)
    }

    async fn transact(&mut self, batch: &Batch, keys: Keys) -> Result<Outcomes, sqlx::Error> {
        self.names.keep_small();
        let mut transaction = Transaction::new(&mut self.connection, self.epoch);
        let mut work = Work {
            now: self.shared.clock.now(),
            age: self.age,
            numbers: &mut self.numbers,
            names: &mut self.names,
            text_up_to: self.text.up_to(),
            shared: &self.shared,
            keys,
            counts: Vec::new(),
            recount: Vec::new(),
            for_link: ForLink::default(),
        };
        let mut outcomes = execute(&mut transaction, &mut work, batch).await?;
        outcomes.for_link = work.for_link;
        let counts = work.counts;
        let began = Instant::now();
        let kept = transaction.commit().await?;
        self.shared.stats.committed(began.elapsed());
        self.shared.counts.apply(counts, &kept);
        Ok(outcomes)
    }

    /// Whether another broker has opened the store.
    async fn is_taken_over(&mut self) -> bool {
        let epoch: Result<i64, _> =
            sqlx::query_scalar("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch'")
                .fetch_one(&mut self.connection)
                .await;
        epoch.is_ok_and(|epoch| u64::try_from(epoch) != Ok(self.epoch))
    }

    /// Refuses a batch; with what.
    pub(super) fn fail(&mut self, batch: Batch, error: &sqlx::Error) -> Error {
        tracing::error!(%error, changes = batch.len(), "a transaction failed");
        self.shared.stats.failed(self.shared.clock.now(), &format!("a transaction failed: {error}"));
        if severity(error) == Severity::Fatal {
            self.doubt("an earlier commit failed");
        }
        let error = for_caller(error);
        batch.refuse(&error);
        error
    }

    /// The store is gone: nothing is acknowledged any more.
    async fn lose(&mut self, batch: Batch) {
        let what = self.place.what_is_wrong();
        tracing::error!("{what}: nothing is acknowledged any more");
        self.shared.stats.failed(self.shared.clock.now(), &what);
        self.shared.shutdown.begin(Closing::StorageFailed);
        // Into the file that was moved, where whoever moved it finds everything; and another store that lies here now
        // must not be read with this one's log.
        self.fold_at_once().await;
        let reason = failed(&what);
        batch.refuse(&reason);
        self.refusal = Some(reason);
    }

    /// Another broker has opened the store: the numbers and counts of this one hold no more. Refuses a batch; with what.
    pub(super) fn give_way(&mut self, batch: Batch) -> Error {
        self.hands_off = true;
        let what = format!("another broker has opened {}", self.place.store().display());
        tracing::error!("{what}: nothing is acknowledged any more");
        self.shared.stats.failed(self.shared.clock.now(), &what);
        self.shared.shutdown.begin(Closing::HandingOver);
        let reason = Error::new(
            ErrorCode::ShuttingDown,
            format!("{what} and has taken over; nothing was stored"),
            "call again with the same idempotency_key; the other broker answers",
        );
        batch.refuse(&reason);
        self.refusal = Some(reason.clone());
        reason
    }

    /// Why nothing may be acknowledged any more, if so. While the broker merely goes down, what was queued is done.
    pub(super) fn refusing(&self) -> Option<Error> {
        let lost = self.shared.shutdown.reason() == Some(Closing::StorageFailed);
        let elsewhere = || failed("it was found damaged, or the file is not where it was");
        self.refusal.clone().or_else(|| lost.then(elsewhere))
    }
}

/// Whether something is in the store already that may be there only once.
fn is_not_unique(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

/// Whether another change of the same batch may succeed by itself.
fn is_of_one(error: &sqlx::Error) -> bool {
    severity(error) == Severity::Statement || for_caller(error).code == ErrorCode::StorageFull
}

/// Without a writer every change would be refused for ever, while the broker looks alive.
async fn guarded(
    work: impl Future<Output = ()> + Send + 'static,
    stop: CancellationToken,
    shutdown: Shutdown,
) {
    let ended = tokio::spawn(work).await;
    if let Err(error) = &ended {
        tracing::error!(%error, "the writer ended badly; the next broker recovers the store");
    }
    if ended.is_err() || !stop.is_cancelled() {
        shutdown.begin(Closing::StorageFailed);
    }
}

/// A statement of the transaction itself. Not through the library's own transactions: those lose count when SQLite
/// ends one by itself, as on a full disk.
async fn run(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).execute(connection).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::{CancellationToken, Closing, Shutdown, guarded};

    #[tokio::test]
    async fn a_writer_that_ends_unasked_takes_the_broker_down() {
        let (stop, shutdown) = (CancellationToken::new(), Shutdown::new());
        guarded(async { panic!("a fault of ours") }, stop.clone(), shutdown.clone()).await;
        assert_eq!(shutdown.reason(), Some(Closing::StorageFailed));
        let shutdown = Shutdown::new();
        guarded(async {}, stop.clone(), shutdown.clone()).await;
        assert_eq!(shutdown.reason(), Some(Closing::StorageFailed));
        stop.cancel();
        let shutdown = Shutdown::new();
        guarded(async {}, stop, shutdown.clone()).await;
        assert_eq!(shutdown.reason(), None);
    }
}
