//! One connection: the hello at its beginning, then frames both ways. Knows nothing of calls.

use crate::codec::{FrameCodec, FrameError};
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

type Codec = FrameCodec<ServerFrame, ClientFrame>;

/// A connection that the broker accepted. Dropping it closes it.
pub(super) struct Link {
    reader: FramedRead<ReadHalf<Stream>, Codec>,
    writer: WriteHalf<Stream>,
    codec: Codec,
    unwritten: BytesMut,
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
    #[error("the broker sent what is no frame of this protocol: {0}")]
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
            reader: FramedRead::with_capacity(read, Codec::before_hello(), 0),
            writer,
            codec: Codec::new(),
            unwritten: BytesMut::new(),
        };
        let welcome = link.greet(hello).await?;
        link.reader.decoder_mut().accept_full_frames();
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
            match self.step().await.map_err(|end| NoLink::Failed(end.to_string()))? {
                None => {}
                Some(ServerFrame::Welcome(welcome)) => {
                    return if (PROTOCOL_MIN..=PROTOCOL).contains(&welcome.protocol) {
                        Ok(welcome)
                    } else {
                        Err(NoLink::Refused(other_protocol(&welcome)))
                    };
                }
                Some(ServerFrame::Refused(error)) => return Err(NoLink::Refused(error)),
                Some(_) => {
                    return Err(NoLink::Failed(
                        "the broker answered the hello with something else".to_owned(),
                    ));
                }
            }
        }
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
    pub(super) async fn step(&mut self) -> Result<Option<ServerFrame>, LinkEnd> {
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

fn other_protocol(welcome: &Welcome) -> Error {
    Error::new(
        ErrorCode::VersionMismatch,
        format!(
            "the broker {} speaks protocol {}, this program {PROTOCOL_MIN} to {PROTOCOL}",
            welcome.build, welcome.protocol
        ),
        "install the same version of all c2c programs, then start the session again",
    )
}
