//! Questions to the person, where one is there.

use std::io::{self, BufRead, IsTerminal, Write};

/// Whether somebody can answer.
pub(in crate::cmd) fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks; anything but a yes is a no.
pub(in crate::cmd) fn yes(question: &str) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{question} [y/N] ")?;
    stdout.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
