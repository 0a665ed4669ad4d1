//! Calls without an answer: what was asked, whether it ever left, and until when an answer is worth something.

use super::config::Timing;
use super::link::{Link, Peer};
use super::{Answer, AnswerSender, CallError};
use crate::codec::FrameError;
use crate::error::{Error, ErrorCode};
use crate::frame::{ClientFrame, Reply};
use crate::limits::FRAME_MAX_BYTES;
use crate::request::Request;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// The calls of one client, in the order in which they were made.
pub(super) struct Calls {
    timing: Timing,
    open: BTreeMap<u64, Call>,
    /// Which of them the present connection has not carried yet.
    unsent: VecDeque<u64>,
}

struct Call {
    id: u64,
    /// The call as it travels: encoded again for each connection, without a copy of its body.
    frame: ClientFrame,
    /// Of a request that changes something.
    key: Option<String>,
    answer: AnswerSender,
    made: Instant,
    /// When the request's own waiting time ends.
    wait_until: Option<Instant>,
    /// How long the broker may be at work for it.
    work: Duration,
    /// Whether a broker may know of it.
    ever_sent: bool,
    /// Whether a connection before the present one has carried it too, or the same call was made before.
    sent_before: bool,
    /// Whose call it was when a connection first carried it: the session's id.
    sent_as: Option<String>,
}

impl Call {
    /// When it has waited too long for an answer (connected), or for a broker (since an outage began).
    fn deadline(&self, timing: &Timing, outage_since: Option<Instant>) -> Instant {
        let answer_by = self.wait_until.unwrap_or(self.made) + self.work + timing.answer_max;
        match outage_since {
            None => answer_by,
            Some(since) => answer_by.min(since.max(self.made) + timing.outage_max),
        }
    }

    /// The protocol that the call needs.
    const fn since(&self) -> u16 {
        match &self.frame {
            ClientFrame::Call { request, .. } => request.since(),
            ClientFrame::Hello(_) | ClientFrame::Cancel { .. } => 1,
        }
    }

    /// Encodes the call with what is left of its waiting time.
    fn queue(&mut self, link: &mut Link) -> Result<(), FrameError> {
        if let (ClientFrame::Call { request, .. }, Some(until)) = (&mut self.frame, self.wait_until) {
            request.set_wait_ms(ms_until(until));
        }
        link.queue(&self.frame)
    }

    fn fail(self, error: Error) {
        let key = self.key.filter(|_| self.ever_sent);
        let _ = self.answer.send(Err(CallError::new(error, key, None)));
    }

    /// Whether the change may have been made although the broker answers with this error.
    fn may_be_done(&self, error: &Error) -> bool {
        match error.code {
            // The link may have lost the answer, or have made the change when it was asked for before.
            ErrorCode::LinkDown => !error.retry_safe || self.sent_before,
            ErrorCode::StorageFailed | ErrorCode::Internal => true,
            // Its wait ended so; the question itself may be stored.
            ErrorCode::Superseded | ErrorCode::BrokerBusy if self.asks() => true,
            // A part of it may be done.
            ErrorCode::BrokerBusy | ErrorCode::StorageFull if self.prunes() => true,
            // Said before anybody looks whether the same call was done already.
            ErrorCode::Superseded
            | ErrorCode::NotRegistered
            | ErrorCode::BrokerBusy
            | ErrorCode::StorageFull
            | ErrorCode::StoreRefused
            | ErrorCode::VersionMismatch => self.sent_before,
            // Said after a look at limits and names that may have been others when it was sent before.
            ErrorCode::InvalidArgument | ErrorCode::TooLarge => self.sent_as.is_some() && self.sent_before,
            _ => false,
        }
    }

    /// Whether it is a question: what it then waits for may go wrong when it is stored.
    const fn asks(&self) -> bool {
        matches!(&self.frame, ClientFrame::Call { request: Request::Ask(_), .. })
    }

    /// Whether it is a prune, which is done in parts.
    const fn prunes(&self) -> bool {
        matches!(&self.frame, ClientFrame::Call { request: Request::Prune(_), .. })
    }

    /// Whether it was sent as another session's, whose keys are not those of this one: sent again it could be done twice.
    /// A registration is found by its key alone.
    fn is_of_another(&self, session: Option<&str>) -> bool {
        let registers = matches!(&self.frame, ClientFrame::Call { request: Request::Register(_), .. });
        let sent_as = self.sent_as.as_deref();
        self.key.is_some() && !registers && sent_as.is_some() && session.is_some() && sent_as != session
    }
}

