//! Frames to bytes and back. The only file that knows which encoding the wire uses.
//!
//! A length is checked against the limit in force before anything is allocated for it; the lengths inside a frame are
//! held to the same limit, whatever they claim. [`FrameCodec`] ends with the first frame that it cannot read; behind
//! [`Tolerant`] a connection survives what only a newer peer would say.

use crate::hello::HelloStart;
use crate::limits::{FRAME_MAX_BYTES, HELLO_FRAME_MAX_BYTES};
use bytes::{Buf, BufMut, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::marker::PhantomData;
use tokio_util::codec::{Decoder, Encoder};

/// Bytes of the length before each frame.
const LENGTH_BYTES: usize = 4;
/// A connection's read buffer starts this small: an idle one costs little.
const FIRST_RESERVE_BYTES: usize = 512;

/// Why bytes are not a frame. After any of these the connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is over the limit in force.
    #[error("a frame of {length} bytes exceeds the limit of {limit} bytes")]
    TooLong {
        /// What the length field says, or what was to be sent.
        length: usize,
        /// What is allowed at this point.
        limit: usize,
    },
    /// The bytes are not of the expected shape.
    #[error("a frame of {length} bytes is malformed")]
    Malformed {
        /// The frame's length.
        length: usize,
        /// What the decoder said.
        #[source]
        source: bincode::error::DecodeError,
    },
    /// The frame has more bytes than its content.
    #[error("a frame has {extra} bytes after its content")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// The value cannot be encoded.
    #[error("a frame cannot be encoded")]
    Encode(#[source] bincode::error::EncodeError),
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

/// Decodes `In` and encodes `Out`, each with a length before it.
#[derive(Debug)]
pub struct FrameCodec<In, Out> {
    limit: usize,
    types: PhantomData<fn(Out) -> In>,
}

impl<In, Out> FrameCodec<In, Out> {
    /// For a connection whose hello has not come yet: only small frames.
    #[must_use]
    pub const fn before_hello() -> Self {
        Self { limit: HELLO_FRAME_MAX_BYTES, types: PhantomData }
    }

    /// For a connection that is known.
    #[must_use]
    pub const fn new() -> Self {
        Self { limit: FRAME_MAX_BYTES, types: PhantomData }
    }

    /// The hello was accepted: full frames from now on.
    pub const fn accept_full_frames(&mut self) {
        self.limit = FRAME_MAX_BYTES;
    }
}

impl<In, Out> Default for FrameCodec<In, Out> {
    fn default() -> Self {
        Self::new()
    }
}

impl<In: DeserializeOwned, Out> Decoder for FrameCodec<In, Out> {
    type Item = In;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<In>, FrameError> {
        self.take(buffer)?.map(|content| self.read(&content)).transpose()
    }
}

impl<In, Out> FrameCodec<In, Out> {
    /// The next frame's content, if all of it is there.
    fn take(&self, buffer: &mut BytesMut) -> Result<Option<BytesMut>, FrameError> {
        let Some(head) = buffer.first_chunk::<LENGTH_BYTES>() else {
            buffer.reserve(FIRST_RESERVE_BYTES);
            return Ok(None);
        };
        let length = u32::from_le_bytes(*head) as usize;
        if length > self.limit {
            return Err(FrameError::TooLong { length, limit: self.limit });
        }
        if buffer.len() < LENGTH_BYTES + length {
            buffer.reserve(LENGTH_BYTES + length - buffer.len());
            return Ok(None);
        }
        buffer.advance(LENGTH_BYTES);
        Ok(Some(buffer.split_to(length)))
    }

    fn read<Value: DeserializeOwned>(&self, content: &[u8]) -> Result<Value, FrameError> {
        let (length, (value, used)) = (content.len(), self.start(content)?);
        match length - used {
            0 => Ok(value),
            extra => Err(FrameError::Trailing { extra }),
        }
    }

    /// What the content begins with, and how many bytes of it that is.
    fn start<Value: DeserializeOwned>(&self, content: &[u8]) -> Result<(Value, usize), FrameError> {
        let decoded = if self.limit <= HELLO_FRAME_MAX_BYTES {
            bincode::serde::decode_from_slice(content, config::<HELLO_FRAME_MAX_BYTES>())
        } else {
            bincode::serde::decode_from_slice(content, config::<FRAME_MAX_BYTES>())
        };
        decoded.map_err(|source| FrameError::Malformed { length: content.len(), source })
    }
}

/// What came from a peer that may be of another version.
#[derive(Debug)]
pub enum Heard<In> {
    /// A frame.
    Frame(In),
    /// A whole frame with a content that this version cannot read. What follows it can be read all the same.
    Strange(Strange),
}

/// What can be told of a frame that cannot be read.
#[derive(Debug)]
pub struct Strange {
    /// Which kind of frame: its position among the frames of its side, which may be beyond those that are known here.
    pub kind: u32,
    /// The number after it: for every frame but a hello and what answers it, the id of a call.
    pub id: Option<u64>,
    /// Of a hello: how it begins.
    pub hello: Option<HelloStart>,
    /// Why it cannot be read.
    pub error: FrameError,
}

/// Decodes as [`FrameCodec`] does, but hands on what it cannot read, as far as it can be told what it is.
#[derive(Debug)]
pub struct Tolerant<In, Out> {
    strict: FrameCodec<In, Out>,
}

impl<In, Out> Tolerant<In, Out> {
    /// For a connection whose hello has not come yet: only small frames.
    #[must_use]
    pub const fn before_hello() -> Self {
        Self { strict: FrameCodec::before_hello() }
    }

    /// The hello was accepted: full frames from now on.
    pub const fn accept_full_frames(&mut self) {
        self.strict.accept_full_frames();
    }
}

impl<In: DeserializeOwned, Out> Decoder for Tolerant<In, Out> {
    type Item = Heard<In>;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Heard<In>>, FrameError> {
        let Some(content) = self.strict.take(buffer)? else { return Ok(None) };
        let error = match self.strict.read(&content) {
            Ok(frame) => return Ok(Some(Heard::Frame(frame))),
            Err(error) => error,
        };
        let Ok((kind, used)) = self.strict.start::<u32>(&content) else { return Err(error) };
        let rest = &content[used..];
        let id = self.strict.start(rest).ok().map(|(id, _)| id);
        let hello = self.strict.start(rest).ok().map(|(hello, _)| hello);
        Ok(Some(Heard::Strange(Strange { kind, id, hello, error })))
    }
}

impl<In, Out: Serialize> Encoder<&Out> for FrameCodec<In, Out> {
    type Error = FrameError;

    fn encode(&mut self, item: &Out, buffer: &mut BytesMut) -> Result<(), FrameError> {
        let start = buffer.len();
        buffer.put_u32_le(0);
        let written =
            bincode::serde::encode_into_std_write(item, &mut buffer.writer(), config::<FRAME_MAX_BYTES>());
        let length = match written {
            Ok(length) if length <= FRAME_MAX_BYTES => length,
            Ok(length) => {
                buffer.truncate(start);
                return Err(FrameError::TooLong { length, limit: FRAME_MAX_BYTES });
            }
            Err(error) => {
                buffer.truncate(start);
                return Err(FrameError::Encode(error));
            }
        };
        let Ok(prefix) = u32::try_from(length) else {
            buffer.truncate(start);
            return Err(FrameError::TooLong { length, limit: FRAME_MAX_BYTES });
        };
        buffer[start..start + LENGTH_BYTES].copy_from_slice(&prefix.to_le_bytes());
        Ok(())
    }
}

/// Little-endian, variable-length integers; no container may claim more than `LIMIT` bytes.
const fn config<const LIMIT: usize>() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}
