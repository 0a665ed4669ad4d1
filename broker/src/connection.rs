//! One client's connection, from its hello to its end.
//!
//! Owns the order of things: a hello first and in time, then calls side by side, each answered once; at the end the
//! waits stop and the changes finish. What a call means is `handle`'s business, what is sent is the outbox's.

use crate::Broker;
use crate::calls::{Calls, NotBegun};
use crate::handle;
use crate::hub::Caller;
use crate::outbox::{Outbox, WriteEnd};
use crate::session::ConnId;
use c2c_proto::codec::{FrameError, Heard, Strange, Tolerant};
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::event::{Closing, Event};
use c2c_proto::frame::{ClientFrame, MailCount, Reply, ServerFrame};
use c2c_proto::hello::{Hello, MAGIC};
use c2c_proto::limits::HELLO_TIMEOUT_S;
use c2c_proto::request::Request;
use c2c_proto::response::Response;
use futures_util::{FutureExt, StreamExt};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::codec::FramedRead;
use tokio_util::task::TaskTracker;

/// An idle connection costs no more than this for reading; longer frames get their own buffer.
const READ_BUFFER_BYTES: usize = 512;
/// How long the changes in flight of a broker that goes down may take.
pub(crate) const CHANGES_FINISH_WITHIN: Duration = Duration::from_millis(1_200);
/// How long the last bytes of a connection may take.
pub(crate) const LAST_BYTES_WITHIN: Duration = Duration::from_millis(200);

type Frames<S> = FramedRead<ReadHalf<S>, Tolerant<ClientFrame, ServerFrame>>;

/// Why a connection ends.
enum End {
    /// The client closed it, or it broke.
    Gone,
    /// The client does not keep to the protocol.
    Faulty(String),
    /// The client does not read.
    Slow,
    /// The broker goes down.
    Down(Closing),
}

/// Serves a connection to its end. `calls` counts the calls of all connections that are still running.
pub(crate) async fn serve<S>(broker: Arc<Broker>, conn: ConnId, stream: S, calls: TaskTracker)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (reader, writer) = tokio::io::split(stream);
    let mut frames: Frames<S> =
        FramedRead::with_capacity(reader, Tolerant::before_hello(), READ_BUFFER_BYTES);
    let hello = match hello(&broker, conn, &mut frames).await {
        Some(Ok(hello)) => hello,
        Some(Err(error)) => return refuse(writer, error).await,
        None => return,
    };
    let client = hello.build.clone();
    let outbox = Outbox::new();
    let presence = Presence { broker: Arc::clone(&broker), conn };
    match handle::hello(&broker, conn, outbox.clone(), hello).await {
        Ok(welcome) => outbox.first(&ServerFrame::Welcome(welcome)),
        Err(error) => {
            tracing::info!(conn, %error, "hello refused");
            drop(presence);
            refuse(writer, error).await;
            return;
        }
    }
    frames.decoder_mut().accept_full_frames();
    let session = Session { broker, conn, client, outbox, calls: Calls::default(), tasks: calls, presence };
    session.run(frames, writer).await;
}

/// Tells a client that it is not served, and closes.
pub(crate) async fn refuse<W: AsyncWrite + Unpin>(writer: W, error: Error) {
    let outbox = Outbox::new();
    outbox.frame(&ServerFrame::Refused(error));
    outbox.end();
    // A client that does not even take this has to do without.
    let _ = timeout(LAST_BYTES_WITHIN, outbox.write_to(writer)).await;
}

/// The first frame, if it is a hello and comes in time; the error is for a client that says hello in a newer way.
async fn hello<S: AsyncRead>(
    broker: &Broker,
    conn: ConnId,
    frames: &mut Frames<S>,
) -> Option<Result<Hello, Error>> {
    let first = tokio::select! {
        first = timeout(Duration::from_secs(HELLO_TIMEOUT_S), frames.next()) => first,
        _ = broker.shutdown.begun() => return None,
    };
    match first {
        Ok(Some(Ok(Heard::Frame(ClientFrame::Hello(hello))))) => return Some(Ok(hello)),
        Ok(Some(Ok(Heard::Strange(Strange {
            kind: ClientFrame::HELLO, hello: Some(start), error, ..
        }))))
            if start.magic == MAGIC =>
        {
            tracing::warn!(conn, client = start.build, fault = told(&error), "hello refused");
            return Some(Err(handle::strange_hello(broker, &start)));
        }
        Ok(Some(Ok(_))) => tracing::warn!(conn, "closed: the first frame is no hello"),
        Ok(Some(Err(error))) => {
            tracing::warn!(conn, fault = told(&error), "closed: the first frame is no hello");
        }
        Ok(None) => tracing::debug!(conn, "closed by the client before a hello"),
        Err(_elapsed) => tracing::warn!(conn, "closed: no hello within {HELLO_TIMEOUT_S} s"),
    }
    None
}

