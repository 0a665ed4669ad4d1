//! `c2c lease run`: a command that runs only while the lease is held.

use super::ending::{self, Wish};
use super::hold::{self, Terms};
use crate::exit::Exit;
use crate::link::Link;
use crate::text::visible;
use anyhow::{Context, anyhow};
use c2c_proto::id::{Version, new_call_key};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// How long the command has to end after it was asked to.
const END_WITHIN: Duration = Duration::from_secs(5);
/// A renewal that failed is tried again after this part of the lease's time.
const AGAIN_AFTER: u32 = 20;

/// What ended the stretch for which the command ran.
enum Over {
    Ended(ExitStatus),
    Interrupted,
    Lost(anyhow::Error),
}

/// Runs the command to its end and releases the lease.
pub(super) async fn run(
    link: &Link,
    terms: &Terms,
    version: Version,
    command: &[OsString],
) -> anyhow::Result<Exit> {
    let taken = Instant::now();
    let mut version = version;
    // Before the command is there: from then on it has to be ended.
    let mut wish = Wish::new()?;
    let mut child = match start(terms, version, command) {
        Ok(child) => child,
        Err(error) => {
            give_back(link, terms, version).await;
            return Err(error);
        }
    };
    let over = tokio::select! {
        ended = child.wait() => Over::Ended(ended?),
        () = wish.comes() => Over::Interrupted,
        lost = keep(link, terms, &mut version, taken) => Over::Lost(lost),
    };
    match over {
        Over::Ended(status) => {
            give_back(link, terms, version).await;
            Ok(Exit::Of(ending::status_of(status)))
        }
        Over::Interrupted => {
            end(&mut child).await?;
            give_back(link, terms, version).await;
            Ok(Exit::Interrupted)
        }
        Over::Lost(why) => {
            end(&mut child).await?;
            let text = format!("the lease {:?} was lost, and the command was ended: {why:#}", terms.key);
            writeln!(io::stderr(), "c2c: {}", visible(&text))?;
            Ok(Exit::Error)
        }
    }
}

fn start(terms: &Terms, version: Version, command: &[OsString]) -> anyhow::Result<Child> {
    let (program, words) = command.split_first().context("there is no command to run")?;
    Command::new(program)
        .args(words)
        .env("C2C_LEASE_KEY", &terms.key)
        .env("C2C_LEASE_VERSION", version.to_string())
        .spawn()
        .with_context(|| format!("{} cannot be run", program.display()))
}

/// Renews the lease until that fails for good: somebody else changed it, or its time is over.
async fn keep(link: &Link, terms: &Terms, version: &mut Version, taken: Instant) -> anyhow::Error {
    let mut since = taken;
    loop {
        let mut at = since + terms.ttl / 3;
        let expires = since + terms.ttl;
        let call = new_call_key();
        loop {
            sleep_until(at).await;
            let began = Instant::now();
            match timeout_at(expires, hold::renew(link, terms, *version, call.clone())).await {
                Ok(Ok(set)) => {
                    *version = set.version;
                    since = began;
                    break;
                }
                Ok(Err(error)) if hold::is_conflict(&error) => return error,
                // The broker may be on its way back.
                Ok(Err(_)) if Instant::now() < expires => at = Instant::now() + terms.ttl / AGAIN_AFTER,
                Ok(Err(error)) => return error,
                Err(_elapsed) => return anyhow!("it could not be renewed before it expired"),
            }
        }
    }
}

/// Ends the command: politely, then not.
async fn end(child: &mut Child) -> anyhow::Result<()> {
    ending::ask(child);
    if timeout(END_WITHIN, child.wait()).await.is_err() {
        child.kill().await.context("the command could not be ended")?;
    }
    Ok(())
}

/// That this failed changes nothing for whoever ran the command; the lease expires by itself.
async fn give_back(link: &Link, terms: &Terms, version: Version) {
    let mut given = hold::release(link, &terms.key, version).await;
    // A renewal that was under way when the command ended may have been made.
    if given.as_ref().is_err_and(hold::is_conflict)
        && let Ok(Some(version)) = hold::own_version(link, terms).await
    {
        given = hold::release(link, &terms.key, version).await;
    }
    if let Err(error) = given {
        let text = format!("c2c: the lease was not released: {}\n", visible(&format!("{error:#}")));
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
