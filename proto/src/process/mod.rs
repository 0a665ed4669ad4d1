//! How a process is named so that a later one with the same id is not taken for it, where the platform allows that.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as platform;

/// Process id and, where the platform tells it, start time. The same text for the same process, whoever asks.
#[must_use]
pub fn describe(pid: u32) -> String {
    platform::describe(pid)
}
