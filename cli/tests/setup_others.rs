//! `c2c setup` and `c2c uninstall` and what is not a file of the client's: programs, the service, the store, the client.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails the test")]

#[path = "setup/house.rs"]
mod house;

use house::{House, said, there_and_back};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn it_says_when_the_programs_are_not_on_path_and_what_to_do() {
    let house = House::new();
    let said = house.done(&["setup"]);
    let folder = house.home().join(".local/bin");
    assert!(said.contains(&format!("export PATH=\"{}:$PATH\"", folder.display())), "{said}");
    let said = house.done(&["setup", "--bin-dir", house.tools().to_str().unwrap()]);
    assert!(!said.contains("export PATH"), "{said}");
    // The hooks and the server go with the programs.
    let settings = house.read(".claude/settings.json");
    assert!(settings.contains("tools/c2c hook stop") && !settings.contains(".local/bin"), "{settings}");
    assert!(!house.read(".claude.json").contains(".local/bin"));
}

#[test]
fn programs_that_lie_on_path_are_used_where_they_are() {
    let house = House::new();
    house.done(&["setup", "--bin-dir", house.tools().to_str().unwrap()]);
    let output = house.command(&house.tools().join("c2c"), &["setup"]).output().unwrap();
    assert!(said(&output).starts_with("nothing to do"), "{}", said(&output));
    house.done(&["uninstall"]);
    assert_eq!(fs::read_dir(house.tools()).unwrap().count(), 0);
}

