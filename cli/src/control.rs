//! Questions to a running broker that belong to no session. It never starts one.

use c2c_proto::client::{Client, ClientConfig, Start};
use c2c_proto::endpoint::{self, ConnectError};
use c2c_proto::error::Error;
use c2c_proto::hello::Role;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::{self, Request};
use c2c_proto::response::{Response, Status};

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

/// One call on a connection of its own; `None` if nobody listens.
async fn call(paths: &StorePaths, request: Request) -> Result<Option<Response>, Error> {
    // The client would go on trying for a while; whoever only looks wants to know at once.
    match endpoint::connect(&paths.address).await {
        Err(ConnectError::Absent) => return Ok(None),
        Err(ConnectError::Unsafe(error)) => return Err(error),
        Ok(_) | Err(ConnectError::Io(_)) => {}
    }
    let (client, _events) = Client::open(ClientConfig {
        paths: paths.clone(),
        role: Role::Control,
        start: Start::Never,
        build: env!("CARGO_PKG_VERSION").to_owned(),
    });
    match client.call(request).await {
        Ok(answer) => Ok(Some(answer.response)),
        Err(failed) => Err(failed.error),
    }
}
