//! The command line as a script sees it: exit statuses, and what goes to stdout and stderr.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn c2c(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_c2c"));
    command.args(arguments).env("CLAUDE_C2C_DB", folder.join("c2c.db")).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    c2c(folder, arguments).output().expect("c2c starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn without_a_broker_status_says_so_and_starts_none() {
    let folder = folder();
    for arguments in [&["status"][..], &["status", "--json"]] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
        let said = text(&output.stderr);
        assert!(said.contains("no broker runs for") && said.contains("it starts by itself"), "{said}");
    }
    let left = std::fs::read_dir(folder.path()).expect("the folder is there").count();
    assert_eq!(left, 0, "looking for a broker must not make files");
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_failure() {
    let folder = folder();
    for arguments in [&["stat"][..], &["status", "--yaml"], &[]] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "c2c {arguments:?}");
        assert_eq!(text(&output.stdout), "");
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn help_and_version_are_no_failure() {
    let folder = folder();
    for arguments in [&["--help"][..], &["--version"], &["status", "--help"], &["demo", "--help"]] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "c2c {arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty());
    }
    let version = text(&run(folder.path(), &["--version"]).stdout);
    assert_eq!(version, format!("c2c {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_hostile_store_path_is_shown_harmless() {
    let folder = folder();
    let output = c2c(folder.path(), &["status"])
        .env("CLAUDE_C2C_DB", folder.path().join("x\u{1b}]0;owned\u{7}").join("c2c.db"))
        .output()
        .expect("c2c starts");
    assert_eq!(output.status.code(), Some(5));
    let said = text(&output.stderr);
    assert!(!said.contains('\u{1b}') && said.contains("\\u{1b}]0;owned\\u{7}"), "{said}");
}
