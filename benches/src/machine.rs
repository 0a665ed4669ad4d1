//! The machine that a run was made on.

use serde::{Deserialize, Serialize};
use std::process::Command;

/// See the module's first lines.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Machine {
    /// The processor, as the system names it.
    pub processor: String,
    /// How many processors this program may use.
    pub processors: usize,
    /// Main memory in MiB; 0 if the system does not say.
    pub memory_mib: u64,
    /// The system and its version.
    pub system: String,
    /// The file system under the stores; empty if the system does not say.
    pub file_system: String,
    /// The compiler.
    pub rustc: String,
    /// The state of the source that was measured.
    pub commit: String,
}

impl Machine {
    /// This one.
    #[must_use]
    pub fn here() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory_kib: u64 = field(&meminfo, "MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse().ok())
            .unwrap_or(0);
        Self {
            processor: field(&cpuinfo, "model name").unwrap_or(std::env::consts::ARCH).to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory_kib / 1024,
            system: said("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.to_owned()),
            file_system: said("stat", &["-f", "-c", "%T", "/tmp"]).unwrap_or_default(),
            rustc: said("rustc", &["--version"]).unwrap_or_default(),
            commit: said("git", &["describe", "--always", "--dirty"]).unwrap_or_default(),
        }
    }
}

/// The value behind a label in a file of `/proc`.
fn field<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(label))?;
    Some(line.split_once(':')?.1.trim())
}

/// What a program says, if it is there.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
