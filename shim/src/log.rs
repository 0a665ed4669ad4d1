//! The shim's log: to stderr, since stdout belongs to MCP.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Below warnings rmcp logs the content of messages, and its warnings are about every method that a client tries.
const NO_CONTENT: &str = "rmcp=error";

/// Starts logging as `C2C_LOG` says; what it says wrongly is ignored.
pub(crate) fn start() {
    let wanted = std::env::var("C2C_LOG").unwrap_or_default();
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse_lossy(wanted);
    let filter = match NO_CONTENT.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // What cannot be written is dropped. The library would complain of it on stderr, which panics just then.
        .log_internal_errors(false)
        .finish();
    // A second subscriber is only possible in a test.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
