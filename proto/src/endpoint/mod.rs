//! The one place that knows how a broker is reached: a Unix domain socket, on Windows a named pipe. Both ends check
//! that the other one runs as the same user before a byte is read; what cannot be checked is refused.
//!
//! Owns addresses, listening and connecting. Does not know frames, nor who may bind: whoever holds the broker's lock.

#[cfg(unix)]
mod socket;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as platform;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use crate::error::{Error, ErrorCode};
use interprocess::local_socket::tokio as local;
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::local_socket::{GenericFilePath, Name, ToFsName};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a store path's hash that stand for it where the path itself does not fit.
const HASH_BYTES: usize = 8;

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    path: PathBuf,
}

impl Address {
    /// The address that belongs to a store; `run_dir` is the broker's private folder.
    ///
    /// # Errors
    /// `internal` if the system does not say who the user is.
    pub fn of_store(store: &Path, run_dir: &Path) -> Result<Self, Error> {
        platform::path_of(store, run_dir).map(|path| Self { path })
    }

    /// The socket file or pipe.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> io::Result<Name<'_>> {
        self.path.as_path().to_fs_name::<GenericFilePath>()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(out)
    }
}

/// A broker's ear. Dropping it stops listening, and leaves the socket file to [`Listener::remove`] or the next bind.
#[derive(Debug)]
pub struct Listener {
    inner: local::Listener,
    identity: platform::Identity,
}

/// Why no connection came out of [`Listener::accept`].
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Another user, or one that the system does not name, connected; the connection is closed, nothing was read.
    #[error("a connection of {who} was refused")]
    ForeignUser {
        /// Who, as far as it is known.
        who: String,
    },
    /// Accepting failed, for lack of descriptors for example.
    #[error("accepting a connection failed")]
    Io(#[from] io::Error),
}

impl Listener {
    /// Listens. The caller holds the broker's lock, so a socket file that is there is a dead one's, and is removed.
    ///
    /// # Errors
    /// If the folder is not private, something else than a socket lies there, or the system refuses.
    pub fn bind(address: &Address) -> io::Result<Self> {
        let (inner, identity) = platform::listen(address)?;
        Ok(Self { inner, identity })
    }

    /// The next connection of the same user. Can be dropped at any time without losing one.
    ///
    /// # Errors
    /// See [`AcceptError`]; the listener stays usable.
    pub async fn accept(&self) -> Result<Stream, AcceptError> {
        let stream = self.inner.accept().await?;
        match platform::check_peer(&stream) {
            Ok(()) => Ok(Stream::new(stream)?),
            Err(PeerFault::Foreign(who)) => Err(AcceptError::ForeignUser { who }),
            Err(PeerFault::Unknown(error)) => {
                Err(AcceptError::ForeignUser { who: format!("an unknown user ({error})") })
            }
        }
    }

    /// Whether connections to the address still come here: not if the socket file was deleted or replaced.
    #[must_use]
    pub fn is_in_place(&self, address: &Address) -> bool {
        platform::is_in_place(address, &self.identity)
    }

    /// Stops listening and removes the socket file, if it still is this listener's own.
    pub fn remove(self, address: &Address) {
        platform::remove(address, &self.identity);
    }
}

/// A connection, checked to be of the same user. Dropping it closes it.
#[derive(Debug)]
pub struct Stream {
    inner: platform::Connected,
}

impl Stream {
    fn new(stream: local::Stream) -> io::Result<Self> {
        Ok(Self { inner: platform::connected(stream)? })
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens.
    #[error("nobody listens there")]
    Absent,
    /// The folder, the socket or whoever answers is not this user's.
    #[error(transparent)]
    Unsafe(Error),
    /// Anything else; it may work again in a moment.
    #[error("connecting failed: {0}")]
    Io(#[from] io::Error),
}

/// Connects to the broker that listens at an address.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(address: &Address) -> Result<Stream, ConnectError> {
    platform::check_before_connect(address)?;
    let name = address.name()?;
    let stream = match platform::dial(name).await {
        Ok(stream) => stream,
        Err(error) if platform::means_absent(&error) => return Err(ConnectError::Absent),
        Err(error) => return Err(ConnectError::Io(error)),
    };
    match platform::check_peer(&stream) {
        Ok(()) => Ok(Stream::new(stream)?),
        Err(PeerFault::Foreign(who)) => Err(ConnectError::Unsafe(Error::new(
            ErrorCode::StoreRefused,
            format!("{who} listens at {address}, not you"),
            "find out what runs there; c2c talks only to a broker of the same user",
        ))),
        // Also what a listener looks like that has more new connections than it can hold.
        Err(PeerFault::Unknown(error)) => Err(ConnectError::Io(error)),
    }
}

/// Connects to a socket or pipe of another program, if it runs as this user: what is written there may hold secrets.
///
/// # Errors
/// Nobody listens, whoever does is another user or unknown, or the system refuses.
pub async fn connect_to_own(path: &Path) -> io::Result<Stream> {
    let stream = platform::dial(path.to_fs_name::<GenericFilePath>()?).await?;
    match platform::check_peer(&stream) {
        Ok(()) => Ok(Stream::new(stream)?),
        Err(PeerFault::Foreign(who)) => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{who} listens there, not you")))
        }
        Err(PeerFault::Unknown(error)) => Err(error),
    }
}

/// Why the other end is not trusted.
enum PeerFault {
    /// Another user.
    Foreign(String),
    /// The system does not say who it is.
    Unknown(io::Error),
}

/// A short name for a store, the same for the same path.
fn short_hash(path: &[u8]) -> String {
    Sha256::digest(path).iter().take(HASH_BYTES).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
