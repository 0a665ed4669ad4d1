//! Knows when the person wants the demonstration to stop.

use std::io;

/// Ends when Ctrl-C was pressed or the process was asked to terminate.
#[cfg(unix)]
pub(in crate::cmd) async fn requested() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// Ends when Ctrl-C was pressed.
#[cfg(windows)]
pub(in crate::cmd) async fn requested() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
