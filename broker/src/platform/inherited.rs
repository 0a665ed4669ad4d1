//! The one thing that cannot be done safely: closing descriptors that this program did not open.
//!
//! A starter may leak sockets, pipes and files into its children; a daemon that kept them would hold a terminal, a
//! client's pipe or a deleted file open for days.
#![expect(unsafe_code, reason = "descriptors that nobody in this process owns have no safe owner to drop")]

use std::os::fd::{BorrowedFd, RawFd};

/// The first descriptor that is not stdin, stdout or stderr.
const FIRST: RawFd = 3;
/// Looked through when the system does not list the open ones.
const GUESS_END: RawFd = 1_024;

/// Closes every inherited descriptor but the three standard ones.
///
/// Must be the first thing that the process does: no thread runs and nothing is open that this program opened.
pub(super) fn close_all() {
    for descriptor in open_ones().unwrap_or_else(|| (FIRST..GUESS_END).collect()) {
        // SAFETY: nothing in this process owns a descriptor of 3 or above yet (see the function's condition), so no
        // owner is left with a closed one. Whether it is open at all is asked first: the one that listed them is not.
        unsafe {
            if rustix::io::fcntl_getfd(BorrowedFd::borrow_raw(descriptor)).is_ok() {
                rustix::io::close(descriptor);
            }
        }
    }
}

/// The descriptors from 3 that the system says are open; also the one that lists them, which is closed again by then.
fn open_ones() -> Option<Vec<RawFd>> {
    let listing =
        std::fs::read_dir(if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" }).ok()?;
    let numbers = listing.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok());
    Some(numbers.filter(|descriptor| *descriptor >= FIRST).collect())
}
