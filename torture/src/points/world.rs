//! One run's world: a folder, sessions that speak to its broker, and what they asked and were told.
//!
//! The sessions are bare connections, so that nothing repeats a call behind the run's back: what was not answered is
//! unknown until it is asked again with the same key.

use super::fold::Other;
use super::given::Given;
use super::scenarios::{Leave, Scenario};
use crate::trace::Traced;
use c2c_harness::{Broker, Raw, Received, Sandbox};
use c2c_proto::Error;
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::{Identity, Role};
use c2c_proto::id::new_call_key;
use c2c_proto::message::{Priority, To};
use c2c_proto::paths::ensure_private_dir;
use c2c_proto::request::{Request, Send};
use c2c_proto::response::Response;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Who takes part. The first one sends.
pub const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// The broker is gone.
#[derive(Clone, Copy, Debug)]
pub struct Gone;

/// What one call came to.
#[derive(Clone, Debug)]
pub enum Answer {
    Done(Response),
    Refused(Error),
    Unknown,
}

/// One changing call.
#[derive(Clone, Debug)]
pub struct Op {
    pub who: &'static str,
    pub request: Request,
    pub answer: Answer,
}

/// One session. Its identity outlives its connections.
#[derive(Debug)]
struct Actor {
    identity: Identity,
    raw: Option<Raw>,
}

/// See the module's first lines.
#[derive(Debug)]
pub struct World {
    pub sandbox: Sandbox,
    pub history: Vec<Op>,
    /// How many of them were done when the run began, maybe long ago.
    pub prepared: usize,
    /// What was there before, in a store of an earlier version.
    pub given: Option<Arc<Given>>,
    /// Another program that has the store open.
    pub other_program: Option<Other>,
    /// Whether the broker's log was full.
    pub full_log: bool,
    /// A second broker that takes part, beside the traced one.
    pub other: Option<Broker>,
    actors: BTreeMap<&'static str, Actor>,
}

/// What every run of a scenario begins with.
#[derive(Debug)]
pub struct Template {
    files: TempDir,
    history: Vec<Op>,
    given: Option<Arc<Given>>,
    identities: BTreeMap<&'static str, Identity>,
}

impl Template {
    /// Prepares it with a broker that nobody disturbs.
    pub fn of(scenario: &Scenario) -> Self {
        let mut world = World::new();
        if scenario.leave != Leave::Nothing {
            let mut broker = Broker::start(&world.sandbox);
            world.connect_all().expect("the broker answers");
            (scenario.prepare)(&mut world).expect("the broker answers");
            world.disconnect();
            if scenario.leave == Leave::Clean {
                broker.terminate();
                assert!(broker.wait_exit(c2c_harness::PATIENCE).success());
            } else {
                broker.kill();
            }
        }
        let given = scenario.made.map(|make| {
            let expected = make(world.sandbox.store());
            Arc::new(Given::of(world.sandbox.store(), expected))
        });
        let files = tempfile::tempdir().expect("a folder");
        copy_files(world.sandbox.dir(), files.path());
        let identities = world.actors.iter().map(|(name, actor)| (*name, actor.identity.clone())).collect();
        Self { files, history: std::mem::take(&mut world.history), given, identities }
    }
}

/// What a process said: it is no part of a store.
fn is_told(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".err") || name.starts_with("broker.log")
}

/// Copies what belongs to a store: its files, and what its run folder remembers.
pub fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if path.is_dir() && path.extension().is_some_and(|ext| ext == "run") {
            ensure_private_dir(&to.join(name)).expect("a folder");
            copy_files(&path, &to.join(name));
        } else if path.is_file() && !is_told(&path) {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}

