//! Questions to the broker that belong to no session. Only a hook's starts one.

use crate::link::{Link, strange};
use c2c_proto::client::{BrokerCommand, Start};
use c2c_proto::endpoint::{self, ConnectError};
use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::hello::Role;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{self, Request};
use c2c_proto::response::{Hooked, Metric, PushState, Response, Status};

/// How the broker of this store does; `None` if none runs.
pub(crate) async fn status(paths: &StorePaths) -> Result<Option<Box<Status>>, Error> {
    match call(paths, Request::Status(request::Status {})).await? {
        Some(Response::Status(status)) => Ok(Some(status)),
        Some(_) => Err(strange()),
        None => Ok(None),
    }
}

/// Asks the broker of this store to end; `None` if none runs.
pub(crate) async fn hand_over(paths: &StorePaths) -> Result<Option<()>, Error> {
    let answer = call(paths, Request::HandOver(request::HandOver {})).await?;
    Ok(answer.map(|_| ()))
}

/// Asks the broker of this store to end, however it was started; `None` if none runs.
pub(crate) async fn stop(paths: &StorePaths) -> Result<Option<()>, Error> {
    let answer = call(paths, Request::Stop(request::Stop {})).await?;
    Ok(answer.map(|_| ()))
}

/// What the broker counts and measures; `None` if no broker runs, or one that does not say.
pub(crate) async fn metrics(paths: &StorePaths) -> Result<Option<Vec<Metric>>, Error> {
    Ok(match if_known(paths, Request::Metrics(request::Metrics {})).await? {
        Some(Response::Metrics(metrics)) => Some(metrics.metrics),
        _ => None,
    })
}

/// How nudges reach the sessions that are online; `None` if no broker runs, or one that does not know them.
pub(crate) async fn push_states(paths: &StorePaths) -> Result<Option<Vec<PushState>>, Error> {
    Ok(match if_known(paths, Request::PushStatus(request::PushStatus {})).await? {
        Some(Response::PushStates(states)) => Some(states.sessions),
        _ => None,
    })
}

/// As [`call`]; also `None` if the broker is too old for the question.
async fn if_known(paths: &StorePaths, request: Request) -> Result<Option<Response>, Error> {
    match call(paths, request).await {
        Err(error) if error.code == ErrorCode::VersionMismatch => Ok(None),
        answer => answer,
    }
}

/// What a hook may tell its client; `None` if no broker runs and none was to be started.
pub(crate) async fn hook(
    paths: &StorePaths,
    hook: request::Hook,
    start: bool,
) -> Result<Option<Hooked>, Error> {
    let request = Request::Hook(hook);
    let answer = if start {
        Some(Link::open(paths, Role::Control, Start::IfAbsent(BrokerCommand::find())).ask(request).await?)
    } else {
        call(paths, request).await?
    };
    Ok(answer.and_then(|response| match response {
        Response::Hooked(hooked) => Some(hooked),
        _ => None,
    }))
}

/// One call on a connection of its own; `None` if nobody listens.
async fn call(paths: &StorePaths, request: Request) -> Result<Option<Response>, Error> {
    // The client would go on trying for a while; whoever only looks wants to know at once.
    match endpoint::connect(&paths.address).await {
        Err(ConnectError::Absent) => return Ok(None),
        Err(ConnectError::Unsafe(error)) => return Err(error),
        Ok(_) | Err(ConnectError::Io(_)) => {}
    }
    Link::open(paths, Role::Control, Start::Never).ask(request).await.map(Some)
}
