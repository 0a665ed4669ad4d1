//! The sessions that the broker knows, over as many pages as they fill. It prints nothing.

use crate::link::{Link, ask};
use c2c_proto::Error;
use c2c_proto::request::ListSessions;
use c2c_proto::response::{SessionInfo, Sessions};

/// Those that are online or were within so many minutes, by name, so many at most; and whether there are more.
///
/// # Errors
/// The broker's own, or why it cannot be reached.
pub(crate) async fn sessions(
    link: &Link,
    active_within_min: u32,
    most: usize,
) -> Result<(Vec<SessionInfo>, bool), Error> {
    let mut listed = Vec::new();
    loop {
        let after_name = listed.last().map(|session: &SessionInfo| session.name.clone());
        let question = ListSessions { active_within_min, after_name };
        let page = ask!(link, ListSessions(question), Sessions);
        if let Some(more) = take(&mut listed, page, most) {
            return Ok((listed, more));
        }
    }
}

/// Adds a page. When that was all, or enough: whether there are more.
fn take(listed: &mut Vec<SessionInfo>, page: Sessions, most: usize) -> Option<bool> {
    let more = page.more && !page.sessions.is_empty();
    listed.extend(page.sessions);
    let cut = listed.len() > most;
    listed.truncate(most);
    (cut || !more || listed.len() == most).then_some(cut || more)
}

#[cfg(test)]
mod tests {
    use super::take;
    use c2c_proto::response::{SessionInfo, Sessions};
    use c2c_proto::time::Timestamp;

    fn session(number: usize) -> SessionInfo {
        SessionInfo {
            session_id: "s".to_owned(),
            name: format!("s{number:03}"),
            cwd: String::new(),
            started_at: Timestamp(0),
            last_seen_at: Timestamp(0),
            metadata: None,
            is_self: false,
            online: true,
            waiting: false,
            unread: 0,
            client: String::new(),
        }
    }

    #[test]
    fn all_pages_are_taken_and_what_is_left_out_is_said() {
        let everybody: Vec<SessionInfo> = (0..25).map(session).collect();
        let cases = [
            (usize::MAX, false, 3),
            (25, false, 3),
            (24, true, 3),
            (20, true, 2),
            (10, true, 1),
            (7, true, 1),
        ];
        for (most, more, pages) in cases {
            let (mut listed, mut taken) = (Vec::new(), Vec::new());
            for (number, sessions) in everybody.chunks(10).enumerate() {
                taken.push(take(
                    &mut listed,
                    Sessions { sessions: sessions.to_vec(), more: number < 2 },
                    most,
                ));
                if taken.last() != Some(&None) {
                    break;
                }
            }
            assert_eq!((taken.len(), taken.last()), (pages, Some(&Some(more))), "{most}");
            assert_eq!(listed.as_slice(), &everybody[..most.min(25)], "{most}");
        }
        let nobody = Sessions { sessions: Vec::new(), more: true };
        assert_eq!(take(&mut Vec::new(), nobody, 5), Some(false), "else it would be asked for ever");
    }
}
