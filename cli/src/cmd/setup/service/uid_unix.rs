//! The user's number, which launchd names a user's services by.

/// This user's.
pub(super) fn own() -> u32 {
    rustix::process::getuid().as_raw()
}
