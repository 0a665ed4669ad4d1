//! A home folder of its own, with the programs on it and nothing of the real one.
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses a part of it")]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A home, a project in it, and a store beside it.
pub(crate) struct House {
    // Removed with everything in it when the test ends.
    folder: TempDir,
}

/// What lies below a folder: a file's bytes, a link's target, or that it is a folder.
pub(crate) type Tree = BTreeMap<PathBuf, String>;

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home/project", "tools"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.home().join("project")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("store").join("c2c.db")
    }

    /// A folder that is first on PATH.
    pub(crate) fn tools(&self) -> PathBuf {
        self.folder.path().join("tools")
    }

    /// A program of this name that runs this script.
    pub(crate) fn tool(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.tools().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home().join(name)).unwrap()
    }

    pub(crate) fn installed(&self, name: &str) -> PathBuf {
        self.home().join(".local/bin").join(name)
    }

    /// A program in this house's environment.
    /// Says yes beforehand where a question would come; but not to the deletion of a store.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = self.unanswered(program, arguments);
        let asks = arguments.first().is_some_and(|first| ["setup", "uninstall"].contains(first));
        if asks && !["--purge", "--dry-run", "--yes"].iter().any(|word| arguments.contains(word)) {
            command.arg("--yes");
        }
        command
    }

    /// Nobody is there to be asked.
    pub(crate) fn unanswered(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:/usr/bin:/bin", self.tools().display());
        command.args(arguments).env_clear().env("HOME", self.home()).env("PATH", path);
        command.env("CLAUDE_C2C_DB", self.store()).current_dir(self.project()).stdin(Stdio::null());
        command
    }

    pub(crate) fn c2c(&self, arguments: &[&str]) -> Output {
        self.command(Path::new(env!("CARGO_BIN_EXE_c2c")), arguments).output().unwrap()
    }

    /// Runs it, and it has to end well. Returns what it printed.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.c2c(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "c2c {arguments:?}: {said}");
        said
    }

    /// Everything in the home.
    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(&self.home(), &self.home(), &mut tree);
        tree
    }

    /// What lies beside the store and does not belong to it.
    pub(crate) fn beside_the_store(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.store().parent().unwrap()) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with("c2c.db") && name != "c2c.run").collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A broker that a test left ends with its store; a test that failed has other troubles.
        let _ = self.c2c(&["uninstall", "--purge", "--yes"]);
    }
}

/// Both outputs.
pub(crate) fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

fn walk(root: &Path, folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_owned();
        if name == Path::new(".claude/backups") {
            // The client's own copies of its configuration, which it makes and removes as it likes.
            continue;
        }
        if path.is_symlink() {
            tree.insert(name, format!("link to {}", fs::read_link(&path).unwrap().display()));
        } else if path.is_dir() {
            tree.insert(name, "a folder".to_owned());
            walk(root, &path, tree);
        } else {
            tree.insert(name, String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned());
        }
    }
}

/// One call of a tool through the server that is registered, as a client makes it.
fn call(house: &House, server: &Value, tool: &str, arguments: &Value) -> Value {
    let program = Path::new(server["command"].as_str().expect("a command"));
    let mut shim = house.command(program, &[]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = shim.stdin.take().unwrap();
    let client = json!({"name": "test", "version": "1"});
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
    let messages = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}),
    ];
    for message in messages {
        writeln!(stdin, "{message}").unwrap();
    }
    let lines = BufReader::new(shim.stdout.take().unwrap()).lines();
    let answers = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let answer = answers.into_iter().find(|answer| answer["id"] == 2).expect("an answer");
    drop(stdin);
    shim.wait().unwrap();
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap()
}

/// Set up, used, set up again, uninstalled: nothing of it is left, and nothing else is different.
pub(crate) fn there_and_back(house: &House, options: &[&str], servers: &str, path: &[&str]) {
    let before = house.tree();
    let setup = [&["setup"], options].concat();
    let plan = house.done(&[&setup[..], &["--dry-run"]].concat());
    assert_eq!(house.tree(), before, "a dry run changes nothing");
    assert_eq!(house.beside_the_store(), [""; 0]);

    let said = house.done(&setup);
    assert!(said.starts_with(&plan), "{said}\nis not what was announced:\n{plan}");
    assert!(said.contains("check passed: c2c "), "{said}");
    let after = house.tree();
    let file: Value = serde_json::from_str(&house.read(servers)).unwrap();
    let server = path.iter().fold(&file, |value, key| &value[*key]);
    let sent = call(house, server, "send_message", &json!({"to": "nobody-yet", "body": "hello"}));
    assert!(sent["id"].is_i64(), "{sent}");
    assert_eq!(house.tree(), after, "using it changes nothing");

    let said = house.done(&setup);
    assert!(said.starts_with("nothing to do"), "{said}");
    assert_eq!(house.tree(), after, "a second run changes nothing");

    house.done(&["uninstall"]);
    assert_eq!(house.tree(), before);
    assert_eq!(house.beside_the_store(), [""; 0]);
    assert!(house.store().exists(), "the store stays");
    assert!(house.done(&["uninstall"]).starts_with("nothing to do"));
}
