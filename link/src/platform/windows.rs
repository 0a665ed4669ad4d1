//! Files in a user's own folders are that user's alone; there are no signals but Ctrl-C.

use std::io;
use std::path::Path;

/// Whether the file is there: what others may do with it is decided by the folder that it lies in.
pub(crate) fn is_private(path: &Path) -> io::Result<bool> {
    std::fs::metadata(path).map(|_| true)
}

/// Somebody wants the process to end.
pub(crate) async fn ended() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
