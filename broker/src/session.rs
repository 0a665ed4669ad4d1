//! A session as every part of the broker names it.

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
