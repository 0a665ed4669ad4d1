//! What the system says of processes: who serves a store, how much memory and how many descriptors they have.

use std::fs;
use std::path::Path;

/// Every broker that runs for this store. Empty without `/proc`.
#[must_use]
pub fn brokers(store: &Path) -> Vec<u32> {
    let store = store.to_string_lossy();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|id| {
            let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut words = line.split('\0');
            words.next().is_some_and(|program| program.ends_with("c2c-broker"))
                && words.any(|word| word == store)
        })
        .filter(|id| crate::alive(*id))
        .collect()
}

/// One line of `/proc/<id>/status` in KiB, such as `VmRSS` or the peak `VmHWM`; `None` without `/proc`.
#[must_use]
pub fn memory_kib(id: u32, line: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let found = status.lines().find(|found| found.split(':').next() == Some(line))?;
    found.split_whitespace().nth(1)?.parse().ok()
}

/// How many descriptors a process has open; `None` without `/proc`.
#[must_use]
pub fn descriptors(id: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{id}/fd")).ok()?.count())
}
