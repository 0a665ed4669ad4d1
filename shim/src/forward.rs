//! Calls to the broker on behalf of one client session.
//!
//! Owns the connection's handle and what is reported back to the broker. Knows no MCP.

use crate::identity::Surroundings;
use crate::shown::{Note, ShownLog};
use c2c_proto::Error;
use c2c_proto::client::{Answer, BrokerCommand, CallError, Client, ClientConfig, ClientEvent, Start};
use c2c_proto::hello::Role;
use c2c_proto::limits::MARK_READ_IDS_MAX;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{Request, Shown};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;

/// The way to the broker, once the client has said who it is.
#[derive(Clone, Debug)]
pub struct Forward {
    link: Arc<OnceLock<Result<Client, Error>>>,
    shown: ShownLog,
}

impl Forward {
    /// Not connected yet. `shown`: what results have shown.
    #[must_use]
    pub fn new(shown: ShownLog) -> Self {
        Self { link: Arc::default(), shown }
    }

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

    /// Asks the broker. Dropping the future cancels the call. A call that only reads is sent when the broker knows
    /// which mail was shown before; one that changes something queues up behind that in the broker anyway.
    ///
    /// # Errors
    /// See [`Client::call`]; also that the store's path is of no use.
    pub async fn call(&self, request: Request) -> Result<Answer, CallError> {
        match self.link.get() {
            Some(Ok(client)) => {
                if request.key().is_none() {
                    self.shown.settled().await;
                }
                client.call(request).await
            }
            Some(Err(error)) => Err(unsent(error.clone())),
            None => Err(unsent(Error::internal("a tool was called before initialize"))),
        }
    }

    /// Tells the broker which mail was shown, as long as there is any. What cannot be told is told again by the mail
    /// itself: it counts as new once more.
    pub async fn report_shown(self, mut notes: mpsc::UnboundedReceiver<Note>) {
        while let Some(mut last) = notes.recv().await {
            let mut message_ids = std::mem::take(&mut last.message_ids);
            while message_ids.len() < MARK_READ_IDS_MAX
                && let Ok(mut more) = notes.try_recv()
            {
                message_ids.append(&mut more.message_ids);
                last = more;
            }
            message_ids.sort_unstable();
            message_ids.dedup();
            let count = message_ids.len();
            if let Some(Ok(client)) = self.link.get()
                && let Err(error) = client.call(Request::Shown(Shown { message_ids })).await
            {
                tracing::debug!(count, code = %error.error.code, "the broker was not told which mail was shown");
            }
            self.shown.reported(&last);
        }
    }
}

const fn unsent(error: Error) -> CallError {
    CallError { error, key: None, mail: None }
}
