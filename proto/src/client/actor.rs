//! The task behind a client: one loop while there is a connection, one while there is none.

use super::calls::Calls;
use super::config::{ClientConfig, Timing};
use super::events::Events;
use super::link::{Link, LinkEnd, Peer};
use super::reach::{Reach, is_final, unreachable};
use super::{ClientEvent, Command};
use crate::codec::{Heard, Strange};
use crate::error::{Error, ErrorCode};
use crate::event::{Closing, Event};
use crate::frame::{ClientFrame, ServerFrame};
use crate::hello::{Hello, MAGIC, PROTOCOL, PROTOCOL_MIN, Role, SessionState, Welcome};
use crate::id::MessageId;
use crate::push;
use crate::response::{Registered, Response};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Runs until the last handle is gone.
pub(super) async fn run(
    config: ClientConfig,
    timing: Timing,
    commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::Sender<ClientEvent>,
    session: watch::Sender<Option<SessionState>>,
) {
    let mut reach = Reach::new(timing);
    let mut actor = Actor {
        timing,
        commands,
        calls: Calls::new(timing),
        events: Events::new(events),
        session,
        store_id: None,
        announced: None,
        last_error: unreachable(&config, "nothing answered in time"),
        config,
    };
    let mut pause = None;
    while let Ok(link) = actor.connect(&mut reach, pause).await {
        let since = Instant::now();
        let Ok(end) = Box::pin(actor.serve(link)).await else { return };
        actor.events.push(ClientEvent::Disconnected);
        end.log();
        pause = reach.ended(since.elapsed());
        if end.closing == Some(Closing::HandingOver) {
            reach.leave_to_service();
        }
    }
}

/// How a connection ended.
struct End {
    reason: LinkEnd,
    /// What the broker said before.
    closing: Option<Closing>,
}

impl End {
    fn log(&self) {
        let (reason, closing) = (&self.reason, self.closing);
        match reason {
            LinkEnd::Closed | LinkEnd::Broken(_) => tracing::debug!(%reason, ?closing, "connection ended"),
            LinkEnd::NoFrame(_) | LinkEnd::SecondHello => tracing::warn!(%reason, "connection given up"),
        }
    }
}

/// The last handle was dropped.
struct HandlesGone;

struct Actor {
    config: ClientConfig,
    timing: Timing,
    commands: mpsc::UnboundedReceiver<Command>,
    calls: Calls,
    events: Events,
    session: watch::Sender<Option<SessionState>>,
    store_id: Option<String>,
    /// Mail up to this id needs no announcement any more. The broker forgets it when it ends, so that each hello says it.
    announced: Option<MessageId>,
    /// Why the latest attempt failed.
    last_error: Error,
}

/// What ended a stretch without a connection.
enum Offline<T> {
    Done(T),
    NewCall,
}

impl Actor {
    /// Tries until there is a connection; after a pause, if the last one did not hold.
    async fn connect(&mut self, reach: &mut Reach, pause: Option<Duration>) -> Result<Link, HandlesGone> {
        let since = Instant::now();
        if let Some(pause) = pause {
            self.meanwhile(since, true, sleep(pause)).await?;
        }
        self.last_error = unreachable(&self.config, "nothing answered in time");
        let config = self.config.clone();
        loop {
            // On the heap for as long as it takes: it is the larger part of this task.
            let attempt = Box::pin(reach.attempt(&config, self.hello()));
            let failed = match self.meanwhile(since, false, attempt).await? {
                Offline::Done(Ok((link, welcome))) => {
                    self.welcomed(welcome);
                    return Ok(link);
                }
                Offline::Done(Err(error)) => error,
                Offline::NewCall => continue,
            };
            tracing::debug!(code = %failed.code, "no connection to a broker");
            if is_final(&failed) {
                self.calls.fail_all(&failed);
            }
            let pause = reach.pause(&failed, !self.calls.is_empty());
            self.last_error = failed;
            if let Offline::NewCall = self.meanwhile(since, true, sleep(pause)).await? {
                reach.hurry();
            }
        }
    }

    /// Takes commands and lets calls time out until the future is done; or until a call comes, if that is asked for.
    async fn meanwhile<T>(
        &mut self,
        outage_since: Instant,
        until_call: bool,
        future: impl Future<Output = T>,
    ) -> Result<Offline<T>, HandlesGone> {
        tokio::pin!(future);
        loop {
            let deadline = self.calls.next_deadline(Some(outage_since));
            tokio::select! {
                // What the attempt came to is the reason that calls are told whose time ends in the same moment.
                biased;
                done = &mut future => return Ok(Offline::Done(done)),
                command = self.commands.recv() => match command.ok_or(HandlesGone)? {
                    Command::Call { id, request, made_before, answer } => {
                        self.calls.add(id, request, made_before, answer);
                        if until_call {
                            return Ok(Offline::NewCall);
                        }
                    }
                    Command::Cancel { id } => { self.calls.cancel(id); }
                },
                () = until(deadline) => { self.calls.expire(Some(outage_since), &self.last_error); }
                () = self.events.deliver() => {}
            }
        }
    }

