//! The world of one page: a sandbox, the sessions that it needs, a shell. Every session is a real shim.

use super::calls::{self, Call};
use super::page::Page;
use c2c_harness::{LOGIN, PATIENCE, Pending, Sandbox, Shim, bin_dir, look};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longer than any block of a page takes.
const BLOCK: Duration = Duration::from_secs(60);
/// How often a session that answers looks whether the page has ended.
const GLANCE: Duration = Duration::from_millis(20);
/// What a session that answers says.
const ANSWER: &str = "yes";

/// See the module's first lines.
pub(crate) struct Stage {
    page: String,
    work: PathBuf,
    blocks: usize,
    sessions: BTreeMap<String, Shim>,
    /// Calls that wait, with where they stand.
    waiting: Vec<(String, Pending)>,
    answering: Vec<Answering>,
    // Goes last: everything above lives in it.
    sandbox: Sandbox,
}

impl Stage {
    /// Everybody is there that the page needs.
    pub(crate) fn new(page: &Page) -> Self {
        let sandbox = Sandbox::new();
        let sessions = page.sessions.iter().map(|name| (name.clone(), sandbox.session(name))).collect();
        let answering = page.answering.iter().map(|name| Answering::start(sandbox.session(name))).collect();
        let (work, page) = (sandbox.folder("work"), page.name.clone());
        Self { page, work, blocks: 0, sessions, waiting: Vec::new(), answering, sandbox }
    }

    /// Runs a block of commands, which has to succeed, and compares what it said if the page tells it.
    pub(crate) fn sh(&mut self, line: usize, script: &str, promised: Option<&str>) {
        self.blocks += 1;
        let at = format!("{}:{line}", self.page);
        let said = |what: &str| self.sandbox.dir().join(format!("block-{}.{what}", self.blocks));
        let (out, err) = (said("out"), said("err"));
        let open = |path: &PathBuf| File::create(path).expect("the sandbox can be written");
        let path = format!("{}:/usr/bin:/bin", bin_dir().display());
        let mut shell = Command::new("/bin/sh");
        shell.args(["-eu", "-c", script]).env_clear().envs(self.sandbox.env());
        shell.env("PATH", path).env("USER", LOGIN).current_dir(&self.work);
        shell.stdin(Stdio::null()).stdout(open(&out)).stderr(open(&err)).process_group(0);
        let mut child = shell.spawn().expect("there is a shell");
        let ended = look(BLOCK, || child.try_wait().expect("a child can be waited for"));
        if ended.is_none() {
            // With whatever it started, which would go on without it.
            let group = format!("-{}", child.id());
            let _killed = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _reaped = child.wait();
        }
        let text = |path| std::fs::read_to_string(path).expect("what was said can be read");
        let (out, err) = (text(out), text(err));
        let well = ended.is_some_and(|status| status.success());
        assert!(well, "{at}: {ended:?}\n--- commands\n{script}\n--- stdout\n{out}\n--- stderr\n{err}");
        if let Some(promised) = promised {
            let (told, is) = (self.plain(promised), self.plain(&out));
            assert!(told == is, "{at}: other output\n--- told\n{promised}\n--- is\n{out}");
        }
    }

    /// Text without what differs from run to run: numbers, the sandbox's folder, the width of columns.
    fn plain(&self, text: &str) -> Vec<String> {
        let home = self.sandbox.dir().to_string_lossy().into_owned();
        let mut plain = String::new();
        for char in text.replace(&home, "~").chars() {
            match char {
                digit if digit.is_ascii_digit() && plain.ends_with('0') => {}
                digit if digit.is_ascii_digit() => plain.push('0'),
                other => plain.push(other),
            }
        }
        let lines = plain.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect()
    }

    /// Makes calls as the sessions that the page names. One that waits is left waiting.
    pub(crate) fn calls(&mut self, line: usize, text: &str) {
        let at = format!("{}:{line}", self.page);
        let calls = calls::parse(text).unwrap_or_else(|why| panic!("{at}: {why}"));
        assert!(!calls.is_empty(), "{at}: no calls");
        for call in calls {
            self.call(&at, call);
        }
    }

    fn call(&mut self, at: &str, call: Call) {
        let at = format!("{at}: {} {}", call.session, call.tool);
        let waits = call.waits();
        let session = self.sessions.get_mut(&call.session);
        let session = session.unwrap_or_else(|| panic!("{at}: the page names no such session"));
        let pending = session.start_call(&call.tool, Value::Object(call.arguments));
        if waits && call.error.is_none() {
            self.waiting.push((at, pending));
            self.until_settled();
            return;
        }
        let result = pending.result(PATIENCE);
        let code = result.is_error.then(|| result.json["code"].as_str().unwrap_or_default().to_owned());
        let promised = call.error.map(|error| error.as_str().to_owned());
        assert_eq!(code, promised, "{at}: {}", result.text);
    }

    /// Each call that was started has its answer, or waits in the broker.
    fn until_settled(&self) {
        let others = self.answering.len();
        c2c_harness::until("the calls wait", PATIENCE, || {
            let open = self.waiting.iter().filter(|(_, pending)| !pending.is_done()).count();
            // Those that answer wait too, but for the moment in which they do.
            let waits = self.sandbox.status().map_or(0, |status| status.waits);
            open == 0 || waits >= (open + others) as u64
        });
    }

    /// Every call that waited got what it waited for.
    pub(crate) fn end(self) {
        for (at, pending) in &self.waiting {
            let result = pending.result(PATIENCE);
            assert!(!result.is_error && result.json["timed_out"] != true, "{at}: {}", result.text);
        }
        for answering in self.answering {
            answering.end();
        }
    }
}

/// A session that answers every message but answers and those that need none.
struct Answering {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Answering {
    fn start(mut session: Shim) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                let wait = session.start_call("wait_for_message", json!({"timeout_s": 600}));
                let mut mail = None;
                while mail.is_none() && !seen.load(Ordering::Relaxed) {
                    mail = wait.try_result(GLANCE);
                }
                if let Some(mail) = mail {
                    answer(&mut session, &mail.ok());
                }
            }
        });
        Self { over, thread: Some(thread) }
    }

    fn end(mut self) {
        self.over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))), "a session that answers has failed");
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // On the way out of a failure, which is what counts.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn answer(session: &mut Shim, mail: &Value) {
    for message in mail["messages"].as_array().expect("messages") {
        let id = message["id"].clone();
        if message["reply_to"].is_null() && message["priority"] == "normal" {
            session.ok("send_message", json!({"reply_to": id, "body": ANSWER}));
        } else {
            session.ok("mark_read", json!({"message_ids": [id]}));
        }
    }
}
