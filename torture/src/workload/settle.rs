//! Calls whose outcome is open, and the end of a client's run.

use super::agent::Agent;
use crate::history::{Call, Done, Inbox, Outcome};
use std::time::{Duration, Instant};

/// After the last fault a client has this long for all of this.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);

impl Agent<'_> {
    /// Repeats one call whose outcome is open, with its key; half of them stay open for ever, as where a client forgets.
    pub(super) fn settle_one(&mut self) -> bool {
        let Some((session, call)) = self.memory.unsettled.pop() else { return false };
        if session != self.session || self.dice.per_mille(500) {
            return false;
        }
        self.call(call);
        true
    }

    /// Nothing breaks any more: settles what is open, and reads all that is unread.
    pub(super) fn settle(&mut self) {
        let end = Instant::now() + SETTLE_WITHIN;
        while Instant::now() < end && !self.is_ready() {}
        for flight in std::mem::take(&mut self.flights) {
            self.end(flight);
        }
        while Instant::now() < end && !self.memory.unsettled.is_empty() {
            self.settle_one();
        }
        self.read_all(Inbox { unread_only: true, limit: 500, ..Inbox::default() }, end);
        if self.index.is_multiple_of(4) {
            self.read_all(Inbox { limit: 500, ..Inbox::default() }, end);
        }
        self.call(Call::Sessions {});
    }

    /// All mail that is unread, and what came of the client's own messages.
    pub(super) fn look_once_more(&mut self) {
        let end = Instant::now() + SETTLE_WITHIN;
        while Instant::now() < end && !self.is_ready() {}
        self.read_all(Inbox { unread_only: true, limit: 500, ..Inbox::default() }, end);
        self.read_all(Inbox { sent: true, limit: 500, ..Inbox::default() }, end);
    }

    fn read_all(&mut self, first: Inbox, end: Instant) {
        let mut inbox = first;
        let mut after = 0;
        while Instant::now() < end {
            inbox.after = Some(after);
            let Some(flight) = self.begin(Call::Inbox(inbox.clone())) else { return };
            let op = flight.end(self.world, self.index);
            let next = match &op.result {
                Done::Page { messages, more: true } => messages.last().map(|message| message.id),
                _ => None,
            };
            let again = op.outcome == Outcome::Fail;
            self.keep(op);
            // Somebody else has the name, and with it the mail.
            if self.nameless {
                return;
            }
            match next {
                Some(next) => after = next,
                None if again => {}
                None => return,
            }
        }
    }
}
