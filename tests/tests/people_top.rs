//! `c2c top` in a real terminal: what a person sees and types, beside real sessions and their broker.
#![cfg(unix)]

use c2c_harness::{LOGIN, Sandbox, Shim, Signal, alive, binary, look, signal, skipped, stop, until};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

/// A busy machine draws late.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shell in a tmux server of its own. Ended when dropped.
struct Screen {
    socket: PathBuf,
    server: u32,
}

impl Screen {
    /// A shell of 80×24 in the sandbox, in which `c2c top` was started; `None` without tmux.
    fn start(sandbox: &Sandbox) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            skipped("tmux is not installed");
            return None;
        }
        let socket = sandbox.dir().join("tmux");
        let mut command = tmux(&socket);
        command.args(["-f", "/dev/null", "new-session", "-d", "-s", "top", "-x", "80", "-y", "24"]);
        // Word by word, so that no other shell comes between, which would drop the prompt.
        command.args(["env", "PS1=prompt> ", "sh"]);
        command.env_clear().envs(sandbox.env()).env("USER", LOGIN).env("TERM", "xterm");
        let output = command.current_dir(sandbox.dir()).output().expect("tmux starts");
        assert!(output.status.success(), "tmux: {output:?}");
        let id =
            tmux(&socket).args(["display-message", "-p", "-t", "top", "#{pid}"]).output().expect("tmux runs");
        let server = String::from_utf8_lossy(&id.stdout).trim().parse().expect("a process id");
        let screen = Self { socket, server };
        screen.shows("prompt>");
        screen.begin();
        Some(screen)
    }

    /// Types the command.
    fn begin(&self) {
        self.types(&format!("{} top; echo ended with $?", binary("c2c").display()));
        self.key("Enter");
        self.shows("pid ");
    }

    fn tmux(&self, args: &[&str]) -> Output {
        tmux(&self.socket).args(args).output().expect("tmux runs")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-t", "top"]).stdout).into_owned()
    }

    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-t", "top", "-l", text]);
    }

    fn key(&self, key: &str) {
        self.tmux(&["send-keys", "-t", "top", key]);
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let found = look(PATIENCE, || Some(self.text()).filter(|text| holds(text)));
        found.unwrap_or_else(|| panic!("{what}: the screen shows\n{}", self.text()))
    }

    #[track_caller]
    fn shows(&self, part: &str) -> String {
        self.until(&format!("{part:?} is shown"), |text| text.contains(part))
    }

    #[track_caller]
    fn hides(&self, part: &str) {
        self.until(&format!("{part:?} is not shown"), |text| !text.contains(part));
    }

    /// The row that shows this.
    #[track_caller]
    fn row(&self, part: &str) -> String {
        let text = self.shows(part);
        text.lines().find(|line| line.contains(part)).expect("it is shown").to_owned()
    }

    /// What the shell runs: `c2c top` or nothing.
    fn children(&self) -> Vec<u32> {
        let shell = self.tmux(&["display-message", "-p", "-t", "top", "#{pane_pid}"]);
        let shell = String::from_utf8_lossy(&shell.stdout).trim().to_owned();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        children.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect()
    }

    /// The process of `c2c top`.
    fn top(&self) -> u32 {
        let children = self.children();
        let [top] = children[..] else { panic!("the shell has one child: {children:?}") };
        top
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- screen\n{}", self.text());
        }
        // `c2c top` outlives its terminal for a moment, in which it would start a broker instead of one that ends.
        let mut processes = self.children();
        processes.push(self.server);
        self.tmux(&["kill-server"]);
        for process in processes {
            if look(PATIENCE, || (!alive(process)).then_some(())).is_none() {
                stop(process);
            }
        }
    }
}

fn tmux(socket: &std::path::Path) -> Command {
    let mut command = Command::new("tmux");
    command.arg("-u").arg("-S").arg(socket);
    command
}

fn unread(session: &mut Shim) -> Vec<String> {
    session.inbox_bodies(json!({}))
}

