//! Which process is the broker, without asking it: the lock's holder says so in the lock file, and `/proc` confirms.

use c2c_proto::paths::StorePaths;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The broker of a store, if one holds the lock.
#[must_use]
pub fn broker(paths: &StorePaths) -> Option<u32> {
    let line = std::fs::read(&paths.lock).ok()?;
    let holder: serde_json::Value = serde_json::from_slice(&line).ok()?;
    let pid = u32::try_from(holder["pid"].as_u64()?).ok()?;
    is_broker_of(pid, paths).then_some(pid)
}

/// Waits until there is one, and it is another one than this.
#[must_use]
pub fn other_broker(paths: &StorePaths, than: Option<u32>, within: Duration) -> Option<u32> {
    let end = Instant::now() + within;
    loop {
        if let Some(pid) = broker(paths).filter(|pid| Some(*pid) != than) {
            return Some(pid);
        }
        if Instant::now() >= end {
            return None;
        }
        // No event tells of a process that somebody else starts.
        c2c_harness::pause(Duration::from_millis(1));
    }
}

/// Brokers of this store that hold its lock, as the kernel lists them. It may list one twice when others come and go meanwhile, and
/// a file of another disk under the same number.
#[must_use]
pub fn lock_holders(paths: &StorePaths) -> usize {
    use std::os::unix::fs::MetadataExt;
    let Ok(lock) = std::fs::metadata(&paths.lock) else { return 0 };
    let inode = format!(":{}", lock.ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    // `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`; one that waits has an arrow after the number.
    let held = locks.lines().filter(|line| line.contains("FLOCK") && !line.contains("->"));
    let holders: BTreeSet<u32> = held
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(5).filter(|place| place.ends_with(&inode))?;
            words.get(4)?.parse().ok()
        })
        .collect();
    holders.into_iter().filter(|pid| is_broker_of(*pid, paths)).count()
}

/// Brokers of this store that run, whether they hold its lock or not.
#[must_use]
pub fn brokers(paths: &StorePaths) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| is_broker_of(*pid, paths))
        .collect()
}

fn is_broker_of(pid: u32, paths: &StorePaths) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next().unwrap_or_default();
    let named = paths.store.as_os_str().as_encoded_bytes();
    program.ends_with(b"c2c-broker") && words.any(|word| word == named) && c2c_harness::alive(pid)
}
