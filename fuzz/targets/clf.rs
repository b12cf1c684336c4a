//! Access lines of the combined family, of nginx, and flat JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| authtail::fuzzing::clf(data));
