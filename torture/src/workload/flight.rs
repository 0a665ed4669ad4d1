//! One call from its sending to its record.

use super::World;
use super::{answers, arguments};
use crate::history::{Call, Done, HANGS, Op, Outcome};
use c2c_harness::{Pending, Shim};
use std::time::{Duration, Instant};

/// Every call is answered within this time beyond what it asks to wait: 30 s for an answer, 5 s for a broker, and as
/// much again for a busy machine. Beyond it the call hangs.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(70);

/// A call that was made.
#[derive(Debug)]
pub(super) struct Flight {
    call: Call,
    session: Box<str>,
    name: Box<str>,
    made: Instant,
    pending: Option<Pending>,
}

impl Flight {
    /// Makes the call. A shim that does not read any more gets nothing, and the outcome is unknown.
    pub(super) fn begin(world: &World<'_>, shim: &mut Shim, who: (&str, &str), call: Call) -> Self {
        let made = Instant::now();
        let pending = arguments::of(&call, world.bodies)
            .and_then(|(tool, arguments)| shim.try_start_call(tool, arguments));
        Self { call, session: who.0.into(), name: who.1.into(), made, pending }
    }

    /// Whether its answer is there, or will not come any more.
    pub(super) fn is_done(&self) -> bool {
        self.pending.as_ref().is_none_or(Pending::is_done) || self.left().is_zero()
    }

    /// The call on its way, to be cancelled.
    pub(super) const fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// The time until the call counts as hanging.
    fn left(&self) -> Duration {
        let most = ANSWER_WITHIN + Duration::from_millis(self.call.wait_ms());
        most.saturating_sub(self.made.elapsed())
    }

    /// Waits for the answer, and makes the record.
    pub(super) fn end(self, world: &World<'_>, client: u32) -> Op {
        let answer = self.pending.as_ref().and_then(|pending| pending.response_at(self.left()));
        let hangs = answer.is_none() && self.pending.is_some() && self.left().is_zero();
        let (ended, outcome, result) = match answer {
            Some((came, response)) => {
                let (outcome, result) = answers::read(&self.call, &response);
                (came, outcome, result)
            }
            None if hangs => (Instant::now(), Outcome::Unknown, Done::Malformed(HANGS.to_owned())),
            None => (Instant::now(), Outcome::Unknown, Done::Nothing),
        };
        self.record(world, client, ended, outcome, result)
    }

    /// The record of a call that nobody waits for any longer.
    pub(super) fn abandon(self, world: &World<'_>, client: u32) -> Op {
        self.record(world, client, Instant::now(), Outcome::Unknown, Done::Nothing)
    }

    fn record(self, world: &World<'_>, client: u32, ended: Instant, outcome: Outcome, result: Done) -> Op {
        Op {
            t_invoke: world.recorder.at(self.made),
            t_end: world.recorder.at(ended),
            client,
            session: self.session,
            name: self.name,
            call: self.call,
            outcome,
            result,
        }
    }
}
