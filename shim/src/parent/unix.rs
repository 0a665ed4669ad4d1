//! Unix systems other than Linux.

/// The process id.
pub(super) fn id() -> u32 {
    std::os::unix::process::parent_id()
}

/// Not told; the end of stdin says it.
pub(super) async fn gone() {
    std::future::pending::<()>().await;
}
