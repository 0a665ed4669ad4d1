//! A client of the broker's socket that holds on: it comes back as the session that it was, and repeats a call that was
//! not answered, under the same key.

use super::history::{Call, Told, What};
use crate::vfs::now;
use c2c_harness::{Raw, Received, pause};
use c2c_proto::ErrorCode;
use c2c_proto::frame::ServerFrame;
use c2c_proto::hello::{Identity, Role};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::Request;
use c2c_proto::response::Response;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longer than any restart takes.
const PATIENCE: Duration = Duration::from_secs(15);
const BETWEEN_TRIES: Duration = Duration::from_millis(3);

/// What all clients of a run share.
#[derive(Debug, Default)]
pub struct Run {
    /// Set when no more is to be asked.
    pub over: AtomicBool,
    /// Calls acknowledged so far.
    pub acknowledged: AtomicUsize,
}

impl Run {
    /// Whether no more is to be asked.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

/// See the module's first lines.
#[derive(Debug)]
pub struct Client<'a> {
    paths: &'a StorePaths,
    run: &'a Run,
    identity: Identity,
    raw: Option<Raw>,
    /// What it asked and was told.
    pub calls: Vec<Call>,
}

impl<'a> Client<'a> {
    /// One under this name, not connected yet.
    #[must_use]
    pub fn new(paths: &'a StorePaths, run: &'a Run, name: &str) -> Self {
        Self { paths, run, identity: Raw::identity(name), raw: None, calls: Vec::new() }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.identity.wanted_name.as_deref().unwrap_or_default()
    }

    /// Asks without writing it down; `None` if there was no answer until the run was over.
    pub fn ask(&mut self, request: &Request) -> Option<Result<Response, ErrorCode>> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if !self.connected() {
                if self.run.is_over() {
                    return None;
                }
                // No event tells of a broker that begins to listen.
                pause(BETWEEN_TRIES);
                continue;
            }
            let reply = self.raw.as_mut().and_then(|raw| raw.call(request.clone()));
            match reply.map(|reply| reply.result) {
                Some(Ok(response)) => return Some(Ok(response)),
                Some(Err(error)) if !passes(error.code) => return Some(Err(error.code)),
                _ => self.raw = None,
            }
        }
        None
    }

    /// Asks, and writes down what it was told.
    pub fn call(&mut self, what: What, request: &Request) -> Option<Response> {
        let begun = now();
        let answer = self.ask(request);
        let ended = if answer.is_some() { now() } else { u64::MAX };
        let (told, response) = match answer {
            None => (Told::Nothing, None),
            Some(Err(_)) => (Told::Refused, None),
            Some(Ok(response)) => (told(&response), Some(response)),
        };
        self.note(begun, ended, what, told);
        response
    }

    fn note(&mut self, begun: u64, ended: u64, what: What, told: Told) {
        if ended != u64::MAX && told != Told::Refused {
            self.run.acknowledged.fetch_add(1, Ordering::AcqRel);
        }
        self.calls.push(Call { client: self.name().to_owned(), begun, ended, what, told });
    }

    /// Whether there is a connection, after trying to have one.
    fn connected(&mut self) -> bool {
        if self.raw.is_some() {
            return true;
        }
        let begun = now();
        let Some(mut raw) = Raw::connect(self.paths) else { return false };
        let Received::Frame(frame) = raw.greet(Raw::hello(Role::Session(Box::new(self.identity.clone()))))
        else {
            return false;
        };
        let ServerFrame::Welcome(welcome) = *frame else { return false };
        let session = welcome.session.expect("a session is registered without being asked");
        assert_eq!(session.name, self.name(), "a session that comes back has its name");
        self.identity.session_id = Some(session.session_id);
        self.raw = Some(raw);
        self.note(begun, now(), What::Hello, Told::Done);
        true
    }
}

/// Errors that say nothing of the outcome, and that another broker answers for.
const fn passes(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::ShuttingDown | ErrorCode::StorageFailed | ErrorCode::BrokerBusy)
}

fn told(response: &Response) -> Told {
    match response {
        Response::Sent(sent) => Told::Sent {
            id: sent.id,
            recipients: sent.recipients.iter().map(|recipient| recipient.name.to_lowercase()).collect(),
        },
        Response::StateSet(set) => Told::Set { version: u64::try_from(set.version).unwrap_or_default() },
        _ => Told::Done,
    }
}
