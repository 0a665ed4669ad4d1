//! The bytes of every frame of protocol 1, pinned: a difference would break every client and broker that is out there.
//!
//! A new frame is written with `C2C_BLESS=1 cargo test -p c2c-proto --test golden`; one that is there is never
//! rewritten, since what was shipped cannot change.

#![cfg(test)]

mod samples;

use bytes::BytesMut;
use c2c_proto::codec::{FrameCodec, FrameError};
use c2c_proto::event::{Event, MailWaiting};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::message::{Priority, Receipt, ReceiptState};
use c2c_proto::response::{OneMessage, Response};
use samples::{CALL_ID, from_broker, from_client};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write as _};
use std::path::PathBuf;
use tokio_util::codec::{Decoder, Encoder};

/// The bytes before a frame's content.
const LENGTH_BYTES: usize = 4;

fn golden_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/protocol-1.txt")
}

fn golden() -> BTreeMap<String, Vec<u8>> {
    let text = std::fs::read_to_string(golden_file()).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries: Vec<_> = lines
        .map(|line| {
            let (name, hex) = line.split_once(" = ").expect("a line is `name = hex`");
            (name.to_owned(), from_hex(hex))
        })
        .collect();
    let count = entries.len();
    let golden: BTreeMap<_, _> = entries.into_iter().collect();
    assert_eq!(golden.len(), count, "a name stands twice");
    golden
}

fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn encode<Frame: Serialize>(frame: &Frame) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    FrameCodec::<Frame, Frame>::new().encode(frame, &mut bytes).unwrap();
    bytes.to_vec()
}

fn decode<Frame: DeserializeOwned>(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    FrameCodec::<Frame, Frame>::new().decode(&mut BytesMut::from(bytes))
}

/// Every sample's name and bytes.
fn present() -> BTreeMap<String, Vec<u8>> {
    let client = from_client().into_iter().map(|(name, frame)| (format!("client.{name}"), encode(&frame)));
    let broker = from_broker().into_iter().map(|(name, frame)| (format!("broker.{name}"), encode(&frame)));
    let all: Vec<_> = client.chain(broker).collect();
    let count = all.len();
    let present: BTreeMap<_, _> = all.into_iter().collect();
    assert_eq!(present.len(), count, "two samples have one name");
    present
}

#[test]
fn every_frame_has_the_bytes_that_were_shipped() {
    let (mut golden, present) = (golden(), present());
    if std::env::var_os("C2C_BLESS").is_some_and(|bless| bless == "1") {
        let missing = present.iter().filter(|(name, _)| !golden.contains_key(*name));
        golden.extend(missing.map(|(name, bytes)| (name.clone(), bytes.clone())).collect::<Vec<_>>());
        write_golden(&golden);
    }
    for (name, shipped) in &golden {
        let Some(bytes) = present.get(name) else { panic!("{name} was shipped and has no sample any more") };
        assert_eq!(
            hex(bytes),
            hex(shipped),
            "{name}: what was shipped never changes, add a new variant instead"
        );
    }
    for name in present.keys() {
        assert!(golden.contains_key(name), "{name} is new: C2C_BLESS=1 writes it to the golden file");
    }
}

fn write_golden(golden: &BTreeMap<String, Vec<u8>>) {
    let mut text = String::from(
        "# Every frame of protocol 1 as it travels: a little-endian u32 length, then the content.\n\
         # Lines are added with C2C_BLESS=1 and never changed.\n",
    );
    for (name, bytes) in golden {
        writeln!(text, "{name} = {}", hex(bytes)).unwrap();
    }
    std::fs::create_dir_all(golden_file().parent().unwrap()).unwrap();
    std::fs::write(golden_file(), text).unwrap();
}

#[test]
fn the_shipped_bytes_give_the_values_back() {
    let golden = golden();
    check("client", from_client(), &golden);
    check("broker", from_broker(), &golden);
}

fn check<Frame: DeserializeOwned + PartialEq + Debug>(
    side: &str,
    samples: Vec<(String, Frame)>,
    golden: &BTreeMap<String, Vec<u8>>,
) {
    for (name, frame) in samples {
        let name = format!("{side}.{name}");
        let bytes = golden.get(&name).unwrap_or_else(|| panic!("{name} is not in the golden file"));
        assert_eq!(decode::<Frame>(bytes).unwrap(), Some(frame), "{name}");
    }
}

/// Says why the content that begins so, and goes on with an unknown variant, is refused.
type Refusal = fn(&[u8]) -> String;

