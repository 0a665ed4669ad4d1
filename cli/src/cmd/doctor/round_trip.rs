//! A message from one real shim to another that waits for it, in a temporary folder with a store and broker of its own.

use super::report::Check;
use crate::cmd::demo::broker::Broker;
use crate::cmd::demo::programs::Programs;
use crate::cmd::demo::session::Session;
use anyhow::{Context, bail};
use c2c_proto::paths::StorePaths;
use serde_json::json;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::timeout;

/// With the time to end what was started it stays below 20 s.
const TIMEOUT: Duration = Duration::from_secs(14);
/// Between two looks whether the other one waits.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What was started, to be ended whatever happens.
#[derive(Default)]
pub(super) struct Stage {
    folder: Option<TempDir>,
    broker: Option<Broker>,
    sessions: Vec<Session>,
}

impl Stage {
    /// A store of its own in a new folder, with this configuration.
    pub(super) fn store(&mut self, config: &[u8]) -> anyhow::Result<StorePaths> {
        let folder = tempfile::Builder::new().prefix("c2c-doctor-").tempdir()?;
        let paths = StorePaths::of_store(&folder.path().join("c2c.db"));
        self.folder = Some(folder);
        let paths = paths?;
        std::fs::write(&paths.config, config)?;
        self.broker = Some(Broker { paths: paths.clone() });
        Ok(paths)
    }

    /// Ends and removes everything. What fails hides nothing that comes after it.
    pub(super) async fn end(&mut self) -> anyhow::Result<()> {
        let mut first = Ok(());
        for session in self.sessions.drain(..) {
            first = first.and(session.end().await.map(|_| ()));
        }
        if let Some(broker) = self.broker.take() {
            first = first.and(broker.end().await);
        }
        if let Some(folder) = self.folder.take() {
            first = first.and(folder.close().context("failed to remove the temporary folder"));
        }
        first
    }
}

/// The check `round_trip`.
pub(super) async fn check(stage: &mut Stage) -> Check {
    let mend = "mend what else failed; else see that c2c-shim and c2c-broker beside this c2c can be started";
    match timeout(TIMEOUT, play(stage)).await {
        Ok(Ok(took)) => {
            let ms = took.as_secs_f64() * 1_000.0;
            Check::ok("round_trip", format!("a waiting session had its message {ms:.1} ms after the send"))
        }
        Ok(Err(error)) => Check::failed("round_trip", format!("{error:#}"), mend),
        Err(_) => {
            let says = format!("no message went through within {} s", TIMEOUT.as_secs());
            Check::failed("round_trip", says, mend)
        }
    }
}

async fn play(stage: &mut Stage) -> anyhow::Result<Duration> {
    let programs = Programs::beside_this_one()?;
    let store = stage.store(b"idle_exit = 10\n")?.store;
    let path = store.parent().context("the store lies in no folder")?.to_owned();
    for name in ["waits", "sends"] {
        let started = Instant::now();
        stage.sessions.push(Session::start(&programs, &path, &store, name)?);
        stage.sessions.last().context("no session")?.introduce(started).await?;
    }
    let [waits, sends] = stage.sessions.as_slice() else { bail!("there are not two sessions") };
    let waiting = waits.begin("wait_for_message", &json!({"timeout_s": 10}))?;
    loop {
        let list = sends.call("list_sessions", &json!({})).await?.value;
        let mut all = list["sessions"].as_array().into_iter().flatten();
        if all.any(|session| session["name"] == "waits" && session["waiting"] == true) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let begun_at = waiting.sent_at();
    let send = sends.begin("send_message", &json!({"to": "waits", "body": "round trip"}))?;
    let sent_at = send.sent_at();
    sends.succeeded(send).await?;
    let waited = waits.succeeded(waiting).await?;
    if waited.value["messages"][0]["body"] != "round trip" {
        bail!("the wait returned something else: {}", waited.value);
    }
    Ok((begun_at + waited.took).saturating_duration_since(sent_at))
}
