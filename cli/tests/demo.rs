//! The demonstration, played for real: to its end, interrupted, and before a reader that leaves.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The demonstration with a temporary folder of its own, so that what it leaves behind is seen.
fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_c2c"))
        .arg("demo")
        .env("TMPDIR", folder)
        .env("TMP", folder)
        .env("TEMP", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("c2c starts")
}

fn folder() -> TempDir {
    // Short, for the socket's path below it.
    tempfile::Builder::new().prefix("c2ct").tempdir().expect("a temporary folder")
}

fn nothing_is_left_in(folder: &Path) {
    let left: Vec<_> =
        std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn every_check_holds_and_nothing_is_left_behind() {
    let folder = folder();
    let output = start(folder.path()).wait_with_output().expect("c2c ends");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert!(out.contains("checks hold") && !out.contains("FAILED"), "{out}");
    assert!(!out.contains('\u{1b}'), "no colour where there is no terminal: {out}");
    assert_eq!(err, "");
    nothing_is_left_in(folder.path());
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let folder = folder();
    let mut demo = start(folder.path());
    let mut first = String::new();
    BufReader::with_capacity(1, demo.stdout.take().unwrap()).read_line(&mut first).expect("a first line");
    assert!(first.contains("c2c"), "{first}");
    let output = demo.wait_with_output().expect("c2c ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    nothing_is_left_in(folder.path());
}

#[cfg(unix)]
#[test]
fn interrupted_it_ends_what_it_started() {
    // On a busy machine the demonstration may be over before the signal comes; then that was no interruption.
    for _ in 0..20 {
        let folder = folder();
        let status = interrupted_in_the_middle(folder.path());
        nothing_is_left_in(folder.path());
        match status {
            Some(130) => return,
            other => assert_eq!(other, Some(0)),
        }
    }
    panic!("it was always over before it could be interrupted");
}

/// Plays until sessions and broker run, then asks it to stop. Its exit status.
#[cfg(unix)]
fn interrupted_in_the_middle(folder: &Path) -> Option<i32> {
    use rustix::process::{Pid, Signal, kill_process};
    let mut demo = start(folder);
    let mut stdout = BufReader::new(demo.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("hands its work over") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).expect("a line"), 0, "it ended before the second scene");
    }
    kill_process(Pid::from_child(&demo), Signal::INT).expect("the signal is sent");
    stdout.read_to_string(&mut line).expect("the rest");
    let output = demo.wait_with_output().expect("c2c ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    output.status.code()
}
