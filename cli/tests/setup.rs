//! `c2c setup` and `c2c uninstall` on a home of their own: what they change, and that nothing of it stays.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test fails the test")]

#[path = "setup/house.rs"]
mod house;

use house::{House, said, there_and_back};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Settings of somebody who has a taste of his own.
const ODD_SETTINGS: &str = "\u{feff}{\r\n\t\"model\" : \"opus\",   \r\n\t\"permissions\": { \"deny\":[],\"allow\": [\"Bash(ls:*)\" ] },\r\n\
    \t\"hooks\": {\r\n\t\t\"Stop\": [\r\n\t\t\t{\"hooks\":[{\"type\":\"command\",\"command\":\"say done\"}]}\t\r\n\t\t]\r\n\t},\r\n\
    \t\"emoji\": \"\\ud83e\\udd80 🦀\"\r\n}\r\n\r\n";
const ODD_CLAUDE: &str = "{\"numStartups\":12,  \"mcpServers\": {\"other\" :{\"command\":\"x\"}}, \"projects\":{}, \"big\": 1.50e3}";

fn furnish(house: &House) {
    house.put(".claude/settings.json", ODD_SETTINGS);
    house.put(".claude.json", ODD_CLAUDE);
    house.put(".claude/CLAUDE.md", "# Mine\n\nno newline at the end");
    house.put("project/CLAUDE.md", "with\r\nWindows line ends\r\n");
    house.put("project/.mcp.json", "");
}

#[test]
fn a_fresh_home_is_as_it_was_after_uninstall() {
    let house = House::new();
    there_and_back(&house, &[], ".claude.json", &["mcpServers", "c2c"]);
}

#[test]
fn a_home_with_odd_settings_is_as_it_was_after_uninstall() {
    let house = House::new();
    furnish(&house);
    there_and_back(&house, &["--claude-md"], ".claude.json", &["mcpServers", "c2c"]);
}

#[test]
fn a_project_is_as_it_was_after_uninstall() {
    let house = House::new();
    furnish(&house);
    let options = ["--scope", "project", "--claude-md", "--name", "mail"];
    there_and_back(&house, &options, "project/.mcp.json", &["mcpServers", "mail"]);
}

#[test]
fn a_project_of_the_users_own_is_as_it_was_after_uninstall() {
    let house = House::new();
    furnish(&house);
    fs::create_dir(house.home().join(".git")).unwrap();
    // The client takes the repository for the project, not the folder in it.
    let repository = house.home().display().to_string();
    let path = ["projects", &repository, "mcpServers", "c2c"];
    there_and_back(&house, &["--scope", "local", "--claude-md"], ".claude.json", &path);
}

#[test]
fn the_plan_names_each_change() {
    let house = House::new();
    furnish(&house);
    insta::assert_snapshot!(house.done(&["setup", "--claude-md", "--dry-run"]));
    house.done(&["setup", "--claude-md"]);
    insta::assert_snapshot!(house.done(&["uninstall", "--dry-run"]));
}

/// Also what a crash between the note and the change comes to.
#[test]
fn what_is_noted_but_not_there_is_put_in_again_and_leaves_no_trace() {
    let house = House::new();
    furnish(&house);
    let before = house.tree();
    house.done(&["setup", "--claude-md"]);
    furnish(&house);
    let said = house.done(&["setup", "--claude-md"]);
    assert!(said.contains("add mcpServers.c2c") && said.contains("add permissions.allow"), "{said}");
    house.done(&["uninstall"]);
    assert_eq!(house.tree(), before);

    house.done(&["setup", "--claude-md"]);
    furnish(&house);
    house.done(&["uninstall"]);
    assert_eq!(house.tree(), before);
}

