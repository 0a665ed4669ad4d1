//! A store folder of its own, the broker's binary on it, and a client that speaks plain frames.
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses a part of it")]

use c2c_proto::codec::FrameCodec;
use c2c_proto::endpoint::{self, Stream};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::hello::{Hello, Identity, MAGIC, PROTOCOL, PROTOCOL_MIN, Role};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Request, Status};
use c2c_proto::response::Response;
use futures_util::{SinkExt, StreamExt};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval, timeout};
use tokio_util::codec::Framed;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program, which cargo builds before these tests: two folders above them. (The variable that names it has a dash in its
/// name, and does not get through every shell that a cross compiler may be wrapped in.)
pub(crate) fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join(format!("c2c-broker{}", std::env::consts::EXE_SUFFIX))
}

pub(crate) type Frames = Framed<Stream, FrameCodec<ServerFrame, ClientFrame>>;

pub(crate) struct Sandbox {
    // Removed with everything in it when the test ends.
    _folder: tempfile::TempDir,
    pub(crate) paths: StorePaths,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = StorePaths::of_store(&folder.path().canonicalize().unwrap().join("c2c.db")).unwrap();
        Self { _folder: folder, paths }
    }

    /// The binary on this store, in an environment that knows no other one.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).env_clear().env("CLAUDE_C2C_DB", &self.paths.store).env("C2C_LOG", "debug");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        timeout(PATIENCE, self.command(args).output()).await.unwrap().unwrap()
    }

    /// Starts a broker and waits for its word that it is ready.
    pub(crate) async fn start(&self, args: &[&str]) -> Running {
        self.start_command(self.command(args)).await
    }

    pub(crate) async fn start_command(&self, mut command: Command) -> Running {
        let mut child = command.arg("--ready-stdout").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        timeout(PATIENCE, stdout.read_line(&mut line)).await.unwrap().unwrap();
        let word: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(word["ready"], true, "{line}");
        assert_eq!(word["pid"].as_u64(), child.id().map(u64::from));
        let mut rest = String::new();
        assert_eq!(timeout(PATIENCE, stdout.read_line(&mut rest)).await.unwrap().unwrap(), 0, "{rest}");
        Running { child }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.paths.log).unwrap()
    }

    /// A connection that said hello as one that looks on.
    pub(crate) async fn client(&self) -> Frames {
        let mut frames = self.connect().await;
        match hello(&mut frames).await {
            ServerFrame::Welcome(_) => frames,
            other => panic!("{other:?}"),
        }
    }

    /// A connection of a session with this name.
    pub(crate) async fn session(&self, name: &str) -> Frames {
        let identity = Identity {
            key: c2c_proto::id::new_call_key(),
            automatic: true,
            wanted_name: Some(name.to_owned()),
            parent: name.to_owned(),
            project_dir: "/home/me".to_owned(),
            cwd: "/home/me".to_owned(),
            client: "test".to_owned(),
            ..Identity::default()
        };
        let mut frames = self.connect().await;
        match hello_as(&mut frames, Role::Session(Box::new(identity))).await {
            ServerFrame::Welcome(welcome) => assert_eq!(welcome.session.unwrap().name, name),
            other => panic!("{other:?}"),
        }
        frames
    }

    /// A connection that said nothing yet.
    pub(crate) async fn connect(&self) -> Frames {
        let stream = endpoint::connect(&self.paths.address).await.unwrap();
        Framed::new(stream, FrameCodec::new())
    }
}

/// Says hello as one that looks on, and returns the answer.
pub(crate) async fn hello(frames: &mut Frames) -> ServerFrame {
    hello_as(frames, Role::Control).await
}

async fn hello_as(frames: &mut Frames, role: Role) -> ServerFrame {
    let hello = Hello {
        magic: MAGIC,
        protocol_min: PROTOCOL_MIN,
        protocol_max: PROTOCOL,
        build: "test".to_owned(),
        role,
        extra: Vec::new(),
    };
    // One that is refused for its mere number may be closed before it has spoken.
    let _ = frames.send(&ClientFrame::Hello(hello)).await;
    next(frames).await.unwrap()
}

/// The next frame; `None` at the end.
pub(crate) async fn next(frames: &mut Frames) -> Option<ServerFrame> {
    timeout(PATIENCE, frames.next()).await.unwrap().and_then(Result::ok)
}

/// One call and its answer.
pub(crate) async fn call(frames: &mut Frames, id: u64, request: Request) -> Response {
    frames.send(&ClientFrame::Call { id, request }).await.unwrap();
    match next(frames).await {
        Some(ServerFrame::Reply(reply)) if reply.id == id => reply.result.unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Which broker serves the store.
pub(crate) async fn pid_of_server(sandbox: &Sandbox) -> u32 {
    let mut client = sandbox.client().await;
    match call(&mut client, 1, Request::Status(Status {})).await {
        Response::Status(status) => status.pid,
        other => panic!("{other:?}"),
    }
}

/// A broker that said that it is ready. Dropping it kills it.
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Waits for its end; its exit status, and how long it took.
    pub(crate) async fn ended(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        (status.code(), began.elapsed())
    }
}

/// Tries until it is so; how long that took. For what another process does without telling.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    let mut ticks = interval(Duration::from_millis(10));
    while began.elapsed() < PATIENCE {
        ticks.tick().await;
        if so().await {
            return began.elapsed();
        }
    }
    panic!("not within {PATIENCE:?}: {what}");
}
