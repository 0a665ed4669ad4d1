//! The client against a broker of the tests' own, on real sockets. What it does is scripted by each test, so that a
//! connection breaks exactly where the test wants it.

mod newer;
mod outage;
mod replay;
mod session;
#[cfg(unix)]
mod start;

use super::config::Timing;
use super::{Answer, CallError, Client, ClientConfig, ClientEvent, Start};
use crate::codec::FrameCodec;
use crate::endpoint::{Listener, Stream};
use crate::error::Error;
use crate::event::Event;
use crate::frame::{ClientFrame, MailCount, Reply, ServerFrame};
use crate::hello::{Hello, Identity, PROTOCOL, Role, SessionState, Welcome};
use crate::message::{Priority, To};
use crate::paths::{StorePaths, ensure_private_dir};
use crate::request::{self, Request};
use crate::response::{self, Response};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::codec::Framed;

/// Long enough for a loaded machine, short enough for a test that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a store's paths in it.
struct Place {
    folder: TempDir,
    paths: StorePaths,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = StorePaths::of_store(&folder.path().join("c2c.db")).unwrap();
        ensure_private_dir(&paths.run_dir).unwrap();
        Self { folder, paths }
    }

    fn config(&self) -> ClientConfig {
        let identity = Identity { key: "shim-1".to_owned(), automatic: true, ..Identity::default() };
        ClientConfig {
            paths: self.paths.clone(),
            role: Role::Session(Box::new(identity)),
            start: Start::Never,
            build: "test".to_owned(),
            extra: Vec::new(),
        }
    }

    fn listen(&self) -> Broker {
        Broker { listener: Listener::bind(&self.paths.address).unwrap() }
    }

    fn open(&self) -> (Client, mpsc::Receiver<ClientEvent>) {
        Client::open_with(self.config(), unhurried())
    }
}

/// Times that no test waits for.
fn unhurried() -> Timing {
    Timing { outage_max: PATIENCE, answer_max: PATIENCE, ..Timing::default() }
}

/// What listens in a test.
struct Broker {
    listener: Listener,
}

impl Broker {
    /// Takes the next connection and its hello, and says nothing yet.
    async fn hear(&self) -> (Connection, Hello) {
        let stream = patiently(self.listener.accept()).await.unwrap();
        let mut connection = Connection { frames: Framed::new(stream, FrameCodec::new()) };
        match connection.next().await {
            Some(ClientFrame::Hello(hello)) => (connection, hello),
            other => panic!("no hello but {other:?}"),
        }
    }

    /// Takes the next connection and welcomes it.
    async fn accept(&self) -> (Connection, Hello) {
        let (mut connection, hello) = self.hear().await;
        connection.say(ServerFrame::Welcome(welcome(None))).await;
        (connection, hello)
    }
}

/// The broker's end of a connection.
struct Connection {
    frames: Framed<Stream, FrameCodec<ClientFrame, ServerFrame>>,
}

impl Connection {
    /// The next frame; `None` when the client closed the connection.
    async fn next(&mut self) -> Option<ClientFrame> {
        patiently(self.frames.next()).await.map(Result::unwrap)
    }

    async fn next_call(&mut self) -> (u64, Request) {
        match self.next().await {
            Some(ClientFrame::Call { id, request }) => (id, request),
            other => panic!("no call but {other:?}"),
        }
    }

    async fn say(&mut self, frame: ServerFrame) {
        patiently(self.frames.send(&frame)).await.unwrap();
    }

    async fn reply(&mut self, id: u64, result: Result<Response, Error>) {
        self.say(ServerFrame::Reply(Reply { id, mail: Some(MAIL), result })).await;
    }

    async fn tell(&mut self, event: Event) {
        self.say(ServerFrame::Event(event)).await;
    }

    /// Answers the next call, which must be this one.
    async fn answer(&mut self, expected: &Request, response: Response) {
        let (id, request) = self.next_call().await;
        assert_eq!(&request, expected);
        self.reply(id, Ok(response)).await;
    }
}

const MAIL: MailCount = MailCount { unread: 3, new: 1 };

async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("this should not take so long")
}

fn welcome(session: Option<SessionState>) -> Welcome {
    Welcome {
        protocol: PROTOCOL,
        build: "test".to_owned(),
        pid: std::process::id(),
        store_id: "store-1".to_owned(),
        session,
        extra: Vec::new(),
    }
}

fn session(session_id: &str, name: &str) -> SessionState {
    SessionState {
        session_id: session_id.to_owned(),
        name: name.to_owned(),
        superseded: false,
        displaced: None,
    }
}

fn call(client: &Client, request: &Request) -> JoinHandle<Result<Answer, CallError>> {
    let (client, request) = (client.clone(), request.clone());
    tokio::spawn(async move { client.call(request).await })
}

async fn outcome(call: JoinHandle<Result<Answer, CallError>>) -> Result<Answer, CallError> {
    patiently(call).await.unwrap()
}

fn get(state_key: &str) -> Request {
    Request::GetState(request::GetState { state_key: state_key.to_owned() })
}

/// A change with a key.
fn delete(state_key: &str) -> Request {
    Request::DeleteState(request::DeleteState {
        state_key: state_key.to_owned(),
        if_version: None,
        key: format!("call:{state_key}"),
    })
}

/// A question that waits for a minute.
fn ask(body: &str) -> Request {
    let send = request::Send {
        to: Some(To::One("b".to_owned())),
        body: body.to_owned(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
        key: "call:ask".to_owned(),
    };
    Request::Ask(request::Ask { send, replies: None, timeout_ms: 60_000 })
}

fn wait(timeout_ms: u64) -> Request {
    Request::Wait(request::Wait { filter: request::Filter::default(), timeout_ms })
}

fn nothing() -> Response {
    Response::State(response::State { entry: None, timed_out: false })
}

fn deleted() -> Response {
    Response::Deleted(response::Deleted { deleted: true })
}

fn timed_out() -> Response {
    Response::Waited(response::Waited { messages: Vec::new(), timed_out: true, repeated: false, more: false })
}
