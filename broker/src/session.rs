//! A session as every part of the broker names it, and who is told when names change hands.

use crate::presence::OnlineGuard;
use c2c_proto::hello::SessionState;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use std::fmt;

/// A connection's number within this broker.
pub type ConnId = u64;

/// A session's row number in the store: never used again, smaller than its id.
pub type Row = i64;

/// The session that a call is made for, as the broker knows the connection; never what a payload says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its row.
    pub row: Row,
    /// Its session id.
    pub session_id: String,
    /// Its name.
    pub name: String,
    /// Its name, folded: the mailbox that its mail lies in.
    pub mailbox: String,
}

/// Follows names in the order of their commits. The store tells it after the commit and before whoever asked is
/// answered, so that memory never gets two changes of one name the wrong way round.
pub trait NameFollower: Send + Sync + fmt::Debug {
    /// The connection now belongs to this session, as do the other connections of the session that it belonged to.
    fn attached(&self, conn: ConnId, session: &Attached<'_>);
    /// Another session took this row's name; `now` says what the row is called.
    fn superseded(&self, row: Row, now: &SessionState);
}

/// The session that a connection now belongs to.
#[derive(Debug)]
pub struct Attached<'a> {
    /// Who it is.
    pub owner: &'a Owner,
    /// Whether another session took its name.
    pub superseded: bool,
    /// Keeps it online.
    pub online: Option<OnlineGuard>,
    /// When.
    pub at: Timestamp,
}

/// `superseded`: another session took the name (which may be given as the row is called since).
#[must_use]
pub fn superseded(name: &str) -> Error {
    let lost = name.rsplit_once(c2c_proto::name::STALE_INFIX).map_or(name, |(lost, _)| lost);
    Error::new(
        ErrorCode::Superseded,
        format!("another session registered the name {lost:?}; its mail goes there now"),
        "call register_session with another name to go on as a new session",
    )
}
