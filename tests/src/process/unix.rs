//! Unix: signals, and `/proc` where there is one.

use rustix::process::{Pid, Resource, getrlimit, kill_process, setrlimit, test_kill_process};
use std::path::Path;

pub use rustix::process::Signal;

/// What was asked to end gets this long.
const END: std::time::Duration = std::time::Duration::from_secs(3);

fn pid(id: u32) -> Pid {
    i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process id")
}

/// Sends a signal to one process; one that is gone already is no fault.
pub fn signal(id: u32, signal: Signal) {
    let _gone = kill_process(pid(id), signal);
}

/// Ends a process at once, as power would: no handler runs.
pub fn stop(id: u32) {
    signal(id, Signal::KILL);
}

/// Asks a process to end, and ends it if it does not.
pub fn end(id: u32) {
    signal(id, Signal::TERM);
    if crate::eventually::look(END, || (!alive(id)).then_some(())).is_none() {
        stop(id);
    }
}

/// Lets this process, and what it starts from now on, have as many files open as the system grants; how many that is,
/// unless there is no limit.
pub fn raise_descriptors() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where this is refused, the limit stays as it is.
    let _refused = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current
}

/// Whether the process runs; one that ended but was not reaped by its parent does not.
#[must_use]
pub fn alive(id: u32) -> bool {
    if !Path::new("/proc/self/stat").exists() {
        return test_kill_process(pid(id)).is_ok();
    }
    // Its first thread may have ended before the others, which still hold its files and locks.
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else { return false };
    threads.flatten().any(|thread| runs(&thread.path().join("stat")))
}

fn runs(stat: &Path) -> bool {
    let Ok(stat) = std::fs::read_to_string(stat) else { return false };
    // The state is the first field after the name, which itself may hold anything but ends with the last `)`.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Every running process whose environment or command line names this store. Empty without `/proc`.
#[must_use]
pub fn of_store(store: &Path) -> Vec<(u32, String)> {
    let named = store.to_string_lossy();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|id| *id != std::process::id())
        .filter_map(|id| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let named_in = |text: &str| text.split(['\0', ' ', '=']).any(|part| part == named);
            let ours = named_in(&line) || named_in(&String::from_utf8_lossy(&environment));
            (ours && alive(id)).then_some((id, line))
        })
        .collect()
}

/// Only programs for Windows run under it.
#[must_use]
pub const fn under_wine() -> bool {
    false
}
