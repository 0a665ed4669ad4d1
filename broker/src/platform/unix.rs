//! Linux and macOS.

use super::{FileId, Standing, inherited};
use rustix::fs::Mode;
use rustix::process::{Resource, Signal};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// How a person restarts the broker that runs as a service.
#[cfg(target_os = "macos")]
pub const RESTART_SERVICE: &str = "launchctl kickstart -k gui/$(id -u)/dev.c2c.broker";
/// How a person restarts the broker that runs as a service.
#[cfg(not(target_os = "macos"))]
pub const RESTART_SERVICE: &str = "systemctl --user restart c2c-broker";

/// How a person ends a process.
#[must_use]
pub fn end_command(pid: u32) -> String {
    format!("kill {pid}")
}

/// Leaves the starter: a session of its own, the root folder, no terminal, none of its descriptors. stdout stays, for
/// the one line that says whether the broker is ready. The process's first act.
///
/// # Errors
/// When stdin or stderr cannot be replaced.
pub fn detach() -> io::Result<()> {
    inherited::close_all();
    // Refused only for the leader of a process group, which then has its own group and no terminal to lose.
    let _ = rustix::process::setsid();
    // "/" is always there; a daemon in a folder of the user's would keep it from being unmounted.
    rustix::process::chdir("/")?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Files of this process are the user's own, whatever mask the starter left; and it may hold as many connections as
/// the system lets it. It leaves no core file: that would hold what others wrote.
pub fn prepare() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let mut core = rustix::process::getrlimit(Resource::Core);
    core.current = Some(0);
    // Lowering is always allowed.
    let _ = rustix::process::setrlimit(Resource::Core, core);
    raise_descriptor_limit();
}

/// One descriptor per connection: the usual soft limit of 1,024 is below what the broker promises.
fn raise_descriptor_limit() {
    // Where the hard limit is "none", some systems still refuse more than this.
    const FALLBACK: u64 = 10_240;
    let mut limit = rustix::process::getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    if rustix::process::setrlimit(Resource::Nofile, limit).is_err() && before < Some(FALLBACK) {
        limit.current = Some(FALLBACK);
        // Then the limit stays as it is, and connections above it wait in the socket's queue.
        let _ = rustix::process::setrlimit(Resource::Nofile, limit);
    }
}

/// Whether this process may not write files of any size.
#[must_use]
pub fn file_size_is_limited() -> bool {
    rustix::process::getrlimit(Resource::Fsize).current.is_some()
}

/// Closes stdout for whoever reads it: from now on it is the null device.
///
/// # Errors
/// When the null device cannot be opened.
pub fn close_stdout() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(&null)?)
}

/// Takes from a file what other users may do with it. Nothing happens if there is none.
///
/// # Errors
/// When it belongs to another user, or the system refuses.
pub fn keep_private(path: &Path) -> io::Result<()> {
    const OTHERS: u32 = 0o077;
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        let what = format!("it belongs to the user with id {}", metadata.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    let mut permissions = metadata.permissions();
    if permissions.mode() & OTHERS != 0 {
        tracing::warn!(path = %path.display(), "other users could open it; now it is the owner's alone");
        permissions.set_mode(permissions.mode() & 0o7777 & !OTHERS);
        std::fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

/// Whether the file is this user's, or the system's. `true` if there is none.
#[must_use]
pub fn is_of_user(path: &Path) -> bool {
    let owner = std::fs::metadata(path).map_or(0, |metadata| metadata.uid());
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// Which file this path names now, links not followed; `None` if there is none.
#[must_use]
pub fn file_id(path: &Path) -> Option<FileId> {
    std::fs::symlink_metadata(path).ok().map(|metadata| id_of(&metadata))
}

/// Which socket file lies at an address now.
#[must_use]
pub fn socket_id(path: &Path) -> Option<FileId> {
    file_id(path)
}

/// Which file this handle holds.
#[must_use]
pub fn open_file_id(file: &File) -> Option<FileId> {
    file.metadata().ok().map(|metadata| id_of(&metadata))
}

fn id_of(metadata: &Metadata) -> FileId {
    FileId(metadata.dev(), metadata.ino())
}

/// The signals that the broker obeys.
#[derive(Debug)]
pub struct StopSignals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
    standing: Standing,
}

impl StopSignals {
    /// Begins to listen; from now on none of them kills the process, and neither does a file-size limit.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn listen(standing: Standing) -> io::Result<Self> {
        // With a handler, however idle, a write over the limit fails with an error that the store reports.
        drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?);
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            standing,
        })
    }

    /// Resolves when the broker is asked to stop, with the signal's name.
    pub async fn asked_to_stop(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => if self.standing == Standing::Attached { return "SIGHUP" },
            }
        }
    }
}

/// Tells a service manager that the broker is ready, and what it serves. Without a manager nothing happens.
pub fn tell_manager_ready(status: &str) {
    tell_manager(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(status)]);
}

/// Tells a service manager that the broker goes down.
pub fn tell_manager_stopping(status: &str) {
    tell_manager(&[sd_notify::NotifyState::Stopping, sd_notify::NotifyState::Status(status)]);
}

/// Tells a service manager that the broker is not stuck.
pub fn tell_manager_alive() {
    tell_manager(&[sd_notify::NotifyState::Watchdog]);
}

/// After how long without a word the service manager takes the broker for stuck; `None` if it does not watch this
/// process.
#[must_use]
pub fn manager_watches_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

fn tell_manager(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::{file_id, is_of_user, keep_private, open_file_id};
    use c2c_proto::paths::private_file;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_others_may_do_is_taken_away_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        keep_private(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        for (before, after) in [(0o644, 0o600), (0o640, 0o600), (0o600, 0o600), (0o444, 0o400)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(before)).unwrap();
            keep_private(&path).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, after);
        }
        // Root can make a file another user's; anybody else finds one.
        let root = rustix::process::geteuid().is_root();
        if root {
            std::os::unix::fs::chown(&path, Some(1), None).unwrap();
            assert!(!is_of_user(&path));
        }
        assert!(is_of_user(std::path::Path::new("/etc/passwd")), "the system's own");
        let foreign = if root { path.as_path() } else { std::path::Path::new("/etc/passwd") };
        assert_eq!(keep_private(foreign).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_file_that_takes_anothers_path_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        let file = private_file().write(true).create(true).open(&path).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(file_id(&path), open_file_id(&file));
        std::fs::write(&other, "").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(file_id(&path), open_file_id(&file));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file_id(&path), None);
    }
}
