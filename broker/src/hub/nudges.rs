//! What the hub knows of nudges: what each client offers, and how far each session has been told. The rules are
//! [`crate::nudge::pace`]'s.

use super::{Connection, Hub, Inner, Live};
use crate::nudge::pace::{self, How, Pace};
use crate::session::{ConnId, Row};
use c2c_proto::event::{Event, Nudge};
use c2c_proto::hello::Identity;
use c2c_proto::id::MessageId;
use c2c_proto::limits::PUSH_STATES_MAX;
use c2c_proto::message::Message;
use c2c_proto::name::fold;
use c2c_proto::push::{Choice, Way};
use c2c_proto::response::{PushOutcome, PushState};
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// Sessions that a hook has registered, and whose shim has not come.
const EXPECTED_MAX: usize = 1_024;

/// What a connection's client offers, and what a person chose for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Push {
    /// `C2C_PUSH`, else the configuration.
    pub choice: Choice,
    /// Whether the shim has the client's inbox socket.
    pub inbox_socket: bool,
    /// Mail up to this id needs no announcement, as the client knows from an earlier connection.
    pub announced: Option<MessageId>,
    /// The newest message when it said hello: what was there before is left to the hook of the session's start.
    pub began_after: MessageId,
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
    /// Questions that the session is blocked on: their answers reach it that way.
    asks: Vec<MessageId>,
    /// Somebody waits for the time of a repeat.
    repeats: bool,
    last: Option<PushOutcome>,
}

/// Messages, sorted by what becomes of them.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// To be announced.
    pub(crate) told: Vec<Message>,
    /// Answers that a blocked question takes.
    pub(crate) held: Vec<MessageId>,
}

/// What follows from a grant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Granted {
    /// All of it was announced before.
    pub(crate) again: bool,
    /// The caller has to care for its repeat.
    pub(crate) care_for_repeat: bool,
}

impl Told {
    pub(super) fn new(mark: MessageId) -> Self {
        Self {
            pace: Pace::new(mark, Instant::now()),
            taking: Arc::default(),
            due: Arc::default(),
            watcher: None,
            asks: Vec::new(),
            repeats: false,
            last: None,
        }
    }

    /// Another connection of the session knows this.
    pub(super) fn raise(&mut self, mark: MessageId) {
        self.pace.raise(mark);
    }
}

impl Hub {
    fn pace<T>(&self, row: Row, ask: impl FnOnce(&mut Pace) -> T) -> Option<T> {
        self.lock().sessions.get_mut(&row).map(|live| ask(&mut live.told.pace))
    }

    /// Mail for this session is on disk; `taken`: perhaps somebody is about to show it. `true`: the caller has to care for
    /// its announcement.
    pub(crate) fn mail_came(&self, row: Row, taken: bool) -> bool {
        let mut inner = self.lock();
        let Some(live) = inner.sessions.get_mut(&row) else { return false };
        let waiting = taken || live.waits > 0;
        live.told.pace.mail_came(waiting, Instant::now())
    }

    pub(crate) fn next_due(&self, row: Row) -> Option<Instant> {
        self.pace(row, |pace| pace.next_due(Instant::now())).flatten()
    }

    pub(crate) fn settle(&self, row: Row) {
        self.pace(row, Pace::settle);
    }

    /// Only mail above this id can be to be announced.
    pub(crate) fn told_after(&self, row: Row) -> Option<MessageId> {
        self.pace(row, |pace| pace.after())
    }

    pub(crate) fn settled_mark(&self, row: Row) -> Option<MessageId> {
        self.pace(row, |pace| pace.settled())
    }

    /// Whether mail that was held back is to be announced.
    pub(crate) fn owes(&self, row: Row) -> bool {
        self.pace(row, |pace| pace.owes()).unwrap_or_default()
    }

    /// Which of these messages are to be told now, and which somebody else is about to take.
    pub(crate) fn sort_out(&self, row: Row, messages: Vec<Message>, all: bool) -> Sorted {
        let inner = self.lock();
        let Some(told) = inner.sessions.get(&row).map(|live| &live.told) else { return Sorted::default() };
        let mut sorted = Sorted::default();
        for message in messages {
            if all {
                sorted.told.push(message);
            } else if told.pace.wants(message.id) {
                if message.reply_to.is_some_and(|question| told.asks.contains(&question)) {
                    sorted.held.push(message.id);
                } else if told.pace.allows(&fold(&message.from_name), Instant::now()) {
                    sorted.told.push(message);
                }
            }
        }
        sorted
    }

    /// The session is blocked until this question is answered.
    pub(crate) fn asks(&self, row: Row, question: MessageId) {
        if let Some(live) = self.lock().sessions.get_mut(&row) {
            live.told.asks.push(question);
        }
    }

    /// It is not any more.
    pub(crate) fn asked(&self, row: Row, question: MessageId) {
        if let Some(live) = self.lock().sessions.get_mut(&row)
            && let Some(at) = live.told.asks.iter().position(|other| *other == question)
        {
            live.told.asks.swap_remove(at);
        }
    }

    /// When a nudge of this session may go at the earliest.
    pub(crate) fn free_at(&self, row: Row) -> Option<Instant> {
        self.pace(row, |pace| pace.free_at()).flatten()
    }

