//! A client of the broker's socket that need not keep to the protocol.

use bytes::BytesMut;
use c2c_proto::codec::FrameCodec;
use c2c_proto::endpoint::{self, Stream};
use c2c_proto::frame::{ClientFrame, Reply, ServerFrame};
use c2c_proto::hello::{Hello, Identity, MAGIC, PROTOCOL, PROTOCOL_MIN, Role};
use c2c_proto::paths::StorePaths;
use c2c_proto::request::Request;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio_util::codec::{Decoder, Encoder};

/// What came back.
#[derive(Debug)]
pub enum Received {
    /// A frame.
    Frame(Box<ServerFrame>),
    /// The broker closed the connection.
    Closed,
    /// Nothing in the time given.
    Nothing,
}

/// One connection.
#[derive(Debug)]
pub struct Raw {
    // The order matters: the stream goes before its runtime.
    stream: Stream,
    runtime: Runtime,
    unread: BytesMut,
    codec: FrameCodec<ServerFrame, ClientFrame>,
    next_id: u64,
}

impl Raw {
    /// Connects, if a broker listens.
    #[must_use]
    pub fn connect(paths: &StorePaths) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let stream = runtime.block_on(endpoint::connect(&paths.address)).ok()?;
        let codec = FrameCodec::new();
        Some(Self { stream, runtime, unread: BytesMut::new(), codec, next_id: 1 })
    }

    /// Writes bytes as they are; false if the broker does not take them.
    pub fn send_bytes(&mut self, bytes: &[u8], within: Duration) -> bool {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        self.runtime
            .block_on(async { tokio::time::timeout(within, write).await })
            .is_ok_and(|done| done.is_ok())
    }

    /// A frame's bytes.
    ///
    /// # Panics
    /// If the frame cannot be encoded.
    #[must_use]
    pub fn encode(frame: &ClientFrame) -> BytesMut {
        let mut bytes = BytesMut::new();
        FrameCodec::<ServerFrame, ClientFrame>::new().encode(frame, &mut bytes).expect("a frame");
        bytes
    }

    /// Sends one frame.
    pub fn send(&mut self, frame: &ClientFrame) -> bool {
        self.send_bytes(&Self::encode(frame), crate::PATIENCE)
    }

    /// The next frame.
    ///
    /// # Panics
    /// If the broker sends what is no frame.
    pub fn receive(&mut self, within: Duration) -> Received {
        let end = Instant::now() + within;
        loop {
            if let Some(frame) = self.codec.decode(&mut self.unread).expect("the broker sends frames") {
                return Received::Frame(Box::new(frame));
            }
            let left = end.saturating_duration_since(Instant::now());
            let read = self.stream.read_buf(&mut self.unread);
            match self.runtime.block_on(async { tokio::time::timeout(left, read).await }) {
                Err(_) => return Received::Nothing,
                Ok(Ok(0) | Err(_)) => return Received::Closed,
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Whether the broker closes the connection within this time, whatever it says before.
    pub fn closes(&mut self, within: Duration) -> bool {
        let end = Instant::now() + within;
        loop {
            match self.receive(end.saturating_duration_since(Instant::now())) {
                Received::Frame(_) => {}
                Received::Closed => return true,
                Received::Nothing => return false,
            }
        }
    }

    /// A hello that this broker accepts.
    #[must_use]
    pub fn hello(role: Role) -> Hello {
        Hello {
            magic: MAGIC,
            protocol_min: PROTOCOL_MIN,
            protocol_max: PROTOCOL,
            build: "harness".to_owned(),
            role,
            extra: Vec::new(),
        }
    }

    /// The identity of a session under a name.
    #[must_use]
    pub fn identity(name: &str) -> Identity {
        Identity {
            key: c2c_proto::id::new_unique_id(),
            automatic: true,
            wanted_name: Some(name.to_owned()),
            parent: format!("harness {}", std::process::id()),
            project_dir: "/".to_owned(),
            cwd: "/".to_owned(),
            client: "harness".to_owned(),
            ..Identity::default()
        }
    }

    /// Says hello; the answer.
    pub fn greet(&mut self, hello: Hello) -> Received {
        if !self.send(&ClientFrame::Hello(hello)) {
            return Received::Closed;
        }
        self.receive(crate::PATIENCE)
    }

    /// Sends a call; its id.
    pub fn start_call(&mut self, request: Request) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&ClientFrame::Call { id, request });
        id
    }

    /// The reply to a call; events and other replies before it are dropped.
    pub fn reply(&mut self, id: u64, within: Duration) -> Option<Reply> {
        let end = Instant::now() + within;
        loop {
            match self.receive(end.saturating_duration_since(Instant::now())) {
                Received::Frame(frame) => {
                    if let ServerFrame::Reply(reply) = *frame
                        && reply.id == id
                    {
                        return Some(reply);
                    }
                }
                Received::Closed | Received::Nothing => return None,
            }
        }
    }

    /// Sends a call and waits for its reply.
    pub fn call(&mut self, request: Request) -> Option<Reply> {
        let id = self.start_call(request);
        self.reply(id, crate::PATIENCE)
    }
}
