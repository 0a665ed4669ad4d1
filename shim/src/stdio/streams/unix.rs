//! Sockets as standard streams: what clients on Node and Bun give.

use super::{Reader, Writer};
use rustix::fs::{FileType, fstat};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use tokio::net::UnixStream;

/// The standard streams, if both are sockets.
pub(super) fn sockets() -> Option<(Reader, Writer)> {
    let read = socket(io::stdin().as_fd())?;
    let write = socket(io::stdout().as_fd())?;
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
