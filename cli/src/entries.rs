//! The entries of the shared state: one, a change of it, all that begin with a prefix over as many pages as they fill, and setting
//! one. What all machines share comes with a word about how old it is, where no link keeps it current.

use crate::link::{Link, ask, strange};
use crate::print;
use c2c_proto::request::{GetState, ListState, Request, SetState, WatchState};
use c2c_proto::response::{Entry, Response, State, StateAsOf, StateSet, StatesAsOf};
use c2c_proto::time::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};

/// One, and when it was so, if that may be another one by now.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn one(link: &Link, key: &str) -> anyhow::Result<(State, Option<Timestamp>)> {
    dated(link.ask(Request::GetState(GetState { state_key: key.to_owned() })).await?)
}

/// One when it has changed, or the time is over.
///
/// # Errors
/// As [`one`].
pub(crate) async fn changed(link: &Link, watch: WatchState) -> anyhow::Result<State> {
    Ok(dated(link.ask(Request::WatchState(watch)).await?)?.0)
}

fn dated(answer: Response) -> anyhow::Result<(State, Option<Timestamp>)> {
    match answer {
        Response::State(state) => Ok((state, None)),
        Response::StateAsOf(StateAsOf { state, as_of }) => {
            remark(as_of);
            Ok((state, Some(as_of)))
        }
        _ => Err(strange().into()),
    }
}

/// Says it once in a program's life: a watch asks again and again.
fn remark(as_of: Timestamp) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if SAID.swap(true, Ordering::Relaxed) {
        return;
    }
    let text = format!(
        "what all machines share is as it was at {as_of}; `c2c link status` says why it is not newer"
    );
    // Whoever closed stderr does not want to know.
    let _ = print::remark(&text);
}

/// Those whose keys begin with this, by key; long values are left out. With when those that all machines share were so.
///
/// # Errors
/// As [`one`].
pub(crate) async fn all(link: &Link, prefix: &str) -> anyhow::Result<(Vec<Entry>, Option<Timestamp>)> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut oldest = None;
    loop {
        let after_key = entries.last().map(|entry| entry.state_key.clone());
        let question = ListState { prefix: prefix.to_owned(), after_key };
        let page = match link.ask(Request::ListState(question)).await? {
            Response::States(states) => states,
            Response::StatesAsOf(StatesAsOf { states, as_of }) => {
                oldest = oldest.or(Some(as_of));
                states
            }
            _ => return Err(strange().into()),
        };
        let more = page.more && !page.entries.is_empty();
        entries.extend(page.entries);
        if !more {
            oldest.into_iter().for_each(remark);
            return Ok((entries, oldest));
        }
    }
}

/// Sets one.
///
/// # Errors
/// As [`all`]; `conflict` where another version is there than was assumed.
pub(crate) async fn put(link: &Link, request: SetState) -> anyhow::Result<StateSet> {
    Ok(ask!(link, SetState(request), StateSet))
}
