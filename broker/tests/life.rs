//! A broker's life: one per store, until it is told to go.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use c2c_proto::endpoint;
use c2c_proto::event::{Closing, Event};
use c2c_proto::frame::ServerFrame;
use common::{Running, Sandbox, eventually, next, pid_of_server};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

fn signal(running: &Running, signal: Signal) {
    let pid = Pid::from_raw(running.pid().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[tokio::test]
async fn the_second_broker_leaves_the_first_alone_and_is_no_failure() {
    let sandbox = Sandbox::new();
    let first = sandbox.start(&[]).await;
    let inode = std::fs::metadata(sandbox.paths.address.as_path()).unwrap().ino();
    let second = sandbox.run(&[]).await;
    assert_eq!(second.status.code(), Some(0));
    let said = String::from_utf8(second.stdout).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        said,
        format!("already running (pid {}, version {version}, in the foreground)\n", first.pid())
    );
    let third = sandbox.run(&["--on-demand", "--ready-stdout"]).await;
    assert_eq!(third.status.code(), Some(0));
    assert_eq!(String::from_utf8(third.stdout).unwrap(), "{\"ready\":false,\"running\":true}\n");
    assert_eq!(std::fs::metadata(sandbox.paths.address.as_path()).unwrap().ino(), inode);
    assert_eq!(pid_of_server(&sandbox).await, first.pid());
}

#[tokio::test]
async fn of_many_that_start_at_once_one_is_the_broker() {
    let sandbox = Sandbox::new();
    let mut children = Vec::new();
    for _ in 0..20 {
        let mut command = sandbox.command(&["--on-demand", "--ready-stdout"]);
        children.push(command.stdout(std::process::Stdio::piped()).spawn().unwrap());
    }
    let serving = {
        let mut pid = 0;
        eventually("a broker answers", async || match endpoint::connect(&sandbox.paths.address).await {
            Ok(_) => {
                pid = pid_of_server(&sandbox).await;
                true
            }
            Err(_) => false,
        })
        .await;
        pid
    };
    // The one that serves is kept until all others are through: dropped, it is killed, and a late one would take over.
    for child in children.iter_mut().filter(|child| child.id() != Some(serving)) {
        let status = tokio::time::timeout(common::PATIENCE, child.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0));
    }
    assert_eq!(sandbox.log().matches(" ready ").count(), 1, "{}", sandbox.log());
}

#[tokio::test]
async fn sigterm_tells_the_clients_and_ends_in_time() {
    let sandbox = Sandbox::new();
    let mut broker = sandbox.start(&[]).await;
    let mut client = sandbox.client().await;
    signal(&broker, Signal::TERM);
    let (code, took) = broker.ended().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(next(&mut client).await, Some(ServerFrame::Event(Event::Closing(Closing::ShuttingDown))));
    assert_eq!(next(&mut client).await, None);
    assert!(!sandbox.paths.address.as_path().exists());
    assert!(sandbox.paths.lock.exists());
    sandbox.start(&[]).await;
}

#[tokio::test]
async fn a_broker_that_was_killed_leaves_nothing_in_the_way() {
    let sandbox = Sandbox::new();
    let mut broker = sandbox.start(&[]).await;
    broker.child.kill().await.unwrap();
    assert!(sandbox.paths.address.as_path().exists());
    let next = sandbox.start(&[]).await;
    assert_eq!(pid_of_server(&sandbox).await, next.pid());
}

#[tokio::test]
async fn a_broker_on_demand_exits_when_nobody_was_there_for_long_enough() {
    let sandbox = Sandbox::new();
    std::fs::write(&sandbox.paths.config, "idle_exit = \"1s\"\n").unwrap();
    let mut broker = sandbox.start(&["--on-demand"]).await;
    let mut client = sandbox.client().await;
    // Longer than the idle time, which is what is measured here.
    assert!(tokio::time::timeout(Duration::from_millis(1_500), next(&mut client)).await.is_err());
    drop(client);
    let (code, took) = broker.ended().await;
    assert_eq!(code, Some(0));
    assert!(took > Duration::from_millis(900), "{took:?}");
    assert!(!sandbox.paths.address.as_path().exists());
}

#[tokio::test]
async fn a_service_takes_over_from_a_broker_on_demand_but_not_from_a_service() {
    let sandbox = Sandbox::new();
    let mut on_demand = sandbox.start(&["--on-demand"]).await;
    let mut client = sandbox.client().await;
    let service = sandbox.start(&["--service"]).await;
    assert_eq!(next(&mut client).await, Some(ServerFrame::Event(Event::Closing(Closing::HandingOver))));
    assert_eq!(on_demand.ended().await.0, Some(0));
    assert_eq!(pid_of_server(&sandbox).await, service.pid());
    let second = sandbox.run(&["--service"]).await;
    assert_eq!(second.status.code(), Some(0));
    let said = String::from_utf8(second.stdout).unwrap();
    assert!(said.starts_with("already running"), "{said}");
    assert_eq!(pid_of_server(&sandbox).await, service.pid());
}

#[tokio::test]
async fn every_file_is_the_users_alone_whatever_the_mask() {
    let sandbox = Sandbox::new();
    let _broker = sandbox.start(&["--on-demand"]).await;
    sandbox.client().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&sandbox.paths.run_dir), 0o700);
    for entry in std::fs::read_dir(&sandbox.paths.run_dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
    for entry in std::fs::read_dir(sandbox.paths.store.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_broker_on_demand_keeps_nothing_of_its_starter() {
    let sandbox = Sandbox::new();
    let leaked_path = sandbox.paths.store.with_extension("leaked");
    let leaked = std::fs::File::create(&leaked_path).unwrap();
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
    let broker = sandbox.start(&["--on-demand"]).await;
    let process = std::path::PathBuf::from(format!("/proc/{}", broker.pid()));
    assert_eq!(std::fs::read_link(process.join("cwd")).unwrap(), std::path::Path::new("/"));
    for entry in std::fs::read_dir(process.join("fd")).unwrap() {
        let entry = entry.unwrap();
        let target = std::fs::read_link(entry.path()).unwrap();
        assert_ne!(target, leaked_path);
        if matches!(entry.file_name().to_str(), Some("0" | "1" | "2")) {
            assert_eq!(target, std::path::Path::new("/dev/null"));
        }
    }
    let session = rustix::process::getsid(Pid::from_raw(broker.pid().try_into().unwrap())).unwrap();
    assert_eq!(session.as_raw_nonzero().get().unsigned_abs(), broker.pid());
}

/// How often the process's threads went to sleep of their own will.
#[cfg(target_os = "linux")]
fn sleeps(pid: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .map(|task| {
            let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.unwrap().trim().parse::<u64>().unwrap()
        })
        .sum()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_broker_wakes_less_than_once_a_second() {
    let sandbox = Sandbox::new();
    let broker = sandbox.start(&["--on-demand"]).await;
    let _clients = (sandbox.client().await, sandbox.client().await);
    let window = Duration::from_secs(6);
    // What the start and the clients left to do comes first; then it is time itself that is measured.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = sleeps(broker.pid());
    // The rate is counted over this time, whatever happens in it.
    tokio::time::sleep(window).await;
    let woken = sleeps(broker.pid()) - before;
    assert!(woken < window.as_secs(), "{woken} wake-ups in {window:?}");
}
