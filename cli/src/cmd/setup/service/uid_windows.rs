//! Windows has no such number, and nothing here that needs one.

/// None.
pub(super) const fn own() -> u32 {
    0
}