#[test]
fn a_file_that_may_not_be_written_is_not_replaced() {
    let house = House::new();
    house.put(".claude/settings.json", "{}");
    let path = house.home().join(".claude/settings.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let before = house.tree();
    let output = house.c2c(&["setup"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("is read-only"), "{}", said(&output));
    assert_eq!(house.tree(), before);
}

#[test]
fn several_installations_are_all_taken_away_at_once() {
    let house = House::new();
    furnish(&house);
    let before = house.tree();
    house.done(&["setup"]);
    house.done(&["setup", "--name", "mail"]);
    house.done(&["setup", "--scope", "project", "--claude-md"]);
    house.done(&["setup", "--scope", "local", "--name", "third"]);
    let servers: Value = serde_json::from_str(&house.read(".claude.json")).unwrap();
    assert!(servers["mcpServers"]["c2c"].is_object() && servers["mcpServers"]["mail"].is_object());
    let settings = house.read(".claude/settings.json");
    assert!(settings.contains("mcp__c2c__*") && settings.contains("mcp__mail__*"), "{settings}");
    assert_eq!(settings.matches("c2c hook session-end").count(), 1, "{settings}");
    house.done(&["uninstall"]);
    assert_eq!(house.tree(), before);
}

#[test]
fn a_client_whose_folder_was_moved_is_set_up_there() {
    let house = House::new();
    let before = house.tree();
    let c2c = std::path::Path::new(env!("CARGO_BIN_EXE_c2c"));
    let run = |what: &str| {
        let output =
            house.command(c2c, &[what]).env("CLAUDE_CONFIG_DIR", house.home().join("moved")).output();
        assert!(output.unwrap().status.success(), "{what}");
    };
    run("setup");
    assert!(house.read("moved/.claude.json").contains("c2c-shim"));
    assert!(house.read("moved/settings.json").contains("mcp__c2c__*"));
    assert!(!house.home().join(".claude").exists());
    run("uninstall");
    assert_eq!(house.tree(), before);
}

#[test]
fn what_is_added_stands_where_the_client_looks() {
    let house = House::new();
    furnish(&house);
    house.done(&["setup", "--claude-md"]);
    let settings = house.read(".claude/settings.json");
    assert!(settings.contains("\"allow\": [\"Bash(ls:*)\", \"mcp__c2c__*\" ] },\r\n"), "{settings}");
    let parsed: Value = serde_json::from_str(settings.trim_start_matches('\u{feff}')).unwrap();
    assert_eq!(parsed["hooks"]["Stop"][0]["hooks"][0]["command"], "say done");
    let command = format!("{} hook stop", house.installed("c2c").display());
    assert_eq!(parsed["hooks"]["Stop"][1]["hooks"][0]["command"], command.as_str());
    let lines = house.read(".claude/CLAUDE.md");
    assert!(lines.starts_with("# Mine\n\nno newline at the end\n\n<!-- c2c:begin -->\n## "), "{lines}");
    assert!(lines.ends_with("\n<!-- c2c:end -->\n"), "{lines}");
    for name in ["c2c", "c2c-shim", "c2c-broker"] {
        let mode = fs::metadata(house.installed(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name}");
    }
}

#[test]
fn without_hooks_and_permissions_only_the_server_is_registered() {
    let house = House::new();
    furnish(&house);
    house.done(&["setup", "--no-hooks", "--no-permissions"]);
    assert_eq!(house.read(".claude/settings.json"), ODD_SETTINGS);
    house.done(&["setup"]);
    assert_ne!(house.read(".claude/settings.json"), ODD_SETTINGS);
    let said = house.done(&["setup", "--no-hooks"]);
    assert!(said.contains("take out hooks.Stop: c2c hook stop"), "{said}");
    let settings = house.read(".claude/settings.json");
    assert!(settings.contains("mcp__c2c__*") && !settings.contains(" hook stop"), "{settings}");
    house.done(&["uninstall"]);
    assert_eq!(house.read(".claude/settings.json"), ODD_SETTINGS);
}

#[test]
fn what_the_user_changes_meanwhile_stays() {
    let house = House::new();
    furnish(&house);
    house.done(&["setup", "--claude-md"]);
    let edit = |name: &str, from: &str, to: &str| {
        let text = house.read(name);
        assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
        house.put(name, &text.replace(from, to));
    };
    // Around ours, behind ours, inside of ours, and one of ours gone.
    edit(".claude/settings.json", "\"opus\"", "\"haiku\"");
    edit(".claude/settings.json", "\"mcp__c2c__*\"", "\"mcp__c2c__*\", \"Read\"");
    edit(".claude/settings.json", "\"timeout\": 5", "\"timeout\": 7");
    let said = house.done(&["setup", "--claude-md"]);
    assert!(said.starts_with("nothing to do"), "a hook that somebody changed is not put in twice: {said}");
    edit(".claude.json", "\"numStartups\":12", "\"numStartups\":13");
    edit(".claude/CLAUDE.md", "<!-- c2c:end -->\n", "- mine, inside\n<!-- c2c:end -->\nmine, behind\n");
    edit(".claude/CLAUDE.md", "# Mine\n", "# Ours\n");
    house.done(&["uninstall"]);
    let settings = ODD_SETTINGS.replace("opus", "haiku").replace("(ls:*)\" ", "(ls:*)\", \"Read\" ");
    let left = house.read(".claude/settings.json");
    let parsed = |text: &str| serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).unwrap();
    assert_eq!(parsed(&left), parsed(&settings), "{left}");
    assert!(left.contains("\"model\" : \"haiku\",   \r\n") && left.ends_with("🦀\"\r\n}\r\n\r\n"), "{left}");
    assert_eq!(house.read(".claude.json"), ODD_CLAUDE.replace("12", "13"));
    assert_eq!(house.read(".claude/CLAUDE.md"), "# Ours\n\nno newline at the end\n\nmine, behind\n");
}

#[test]
fn a_file_that_is_no_json_is_refused_and_nothing_is_changed() {
    for (name, text) in [
        (".claude/settings.json", "{ // mine\n}"),
        (".claude/settings.json", "{\"permissions\": {\"allow\": \"all\"}}"),
        (".claude.json", "{\"a\": 1,}"),
    ] {
        let house = House::new();
        house.put(name, text);
        let before = house.tree();
        let output = house.c2c(&["setup"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(&format!("{name} is left as it is")), "{}", said(&output));
        assert_eq!(house.tree(), before);
        assert_eq!(house.beside_the_store(), [""; 0]);
    }
}

#[test]
fn a_file_that_was_broken_meanwhile_is_named_and_undone_once_it_is_whole() {
    let house = House::new();
    furnish(&house);
    let before = house.tree();
    house.done(&["setup"]);
    let whole = house.read(".claude/settings.json");
    house.put(".claude/settings.json", &whole[..whole.len() / 2]);
    let output = house.c2c(&["uninstall"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("settings.json is left as it is"), "{}", said(&output));
    assert_eq!(house.read(".claude/settings.json"), whole[..whole.len() / 2]);
    assert_eq!(house.read(".claude.json"), ODD_CLAUDE, "everything else is undone");
    house.put(".claude/settings.json", &whole);
    house.done(&["uninstall"]);
    assert_eq!(house.tree(), before);
}

#[test]
fn what_is_somebody_elses_is_not_replaced() {
    let house = House::new();
    house.put(".local/bin/c2c", "another program");
    let before = house.tree();
    let output = house.c2c(&["setup"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--bin-dir"), "{}", said(&output));
    assert_eq!(house.tree(), before);

    let house = House::new();
    house.put(".claude.json", "{\"mcpServers\": {\"c2c\": {\"command\": \"another\"}}}");
    let before = house.tree();
    let output = house.c2c(&["setup"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--name"), "{}", said(&output));
    assert_eq!(house.tree(), before);
}

#[test]
fn what_was_there_already_stays_after_uninstall() {
    let house = House::new();
    house.put(".claude/settings.json", "{\"permissions\": {\"allow\": [\"mcp__c2c__*\"]}}\n");
    let before = house.tree();
    house.done(&["setup"]);
    // By the installed program, which removes itself.
    let output = house.command(&house.installed("c2c"), &["uninstall"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(house.tree(), before);
}

#[test]
fn a_link_stays_a_link_and_modes_stay() {
    let house = House::new();
    house.put("dotfiles/settings.json", "{}\n");
    let target = house.home().join("dotfiles/settings.json");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(house.home().join(".claude")).unwrap();
    symlink(&target, house.home().join(".claude/settings.json")).unwrap();
    let before = house.tree();
    house.done(&["setup"]);
    assert!(house.home().join(".claude/settings.json").is_symlink());
    assert!(house.read("dotfiles/settings.json").contains("mcp__c2c__*"));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    house.done(&["uninstall"]);
    assert_eq!(house.tree(), before);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn where_nobody_can_be_asked_nothing_is_changed_without_a_yes() {
    let house = House::new();
    let before = house.tree();
    let c2c = std::path::Path::new(env!("CARGO_BIN_EXE_c2c"));
    let output = house.unanswered(c2c, &["setup"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("add --yes"), "{}", said(&output));
    assert_eq!(house.tree(), before);
    house.done(&["setup"]);
    let before = house.tree();
    let output = house.unanswered(c2c, &["uninstall"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(house.tree(), before);
}

#[test]
fn the_clients_own_file_is_made_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    house.done(&["setup"]);
    let mode = fs::metadata(house.home().join(".claude.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_note_that_is_lost_is_said_and_not_taken_for_an_end() {
    let house = House::new();
    house.done(&["setup"]);
    fs::remove_file(house.store().with_file_name("c2c.setup.json")).unwrap();
    let output = house.c2c(&["uninstall"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("but not by a setup for this store"), "{}", said(&output));
}

#[test]
fn a_plugin_beside_it_is_told() {
    let house = House::new();
    fs::create_dir_all(house.home().join(".claude")).unwrap();
    fs::write(house.home().join(".claude/settings.json"), "{\"enabledPlugins\": {\"c2c@c2c\": true}}\n")
        .unwrap();
    assert!(house.done(&["setup"]).contains("the plugin is enabled, too"));
}
