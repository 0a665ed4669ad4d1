//! The twelve tools: one table of constants, and for each the way from its arguments to a request.
//!
//! Owns names, descriptions, schemas and the server's instructions. No text here ever comes from a peer. Knows
//! neither how a request is carried nor how its answer looks.

mod ask;
mod delete_state;
mod filter;
mod get_state;
mod heartbeat;
mod inbox;
mod instructions;
mod list_sessions;
mod mark_read;
mod prune;
mod recipients;
mod register_session;
mod schema;
mod send_message;
mod set_state;
mod wait_for_message;

pub use instructions::INSTRUCTIONS;

use crate::args::Args;
use c2c_proto::Error;
use c2c_proto::request::Request;
use rmcp::model::{JsonObject, MetaObject, ToolAnnotations};
use schema::Property;
use serde_json::{Map, Value};

/// One tool.
#[derive(Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What a model reads about it.
    pub description: &'static str,
    properties: &'static [Property],
    required: &'static [&'static str],
    /// Whether it changes nothing (some clients run only such calls side by side).
    pub read_only: bool,
    /// Whether a client that loads tools on demand should load it at once.
    pub always_load: bool,
    decode: fn(Args, &Defaults) -> Result<Call, Error>,
}

/// What depends on the client rather than on the call.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// How long `wait_for_message` and `ask` wait, in seconds, when the call does not say.
    pub wait_s: u64,
}

/// A decoded call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What to ask the broker.
    pub request: Request,
    /// What the result's text needs to know of the call.
    pub view: View,
    /// Whether the model gave a key, so that the same call may have been made before.
    pub keyed: bool,
}

/// What the result's text needs to know of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// Nothing.
    Plain,
    /// A page of messages.
    Inbox {
        /// Whether the newest below an id were asked for, so that the oldest are left out first.
        downward: bool,
    },
    /// A wait for mail.
    Wait,
    /// A question.
    Ask {
        /// Whether the replies were marked read.
        marked: bool,
    },
    /// A watch on a key.
    Watch,
}

impl Call {
    /// A call whose result needs nothing but the response.
    #[must_use]
    pub const fn plain(request: Request) -> Self {
        Self { request, view: View::Plain, keyed: false }
    }
}

/// Every tool, in the order in which they are listed.
pub static ALL: [Tool; 12] = [
    register_session::TOOL,
    heartbeat::TOOL,
    list_sessions::TOOL,
    send_message::TOOL,
    inbox::TOOL,
    mark_read::TOOL,
    wait_for_message::TOOL,
    ask::TOOL,
    set_state::TOOL,
    get_state::TOOL,
    delete_state::TOOL,
    prune::TOOL,
];

/// The tool of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Tool> {
    ALL.iter().find(|tool| tool.name == name)
}

/// The call that reading the resource `c2c://inbox` stands for: `inbox()`.
#[must_use]
pub fn plain_inbox() -> Call {
    inbox::plain()
}

/// The definitions as a client gets them.
#[must_use]
pub fn definitions() -> Vec<rmcp::model::Tool> {
    ALL.iter().map(Tool::definition).collect()
}

impl Tool {
    /// Reads the arguments of one call.
    ///
    /// # Errors
    /// `invalid_argument` or `too_large`, saying what to change.
    pub fn decode(&self, arguments: Option<Map<String, Value>>, defaults: &Defaults) -> Result<Call, Error> {
        let known: Vec<&'static str> = self.properties.iter().map(|property| property.name).collect();
        let given = arguments.as_ref().and_then(|arguments| arguments.get("idempotency_key"));
        let keyed = given.is_some_and(|key| !key.is_null());
        let call = (self.decode)(Args::new(self.name, &known, arguments)?, defaults)?;
        Ok(Call { keyed, ..call })
    }

    fn definition(&self) -> rmcp::model::Tool {
        let mut tool = rmcp::model::Tool::new(self.name, self.description, self.schema());
        if self.read_only {
            tool = tool.with_annotations(ToolAnnotations::new().read_only(true));
        }
        if self.always_load {
            let mut meta = MetaObject::default();
            meta.0.insert("anthropic/alwaysLoad".to_owned(), Value::Bool(true));
            tool = tool.with_meta(meta);
        }
        tool
    }

    fn schema(&self) -> JsonObject {
        schema::object(self.properties, self.required)
    }
}

#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod reference_texts;
#[cfg(test)]
mod tests;
