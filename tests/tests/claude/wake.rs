//! Mail reaches a session that does not look for it.

