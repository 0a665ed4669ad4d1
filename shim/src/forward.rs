//! Calls to the broker on behalf of one client session.
//!
//! Owns the connection's handle and what is reported back to the broker. Knows no MCP.

use crate::push::Offer;
use crate::shown::{Note, ShownLog};
use c2c_proto::client::{Answer, BrokerCommand, CallError, Client, ClientConfig, ClientEvent, Start};
use c2c_proto::frame::MailCount;
use c2c_proto::hello::Role;
use c2c_proto::id::{MessageId, new_call_key};
use c2c_proto::limits::MARK_READ_IDS_MAX;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{MarkRead, Request, Shown};
use c2c_proto::surroundings::Surroundings;
use c2c_proto::{Error, ErrorCode};
use futures_util::FutureExt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::mpsc;

/// The way to the broker, once the client has said who it is.
#[derive(Clone, Debug)]
pub struct Forward {
    link: Arc<OnceLock<Result<Client, Error>>>,
    shown: ShownLog,
    mail: Arc<Mutex<Option<MailCount>>>,
}

impl Forward {
    /// Not connected yet. `shown`: what results have shown.
    #[must_use]
    pub fn new(shown: ShownLog) -> Self {
        Self { link: Arc::default(), shown, mail: Arc::default() }
    }

    /// Starts to connect, and returns at once. The second time it does nothing. A store that cannot even be named
    /// is an error of every call.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn open(
        &self,
        surroundings: Surroundings,
        client: &str,
        offer: &Offer,
    ) -> Option<mpsc::Receiver<ClientEvent>> {
        let mut events = None;
        self.link.get_or_init(|| {
            let config = ClientConfig {
                paths: StorePaths::from_env()?,
                role: Role::Session(Box::new(surroundings.identity(client))),
                start: Start::IfAbsent(BrokerCommand::find()),
                build: env!("CARGO_PKG_VERSION").to_owned(),
                extra: offer.extra(),
            };
            let (client, received) = Client::open(config);
            events = Some(received);
            Ok(client)
        });
        events
    }

    /// Asks the broker. Dropping the future cancels the call. A call that only reads is sent when the broker knows
    /// which mail was shown before; one that changes something queues up behind that in the broker anyway, but for a new
    /// name, which comes first in the broker and would leave the marks with the old one. `made_before`: whether the same
    /// call, with its key, may have been made before.
    ///
    /// # Errors
    /// See [`Client::call`]; also that the store's path is of no use.
    pub async fn call(&self, request: Request, made_before: bool) -> Result<Answer, CallError> {
        match self.link.get() {
            Some(Ok(client)) => {
                if request.key().is_none() || matches!(request, Request::Register(_)) {
                    self.shown.settled().await;
                }
                let result =
                    if made_before { client.call_again(request).await } else { client.call(request).await };
                self.note_mail(&result);
                result
            }
            Some(Err(error)) => Err(unsent(error.clone())),
            None => Err(unsent(Error::internal("a tool was called before initialize"))),
        }
    }

    /// Marks messages of the session read, without waiting for it: the call is handed to the connection before this returns, and what
    /// the session asks next is sent when it is answered. `mail`: the count with them read.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn mark_read(&self, message_ids: Vec<MessageId>, mail: Option<MailCount>) {
        let (forward, marking) = (self.clone(), self.shown.marking());
        let mut marked = Box::pin(async move {
            let _marking = marking;
            if let Err(error) =
                forward.tell(Request::MarkRead(MarkRead { message_ids, key: new_call_key() })).await
            {
                tracing::warn!(code = %error.error.code, "answers that were shown are not marked read; they come again");
            }
        });
        // The first step is the one that hands it over.
        if (&mut marked).now_or_never().is_none() {
            tokio::spawn(marked);
        }
        *self.mail.lock().unwrap_or_else(PoisonError::into_inner) = mail;
    }

    /// The session's mail as the broker last told it: for answers that need no broker. `None` without a session.
    #[must_use]
    pub fn last_mail(&self) -> Option<MailCount> {
        *self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_mail(&self, result: &Result<Answer, CallError>) {
        let mail = match result {
            Ok(answer) => answer.mail,
            Err(CallError { mail: Some(mail), .. }) => Some(*mail),
            Err(failed) if matches!(failed.error.code, ErrorCode::Superseded | ErrorCode::NotRegistered) => {
                None
            }
            // Nobody said anything about mail.
            Err(_) => return,
        };
        *self.mail.lock().unwrap_or_else(PoisonError::into_inner) = mail;
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
            if let Err(error) = self.tell(Request::Shown(Shown { message_ids })).await {
                tracing::debug!(count, code = %error.error.code, "the broker was not told which mail was shown");
            }
            self.shown.reported(&last);
        }
    }

    /// Tells the broker what was done with mail.
    async fn tell(&self, request: Request) -> Result<(), CallError> {
        let Some(Ok(client)) = self.link.get() else { return Ok(()) };
        let told = client.call(request).await;
        self.note_mail(&told);
        told.map(|_| ())
    }
}

const fn unsent(error: Error) -> CallError {
    CallError { error, key: None, mail: None }
}

#[cfg(test)]
mod tests {
    use super::Forward;
    use crate::shown::ShownLog;
    use c2c_proto::client::{Answer, CallError};
    use c2c_proto::frame::MailCount;
    use c2c_proto::response::{Done, Response};
    use c2c_proto::{Error, ErrorCode};

    #[test]
    fn the_last_count_of_mail_is_kept_until_the_session_is_gone() {
        let forward = Forward::new(ShownLog::new().0);
        let count = |unread| Some(MailCount { unread, new: 1 });
        let failed = |code, mail| Err(CallError { error: Error::new(code, "x", "y"), key: None, mail });
        assert_eq!(forward.last_mail(), None);
        forward.note_mail(&Ok(Answer { response: Response::Done(Done {}), mail: count(3) }));
        forward.note_mail(&failed(ErrorCode::BrokerUnreachable, None));
        assert_eq!(forward.last_mail(), count(3));
        forward.note_mail(&failed(ErrorCode::Conflict, count(4)));
        assert_eq!(forward.last_mail(), count(4));
        forward.note_mail(&failed(ErrorCode::Superseded, None));
        assert_eq!(forward.last_mail(), None);
    }
}
