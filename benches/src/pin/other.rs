//! Systems on which a process cannot be kept to one processor.

pub(super) const CAN_PIN: bool = false;

/// Pins nothing.
#[derive(Debug)]
pub struct Pinned;

impl Pinned {
    /// Pins nothing.
    #[must_use]
    pub const fn to_one() -> Self {
        Self
    }
}
