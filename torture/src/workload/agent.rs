//! One client: its shim, which it starts again whenever it died, and its calls one after the other.

use super::World;
use super::flight::Flight;
use super::memory::Memory;
use crate::history::dice::Dice;
use crate::history::{Call, Done, Op, Outcome};
use c2c_harness::{Shim, Stdio, pause};
use std::sync::PoisonError;
use std::time::Duration;

/// A shim that does not answer `initialize` by then is started anew: it may have been frozen or killed.
const INITIALIZE_WITHIN: Duration = Duration::from_secs(30);

/// See the module's first lines.
#[derive(Debug)]
pub struct Agent<'w> {
    pub(super) world: &'w World<'w>,
    pub(super) index: u32,
    pub(super) dice: Dice,
    pub(super) memory: Memory,
    pub(super) shim: Option<Shim>,
    /// Calls that go on while others are made.
    pub(super) flights: Vec<Flight>,
    /// The session and its name, as the client knows them.
    pub(super) session: Box<str>,
    pub(super) name: Box<str>,
    /// Somebody else has the name, or it is not known which one the session has.
    pub(super) nameless: bool,
    pub(super) unsure: bool,
}

impl<'w> Agent<'w> {
    /// The client of this number.
    #[must_use]
    pub fn new(world: &'w World<'w>, index: u32) -> Self {
        Self {
            world,
            index,
            dice: Dice::for_one(world.seed, u64::from(index) + 1_000),
            memory: Memory::default(),
            shim: None,
            flights: Vec::new(),
            session: "".into(),
            name: "".into(),
            nameless: false,
            unsure: true,
        }
    }

    /// The name that it keeps for ever, if it is one of those.
    pub(super) fn steady_name(&self) -> Option<&'w str> {
        self.world.steady.get(self.index as usize).map(String::as_str)
    }

    /// Does what the seed says until the world ends, then settles what is open and reads its mail.
    pub fn run(mut self) {
        while !self.world.is_over() {
            if self.is_ready() {
                self.collect();
                self.step();
                if !self.world.pace.is_zero() {
                    // What crosses is slower than what stays; more than can cross would only wait.
                    pause(self.dice.exponential(self.world.pace));
                }
            }
        }
        self.settle();
        if !self.world.elsewhere.is_empty() {
            self.world.until_quiet();
            self.look_once_more();
        }
        self.put_away();
    }

    /// Whether there is a shim whose session is known; one is started if not.
    pub(super) fn is_ready(&mut self) -> bool {
        if self.shim.as_mut().is_some_and(Shim::is_gone) {
            self.put_away();
        }
        if self.shim.is_none() {
            self.start();
        }
        if self.shim.is_some() && self.unsure {
            self.call(Call::Sessions {});
        }
        if self.shim.is_some() && self.nameless {
            self.take_a_name();
        }
        self.shim.is_some() && !self.unsure && !self.nameless
    }

    fn start(&mut self) {
        let began = self.world.recorder.now();
        let client_session = format!("client-{}-{}", self.world.seed, self.index);
        let folder = self.world.sandbox.folder(&format!("project-{}", self.index));
        let mut options = self.world.sandbox.shim().program(&self.world.program).cwd(&folder);
        options = options.env("CLAUDE_CODE_SESSION_ID", &client_session);
        if let Some(name) = self.steady_name() {
            options = options.name(name);
        }
        if self.index % 3 == 1 {
            options = options.stdio(Stdio::Socket);
        }
        let mut shim = options.spawn();
        self.set_process(Some(shim.id()));
        let started = shim.try_initialize(INITIALIZE_WITHIN);
        self.shim = Some(shim);
        self.unsure = true;
        self.nameless = false;
        let outcome = if started { Outcome::Ok } else { Outcome::Unknown };
        self.record(began, Call::Start {}, outcome);
        if !started {
            self.put_away();
        }
    }

    /// Ends the shim; what it was doing has an unknown outcome.
    pub(super) fn put_away(&mut self) {
        let Some(shim) = self.shim.take() else { return };
        let began = self.world.recorder.now();
        // Before the process is waited for: nobody may signal a number that somebody else has by then.
        self.set_process(None);
        self.world.note_output(shim.put_away());
        for flight in std::mem::take(&mut self.flights) {
            // An answer that came before the end counts.
            let op = if flight.is_done() {
                flight.end(self.world, self.index)
            } else {
                flight.abandon(self.world, self.index)
            };
            self.keep(op);
        }
        self.record(began, Call::Stop {}, Outcome::Ok);
    }

    fn set_process(&self, id: Option<u32>) {
        if let Some(slot) = self.world.processes.get(self.index as usize) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = id;
        }
    }

    fn record(&self, began: u64, call: Call, outcome: Outcome) {
        self.world.recorder.add(Op {
            t_invoke: began,
            t_end: self.world.recorder.now(),
            client: self.index,
            session: self.session.clone(),
            name: self.name.clone(),
            call,
            outcome,
            result: Done::Nothing,
        });
    }

    /// Makes a call and waits for its answer.
    pub(super) fn call(&mut self, call: Call) -> Outcome {
        match self.begin(call) {
            Some(flight) => self.end(flight),
            None => Outcome::Unknown,
        }
    }

    pub(super) fn begin(&mut self, call: Call) -> Option<Flight> {
        let shim = self.shim.as_mut()?;
        Some(Flight::begin(self.world, shim, (&self.session, &self.name), call))
    }

    pub(super) fn end(&mut self, flight: Flight) -> Outcome {
        let op = flight.end(self.world, self.index);
        let outcome = op.outcome;
        self.keep(op);
        outcome
    }

    /// Takes in the answers of calls that went on meanwhile.
    pub(super) fn collect(&mut self) {
        for flight in std::mem::take(&mut self.flights) {
            if flight.is_done() {
                self.end(flight);
            } else {
                self.flights.push(flight);
            }
        }
    }

    /// Learns from a record, and hands it to the history.
    pub(super) fn keep(&mut self, op: Op) {
        self.memory.note(&op);
        match (&op.call, &op.result) {
            (_, Done::Error { code, .. }) if code == "superseded" => self.nameless = true,
            (_, Done::Error { code, .. }) if code == "not_registered" => self.nameless = true,
            (Call::Sessions {}, Done::Sessions { own: Some((session, name)), .. }) => {
                self.session = session.clone();
                self.name = name.clone();
                self.unsure = false;
            }
            (Call::Register { .. }, Done::Registered { session, name, .. }) => {
                self.session = session.clone();
                self.name = name.clone();
                self.nameless = false;
                self.unsure = false;
            }
            (Call::Send { .. }, Done::Sent { .. }) => {
                self.world.acknowledged.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            _ => {}
        }
        // Whether the name was taken is only known by looking.
        self.unsure |= matches!(op.call, Call::Register { .. }) && op.outcome == Outcome::Unknown;
        self.world.recorder.add(op);
    }
}
