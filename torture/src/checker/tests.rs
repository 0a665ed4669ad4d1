//! Small histories.
