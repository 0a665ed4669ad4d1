//! What the writer is asked to do. One struct per change; each is answered after its commit, never before.

use super::link::{LinkChange, LinkOutcome};
use super::messages::{NewMessage, Stored};
use super::prune::{PrunePortion, PruneProgress};
use crate::presence::{Left, OnlineGuard};
use crate::session::{ConnId, Owner, Row};
use c2c_proto::Error;
use c2c_proto::hello::Identity;
use c2c_proto::id::{CALL_KEY_PREFIX, MessageId};
use c2c_proto::request::{DeleteState, Import, MarkRead, Register, SetState};
use c2c_proto::response::{Deleted, Displaced, Imported, Marked, Registered, StateSet};
use std::borrow::Cow;
use tokio::sync::oneshot;

/// A change and where its answer goes.
#[derive(Debug)]
pub(crate) struct Ask<I, O> {
    pub(crate) input: I,
    pub(crate) answer: oneshot::Sender<Result<O, Error>>,
}

/// One entry of the writer's queue.
#[derive(Debug)]
pub(crate) enum Job {
    Hello(Ask<Greeting, Option<Greeted>>),
    Register(Ask<Registration, Named>),
    /// The row's presence changed: write down what it is now.
    Presence(Row, Left),
    Send(Ask<NewMessage, Stored>),
    MarkRead(Ask<ByOwner<MarkRead>, Marked>),
    Shown(Ask<ByOwner<Vec<MessageId>>, ()>),
    /// The client calls the row's session by another id from now on.
    ClientSession(Ask<(Row, String), ()>),
    SetState(Ask<ByOwner<SetState>, StateSet>),
    DeleteState(Ask<ByOwner<DeleteState>, Deleted>),
    Prune(Ask<ByOwner<PrunePortion>, PruneProgress>),
    /// Answered with the newest message after it, too.
    Import(Ask<Import, (Imported, MessageId)>),
    /// What a link does.
    Link(Ask<LinkChange, LinkOutcome>),
    /// Answered when the texts of all messages that were queued before it can be searched.
    IndexTexts(Ask<(), ()>),
    /// Answered when everything that was queued before it is on disk.
    Flush(Ask<(), ()>),
}

/// A change with its owner and, for keyed ones, what identifies its content.
#[derive(Debug)]
pub(crate) struct ByOwner<T> {
    pub(crate) owner: Owner,
    pub(crate) request: T,
    pub(crate) hash: String,
}

/// A connection says who it is.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) conn: ConnId,
    pub(crate) identity: Identity,
    pub(crate) kind: GreetingKind,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GreetingKind {
    /// A client's session.
    Session,
    /// The person at a terminal.
    Person,
}

/// A session asks for a name.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) conn: ConnId,
    /// The row that the connection belongs to, if any.
    pub(crate) row: Option<Row>,
    /// What a new row is made from.
    pub(crate) identity: Identity,
    pub(crate) request: Register,
    pub(crate) hash: String,
}

/// A session row that a connection now belongs to.
#[derive(Debug)]
pub struct Greeted {
    /// Who it is.
    pub owner: Owner,
    /// Whether another session took its name; then it is not counted as online.
    pub superseded: bool,
    /// Keeps the session online; absent for a superseded one.
    pub online: Option<OnlineGuard>,
    /// The row that gave way: offline, or of a client that has ended.
    pub displaced: Option<Displaced>,
    /// The same, by its number.
    pub displaced_row: Option<Row>,
}

/// The outcome of a registration.
#[derive(Debug)]
pub struct Named {
    /// Who the session is now.
    pub owner: Owner,
    /// What it is told.
    pub answer: Registered,
    /// Keeps the session online.
    pub online: OnlineGuard,
    /// The row that lost the name.
    pub displaced_row: Option<Row>,
}

impl Job {
    /// What recognises a repeated change: the scope of its key (0: the key alone) and the key.
    pub(crate) fn key(&self) -> Option<(Row, Cow<'_, str>)> {
        match self {
            Self::Hello(ask) => Some((0, Cow::Borrowed(&ask.input.identity.key))),
            Self::Register(ask) => Some(ask.input.scoped_key()),
            Self::Send(ask) => Some((ask.input.sender.row, Cow::Borrowed(&ask.input.request.key))),
            Self::MarkRead(ask) => Some((ask.input.owner.row, Cow::Borrowed(&ask.input.request.key))),
            Self::SetState(ask) => Some((ask.input.owner.row, Cow::Borrowed(&ask.input.request.key))),
            Self::DeleteState(ask) => Some((ask.input.owner.row, Cow::Borrowed(&ask.input.request.key))),
            Self::Prune(ask) => Some((ask.input.owner.row, Cow::Borrowed(&ask.input.request.call.key))),
            Self::Presence(..)
            | Self::Shown(_)
            | Self::ClientSession(_)
            | Self::Import(_)
            | Self::Link(_)
            | Self::IndexTexts(_)
            | Self::Flush(_) => None,
        }
    }

    /// Roughly how many bytes of text it brings, so that one batch stays within SQLite's limits.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Send(ask) => ask.input.request.body.len(),
            Self::SetState(ask) => ask.input.request.value.len(),
            Self::Import(ask) => ask.input.messages.iter().map(|message| message.body.len()).sum(),
            Self::Link(Ask { input: LinkChange::Bring(bring), .. }) => {
                bring.parcels.iter().map(|parcel| parcel.content.len()).sum()
            }
            Self::Link(Ask { input: LinkChange::Shared(told), .. }) => {
                told.entries.iter().filter_map(|entry| entry.value.as_ref()).map(String::len).sum()
            }
            _ => 0,
        }
    }

    /// Answers with an error instead of doing anything.
    pub(crate) fn refuse(self, error: &Error) {
        // Whoever asked may have gone; then nobody needs the answer.
        match self {
            Self::Hello(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::Register(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::Presence(..) => {}
            Self::Send(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::MarkRead(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::Shown(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::ClientSession(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::SetState(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::DeleteState(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::Prune(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::Import(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::Link(ask) => drop(ask.answer.send(Err(error.clone()))),
            Self::IndexTexts(ask) | Self::Flush(ask) => drop(ask.answer.send(Err(error.clone()))),
        }
    }
}

impl Registration {
    /// What recognises the call. A shim's own key is unique everywhere, and the row may change in between; a model's is
    /// its session's own: of its row, or of the shim as long as it has none.
    pub(crate) fn scoped_key(&self) -> (Row, Cow<'_, str>) {
        let key = self.request.key.as_str();
        match self.row {
            _ if key.starts_with(CALL_KEY_PREFIX) => (0, Cow::Borrowed(key)),
            Some(row) => (row, Cow::Borrowed(key)),
            None => (0, Cow::Owned(format!("{} {key}", self.identity.key))),
        }
    }
}
