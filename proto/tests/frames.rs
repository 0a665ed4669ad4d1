//! What holds for every frame and for every stream of bytes, however it is cut, broken or forged.

#![cfg(test)]

mod samples;
mod strategies;

use bytes::BytesMut;
use c2c_proto::codec::{FrameCodec, FrameError, Heard, Strange, Tolerant};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::limits::{FRAME_MAX_BYTES, HELLO_FRAME_MAX_BYTES};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use strategies::{client_frame, server_frame};
use tokio_util::codec::{Decoder, Encoder};

fn encode<Frame: Serialize>(frames: &[Frame]) -> BytesMut {
    let mut bytes = BytesMut::new();
    for frame in frames {
        FrameCodec::<Frame, Frame>::new().encode(frame, &mut bytes).unwrap();
    }
    bytes
}

/// Feeds the stream piece by piece, cut at these places, and takes out what is complete each time.
fn decode_pieces<Frame: DeserializeOwned>(bytes: &[u8], cuts: &[Index]) -> Vec<Frame> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let (mut codec, mut buffer, mut frames, mut start) =
        (FrameCodec::<Frame, ()>::new(), BytesMut::new(), Vec::new(), 0);
    for end in ends {
        buffer.extend_from_slice(&bytes[start..end]);
        start = end;
        while let Some(frame) = codec.decode(&mut buffer).unwrap() {
            frames.push(frame);
        }
    }
    assert!(buffer.is_empty());
    frames
}

fn survives_any_cut<Frame: Serialize + DeserializeOwned + PartialEq + Debug>(
    frames: &[Frame],
    cuts: &[Index],
) {
    assert_eq!(decode_pieces::<Frame>(&encode(frames), cuts), frames);
}

/// As the two ends of a connection read.
fn heed<Frame: DeserializeOwned>(bytes: &[u8]) -> Vec<Heard<Frame>> {
    let mut codec = Tolerant::<Frame, ()>::before_hello();
    codec.accept_full_frames();
    let (mut buffer, mut heard) = (BytesMut::from(bytes), Vec::new());
    while let Ok(Some(one)) = codec.decode(&mut buffer) {
        heard.push(one);
    }
    heard
}

/// Takes out frames until the stream ends or is found broken; must come to an end, and not by a panic.
fn drain<Frame: DeserializeOwned>(mut codec: FrameCodec<Frame, ()>, bytes: &[u8]) {
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(_)) = codec.decode(&mut buffer) {}
}

fn drain_all(bytes: &[u8]) {
    drain(FrameCodec::<ClientFrame, ()>::before_hello(), bytes);
    drain(FrameCodec::<ClientFrame, ()>::new(), bytes);
    drain(FrameCodec::<ServerFrame, ()>::before_hello(), bytes);
    drain(FrameCodec::<ServerFrame, ()>::new(), bytes);
    heed::<ClientFrame>(bytes);
    heed::<ServerFrame>(bytes);
}

/// A content with a true length before it.
fn framed(content: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::from(&u32::try_from(content.len()).unwrap().to_le_bytes()[..]);
    bytes.extend_from_slice(content);
    bytes
}

fn decode<Frame: DeserializeOwned>(mut bytes: BytesMut) -> Result<Option<Frame>, FrameError> {
    FrameCodec::<Frame, ()>::new().decode(&mut bytes)
}

