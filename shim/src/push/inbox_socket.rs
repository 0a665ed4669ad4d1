//! Claude Code's session inbox: a line written there starts a turn of an idle session, or reaches the model with its next
//! call. Its format is no documented contract, so a failure is nothing unusual: it is reported, and the mail is announced
//! some other way.

use c2c_proto::endpoint;
use serde_json::json;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

/// Connecting and writing may take this long.
const WITHIN: Duration = Duration::from_secs(1);
/// Pauses before the socket is tried again: the client may be busy, or about to make it anew.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(2)];

/// Where the inbox is, and what opens it.
#[derive(Clone)]
pub(super) struct InboxSocket {
    path: PathBuf,
    token: String,
}

impl InboxSocket {
    pub(super) fn new(path: String, token: String) -> Self {
        Self { path: path.into(), token }
    }

    /// Posts a text as a user's; the error says why it is not there.
    pub(super) async fn post(&self, text: &str) -> Result<(), String> {
        let mut failed = match self.try_post(text).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        for pause in PAUSES {
            tracing::debug!(%failed, "the client's inbox socket is tried again");
            sleep(pause).await;
            match self.try_post(text).await {
                Ok(()) => return Ok(()),
                Err(error) => failed = error,
            }
        }
        Err(format!("the client's inbox socket {}: {failed}", self.path.display()))
    }

    async fn try_post(&self, text: &str) -> io::Result<()> {
        let lines = self.lines(text);
        let write = async {
            let mut stream = endpoint::connect_to_own(&self.path).await?;
            stream.write_all(lines.as_bytes()).await?;
            stream.flush().await?;
            stream.shutdown().await
        };
        timeout(WITHIN, write).await.unwrap_or_else(|_| {
            let message = format!("nothing was taken within {} s", WITHIN.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    }

    /// Without a session id: a wrong one would drop the message.
    fn lines(&self, text: &str) -> String {
        let auth = json!({"type": "auth", "token": self.token});
        let user = json!({"type": "user", "message": {"role": "user", "content": text}});
        format!("{auth}\n{user}\n")
    }
}

impl fmt::Debug for InboxSocket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("InboxSocket").field("path", &self.path).finish_non_exhaustive()
    }
}
