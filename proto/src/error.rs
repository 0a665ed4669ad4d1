//! The one error that crosses the wire and reaches a model: a stable code, what happened, what to do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of failure. Stable: clients may match on it. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The session has no name, so it has no mailbox and cannot be a sender.
    NotRegistered,
    /// Another session took this session's name.
    Superseded,
    /// An argument is missing, unknown, of the wrong type or out of its range.
    InvalidArgument,
    /// A value is over its limit.
    TooLarge,
    /// The message, name or page does not exist, or is not visible to this session.
    NotFound,
    /// The present version, or the content under a key, is another one than the caller assumes.
    Conflict,
    /// The recipient has as many unread messages as a mailbox holds.
    MailboxFull,
    /// Too much in too short a time.
    RateLimited,
    /// No space is left where the store lies.
    StorageFull,
    /// The store could not be read or written; the outcome of a change is unknown.
    StorageFailed,
    /// The file is not a store that this broker may open; it was left untouched.
    StoreRefused,
    /// No broker answers, and none could be started.
    BrokerUnreachable,
    /// The broker is at a limit of its own, or another program holds the store.
    BrokerBusy,
    /// The two programs share no protocol version.
    VersionMismatch,
    /// The broker is going down; another one takes over.
    ShuttingDown,
    /// A fault in c2c itself.
    Internal,
    /// What all machines share cannot be reached.
    LinkDown,
}

impl ErrorCode {
    /// Every code, in wire order.
    pub const ALL: [Self; 17] = [
        Self::NotRegistered,
        Self::Superseded,
        Self::InvalidArgument,
        Self::TooLarge,
        Self::NotFound,
        Self::Conflict,
        Self::MailboxFull,
        Self::RateLimited,
        Self::StorageFull,
        Self::StorageFailed,
        Self::StoreRefused,
        Self::BrokerUnreachable,
        Self::BrokerBusy,
        Self::VersionMismatch,
        Self::ShuttingDown,
        Self::Internal,
        Self::LinkDown,
    ];

    /// The code as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotRegistered => "not_registered",
            Self::Superseded => "superseded",
            Self::InvalidArgument => "invalid_argument",
            Self::TooLarge => "too_large",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::MailboxFull => "mailbox_full",
            Self::RateLimited => "rate_limited",
            Self::StorageFull => "storage_full",
            Self::StorageFailed => "storage_failed",
            Self::StoreRefused => "store_refused",
            Self::BrokerUnreachable => "broker_unreachable",
            Self::BrokerBusy => "broker_busy",
            Self::VersionMismatch => "version_mismatch",
            Self::ShuttingDown => "shutting_down",
            Self::Internal => "internal",
            Self::LinkDown => "link_down",
        }
    }

    /// Whether the very same call may succeed later without the caller changing anything, and can do no harm, provided
    /// that it is known to have changed nothing. Where that is unknown the error comes with the call's key, and a
    /// [`crate::client`] sets [`Error::retry_safe`] to false: only the call with that key is harmless then.
    #[must_use]
    pub const fn retry_safe(self) -> bool {
        matches!(
            self,
            Self::MailboxFull
                | Self::RateLimited
                | Self::StorageFull
                | Self::StorageFailed
                | Self::BrokerUnreachable
                | Self::BrokerBusy
                | Self::ShuttingDown
                | Self::LinkDown
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A failure as the caller sees it. Texts are lower-case fragments without a final period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// What kind of failure.
    pub code: ErrorCode,
    /// What happened, with the values.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Whether the same call may be made again as it is, without a key. False where an idempotency key comes with the
    /// error: then only the call with that key is sure not to be done twice.
    pub retry_safe: bool,
}

impl Error {
    /// An error with the code's own answer to whether a retry is safe.
    pub fn new(code: ErrorCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into(), retry_safe: code.retry_safe() }
    }

    /// `invalid_argument`.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message, hint)
    }

    /// `not_found`.
    pub fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message, hint)
    }

    /// `too_large`, naming what, its size, the limit and their unit.
    #[must_use]
    pub fn too_large(what: &str, value: usize, limit: usize, unit: &str, hint: &str) -> Self {
        Self::new(ErrorCode::TooLarge, format!("{what} is {value} {unit}, the limit is {limit} {unit}"), hint)
    }

    /// `internal`: a fault of c2c, with what is known of it.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(
            ErrorCode::Internal,
            message,
            "this is a fault in c2c; the broker's log beside the store has more, please report it",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    #[test]
    fn the_code_in_json_is_the_code_in_text() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