proptest! {
    #[test]
    fn what_clients_say_arrives_however_it_is_cut(
        frames in prop::collection::vec(client_frame(), 0..6),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        survives_any_cut(&frames, &cuts);
    }

    #[test]
    fn what_brokers_say_arrives_however_it_is_cut(
        frames in prop::collection::vec(server_frame(), 0..6),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        survives_any_cut(&frames, &cuts);
    }

    #[test]
    fn a_frame_that_is_not_complete_is_waited_for(frame in client_frame(), cut in any::<Index>()) {
        let bytes = encode(&[frame]);
        let part = &bytes[..cut.index(bytes.len())];
        prop_assert!(matches!(decode::<ClientFrame>(BytesMut::from(part)), Ok(None)));
    }

    #[test]
    fn a_frame_that_ends_early_is_malformed(frame in server_frame(), cut in any::<Index>()) {
        let bytes = encode(&[frame]);
        let content = &bytes[4..];
        let short = framed(&content[..cut.index(content.len())]);
        let malformed = matches!(decode::<ServerFrame>(short), Err(FrameError::Malformed { .. }));
        prop_assert!(malformed);
    }

    #[test]
    fn a_frame_that_goes_on_after_its_end_is_refused(frame in client_frame(), extra in 1..9_usize) {
        let mut content = encode(&[frame])[4..].to_vec();
        content.resize(content.len() + extra, 0);
        let found = match decode::<ClientFrame>(framed(&content)) {
            Err(FrameError::Trailing { extra }) => Some(extra),
            _ => None,
        };
        prop_assert_eq!(found, Some(extra));
    }

    #[test]
    fn after_a_call_with_more_in_it_than_is_known_the_next_frame_is_read(
        frames in prop::collection::vec(client_frame(), 2..5),
        extra in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let call = matches!(frames[0], ClientFrame::Call { .. });
        let content = [&encode(&frames[..1])[4..], &extra].concat();
        let bytes = [&framed(&content)[..], &encode(&frames[1..])].concat();
        let mut heard = heed::<ClientFrame>(&bytes).into_iter();
        let strange = heard.next();
        let told = matches!(strange, Some(Heard::Strange(Strange { error: FrameError::Trailing { .. }, .. })));
        prop_assert!(told);
        if let (true, Some(Heard::Strange(Strange { kind, id, .. })), ClientFrame::Call { id: sent, .. }) =
            (call, strange, &frames[0])
        {
            prop_assert_eq!((kind, id), (ClientFrame::CALL, Some(*sent)));
        }
        let rest: Vec<_> = heard.map(|one| match one { Heard::Frame(frame) => Some(frame), Heard::Strange(_) => None }).collect();
        prop_assert_eq!(rest, frames[1..].iter().cloned().map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn garbage_is_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        drain_all(&bytes);
        drain_all(&framed(&bytes));
    }

    #[test]
    fn a_frame_with_wrong_bytes_in_it_is_no_harm(
        from_client in client_frame(),
        from_broker in server_frame(),
        faults in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        for mut bytes in [encode(&[from_client]), encode(&[from_broker])] {
            for (at, byte) in &faults {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            drain_all(&bytes);
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_anything_is_allocated(
        over in FRAME_MAX_BYTES + 1..=u32::MAX as usize,
    ) {
        refused_without_room(FrameCodec::new(), over, FRAME_MAX_BYTES);
    }

    #[test]
    fn before_the_hello_the_limit_is_small(over in HELLO_FRAME_MAX_BYTES + 1..=u32::MAX as usize) {
        refused_without_room(FrameCodec::before_hello(), over, HELLO_FRAME_MAX_BYTES);
    }
}

fn refused_without_room(mut codec: FrameCodec<ClientFrame, ()>, length: usize, limit: usize) {
    let mut buffer = BytesMut::from(&u32::try_from(length).unwrap().to_le_bytes()[..]);
    let before = buffer.capacity();
    match codec.decode(&mut buffer) {
        Err(FrameError::TooLong { length: found, limit: allowed }) => {
            assert_eq!((found, allowed), (length, limit));
        }
        other => panic!("{length} bytes were taken for {other:?}"),
    }
    assert_eq!(buffer.capacity(), before);
}

#[test]
fn lengths_at_their_edges() {
    assert!(matches!(decode::<ClientFrame>(framed(&[])), Err(FrameError::Malformed { length: 0, .. })));
    for limit in [HELLO_FRAME_MAX_BYTES, FRAME_MAX_BYTES] {
        let codec = || if limit == FRAME_MAX_BYTES { FrameCodec::new() } else { FrameCodec::before_hello() };
        refused_without_room(codec(), limit + 1, limit);
        refused_without_room(codec(), u32::MAX as usize, limit);
        let mut full = framed(&vec![0xff; limit]);
        let refused = FrameCodec::<ClientFrame, ()>::decode(&mut codec(), &mut full);
        assert!(matches!(refused, Err(FrameError::Malformed { length, .. }) if length == limit));
    }
}

/// A list or text inside a frame that claims more than the frame could hold: eight bytes of length.
#[test]
fn lengths_inside_a_frame_are_held_to_the_limit() {
    const REFUSED: u8 = 1;
    const EIGHT_BYTES: u8 = 0xfd;
    for claimed in [FRAME_MAX_BYTES as u64 + 1, 1 << 40, u64::MAX] {
        let mut text = vec![REFUSED, 0, EIGHT_BYTES];
        text.extend_from_slice(&claimed.to_le_bytes());
        let refused = decode::<ServerFrame>(framed(&text));
        assert!(matches!(refused, Err(FrameError::Malformed { .. })), "{claimed}: {refused:?}");

        let (call, id, mark_read) = (1, 7, 6);
        let mut list = vec![call, id, mark_read, EIGHT_BYTES];
        list.extend_from_slice(&claimed.to_le_bytes());
        let refused = decode::<ClientFrame>(framed(&list));
        assert!(matches!(refused, Err(FrameError::Malformed { .. })), "{claimed}: {refused:?}");
    }
}

#[test]
fn the_full_limit_holds_once_the_hello_is_accepted() {
    let body = "x".repeat(HELLO_FRAME_MAX_BYTES);
    let (_, frame) = samples::from_client()
        .into_iter()
        .find(|(name, _)| name == "call.send")
        .map(|(name, frame)| (name, with_body(frame, &body)))
        .unwrap();
    let mut bytes = encode(std::slice::from_ref(&frame));
    let mut codec = FrameCodec::<ClientFrame, ()>::before_hello();
    assert!(matches!(codec.decode(&mut bytes), Err(FrameError::TooLong { .. })));
    codec.accept_full_frames();
    assert_eq!(codec.decode(&mut bytes).unwrap(), Some(frame));
}

#[test]
fn what_fits_no_frame_is_not_sent() {
    let (_, frame) = samples::from_client().into_iter().find(|(name, _)| name == "call.send").unwrap();
    let mut buffer = BytesMut::from(&b"before"[..]);
    let too_long = with_body(frame, &"x".repeat(FRAME_MAX_BYTES));
    let refused = FrameCodec::<ClientFrame, ClientFrame>::new().encode(&too_long, &mut buffer);
    assert!(matches!(refused, Err(FrameError::TooLong { .. })), "{refused:?}");
    assert_eq!(&buffer[..], b"before", "nothing of it is left behind");
}

fn with_body(frame: ClientFrame, body: &str) -> ClientFrame {
    match frame {
        ClientFrame::Call { id, request: c2c_proto::request::Request::Send(send) } => {
            let send = c2c_proto::request::Send { body: body.to_owned(), ..send };
            ClientFrame::Call { id, request: c2c_proto::request::Request::Send(send) }
        }
        other => panic!("no send but {other:?}"),
    }
}

#[test]
fn every_single_wrong_byte_in_a_sample_is_no_harm() {
    let client = samples::from_client().into_iter().map(|(_, frame)| encode(&[frame]));
    let broker = samples::from_broker().into_iter().map(|(_, frame)| encode(&[frame]));
    for bytes in client.chain(broker) {
        for at in 0..bytes.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xfb, 0xfc, 0xfd, 0xfe, 0xff] {
                let mut wrong = bytes.clone();
                wrong[at] = byte;
                drain_all(&wrong);
            }
        }
    }
}
