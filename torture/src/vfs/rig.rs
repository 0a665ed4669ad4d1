//! How a test puts a broker on the faulty disk, and what it orders there.

use super::folder::{FAULTS_FILE, RECORD_FILE, TRACE_FILE};
use super::trace::{self, Entry};
use c2c_harness::{Sandbox, binary};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Asks for a record of a store whose broker has not been started yet.
///
/// # Panics
/// If the folder cannot be written.
pub fn record(folder: &Path) {
    std::fs::write(folder.join(RECORD_FILE), "").expect("the folder can be written");
}

/// The record so far.
///
/// # Panics
/// If there is none, or it is broken.
#[must_use]
pub fn recorded(folder: &Path) -> Vec<Entry> {
    trace::read(&folder.join(TRACE_FILE)).expect("there is a trace")
}

/// Orders faults from now on; nothing ends them all.
///
/// # Panics
/// If the folder cannot be written.
pub fn order(folder: &Path, faults: &str) {
    // Renamed into place, so that nobody reads half an order.
    let new = folder.join(format!("{FAULTS_FILE}.new"));
    std::fs::write(&new, faults).expect("the folder can be written");
    std::fs::rename(new, folder.join(FAULTS_FILE)).expect("the folder can be written");
}

/// The command of a broker on the faulty disk, in the foreground.
#[must_use]
pub fn broker(sandbox: &Sandbox) -> Command {
    let plain = c2c_harness::Broker::command(sandbox);
    let mut command = Command::new(binary("c2c-torture-broker"));
    command.args(plain.get_args()).env_clear().envs(sandbox.env()).current_dir(sandbox.dir());
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command
}

/// A folder of the sandbox in which the shim starts a broker on the faulty disk; the shim's path.
///
/// # Panics
/// If the programs cannot be put there.
#[must_use]
pub fn programs(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.folder("programs");
    for (program, name) in [("c2c-shim", "c2c-shim"), ("c2c-torture-broker", "c2c-broker")] {
        let place = folder.join(name);
        if !place.exists() {
            std::fs::copy(binary(program), place).expect("the sandbox can be written");
        }
    }
    folder.join("c2c-shim")
}
