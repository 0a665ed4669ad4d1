//! A link's life: connected, or trying to be; resting while it is paused.

use crate::args::Args;
use crate::broker::Broker;
use crate::config::Config;
use crate::direct::Heard;
use crate::incoming::Incoming;
use crate::later::Words;
use crate::nats::{Claimant, Nats, is_full};
use crate::outgoing::{Outgoing, Start};
use crate::{later, platform, presence, shared};
use anyhow::{Context, bail};
use c2c_proto::limits::LINK_REPORT_MAX_CHARS;
use c2c_proto::paths::{StorePaths, ensure_private_dir, private_file};
use c2c_proto::request::LinkTold;
use c2c_proto::response::LinkState;
use futures_util::StreamExt;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, interval, sleep, timeout};

/// Between two tries to connect; each time twice as long.
const AGAIN_FIRST: Duration = Duration::from_millis(500);
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// A connection that lasted so long was a good one.
const GOOD_AFTER: Duration = Duration::from_secs(60);
/// So long the broker is given to hear that the link ends.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// Between two looks whether the link is to rest.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What mail waits for where the server has no room.
const NO_ROOM: &str = "the server has no room for more: let machines that were away take their mail, or give its JetStream more";
/// Before what mail goes on without is tried again.
const AGAIN_BESIDE: Duration = Duration::from_secs(5);
/// Between two renewals of the claim to the node's name, which lasts for months.
const RENEW_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// Between two reports to the broker while nothing changes.
const REPORT_EVERY: Duration = Duration::from_secs(30);

/// Runs until it is asked to end.
///
/// # Errors
/// When it cannot run at all: no settings, or another link of this store runs.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    let paths = match &args.store {
        Some(store) => StorePaths::of_store(store)?,
        None => StorePaths::from_env()?,
    };
    let config = Config::read(&paths.link_config);
    if !paths.link_config.exists() {
        // There is nobody to tell, and nothing to begin with.
        return config.map(|_| ());
    }
    ensure_private_dir(&paths.run_dir)?;
    let _alone = alone(&paths.link_lock)?;
    let broker = Broker::open(paths.clone());
    let config = match config.and_then(|config| config.options().map(|_| config)) {
        Ok(config) => config,
        Err(error) => {
            let why = told(&error);
            let report = format!("c2c-link cannot run: {why}");
            drop(timeout(GOODBYE_MAX, tell(&broker, None, &report, Some(&why))).await);
            return Err(error);
        }
    };
    tokio::select! {
        ended = platform::ended() => ended?,
        () = keep_on(&broker, &config, &paths) => {}
    }
    // Whoever looks need not wait until nothing was heard of it for long.
    drop(timeout(GOODBYE_MAX, report(&broker, &config, "not connected: c2c-link has ended", None)).await);
    Ok(())
}

/// Held as long as the link runs: two would send everything twice.
fn alone(path: &Path) -> anyhow::Result<File> {
    let file = private_file()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another link of this store runs"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

async fn keep_on(broker: &Broker, config: &Config, paths: &StorePaths) {
    let mut again = AGAIN_FIRST;
    loop {
        if paths.link_paused.exists() {
            report(broker, config, "paused; `c2c link resume` goes on", None).await;
            sleep(LOOK_EVERY).await;
            continue;
        }
        let began = Instant::now();
        tokio::select! {
            // First: what has come of the next broker may be of another store.
            biased;
            () = broker.begins_anew() => tracing::info!("the broker has begun anew, and so does the connection"),
            failed = session(broker, config) => {
                let Err(error) = failed else { continue };
                if began.elapsed() >= GOOD_AFTER {
                    again = AGAIN_FIRST;
                }
                let error = told(&error);
                tracing::warn!("{error}");
                report(broker, config, &format!("not connected: {error}"), Some(&error)).await;
                sleep(again).await;
                again = (again * 2).min(AGAIN_MAX);
            }
            () = paused(&paths.link_paused) => tracing::info!("paused"),
        }
    }
}

/// Ends when the link is to rest.
async fn paused(path: &Path) {
    while !path.exists() {
        sleep(LOOK_EVERY).await;
    }
}

/// An error with its causes. Some say those themselves: once is enough.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match &*said {
        "" => cause,
        _ if said.contains(&cause) => said,
        _ => format!("{said}: {cause}"),
    })
}

/// Tells the broker that the link is not connected, and why.
async fn report(broker: &Broker, config: &Config, report: &str, error: Option<&str>) {
    if let Err(error) = tell(broker, Some(&config.node), report, error).await {
        tracing::warn!("the broker cannot be told how the link does: {error:#}");
    }
}

/// Tells it, if it knows by which name, or `node` is one for it: where the settings have another node's, the store keeps its own.
async fn tell(broker: &Broker, node: Option<&str>, report: &str, error: Option<&str>) -> anyhow::Result<()> {
    let own = broker.state().await?.node;
    let Some(node) = own.as_deref().or(node) else { return Ok(()) };
    broker.up(node, Vec::new(), &line(report)).await?;
    broker.tell(LinkTold { connected: false, error: error.map(line), stream: None }).await
}

