//! An interactive client in a tmux server of its own, which sees what a person would see and types as one would.

use super::Session;
use crate::{PATIENCE, eventually, process};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// What the client draws before its line of input.
const PROMPT: &str = "❯";

/// What was typed is on the screen within this, or was not taken.
const TYPED: Duration = Duration::from_secs(1);

/// A running interactive client. Ended when dropped, with its terminal.
#[derive(Debug)]
pub struct Terminal {
    socket: PathBuf,
    client: u32,
    server: u32,
}

impl Terminal {
    #[track_caller]
    pub(super) fn start(session: &Session) -> Self {
        let socket = session.world.join(format!("{}.tmux", session.name));
        let mut command = tmux(&socket);
        command.args(["-f", "/dev/null", "new-session", "-d", "-s", "c2c"]);
        let (columns, rows) = session.size;
        command.args(["-x", &columns.to_string(), "-y", &rows.to_string(), "-c"]);
        command.arg(&session.folder).arg("--").arg(&session.program).args(session.arguments());
        let output = command.env_clear().envs(&session.env).output().expect("tmux starts");
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        let id = |what: &str| -> u32 {
            let output = tmux(&socket).args(["display-message", "-p", "-t", "c2c", what]).output();
            let output = output.expect("tmux runs");
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            text.parse().unwrap_or_else(|_| panic!("tmux gave no id: {text:?}, {output:?}"))
        };
        let terminal = Self { client: id("#{pane_pid}"), server: id("#{pid}"), socket };
        terminal.shows(PROMPT);
        terminal
    }

    fn tmux(&self, args: &[&str]) -> Output {
        tmux(&self.socket).args(args).output().expect("tmux runs")
    }

    /// What stands on the screen, without colours.
    #[must_use]
    pub fn screen(&self) -> String {
        // The client draws some of its spaces as such that do not break.
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-t", "c2c"]).stdout)
            .replace('\u{a0}', " ")
    }

    /// What stands on the screen, with the sequences that colour it.
    #[must_use]
    pub fn coloured(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-e", "-p", "-t", "c2c"]).stdout).into_owned()
    }

    /// Waits until the screen shows this.
    ///
    /// # Panics
    /// If it does not in time; with what it shows instead.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        if eventually::look(PATIENCE, || self.screen().contains(text).then_some(())).is_none() {
            panic!("the screen does not show {text:?}:\n{}", self.screen());
        }
    }

    /// Types a line and enters it, once the screen shows it. Just after its start, or after Escape, the client swallows
    /// keys; then the line is typed again.
    #[track_caller]
    pub fn enter(&self, line: &str) {
        let typed = eventually::look(PATIENCE, || {
            self.tmux(&["send-keys", "-t", "c2c", "-l", line]);
            let shown =
                eventually::look(TYPED, || self.screen().contains(&format!("{PROMPT} {line}")).then_some(()));
            if shown.is_none() {
                self.key("C-u");
            }
            shown
        });
        assert!(typed.is_some(), "the client does not take {line:?}:\n{}", self.screen());
        self.key("Enter");
    }

    /// Presses a key, by tmux's name of it.
    pub fn key(&self, key: &str) {
        self.tmux(&["send-keys", "-t", "c2c", key]);
    }

    /// Lets the client end as a person would, and waits until it is gone.
    #[track_caller]
    pub fn quit(&self) {
        self.enter("/exit");
        eventually::until("the client is gone", Duration::from_secs(10), || !process::alive(self.client));
    }

    /// The client's process.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.client
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- screen of {}\n{}", self.socket.display(), self.screen());
        }
        process::end(self.client);
        process::end(self.server);
    }
}

fn tmux(socket: &Path) -> Command {
    let mut command = Command::new("tmux");
    command.arg("-u").arg("-S").arg(socket);
    command
}
