//! The real Claude Code as the client, with a scripted model behind it: in print mode or in a terminal of its own.
//!
//! Owns its home, its configuration and its processes; reaches nothing but loopback. Every session begins in a folder
//! that bears its name, so that this is the name it has for the others.

mod home;
mod print;
mod terminal;

pub use print::Printing;
pub use terminal::Terminal;

use crate::{Model, Sandbox, bin_dir, skipped};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the client's program.
const PROGRAM: &str = "CLAUDE_BIN";

/// How a session comes to know of c2c.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// It does not.
    None,
    /// The server alone, as in a project's `.mcp.json`.
    Server,
    /// The plugin of this repository: server, hooks and skill.
    Plugin,
    /// Whatever the home says; nothing on the command line.
    Home,
}

/// An installed client.
#[derive(Clone, Debug)]
pub struct Claude {
    program: PathBuf,
}

impl Claude {
    /// The client that `CLAUDE_BIN` names, with what a terminal of its own needs. Says why, if it is not there.
    #[must_use]
    pub fn installed() -> Option<Self> {
        let Some(program) = std::env::var_os(PROGRAM).filter(|value| !value.is_empty()).map(PathBuf::from)
        else {
            skipped(&format!("{PROGRAM} is not set: see tests/tests/claude/README.md"));
            return None;
        };
        if !program.is_file() {
            skipped(&format!("{PROGRAM} names {}, which is no file", program.display()));
            return None;
        }
        if !Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success()) {
            skipped("there is no tmux on PATH");
            return None;
        }
        Some(Self { program })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A session to be started in a folder of this name, with a home of its own.
    #[must_use]
    pub fn session(&self, sandbox: &Sandbox, name: &str, model: &Model) -> Session {
        let home = sandbox.folder(&format!("home-{name}"));
        self.session_at(sandbox, name, &home, model)
    }

    /// As [`Claude::session`], in a home that others may have as well.
    ///
    /// # Panics
    /// If the home cannot be written.
    #[must_use]
    pub fn session_at(&self, sandbox: &Sandbox, name: &str, home: &Path, model: &Model) -> Session {
        let folder = sandbox.folder(name).canonicalize().expect("the folder exists");
        home::trust(home, &folder);
        let mut env = sandbox.env();
        env.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
        let path = format!("{}:{}", bin_dir().display(), env["PATH"]);
        env.insert("PATH".to_owned(), path);
        for (variable, value) in [
            ("ANTHROPIC_BASE_URL", model.url().as_str()),
            ("ANTHROPIC_API_KEY", home::KEY),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm-256color"),
        ] {
            env.insert(variable.to_owned(), value.to_owned());
        }
        Session {
            program: self.program.clone(),
            name: name.to_owned(),
            world: sandbox.dir().to_owned(),
            folder,
            env,
            wiring: Wiring::Server,
            size: (150, 50),
            args: Vec::new(),
        }
    }
}

/// How to start a session.
#[derive(Clone, Debug)]
pub struct Session {
    program: PathBuf,
    name: String,
    world: PathBuf,
    folder: PathBuf,
    env: BTreeMap<String, String>,
    wiring: Wiring,
    size: (u16, u16),
    args: Vec<String>,
}

impl Session {
    /// How it comes to know of c2c; the server alone unless this says otherwise.
    #[must_use]
    pub const fn wired(mut self, wiring: Wiring) -> Self {
        self.wiring = wiring;
        self
    }

    /// How many columns and rows its terminal has.
    #[must_use]
    pub const fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// A further argument for the client.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// A variable for the client and all that it starts.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts it in print mode with this prompt: one turn, then it ends.
    #[must_use]
    pub fn print(&self, prompt: &str) -> Printing {
        let mut command = Command::new(&self.program);
        command
            .args(["-p", prompt])
            .args(self.arguments())
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.env);
        Printing::start(command, &self.world, &self.name)
    }

    /// Starts it in a terminal and waits until it takes input.
    #[must_use]
    pub fn interactive(&self) -> Terminal {
        Terminal::start(self)
    }

    fn arguments(&self) -> Vec<String> {
        let mut args = self.args.clone();
        if self.wiring != Wiring::Home {
            let allow = ["mcp__c2c__*", "mcp__plugin_c2c_c2c__*", "Bash"];
            args.extend([
                "--settings".to_owned(),
                json!({"permissions": {"allow": allow}, "spinnerTipsEnabled": false}).to_string(),
            ]);
        }
        match self.wiring {
            Wiring::Home => {}
            Wiring::None => args.extend(["--strict-mcp-config".to_owned()]),
            Wiring::Server => {
                let servers = json!({"mcpServers": {"c2c": {"command": "c2c-shim", "args": []}}});
                let config =
                    ["--strict-mcp-config".to_owned(), "--mcp-config".to_owned(), servers.to_string()];
                args.extend(config);
            }
            Wiring::Plugin => {
                args.extend(["--plugin-dir".to_owned(), home::plugin().to_string_lossy().into_owned()]);
            }
        }
        args
    }
}
