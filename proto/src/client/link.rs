//! One connection: the hello at its beginning, then frames both ways. Knows nothing of calls.

use crate::codec::{FrameCodec, FrameError, Heard, Strange, Tolerant};
use crate::endpoint::{self, ConnectError, Stream};
use crate::error::{Error, ErrorCode};
use crate::frame::{ClientFrame, ServerFrame};
use crate::hello::{Hello, PROTOCOL, PROTOCOL_MIN, Welcome};
use crate::limits::HELLO_FRAME_MAX_BYTES;
use bytes::BytesMut;
use futures_util::StreamExt as _;
use std::io;
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio_util::codec::{Encoder as _, FramedRead};

/// A read buffer that a large frame made grow is given back when it is empty.
const BUFFER_KEPT_BYTES: usize = 64 * 1024;
/// Frames are encoded when those before them are nearly written, so that at most one large one lies here twice.
const UNWRITTEN_MAX_BYTES: usize = 64 * 1024;

type Heeded = Tolerant<ServerFrame, ClientFrame>;

/// A connection that the broker accepted. Dropping it closes it.
pub(super) struct Link {
    reader: FramedRead<ReadHalf<Stream>, Heeded>,
    writer: WriteHalf<Stream>,
    codec: FrameCodec<ServerFrame, ClientFrame>,
    unwritten: BytesMut,
    /// What the broker said of itself; empty before the welcome.
    broker: Peer,
}

/// The other end, for messages and for what may be said to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// The protocol of this connection.
    pub(super) protocol: u16,
    /// The broker's version.
    pub(super) build: String,
    /// The broker's process.
    pub(super) pid: u32,
}

/// Why there is no connection.
pub(super) enum NoLink {
    /// Nobody listens.
    Absent,
    /// Someone answers, but not as it should be; the error is complete.
    Refused(Error),
    /// Anything else, as a fragment that says what happened.
    Failed(String),
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkEnd {
    #[error("the broker closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the broker sent what cannot be read: {0}")]
    NoFrame(FrameError),
    #[error("the broker sent a second hello")]
    SecondHello,
}

impl From<FrameError> for LinkEnd {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => Self::Broken(error),
            error => Self::NoFrame(error),
        }
    }
}

impl Link {
    /// Connects and says hello. The caller limits the time.
    pub(super) async fn open(address: &endpoint::Address, hello: Hello) -> Result<(Self, Welcome), NoLink> {
        let stream = endpoint::connect(address).await.map_err(|error| match error {
            ConnectError::Absent => NoLink::Absent,
            ConnectError::Unsafe(error) => NoLink::Refused(error),
            ConnectError::Io(_) => NoLink::Failed(error.to_string()),
        })?;
        let (read, writer) = tokio::io::split(stream);
        let mut link = Self {
            reader: FramedRead::with_capacity(read, Heeded::before_hello(), 0),
            writer,
            codec: FrameCodec::new(),
            unwritten: BytesMut::new(),
            broker: Peer::default(),
        };
        let welcome = link.greet(hello).await?;
        link.reader.decoder_mut().accept_full_frames();
        link.broker = Peer { protocol: welcome.protocol, build: welcome.build.clone(), pid: welcome.pid };
        Ok((link, welcome))
    }

    async fn greet(&mut self, hello: Hello) -> Result<Welcome, NoLink> {
        self.queue(&ClientFrame::Hello(hello)).map_err(|error| NoLink::Failed(error.to_string()))?;
        if self.unwritten.len() > HELLO_FRAME_MAX_BYTES {
            return Err(NoLink::Refused(Error::too_large(
                "what this session says of itself",
                self.unwritten.len(),
                HELLO_FRAME_MAX_BYTES,
                "bytes",
                "shorten the working directory's path or C2C_NAME",
            )));
        }
        loop {
            let step = match self.step().await {
                // A broker that has no room says so and closes without listening: its word may lie here all the same.
                Err(LinkEnd::Broken(_)) if !self.unwritten.is_empty() => {
                    self.unwritten.clear();
                    continue;
                }
                step => step.map_err(|end| NoLink::Failed(end.to_string()))?,
            };
            match step {
                None => {}
                Some(Heard::Frame(ServerFrame::Welcome(welcome))) => {
                    return if (PROTOCOL_MIN..=PROTOCOL).contains(&welcome.protocol) {
                        Ok(welcome)
                    } else {
                        Err(NoLink::Refused(other_protocol(&welcome)))
                    };
                }
                Some(Heard::Frame(ServerFrame::Refused(error))) => return Err(NoLink::Refused(error)),
                Some(Heard::Strange(strange)) => return Err(NoLink::Refused(not_understood(&strange))),
                Some(Heard::Frame(_)) => {
                    return Err(NoLink::Failed(
                        "the broker answered the hello with something else".to_owned(),
                    ));
                }
            }
        }
    }

    /// Who is at the other end.
    pub(super) const fn broker(&self) -> &Peer {
        &self.broker
    }

    /// Encodes a frame; [`Self::step`] writes it.
    pub(super) fn queue(&mut self, frame: &ClientFrame) -> Result<(), FrameError> {
        self.codec.encode(frame, &mut self.unwritten)
    }

    /// Whether it is time to queue more.
    pub(super) fn has_room(&self) -> bool {
        self.unwritten.len() < UNWRITTEN_MAX_BYTES
    }

    /// Writes some of what is queued, or reads a frame: whatever can be done first. Can be dropped at any time.
    pub(super) async fn step(&mut self) -> Result<Option<Heard<ServerFrame>>, LinkEnd> {
        let frame = tokio::select! {
            frame = self.reader.next() => frame.ok_or(LinkEnd::Closed)??,
            written = self.writer.write_buf(&mut self.unwritten), if !self.unwritten.is_empty() => {
                return match written {
                    Ok(0) => Err(LinkEnd::Closed),
                    Ok(_) => {
                        give_back(&mut self.unwritten);
                        Ok(None)
                    }
                    Err(error) => Err(LinkEnd::Broken(error)),
                };
            }
        };
        give_back(self.reader.read_buffer_mut());
        Ok(Some(frame))
    }
}

fn give_back(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() > BUFFER_KEPT_BYTES {
        *buffer = BytesMut::new();
    }
}

/// The broker answered the hello, and not in the way that is frozen for all protocols.
fn not_understood(strange: &Strange) -> Error {
    Error::new(
        ErrorCode::VersionMismatch,
        format!(
            "the broker's answer to the hello cannot be read ({}); this program speaks {}",
            strange.error,
            crate::hello::range(PROTOCOL_MIN, PROTOCOL)
        ),
        "install the same version of all c2c programs, then start the session again",
    )
}

fn other_protocol(welcome: &Welcome) -> Error {
    Error::new(
        ErrorCode::VersionMismatch,
        format!(
            "the broker {} speaks protocol {} here, this program speaks {}",
            welcome.build,
            welcome.protocol,
            crate::hello::range(PROTOCOL_MIN, PROTOCOL)
        ),
        "install the same version of all c2c programs, then start the session again",
    )
}
