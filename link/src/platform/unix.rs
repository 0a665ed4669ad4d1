//! Modes and signals.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

/// Whether only its owner can read a file.
pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}

/// Somebody wants the process to end.
pub(crate) async fn ended() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
