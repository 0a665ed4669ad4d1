//! `c2c link setup`: the settings that `c2c-link` reads, and its service.

use super::service::Plan;
use crate::cmd::setup::complain;
use crate::cmd::setup::places::Places;
use crate::exit::Exit;
use crate::print;
use crate::text::visible;
use anyhow::Context;
use c2c_proto::id::is_store_id;
use c2c_proto::name::{derive, node_follows_rule};
use c2c_proto::paths::{StorePaths, is_private, private_file};
use c2c_proto::server_url::is_plain_elsewhere;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A link that runs has said something by then.
const FIRST_WORDS_MAX: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);

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
    /// Take the node's name from this store, which is gone for good
    #[arg(long, value_name = "STORE", requires = "url", value_parser = store_id)]
    replace: Option<String>,
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
        Some(url) => settings(paths, url, &args).await?,
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
    let began = print::now();
    match service.install(&places).await? {
        None => {
            print::out(&first_words(began).await)?;
            Ok(Exit::Done)
        }
        Some(trouble) => {
            complain(&format!("{trouble}\n     or run c2c-link by hand"))?;
            Ok(Exit::Error)
        }
    }
}

/// As the link names one.
fn store_id(text: &str) -> Result<String, &'static str> {
    is_store_id(text)
        .then(|| text.to_owned())
        .ok_or("c2c link status says it, as in 0199aa00-0000-7000-8000-000000000000")
}

/// What the link says of itself once it runs: whoever set it up wants to know whether it works.
async fn first_words(began: Timestamp) -> String {
    let said = async {
        loop {
            // The broker may be starting anew.
            if let Ok(state) = super::state().await
                && let Some((at, report)) = state.report
                && at >= began
                && !report.starts_with("connecting")
                // The one before, which gives way.
                && !report.ends_with("c2c-link has ended")
            {
                return format!("c2c-link: {}\n", visible(&report));
            }
            sleep(LOOK_EVERY).await;
        }
    };
    let nothing = |_| "c2c-link has said nothing yet; `c2c link status` says how it does\n".to_owned();
    timeout(FIRST_WORDS_MAX, said).await.unwrap_or_else(nothing)
}

/// Writes them. What is not said stays as it was.
async fn settings(paths: &StorePaths, url: &str, args: &SetupArgs) -> anyhow::Result<()> {
    check(url, args.insecure)?;
    let before = before(&paths.link_config);
    let text = |key: &str| before.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let node = node(args, text("node")).await?;
    let mut settings = vec![format!("url = {}", quoted(url)), format!("node = {}", quoted(&node))];
    let mut kept = Vec::new();
    for (key, given) in [("creds", &args.creds), ("ca", &args.ca)] {
        let Some(path) = given.clone().or_else(|| text(key).map(PathBuf::from)) else { continue };
        let path = std::path::absolute(&path).with_context(|| path.display().to_string())?;
        check_file(key, &path)?;
        settings.push(format!("{key} = {}", quoted(&path.to_string_lossy())));
        if given.is_none() {
            kept.push(key);
        }
    }
    let before = before.get("replicas").and_then(toml::Value::as_integer);
    if let Some(replicas) = args.replicas.map(i64::from).or(before) {
        settings.push(format!("replicas = {replicas}"));
    }
    if let Some(store) = &args.replace {
        settings.push(format!("replaces = {}", quoted(store)));
    }
    if args.insecure {
        settings.push("insecure = true".to_owned());
    }
    let path = &paths.link_config;
    private_file()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| file.write_all((settings.join("\n") + "\n").as_bytes()))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    print::out(&format!("this store is the node {node}; the settings are {}\n", path.display()))?;
    if !kept.is_empty() {
        print::out(&format!("as before: {}; `c2c link remove` forgets all of them\n", kept.join(", ")))?;
    }
    Ok(())
}

