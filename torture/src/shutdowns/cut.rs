//! The cut itself: the file system stops at once, and what was not flushed never gets to its disk.
#![expect(unsafe_code, reason = "a request to the file system that no library names")]

use rustix::ioctl::{Opcode, Setter, ioctl};
use std::fs::File;
use std::io;
use std::path::Path;

/// `EXT4_IOC_SHUTDOWN`: reads one `u32`.
const SHUTDOWN: Opcode = 0x8004_587d;
/// `EXT4_GOING_FLAGS_NOLOGFLUSH`: not even the part of the journal that is in memory is written.
const NO_LOG_FLUSH: u32 = 2;

/// Shuts down the ext4 that is mounted here. Everything on it fails from then on, until it is mounted again.
///
/// # Errors
/// When the kernel or the rights of this process do not allow it.
pub(super) fn cut(mounted: &Path) -> io::Result<()> {
    let root = File::open(mounted)?;
    // SAFETY: this request takes a pointer to a `u32` that the kernel only reads, which is what the setter passes.
    unsafe { ioctl(&root, Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH))? };
    Ok(())
}
