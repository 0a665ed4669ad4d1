//! One run of one seed: the nodes, what lies between them, all that is done and broken, and the verdict.

use super::nemesis::Nemesis;
use super::proxy::Proxy;
use crate::checker::{self, Judged, Node, Premises};
use crate::history::bodies::Bodies;
use crate::history::{Op, Recorder};
use crate::run::{end_broker, programs};
use crate::workload::{Agent, World};
use c2c_harness::{Link, NatsServer, Sandbox, Signal, alive, look, pause, signal};
use std::path::PathBuf;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// What the nodes are called.
pub(super) const NAMES: [&str; 3] = ["laptop", "tower", "desk"];
/// Nodes know each other by then.
const KNOWN_WITHIN: Duration = Duration::from_secs(60);
/// After the last fault a link connects again at the latest after half a minute, the server sends what a link had taken once
/// more after ten seconds, and what the server has lost is sent again after five seconds and more. All of that, one after
/// the other, on a busy machine.
const QUIET_WITHIN: Duration = Duration::from_secs(180);
/// A client settles what is open within a minute, and waits for one call beyond.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);
/// What is asked to end has done so by then.
const END_WITHIN: Duration = Duration::from_secs(8);
/// Each node's messages have numbers of their own.
const NUMBERS_APART: u64 = 1 << 32;

/// What to do.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) cuts: u64,
    pub(super) nodes: usize,
    pub(super) clients: usize,
    pub(super) mean: Duration,
    pub(super) disk: bool,
    pub(super) burst: u64,
    pub(super) pace: Duration,
    pub(super) history: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) judged: Vec<Judged>,
    pub(super) took: Duration,
    /// From the last fault until everything had arrived.
    pub(super) quiet_after: Option<Duration>,
    /// What ended that should run, what did not end, what cannot be read.
    pub(super) damage: Vec<String>,
}

/// What lies between the nodes.
pub(super) struct Between {
    pub(super) server: NatsServer,
    pub(super) nodes: Vec<Linked>,
    damage: Vec<String>,
}

/// A node's way to the server.
pub(super) struct Linked {
    pub(super) name: String,
    pub(super) link: Link,
    pub(super) proxy: Proxy,
}

impl Between {
    /// A link runs until it is killed: one that ended by itself is a fault.
    pub(super) fn note_end(&mut self, node: usize) {
        let Linked { name, link, .. } = &mut self.nodes[node];
        if let Some(status) = link.ended() {
            let log = link.log();
            let last = log.lines().last().unwrap_or_default();
            self.damage.push(format!("the link of {name} ended by itself ({status}): {last}"));
        }
    }
}

/// Whether the link of a store says that it is connected.
pub(super) fn is_connected(sandbox: &Sandbox) -> bool {
    let said = sandbox.c2c(&["link", "status", "--json"]);
    let state: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
    state["report"].as_str().is_some_and(|report| report.starts_with("connected"))
}

/// Mail that waits at a store, by what its link says; `None` if it does not know as many other nodes.
fn waiting(sandbox: &Sandbox, others: usize) -> Option<u64> {
    let said = sandbox.c2c(&["link", "status", "--json"]);
    let state: serde_json::Value = serde_json::from_str(&said.out).ok()?;
    let nodes = state["nodes"].as_array()?;
    (nodes.len() >= others).then(|| nodes.iter().filter_map(|node| node["waiting"].as_u64()).sum())
}

/// Runs it, ends all processes, and judges.
pub(super) fn run(plan: &Plan, server: NatsServer) -> Outcome {
    let began = Instant::now();
    let sandboxes: Vec<Sandbox> = (0..plan.nodes).map(|_| Sandbox::new()).collect();
    let (mut between, shims, disk) = connect(plan, server, &sandboxes);
    let worlds = worlds(plan, &sandboxes, &shims);
    let (quiet, quiet_after) = work(plan, &worlds, &mut between, disk);
    for node in 0..plan.nodes {
        between.note_end(node);
        end_link(&mut between, node);
    }
    let mut nodes = Vec::new();
    for (world, linked) in worlds.into_iter().zip(&between.nodes) {
        let sandbox = world.sandbox;
        let faults = std::mem::take(&mut *world.output_faults.lock().unwrap_or_else(PoisonError::into_inner));
        between.damage.extend(faults);
        let premises = Premises { seed: plan.seed, steady: world.steady.clone() };
        let history = world.recorder.finish();
        if end_broker(sandbox).is_none() {
            between.damage.push(format!("the broker of {} did not end", linked.name));
        }
        let dump = checker::read_store(sandbox.store()).unwrap_or_else(|error| {
            between.damage.push(format!("the store of {} cannot be read: {error}", linked.name));
            checker::Dump::default()
        });
        nodes.push(Node { name: linked.name.clone(), premises, history, dump });
    }
    let judged = checker::among_nodes(&nodes, quiet);
    if judged.iter().any(|judged| !judged.verdict.violations.is_empty()) || quiet.is_none() {
        keep(plan, &sandboxes, &judged);
    }
    Outcome { judged, took: began.elapsed(), quiet_after, damage: between.damage }
}

