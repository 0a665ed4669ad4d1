//! Gives names to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c2c_fuzz::names::check(data));
