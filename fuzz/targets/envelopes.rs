//! What is around a line of a log that is piped in.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| authtail::fuzzing::envelopes(data));
