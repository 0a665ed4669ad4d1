//! Plays the part of Claude Code that a session's children can write to: its inbox socket. It takes lines, checks who wrote
//! them, and keeps what was said.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// What opens it.
const TOKEN: &str = "open sesame";

/// One text that was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// What it says.
    pub text: String,
    /// When it was read.
    pub at: Instant,
}

/// A listening inbox socket.
#[derive(Debug)]
pub struct InboxSocket {
    path: PathBuf,
    posts: Receiver<Post>,
}

impl InboxSocket {
    /// Listens in this folder.
    ///
    /// # Panics
    /// If that cannot be done.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let path = folder.join("inbox.sock");
        // One that was there before is of a client that is gone.
        let _gone = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).expect("the folder takes a socket");
        let (sender, posts) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if take(stream, &sender).is_none() {
                    return;
                }
            }
        });
        Self { path, posts }
    }

    /// The environment that a client with this socket gives its children.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 2] {
        [
            ("CLAUDE_CODE_MESSAGING_SOCKET", self.path.to_string_lossy().into_owned()),
            ("CLAUDE_CODE_MESSAGING_TOKEN", TOKEN.to_owned()),
        ]
    }

    /// The next post.
    ///
    /// # Panics
    /// If none comes in time.
    #[must_use]
    pub fn next(&self, within: Duration) -> Post {
        self.posts.recv_timeout(within).unwrap_or_else(|_| panic!("no post within {within:?}"))
    }

    /// The next post, if one comes in time.
    ///
    /// # Panics
    /// If the socket is gone.
    #[must_use]
    pub fn look(&self, within: Duration) -> Option<Post> {
        match self.posts.recv_timeout(within) {
            Ok(post) => Some(post),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the inbox socket is gone"),
        }
    }
}

/// One connection: the token first, then texts. `None`: nobody looks any more.
fn take(stream: UnixStream, posts: &Sender<Post>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let auth: Value = serde_json::from_str(&lines.next().unwrap_or_default()).unwrap_or_default();
    if auth["type"] != "auth" || auth["token"] != TOKEN {
        return Some(());
    }
    for line in lines {
        let message: Value = serde_json::from_str(&line).unwrap_or_default();
        let text = message["message"]["content"].as_str().map(str::to_owned);
        assert!(message.get("session_id").is_none(), "a session id can only be wrong: {line}");
        if let (Some(text), true) = (text, message["type"] == "user") {
            posts.send(Post { text, at: Instant::now() }).ok()?;
        }
    }
    Some(())
}