impl World {
    fn new() -> Self {
        let actor = |name: &'static str| {
            let identity = Identity {
                client_session: Some(format!("client-{name}")),
                project_dir: "/p".to_owned(),
                ..Raw::identity(name)
            };
            (name, Actor { identity, raw: None })
        };
        let actors = NAMES.into_iter().map(actor).collect();
        Self {
            sandbox: Sandbox::new(),
            history: Vec::new(),
            prepared: 0,
            given: None,
            other_program: None,
            full_log: false,
            other: None,
            actors,
        }
    }

    /// A folder of its own with the template's files in it.
    pub fn on(template: &Template) -> Self {
        let mut world = Self::new();
        copy_files(template.files.path(), world.sandbox.dir());
        world.history.clone_from(&template.history);
        world.prepared = world.history.len();
        world.given.clone_from(&template.given);
        for (name, identity) in &template.identities {
            world.actors.get_mut(name).expect("an actor").identity = identity.clone();
        }
        world
    }

    /// Waits until the traced broker serves.
    pub fn until_serving(&self, traced: &Traced) -> Result<(), Gone> {
        let serves = || {
            let over = traced.over().is_some();
            let ready = !over && self.sandbox.status().is_some_and(|status| status.pid == traced.id());
            (over || ready).then_some(ready)
        };
        let ready = c2c_harness::until_some("the broker serves or is gone", c2c_harness::PATIENCE, serves);
        if ready { Ok(()) } else { Err(Gone) }
    }

    /// Connects everybody.
    pub fn connect_all(&mut self) -> Result<(), Gone> {
        NAMES.into_iter().try_for_each(|name| self.connect(name))
    }

    /// Connects one session, as the row that it was.
    pub fn connect(&mut self, name: &'static str) -> Result<(), Gone> {
        let actor = self.actors.get_mut(name).expect("an actor");
        actor.raw = None;
        let mut raw = Raw::connect(self.sandbox.paths()).ok_or(Gone)?;
        let hello = Raw::hello(Role::Session(Box::new(actor.identity.clone())));
        let Received::Frame(frame) = raw.greet(hello) else { return Err(Gone) };
        match *frame {
            ServerFrame::Welcome(welcome) => {
                let session = welcome.session.expect("a session");
                assert_eq!(session.name, name, "it has its name again");
                actor.identity.session_id = Some(session.session_id);
                actor.raw = Some(raw);
                Ok(())
            }
            // On its way down.
            _ => Err(Gone),
        }
    }

    /// Closes all connections.
    pub fn disconnect(&mut self) {
        for actor in self.actors.values_mut() {
            actor.raw = None;
        }
    }

    /// One call.
    pub fn call(&mut self, who: &'static str, request: Request) -> Result<(), Gone> {
        self.all(vec![(who, request)])
    }

    /// Several calls at once; one of each session at most.
    pub fn all(&mut self, requests: Vec<(&'static str, Request)>) -> Result<(), Gone> {
        let calls = self.start(requests);
        self.finish(&calls)
    }

    /// Begins calls, the last ones of the history.
    pub fn start(&mut self, requests: Vec<(&'static str, Request)>) -> Vec<u64> {
        let mut calls = Vec::new();
        for (who, request) in requests {
            let raw = self.actors.get_mut(who).expect("an actor").raw.as_mut().expect("it is connected");
            calls.push(raw.start_call(request.clone()));
            self.history.push(Op { who, request, answer: Answer::Unknown });
        }
        calls
    }

    /// Notes what the last calls of the history came to.
    pub fn finish(&mut self, calls: &[u64]) -> Result<(), Gone> {
        let first = self.history.len() - calls.len();
        let mut gone = false;
        for (op, call) in self.history[first..].iter_mut().zip(calls) {
            let raw = self.actors.get_mut(op.who).expect("an actor").raw.as_mut().expect("it is connected");
            match raw.reply(*call, c2c_harness::PATIENCE).map(|reply| reply.result) {
                Some(Ok(response)) => op.answer = Answer::Done(response),
                Some(Err(error)) => op.answer = Answer::Refused(error),
                None => gone = true,
            }
        }
        if gone { Err(Gone) } else { Ok(()) }
    }

    /// The same call again, with the same key.
    pub fn again(&mut self, op: &Op) -> Result<Response, String> {
        let raw = self.actors.get_mut(op.who).expect("an actor").raw.as_mut().expect("it is connected");
        let call = raw.start_call(op.request.clone());
        match raw.reply(call, Duration::from_secs(5)) {
            Some(reply) => reply.result.map_err(|error| error.to_string()),
            None => Err("no answer".to_owned()),
        }
    }
}

/// A message.
pub fn message(to: To, body: &str) -> Request {
    let (key, body) = (new_call_key(), body.to_owned());
    Request::Send(Send { to: Some(to), body, tag: None, reply_to: None, priority: Priority::Normal, key })
}

/// An answer to its sender, which marks it read.
pub fn reply(reply_to: i64, body: &str) -> Request {
    let (key, body) = (new_call_key(), body.to_owned());
    let (tag, priority) = (Some("answer".to_owned()), Priority::Normal);
    Request::Send(Send { to: None, body, tag, reply_to: Some(reply_to), priority, key })
}

/// A list of names.
pub fn many(names: &[&str]) -> To {
    To::Many(names.iter().map(|name| (*name).to_owned()).collect())
}
