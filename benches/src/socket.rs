//! A client of the broker's socket with as little of its own as possible: what the load takes of the machine's two or more
//! processors, the broker does not have.

use c2c_proto::codec::FrameCodec;
use c2c_proto::endpoint::{self, Stream};
use c2c_proto::frame::{ClientFrame, Reply, ServerFrame};
use c2c_proto::hello::Role;
use c2c_proto::id::new_call_key;
use c2c_proto::message::{Priority, To};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Request, Send, Wait};
use c2c_proto::response::Response;
use futures_util::{SinkExt, StreamExt};
use tokio_util::codec::Framed;

/// A connection that is one session.
#[derive(Debug)]
pub struct Socket {
    frames: Framed<Stream, FrameCodec<ServerFrame, ClientFrame>>,
    next_id: u64,
}

impl Socket {
    /// Connects and says hello under this name.
    ///
    /// # Panics
    /// If the broker does not take it.
    pub async fn session(paths: &StorePaths, name: &str) -> Self {
        Self::connect(paths, Role::Session(Box::new(c2c_harness::Raw::identity(name)))).await
    }

    /// Connects and says hello.
    ///
    /// # Panics
    /// If the broker does not take it.
    pub async fn connect(paths: &StorePaths, role: Role) -> Self {
        let stream = loop {
            match endpoint::connect(&paths.address).await {
                Ok(stream) => break stream,
                // Thousands at once are more than the system queues before they are accepted.
                Err(endpoint::ConnectError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("the broker listens: {error}"),
            }
        };
        let mut socket = Self { frames: Framed::with_capacity(stream, FrameCodec::new(), 512), next_id: 0 };
        socket.send(ClientFrame::Hello(c2c_harness::Raw::hello(role))).await;
        let answer = socket.receive().await;
        assert!(matches!(answer, ServerFrame::Welcome(_)), "the broker welcomes: {answer:?}");
        socket
    }

    /// Sends a call.
    pub async fn begin(&mut self, request: Request) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(ClientFrame::Call { id, request }).await;
        id
    }

    /// Reads until this call is answered.
    ///
    /// # Panics
    /// If it fails.
    pub async fn finish(&mut self, id: u64) -> Response {
        loop {
            if let ServerFrame::Reply(Reply { id: answered, result, .. }) = self.receive().await
                && answered == id
            {
                return result.unwrap_or_else(|error| panic!("a call failed: {error}"));
            }
        }
    }

    /// A call that must succeed.
    ///
    /// # Panics
    /// If it fails.
    pub async fn call(&mut self, request: Request) -> Response {
        let id = self.begin(request).await;
        self.finish(id).await
    }

    /// Calls that must succeed, all written before the first answer is read; the responses in the order in which they
    /// came.
    ///
    /// # Panics
    /// If one fails.
    pub async fn call_all(&mut self, requests: Vec<Request>) -> Vec<Response> {
        let mut left = requests.len();
        for request in requests {
            self.next_id += 1;
            let call = ClientFrame::Call { id: self.next_id, request };
            self.frames.feed(&call).await.expect("the broker reads");
        }
        self.frames.flush().await.expect("the broker reads");
        let mut responses = Vec::with_capacity(left);
        while left > 0 {
            if let ServerFrame::Reply(Reply { result, .. }) = self.receive().await {
                responses.push(result.unwrap_or_else(|error| panic!("a call failed: {error}")));
                left -= 1;
            }
        }
        responses
    }

    async fn send(&mut self, frame: ClientFrame) {
        self.frames.send(&frame).await.expect("the broker reads");
    }

    async fn receive(&mut self) -> ServerFrame {
        self.frames.next().await.expect("the broker is there").expect("the broker sends frames")
    }
}

/// A message to one name.
#[must_use]
pub fn message(to: To, body: &str) -> Request {
    Request::Send(Send {
        key: new_call_key(),
        to: Some(to),
        body: body.to_owned(),
        tag: None,
        reply_to: None,
        priority: Priority::Normal,
    })
}

/// A wait for whatever comes.
#[must_use]
pub fn wait(timeout_ms: u64) -> Request {
    Request::Wait(Wait { filter: Default::default(), timeout_ms })
}
