//! `c2c link`: how this store is linked with those of other machines. The program that carries mail is `c2c-link`.

mod service;
mod setup;
mod tell;

use crate::cmd::setup::complain;
use crate::cmd::setup::places::Places;
use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print;
use anyhow::Context;
use c2c_proto::paths::{StorePaths, ensure_private_dir, private_file};
use c2c_proto::request::{LinkHealth, LinkStatus};
use c2c_proto::response;
use c2c_proto::response::LinkState;
use clap::{Args, Subcommand};
use setup::SetupArgs;
use std::io;

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Links this store with those of other machines: then sessions write to NAME@NODE as they write to NAME.

Mail travels over a NATS server with JetStream, carried by the program c2c-link. What is sent is on this disk when the
sender has its answer, and stays there until the other machine's broker has it on its disk.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
`setup` writes the settings beside the store, X.link.toml for X.db, and runs c2c-link as a user service (systemd, launchd; on
Windows a task at logon). Without a URL the settings stay as they are, and only the service is installed. `remove` stops the
service and deletes both. `pause` and `resume` act within seconds.

With --json, `status` is one object:
  node, store_id, configured, paused, report, reported_at
  connected_since    null if it is not connected, or has said nothing for 90 s
  last_error         at and error, or null
  server             what it held when it was asked last: at, messages and bytes of all nodes, for_this_node; or null
  parcels            forwarded (to the server), accepted (by other brokers), brought (from there), since the broker began
  nodes              each: node, waiting (parcels that its broker does not have yet), oldest (since when), oldest_s,
                     forwarded (whether the server was given the oldest), heard_at

Exit status:
  0  done
  1  an error
  2  wrong usage
  4  there is no link to show, pause or remove (`status --json` prints its object all the same)
  5  no broker runs for this store and none could be started

Examples:
  c2c link setup nats://localhost:4222 --node laptop
  c2c link setup tls://nats.example.org --creds laptop.creds
  c2c link setup nats://localhost:4222 --no-service && c2c-link
  c2c link status";

/// What can be said to `c2c link`.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the settings of the link, and run it as a user service
    #[command(after_help = AFTER)]
    Setup(SetupArgs),
    /// How the link does, and what waits for other nodes
    #[command(after_help = AFTER)]
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// The names of the other nodes, one a line
    #[command(after_help = AFTER)]
    Nodes,
    /// Let mail for other nodes wait
    #[command(after_help = AFTER)]
    Pause,
    /// Let it go on
    #[command(after_help = AFTER)]
    Resume,
    /// Stop the service and delete the settings; mail that waits stays
    #[command(after_help = AFTER)]
    Remove,
}

/// Link this store with those of other machines.
pub(crate) async fn run(args: LinkArgs) -> anyhow::Result<Exit> {
    let paths = StorePaths::from_env()?;
    match args.what {
        What::Setup(args) => setup::run(&paths, args).await,
        What::Status { json } => status(&paths, json).await,
        What::Nodes => nodes(&paths).await,
        What::Pause => rest(&paths, true),
        What::Resume => rest(&paths, false),
        What::Remove => remove(&paths).await,
    }
}

async fn state() -> anyhow::Result<LinkState> {
    let link = Link::look_on()?;
    Ok(ask!(link, LinkStatus(LinkStatus {}), LinkState))
}

async fn health() -> anyhow::Result<response::LinkHealth> {
    let link = Link::look_on()?;
    Ok(ask!(link, LinkHealth(LinkHealth { told: None }), LinkHealth))
}

async fn status(paths: &StorePaths, json: bool) -> anyhow::Result<Exit> {
    let look = tell::Look {
        state: state().await?,
        health: health().await?,
        now: print::now(),
        configured: paths.link_config.exists(),
        paused: paths.link_paused.exists(),
    };
    let is_none = look.state.node.is_none() && !look.configured;
    if json {
        print::json(&tell::object(&look))?;
    } else if !is_none {
        print::out(&tell::text(&look))?;
    }
    if is_none { there_is_none() } else { Ok(Exit::Done) }
}

async fn nodes(paths: &StorePaths) -> anyhow::Result<Exit> {
    let state = state().await?;
    if state.node.is_none() && !paths.link_config.exists() {
        return there_is_none();
    }
    for node in state.nodes {
        print::out(&format!("{}\n", node.node))?;
    }
    Ok(Exit::Done)
}

fn rest(paths: &StorePaths, paused: bool) -> anyhow::Result<Exit> {
    if !paths.link_config.exists() {
        return there_is_none();
    }
    let cannot = || paths.link_paused.display().to_string();
    if paused {
        ensure_private_dir(&paths.run_dir)?;
        private_file()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&paths.link_paused)
            .with_context(cannot)?;
        print::out("within seconds mail for other nodes waits, until `c2c link resume`\n")?;
    } else {
        absent(std::fs::remove_file(&paths.link_paused)).with_context(cannot)?;
        print::out("mail for other nodes goes on\n")?;
    }
    Ok(Exit::Done)
}

async fn remove(paths: &StorePaths) -> anyhow::Result<Exit> {
    let places = Places::find()?;
    let was_service = service::is_installed(&places)?;
    if !paths.link_config.exists() && !was_service {
        return there_is_none();
    }
    // First what would fail without its settings, again and again.
    let troubles = if was_service { service::remove(&places).await? } else { Vec::new() };
    let path = &paths.link_config;
    absent(std::fs::remove_file(path)).with_context(|| path.display().to_string())?;
    absent(std::fs::remove_file(&paths.link_paused))?;
    print::out(if was_service {
        "the service and the settings are gone; mail for other nodes waits in the store\n"
    } else {
        "the settings are deleted; end c2c-link where it runs. Mail for other nodes waits in the store\n"
    })?;
    troubles.iter().try_for_each(|trouble| complain(trouble))?;
    Ok(if troubles.is_empty() { Exit::Done } else { Exit::Error })
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn there_is_none() -> anyhow::Result<Exit> {
    print::remark("there is no link; `c2c link setup URL` makes one")?;
    Ok(Exit::NotFound)
}
