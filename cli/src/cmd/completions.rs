//! `c2c completions`: what makes a shell complete the words after `c2c`.

use crate::args::Args as Whole;
use crate::exit::Exit;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use std::io::{self, Write};

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Prints the completions for a shell, made from the commands and options that this program has.";

/// What `--help` says last.
pub(crate) const AFTER: &str = "\
Exit status:
  0  done
  2  wrong usage

Examples:
  c2c completions bash > ~/.local/share/bash-completion/completions/c2c
  c2c completions zsh > ~/.zfunc/_c2c        with `fpath+=~/.zfunc` before compinit in ~/.zshrc
  c2c completions fish > ~/.config/fish/completions/c2c.fish
  c2c completions powershell >> $PROFILE
  c2c completions elvish >> ~/.config/elvish/rc.elv";

/// What can be said to `c2c completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

/// Print the completions for a shell.
#[expect(clippy::unused_async, reason = "all commands are run the same way")]
pub(crate) async fn run(args: CompletionsArgs) -> anyhow::Result<Exit> {
    io::stdout().write_all(&script(args.shell))?;
    Ok(Exit::Done)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Whole::command(), "c2c", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::script;
    use crate::args::Args;
    use clap::{CommandFactory, ValueEnum};
    use clap_complete::Shell;

    #[test]
    fn each_shell_learns_every_command() {
        let command = Args::command();
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for name in command.get_subcommands().map(clap::Command::get_name) {
                assert!(script.contains(name), "{shell} does not know {name}");
            }
        }
    }
}
