//! What the hub knows of nudges: what each client offers, and how far each session has been told. The rules are
//! [`crate::nudge::pace`]'s.

use super::{Connection, Hub, Inner, Live};
use crate::nudge::pace::{Grant, Pace};
use crate::session::{ConnId, Row};
use c2c_proto::event::{Event, Nudge};
use c2c_proto::hello::Identity;
use c2c_proto::id::MessageId;
use c2c_proto::limits::PUSH_STATES_MAX;
use c2c_proto::push::{Choice, Way};
use c2c_proto::response::{PushOutcome, PushState};
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// What a connection's client offers, and what a person chose for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Push {
    /// `C2C_PUSH`, else the configuration.
    pub choice: Choice,
    /// Whether the shim has the client's inbox socket.
    pub inbox_socket: bool,
    /// Mail up to this id needs no announcement.
    pub announced: MessageId,
}

impl Push {
    const fn way(self) -> Option<Way> {
        self.choice.way(self.inbox_socket)
    }
}

/// How far a session has been told, and who tells it.
#[derive(Debug)]
pub(super) struct Told {
    pace: Pace,
    /// Held by whoever takes mail to announce it.
    taking: Arc<tokio::sync::Mutex<()>>,
    /// Wakes the hook that waits for something to announce.
    due: Arc<Notify>,
    /// Ends when another hook takes its place.
    watcher: Option<oneshot::Sender<()>>,
    /// Somebody waits for the time of a repeat.
    repeats: bool,
    last: Option<PushOutcome>,
}

impl Told {
    pub(super) fn new(announced: MessageId) -> Self {
        Self {
            pace: Pace::new(announced, Instant::now()),
            taking: Arc::default(),
            due: Arc::default(),
            watcher: None,
            repeats: false,
            last: None,
        }
    }
}

impl Hub {
    fn pace<T>(&self, row: Row, ask: impl FnOnce(&mut Pace) -> T) -> Option<T> {
        self.lock().sessions.get_mut(&row).map(|live| ask(&mut live.told.pace))
    }

    /// Mail for this session is on disk. `true`: the caller has to care for its announcement.
    pub(crate) fn mail_came(&self, row: Row) -> bool {
        let mut inner = self.lock();
        let Some(live) = inner.sessions.get_mut(&row) else { return false };
        let waiting = live.waits > 0;
        live.told.pace.mail_came(waiting, Instant::now())
    }

    pub(crate) fn next_due(&self, row: Row) -> Option<Instant> {
        self.pace(row, Pace::next_due).flatten()
    }

    pub(crate) fn settle(&self, row: Row) {
        self.pace(row, Pace::settle);
    }

    pub(crate) fn announced(&self, row: Row) -> Option<MessageId> {
        self.pace(row, |pace| pace.announced())
    }

    pub(crate) fn allows(&self, row: Row, sender: &str) -> bool {
        self.pace(row, |pace| pace.allows(sender, Instant::now())).unwrap_or_default()
    }

    /// When a nudge of this session may go at the earliest.
    pub(crate) fn free_at(&self, row: Row) -> Option<Instant> {
        self.pace(row, |pace| pace.free_at()).flatten()
    }

    /// Mail was granted. `true`: the caller has to care for its repeat.
    pub(crate) fn granted(&self, row: Row, up_to: MessageId, senders: &[String], nudge: bool) -> bool {
        let mut inner = self.lock();
        let Some(live) = inner.sessions.get_mut(&row) else { return false };
        let senders: Vec<&str> = senders.iter().map(String::as_str).collect();
        live.told.pace.granted(up_to, &senders, nudge, Instant::now());
        nudge && !std::mem::replace(&mut live.told.repeats, true)
    }

    /// When something may have to be repeated; with `None` whoever cared for it is released.
    pub(crate) fn again_at(&self, row: Row) -> Option<Instant> {
        let mut inner = self.lock();
        let told = &mut inner.sessions.get_mut(&row)?.told;
        let at = told.pace.again_at();
        told.repeats = at.is_some();
        at
    }

    pub(crate) fn take_again(&self, row: Row) -> Option<Grant> {
        self.pace(row, |pace| pace.take_again(Instant::now())).flatten()
    }

    /// The session's model called something.
    pub(crate) fn active(&self, row: Row) {
        self.pace(row, |pace| pace.active(Instant::now()));
    }

