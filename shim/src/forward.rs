//! Calls to the broker on behalf of one client session.
//!
//! Owns the connection's handle and what is reported back to the broker. Knows no MCP.

use crate::identity::Surroundings;
use c2c_proto::Error;
use c2c_proto::client::{Answer, BrokerCommand, CallError, Client, ClientConfig, ClientEvent, Start};
use c2c_proto::hello::Role;
use c2c_proto::id::MessageId;
use c2c_proto::limits::MARK_READ_IDS_MAX;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Request, Shown};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;

/// The way to the broker, once the client has said who it is.
#[derive(Clone, Debug, Default)]
pub struct Forward {
    link: Arc<OnceLock<Result<Client, Error>>>,
}

impl Forward {
    /// Starts to connect, and returns at once. The second time it does nothing. A store that cannot even be named
    /// is an error of every call.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn open(&self, surroundings: Surroundings, client: &str) -> Option<mpsc::Receiver<ClientEvent>> {
        let mut events = None;
        self.link.get_or_init(|| {
            let config = ClientConfig {
                paths: StorePaths::from_env()?,
                role: Role::Session(Box::new(surroundings.identity(client))),
                start: Start::IfAbsent(BrokerCommand::find()),
                build: env!("CARGO_PKG_VERSION").to_owned(),
            };
            let (client, received) = Client::open(config);
            events = Some(received);
            Ok(client)
        });
        events
    }

    /// Asks the broker. Dropping the future cancels the call.
    ///
    /// # Errors
    /// See [`Client::call`]; also that the store's path is of no use.
    pub async fn call(&self, request: Request) -> Result<Answer, CallError> {
        match self.link.get() {
            Some(Ok(client)) => client.call(request).await,
            Some(Err(error)) => Err(unsent(error.clone())),
            None => Err(unsent(Error::internal("a tool was called before initialize"))),
        }
    }

    /// Tells the broker which mail was shown, as long as there is any. What cannot be told is told again by the mail
    /// itself: it counts as new once more.
    pub async fn report_shown(self, mut shown: mpsc::UnboundedReceiver<Vec<MessageId>>) {
        while let Some(mut message_ids) = shown.recv().await {
            while message_ids.len() < MARK_READ_IDS_MAX
                && let Ok(more) = shown.try_recv()
            {
                message_ids.extend(more);
            }
            message_ids.sort_unstable();
            message_ids.dedup();
            let count = message_ids.len();
            if let Err(error) = self.call(Request::Shown(Shown { message_ids })).await {
                tracing::debug!(count, code = %error.error.code, "the broker was not told which mail was shown");
            }
        }
    }
}

const fn unsent(error: Error) -> CallError {
    CallError { error, key: None, mail: None }
}
