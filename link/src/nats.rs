//! The server: one stream for what travels, one bucket for which node is which store.

mod claim;

pub(crate) use claim::Claimant;

use crate::config::Config;
use crate::envelope::{ANYONE, Kind, SUBJECTS, direct_subject, subject};
use crate::presence::EXPIRES_AFTER;
use crate::refused;
use anyhow::{Context as _, bail};
use async_nats::Subscriber;
use async_nats::connection::State;
use async_nats::header::{HeaderMap, HeaderValue, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::kv;
use async_nats::jetstream::stream::{self, LastRawMessageErrorKind, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, Context, ErrorCode};
use bytes::Bytes;
use c2c_proto::name::node_follows_rule;
use c2c_proto::request::StreamState;
use futures_util::TryStreamExt;
use std::time::Duration;

/// The stream of all nodes. What was acknowledged leaves it.
const STREAM: &str = "C2C";
/// Which store a node is.
const NODES: &str = "c2c-nodes";
/// The state that all machines share.
const SHARED: &str = "c2c-global";
/// Who is there.
const PRESENCE: &str = "c2c-presence";
/// How a bucket is told to delete, as NATS has settled it for every client (ADR-8).
const KV_OPERATION: &str = "KV-Operation";
const KV_DELETE: &str = "DEL";
/// What a link took and did not acknowledge comes again after this time: it was killed, or cut off. What comes twice, because
/// the broker took longer, is dropped there.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(10);
/// A node's name is its store's for so long after the store was last connected.
const CLAIM_LASTS: Duration = Duration::from_secs(90 * 24 * 3_600);
/// The server hands out no more while so many messages are not acknowledged: far more than one node leaves so, whatever it sends.
const UNACKNOWLEDGED_MAX: i64 = 50_000;
/// What a server says when JetStream has what it may take, before it takes any more, by the numbers that NATS gives its errors.
const FULL: [ErrorCode; 3] = [
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
    ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
];
/// Left for headers in what the server takes at once.
const HEADERS_BYTES: usize = 1_024;

/// A connection, ready to carry.
pub(crate) struct Nats {
    client: async_nats::Client,
    jetstream: Context,
    node: String,
    stream: stream::Stream,
    nodes: kv::Store,
    presence: kv::Store,
    /// The state that all machines share.
    pub(crate) shared: kv::Store,
}

/// What is under a key.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) version: u64,
    pub(crate) deleted: bool,
    pub(crate) value: Bytes,
}

/// How far a bucket is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedState {
    /// A bucket that was made anew has another value.
    pub(crate) since: i128,
    pub(crate) last: u64,
    pub(crate) entries: u64,
}

/// Why the server has not taken a change.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// The key has another version than was assumed.
    Another,
    /// The server has no room.
    Full,
    /// It did not say whether it has; with what is known of that.
    Unknown(String),
}

/// Whether the server said that it has no room.
pub(crate) fn is_full(error: &anyhow::Error) -> bool {
    let said = error.chain().filter_map(|cause| cause.downcast_ref::<jetstream::Error>());
    said.map(jetstream::Error::error_code).any(|code| FULL.contains(&code))
}

impl Nats {
    /// Connects, and makes stream and bucket where they are not there yet.
    ///
    /// # Errors
    /// What keeps it from that; it may be gone in a moment.
    pub(crate) async fn connect(config: &Config) -> anyhow::Result<Self> {
        let cannot = || format!("{} cannot be used", config.url);
        let connected = config.options()?.connect(config.servers().collect::<Vec<_>>()).await;
        let client = connected.map_err(|error| refused::why(config, error))?;
        let jetstream = jetstream::new(client.clone());
        let stream = jetstream
            .get_or_create_stream(stream::Config {
                name: STREAM.to_owned(),
                subjects: vec![SUBJECTS.to_owned()],
                retention: RetentionPolicy::WorkQueue,
                storage: StorageType::File,
                num_replicas: config.replicas,
                ..stream::Config::default()
            })
            .await
            .with_context(|| {
                format!(
                    "{} does not let this link in: does it have JetStream, and may who has these credentials be the node {:?}?",
                    config.url, config.node
                )
            })?;
        let nodes = bucket(&jetstream, NODES, CLAIM_LASTS, config.replicas).await.with_context(cannot)?;
        let presence =
            bucket(&jetstream, PRESENCE, EXPIRES_AFTER, config.replicas).await.with_context(cannot)?;
        let shared =
            bucket(&jetstream, SHARED, Duration::ZERO, config.replicas).await.with_context(cannot)?;
        Ok(Self { client, jetstream, node: config.node.clone(), stream, nodes, presence, shared })
    }

