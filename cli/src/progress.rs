//! How far a long command is, on stderr: a bar where a person watches, a line now and then where none does; and where
//! nothing can be measured, for how long it has been at work.
//!
//! It knows nothing of what is done, and never fails what it tells of.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::convert::Infallible;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Between two lines.
const LINE_EVERY: Duration = Duration::from_secs(3);
/// Between two looks at the length of a file that grows.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Between two drawings of the seconds.
const DRAW_EVERY: Duration = Duration::from_secs(1);
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
        let way = if quiet {
            Way::Quiet
        } else if is_watched() {
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

    /// So much is done as this file is long; for as long as somebody wants to know.
    pub(crate) async fn of_file(mut self, file: &Path) -> Infallible {
        loop {
            sleep(LOOK_EVERY).await;
            self.at(std::fs::metadata(file).map_or(0, |file| file.len()));
        }
    }
}

/// Does the work, which nobody can measure, and tells meanwhile how long that has taken.
pub(crate) async fn during<T>(what: &'static str, quiet: bool, work: impl Future<Output = T>) -> T {
    if quiet {
        return work.await;
    }
    if !is_watched() {
        let tell = |so_far| {
            // Whoever closed stderr does not want to know.
            let _ = writeln!(io::stderr(), "{}", at_work(what, so_far));
        };
        return telling(LINE_EVERY, tell, work).await;
    }
    let shown = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(BAR_HZ));
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        shown.set_style(style);
    }
    let done = telling(DRAW_EVERY, |so_far| shown.set_message(at_work(what, so_far)), work).await;
    shown.finish_and_clear();
    done
}

async fn telling<T>(every: Duration, mut tell: impl FnMut(Duration), work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let mut work = pin!(work);
    loop {
        match timeout(every, &mut work).await {
            Ok(done) => return done,
            Err(_elapsed) => tell(began.elapsed()),
        }
    }
}

fn at_work(what: &str, so_far: Duration) -> String {
    format!("{what} … {} s", so_far.as_secs())
}

/// Whether a person sees what is drawn.
fn is_watched() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
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
    use super::{at_work, during, line, telling};
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[test]
    fn a_line_says_the_part_that_is_done() {
        assert_eq!(line("copying", 0, 200), "copying: 0 %");
        assert_eq!(line("copying", 199, 200), "copying: 99 %");
        // The size of a copy is only guessed beforehand.
        assert_eq!(line("copying", 300, 200), "copying: 100 %");
        assert_eq!(line("copying", 0, 0), "copying: 100 %");
    }

    #[tokio::test]
    async fn what_cannot_be_measured_is_told_of_until_it_is_done() {
        let (done, work) = oneshot::channel();
        let (mut told, mut done) = (Vec::new(), Some(done));
        let tell = |so_far| {
            told.push(so_far);
            if told.len() == 3 {
                done.take().unwrap().send("done").unwrap();
            }
        };
        assert_eq!(telling(Duration::from_millis(1), tell, work).await, Ok("done"));
        assert!(told.len() >= 3 && told.is_sorted(), "{told:?}");
        assert_eq!(at_work("checking", Duration::from_millis(6_020)), "checking … 6 s");
        assert_eq!(during("checking", true, async { 7 }).await, 7);
    }
}