/// Links that know each other; the programs of the shims, and whether the brokers' disks can be made to fail.
fn connect(plan: &Plan, server: NatsServer, sandboxes: &[Sandbox]) -> (Between, Vec<PathBuf>, bool) {
    let (mut nodes, mut shims, mut disk) = (Vec::new(), Vec::new(), false);
    for (sandbox, name) in sandboxes.iter().zip(NAMES) {
        let proxy = Proxy::to(server.port());
        let settings = format!(
            "url = \"nats://127.0.0.1:{}\"\nnode = {name:?}\ncreds = {:?}\n",
            proxy.port(),
            server.creds(name)
        );
        std::fs::write(&sandbox.paths().link_config, settings).expect("the sandbox can be written");
        let (folder, faulty) = programs(None, plan.disk, sandbox);
        disk = faulty;
        let mut link = Link::of(sandbox).program(folder.join("c2c-link"));
        link.start(sandbox);
        shims.push(folder.join("c2c-shim"));
        nodes.push(Linked { name: name.to_owned(), link, proxy });
    }
    let others = sandboxes.len() - 1;
    let known = || sandboxes.iter().all(|sandbox| waiting(sandbox, others).is_some()).then_some(());
    assert!(look(KNOWN_WITHIN, known).is_some(), "the nodes do not get to know each other");
    (Between { server, nodes, damage: Vec::new() }, shims, disk)
}

fn worlds<'a>(plan: &Plan, sandboxes: &'a [Sandbox], shims: &[PathBuf]) -> Vec<World<'a>> {
    let file =
        |node: usize| Some(PathBuf::from(format!("{}.{}", plan.history.as_ref()?.display(), NAMES[node])));
    let clock = Recorder::new(None).expect("no file");
    let worlds = sandboxes.iter().enumerate().map(|(node, sandbox)| {
        let recorder = clock.beside(file(node).as_deref()).expect("the history can be written");
        // Each node's clients choose by themselves; what a message says is known at all of them.
        let seed = plan.seed.wrapping_add(node as u64 + 1);
        let shim = shims[node].clone();
        let mut world = World::new(sandbox, recorder, seed, plan.clients, shim, plan.burst);
        world.bodies = Bodies::of(plan.seed);
        world
    });
    let worlds: Vec<World<'a>> = worlds.collect();
    let addresses = |of: usize| -> Vec<String> {
        let names = worlds[of].steady.iter().chain(&worlds[of].contested);
        names.map(|name| format!("{name}@{}", NAMES[of])).collect()
    };
    let all: Vec<Vec<String>> = (0..worlds.len()).map(addresses).collect();
    let others = |node: usize| {
        all.iter().enumerate().filter(move |(of, _)| *of != node).flat_map(|(_, all)| all.clone())
    };
    let numbered = worlds.into_iter().enumerate().map(|(node, world)| {
        world.among_nodes(node as u64 * NUMBERS_APART + 1, others(node).collect(), plan.pace)
    });
    numbered.collect()
}

/// All clients and faults, then the clients to their end, and mail to its: when everything had arrived, and how long
/// after the last fault.
fn work(
    plan: &Plan,
    worlds: &[World<'_>],
    between: &mut Between,
    disk: bool,
) -> (Option<u64>, Option<Duration>) {
    std::thread::scope(|threads| {
        let clients = worlds.iter().flat_map(|world| (0..world.clients()).map(move |index| (world, index)));
        let agents: Vec<_> = clients
            .map(|(world, index)| {
                threads.spawn(move || Agent::new(world, u32::try_from(index).unwrap_or(0)).run())
            })
            .collect();
        Nemesis::new(worlds, between, plan.seed, plan.mean, disk).run(plan.cuts);
        let healed = Instant::now();
        worlds.iter().for_each(World::end);
        let settled = || worlds.iter().all(World::is_settled).then_some(());
        let all_settled = look(SETTLED_WITHIN, settled).is_some();
        let others = worlds.len() - 1;
        let arrived = || worlds.iter().all(|world| waiting(world.sandbox, others) == Some(0)).then_some(());
        let quiet = look(QUIET_WITHIN.saturating_sub(healed.elapsed()), arrived).filter(|()| all_settled);
        let quiet = quiet.map(|()| (worlds[0].recorder.now(), healed.elapsed()));
        worlds.iter().for_each(World::be_quiet);
        let ended = agents.into_iter().map(std::thread::ScopedJoinHandle::join);
        let panicked = ended.filter(Result::is_err).count();
        assert_eq!(panicked, 0, "clients panicked");
        quiet.unzip()
    })
}

/// Asks a link to end.
fn end_link(between: &mut Between, node: usize) {
    let Linked { name, link, .. } = &mut between.nodes[node];
    let Some(id) = link.id() else { return };
    signal(id, Signal::TERM);
    let asked = Instant::now();
    while alive(id) && asked.elapsed() < END_WITHIN {
        // Nothing but the process itself tells that it ended.
        pause(Duration::from_millis(2));
    }
    match link.ended() {
        Some(status) if status.success() => {}
        status => between.damage.push(format!("the link of {name} did not end as it should: {status:?}")),
    }
}

/// Keeps what a person needs to find out: histories, stores and logs.
fn keep(plan: &Plan, sandboxes: &[Sandbox], judged: &[Judged]) {
    let folder = std::env::temp_dir().join(format!("c2c-torture-nodes-{}", plan.seed));
    let keep = |sandbox: &Sandbox, judged: &Judged| -> std::io::Result<()> {
        let folder = folder.join(&judged.node.name);
        std::fs::create_dir_all(&folder)?;
        let json = |op: &Op| serde_json::to_string(op).ok();
        let lines: Vec<String> = judged.node.history.iter().filter_map(json).collect();
        std::fs::write(folder.join("history.jsonl"), lines.join("\n"))?;
        std::fs::copy(sandbox.store(), folder.join("c2c.db"))?;
        std::fs::copy(&sandbox.paths().log, folder.join("broker.log"))?;
        std::fs::copy(sandbox.dir().join("link.log"), folder.join("link.log"))?;
        Ok(())
    };
    match sandboxes.iter().zip(judged).try_for_each(|(sandbox, judged)| keep(sandbox, judged)) {
        Ok(()) => println!("kept in {}", folder.display()),
        Err(error) => println!("not all could be kept in {}: {error}", folder.display()),
    }
}
