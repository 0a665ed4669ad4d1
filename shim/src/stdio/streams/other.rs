//! Platforms without sockets as standard streams.

use super::{Reader, Writer};

/// None.
pub(super) const fn sockets() -> Option<(Reader, Writer)> {
    None
}
