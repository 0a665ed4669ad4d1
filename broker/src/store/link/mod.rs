//! Mail that crosses between machines: which nodes there are, what waits for them (`outgoing`), and what comes of theirs
//! (`incoming`). How it travels is the business of the link, a program that asks for parcels and brings some
//! ([decision 0019](../../../../docs/decisions/0019-parcels-are-numbered-from-store-to-store.md)).

mod content;
mod expiring;
mod incoming;
mod look;
mod nodes;
mod outgoing;
mod parcels;
mod shared;
mod sound;
mod wake;

pub(super) use expiring::expire;
pub(super) use nodes::Nodes;
pub(crate) use outgoing::ToCollect;
pub(super) use outgoing::{note_answered, note_marks, note_moved, own_ids, queue};
pub(crate) use wake::{ForLink, Wake};

use super::Store;
use super::answers::{self, Answers};
use super::jobs::Job;
use super::messages::Stored;
use super::transaction::Transaction;
use super::writer::Work;
use crate::session::Row;
use c2c_proto::Error;
use c2c_proto::id::Version;
use c2c_proto::message::Priority;
use c2c_proto::name::node_follows_rule;
use c2c_proto::request::{LinkAccepted, LinkBring, LinkForwarded, LinkShared, LinkTake, LinkUp};
use c2c_proto::response::{LinkState, Parcels};
use c2c_proto::time::Timestamp;

/// What a link changes.
#[derive(Debug)]
pub(crate) enum LinkChange {
    /// It names nodes.
    Up(LinkUp),
    /// Parcels are on their way.
    Forwarded(LinkForwarded),
    /// Parcels have arrived.
    Accepted(LinkAccepted),
    /// What came of messages of other nodes becomes parcels, and parcels whose time is over become empty.
    Collect,
    /// Parcels have come.
    Bring(LinkBring),
    /// What the state is that all machines share.
    Shared(LinkShared),
    /// What came of a change of it.
    Keep(Kept, String),
}

/// What recognises a change of the shared state that comes again.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Whose it is.
    pub(crate) row: Row,
    /// Its key.
    pub(crate) key: String,
    /// Its content.
    pub(crate) hash: String,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct LinkOutcome {
    /// How far the parcels of the other store are on disk.
    pub(crate) up_to: u64,
    /// Parcels of which something was learned: that they are on their way, have arrived, or have come.
    pub(crate) parcels: u64,
    /// The messages that have come.
    pub(crate) arrived: Vec<Arrived>,
    /// Whose messages were read at the other node.
    pub(crate) read_of: Vec<Row>,
    /// The keys of the shared state that have changed.
    pub(crate) changed: Vec<String>,
}

/// A message of another node, on disk.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) stored: Stored,
    /// `name@node`.
    pub(crate) from: String,
    pub(crate) tag: Option<String>,
    pub(crate) priority: Priority,
}

/// Makes one change of a link.
pub(super) async fn change(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    answers: &mut Answers,
    change: &LinkChange,
) -> Result<Result<LinkOutcome, Error>, sqlx::Error> {
    match change {
        LinkChange::Up(up) => return nodes::name(transaction.connection().await?, work.shared, up).await,
        LinkChange::Forwarded(forwarded) => {
            let parcels = outgoing::forwarded(transaction.connection().await?, forwarded).await?;
            return Ok(Ok(LinkOutcome { parcels, ..LinkOutcome::default() }));
        }
        LinkChange::Accepted(accepted) => {
            let taken = outgoing::accepted(transaction.connection().await?, accepted).await?;
            return Ok(taken.map(|parcels| LinkOutcome { parcels, ..LinkOutcome::default() }));
        }
        LinkChange::Collect => {
            let connection = transaction.connection().await?;
            expiring::empty(connection, work.now).await?;
            work.for_link.parcels |= outgoing::collect(connection, work.now).await?;
        }
        LinkChange::Bring(bring) => return incoming::bring(transaction, work, bring).await.map(Ok),
        LinkChange::Shared(told) => {
            return shared::tell(transaction.connection().await?, work, told).await.map(Ok);
        }
        LinkChange::Keep(kept, answer) => answers.add_text(kept.row, &kept.key, &kept.hash, answer),
    }
    Ok(Ok(LinkOutcome::default()))
}

