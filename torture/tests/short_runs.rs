//! The short forms of the long runs: a few kills under load, and many shims at once; with fixed seeds, so that what
//! breaks one day breaks the next day as well.
#![cfg(target_os = "linux")]

use std::process::Command;

#[track_caller]
fn holds(arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_c2c-torture")).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{arguments:?}: {}\n{said}\n{errors}", done.status);
    assert!(said.contains("seed: ") && said.contains("all promises held"), "{said}");
    said
}

/// The number that stands in the table's line of this name.
#[track_caller]
fn number(said: &str, name: &str) -> u64 {
    let line = said.lines().find(|line| line.trim_start().starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().last()?.parse().ok());
    number.unwrap_or_else(|| panic!("no number behind {name:?}:\n{said}"))
}

#[test]
fn a_few_kills_under_load_break_no_promise() {
    let said =
        holds(&["run", "--seed", "1", "--kills", "15", "--shims", "8", "--good-disk", "--slow-is-fine"]);
    assert!(number(&said, "kills of the broker") >= 15, "{said}");
    assert!(number(&said, "messages acknowledged") >= 100, "{said}");
}

#[test]
fn twenty_shims_at_once_get_one_broker() {
    let said = holds(&["starts", "--seed", "2", "--rounds", "4", "--shims", "20"]);
    assert_eq!(number(&said, "shims connected"), 80);
}
