//! Unix systems other than Linux: they do not tell when a process began.

/// The process id.
pub(super) fn describe(pid: u32) -> String {
    pid.to_string()
}

pub(super) fn may_run(described: &str) -> bool {
    let (pid, _) = described.split_once(':').unwrap_or((described, "?"));
    pid.parse().ok().and_then(rustix::process::Pid::from_raw).is_none_or(|pid| {
        // Refused for a process of somebody else: then it is another one by now, or cannot be told.
        rustix::process::test_kill_process(pid).is_ok()
    })
}

/// A pid alone does not tell.
pub(super) const fn has_ended(_described: &str) -> bool {
    false
}
