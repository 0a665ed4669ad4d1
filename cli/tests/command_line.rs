//! The command line as a script sees it: exit statuses, and what goes to stdout and stderr.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
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
        assert!(
            said.contains("no broker runs for") && said.contains("the first one that does starts it"),
            "{said}"
        );
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

// Windows has no file names with control characters.
#[cfg(unix)]
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

/// A broker in the foreground; it is killed when this value goes.
struct Broker(Child);

impl Broker {
    fn start(folder: &Path) -> Self {
        let own = Path::new(env!("CARGO_BIN_EXE_c2c"));
        let program = own.with_file_name(format!("c2c-broker{}", std::env::consts::EXE_SUFFIX));
        let mut child = Command::new(program)
            .arg("--ready-stdout")
            .env("CLAUDE_C2C_DB", folder.join("c2c.db"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the broker starts (cargo build --workspace --bins makes it)");
        let mut word = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut word).expect("a word");
        assert!(word.contains("\"ready\":true"), "{word}");
        Self(child)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn with_a_broker_status_describes_it() {
    let folder = folder();
    let broker = Broker::start(folder.path());
    let output = run(folder.path(), &["status"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    assert!(table.contains(&format!("process {}", broker.0.id())), "{table}");
    assert!(table.contains("0 online") && table.contains("0 not read yet"), "{table}");

    let output = run(folder.path(), &["status", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(object["pid"], broker.0.id());
    let help = text(&run(folder.path(), &["status", "--help"]).stdout);
    for key in object.as_object().expect("an object").keys() {
        assert!(help.contains(key.as_str()), "the help does not explain {key}");
    }
}

#[test]
fn a_broker_that_was_killed_is_no_broker() {
    let folder = folder();
    drop(Broker::start(folder.path()));
    assert_eq!(run(folder.path(), &["status"]).status.code(), Some(5));
}
