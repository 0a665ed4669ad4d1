//! What a client needs to know before it can connect, and how long it tries.

use crate::hello::Role;
use crate::limits::{BROKER_START_TIMEOUT_S, CALL_TIMEOUT_S, HELLO_TIMEOUT_S};
use crate::paths::StorePaths;
use std::path::PathBuf;
use std::time::Duration;

/// How a client reaches its broker.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Which store, and with it which broker.
    pub paths: StorePaths,
    /// What the connection is for. A session's `session_id` is kept up to date by the client itself.
    pub role: Role,
    /// Whether to start a broker when none answers.
    pub start: Start,
    /// The program's version, for messages.
    pub build: String,
    /// What each hello says beside it, by the keys that [`crate::hello::Hello`]'s `extra` has.
    pub extra: Vec<(String, String)>,
}

/// Whether to start a broker when none answers.
#[derive(Clone, Debug)]
pub enum Start {
    /// Only look for one.
    Never,
    /// Start one.
    IfAbsent(BrokerCommand),
}

/// Which program is the broker.
#[derive(Clone, Debug, Default)]
pub struct BrokerCommand {
    /// `None`: look for it at each start, since an upgrade may have moved it.
    pub(super) program: Option<PathBuf>,
}

impl BrokerCommand {
    /// `c2c-broker` beside this program, else on `PATH`.
    #[must_use]
    pub const fn find() -> Self {
        Self { program: None }
    }

    /// This very file.
    #[must_use]
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: Some(program.into()) }
    }
}

/// How long the client tries. Tests use shorter times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// How long a call waits in one outage.
    pub(super) outage_max: Duration,
    /// How long a call may stay without an answer beyond the time that it asks to wait.
    pub(super) answer_max: Duration,
    /// How long connecting and the hello may take.
    pub(super) hello_max: Duration,
    /// How long a started broker may take to say that it is ready.
    pub(super) start_max: Duration,
    /// How long a closing broker is listened to for the answers that are still under way.
    pub(super) closing_max: Duration,
    /// How long a service has to take over before the client starts a broker itself.
    pub(super) hand_over_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            outage_max: Duration::from_secs(BROKER_START_TIMEOUT_S),
            answer_max: Duration::from_secs(CALL_TIMEOUT_S),
            hello_max: Duration::from_secs(HELLO_TIMEOUT_S),
            start_max: Duration::from_secs(BROKER_START_TIMEOUT_S),
            closing_max: Duration::from_secs(2),
            hand_over_max: Duration::from_secs(1),
        }
    }
}
