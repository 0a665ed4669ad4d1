//! Unix domain sockets: a file in the broker's private folder. The peer's user id is what the kernel says.

pub(super) use super::socket::Socket as Connected;
use super::{Address, ConnectError, PeerFault, local, short_hash};
use crate::error::{Error, ErrorCode};
use crate::paths::{check_private_dir, ensure_private_dir};
use interprocess::local_socket::traits::StreamCommon as _;
use interprocess::local_socket::traits::tokio::Stream as _;
use interprocess::local_socket::{ListenerOptions, Name};
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What a socket address holds, the NUL at its end not counted.
const SOCKET_PATH_MAX_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The socket is for its owner alone.
const SOCKET_MODE: u32 = 0o600;

pub(super) async fn dial(name: Name<'_>) -> io::Result<local::Stream> {
    local::Stream::connect(name).await
}

pub(super) fn connected(stream: local::Stream) -> io::Result<Connected> {
    Connected::new(stream)
}

/// Which file a listener bound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(found: &Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino() }
    }
}

/// In the run folder; if that is too long for a socket address, under a hash in a private folder of the system's.
pub(super) fn path_of(store: &Path, run_dir: &Path) -> Result<PathBuf, Error> {
    let path = run_dir.join("broker.sock");
    if path.as_os_str().len() <= SOCKET_PATH_MAX_BYTES {
        return Ok(path);
    }
    let folder = PathBuf::from(format!("/tmp/c2c-{}", own_uid()));
    Ok(folder.join(format!("{}.sock", short_hash(store.as_os_str().as_bytes()))))
}

pub(super) fn listen(address: &Address) -> io::Result<(local::Listener, Identity)> {
    ensure_private_dir(folder_of(address)).map_err(io::Error::other)?;
    remove_leftover(address)?;
    let options = ListenerOptions::new().name(address.name()?).reclaim_name(false).try_overwrite(false);
    let listener = with_mode(options).create_tokio()?;
    restrict(address.as_path())?;
    let identity = Identity::of(&std::fs::symlink_metadata(address.as_path())?);
    Ok((listener, identity))
}

/// Linux lets the mode be set before the name exists.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn with_mode(options: ListenerOptions<'_>) -> ListenerOptions<'_> {
    use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
    options.mode(SOCKET_MODE)
}

/// Elsewhere the private folder is what counts, and the mode follows.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const fn with_mode(options: ListenerOptions<'_>) -> ListenerOptions<'_> {
    options
}

fn restrict(socket: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(SOCKET_MODE))
}

fn remove_leftover(address: &Address) -> io::Result<()> {
    match std::fs::symlink_metadata(address.as_path()) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(address.as_path()),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{address} is in the way and is not a socket, move it away"),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(super) fn is_in_place(address: &Address, identity: &Identity) -> bool {
    std::fs::symlink_metadata(address.as_path()).is_ok_and(|found| Identity::of(&found) == *identity)
}

pub(super) fn remove(address: &Address, identity: &Identity) {
    if is_in_place(address, identity) {
        // A file that stays is no harm: the next broker removes it.
        let _ = std::fs::remove_file(address.as_path());
    }
}

/// A socket in a folder that others could write to may be anyone's.
pub(super) fn check_before_connect(address: &Address) -> Result<(), ConnectError> {
    if !check_private_dir(folder_of(address)).map_err(ConnectError::Unsafe)? {
        return Err(ConnectError::Absent);
    }
    match std::fs::symlink_metadata(address.as_path()) {
        Ok(found) if found.file_type().is_socket() && found.uid() == own_uid() => Ok(()),
        Ok(found) => {
            let what = if found.file_type().is_socket() {
                format!("a socket of another user (uid {}; you are {})", found.uid(), own_uid())
            } else {
                "not a socket, though a broker listens there".to_owned()
            };
            Err(ConnectError::Unsafe(Error::new(
                ErrorCode::StoreRefused,
                format!("{address} is {what}"),
                format!("find out what put it there, then move {address} away"),
            )))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ConnectError::Absent),
        Err(error) => Err(ConnectError::Io(error)),
    }
}

pub(super) fn means_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

pub(super) fn check_peer(stream: &local::Stream) -> Result<(), PeerFault> {
    judge(stream.peer_creds().map(|creds| creds.euid()))
}

/// Only who is known to be this user is let through: not knowing is a no.
fn judge(peer: io::Result<Option<u32>>) -> Result<(), PeerFault> {
    match peer.map_err(PeerFault::Unknown)? {
        Some(uid) if uid == own_uid() => Ok(()),
        Some(uid) => Err(PeerFault::Foreign(format!("uid {uid}"))),
        None => Err(PeerFault::Unknown(io::Error::other("the system does not say whose connection it is"))),
    }
}

fn folder_of(address: &Address) -> &Path {
    address.as_path().parent().unwrap_or_else(|| Path::new("/"))
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::{PeerFault, judge, own_uid};
    use std::io;

    #[test]
    fn g4_a_peer_that_the_system_does_not_name_is_refused() {
        assert!(judge(Ok(Some(own_uid()))).is_ok());
        assert!(matches!(judge(Ok(None)), Err(PeerFault::Unknown(_))));
        let failed = io::Error::from(io::ErrorKind::Unsupported);
        assert!(matches!(judge(Err(failed)), Err(PeerFault::Unknown(_))));
        for other in [own_uid() + 1, 65_534, u32::MAX] {
            assert!(matches!(judge(Ok(Some(other))), Err(PeerFault::Foreign(_))), "{other}");
        }
    }
}
