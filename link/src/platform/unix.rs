//! Signals.

use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// Somebody wants the process to end.
pub(crate) async fn ended() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
