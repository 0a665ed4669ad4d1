//! What Claude Code's files say of c2c: servers, hooks, environment, plugin. It reads, and judges nothing.

use crate::cmd::setup::args::Scope;
use crate::cmd::setup::places::{Places, on_path};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A server whose command is the shim.
#[derive(Debug)]
pub(super) struct Server {
    /// Its name.
    pub(super) name: String,
    /// The file that it stands in.
    pub(super) file: PathBuf,
    /// What is started.
    pub(super) command: String,
    /// The variables that it gets.
    pub(super) env: Value,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Registered {
    /// The servers.
    pub(super) servers: Vec<Server>,
    /// The command line of each hook of ours.
    pub(super) hooks: Vec<String>,
    /// The variables that the settings of all scopes give to each session.
    pub(super) env: Value,
    /// The plugin is enabled.
    pub(super) plugin: bool,
    /// The client has been here.
    pub(super) client: bool,
    /// Files that are no JSON, and why.
    pub(super) unreadable: Vec<String>,
}

impl Registered {
    /// Reads the files of the user and of the working directory.
    pub(super) fn read(places: &Places) -> Self {
        let mut found = Self { client: on_path("claude").is_some(), ..Self::default() };
        for scope in [Scope::User, Scope::Project, Scope::Local] {
            let (file, at) = places.servers(scope);
            let text = found.parsed(&file);
            found.client |= file.exists();
            let servers = at.iter().fold(&text, |value, key| &value[key.as_str()]);
            for (name, server) in servers.as_object().into_iter().flatten() {
                found.take(name, server, &file);
            }
            let settings = found.parsed(&places.settings(scope));
            found.take_hooks(&settings["hooks"]);
            let enabled = settings["enabledPlugins"].as_object();
            found.plugin |= enabled
                .is_some_and(|all| all.iter().any(|(name, on)| name.starts_with("c2c@") && *on == true));
            found.take_env(&settings["env"]);
        }
        found.unreadable.dedup();
        found
    }

    fn parsed(&mut self, file: &Path) -> Value {
        let Ok(text) = std::fs::read_to_string(file) else { return Value::Null };
        if text.trim().is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&text).unwrap_or_else(|error| {
            self.unreadable.push(format!("{}: {error}", file.display()));
            Value::Null
        })
    }

    fn take(&mut self, name: &str, server: &Value, file: &Path) {
        let command = server["command"].as_str().unwrap_or_default();
        let is_shim = Path::new(command).file_stem().is_some_and(|stem| stem == "c2c-shim");
        if is_shim {
            self.servers.push(Server {
                name: name.to_owned(),
                file: file.to_owned(),
                command: command.to_owned(),
                env: server["env"].clone(),
            });
        }
    }

    /// The nearer scope comes later, and its variables take the place of those of the same name.
    fn take_env(&mut self, env: &Value) {
        for (name, value) in env.as_object().into_iter().flatten() {
            self.env[name.as_str()] = value.clone();
        }
    }

    fn take_hooks(&mut self, events: &Value) {
        let groups = events.as_object().into_iter().flatten().filter_map(|(_, groups)| groups.as_array());
        let hooks = groups.flatten().filter_map(|group| group["hooks"].as_array()).flatten();
        let commands = hooks.filter_map(|hook| hook["command"].as_str());
        let ours = |command: &&str| program_of_hook(command).is_some();
        self.hooks.extend(commands.filter(ours).map(str::to_owned));
    }

    /// Every program that is named wherever the client is started. What lies in the folder that this is run in is not to be run.
    pub(super) fn programs(&self) -> impl Iterator<Item = PathBuf> {
        let servers = self.servers.iter().map(|server| server.command.clone());
        let hooks = self.hooks.iter().filter_map(|command| program_of_hook(command));
        servers.chain(hooks).filter_map(|command| found(&command)).filter(|program| program.is_absolute())
    }
}

/// The program of a hook that is ours, without its quotes.
pub(super) fn program_of_hook(command: &str) -> Option<String> {
    let (program, _) = command.split_once(" hook ")?;
    let program = program.trim().trim_matches(['\'', '"']).replace(r"'\''", "'");
    Path::new(&program).file_stem().is_some_and(|stem| stem == "c2c").then_some(program)
}

/// The file that a command means.
pub(super) fn found(command: &str) -> Option<PathBuf> {
    let path = Path::new(command);
    if path.components().count() > 1 { path.is_file().then(|| path.to_owned()) } else { on_path(command) }
}

#[cfg(test)]
mod tests {
    use super::Registered;
    use serde_json::{Value, json};

    #[test]
    fn a_nearer_scope_hides_only_the_variables_that_it_names() {
        let mut found = Registered::default();
        found.take_env(&json!({"CLAUDE_C2C_DB": "/user.db", "C2C_PUSH": "off"}));
        found.take_env(&Value::Null);
        found.take_env(&json!({"C2C_PUSH": "auto", "OTHER": "1"}));
        let all = json!({"CLAUDE_C2C_DB": "/user.db", "C2C_PUSH": "auto", "OTHER": "1"});
        assert_eq!(found.env, all);
    }
}
