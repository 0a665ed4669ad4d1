//! One transaction's worth of changes: sorted by kind, so that messages, marks and the shared state are one statement
//! per table however many there are, and answered together once the commit is through. Hellos, registrations and
//! prunes are rare, and run one after the other.

use super::Shared;
use super::jobs::{Ask, ByOwner, Greeted, Greeting, Job, Named, Registration};
use super::link::{ForLink, LinkChange, LinkOutcome};
use super::messages::{NewMessage, Stored};
use super::prune::{PrunePortion, PruneProgress};
use super::state::{StateChange, StateOutcome};
use crate::presence::{Left, OnlineGuard};
use crate::session::{Attached, Row};
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::request::{Import, MarkRead};
use c2c_proto::response::{Imported, Marked};
use std::collections::HashSet;

/// Jobs that wait for their transaction where they can be counted, at most; the others wait behind them.
pub(crate) const QUEUE_MAX_JOBS: usize = 1_024;
/// So few jobs are one transaction. Of more, half are: while they are committed, those that were answered before come back,
/// so that processors and disk are at work at the same time. If all that is there were taken each time, clients which go on
/// as soon as they have their answer would be in step with each other, and the disk would rest while they are answered.
const BATCH_MIN_JOBS: usize = 16;
/// Text in one transaction, at most: well under what SQLite takes in one bound value (1 GB, escapes included).
const BATCH_MAX_BYTES: usize = 32 * 1024 * 1024;

/// The changes of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) hellos: Vec<Ask<Greeting, Option<Greeted>>>,
    pub(crate) registrations: Vec<Ask<Registration, Named>>,
    pub(crate) presence: Vec<(Row, Left)>,
    pub(crate) sends: Vec<Ask<NewMessage, Stored>>,
    pub(crate) marks: Vec<Ask<ByOwner<MarkRead>, Marked>>,
    pub(crate) shown: Vec<Ask<ByOwner<Vec<MessageId>>, ()>>,
    pub(crate) client_sessions: Vec<Ask<(Row, String), ()>>,
    pub(crate) state: Vec<StateChange>,
    pub(crate) prunes: Vec<Ask<ByOwner<PrunePortion>, PruneProgress>>,
    pub(crate) imports: Vec<Ask<Import, (Imported, MessageId)>>,
    pub(crate) links: Vec<Ask<LinkChange, LinkOutcome>>,
    pub(crate) index_texts: Vec<Ask<(), ()>>,
    pub(crate) flushes: Vec<Ask<(), ()>>,
}

/// What came of each change, in the batch's order.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) hellos: Vec<Result<Option<Greeted>, Error>>,
    pub(crate) registrations: Vec<Result<Named, Error>>,
    pub(crate) sends: Vec<Result<Stored, Error>>,
    pub(crate) marks: Vec<Result<Marked, Error>>,
    pub(crate) state: Vec<Result<StateOutcome, Error>>,
    pub(crate) prunes: Vec<Result<PruneProgress, Error>>,
    pub(crate) imports: Vec<Result<(Imported, MessageId), Error>>,
    pub(crate) links: Vec<Result<LinkOutcome, Error>>,
    /// What a link has to look at.
    pub(crate) for_link: ForLink,
}

impl Batch {
    /// Takes from the queue, from its front, what is done in one transaction. A change whose key is in the batch already
    /// stays behind: it is the same call again, and finds its answer in the store next time.
    pub(crate) fn take(queue: &mut Vec<Job>) -> Self {
        let mut batch = Self::default();
        let mut keys: HashSet<(Row, String)> = HashSet::new();
        let (mut left, mut bytes) = ((queue.len() / 2).max(BATCH_MIN_JOBS), 0);
        let fits = |job: &mut Job| {
            if left == 0 || job.key().is_some_and(|(scope, key)| !keys.insert((scope, key.into_owned()))) {
                return false;
            }
            let full = bytes > 0 && bytes + job.weight() > BATCH_MAX_BYTES;
            bytes += job.weight();
            left = if full { 0 } else { left - 1 };
            !full
        };
        queue.extract_if(.., fits).for_each(|job| batch.push(job));
        batch
    }

