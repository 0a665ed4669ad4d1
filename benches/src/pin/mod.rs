//! Running on one processor: without the wake-ups from one processor to another, which on virtual machines cost more than
//! what is measured. What a pinned process starts is pinned with it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use other as system;

pub use system::Pinned;

/// Where the processes of a measurement run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Wherever the system puts them.
    Free,
    /// All on one processor.
    Pinned,
}

impl Setting {
    /// Both that can be had here.
    #[must_use]
    pub fn all() -> Vec<Self> {
        if system::CAN_PIN { vec![Self::Free, Self::Pinned] } else { vec![Self::Free] }
    }

    /// As it stands in the tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pinned => "pinned",
        }
    }

    /// Runs something, and all that it starts, in this setting.
    pub fn run<T>(self, what: impl FnOnce() -> T) -> T {
        let _pinned = (self == Self::Pinned).then(Pinned::to_one);
        what()
    }
}
