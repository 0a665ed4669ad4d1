//! claude-c2c 0.1.0: where it is installed, and its servers on a store of their own.

use super::Side;
use crate::mcp::Mcp;
use crate::world::{disk, target};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const REQUIREMENTS: &str = include_str!("../../../predecessor/requirements.txt");

/// An installation below the target folder.
#[derive(Debug)]
pub(super) struct Installed {
    folder: PathBuf,
    /// What is measured, with what it runs on, for the tables.
    pub(super) what: String,
}

impl Installed {
    /// The one that is there, else a new one; why there is none if it cannot be had.
    pub(super) fn find() -> Result<Self, String> {
        if cfg!(windows) {
            return Err("it is installed by a script for sh".to_owned());
        }
        if Command::new("python3").arg("--version").output().is_err() {
            return Err("there is no python3".to_owned());
        }
        let folder = target().join("predecessor");
        let noted = std::fs::read_to_string(folder.join("requirements.txt")).unwrap_or_default();
        if noted != REQUIREMENTS {
            install(&folder)?;
        }
        let python = Command::new(folder.join("bin/python3")).arg("--version").output();
        let python = String::from_utf8(python.expect("the environment has a Python").stdout).expect("text");
        let what = format!("claude-c2c 0.1.0, {}", python.trim());
        Ok(Self { folder, what })
    }
}

fn install(folder: &Path) -> Result<(), String> {
    eprintln!("installing claude-c2c 0.1.0 into {}", folder.display());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/predecessor/install.sh");
    let status = Command::new("sh").arg(script).arg(folder).stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{script} failed: {status}")),
        Err(error) => Err(format!("{script} cannot be run: {error}")),
    }
}

/// A new store. The first server makes it.
#[derive(Debug)]
pub(super) struct Predecessor {
    program: PathBuf,
    folder: TempDir,
}

impl Predecessor {
    pub(super) fn new(installed: &Installed) -> Self {
        let program = installed.folder.join("bin/claude-c2c");
        Self { program, folder: tempfile::tempdir_in(disk()).expect("a folder") }
    }
}

impl Side for Predecessor {
    fn command(&self, _name: &str) -> Command {
        let folder = self.folder.path();
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder).env("TMPDIR", folder);
        command.env("CLAUDE_C2C_DB", self.store());
        // It writes a line for every call to its stderr.
        command.current_dir(folder).stderr(Stdio::null());
        command
    }

    fn register(&self, mcp: &mut Mcp, name: &str) {
        mcp.call("register_session", &json!({"name": name}));
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("c2c.db")
    }
}

/// What its tool says: the first of a list, or null if there is none.
///
/// # Errors
/// `database is locked`, which happens when several servers write at once.
pub(super) fn attempt(mcp: &mut Mcp, tool: &str, arguments: &Value) -> Result<Value, Locked> {
    let id = mcp.begin_call(tool, arguments);
    result(mcp, id)
}

/// The result of a call that was begun, as for [`attempt`].
pub(super) fn result(mcp: &mut Mcp, id: u64) -> Result<Value, Locked> {
    let result = mcp.finish(id);
    let text = result["content"][0]["text"].as_str();
    if result["isError"] == true {
        assert!(text.is_some_and(|text| text.contains("database is locked")), "the call failed: {result}");
        return Err(Locked);
    }
    Ok(text.map_or(Value::Null, |text| serde_json::from_str(text).expect("a result is JSON")))
}

/// The error with which it fails when others hold its store for too long.
#[derive(Debug)]
pub(super) struct Locked;
