//! The first frame: whatever it says of who it is, it is welcomed with a sound name or refused with a reason, and takes
//! nothing from a session that lives.

use crate::home::{Home, hello_of};
use crate::tally;
use bytes::BytesMut;
use c2c_proto::ErrorCode;
use c2c_proto::codec::FrameCodec;
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::hello::{Hello, MAGIC, PROTOCOL, PROTOCOL_MIN, Role, Welcome};
use c2c_proto::name::follows_rule;
use std::cell::RefCell;
use tokio_util::codec::{Decoder, Encoder};

/// The session that lives all the while.
const RESIDENT: u64 = 1;
const RESIDENT_NAME: &str = "api";
/// The connections of the fuzzed hello, and of the same hello once more.
const GUESTS: [u64; 2] = [2, 3];

thread_local! {
    static HOME: RefCell<Home> = RefCell::default();
}

/// The first frame's bytes, with its length.
pub fn check(data: &[u8]) {
    tally::input();
    let mut codec = FrameCodec::<ClientFrame, ServerFrame>::before_hello();
    let Ok(Some(ClientFrame::Hello(hello))) = codec.decode(&mut BytesMut::from(data)) else { return };
    // It is a hello.
    tally::reached();
    HOME.with_borrow_mut(|home| greet(home, &hello));
}

fn greet(home: &mut Home, hello: &Hello) {
    if home.begin() {
        home.hello(RESIDENT, hello_of(RESIDENT_NAME)).expect("the resident is welcome");
    }
    let first = greeted(home, GUESTS[0], hello);
    let again = greeted(home, GUESTS[1], hello);
    if let (Some(first), Some(again)) = (first.and_then(|it| it.session), again.and_then(|it| it.session)) {
        assert_eq!(first.session_id, again.session_id, "the same hello once more gets the same row");
        assert_eq!((first.name, first.superseded), (again.name, again.superseded));
    }
    assert_eq!(home.name(RESIDENT).as_deref(), Some(RESIDENT_NAME), "no hello takes a living session's name");
    for guest in GUESTS {
        home.closed(guest);
    }
}

fn greeted(home: &Home, guest: u64, hello: &Hello) -> Option<Welcome> {
    match home.hello(guest, hello.clone()) {
        Ok(welcome) => {
            assert_eq!(hello.magic, MAGIC);
            assert!((PROTOCOL_MIN..=PROTOCOL).contains(&welcome.protocol));
            assert!((hello.protocol_min..=hello.protocol_max).contains(&welcome.protocol));
            sound(hello, &welcome);
            Some(welcome)
        }
        Err(error) => {
            let expected = [ErrorCode::VersionMismatch, ErrorCode::InvalidArgument, ErrorCode::TooLarge];
            // The person may not act under the name of a session that is there.
            let taken = matches!(hello.role, Role::Person(_)) && error.code == ErrorCode::Conflict;
            assert!(taken || expected.contains(&error.code), "{error}");
            assert!(!error.hint.is_empty());
            None
        }
    }
}

/// A session has a name exactly if it wanted one or had one, and the answer fits a frame.
fn sound(hello: &Hello, welcome: &Welcome) {
    let mut frame = BytesMut::new();
    let mut codec = FrameCodec::<ClientFrame, ServerFrame>::new();
    codec.encode(&ServerFrame::Welcome(welcome.clone()), &mut frame).expect("the welcome fits");
    match (&hello.role, &welcome.session) {
        (Role::Control, session) => assert_eq!(session, &None),
        (Role::Person(_), session) => assert!(session.is_some(), "a person has a name"),
        (Role::Session(identity), None) => assert!(!identity.automatic, "{identity:?} got no name"),
        (Role::Session(_), Some(session)) => {
            assert!(session.superseded || follows_rule(&session.name), "{session:?}");
            let displaced = session.displaced.as_ref();
            assert!(displaced.is_none_or(|displaced| !displaced.online), "{displaced:?} was online");
        }
    }
}
