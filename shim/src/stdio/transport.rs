//! What stands between rmcp and the client's lines.

use super::incoming::{self, Incoming};
use super::lines::{Line, Lines};
use super::private;
use super::writer::{self, Outgoing};
use crate::shown::ShownLog;
use c2c_proto::limits::MCP_LINE_MAX_BYTES;
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use std::collections::VecDeque;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// MCP over two streams of lines.
#[derive(Debug)]
pub struct StdioTransport<R> {
    lines: Lines<R>,
    queue: mpsc::Sender<Outgoing>,
    /// Answers of the transport's own that are not handed to the writer yet.
    answers: VecDeque<Vec<u8>>,
    initialized: bool,
    shown: ShownLog,
    ended: CancellationToken,
}

impl<R: AsyncRead + Send + Unpin + 'static> StdioTransport<R> {
    /// `shown` is told of mail whose result was written. `ended` is set when the client has closed either
    /// stream.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(
        read: R,
        write: impl AsyncWrite + Send + Unpin + 'static,
        shown: ShownLog,
        ended: CancellationToken,
    ) -> Self {
        Self {
            lines: Lines::new(read, MCP_LINE_MAX_BYTES),
            queue: writer::start(write, shown.clone(), ended.clone()),
            answers: VecDeque::new(),
            initialized: false,
            shown,
            ended,
        }
    }

    /// Hands over what is to be answered, and waits until there is room for answers to what is read next: a client
    /// that does not read is not read from. Can be dropped at any time.
    async fn make_room(&mut self) -> bool {
        loop {
            let Ok(room) = self.queue.reserve().await else { return false };
            match self.answers.pop_front() {
                Some(line) => room.send(Outgoing::plain(line)),
                None => return true,
            }
        }
    }

    /// Ends when everything is written that was handed over before, or the client is gone.
    async fn all_written(&mut self) {
        let (written, done) = oneshot::channel();
        if self.queue.send(Outgoing::mark(written)).await.is_ok() {
            let _ = done.await;
        }
    }

    async fn next_message(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if !self.make_room().await {
                return None;
            }
            let incoming = match self.lines.next().await {
                Ok(Line::Whole(line)) => incoming::read(&line, self.initialized),
                Ok(Line::TooLong(id)) => Incoming::Answers(vec![incoming::too_long(id.as_ref())]),
                Ok(Line::End) => return None,
                Err(error) => {
                    tracing::debug!(%error, "the client's stream failed");
                    return None;
                }
            };
            match incoming {
                Incoming::Message(message) => {
                    self.initialized = self.initialized || is_initialize(&message);
                    return Some(*message);
                }
                Incoming::Answers(lines) => self.answers.extend(lines),
                Incoming::Nothing => {}
            }
        }
    }
}

fn is_initialize(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, JsonRpcMessage::Request(request)
        if matches!(request.request, ClientRequest::InitializeRequest(_)))
}

impl<R: AsyncRead + Send + Unpin + 'static> Transport<RoleServer> for StdioTransport<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        mut item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let shown = self.shown.note(private::take_shown(&mut item));
        let line = serde_json::to_vec(&item).map_err(io::Error::from);
        let queue = self.queue.clone();
        async move {
            let (written, done) = oneshot::channel();
            let outgoing = Outgoing { line: line?, shown, written: Some(written) };
            queue.send(outgoing).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
            done.await.map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let ended = self.ended.clone();
        let message = tokio::select! {
            biased;
            () = ended.cancelled() => None,
            message = self.next_message() => message,
        };
        if message.is_none() {
            ended.cancel();
            self.all_written().await;
        }
        message
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}