impl Calls {
    pub(super) const fn new(timing: Timing) -> Self {
        Self { timing, open: BTreeMap::new(), unsent: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn add(&mut self, id: u64, request: Request, made_before: bool, answer: AnswerSender) {
        let made = Instant::now();
        let wait_until = request.wait_ms().map(|wait_ms| made + Duration::from_millis(wait_ms));
        let work = Duration::from_millis(request.work_ms());
        let key = request.key().map(str::to_owned);
        let frame = ClientFrame::Call { id, request };
        let call = Call {
            id,
            frame,
            key,
            answer,
            made,
            wait_until,
            work,
            ever_sent: made_before,
            sent_before: made_before,
            sent_as: None,
        };
        self.open.insert(id, call);
        self.unsent.push_back(id);
    }

    /// Forgets a call. Whether the present connection carried it, so that the broker is to be told.
    pub(super) fn cancel(&mut self, id: u64) -> bool {
        let known = self.open.remove(&id).is_some();
        match self.unsent.iter().position(|unsent| *unsent == id) {
            Some(at) => {
                self.unsent.remove(at);
                false
            }
            None => known,
        }
    }

    /// A new connection has carried nothing yet.
    pub(super) fn send_all_again(&mut self) {
        self.unsent = self.open.keys().copied().collect();
    }

    /// Queues as many calls as the connection has room for. `session`: the id of the session that the connection is of.
    pub(super) fn send_to(&mut self, link: &mut Link, session: Option<&str>) {
        while link.has_room() {
            let Some(id) = self.unsent.pop_front() else { return };
            let Some(call) = self.open.get_mut(&id) else { continue };
            if call.since() > link.broker().protocol {
                let error = too_new(call.since(), link.broker());
                self.fail(id, &error);
                continue;
            }
            if call.is_of_another(session) {
                self.fail(id, &another_session());
                continue;
            }
            match call.queue(link) {
                Ok(()) => {
                    call.sent_before = std::mem::replace(&mut call.ever_sent, true);
                    if call.key.is_some() && call.sent_as.is_none() {
                        call.sent_as = session.map(str::to_owned);
                    }
                }
                Err(error) => {
                    self.fail(id, &not_encodable(&error));
                }
            }
        }
    }

    /// Hands over an answer. Unknown ids are those of calls that were cancelled or timed out.
    pub(super) fn settle(&mut self, reply: Reply) {
        let Some(call) = self.open.remove(&reply.id) else { return };
        let result = match reply.result {
            // The next broker answers: the key makes it the same call.
            Err(error) if error.code == ErrorCode::ShuttingDown => {
                self.open.insert(call.id, call);
                return;
            }
            Err(error) => {
                let key = if call.may_be_done(&error) { call.key } else { None };
                Err(CallError::new(error, key, reply.mail))
            }
            Ok(response) => Ok(Answer { response, mail: reply.mail }),
        };
        let _ = call.answer.send(result);
    }

    /// There is an answer, which this program cannot read: what was asked may be done.
    pub(super) fn answered_strangely(&mut self, id: u64, broker: &Peer) {
        let error = Error::new(
            ErrorCode::VersionMismatch,
            format!("broker {} gave an answer that this program cannot read", broker.build),
            "install the same version of all c2c programs, then start the session again",
        );
        self.fail(id, &error);
    }

    /// When the next call has waited too long.
    pub(super) fn next_deadline(&self, outage_since: Option<Instant>) -> Option<Instant> {
        self.open.values().map(|call| call.deadline(&self.timing, outage_since)).min()
    }

    /// Fails the calls whose time is over, and tells which of them the present connection carried.
    pub(super) fn expire(&mut self, outage_since: Option<Instant>, error: &Error) -> Vec<u64> {
        let now = Instant::now();
        let late: Vec<u64> = self
            .open
            .values()
            .filter(|call| call.deadline(&self.timing, outage_since) <= now)
            .map(|call| call.id)
            .collect();
        late.into_iter().filter(|id| self.fail(*id, error)).collect()
    }

    /// Fails every call: waiting longer is of no use.
    pub(super) fn fail_all(&mut self, error: &Error) {
        self.unsent.clear();
        for (_, call) in std::mem::take(&mut self.open) {
            call.fail(error.clone());
        }
    }

    fn fail(&mut self, id: u64, error: &Error) -> bool {
        let Some(call) = self.open.remove(&id) else { return false };
        call.fail(error.clone());
        self.unsent.iter().position(|unsent| *unsent == id).and_then(|at| self.unsent.remove(at)).is_none()
    }
}

/// The request came with a later protocol than the broker speaks.
fn too_new(since: u16, broker: &Peer) -> Error {
    let Peer { protocol, build, pid } = broker;
    Error::new(
        ErrorCode::VersionMismatch,
        format!("this call needs protocol {since}, and broker {build} speaks only protocol {protocol} here"),
        format!(
            "the broker is older than this program: end it (process {pid}) or restart its service, and the next call \
             reaches the newer one; nothing is lost"
        ),
    )
}

/// The call was on its way when its session lost its name, and by now there is a new one.
fn another_session() -> Error {
    Error::new(
        ErrorCode::Superseded,
        "the session took another name as a new session while the call was under way",
        "what the session sent before belongs to its old name",
    )
}

fn not_encodable(error: &FrameError) -> Error {
    match error {
        FrameError::TooLong { length, limit } => Error::too_large(
            "the request",
            *length,
            *limit,
            "bytes",
            "send less at once, in several messages",
        ),
        _ => Error::too_large(
            "the request",
            FRAME_MAX_BYTES + 1,
            FRAME_MAX_BYTES,
            "bytes",
            "send less at once, in several messages",
        ),
    }
}

fn ms_until(until: Instant) -> u64 {
    u64::try_from(until.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(u64::MAX)
}