    /// Lets one at a time take a session's mail.
    pub(crate) fn taking(&self, row: Row) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.lock().sessions.get(&row).map(|live| Arc::clone(&live.told.taking))
    }

    /// Whether a hook may announce this session's mail while it is idle: its shim cannot, and nobody forbade it.
    pub(crate) fn may_watch(&self, row: Row) -> bool {
        let inner = self.lock();
        let newest = inner.sessions.get(&row).and_then(|live| live.connections.last());
        let newest = newest.and_then(|id| inner.connections.get(id));
        inner.announcer(row).is_none() && newest.is_some_and(|found| found.push.choice == Choice::Auto)
    }

    /// The way of the newest connection that has one.
    pub(crate) fn way_of(&self, row: Row) -> Option<Way> {
        self.lock().announcer(row).and_then(|(_, connection)| connection.push.way())
    }

    /// Hands a nudge to the newest connection that has a way.
    pub(crate) fn nudge(&self, row: Row, nudge: Nudge) {
        let inner = self.lock();
        if let Some((_, connection)) = inner.announcer(row) {
            connection.outbox.event(Event::Nudge(nudge));
        }
    }

    /// How a nudge went: its mail is to be announced some other way if it did not arrive.
    pub(crate) fn pushed(&self, row: Row, up_to: MessageId, failed: bool, last: PushOutcome) {
        let mut inner = self.lock();
        let Some(live) = inner.sessions.get_mut(&row) else { return };
        live.told.last = Some(last);
        if failed {
            live.told.pace.failed(up_to);
        }
    }

    /// A hook waits for mail in the place of the one that waited before: what wakes it, and what ends it.
    pub(crate) fn watch_mail(&self, row: Row) -> Option<(Arc<Notify>, oneshot::Receiver<()>)> {
        let mut inner = self.lock();
        let told = &mut inner.sessions.get_mut(&row)?.told;
        let (replaced, ends) = oneshot::channel();
        told.watcher = Some(replaced);
        Some((Arc::clone(&told.due), ends))
    }

    pub(crate) fn wake_watcher(&self, row: Row) {
        if let Some(live) = self.lock().sessions.get(&row) {
            live.told.due.notify_one();
        }
    }

    /// The session of a client's process, if its shim is connected: that of this client session, else the newest.
    pub(crate) fn session_of_client(&self, client: &Identity) -> Option<(ConnId, Row)> {
        let inner = self.lock();
        let found = inner.connections.iter().filter_map(|(id, connection)| {
            let identity =
                connection.identity.as_ref().filter(|identity| identity.parent == client.parent)?;
            let same = client.client_session.is_some() && identity.client_session == client.client_session;
            connection.session.map(|row| (same, *id, row))
        });
        found.max().map(|(_, id, row)| (id, row))
    }

    /// What the client calls this connection's session now: what is known of it if that is new, else `None`.
    pub(crate) fn note_client_session(&self, conn: ConnId, client_session: &str) -> Option<Identity> {
        let mut inner = self.lock();
        let identity = inner.connections.get_mut(&conn)?.identity.as_mut()?;
        if identity.client_session.as_deref() == Some(client_session) {
            return None;
        }
        identity.client_session = Some(client_session.to_owned());
        Some(identity.clone())
    }

    /// How nudges reach the sessions that are online.
    pub(crate) fn push_states(&self) -> Vec<PushState> {
        let inner = self.lock();
        let mut states: Vec<PushState> =
            inner.sessions.iter().filter_map(|(row, live)| inner.push_state(*row, live)).collect();
        drop(inner);
        states.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        states.truncate(PUSH_STATES_MAX);
        states
    }
}

impl Inner {
    fn announcer(&self, row: Row) -> Option<(ConnId, &Connection)> {
        let connections = &self.sessions.get(&row)?.connections;
        let known =
            connections.iter().rev().filter_map(|id| self.connections.get(id).map(|found| (*id, found)));
        known.into_iter().find(|(_, connection)| connection.push.way().is_some())
    }

    fn push_state(&self, row: Row, live: &Live) -> Option<PushState> {
        let newest = live.connections.last().and_then(|id| self.connections.get(id))?;
        let connection = self.announcer(row).map_or(newest, |(_, connection)| connection);
        Some(PushState {
            name: live.owner.name.clone(),
            choice: connection.push.choice.to_string(),
            way: connection.push.way().map_or("hooks", Way::as_str).to_owned(),
            last: live.told.last.clone(),
        })
    }
}
