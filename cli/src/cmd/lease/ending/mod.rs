//! How processes end: who asks this one to, how another one is asked to, and what it ended with.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{Wish, ask, status_of};
#[cfg(windows)]
pub(super) use windows::{Wish, ask, status_of};
