//! Frames: what travels on a connection, each as a little-endian `u32` length and that many bytes.

use crate::error::Error;
use crate::event::Event;
use crate::hello::{Hello, Welcome};
use crate::request::Request;
use crate::response::Response;
use serde::{Deserialize, Serialize};

/// From the client. The order is the wire format: append only. Whatever comes after the hello has its id first, so that
/// a broker which does not know the frame can answer that id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientFrame {
    /// First, and only first.
    Hello(Hello),
    /// A request; `id` is the client's, unique among its calls in flight.
    Call {
        /// Comes back with the reply.
        id: u64,
        /// What is asked.
        request: Request,
    },
    /// The client no longer wants this call's reply. A wait ends; a change that is under way is completed.
    Cancel {
        /// Which call.
        id: u64,
    },
}

impl ClientFrame {
    /// The position of [`Self::Hello`] on the wire.
    pub const HELLO: u32 = 0;
    /// The position of [`Self::Call`] on the wire.
    pub const CALL: u32 = 1;
    /// The position of [`Self::Cancel`] on the wire.
    pub const CANCEL: u32 = 2;
}

/// From the broker. The order is the wire format: append only. A client passes over a kind that it does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerFrame {
    /// The hello is accepted.
    Welcome(Welcome),
    /// The hello is not accepted; the connection closes.
    Refused(Error),
    /// The one answer to a call.
    Reply(Reply),
    /// Unasked.
    Event(Event),
}

impl ServerFrame {
    /// The position of [`Self::Refused`] on the wire; what stands before it answers a hello as well.
    pub const REFUSED: u32 = 1;
    /// The position of [`Self::Reply`] on the wire.
    pub const REPLY: u32 = 2;
}

/// The one answer to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The call's id.
    pub id: u64,
    /// The session's mail after the call, if it is registered.
    pub mail: Option<MailCount>,
    /// The answer.
    pub result: Result<Response, Error>,
}

/// How much unread mail a mailbox holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCount {
    /// Not marked read.
    pub unread: u64,
    /// Of those, never shown to its present holder, and not part of this very answer.
    pub new: u64,
}
