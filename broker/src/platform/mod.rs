//! What the process asks of its operating system: to stand on its own, to be told to stop, to know a file again.
//!
//! One file per system with the same functions, chosen here; the rest of the broker knows no system.

#[cfg(unix)]
mod inherited;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

pub use c2c_proto::filesystem::shared_with_machines;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

/// What tells one file from another that takes its path later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId(u64, u64);

/// How the process stands to the terminal or service manager that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It stays where it was started, and ends with it.
    Attached,
    /// It has left its starter, which may end at any time.
    Detached,
}