/// An error with what is behind it, on one line.
fn told(error: &FrameError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A connection whose hello was accepted.
struct Session {
    broker: Arc<Broker>,
    conn: ConnId,
    /// The client's version, for messages.
    client: String,
    outbox: Outbox,
    calls: Calls,
    tasks: TaskTracker,
    presence: Presence,
}

/// Whoever is connected is present; dropping it, even in a panic, ends that.
struct Presence {
    broker: Arc<Broker>,
    conn: ConnId,
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Of a broker that goes down the clients stay present: the next one keeps their names for them.
        if self.broker.shutdown.reason().is_none() {
            handle::closed(&self.broker, self.conn);
        }
    }
}

impl Session {
    async fn run<S>(self, mut frames: Frames<S>, writer: WriteHalf<S>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let outbox = self.outbox.clone();
        let mut writing = tokio::spawn(async move { outbox.write_to(writer).await });
        let end = self.read(&mut frames, &mut writing).await;
        if let End::Down(reason) = end {
            self.wind_up(reason, &mut frames).await;
        }
        self.finish(&end, writing).await;
    }

    /// Takes frames until the connection is to end.
    async fn read<S: AsyncRead>(&self, frames: &mut Frames<S>, writing: &mut JoinHandle<WriteEnd>) -> End {
        let mut cut = pin!(self.outbox.cut());
        let mut down = pin!(self.broker.shutdown.begun());
        loop {
            let frame = tokio::select! {
                biased;
                reason = &mut down => return End::Down(reason),
                () = &mut cut => return End::Slow,
                _ = &mut *writing => return End::Gone,
                frame = frames.next() => frame,
            };
            match frame {
                Some(Ok(Heard::Frame(ClientFrame::Call { id, request }))) => {
                    if let Err(fault) = self.begin(id, request) {
                        return End::Faulty(fault);
                    }
                }
                Some(Ok(Heard::Frame(ClientFrame::Cancel { id }))) => self.calls.cancel(id),
                Some(Ok(Heard::Frame(ClientFrame::Hello(_)))) => {
                    return End::Faulty("a second hello".to_owned());
                }
                Some(Ok(Heard::Strange(strange))) => {
                    if let Err(fault) = self.not_understood(strange) {
                        return End::Faulty(fault);
                    }
                }
                Some(Err(FrameError::Io(error))) => {
                    tracing::debug!(conn = self.conn, %error, "connection broken");
                    return End::Gone;
                }
                Some(Err(error)) => return End::Faulty(told(&error)),
                None => return End::Gone,
            }
            // A long frame's buffer would stay with the connection for good.
            let buffer = frames.read_buffer_mut();
            if buffer.is_empty() {
                *buffer = bytes::BytesMut::new();
            }
        }
    }

    /// Starts a call in a task of its own; the error is a fault of the client's.
    fn begin(&self, id: u64, request: Request) -> Result<(), String> {
        let most = self.broker.config.limits.calls_in_flight;
        let waits = request.wait_ms().is_some();
        let caller = handle::caller(&self.broker, self.conn);
        let begun = self.calls.begin(id, waits, most, || {
            let call = run_call(
                Arc::clone(&self.broker),
                self.conn,
                self.outbox.clone(),
                self.calls.clone(),
                id,
                caller,
                request,
            );
            self.tasks.spawn(call).abort_handle()
        });
        match begun {
            Ok(()) => Ok(()),
            Err(NotBegun::SameId) => Err(format!("call id {id} twice at once")),
            Err(NotBegun::TooMany) => {
                let error = Error::new(
                    ErrorCode::BrokerBusy,
                    format!("{most} calls of this session are not answered yet, the limit is {most}"),
                    "wait for some of them, or cancel some",
                );
                self.outbox.reply(Reply { id, mail: None, result: Err(error) });
                Ok(())
            }
        }
    }