impl Store {
    /// Makes one change of a link.
    pub(crate) async fn link(&self, change: LinkChange) -> Result<LinkOutcome, Error> {
        let from = match &change {
            LinkChange::Bring(bring) => Some((bring.from_node.clone(), bring.from_store.clone())),
            _ => None,
        };
        let outcome = self.change(change, Job::Link).await?;
        if let Some(from) = from {
            self.shared.nodes.note_brought(from, outcome.up_to);
        }
        let newest = outcome.arrived.iter().map(|arrived| arrived.stored.id).max();
        self.note_newest(newest.unwrap_or_default());
        Ok(outcome)
    }

    /// Takes over what the shared state is: the keys that have changed.
    pub(crate) async fn tell_shared(&self, told: LinkShared) -> Result<Vec<String>, Error> {
        Ok(self.link(LinkChange::Shared(told)).await?.changed)
    }

    /// When the copy of the shared state was what there is, as far as the store knows.
    pub(crate) async fn shared_as_of(&self) -> Result<Option<Timestamp>, Error> {
        self.read(shared::as_of(&self.readers).await)
    }

    /// The version of an entry that has expired.
    pub(crate) async fn expired_version(&self, key: &str) -> Result<Option<Version>, Error> {
        self.read(shared::expired(&self.readers, key, self.shared.clock.now()).await)
    }

    /// What this change was answered when it was made before.
    ///
    /// # Errors
    /// `conflict` if its key was used for another one.
    pub(crate) async fn earlier_answer(&self, kept: &Kept) -> Result<Option<String>, Error> {
        let found = self.read(answers::kept(&self.readers, kept.row, &kept.key).await)?;
        let Some((hash, answer)) = found else { return Ok(None) };
        if hash == kept.hash { Ok(Some(answer)) } else { Err(answers::key_conflict(&kept.key)) }
    }

    /// Keeps what a change was answered.
    pub(crate) async fn keep_answer(&self, kept: Kept, answer: String) -> Result<(), Error> {
        self.link(LinkChange::Keep(kept, answer)).await.map(|_| ())
    }

    /// What is no parcel yet, or none any more. What there is is looked for again only when there is more of it.
    pub(crate) async fn to_collect(&self) -> Result<ToCollect, Error> {
        let wake = &self.shared.wake;
        let (marks, expiring) = (wake.marks.count(), wake.expiring.count());
        let found = self.read(outgoing::to_collect(&self.onlookers, self.shared.clock.now()).await)?;
        if !found.receipts {
            wake.marks.found_none(marks);
        }
        if !found.expiring {
            wake.expiring.found_none(expiring);
        }
        Ok(found)
    }

    /// Parcels to be carried.
    pub(crate) async fn parcels(&self, ask: &LinkTake) -> Result<Parcels, Error> {
        let wake = &self.shared.wake;
        if ask.node.is_none() && wake.is_none_behind(ask.after) {
            return Ok(Parcels { parcels: Vec::new(), more: false });
        }
        let before = wake.parcels();
        let found = self.read(parcels::take(&self.onlookers, &self.shared.nodes.ids(), ask).await)?;
        if ask.node.is_none() && !found.more {
            wake.note_none_behind(found.parcels.last().map_or(ask.after, |last| last.number), before);
        }
        Ok(found)
    }

    /// What is known of nodes.
    pub(crate) async fn link_state(&self) -> Result<LinkState, Error> {
        self.read(nodes::state(&self.onlookers, &self.shared.nodes).await)
    }

    /// What there may be for a link.
    pub(crate) fn wake(&self) -> &Wake {
        &self.shared.wake
    }

    /// Which nodes there are.
    pub(crate) fn nodes(&self) -> &Nodes {
        &self.shared.nodes
    }
}

/// Checks what a link calls this store and others.
pub(crate) fn check_node(node: &str) -> Result<(), Error> {
    if node_follows_rule(node) {
        return Ok(());
    }
    Err(Error::invalid(
        format!(
            "no node can be called {node:?}: it is not 1 to 63 of the characters a-z 0-9 -, the first no dash"
        ),
        "call it something like laptop or build-server",
    ))
}
