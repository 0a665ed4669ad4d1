//! Which node this store is, and which others there are. Known once, a node stays known: mail for it waits.

use super::outgoing::own_ids;
use super::{LinkOutcome, check_node};
use crate::store::Shared;
use crate::store::readers::Readers;
use c2c_proto::message::To;
use c2c_proto::name::{EVERYONE, EVERYWHERE, NODE_MARK, on_node};
use c2c_proto::request::LinkUp;
use c2c_proto::response::{LinkState, NodeState};
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Under which key the store keeps what it is called.
const OWN: &str = "node";

/// A copy in memory of what the store says of nodes.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    own: Option<String>,
    others: BTreeSet<String>,
    /// Whether messages of others are here, of which they are told what comes of them.
    have_sent: bool,
    ids: Arc<[String]>,
    /// By node: the store of which parcels came last since the broker began, and up to which number they are on disk.
    brought: BTreeMap<String, (String, u64)>,
}

impl Nodes {
    /// Starts from what the store says.
    pub(crate) async fn load(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let own: Option<String> = sqlx::query_scalar("SELECT value FROM meta WHERE key = ?1")
            .bind(OWN)
            .fetch_optional(&mut *connection)
            .await?;
        let others: Vec<String> =
            sqlx::query_scalar("SELECT node FROM nodes").fetch_all(&mut *connection).await?;
        let have_sent =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM arrivals)").fetch_one(&mut *connection).await?;
        // They change only while no broker has the store.
        let ids = own_ids(connection).await?.into();
        *self.lock() =
            Inner { own, others: others.into_iter().collect(), have_sent, ids, brought: BTreeMap::new() };
        Ok(())
    }

    /// Whether messages of other nodes are here, as far as is known.
    pub(crate) fn have_sent(&self) -> bool {
        self.lock().have_sent
    }

    /// Parcels of a node have come.
    pub(crate) fn heard(&self, node: &str) {
        let mut inner = self.lock();
        inner.others.insert(node.to_owned());
        inner.have_sent = true;
    }

    /// What this store is called by others.
    pub(crate) fn own(&self) -> Option<String> {
        self.lock().own.clone()
    }

    /// The ids of this store: the one that it has, then those that it had before it was restored.
    pub(crate) fn ids(&self) -> Arc<[String]> {
        Arc::clone(&self.lock().ids)
    }

    /// Parcels of a node's store are on disk up to a number.
    pub(super) fn note_brought(&self, (node, store): (String, String), up_to: u64) {
        self.lock().brought.insert(node, (store, up_to));
    }

    /// Up to which number that is, if any has come since the broker began.
    pub(crate) fn brought(&self, node: &str, store: &str) -> Option<u64> {
        self.lock().brought.get(node).filter(|(of, _)| of == store).map(|(_, up_to)| *up_to)
    }

    /// The others, by name.
    pub(crate) fn others(&self) -> Vec<String> {
        self.lock().others.iter().cloned().collect()
    }

    /// Whether it is one of the others.
    pub(crate) fn knows(&self, node: &str) -> bool {
        self.lock().others.contains(node)
    }

    /// An address as the store takes it: one on this very node is local.
    ///
    /// # Errors
    /// `not_found` for a node that is not known, with what can be done.
    pub(crate) fn resolve(&self, to: To) -> Result<To, Error> {
        Ok(match to {
            To::One(name) => match self.resolve_one(name)? {
                local if local == EVERYONE => To::Everyone,
                name => To::One(name),
            },
            // Which nodes it goes to is seen when it is stored: a call that is repeated later is the same one.
            To::Many(names) if names == [EVERYWHERE] => To::One(EVERYWHERE.to_owned()),
            To::Many(names) => {
                To::Many(names.into_iter().map(|name| self.resolve_one(name)).collect::<Result<_, _>>()?)
            }
            To::Everyone => To::Everyone,
        })
    }

    fn resolve_one(&self, address: String) -> Result<String, Error> {
        let address = self.with_node_as_it_is(address);
        let Some((name, node)) = on_node(&address) else { return Ok(address) };
        let inner = self.lock();
        if inner.own.as_deref() == Some(node) {
            return Ok(name.to_owned());
        }
        if inner.others.contains(node) {
            return Ok(address);
        }
        Err(unknown(&address, node, &inner))
    }

    /// Names of nodes that are known may be written in large letters as well.
    fn with_node_as_it_is(&self, address: String) -> String {
        let Some((name, node)) = address.split_once(NODE_MARK) else { return address };
        let lower = node.to_ascii_lowercase();
        let inner = self.lock();
        let is_known = inner.own.as_ref() == Some(&lower) || inner.others.contains(&lower);
        if is_known { format!("{name}{NODE_MARK}{lower}") } else { address }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(address: &str, node: &str, inner: &Inner) -> Error {
    if inner.own.is_none() {
        return Error::not_found(
            format!(
                "{address:?} is on another machine, and this one has no link to others; nothing was sent"
            ),
            "send to a name without @; `c2c link setup` makes a link, and c2c-link has to run",
        );
    }
    let known: Vec<&str> = inner.others.iter().map(String::as_str).collect();
    Error::not_found(
        format!("no node is called {node:?}; nothing was sent"),
        if known.is_empty() {
            "no other node is known yet: its link has to be set up first".to_owned()
        } else {
            format!("the nodes are {}", known.join(", "))
        },
    )
}

/// The link names this store and others.
pub(super) async fn name(
    connection: &mut SqliteConnection,
    shared: &Shared,
    up: &LinkUp,
) -> Result<Result<LinkOutcome, Error>, sqlx::Error> {
    if let Err(error) = std::iter::once(&up.node).chain(&up.nodes).try_for_each(|node| check_node(node)) {
        return Ok(Err(error));
    }
    // As long as it knows no other node, none knows it either: it never was connected, or its name was refused.
    if let Some(own) = shared.nodes.own().filter(|own| *own != up.node)
        && !shared.nodes.others().is_empty()
    {
        return Ok(Err(renamed(&own, &up.node)));
    }
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(OWN)
    .bind(&up.node)
    .execute(&mut *connection)
    .await?;
    for node in up.nodes.iter().filter(|node| **node != up.node) {
        sqlx::query("INSERT OR IGNORE INTO nodes (node) VALUES (?1)")
            .bind(node)
            .execute(&mut *connection)
            .await?;
    }
    // If this is not committed after all, the next one names them again.
    let mut inner = shared.nodes.lock();
    inner.own = Some(up.node.clone());
    inner.others.extend(up.nodes.iter().filter(|node| **node != up.node).cloned());
    Ok(Ok(LinkOutcome::default()))
}

fn renamed(own: &str, node: &str) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!("this store is the node {own:?}, and others know it by that name; it cannot become {node:?}"),
        format!("link it as {own:?}: `c2c link setup URL --node {own}`"),
    )
}

