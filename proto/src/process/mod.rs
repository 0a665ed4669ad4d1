//! How a process is named so that a later one with the same id is not taken for it, where the platform allows that.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(all(unix, not(target_os = "linux")))]
mod unix;
#[cfg(all(unix, not(target_os = "linux")))]
use unix as platform;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as platform;

/// Process id and, where the platform tells it, start time. The same text for the same process, whoever asks.
#[must_use]
pub fn describe(pid: u32) -> String {
    platform::describe(pid)
}

/// Whether the process that is described so may still run.
#[must_use]
pub fn may_run(described: &str) -> bool {
    platform::may_run(described)
}

/// Whether the process that is described so has certainly ended; only Linux tells.
#[must_use]
pub fn has_ended(described: &str) -> bool {
    platform::has_ended(described)
}
