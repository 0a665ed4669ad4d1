//! What one connection's client has still to be sent: frames queue here as bytes, and one task writes them.
//!
//! Owns the bound on unsent bytes and the patience with a client that does not read. Knows frames, but neither
//! sessions nor calls. Whoever queues never waits: over the bound, the connection is cut, and what it missed is still
//! in the store.

use bytes::{Buf, BytesMut};
use c2c_proto::codec::FrameCodec;
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::event::{Closing, Event};
use c2c_proto::frame::{ClientFrame, Reply, ServerFrame};
use c2c_proto::limits::UNSENT_PER_CONNECTION_MAX_BYTES;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio_util::codec::Encoder;
use tokio_util::sync::CancellationToken;

/// A client that takes not one byte for this long, while there are bytes for it, is cut.
const STALL_MAX: Duration = Duration::from_secs(30);
/// A buffer that held more than this is given back once it is written: an idle connection costs little.
const BUFFER_KEPT_BYTES: usize = 1024;

/// A handle to the writer of one connection.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Wakes the writer: there are bytes, or the end was declared.
    changed: Notify,
    /// Fires when the connection is to be closed because its client does not read.
    cut: CancellationToken,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    /// Whole frames that the writer has not taken yet.
    pending: BytesMut,
    /// Bytes that the writer took and has not written yet.
    writing: usize,
    /// Nothing is taken any more; the writer ends once it has written what is here.
    ended: bool,
}

/// How the writing of a connection ended.
#[derive(Debug)]
pub enum WriteEnd {
    /// Everything was written after [`Outbox::end`].
    Done,
    /// The client took nothing for too long.
    Stalled,
    /// The connection failed, mostly because the client is gone.
    Failed(io::Error),
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Outbox {
    /// An empty one. Its frames go nowhere until [`Outbox::write_to`] runs.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_bytes(UNSENT_PER_CONNECTION_MAX_BYTES)
    }

