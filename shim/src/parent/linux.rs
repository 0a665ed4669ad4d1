//! Linux: the kernel sends a signal when the thread ends that started the shim. A client may well have such threads,
//! so the signal only says that it is time to look whether the parent process is still the same.

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::signal::unix::{SignalKind, signal};

/// The process id.
pub(super) fn id() -> u32 {
    getppid().map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs())
}

pub(super) async fn gone() {
    let parent = getppid();
    // Before the kernel is asked for it: unhandled, the signal ends the process.
    let Ok(mut looks) = signal(SignalKind::user_defined2()) else { return std::future::pending().await };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::USR2)) {
        tracing::debug!(%error, "the end of the parent process is only seen by the end of stdin");
    }
    while getppid() == parent {
        looks.recv().await;
    }
}