#[test]
fn a_program_that_was_replaced_meanwhile_stays_and_is_named() {
    let house = House::new();
    house.done(&["setup"]);
    house.put(".local/bin/c2c", "a newer one");
    let output = house.c2c(&["uninstall"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("is not what setup put there any more"), "{}", said(&output));
    assert_eq!(house.read(".local/bin/c2c"), "a newer one");
    assert!(!house.installed("c2c-shim").exists());
}

#[test]
fn the_broker_ends_when_its_program_is_taken_away() {
    let house = House::new();
    house.done(&["setup"]);
    assert_eq!(house.c2c(&["status"]).status.code(), Some(0), "the check at the end has started one");
    house.done(&["uninstall"]);
    // Held by the broker for as long as it runs.
    fs::File::open(house.store().with_file_name("c2c.run").join("broker.lock")).unwrap().lock().unwrap();
    assert_eq!(house.c2c(&["status"]).status.code(), Some(5));
    assert!(house.store().exists());
}

#[test]
fn purge_deletes_the_store_but_not_without_a_yes() {
    let house = House::new();
    let before = house.tree();
    house.done(&["setup"]);
    let backup = house.store().with_file_name("c2c.db.seed.backup");
    fs::write(&backup, "old").unwrap();
    let output = house.c2c(&["uninstall", "--purge"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--yes"), "{}", said(&output));
    assert!(house.store().exists() && house.installed("c2c").exists());
    house.done(&["uninstall", "--purge", "--yes"]);
    assert_eq!(house.tree(), before);
    assert!(
        !house.store().parent().unwrap().exists(),
        "the folder that setup made is gone with its last file"
    );
    assert_eq!(house.c2c(&["status"]).status.code(), Some(5), "the broker has ended");
}

#[test]
fn without_a_service_manager_everything_else_is_done_and_it_is_said() {
    let house = House::new();
    let before = house.tree();
    // What stands first on PATH counts: here the user's manager cannot be reached.
    house.tool("systemctl", "echo 'Failed to connect to bus' >&2; exit 1");
    house.tool("launchctl", "echo 'Could not find domain' >&2; exit 1");
    let output = house.c2c(&["setup", "--service"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("check passed") && text.contains("the service was not started: `"), "{text}");
    house.done(&["uninstall"]);
    assert_eq!(house.tree(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn the_service_is_enabled_and_started_and_uninstall_stops_it() {
    let house = House::new();
    let before = house.tree();
    let log = house.store().with_file_name("asked");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    house.tool("systemctl", &format!("echo \"$@\" >> '{}'", log.display()));
    house.done(&["setup", "--service"]);
    let unit = house.read(".config/systemd/user/c2c-broker.service");
    let line = format!("\nExecStart={} --service\n", house.installed("c2c-broker").display());
    assert!(unit.contains(&line), "{unit}");
    let line = format!("\nEnvironment=CLAUDE_C2C_DB={}\n", house.store().display());
    assert!(unit.contains(&line), "{unit}");
    let asked = || std::mem::take(&mut fs::read_to_string(&log).unwrap());
    assert_eq!(
        asked(),
        "--user daemon-reload\n--user enable c2c-broker.service\n--user restart c2c-broker.service\n"
    );
    fs::write(&log, "").unwrap();
    assert!(house.done(&["setup", "--service"]).starts_with("nothing to do"));
    assert_eq!(asked(), "");
    house.done(&["uninstall"]);
    assert_eq!(
        asked(),
        "--user disable --now c2c-broker.service\n--user daemon-reload\n--user reset-failed c2c-broker.service\n"
    );
    assert_eq!(house.tree(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn the_link_is_a_service_too_until_it_is_removed() {
    let house = House::new();
    house.done(&["setup"]);
    let before = house.tree();
    let log = house.store().with_file_name("asked");
    house.tool("systemctl", &format!("echo \"$@\" >> '{}'", log.display()));
    let asked = || {
        let words = fs::read_to_string(&log).unwrap_or_default();
        fs::write(&log, "").unwrap();
        words
    };
    let setup = ["link", "setup", "nats://localhost:4222", "--node", "laptop"];
    let said = house.done(&[&setup[..], &["--no-service"]].concat());
    assert!(said.contains("run c2c-link"), "{said}");
    assert_eq!((asked(), house.tree()), (String::new(), before.clone()), "only the settings");

    let said = house.done(&setup);
    assert!(said.contains("c2c-link runs as a service"), "{said}");
    let unit = house.read(".config/systemd/user/c2c-link.service");
    let line = format!("\nExecStart={}\n", house.installed("c2c-link").display());
    assert!(unit.contains(&line), "{unit}");
    let line = format!("\nEnvironment=CLAUDE_C2C_DB={}\n", house.store().display());
    assert!(unit.contains(&line), "{unit}");
    let started = "--user daemon-reload\n--user enable c2c-link.service\n--user restart c2c-link.service\n";
    assert_eq!(asked(), started);
    // Anew with the settings that are there; and a newer program is run by the service, too.
    house.done(&["link", "setup"]);
    assert_eq!(asked(), started);
    house.put(".local/bin/c2c-link", "an older one");
    house.done(&["setup"]);
    assert_eq!(asked(), started);

    let settings = house.store().with_file_name("c2c.link.toml");
    assert!(settings.exists());
    let said = house.done(&["link", "remove"]);
    assert!(said.contains("the service and the settings are gone"), "{said}");
    let stopped = "--user disable --now c2c-link.service\n--user daemon-reload\n\
                   --user reset-failed c2c-link.service\n";
    assert_eq!((asked().as_str(), house.tree()), (stopped, before));
    assert!(!settings.exists());
    assert_eq!(house.c2c(&["link", "remove"]).status.code(), Some(4));
    assert_eq!(house.c2c(&["link", "setup"]).status.code(), Some(1), "there are no settings that could stay");

    house.done(&setup);
    let _started = asked();
    let said = house.done(&["uninstall"]);
    assert!(said.contains("will stop     the service c2c-link"), "{said}");
    assert_eq!(asked(), stopped);
    assert!(!house.home().join(".config/systemd/user/c2c-link.service").exists());
}

#[test]
fn a_link_that_no_service_runs_has_its_settings_and_it_is_said() {
    let house = House::new();
    house.done(&["setup"]);
    house.tool("systemctl", "echo 'Failed to connect to bus' >&2; exit 1");
    house.tool("launchctl", "echo 'Could not find domain' >&2; exit 1");
    let output = house.c2c(&["link", "setup", "nats://localhost:4222", "--node", "laptop"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the service c2c-link was not started: `") && text.contains("by hand"), "{text}");
    let settings = fs::read_to_string(house.store().with_file_name("c2c.link.toml")).unwrap();
    assert_eq!(settings, "url = \"nats://localhost:4222\"\nnode = \"laptop\"\n");
    house.done(&["link", "remove"]);
    assert!(!house.home().join(".config/systemd/user/c2c-link.service").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_unit_of_somebody_elses_stays_as_it_is() {
    let house = House::new();
    house.put(".config/systemd/user/c2c-broker.service", "[Service]\nExecStart=/mine\n");
    let before = house.tree();
    house.tool("systemctl", "exit 0");
    let output = house.c2c(&["setup", "--service"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("is not one of setup's"), "{}", said(&output));
    assert_eq!(house.tree(), before);
}

/// With the client itself, where `CLAUDE_BIN` names it.
#[test]
fn the_client_registers_the_server_and_nothing_of_that_stays() {
    let Some(claude) = std::env::var_os("CLAUDE_BIN") else {
        assert!(std::env::var_os("C2C_NO_SKIP").is_none(), "CLAUDE_BIN names no client");
        println!("skipped: CLAUDE_BIN names no client");
        return;
    };
    let cases: [(&str, &str, &[&str]); 3] = [
        ("user", ".claude.json", &["mcpServers", "c2c"]),
        ("project", "project/.mcp.json", &["mcpServers", "c2c"]),
        ("local", ".claude.json", &["projects", "PROJECT", "mcpServers", "c2c"]),
    ];
    for (scope, file, path) in cases {
        let house = House::new();
        house.put(".claude/settings.json", "{\n  \"model\": \"opus\"\n}\n");
        let client = house.tools().join("claude");
        symlink(&claude, &client).unwrap();
        // What it notes at its first start is not of interest here.
        let listed = house.command(&client, &["mcp", "list"]).env("DISABLE_TELEMETRY", "1").output().unwrap();
        assert!(listed.status.success(), "{}", said(&listed));
        let project = house.project().display().to_string();
        let path: Vec<&str> =
            path.iter().map(|key| if *key == "PROJECT" { &project } else { *key }).collect();
        let plan = house.done(&["setup", "--dry-run", "--scope", scope]);
        assert!(plan.contains(&format!("will run      claude mcp add --scope {scope} c2c -- ")), "{plan}");
        there_and_back(&house, &["--scope", scope], file, &path);

        // Somebody changes the file meanwhile: then only what is ours goes.
        house.done(&["setup", "--scope", scope]);
        let text = house.read(file);
        house.put(file, &text.replacen('{', "{\n  \"mine\": [1,2],", 1));
        house.done(&["uninstall"]);
        let left: Value = serde_json::from_str(&house.read(file)).unwrap();
        assert_eq!(left["mine"], json!([1, 2]));
        assert!(!left.to_string().contains("c2c-shim"), "{left}");
    }
}
