//! How far a long command is, on stderr: a bar where a person watches, a line now and then where none does.
//!
//! It knows nothing of what is done, and never fails what it tells of.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two lines.
const LINE_EVERY: Duration = Duration::from_secs(3);
/// Between two drawings of the bar, in hertz.
const BAR_HZ: u8 = 10;

/// See the module's first lines. What is left of it on a terminal goes with it.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Bar(ProgressBar),
    Lines(Instant),
    Quiet,
}

impl Progress {
    /// `what` is done, in all so much of whatever unit; `quiet`: it is not to be told.
    pub(crate) fn new(what: &'static str, total: u64, quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let way = if quiet {
            Way::Quiet
        } else if io::stderr().is_terminal() && !dumb {
            Way::Bar(bar(what, total))
        } else {
            Way::Lines(Instant::now())
        };
        Self { what, total, way }
    }

    /// So much is done.
    pub(crate) fn at(&mut self, done: u64) {
        match &mut self.way {
            Way::Bar(bar) => bar.set_position(done.min(self.total)),
            Way::Lines(told) if told.elapsed() >= LINE_EVERY => {
                *told = Instant::now();
                // Whoever closed stderr does not want to know.
                let _ = writeln!(io::stderr(), "{}", line(self.what, done, self.total));
            }
            Way::Lines(_) | Way::Quiet => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Way::Bar(bar) = &self.way {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(BAR_HZ));
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {percent} %") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_message(what)
}

fn line(what: &str, done: u64, total: u64) -> String {
    let percent = done.min(total).saturating_mul(100).checked_div(total).unwrap_or(100);
    format!("{what}: {percent} %")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_says_the_part_that_is_done() {
        assert_eq!(line("copying", 0, 200), "copying: 0 %");
        assert_eq!(line("copying", 199, 200), "copying: 99 %");
        // The size of a copy is only guessed beforehand.
        assert_eq!(line("copying", 300, 200), "copying: 100 %");
        assert_eq!(line("copying", 0, 0), "copying: 100 %");
    }
}
