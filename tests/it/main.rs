//! Tests over the front door: the real binary, a fake engine, real Prometheus tools.
fn main() {}
