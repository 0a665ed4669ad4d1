//! `c2c tail` shows the messages of all sessions as they come, and whoever looks on disturbs nothing.

use c2c_harness::{PATIENCE, Sandbox, best_of, look, until};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A running `c2c tail -f` and the lines that it has written. Ended when dropped.
struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    fn start(mut command: std::process::Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        Self { child, lines }
    }

    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }
}

/// What comes, a line at a time.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (into, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if into.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn what_comes_is_shown_within_100_ms_and_only_what_matches() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let early = api.say("web", "early");
    let tail = Tail::start(sandbox.command(&["tail", "-f"]));
    assert!(tail.next().contains("early"));
    let filtered = Tail::start(sandbox.command(&["tail", "-f", "-n", "1", "--json", "--to", "web"]));
    assert!(filtered.next().contains("early"));
    best_of(5, "from the send's answer to the line", Duration::from_millis(100), || {
        let id = api.say("web", "hello");
        let sent = Instant::now();
        let line = tail.next();
        let took = sent.elapsed();
        assert!(line.contains(&format!(" {id}  ")) && line.ends_with("hello"), "{line}");
        took
    });
    api.say("db", "not for web");
    let last = api.say("web", "last");
    loop {
        let message: Value = serde_json::from_str(&filtered.next()).unwrap();
        assert!(message["to"] == "web" && message["id"].as_i64() > Some(early), "{message}");
        if message["id"] == last {
            break;
        }
    }
}

#[test]
fn following_goes_on_over_a_restart_of_the_broker() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    api.say("web", "before");
    let tail = Tail::start(sandbox.command(&["tail", "-f"]));
    assert!(tail.next().ends_with("before"));
    sandbox.kill_broker();
    api.say("web", "after");
    assert!(tail.next().ends_with("after"), "once, and nothing twice");
}

#[test]
fn following_goes_on_with_the_store_that_was_restored() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    api.say("web", "in the backup");
    let backup = sandbox.dir().join("backup.db");
    let _made = sandbox.person(&["backup", "--quiet", backup.to_str().unwrap()]);
    let before = (0..3).map(|_| api.say("web", "lost")).last();
    let mut tail = Tail::start(sandbox.command(&["tail", "-f", "-n", "1"]));
    assert!(tail.next().ends_with("lost"));
    let _restored = sandbox.person(&["restore", backup.to_str().unwrap(), "--yes"]);
    // At once: perhaps before the follower has noticed.
    api.say("web", "to the restored one");
    let said = lines_of(tail.child.stderr.take().unwrap()).recv_timeout(PATIENCE).expect("it says so");
    assert!(said.contains("another one"), "{said:?}");
    let after = Some(api.say("web", "and more"));
    assert!(after > before, "no id is given out again: {after:?} {before:?}");
    assert!(tail.next().ends_with("to the restored one"));
    assert!(tail.next().ends_with("and more"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_quietly_and_a_kill_at_any_moment_disturbs_nobody() {
    use c2c_harness::{Signal, signal};
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    api.say("web", "first");
    let mut tail = Tail::start(sandbox.command(&["tail", "-f"]));
    let _first = tail.next();
    api.say("web", "second");
    // Its handler is there: it follows.
    let _second = tail.next();
    signal(tail.child.id(), Signal::INT);
    let status = look(PATIENCE, || tail.child.try_wait().unwrap()).expect("it ends");
    let mut said = String::new();
    tail.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    for number in 0..20 {
        let mut killed = sandbox.c2c_started(&["tail", "-f"]);
        let id = api.say("web", &format!("number {number}"));
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert_eq!(sandbox.c2c(&["tail", "-n", "1", "--json"]).json()["id"], id);
    }
    until("only api is connected, and the one that asks", PATIENCE, || {
        sandbox.status().is_some_and(|status| status.connections == 2)
    });
    assert_eq!(
        api.ok("inbox", json!({"sent": true, "limit": 500}))["messages"].as_array().unwrap().len(),
        22
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_is_no_failure() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    for _ in 0..100 {
        api.say("web", &"long ".repeat(1_500));
    }
    for words in [&["tail", "-n", "100"][..], &["inbox", "web", "--limit", "100"], &["search", "long"]] {
        let mut child = sandbox.c2c_started(words);
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("long"));
        let status = child.wait().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{words:?}");
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_desktop_is_told_of_the_persons_mail_and_reads_no_script() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let told = sandbox.dir().join("told");
    let folder = sandbox.folder("bin");
    let program = folder.join("notify-send");
    let script =
        format!("#!/bin/sh\nprintf '%s\\0' \"$@\" > '{0}.new' && mv '{0}.new' '{0}'\n", told.display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = sandbox.command(&["tail", "-f", "--notify"]);
    api.say("web", "not for the person");
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).stderr(Stdio::inherit());
    let tail = Tail::start(command);
    assert!(tail.next().ends_with("not for the person"));
    api.say("web", "nor this");
    assert!(tail.next().ends_with("nor this"));
    let id = api.say("user-ada", "$(touch pwned) `touch pwned` \"; touch pwned <b>\u{1b}[2J");
    assert!(tail.next().contains("pwned"));
    until("the desktop was told", PATIENCE, || told.is_file());
    let arguments = std::fs::read_to_string(&told).unwrap();
    let arguments: Vec<&str> = arguments.split('\0').collect();
    assert_eq!(arguments[..2], ["--app-name=c2c", "--"]);
    assert_eq!(arguments[2], format!("c2c: message {id} from api"));
    assert_eq!(arguments[3], "$(touch pwned) `touch pwned` \"; touch pwned &lt;b&gt;\\\\u{1b}[2J");
    assert!(!sandbox.dir().join("pwned").exists());
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn where_no_notifier_is_that_is_said_once() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let mut command = sandbox.command(&["tail", "-f", "--notify"]);
    command.env("PATH", sandbox.folder("empty"));
    api.say("user-ada", "one");
    let mut tail = Tail::start(command);
    let _one = tail.next();
    api.say("user-ada", "two");
    let _two = tail.next();
    tail.child.kill().unwrap();
    let mut said = String::new();
    tail.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "c2c: the desktop cannot be told of mail here: notify-send is not installed\n");
}
