//! Store-level tests against real files.
