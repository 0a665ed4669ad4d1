//! A broker of another version, as far as a client can tell: it listens where the broker would, and refuses every
//! hello. The one part that cannot be a real process: no released broker speaks another protocol yet.

use crate::sandbox::Sandbox;
use bytes::BytesMut;
use c2c_proto::Error;
use c2c_proto::codec::FrameCodec;
use c2c_proto::endpoint::{Listener, Stream};
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::paths::ensure_private_dir;
use std::thread::JoinHandle;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio_util::codec::Encoder;

/// Listens until dropped.
#[derive(Debug)]
pub struct OtherBroker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OtherBroker {
    /// Listens at the sandbox's address and refuses with this error.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn start(sandbox: &Sandbox, refusal: Error) -> Self {
        ensure_private_dir(&sandbox.paths().run_dir).expect("a run folder");
        let address = sandbox.paths().address.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let entered = runtime.enter();
        let listener = Listener::bind(&address).expect("a listener");
        drop(entered);
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = &mut stopped => break,
                        accepted = listener.accept() => if let Ok(stream) = accepted {
                            tokio::spawn(refuse(stream, refusal.clone()));
                        },
                    }
                }
            });
            let _entered = runtime.enter();
            listener.remove(&address);
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for OtherBroker {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || std::thread::panicking(), "the other broker panicked");
        }
    }
}

/// Reads what the client says first, and answers no.
async fn refuse(mut stream: Stream, refusal: Error) {
    let mut hello = BytesMut::new();
    let _read = stream.read_buf(&mut hello).await;
    let mut answer = BytesMut::new();
    FrameCodec::<ClientFrame, ServerFrame>::new()
        .encode(&ServerFrame::Refused(refusal), &mut answer)
        .expect("a frame");
    let _written = stream.write_all(&answer).await;
    let _sent = stream.shutdown().await;
}
