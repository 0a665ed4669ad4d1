//! Named pipes. Their names are the machine's, so the user's id is in them; an access list lets in nobody else, remote
//! clients are refused, and only the first of a name is listened at. The peer's user is that of its process.

pub(super) use super::local::Stream as Connected;
use super::{Address, ConnectError, PeerFault, local, short_hash};
use crate::error::Error;
use crate::win32;
use interprocess::ConnectWaitMode;
use interprocess::local_socket::traits::StreamCommon as _;
use interprocess::local_socket::{ConnectOptions, ListenerOptions, Name};
use interprocess::os::windows::local_socket::ListenerOptionsExt as _;
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use widestring::U16CString;

#[expect(clippy::unnecessary_wraps, reason = "on Unix the system may refuse")]
pub(super) const fn connected(stream: local::Stream) -> io::Result<Connected> {
    Ok(stream)
}

/// How long a pipe may have no instance that is free: a broker makes the next one at once. Without a bound the thread that
/// waits, and with it the end of the process, would wait for a pipe whose broker has gone meanwhile.
const FREE_WITHIN: Duration = Duration::from_secs(1);

pub(super) async fn dial(name: Name<'_>) -> io::Result<local::Stream> {
    ConnectOptions::new().name(name).wait_mode(ConnectWaitMode::Timeout(FREE_WITHIN)).connect_tokio().await
}

/// A pipe's name cannot be taken away from whoever listens, so there is nothing to compare.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity;

pub(super) fn path_of(store: &Path, _run_dir: &Path) -> Result<PathBuf, Error> {
    let user = win32::own_user_sid()
        .map_err(|error| Error::internal(format!("the system does not say who the user is: {error}")))?;
    // Paths are one whatever their case.
    let hash = short_hash(store.to_string_lossy().to_lowercase().as_bytes());
    Ok(PathBuf::from(format!(r"\\.\pipe\c2c-{user}-{hash}")))
}

pub(super) fn listen(address: &Address) -> io::Result<(local::Listener, Identity)> {
    // Protected (nothing inherited), and all rights for the user alone.
    let access = format!("D:P(A;;GA;;;{})", win32::own_user_sid()?);
    let access = U16CString::from_str(access).map_err(io::Error::other)?;
    let listener = ListenerOptions::new()
        .name(address.name()?)
        .reclaim_name(false)
        .try_overwrite(false)
        .security_descriptor(SecurityDescriptor::deserialize(&access)?)
        .create_tokio()?;
    Ok((listener, Identity))
}

pub(super) const fn is_in_place(_address: &Address, _identity: &Identity) -> bool {
    true
}

/// The pipe goes with its last handle.
pub(super) const fn remove(_address: &Address, _identity: &Identity) {}

#[expect(clippy::unnecessary_wraps, reason = "on Unix there is something to check first")]
pub(super) const fn check_before_connect(_address: &Address) -> Result<(), ConnectError> {
    Ok(())
}

pub(super) fn means_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

pub(super) fn check_peer(stream: &local::Stream) -> Result<(), PeerFault> {
    let creds = stream.peer_creds().map_err(PeerFault::Unknown)?;
    let Some(pid) = creds.pid() else {
        return Err(PeerFault::Unknown(io::Error::other("the system does not say whose connection it is")));
    };
    let own = win32::own_user_sid().map_err(PeerFault::Unknown)?;
    let peer = win32::user_sid_of(pid).map_err(PeerFault::Unknown)?;
    if peer == own { Ok(()) } else { Err(PeerFault::Foreign(format!("user {peer}"))) }
}
