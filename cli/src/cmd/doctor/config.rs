//! The configuration beside the store. Only the broker knows its words, so one is started with a copy of it, on a store
//! of its own: a broker that runs already has read the file as it was then.

use super::report::Check;
use crate::cmd::demo::broker::Broker;
use c2c_proto::client::{BrokerCommand, Client, ClientConfig, Start};
use c2c_proto::hello::Role;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{self, Request};
use std::time::Duration;
use tokio::time::timeout;

/// A broker starts in much less.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a broker takes it.
pub(super) async fn check(paths: &StorePaths) -> Check {
    if !paths.config.exists() {
        return Check::ok("config", format!("there is no {}: the defaults hold", paths.config.display()));
    }
    match tried(paths).await {
        Ok(check) => check,
        Err(error) => Check::failed(
            "config",
            format!("{} could not be tried: {error:#}", paths.config.display()),
            format!("see that you can read {}", paths.config.display()),
        ),
    }
}

async fn tried(paths: &StorePaths) -> anyhow::Result<Check> {
    let folder = tempfile::Builder::new().prefix("c2c-doctor-").tempdir()?;
    let copy = StorePaths::of_store(&folder.path().join("c2c.db"))?;
    std::fs::write(&copy.config, std::fs::read(&paths.config)?)?;
    let (client, _events) = Client::open(ClientConfig {
        paths: copy.clone(),
        role: Role::Control,
        start: Start::IfAbsent(BrokerCommand::find()),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        extra: Vec::new(),
    });
    let answer = timeout(TIMEOUT, client.call(Request::Status(request::Status {}))).await;
    drop(client);
    let shown = paths.config.display().to_string();
    let real = |text: &str| text.replace(&copy.config.display().to_string(), &shown);
    let check = match answer {
        Ok(Ok(_)) => Check::ok("config", format!("{shown} is valid")),
        Ok(Err(failed)) => {
            let mend = format!("correct {shown}, then `c2c stop`: {}", real(&failed.error.hint));
            Check::failed("config", real(&failed.error.message), mend)
        }
        Err(_) => Check::failed("config", "no broker could be started with it in time", "see `c2c log`"),
    };
    Broker { paths: copy }.end().await?;
    folder.close()?;
    Ok(check)
}
