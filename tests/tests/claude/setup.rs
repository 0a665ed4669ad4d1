//! From a fresh home: `c2c setup` is all that it takes, and `c2c uninstall` takes all of it away.

use super::{STEP, TURN_OVER, reads_mail};
use c2c_harness::{Claude, Model, Sandbox, Wiring, binary, until, when};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `c2c` as a person would who has this home.
fn c2c(claude: &Claude, sandbox: &Sandbox, home: &Path, words: &[&str]) {
    let programs = [binary("c2c"), claude.program().to_owned()];
    let folders = programs.iter().filter_map(|program| program.parent()).map(Path::to_path_buf);
    let path = std::env::join_paths(folders.chain(["/usr/bin".into(), "/bin".into()])).expect("folders");
    let mut command = Command::new(binary("c2c"));
    command.args(words).env_clear().envs(sandbox.env()).env("HOME", home).env("PATH", path).current_dir(home);
    let output = command.output().expect("c2c starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "c2c {words:?}: {}\n{said}{errors}", output.status);
}

/// Every file below a folder, with what is in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the sandbox").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap_or_default();
                found.insert(path, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    found
}

#[test]
fn after_setup_alone_two_sessions_find_each_other_by_their_folders() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let home = sandbox.folder("home");
    let online_model = Model::start({
        let mut rules = vec![
            when("how far are you?").calls("send_message", json!({"reply_to": "$id", "body": "nearly done"})),
        ];
        rules.extend(reads_mail("from local"));
        rules
    });
    let local_model = Model::start(vec![
        when("nearly done").says("It is nearly done."),
        when("Ask online.")
            .calls("ask", json!({"to": "online", "body": "how far are you?", "timeout_s": 20})),
    ]);
    let online = claude.session_at(&sandbox, "online", &home, &online_model).wired(Wiring::Home);
    let local = claude.session_at(&sandbox, "local", &home, &local_model).wired(Wiring::Home);
    c2c(&claude, &sandbox, &home, &["setup", "--yes"]);

    let online = online.interactive();
    online.enter("Say hello.");
    online_model.sees("Say hello.", STEP);
    online.shows(TURN_OVER);
    let local = local.interactive();
    local.enter("Ask online.");
    local_model.sees("nearly done", STEP);
    local.shows("It is nearly done.");
    until("both messages are read", STEP, || sandbox.status().is_some_and(|status| status.unread == 0));
    local.quit();
    online.quit();
}

#[test]
fn uninstall_leaves_the_home_as_setup_found_it() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let home = sandbox.folder("home");
    let model = Model::start(vec![when("Who is there?").calls("list_sessions", json!({}))]);
    let session = claude.session_at(&sandbox, "project", &home, &model);
    // What the client itself leaves in a home is none of c2c's business, so it has been there once.
    session.clone().wired(Wiring::None).print("Say hello.").finish(STEP);
    let before = files(&home);

    c2c(&claude, &sandbox, &home, &["setup", "--yes"]);
    assert_ne!(before, files(&home), "setup does something");
    c2c(&claude, &sandbox, &home, &["uninstall", "--yes"]);
    assert_eq!(before, files(&home), "unused, it is as if nothing had been");

    c2c(&claude, &sandbox, &home, &["setup", "--yes"]);
    session.wired(Wiring::Home).print("Who is there?").finish(STEP);
    model.request("c2c is there", STEP, |request| request.results().iter().any(|r| r.contains("is_self")));
    c2c(&claude, &sandbox, &home, &["uninstall", "--yes"]);
    // The client keeps its own notes of what happened, in its own files; its configuration is two of them.
    for name in [".claude.json", ".claude/settings.json"] {
        let text = fs::read_to_string(home.join(name)).unwrap_or_default();
        for word in ["c2c-shim", "c2c hook", "mcp__c2c"] {
            assert!(!text.contains(word), "{name} still has {word}: {text}");
        }
    }
    let ours = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains("c2c"));
    let left: Vec<PathBuf> = files(&home).keys().filter(ours).cloned().collect();
    assert!(left.is_empty(), "left over: {left:?}");
}
