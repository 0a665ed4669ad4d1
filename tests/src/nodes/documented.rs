//! The server's configuration as the page shows it, to the letter: only what is left out there is filled in here.

use std::path::Path;

/// The page.
const PAGE: &str = include_str!("../../../docs/many-machines.md");

/// What the page leaves to its reader.
#[derive(Debug)]
pub(super) struct Filled<'a> {
    /// Where it listens, `host:port`.
    pub(super) listen: &'a str,
    pub(super) store_dir: &'a Path,
    /// The certificate and its key; without them nothing is encrypted.
    pub(super) tls: Option<(&'a Path, &'a Path)>,
    pub(super) nodes: &'a [String],
}

impl Filled<'_> {
    /// The configuration.
    pub(super) fn text(&self) -> String {
        let (_, page) = PAGE.split_once("```text\n# nats.conf\n").expect("the page shows a configuration");
        let (shown, _) = page.split_once("```").expect("and where it ends");
        let begin = shown.find("  { user: \"laptop\"").expect("with a user");
        let (user, rest) =
            shown[begin..].split_once("  # the same with tower\n").expect("and a place for others");
        let mut text = shown[..begin].to_owned();
        for node in self.nodes {
            text.push_str(&user.replace('\u{2026}', &secret("laptop")).replace("laptop", node));
        }
        text.push_str(rest);
        let quoted = |path: &Path| path.display().to_string();
        text = put(&text, "0.0.0.0:4222", self.listen);
        text = put(&text, "/var/lib/nats", &quoted(self.store_dir));
        match self.tls {
            Some((cert, key)) => {
                text = put(&text, "/etc/nats/cert.pem", &quoted(cert));
                put(&text, "/etc/nats/key.pem", &quoted(key))
            }
            None => text
                .lines()
                .filter(|line| !line.starts_with("tls "))
                .fold(String::new(), |text, line| text + line + "\n"),
        }
    }
}

fn put(text: &str, shown: &str, value: &str) -> String {
    assert_eq!(text.matches(shown).count(), 1, "the page shows {shown} once");
    text.replace(shown, value)
}

/// A node's password.
pub(super) fn secret(node: &str) -> String {
    format!("secret-of-{node}")
}
