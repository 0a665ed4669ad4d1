//! Questions to the broker that belong to no session. Only a hook's starts one.

use c2c_proto::client::{BrokerCommand, Client, ClientConfig, Start};
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
        Some(_) => Err(Error::internal("the broker answered another question than the one about its status")),
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
    match call(paths, Request::Metrics(request::Metrics {})).await {
        Ok(Some(Response::Metrics(metrics))) => Ok(Some(metrics.metrics)),
        Ok(_) => Ok(None),
        Err(error) if error.code == ErrorCode::VersionMismatch => Ok(None),
        Err(error) => Err(error),
    }
}

/// How nudges reach the sessions that are online; `None` if no broker runs, or one that does not know them.
pub(crate) async fn push_states(paths: &StorePaths) -> Result<Option<Vec<PushState>>, Error> {
    match call(paths, Request::PushStatus(request::PushStatus {})).await {
        Ok(Some(Response::PushStates(states))) => Ok(Some(states.sessions)),
        Ok(_) => Ok(None),
        Err(error) if error.code == ErrorCode::VersionMismatch => Ok(None),
        Err(error) => Err(error),
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
        Some(ask(paths, request, Start::IfAbsent(BrokerCommand::find())).await?)
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
    ask(paths, request, Start::Never).await.map(Some)
}

async fn ask(paths: &StorePaths, request: Request, start: Start) -> Result<Response, Error> {
    let (client, _events) = Client::open(ClientConfig {
        paths: paths.clone(),
        role: Role::Control,
        start,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        extra: Vec::new(),
    });
    client.call(request).await.map(|answer| answer.response).map_err(|failed| failed.error)
}