    /// How long the texts of its messages are together.
    pub(crate) fn text_bytes(&self) -> usize {
        let sent = self.sends.iter().map(|ask| ask.input.request.body.len());
        let imported =
            self.imports.iter().flat_map(|ask| &ask.input.messages).map(|message| message.body.len());
        sent.chain(imported).sum()
    }

    /// The same changes, each in a batch of its own.
    pub(crate) fn split(self) -> Vec<Self> {
        let mut queue: Vec<Job> = self.into_jobs();
        queue
            .drain(..)
            .map(|job| {
                let mut single = Self::default();
                single.push(job);
                single
            })
            .collect()
    }

    /// Whether names or who is there change with it.
    pub(crate) const fn is_about_sessions(&self) -> bool {
        !(self.hellos.is_empty()
            && self.registrations.is_empty()
            && self.presence.is_empty()
            && self.client_sessions.is_empty())
    }

    /// How many changes.
    pub(crate) fn len(&self) -> usize {
        self.hellos.len()
            + self.registrations.len()
            + self.presence.len()
            + self.sends.len()
            + self.marks.len()
            + self.shown.len()
            + self.client_sessions.len()
            + self.state.len()
            + self.prunes.len()
            + self.imports.len()
            + self.links.len()
            + self.index_texts.len()
            + self.flushes.len()
    }

    /// Answers everything with what came of it, once presence and the follower of names have been told. Only after the commit.
    pub(crate) fn answer(self, outcomes: Outcomes, shared: &Shared) {
        self.tell_follower(&outcomes, shared);
        shared.wake.committed(outcomes.for_link);
        answer_all(self.hellos, outcomes.hellos);
        answer_all(self.registrations, outcomes.registrations);
        answer_all(self.sends, outcomes.sends);
        answer_all(self.marks, outcomes.marks);
        answer_all(self.prunes, outcomes.prunes);
        answer_all(self.imports, outcomes.imports);
        answer_all(self.links, outcomes.links);
        for (change, outcome) in self.state.into_iter().zip(outcomes.state) {
            change.answer(outcome);
        }
        for noted in self.client_sessions {
            let _ = noted.answer.send(Ok(()));
        }
        for shown in self.shown {
            let _ = shown.answer.send(Ok(()));
        }
        for flush in self.flushes {
            let _ = flush.answer.send(Ok(()));
        }
    }

    /// In the order in which the changes were made.
    fn tell_follower(&self, outcomes: &Outcomes, shared: &Shared) {
        let (follower, at) = (&shared.follower, shared.clock.now());
        for (ask, outcome) in self.hellos.iter().zip(&outcomes.hellos) {
            let Ok(Some(Greeted { owner, superseded, online, displaced, displaced_row })) = outcome else {
                continue;
            };
            if let (Some(row), Some(displaced)) = (displaced_row, displaced) {
                follower.superseded(*row, &displaced.state());
            }
            online.iter().for_each(OnlineGuard::confirm);
            let online = online.as_ref().map(OnlineGuard::another);
            follower.attached(ask.input.conn, &Attached { owner, superseded: *superseded, online, at });
        }
        for (ask, outcome) in self.registrations.iter().zip(&outcomes.registrations) {
            let Ok(Named { owner, answer, online, displaced_row }) = outcome else { continue };
            if let (Some(row), Some(displaced)) = (displaced_row, &answer.superseded) {
                follower.superseded(*row, &displaced.state());
            }
            online.confirm();
            let online = Some(online.another());
            follower.attached(ask.input.conn, &Attached { owner, superseded: false, online, at });
        }
    }

    /// Answers everything with one error.
    pub(crate) fn refuse(self, error: &Error) {
        for job in self.into_jobs() {
            job.refuse(error);
        }
    }

