//! A client that survives its broker: calls are made as if there always were one.
//!
//! Behind each [`Client`] one task owns the connection and the calls that have no answer yet. A connection that breaks
//! is made anew (with a broker that is started if need be), the session is taken up again, and every call without an
//! answer is sent once more, in order; its key makes that harmless. A connected client that waits costs nothing: no
//! timer runs but the deadlines of calls in flight.
//!
//! Owns reconnecting, replay and deadlines. Does not know what a call means, but whether it waits and has a key.

mod actor;
mod calls;
mod config;
mod events;
mod link;
mod reach;
mod start;
mod turn;

#[cfg(test)]
mod tests;

pub use config::{BrokerCommand, ClientConfig, Start};
pub use start::{find as find_broker, not_found as broker_not_found};

use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::frame::MailCount;
use crate::hello::{SessionState, Welcome};
use crate::limits::CALLS_IN_FLIGHT;
use crate::request::Request;
use crate::response::Response;
use config::Timing;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

/// Events that wait for whoever receives them; beyond it the older of a kind give way.
const EVENTS_WAITING_MAX: usize = 64;

/// A handle to the broker. Cheap to clone; when the last one is dropped the connection closes.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    commands: mpsc::UnboundedSender<Command>,
    next_id: AtomicU64,
    /// One permit per call in flight: what bounds the commands too.
    slots: Semaphore,
    session: watch::Receiver<Option<SessionState>>,
}

/// From a handle to the task.
#[derive(Debug)]
enum Command {
    Call { id: u64, request: Request, made_before: bool, answer: AnswerSender },
    Cancel { id: u64 },
}

type AnswerSender = oneshot::Sender<Result<Answer, CallError>>;

/// What the broker answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer itself.
    pub response: Response,
    /// The session's mail after the call, if it is registered.
    pub mail: Option<MailCount>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CallError {
    /// The broker's own error, or why it could not be reached.
    pub error: Error,
    /// The call's key, when it is unknown whether the change was made. The same call with this key settles it, as
    /// long as the session is the same; without the key it could be done twice, so `retry_safe` is false then.
    pub key: Option<String>,
    /// The session's mail after the call, if the broker answered and the session is registered.
    pub mail: Option<MailCount>,
}

impl CallError {
    /// A call that certainly changed nothing.
    const fn unsent(error: Error) -> Self {
        Self { error, key: None, mail: None }
    }

    /// With the key of a call whose outcome is unknown: made again without that key it could be done twice.
    fn new(mut error: Error, key: Option<String>, mail: Option<MailCount>) -> Self {
        error.retry_safe = error.retry_safe && key.is_none();
        Self { error, key, mail }
    }
}

/// What happens without being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// A broker accepted the connection.
    Connected(Welcome),
    /// The connection is gone; it is being made anew.
    Disconnected,
    /// The broker said something.
    Event(Event),
}

impl Client {
    /// Starts to connect, and returns at once. Events nobody takes are no harm: the newest of each kind is kept.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn open(config: ClientConfig) -> (Self, mpsc::Receiver<ClientEvent>) {
        Self::open_with(config, Timing::default())
    }

    fn open_with(config: ClientConfig, timing: Timing) -> (Self, mpsc::Receiver<ClientEvent>) {
        let (commands, commands_in) = mpsc::unbounded_channel();
        let (events_out, events) = mpsc::channel(EVENTS_WAITING_MAX);
        let (session_out, session) = watch::channel(None);
        // Boxed: to begin a task moves it about on the stack several times, and what the stack has grown to stays.
        tokio::spawn(Box::pin(actor::run(config, timing, commands_in, events_out, session_out)));
        let shared =
            Shared { commands, next_id: AtomicU64::new(1), slots: Semaphore::new(CALLS_IN_FLIGHT), session };
        (Self { shared: Arc::new(shared) }, events)
    }

    /// Asks, and waits for the answer, over as many connections as it takes. While no broker answers it waits for at
    /// most [`crate::limits::BROKER_START_TIMEOUT_S`]. Dropping the future cancels the call: a wait ends, a change
    /// that is under way is completed.
    ///
    /// # Errors
    /// The broker's own error; `broker_unreachable` if there is no broker, or it does not answer in time;
    /// `store_refused` or `version_mismatch` if that is why; `too_large` if the request fits no frame; `broker_busy`
    /// if [`CALLS_IN_FLIGHT`] calls of this client are not answered yet.
    pub async fn call(&self, request: Request) -> Result<Answer, CallError> {
        self.make(request, false).await
    }

    /// As [`Client::call`], with a key under which the call may have been made before: then an error that is said before
    /// the broker looks for the key does not say that nothing was done.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_again(&self, request: Request) -> Result<Answer, CallError> {
        self.make(request, true).await
    }

    async fn make(&self, request: Request, made_before: bool) -> Result<Answer, CallError> {
        let known = || request.key().filter(|_| made_before).map(str::to_owned);
        let Ok(_slot) = self.shared.slots.try_acquire() else {
            return Err(CallError::new(too_many(), known(), None));
        };
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        let (kind, began, key) = (request.kind(), Instant::now(), request.key().map(str::to_owned));
        let command = Command::Call { id, request, made_before, answer };
        self.shared.commands.send(command).map_err(|_| CallError::unsent(ended()))?;
        let mut guard = CancelOnDrop { id, commands: Some(&self.shared.commands) };
        let result = answered.await;
        guard.commands = None;
        self.log(id, kind, began, result.as_ref().ok());
        // The task is gone; what it had sent may be done.
        result.unwrap_or_else(|_| Err(CallError::new(ended(), key, None)))
    }

    /// The broker logs the same session and the same number of the call.
    fn log(&self, call: u64, kind: &str, began: Instant, answer: Option<&Result<Answer, CallError>>) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let session = self.session().map(|session| session.session_id);
        let code = answer.and_then(|answer| answer.as_ref().err()).map(|failed| failed.error.code.as_str());
        let us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(session, call, kind, us, code, "call answered");
    }

    /// The session as it was last heard of: from a welcome, a registration or an event. `None` before the first
    /// welcome, and for a connection without a session.
    #[must_use]
    pub fn session(&self) -> Option<SessionState> {
        self.shared.session.borrow().clone()
    }
}

/// Tells the task that nobody waits for the answer any more.
struct CancelOnDrop<'a> {
    id: u64,
    commands: Option<&'a mpsc::UnboundedSender<Command>>,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(commands) = self.commands {
            let _ = commands.send(Command::Cancel { id: self.id });
        }
    }
}

fn too_many() -> Error {
    Error::new(
        ErrorCode::BrokerBusy,
        format!(
            "{CALLS_IN_FLIGHT} calls of this client are not answered yet, the limit is {CALLS_IN_FLIGHT} calls"
        ),
        "wait until some of them are answered, or cancel waits that are no longer needed",
    )
}

/// Only when the runtime goes down: the task lives as long as there is a handle.
fn ended() -> Error {
    Error::new(
        ErrorCode::BrokerUnreachable,
        "the connection to the broker was shut down with this program",
        "start the program again",
    )
}
