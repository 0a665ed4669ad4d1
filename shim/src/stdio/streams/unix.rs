//! Sockets as standard streams: what clients on Node and Bun give.

use super::{Reader, Writer};
use rustix::fs::{FileType, fstat};
use std::os::fd::BorrowedFd;
use tokio::net::UnixStream;

/// The standard streams, if both are sockets.
pub(super) fn sockets() -> Option<(Reader, Writer)> {
    // Not through the standard library, which would make buffers for them.
    let read = socket(rustix::stdio::stdin())?;
    let write = socket(rustix::stdio::stdout())?;
    Some((Box::new(read), Box::new(write)))
}

/// A descriptor as a non-blocking stream of its own, if it is a socket.
fn socket(descriptor: BorrowedFd<'_>) -> Option<UnixStream> {
    let mode = fstat(descriptor).ok()?.st_mode;
    if !FileType::from_raw_mode(mode).is_socket() {
        return None;
    }
    let stream = std::os::unix::net::UnixStream::from(descriptor.try_clone_to_owned().ok()?);
    stream.set_nonblocking(true).ok()?;
    UnixStream::from_std(stream).ok()
}
