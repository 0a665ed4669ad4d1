//! Breaks what lies between the nodes, and the nodes themselves, by the seed. Two things may be broken at once.

use super::one::Between;
use crate::history::dice::Dice;
use crate::history::{Fault, Op, Outcome};
use crate::nemesis;
use crate::workload::World;
use c2c_harness::{Signal, look, pause, signal};
use std::time::{Duration, Instant};

/// After so many faults the nodes are left alone until all of them are connected, or for this time: mail has to cross, too.
const RESTS_EVERY: u64 = 8;
const RESTS_AT_MOST: Duration = Duration::from_secs(40);

/// Breaks things at all nodes.
pub(super) struct Nemesis<'a> {
    worlds: &'a [World<'a>],
    between: &'a mut Between,
    at_nodes: Vec<nemesis::Nemesis<'a>>,
    dice: Dice,
    mean: Duration,
    done: u64,
    unrested: u64,
}

impl<'a> Nemesis<'a> {
    pub(super) fn new(
        worlds: &'a [World<'a>],
        between: &'a mut Between,
        seed: u64,
        mean: Duration,
        disk: bool,
    ) -> Self {
        let plan = nemesis::Plan { kills: None, time: Duration::ZERO, mean, disk };
        let at_nodes = worlds.iter().map(|world| nemesis::Nemesis::new(world, plan)).collect();
        Self { worlds, between, at_nodes, dice: Dice::for_one(seed, 3), mean, done: 0, unrested: 0 }
    }

    /// Breaks things until so many cuts and kills are done. Afterwards nothing is broken any more.
    pub(super) fn run(mut self, cuts: u64) {
        while self.done + self.kills_at_nodes() < cuts {
            // The time between two faults is what is drawn.
            pause(self.dice.exponential(self.mean));
            if self.dice.per_mille(350) {
                self.at_a_node();
            } else {
                self.between();
            }
            self.unrested += 1;
            if self.unrested >= RESTS_EVERY {
                self.rest();
            }
        }
        for nemesis in &self.at_nodes {
            nemesis.heal();
        }
    }

    fn kills_at_nodes(&self) -> u64 {
        self.at_nodes.iter().map(nemesis::Nemesis::kills).sum()
    }

    fn at_a_node(&mut self) {
        let node = self.dice.index(self.at_nodes.len());
        self.at_nodes[node].one();
    }

    fn rest(&mut self) {
        self.unrested = 0;
        let sandboxes = || self.worlds.iter().map(|world| world.sandbox);
        let _or_not = look(RESTS_AT_MOST, || sandboxes().all(super::one::is_connected).then_some(()));
    }

    /// The time for which something is broken; sometimes a node is hit meanwhile.
    fn meanwhile(&mut self, most: Duration) {
        let end = Instant::now() + most.mul_f64(0.1 + 0.9 * self.unit());
        if self.dice.per_mille(300) {
            self.at_a_node();
        }
        // The fault itself.
        pause(end.saturating_duration_since(Instant::now()));
    }

    fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.dice.below(1_000)).unwrap_or(0)) / 1_000.0
    }

    fn between(&mut self) {
        let node = self.dice.index(self.worlds.len());
        let began = self.worlds[0].recorder.now();
        let kind = match self.dice.below(100) {
            0..22 => Fault::KillLink,
            22..46 => Fault::CutLink,
            46..56 => Fault::StallLink,
            56..62 => Fault::FreezeLink,
            62..68 => Fault::PauseLink,
            68..84 => Fault::KillServer,
            84..92 => Fault::ForgetServer,
            _ => Fault::FreezeServer,
        };
        let outcome = match kind {
            Fault::KillServer | Fault::ForgetServer | Fault::FreezeServer => self.server(kind),
            _ => self.link(node, kind),
        };
        self.done += u64::from(outcome == Outcome::Ok);
        let ended = self.worlds[0].recorder.now();
        let name = &self.between.nodes[node].name;
        for world in self.worlds {
            world.recorder.add(Op::fault(began, ended, kind, outcome, name.clone()));
        }
    }

    fn server(&mut self, kind: Fault) -> Outcome {
        if kind == Fault::FreezeServer {
            let Some(id) = self.between.server.id() else { return Outcome::Fail };
            signal(id, Signal::STOP);
            self.meanwhile(Duration::from_secs(3));
            signal(id, Signal::CONT);
            return Outcome::Ok;
        }
        self.between.server.kill();
        self.meanwhile(Duration::from_secs(2));
        if kind == Fault::ForgetServer {
            self.between.server.forget();
        }
        self.between.server.run();
        Outcome::Ok
    }

    fn link(&mut self, node: usize, kind: Fault) -> Outcome {
        let sandbox = self.worlds[node].sandbox;
        match kind {
            Fault::KillLink => {
                self.between.note_end(node);
                self.between.nodes[node].link.kill();
                if self.dice.per_mille(300) {
                    self.meanwhile(Duration::from_secs(1));
                }
                self.between.nodes[node].link.start(sandbox);
            }
            Fault::CutLink | Fault::StallLink => {
                let proxy = &self.between.nodes[node].proxy;
                if kind == Fault::CutLink {
                    proxy.cut();
                } else {
                    proxy.hold();
                }
                self.meanwhile(Duration::from_secs(2));
                self.between.nodes[node].proxy.mend();
            }
            Fault::FreezeLink => {
                let Some(id) = self.between.nodes[node].link.id() else { return Outcome::Fail };
                signal(id, Signal::STOP);
                self.meanwhile(Duration::from_secs(2));
                signal(id, Signal::CONT);
            }
            _ => {
                let paused = sandbox.c2c(&["link", "pause"]).status == Some(0);
                self.meanwhile(Duration::from_secs(4));
                if !(paused && sandbox.c2c(&["link", "resume"]).status == Some(0)) {
                    return Outcome::Fail;
                }
            }
        }
        Outcome::Ok
    }
}
