//! One tool call from its arguments to its result.

use crate::forward::Forward;
use crate::progress::Waiting;
use crate::render;
use crate::stdio::Shows;
use crate::tools::{Call, Defaults, Tool, View};
use c2c_proto::client::{Answer, CallError};
use c2c_proto::id::new_call_key;
use c2c_proto::limits::ASK_MARKS_READ_WITHIN_S;
use c2c_proto::request::{MarkRead, Request};
use c2c_proto::response::Response;
use c2c_proto::{Error, ErrorCode};
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use rmcp::service::RequestContext;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Answers of an `ask` that come later may reach nobody any more.
const MARKS_READ_WITHIN: Duration = Duration::from_secs(ASK_MARKS_READ_WITHIN_S);

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
        Err(error) => return failed(&CallError { error, key: None, mail: None }),
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
    let Call { request, view } = call;
    let start = Instant::now();
    let Answer { response, mail } = match Waiting::of(&request) {
        None => forward.call(request).await?,
        Some(waiting) => tokio::select! {
            answer = forward.call(request) => answer?,
            never = waiting.report(context) => match never {},
        },
    };
    if view == (View::Ask { marked: false }) && start.elapsed() <= MARKS_READ_WITHIN {
        return Ok(with_replies_read(response, mail, forward).await);
    }
    Ok(render::response(&view, response, mail))
}

/// Marks the replies read that the result shows. If that fails, the result says that they are still unread.
async fn with_replies_read(
    response: Response,
    mail: Option<c2c_proto::frame::MailCount>,
    forward: &Forward,
) -> render::Result {
    let unmarked = render::response(&View::Ask { marked: false }, response.clone(), mail);
    if unmarked.shown.is_empty() {
        return unmarked;
    }
    let marks = MarkRead { message_ids: unmarked.shown.clone(), key: new_call_key() };
    match forward.call(Request::MarkRead(marks)).await {
        Ok(answer) => render::response(&View::Ask { marked: true }, response, answer.mail),
        Err(_) => unmarked,
    }
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