    fn push(&mut self, job: Job) {
        match job {
            Job::Hello(ask) => self.hellos.push(ask),
            Job::Register(ask) => self.registrations.push(ask),
            Job::Presence(row, left) => self.presence.push((row, left)),
            Job::Send(ask) => self.sends.push(ask),
            Job::MarkRead(ask) => self.marks.push(ask),
            Job::Shown(ask) => self.shown.push(ask),
            Job::ClientSession(ask) => self.client_sessions.push(ask),
            Job::SetState(ask) => self.state.push(StateChange::Set(ask)),
            Job::DeleteState(ask) => self.state.push(StateChange::Delete(ask)),
            Job::Prune(ask) => self.prunes.push(ask),
            Job::Import(ask) => self.imports.push(ask),
            Job::Link(ask) => self.links.push(ask),
            Job::IndexTexts(ask) => self.index_texts.push(ask),
            Job::Flush(ask) => self.flushes.push(ask),
        }
    }

    fn into_jobs(self) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(self.len());
        jobs.extend(self.hellos.into_iter().map(Job::Hello));
        jobs.extend(self.registrations.into_iter().map(Job::Register));
        jobs.extend(self.presence.into_iter().map(|(row, left)| Job::Presence(row, left)));
        jobs.extend(self.sends.into_iter().map(Job::Send));
        jobs.extend(self.marks.into_iter().map(Job::MarkRead));
        jobs.extend(self.shown.into_iter().map(Job::Shown));
        jobs.extend(self.client_sessions.into_iter().map(Job::ClientSession));
        jobs.extend(self.state.into_iter().map(StateChange::into_job));
        jobs.extend(self.prunes.into_iter().map(Job::Prune));
        jobs.extend(self.imports.into_iter().map(Job::Import));
        jobs.extend(self.links.into_iter().map(Job::Link));
        jobs.extend(self.index_texts.into_iter().map(Job::IndexTexts));
        jobs.extend(self.flushes.into_iter().map(Job::Flush));
        jobs
    }
}

fn answer_all<I, O>(asks: Vec<Ask<I, O>>, outcomes: Vec<Result<O, Error>>) {
    for (ask, outcome) in asks.into_iter().zip(outcomes) {
        // Whoever asked may have gone; the change stands all the same.
        let _ = ask.answer.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ask, BATCH_MAX_BYTES, BATCH_MIN_JOBS, Batch, Job, NewMessage};
    use crate::session::Owner;
    use c2c_proto::message::{Priority, To};
    use c2c_proto::request::Send;
    use tokio::sync::oneshot;

    fn queue(jobs: usize) -> Vec<Job> {
        let flush = |_| Job::Flush(Ask { input: (), answer: oneshot::channel().0 });
        (0..jobs).map(flush).collect()
    }

    fn send(body: &str, key: &str) -> Job {
        let sender = Owner { row: 1, session_id: "s".into(), name: "a".into(), mailbox: "a".into() };
        let request = Send {
            to: Some(To::Everyone),
            body: body.into(),
            tag: None,
            reply_to: None,
            priority: Priority::Normal,
            key: key.into(),
        };
        let input = NewMessage { sender, request, question: false, expires_in_ms: None, hash: String::new() };
        Job::Send(Ask { input, answer: oneshot::channel().0 })
    }

    #[test]
    fn a_call_that_is_there_twice_stays_behind_and_takes_nobodys_place() {
        let mut queue: Vec<Job> = (0..100).map(|_| send("x", "the same")).collect();
        queue.extend((0..10).map(|number| send("x", &number.to_string())));
        let batch = Batch::take(&mut queue);
        assert_eq!(batch.sends.len(), 11);
        assert_eq!(batch.sends[1].input.request.key, "0");
        assert_eq!(queue.len(), 99);
    }

    #[test]
    fn what_is_too_long_together_keeps_its_order() {
        let long = "x".repeat(BATCH_MAX_BYTES - 1);
        let mut queue = vec![send(&long, "1"), send("xx", "2"), send("", "3")];
        for rest in [2, 0] {
            Batch::take(&mut queue);
            assert_eq!(queue.len(), rest);
        }
    }

    #[test]
    fn a_batch_is_half_of_what_is_there_and_all_of_a_little() {
        for (there, taken) in [(1, 1), (BATCH_MIN_JOBS, BATCH_MIN_JOBS), (20, BATCH_MIN_JOBS), (100, 50)] {
            let mut queue = queue(there);
            assert_eq!(Batch::take(&mut queue).len(), taken);
            assert_eq!(queue.len(), there - taken);
        }
    }
}
