//! Frames to bytes and back. The only file that knows which encoding the wire uses.
//!
//! A length is checked against the limit in force before anything is allocated for it; the lengths inside a frame are
//! held to the same limit, whatever they claim.

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
        let frame = buffer.split_to(length);
        let decoded = if self.limit <= HELLO_FRAME_MAX_BYTES {
            bincode::serde::decode_from_slice(&frame, config::<HELLO_FRAME_MAX_BYTES>())
        } else {
            bincode::serde::decode_from_slice(&frame, config::<FRAME_MAX_BYTES>())
        };
        let (value, used) = decoded.map_err(|source| FrameError::Malformed { length, source })?;
        match length - used {
            0 => Ok(Some(value)),
            extra => Err(FrameError::Trailing { extra }),
        }
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