/// A node: its name, up to where it was forwarded, when it was heard, what waits, since when, from which number on.
type Known = (String, i64, Option<i64>, i64, Option<i64>, Option<i64>);

/// What is known of all of them.
pub(super) async fn state(readers: &Readers, known: &Nodes) -> Result<LinkState, sqlx::Error> {
    let mut reader = readers.get().await?;
    let rows: Vec<Known> = sqlx::query_as(
        "SELECT n.node, n.forwarded_up_to, n.heard_at,
                (SELECT COUNT(*) FROM outbox WHERE node = n.node),
                (SELECT created_at FROM outbox WHERE node = n.node ORDER BY number LIMIT 1),
                (SELECT MIN(number) FROM outbox WHERE node = n.node)
         FROM nodes AS n ORDER BY n.node",
    )
    .fetch_all(reader.connection()?)
    .await?;
    let whole = |number: i64| u64::try_from(number).unwrap_or_default();
    let nodes = rows.into_iter().map(|(node, forwarded, heard, waiting, oldest, first)| NodeState {
        node,
        waiting: whole(waiting),
        oldest: oldest.map(Timestamp),
        first_waiting: first.map(whole),
        forwarded_up_to: whole(forwarded),
        heard_at: heard.map(Timestamp),
    });
    let ids = known.ids();
    let mut ids = ids.iter().cloned();
    Ok(LinkState {
        store_id: ids.next().unwrap_or_default(),
        former_ids: ids.collect(),
        node: known.own(),
        report: None,
        nodes: nodes.collect(),
    })
}
