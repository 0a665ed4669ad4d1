//! How many inputs were read, and how many of them got past the first gate; told when the program ends.
//!
//! An input that is turned away at once, as no JSON or no hello at all, says little: `fuzz/run` shows both numbers
//! beside libFuzzer's own. What the gate is stands where a target calls [`reached`].

use std::cell::Cell;
use std::io::Write;

#[derive(Debug, Default)]
struct Tally {
    inputs: Cell<u64>,
    reached: Cell<u64>,
}

thread_local! {
    // libFuzzer does all in one thread, and what belongs to it is dropped at the program's end.
    static TALLY: Tally = Tally::default();
}

/// One input is to be read.
pub(crate) fn input() {
    TALLY.with(|tally| tally.inputs.set(tally.inputs.get() + 1));
}

/// It got past the first gate.
pub(crate) fn reached() {
    TALLY.with(|tally| tally.reached.set(tally.reached.get() + 1));
}

impl Drop for Tally {
    fn drop(&mut self) {
        let (inputs, reached) = (self.inputs.get(), self.reached.get());
        // In the words of libFuzzer's final statistics, which go there too. Without stderr there is nobody to tell.
        let _told = write!(
            std::io::stderr(),
            "stat::inputs:                   {inputs}\nstat::reached:                  {reached}\n"
        );
    }
}
