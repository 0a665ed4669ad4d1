//! Listening and connecting on real sockets.

use super::{AcceptError, Address, ConnectError, Listener, connect};
use crate::paths::{StorePaths, ensure_private_dir};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn place() -> (TempDir, Address) {
    let folder = tempfile::tempdir().unwrap();
    let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
    ensure_private_dir(&paths.run_dir).unwrap();
    (folder, paths.address)
}

async fn talk(listener: &Listener, address: &Address) {
    let (near, far) = tokio::join!(connect(address), listener.accept());
    let (mut near, mut far) = (near.unwrap(), far.unwrap());
    near.write_all(b"ping").await.unwrap();
    let mut heard = [0; 4];
    far.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");
    drop(far);
    assert_eq!(near.read(&mut heard).await.unwrap(), 0, "the end is seen");
}

#[tokio::test]
async fn two_tasks_talk() {
    let (_folder, address) = place();
    let listener = Listener::bind(&address).unwrap();
    talk(&listener, &address).await;
}

#[tokio::test]
async fn the_socket_is_for_its_owner_alone() {
    let (_folder, address) = place();
    let _listener = Listener::bind(&address).unwrap();
    let found = fs::symlink_metadata(address.as_path()).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn nobody_listens_where_there_is_no_folder_no_socket_or_a_dead_one() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap().address;
    assert!(matches!(connect(&nowhere).await, Err(ConnectError::Absent)));
    let (_folder, address) = place();
    assert!(matches!(connect(&address).await, Err(ConnectError::Absent)));
    drop(Listener::bind(&address).unwrap());
    assert!(address.as_path().exists(), "dropping leaves the file to the next bind");
    assert!(matches!(connect(&address).await, Err(ConnectError::Absent)));
}

#[tokio::test]
async fn a_leftover_socket_is_replaced() {
    let (_folder, address) = place();
    drop(Listener::bind(&address).unwrap());
    let listener = Listener::bind(&address).unwrap();
    talk(&listener, &address).await;
}

#[tokio::test]
async fn what_is_no_socket_is_not_removed() {
    let (_folder, address) = place();
    fs::write(address.as_path(), "precious").unwrap();
    assert_eq!(Listener::bind(&address).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(address.as_path()).unwrap(), b"precious");
    let Err(ConnectError::Unsafe(error)) = connect(&address).await else { panic!("connected to a file") };
    assert!(error.message.contains("is not a socket, though a broker listens there"), "{}", error.message);
}

#[tokio::test]
async fn a_deleted_or_replaced_socket_file_is_noticed() {
    let (_folder, address) = place();
    let first = Listener::bind(&address).unwrap();
    assert!(first.is_in_place(&address));
    fs::remove_file(address.as_path()).unwrap();
    assert!(!first.is_in_place(&address));
    let second = Listener::bind(&address).unwrap();
    assert!(!first.is_in_place(&address));
    assert!(second.is_in_place(&address));
    first.remove(&address);
    assert!(second.is_in_place(&address), "the first one removes only its own file");
    talk(&second, &address).await;
    second.remove(&address);
    assert!(!address.as_path().exists());
}

#[tokio::test]
async fn a_folder_that_others_can_enter_is_neither_listened_nor_connected_in() {
    let (_folder, address) = place();
    let listener = Listener::bind(&address).unwrap();
    let run_dir = address.as_path().parent().unwrap();
    fs::set_permissions(run_dir, Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(connect(&address).await, Err(ConnectError::Unsafe(_))));
    assert!(Listener::bind(&address).is_err());
    drop(listener);
}

#[tokio::test]
async fn a_long_path_works_through_its_short_address() {
    let folder = tempfile::tempdir().unwrap();
    let paths = StorePaths::of_store(&folder.path().join("x".repeat(120)).join("c2c.db")).unwrap();
    assert!(!paths.address.as_path().starts_with(folder.path()));
    let listener = Listener::bind(&paths.address).unwrap();
    talk(&listener, &paths.address).await;
    listener.remove(&paths.address);
}

