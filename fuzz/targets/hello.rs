//! Gives the first frame to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| c2c_fuzz::hello::check(data));
