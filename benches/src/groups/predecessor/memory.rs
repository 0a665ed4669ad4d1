//! The memory that a process has for itself.

/// Private memory in KiB: what would be free if the process ended. `None` where there is no `/proc`.
pub(super) fn private_kib(id: u32) -> Option<f64> {
    let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let lines = rollup.lines().filter(|line| line.starts_with("Private_"));
    Some(lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum())
}
