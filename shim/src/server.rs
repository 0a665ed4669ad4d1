//! The MCP server: which methods there are, and what each does.
//!
//! Owns the protocol versions and capabilities. What a tool does is in [`crate::tools`], how its call goes in
//! [`crate::call`].

use crate::call;
use crate::forward::Forward;
use crate::parent;
use crate::push::{CHANNEL_CAPABILITY, INBOX_URI, Offer, Push, Subscription};
use crate::render;
use crate::stdio::{SERVED, Shows, no_method};
use crate::tools::{self, Call, Defaults, INSTRUCTIONS};
use c2c_proto::limits::{WAIT_DEFAULT_CLAUDE_CODE_S, WAIT_DEFAULT_S};
use c2c_proto::surroundings::Surroundings;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CustomRequest, CustomResult, DiscoverResult, ErrorCode,
    ErrorData, Implementation, InitializeRequestParams, InitializeResult, JsonObject, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, ServerCapabilities, ServerConfig,
    SubscribeRequestParams, UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use std::borrow::Cow;
use std::sync::OnceLock;
use tokio_util::sync::CancellationToken;

/// What the server speaks, oldest first. A client that asks for another version gets the newest.
const VERSIONS: &[ProtocolVersion] = &[ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25];
/// The client whose calls may wait long without cost.
const PATIENT_CLIENT: &str = "claude-code";

/// One client's server.
#[derive(Debug)]
pub struct Server {
    forward: Forward,
    subscription: Subscription,
    offer: Offer,
    defaults: OnceLock<Defaults>,
    ended: CancellationToken,
}

impl Server {
    /// `ended`: when set, every call that waits ends.
    #[must_use]
    pub fn new(forward: Forward, offer: Offer, ended: CancellationToken) -> Self {
        Self { forward, subscription: Subscription::default(), offer, defaults: OnceLock::new(), ended }
    }

    fn defaults(&self) -> Defaults {
        self.defaults.get().copied().unwrap_or(Defaults { wait_s: WAIT_DEFAULT_S })
    }

    /// The client has said who it is: connect as its session.
    fn begin(&self, client: &Implementation, context: &RequestContext<RoleServer>) {
        let patient = client.name.to_lowercase().contains(PATIENT_CLIENT);
        let wait_s = if patient { WAIT_DEFAULT_CLAUDE_CODE_S } else { WAIT_DEFAULT_S };
        self.defaults.get_or_init(|| Defaults { wait_s });
        let described = format!("{} {}", client.name, client.version);
        let offer = if patient { self.offer.clone() } else { self.offer.clone().without_inbox() };
        let surroundings = Surroundings::read(parent::describe());
        if let Some(events) = self.forward.open(surroundings, described.trim(), &offer) {
            let push =
                Push::new(self.subscription.clone(), offer, self.forward.clone(), context.peer.clone());
            tokio::spawn(push.pass_on(events));
        }
    }

    async fn read_inbox(&self) -> Result<ReadResourceResult, ErrorData> {
        let Call { request, view, .. } = tools::plain_inbox();
        match self.forward.call(request, false).await {
            Ok(answer) => {
                let result = render::response(&view, answer.response, answer.mail);
                let contents =
                    ResourceContents::text(result.text, INBOX_URI).with_mime_type("application/json");
                Ok(ReadResourceResult::new(vec![contents]).showing(&result.shown))
            }
            Err(error) => {
                let data = serde_json::to_value(&error.error).ok();
                Err(ErrorData::internal_error(error.error.to_string(), data))
            }
        }
    }
}

/// Only the one resource exists.
fn check_uri(uri: &str) -> Result<(), ErrorData> {
    if uri == INBOX_URI {
        return Ok(());
    }
    Err(ErrorData::resource_not_found(format!("the only resource is {INBOX_URI}"), None))
}

fn unknown_tool() -> ErrorData {
    let names: Vec<&str> = tools::ALL.iter().map(|tool| tool.name).collect();
    ErrorData::invalid_params(format!("no such tool; the tools are {}", names.join(", ")), None)
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_resources_subscribe();
        let mut capabilities = capabilities.build();
        if self.offer.may_be_channel() {
            let channel = [(CHANNEL_CAPABILITY.to_owned(), JsonObject::new())];
            capabilities.experimental = Some(channel.into_iter().collect());
        }
        ServerConfig::new(capabilities)
            .with_protocol_version(ProtocolVersion::V_2025_11_25)
            .with_server_info(Implementation::new("c2c", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(VERSIONS)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        self.begin(&request.client_info, &context);
        self.negotiate_initialize(&request)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, no_method("server/discover"), None))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::definitions()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = tools::find(&request.name).ok_or_else(unknown_tool)?;
        let defaults = self.defaults();
        let result =
            Box::pin(call::run(tool, request.arguments, &defaults, &self.forward, &context, &self.ended))
                .await;
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let inbox = Resource::new(INBOX_URI, "inbox")
            .with_description("Unread messages of this session, as the tool inbox returns them")
            .with_mime_type("application/json");
        Ok(ListResourcesResult::with_all_items(vec![inbox]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        check_uri(&request.uri)?;
        tokio::select! {
            result = Box::pin(self.read_inbox()) => Ok(result?.into()),
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the read was cancelled", None)),
            () = self.ended.cancelled() => Err(ErrorData::internal_error("the client is gone", None)),
        }
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        check_uri(&request.uri)?;
        self.subscription.set(true);
        Ok(())
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        check_uri(&request.uri)?;
        self.subscription.set(false);
        Ok(())
    }

    /// What rmcp cannot read as a request that it knows: an unknown method, or a known one with wrong parameters.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if SERVED.contains(&request.method.as_str()) || request.method == "initialize" {
            let text = format!("the parameters of {} are not what the method takes", request.method);
            return Err(ErrorData::invalid_params(text, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, no_method(&request.method), None))
    }
}
