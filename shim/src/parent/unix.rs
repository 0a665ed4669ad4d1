//! Unix systems other than Linux.

/// The process id.
pub(super) fn describe() -> String {
    std::os::unix::process::parent_id().to_string()
}

/// Not told; the end of stdin says it.
pub(super) async fn gone() {
    std::future::pending::<()>().await;
}
