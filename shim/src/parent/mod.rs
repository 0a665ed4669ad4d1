//! The process that started the shim: how it is told from others, and when it is gone.

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

/// The parent process in a form that a later process with the same pid does not share, where the platform allows it.
#[must_use]
pub fn describe() -> String {
    c2c_proto::process::describe(platform::id())
}

/// Ends when the parent process is gone. Where the platform does not tell, never: then the end of stdin says it.
pub async fn gone() {
    platform::gone().await;
}
