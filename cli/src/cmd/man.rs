//! `c2c man`: the manual pages, from the same definition as `--help`.

use crate::args::Args as Whole;
use crate::exit::Exit;
use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_mangen::Man;
use std::io::{self, Write};
use std::path::PathBuf;

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Prints the manual page of c2c, for man(1), from the same texts as --help.

With --all it writes that page and one for each command into a folder.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
Exit status:
  0  done
  1  an error: the folder cannot be written

Examples:
  c2c man | man -l -
  c2c man --all ~/.local/share/man/man1    then: man c2c-lease";

/// What can be said to `c2c man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write c2c.1 and c2c-COMMAND.1 for every command into this folder, which is made if it is missing
    #[arg(long, value_name = "DIR")]
    all: Option<PathBuf>,
}

/// Print the manual page.
#[expect(clippy::unused_async, reason = "all commands are run the same way")]
pub(crate) async fn run(args: ManArgs) -> anyhow::Result<Exit> {
    write(args)
}

fn write(args: ManArgs) -> anyhow::Result<Exit> {
    match args.all {
        None => {
            let mut page = Vec::new();
            Man::new(Whole::command()).render(&mut page)?;
            io::stdout().write_all(&page)?;
        }
        Some(folder) => {
            std::fs::create_dir_all(&folder)
                .and_then(|()| clap_mangen::generate_to(Whole::command(), &folder))
                .with_context(|| format!("the manual pages cannot be written into {}", folder.display()))?;
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::{ManArgs, write};
    use crate::args::Args;
    use clap::CommandFactory;

    #[test]
    fn every_command_has_a_page_and_stands_in_that_of_c2c() {
        let folder = tempfile::tempdir().unwrap();
        let pages = folder.path().join("man1");
        write(ManArgs { all: Some(pages.clone()) }).unwrap();
        let main = std::fs::read_to_string(pages.join("c2c.1")).unwrap();
        let command = Args::command();
        for name in command.get_subcommands().map(clap::Command::get_name) {
            assert!(main.contains(&format!("c2c\\-{name}")), "c2c.1 does not mention {name}");
            let page = std::fs::read_to_string(pages.join(format!("c2c-{name}.1"))).unwrap();
            assert!(page.contains(".SH SYNOPSIS"), "{page}");
        }
    }
}
