//! What a broker gets along on Unix. It leaves the starter's session itself, which only a process that leads no group
//! can do.

use tokio::process::Command;

/// The broker's file name.
pub(super) const PROGRAM: &str = "c2c-broker";

/// The environment that a broker inherits.
pub(super) const VARIABLES: &[&str] =
    &["HOME", "PATH", "TMPDIR", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "C2C_LOG"];

pub(super) const fn detach(_command: &mut Command) {}
