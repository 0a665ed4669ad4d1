//! Gives paths of stores to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c2c_fuzz::paths::check(data));
