//! Gives full-text queries to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c2c_fuzz::query::check(data));
