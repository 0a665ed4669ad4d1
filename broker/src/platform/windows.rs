//! Windows. A broker is not detached here by itself: its starter gives it no console.
#![expect(unsafe_code, reason = "replacing a standard handle has no safe wrapper")]

use super::{FileId, Standing};
use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::time::Duration;
use tokio::signal::windows::{CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown};
use winapi_util::AsHandleRef;
use windows_sys::Win32::System::Console::{STD_OUTPUT_HANDLE, SetStdHandle};

/// How a person restarts the broker that runs as a service.
pub const RESTART_SERVICE: &str = "c2c-broker --service";

/// How a person ends a process.
#[must_use]
pub fn end_command(pid: u32) -> String {
    format!("taskkill /F /PID {pid}")
}

/// Leaves the starter: only the current folder has to be let go.
///
/// # Errors
/// When the root folder cannot be entered.
pub fn detach() -> io::Result<()> {
    std::env::set_current_dir("\\")
}

/// Nothing to prepare: files inherit the access rules of the user's own folder.
pub const fn prepare() {}

/// Whether this process may not write files of any size; there is no such limit here.
#[must_use]
pub const fn file_size_is_limited() -> bool {
    false
}

/// Closes stdout for whoever reads it.
///
/// # Errors
/// When the system refuses to replace the handle.
pub fn close_stdout() -> io::Result<()> {
    let handle = io::stdout().as_raw_handle();
    if handle.is_null() {
        return Ok(());
    }
    // SAFETY: a null standard handle is valid: the standard library drops what is written to it.
    if unsafe { SetStdHandle(STD_OUTPUT_HANDLE, std::ptr::null_mut()) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was the process's stdout, nothing else refers to it any more, and it is closed once.
    drop(unsafe { OwnedHandle::from_raw_handle(handle) });
    Ok(())
}

/// Files in a user's own folder are the user's.
#[must_use]
pub const fn is_of_user(_path: &Path) -> bool {
    true
}

/// Nothing to do: the folder's access rules are the file's.
///
/// # Errors
/// None here.
pub const fn keep_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Which file this path names now; `None` if there is none.
#[must_use]
pub fn file_id(path: &Path) -> Option<FileId> {
    id_of(&winapi_util::Handle::from_path_any(path).ok()?)
}

/// Pipes are no files: nobody can delete one, and looking at one would connect to it.
#[must_use]
pub const fn socket_id(_path: &Path) -> Option<FileId> {
    None
}

/// Which file this handle holds.
#[must_use]
pub fn open_file_id(file: &File) -> Option<FileId> {
    id_of(file)
}

/// The volume and the file's number there.
fn id_of(handle: impl AsHandleRef) -> Option<FileId> {
    let information = winapi_util::file::information(handle).ok()?;
    Some(FileId(information.volume_serial_number(), information.file_index()))
}

/// The signals that the broker obeys.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: CtrlC,
    break_: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl StopSignals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn listen(_standing: Standing) -> io::Result<Self> {
        use tokio::signal::windows;
        Ok(Self {
            interrupt: windows::ctrl_c()?,
            break_: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            logoff: windows::ctrl_logoff()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    /// Resolves when the broker is asked to stop, with the signal's name.
    pub async fn asked_to_stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "CTRL-C",
            _ = self.break_.recv() => "CTRL-BREAK",
            _ = self.close.recv() => "console closed",
            _ = self.logoff.recv() => "logoff",
            _ = self.shutdown.recv() => "system shutdown",
        }
    }
}

/// No service manager listens here.
pub const fn tell_manager_ready(_status: &str) {}

/// No service manager listens here.
pub const fn tell_manager_stopping(_status: &str) {}

/// No service manager listens here.
pub const fn tell_manager_alive() {}

/// No service manager watches here.
#[must_use]
pub const fn manager_watches_every() -> Option<Duration> {
    None
}
