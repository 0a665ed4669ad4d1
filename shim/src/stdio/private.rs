//! Which mail a result shows travels with the result as a private member, from where it is made to where it is
//! written, and is taken out there. So a result that is never sent leaves nothing behind.

use c2c_proto::id::MessageId;
use rmcp::RoleServer;
use rmcp::model::{CallToolResult, JsonRpcMessage, MetaObject, ReadResourceResult, ServerResult};
use rmcp::service::TxJsonRpcMessage;
use serde_json::{Map, json};

/// The private member. It never leaves the program.
const MEMBER: &str = "c2c/shown";

/// Results that can show mail.
pub(crate) trait Shows {
    /// Where the private member goes.
    fn meta(&mut self) -> &mut Option<MetaObject>;

    /// Notes the mail that the result shows.
    #[must_use]
    fn showing(mut self, ids: &[MessageId]) -> Self
    where
        Self: Sized,
    {
        if !ids.is_empty() {
            self.meta().get_or_insert_with(|| MetaObject(Map::new())).0.insert(MEMBER.to_owned(), json!(ids));
        }
        self
    }

    /// Takes the note out.
    fn take_ids(&mut self) -> Vec<MessageId> {
        let Some(meta) = self.meta() else { return Vec::new() };
        let ids = meta.0.remove(MEMBER).and_then(|ids| serde_json::from_value(ids).ok()).unwrap_or_default();
        if meta.0.is_empty() {
            *self.meta() = None;
        }
        ids
    }
}

impl Shows for CallToolResult {
    fn meta(&mut self) -> &mut Option<MetaObject> {
        &mut self.meta
    }
}

impl Shows for ReadResourceResult {
    fn meta(&mut self) -> &mut Option<MetaObject> {
        &mut self.meta
    }
}

/// Takes the note out of whatever is about to be written.
pub(super) fn take_shown(item: &mut TxJsonRpcMessage<RoleServer>) -> Vec<MessageId> {
    let JsonRpcMessage::Response(response) = item else { return Vec::new() };
    match &mut response.result {
        ServerResult::CallToolResult(result) => result.take_ids(),
        ServerResult::ReadResourceResult(result) => result.take_ids(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Shows, take_shown};
    use rmcp::model::{CallToolResult, ContentBlock, JsonRpcMessage, NumberOrString, ServerResult};

    #[test]
    fn the_note_is_not_written() {
        let result = CallToolResult::success(vec![ContentBlock::text("{}")]).showing(&[3, 9]);
        let mut item =
            JsonRpcMessage::response(ServerResult::CallToolResult(result), NumberOrString::Number(1));
        assert_eq!(take_shown(&mut item), [3, 9]);
        assert!(!serde_json::to_string(&item).unwrap().contains("_meta"));
        assert!(take_shown(&mut item).is_empty());
    }
}
