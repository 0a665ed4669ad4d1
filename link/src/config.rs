//! The link's settings: `c2c.link.toml` beside the store.

use anyhow::{Context, bail, ensure};
use async_nats::ConnectOptions;
use c2c_proto::name::node_follows_rule;
use c2c_proto::paths::is_private;
use c2c_proto::server_url::is_plain_elsewhere;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the NATS server is: `nats://host:4222` or `tls://host:4222`; those of a cluster separated by commas.
    pub(crate) url: String,
    /// What this store is called by others.
    pub(crate) node: String,
    /// A file with what proves that to the server: a `.creds` file, an nkey's seed, or `user:password`.
    #[serde(default)]
    pub(crate) creds: Option<PathBuf>,
    /// A file with the certificates of authorities to trust beside those of the system.
    #[serde(default)]
    pub(crate) ca: Option<PathBuf>,
    /// Whether mail may travel without encryption to other machines.
    #[serde(default)]
    pub(crate) insecure: bool,
    /// On so many servers of a cluster lies what travels, and which node is which store.
    #[serde(default = "one")]
    pub(crate) replicas: usize,
    /// The id of a store that is gone for good, whose name this one takes.
    #[serde(default)]
    pub(crate) replaces: Option<String>,
}

const fn one() -> usize {
    1
}

/// More the server does not keep.
const REPLICAS_MAX: usize = 5;

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// What is wrong with it, and what can be done.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("there is no link: {} is missing; `c2c link setup URL` writes it", path.display())
            }
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let config: Self = toml::from_str(&text).with_context(|| path.display().to_string())?;
        ensure!(
            node_follows_rule(&config.node),
            "{}: node {:?} is not 1 to 63 of the characters a-z 0-9 -, the first no dash",
            path.display(),
            config.node
        );
        ensure!(
            (1..=REPLICAS_MAX).contains(&config.replicas),
            "{}: replicas = {} is not 1 to {REPLICAS_MAX}",
            path.display(),
            config.replicas
        );
        // It would stand in the log, and in the settings.
        ensure!(
            !config.url.contains('@'),
            "{}: url has a user or a password in it; put user:password into a file that only you can read, and name it with creds",
            path.display()
        );
        config.check_encryption()?;
        Ok(config)
    }

    /// Mail is not sent as plain text through a network, unless somebody says so.
    fn check_encryption(&self) -> anyhow::Result<()> {
        match self.servers().find(|url| is_plain_elsewhere(url)) {
            Some(url) if !self.insecure => bail!(
                "{url} is another machine, and mail would go there as plain text; use tls://, or set insecure = true where \
                 the network itself is encrypted"
            ),
            _ => Ok(()),
        }
    }

    /// The servers, of which any one will do.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &str> {
        self.url.split(',').map(str::trim)
    }

    /// How the server is connected to.
    ///
    /// # Errors
    /// When the credentials cannot be used.
    pub(crate) fn options(&self) -> anyhow::Result<ConnectOptions> {
        // What the server sends to this link goes where no other node may listen. And only a server that was checked is
        // connected to, none that it tells of.
        let mut options = ConnectOptions::new()
            .name(format!("c2c-link {}", self.node))
            .custom_inbox_prefix(format!("_INBOX_{}", self.node))
            .ignore_discovered_servers();
        if self.servers().any(is_encrypted) {
            options = options.require_tls(true);
        }
        if let Some(ca) = &self.ca {
            let whose = || format!("the certificates {}", ca.display());
            let text = std::fs::read_to_string(ca).with_context(whose)?;
            ensure!(text.contains("BEGIN CERTIFICATE"), "{} are none", whose());
            options = options.add_root_certificates(ca.clone());
        }
        let Some(path) = &self.creds else { return Ok(options) };
        let whose = || format!("the credentials {}", path.display());
        ensure!(is_private(path).with_context(whose)?, "{} can be read by others; chmod 600", whose());
        let text = std::fs::read_to_string(path).with_context(whose)?;
        let line = text.trim();
        Ok(if text.contains("BEGIN NATS USER JWT") {
            options.credentials(&text).with_context(whose)?
        } else if let Some((user, password)) = line.split_once(':') {
            options.user_and_password(user.to_owned(), password.to_owned())
        } else {
            ensure!(is_seed(line), "{} are no .creds file, no nkey's seed, and no user:password", whose());
            options.nkey(line.to_owned())
        })
    }
}

/// Whether it looks like the seed of a user's key: what it is, its kind, and the rest in base 32.
fn is_seed(line: &str) -> bool {
    line.starts_with("SU") && line.len() == 58 && line.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_encrypted(url: &str) -> bool {
    url.starts_with("tls://")
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c2c.link.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn plain_text_stays_on_this_machine_unless_it_is_meant() {
        assert!(read("url = \"nats://localhost\"\nnode = \"a\"").is_ok());
        assert!(read("url = \"tls://example.org\"\nnode = \"a\"").is_ok());
        let refused = read("url = \"nats://example.org\"\nnode = \"a\"").unwrap_err();
        assert!(refused.contains("plain text") && refused.contains("insecure = true"), "{refused}");
        assert!(read("url = \"nats://example.org\"\nnode = \"a\"\ninsecure = true").is_ok());
    }

    #[test]
    fn each_server_of_a_cluster_is_looked_at() {
        let config = |url: &str| read(&format!("url = \"{url}\"\nnode = \"a\"\nreplicas = 3"));
        assert!(config("tls://a.example.org, tls://b.example.org:4223").is_ok());
        assert!(config("nats://localhost:1,nats://127.0.0.1:2").is_ok());
        let refused = config("tls://a.example.org,nats://b.example.org").unwrap_err();
        assert!(refused.contains("nats://b.example.org is another machine"), "{refused}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for replicas in ["0", "6"] {
            let text = format!("url = \"nats://localhost\"\nnode = \"a\"\nreplicas = {replicas}");
            assert!(read(&text).unwrap_err().contains("is not 1 to 5"));
        }
        assert!(read("url = \"nats://localhost\"\nnode = \"A b\"").unwrap_err().contains("\"A b\""));
        assert!(read("url = \"nats://localhost\"").unwrap_err().contains("node"));
        assert!(read("url = \"nats://localhost\"\nnode = \"a\"\nnodes = 1").unwrap_err().contains("nodes"));
        let missing = Config::read(std::path::Path::new("/nowhere/c2c.link.toml")).unwrap_err().to_string();
        assert!(missing.contains("c2c link setup"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn credentials_that_others_can_read_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let creds = folder.path().join("creds");
        std::fs::write(&creds, "laptop:secret\n").unwrap();
        let text = format!("url = \"nats://localhost\"\nnode = \"a\"\ncreds = {creds:?}");
        for (mode, fine) in [(0o600, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&creds, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&text).unwrap().options().is_ok(), fine, "{mode:o}");
        }
    }
}
