//! Mail that crosses between machines: which nodes there are, what waits for them (`outgoing`), and what comes of theirs
//! (`incoming`). How it travels is the business of the link, a program that asks for parcels and brings some
//! ([decision 0019](../../../../docs/decisions/0019-parcels-are-numbered-from-store-to-store.md)).

mod content;
mod incoming;
mod nodes;
mod outgoing;
mod sound;

pub(super) use nodes::Nodes;
pub(super) use outgoing::{note_marks, own_ids, queue};

use super::jobs::Job;
use super::messages::Stored;
use super::transaction::Transaction;
use super::writer::Work;
use super::{Shared, Store};
use c2c_proto::Error;
use c2c_proto::message::Priority;
use c2c_proto::name::node_follows_rule;
use c2c_proto::request::{LinkAccepted, LinkBring, LinkForwarded, LinkTake, LinkUp};
use c2c_proto::response::{LinkState, Parcels};
use std::sync::Arc;
use tokio::sync::Notify;

/// What a link changes.
#[derive(Debug)]
pub(crate) enum LinkChange {
    /// It names nodes.
    Up(LinkUp),
    /// Parcels are on their way.
    Forwarded(LinkForwarded),
    /// Parcels have arrived.
    Accepted(LinkAccepted),
    /// What came of messages of other nodes becomes parcels.
    Collect,
    /// Parcels have come.
    Bring(LinkBring),
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct LinkOutcome {
    /// How far the parcels of the other store are on disk.
    pub(crate) up_to: u64,
    /// The messages that have come.
    pub(crate) arrived: Vec<Arrived>,
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
    change: &LinkChange,
) -> Result<Result<LinkOutcome, Error>, sqlx::Error> {
    match change {
        LinkChange::Up(up) => return nodes::name(transaction.connection().await?, work.shared, up).await,
        LinkChange::Forwarded(forwarded) => {
            outgoing::forwarded(transaction.connection().await?, forwarded).await?;
        }
        LinkChange::Accepted(accepted) => {
            let taken = outgoing::accepted(transaction.connection().await?, accepted).await?;
            return Ok(taken.map(|()| LinkOutcome::default()));
        }
        LinkChange::Collect => outgoing::collect(transaction.connection().await?, work.now).await?,
        LinkChange::Bring(bring) => return incoming::bring(transaction, work, bring).await.map(Ok),
    }
    Ok(Ok(LinkOutcome::default()))
}

impl Store {
    /// Makes one change of a link.
    pub(crate) async fn link(&self, change: LinkChange) -> Result<LinkOutcome, Error> {
        let outcome = self.change(change, Job::Link).await?;
        let newest = outcome.arrived.iter().map(|arrived| arrived.stored.id).max();
        self.note_newest(newest.unwrap_or_default());
        Ok(outcome)
    }

    /// Parcels to be carried.
    pub(crate) async fn parcels(&self, ask: &LinkTake) -> Result<Parcels, Error> {
        if self.read(outgoing::is_to_collect(&self.onlookers).await)? {
            self.link(LinkChange::Collect).await?;
        }
        self.read(outgoing::take(&self.onlookers, ask).await)
    }

    /// What is known of nodes.
    pub(crate) async fn link_state(&self) -> Result<LinkState, Error> {
        let own = self.shared.nodes.own();
        self.read(nodes::state(&self.onlookers, own).await)
    }

    /// Notified when there may be something for a link.
    pub(crate) fn for_the_link(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.for_the_link)
    }

    /// Which nodes there are.
    pub(crate) fn nodes(&self) -> &Nodes {
        &self.shared.nodes
    }
}

impl Shared {
    /// There may be something for a link.
    pub(super) fn tell_the_link(&self) {
        self.for_the_link.notify_waiters();
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