    /// The nodes that there are.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn nodes(&self) -> anyhow::Result<Vec<String>> {
        // Without a consumer of its own, which a cluster can put on a server that has just gone.
        let prefix = format!("$KV.{NODES}.");
        let subjects = self.nodes.stream.info_with_subjects(format!("{prefix}>")).await?;
        let subjects: Vec<(String, usize)> = subjects.try_collect().await?;
        let nodes = subjects.iter().filter_map(|(subject, _)| subject.strip_prefix(&prefix));
        Ok(nodes.filter(|node| node_follows_rule(node)).map(str::to_owned).collect())
    }

    /// Every change of the nodes from now on.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn changes(&self) -> anyhow::Result<kv::Watch> {
        Ok(self.nodes.watch_all().await?)
    }

    /// Tells who is here.
    ///
    /// # Errors
    /// When the server cannot be told.
    pub(crate) async fn tell_presence(&self, told: Bytes) -> anyhow::Result<()> {
        self.presence.put(&self.node, told).await?;
        Ok(())
    }

    /// What nodes tell of who is there, what they told last first.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn presence(&self) -> anyhow::Result<kv::Watch> {
        Ok(self.presence.watch_with_history(">").await?)
    }

    /// Whether the server is there. Without one the client would keep what it is given and send it later, whatever has become of
    /// it meanwhile.
    ///
    /// # Errors
    /// When it is not.
    pub(crate) fn check_connected(&self) -> anyhow::Result<()> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            State::Pending | State::Disconnected => bail!("the connection is lost"),
        }
    }

    /// Sends something for a node to the server, behind what was sent before. What is returned ends when the server says that it
    /// has it.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub(crate) async fn publish(
        &self,
        to: &str,
        kind: &Kind,
        content: Bytes,
    ) -> anyhow::Result<PublishAckFuture> {
        self.check_connected()?;
        let subject = subject(to, &self.node);
        Ok(self.jetstream.publish_with_headers(subject, kind.headers(), content).await?)
    }

    /// Sends something straight to a node, past the stream. If that one is not there, nobody is told.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub(crate) async fn send_direct(&self, to: &str, kind: &Kind, content: Bytes) -> anyhow::Result<()> {
        self.check_connected()?;
        let subject = direct_subject(to, &self.node);
        Ok(self.client.publish_with_headers(subject, kind.headers(), content).await?)
    }

    /// What comes straight to this node.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn direct(&self) -> anyhow::Result<Subscriber> {
        Ok(self.client.subscribe(direct_subject(&self.node, ANYONE)).await?)
    }

    /// Whether the server has anything from this node that another one has not taken.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn holds_for(&self, to: &str) -> anyhow::Result<bool> {
        let mut subjects = self.stream.info_with_subjects(subject(to, &self.node)).await?;
        Ok(subjects.try_next().await?.is_some())
    }

    /// What the server that leads has under a key of the shared state: its version, and the value or what its deletion says.
    /// Another server of a cluster may not have it yet.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn shared_entry(&self, key: &str) -> anyhow::Result<Option<Found>> {
        let subject = format!("$KV.{SHARED}.{key}");
        match self.shared.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok(Some(Found {
                version: message.sequence,
                deleted: message.headers.get(KV_OPERATION).is_some(),
                value: message.payload,
            })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the shared state stands: since when there is the bucket, and its last version.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn shared_state(&self) -> anyhow::Result<SharedState> {
        let info = self.shared.stream.get_info().await?;
        Ok(SharedState {
            since: info.created.unix_timestamp_nanos(),
            last: info.state.last_sequence,
            entries: info.state.messages,
        })
    }

    /// Sets a key of the shared state if it has this version, and gives the new one.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(crate) async fn put_shared(&self, key: &str, value: Bytes, version: u64) -> Result<u64, NotTaken> {
        self.change_shared(key, value, version, HeaderMap::new()).await
    }

    /// Deletes one, likewise.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(crate) async fn delete_shared(&self, key: &str, says: Bytes, version: u64) -> Result<u64, NotTaken> {
        let mut headers = HeaderMap::new();
        headers.insert(KV_OPERATION, KV_DELETE);
        self.change_shared(key, says, version, headers).await
    }

    async fn change_shared(
        &self,
        key: &str,
        value: Bytes,
        version: u64,
        mut headers: HeaderMap,
    ) -> Result<u64, NotTaken> {
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(version));
        let subject = format!("$KV.{SHARED}.{key}");
        let not_taken = |error: PublishError| match error.kind() {
            PublishErrorKind::WrongLastSequence => NotTaken::Another,
            _ => {
                let told = error.to_string();
                if is_full(&error.into()) { NotTaken::Full } else { NotTaken::Unknown(told) }
            }
        };
        let sent = self.jetstream.publish_with_headers(subject, headers, value).await.map_err(not_taken)?;
        Ok(sent.await.map_err(not_taken)?.sequence)
    }

    /// What the server holds, for a person who asks.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn held(&self) -> anyhow::Result<StreamState> {
        let stream = self.stream.get_info().await?.state;
        let own = self.stream.consumer_info(&self.node).await?;
        Ok(StreamState {
            messages: stream.messages,
            bytes: stream.bytes,
            for_this_node: own.num_pending + u64::try_from(own.num_ack_pending).unwrap_or_default(),
        })
    }

    /// What comes to this node.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(crate) async fn messages(&self) -> anyhow::Result<pull::Stream> {
        let consumer = self
            .stream
            .get_or_create_consumer(
                &self.node,
                pull::Config {
                    durable_name: Some(self.node.clone()),
                    filter_subject: subject(&self.node, ANYONE),
                    ack_policy: AckPolicy::Explicit,
                    ack_wait: ACK_WAIT,
                    max_ack_pending: UNACKNOWLEDGED_MAX,
                    ..pull::Config::default()
                },
            )
            .await?;
        Ok(consumer.messages().await?)
    }

    /// How many bytes the server takes at once.
    pub(crate) fn most_bytes(&self) -> usize {
        self.client.server_info().max_payload.saturating_sub(HEADERS_BYTES).max(HEADERS_BYTES)
    }
}

/// A bucket, made where it is not there yet; what is in it is forgotten after a time, unless that is zero.
async fn bucket(
    jetstream: &Context,
    name: &str,
    max_age: Duration,
    num_replicas: usize,
) -> anyhow::Result<kv::Store> {
    if let Ok(there) = jetstream.get_key_value(name).await {
        return Ok(there);
    }
    let config = kv::Config {
        bucket: name.to_owned(),
        storage: StorageType::File,
        max_age,
        num_replicas,
        ..kv::Config::default()
    };
    Ok(jetstream.create_key_value(config).await?)
}
