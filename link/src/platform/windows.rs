//! There are no signals but Ctrl-C.

use std::io;

/// Somebody wants the process to end.
pub(crate) async fn ended() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
