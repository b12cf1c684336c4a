//! Access lines of any format.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| authtail::fuzzing::formats(data));
