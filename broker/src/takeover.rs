//! How a service, or a restore, takes the place of a broker that a session started: it asks it to make room, and waits for the
//! lock.
//!
//! Owns no state. A broker that is a service itself is left alone, and so is one that a person started in a terminal.

use crate::args::Mode;
use crate::instance::{self, Claim, Holder};
use c2c_proto::codec::FrameCodec;
use c2c_proto::endpoint::{self, Stream};
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::hello::{Hello, MAGIC, PROTOCOL, PROTOCOL_MIN, Role};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{HandOver, Request, Status};
use c2c_proto::response::Response;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio_util::codec::Framed;

/// How long the incumbent may take for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long the incumbent may take to finish, before it is asked again (a session may have started another one).
const ROUND: Duration = Duration::from_millis(3_300);
/// Rounds before it gives up; together about ten seconds.
const ROUNDS: u32 = 3;

/// The lock, or word of the service that has it.
///
/// # Errors
/// `broker_busy` when the incumbent does not make room: it does not answer, or a person started it.
pub(crate) async fn take(paths: &StorePaths, holder: Option<Holder>, mode: Mode) -> Result<Claim, Error> {
    let mut said = "it does not answer".to_owned();
    for _ in 0..ROUNDS {
        match tokio::time::timeout(ANSWER_WITHIN, ask(paths)).await {
            Ok(Ok(Incumbent::Service)) => return Ok(Claim::Taken(holder)),
            Ok(Ok(Incumbent::Foreground(pid))) => return Err(in_a_terminal(paths, pid)),
            Ok(Ok(Incumbent::Leaving)) => "it was asked to make room and did not".clone_into(&mut said),
            Ok(Err(error)) => said = error,
            Err(_elapsed) => {}
        }
        // Also when it did not answer: it may be on its way out.
        if let Some(instance) = instance::wait(paths, mode, ROUND).await? {
            return Ok(Claim::Held(instance));
        }
    }
    let holder = holder.map_or_else(|| "another broker".to_owned(), |holder| format!("a broker ({holder})"));
    Err(Error::new(
        ErrorCode::BrokerBusy,
        format!("{holder} holds the store {}: {said}", paths.store.display()),
        "end that process, then try again",
    ))
}

fn in_a_terminal(paths: &StorePaths, pid: u32) -> Error {
    Error::new(
        ErrorCode::BrokerBusy,
        format!("a broker runs in a terminal, pid {pid}, and holds the store {}", paths.store.display()),
        "end it first, then try again",
    )
}

/// What the incumbent is.
enum Incumbent {
    Service,
    /// A person started it, and ends it.
    Foreground(u32),
    Leaving,
}

/// Asks the incumbent what it is, and to leave if it may. The error is for a message.
async fn ask(paths: &StorePaths) -> Result<Incumbent, String> {
    let stream = endpoint::connect(&paths.address).await.map_err(|error| error.to_string())?;
    let mut frames: Frames = Framed::new(stream, FrameCodec::new());
    let hello = Hello {
        magic: MAGIC,
        protocol_min: PROTOCOL_MIN,
        protocol_max: PROTOCOL,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        role: Role::Control,
        extra: Vec::new(),
    };
    frames.send(&ClientFrame::Hello(hello)).await.map_err(|error| error.to_string())?;
    match next(&mut frames).await? {
        ServerFrame::Welcome(_) => {}
        ServerFrame::Refused(error) => return Err(error.to_string()),
        other => return Err(format!("it answered a hello with {}", kind(&other))),
    }
    let status = match call(&mut frames, 1, Request::Status(Status {})).await? {
        Ok(Response::Status(status)) => status,
        Ok(other) => return Err(format!("it answered a question for its status with {other:?}")),
        Err(error) => return Err(error.to_string()),
    };
    if status.service {
        return Ok(Incumbent::Service);
    }
    match call(&mut frames, 2, Request::HandOver(HandOver {})).await? {
        Ok(_) => Ok(Incumbent::Leaving),
        Err(error) if error.code == ErrorCode::Conflict => Ok(Incumbent::Foreground(status.pid)),
        Err(error) => Err(error.to_string()),
    }
}

type Frames = Framed<Stream, FrameCodec<ServerFrame, ClientFrame>>;

/// The inner error is the incumbent's own answer.
async fn call(frames: &mut Frames, id: u64, request: Request) -> Result<Result<Response, Error>, String> {
    frames.send(&ClientFrame::Call { id, request }).await.map_err(|error| error.to_string())?;
    loop {
        match next(frames).await? {
            ServerFrame::Reply(reply) if reply.id == id => {
                return Ok(reply.result);
            }
            // It may close before it answers; what counts is the lock.
            _ => {}
        }
    }
}

async fn next(frames: &mut Frames) -> Result<ServerFrame, String> {
    match frames.next().await {
        Some(frame) => frame.map_err(|error| error.to_string()),
        None => Err("it closed the connection".to_owned()),
    }
}

const fn kind(frame: &ServerFrame) -> &'static str {
    match frame {
        ServerFrame::Welcome(_) => "a welcome",
        ServerFrame::Refused(_) => "a refusal",
        ServerFrame::Reply(_) => "a reply",
        ServerFrame::Event(_) => "an event",
    }
}
