//! Taking part as the person or under another name, with a word about a name that is new: it may be a typing error, and
//! nobody ever writes to it.

use crate::everybody;
use crate::link::Link;
use crate::print;
use c2c_proto::Error;
use c2c_proto::limits::ACTIVE_WITHIN_MAX_MIN;
use c2c_proto::name::fold;

/// As [`Link::take_part`].
///
/// # Errors
/// Those of [`Link::take_part`].
pub(crate) async fn take_part(as_name: Option<&str>) -> Result<(Link, String), Error> {
    let is_new = match as_name {
        Some(name) => !is_known(name).await?,
        None => false,
    };
    let (link, name) = Link::take_part(as_name).await?;
    if is_new {
        let text =
            format!("nobody was called {name} before; the name has a mailbox now (c2c sessions lists all)");
        // Whoever closed stderr does not want to know.
        let _ = print::remark(&text);
    }
    Ok((link, name))
}

async fn is_known(name: &str) -> Result<bool, Error> {
    let link = Link::look_on()?;
    let (sessions, _) = everybody::sessions(&link, ACTIVE_WITHIN_MAX_MIN, usize::MAX).await?;
    Ok(sessions.iter().any(|session| fold(&session.name) == fold(name)))
}
