//! One tool call from its arguments to its result.

use crate::forward::Forward;
use crate::progress::Waiting;
use crate::render;
use crate::stdio::Shows;
use crate::tools::{Call, Defaults, Tool, View};
use c2c_proto::client::{Answer, CallError};
use c2c_proto::frame::MailCount;
use c2c_proto::id::MessageId;
use c2c_proto::limits::ASK_MARKS_READ_WITHIN_S;
use c2c_proto::message::Message;
use c2c_proto::response::Response;
use c2c_proto::{Error, ErrorCode};
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use rmcp::service::RequestContext;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Answers of an `ask` that come later may reach nobody any more; the way back from a wait of just that time counts
/// as within it.
const MARKS_READ_WITHIN: Duration = Duration::from_secs(ASK_MARKS_READ_WITHIN_S + 1);

/// Does what one `tools/call` asks. Always an answer: what goes wrong is a result too.
pub(crate) async fn run(
    tool: &Tool,
    arguments: Option<JsonObject>,
    defaults: &Defaults,
    forward: &Forward,
    context: &RequestContext<RoleServer>,
    ended: &CancellationToken,
) -> CallToolResult {
    let call = match tool.decode(arguments, defaults) {
        Ok(call) => call,
        Err(error) => return failed(&CallError { error, key: None, mail: forward.last_mail() }),
    };
    let waits = call.request.wait_ms().is_some();
    let rendered = tokio::select! {
        biased;
        () = context.ct.cancelled() => Err(cancelled()),
        () = ended.cancelled(), if waits => return never().await,
        rendered = answered(call, forward, context) => rendered,
    };
    match rendered {
        Ok(result) => CallToolResult::success(vec![ContentBlock::text(result.text)]).showing(&result.shown),
        Err(error) => failed(&error),
    }
}

async fn answered(
    call: Call,
    forward: &Forward,
    context: &RequestContext<RoleServer>,
) -> Result<render::Result, CallError> {
    let Call { request, view, keyed } = call;
    let start = Instant::now();
    let wait_ms = request.wait_ms();
    let Answer { response, mail } = match Waiting::of(&request) {
        None => forward.call(request, keyed).await?,
        Some(waiting) => tokio::select! {
            answer = forward.call(request, keyed) => answer?,
            never = waiting.report(context) => match never {},
        },
    };
    if view == (View::Ask { marked: false }) && someone_still_waits(wait_ms, start.elapsed()) {
        return Ok(with_replies_read(response, mail, forward));
    }
    Ok(render::response(&view, response, mail))
}

/// Whether the client of an `ask` is sure to be there still, so that answers can be marked read: it asked for no
/// longer wait than any client makes, or it was answered within that time.
fn someone_still_waits(wait_ms: Option<u64>, waited: Duration) -> bool {
    wait_ms.is_some_and(|wait_ms| wait_ms <= ASK_MARKS_READ_WITHIN_S * 1_000) || waited <= MARKS_READ_WITHIN
}

/// Has the replies marked read that the result shows, without waiting for it: whoever asked has waited long enough. If it cannot
/// be done they stay unread, and come again.
fn with_replies_read(response: Response, mail: Option<MailCount>, forward: &Forward) -> render::Result {
    let unmarked = render::response(&View::Ask { marked: false }, response.clone(), mail);
    if unmarked.shown.is_empty() {
        return unmarked;
    }
    let unread = unread_among(&response, &unmarked.shown);
    let mail = mail.map(|mail| MailCount { unread: mail.unread.saturating_sub(unread), ..mail });
    forward.mark_read(unmarked.shown, mail);
    render::response(&View::Ask { marked: true }, response, mail)
}

fn unread_among(response: &Response, shown: &[MessageId]) -> u64 {
    let Response::Asked(asked) = response else { return 0 };
    let unread = |reply: &&Message| reply.read_at.is_none() && shown.contains(&reply.id);
    asked.replies.iter().filter(unread).count() as u64
}

/// Nobody reads it: the client does not wait any more.
fn cancelled() -> CallError {
    let hint = "a change that was under way is completed, a wait changed nothing";
    let error = Error::new(ErrorCode::ShuttingDown, "the call was cancelled", hint);
    CallError { error, key: None, mail: None }
}

/// A wait whose client has gone ends without an answer, since any would be untrue; the process ends within the grace
/// that calls without a wait have to be answered.
async fn never() -> CallToolResult {
    std::future::pending().await
}

fn failed(error: &CallError) -> CallToolResult {
    let text = render::error(&error.error, error.key.as_deref(), error.mail);
    CallToolResult::error(vec![ContentBlock::text(text)])
}

#[cfg(test)]
mod tests {
    use super::someone_still_waits;
    use std::time::Duration;

    #[test]
    fn a_question_that_times_out_at_the_very_limit_still_marks_its_answers_read() {
        for (wait_ms, waited_ms, waits) in [
            (50_000, 50_010, true),
            (50_000, 52_000, true),
            (3_600_000, 50_900, true),
            (3_600_000, 51_100, false),
            (50_001, 3_600_000, false),
        ] {
            let waited = Duration::from_millis(waited_ms);
            assert_eq!(someone_still_waits(Some(wait_ms), waited), waits, "{wait_ms} {waited_ms}");
        }
    }
}