    /// Answers what only a newer client would ask; the error is a fault of the client's. A frame of an unknown kind has
    /// an id in the same place as a call.
    fn not_understood(&self, strange: Strange) -> Result<(), String> {
        match strange {
            Strange { kind, id: Some(id), error, .. }
                if (kind == ClientFrame::CALL || kind > ClientFrame::CANCEL) && !self.calls.is_wanted(id) =>
            {
                tracing::warn!(conn = self.conn, id, kind, fault = told(&error), "not understood");
                let error = handle::strange_call(&self.broker, &self.client);
                self.outbox.reply(Reply { id, mail: None, result: Err(error) });
                Ok(())
            }
            Strange { error, .. } => Err(told(&error)),
        }
    }

    /// The broker goes down: the waits end, the changes under way are answered, nothing else is begun.
    async fn wind_up<S: AsyncRead>(&self, reason: Closing, frames: &mut Frames<S>) {
        self.calls.end_waits();
        self.outbox.event(Event::Closing(reason));
        // What takes longer is completed or not, as the disk will say; its client asks again with its key.
        let time_over = tokio::time::sleep(CHANGES_FINISH_WITHIN);
        let (mut time_over, mut all_ended) = (pin!(time_over), pin!(self.calls.all_ended()));
        loop {
            tokio::select! {
                biased;
                () = &mut all_ended => return,
                () = &mut time_over => return,
                frame = frames.next() => match frame {
                    Some(Ok(Heard::Frame(ClientFrame::Call { id, .. }))) => {
                        self.outbox.reply(Reply { id, mail: None, result: Err(going_down()) });
                    }
                    Some(Ok(_)) => {}
                    // It is gone; what it asked for is still done.
                    Some(Err(_)) | None => break,
                },
            }
        }
        tokio::select! {
            () = all_ended => {}
            () = time_over => {}
        }
    }

    async fn finish(self, end: &End, mut writing: JoinHandle<WriteEnd>) {
        let conn = self.conn;
        match end {
            End::Down(_) => {}
            End::Slow => tracing::warn!(conn, "cut: the client does not read"),
            End::Faulty(fault) => tracing::warn!(conn, fault, "closed: not our protocol"),
            End::Gone => tracing::debug!(conn, "closed"),
        }
        self.calls.cancel_all();
        drop(self.presence);
        self.outbox.end();
        if !writing.is_finished() && timeout(LAST_BYTES_WITHIN, &mut writing).await.is_err() {
            writing.abort();
        }
    }
}

/// `shutting_down`: nothing was begun.
fn going_down() -> Error {
    Error::new(
        ErrorCode::ShuttingDown,
        "the broker is going down; the call was not begun",
        "call again; another broker takes over within seconds",
    )
}

/// One call, answered once unless nobody wants the answer.
async fn run_call(
    broker: Arc<Broker>,
    conn: ConnId,
    outbox: Outbox,
    calls: Calls,
    id: u64,
    caller: Caller,
    request: Request,
) {
    let (kind, waits, session) = (request.kind(), request.wait_ms().is_some(), logged_session(&caller));
    let began = Instant::now();
    let (mail, result) = caught(kind, handle::call(&broker, conn, caller, request)).await;
    let (took, code) = (began.elapsed(), result.as_ref().err().map(|error| error.code.as_str()));
    broker.stats.called(kind, (!waits).then_some(took), code);
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(conn, session, call = id, kind, us, code, "call answered");
    if calls.is_wanted(id) {
        outbox.reply(Reply { id, mail, result });
    }
    calls.end(id);
}

/// The session's id, where calls are logged: its client logs the same id and the same number of the call.
fn logged_session(caller: &Caller) -> Option<String> {
    let session = caller.session.as_ref().filter(|_| tracing::enabled!(tracing::Level::DEBUG));
    session.map(|owner| owner.session_id.clone())
}

/// What a call is answered with.
type Outcome = (Option<MailCount>, Result<Response, Error>);

/// A panic is the call's failure, not the broker's.
async fn caught(kind: &str, call: impl Future<Output = Outcome>) -> Outcome {
    AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_panic| {
        tracing::error!(kind, "a call panicked");
        (None, Err(Error::internal(format!("the broker failed over a {kind}"))))
    })
}

#[cfg(test)]
mod tests {
    use super::{Outcome, caught};
    use c2c_proto::ErrorCode;

    #[tokio::test]
    async fn a_panic_in_a_call_is_an_error_of_that_call() {
        let (mail, result) = caught("send", async { panic!("a fault") as Outcome }).await;
        assert_eq!(mail, None);
        let error = result.unwrap_err();
        assert_eq!(error.code, ErrorCode::Internal);
        assert_eq!(error.message, "the broker failed over a send");
    }
}
