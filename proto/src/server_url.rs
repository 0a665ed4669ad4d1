//! The address of a server that carries mail between machines, as far as its safety goes.

use std::net::IpAddr;

/// Whether what is sent to this address goes to another machine as plain text: only `tls://` is encrypted.
#[must_use]
pub fn is_plain_elsewhere(url: &str) -> bool {
    !url.starts_with("tls://") && !is_loopback(host(url))
}

/// The host of a URL, without scheme, user and port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    if let Some(inner) = rest.strip_prefix('[') {
        return inner.split(']').next().unwrap_or_default();
    }
    rest.split(':').next().unwrap_or_default()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{host, is_loopback};

    #[test]
    fn hosts_are_found_and_told_apart() {
        for (url, name, loopback) in [
            ("nats://localhost:4222", "localhost", true),
            ("nats://127.0.0.1", "127.0.0.1", true),
            ("nats://[::1]:4222", "::1", true),
            ("nats://user:pass@10.0.0.1:4222/x", "10.0.0.1", false),
            ("tls://nats.example.org", "nats.example.org", false),
        ] {
            assert_eq!((host(url), is_loopback(host(url))), (name, loopback), "{url}");
        }
    }
}
