//! The standard streams, in the way that costs least: clients give sockets or pipes, and both can be read without a
//! thread. Anything else (a terminal, a file) goes through blocking reads on a thread.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;
#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
use other as platform;

use tokio::io::{AsyncRead, AsyncWrite};

/// What the client writes.
pub type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// What the client reads.
pub type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Standard input and output.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn open() -> (Reader, Writer) {
    platform::sockets().unwrap_or_else(|| {
        let (read, write) = rmcp::transport::stdio_pipes();
        (Box::new(read), Box::new(write))
    })
}
