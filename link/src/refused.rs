//! Why a server is not connected to.

use crate::config::Config;
use anyhow::anyhow;
use async_nats::{ConnectError, ConnectErrorKind};

const fn is_refusal(kind: ConnectErrorKind) -> bool {
    matches!(kind, ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication)
}

/// Why, and what can be done.
pub(crate) fn why(config: &Config, error: ConnectError) -> anyhow::Error {
    if is_refusal(error.kind()) {
        return anyhow!(refusal(config));
    }
    let told = anyhow::Error::from(error);
    match in_our_words(&format!("{told:#}")) {
        Some(words) => told.context(words),
        None => told,
    }
    .context(format!("{} cannot be used", config.url))
}

/// What the words of the library for encryption mean, and what can be done.
fn in_our_words(told: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 3] = [
        ("InvalidContentType", "that server does not speak TLS; is it nats:// that is meant?"),
        (
            "CaUsedAsEndEntity",
            "its certificate is signed by itself; it needs one of an authority, which --ca can name",
        ),
        (
            "UnknownIssuer",
            "its certificate is of no authority that is trusted here; name that one's with --ca FILE",
        ),
    ];
    WORDS.iter().find(|(word, _)| told.contains(word)).map(|(_, words)| *words)
}

/// What the server does not take, and where that can be mended.
fn refusal(config: &Config) -> String {
    let Config { url, node, .. } = config;
    match &config.creds {
        Some(path) => format!(
            "{url} refuses the credentials {}; put what the server knows of the node {node} into that file",
            path.display()
        ),
        None => format!("{url} wants credentials; name their file with `c2c link setup URL --creds FILE`"),
    }
}
