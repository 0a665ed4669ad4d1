//! A command's connection to the broker, which is started if none runs.
//!
//! Looking on makes nothing: no session, no mailbox. Taking part makes the person a participant, with a mailbox of their own.

use crate::person;
use c2c_proto::Error;
use c2c_proto::client::{BrokerCommand, Client, ClientConfig, Start};
use c2c_proto::hello::{Identity, Role};
use c2c_proto::id::new_unique_id;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Heartbeat, Request};
use c2c_proto::response::Response;

/// A connection that outlives its broker: a call waits while another one starts.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    client: Client,
}

impl Link {
    /// Sees everything and is nobody.
    ///
    /// # Errors
    /// When the store cannot be named.
    pub(crate) fn look_on() -> Result<Self, Error> {
        Self::open(Role::Control)
    }

    /// Takes part as the person, or under another name; the name that came of it is the second value.
    ///
    /// # Errors
    /// `conflict` while a session is connected under that name, `invalid_argument` for what is no name, and whatever keeps
    /// the broker from answering.
    pub(crate) async fn take_part(as_name: Option<&str>) -> Result<(Self, String), Error> {
        let name = as_name.map_or_else(person::name, str::to_owned);
        let link = Self::open(Role::Person(Box::new(identity(name.clone()))))?;
        link.ask(Request::Heartbeat(Heartbeat {})).await?;
        let name = link.client.session().map_or(name, |session| session.name);
        Ok((link, name))
    }

    fn open(role: Role) -> Result<Self, Error> {
        let (client, _events) = Client::open(ClientConfig {
            paths: StorePaths::from_env()?,
            role,
            start: Start::IfAbsent(BrokerCommand::find()),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            extra: Vec::new(),
        });
        Ok(Self { client })
    }

    /// One call. Dropping the future ends a wait.
    ///
    /// # Errors
    /// The broker's own, or why it cannot be reached.
    pub(crate) async fn ask(&self, request: Request) -> Result<Response, Error> {
        self.client.call(request).await.map(|answer| answer.response).map_err(|failed| failed.error)
    }
}

fn identity(name: String) -> Identity {
    let cwd = std::env::current_dir().map(|dir| dir.to_string_lossy().into_owned()).unwrap_or_default();
    Identity {
        key: new_unique_id(),
        automatic: true,
        wanted_name: Some(name),
        cwd,
        client: format!("c2c {}", env!("CARGO_PKG_VERSION")),
        ..Identity::default()
    }
}

/// Only a broker of another version could do this.
pub(crate) fn strange() -> Error {
    Error::internal("the broker answered another question than the one that was asked")
}

/// Asks, and gives the answer of the kind that belongs to the question: `ask!(link, Inbox(question), Inbox)`.
macro_rules! ask {
    ($link:expr, $question:ident($value:expr), $answer:ident) => {
        match $link.ask(c2c_proto::request::Request::$question($value)).await? {
            c2c_proto::response::Response::$answer(answer) => answer,
            _ => return Err($crate::link::strange().into()),
        }
    };
}
pub(crate) use ask;