    /// Carries calls and answers until the connection ends.
    async fn serve(&mut self, mut link: Link) -> Result<End, HandlesGone> {
        let mut closing: Option<Closing> = None;
        let mut close_by: Option<Instant> = None;
        self.calls.send_all_again();
        loop {
            // What a closing broker would not answer any more waits for the next one.
            if closing.is_none() {
                let session = self.session.borrow();
                self.calls.send_to(&mut link, session.as_ref().map(|session| session.session_id.as_str()));
            }
            let deadline = self.calls.next_deadline(None).into_iter().chain(close_by).min();
            let step = tokio::select! {
                command = self.commands.recv() => {
                    self.command(command.ok_or(HandlesGone)?, &mut link);
                    continue;
                }
                step = link.step() => step,
                () = until(deadline) => {
                    for id in self.calls.expire(None, &self.no_answer()) {
                        cancel(&mut link, id);
                    }
                    if close_by.is_none_or(|at| Instant::now() < at) {
                        continue;
                    }
                    Err(LinkEnd::Closed)
                }
                () = self.events.deliver() => continue,
            };
            let received = step.and_then(|heard| match heard {
                None => Ok(None),
                Some(Heard::Frame(frame)) => self.received(frame),
                Some(Heard::Strange(strange)) => self.not_understood(strange, link.broker()),
            });
            match received {
                Ok(None) => {}
                Ok(reason) => {
                    closing = reason;
                    close_by = Some(Instant::now() + self.timing.closing_max);
                }
                Err(reason) => return Ok(End { reason, closing }),
            }
        }
    }

    fn command(&mut self, command: Command, link: &mut Link) {
        match command {
            Command::Call { id, request, made_before, answer } => {
                self.calls.add(id, request, made_before, answer);
            }
            Command::Cancel { id } => {
                if self.calls.cancel(id) {
                    cancel(link, id);
                }
            }
        }
    }

    /// Takes in one frame; `Some` if the broker is about to close the connection.
    fn received(&mut self, frame: ServerFrame) -> Result<Option<Closing>, LinkEnd> {
        match frame {
            ServerFrame::Reply(reply) => {
                if let Ok(Response::Registered(registered)) = &reply.result {
                    self.session.send_replace(Some(now_called(registered)));
                }
                self.calls.settle(reply);
                Ok(None)
            }
            ServerFrame::Event(event) => {
                if let Event::Session(state) = &event {
                    self.session.send_replace(Some(state.clone()));
                }
                if let Event::Announced(announced) = &event {
                    self.note_announced(Some(announced.up_to));
                }
                let closing = if let Event::Closing(reason) = &event { Some(*reason) } else { None };
                self.events.push(ClientEvent::Event(event));
                Ok(closing)
            }
            ServerFrame::Welcome(_) | ServerFrame::Refused(_) => Err(LinkEnd::SecondHello),
        }
    }

    /// Takes in what only a newer broker says: an answer that cannot be read fails its call, the rest is passed over.
    fn not_understood(&mut self, strange: Strange, broker: &Peer) -> Result<Option<Closing>, LinkEnd> {
        match strange {
            Strange { kind: ServerFrame::REPLY, id: Some(id), error, .. } => {
                tracing::warn!(id, %error, "an answer cannot be read");
                self.calls.answered_strangely(id, broker);
                Ok(None)
            }
            Strange { kind, error, .. } if kind <= ServerFrame::REPLY => Err(LinkEnd::NoFrame(error)),
            Strange { kind, .. } => {
                tracing::debug!(kind, "passed over what the broker said");
                Ok(None)
            }
        }
    }

    fn welcomed(&mut self, welcome: Welcome) {
        if let Some(before) = self.store_id.replace(welcome.store_id.clone())
            && before != welcome.store_id
        {
            tracing::warn!(before, now = welcome.store_id, "the store was replaced by another one");
            self.announced = None;
        }
        self.session.send_replace(welcome.session.clone());
        let announced = welcome.extra.iter().find(|(key, _)| key == push::ANNOUNCED);
        self.note_announced(announced.and_then(|(_, id)| id.parse().ok()));
        self.events.push(ClientEvent::Connected(welcome));
    }

    /// The hello of the next connection, which takes up the session that the last one had.
    fn hello(&self) -> Hello {
        let mut role = self.config.role.clone();
        if let Role::Session(identity) | Role::Person(identity) = &mut role
            && let Some(session) = &*self.session.borrow()
        {
            identity.session_id = Some(session.session_id.clone());
        }
        Hello {
            magic: MAGIC,
            protocol_min: PROTOCOL_MIN,
            protocol_max: PROTOCOL,
            build: self.config.build.clone(),
            role,
            extra: self.extra(),
        }
    }

    fn extra(&self) -> Vec<(String, String)> {
        let announced = self.announced.map(|id| (push::ANNOUNCED.to_owned(), id.to_string()));
        self.config.extra.iter().cloned().chain(announced).collect()
    }

    fn note_announced(&mut self, up_to: Option<MessageId>) {
        self.announced = self.announced.max(up_to);
    }

    fn no_answer(&self) -> Error {
        Error::new(
            ErrorCode::BrokerUnreachable,
            format!(
                "the broker at {} is connected, but has not answered within {:?}",
                self.config.paths.address, self.timing.answer_max
            ),
            format!(
                "see its log {}; if it hangs, end it: the next call starts another",
                self.config.paths.log.display()
            ),
        )
    }
}

fn now_called(registered: &Registered) -> SessionState {
    SessionState {
        session_id: registered.session_id.clone(),
        name: registered.name.clone(),
        superseded: false,
        displaced: None,
    }
}

fn cancel(link: &mut Link, id: u64) {
    // A frame of two numbers can always be encoded.
    let _ = link.queue(&ClientFrame::Cancel { id });
}

/// Sleeps until then; for ever if there is no deadline, without a timer.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
