//! One request, one file: the match below is the table of contents. This is where the store (what is true) and the hub
//! (who is to be told) meet; neither knows the other.

mod ask;
mod check;
mod global;
mod hello;
mod hook;
mod import;
mod inbox;
mod link;
mod list_sessions;
mod mark_read;
mod metrics;
mod near;
mod prune;
mod push;
mod register;
mod send;
mod state;
mod status;
mod traffic;
mod upkeep;
mod versions;
mod wait;
mod watch;

pub use hello::{closed, hello, keep_names_for_their_holders};
pub use prune::prune_by_retention;
pub use versions::{strange_call, strange_hello};

use crate::Broker;
use crate::hub::{Caller, Who};
use crate::session::{ConnId, Owner, superseded};
use crate::store::in_use;
use c2c_proto::event::Closing;
use c2c_proto::frame::MailCount;
use c2c_proto::request::Request;
use c2c_proto::response::{Done, Heartbeat, Response};
use c2c_proto::{Error, ErrorCode};
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

/// A response, and how many of the messages in it are unread mail that the session sees for the first time: those are
/// not `new` any more.
type Handled = Result<(Response, u64), Error>;

/// Who calls, when the call is taken off the connection: it is done for that session even if the connection is gone by
/// the time it is answered.
pub fn caller(broker: &Broker, conn: ConnId) -> Caller {
    broker.hub.caller(conn, broker.clock.now())
}

/// Answers one call. Dropping the future ends a wait; a change that is queued is completed all the same.
pub async fn call(
    broker: &Arc<Broker>,
    conn: ConnId,
    caller: Caller,
    request: Request,
) -> (Option<MailCount>, Result<Response, Error>) {
    if tells_what_was_read(&request) {
        // On the heap: hardly any call does, and each would have the room for it.
        Box::pin(broker.store.settle_marks()).await;
    }
    let handled = dispatch(broker, conn, &caller, request).await;
    // The name may have changed during the call: the count is that of the mailbox as it is now.
    let mail = broker.hub.done(conn, broker.clock.now()).map(|mailbox| broker.store.mail(&mailbox));
    match handled {
        Ok((response, first_shown)) => {
            let mail = mail.map(|mail| MailCount { new: mail.new.saturating_sub(first_shown), ..mail });
            (mail, Ok(response))
        }
        Err(error) => (mail, Err(error)),
    }
}

/// Whether the answer says what others have read, or a hook what its session has not.
const fn tells_what_was_read(request: &Request) -> bool {
    match request {
        // Lists of both directions have what became of one's own messages as well.
        Request::Inbox(inbox) => inbox.sent || !inbox.unread_only,
        Request::ReadMessage(_) | Request::Traffic(_) | Request::Hook(_) => true,
        // How much each session has not read.
        Request::ListSessions(_) | Request::ListEverywhere(_) => true,
        _ => false,
    }
}

/// A handler at work, on the heap by itself: the task of a call is moved when it is made and when it ends, and would be as
/// large as the largest of all handlers.
type Handling<'a> = Pin<Box<dyn Future<Output = Handled> + Send + 'a>>;

fn dispatch<'a>(broker: &'a Arc<Broker>, conn: ConnId, caller: &'a Caller, request: Request) -> Handling<'a> {
    match request {
        Request::Register(request) => Box::pin(register::register(broker, conn, caller, request)),
        // It still believes that it has its name: whoever it sees there, it is not among them.
        Request::ListSessions(_) if caller.superseded => at_once(Err(lost_name(caller))),
        Request::ListSessions(request) => {
            Box::pin(async move { list_sessions::list_sessions(broker, caller, &request).await })
        }
        Request::ListEverywhere(_) if caller.superseded => at_once(Err(lost_name(caller))),
        Request::ListEverywhere(request) => {
            Box::pin(async move { link::everywhere(broker, caller, &request.here).await })
        }
        Request::Status(_) => Box::pin(status::status(broker, caller)),
        Request::HandOver(_) => at_once(hand_over(broker)),
        Request::Hook(request) => Box::pin(hook::hook(broker, request)),
        Request::PushStatus(_) => at_once(push::push_status(broker)),
        Request::Traffic(request) => Box::pin(traffic::traffic(broker, caller, request)),
        Request::ReadMessage(request) if caller.sees_all() => {
            Box::pin(async move { traffic::read_message(broker, &request).await })
        }
        // The state is everybody's: one who looks on may read it and needs no name for that.
        Request::GetState(request) if caller.who == Who::Onlooker => {
            Box::pin(async move { state::get(broker, &request).await })
        }
        Request::ListState(request) if caller.who == Who::Onlooker => {
            Box::pin(async move { state::list(broker, &request).await })
        }
        Request::WatchState(request) if caller.who == Who::Onlooker => {
            Box::pin(async move { watch::watch(broker, None, &request).await })
        }
        Request::PruneDryRun(request) => {
            Box::pin(async move { prune::dry_run(broker, caller, &request).await })
        }
        Request::Metrics(_) => Box::pin(metrics::metrics(broker)),
        Request::Backup(request) => Box::pin(async move { upkeep::backup(broker, caller, &request).await }),
        Request::Check(request) => Box::pin(async move { upkeep::check(broker, caller, &request).await }),
        Request::Import(request) => Box::pin(import::import(broker, caller, request)),
        Request::Stop(_) => at_once(upkeep::stop(broker, caller)),
        request if link::is_of_link(&request) => Box::pin(link::link(broker, conn, caller, request)),
        request => match registered(caller) {
            // Its session has come back meanwhile.
            Ok(owner) if caller.who == Who::Person && broker.store.is_in_use(owner.row) => {
                at_once(Err(in_use(&owner.name)))
            }
            Ok(owner) => {
                // What a shim says by itself is no sign that its model is at work.
                if !matches!(request, Request::Pushed(_) | Request::Shown(_)) {
                    broker.hub.active(owner.row);
                }
                dispatch_registered(broker, owner, request)
            }
            Err(error) => at_once(Err(error)),
        },
    }
}

