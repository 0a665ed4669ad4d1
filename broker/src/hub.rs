//! Who is connected and who waits: the part of the truth that is worth nothing after a restart. All of it may be lost
//! at any moment; a wake-up is a hint, and whoever is woken reads the store.
//!
//! One lock, held for a few instructions, never across an await. It knows nothing of the store.

mod asks;
mod elsewhere;
mod nudges;
mod parked;

pub use nudges::Push;
pub use parked::Parked;

use crate::outbox::Outbox;
use crate::presence::OnlineGuard;
use crate::session::{Attached, ConnId, NameFollower, Owner, Row};
use asks::Asks;
use c2c_proto::event::Event;
use c2c_proto::hello::{Identity, PROTOCOL, SessionState};
use c2c_proto::id::MessageId;
use c2c_proto::time::Timestamp;
use elsewhere::Elsewhere;
use nudges::Told;
use parked::Place;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Connections, sessions with connections, and watches.
#[derive(Debug, Default)]
pub struct Hub {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    connections: HashMap<ConnId, Connection>,
    sessions: HashMap<Row, Live>,
    watches: HashMap<String, (Arc<Notify>, usize)>,
    /// Told of every message.
    traffic: Arc<Notify>,
    waits: usize,
    elsewhere: Elsewhere,
    asks: Asks,
    /// Up to which message the hooks of sessions have told them, whose shims have not connected yet.
    expected: HashMap<Row, MessageId>,
}

#[derive(Debug)]
struct Connection {
    outbox: Outbox,
    /// What both ends speak.
    protocol: u16,
    /// How its client can be told of mail.
    push: Push,
    /// Absent for one that looks on or steers.
    identity: Option<Arc<Identity>>,
    who: Who,
    session: Option<Row>,
    /// Keeps the session online; goes with the connection.
    online: Option<OnlineGuard>,
}

/// A session with at least one connection.
#[derive(Debug)]
struct Live {
    owner: Owner,
    superseded: bool,
    /// In the order they came: the newest is last.
    connections: Vec<ConnId>,
    last_call_at: Timestamp,
    waits: usize,
    changed: Arc<Notify>,
    /// How far it has been told of its mail.
    told: Told,
}

/// What a connection is at this moment.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The protocol of the connection.
    pub protocol: u16,
    /// Its session.
    pub session: Option<Owner>,
    /// Whether another session took that session's name.
    pub superseded: bool,
    /// What a new row would be made from; absent for one that looks on or steers.
    pub identity: Option<Arc<Identity>>,
    /// Who is behind it.
    pub who: Who,
}

/// Who is behind a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A client's session; also where nobody is behind it any more.
    Session,
    /// The person at a terminal, who acts under a name.
    Person,
    /// One that looks on or steers, and is nobody.
    Onlooker,
}

impl Caller {
    /// Whether it may see the messages of all sessions: the person, under whatever name, and who looks on.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.who != Who::Session
    }
}

/// What a connection's hello says of who is behind it.
#[derive(Debug)]
pub enum Peer {
    /// A client's session.
    Session(Identity),
    /// The person at a terminal.
    Person(Identity),
    /// One that looks on or steers.
    Onlooker,
}

/// How a session is seen from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Activity {
    /// Whether it is blocked in a wait for mail.
    pub waiting: bool,
    /// When it last called, if it is connected.
    pub last_call_at: Option<Timestamp>,
}

impl Hub {
    /// A connection whose hello was accepted.
    pub fn connect(&self, conn: ConnId, outbox: Outbox, protocol: u16, push: Push, peer: Peer) {
        let (identity, who) = match peer {
            Peer::Session(identity) => (Some(Arc::new(identity)), Who::Session),
            Peer::Person(identity) => (Some(Arc::new(identity)), Who::Person),
            Peer::Onlooker => (None, Who::Onlooker),
        };
        let connection = Connection { outbox, protocol, push, identity, who, session: None, online: None };
        self.lock().connections.insert(conn, connection);
    }

