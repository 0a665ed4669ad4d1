//! What calls to prune explain: that something is gone which was acknowledged. Each explains only what was, or may have
//! been, in the store before it ended, and never the loss of direct mail that nobody may have read.

use super::history::{Call, History, Told, What};
use std::collections::HashMap;

/// All calls to prune of a history, and the direct mail that keeps a session's row.
#[derive(Debug)]
pub struct Prunes<'a> {
    /// Begin and end of each that may have been done; without an answer it may be done for ever later.
    all: Vec<(u64, u64)>,
    /// By mailbox: ids of direct messages, and when they were acknowledged.
    direct: HashMap<&'a str, Vec<(i64, u64)>>,
}

/// One call to prune, as a look after a power cut sees it.
#[derive(Clone, Copy, Debug)]
struct Prune {
    begun: u64,
    /// What began before may have been done before it.
    saw: u64,
}

impl<'a> Prunes<'a> {
    /// Finds them.
    #[must_use]
    pub fn of(history: &'a History) -> Self {
        let mut made = Self { all: Vec::new(), direct: HashMap::new() };
        for call in &history.calls {
            match (&call.what, &call.told) {
                (What::Prune, Told::Refused) => {}
                (What::Prune, _) => made.all.push((call.begun, call.ended)),
                (What::Send { to, .. }, Told::Sent { id, recipients }) if !to.is_empty() => {
                    for name in recipients {
                        made.direct.entry(name).or_default().push((*id, call.ended));
                    }
                }
                _ => {}
            }
        }
        made
    }

    /// Those that may have found in the store what this call did, and were asked for before a cut was over.
    fn after(&self, call: &Call, over: u64) -> impl Iterator<Item = Prune> {
        let begun = call.begun;
        self.all
            .iter()
            .filter(move |prune| prune.0 < over && begun < prune.1)
            .map(move |prune| Prune { begun: prune.0, saw: prune.1.min(over) })
    }

    /// Whether a broadcast, or its deliveries, may have been deleted.
    #[must_use]
    pub fn explain_broadcast(&self, call: &Call, over: u64) -> bool {
        self.after(call, over).next().is_some()
    }

    /// Whether a direct message may have been deleted: `read_before` says whether all that got it may have read it
    /// before a moment.
    #[must_use]
    pub fn explain_direct(&self, call: &Call, over: u64, read_before: impl Fn(u64) -> bool) -> bool {
        self.after(call, over).any(|prune| read_before(prune.saw))
    }

    /// Whether the row of the session that a hello made may have been deleted: `read_before` says whether it may have
    /// read a message before a moment. That it was offline is not looked at: nobody wrote down when it was.
    #[must_use]
    pub fn explain_session(&self, hello: &Call, over: u64, read_before: impl Fn(i64, u64) -> bool) -> bool {
        let direct = self.direct.get(hello.client.as_str()).map_or(&[][..], Vec::as_slice);
        self.after(hello, over).any(|prune| {
            let kept = |(id, ended): &(i64, u64)| *ended < prune.begun && !read_before(*id, prune.saw);
            !direct.iter().any(kept)
        })
    }
}
