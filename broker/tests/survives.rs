//! What a broker survives: files that vanish, strangers that talk, and too little of everything.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use c2c_proto::endpoint;
use c2c_proto::event::{Closing, Event};
use c2c_proto::frame::ServerFrame;
use c2c_proto::request::{Request, Status};
use common::{Sandbox, call, eventually, hello, next, pid_of_server};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_deleted_socket_is_back_within_two_seconds() {
    let sandbox = Sandbox::new();
    let broker = sandbox.start(&[]).await;
    let mut before = sandbox.client().await;
    std::fs::remove_file(sandbox.paths.address.as_path()).unwrap();
    let took =
        eventually("the socket is back", async || endpoint::connect(&sandbox.paths.address).await.is_ok())
            .await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(pid_of_server(&sandbox).await, broker.pid());
    call(&mut before, 1, Request::Status(Status {})).await;
}

#[tokio::test]
async fn a_deleted_run_folder_is_back_with_its_lock_held() {
    let sandbox = Sandbox::new();
    let broker = sandbox.start(&[]).await;
    std::fs::remove_dir_all(&sandbox.paths.run_dir).unwrap();
    let took =
        eventually("the socket is back", async || endpoint::connect(&sandbox.paths.address).await.is_ok())
            .await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    let second = sandbox.run(&["--on-demand", "--ready-stdout"]).await;
    assert_eq!(String::from_utf8(second.stdout).unwrap(), "{\"ready\":false,\"running\":true}\n");
    assert_eq!(pid_of_server(&sandbox).await, broker.pid());
    eventually("the log goes on", async || sandbox.paths.log.exists()).await;
}

#[tokio::test]
async fn a_broker_whose_place_was_taken_in_a_new_run_folder_makes_room() {
    let sandbox = Sandbox::new();
    let mut broker = sandbox.start(&[]).await;
    let mut client = sandbox.client().await;
    std::fs::remove_dir_all(&sandbox.paths.run_dir).unwrap();
    c2c_proto::paths::ensure_private_dir(&sandbox.paths.run_dir).unwrap();
    let lock = std::fs::File::create_new(&sandbox.paths.lock).unwrap();
    lock.try_lock().unwrap();
    assert_eq!(next(&mut client).await, Some(ServerFrame::Event(Event::Closing(Closing::HandingOver))));
    assert_eq!(broker.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_store_that_was_deleted_ends_the_broker_with_its_own_status() {
    for replaced in [false, true] {
        let sandbox = Sandbox::new();
        let mut broker = sandbox.start(&[]).await;
        let mut client = sandbox.client().await;
        if replaced {
            let other = sandbox.paths.store.with_extension("other");
            std::fs::write(&other, "").unwrap();
            std::fs::rename(&other, &sandbox.paths.store).unwrap();
        } else {
            std::fs::remove_file(&sandbox.paths.store).unwrap();
        }
        assert_eq!(next(&mut client).await, Some(ServerFrame::Event(Event::Closing(Closing::StorageFailed))));
        assert_eq!(broker.ended().await.0, Some(75));
        assert!(sandbox.log().contains("under the broker"), "{}", sandbox.log());
    }
}

#[tokio::test]
async fn whatever_speaks_another_language_is_closed_and_harms_nobody() {
    let sandbox = Sandbox::new();
    let broker = sandbox.start(&[]).await;
    let mut good = sandbox.client().await;
    let garbage: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &[0xff; 64],
        &[0; 64],
        &[4, 0, 0, 0, 9, 9, 9, 9],
        &[0, 0, 0, 0],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    for bytes in garbage {
        let mut stream = endpoint::connect(&sandbox.paths.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut frames = tokio_util::codec::Framed::new(stream, c2c_proto::codec::FrameCodec::new());
        assert_eq!(next(&mut frames).await, None, "{bytes:?}");
    }
    // After a hello too.
    let mut late = sandbox.client().await;
    late.get_mut().write_all(&[0xff; 32]).await.unwrap();
    assert_eq!(next(&mut late).await, None);
    call(&mut good, 1, Request::Status(Status {})).await;
    assert_eq!(pid_of_server(&sandbox).await, broker.pid());
}

#[tokio::test]
async fn whoever_says_nothing_or_too_slowly_is_closed_in_time() {
    let sandbox = Sandbox::new();
    let _broker = sandbox.start(&[]).await;
    let mut silent = sandbox.connect().await;
    let mut slow = sandbox.connect().await;
    slow.get_mut().write_all(&[20, 0]).await.unwrap();
    let began = std::time::Instant::now();
    assert_eq!(next(&mut silent).await, None);
    assert_eq!(next(&mut slow).await, None);
    let took = began.elapsed().as_secs();
    assert!((4..8).contains(&took), "{took} s");
    sandbox.client().await;
}

#[tokio::test]
async fn a_connection_over_the_limit_is_told_so() {
    let sandbox = Sandbox::new();
    std::fs::write(&sandbox.paths.config, "[limits]\nconnections = 2\n").unwrap();
    let _broker = sandbox.start(&[]).await;
    let first = sandbox.client().await;
    let _second = sandbox.client().await;
    let mut third = sandbox.connect().await;
    match hello(&mut third).await {
        ServerFrame::Refused(error) => assert_eq!(error.code, c2c_proto::ErrorCode::BrokerBusy, "{error:?}"),
        other => panic!("{other:?}"),
    }
    drop(first);
    eventually("there is room again", async || {
        matches!(hello(&mut sandbox.connect().await).await, ServerFrame::Welcome(_))
    })
    .await;
}

/// The broker under limits that only a shell can set.
fn limited(sandbox: &Sandbox, limit: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new("/bin/sh");
    command.args(["-c", &format!("{limit}; exec \"$0\" \"$@\""), &common::program().to_string_lossy()]);
    command.env_clear().env("CLAUDE_C2C_DB", &sandbox.paths.store).kill_on_drop(true);
    command
}

#[tokio::test]
async fn without_free_descriptors_those_who_are_connected_are_served_and_others_later() {
    let sandbox = Sandbox::new();
    let _broker = sandbox.start_command(limited(&sandbox, "ulimit -n 48")).await;
    let mut first = sandbox.client().await;
    let mut others = Vec::new();
    for _ in 0..64 {
        // The kernel takes them; the broker cannot.
        others.push(sandbox.connect().await);
    }
    eventually("the broker says so", async || sandbox.log().contains("cannot be accepted")).await;
    call(&mut first, 1, Request::Status(Status {})).await;
    drop(others);
    eventually("there is room again", async || {
        matches!(hello(&mut sandbox.connect().await).await, ServerFrame::Welcome(_))
    })
    .await;
}

#[tokio::test]
async fn a_limit_on_file_sizes_is_an_error_and_not_a_signal() {
    let sandbox = Sandbox::new();
    let output = limited(&sandbox, "ulimit -f 0").arg("--ready-stdout").output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let word: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(word["error"]["code"], "storage_full", "{word}");
}