#[test]
fn sessions_and_their_messages_are_seen_as_they_come_and_stay_unread() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let mut web = sandbox.session("web");
    api.say("web", "from before");
    let Some(screen) = Screen::start(&sandbox) else { return };
    screen.shows("sessions 2, 2 online");
    screen.shows("from before");
    let waiting = web.start_call("wait_for_message", json!({"tag": "other"}));
    until("web is seen to wait", PATIENCE, || {
        let row = screen.row("web ");
        row.contains("online") && row.contains("waiting")
    });
    api.ok(
        "send_message",
        json!({"to": "web", "body": "a new one\nwith two\u{1b}[31m lines", "tag": "build"}),
    );
    let row = screen.row("a new one");
    assert!(row.contains("api → web") && row.contains("[build]") && row.contains("queued"), "{row}");
    screen.key("Enter");
    screen.shows("with two\\u{1b}[31m lines");
    screen.key("Escape");
    screen.shows("from before");
    assert_eq!(unread(&mut web), ["from before", "a new one\nwith two\u{1b}[31m lines"]);
    drop(waiting);
}

#[test]
fn what_top_has_shown_is_still_new_to_its_recipient() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let web = sandbox.session("web");
    drop(web);
    let id = api.say("web", "for web alone");
    let Some(screen) = Screen::start(&sandbox) else { return };
    screen.shows("for web alone");
    screen.key("Enter");
    screen.shows("queued for web");
    screen.key("Escape");
    let sent = api.ok("inbox", json!({"sent": true}));
    assert_eq!(sent["messages"][0]["receipts"][0]["state"], "queued", "{sent}");
    let mut web = sandbox.session("web");
    let beat = web.ok("heartbeat", json!({}));
    assert_eq!((&beat["unread"], &beat["new"]), (&json!(1), &json!(1)), "{beat}");
    let waited = web.ok("wait_for_message", json!({"timeout_s": 0}));
    assert_eq!((&waited["messages"][0]["id"], &waited["repeated"]), (&json!(id), &json!(null)), "{waited}");
    // What its recipient does with it is seen.
    web.ok("mark_read", json!({"message_ids": [id]}));
    until("it is seen to be read", PATIENCE, || screen.row("for web alone").contains(" read "));
}

#[test]
fn a_filter_and_a_session_narrow_the_messages() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let mut web = sandbox.session("web");
    api.say("web", "about apples");
    web.say("api", "about pears");
    web.say("web-2", "about plums");
    let Some(screen) = Screen::start(&sandbox) else { return };
    screen.shows("about plums");
    screen.types("/PEARS");
    screen.hides("about apples");
    screen.shows("about pears");
    screen.key("Enter");
    screen.shows("messages 1 of 3, with PEARS");
    screen.key("Escape");
    screen.shows("about apples");
    screen.key("Tab");
    screen.until("the first session is selected", |text| {
        text.lines().any(|line| line.contains("> api") && line.contains("online"))
    });
    screen.key("Enter");
    screen.shows("messages 2 of 3, of api");
    screen.hides("about plums");
    screen.key("Escape");
    screen.shows("about plums");
}

#[test]
fn a_person_writes_and_answers_and_sessions_get_it() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let Some(screen) = Screen::start(&sandbox) else { return };
    screen.shows("api ");
    let waiting = api.start_call("wait_for_message", json!({"timeout_s": 60}));
    screen.shows("1 waiting");
    screen.key("n");
    screen.shows("write a message");
    screen.key("C-s");
    screen.shows("say for whom it is");
    screen.types("api");
    screen.key("Tab");
    screen.types("hi");
    screen.key("Tab");
    screen.types("one");
    screen.key("Enter");
    screen.types("two");
    screen.shows("two");
    screen.key("C-s");
    let waited = waiting.result(PATIENCE).ok();
    let message = &waited["messages"][0];
    assert_eq!(
        (&message["from_name"], &message["body"]),
        (&json!("user-ada"), &json!("one\ntwo")),
        "{waited}"
    );
    assert_eq!(message["tag"], "hi");
    screen.shows("sent 1 to api (waiting for mail)");
    let id = api.ok("send_message", json!({"to": "user-ada", "body": "what else"}))["id"].clone();
    screen.shows("what else");
    screen.key("r");
    screen.shows(&format!("answer {id}"));
    screen.types("nothing");
    screen.key("M-Enter");
    screen.shows("sent 3 to api");
    let answer = api.ok("inbox", json!({"reply_to": id}));
    assert_eq!(answer["messages"][0]["body"], "nothing", "{answer}");
}