/// The requests of a session that holds a name.
fn dispatch_registered(broker: &Arc<Broker>, owner: Owner, request: Request) -> Handling<'_> {
    match request {
        Request::Heartbeat(_) => at_once(Ok((Response::Heartbeat(Heartbeat { at: broker.clock.now() }), 0))),
        Request::Send(request) => Box::pin(send::send(broker, owner, request)),
        Request::SendExpiring(request) => Box::pin(send::send_expiring(broker, owner, request)),
        Request::Inbox(request) => Box::pin(async move { inbox::inbox(broker, &owner, &request).await }),
        Request::ReadMessage(request) => {
            Box::pin(async move { inbox::read_message(broker, &owner, &request).await })
        }
        Request::MarkRead(request) => Box::pin(mark_read::mark_read(broker, owner, request)),
        Request::Shown(request) => Box::pin(mark_read::shown(broker, owner, request)),
        Request::Pushed(request) => at_once(push::pushed(broker, &owner, request)),
        Request::Wait(request) => Box::pin(async move { wait::wait(broker, owner, &request).await }),
        Request::Ask(request) => Box::pin(ask::ask(broker, owner, request)),
        Request::SetState(request) => Box::pin(state::set(broker, owner, request)),
        Request::GetState(request) => Box::pin(async move { state::get(broker, &request).await }),
        Request::ListState(request) => Box::pin(async move { state::list(broker, &request).await }),
        Request::WatchState(request) => {
            Box::pin(async move { watch::watch(broker, Some(&owner), &request).await })
        }
        Request::DeleteState(request) => Box::pin(state::delete(broker, owner, request)),
        Request::Prune(request) => Box::pin(prune::prune(broker, owner, request)),
        other => {
            let what = format!("a {} request came where it cannot", other.kind());
            at_once(Err(Error::internal(what)))
        }
    }
}

fn at_once<'a>(handled: Handled) -> Handling<'a> {
    Box::pin(ready(handled))
}

/// Why a superseded caller gets no answer.
fn lost_name(caller: &Caller) -> Error {
    superseded(caller.session.as_ref().map_or("", |owner| &owner.name))
}

/// The caller's session, if it holds a name.
fn registered(caller: &Caller) -> Result<Owner, Error> {
    match caller {
        Caller { session: Some(owner), superseded: false, .. } => Ok(owner.clone()),
        Caller { session: Some(owner), .. } => Err(superseded(&owner.name)),
        Caller { session: None, .. } => Err(Error::new(
            ErrorCode::NotRegistered,
            "this session has no name, so it has no mailbox and cannot send",
            "call register_session with a name first",
        )),
    }
}

/// A service takes over from a broker that a shim started. One that a person started stays until that person ends it.
fn hand_over(broker: &Broker) -> Handled {
    if !broker.on_demand {
        let how = if broker.service { "as a service" } else { "in a terminal" };
        return Err(Error::new(
            ErrorCode::Conflict,
            format!("this broker runs {how}, pid {}; it does not make room for another", std::process::id()),
            if broker.service { "stop the service first" } else { "end it there first" },
        ));
    }
    tracing::info!("asked to hand over");
    broker.shutdown.begin(Closing::HandingOver);
    Ok((Response::Done(Done {}), 0))
}
