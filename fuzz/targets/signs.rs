//! What a service may log besides its access lines.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| authtail::fuzzing::signs(data));
