//! A command's connection to the broker, which is started if none runs.
//!
//! Looking on makes nothing: no session, no mailbox. Taking part makes the person a participant, with a mailbox of their own.

use crate::person;
use c2c_proto::Error;
use c2c_proto::client::{BrokerCommand, Client, ClientConfig, ClientEvent, Start};
use c2c_proto::hello::{Identity, Role, Welcome};
use c2c_proto::id::new_unique_id;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Heartbeat, Request};
use c2c_proto::response::Response;
use tokio::sync::mpsc::Receiver;

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
        Ok(Self::open(&StorePaths::from_env()?, Role::Control, started()))
    }

    /// As [`Self::look_on`], for whoever goes on looking: the second value says when the store is another one.
    ///
    /// # Errors
    /// When the store cannot be named.
    pub(crate) fn keep_looking_on() -> Result<(Self, Stores), Error> {
        let (link, events) = Self::open_with_events(StorePaths::from_env()?, Role::Control, started());
        Ok((link, Stores { events, known: None }))
    }

    /// Takes part as the person, or under another name; the name that came of it is the second value.
    ///
    /// # Errors
    /// `conflict` while a session is connected under that name, `invalid_argument` for what is no name, and whatever keeps
    /// the broker from answering.
    pub(crate) async fn take_part(as_name: Option<&str>) -> Result<(Self, String), Error> {
        let name = as_name.map_or_else(person::name, str::to_owned);
        let role = Role::Person(Box::new(identity(name.clone())));
        let link = Self::open(&StorePaths::from_env()?, role, started());
        link.ask(Request::Heartbeat(Heartbeat {})).await?;
        let name = link.client.session().map_or(name, |session| session.name);
        Ok((link, name))
    }

    /// A connection for this purpose, with a broker that is started or not.
    pub(crate) fn open(paths: &StorePaths, role: Role, start: Start) -> Self {
        Self::open_with_events(paths.clone(), role, start).0
    }

    fn open_with_events(paths: StorePaths, role: Role, start: Start) -> (Self, Receiver<ClientEvent>) {
        let (client, events) = Client::open(ClientConfig {
            paths,
            role,
            start,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            extra: Vec::new(),
        });
        (Self { client }, events)
    }

    /// One call. Dropping the future ends a wait.
    ///
    /// # Errors
    /// The broker's own, or why it cannot be reached.
    pub(crate) async fn ask(&self, request: Request) -> Result<Response, Error> {
        self.client.call(request).await.map(|answer| answer.response).map_err(|failed| failed.error)
    }
}

/// Which store each connection of a link leads to. After a restore that is another one, whose messages have ids that were in
/// use before: no place in the messages of the one holds for the other.
#[derive(Debug)]
pub(crate) struct Stores {
    events: Receiver<ClientEvent>,
    known: Option<String>,
}

impl Stores {
    /// Ends when a connection leads to another store than the one before. Can be dropped at any time.
    pub(crate) async fn another(&mut self) {
        while let Some(event) = self.events.recv().await {
            let ClientEvent::Connected(Welcome { store_id, .. }) = event else { continue };
            let before = self.known.replace(store_id);
            if before.is_some() && before != self.known {
                return;
            }
        }
        // The link is gone, and leads nowhere any more.
        std::future::pending::<()>().await;
    }
}

/// A broker is started where none runs.
const fn started() -> Start {
    Start::IfAbsent(BrokerCommand::find())
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

#[cfg(test)]
mod tests {
    use super::Stores;
    use c2c_proto::client::ClientEvent;
    use c2c_proto::hello::Welcome;
    use futures_util::FutureExt;
    use tokio::sync::mpsc;

    #[test]
    fn only_a_connection_that_leads_to_another_store_is_told() {
        let (out, events) = mpsc::channel(8);
        let mut stores = Stores { events, known: None };
        let connected = |store_id: &str| {
            let welcome = Welcome {
                protocol: 1,
                build: String::new(),
                pid: 1,
                store_id: store_id.to_owned(),
                session: None,
                extra: Vec::new(),
            };
            out.try_send(ClientEvent::Connected(welcome)).unwrap();
        };
        connected("a");
        assert!(stores.another().now_or_never().is_none(), "the first one");
        out.try_send(ClientEvent::Disconnected).unwrap();
        connected("a");
        assert!(stores.another().now_or_never().is_none(), "the same again");
        connected("b");
        assert!(stores.another().now_or_never().is_some());
        assert!(stores.another().now_or_never().is_none(), "it is told once");
        drop(out);
        assert!(stores.another().now_or_never().is_none());
    }
}