#[test]
fn it_follows_the_terminal_and_gives_it_back() {
    let sandbox = Sandbox::new();
    let _api = sandbox.session("api");
    let Some(screen) = Screen::start(&sandbox) else { return };
    screen.shows("sessions 1");
    screen.key("?");
    screen.shows("this help");
    screen.key("Escape");
    screen.hides("this help");
    for (columns, rows) in [(120_usize, 40_usize), (60, 15)] {
        screen.tmux(&["resize-window", "-t", "top", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        screen.until("it fills the terminal", |text| {
            let lines: Vec<&str> = text.lines().collect();
            let wide = lines.iter().any(|line| line.starts_with('┌') && line.chars().count() == columns);
            wide && lines.len() == rows && lines.last().is_some_and(|line| line.contains("? help"))
        });
    }
    screen.key("q");
    let text = screen.shows("ended with 0");
    assert!(!text.contains("sessions 1"), "{text}");
    screen.begin();
    signal(screen.top(), Signal::TERM);
    screen.shows("ended with 130");
    screen.types("echo still a $((40 + 2)) shell");
    screen.key("Enter");
    screen.shows("still a 42 shell");
}

#[test]
fn a_broker_that_stops_answering_or_dies_is_told_and_the_view_goes_on() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let Some(screen) = Screen::start(&sandbox) else { return };
    api.say("web", "before it");
    screen.shows("before it");
    let id = sandbox.broker_id();
    signal(id, Signal::STOP);
    screen.shows("the broker has not answered for");
    signal(id, Signal::CONT);
    screen.shows(&format!("pid {id} "));
    let killed = sandbox.kill_broker();
    let other = sandbox.until_status("another broker answers", |status| status.pid != killed).pid;
    screen.shows(&format!("pid {other} "));
    api.say("web", "after it");
    let text = screen.shows("after it");
    assert!(text.contains("before it"), "{text}");
}

#[test]
fn a_store_that_takes_the_place_of_the_one_before_is_shown_instead_of_it() {
    let (sandbox, other) = (Sandbox::new(), Sandbox::new());
    let (mut elsewhere, mut web) = (other.session("elsewhere"), other.session("web"));
    let first = elsewhere.say("web", "pruned: its number is that of a message of the first store");
    web.ok("mark_read", json!({"message_ids": [first]}));
    let _pruned = other.person(&["prune", "--older-than", "0", "--yes"]);
    for number in 2..=5 {
        elsewhere.say("web", &format!("number {number} of the backup"));
    }
    let backup = other.dir().join("backup.db");
    let _made = other.person(&["backup", "--quiet", backup.to_str().unwrap()]);
    let mut api = sandbox.session("api");
    let Some(screen) = Screen::start(&sandbox) else { return };
    api.say("web", "of the first store");
    screen.shows("of the first store");
    let _restored = sandbox.person(&["restore", backup.to_str().unwrap(), "--yes"]);
    let text = screen.shows("number 5 of the backup");
    assert!(text.contains("number 2 of the backup") && !text.contains("of the first store"), "{text}");
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let sandbox = Sandbox::new();
    let said = sandbox.c2c(&["top"]);
    assert_eq!(said.status, Some(2), "{said:?}");
    assert!(said.err.contains("use `c2c tail -f`") && said.out.is_empty(), "{said:?}");
}
