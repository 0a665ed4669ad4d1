//! What a service manager hears: the test listens in systemd's place.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use common::{PATIENCE, Running, Sandbox, pid_of_server};
use rustix::process::{Pid, Signal, kill_process};
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

/// The socket that plays systemd's part.
struct Manager {
    socket: UnixDatagram,
    address: PathBuf,
}

impl Manager {
    fn new(sandbox: &Sandbox) -> Self {
        let address = sandbox.paths.store.with_extension("notify");
        Self { socket: UnixDatagram::bind(&address).unwrap(), address }
    }

    /// Starts a service that is watched, without waiting for it.
    fn start(&self, sandbox: &Sandbox, watchdog: Option<Duration>) -> Running {
        let mut command = sandbox.command(&["--service"]);
        command.env("NOTIFY_SOCKET", &self.address);
        if let Some(limit) = watchdog {
            command.env("WATCHDOG_USEC", limit.as_micros().to_string());
        }
        Running { child: command.spawn().unwrap() }
    }

    async fn word_within(&self, most: Duration) -> Option<String> {
        let mut word = [0; 1_024];
        let length = timeout(most, self.socket.recv(&mut word)).await.ok()?.unwrap();
        Some(String::from_utf8(word[..length].to_vec()).unwrap())
    }

    async fn word(&self) -> String {
        self.word_within(PATIENCE).await.unwrap()
    }

    /// The next word that is not "not stuck".
    async fn other_word(&self) -> String {
        loop {
            let word = self.word().await;
            if word != "WATCHDOG=1\n" {
                return word;
            }
        }
    }
}

fn signal(running: &Running, signal: Signal) {
    let pid = Pid::from_raw(running.pid().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[tokio::test]
async fn it_is_told_that_the_broker_is_ready_once_connections_are_accepted_and_when_it_stops() {
    let sandbox = Sandbox::new();
    let manager = Manager::new(&sandbox);
    let mut broker = manager.start(&sandbox, None);
    let word = manager.word().await;
    assert!(word.starts_with("READY=1\n"), "{word}");
    // At the first attempt, whatever comes after the word.
    assert_eq!(pid_of_server(&sandbox).await, broker.pid());
    signal(&broker, Signal::TERM);
    // Nobody asked to be told that it is not stuck.
    let word = manager.word().await;
    assert!(word.starts_with("STOPPING=1\n"), "{word}");
    let (code, took) = broker.ended().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn one_that_watches_is_told_again_and_again_that_the_broker_is_not_stuck() {
    let sandbox = Sandbox::new();
    let manager = Manager::new(&sandbox);
    let mut broker = manager.start(&sandbox, Some(Duration::from_millis(200)));
    let word = manager.word().await;
    assert!(word.starts_with("READY=1\n"), "{word}");
    for _ in 0..5 {
        assert_eq!(manager.word().await, "WATCHDOG=1\n");
    }
    signal(&broker, Signal::TERM);
    let word = manager.other_word().await;
    assert!(word.starts_with("STOPPING=1\n"), "{word}");
    assert_eq!(broker.ended().await.0, Some(0));
}

#[tokio::test]
async fn one_that_watches_hears_nothing_from_a_broker_that_hangs() {
    let sandbox = Sandbox::new();
    let manager = Manager::new(&sandbox);
    let broker = manager.start(&sandbox, Some(Duration::from_millis(200)));
    assert!(manager.word().await.starts_with("READY=1\n"));
    assert_eq!(manager.word().await, "WATCHDOG=1\n");
    signal(&broker, Signal::STOP);
    // What was said before the signal took effect; then nothing for five times as long as it may be silent.
    while manager.word_within(Duration::from_secs(1)).await.is_some() {}
    signal(&broker, Signal::CONT);
    assert_eq!(manager.word().await, "WATCHDOG=1\n");
}

#[tokio::test]
async fn a_watchdog_that_is_meant_for_another_process_is_none() {
    let sandbox = Sandbox::new();
    let manager = Manager::new(&sandbox);
    let mut command = sandbox.command(&["--service"]);
    command.env("NOTIFY_SOCKET", &manager.address).env("WATCHDOG_USEC", "50000").env("WATCHDOG_PID", "1");
    let broker = Running { child: command.spawn().unwrap() };
    assert!(manager.word().await.starts_with("READY=1\n"));
    // Ten times as long as a word would take.
    assert_eq!(manager.word_within(Duration::from_millis(500)).await, None);
    drop(broker);
}