    /// The connection is gone.
    pub fn disconnect(&self, conn: ConnId) {
        let mut inner = self.lock();
        let Some(connection) = inner.connections.remove(&conn) else { return };
        if let Some(row) = connection.session
            && let Some(live) = inner.sessions.get_mut(&row)
        {
            live.connections.retain(|id| *id != conn);
            if live.connections.is_empty() {
                inner.sessions.remove(&row);
            }
        }
        drop(inner);
        drop(connection);
    }

    /// Who calls on this connection; a call is also a sign of life.
    pub fn caller(&self, conn: ConnId, now: Timestamp) -> Caller {
        let mut inner = self.lock();
        let Some(connection) = inner.connections.get(&conn) else {
            return Caller {
                protocol: PROTOCOL,
                session: None,
                superseded: false,
                identity: None,
                who: Who::Session,
            };
        };
        let (session, protocol, who) = (connection.session, connection.protocol, connection.who);
        let identity = connection.identity.clone();
        let live = session.and_then(|row| inner.sessions.get_mut(&row));
        match live {
            Some(live) => {
                live.last_call_at = now;
                let (session, superseded) = (Some(live.owner.clone()), live.superseded);
                Caller { protocol, session, superseded, identity, who }
            }
            None => Caller { protocol, session: None, superseded: false, identity, who },
        }
    }

    /// A call on this connection is done: the mailbox of its session, if it has a name.
    pub fn done(&self, conn: ConnId, now: Timestamp) -> Option<String> {
        let mut inner = self.lock();
        let row = inner.connections.get(&conn)?.session?;
        let live = inner.sessions.get_mut(&row)?;
        live.last_call_at = now;
        (!live.superseded).then(|| live.owner.mailbox.clone())
    }

    /// What a session does, as others see it.
    pub fn activity(&self, row: Row) -> Activity {
        self.lock().sessions.get(&row).map_or_else(Activity::default, |live| Activity {
            waiting: live.waits > 0,
            last_call_at: Some(live.last_call_at),
        })
    }

    /// Mail or a new name: whoever waits in these sessions looks again.
    pub fn wake(&self, rows: impl IntoIterator<Item = Row>) {
        let inner = self.lock();
        for row in rows {
            if let Some(live) = inner.sessions.get(&row) {
                live.changed.notify_waiters();
            }
        }
    }

    /// Tells every connection of a session; the newest gets `newest`, the others `others`.
    pub fn tell_session(&self, row: Row, newest: &Event, others: &Event) {
        let inner = self.lock();
        let Some((last, rest)) = inner.sessions.get(&row).and_then(|live| live.connections.split_last())
        else {
            return;
        };
        inner.tell(rest, others);
        inner.tell(&[*last], newest);
    }

    /// A connected session as it is now, and whether another one took its name.
    pub fn owner(&self, row: Row) -> Option<(Owner, bool)> {
        self.lock().sessions.get(&row).map(|live| (live.owner.clone(), live.superseded))
    }

    /// Parks a wait for mail. From here on a wake-up cannot be missed; look into the store after this.
    pub fn park(&self, row: Row) -> Option<Parked> {
        let mut inner = self.lock();
        let live = inner.sessions.get_mut(&row)?;
        live.waits += 1;
        let changed = Arc::clone(&live.changed);
        inner.waits += 1;
        Some(Parked::new(Place::Session(row), changed, &self.inner))
    }

    /// What is notified when the session's name or mail changes, for a wait that is not for mail. Never, if it is gone.
    pub fn follow(&self, row: Row) -> Arc<Notify> {
        self.lock().sessions.get(&row).map(|live| Arc::clone(&live.changed)).unwrap_or_default()
    }

    /// Parks a watch on a key of the shared state.
    pub fn watch(&self, key: &str) -> Parked {
        let mut inner = self.lock();
        let (changed, count) = inner.watches.entry(key.to_owned()).or_default();
        *count += 1;
        let changed = Arc::clone(changed);
        inner.waits += 1;
        Parked::new(Place::Key(key.to_owned()), changed, &self.inner)
    }

    /// A key changed: whoever watches it looks again.
    pub fn wake_watches(&self, key: &str) {
        if let Some((changed, _)) = self.lock().watches.get(key) {
            changed.notify_waiters();
        }
    }

