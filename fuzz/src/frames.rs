//! The frame decoder: any bytes, in any pieces, in both directions.

use crate::tally;
use bytes::BytesMut;
use c2c_proto::codec::{FrameCodec, FrameError};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::limits::{FRAME_MAX_BYTES, HELLO_FRAME_MAX_BYTES};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use tokio_util::codec::{Decoder, Encoder};

/// Of each input so many neighbours are read too: the decoder is much faster than what looks for new branches.
const NEIGHBOURS: u64 = 15;

/// The last two bytes say how to read the others: which way they go, before or after the hello, and in what pieces.
pub fn check(data: &[u8]) {
    let Some((stream, [how, pieces])) = data.split_last_chunk::<2>() else { return };
    read_either(stream, *how, *pieces);
    let mut random = Random::of(data);
    for _ in 0..NEIGHBOURS {
        let mut neighbour = stream.to_vec();
        for _ in 0..=random.below(3) {
            disturb(&mut neighbour, &mut random);
        }
        read_either(&neighbour, *how, *pieces);
    }
}

fn read_either(stream: &[u8], how: u8, pieces: u8) {
    tally::input();
    let before_hello = how & 2 != 0;
    if how & 1 == 0 {
        read::<ClientFrame, ServerFrame>(stream, before_hello, pieces);
    } else {
        read::<ServerFrame, ClientFrame>(stream, before_hello, pieces);
    }
}

/// Changes one thing: a bit, a byte, the end, a part that comes twice or not at all.
fn disturb(stream: &mut Vec<u8>, random: &mut Random) {
    if stream.is_empty() {
        return;
    }
    let at = random.below(stream.len());
    match random.below(8) {
        0 | 1 => stream[at] ^= 1 << random.below(8),
        2 => stream[at] = [0, 1, 127, 128, 250, 251, 252, 253, 254, 255][random.below(10)],
        3 => stream.truncate(at),
        4 => drop(stream.remove(at)),
        5 => stream.insert(at, u8::try_from(random.below(256)).unwrap_or_default()),
        6 => {
            let again = stream[at..].to_vec();
            stream.extend(again);
        }
        // The first length is made right again, so that what was changed is read at all.
        _ => {
            let content = stream.len().saturating_sub(4);
            if let (Some(head), Ok(length)) = (stream.first_chunk_mut::<4>(), u32::try_from(content)) {
                *head = length.to_le_bytes();
            }
        }
    }
}

/// Numbers that follow from the input, so that the same input finds the same again.
struct Random(u64);

impl Random {
    fn of(data: &[u8]) -> Self {
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(data.iter().fold(0xcbf2_9ce4_8422_2325, hash) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % bound
    }
}

fn read<In, Out>(stream: &[u8], before_hello: bool, pieces: u8)
where
    In: DeserializeOwned + Serialize + PartialEq + Debug,
{
    let new = || {
        if before_hello { FrameCodec::<In, Out>::before_hello() } else { FrameCodec::<In, Out>::new() }
    };
    let mut whole = BytesMut::from(stream);
    let (frames, error) = drain(&mut new(), &mut whole);
    if !frames.is_empty() {
        // A frame was read.
        tally::reached();
    }
    in_pieces(new(), stream, pieces, &frames, error.as_ref());
    let limit = if before_hello { HELLO_FRAME_MAX_BYTES } else { FRAME_MAX_BYTES };
    if let Some(FrameError::TooLong { length, limit: named }) = error {
        assert!(length > limit && named == limit, "a length of {length} was refused by a limit of {named}");
    }
    written_again(&frames, stream.len() - whole.len());
}

/// Everything that can be read now, and the error that ended it.
fn drain<In: DeserializeOwned, Out>(
    codec: &mut FrameCodec<In, Out>,
    buffer: &mut BytesMut,
) -> (Vec<In>, Option<FrameError>) {
    let mut frames = Vec::new();
    loop {
        match codec.decode(buffer) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

/// However the stream is cut, the same frames come out of it, and the same error at the same place.
fn in_pieces<In, Out>(
    mut codec: FrameCodec<In, Out>,
    stream: &[u8],
    pieces: u8,
    expected: &[In],
    expected_error: Option<&FrameError>,
) where
    In: DeserializeOwned + PartialEq + Debug,
{
    let mut buffer = BytesMut::new();
    let mut rest = stream;
    let mut frames = Vec::new();
    let mut error = None;
    let mut step = usize::from(pieces);
    while !rest.is_empty() && error.is_none() {
        step = step.wrapping_mul(29).wrapping_add(7);
        // Mostly small pieces, now and then all that is left.
        let length = if step.is_multiple_of(11) { rest.len() } else { (1 + step % 9).min(rest.len()) };
        let (piece, after) = rest.split_at(length);
        buffer.extend_from_slice(piece);
        rest = after;
        let (more, ended) = drain(&mut codec, &mut buffer);
        frames.extend(more);
        error = ended;
    }
    assert_eq!(frames, expected, "other frames in pieces than at once");
    let told = |error: Option<&FrameError>| error.map(ToString::to_string);
    assert_eq!(told(error.as_ref()), told(expected_error), "another error in pieces than at once");
}

/// What was read can be written, in no more bytes than it came in, and is read as the same again.
fn written_again<In>(frames: &[In], used: usize)
where
    In: DeserializeOwned + Serialize + PartialEq + Debug,
{
    let mut codec = FrameCodec::<In, In>::new();
    let mut written = BytesMut::new();
    for frame in frames {
        codec.encode(frame, &mut written).expect("what was read can be written");
    }
    assert!(written.len() <= used, "{} bytes were read, {} written", used, written.len());
    let (again, error) = drain(&mut codec, &mut written);
    assert!(error.is_none() && written.is_empty(), "what was written cannot be read: {error:?}");
    assert_eq!(again, frames, "a frame was read as another one");
}
