//! Access lines of proxies, and what they say about auth calls.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| authtail::fuzzing::proxies(data));
