//! What the binary says: to a person, and to the program that starts it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod common;

use common::Sandbox;
use serde_json::Value;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn help_has_an_example_the_environment_and_the_exit_status() {
    let output = Sandbox::new().run(&["--help"]).await;
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout).replace("c2c-broker.exe", "c2c-broker"));
}

#[tokio::test]
async fn version_is_the_packages() {
    let output = Sandbox::new().run(&["--version"]).await;
    assert_eq!(text(&output.stdout), concat!("c2c-broker ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[tokio::test]
async fn wrong_usage_is_told_apart_from_failure() {
    for args in [&["--stroe", "x"][..], &["--on-demand", "--service"], &["extra"]] {
        let output = Sandbox::new().run(args).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains("Usage: c2c-broker"), "{args:?}");
    }
}

#[tokio::test]
async fn a_mistake_in_the_settings_is_told_to_person_and_program() {
    let sandbox = Sandbox::new();
    std::fs::write(&sandbox.paths.config, "durability = \"full\"\nidle_exti = 3\n").unwrap();
    let output = sandbox.run(&["--ready-stdout"]).await;
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("c2c.toml line 2"), "{stderr}");
    assert!(stderr.contains("idle_exti"), "{stderr}");
    let word: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(word["ready"], false);
    assert_eq!(word["error"]["code"], "invalid_argument");
    assert!(word["error"]["message"].as_str().unwrap().contains("c2c.toml line 2"), "{word}");
    assert!(!sandbox.paths.store.exists(), "a broker that cannot run makes no store");
}

#[tokio::test]
async fn a_relative_store_is_taken_from_the_present_folder() {
    let sandbox = Sandbox::new();
    let folder = sandbox.paths.store.parent().unwrap();
    let mut command = sandbox.command(&["--on-demand", "--store", "c2c.db"]);
    command.env_remove("CLAUDE_C2C_DB").current_dir(folder);
    let _running = sandbox.start_command(command).await;
    sandbox.client().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_run_folder_that_others_can_enter_is_refused_and_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let dir = &sandbox.paths.run_dir;
    std::fs::create_dir(dir).unwrap();
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = sandbox.run(&["--ready-stdout"]).await;
    assert_eq!(output.status.code(), Some(1));
    let word: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(word["error"]["code"], "store_refused", "{word}");
    assert_eq!(std::fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o755);
}
