//! The broker of this machine, as a link asks it.

use anyhow::bail;
use c2c_proto::client::{BrokerCommand, Client, ClientConfig, ClientEvent, Start};
use c2c_proto::hello::Role;
use c2c_proto::limits::LINK_PEERS_MAX;
use c2c_proto::name::follows_rule;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{
    LinkAccepted, LinkAnswer, LinkAsked, LinkBring, LinkForwarded, LinkHealth, LinkPeers, LinkShared,
    LinkStatus, LinkTake, LinkTold, LinkUp, ListSessions, Parcel, RemoteSession, Request, SharedAsk,
};
use c2c_proto::response::{LinkState, Parcels, Response, SessionInfo, Sessions};
use c2c_proto::{Error, ErrorCode};
use std::future::pending;
use tokio::sync::watch;

/// Sessions that were seen within so many minutes are told of, as a session's own list does.
const SEEN_WITHIN_MIN: u32 = 10;

/// A connection that outlives its broker.
#[derive(Clone, Debug)]
pub(crate) struct Broker {
    client: Client,
    /// The id of the store, as each broker that takes the connection says it.
    attached: watch::Receiver<Option<String>>,
}

impl Broker {
    /// Nobody is connected to before something is asked.
    pub(crate) fn open(paths: StorePaths) -> Self {
        let (client, mut events) = Client::open(ClientConfig {
            paths,
            role: Role::Control,
            start: Start::IfAbsent(BrokerCommand::find()),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            extra: Vec::new(),
        });
        let (store_id, attached) = watch::channel(None);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let ClientEvent::Connected(welcome) = event {
                    store_id.send_replace(Some(welcome.store_id));
                }
            }
        });
        Self { client, attached }
    }

    /// Ends when another broker than now takes the connection. It knows nothing of what the one before was told, and its store may
    /// have been restored.
    pub(crate) async fn begins_anew(&self) {
        let mut attached = self.attached.clone();
        loop {
            let had_one = attached.borrow_and_update().is_some();
            if attached.changed().await.is_err() {
                pending::<()>().await;
            }
            if had_one {
                return;
            }
        }
    }

    /// Whether it is still this store.
    ///
    /// # Errors
    /// When it is another one.
    pub(crate) fn check_store(&self, store: &str) -> anyhow::Result<()> {
        match &*self.attached.borrow() {
            Some(other) if other != store => bail!("the store has another id now: it was restored"),
            _ => Ok(()),
        }
    }

    /// Names nodes and says how the link does; what the broker knows.
    pub(crate) async fn up(&self, node: &str, nodes: Vec<String>, report: &str) -> anyhow::Result<LinkState> {
        let up = LinkUp { node: node.to_owned(), nodes, report: report.to_owned() };
        state(self.ask(Request::LinkUp(up)).await?)
    }

    /// Tells how the link does, in figures.
    pub(crate) async fn tell(&self, told: LinkTold) -> anyhow::Result<()> {
        self.ask(Request::LinkHealth(LinkHealth { told: Some(told) })).await.map(|_| ())
    }

    /// What the broker knows of the link.
    pub(crate) async fn state(&self) -> anyhow::Result<LinkState> {
        state(self.ask(Request::LinkStatus(LinkStatus {})).await?)
    }

    /// Parcels that wait, after a number.
    pub(crate) async fn take(
        &self,
        node: Option<&str>,
        after: u64,
        timeout_ms: u64,
    ) -> anyhow::Result<Parcels> {
        let take = LinkTake { node: node.map(str::to_owned), after, timeout_ms };
        match self.ask(Request::LinkTake(take)).await? {
            Response::Parcels(parcels) => Ok(parcels),
            _ => bail!("the broker answered another question"),
        }
    }

    /// The server has parcels.
    pub(crate) async fn forwarded(&self, node: &str, up_to: u64) -> anyhow::Result<()> {
        let forwarded = LinkForwarded { node: node.to_owned(), up_to };
        self.ask(Request::LinkForwarded(forwarded)).await.map(|_| ())
    }

    /// The other broker has parcels.
    pub(crate) async fn accepted(&self, node: &str, up_to: u64) -> anyhow::Result<()> {
        let accepted = LinkAccepted { node: node.to_owned(), up_to };
        self.ask(Request::LinkAccepted(accepted)).await.map(|_| ())
    }

    /// Brings parcels; up to which number they are on disk.
    pub(crate) async fn bring(&self, node: &str, store: &str, parcels: Vec<Parcel>) -> anyhow::Result<u64> {
        let bring = LinkBring { from_node: node.to_owned(), from_store: store.to_owned(), parcels };
        match self.ask(Request::LinkBring(bring)).await? {
            Response::LinkBrought(brought) => Ok(brought.up_to),
            _ => bail!("the broker answered another question"),
        }
    }

    /// Who is here, those that are online first.
    pub(crate) async fn sessions(&self) -> anyhow::Result<Vec<SessionInfo>> {
        let list = ListSessions { active_within_min: SEEN_WITHIN_MIN, after_name: None };
        match self.ask(Request::ListSessions(list)).await? {
            Response::Sessions(Sessions { mut sessions, .. }) => {
                sessions.retain(|session| follows_rule(&session.name));
                sessions.sort_by_key(|session| !session.online);
                sessions.truncate(LINK_PEERS_MAX);
                Ok(sessions)
            }
            _ => bail!("the broker answered another question"),
        }
    }

    /// Who is at another node.
    pub(crate) async fn peers(&self, node: &str, mut peers: Vec<RemoteSession>) -> anyhow::Result<()> {
        peers.retain(|peer| follows_rule(&peer.name));
        peers.truncate(LINK_PEERS_MAX);
        let peers = LinkPeers { node: node.to_owned(), peers };
        self.ask(Request::LinkPeers(peers)).await.map(|_| ())
    }

    /// What the shared state is.
    pub(crate) async fn shared(&self, shared: LinkShared) -> anyhow::Result<()> {
        self.ask(Request::LinkShared(shared)).await.map(|_| ())
    }

    /// Changes of the shared state that sessions have asked for.
    pub(crate) async fn asked(&self, timeout_ms: u64) -> anyhow::Result<Vec<SharedAsk>> {
        match self.ask(Request::LinkAsked(LinkAsked { timeout_ms })).await? {
            Response::LinkAsks(asks) => Ok(asks.asks),
            _ => bail!("the broker answered another question"),
        }
    }

    /// What came of one.
    pub(crate) async fn answer(&self, answer: LinkAnswer) -> anyhow::Result<()> {
        self.ask(Request::LinkAnswer(answer)).await.map(|_| ())
    }

    async fn ask(&self, request: Request) -> anyhow::Result<Response> {
        match self.client.call(request).await {
            Ok(answer) => Ok(answer.response),
            Err(failed) => Err(failed.error.into()),
        }
    }
}

/// Whether the broker does not take what another node says: asked again, it would say the same. The link has other nodes as well.
pub(crate) fn is_refusal(error: &anyhow::Error) -> bool {
    let code = error.downcast_ref::<Error>().map(|error| error.code);
    matches!(code, Some(ErrorCode::InvalidArgument | ErrorCode::TooLarge | ErrorCode::Conflict))
}

/// Whether the broker failed over what another node says: its own fault, but one that it would make again.
pub(crate) fn is_fault(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(|error| error.code == ErrorCode::Internal)
}

fn state(response: Response) -> anyhow::Result<LinkState> {
    match response {
        Response::LinkState(state) => Ok(state),
        _ => bail!("the broker answered another question"),
    }
}