/// As the broker takes it.
fn line(text: &str) -> String {
    text.chars().take(LINK_REPORT_MAX_CHARS).collect::<String>().replace('\n', " ")
}

/// One connection, from its begin to its failure.
async fn session(broker: &Broker, config: &Config) -> anyhow::Result<()> {
    // A store that has another name claims none.
    let state = broker.up(&config.node, Vec::new(), &format!("connecting to {}", config.url)).await?;
    let nats = Nats::connect(config).await?;
    let claimed = nats.claim(&claimant(config, &state), true).await;
    claimed.map_err(|error| if is_full(&error) { error.context(NO_ROOM) } else { error })?;
    let report = format!("connected to {}", config.url);
    let state = broker.up(&config.node, nats.nodes().await?, &report).await?;
    tracing::info!(node = config.node, "{report}");
    let start = Start { published: published(&state), is_tried: false };
    let (heard, changed) = (Heard::default(), Notify::new());
    let (words, said) = later::words();
    tokio::try_join!(
        send(broker, &nats, &state.store_id, start, &heard, words.clone()),
        Incoming::new(broker, &nats, (&config.node, &state.store_id), &heard, words).run(),
        later::say(broker, &nats, said),
        follow_nodes(broker, config, &nats, &state, &report, &changed),
        notice_nodes(&nats, &changed),
        beside_mail("who is here cannot be told", async || presence::tell(broker, &nats).await),
        beside_mail("who is at other nodes cannot be followed", async || {
            presence::follow(broker, &nats, &config.node).await
        }),
        beside_mail("the shared state cannot be followed", async || shared::run(broker, &nats).await),
    )?;
    Ok(())
}

fn claimant<'a>(config: &'a Config, state: &'a LinkState) -> Claimant<'a> {
    Claimant { store: &state.store_id, former: &state.former_ids, replaces: config.replaces.as_deref() }
}

/// They are published in the order of their numbers, whatever their nodes.
fn published(state: &LinkState) -> u64 {
    state.nodes.iter().map(|node| node.forwarded_up_to).max().unwrap_or_default()
}

/// Sends what waits, until something fails. A server that has no room keeps nobody from taking what is there, which makes room: then
/// one parcel tries it again, behind what the server has, and the others follow it.
async fn send(
    broker: &Broker,
    nats: &Nats,
    store: &str,
    mut start: Start,
    heard: &Heard,
    words: Words,
) -> anyhow::Result<()> {
    let mut pause = AGAIN_BESIDE;
    loop {
        let began = Instant::now();
        let Err(error) = Outgoing::run(broker, nats, store, start, heard, words.clone()).await else {
            return Ok(());
        };
        if !is_full(&error) {
            return Err(error);
        }
        let error = line(&format!("{NO_ROOM} ({})", told(&error)));
        tracing::warn!("{error}");
        broker.tell(LinkTold { connected: true, error: Some(error), stream: None }).await?;
        pause = if began.elapsed() >= GOOD_AFTER { AGAIN_BESIDE } else { pause.min(AGAIN_MAX) };
        sleep(pause).await;
        pause *= 2;
        start = Start { published: published(&broker.state().await?), is_tried: true };
    }
}

/// Says when nodes change.
async fn notice_nodes(nats: &Nats, changed: &Notify) -> anyhow::Result<()> {
    beside_mail("nodes cannot be followed", async || {
        let followed = async {
            let mut changes = nats.changes().await?;
            while let Some(change) = changes.next().await {
                change?;
                changed.notify_one();
            }
            bail!("the server does not tell of nodes any more")
        };
        let ended = followed.await;
        // The server may have lost everything.
        changed.notify_one();
        ended
    })
    .await
}

/// Does what mail goes on without, again and again when it fails: a cluster lets nobody follow anything on a server that has just
/// gone, and may send whoever asks to that one for minutes.
pub(crate) async fn beside_mail(
    trouble: &str,
    once: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    loop {
        if let Err(error) = once().await {
            tracing::info!("{trouble}: {error:#}");
        }
        sleep(AGAIN_BESIDE).await;
    }
}

/// Tells the broker of each node that comes and that the link is alive, and looks after the claim.
async fn follow_nodes(
    broker: &Broker,
    config: &Config,
    nats: &Nats,
    state: &LinkState,
    report: &str,
    changed: &Notify,
) -> anyhow::Result<()> {
    let (mut ticks, mut renewed) = (interval(REPORT_EVERY), Instant::now());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = changed.notified() => {}
        }
        // A server that has lost everything has lost the claim too.
        let renew = renewed.elapsed() >= RENEW_EVERY;
        nats.claim(&claimant(config, state), renew).await?;
        if renew {
            renewed = Instant::now();
        }
        broker.up(&config.node, nats.nodes().await?, report).await?;
        // Figures for people are no reason to give up a connection.
        let stream = nats.held().await.ok();
        broker.tell(LinkTold { connected: true, error: None, stream }).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::told;
    use anyhow::anyhow;

    #[test]
    fn no_cause_is_told_twice() {
        let error = anyhow!("refused").context("connecting: refused").context("a cannot be used");
        assert_eq!(told(&error), "a cannot be used: connecting: refused");
    }
}
