//! The broker's ear: taking connections, up to their limit, and getting the socket back when its file is gone.
//!
//! Owns the listener and the count of connections. What is said on a connection is `connection.rs`'s business.

use crate::Broker;
use crate::connection;
use c2c_proto::endpoint::{AcceptError, Listener, Stream};
use c2c_proto::error::{Error, ErrorCode};
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// After a failed accept, mostly for lack of descriptors: long enough not to spin, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Refusals under way at once; a client above that is dropped without a word.
const REFUSALS_MAX: usize = 64;

/// The listener and those who came through it.
#[derive(Debug)]
pub(crate) struct Door {
    broker: Arc<Broker>,
    /// `None` while the socket cannot be bound.
    listener: Option<Listener>,
    /// No accept before this.
    paused_until: Option<Instant>,
    connections: TaskTracker,
    refusals: TaskTracker,
    /// Calls of all connections: some outlive their connection.
    calls: TaskTracker,
    left: Arc<Notify>,
    next_conn: u64,
}

/// A connection's place under the limit; dropping it, even in a panic, makes room and says so.
struct Seat {
    // First, so that the count is right when the other one tells of it.
    _counted: TaskTrackerToken,
    _tells: TellsOnDrop,
}

struct TellsOnDrop(Arc<Notify>);

impl Drop for TellsOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Door {
    /// Listens at the broker's address. Only for the holder of the lock.
    ///
    /// # Errors
    /// `storage_failed` when the socket cannot be made.
    pub(crate) fn open(broker: Arc<Broker>) -> Result<Self, Error> {
        let listener = Some(bind(&broker)?);
        Ok(Self {
            broker,
            listener,
            paused_until: None,
            connections: TaskTracker::new(),
            refusals: TaskTracker::new(),
            calls: TaskTracker::new(),
            left: Arc::default(),
            next_conn: 1,
        })
    }

    /// Takes the next connection, or notes why there is none. Can be dropped at any time.
    pub(crate) async fn next(&self) -> Result<Stream, AcceptError> {
        let Some(listener) = &self.listener else { return pending().await };
        if let Some(until) = self.paused_until {
            tokio::time::sleep_until(until).await;
        }
        listener.accept().await
    }

    /// Serves what [`Door::next`] gave.
    pub(crate) fn enter(&mut self, next: Result<Stream, AcceptError>) {
        let stream = match next {
            Ok(stream) => stream,
            Err(error @ AcceptError::ForeignUser { .. }) => {
                tracing::warn!(%error, "foreign connection");
                return;
            }
            Err(AcceptError::Io(error)) => {
                if self.paused_until.is_none() {
                    tracing::error!(%error, "connections cannot be accepted, trying on");
                }
                self.paused_until = Some(Instant::now() + ACCEPT_PAUSE);
                return;
            }
        };
        if self.paused_until.take().is_some() {
            tracing::info!("connections are accepted again");
        }
        let limit = self.broker.config.limits.connections;
        if self.connections.len() >= limit {
            self.refuse(stream, limit);
            return;
        }
        let conn = self.next_conn;
        self.next_conn += 1;
        let seat = Seat { _counted: self.connections.token(), _tells: TellsOnDrop(Arc::clone(&self.left)) };
        let serving = connection::serve(Arc::clone(&self.broker), conn, stream, self.calls.clone());
        tokio::spawn(async move {
            serving.await;
            drop(seat);
        });
    }

    fn refuse(&self, stream: Stream, limit: usize) {
        tracing::warn!(limit, "connection refused: too many");
        if self.refusals.len() < REFUSALS_MAX {
            let error = Error::new(
                ErrorCode::BrokerBusy,
                format!("the broker has {limit} connections, the limit is {limit}"),
                "end some sessions, or raise limits.connections in c2c.toml",
            );
            self.refusals.spawn(connection::refuse(stream, error));
        }
    }

    /// Whether nobody is connected.
    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Resolves when a connection ended.
    pub(crate) async fn left(&self) {
        self.left.notified().await;
    }

    /// Whether connections still come here. Without a listener they do not.
    pub(crate) fn is_in_place(&self) -> bool {
        self.listener.as_ref().is_some_and(|listener| listener.is_in_place(&self.broker.paths.address))
    }

    /// Listens once more, under the same lock; those who are connected stay so.
    ///
    /// # Errors
    /// As [`Door::open`]; then nobody can connect until it succeeds.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        self.listener = None;
        self.listener = Some(bind(&self.broker)?);
        Ok(())
    }

    /// Stops listening; whoever comes now finds nobody.
    pub(crate) fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.remove(&self.broker.paths.address);
        }
    }

    /// Resolves when every connection and every call has ended. After [`Door::close`].
    pub(crate) async fn all_left(&self) {
        self.connections.close();
        self.calls.close();
        self.refusals.close();
        self.connections.wait().await;
        self.calls.wait().await;
        self.refusals.wait().await;
    }
}

fn bind(broker: &Broker) -> Result<Listener, Error> {
    let address = &broker.paths.address;
    Listener::bind(address).map_err(|error| unusable(address, &error))
}

fn unusable(address: &c2c_proto::endpoint::Address, error: &io::Error) -> Error {
    Error::new(
        ErrorCode::StorageFailed,
        format!("the socket {address} cannot be made: {error}"),
        "its folder must be writable for you, on a file system that has sockets",
    )
}
