//! Taking part as the person or under another name, with a word about a name that no session has: it may be a typing error.

use crate::link::{Link, ask};
use crate::print;
use c2c_proto::Error;
use c2c_proto::limits::ACTIVE_WITHIN_MAX_MIN;
use c2c_proto::name::{fold, on_node};
use c2c_proto::request::{ListSessions, Traffic};

/// As [`Link::take_part`].
///
/// # Errors
/// Those of [`Link::take_part`].
pub(crate) async fn take_part(as_name: Option<&str>) -> Result<(Link, String), Error> {
    as_name.map_or(Ok(()), check_here)?;
    let is_new = match as_name {
        Some(name) => is_new(&Link::look_on()?, name).await?,
        None => false,
    };
    let (link, name) = Link::take_part(as_name).await?;
    if is_new {
        let text =
            format!("no session was called {name} (c2c sessions --all lists them); it has a mailbox now");
        // Whoever closed stderr does not want to know.
        let _ = print::remark(&text);
    }
    Ok((link, name))
}

/// Refuses the name of a session on another machine.
fn check_here(name: &str) -> Result<(), Error> {
    match on_node(name) {
        Some((name, node)) => Err(Error::invalid(
            format!("{name}@{node} is on another machine, and only mailboxes of this one can be used here"),
            format!("run the command there, as {name}"),
        )),
        None => Ok(()),
    }
}

/// Says of each name that no session has it, where that is so.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn remark_unknown(link: &Link, names: impl IntoIterator<Item = &str>) -> Result<(), Error> {
    for name in names {
        if on_node(name).is_none() && is_new(link, name).await? {
            // Whoever closed stderr does not want to know.
            let _ = print::remark(&format!("no session is called {name} (c2c sessions --all lists them)"));
        }
    }
    Ok(())
}

/// Whether no session has the name, and no mail waits for it.
async fn is_new(link: &Link, name: &str) -> Result<bool, Error> {
    let mail = Traffic { mailbox: Some(name.to_owned()), limit: 1, ..Traffic::default() };
    if !ask!(link, Traffic(mail), Inbox).messages.is_empty() {
        return Ok(false);
    }
    // From just before the name on: names come in the order of their mailboxes.
    let mailbox = fold(name);
    let mut after_name = before(&mailbox);
    loop {
        let question = ListSessions { active_within_min: ACTIVE_WITHIN_MAX_MIN, after_name };
        let page = ask!(link, ListSessions(question), Sessions);
        let next = page.sessions.iter().find(|session| fold(&session.name) >= mailbox);
        match (next, page.sessions.last()) {
            (Some(next), _) => return Ok(fold(&next.name) != mailbox),
            (None, Some(last)) if page.more => after_name = Some(last.name.clone()),
            (None, _) => return Ok(true),
        }
    }
}

/// A text that sorts before a mailbox, and after most others that do.
fn before(mailbox: &str) -> Option<String> {
    let mut chars = mailbox.chars();
    chars.next_back();
    let shorter = chars.as_str();
    (!shorter.is_empty()).then(|| shorter.to_owned())
}

#[cfg(test)]
mod tests {
    use super::check_here;

    #[test]
    fn a_session_on_another_machine_is_not_taken_part_as() {
        let refused = check_here("api@tower").unwrap_err();
        assert!(
            refused.message.contains("another machine") && refused.hint.contains("as api"),
            "{refused:?}"
        );
        assert!(check_here("api").is_ok() && check_here("old@Name").is_ok());
    }
}
