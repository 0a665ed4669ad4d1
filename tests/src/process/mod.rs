//! Processes by id: whether one lives, ending one, which ones belong to a store.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{Signal, alive, end, of_store, raise_descriptors, signal, stop, under_wine};
#[cfg(windows)]
pub use windows::{alive, of_store, stop, under_wine};
