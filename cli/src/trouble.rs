//! What a broker that does not answer left behind: its last words in the log, and its process id in the lock file. Only
//! read, to word a message; nothing is decided by it.

use serde::Deserialize;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The end of the log that is looked through.
const TAIL_BYTES: u64 = 64 * 1024;
/// What the broker logs when its start fails, before the reason.
const FAILED: &str = "the broker cannot run error=";
/// What it logs when its start succeeds.
const READY: &str = ": ready address=";

/// Why the last start failed, if it was the last thing to be tried.
pub(crate) fn last_start_failure(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail).ok()?;
    last_failure_in(&String::from_utf8_lossy(&tail))
}

fn last_failure_in(log: &str) -> Option<String> {
    let last = log.lines().rev().find(|line| line.contains(FAILED) || line.contains(READY))?;
    last.split_once(FAILED).map(|(_, reason)| reason.to_owned())
}

/// Who held the lock last, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Holder {
    /// Its process.
    pub(crate) pid: u64,
    /// Its version.
    #[serde(default)]
    pub(crate) version: String,
    /// What it is there for: `in the foreground`, `on demand`, `service` or `restore`.
    #[serde(default)]
    pub(crate) mode: String,
}

/// The process that held the lock last; where a locked file cannot be read, nobody.
pub(crate) fn holder(lock: &Path) -> Option<Holder> {
    serde_json::from_str(&std::fs::read_to_string(lock).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::last_failure_in;

    #[test]
    fn only_the_last_start_counts() {
        let failed = "T ERROR c2c_broker::server: the broker cannot run error=store_refused: it is garbage";
        let ready = "T  INFO c2c_broker::server: ready address=/x/broker.sock pid=1";
        assert_eq!(last_failure_in(failed).unwrap(), "store_refused: it is garbage");
        assert_eq!(last_failure_in(&format!("{failed}\n{ready}\n")), None);
        assert_eq!(
            last_failure_in(&format!("{ready}\n{failed}\nother\n")).unwrap(),
            "store_refused: it is garbage"
        );
        assert_eq!(last_failure_in(""), None);
    }
}
