//! A Unix socket that wakes nobody for nothing.
//!
//! The runtime's own streams are told each time that the other end has read something, since one could write again then.
//! With a call and an answer going to and fro that is one needless wake-up of each process for each call. This stream
//! asks for that only while a write has to wait.

use super::local;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// What one read takes at most; what is behind it is read next.
const READ_MAX_BYTES: usize = 64 * 1024;

/// A peer that is gone is an error, and no signal. Where there is no such flag, the signal is ignored, as it is by every
/// program of Rust.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();

/// A connected socket.
#[derive(Debug)]
pub(super) struct Socket {
    read: AsyncFd<OwnedFd>,
    /// A second descriptor of the same socket, while a write waits.
    write: Option<AsyncFd<OwnedFd>>,
}

impl Socket {
    /// Takes a connected stream over.
    ///
    /// # Errors
    /// The system's, for lack of memory for example.
    pub(super) fn new(stream: local::Stream) -> io::Result<Self> {
        let local::Stream::UdSocket(stream) = stream;
        Ok(Self { read: watch(OwnedFd::try_from(stream)?, Interest::READABLE)?, write: None })
    }

    fn waiting(&mut self) -> io::Result<&AsyncFd<OwnedFd>> {
        if self.write.is_none() {
            // One descriptor can be watched in one way only.
            let again = self.read.get_ref().try_clone()?;
            self.write = Some(watch(again, Interest::WRITABLE)?);
        }
        self.write.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

#[expect(
    deprecated,
    reason = "its replacement has to be promised that the descriptor stays the same, as an owned one does"
)]
fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, interest)
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.read.poll_read_ready(context))?;
            let wanted = buffer.remaining().min(READ_MAX_BYTES);
            match recv(self.read.get_ref(), buffer.initialize_unfilled_to(wanted), RecvFlags::empty()) {
                Ok((_, read)) => {
                    // Fewer bytes than there was room for: there are no more. What comes now is news.
                    if read > 0 && read < wanted {
                        ready.clear_ready();
                    }
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match send(self.read.get_ref().as_fd(), bytes, NO_SIGNAL) {
                Ok(written) => {
                    self.write = None;
                    return Poll::Ready(Ok(written));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    // Tried again once it is watched, since room may have come before that.
                    let watched_before = self.write.is_some();
                    let mut ready = ready!(self.waiting()?.poll_write_ready(context))?;
                    if watched_before {
                        ready.clear_ready();
                    }
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(shutdown(self.read.get_ref(), Shutdown::Write).map_err(io::Error::from))
    }
}
