//! `c2c lease run`: a command that runs only while the lease is held.

use super::ending::{self, Reach, Wish};
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
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How long the command has to end after it was asked to.
const END_WITHIN: Duration = Duration::from_secs(5);
/// What ending it by force takes at most, on a machine that is busy.
const KILL_WITHIN: Duration = Duration::from_millis(500);
/// Between two looks whether what the command started has ended as well.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A renewal that failed is tried again after this part of the lease's time.
const AGAIN_AFTER: u32 = 20;

/// What ended the stretch for which the command ran.
enum Over {
    Ended(ExitStatus),
    Interrupted,
    Lost(anyhow::Error),
}

/// What is held, and since when at the latest: its time began at this moment or after it.
struct Held {
    version: Version,
    since: Instant,
}

/// Until when what has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Deadlines {
    /// The lease is renewed for the first time.
    renew: Instant,
    /// If it is not by then the command is asked to end.
    give_up: Instant,
    /// And ended by force.
    kill: Instant,
}

impl Deadlines {
    /// Of a lease that lives so long from this moment on. Who takes it when it has expired is to meet nobody, so that the time
    /// for ending lies before; of a short lease that is a third, for as much has to be left for trying again.
    fn of(since: Instant, ttl: Duration) -> Self {
        let expires = since + ttl;
        let give_up = expires - (END_WITHIN + KILL_WITHIN).min(ttl / 3);
        Self { renew: since + ttl / 3, give_up, kill: expires - KILL_WITHIN.min(ttl / 20) }
    }
}

/// Runs the command to its end and releases the lease.
pub(super) async fn run(
    link: &Link,
    terms: &Terms,
    (version, since): (Version, Instant),
    command: &[OsString],
) -> anyhow::Result<Exit> {
    let mut held = Held { version, since };
    // Before the command is there: from then on it has to be ended.
    let mut wish = Wish::new()?;
    let (mut child, reach) = match start(terms, version, command) {
        Ok(started) => started,
        Err(error) => {
            give_back(link, terms, version).await;
            return Err(error);
        }
    };
    let over = tokio::select! {
        ended = child.wait() => Over::Ended(ended?),
        () = wish.comes() => Over::Interrupted,
        lost = keep(link, terms, &mut held) => Over::Lost(lost),
    };
    match over {
        Over::Ended(status) => {
            give_back(link, terms, held.version).await;
            Ok(Exit::Of(ending::status_of(status)))
        }
        Over::Interrupted => {
            // It may take its time, for which the lease is kept; without it, no longer than that lasts.
            let by = Instant::now() + END_WITHIN;
            let ended = tokio::select! {
                ended = end(&mut child, &reach, by) => Some(ended),
                _lost = keep(link, terms, &mut held) => None,
            };
            match ended {
                Some(ended) => ended?,
                None => end(&mut child, &reach, kill_by(terms, &held)).await?,
            }
            give_back(link, terms, held.version).await;
            Ok(Exit::Interrupted)
        }
        Over::Lost(why) => {
            end(&mut child, &reach, kill_by(terms, &held)).await?;
            let text = format!("the lease {:?} was lost, and the command was ended: {why:#}", terms.key);
            writeln!(io::stderr(), "c2c: {}", visible(&text))?;
            Ok(Exit::Error)
        }
    }
}

fn start(terms: &Terms, version: Version, command: &[OsString]) -> anyhow::Result<(Child, Reach)> {
    let (program, words) = command.split_first().context("there is no command to run")?;
    let mut prepared = Command::new(program);
    prepared.args(words).env("C2C_LEASE_KEY", &terms.key).env("C2C_LEASE_VERSION", version.to_string());
    Reach::start(&mut prepared).with_context(|| format!("{} cannot be run", program.display()))
}

/// Renews the lease until that fails for good: somebody else changed it, or its time is nearly over.
async fn keep(link: &Link, terms: &Terms, held: &mut Held) -> anyhow::Error {
    loop {
        let Deadlines { renew, give_up, .. } = Deadlines::of(held.since, terms.ttl);
        let mut call = new_call_key();
        // When the call was made first: its answer may be that to the first time.
        let mut asked = None;
        let mut at = renew;
        let mut why = anyhow!("it could not be renewed before it expired");
        loop {
            sleep_until(at.min(give_up)).await;
            let began = Instant::now();
            if began >= give_up {
                return why;
            }
            let since = *asked.get_or_insert(began);
            match timeout_at(give_up, hold::renew(link, terms, held.version, call.clone())).await {
                Ok(Ok(set)) => {
                    *held = Held { version: set.version, since };
                    break;
                }
                // Somebody else has the key or, while the connection was away, the name. Only the first is a loss.
                Ok(Err(error)) if hold::is_conflict(&error) => {
                    match timeout_at(give_up, hold::own_version(terms, held.version)).await {
                        Ok(Ok(None)) => return error,
                        Ok(Ok(Some(version))) if version != held.version => {
                            held.version = version;
                            (call, asked) = (new_call_key(), None);
                        }
                        _ => {}
                    }
                    why = error;
                }
                // The broker may be on its way back.
                Ok(Err(error)) => why = error,
                Err(_elapsed) => {}
            }
            at = Instant::now() + terms.ttl / AGAIN_AFTER;
        }
    }
}

/// By when a command whose lease is lost has to be ended.
fn kill_by(terms: &Terms, held: &Held) -> Instant {
    Deadlines::of(held.since, terms.ttl).kill.min(Instant::now() + END_WITHIN)
}

/// Ends the command: politely, after this moment not.
async fn end(child: &mut Child, reach: &Reach, by: Instant) -> anyhow::Result<()> {
    reach.ask();
    let politely = async {
        let ended = child.wait().await;
        while reach.is_left() {
            sleep(LOOK_EVERY).await;
        }
        ended
    };
    if timeout_at(by, politely).await.is_err() {
        reach.kill();
        child.kill().await.context("the command could not be ended")?;
    }
    Ok(())
}

/// That this failed changes nothing for whoever ran the command; the lease expires by itself.
async fn give_back(link: &Link, terms: &Terms, version: Version) {
    let mut given = hold::release(link, &terms.key, version).await;
    // A renewal that was under way when the command ended may have been made.
    if given.as_ref().is_err_and(hold::is_conflict)
        && let Ok(Some(version)) = hold::own_version(terms, version).await
    {
        given = hold::release(link, &terms.key, version).await;
    }
    if let Err(error) = given {
        let text = format!("c2c: the lease was not released: {}\n", visible(&format!("{error:#}")));
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{Deadlines, END_WITHIN};
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn the_command_is_ended_before_the_lease_expires_and_there_is_time_to_try_again() {
        let since = Instant::now();
        for ttl_s in [1, 2, 6, 15, 16, 17, 60, 86_400] {
            let ttl = Duration::from_secs(ttl_s);
            let Deadlines { renew, give_up, kill } = Deadlines::of(since, ttl);
            assert!(since < renew && renew < give_up && give_up < kill && kill < since + ttl, "{ttl_s}");
            assert!(give_up - renew >= ttl / 3 - Duration::from_millis(1), "{ttl_s}");
            if ttl_s >= 17 {
                assert!(kill - give_up >= END_WITHIN, "{ttl_s}");
            }
        }
    }
}
