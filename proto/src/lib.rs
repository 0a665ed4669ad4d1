//! What the broker and its clients (shim, command line) share: the words they exchange, the limits both keep,
//! how a word becomes bytes, where the broker is found, and a client that survives a broker's restart.
//!
//! One exchange, told in order:
//!
//! 1. The client connects to the socket that [`paths`] derives from the store's path; both ends check through
//!    [`endpoint`] that the other is the same user, before a byte is parsed.
//! 2. The client's first frame is a [`hello::Hello`]: which protocol versions it speaks and who it is. The broker
//!    answers [`frame::ServerFrame::Welcome`] or [`frame::ServerFrame::Refused`].
//! 3. From then on the client sends [`frame::ClientFrame::Call`]s, as many at once as it likes up to
//!    [`limits::CALLS_IN_FLIGHT`]; each gets exactly one [`frame::ServerFrame::Reply`] with its id, in any order,
//!    unless it was cancelled. Between them the broker sends [`event::Event`]s.
//! 4. A connection that breaks loses nothing: [`client::Client`] connects again (or starts a broker) and sends every
//!    call without an answer once more; keys make that harmless.
//!
//! This crate knows no SQL and no MCP.

pub mod client;
pub mod codec;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod filesystem;
pub mod frame;
pub mod hello;
pub mod id;
pub mod limits;
pub mod log_line;
pub mod message;
pub mod name;
pub mod paths;
pub mod process;
pub mod push;
pub mod request;
pub mod response;
pub mod server_url;
#[cfg(all(test, unix))]
#[path = "../../tests/src/skip.rs"]
#[expect(unreachable_pub, reason = "it is the harness's, which this crate does not know")]
mod skip;
pub mod surroundings;
pub mod time;
#[cfg(windows)]
mod win32;

pub use error::{Error, ErrorCode};
