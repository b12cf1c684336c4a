//! What an engine sends as a log, cut into pieces anywhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| authtail::fuzzing::frames(data));
