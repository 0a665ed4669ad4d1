//! The official SDKs as clients: they list the tools, wait, send, cancel. Each needs a folder that
//! `tests/tests/interop/install.sh DIR` filled, named by `C2C_INTEROP_DIR`; without it they say so and skip.

use c2c_harness::{Sandbox, binary, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A file of the folder that `install.sh` filled; prints why not.
fn installed(file: &str) -> Option<PathBuf> {
    let Some(dir) = std::env::var_os("C2C_INTEROP_DIR").filter(|dir| !dir.is_empty()) else {
        c2c_harness::skipped("C2C_INTEROP_DIR is not set; see tests/tests/interop/install.sh");
        return None;
    };
    let path = std::path::absolute(dir).expect("a path").join(file);
    if !path.exists() {
        c2c_harness::skipped(&format!(
            "{} does not exist; see tests/tests/interop/install.sh",
            path.display()
        ));
        return None;
    }
    Some(path)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// Runs a client that prints what it saw, and holds that to what two sessions must see.
fn converses(mut client: Command) {
    let sandbox = Sandbox::new();
    client.env_clear().envs(sandbox.env()).current_dir(sandbox.dir());
    let output = client.output().expect("the client starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}", output.status);
    let seen: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{errors}"));
    assert_eq!(seen["tools"].as_array().map(Vec::len), Some(12), "{seen}");
    assert_eq!(seen["blocked"], true, "the wait blocks: {seen}");
    assert_eq!(seen["waited"]["timed_out"], false);
    let message = &seen["waited"]["messages"][0];
    assert_eq!((&message["id"], &message["body"]), (&seen["sent"], &json!("grüße 😀")));
    assert_eq!((&message["from_name"], &message["tag"]), (&json!("alice"), &json!("status")));
    assert_eq!((&seen["failed"], &seen["error"]["code"]), (&json!(true), &json!("invalid_argument")));
    assert_eq!(seen["marked"], 1, "the connection works after a cancelled call: {seen}");
    until("both sessions are gone with their client", Duration::from_secs(5), || {
        sandbox.status().is_some_and(|status| status.sessions_online == 0 && status.waits == 0)
    });
}

fn python(environment: &str) {
    let Some(interpreter) = installed(&format!("{environment}/bin/python")) else { return };
    let mut client = Command::new(interpreter);
    client.arg(script("python.py")).arg(binary("c2c-shim"));
    converses(client);
}

#[test]
fn the_python_sdk_2() {
    python("py2");
}

#[test]
fn the_python_sdk_1() {
    python("py1");
}

#[test]
fn the_typescript_sdk() {
    let Some(modules) = installed("node/node_modules") else { return };
    // The sandbox's PATH is short; the interpreter is looked up on the tester's own.
    let node = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("node")).find(|node| node.is_file())
    });
    let Some(node) = node else {
        c2c_harness::skipped("there is no node on PATH");
        return;
    };
    let mut client = Command::new(node);
    client.arg(script("typescript.mjs")).arg(binary("c2c-shim")).arg(modules.parent().expect("a folder"));
    converses(client);
}
