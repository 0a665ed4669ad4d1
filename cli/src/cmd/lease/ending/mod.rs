//! How processes end: who asks this one to, how another one is asked to, and what it ended with.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{Reach, Wish, status_of};
#[cfg(windows)]
pub(super) use windows::{Reach, Wish, status_of};
