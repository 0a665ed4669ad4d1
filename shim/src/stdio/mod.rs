//! The client's side: its standard streams, the lines on them, and what each line is.
//!
//! Owns the purity of stdout (nothing but whole MCP messages is ever written there) and the answers to whatever is no
//! message. Knows nothing of tools.

mod id_scan;
mod incoming;
mod lines;
mod outline;
mod private;
mod streams;
mod tool_call;
mod transport;
mod writer;

pub(crate) use incoming::{SERVED, no_method};
pub(crate) use private::Shows;
pub use streams::{Reader, Writer, open};
pub use transport::StdioTransport;
