//! Windows: the system's own tools, by process id.

use std::path::Path;
use std::process::{Command, Stdio};

/// Ends a process at once.
pub fn stop(id: u32) {
    let _gone = Command::new("taskkill")
        .args(["/F", "/PID", &id.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Whether the process runs.
#[must_use]
pub fn alive(id: u32) -> bool {
    Command::new("tasklist")
        .args(["/NH", "/FI", &format!("PID eq {id}")])
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&format!(" {id} ")))
}

/// Not known here.
#[must_use]
pub fn of_store(_store: &Path) -> Vec<(u32, String)> {
    Vec::new()
}
