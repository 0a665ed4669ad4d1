//! `c2c log`: the end of the broker's log, and what comes.

mod files;
mod follow;

use crate::exit::Exit;
use crate::text::visible;
use c2c_proto::Error;
use c2c_proto::paths::StorePaths;
use clap::Args;
use std::io::{self, Write};

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Shows the last lines of the broker's log. No broker has to run for that, and none is started.

The log holds what the broker did, with ids and lengths, never what messages say. C2C_LOG=debug in the
environment of the session that starts the broker makes it say more.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
Exit status:
  0    done
  1    an error: the log cannot be read
  4    there is no log
  130  with --follow: interrupted

Examples:
  c2c log -n 200
  c2c log -f | grep -v INFO";

/// What can be said to `c2c log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Go on with what is logged from now on, also when the log moves on to another file
    #[arg(short, long)]
    follow: bool,
    /// How many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    lines: usize,
}

/// Show the broker's log.
pub(crate) async fn run(args: LogArgs) -> anyhow::Result<Exit> {
    let paths = StorePaths::from_env()?;
    let Some((lines, follow)) = files::end_of(&paths.log, args.lines)? else {
        return Err(none(&paths).into());
    };
    let mut stdout = io::stdout();
    for line in lines {
        show(&mut stdout, &line)?;
    }
    stdout.flush()?;
    if args.follow {
        follow::follow(&paths.log, follow, |line| show(&mut io::stdout(), line)).await?;
    }
    Ok(Exit::Done)
}

/// One line, with what a terminal would obey made harmless.
fn show(out: &mut impl Write, line: &[u8]) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", visible(String::from_utf8_lossy(line).trim_end_matches('\r')))?)
}

fn none(paths: &StorePaths) -> Error {
    Error::not_found(
        format!("there is no log at {}", paths.log.display()),
        "a broker writes one when it starts, with the first session that uses this store; is it another store that \
         you mean? CLAUDE_C2C_DB names it",
    )
}
