//! What a client does next, by its dice.

use super::agent::Agent;
use super::flight::Flight;
use super::memory::{QUESTION, under_the_key_of};
use super::{ENTRIES, LEASES};
use crate::history::bodies;
use crate::history::{Call, Inbox, To};
use c2c_harness::pause;
use std::time::{Duration, Instant};

/// Calls that go on while others are made.
const FLIGHTS_MAX: usize = 3;
const TAGS: [&str; 3] = ["handoff", "status", QUESTION];

impl Agent<'_> {
    /// One thing.
    pub(super) fn step(&mut self) {
        match self.dice.below(1_000) {
            0..320 => self.burst(),
            320..420 => self.repeat(),
            420..450 => self.misuse_a_key(),
            450..500 => self.answer(),
            500..550 => self.broadcast(),
            550..700 => self.wait(),
            700..820 => self.look(),
            820..850 => self.look_back(),
            850..930 => self.mark(),
            930..945 => self.ask(),
            945..980 => self.state(),
            980..985 => self.names(),
            985..992 => self.simply(Call::Sessions {}),
            992..995 => self.cancel_one(),
            995..998 => self.stay_away(),
            998 => self.simply(Call::Heartbeat {}),
            _ => self.simply(Call::Prune {}),
        }
    }

    fn simply(&mut self, call: Call) {
        self.call(call);
    }

    /// Some names to send to: mostly one that is kept, sometimes contested ones, oneself, one that nobody has.
    fn addressees(&mut self) -> Vec<String> {
        let count = if self.dice.per_mille(120) { 2 + self.dice.below(5) } else { 1 };
        let mut names: Vec<String> = Vec::new();
        for _ in 0..count {
            let list = if !self.world.elsewhere.is_empty() && self.dice.per_mille(500) {
                &self.world.elsewhere
            } else if self.dice.per_mille(120) {
                &self.world.contested
            } else {
                &self.world.steady
            };
            let name = match self.dice.below(1_000) {
                0..15 => format!("nobody-{}", self.dice.below(3)),
                _ => self.dice.pick(list).cloned().unwrap_or_else(|| "nobody".to_owned()),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn new_send(&mut self, to: To, reply_to: Option<i64>) -> Call {
        let n = self.world.number();
        // A body that cannot carry its number has to be known by its key.
        let keyed = self.world.bodies.is_tiny(n) || self.dice.per_mille(450);
        let tag =
            if self.dice.per_mille(300) { self.dice.pick(&TAGS).map(|tag| (*tag).to_owned()) } else { None };
        let fyi = self.dice.per_mille(50);
        Call::Send { n, to, tag, reply_to, key: keyed.then(|| bodies::key(n)), fyi }
    }

    fn burst(&mut self) {
        let count = 1 + self.dice.below(self.world.burst);
        let calls: Vec<Call> = (0..count)
            .map(|_| {
                let to = To::Names(self.addressees());
                self.new_send(to, None)
            })
            .collect();
        let flights: Vec<Flight> = calls.into_iter().filter_map(|call| self.begin(call)).collect();
        for flight in flights {
            self.end(flight);
        }
    }

    fn broadcast(&mut self) {
        let to = match self.dice.pick(&self.world.elsewhere).and_then(|address| address.split_once('@')) {
            Some((_, node)) if self.dice.per_mille(500) => To::Names(vec![format!("*@{node}")]),
            _ => To::Everyone,
        };
        let call = self.new_send(to, None);
        self.call(call);
    }

    /// The same call once more: one that was acknowledged, or one whose outcome is open.
    fn repeat(&mut self) {
        if self.dice.per_mille(400) && self.settle_one() {
            return;
        }
        let (session, call) = match self.dice.pick(&self.memory.keyed) {
            Some(found) => found.clone(),
            None => return self.burst(),
        };
        if session == self.session {
            self.call(call);
        }
    }

    /// The key of one message with another text.
    fn misuse_a_key(&mut self) {
        let Some((session, call)) = self.dice.pick(&self.memory.keyed).cloned() else { return };
        let n = self.world.number();
        if session != self.session || self.world.bodies.is_tiny(n) {
            return;
        }
        if let Some(call) = under_the_key_of(&call, n) {
            self.call(call);
        }
    }

    fn answer(&mut self) {
        let asked = self.memory.questions.pop();
        let any = self.dice.pick(&self.memory.mail).copied();
        let Some(id) = asked.or(any) else { return };
        let call = self.new_send(To::Sender, Some(id));
        self.call(call);
    }

    fn wait(&mut self) {
        if self.flights.len() >= FLIGHTS_MAX {
            return;
        }
        let timeout_ms = match self.dice.below(10) {
            0..2 => 0,
            2..8 => self.dice.below(1_500),
            _ => self.dice.below(5_000),
        };
        let mut call = Call::Wait { timeout_ms, from: None, tag: None, reply_to: None };
        if let Call::Wait { from, tag, reply_to, .. } = &mut call {
            match self.dice.below(6) {
                0 => *from = self.dice.pick(&self.world.steady).cloned(),
                1 => *tag = self.dice.pick(&TAGS).map(|tag| (*tag).to_owned()),
                2 => *reply_to = self.dice.pick(&self.memory.sent).map(|(_, id)| *id),
                _ => {}
            }
        }
        let flight = self.begin(call);
        self.flights.extend(flight);
    }

    fn look(&mut self) {
        let mut inbox = Inbox { unread_only: true, limit: 500, ..Inbox::default() };
        match self.dice.below(10) {
            0 => inbox.limit = 1 + u32::try_from(self.dice.below(30)).unwrap_or(0),
            1 => inbox.tag = self.dice.pick(&TAGS).map(|tag| (*tag).to_owned()),
            2 => inbox.from = self.dice.pick(&self.world.steady).cloned(),
            3 => inbox.after = Some(self.memory.last_id),
            4 => inbox.after = self.dice.pick(&self.memory.mail).copied(),
            _ => {}
        }
        self.call(Call::Inbox(inbox));
    }

    fn look_back(&mut self) {
        let mut inbox =
            Inbox { limit: 1 + u32::try_from(self.dice.below(100)).unwrap_or(0), ..Inbox::default() };
        let known = self.dice.pick(&self.memory.mail).copied();
        match self.dice.below(5) {
            0 => inbox.before = known,
            1 => inbox.after = known,
            2 => {
                inbox.sent = true;
                inbox.after = self.dice.pick(&self.memory.sent).map(|(_, id)| id - 1);
            }
            3 => inbox.word = Some(self.dice.below(self.world.number())),
            _ => {
                if let Some(id) = known {
                    self.call(Call::ReadBody { id, offset: 0 });
                }
                return;
            }
        }
        self.call(Call::Inbox(inbox));
    }

    /// Marks most of what was shown, and sometimes what is none of its business.
    fn mark(&mut self) {
        let mut ids = self.memory.unmarked.clone();
        if self.dice.per_mille(300) {
            ids.truncate(1 + self.dice.index(10));
        }
        if self.dice.per_mille(200) || ids.is_empty() {
            let foreign = 1 + self.dice.below(self.memory.last_id.unsigned_abs() + 10);
            ids.push(i64::try_from(foreign).unwrap_or(1));
        }
        let key = self.dice.per_mille(300).then(|| bodies::key(self.world.number()));
        self.call(Call::MarkRead { ids, key });
    }

    fn ask(&mut self) {
        if self.flights.len() >= FLIGHTS_MAX {
            return;
        }
        let n = self.world.number();
        let to = self.addressees();
        if self.world.bodies.is_tiny(n) || to.iter().any(|name| *name == *self.name) {
            return;
        }
        let replies = self.dice.per_mille(500).then_some(1);
        let timeout_ms = self.dice.below(3_000);
        let tag = Some(QUESTION.to_owned());
        let flight = self.begin(Call::Ask { n, to, tag, key: None, timeout_ms, replies });
        self.flights.extend(flight);
    }

    fn state(&mut self) {
        let entry = (*self.dice.pick(&ENTRIES).unwrap_or(&"state/a")).to_owned();
        let lease = (*self.dice.pick(&LEASES).unwrap_or(&"lease/a")).to_owned();
        let known = self.memory.version(&entry);
        let n = self.world.number();
        let key = self.dice.per_mille(500).then(|| bodies::key(n));
        let call = match self.dice.below(10) {
            0..2 => Call::SetState { n, entry, if_version: None, ttl_ms: None, key },
            2..4 => Call::SetState { n, entry, if_version: known.or(Some(0)), ttl_ms: None, key },
            4 => Call::SetState { n, entry, if_version: Some(0), ttl_ms: None, key },
            5 => Call::DeleteState { n, entry, if_version: known.filter(|_| n.is_multiple_of(2)), key },
            6 => Call::SetState { n, entry: lease, if_version: Some(0), ttl_ms: Some(1_000), key },
            7 => {
                let timeout_ms = self.dice.below(800);
                Call::GetState { entry, newer_than: Some(known.unwrap_or(0)), timeout_ms }
            }
            8 => Call::GetState { entry: lease, newer_than: None, timeout_ms: 0 },
            _ => Call::GetState { entry, newer_than: None, timeout_ms: 0 },
        };
        self.call(call);
    }

    fn names(&mut self) {
        if self.steady_name().is_some() || self.dice.per_mille(300) {
            self.call(Call::Sessions {});
        } else {
            self.take_a_name();
        }
    }

    /// A contested name, whoever has it. Whoever keeps a name asks for the one that it has.
    pub(super) fn take_a_name(&mut self) {
        let name = match self.steady_name() {
            Some(name) => name.to_owned(),
            None => self.dice.pick(&self.world.contested).cloned().unwrap_or_default(),
        };
        self.call(Call::Register { name });
    }

    /// Ends its shim; mostly it comes back only after a while, in which others can see that it is gone.
    fn stay_away(&mut self) {
        self.put_away();
        if self.dice.per_mille(700) {
            let end = Instant::now() + Duration::from_millis(1_200 + self.dice.below(2_000));
            while Instant::now() < end && !self.world.is_over() {
                // The absence itself, cut short when the run ends.
                pause(Duration::from_millis(20));
            }
        }
    }

    fn cancel_one(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let flight = self.flights.swap_remove(0);
        if let (Some(pending), Some(shim)) = (flight.pending(), self.shim.as_mut()) {
            shim.try_cancel(pending);
        }
        let op = flight.abandon(self.world, self.index);
        self.keep(op);
    }
}
