//! Who is there: told to other nodes when it changes, and now and then; and what they tell, told to the broker.

use crate::broker::Broker;
use crate::nats::Nats;
use anyhow::bail;
use c2c_proto::name::node_follows_rule;
use c2c_proto::request::RemoteSession;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, interval};

/// Between two looks at who is here.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// What has not changed is told again after this time, so that it does not expire.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// What a node told is forgotten after this time.
pub(crate) const EXPIRES_AFTER: Duration = Duration::from_secs(180);

/// What a node tells.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    sessions: Vec<Session>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    name: String,
    online: bool,
    waiting: bool,
}

/// Tells who is here, until something fails.
pub(crate) async fn tell(broker: &Broker, nats: &Nats) -> anyhow::Result<()> {
    let mut ticks = interval(LOOK_EVERY);
    let mut before: Option<(Told, Instant)> = None;
    loop {
        ticks.tick().await;
        let sessions = broker.sessions().await?.into_iter().map(|session| Session {
            name: session.name,
            online: session.online,
            waiting: session.waiting,
        });
        let now = Told { sessions: sessions.collect() };
        let known = before.as_ref().is_some_and(|(told, at)| *told == now && at.elapsed() < TELL_EVERY);
        if !known {
            nats.tell_presence(serde_json::to_vec(&now)?.into()).await?;
            before = Some((now, Instant::now()));
        }
    }
}

/// Follows who is at other nodes, until something fails.
pub(crate) async fn follow(broker: &Broker, nats: &Nats, own: &str) -> anyhow::Result<()> {
    let mut told = nats.presence().await?;
    while let Some(entry) = told.next().await {
        let entry = entry?;
        // What cannot be read is another version's; what is gone has expired.
        let read = serde_json::from_slice::<Told>(&entry.value).unwrap_or(Told { sessions: Vec::new() });
        if entry.key == own || !node_follows_rule(&entry.key) {
            continue;
        }
        let sessions = read.sessions.into_iter().map(|session| RemoteSession {
            name: session.name,
            online: session.online,
            waiting: session.waiting,
        });
        broker.peers(&entry.key, sessions.collect()).await?;
    }
    bail!("the server does not tell who is there any more")
}