/// What the store is to be called: as was said, or as before, or as the machine.
async fn node(args: &SetupArgs, before: Option<String>) -> anyhow::Result<String> {
    // Where no broker can be asked the link finds out.
    let known = super::state().await.ok();
    let own = known.as_ref().and_then(|state| state.node.clone());
    let node = args.node.clone().or(before).or_else(|| own.clone()).unwrap_or_else(|| cleaned(&host()));
    if !node_follows_rule(&node) {
        return Err(Error::invalid(
            format!("no node can be called {node:?}: it is not 1 to 63 of the characters a-z 0-9 -, the first no dash"),
            "name it with --node, for example laptop",
        )
        .into());
    }
    match own {
        Some(own) if own != node && known.is_some_and(|state| !state.nodes.is_empty()) => Err(Error::new(
            ErrorCode::Conflict,
            format!(
                "this store is the node {own:?}, and others know it by that name; it cannot become {node:?}"
            ),
            format!("say --node {own}"),
        )
        .into()),
        _ => Ok(node),
    }
}

/// Refuses a file that the link would refuse.
fn check_file(key: &str, path: &Path) -> anyhow::Result<()> {
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if key == "creds" && !is_private(path)? {
        let says = format!("the credentials {} can be read by others", path.display());
        return Err(Error::invalid(says, "run chmod 600 on that file").into());
    }
    if key == "ca" && !String::from_utf8_lossy(&text).contains("BEGIN CERTIFICATE") {
        let says = format!("{} holds no certificate", path.display());
        return Err(Error::invalid(
            says,
            "give the authority's certificate as PEM, which begins with BEGIN CERTIFICATE",
        )
        .into());
    }
    Ok(())
}

/// The settings that there are; none where they cannot be read.
fn before(path: &Path) -> toml::Table {
    std::fs::read_to_string(path).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Refuses what the link would refuse when it starts, which may be later and elsewhere.
fn check(url: &str, insecure: bool) -> Result<(), Error> {
    for server in url.split(',').map(str::trim) {
        let host = server.strip_prefix("nats://").or_else(|| server.strip_prefix("tls://"));
        let Some(host) = host.filter(|host| !host.is_empty()) else {
            let hint = "say nats://HOST:PORT, or tls://HOST:PORT; several separated by commas";
            return Err(Error::invalid(format!("{server:?} is no address of a NATS server"), hint));
        };
        if host.contains('@') {
            let hint = "write user:password into a file that only you can read, and give it with --creds";
            return Err(Error::invalid(format!("{server:?} has a user or a password in it"), hint));
        }
        let after = host.rsplit_once(']').map_or(host, |(_, port)| port);
        if let Some((_, port)) = after.rsplit_once(':')
            && !port.parse::<u16>().is_ok_and(|port| port > 0)
        {
            let hint = "NATS listens on 4222 where nothing else is said";
            return Err(Error::invalid(format!("{server:?} has no port from 1 to 65535"), hint));
        }
        if !insecure && is_plain_elsewhere(server) {
            return Err(Error::invalid(
                format!("{server} is another machine, and mail would go there as plain text"),
                "use tls://, or add --insecure where the network itself is encrypted",
            ));
        }
    }
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
    use super::{check, cleaned, quoted};

    #[test]
    fn what_the_link_would_refuse_is_refused_at_once() {
        for (url, insecure) in [
            ("nats://localhost:4222", false),
            ("nats://127.0.0.1", false),
            ("nats://[::1]:4222", false),
            ("tls://a.example.org:4222,tls://b.example.org", false),
            ("nats://10.0.0.1", true),
        ] {
            assert_eq!(check(url, insecure), Ok(()), "{url}");
        }
        for (url, why) in [
            ("nats.example.org", "no address"),
            ("http://nats.example.org", "no address"),
            ("nats://", "no address"),
            ("nats://localhost:99999", "no port"),
            ("nats://[::1]:x", "no port"),
            ("tls://u:p@nats.example.org", "password"),
            ("nats://10.0.0.1", "plain text"),
            ("tls://a.example.org,nats://b.example.org", "plain text"),
        ] {
            let refused = check(url, false).unwrap_err();
            assert!(refused.message.contains(why), "{url}: {refused}");
        }
    }

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
