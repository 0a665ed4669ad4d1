//! What goes into the client's settings: the permission for the tools, and the hooks.

use super::args::SetupArgs;
use super::edit::{Wish, commands};
use super::json::{self, Leaf};
use super::record::{FileNote, Ours};
use anyhow::Context;
use serde_json::{Value, json};
use std::path::Path;

/// The hooks of the plugin: the one place where they stand.
const HOOKS: &str = include_str!("../../../assets/hooks.json");
/// What each command in it begins with.
const PROGRAM: &str = "c2c ";

/// What the settings are to hold, with the hooks calling this program.
pub(super) fn wish(
    args: &SetupArgs,
    c2c: &Path,
    text: &str,
    note: Option<&FileNote>,
) -> anyhow::Result<Wish> {
    let permission = Leaf {
        at: vec!["permissions".to_owned(), "allow".to_owned()],
        key: None,
        value: json!(format!("mcp__{}__*", args.name)),
    };
    let mut leaves = Vec::new();
    if !args.no_permissions {
        leaves.push(permission.clone());
    }
    if !args.no_hooks {
        for hook in hooks(c2c)? {
            // A second one beside one that somebody changed would run everything twice.
            if json::has(text, &hook).unwrap_or(false) || !runs_already(text, &hook) {
                leaves.push(hook);
            }
        }
    }
    let before = match note.map(|note| &note.ours) {
        Some(Ours::Json(added)) => added.leaves.clone(),
        _ => Vec::new(),
    };
    // What setup put in for another server of this file is still wanted.
    let ours = |leaf: &Leaf| is_hook(leaf) || *leaf == permission;
    let stale = before.into_iter().filter(|leaf| ours(leaf) && !leaves.contains(leaf)).collect();
    Ok(Wish::Json { leaves, stale })
}

/// Whether it is a hook.
pub(in crate::cmd) fn is_hook(leaf: &Leaf) -> bool {
    leaf.at.first().is_some_and(|key| key == "hooks")
}

/// Whether each command of this hook is run at its event, in whatever group.
fn runs_already(text: &str, hook: &Leaf) -> bool {
    let at: Vec<&str> = hook.at.iter().map(String::as_str).collect();
    let groups = json::at(text, &at).ok().flatten().unwrap_or_default();
    let all: Vec<&Value> = groups
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|group| group["hooks"].as_array())
        .flatten()
        .map(|hook| &hook["command"])
        .collect();
    commands(hook).iter().all(|command| all.iter().any(|other| *other == command))
}

fn hooks(c2c: &Path) -> anyhow::Result<Vec<Leaf>> {
    let program = quoted(c2c)?;
    let all: Value = serde_json::from_str(HOOKS).context("the plugin's hooks are no JSON")?;
    let events = all["hooks"].as_object().context("the plugin has no hooks")?;
    let mut leaves = Vec::new();
    for (event, groups) in events {
        for group in groups.as_array().into_iter().flatten() {
            let mut value = group.clone();
            for hook in value["hooks"].as_array_mut().into_iter().flatten() {
                let rest = hook["command"].as_str().and_then(|command| command.strip_prefix(PROGRAM));
                let rest = rest.context("a hook of the plugin calls another program")?;
                hook["command"] = json!(format!("{program} {rest}"));
            }
            leaves.push(Leaf { at: vec!["hooks".to_owned(), event.clone()], key: None, value });
        }
    }
    Ok(leaves)
}

/// A path as one word of a shell's command line.
fn quoted(path: &Path) -> anyhow::Result<String> {
    let text = as_text(path)?;
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+@:".contains(char);
    Ok(match text {
        _ if text.chars().all(plain) => text.to_owned(),
        // A path there holds no quote, and a backslash means itself only within them.
        _ if cfg!(windows) => format!("\"{text}\""),
        _ => format!("'{}'", text.replace('\'', r"'\''")),
    })
}

/// A path that can stand in a text.
pub(super) fn as_text(path: &Path) -> anyhow::Result<&str> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    text.with_context(|| format!("{} cannot be written into a file: choose another folder", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{hooks, quoted};
    use std::path::Path;

    #[test]
    fn each_hook_of_the_plugin_calls_the_installed_program_by_its_path() {
        let leaves = hooks(Path::new("/opt/c2c")).unwrap();
        let events: Vec<&str> = leaves.iter().map(|leaf| leaf.at[1].as_str()).collect();
        assert_eq!(events, ["SessionStart", "UserPromptSubmit", "Stop", "SessionEnd"]);
        for leaf in leaves {
            for hook in leaf.value["hooks"].as_array().unwrap() {
                let command = hook["command"].as_str().unwrap();
                assert!(command.starts_with("/opt/c2c hook "), "{command}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_is_one_word_for_a_shell() {
        for path in ["/plain/c2c", "/with blank/c2c", "/it's/$HOME/`x`/c2c", "/ü/c2c"] {
            let script = format!("printf %s {}", quoted(Path::new(path)).unwrap());
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), path);
        }
        assert!(quoted(Path::new("/new\nline")).is_err());
    }
}
