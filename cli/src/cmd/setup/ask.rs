//! Questions to the person, where one is there.

use anyhow::bail;
use std::io::{self, BufRead, IsTerminal, Write};

/// Whether somebody can answer.
fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Whether the person wants it; `given`: said so on the command line. Where nobody can be asked that is a must: a program
/// that was left alone with this command does not decide it.
pub(in crate::cmd) fn allowed(given: bool, question: &str) -> anyhow::Result<bool> {
    if given {
        return Ok(true);
    }
    if !somebody_is_there() {
        bail!("nobody is here to be asked, and nothing was changed: add --yes if that is meant");
    }
    yes(question)
}

/// Asks; anything but a yes is a no.
fn yes(question: &str) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{question} [y/N] ")?;
    stdout.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
