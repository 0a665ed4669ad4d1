//! The first exchange of a connection: versions and identity.

use crate::response::Displaced;
use serde::{Deserialize, Serialize};

/// The newest protocol version that this crate speaks.
pub const PROTOCOL: u16 = 1;
/// The oldest protocol version that this crate still speaks.
pub const PROTOCOL_MIN: u16 = 1;

/// Protocol versions in words, for messages.
#[must_use]
pub fn range(oldest: u16, newest: u16) -> String {
    if oldest == newest { format!("protocol {newest}") } else { format!("protocols {oldest} to {newest}") }
}

/// What every hello begins with, so that a stray client is told apart from one of ours.
pub const MAGIC: [u8; 4] = *b"c2c\n";

/// The client's first frame. Its layout is frozen for every protocol version; later facts go into `extra`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`MAGIC`].
    pub magic: [u8; 4],
    /// Oldest protocol version that the client speaks.
    pub protocol_min: u16,
    /// Newest protocol version that the client speaks.
    pub protocol_max: u16,
    /// The client's own version, for messages.
    pub build: String,
    /// What the connection is for.
    pub role: Role,
    /// Facts that later versions add; unknown ones are ignored.
    pub extra: Vec<(String, String)>,
}

/// How every hello begins, also one whose rest cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloStart {
    /// See [`Hello::magic`].
    pub magic: [u8; 4],
    /// See [`Hello::protocol_min`].
    pub protocol_min: u16,
    /// See [`Hello::protocol_max`].
    pub protocol_max: u16,
    /// See [`Hello::build`].
    pub build: String,
}

/// What a connection is for. Append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A client session, through its shim.
    Session(Box<Identity>),
    /// Someone who looks on or steers (`c2c status`, a service that takes over): no session, no mailbox.
    Control,
    /// The person at a terminal, who takes part under `wanted_name`: a mailbox of their own, or for a moment that of a session
    /// which is not connected. Refused with `conflict` while a session is connected under that name.
    Person(Box<Identity>),
}

/// Who a client session is, as far as its shim can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// One key for the life of the shim: a hello that is repeated after a lost answer gets its row back.
    pub key: String,
    /// The row that an earlier welcome or registration gave this shim.
    pub session_id: Option<String>,
    /// Whether to register under a name without being asked (`C2C_NAME=-` turns it off).
    pub automatic: bool,
    /// `C2C_NAME`, if set and not empty.
    pub wanted_name: Option<String>,
    /// The client session's own id (`CLAUDE_CODE_SESSION_ID`): the same after a restart or resume.
    pub client_session: Option<String>,
    /// The parent process: its id and start time, so that a pid used again is not taken for the same process.
    pub parent: String,
    /// The folder that the automatic name comes from (`CLAUDE_PROJECT_DIR`, else the working directory).
    pub project_dir: String,
    /// The working directory.
    pub cwd: String,
    /// The MCP client's name and version, as it said them.
    pub client: String,
}

/// The broker's answer to a hello that it accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol version of this connection: the highest that both speak.
    pub protocol: u16,
    /// The broker's own version, for messages.
    pub build: String,
    /// The broker's process id.
    pub pid: u32,
    /// The store's id: another one than before means that the store was replaced.
    pub store_id: String,
    /// The session, unless none was registered.
    pub session: Option<SessionState>,
    /// Facts that later versions add; unknown ones are ignored. `push` is the configured way of nudges.
    pub extra: Vec<(String, String)>,
}

/// A session as its own shim knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// Its row.
    pub session_id: String,
    /// Its name (for a superseded one: what the row is called now).
    pub name: String,
    /// Whether another session took its name; then only `Register` of another name helps.
    pub superseded: bool,
    /// Whom the automatic registration displaced: an offline row of the same folder.
    pub displaced: Option<Displaced>,
}
