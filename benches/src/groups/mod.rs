//! What is measured, one file for each group of figures.

mod calls;
mod exchange;
mod fanout;
mod floors;
mod growth;
#[cfg(target_os = "linux")]
mod idle;
mod link;
mod link_rates;
#[cfg(target_os = "linux")]
mod memory;
mod predecessor;
mod start;
mod throughput;

use crate::report::Figure;

/// What a group needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Fewer repeats and smaller stores: to see that everything works. Its figures are worth little.
    pub quick: bool,
    /// Only what has this in its setting, where a group has many settings.
    pub only: Option<&'a str>,
    /// Also what takes long and much of the disk.
    pub huge: bool,
}

impl Context<'_> {
    /// How often something is repeated.
    #[must_use]
    pub const fn repeats(self, whole: usize) -> usize {
        if !self.quick {
            return whole;
        }
        let few = whole / 10;
        if few == 0 { 1 } else { few }
    }

    /// Whether a setting is to be measured: one that contains what is wanted, or is it, if that ends with a `$`.
    #[must_use]
    pub fn wants(self, setting: &str) -> bool {
        self.only.is_none_or(|only| match only.strip_suffix('$') {
            Some(whole) => setting == whole,
            None => setting.contains(only),
        })
    }
}

/// A group: its name on the command line, what it measures, and how.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// As on the command line.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Measures all of it.
    pub run: fn(Context<'_>) -> Vec<Figure>,
}

/// All groups, in the order in which they run.
pub const ALL: &[Group] = &[
    Group { name: "floors", about: "what the machine can do at best", run: floors::run },
    Group { name: "start", about: "from the start of a process to its first answers", run: start::run },
    #[cfg(target_os = "linux")]
    Group { name: "memory", about: "what shims and the broker take of it", run: memory::run },
    #[cfg(target_os = "linux")]
    Group { name: "idle", about: "what everything costs while nothing happens", run: idle::run },
    Group { name: "calls", about: "how long one call takes", run: calls::run },
    Group { name: "throughput", about: "sends per second", run: throughput::run },
    Group { name: "fanout", about: "broadcasts, and thousands that wait", run: fanout::run },
    Group {
        name: "growth",
        about: "the same calls on stores of any size, all on one processor",
        run: growth::run,
    },
    Group { name: "link", about: "mail between two nodes, with a NATS server between them", run: link::run },
    Group { name: "predecessor", about: "c2c beside claude-c2c 0.1.0", run: predecessor::run },
];