#[tokio::test]
async fn a_client_that_is_gone_before_it_is_accepted_harms_nobody() {
    let (_folder, address) = place();
    let listener = Listener::bind(&address).unwrap();
    drop(connect(&address).await.unwrap());
    match listener.accept().await {
        Ok(mut gone) => assert_eq!(gone.read(&mut [0; 1]).await.unwrap(), 0),
        Err(AcceptError::ForeignUser { who }) => assert!(who.contains("unknown"), "{who}"),
        Err(AcceptError::Io(error)) => panic!("{error}"),
    }
    talk(&listener, &address).await;
}

#[tokio::test]
async fn more_connections_than_the_queue_holds_fail_without_harm() {
    let (_folder, address) = place();
    let listener = Listener::bind(&address).unwrap();
    let mut held = Vec::new();
    let refused = loop {
        match connect(&address).await {
            Ok(stream) => held.push(stream),
            Err(error) => break error,
        }
        assert!(held.len() < 100_000, "the queue has no end");
    };
    assert!(matches!(refused, ConnectError::Io(_)), "{refused:?}");
    for _ in 0..held.len() {
        listener.accept().await.unwrap();
    }
    talk(&listener, &address).await;
}

/// Threads of another user, which Linux allows root to make.
#[cfg(target_os = "linux")]
mod foreign {
    use super::*;
    use crate::skip::skipped;
    use rustix::process::Uid;
    use std::io::{Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    const NOBODY: u32 = 65_534;
    const NEEDS_ROOT: &str = "needs root, to be another user";

    /// Runs this as another user; `None` where that is not allowed.
    fn as_nobody<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let nobody = Uid::from_raw(NOBODY);
        let thread = std::thread::spawn(move || {
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).ok().map(|()| work())
        });
        thread.join().unwrap()
    }

    fn open_to_all(path: &Path) {
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }

    #[tokio::test]
    async fn g1_another_user_is_turned_away_unheard() {
        let (folder, address) = place();
        let listener = Listener::bind(&address).unwrap();
        for path in [folder.path(), address.as_path().parent().unwrap(), address.as_path()] {
            open_to_all(path);
        }
        let path = address.as_path().to_owned();
        let client = tokio::task::spawn_blocking(move || {
            as_nobody(move || {
                let mut stream = UnixStream::connect(path).unwrap();
                let _ = stream.write_all(b"let me in");
                stream.read(&mut [0]).map_or(0, |bytes| bytes)
            })
        });
        if !rustix::process::geteuid().is_root() {
            return skipped(NEEDS_ROOT);
        }
        match listener.accept().await {
            Err(AcceptError::ForeignUser { who }) => assert_eq!(who, "uid 65534"),
            other => panic!("another user got {other:?}"),
        }
        assert_eq!(client.await.unwrap(), Some(0), "the connection is closed without a byte");
    }

    #[tokio::test]
    async fn g7_a_listener_of_another_user_is_not_talked_to() {
        if !rustix::process::geteuid().is_root() {
            return skipped(NEEDS_ROOT);
        }
        let (folder, address) = place();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        open_to_all(folder.path());
        open_to_all(&outside);
        let socket = outside.join("socket");
        let path = socket.clone();
        let Some(_listener) = as_nobody(move || UnixListener::bind(path).unwrap()) else {
            return skipped(NEEDS_ROOT);
        };
        let own = Some(rustix::process::geteuid());
        // Someone made it look like one's own: only the kernel still knows who listens.
        rustix::fs::chown(&socket, own, None).unwrap();
        fs::rename(&socket, address.as_path()).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        match connect(&address).await {
            Err(ConnectError::Unsafe(error)) => {
                assert!(error.message.contains("uid 65534"), "{}", error.message);
            }
            other => panic!("connected to another user: {other:?}"),
        }
    }
}