    /// Mail up to `up_to` was granted, but for what is held.
    pub(crate) fn granted(
        &self,
        row: Row,
        up_to: MessageId,
        held: &[MessageId],
        told: pace::Told,
        how: How,
    ) -> Granted {
        let mut inner = self.lock();
        let Some(live) = inner.sessions.get_mut(&row) else { return Granted::default() };
        let again = live.told.pace.granted(up_to, held, told, how, Instant::now());
        Granted {
            again,
            care_for_repeat: how != How::Beside && !std::mem::replace(&mut live.told.repeats, true),
        }
    }

    /// A nudge was handed to the client.
    pub(crate) fn handed_over(&self, row: Row, up_to: MessageId) {
        self.pace(row, |pace| pace.handed_over(up_to));
    }

    /// A nudge was not. `true`: the caller has to care for its mail.
    pub(crate) fn failed(&self, row: Row, up_to: MessageId) -> bool {
        self.pace(row, |pace| pace.failed(up_to, Instant::now())).unwrap_or_default()
    }

    /// When something may have to be repeated; with `None` whoever cared for it is released.
    pub(crate) fn again_at(&self, row: Row) -> Option<Instant> {
        let mut inner = self.lock();
        let told = &mut inner.sessions.get_mut(&row)?.told;
        let at = told.pace.again_at();
        told.repeats = at.is_some();
        at
    }

    /// Whether something is to be repeated now.
    pub(crate) fn take_again(&self, row: Row) -> bool {
        self.pace(row, |pace| pace.take_again(Instant::now())).unwrap_or_default()
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
        self.lock().announcer(row).and_then(|connection| connection.push.way())
    }

    /// Hands a nudge to the newest connection that has a way.
    pub(crate) fn nudge(&self, row: Row, nudge: Nudge) {
        let inner = self.lock();
        if let Some(connection) = inner.announcer(row) {
            connection.outbox.event(Event::Nudge(nudge));
        }
    }

    /// How the session was told the last time, for `c2c status`.
    pub(crate) fn note_outcome(&self, row: Row, last: PushOutcome) {
        if let Some(live) = self.lock().sessions.get_mut(&row) {
            live.told.last = Some(last);
        }
    }

    /// A hook waits for mail in the place of the one that waited before: what wakes it, and what ends it.
    pub(crate) fn watch_mail(&self, row: Row) -> Option<(Arc<Notify>, oneshot::Receiver<()>)> {
        let mut inner = self.lock();
        let told = &mut inner.sessions.get_mut(&row)?.told;
        let (replaced, ends) = oneshot::channel();
        if let Some(before) = told.watcher.replace(replaced) {
            // It may have ended by itself.
            let _ = before.send(());
        }
        Some((Arc::clone(&told.due), ends))
    }

    pub(crate) fn wake_watcher(&self, row: Row) {
        if let Some(live) = self.lock().sessions.get(&row) {
            live.told.due.notify_one();
        }
    }

    /// The session of a client, if its shim is connected: of the same process and the same client session, else of the same
    /// process, else (something lies between the client and its shim) of the same client session; of several the newest.
    pub(crate) fn session_of_client(&self, client: &Identity) -> Option<(ConnId, Row)> {
        let inner = self.lock();
        let found = inner.connections.iter().filter_map(|(id, connection)| {
            let identity = connection.identity.as_ref()?;
            let process = identity.parent == client.parent;
            let session = client.client_session.is_some() && identity.client_session == client.client_session;
            connection.session.filter(|_| process || session).map(|row| (process, session, *id, row))
        });
        found.max().map(|(_, _, id, row)| (id, row))
    }

    /// What is known of this connection's client, if it calls its session otherwise than `client_session`.
    pub(crate) fn called_otherwise(&self, conn: ConnId, client_session: &str) -> Option<Identity> {
        let inner = self.lock();
        let identity = inner.connections.get(&conn)?.identity.as_ref()?;
        (identity.client_session.as_deref() != Some(client_session)).then(|| Identity::clone(identity))
    }

    /// What the client calls this connection's session now.
    pub(crate) fn note_client_session(&self, conn: ConnId, client_session: &str) {
        let mut inner = self.lock();
        if let Some(identity) = inner.connections.get_mut(&conn).and_then(|found| found.identity.as_mut()) {
            Arc::make_mut(identity).client_session = Some(client_session.to_owned());
        }
    }

    /// A hook has told a session of its mail up to this id, before its shim has connected.
    pub(crate) fn expect(&self, row: Row, announced: MessageId) {
        let mut inner = self.lock();
        if inner.expected.len() == EXPECTED_MAX {
            // They never came.
            inner.expected.clear();
        }
        inner.expected.insert(row, announced);
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
    /// The newest connection of a session that has a way.
    fn announcer(&self, row: Row) -> Option<&Connection> {
        let connections = self.sessions.get(&row)?.connections.iter().rev();
        connections.filter_map(|id| self.connections.get(id)).find(|found| found.push.way().is_some())
    }

    fn push_state(&self, row: Row, live: &Live) -> Option<PushState> {
        let newest = live.connections.last().and_then(|id| self.connections.get(id))?;
        let connection = self.announcer(row).unwrap_or(newest);
        Some(PushState {
            name: live.owner.name.clone(),
            choice: connection.push.choice.to_string(),
            way: connection.push.way().map_or("hooks", Way::as_str).to_owned(),
            last: live.told.last.clone(),
        })
    }
}