    /// An empty one that is cut above `max_bytes` unsent bytes.
    #[must_use]
    pub fn with_max_bytes(max_bytes: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                changed: Notify::new(),
                cut: CancellationToken::new(),
                max_bytes,
            }),
        }
    }

    /// Queues an event.
    pub fn event(&self, event: Event) {
        self.frame(&ServerFrame::Event(event));
    }

    /// Queues the answer to a call. One that is too long for a frame becomes an error of the same call.
    pub fn reply(&self, reply: Reply) {
        let (id, mail) = (reply.id, reply.mail);
        if !self.frame(&ServerFrame::Reply(reply)) {
            let error = Error::new(
                ErrorCode::TooLarge,
                "the answer does not fit one frame",
                "ask for less at once: a lower limit, or a page of one message",
            );
            self.frame(&ServerFrame::Reply(Reply { id, mail, result: Err(error) }));
        }
    }

    /// Queues any frame; `false` if it could not be encoded.
    pub fn frame(&self, frame: &ServerFrame) -> bool {
        let mut queue = self.lock();
        if queue.ended {
            return true;
        }
        if let Err(error) = FrameCodec::<ClientFrame, ServerFrame>::new().encode(frame, &mut queue.pending) {
            tracing::error!(%error, "a frame could not be encoded");
            return false;
        }
        if queue.pending.len() + queue.writing > self.shared.max_bytes {
            cut(&mut queue);
            drop(queue);
            self.shared.cut.cancel();
        } else {
            drop(queue);
        }
        self.shared.changed.notify_one();
        true
    }

    /// Puts a frame before everything that is queued: the answer to a hello comes before the events that follow from it.
    pub fn first(&self, frame: &ServerFrame) {
        let mut queue = self.lock();
        let after = queue.pending.split();
        if let Err(error) = FrameCodec::<ClientFrame, ServerFrame>::new().encode(frame, &mut queue.pending) {
            tracing::error!(%error, "a frame could not be encoded");
        }
        queue.pending.unsplit(after);
        drop(queue);
        self.shared.changed.notify_one();
    }

    /// Takes nothing more; [`Outbox::write_to`] returns once all that is here is written.
    pub fn end(&self) {
        self.lock().ended = true;
        self.shared.changed.notify_one();
    }

    /// Resolves when the client is cut off because too much waits for it.
    pub async fn cut(&self) {
        self.shared.cut.cancelled().await;
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn unsent_bytes(&self) -> usize {
        let queue = self.lock();
        queue.pending.len() + queue.writing
    }

    /// Writes what is queued, as much in one go as there is, until the end. Run by one task per connection.
    pub async fn write_to<W: AsyncWrite + Unpin>(&self, mut writer: W) -> WriteEnd {
        let mut chunk = BytesMut::new();
        while self.next_chunk(&mut chunk).await {
            let length = chunk.len();
            while chunk.has_remaining() {
                match tokio::time::timeout(STALL_MAX, writer.write_buf(&mut chunk)).await {
                    Ok(Ok(0)) => return WriteEnd::Failed(io::ErrorKind::WriteZero.into()),
                    Ok(Ok(_)) => self.lock().writing = chunk.len(),
                    Ok(Err(error)) => return WriteEnd::Failed(error),
                    Err(_elapsed) => return self.stalled(),
                }
            }
            if length > BUFFER_KEPT_BYTES {
                chunk = BytesMut::new();
            }
        }
        // The peer may be gone by now; all bytes were handed over, which is all that can be done.
        let _ = writer.shutdown().await;
        WriteEnd::Done
    }

    /// Waits for bytes and swaps them into the empty `chunk`; `false` at the end.
    async fn next_chunk(&self, chunk: &mut BytesMut) -> bool {
        loop {
            {
                let mut queue = self.lock();
                if !queue.pending.is_empty() {
                    chunk.clear();
                    std::mem::swap(&mut queue.pending, chunk);
                    queue.writing = chunk.len();
                    return true;
                }
                if queue.ended {
                    return false;
                }
            }
            self.shared.changed.notified().await;
        }
    }

    fn stalled(&self) -> WriteEnd {
        self.lock().ended = true;
        self.shared.cut.cancel();
        WriteEnd::Stalled
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic while the lock was held leaves at worst half a frame, and the connection closes with its task.
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what was not begun and leaves the reason as the last frame, should the client still read.
fn cut(queue: &mut Queue) {
    queue.pending = BytesMut::new();
    let frame = ServerFrame::Event(Event::Closing(Closing::SlowReader));
    if let Err(error) = FrameCodec::<ClientFrame, ServerFrame>::new().encode(&frame, &mut queue.pending) {
        tracing::error!(%error, "a frame could not be encoded");
    }
    queue.ended = true;
}

#[cfg(test)]
mod tests {
    use super::{Outbox, WriteEnd};
    use bytes::BytesMut;
    use c2c_proto::codec::FrameCodec;
    use c2c_proto::error::Error;
    use c2c_proto::event::{Closing, Event};
    use c2c_proto::frame::{ClientFrame, Reply, ServerFrame};
    use futures_util::StreamExt;
    use tokio::io::AsyncReadExt;
    use tokio_util::codec::{Decoder, FramedRead};

    fn reply(id: u64, text_bytes: usize) -> Reply {
        Reply { id, mail: None, result: Err(Error::internal("x".repeat(text_bytes))) }
    }

    fn decode(bytes: &[u8]) -> Vec<ServerFrame> {
        let mut codec = FrameCodec::<ServerFrame, ClientFrame>::new();
        let mut buffer = BytesMut::from(bytes);
        std::iter::from_fn(|| codec.decode(&mut buffer).unwrap()).collect()
    }

    #[tokio::test]
    async fn frames_arrive_in_the_order_they_were_queued_and_the_end_comes_last() {
        let outbox = Outbox::new();
        let (near, mut far) = tokio::io::duplex(64);
        let writer = tokio::spawn({
            let outbox = outbox.clone();
            async move { outbox.write_to(near).await }
        });
        for id in 0..50 {
            outbox.reply(reply(id, 100));
        }
        outbox.end();
        outbox.reply(reply(99, 1));
        let mut bytes = Vec::new();
        far.read_to_end(&mut bytes).await.unwrap();
        assert!(matches!(writer.await.unwrap(), WriteEnd::Done));
        let frames = decode(&bytes);
        assert_eq!(frames, (0..50).map(|id| ServerFrame::Reply(reply(id, 100))).collect::<Vec<_>>());
        assert_eq!(outbox.unsent_bytes(), 0);
    }

    #[tokio::test]
    async fn the_first_frame_comes_before_what_was_queued_earlier() {
        let outbox = Outbox::new();
        outbox.reply(reply(2, 5));
        outbox.first(&ServerFrame::Reply(reply(1, 5)));
        outbox.reply(reply(3, 5));
        outbox.end();
        let mut bytes = Vec::new();
        assert!(matches!(outbox.write_to(&mut bytes).await, WriteEnd::Done));
        assert_eq!(decode(&bytes), (1..=3).map(|id| ServerFrame::Reply(reply(id, 5))).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn over_the_bound_the_client_is_cut_and_the_unsent_bytes_are_let_go() {
        let outbox = Outbox::with_max_bytes(10_000);
        let (near, far) = tokio::io::duplex(64);
        let writer = tokio::spawn({
            let outbox = outbox.clone();
            async move { outbox.write_to(near).await }
        });
        for id in 0..9 {
            outbox.reply(reply(id, 1_000));
        }
        tokio::select! {
            biased;
            () = outbox.cut() => panic!("cut below the bound"),
            () = std::future::ready(()) => {}
        }
        outbox.reply(reply(9, 2_000));
        outbox.cut().await;
        assert!(outbox.unsent_bytes() < 10_000);
        let frames: Vec<ServerFrame> = FramedRead::new(far, FrameCodec::<ServerFrame, ClientFrame>::new())
            .map(Result::unwrap)
            .collect()
            .await;
        assert_eq!(frames.last(), Some(&ServerFrame::Event(Event::Closing(Closing::SlowReader))));
        assert!(matches!(writer.await.unwrap(), WriteEnd::Done));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_for_long_enough_is_cut() {
        let outbox = Outbox::new();
        let (near, _far) = tokio::io::duplex(16);
        outbox.reply(reply(1, 1_000));
        assert!(matches!(outbox.write_to(near).await, WriteEnd::Stalled));
        outbox.cut().await;
    }

    #[tokio::test]
    async fn an_answer_that_fits_no_frame_becomes_an_error_of_its_call() {
        let outbox = Outbox::new();
        outbox.reply(reply(7, c2c_proto::limits::FRAME_MAX_BYTES + 1));
        outbox.end();
        let mut bytes = Vec::new();
        assert!(matches!(outbox.write_to(&mut bytes).await, WriteEnd::Done));
        let frames = decode(&bytes);
        let [ServerFrame::Reply(answer)] = frames.as_slice() else { panic!("{frames:?}") };
        assert_eq!(answer.id, 7);
        assert_eq!(answer.result.as_ref().unwrap_err().code, c2c_proto::ErrorCode::TooLarge);
    }
}
