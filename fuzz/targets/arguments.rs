//! Gives the tools' arguments to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c2c_fuzz::arguments::check(data));
