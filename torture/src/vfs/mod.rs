//! A disk that writes down what is done to it, and that fails on order: an SQLite VFS between the broker and the
//! system's own, in the process of `c2c-torture-broker`.
//!
//! Its orders lie beside the store `X/c2c.db`, because a broker that a shim starts gets nothing through its environment:
//! if `X/vfs.record` is there when the store's files are first opened, every change of them is appended to
//! `X/vfs.trace` ([`trace`]); what `X/vfs.faults` says is obeyed as soon as it stands there ([`faults`]), and
//! what `X/vfs.clock` says moves the broker's clock ([`clock`]).
//!
//! It sees what SQLite does to the store, its log and its journal, also under the temporary name of a new store. It
//! does not see what the broker does without SQLite: the look at the header before the store is opened, the making and
//! linking of a new store's file, the flush of its folder, the files of the run folder. The shared memory beside the
//! log and SQLite's temporary files pass through untouched: nothing in them outlives a process.

pub mod clock;
pub mod faults;
mod folder;
mod raw;
pub mod rig;
pub mod trace;

pub use folder::{FAULTS_FILE, RECORD_FILE, TRACE_FILE};
pub use raw::install;

/// Nanoseconds of the machine's monotonic clock, which all processes share.
#[must_use]
pub fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default()
}
