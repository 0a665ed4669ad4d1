//! What travels of the state that all machines share.

use super::{some, text};
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::request::{
    KeyRange, LinkAnswer, LinkAsked, LinkShared, Request, SharedAsk, SharedEntry, SharedOutcome, SharedSet,
};
use c2c_proto::response::{LinkAsks, Response, State, StateAsOf, States, StatesAsOf};
use c2c_proto::time::Timestamp;

pub(crate) fn requests() -> Vec<(&'static str, Request)> {
    let range = KeyRange { after: text(""), up_to: some("global:k") };
    let told = LinkShared { range: Some(range), entries: vec![entry()], current: true };
    let gone = SharedEntry { value: None, ttl_ms: None, ..entry() };
    let error = Error::new(ErrorCode::LinkDown, "what happened", "what to do");
    let answer = |outcome| Request::LinkAnswer(LinkAnswer { number: 4, outcome });
    vec![
        ("link_shared", Request::LinkShared(told)),
        (
            "link_shared.bare",
            Request::LinkShared(LinkShared { range: None, entries: vec![gone], current: false }),
        ),
        ("link_asked", Request::LinkAsked(LinkAsked { timeout_ms: 5_000 })),
        ("link_answer.set", answer(SharedOutcome::Set(9, Timestamp(1_795_000_000_000_000)))),
        ("link_answer.deleted", answer(SharedOutcome::Deleted(true))),
        ("link_answer.conflict", answer(SharedOutcome::Conflict(Some(entry())))),
        ("link_answer.failed", answer(SharedOutcome::Failed(error))),
    ]
}

pub(crate) fn responses() -> Vec<(&'static str, Response)> {
    let set = SharedSet {
        value: text("[1]"),
        updated_at: Timestamp(1_795_000_000_000_000),
        updated_by: text("api@laptop"),
        ttl_ms: Some(60_000),
    };
    let ask = |set| SharedAsk {
        number: 4,
        state_key: text("global:k"),
        set,
        if_version: Some(0),
        expired: Some(8),
        call: text("hash"),
    };
    let as_of = Timestamp(1_795_000_000_000_001);
    let state = State { entry: None, timed_out: false };
    let states = States { entries: Vec::new(), more: false };
    vec![
        ("link_asks", Response::LinkAsks(LinkAsks { asks: vec![ask(Some(set)), ask(None)] })),
        ("state_as_of", Response::StateAsOf(StateAsOf { state, as_of })),
        ("states_as_of", Response::StatesAsOf(StatesAsOf { states, as_of })),
    ]
}

fn entry() -> SharedEntry {
    SharedEntry {
        state_key: text("global:k"),
        value: some("[1]"),
        version: 9,
        updated_at: Timestamp(1_795_000_000_000_000),
        updated_by: text("api@laptop"),
        ttl_ms: Some(60_000),
    }
}
