//! `c2c link setup`: the settings that `c2c-link` reads, and its service.

use super::service::Plan;
use crate::cmd::setup::complain;
use crate::cmd::setup::places::Places;
use crate::exit::Exit;
use crate::print;
use anyhow::Context;
use c2c_proto::Error;
use c2c_proto::name::{derive, node_follows_rule};
use c2c_proto::paths::{StorePaths, private_file};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// What can be said to it.
#[derive(Debug, Args)]
pub(super) struct SetupArgs {
    /// The NATS server: nats://HOST:PORT, or tls://HOST:PORT; those of a cluster separated by commas [default: the settings stay as they are]
    url: Option<String>,
    /// What others call this store [default: this machine's name]
    #[arg(long, value_name = "NAME", requires = "url")]
    node: Option<String>,
    /// A file with what proves that to the server: a .creds file, an nkey's seed, or user:password
    #[arg(long, value_name = "FILE", requires = "url")]
    creds: Option<PathBuf>,
    /// A file with certificates of authorities to trust as well
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// On so many servers of a cluster lies what travels [default: 1]
    #[arg(long, value_name = "N", requires = "url", value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: Option<u8>,
    /// Let mail travel to another machine without encryption
    #[arg(long, requires = "url")]
    insecure: bool,
    /// Without the service: c2c-link is run in another way
    #[arg(long)]
    no_service: bool,
}

pub(super) async fn run(paths: &StorePaths, args: SetupArgs) -> anyhow::Result<Exit> {
    let places = Places::find()?;
    // What is refused is refused before anything is written.
    let service = if args.no_service { None } else { Some(Plan::make(&places)?) };
    match &args.url {
        Some(url) => settings(paths, url, &args)?,
        None if paths.link_config.exists() => {}
        None => {
            return Err(Error::invalid(
                format!("there are no settings that could stay: {} is missing", paths.link_config.display()),
                "name the NATS server: `c2c link setup tls://HOST:PORT`",
            )
            .into());
        }
    }
    let Some(service) = service else {
        print::out("run c2c-link (restart it where it runs)\n")?;
        return Ok(Exit::Done);
    };
    match service.install(&places).await? {
        None => Ok(Exit::Done),
        Some(trouble) => {
            complain(&format!("{trouble}\n     or run c2c-link by hand"))?;
            Ok(Exit::Error)
        }
    }
}

/// Writes them.
fn settings(paths: &StorePaths, url: &str, args: &SetupArgs) -> anyhow::Result<()> {
    let node = match args.node.clone() {
        Some(node) => node,
        None => cleaned(&host()),
    };
    if !node_follows_rule(&node) {
        return Err(Error::invalid(
            format!("no node can be called {node:?}: it is not 1 to 63 of the characters a-z 0-9 -, the first no dash"),
            "name it with --node, for example laptop",
        )
        .into());
    }
    let mut text = format!("url = {}\nnode = {}\n", quoted(url), quoted(&node));
    for (key, path) in [("creds", &args.creds), ("ca", &args.ca)] {
        if let Some(path) = path {
            let path = std::path::absolute(path).with_context(|| path.display().to_string())?;
            text.push_str(&format!("{key} = {}\n", quoted(&path.to_string_lossy())));
        }
    }
    if let Some(replicas) = args.replicas {
        text.push_str(&format!("replicas = {replicas}\n"));
    }
    if args.insecure {
        text.push_str("insecure = true\n");
    }
    let path = &paths.link_config;
    private_file()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    print::out(&format!("this store is the node {node}; the settings are {}\n", path.display()))?;
    Ok(())
}

/// A text as TOML has it; what JSON escapes, TOML escapes in the same way.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What the machine is called.
fn host() -> String {
    let told = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    std::fs::read_to_string("/etc/hostname")
        .ok()
        .filter(|name| !name.trim().is_empty())
        .or_else(|| told("HOSTNAME"))
        .or_else(|| told("COMPUTERNAME"))
        .unwrap_or_default()
}

/// A node's name, made of a host's.
fn cleaned(host: &str) -> String {
    let first = host.trim().split('.').next().unwrap_or_default();
    let derived = derive(first).to_lowercase().replace(['.', '_'], "-");
    derived.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{cleaned, quoted};

    #[test]
    fn a_host_lends_its_name() {
        for (host, node) in
            [("Laptop\n", "laptop"), ("build_server.example.org", "build-server"), ("x1", "x1")]
        {
            assert_eq!(cleaned(host), node);
        }
    }

    #[test]
    fn a_path_of_windows_is_quoted() {
        assert_eq!(quoted(r"C:\a b\c"), r#""C:\\a b\\c""#);
    }
}
