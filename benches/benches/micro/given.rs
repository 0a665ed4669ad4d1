//! What the benchmarks are given: messages as sessions send them.

use c2c_proto::frame::{MailCount, Reply, ServerFrame};
use c2c_proto::message::{Message, Priority, To};
use c2c_proto::response::{Inbox, Response};
use c2c_proto::time::Timestamp;

/// Messages on a page.
const PAGE: i64 = 20;
/// Bytes of each body on the page.
const BODY_BYTES: usize = 200;

/// Text with what JSON has to escape, about as often as in what models write.
pub(crate) fn text(bytes: usize) -> String {
    "The parser reads \"a\" twice.\nSee src/lib.rs, line 12. ".chars().cycle().take(bytes).collect()
}

/// A page of a mailbox.
pub(crate) fn page() -> Response {
    Response::Inbox(Inbox { messages: (1..=PAGE).map(message).collect(), more: true })
}

/// The page as the broker answers with it.
pub(crate) fn reply() -> ServerFrame {
    ServerFrame::Reply(Reply { id: 7, mail: Some(MailCount { unread: 31, new: 11 }), result: Ok(page()) })
}

fn message(id: i64) -> Message {
    let body = text(BODY_BYTES);
    Message {
        id,
        from_name: "frontend".to_owned(),
        from_session: "0196d1a2-7b3c-7def-8123-456789abcdef".to_owned(),
        to: To::One("backend".to_owned()),
        body_chars: body.len() as u64,
        body,
        tag: Some("handoff".to_owned()),
        reply_to: None,
        thread: id,
        priority: Priority::Normal,
        created_at: Timestamp(1_790_000_000_000 + id),
        sent_by_reader: false,
        read_at: None,
        receipts: Vec::new(),
        receipts_total: 0,
    }
}
