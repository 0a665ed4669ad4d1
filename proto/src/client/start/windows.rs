//! What a broker gets along on Windows, and what it must not: the console, and the handles of this program's own
//! stdio, whose readers would wait for the broker to end.

use crate::win32::keep_from_children;
use tokio::process::Command;
use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS};

/// The broker's file name.
pub(super) const PROGRAM: &str = "c2c-broker.exe";

/// The environment that a broker inherits; programs do not even start without some of these.
pub(super) const VARIABLES: &[&str] = &[
    "SystemRoot",
    "SystemDrive",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "LOCALAPPDATA",
    "APPDATA",
    "PATH",
    "PATHEXT",
    "COMSPEC",
    "C2C_LOG",
];

pub(super) fn detach(command: &mut Command) {
    keep_from_children(&std::io::stdin());
    keep_from_children(&std::io::stdout());
    keep_from_children(&std::io::stderr());
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}
