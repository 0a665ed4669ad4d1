//! Frames to bytes and back.

use crate::given;
use bytes::BytesMut;
use c2c_proto::codec::FrameCodec;
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::id::new_call_key;
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{Request, Send};
use divan::Bencher;
use divan::counter::BytesCount;
use tokio_util::codec::{Decoder, Encoder};

type OfClient = FrameCodec<ServerFrame, ClientFrame>;
type OfBroker = FrameCodec<ClientFrame, ServerFrame>;

/// Bodies in bytes.
const BODIES: [usize; 3] = [200, 10_000, 1_000_000];

fn send(body_bytes: usize) -> ClientFrame {
    let request = Request::Send(Send {
        to: Some(To::One("backend".to_owned())),
        body: given::text(body_bytes),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key: new_call_key(),
    });
    ClientFrame::Call { id: 7, request }
}

fn bytes_of_send(body_bytes: usize) -> BytesMut {
    let mut bytes = BytesMut::new();
    OfClient::new().encode(&send(body_bytes), &mut bytes).expect("a frame");
    bytes
}

fn bytes_of_reply() -> BytesMut {
    let mut bytes = BytesMut::new();
    OfBroker::new().encode(&given::reply(), &mut bytes).expect("a frame");
    bytes
}

#[divan::bench(args = BODIES)]
fn encode_send(bencher: Bencher<'_, '_>, body_bytes: usize) {
    let frame = send(body_bytes);
    let length = bytes_of_send(body_bytes).len();
    bencher
        .counter(BytesCount::new(length))
        .with_inputs(|| BytesMut::with_capacity(length))
        .bench_local_refs(|bytes| OfClient::new().encode(&frame, bytes).expect("a frame"));
}

#[divan::bench(args = BODIES)]
fn decode_send(bencher: Bencher<'_, '_>, body_bytes: usize) {
    let bytes = bytes_of_send(body_bytes);
    bencher
        .counter(BytesCount::new(bytes.len()))
        .with_inputs(|| bytes.clone())
        .bench_local_refs(|bytes| OfBroker::new().decode(bytes).expect("a frame"));
}

#[divan::bench]
fn encode_reply_of_20(bencher: Bencher<'_, '_>) {
    let frame = given::reply();
    let length = bytes_of_reply().len();
    bencher
        .counter(BytesCount::new(length))
        .with_inputs(|| BytesMut::with_capacity(length))
        .bench_local_refs(|bytes| OfBroker::new().encode(&frame, bytes).expect("a frame"));
}

#[divan::bench]
fn decode_reply_of_20(bencher: Bencher<'_, '_>) {
    let bytes = bytes_of_reply();
    bencher
        .counter(BytesCount::new(bytes.len()))
        .with_inputs(|| bytes.clone())
        .bench_local_refs(|bytes| OfClient::new().decode(bytes).expect("a frame"));
}
