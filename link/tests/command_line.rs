//! What the program says before it runs.

#![cfg(test)]

use std::process::{Command, Output};

fn link(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_c2c-link")).args(words).output().unwrap()
}

#[test]
fn it_says_its_version_and_what_it_is_for() {
    let version = link(&["--version"]);
    assert_eq!(version.stdout, format!("c2c-link {}\n", env!("CARGO_PKG_VERSION")).into_bytes());
    let help = String::from_utf8(link(&["--help"]).stdout).unwrap();
    assert!(help.contains("Exit status:") && help.contains("c2c link setup"), "{help}");
    assert_eq!(link(&["--nowhere"]).status.code(), Some(2));
}

#[test]
fn without_settings_it_says_how_to_get_some() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("c2c.db");
    let said = link(&["--store", store.to_str().unwrap()]);
    let text = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.code() == Some(1) && text.contains("c2c link setup URL"), "{text}");
    assert!(!folder.path().join("c2c.run").exists(), "nothing was made");
}
