//! What only Unix or only Windows does.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::ended;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::ended;