    /// What is notified of every message that is on disk.
    pub fn traffic(&self) -> Arc<Notify> {
        Arc::clone(&self.lock().traffic)
    }

    /// A message is on disk: whoever follows the traffic looks again.
    pub fn wake_traffic(&self) {
        self.lock().traffic.notify_waiters();
    }

    /// The names of connected sessions.
    pub fn names(&self) -> Vec<String> {
        let inner = self.lock();
        inner.sessions.values().filter(|live| !live.superseded).map(|live| live.owner.name.clone()).collect()
    }

    /// Connections and parked waits and watches.
    pub fn totals(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.connections.len(), inner.waits)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NameFollower for Hub {
    fn attached(&self, conn: ConnId, session: &Attached<'_>) {
        let mut inner = self.lock();
        let released = inner.attach(conn, session);
        inner.tell_siblings(conn, session);
        // A guard tells the store when it goes: never under the lock.
        drop(inner);
        drop(released);
    }

    fn superseded(&self, row: Row, now: &SessionState) {
        let mut inner = self.lock();
        let Some(live) = inner.sessions.get_mut(&row) else { return };
        live.superseded = true;
        live.owner.name.clone_from(&now.name);
        live.changed.notify_waiters();
        let connections = live.connections.clone();
        inner.tell(&connections, &Event::Session(now.clone()));
        let mut released = Vec::new();
        for id in connections {
            released.extend(inner.connections.get_mut(&id).and_then(|connection| connection.online.take()));
        }
        drop(inner);
        drop(released);
    }
}

impl Inner {
    /// The connection, and after a registration the other connections of the session that it belonged to before, belong
    /// to this session now. The guards that they had are returned.
    fn attach(&mut self, conn: ConnId, session: &Attached<'_>) -> Vec<OnlineGuard> {
        // It may be gone by the time its registration is on disk; then nobody is there to be online.
        let Some(connection) = self.connections.get(&conn) else { return Vec::new() };
        let (before, row, push) = (connection.session, session.owner.row, connection.push);
        let mut moving = vec![conn];
        if let Some(before) = before.filter(|before| *before != row)
            && let Some(live) = self.sessions.remove(&before)
        {
            moving.extend(live.connections.iter().copied().filter(|other| *other != conn));
            live.changed.notify_waiters();
        }
        let expected = self.expected.remove(&row);
        let mark = push.announced.or(expected).unwrap_or(push.began_after);
        let live = self.sessions.entry(row).or_insert_with(|| Live::new(session.owner, session.at, mark));
        live.told.raise(push.announced.unwrap_or_default());
        live.owner.clone_from(session.owner);
        live.superseded = session.superseded;
        for id in &moving {
            if !live.connections.contains(id) {
                live.connections.push(*id);
            }
        }
        live.changed.notify_waiters();
        let mut released = Vec::new();
        for id in &moving {
            let guard = session.online.as_ref().map(OnlineGuard::another);
            if let Some(connection) = self.connections.get_mut(id) {
                connection.session = Some(row);
                released.extend(std::mem::replace(&mut connection.online, guard));
            }
        }
        released
    }

    /// The session's other connections learn its row and name.
    fn tell_siblings(&self, conn: ConnId, session: &Attached<'_>) {
        let Some(live) = self.sessions.get(&session.owner.row) else { return };
        let siblings: Vec<ConnId> = live.connections.iter().copied().filter(|id| *id != conn).collect();
        let now = SessionState {
            session_id: session.owner.session_id.clone(),
            name: session.owner.name.clone(),
            superseded: session.superseded,
            displaced: None,
        };
        self.tell(&siblings, &Event::Session(now));
    }

    fn tell(&self, connections: &[ConnId], event: &Event) {
        for id in connections {
            if let Some(connection) = self.connections.get(id) {
                connection.outbox.event(event.clone());
            }
        }
    }
}

impl Live {
    fn new(owner: &Owner, now: Timestamp, mark: MessageId) -> Self {
        Self {
            owner: owner.clone(),
            superseded: false,
            connections: Vec::new(),
            last_call_at: now,
            waits: 0,
            changed: Arc::default(),
            told: Told::new(mark),
        }
    }
}