/// No variant without a sample: the decoder says how many it knows, and the samples have as many.
#[test]
fn every_variant_has_a_sample() {
    let present = present();
    const SEND: u8 = 3;
    let call = u8::try_from(CALL_ID).unwrap();
    let enums: [(&str, &[u8], Refusal); 9] = [
        ("client.", &[], refusal::<ClientFrame>),
        ("broker.", &[], refusal::<ServerFrame>),
        ("client.call.", &[1, call], refusal::<ClientFrame>),
        ("client.call.send", &[1, call, SEND, 1], refusal::<ClientFrame>),
        ("client.hello.", b"\0c2c\n\x01\x01\x050.2.0", refusal::<ClientFrame>),
        ("broker.reply.", &[2, call, 0, 0], refusal::<ServerFrame>),
        ("broker.refused.", &[1], refusal::<ServerFrame>),
        ("broker.event.", &[3], refusal::<ServerFrame>),
        ("broker.event.closing.", &[3, 2], refusal::<ServerFrame>),
    ];
    for (names, prefix, refusal) in enums {
        let known = variants_known(&refusal(prefix));
        let sampled: BTreeSet<u8> = present
            .iter()
            .filter(|(name, _)| name.starts_with(names))
            .map(|(_, bytes)| &bytes[LENGTH_BYTES..])
            .filter(|content| content.starts_with(prefix))
            .map(|content| content[prefix.len()])
            .collect();
        let all: BTreeSet<u8> = (0..known).collect();
        assert_eq!(sampled, all, "{names}* has a variant without a sample");
    }
}

/// The same for the enums that stand deep inside a frame: two samples that differ in nothing else show where.
#[test]
fn every_inner_variant_has_a_sample() {
    let message = |at: Receipt| -> Vec<u8> {
        let mut one = samples::responses::message();
        one.receipts = vec![at];
        content(&samples::reply(None, Response::OneMessage(OneMessage { message: one, offset: 0 })))
    };
    let receipt = |state| Receipt { state, ..samples::responses::receipt() };
    let mail =
        |priority| content(&ServerFrame::Event(Event::Mail(MailWaiting { priority, ..samples::mail() })));
    let states = [
        ReceiptState::Queued,
        ReceiptState::Shown,
        ReceiptState::Read,
        ReceiptState::Forwarded,
        ReceiptState::Delivered,
        ReceiptState::Expired,
    ];
    check_inner("receipts", &states.map(|state| message(receipt(state))));
    check_inner("priorities", &[Priority::Normal, Priority::Fyi].map(mail));
}

fn content(frame: &ServerFrame) -> Vec<u8> {
    encode(frame).split_off(LENGTH_BYTES)
}

/// These contents differ in the variant alone, and there is no other variant.
fn check_inner(what: &str, contents: &[Vec<u8>]) {
    let place = (0..contents[0].len()).find(|at| contents[0][*at] != contents[1][*at]).unwrap();
    let sampled: BTreeSet<u8> = contents.iter().map(|content| content[place]).collect();
    let known = variants_known(&refusal::<ServerFrame>(&contents[0][..place]));
    assert_eq!(sampled, (0..known).collect(), "{what}");
}

#[test]
fn the_kinds_of_frames_stand_where_their_numbers_say() {
    let present = present();
    for (name, kind) in [
        ("client.hello.control", ClientFrame::HELLO),
        ("client.call.heartbeat", ClientFrame::CALL),
        ("client.cancel", ClientFrame::CANCEL),
        ("broker.refused.internal", ServerFrame::REFUSED),
        ("broker.reply.done", ServerFrame::REPLY),
    ] {
        assert_eq!(u32::from(present[name][LENGTH_BYTES]), kind, "{name}");
    }
}

/// What the decoder says of a variant that does not exist.
fn refusal<Frame: DeserializeOwned + Debug>(prefix: &[u8]) -> String {
    const NO_VARIANT: u8 = 250;
    let content = [prefix, &[NO_VARIANT]].concat();
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    match decode::<Frame>(&[&length[..], &content].concat()) {
        Err(FrameError::Malformed { source, .. }) => source.to_string(),
        other => panic!("a variant that does not exist was taken for {other:?}"),
    }
}

/// From `… expected variant index 0 <= i < 18`.
fn variants_known(refusal: &str) -> u8 {
    let number: String =
        refusal.rsplit("i < ").next().unwrap().chars().take_while(char::is_ascii_digit).collect();
    number.parse().unwrap_or_else(|_| panic!("no number of variants in {refusal:?}"))
}
